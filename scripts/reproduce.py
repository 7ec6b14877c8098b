"""A wheel made again from its exact inputs, in a new folder, and compared."""

from pathlib import Path

from distill.errors import DistillError, run
from distill.options import Remote
from distill.share.reproduce import reproduce
from wasabi import msg


def main(
    wheel: Path,
    folder: Path,
    remote: Remote,
) -> None:
    """Make the model of WHEEL again in FOLDER from what REMOTE has of its inputs, and compare scores and weights."""
    found = reproduce(wheel, remote, folder, Path.cwd())
    for library, (then, now) in found.libraries.items():
        msg.warn(f"{library} was {then}, and is {now} here")
    rows = [[name, f"{then:.4f}", f"{now:.4f}"] for name, (then, now) in found.scores.items()]
    msg.table(rows, header=["", "wheel", "now"], aligns=["l", "r", "r"], divider=True)
    for name, difference in found.weights.items():
        msg.text(f"weights of {name}: " + ("equal" if not difference else f"differ by {difference:.2g} at the most"))
    if not found.equal:
        raise DistillError(
            f"{wheel}: the model that was made again does not score the same",
            f"Compare {folder}/training/metrics.json; other libraries or another machine may be why.",
        )
    msg.good(f"{folder}: the same scores; what ships is {found.ships}")


if __name__ == "__main__":
    run(main)
