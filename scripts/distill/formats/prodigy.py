"""Prodigy's JSONL, as `prodigy db-out` writes it.

What its rows mean: a missing `answer` is accept; `token_end` is inclusive; a choice's labels are the ids in `accept`,
and none where it is left out; a row with a `label` and no options is yes or no to that label; the row of a review is
what the reviewer made of the versions in it. Offsets are code points.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import spacy
from pydantic import BaseModel, Field
from spacy.tokens import Doc
from spacy.tokens import Span as SpacySpan

from distill.files import write_jsonl
from distill.formats.labelled import (
    Labelled,
    Refused,
    Suggested,
    Unwritable,
    in_tokens,
    kept,
    misplaced,
    not_accepted,
    restored,
    validated,
    widened,
)
from distill.formats.offsets import Unit
from distill.records import Span
from distill.task import Task

ONE_SPAN = ("ner", "spans")
"""Views that ask yes or no about one span, and so do not say what else there is."""

MARKED = ("ner_manual", "spans_manual")
"""Views in which all spans of a text are marked, were it none. What a row holds beside what its view asks about came
with it, and is nobody's decision."""


class _Mark(BaseModel):
    start: int = Field(ge=0)
    end: int = Field(gt=0)
    label: str | None = None


class _Word(BaseModel):
    text: str
    start: int
    end: int


class _Option(BaseModel):
    id: str | int


class _Row(BaseModel):
    """What is read of a row; its other keys are kept in `Labelled.row` alone."""

    text: str = Field(min_length=1)
    answer: Literal["accept", "reject", "ignore"] = "accept"
    spans: list[_Mark] | None = None
    tokens: list[_Word] = []
    accept: list[str | int] | None = None
    options: list[_Option] | None = None
    label: str | None = None
    meta: dict[str, Any] = {}
    view: str = Field("", alias="_view_id")
    reviewed: str | None = Field(None, alias="view_id")
    input_hash: int | None = Field(None, alias="_input_hash")
    task_hash: int | None = Field(None, alias="_task_hash")
    record: Any = None
    annotator: str | None = Field(None, alias="_annotator_id")
    session: str | None = Field(None, alias="_session_id")
    timestamp: float | None = Field(None, alias="_timestamp")


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The rows of a file. Rows that say yes or no to one label of a text are put together, to a decision on the labels
    that they ask about."""
    yes_or_no: dict[tuple[str, str | None], list[tuple[Labelled, str]]] = defaultdict(list)
    for line in validated(path, _Row):
        if isinstance(line, Refused):
            yield line
            continue
        number, raw, row = line
        if row.view == "review" and row.reviewed:
            row.view = row.reviewed
        reason = _unusable(row)
        if reason:
            yield Refused(str(path), number, reason, raw)
            continue
        hashes = {"_input_hash": row.input_hash, "_task_hash": row.task_hash}
        hashes = {name: value for name, value in hashes.items() if value is not None}
        made = Labelled(
            file=str(path),
            line=number,
            text=row.text,
            answer=row.answer,
            spans=_spans(row) if row.answer == "accept" else None,
            accept=_accept(row),
            source={"prodigy": hashes} if hashes else None,
            row=raw,
            meta=row.meta,
            annotator=row.annotator or row.session,
            at=_at(row.timestamp),
        )
        if _is_yes_or_no(row):
            yes_or_no[row.text, made.annotator].append((made, str(row.label)))
        else:
            yield restored(made, row.record)
    for answers in yes_or_no.values():
        yield from _together(answers, task)


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write rows that `prodigy db-in` takes, with the hashes that they came with, if they did: Prodigy makes those that
    are missing. Returns the rows that it cannot hold: those with a span that does not fit the tokens."""
    nlp = spacy.blank(task.language)
    refused: list[Unwritable] = []

    def made() -> Iterator[dict[str, Any]]:
        for row in rows:
            doc = nlp.make_doc(row.text)
            found = in_tokens(doc, row.spans or [])
            reason = not_accepted(row, task, "Prodigy", "accept", "reject", "ignore")
            if reason or isinstance(found, str):
                refused.append((row, reason or str(found)))
                continue
            view = "blocks" if None not in (row.spans, row.accept) else "choice" if row.spans is None else _view(task)
            yield {
                **_question(doc, task, row.meta),
                **({} if row.spans is None else {"spans": [_mark(span) for span in found]}),
                **({} if row.accept is None else {"accept": row.accept, "options": _options(task)}),
                "answer": row.answer,
                "_view_id": view,
                **({"_annotator_id": row.annotator, "_session_id": row.annotator} if row.annotator else {}),
                **({"_timestamp": int(when)} if (when := _timestamp(row.at)) else {}),
                **(row.source or {}).get("prodigy", {}),
                "record": kept(row),
            }

    write_jsonl(path, made())
    return refused


