"""Argilla 2's records, as `records.to_list()` and `records.to_json()` write them, nested or flat.

What they mean: a submitted response is a decision, a discarded one an ignore, a draft or a suggestion nobody's; the
nested form does not keep the status of a response, so it is read where there is one response on a completed record.
Offsets are code points on the server; those of some browsers were UTF-16 units.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from distill.files import write_json
from distill.formats.labelled import (
    Labelled,
    Refused,
    Unwritable,
    is_unchanged,
    kept,
    not_accepted,
    read_array,
    restored,
)
from distill.formats.offsets import UNITS, Mark, Unit, placed, spans_or_reason
from distill.records import explain
from distill.task import Task

SPANS, TOPICS = "spans", "label"
"""The names of our questions."""


class _Span(BaseModel):
    start: int
    end: int
    label: str


class _Response(BaseModel):
    value: list[_Span] | list[str] | str
    user_id: str | None = None
    status: str | None = None


class _Record(BaseModel, extra="allow"):
    id: str | int | None = None
    status: str | None = None
    fields: dict[str, Any]
    metadata: dict[str, Any] = {}
    responses: dict[str, list[_Response]] = Field(default={})


@dataclass(frozen=True)
class _Given:
    """What one user said to all questions. status: submitted, discarded or draft; None where the file does not say."""

    user: str | None
    status: str | None
    values: list[Any]


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The decisions of each user on each record.

    Raises DistillError where the file is no JSON array.
    """
    for number, item in enumerate(read_array(path), start=1):
        try:
            record = _Record.model_validate(_nested(item) if isinstance(item, dict) else item)
        except ValidationError as error:
            yield Refused(str(path), number, explain(error), item)
            continue
        yield from _decisions(path, number, item, record, task, unit)


def _nested(item: dict[str, Any]) -> dict[str, Any]:
    """A flat record (`<question>.responses`, `.users`, `.status`) in the nested form, with the statuses kept."""
    if "fields" in item:
        return item
    questions = [key.removesuffix(".responses") for key in item if key.endswith(".responses")]
    responses = {}
    for name in questions:
        values = item[f"{name}.responses"] or []
        users = item.get(f"{name}.responses.users") or [None] * len(values)
        statuses = item.get(f"{name}.responses.status") or [None] * len(values)
        responses[name] = [
            {"value": value, "user_id": user, "status": status}
            for value, user, status in zip(values, users, statuses, strict=False)
        ]
    metadata = item.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {key: item[key] for key in ("record",) if key in item}
    fields = {"text": item["text"]} if isinstance(item.get("text"), str) else {}
    return {
        **{key: item.get(key) for key in ("id", "status")},
        "fields": fields,
        "metadata": metadata,
        "responses": responses,
    }


def _decisions(
    path: Path, number: int, item: Any, record: _Record, task: Task, unit: Unit | None
) -> Iterator[Labelled | Refused]:
    text = record.fields.get("text")
    if not isinstance(text, str) or not text:
        names = ", ".join(record.fields) or "none"
        yield Refused(str(path), number, f"expected a field `text` with the text, got the fields {names}", item)
        return
    given = _by_user(record)
    if not given:
        yield Refused(str(path), number, "nobody has responded to it (suggestions are nobody's decisions)", item)
    for one in given:
        status = one.status or ("submitted" if record.status == "completed" and len(given) == 1 else None)
        if status is None:
            reason = "the status of its responses is not there: export with `to_list(flatten=True)`"
            yield Refused(str(path), number, reason, item)
        elif status == "draft":
            yield Refused(str(path), number, f"the response of {one.user} is a draft", item)
        else:
            yield _labelled(path, number, item, record, text, one, status, task, unit)


def _by_user(record: _Record) -> list[_Given]:
    users: dict[str | None, _Given] = {}
    for responses in record.responses.values():
        for response in responses:
            one = users.setdefault(response.user_id, _Given(response.user_id, response.status, []))
            one.values.append(response.value)
    return list(users.values())


def _labelled(
    path: Path,
    number: int,
    item: Any,
    record: _Record,
    text: str,
    given: _Given,
    status: str,
    task: Task,
    unit: Unit | None,
) -> Labelled | Refused:
    spans: list[list[_Span]] = []
    topics: list[list[str]] = []
    for value in given.values:
        if isinstance(value, str):
            topics.append([value])
        elif value and isinstance(value[0], str):
            topics.append(value)
        elif value or (task.span_kind and not spans and not task.label_kind):
            spans.append(value)
        else:
            # An empty list says nothing of what it was a list of, but for the questions that are left
            (spans if task.span_kind and not spans else topics).append(value)
    if len(spans) > 1 or len(topics) > 1:
        return Refused(
            str(path), number, "two questions of one kind: a task has one for spans and one for labels", item
        )
    kept_ = record.metadata.get("record")
    try:
        ours = json.loads(kept_) if isinstance(kept_, str) else None
    except ValueError:
        ours = None
    accepted = status == "submitted"
    made = Labelled(
        file=str(path),
        line=number,
        text=text,
        answer="accept" if accepted else "ignore",
        spans=None,
        accept=topics[0] if accepted and topics else None,
        row=item,
        id=None if record.id is None else str(record.id),
        meta={key: value for key, value in record.metadata.items() if key != "record"},
        annotator=given.user,
    )
    if not accepted or not spans:
        return restored(made, ours)
    marks = [Mark(span.start, span.end, span.label) for span in spans[0]]
    for each in UNITS:
        # What we exported ourselves, and nobody changed, says its unit
        found = placed(text, marks, each)
        if found is not None and is_unchanged(replace(made, spans=found), ours):
            return restored(replace(made, spans=found), ours)
    said = spans_or_reason(text, marks, unit, "code-point")
    return (
        Refused(str(path), number, said, item) if isinstance(said, str) else restored(replace(made, spans=said), ours)
    )


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write records for a data set with a field `text`, a metadata property `record`, and the questions `spans` and
    `label`, as the task has them. Returns the rows that Argilla cannot hold."""
    refused: list[Unwritable] = []
    made = []
    for row in rows:
        if reason := not_accepted(row, "Argilla", "accept", "ignore"):
            refused.append((row, reason))
            continue
        spans = [{"start": span.start, "end": span.end, "label": span.label} for span in row.spans or []]
        topics: Any = row.accept or []
        if task.label_kind == "textcat":
            topics = topics[0] if topics else None
        accepted = row.answer == "accept"
        asked = {SPANS: spans if row.spans is not None else None, TOPICS: topics if row.accept is not None else None}
        values = {name: value for name, value in asked.items() if value is not None} if accepted else {SPANS: []}
        responses = {name: [{"value": value, "user_id": row.annotator}] for name, value in values.items()}
        if not accepted:
            responses = {name: [{**one, "status": "discarded"} for one in said] for name, said in responses.items()}
        metadata = {"record": json.dumps(kept(row), ensure_ascii=False)}
        made.append(
            {
                "id": row.id,
                "fields": {"text": row.text},
                "metadata": metadata,
                "status": "completed",
                "suggestions": {},
                "responses": responses,
            }
        )
    write_json(path, made)
    return refused
