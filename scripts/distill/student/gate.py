"""Whether the student that ships is as good as the last one that was accepted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.files import read_json, write_json
from distill.student.evaluate import headline
from distill.task import KINDS, Kind


@dataclass(frozen=True)
class Compared:
    """The headline figure of a component, 0 to 1: of the accepted student, its least that chance explains (the lower
    end of the 95% interval), and now; None where there is none now. texts: of the test sample, then and now."""

    kind: Kind
    accepted: float
    least: float
    now: float | None
    texts: tuple[int, int]

    @property
    def holds(self) -> bool:
        """Whether it has not fallen by more than the interval."""
        return self.now is not None and self.now >= self.least


def accept(metrics_path: Path, accepted_path: Path) -> dict[Kind, float]:
    """Write down the figures of the student that ships as those that later ones are held against; returns the headline
    ones.

    Raises DistillError where nothing ships, or no test text is decided.
    """
    test = _test(metrics_path)
    if not test:
        raise DistillError(
            f"{metrics_path}: the student has no figures on the blind test sample",
            "Decide on its texts (`weasel run review`), and `weasel run all`.",
        )
    write_json(accepted_path, test)
    return {kind: figure["value"] for kind in KINDS if (figure := headline(test, kind))}


def gate(metrics_path: Path, accepted_path: Path) -> list[Compared]:
    """Compare the student that ships with the accepted one, by component; empty where none was accepted yet."""
    if not accepted_path.exists():
        return []
    accepted, test = _accepted(accepted_path), _test(metrics_path)
    found = []
    for kind in KINDS:
        then, now = headline(accepted, kind), headline(test, kind)
        if then:
            found.append(
                Compared(
                    kind=kind,
                    accepted=then["value"],
                    least=(then["interval"] or [then["value"]])[0],
                    now=now["value"] if now else None,
                    texts=(accepted[kind]["texts"], test[kind]["texts"] if now else 0),
                )
            )
    return found


def _accepted(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
        if read.keys() and all(
            set(headline(read, kind) or {}) == {"value", "interval"} and read[kind]["texts"] for kind in read
        ):
            return dict(read)
    except (ValueError, AttributeError, KeyError, TypeError):
        pass
    raise DistillError(
        f"{path}: not as `weasel run accept` writes it", "Restore it from version control; without it nothing is held."
    )


def _test(metrics_path: Path) -> dict[str, Any]:
    """The figures of what ships on the test sample."""
    metrics = read_json(metrics_path)
    found: dict[str, Any] = metrics["systems"][metrics["ships"]]["test"] if metrics["ships"] else {}
    return found
