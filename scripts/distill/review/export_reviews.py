"""The decisions in force, into a file for another tool."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from distill.errors import DistillError
from distill.files import write_jsonl
from distill.formats.labelled import Labelled, Refused
from distill.formats.offsets import Unit
from distill.formats.registry import FORMATS, Name
from distill.journal import entries
from distill.records import Text, read_records
from distill.review.decisions import Decision, settle
from distill.task import load_task


@dataclass
class Exported:
    """What `export_reviews` did. decisions: in the file; refused: those that the format cannot hold; conflicts: texts
    whose decisions differ, which stay here until they are settled."""

    decisions: int = 0
    refused: int = 0
    conflicts: int = 0


def export_reviews(
    texts: Path, reviews: Path, task_path: Path, output: Path, format_: Name, refused_path: Path, unit: Unit | None
) -> Exported:
    """Write what has been decided on each text to `output`, in the order of the texts. What the format cannot hold goes
    to `refused_path` with the reason; nothing is changed to fit.

    Raises DistillError where there are no texts.
    """
    if not texts.exists():
        raise DistillError(f"{texts}: no such file", "Run `weasel run ingest`.")
    task = load_task(task_path)
    made = list(entries(reviews, Decision))
    decided = settle(made)
    sources: dict[str, dict[str, object]] = {}
    for decision in made:
        # A later decision made here does not name the tool that an earlier one came from
        sources.setdefault(decision.text_id, {}).update(decision.source or {})
    authors: dict[str, set[str]] = {}
    for decision in decided.standing:
        authors.setdefault(decision.text_id, set()).add(decision.annotator)
    rows = list(_rows(texts, decided.settled, sources, authors))
    refused = FORMATS[format_].write(output, rows, task, unit)
    there = {row.id for row in rows}
    refused += [
        (_labelled(decision, None, sources, authors), f"no text with the id {id_} in {texts}")
        for id_, decision in decided.settled.items()
        if id_ not in there
    ]
    lost = [Refused(str(output), 0, reason, _plain(row)) for row, reason in refused]
    write_jsonl(refused_path, (asdict(one) for one in lost))
    absent = len(decided.settled.keys() - there)
    return Exported(len(rows) - (len(refused) - absent), len(refused), len(decided.conflicts))


Sources = dict[str, dict[str, object]]


def _rows(
    texts: Path, settled: dict[str, Decision], sources: Sources, authors: dict[str, set[str]]
) -> Iterator[Labelled]:
    for text in read_records(texts, Text):
        decision = settled.get(text.id)
        if decision is not None:
            yield _labelled(decision, text, sources, authors)


def _labelled(decision: Decision, text: Text | None, sources: Sources, authors: dict[str, set[str]]) -> Labelled:
    # Of what several decided together, none of them is the author
    by = authors.get(decision.text_id, set())
    return Labelled(
        file="",
        line=0,
        text=decision.text,
        answer="ignore" if decision.answer == "open" else decision.answer,
        spans=decision.spans,
        accept=decision.accept,
        row=None,
        id=decision.text_id,
        group=text.group if text else None,
        meta=text.meta if text else {},
        annotator=decision.annotator if len(by) == 1 else None,
        at=decision.at,
        seconds=decision.seconds,
        comment=decision.comment,
        labels=decision.labels,
        source=sources[decision.text_id] or None,
    )


def _plain(row: Labelled) -> dict[str, object]:
    spans = None if row.spans is None else [span.model_dump(exclude_none=True) for span in row.spans]
    plain = {**asdict(replace(row, spans=None)), "spans": spans}
    return {key: value for key, value in plain.items() if value is not None}
