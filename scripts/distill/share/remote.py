"""The remote storage: a folder, or a bucket through cloudpathlib. What is written there is whole or not there."""

import importlib.util
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from cloudpathlib import AnyPath, CloudPath

from distill.errors import DistillError

EXTRAS = {"s3": ("s3", "boto3"), "gs": ("gs", "google.cloud.storage"), "az": ("azure", "azure.storage.blob")}
"""By scheme: the extra of pyproject.toml that installs its client library, and the library."""


class Remote:
    """A folder or a bucket; `key`: a path in it, with `/`."""

    def __init__(self, address: str, place: Path | CloudPath) -> None:
        self.address = address
        self._place = place

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, and not another machine, as far as its address tells."""
        return isinstance(self._place, Path)

    def names(self, key: str) -> list[str]:
        """The names of the files right below `key`, sorted; none where it is not there."""
        with self._said():
            place = self._place / key
            # What a killed push left in a folder has a dot before its name
            return sorted(path.name for path in place.iterdir() if path.name[0] != ".") if place.exists() else []

    def every_key(self) -> list[str]:
        """The keys of all files, sorted."""
        with self._said():
            base = str(self._place).rstrip("/") + "/"
            return sorted(str(path).removeprefix(base) for path in self._place.rglob("*") if path.is_file())

    def size(self, key: str) -> int | None:
        """Bytes of a file; None where it is not there."""
        with self._said():
            place = self._place / key
            return place.stat().st_size if place.exists() else None

    def fetch(self, key: str, target: Path) -> None:
        """Copy a file to `target`.

        Raises DistillError where it is not there.
        """
        with self._said():
            place = self._place / key
            if not place.exists():
                raise DistillError(
                    f"{self.address}: {key} is named by what was pushed, and is not there",
                    "Push again from a project that has it; nothing was changed here.",
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(place, CloudPath):
                place.download_to(target)
            else:
                shutil.copyfile(place, target)

    def send(self, source: Path, key: str) -> None:
        """Copy a file to `key`; it appears there whole or not at all."""
        with self._said():
            place = self._place / key
            if isinstance(place, CloudPath):
                # A bucket shows an object when all of it has come
                place.upload_from(source, force_overwrite_to_cloud=True)
                return
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{uuid.uuid4().hex}.part")
            try:
                with source.open("rb") as read, part.open("wb") as write:
                    shutil.copyfileobj(read, write)
                    write.flush()
                    os.fsync(write.fileno())
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        with self._said():
            place = self._place / key
            if place.exists():
                place.unlink()

    def read(self, key: str) -> bytes:
        """The content of a file."""
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "file"
            self.fetch(key, target)
            return target.read_bytes()

    def write(self, key: str, data: bytes) -> None:
        """Write a file, whole or not at all."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "file"
            source.write_bytes(data)
            self.send(source, key)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """The client libraries have dozens of errors, of no common class; what they say is passed on."""
        try:
            yield
        except DistillError:
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {str(error).strip()}"
            remedy = (
                "Mend that, and run this again."
                if self.is_folder
                else "Check the name, the credentials and the endpoint (docs/share.md), and run this again."
            )
            raise DistillError(f"{self.address}: {what}", remedy) from None


def open_remote(address: str, root: Path) -> Remote:
    """The remote storage that the variable `remote` names.

    Raises DistillError where it names none, a folder that is not there or is part of the project, or a bucket whose
    client library is not installed.
    """
    if not address:
        raise DistillError(
            "project.yml: the variable `remote` is empty, so there is nowhere to push to or pull from",
            "Set it to a folder, or to a bucket: s3://bucket/name.",
        )
    scheme = re.match(r"(\w+)://", address)
    if scheme:
        return Remote(address, _bucket(address, scheme[1]))
    folder = (root / Path(address).expanduser()).resolve()
    if not folder.is_dir():
        raise DistillError(
            f"{address}: no such folder", f"Mount it, or make it if it is meant to be new: mkdir -p {folder}"
        )
    if folder.is_relative_to(root.resolve()):
        raise DistillError(f"{address}: the remote is inside this project", "Name a folder outside of it.")
    return Remote(address, folder)


def _bucket(address: str, scheme: str) -> CloudPath:
    if scheme not in EXTRAS:
        known = ", ".join(f"{name}://" for name in EXTRAS)
        raise DistillError(f"{address}: `{scheme}://` is not known", f"Name a folder, or one of {known}.")
    extra, library = EXTRAS[scheme]
    try:
        found = importlib.util.find_spec(library)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise DistillError(
            f"{address}: the client library for `{scheme}://` is not installed", f'pip install -e ".[{extra}]"'
        )
    try:
        return cast(CloudPath, AnyPath(address))
    except Exception as error:
        # No account is known, for one: only some of the libraries ask for it at once
        raise DistillError(
            f"{address}: {type(error).__name__}: {str(error).strip()}",
            "Give the credentials in the way of that library (docs/share.md).",
        ) from None
