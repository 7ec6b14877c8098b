"""`rank`: measuring before teaching, failures before the rest, and no suggestion in the queue."""

from collections.abc import Iterable
from pathlib import Path

from conftest import Project
from distill.records import Annotated, Sample, Span, Status, TeacherRun, write_records
from distill.review.queue import rank


def record(id_: str, sample: Sample, *statuses: Status) -> Annotated:
    return Annotated(
        id=id_,
        text=id_,
        group=id_,
        sample=sample,
        spans=[Span(start=0, end=1, label="X")],
        teacher={f"component {n}": TeacherRun(status=status) for n, status in enumerate(statuses)},
    )


def order(folder: Path, silver: Iterable[Annotated], blind: Iterable[Annotated], seed: int = 0) -> list[str]:
    write_records(folder / "silver.jsonl", silver)
    write_records(folder / "blind.jsonl", blind)
    rank(folder / "silver.jsonl", folder / "blind.jsonl", folder / "queue.jsonl", seed=seed)
    return [row["id"] for row in Project(folder).read("queue.jsonl")]


def test_blind_then_failed_then_partial_then_random(tmp_path: Path) -> None:
    silver = [
        record("fine", "pool", "ok", "ok_empty"),
        record("partial", "pool", "ok", "partial"),
        record("failed", "pool", "partial", "refused"),
        record("unasked", "pool"),
    ]
    blind = [record("dev", "dev", "refused"), record("test", "test", "ok")]
    queue = order(tmp_path, silver, blind)
    assert queue[:4] == ["test", "dev", "failed", "partial"]
    assert set(queue[4:]) == {"fine", "unasked"}


def test_the_rest_is_in_an_order_that_depends_on_the_seed_alone(tmp_path: Path) -> None:
    silver = [record(f"t{n}", "pool", "ok") for n in range(50)]
    assert order(tmp_path, silver, []) == order(tmp_path, silver[::-1], []) != order(tmp_path, silver, [], seed=1)


def test_the_queue_holds_every_text_once_and_no_suggestion(ran: Project) -> None:
    queue = ran.read("corpus/queue.jsonl")
    assert sorted(row["id"] for row in queue) == sorted(row["id"] for row in ran.read("corpus/texts.jsonl"))
    assert all(row.keys() == {"id", "text", "group", "sample", "meta", "why"} for row in queue)
    blind = [row["sample"] in ("test", "dev") for row in queue]
    assert blind == sorted(blind, reverse=True)
