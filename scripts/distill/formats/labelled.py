"""A text that people labelled elsewhere, as every format is read into it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError
from spacy.tokens import Doc
from spacy.tokens import Span as SpacySpan

from distill.errors import DistillError, at
from distill.files import canonical, digest, read_jsonl
from distill.formats.offsets import UNITS, Mark, Unit, placed, spans_or_reason
from distill.records import PARTS, Part, Span, explain, label_of
from distill.task import Task


@dataclass(frozen=True)
class Labelled:
    """One person's labels of one text. `spans` and `accept` are None where they were not decided; `id`, `annotator`
    and `at` (ISO 8601) where the file does not say. labels: of a part those that were decided, where these are not all.
    source: by tool what it knows the row by, such as its ids and hashes. row: as it stood in the file."""

    file: str
    line: int
    text: str
    answer: Literal["accept", "reject", "ignore"]
    spans: list[Span] | None
    accept: list[str] | None
    row: Any
    id: str | None = None
    group: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    annotator: str | None = None
    at: str | None = None
    seconds: float | None = None
    comment: str | None = None
    labels: dict[Part, list[str]] | None = None
    source: dict[str, Any] | None = None


@dataclass(frozen=True)
class Refused:
    """A row that cannot be used, and why."""

    file: str
    line: int
    reason: str
    row: Any


Row = TypeVar("Row", bound=BaseModel)


def read_array(path: Path) -> list[Any]:
    """The items of a JSON array.

    Raises DistillError where the file is none.
    """
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise DistillError(f"{at(path, line)}: not JSON ({error})", "Export it again as JSON.") from None
    if not isinstance(found, list):
        raise DistillError(
            f"{path}: expected a JSON array, got {type(found).__name__}",
            "Export it again as one JSON list.",
        )
    return found


def validated(path: Path, model: type[Row]) -> Iterator[tuple[int, dict[str, Any], Row] | Refused]:
    """The lines of a JSONL file as (number, as it stood there, as `model`), or refused where they do not fit."""
    for number, raw in read_jsonl(path):
        try:
            yield number, raw, model.model_validate(raw)
        except ValidationError as error:
            yield Refused(str(path), number, explain(error), raw)


@dataclass(frozen=True)
class Suggested:
    """A text to be decided on elsewhere, with what the teacher suggests: None on the blind samples, and where it said
    nothing of use. teacher_id: of the teacher."""

    id: str
    text: str
    group: str
    meta: dict[str, Any]
    spans: list[Span] | None
    accept: list[str] | None
    teacher_id: str


Unwritable = tuple[Labelled, str]
"""A row that a format cannot hold, and why."""


def kept(row: Labelled) -> dict[str, Any]:
    """What no other tool has a place for, as one value that travels with the text: the text's id, group and meta, and
    who decided, when, and on what. `same`: by which it is seen whether somebody has changed the decision meanwhile."""
    return {
        "id": row.id,
        "group": row.group,
        "meta": row.meta,
        "decision": {name: value for name in _Decision.model_fields if (value := getattr(row, name)) is not None},
        "decided": [part for part in PARTS if getattr(row, part) is not None],
        "same": _same(row),
    }


class _Decision(BaseModel):
    annotator: str | None = None
    at: str | None = None
    seconds: float | None = None
    comment: str | None = None
    labels: dict[Part, list[str]] | None = None
    source: dict[str, Any] | None = None


class _Record(BaseModel):
    """What `kept` put away, or of a text that was only suggested its id, group and meta."""

    id: str | None = None
    group: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)
    decision: _Decision = _Decision()
    decided: list[Part] = Field(default_factory=list)
    same: str | None = None


def restored(row: Labelled, record: Any, *, by: str | None = None) -> Labelled:
    """A row with what `kept` put away. Who decided, and when, comes back for a decision that nobody has changed, unless
    the file names somebody else: who says the same has decided, too. by: whom the tool would name for the annotator
    that was put away, where that is not their own name."""
    try:
        known = _Record.model_validate(record)
    except ValidationError:
        return row
    row = replace(row, id=known.id, group=known.group, meta=known.meta)
    own = known.decision
    if known.same != _same(row) or row.annotator not in (None, own.annotator if by is None else by):
        return row
    update: dict[str, Any] = dict(own)
    update |= {part: (getattr(row, part) or []) if part in known.decided else None for part in PARTS}
    return replace(row, **update)


def is_unchanged(row: Labelled, record: Any) -> bool:
    """Whether a decision is still as it was exported."""
    return isinstance(record, dict) and record.get("same") == _same(row)


def with_spans(row: Labelled, marks: Sequence[Mark], unit: Unit | None, record: Any) -> Labelled | str:
    """A row with spans whose file does not keep the texts under them, or the reason why they cannot be placed. What we
    exported ourselves, and nobody changed, says its unit."""
    for each in UNITS:
        spans = placed(row.text, marks, each)
        if spans is not None and is_unchanged(replace(row, spans=spans), record):
            return replace(row, spans=spans)
    found = spans_or_reason(row.text, marks, unit, None)
    return found if isinstance(found, str) else replace(row, spans=found)


def annotator_of(record: Any) -> str | None:
    """Who had decided, as `kept` put it away."""
    try:
        return _Record.model_validate(record).decision.annotator
    except ValidationError:
        return None


def _same(row: Labelled) -> str:
    spans = sorted((span.start, span.end, span.label) for span in row.spans or [])
    return digest(canonical([row.text, row.answer, spans, sorted(row.accept or [])]).encode())[:16]


def not_accepted(row: Labelled, task: Task, format_: str, *answers: str) -> str:
    """The reason why a format that knows only `answers`, and asks what the task asks, cannot hold a row; empty where it
    can."""
    if row.answer not in answers:
        return f"the answer is {row.answer}, which {format_} has no place for"
    if row.labels:
        return f"only some labels were decided, which {format_} has no place for"
    for part in PARTS:
        kind = task.kind_of(part)
        said = getattr(row, part)
        unknown = [label for label in map(label_of, said or ()) if label not in task.labels(kind)]
        if said is not None and kind is None:
            return f"`{part}` was decided, which the task does not ask for"
        if unknown:
            return f"`{part}` has the label {unknown[0]!r}, which the task does not have"
    if row.answer == "accept" and row.accept is not None and task.label_kind == "textcat" and len(row.accept) != 1:
        return f"the text has {len(row.accept)} labels, where the task asks for one"
    return ""


def in_tokens(doc: Doc, spans: Sequence[Span]) -> list[SpacySpan] | str:
    """Spans as spans of a doc, or the reason why one is none."""
    found = []
    for span in spans:
        made = doc.char_span(span.start, span.end, label=span.label)
        if made is None:
            surface = doc.text[span.start : span.end]
            return f"the span {span.start}–{span.end} {span.label} {surface!r} does not begin and end with a token"
        found.append(made)
    return found


def widened(doc: Doc, spans: Sequence[Span]) -> list[SpacySpan]:
    """Spans as spans of a doc; one that ends inside a token is widened to it, as on our own cards."""
    found = [doc.char_span(span.start, span.end, label=span.label, alignment_mode="expand") for span in spans]
    return [span for span in found if span is not None]


def overlap(spans: Sequence[Span]) -> str:
    """The reason why spans cannot stand in one row of tags; empty where they can."""
    ordered = sorted(spans, key=lambda span: span.start)
    for one, other in pairwise(ordered):
        if other.start < one.end:
            return f"the spans {one.start}–{one.end} {one.label} and {other.start}–{other.end} {other.label} overlap"
    return ""


def misplaced(text: str, spans: list[Span]) -> str:
    """The reason why spans cannot be spans of `text`; empty where they can."""
    for span in spans:
        if not span.start < span.end <= len(text):
            return f"span {span.start}–{span.end} {span.label}: the text has {len(text)} code points"
    return ""
