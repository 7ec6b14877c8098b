"""The order in which people should look at the texts: corpus/queue.jsonl."""

from pathlib import Path

from distill.errors import run
from distill.options import Seed
from distill.review.queue import rank
from wasabi import msg


def main(
    silver: Path,
    blind: Path,
    output: Path,
    seed: Seed,
) -> None:
    """Write the queue OUTPUT: the BLIND samples first, then the texts of SILVER on which the teacher failed or was
    partial, then the rest."""
    counts = rank(silver, blind, output, seed=seed)
    parts = ", ".join(f"{count} {why}" for why, count in counts.items() if count) or "nothing to look at yet"
    msg.good(f"{output}: {parts}")


if __name__ == "__main__":
    run(main)
