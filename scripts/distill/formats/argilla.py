"""Argilla 2's records, as `records.to_list()` and `records.to_json()` write them, nested or flat.

What they mean: a submitted response is a decision, a discarded one an ignore, a draft or a suggestion nobody's; the
nested form does not keep the status of a response, so it is read where there is one response on a completed record.
What kind a question is, is seen by what it was answered with. Offsets are code points on the server; those of some
browsers were UTF-16 units.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, Field, ValidationError

from distill.files import write_json
from distill.formats.labelled import (
    Labelled,
    Refused,
    Unwritable,
    annotator_of,
    kept,
    not_accepted,
    read_array,
    restored,
    with_spans,
)
from distill.formats.offsets import Mark, Unit
from distill.records import PARTS, Part, explain
from distill.task import Task

QUESTIONS: dict[Part, str] = {"spans": "spans", "accept": "label"}
"""The names of our questions."""

STATUSES = ("submitted", "discarded", "draft")


class _Span(BaseModel):
    start: int
    end: int
    label: str


class _Response(BaseModel):
    value: list[_Span] | list[str] | str | None = None
    user_id: str | None = None
    status: str | None = None


class _Rows(BaseModel):
    """A flat record's answers to one question."""

    values: list[Any]
    users: list[str | None]
    statuses: list[str | None]


class _Record(BaseModel, extra="allow"):
    id: str | int | None = None
    status: str | None = None
    fields: dict[str, Any]
    metadata: dict[str, Any] = {}
    responses: dict[str, list[_Response]] = Field(default={})


