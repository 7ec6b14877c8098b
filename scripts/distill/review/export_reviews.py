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
    rows = list(_rows(texts, decided.settled, sources))
    refused = FORMATS[format_].write(output, rows, task, unit)
    lost = [Refused(str(output), 0, reason, _plain(row)) for row, reason in refused]
    write_jsonl(refused_path, (asdict(one) for one in lost))
    return Exported(len(rows) - len(refused), len(refused), len(decided.conflicts))


def _rows(texts: Path, settled: dict[str, Decision], sources: dict[str, dict[str, object]]) -> Iterator[Labelled]:
    for text in read_records(texts, Text):
        decision = settled.get(text.id)
        if decision is not None and decision.answer != "open":
            yield Labelled(
                file="",
                line=0,
                text=decision.text,
                answer=decision.answer,
                spans=decision.spans,
                accept=decision.accept,
                row=None,
                id=text.id,
                group=text.group,
                meta=text.meta,
                annotator=decision.annotator,
                at=decision.at,
                seconds=decision.seconds,
                comment=decision.comment,
                labels=decision.labels,
                source=sources[text.id] or None,
            )


def _plain(row: Labelled) -> dict[str, object]:
    return {key: value for key, value in asdict(replace(row, spans=None)).items() if value is not None} | {
        "spans": [span.model_dump(exclude_none=True) for span in row.spans or []]
    }
