"""Decisions that were made elsewhere, into the journal of reviews."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from distill.corpus.split import SplitRow, load_split, save_split
from distill.errors import DistillError
from distill.files import canonical, write_bytes, write_jsonl
from distill.formats.labelled import Labelled, Refused
from distill.formats.offsets import Unit
from distill.formats.registry import FORMATS, Name
from distill.formats.texts import RawText, read_texts
from distill.journal import Journal, content_id, entries
from distill.records import identify, twin_key
from distill.review.decisions import Decision, load_decisions
from distill.task import load_task

GUIDELINES = "imported"
"""The guidelines version of decisions made elsewhere: nobody knows by which they were made."""


@dataclass
class Imported:
    """What `import_reviews` did. decisions: new ones in the journal; known: that were there already; texts: new ones in
    the file of texts; refused: rows that cannot be used; answers: rows by answer; sample: texts that were put into the
    blind sample; conflicts: texts whose decisions now differ."""

    decisions: int = 0
    known: int = 0
    texts: int = 0
    refused: int = 0
    sample: int = 0
    conflicts: int = 0
    answers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Paths:
    """The files that an import reads and writes."""

    task: Path
    texts: Path
    split: Path
    reviews: Path
    refused: Path


def import_reviews(
    source: Path,
    format_: Name,
    paths: Paths,
    annotator: str,
    sample: Literal["pool", "test", "dev"],
    unit: Unit | None = None,
) -> Imported:
    """Add the decisions in `source` to the journal, and texts that are new to a file of texts that ends in .jsonl.

    annotator: who decided, where the rows do not say. sample: `test` or `dev` freezes the
    texts as that blind sample, which must not have been drawn yet. unit: what offsets count, where the file leaves that
    open. What cannot be used goes to `paths.refused`, with
    the reason. An import that is repeated adds nothing.

    Raises DistillError before anything is written where the file cannot be read or the sample is drawn.
    """
    if not source.is_file():
        raise DistillError(f"{source}: no such file", "Give the path of the file to import.")
    task = load_task(paths.task)
    rows = FORMATS[format_].read(source, task, unit)
    known = _Texts(paths.texts)
    split = load_split(paths.split)
    done = Imported()
    refused: list[Refused] = []
    decided: list[tuple[Decision, SplitRow]] = []
    for row in rows:
        place = row if isinstance(row, Refused) else known.place(row)
        if isinstance(place, Refused):
            refused.append(place)
            continue
        assert isinstance(row, Labelled)
        id_, group = place
        other = split.rows.get(id_)
        if other and sample not in ("pool", other.sample):
            reason = f"the text {id_} is in the {other.sample} sample already, and a text is in one sample"
            refused.append(Refused(row.file, row.line, reason, row.row))
            continue
        done.answers[row.answer] += 1
        frozen = SplitRow(id=id_, group=group, twin=twin_key(row.text), sample="dev" if sample == "dev" else "test")
        decided.append((_decision(row, id_, annotator), frozen))
    done.refused, done.texts = len(refused), len(known.new)

    frozen_rows = {row.id: row for _, row in decided} if sample != "pool" else {}
    drawn = [row for row in split.rows.values() if row.sample == sample]
    if frozen_rows and drawn and {row.id for row in drawn} != frozen_rows.keys():
        raise DistillError(
            f"{paths.split}: the {sample} sample is drawn already, of {len(drawn)} texts",
            "A sample is frozen once. Before anything is reviewed you may empty that file, and import again.",
        )

    with Journal(paths.reviews) as journal:
        there = {_same(entry) for entry in entries(paths.reviews, Decision)}
        new = {_same(decision): decision for decision, _ in decided if _same(decision) not in there}
        # In ASCII, for what was refused may be what no encoding can hold
        write_jsonl(paths.refused, (asdict(one) for one in refused), ascii_only=True)
        known.save()
        if frozen_rows:
            done.sample = len(frozen_rows)
            save_split(paths.split, {**frozen_rows, **split.rows}.values())
        journal.append(*new.values())
    done.decisions, done.known = len(new), len(decided) - len(new)
    done.conflicts = len(load_decisions(paths.reviews).conflicts)
    return done


class _Texts:
    """The project's texts, and those that an import adds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        rows = [row for row in read_texts(path) if isinstance(row, RawText)] if path.exists() else []
        self._places: dict[str, tuple[str, str]] = {}
        self._ids: dict[str, str] = {}
        for row in rows:
            id_, group = identify(row.text, row.id, row.group)
            self._places.setdefault(row.text, (id_, group))
            self._ids.setdefault(id_, row.text)
        self.new: list[dict[str, object]] = []

    def place(self, row: Labelled) -> tuple[str, str] | Refused:
        """The id and the group of a row's text; a text that is not there is added."""
        try:
            canonical([row.text, row.id, row.group, row.meta, row.annotator, row.comment, row.source]).encode()
        except UnicodeEncodeError:
            return Refused(row.file, row.line, "it holds a lone surrogate, which is no character", row.row)
        if row.id == "" or row.group == "":
            return Refused(row.file, row.line, f"empty {'id' if row.id == '' else 'group'}: leave it out", row.row)
        if row.text in self._places:
            return self._places[row.text]
        id_, group = identify(row.text, row.id, row.group)
        if not row.text.strip():
            return Refused(row.file, row.line, "empty text", row.row)
        if id_ in self._ids:
            return Refused(row.file, row.line, f"the id {id_!r} stands for another text in {self._path}", row.row)
        if self._path.suffix != ".jsonl":
            return Refused(row.file, row.line, f"no such text in {self._path}: add it there, and import again", row.row)
        own = {"id": id_, "text": row.text, "group": row.group, "meta": row.meta or None}
        self.new.append({key: value for key, value in own.items() if value is not None})
        self._ids[id_] = row.text
        self._places[row.text] = id_, group
        return self._places[row.text]

    def save(self) -> None:
        """Append the new texts; what stands in the file stays byte for byte."""
        if not self.new:
            return
        data = self._path.read_bytes() if self._path.exists() else b""
        if data and not data.endswith(b"\n"):
            data += b"\n"
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.new)
        write_bytes(self._path, data + lines.encode())


def _same(decision: Decision) -> str:
    """By which it is seen that a decision was made already, here or in an earlier import: who decided what on which
    text."""
    spans = None if decision.spans is None else sorted((span.start, span.end, span.label) for span in decision.spans)
    said = [
        decision.text_id,
        decision.text,
        decision.annotator,
        decision.answer,
        spans,
        decision.accept,
        decision.labels,
    ]
    return canonical(said)


def _decision(row: Labelled, id_: str, annotator: str) -> Decision:
    decision = Decision(
        id="",
        text_id=id_,
        text=row.text,
        answer=row.answer,
        spans=row.spans,
        accept=row.accept,
        annotator=row.annotator or annotator,
        guidelines=GUIDELINES,
        at=row.at,
        seconds=row.seconds,
        comment=row.comment,
        labels=row.labels,
        source=row.source,
    )
    return decision.model_copy(update={"id": content_id(decision)})
