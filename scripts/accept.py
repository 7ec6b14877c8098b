"""The student's figures, as those that later students are held against."""

from pathlib import Path

from distill.errors import run
from distill.student.gate import accept
from wasabi import msg


def main(metrics: Path, accepted: Path) -> None:
    """Write the figures of METRICS to ACCEPTED."""
    figures = ", ".join(f"{kind} {100 * value:.1f}" for kind, value in accept(metrics, accepted).items())
    msg.good(f"{accepted}: {figures}; commit it, and `weasel run gate` holds later students against it")


if __name__ == "__main__":
    run(main)
