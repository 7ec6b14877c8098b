"""CoNLL's columns: a token a line with its tag in the last column, an empty line after each text. Tags are IOB1, IOB2
or BILUO (IOBES).

Comments of our own (`# record = …`) keep what the columns cannot, the text with its white space first; a file without
them is read as it stands, with a space between tokens.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Span as SpacySpan

from distill.errors import DistillError
from distill.files import atomic
from distill.formats.labelled import Labelled, Refused, Unwritable, in_tokens, kept, not_accepted, overlap, restored
from distill.formats.offsets import Unit
from distill.records import Span
from distill.task import Task

TAG = re.compile(r"([BILUSEM])-(.+)", re.DOTALL)
OUTSIDE = frozenset({"O", "-X-", "_"})
KEY = "# record = "
COMMENT = re.compile(r"# (text|sent_id|newdoc|newpar)\b")
"""What CoNLL-U has beside tokens."""


def read(path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
    """The texts of a file.

    Raises DistillError where it is not UTF-8.
    """
    for number, lines in _blocks(path):
        raw = "\n".join(lines)
        try:
            yield _labelled(path, number, raw, lines)
        except _BrokenError as error:
            yield Refused(str(path), error.line, error.reason, raw)


class _BrokenError(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The texts as (number of the first line, lines)."""
    try:
        # Split at line feeds alone: a token may hold any other sign
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DistillError(f"{path}: not UTF-8 ({error})", "Save the file as UTF-8.") from None
    block: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        line = line.removesuffix("\r")
        # In a text of our own it is a token
        is_boundary = line.startswith("-DOCSTART-") and not (block and block[0].startswith(KEY))
        if line.strip(" ") and not is_boundary:
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _labelled(path: Path, number: int, raw: str, lines: list[str]) -> Labelled:
    record: dict[str, Any] = {}
    tokens: list[tuple[int, str, str]] = []
    for at, line in enumerate(lines, start=number):
        if line.startswith(KEY):
            record = _record(at, line)
        elif not COMMENT.match(line):
            columns = line.split("\t") if "\t" in line else line.split()
            if len(columns) < 2 or not columns[0] or not columns[-1] or "\r" in line:
                raise _BrokenError(at, f"expected a token and its tag, got {line!r}")
            tokens.append((at, columns[0], columns[-1]))
    if not tokens and not record:
        raise _BrokenError(number, "no tokens")
    if not record and len(tokens) > 1 and [word for _, word, _ in tokens] == [str(n + 1) for n in range(len(tokens))]:
        raise _BrokenError(number, "the first column counts the tokens: leave it out, for the token is expected there")
    kept_text = record.get("text")
    text = kept_text if isinstance(kept_text, str) else " ".join(word for _, word, _ in tokens)
    places = _places(text, tokens)
    row = Labelled(
        file=str(path),
        line=number,
        text=text,
        answer="accept",
        spans=_spans(tokens, places),
        accept=record.get("accept"),
        row=raw,
    )
    return restored(row, record)


def _record(line: int, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text.removeprefix(KEY))
    except (ValueError, RecursionError) as error:
        raise _BrokenError(line, f"the record is not JSON ({error})") from None
    accept = record.get("accept") if isinstance(record, dict) else 0
    if accept is not None and not (isinstance(accept, list) and all(isinstance(label, str) for label in accept)):
        raise _BrokenError(line, "the record is not one of ours")
    return dict(record)


def _places(text: str, tokens: list[tuple[int, str, str]]) -> list[tuple[int, int]]:
    places = []
    end = 0
    for line, word, _ in tokens:
        start = end + len(text[end:]) - len(text[end:].lstrip())
        if not text.startswith(word, start):
            raise _BrokenError(line, f"the token {word!r} does not stand next in the text of its record")
        end = start + len(word)
        places.append((start, end))
    return places


def _spans(tokens: list[tuple[int, str, str]], places: list[tuple[int, int]]) -> list[Span]:
    """The spans of tags in any of the schemes. An inside that follows nothing of its label begins a span, as in
    IOB1."""
    spans: list[Span] = []
    open_ = False
    for (line, _, tag), (start, end) in zip(tokens, places, strict=True):
        match = TAG.fullmatch(tag)
        if match is None:
            if tag not in OUTSIDE:
                raise _BrokenError(line, f"expected a tag such as B-LABEL, I-LABEL or O, got {tag!r}")
            open_ = False
            continue
        prefix, label = match.groups()
        if prefix in "ILEM" and open_ and spans[-1].label == label:
            spans[-1] = spans[-1].model_copy(update={"end": end})
        else:
            spans.append(Span(start=start, end=end, label=label))
        open_ = prefix in "BIM"
    return spans


def write(path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
    """Write spaCy's tokens and IOB2 tags, with comments that keep the rest. Returns the rows that the columns cannot
    hold: overlapping spans, and those that do not fit the tokens or begin or end with white space."""
    nlp = spacy.blank(task.language)
    refused: list[Unwritable] = []
    with atomic(path) as file:
        for row in rows:
            doc = nlp.make_doc(row.text)
            found = in_tokens(doc, row.spans or [])
            reason = not_accepted(row, task, "CoNLL", "accept") or overlap(row.spans or [])
            if reason or isinstance(found, str):
                refused.append((row, reason or str(found)))
                continue
            if reason := _untaggable(found):
                refused.append((row, reason))
                continue
            tags = ["O"] * len(doc)
            for span in found:
                tags[span.start : span.end] = [f"B-{span.label_}", *[f"I-{span.label_}"] * (len(span) - 1)]
            record = {**kept(row), "text": row.text, "accept": row.accept}
            lines = [f"{KEY}{json.dumps(record, ensure_ascii=True)}"]
            lines += [f"{token.text}\t{tag}" for token, tag in zip(doc, tags, strict=True) if not token.is_space]
            file.write(("\n".join(lines) + "\n\n").encode())
    return refused


def _untaggable(spans: Sequence[SpacySpan]) -> str:
    """The reason why spans cannot be tags; empty where they can."""
    for span in spans:
        if span[0].is_space or span[-1].is_space:
            return f"the span {span.text!r} begins or ends with white space, which has no line"
        if re.search(r"\s", span.label_):
            return f"the label {span.label_!r} has white space in it"
    return ""
