"""Baseline, teacher and students side by side on the blind test sample: training/metrics.json."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Task
from distill.student.evaluate import SYSTEMS, Inputs, evaluate, headline
from distill.task import load_task
from typer import Option
from wasabi import msg


def main(
    corpus: Path,
    metrics: Path,
    predictions: Path,
    task: Task,
    blind: Annotated[Path, Option(help="The teacher's annotations of the blind samples.")],
    reviews: Annotated[Path, Option(help="The journal of reviews.")],
    responses: Annotated[Path, Option(help="The journal of the teacher's answers.")],
    silver_model: Annotated[Path, Option(help="The student of the silver stage.")],
    reviewed_model: Annotated[Path, Option(help="The control, which learned from reviews alone.")],
    model: Annotated[Path, Option(help="The student of both stages.")],
) -> None:
    """Score everything on the test sample in CORPUS, choose by dev what ships, and write METRICS and PREDICTIONS."""
    models = {"silver": silver_model, "reviewed": reviewed_model, "two_stage": model}
    done = evaluate(Inputs(task, corpus, blind, reviews, responses, models), metrics, predictions)
    kinds = load_task(task).kinds
    if done["samples"]["test"]["texts"]:
        rows = []
        for system in SYSTEMS:
            figures = [headline(done["systems"][system]["test"], kind) for kind in kinds]
            rows.append([system, *(f"{100 * figure['value']:.1f}" if figure else "–" for figure in figures)])
        msg.table(rows, header=["on test", *kinds], divider=True, aligns=["l", *("r" for _ in kinds)])
    else:
        msg.info(
            "No test text is reviewed yet, so there is nothing to measure on: they stand first in corpus/queue.jsonl"
        )
    if done["ships"]:
        by = "which dev preferred" if done["samples"]["dev"]["texts"] else "chosen without any reviewed dev text"
        msg.good(f"{metrics}: what ships is {done['ships']}, {by}")
    else:
        msg.warn(f"{metrics}: no student has learned anything yet")


if __name__ == "__main__":
    run(main)
