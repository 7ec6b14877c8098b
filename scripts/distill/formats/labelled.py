"""A text that people labelled elsewhere, as every format is read into it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from distill.files import read_jsonl
from distill.records import Span, explain


@dataclass(frozen=True)
class Labelled:
    """One person's labels of one text. `spans` and `accept` are None where they were not decided; `id`, `annotator`
    and `at` (ISO 8601) where the file does not say. row: as it stood in the file."""

    file: str
    line: int
    text: str
    answer: Literal["accept", "reject", "ignore"]
    spans: list[Span] | None
    accept: list[str] | None
    row: dict[str, Any]
    id: str | None = None
    group: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    annotator: str | None = None
    at: str | None = None
    seconds: float | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Refused:
    """A row that cannot be used, and why."""

    file: str
    line: int
    reason: str
    row: Any


Row = TypeVar("Row", bound=BaseModel)


def validated(path: Path, model: type[Row]) -> Iterator[tuple[int, dict[str, Any], Row] | Refused]:
    """The lines of a JSONL file as (number, as it stood there, as `model`), or refused where they do not fit."""
    for number, raw in read_jsonl(path):
        try:
            yield number, raw, model.model_validate(raw)
        except ValidationError as error:
            yield Refused(str(path), number, explain(error), raw)


def misplaced(text: str, spans: list[Span]) -> str:
    """The reason why spans cannot be spans of `text`; empty where they can."""
    for span in spans:
        if not span.start < span.end <= len(text):
            return f"span {span.start}–{span.end} {span.label}: the text has {len(text)} code points"
    return ""
