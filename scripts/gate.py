"""Fails where the student is worse than the accepted one by more than chance explains."""

from pathlib import Path

from distill.errors import DistillError, run
from distill.student.gate import gate
from wasabi import msg


def main(metrics: Path, accepted: Path) -> None:
    """Hold the student of METRICS against the one of ACCEPTED."""
    compared = gate(metrics, accepted)
    for one in compared:
        now = "nothing" if one.now is None else f"{100 * one.now:.1f}"
        msg.text(f"{one.kind}: {now}; accepted {100 * one.accepted:.1f}, and as low as {100 * one.least:.1f} by chance")
        if one.texts[0] != one.texts[1]:
            msg.warn(f"{one.kind}: on {one.texts[1]} test texts, accepted on {one.texts[0]}")
    fallen = [one.kind for one in compared if not one.holds]
    if fallen:
        raise DistillError(
            f"{', '.join(fallen)}: worse than the accepted student by more than its interval",
            "Find out what changed (training/report.html); or `weasel run accept`, if it is meant.",
        )
    if compared:
        msg.good("not worse than the accepted student by more than its interval")
    else:
        msg.info(f"{accepted}: no student was accepted yet; `weasel run accept` accepts this one")


if __name__ == "__main__":
    run(main)
