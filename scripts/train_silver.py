"""Stage one: the student learns from the teacher's annotations."""

from pathlib import Path

from distill.errors import run
from distill.options import GpuId, Labels, Seed
from distill.student.train import Stage, train
from wasabi import msg


def main(
    config: Path,
    silver: Path,
    dev: Path,
    output: Path,
    labels: Labels,
    seed: Seed,
    gpu_id: GpuId = -1,
) -> None:
    """Train as CONFIG says on SILVER, choose the best step by DEV, and write model-best and log.jsonl into OUTPUT."""
    done = train(Stage(config, silver, dev, labels, seed, gpu_id), output, "silver")
    if done.docs:
        msg.good(f"{output}: learned from {done.docs} silver texts; score on dev: {done.score_text}")
    else:
        msg.info(f"{output}: no silver text may train, so the student is only initialised, with all its labels")


if __name__ == "__main__":
    run(main)
