"""`assets/forgotten.jsonl`: by what a forgotten text would be known, so that it does not come back."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distill.files import digest
from distill.journal import Entry, entries, lines_of
from distill.records import identify


class Forgotten(Entry):
    """A text that is to be nowhere. hashes: SHA-256 of its ids and of the text, as `mark` makes them, and of the keys
    of the requests about it: nothing of it can be read from them, and its entries are known by them."""

    hashes: list[str]


def mark(what: str, value: str) -> str:
    """A hash by which something of a forgotten text is known. what: `id`, `text` or `key` (of a request)."""
    return digest(f"{what}:{value}".encode("utf-8", errors="surrogatepass"))


def marks_of_text(text: str, text_id: str | None = None) -> set[str]:
    """By which marks a text would be known, with or without an id of its own."""
    try:
        own = {mark("id", identify(text, None, "")[0])}
    except UnicodeEncodeError:
        own = set()  # `ingest` takes no such text
    return own | {mark("text", text)} | ({mark("id", text_id)} if text_id is not None else set())


def marks(row: dict[str, Any]) -> set[str]:
    """By which marks a line of a text, a draw or a journal would be known."""
    if "key" in row and "teacher_id" in row:
        return {mark("key", str(row["key"]))}
    found = {mark("id", str(row[name])) for name in ("text_id", "id") if name in row}
    return found | marks_of_text(row["text"]) if isinstance(row.get("text"), str) else found


def load_forgotten(path: Path) -> list[Forgotten]:
    """The journal. Raises DistillError as `journal.entries` does."""
    return list(entries(path, Forgotten))


def forgotten_marks(contents: Iterable[bytes]) -> set[str]:
    """All marks of several such journals, whose entries are known to be some."""
    lines = (line for content in contents for _, line in lines_of(io.BytesIO(content)))
    return {mark for line in lines for mark in json.loads(line)["hashes"]}
