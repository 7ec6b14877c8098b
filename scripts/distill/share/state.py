"""What lies in the remote storage: files by their hash, archives of outputs, and for each push a manifest of both.

    files/<SHA-256>.gz                             people's files and the code, as they were
    <quoted path>/<command hash>/<SHA-256>         weasel's archives of outputs (a tar.gz each)
    heads/<SHA-256>.json                           manifests that no later push has taken up

Nothing is ever changed in place, so that two who push at once lose nothing: there are two heads then, and the next push
or pull takes up both.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import quote_plus

from pydantic import Field, ValidationError
from tqdm import tqdm

from distill.errors import DistillError
from distill.files import canonical, digest, file_digest
from distill.records import Strict, explain
from distill.share.remote import Remote
from distill.steps import Step, Steps

HEADS = "heads"
SHA256 = "^[0-9a-f]{64}$"


class Output(Strict):
    """An output in the remote. step: who made it. command_hash: weasel's, of the command and its deps. sha256: of the
    archive. files: SHA-256 of each file in it, by path from the root of the project."""

    step: str
    command_hash: str = Field(pattern="^[0-9a-f]{32}$")
    sha256: str = Field(pattern=SHA256)
    files: dict[str, str]

    def key(self, path: str) -> str:
        """Where the archive of the output `path` is."""
        return f"{quote_plus(path)}/{self.command_hash}/{self.sha256}"


class Manifest(Strict):
    """What a push found. files: SHA-256 of people's files and of the code, by path; outputs: by path; lock: weasel's
    entries of the steps that made them."""

    format: Literal[1] = 1
    files: dict[str, str]
    outputs: dict[str, Output]
    lock: dict[str, dict[str, Any]]


def file_key(sha256: str) -> str:
    """Where a file with this content is."""
    return f"files/{sha256}.gz"


def read_heads(remote: Remote) -> dict[str, Manifest]:
    """The manifests that no later push has taken up, by name.

    Raises DistillError where one is not what a push wrote.
    """
    found = {}
    for name in remote.names(HEADS):
        data = remote.read(f"{HEADS}/{name}")
        try:
            if name != f"{digest(data)}.json":
                raise ValueError(f"its content has the SHA-256 {digest(data)}")
            found[name] = Manifest.model_validate_json(data)
        except ValueError as error:
            why = explain(error) if isinstance(error, ValidationError) else str(error)
            raise DistillError(
                f"{remote.address}: {HEADS}/{name} is not as it was pushed ({why})",
                "Find out who wrote to the remote. Without that file, a new push from a project that is whole "
                "brings all of it back. Nothing was changed here.",
            ) from None
    return found


def write_head(remote: Remote, manifest: Manifest, before: Iterable[str]) -> None:
    """Write a manifest, and then take away those that it takes up."""
    data = canonical(manifest.model_dump()).encode()
    name = f"{digest(data)}.json"
    remote.write(f"{HEADS}/{name}", data)
    for old in before:
        if old != name:
            remote.remove(f"{HEADS}/{old}")


def send_file(remote: Remote, source: Path, folder: Path) -> str:
    """Put a file into the remote, if it is not there; returns its SHA-256. folder: for what is temporary."""
    sha256 = file_digest(source)
    packed = folder / f"{sha256}.gz"
    with packed.open("wb") as file, gzip.GzipFile("", "wb", mtime=0, fileobj=file) as pack:
        pack.write(source.read_bytes())
    if remote.size(file_key(sha256)) != packed.stat().st_size:
        remote.send(packed, file_key(sha256))
    packed.unlink()
    return sha256


def fetch_file(remote: Remote, sha256: str, target: Path) -> None:
    """Get a file from the remote.

    Raises DistillError where it is not what its name says.
    """
    packed = target.with_name(f"{target.name}.gz")
    remote.fetch(file_key(sha256), packed)
    try:
        with gzip.open(packed) as file:
            target.write_bytes(file.read())
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(remote, file_key(sha256), str(error)) from None
    if file_digest(target) != sha256:
        raise _broken(remote, file_key(sha256), "its content has another SHA-256")
    packed.unlink()


def hashes(root: Path, output: str) -> dict[str, str]:
    """SHA-256 of each file of an output, by path from the root."""
    place = root / output
    inside = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    return {path.relative_to(root).as_posix(): file_digest(path) for path in inside if path.is_file()}


def send_output(remote: Remote, steps: Steps, step: Step, output: str, folder: Path) -> Output:
    """Put an output into the remote, if it is not there, in the form in which weasel's own pull finds it."""
    archive = folder / "output.tar.gz"
    files = hashes(steps.root, output)
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=0, fileobj=file) as pack,
        tarfile.open(fileobj=pack, mode="w") as tar,
    ):
        for path in files:
            tar.add(steps.root / path, arcname=path, recursive=False, filter=_plain)
    made = Output(step=step.name, command_hash=steps.command_hash(step), sha256=file_digest(archive), files=files)
    if remote.size(made.key(output)) != archive.stat().st_size:
        remote.send(archive, made.key(output))
    return made


def fetch_output(remote: Remote, output: str, made: Output, folder: Path) -> None:
    """Get an output from the remote, below `folder`: only plain files that the manifest names, below the output's own
    path, each with the hash that it names.

    Raises DistillError where the archive holds anything else.
    """
    key = made.key(output)
    archive = folder / "output.tar.gz"
    remote.fetch(key, archive)
    if file_digest(archive) != made.sha256:
        raise _broken(remote, key, "its content has another SHA-256")
    left = dict(made.files)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                inside = member.name == output or member.name.startswith(f"{output}/")
                if not member.isfile() or not inside or path.is_absolute() or ".." in path.parts:
                    raise _broken(remote, key, f"it holds {member.name}, which is no plain file of {output}")
                expected = left.pop(member.name, None)
                content = tar.extractfile(member)
                data = content.read() if content else b""
                if expected is None or hashlib.sha256(data).hexdigest() != expected:
                    raise _broken(remote, key, f"it holds {member.name}, which is not what was pushed")
                target = folder / "outputs" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _broken(remote, key, str(error)) from None
    if left:
        raise _broken(remote, key, f"{next(iter(left))} is not in it")
    archive.unlink()


def progress(items: list[Any], what: str) -> Iterable[Any]:
    """A bar for what takes long."""
    return tqdm(items, desc=what, unit=" files", mininterval=0.5, leave=False, disable=None)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without times, owners and modes: the same files give the same archive."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def _broken(remote: Remote, key: str, why: str) -> DistillError:
    return DistillError(
        f"{remote.address}: {key} is not as it was pushed: {why}",
        "Find out who wrote to the remote. Remove that file there; the next push from a project that has it as it was "
        f"puts it back. If none has, remove what is below {HEADS}/, and push what there is. Nothing was changed here.",
    )
