"""spaCy's DocBin: entities, the span group `sc`, and categories.

What it means: a doc without a component's annotation was not decided on it. Categories are 1 or 0; `record` in the
user data keeps what a doc has no place for.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin

from distill.corpus.docbin import SPANS_KEY
from distill.errors import DistillError
from distill.files import write_bytes
from distill.formats.labelled import Labelled, Refused, Unwritable, in_tokens, kept, not_accepted, overlap, restored
from distill.formats.offsets import Unit
from distill.records import Span
from distill.task import Task

KEY = "record"


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The docs of a file.

    Raises DistillError where it is no DocBin.
    """
    try:
        docs = list(DocBin(store_user_data=True).from_disk(path).get_docs(spacy.blank(task.language).vocab))
    except Exception as error:
        # zlib, msgpack and numpy each have their own
        raise DistillError(f"{path}: not a DocBin ({error})", "Give a file that DocBin.to_disk wrote.") from None
    for number, doc in enumerate(docs, start=1):
        reason = _unreadable(doc, task)
        if reason:
            yield Refused(str(path), number, reason, doc.text)
        else:
            yield _labelled(path, number, doc, task)


def _unreadable(doc: Doc, task: Task) -> str:
    """The reason why a doc cannot be read; empty where it can."""
    if task.span_kind == "ner" and len(doc.spans.get(SPANS_KEY, [])):
        return f"spans in the group {SPANS_KEY!r}, where the task has ner, which reads entities"
    if task.span_kind == "spancat" and doc.ents and SPANS_KEY in doc.spans:
        return f"both entities and spans in the group {SPANS_KEY!r}, and nothing to say which were decided"
    between = {label: value for label, value in doc.cats.items() if value not in (0.0, 1.0)}
    if between:
        label, value = next(iter(between.items()))
        return f"the category {label} is {value}, neither 1 nor 0"
    others = [name for name in doc.spans if name != SPANS_KEY]
    if others:
        return f"expected spans in the group {SPANS_KEY!r}, got {', '.join(map(repr, others))}"
    if doc.has_annotation("ENT_IOB") and any(token.ent_iob_ == "" for token in doc):
        return "the entities of some of its tokens are not known"
    if not doc.text.strip():
        return "empty text"
    if not doc.cats and SPANS_KEY not in doc.spans and not doc.has_annotation("ENT_IOB"):
        return "nothing was decided: there are no entities, no spans and no categories"
    return ""


def _labelled(path: Path, number: int, doc: Doc, task: Task) -> Labelled:
    spans = None
    if task.span_kind == "spancat" and SPANS_KEY in doc.spans:
        spans = [Span(start=one.start_char, end=one.end_char, label=one.label_) for one in doc.spans[SPANS_KEY]]
    elif doc.has_annotation("ENT_IOB"):
        spans = [Span(start=one.start_char, end=one.end_char, label=one.label_) for one in doc.ents]
    known = [label for label in task.labels(task.label_kind) if label in doc.cats]
    in_part = bool(known) and known != task.labels(task.label_kind)
    if task.components.textcat and any(doc.cats.values()):
        in_part = False
    row = Labelled(
        file=str(path),
        line=number,
        text=doc.text,
        answer="accept",
        spans=spans,
        accept=[label for label, value in doc.cats.items() if value] if doc.cats else None,
        row=doc.text,
        labels={"accept": known} if in_part else None,
    )
    record: Any = doc.user_data.get(KEY)
    try:
        return restored(row, json.loads(record) if isinstance(record, str) else None)
    except ValueError:
        return row


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write a doc a row, tokenized as in training. Returns the rows that a doc cannot hold."""
    nlp = spacy.blank(task.language)
    made = DocBin(store_user_data=True)
    refused: list[Unwritable] = []
    for row in rows:
        doc = nlp.make_doc(row.text)
        found = in_tokens(doc, row.spans or [])
        reason = not_accepted(row, task, "a doc", "accept")
        if task.span_kind == "ner":
            reason = reason or overlap(row.spans or [])
        if reason or isinstance(found, str):
            refused.append((row, reason or str(found)))
            continue
        if row.spans is not None and task.span_kind == "spancat":
            doc.spans[SPANS_KEY] = found
        elif row.spans is not None:
            doc.set_ents(found, default="outside")
        if row.accept is not None:
            doc.cats = {label: float(label in row.accept) for label in task.labels(task.label_kind)}
        doc.user_data[KEY] = json.dumps(kept(row), ensure_ascii=True)
        made.add(doc)
    write_bytes(path, made.to_bytes())
    return refused
