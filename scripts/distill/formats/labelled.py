"""A text that people labelled elsewhere, as every format is read into it."""

from dataclasses import dataclass, field
from typing import Any, Literal

from distill.records import Span


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


def misplaced(text: str, spans: list[Span]) -> str:
    """The reason why spans cannot be spans of `text`; empty where they can."""
    for span in spans:
        if not span.start < span.end <= len(text):
            return f"span {span.start}–{span.end} {span.label}: the text has {len(text)} code points"
    return ""
