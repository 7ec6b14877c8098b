"""Raw texts from JSONL, CSV, TSV and plain text files, row by row, nothing changed and nothing dropped unseen."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from distill.errors import DistillError, at

SUFFIXES = (".jsonl", ".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class RawText:
    """A row that has a text. `id` and `group` are None where the file gives none."""

    file: str
    line: int
    text: str
    id: str | None = None
    group: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rejected:
    """A row that cannot be used. `line` is 0 where the whole file is meant; `got`: the start of what was there."""

    file: str
    line: int
    reason: str
    got: str


def read_texts(source: Path) -> Iterator[RawText | Rejected]:
    """The rows of `source`: a .jsonl, .csv, .tsv or .txt file (a text a line), or a folder of such files, in which
    a .txt file is one text.

    CSV and TSV files need a header with a column `text`; `id` and `group` are used where they are there, all else
    becomes meta.

    Raises DistillError where `source` is missing, of another kind, a table without a column `text`, or a broken table.
    """
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith("."))
        for path in files:
            if path.suffix == ".txt":
                yield _whole_file(path)
            else:
                yield from _rows(path)
    elif source.exists():
        yield from _rows(source)
    else:
        raise DistillError(f"{source}: no such file or folder", "Put your texts there, one JSON object a line.")


def _rows(path: Path) -> Iterator[RawText | Rejected]:
    if path.suffix not in SUFFIXES:
        raise DistillError(
            f"{path}: expected a file that ends in {', '.join(SUFFIXES)}, got {path.suffix or 'no ending'}",
            "Convert it, or rename it if it is one of these.",
        )
    # Bytes that are not UTF-8 become lone surrogates, which the check of each row then finds
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        if path.suffix == ".jsonl":
            yield from _jsonl(path, file)
        elif path.suffix == ".txt":
            for number, line in enumerate(file, start=1):
                yield _checked(path, number, {"text": line.removesuffix("\n").removesuffix("\r")})
        else:
            yield from _table(path, file, "\t" if path.suffix == ".tsv" else ",")


def _whole_file(path: Path) -> RawText | Rejected:
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    return _checked(path, 0, {"text": data.decode("utf-8", errors="surrogateescape"), "meta": {"file": path.name}})


def _jsonl(path: Path, file: Iterable[str]) -> Iterator[RawText | Rejected]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield _reject(path, number, f"not JSON: {error}", line)
            continue
        if isinstance(row, dict):
            yield _checked(path, number, row)
        else:
            yield _reject(path, number, f"expected a JSON object, got {type(row).__name__}", line)


def _table(path: Path, file: IO[str], delimiter: str) -> Iterator[RawText | Rejected]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.DictReader(file, delimiter=delimiter, strict=True)
    try:
        columns = reader.fieldnames or []
        if "text" not in columns:
            raise DistillError(
                f"{at(path, 1)}: expected a header with a column `text`, got {', '.join(columns) or 'nothing'}",
                "Add a first line that names the columns.",
            )
        if len(set(columns)) < len(columns):
            raise DistillError(f"{at(path, 1)}: two columns have one name: {', '.join(columns)}", "Rename one of them.")
        for row in reader:
            if None in row or None in row.values():
                got = delimiter.join(str(value) for value in row.values())
                yield _reject(path, reader.line_num, f"expected {len(reader.fieldnames or [])} columns", got)
            else:
                cells = {key: value for key, value in row.items() if value != ""}
                own = {key: cells.pop(key) for key in ("text", "id", "group") if key in cells}
                yield _checked(path, reader.line_num, {**own, "meta": cells})
    except csv.Error as error:
        # What follows a broken quote cannot be told apart
        raise DistillError(
            f"{at(path, reader.line_num)}: the table is broken after this line: {error}",
            "Mend the quotes: a field that holds one is quoted, and the quote doubled.",
        ) from None


def _checked(path: Path, line: int, row: dict[str, Any]) -> RawText | Rejected:
    text = row.pop("text", None)
    if not isinstance(text, str):
        found = "no text" if text is None else f"text is {type(text).__name__}, expected a string"
        return _reject(path, line, found, json.dumps(row, ensure_ascii=True))
    if not text.strip():
        return _reject(path, line, "empty text", text)
    try:
        json.dumps(row, ensure_ascii=False).encode()
        text.encode()
    except UnicodeEncodeError:
        return _reject(path, line, "not UTF-8", text)
    given_id, group = row.pop("id", None), row.pop("group", None)
    for name, value in (("id", given_id), ("group", group)):
        if value is not None and (not isinstance(value, str | int) or isinstance(value, bool) or value == ""):
            return _reject(path, line, f"{name} is {value!r}, expected a string or a whole number", text)
    meta = row.pop("meta", {})
    if not isinstance(meta, dict):
        return _reject(path, line, f"meta is {type(meta).__name__}, expected an object", text)
    return RawText(
        file=str(path),
        line=line,
        text=text,
        id=None if given_id is None else str(given_id),
        group=None if group is None else str(group),
        meta={**row, **meta},
    )


def _reject(path: Path, line: int, reason: str, got: str) -> Rejected:
    return Rejected(str(path), line, reason, got[:200].encode("utf-8", errors="replace").decode())


def rows_kept(path: Path, keep: Callable[[RawText], bool]) -> tuple[int, bytes]:
    """A .csv, .tsv or .txt file without the rows for which `keep` is false: how many those are, and the rest as it
    stands."""
    rows = [row for row in _rows(path) if isinstance(row, RawText) and not keep(row)]
    lines = list(io.BytesIO(path.read_bytes()))
    ends = {row.line for row in rows}
    if path.suffix == ".txt":
        return len(rows), b"".join(line for number, line in enumerate(lines, start=1) if number not in ends)
    # A row of a table may go over several lines; the reader knows where each ends
    kept, begin = [], 0
    for end in _row_ends(path):
        kept += [] if end in ends else lines[begin:end]
        begin = end
    return len(rows), b"".join(kept)


def _row_ends(path: Path) -> list[int]:
    """The number of the last line of each row of a table, the header included."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        reader = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
        return [reader.line_num for _ in reader]
