"""Our own JSONL: a record a line, with `text` and what was decided on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from distill.files import read_jsonl
from distill.formats.labelled import Labelled, Refused, misplaced
from distill.records import Span, Strict, Token, explain


class Row(Strict):
    """A line. `tokens` are not used: offsets are code points."""

    text: str = Field(min_length=1)
    id: str | None = None
    group: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)
    tokens: list[Token] = Field(default_factory=list)
    spans: list[Span] | None = None
    accept: list[str] | None = None
    answer: Literal["accept", "reject", "ignore"] = "accept"
    annotator: str | None = None
    at: str | None = None
    seconds: float | None = None
    comment: str | None = None


def read(path: Path) -> Iterator[Labelled | Refused]:
    """The rows of a file. A missing `answer` means accept; `spans` or `accept` that are left out were not decided."""
    for number, raw in read_jsonl(path):
        try:
            row = Row.model_validate(raw)
        except ValidationError as error:
            yield Refused(str(path), number, explain(error), raw)
            continue
        reason = misplaced(row.text, row.spans or [])
        if row.answer == "accept" and row.spans is None and row.accept is None:
            reason = "nothing was decided: neither `spans` nor `accept` is there"
        if reason:
            yield Refused(str(path), number, reason, raw)
        else:
            fields = {name: getattr(row, name) for name in Row.model_fields if name != "tokens"}
            yield Labelled(file=str(path), line=number, row=raw, **fields)
