"""Label Studio's JSON, an array of tasks, and the labelling configuration (XML) that goes with it.

What it means: an annotation is one person's decision, a prediction nobody's; `was_cancelled` is a skip; an annotation
without regions says that there are none, in the controls that the configuration has. Offsets are code points now and
were UTF-16 units once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import BaseModel, Field, ValidationError

from distill.errors import DistillError
from distill.files import digest, write_bytes, write_json
from distill.formats.labelled import (
    Labelled,
    Refused,
    Suggested,
    Unwritable,
    kept,
    not_accepted,
    read_array,
    restored,
)
from distill.formats.offsets import Mark, Unit, spans_or_reason, unit_of
from distill.records import Span, explain
from distill.task import Task

SPANS, TOPICS, TEXT = "label", "topic", "text"
"""The names of our controls."""


class _Value(BaseModel):
    start: int | None = None
    end: int | None = None
    text: str | None = None
    labels: list[str] = []
    choices: list[str] = []


class _Region(BaseModel):
    type: str
    value: _Value
    from_name: str = ""


class _Annotation(BaseModel):
    id: int | str | None = None
    completed_by: Any = None
    was_cancelled: bool = False
    lead_time: float | None = None
    created_at: str | None = None
    result: list[_Region]


class _Data(BaseModel, extra="allow"):
    text: str = Field(min_length=1)


class _Task(BaseModel):
    id: int | str | None = None
    data: _Data
    annotations: list[_Annotation] = []
    meta: Any = None


@dataclass(frozen=True)
class _Controls:
    """What the annotators were asked: for spans, for labels of the text."""

    spans: bool
    accept: bool


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """Each annotation of each task. The configuration is looked for beside the file, under its name with `.xml`; where
    it is not there, an annotation says something of that alone of which it holds a result.

    Raises DistillError where the file is no array, or the configuration no XML.
    """
    items = read_array(path)
    tasks: list[tuple[int, Any, _Task]] = []
    for number, item in enumerate(items, start=1):
        try:
            tasks.append((number, item, _Task.model_validate(item)))
        except ValidationError as error:
            yield Refused(str(path), number, explain(error), item)
    controls = _controls(path.with_suffix(".xml"))
    annotations = [(one.data.text, _marks(made)) for _, _, one in tasks for made in one.annotations]
    first = unit_of((text, marks) for text, marks in annotations if isinstance(marks, list))
    for number, item, one in tasks:
        if not one.annotations:
            yield Refused(str(path), number, "nobody has annotated it (predictions are nobody's decisions)", item)
        record = (one.data.model_extra or {}).get("record")
        for at, annotation in enumerate(one.annotations):
            made = _labelled(path, number, item, one, annotation, controls, unit, first)
            if isinstance(made, Refused):
                yield made
            else:
                # One that came in by an import has taken nobody any time; whoever does the same over again has decided
                imported = at == 0 and not annotation.lead_time
                yield restored(made, record, by=made.annotator if imported else "")


def _labelled(
    path: Path,
    number: int,
    item: Any,
    one: _Task,
    annotation: _Annotation,
    controls: _Controls | None,
    unit: Unit | None,
    of_file: Unit | None,
) -> Labelled | Refused:
    marks = _marks(annotation)
    found = marks if isinstance(marks, str) else spans_or_reason(one.data.text, marks, unit, of_file)
    if isinstance(found, str):
        return Refused(str(path), number, found, item)
    by = annotation.completed_by
    accepted = not annotation.was_cancelled
    choices = _choices(annotation)
    asked = controls or _Controls(spans=bool(marks), accept=bool(choices))
    if accepted and not asked.spans and not asked.accept:
        reason = "without regions, and without a labelling configuration beside the file that says what was asked for"
        return Refused(str(path), number, f"an annotation {reason}", item)
    known = {"task": one.id, "annotation": annotation.id}
    return Labelled(
        file=str(path),
        line=number,
        text=one.data.text,
        answer="accept" if accepted else "ignore",
        spans=found if accepted and asked.spans else None,
        accept=choices if accepted and asked.accept else None,
        row=item,
        meta={key: value for key, value in (one.data.model_extra or {}).items() if key != "record"},
        annotator=None if by is None else str(by.get("email") or by.get("id") if isinstance(by, dict) else by),
        at=annotation.created_at,
        seconds=annotation.lead_time,
        source={"label-studio": known} if any(value is not None for value in known.values()) else None,
    )


def _marks(annotation: _Annotation) -> list[Mark] | str:
    """The labelled stretches of an annotation, or the reason why one cannot be read."""
    marks = []
    for kind in ("labels", "choices"):
        names = {region.from_name for region in annotation.result if region.type == kind}
        if len(names) > 1:
            return f"two controls of one kind: {', '.join(sorted(names))}"
    for region in annotation.result:
        value = region.value
        if region.type == "choices" and value.start is None:
            continue
        if region.type == "choices":
            return "choices for a region, where labels of the text are expected"
        if region.type != "labels" or value.start is None or value.end is None:
            return f"expected regions of type labels or choices with `start` and `end`, got {region.type}"
        if not value.labels:
            return f"the region {value.start}–{value.end} has no label"
        marks += [Mark(value.start, value.end, label, value.text) for label in value.labels]
    return marks


def _choices(annotation: _Annotation) -> list[str]:
    return [choice for region in annotation.result if region.type == "choices" for choice in region.value.choices]


def _controls(path: Path) -> _Controls | None:
    if not path.exists():
        return None
    try:
        names = {element.tag for element in ElementTree.fromstring(path.read_bytes()).iter()}
    except ElementTree.ParseError as error:
        raise DistillError(f"{path}: not XML ({error})", "Save the labelling configuration there anew.") from None
    return _Controls(spans="Labels" in names, accept="Choices" in names)


def _configuration_path(path: Path) -> Path:
    if path.suffix == ".xml":
        raise DistillError(f"{path}: the labelling configuration goes there", "Give the export a name with .json.")
    return path.with_suffix(".xml")


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write tasks with an annotation each, and beside them the configuration, as `.xml`. Returns the rows that Label
    Studio cannot hold."""
    configuration_path = _configuration_path(path)
    refused: list[Unwritable] = []
    made = []
    for row in rows:
        if reason := not_accepted(row, task, "Label Studio", "accept", "ignore"):
            refused.append((row, reason))
            continue
        annotation = {
            "result": _result(row.text, row.spans or [], row.accept or []),
            "was_cancelled": row.answer == "ignore",
            "ground_truth": False,
        }
        made.append({"data": {"text": row.text, "record": kept(row)}, "annotations": [annotation]})
    write_json(path, made)
    write_bytes(configuration_path, configuration(task))
    return refused


