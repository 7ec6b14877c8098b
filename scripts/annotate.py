"""The teacher's answers to corpus/silver.jsonl: recorded ones are read, missing ones are asked for, once."""

from pathlib import Path
from typing import Annotated

from distill.errors import DistillError, run
from distill.options import Task
from distill.records import STATUSES
from distill.teacher.annotate import annotate
from typer import Option
from wasabi import msg


def main(
    texts: Path,
    task: Task,
    config: Annotated[Path, Option(help="The teacher's spacy-llm config.")],
    responses: Annotated[Path, Option(help="The journal of the teacher's answers; new ones are appended.")],
    silver: Annotated[Path, Option(help="Output: the texts of the pool.")],
    blind: Annotated[Path, Option(help="Output: the texts of the blind samples, for measuring the teacher.")],
) -> None:
    """Annotate TEXTS with the teacher, and record each answer before the next step."""
    done = annotate(texts, task, config, responses, silver, blind)
    if not done.statuses:
        msg.info(f"No text was annotated: there is no teacher ({config} has an empty pipeline), or there are no texts")
        return
    seen = [status for status in STATUSES if any(counts[status] for counts in done.statuses.values())]
    rows = [[kind, *(counts[status] for status in seen)] for kind, counts in done.statuses.items()]
    msg.table(rows, header=["texts", *seen], aligns=["l", *("r" for _ in seen)], divider=True)
    for kind, reasons in done.dropped.items():
        if reasons:
            counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
            msg.text(f"{kind}: not used of the answers: {counts}")
    trainable = ", ".join(f"{done.trainable(kind)} of {kind}" for kind in done.statuses)
    msg.text(f"May train without a person having looked (ok, ok_empty): {trainable}")
    if done.differing:
        msg.warn(f"{done.differing} requests have two different recorded answers; the one with the smaller id is used")
    msg.good(
        f"{silver}: {done.texts} texts annotated; {done.recorded} answers were recorded before, "
        f"{done.asked.answered} are new"
    )
    unanswered = ""
    if done.unanswered:
        reason = done.asked.stopped or next(iter(done.asked.failures.values()))
        unanswered = f"{done.unanswered} requests got no answer ({reason})"
    if done.failed_share > done.max_failed:
        raise DistillError(
            f"{done.failed_share:.0%} of the texts have no usable answer, over max_failed = {done.max_failed:.0%}"
            + (f"; {unanswered}" if unanswered else ""),
            "All answers that came are kept. Run `weasel run annotate` again to ask for the rest, or see `dropped` in "
            f"{silver} and mend the prompts.",
        )
    if unanswered:
        msg.warn(f"{unanswered}; `weasel run annotate . --force` asks again")


if __name__ == "__main__":
    run(main)
