"""doccano's JSONL: `label` with [start, end, label] or with labels of the text, `entities` with relations, or
`entities` and `cats` where it asks for both.

What it means: a row without labels may be one that nobody has looked at, so it is no decision. Offsets are UTF-16
units, grapheme clusters or code points, by the settings of the project, and the file does not keep the texts under
them. What was meta stands at the top level.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from distill.files import write_jsonl
from distill.formats.labelled import (
    Labelled,
    Refused,
    Unwritable,
    kept,
    not_accepted,
    restored,
    validated,
    with_spans,
)
from distill.formats.offsets import Mark, Unit, in_unit
from distill.task import Task

OWN_UNIT: Unit = "utf-16"
"""What doccano's page counts, unless its project says grapheme clusters."""


class _Entity(BaseModel):
    label: str
    start_offset: int
    end_offset: int


class _Row(BaseModel, extra="allow"):
    text: str = Field(min_length=1)
    id: int | str | None = None
    label: list[tuple[int, int, str] | str] | None = None
    labels: list[tuple[int, int, str] | str] | None = None
    entities: list[_Entity | tuple[int, int, str]] | None = None
    cats: list[str] | None = None
    comments: list[Any] = Field(default=[], alias="Comments")
    relations: list[Any] = []
    record: Any = None


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The rows of a file."""
    for line in validated(path, _Row):
        if isinstance(line, Refused):
            yield line
            continue
        number, raw, row = line
        made = _labelled(path, number, raw, row, unit)
        yield made if isinstance(made, Refused) else restored(made, row.record)


def _labelled(path: Path, number: int, raw: dict[str, Any], row: _Row, unit: Unit | None) -> Labelled | Refused:
    given = [*(row.label or []), *(row.labels or [])]
    marked = [
        (one.start_offset, one.end_offset, one.label) if isinstance(one, _Entity) else one for one in row.entities or []
    ]
    marks = [Mark(*one) for one in (*marked, *(one for one in given or [] if not isinstance(one, str)))]
    accept = [*(row.cats or []), *(one for one in given if isinstance(one, str))]
    if "" in accept or any(not mark.label for mark in marks):
        return Refused(str(path), number, "a label is empty", raw)
    if not marks and not accept:
        reason = "no labels: doccano writes the same for a text that nobody has looked at and for one that has none"
        return Refused(str(path), number, reason, raw)
    made = Labelled(
        file=str(path),
        line=number,
        text=row.text,
        answer="accept",
        spans=None,
        accept=accept or None,
        row=raw,
        meta={**(row.model_extra or {}), **({"relations": row.relations} if row.relations else {})},
        comment="\n".join(str(one.get("text", one) if isinstance(one, dict) else one) for one in row.comments) or None,
        source=None if row.id is None else {"doccano": {"id": row.id}},
    )
    if not marks:
        # Where both are asked for, the other half may still be open
        return made
    placed = with_spans(made, marks, unit, row.record)
    return Refused(str(path), number, placed, raw) if isinstance(placed, str) else placed


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write rows for a project of sequence labelling, of text classification, or of both (intents and slots). Returns
    the rows that doccano cannot hold. unit: what its offsets count; its own where it is None."""
    refused: list[Unwritable] = []

    def made() -> Iterator[dict[str, Any]]:
        for row in rows:
            spans = _in_unit(row, unit or OWN_UNIT)
            reason = not_accepted(row, task, "doccano", "accept")
            if not reason and not row.spans and not row.accept:
                reason = "there is nothing in it, which doccano cannot tell from a text that nobody has looked at"
            if reason or isinstance(spans, str):
                refused.append((row, reason or str(spans)))
            elif task.span_kind and task.label_kind:
                yield {"text": row.text, "entities": spans, "cats": row.accept or [], "record": kept(row)}
            else:
                yield {"text": row.text, "label": spans if task.span_kind else row.accept, "record": kept(row)}

    write_jsonl(path, made(), ascii_only=True)
    return refused


def _in_unit(row: Labelled, unit: Unit) -> list[list[Any]] | str:
    made: list[list[Any]] = []
    for span in row.spans or []:
        start, end = in_unit(row.text, span.start, unit), in_unit(row.text, span.end, unit)
        if start is None or end is None:
            return f"the span {span.start}–{span.end} {span.label} begins or ends inside a {unit} unit"
        made.append([start, end, span.label])
    return made