def write_queue(path: Path, rows: Iterable[Suggested], task: Task) -> None:
    """Write tasks with what the teacher suggests as their prediction, and beside them the configuration, as `.xml`."""
    configuration_path = _configuration_path(path)
    made = []
    for row in rows:
        record = {"id": row.id, "group": row.group, "meta": row.meta}
        one: dict[str, Any] = {"data": {"text": row.text, "record": record}}
        if row.spans is not None or row.accept is not None:
            result = _result(row.text, row.spans or [], row.accept or [])
            one["predictions"] = [{"model_version": row.teacher_id, "result": result}]
        made.append(one)
    write_json(path, made)
    write_bytes(configuration_path, configuration(task))


def configuration(task: Task) -> bytes:
    """The labelling configuration of a task."""
    view = ElementTree.Element("View")
    if task.span_kind:
        control = ElementTree.SubElement(view, "Labels", name=SPANS, toName=TEXT)
        for label in task.labels(task.span_kind):
            ElementTree.SubElement(control, "Label", value=label, hint=task.label(task.span_kind, label).definition)
    ElementTree.SubElement(view, "Text", name=TEXT, value="$text", granularity="word")
    if task.label_kind:
        choice = "single" if task.label_kind == "textcat" else "multiple"
        control = ElementTree.SubElement(view, "Choices", name=TOPICS, toName=TEXT, choice=choice)
        for label in task.labels(task.label_kind):
            ElementTree.SubElement(control, "Choice", value=label, hint=task.label(task.label_kind, label).definition)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="utf-8") + b"\n"


def _result(text: str, spans: Sequence[Span], accept: Sequence[str]) -> list[dict[str, Any]]:
    regions: list[dict[str, Any]] = []
    for span in spans:
        value = {"start": span.start, "end": span.end, "text": text[span.start : span.end], "labels": [span.label]}
        regions.append({"from_name": SPANS, "to_name": TEXT, "type": "labels", "value": value})
    if accept:
        choices = {"choices": list(accept)}
        regions.append({"from_name": TOPICS, "to_name": TEXT, "type": "choices", "value": choices})
    # Unique in a file, and the same in each export of it
    return [{"id": digest(f"{text}:{number}".encode())[:10], **region} for number, region in enumerate(regions)]
