"""How far two annotators agree on the same texts: printed, and written nowhere."""

from pathlib import Path

from distill.errors import run
from distill.review.agreement import agreement
from wasabi import msg


def main(first: Path, second: Path) -> None:
    """Compare the decisions in FIRST and SECOND on the texts that both of them have."""
    found = agreement(first, second)
    msg.good(f"{found.texts} texts decided in both files")
    if found.span_f is not None:
        by_label = ", ".join(f"{label} {100 * f:.1f}" for label, f in found.by_label.items())
        msg.info(f"Spans: F {100 * found.span_f:.1f} ({by_label})")
    if found.kappa is not None and found.same is not None:
        msg.info(f"Labels of the texts: {100 * found.same:.1f}% the same, Cohen's kappa {found.kappa:.2f}")


if __name__ == "__main__":
    run(main)
