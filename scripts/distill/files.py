"""Files that are whole or not there, and JSON lines that are the same bytes everywhere."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from distill.errors import DistillError, at


def digest(data: bytes) -> str:
    """SHA-256 of `data` in hex."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """`value` as JSON with sorted keys and no white space: equal values give equal strings."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` once it is complete and on disk; on an error `path` stays as it
    was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic(path) as file:
        file.write(data)


def count_lines(path: Path) -> int:
    """How many lines a file has, 0 where it is missing; read in blocks."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def empty_folders(folders: Iterable[Path]) -> int:
    """Remove all that is in `folders` but their `.gitkeep`; returns how many files and folders that were."""
    removed = [path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.name != ".gitkeep"]
    for path in removed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return len(removed)


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file that a command of this project wrote.

    Raises DistillError where it is missing or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DistillError(f"{path}: no such file", "Run `weasel run all`, which makes it.") from None
    except ValueError as error:
        raise DistillError(
            f"{path}: not JSON ({error})", "Delete the file and run `weasel run all`, which makes it again."
        ) from None


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]], *, ascii_only: bool = False) -> int:
    """Write `rows` to `path`, one JSON object a line, as they come; returns how many. ascii_only: for tools that guess
    an encoding, and for rows that may hold what no encoding can."""
    count = 0
    with atomic(path) as file:
        for row in rows:
            file.write((json.dumps(row, ensure_ascii=ascii_only) + "\n").encode())
            count += 1
    return count


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines of a JSONL file as (line number from 1, object); blank lines are passed over.

    Raises DistillError at the first line that is not a JSON object.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DistillError(
                    f"{at(path, number)}: expected a JSON object, got {line[:60]!r} ({error})",
                    "Mend or delete that line.",
                ) from None
            if not isinstance(row, dict):
                raise DistillError(
                    f"{at(path, number)}: expected a JSON object, got {type(row).__name__}",
                    "Mend or delete that line.",
                )
            yield number, row
