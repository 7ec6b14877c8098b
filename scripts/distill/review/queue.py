"""The order in which people should look at the texts."""

from collections import Counter
from pathlib import Path

from distill.files import digest
from distill.records import TRAINABLE, Annotated, Queued, read_records, write_records

ORDER = ("blind test sample", "blind dev sample", "teacher failed", "teacher partial", "random")


def rank(silver_path: Path, blind_path: Path, output: Path, *, seed: int) -> dict[str, int]:
    """Write the queue: the blind samples first, so that measuring comes before teaching; then the texts on which the
    teacher failed or was partial; then the rest. Each part is in random order by `seed`, for a random sample teaches
    as well as a chosen one.

    No suggestion stands in the queue. Returns the number of texts by reason, in the order of the queue.
    """
    queue: list[tuple[int, str, str, Queued]] = []
    for path in (blind_path, silver_path):
        for record in read_records(path, Annotated):
            why = _why(record)
            queued = Queued(
                id=record.id,
                text=record.text,
                group=record.group,
                sample=record.sample,
                meta=record.meta,
                why=why,
            )
            queue.append((ORDER.index(why), digest(f"{seed}:{record.id}".encode()), record.id, queued))
    queue.sort(key=lambda item: item[:3])
    write_records(output, (item[3] for item in queue))
    counts = Counter(item[3].why for item in queue)
    return {why: counts[why] for why in ORDER}


def _why(record: Annotated) -> str:
    if record.sample in ("test", "dev"):
        return f"blind {record.sample} sample"
    statuses = {run.status for run in record.teacher.values()}
    if statuses <= TRAINABLE:
        return "random"
    return "teacher partial" if statuses <= TRAINABLE | {"partial"} else "teacher failed"
