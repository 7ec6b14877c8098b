"""Reviewed texts whose decisions are doubted by students that have not seen them: training/doubts.jsonl."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import GpuId, Labels, Seed, Task
from distill.student.audit import audit
from distill.student.train import Stage
from distill.task import load_task
from typer import Option
from wasabi import msg


def main(
    config: Path,
    reviewed: Path,
    dev: Path,
    output: Path,
    task: Task,
    labels: Labels,
    folds: Annotated[int, Option(help="Parts of the texts, each predicted by a student of the others.", min=2)],
    rounds: Annotated[int, Option(help="How often to draw the parts anew.", min=1)],
    seed: Seed,
    gpu_id: GpuId = -1,
) -> None:
    """Train as CONFIG says on parts of REVIEWED, choose the best steps by DEV, and write to OUTPUT the texts of the
    other parts of which the students think otherwise, the most doubtful first."""
    doubtful = audit(Stage(config, reviewed, dev, labels, seed, gpu_id), load_task(task), folds, rounds, output)
    if doubtful:
        msg.good(f"{output}: the students think otherwise of {doubtful} texts; look at the first ones again")
    else:
        msg.info(f"{output}: the students think otherwise of no text; it takes two reviewed ones of the pool at least")


if __name__ == "__main__":
    run(main)
