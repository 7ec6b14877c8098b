"""F against the number of reviews: training/curve.json."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import GpuId, Labels, Seed, Task
from distill.student.curve import curve
from distill.student.train import Stage
from typer import Option
from wasabi import msg


def main(
    config: Path,
    reviewed: Path,
    dev: Path,
    test: Path,
    output: Path,
    task: Task,
    silver_model: Annotated[Path, Option(help="The student of the silver stage.")],
    labels: Labels,
    sizes: Annotated[str, Option(help="Numbers of reviews, with commas; all of them is added.")],
    seeds: Annotated[int, Option(help="Trainings for each number, with other reviews and weights.", min=1)],
    seed: Seed,
    gpu_id: GpuId = -1,
) -> None:
    """Train as CONFIG says on more and more of REVIEWED, with and without silver first, choose the best steps by DEV,
    score on TEST, and write OUTPUT."""
    stage = Stage(config, reviewed, dev, labels, seed, gpu_id)
    rows = curve(stage, silver_model, task, test, [int(size) for size in sizes.split(",")], seeds, output)
    if rows:
        msg.good(f"{output}: {len(rows)} trainings on up to {rows[-1]['reviews']} reviews")
    else:
        msg.info(f"{output}: nothing to train or to measure on yet; review some of corpus/queue.jsonl first")


if __name__ == "__main__":
    run(main)