def write_queue(path: Path, rows: Iterable[Suggested], task: Task) -> None:
    """Write texts to be decided on, with what the teacher suggests, for Prodigy's manual recipes."""
    nlp = spacy.blank(task.language)

    def made() -> Iterator[dict[str, Any]]:
        for row in rows:
            doc = nlp.make_doc(row.text)
            suggested = widened(doc, row.spans or [])
            yield {
                **_question(doc, task, row.meta),
                **({"spans": [_mark(span) for span in suggested]} if task.span_kind else {}),
                **({"options": _options(task)} if task.label_kind else {}),
                **({"accept": row.accept} if row.accept else {}),
                "record": {"id": row.id, "group": row.group, "meta": row.meta},
            }

    write_jsonl(path, made())


def _question(doc: Doc, task: Task, meta: dict[str, Any]) -> dict[str, Any]:
    tokens = [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "id": token.i,
            "ws": bool(token.whitespace_),
        }
        for token in doc
    ]
    return {"text": doc.text, "meta": meta, **({"tokens": tokens} if task.span_kind else {})}


def _mark(span: SpacySpan) -> dict[str, Any]:
    return {
        "start": span.start_char,
        "end": span.end_char,
        "token_start": span.start,
        "token_end": span.end - 1,
        "label": span.label_,
    }


def _options(task: Task) -> list[dict[str, str]]:
    return [{"id": label, "text": label} for label in task.labels(task.label_kind)]


def _view(task: Task) -> str:
    return "spans_manual" if task.span_kind == "spancat" else "ner_manual"


def _timestamp(at: str | None) -> float | None:
    try:
        return datetime.fromisoformat(at).timestamp() if at else None
    except ValueError:
        return None


def _at(timestamp: float | None) -> str | None:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat() if timestamp else None
    except (ValueError, OverflowError, OSError):
        return None


def _is_yes_or_no(row: _Row) -> bool:
    if row.view:
        return row.view == "classification" and row.label is not None and row.options is None
    # Old exports do not name the view
    return row.label is not None and row.options is None and row.accept is None


def _unusable(row: _Row) -> str:
    """The reason why a row cannot be read; empty where it can."""
    for word in row.tokens:
        if row.text[word.start : word.end] != word.text:
            return (
                f"its token {word.text!r} does not stand at {word.start}–{word.end}, where the text has "
                f"{row.text[word.start : word.end]!r}: offsets are expected in code points"
            )
    if not _is_yes_or_no(row) and row.view != "choice" and any(mark.label is None for mark in row.spans or []):
        return "a span has no label"
    if row.view in ONE_SPAN and row.answer != "ignore":
        return f"the view {row.view!r} asks about one span and does not say what else there is in the text"
    if row.answer == "accept" and _spans(row) is None and _accept(row) is None and not _is_yes_or_no(row):
        return "nothing was decided: there are no spans, no options and no label"
    return misplaced(row.text, _spans(row) or [])


def _spans(row: _Row) -> list[Span] | None:
    """The spans that were marked; None where the view does not ask for any."""
    # In blocks, and where an old export names no view, tokens show that spans were asked for
    with_tokens = bool(row.tokens) or (not row.view and row.spans is not None)
    asked = row.view in MARKED or (row.view in ("blocks", "") and with_tokens)
    if not asked or _is_yes_or_no(row) or (not row.view and row.spans is None and row.options is not None):
        return None
    return [Span(start=mark.start, end=mark.end, label=str(mark.label)) for mark in row.spans or []]


def _accept(row: _Row) -> list[str] | None:
    if row.answer != "accept" or row.view not in ("choice", "blocks", ""):
        return None
    if row.accept is None:
        return [] if row.options is not None else None
    return [str(label) for label in row.accept]


def _together(answers: list[tuple[Labelled, str]], task: Task) -> Iterator[Labelled | Refused]:
    """One decision from several answers of yes or no about one text, on the labels that were asked about; of two about
    one label the later counts. What says nothing about the task is refused, row by row."""
    labels = task.labels(task.label_kind)
    for made, label in answers:
        if label not in labels:
            reason = f"yes or no to {label}, which is no label of the text in configs/task.yml"
            yield Refused(made.file, made.line, reason, made.row)
    answers = [(made, label) for made, label in answers if label in labels]
    said = {label: made.answer for made, label in answers}
    yes = [label for label in labels if said.get(label) == "accept"]
    asked = [label for label in labels if said.get(label, "ignore") != "ignore"]
    if not answers:
        return
    first = answers[0][0]
    if not asked:
        yield replace(first, answer="ignore")
    elif task.components.textcat and len(yes) > 1:
        for made, _ in answers:
            yield Refused(made.file, made.line, f"yes to {', '.join(yes)}, where one is expected", made.row)
    elif len(yes) == 1 if task.components.textcat else asked == labels:
        yield replace(first, answer="accept", accept=yes)
    else:
        yield replace(first, answer="accept", accept=yes, labels={"accept": asked})
