"""Append-only journals: the teacher's answers and people's decisions.

An entry is on disk before `append` returns. The order of the lines carries no meaning: an entry has an id and names
the entries it supersedes, so that the union of two journals' lines, sorted, is their merge, in either direction.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError
from wasabi import msg

from distill.errors import DistillError, at
from distill.files import canonical, digest, write_bytes
from distill.records import Strict, explain


class Entry(Strict):
    """A line of a journal. `supersedes`: the ids of the entries that this one replaces."""

    id: str
    supersedes: list[str] = Field(default_factory=list)

    def line(self) -> bytes:
        """The entry as it stands in the file: the same bytes for equal entries."""
        return canonical(self.model_dump(exclude_none=True)).encode() + b"\n"


E = TypeVar("E", bound=Entry)


def content_id(entry: Entry) -> str:
    """An id made from all the other fields of `entry`: equal entries made on two machines are one entry."""
    return digest(canonical(entry.model_dump(exclude={"id"}, exclude_none=True)).encode())[:24]


def entries(path: Path, model: type[E]) -> Iterator[E]:
    """The entries of a journal, each once; a torn last line (a write that was cut off) is passed over.

    Raises DistillError where any other line is not a `model`, or one id stands for two contents.
    """
    seen: dict[str, bytes] = {}  # a hash of the content by id: the contents themselves would fill the memory
    for number, line in _lines(path):
        try:
            entry = model.model_validate_json(line)
        except ValidationError as error:
            raise DistillError(
                f"{at(path, number)}: not an entry of this journal ({explain(error)})",
                "Mend that line, or delete it if its content can be spared.",
            ) from None
        content = hashlib.sha256(entry.line()).digest()[:16]
        if entry.id not in seen:
            seen[entry.id] = content
            yield entry
        elif seen[entry.id] != content:
            raise DistillError(
                f"{at(path, number)}: the id {entry.id} stands for two different entries",
                "Compare the two lines, keep the true one and delete the other.",
            )


def heads(all_entries: Iterable[E]) -> list[E]:
    """The entries that no other one supersedes, sorted by id."""
    by_id = {entry.id: entry for entry in all_entries}
    replaced = {old for entry in by_id.values() for old in entry.supersedes}
    return [by_id[key] for key in sorted(by_id.keys() - replaced)]


def union(contents: Sequence[bytes], drop: Callable[[bytes], bool] = lambda line: False) -> bytes:
    """The lines of several journals as one, without those that are to be dropped; lines that are the same JSON are one.
    Where one of them is all of it, it stays as it is, so that what was made from it is not stale; else the lines are
    sorted: the same bytes in whatever order the journals come."""
    sides = [by_content(content) for content in contents]
    whole: dict[str | bytes, bytes] = {}
    for side in sides:
        for key, line in side.items():
            if not drop(line):
                whole[key] = min(line, whole.get(key, line))
    same = {content for content, side in zip(contents, sides, strict=True) if side.keys() == whole.keys()}
    return same.pop() if len(same) == 1 else b"".join(line + b"\n" for line in sorted(whole.values()))


def by_content(journal: bytes) -> dict[str | bytes, bytes]:
    """The lines of a journal by what they say: lines that are the same JSON are one."""
    return {_content(line): line for _, line in lines_of(io.BytesIO(journal.removeprefix(b"\xef\xbb\xbf")))}


def _content(line: bytes) -> str | bytes:
    """What a line says, however it is written."""
    try:
        return canonical(json.loads(line))
    except (ValueError, RecursionError):
        return line


@contextmanager
def held(paths: Iterable[Path]) -> Iterator[None]:
    """Keep other writers from journals; a torn last line is put aside first.

    Raises DistillError where one of them has a writer.
    """
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_lock(path))
            _mend_last_line(path)
        yield


def clear(path: Path) -> int:
    """Empty a journal, after adding what it held to `<journal>.old`; returns how many lines that are.

    Raises DistillError where it has a writer.
    """
    with _lock(path):
        lines = [line for _, line in _lines(path)]
        with Path(f"{path}.old").open("ab") as old:
            old.writelines(line + b"\n" for line in lines)
            old.flush()
            os.fsync(old.fileno())
        write_bytes(path, b"")
        return len(lines)


class Journal:
    """A journal open for appending, by one process at a time.

    Use it in a `with` statement. A second writer is refused with a DistillError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _lock(path)
        self._broken: DistillError | None = None

    def __enter__(self) -> Self:
        self._lock.__enter__()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _mend_last_line(self.path)
            # Without a buffer, what a failed write leaves behind cannot come after it
            self._file = self.path.open("ab", buffering=0)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def append(self, *new: Entry) -> None:
        """Write the entries and return once they are on disk.

        Raises DistillError where they cannot be written; then the journal is as it was, and takes nothing more.
        """
        if self._broken:
            raise self._broken
        if not self.path.exists() or not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat()):
            self._broken = DistillError(
                f"{self.path}: another file has been put in its place",
                "Start again; nothing was written to the old one.",
            )
            raise self._broken
        size = self.path.stat().st_size
        try:
            rest = memoryview(b"".join(entry.line() for entry in new))
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._broken = DistillError(
                f"{self.path}: cannot be written ({error.strerror})",
                "Mend that, and run this again; everything that was acknowledged is on disk.",
            )
            # A torn line in the middle would make the whole unreadable
            os.truncate(self.path, size)
            raise self._broken from None


class _Lock(FileLock):
    """A file lock that says in our words who is in the way."""

    def __enter__(self) -> Self:
        try:
            return super().__enter__()
        except Timeout:
            journal = Path(self.lock_file).with_suffix("")
            raise DistillError(
                f"{journal}: another process is writing to it",
                "Wait for the other run or review server to end, or stop it; nothing was changed.",
            ) from None


def _lock(path: Path) -> _Lock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return _Lock(f"{path}.lock", timeout=0)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The complete lines of a journal, without their line ends, as (number from 1, line)."""
    if not path.exists():
        return
    with path.open("rb") as file:
        yield from lines_of(file, path)


def lines_of(file: IO[bytes], path: Path | None = None) -> Iterator[tuple[int, bytes]]:
    """The complete lines of an open journal; a torn last one is passed over, and said where `path` is given."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        if not line.endswith(b"\n") and not _whole(line):
            if path:
                msg.warn(f"{at(path, number)}: the last write was cut off; that line is not used")
            return
        yield number, line.rstrip(b"\r\n")


def _whole(line: bytes) -> bool:
    """Whether a last line without a line end is an entry all the same (a file saved by hand)."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _mend_last_line(path: Path) -> None:
    """Before appending: end a last line that lacks its line end, or move a torn one to `<journal>.torn`."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        data = file.read()
        if data.endswith(b"\n"):
            return
        start = data.rfind(b"\n") + 1
        if _whole(data[start:]):
            file.write(b"\n")
        else:
            with Path(f"{path}.torn").open("ab") as torn:
                torn.write(data[start:] + b"\n")
            file.truncate(start)
            msg.warn(f"{path}: the last write was cut off; what there was of it is now in {path}.torn")
        file.flush()
        os.fsync(file.fileno())
