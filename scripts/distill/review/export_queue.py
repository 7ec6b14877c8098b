"""The texts that are still to be decided on, with what the teacher suggests, for another tool to review them in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill.errors import DistillError
from distill.formats.labelled import Suggested
from distill.formats.registry import QUEUES, QueueName
from distill.records import Annotated, Queued, read_records
from distill.review.cards import usable
from distill.review.decisions import load_decisions
from distill.review.one_label import decides
from distill.task import load_task


@dataclass
class Exported:
    """What `export_queue` did. texts: in the file; blind: those of the blind samples, which go without suggestions;
    suggested: those with any."""

    texts: int = 0
    blind: int = 0
    suggested: int = 0


def export_queue(
    queue: Path, silver: Path, reviews: Path, task_path: Path, output: Path, format_: QueueName, teacher_id: str
) -> Exported:
    """Write the texts of the queue that are not wholly decided, in its order. The texts of the blind samples go out
    without suggestions.

    Raises DistillError where there is nothing to suggest from.
    """
    task = load_task(task_path)
    decided = load_decisions(reviews)
    done = Exported()
    known = decided.conflicts.keys() | {
        id_ for id_, decision in decided.settled.items() if decides(decision, None, task)
    }
    if not silver.exists():
        raise DistillError(f"{silver}: no such file", "Run `weasel run annotate`.")
    said = {record.id: record for record in read_records(silver, Annotated)}

    def rows() -> Iterator[Suggested]:
        for row in read_records(queue, Queued):
            if row.id in known:
                continue
            record = said.get(row.id) if row.sample == "pool" else None
            spans, accept = usable(record) if record else (None, None)
            done.texts += 1
            done.blind += row.sample != "pool"
            done.suggested += spans is not None or accept is not None
            yield Suggested(row.id, row.text, row.group, row.meta, spans, accept, teacher_id)

    QUEUES[format_](output, rows(), task)
    return done
