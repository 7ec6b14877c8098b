"""Stage two: the silver stage's student learns on from the reviews."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import GpuId, Labels, Seed
from distill.student.train import Stage, train
from typer import Option
from wasabi import msg


def main(
    config: Path,
    reviewed: Path,
    dev: Path,
    output: Path,
    silver_model: Annotated[
        Path, Option(help="The silver stage's pipeline; relative, for it stays in the shipped config.")
    ],
    labels: Labels,
    seed: Seed,
    gpu_id: GpuId = -1,
) -> None:
    """Train SILVER_MODEL on as CONFIG says with REVIEWED, choose the best step by DEV, and write model-best and
    log.jsonl into OUTPUT."""
    done = train(Stage(config, reviewed, dev, labels, seed, gpu_id, source=silver_model), output, "reviewed")
    if done.docs:
        msg.good(f"{output}: learned on from {done.docs} reviewed texts; score on dev: {done.score_text}")
    else:
        msg.info(f"{output}: no text of the pool is reviewed, so this is the silver stage's student as it was")


if __name__ == "__main__":
    run(main)
