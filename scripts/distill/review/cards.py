"""Cards: a text with its tokens, what is suggested on it, and what has been decided; and what comes back from one.

The browser knows tokens, the journal knows code points: this is where one becomes the other. A card of the blind
samples, and one drawn to go without suggestions, never holds any.
"""

import json
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import spacy
from pydantic import Field, ValidationError
from spacy.language import Language
from spacy.tokens import Doc

from distill.errors import DistillError, at
from distill.files import digest, read_jsonl
from distill.records import USABLE, Annotated, Span, Strict, explain
from distill.review.decisions import Decision
from distill.task import LABEL_KINDS, SPAN_KINDS, Task

Mode = Literal["blind", "hidden", "shown"]
"""Whether a card has suggestions: none for the samples that measure, none for the share that measures anchoring."""


Said = dict[str, Any] | None
"""What somebody says of a card: `spans` in tokens, `accept`, and more."""


class RefusedError(Exception):
    """A request that cannot be met. status: of HTTP."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class TokenSpan(Strict):
    """A labelled stretch of a card. `start`, `end`: tokens, inclusive."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    label: str


class Submitted(Strict):
    """A decision as the browser sends it. id: made by the browser, so that sending it again is harmless. card: the
    text's id. settles: the decisions that it replaces beside the annotator's own, in a conflict.
    label: the only one that was decided on; None for all. guidelines: the version that the page showed; mode: whether
    the card had suggestions."""

    id: str = Field(pattern=r"^[0-9A-Za-z-]{8,64}$")
    card: str
    annotator: str = Field(min_length=1, max_length=60)
    answer: Literal["accept", "reject", "ignore", "open"]
    spans: list[TokenSpan] | None = Field(default=None, max_length=10_000)
    accept: list[str] | None = Field(default=None, max_length=10_000)
    seconds: float | None = Field(default=None, ge=0, le=10**6)
    comment: str | None = Field(default=None, max_length=10_000)
    flag: bool | None = None
    settles: list[str] = Field(default_factory=list, max_length=1000)
    label: str | None = None
    guidelines: str = Field(max_length=60)
    mode: Mode


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the queue. meta: as JSON."""

    id: str
    text: str
    sample: str
    why: str
    meta: str


class Suggestions:
    """What the teacher said, read from the annotated records when a card needs it: they are too many to hold."""

    def __init__(self, path: Path) -> None:
        self._offsets: dict[str, int] = {}
        # Kept open: another run may put a new file in its place, with other texts at these offsets
        self._file = path.open("rb")
        self._lock = threading.Lock()
        begin = re.compile(rb'^\{"id": ("(?:[^"\\]|\\.)*")')
        offset = 0
        for number, line in enumerate(self._file, start=1):
            match = begin.match(line)
            if not match:
                raise DistillError(f"{at(path, number)}: not an annotated record", "Run `weasel run annotate`.")
            self._offsets[json.loads(match[1])] = offset
            offset += len(line)

    def get(self, id_: str) -> Annotated | None:
        """The record of a text."""
        if id_ not in self._offsets:
            return None
        with self._lock:
            self._file.seek(self._offsets[id_])
            line = self._file.readline()
        try:
            return Annotated.model_validate_json(line)
        except ValidationError as error:
            raise DistillError(
                f"{self._file.name}: {explain(error)}", "Run `weasel run annotate`, and start again."
            ) from None


class Student:
    """The student that ships, as a second opinion; used by one thread at a time."""

    def __init__(self, model: Path) -> None:
        # Here, for it brings SciPy, and the first card does not wait for a student
        from distill.student.score import predictions

        self._predictions = predictions
        self._nlp = spacy.load(model)
        self._lock = threading.Lock()

    def annotate(self, doc: Doc, task: Task) -> tuple[list[TokenSpan] | None, list[str] | None]:
        """The spans and the labels of a text; None for a component that the task does not have."""
        with self._lock:
            (said,) = self._predictions(self._nlp, [doc.text])
        spans = [Span(start=start, end=end, label=label) for start, end, label in sorted(said.spans)]
        return to_tokens(doc, spans) if task.span_kind else None, sorted(said.labels) if task.label_kind else None


def read_queue(path: Path) -> list[Row]:
    """The queue, in its order.

    Raises DistillError where it is missing or not what `rank` writes.
    """
    if not path.exists():
        raise DistillError(f"{path}: no such file", "Run `weasel run all`, which ranks the texts.")
    rows = []
    for number, row in read_jsonl(path):
        try:
            meta = json.dumps(row.get("meta") or {}, ensure_ascii=False)
            rows.append(
                Row(str(row["id"]), str(row["text"]), sys.intern(str(row["sample"])), sys.intern(str(row["why"])), meta)
            )
        except KeyError as error:
            raise DistillError(f"{at(path, number)}: key {error} is missing", "Run `weasel run rank`.") from None
    return rows


def mode_of(row: Row, hidden: float) -> Mode:
    """Whether a card has suggestions. hidden: the share that goes without, the same cards each time."""
    if row.sample != "pool":
        return "blind"
    return "hidden" if share("hidden", row.id) < hidden else "shown"


def share(what: str, id_: str) -> float:
    """A number from 0 to 1 that belongs to a text, for drawing a share of them; another one for each purpose."""
    return int(digest(f"{what}:{id_}".encode())[:12], 16) / 16**12


def tokens_of(doc: Doc) -> list[tuple[str, str]]:
    """The tokens of a card: the text of each, and the white space after it."""
    return [(token.text, token.whitespace_) for token in doc]


def to_tokens(doc: Doc, spans: Sequence[Span]) -> list[TokenSpan]:
    """Spans in code points as spans in tokens; one that ends inside a token is widened to it."""
    found = []
    for span in spans:
        wider = doc.char_span(span.start, span.end, alignment_mode="expand")
        if wider is not None:
            found.append(TokenSpan(start=wider.start, end=wider.end - 1, label=span.label))
    return found


def to_code_points(doc: Doc, spans: Sequence[TokenSpan]) -> list[Span]:
    """Spans in tokens as spans of the record, in their order in the text."""
    made = [
        Span(
            start=doc[span.start].idx,
            end=doc[span.end].idx + len(doc[span.end]),
            label=span.label,
            token_start=span.start,
            token_end=span.end,
        )
        for span in spans
    ]
    return sorted(made, key=lambda span: (span.start, span.end, span.label))


def mistake(submitted: Submitted, doc: Doc, task: Task) -> str:
    """Why a submitted decision cannot be one; empty where it can."""
    if submitted.answer != "accept":
        return ""
    if submitted.spans is not None:
        allowed = task.labels(task.span_kind)
        last = -1
        seen = set()
        for span in sorted(submitted.spans, key=lambda span: (span.start, span.end)):
            if span.label not in allowed:
                return f"expected a label of {', '.join(allowed) or 'no span'}, got {span.label!r}"
            if not span.start <= span.end < len(doc):
                return f"expected tokens from 0 to {len(doc) - 1}, got {span.start} to {span.end}"
            if (span.start, span.end, span.label) in seen:
                return f"the span {span.start} to {span.end} {span.label} is there twice"
            seen.add((span.start, span.end, span.label))
            if task.span_kind == "ner" and span.start <= last:
                return f"the span {span.start} to {span.end} overlaps the one before it"
            last = span.end
    if submitted.accept is not None:
        labels = task.labels(task.label_kind)
        unknown = [label for label in submitted.accept if label not in labels]
        if unknown or (task.label_kind == "textcat" and len(submitted.accept) != 1):
            return f"expected {'one' if task.label_kind == 'textcat' else 'some'} of {', '.join(labels)}"
    if (submitted.spans is None and task.span_kind) or (submitted.accept is None and task.label_kind):
        return f"expected a decision on each of {', '.join(task.kinds)}"
    return ""


def usable(record: Annotated) -> tuple[list[Span] | None, list[str] | None]:
    """The teacher's spans and labels of a text; None of what it said nothing of use about."""
    kinds = {kind for kind, run in record.teacher.items() if run.status in USABLE}
    return record.spans if kinds & SPAN_KINDS else None, record.accept if kinds & LABEL_KINDS else None


def suggested(record: Annotated, doc: Doc) -> dict[str, Any]:
    """What the teacher suggests: spans in tokens and labels, None where it said nothing of use, and its statuses."""
    marked, accept = usable(record)
    spans = None if marked is None else to_tokens(doc, marked)
    return {
        "spans": None if spans is None else [span.model_dump() for span in spans],
        "accept": accept,
        "statuses": {kind: run.status for kind, run in record.teacher.items()},
    }


def as_decided(decision: Decision, doc: Doc) -> dict[str, Any]:
    """A decision as a card shows it."""
    return {
        "id": decision.id,
        "answer": decision.answer,
        "annotator": decision.annotator,
        "spans": None if decision.spans is None else [span.model_dump() for span in to_tokens(doc, decision.spans)],
        "accept": decision.accept,
        "comment": decision.comment,
        "flag": bool(decision.flag),
        "at": decision.at,
        "guidelines": decision.guidelines,
        "labels": decision.labels,
    }


def make_nlp(task: Task) -> Language:
    """The tokenizer that training uses."""
    return spacy.blank(task.language)
