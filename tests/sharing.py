"""Clones of a project that share a remote storage, and what can be done to one."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from conftest import Project
from distill.files import digest
from distill.share.people import BASE
from distill.share.remote import open_remote
from distill.share.state import Manifest, Output, read_heads, write_head

PEOPLES = ("assets/texts.jsonl", "assets/split.jsonl", "assets/reviews.jsonl", "assets/responses.jsonl")


def clone(project: Project, path: Path, *, with_peoples: bool = False) -> Project:
    """The project as git would bring it: without what the steps made, and with or without what people own."""
    shutil.copytree(project.path, path, ignore=shutil.ignore_patterns("__pycache__", "*.lock", BASE))
    for folder in ("corpus", "training", "packages"):
        shutil.rmtree(path / folder)
        (path / folder).mkdir()
        (path / folder / ".gitkeep").touch()
    if not with_peoples:
        for name in PEOPLES:
            (path / name).unlink(missing_ok=True)
    return Project(path)


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, with a hash of what it holds; links are followed by name only."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink()) and not path.name.endswith((".jsonl.lock", ".pyc"))
    }


def rewrite(address: Path, change: Callable[[Manifest], None]) -> None:
    """What somebody does who can write to the remote and knows how it is made: another manifest in the place of the
    one that is there."""
    remote = open_remote(str(address), address.parent / "elsewhere")
    ((name, manifest),) = read_heads(remote).items()
    change(manifest)
    write_head(remote, manifest, [name])


def forge(address: Path, output: str, members: list[tuple[tarfile.TarInfo, bytes]], files: dict[str, str]) -> None:
    """Put an archive of any members in the place of that of an output, with a manifest that names `files`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

    def change(manifest: Manifest) -> None:
        old = manifest.outputs[output]
        new = Output(step=old.step, command_hash=old.command_hash, sha256=digest(packed.getvalue()), files=files)
        manifest.outputs[output] = new
        open_remote(str(address), address.parent / "elsewhere").write(new.key(output), packed.getvalue())

    rewrite(address, change)


def archive_of(address: Path, output: str) -> Path:
    """The file in a remote folder that holds an output."""
    ((_, manifest),) = read_heads(open_remote(str(address), address.parent / "elsewhere")).items()
    return address / manifest.outputs[output].key(output)


def decisions(project: Project) -> list[str]:
    """The ids of the decisions of a project, in the order of the file."""
    return [json.loads(line)["id"] for line in (project.path / "assets/reviews.jsonl").read_bytes().splitlines()]
