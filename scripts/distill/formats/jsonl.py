"""Our own JSONL: a record a line, with `text` and what was decided on it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from distill.files import write_jsonl
from distill.formats.labelled import Labelled, Refused, Unwritable, misplaced, validated
from distill.formats.offsets import Unit
from distill.records import Part, Span, Strict, Token
from distill.task import Task


class Row(Strict):
    """A line: what was decided on a text. It may be a row of corpus/queue.jsonl or corpus/silver.jsonl, whose `tokens`,
    `sample`, `why` and `teacher` are not used."""

    text: str = Field(min_length=1)
    id: str | int | None = None
    group: str | int | None = None
    meta: dict[str, Any] = Field(default_factory=dict)
    tokens: list[Token] = Field(default_factory=list)
    spans: list[Span] | None = None
    accept: list[str] | None = None
    answer: Literal["accept", "reject", "ignore"] = "accept"
    annotator: str | None = None
    at: str | None = None
    seconds: float | None = None
    comment: str | None = None
    labels: dict[Part, list[str]] | None = None
    source: dict[str, Any] | None = None
    sample: str | None = None
    why: str | None = None
    teacher: dict[str, Any] = Field(default_factory=dict)


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The rows of a file. A missing `answer` means accept; `spans` or `accept` that are left out were not decided."""
    for line in validated(path, Row):
        if isinstance(line, Refused):
            yield line
            continue
        number, raw, row = line
        reason = misplaced(row.text, row.spans or [])
        if row.answer == "accept" and row.spans is None and row.accept is None:
            reason = "nothing was decided: neither `spans` nor `accept` is there"
        if reason:
            yield Refused(str(path), number, reason, raw)
        else:
            kept = row.model_dump(exclude={"tokens", "sample", "why", "teacher", "id", "group", "spans"})
            id_, group = (None if value is None else str(value) for value in (row.id, row.group))
            yield Labelled(file=str(path), line=number, row=raw, id=id_, group=group, spans=row.spans, **kept)


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write rows, which it can hold whatever they are; returns none."""
    names = [name for name in Row.model_fields if name not in ("tokens", "sample", "why", "teacher", "spans")]

    def made() -> Iterator[dict[str, Any]]:
        for row in rows:
            spans = None if row.spans is None else [span.model_dump(exclude_none=True) for span in row.spans]
            values = {**{name: getattr(row, name) for name in names}, "spans": spans}
            yield {name: value for name, value in values.items() if value is not None}

    write_jsonl(path, made())
    return []