@dataclass(frozen=True)
class _Given:
    """What one user said, by question. status: one of STATUSES; None where the file does not say."""

    user: str | None
    status: str | None
    values: dict[str, Any]


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The decisions of each user on each record.

    Raises DistillError where the file is no JSON array.
    """
    records: list[tuple[int, Any, _Record]] = []
    for number, item in enumerate(read_array(path), start=1):
        try:
            record = _Record.model_validate(_nested(item) if isinstance(item, dict) else item)
        except ValidationError as error:
            yield Refused(str(path), number, explain(error), item)
        except ValueError as error:
            yield Refused(str(path), number, str(error), item)
        else:
            records.append((number, item, record))
    parts = _parts([record for _, _, record in records], task)
    for number, item, record in records:
        for one in _decisions(record, parts, unit):
            if isinstance(one, str):
                yield Refused(str(path), number, one, item)
            else:
                yield replace(one, file=str(path), line=number, row=item)


def _nested(item: dict[str, Any]) -> dict[str, Any]:
    """A flat record (`<question>.responses`, `.users`, `.status`) in the nested form, with the statuses kept.

    Raises ValueError where its lists do not go together.
    """
    if "fields" in item:
        return item
    responses = {}
    questions = [key.removesuffix(".responses") for key in item if key.endswith(".responses")]
    for name in questions:
        values = item[f"{name}.responses"] or []
        none = [None] * len(values) if isinstance(values, list) else []
        users, statuses = (item.get(f"{name}.responses.{what}") or none for what in ("users", "status"))
        try:
            rows = _Rows(values=values, users=users, statuses=statuses)
            together = zip(rows.values, rows.users, rows.statuses, strict=True)
            responses[name] = [{"value": a, "user_id": b, "status": c} for a, b, c in together]
        except ValueError:
            raise ValueError(f"the lists of responses, users and statuses of `{name}` do not go together") from None
    of_questions = {"id", "status", "_server_id", "text", *questions}
    meta = {key: value for key, value in item.items() if key.partition(".")[0] not in of_questions}
    fields = {"text": item["text"]} if isinstance(item.get("text"), str) else {}
    return {
        "id": item.get("id"),
        "status": item.get("status"),
        "fields": fields,
        "metadata": meta,
        "responses": responses,
    }


def _parts(records: Sequence[_Record], task: Task) -> dict[str, Part]:
    """What each question asks for: by its answers in the whole file, or where it is one of ours."""
    parts: dict[str, Part] = {name: part for part, name in QUESTIONS.items()}
    for record in records:
        for name, responses in record.responses.items():
            for response in responses:
                if isinstance(response.value, list) and response.value and isinstance(response.value[0], _Span):
                    parts[name] = "spans"
                elif response.value and _labels(response.value) <= set(task.labels(task.label_kind)):
                    parts.setdefault(name, "accept")
    return parts


def _labels(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else {str(label) for label in value}


def _decisions(record: _Record, parts: dict[str, Part], unit: Unit | None) -> Iterator[Labelled | str]:
    """The decisions on a record, or the reasons why they are none."""
    text = record.fields.get("text")
    if not isinstance(text, str) or not text:
        yield f"expected a field `text` with the text, got the fields {', '.join(record.fields) or 'none'}"
        return
    given = _by_user(record)
    if not given:
        yield "nobody has responded to it (suggestions are nobody's decisions)"
    for one in given:
        status = one.status or ("submitted" if record.status == "completed" and len(given) == 1 else None)
        if status is None:
            yield "the status of its responses is not there: export with `to_list(flatten=True)`"
        elif status not in STATUSES:
            yield f"expected a status of {', '.join(STATUSES)}, got {status!r}"
        elif status == "draft":
            yield f"the response of {one.user} is a draft"
        else:
            yield _labelled(record, text, one, status == "submitted", parts, unit)


def _by_user(record: _Record) -> list[_Given]:
    users: dict[str | None, _Given] = {}
    for name, responses in record.responses.items():
        for response in responses:
            one = users.setdefault(response.user_id, _Given(response.user_id, response.status, {}))
            one.values[name] = response.value
    return list(users.values())


def _labelled(
    record: _Record, text: str, given: _Given, accepted: bool, parts: dict[str, Part], unit: Unit | None
) -> Labelled | str:
    ours: Any = None
    with suppress(TypeError, ValueError, RecursionError):
        ours = json.loads(record.metadata.get("record", ""))
    said: dict[Part, Any] = {}
    for name, value in given.values.items():
        part = parts.get(name)
        if value is None or not accepted:
            continue
        if part is None:
            return f"the question `{name}` asks for neither spans nor labels of the task"
        if part in said:
            return "two questions of one kind: a task has one for spans and one for labels"
        if part == "accept" and not isinstance(value, str) and any(isinstance(label, _Span) for label in value):
            return f"the question `{name}` asks for labels, and was answered with spans"
        said[part] = [value] if isinstance(value, str) else value
    # Only what we exported is known by the user that we made of the annotator's name
    by = _user(annotator_of(ours))
    made = Labelled(
        file="",
        line=0,
        text=text,
        answer="accept" if accepted else "ignore",
        spans=None,
        accept=said.get("accept"),
        row=None,
        id=None if record.id is None else str(record.id),
        meta={key: value for key, value in record.metadata.items() if key != "record"},
        annotator=given.user,
    )
    if accepted and not said:
        return "it answers none of the questions"
    if "spans" not in said:
        return restored(made, ours, by=by)
    marks = [Mark(span.start, span.end, span.label) for span in said["spans"]]
    found = with_spans(made, marks, unit, ours)
    return found if isinstance(found, str) else restored(found, ours, by=by)


def _user(annotator: str | None) -> str | None:
    """Argilla knows users by UUIDs: one that is always the same for a name."""
    return None if annotator is None else str(uuid5(NAMESPACE_URL, annotator))


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write records for a data set with a field `text`, a metadata property `record`, and the questions `spans` and
    `label`, as the task has them. Returns the rows that Argilla cannot hold."""
    refused: list[Unwritable] = []
    made = []
    for row in rows:
        reason = not_accepted(row, task, "Argilla", "accept", "ignore")
        if not reason and row.answer == "ignore" and task.label_kind == "textcat" and not task.span_kind:
            reason = "the answer is ignore, which needs a response, and a question for one label has no empty one"
        if reason:
            refused.append((row, reason))
            continue
        metadata = {"record": json.dumps(kept(row), ensure_ascii=False)}
        responses = {
            name: [{"value": value, "user_id": _user(row.annotator), "status": STATUSES[row.answer == "ignore"]}]
            for name, value in _answers(row, task).items()
        }
        record = {"id": row.id, "fields": {"text": row.text}, "metadata": metadata, "status": "completed"}
        made.append({**record, "suggestions": {}, "responses": responses})
    write_json(path, made)
    return refused


def _answers(row: Labelled, task: Task) -> dict[str, Any]:
    if row.answer == "ignore":
        return {QUESTIONS["spans" if task.span_kind else "accept"]: []}
    said: dict[str, Any] = {}
    for part in PARTS:
        if getattr(row, part) is not None:
            said[QUESTIONS[part]] = getattr(row, part)
    if row.spans is not None:
        said[QUESTIONS["spans"]] = [{"start": one.start, "end": one.end, "label": one.label} for one in row.spans]
    if row.accept is not None and task.label_kind == "textcat":
        said[QUESTIONS["accept"]] = row.accept[0]
    return said
