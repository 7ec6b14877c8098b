"""One page with everything that came out: training/report.html."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Task
from distill.report.report import Inputs, report
from typer import Option
from wasabi import msg


def main(
    metrics: Path,
    predictions: Path,
    curve: Path,
    output: Path,
    task: Task,
    silver: Annotated[Path, Option(help="The teacher's annotations of the pool.")],
    blind: Annotated[Path, Option(help="The teacher's annotations of the blind samples.")],
    manifest: Annotated[Path, Option(help="What convert made the corpora from.")],
    silver_log: Annotated[Path, Option(help="The log of the silver stage.")],
    reviewed_log: Annotated[Path, Option(help="The log of the control.")],
    log: Annotated[Path, Option(help="The log of stage two.")],
) -> None:
    """Write the page OUTPUT from METRICS, PREDICTIONS and CURVE."""
    logs = {"silver": silver_log, "reviewed": reviewed_log, "two_stage": log}
    story = report(Inputs(task, silver, blind, manifest, metrics, predictions, curve, logs), output)
    for sentence in story:
        msg.text(sentence)
    msg.good(f"{output.absolute()}: open it in a browser")


if __name__ == "__main__":
    run(main)
