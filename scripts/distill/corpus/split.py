"""The blind samples: drawn once, at random by seed and group, and frozen in `assets/split.jsonl`."""

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.files import digest, write_jsonl
from distill.records import Sample, Strict, read_records


class SplitRow(Strict):
    """A line of `assets/split.jsonl`. `twin`: the text's `twin_key`."""

    id: str
    group: str
    twin: str
    sample: Literal["test", "dev"]


class Split:
    """The frozen draw. `rows`: by id."""

    def __init__(self, rows: Iterable[SplitRow]) -> None:
        self.rows = {row.id: row for row in rows}
        self._groups = {row.group for row in self.rows.values()}
        self._twins = {row.twin for row in self.rows.values()}

    def sample(self, text_id: str, group: str, twin: str) -> Sample:
        """Where a text belongs. Held out is what shares its group with a text of the blind samples, is its twin, or is
        another text under its id."""
        row = self.rows.get(text_id)
        if row and row.twin == twin:
            return row.sample
        return "held_out" if row or group in self._groups or twin in self._twins else "pool"


@dataclass(frozen=True)
class Drawn:
    """A new draw. wanted: the texts that each sample should have got."""

    rows: list[SplitRow]
    wanted: dict[str, int]

    @property
    def test(self) -> int:
        """Texts of the test sample."""
        return sum(row.sample == "test" for row in self.rows)

    @property
    def dev(self) -> int:
        """Texts of the dev sample."""
        return len(self.rows) - self.test


def save_split(path: Path, rows: Iterable[SplitRow]) -> None:
    """Freeze a draw."""
    write_jsonl(path, (row.model_dump() for row in sorted(rows, key=lambda row: (row.sample, row.id))))


def load_split(path: Path) -> Split:
    """Read the frozen draw; a missing or empty file is a draw that has not been made.

    Raises DistillError with file and line where a row does not fit.
    """
    return Split(read_records(path, SplitRow) if path.exists() else [])


def draw(texts: Iterable[tuple[str, str, str]], total: int, *, test: int, dev: int, seed: int) -> Drawn:
    """Draw the samples from (group, id, twin) rows sorted by group, whole groups at a time.

    total: number of texts. test, dev: texts wanted. Both samples together get half of the texts at the most, so that
    a small collection has something to learn from. A group stands in the order of a hash of seed and group, so the
    draw does not depend on the order of the texts; a group that no longer fits into either sample goes to the pool.
    """
    share = min(1.0, total / 2 / max(test + dev, 1))
    room = {"test": int(test * share), "dev": int(dev * share)}
    grouped = ((group, list(rows)) for group, rows in itertools.groupby(texts, lambda row: row[0]))
    # A group holds a text at least, so as many groups as texts would do, were it not for those that do not fit
    candidates = heapq.nsmallest(4 * sum(room.values()), grouped, key=lambda item: digest(f"{seed}:{item[0]}".encode()))
    samples: tuple[Literal["test", "dev"], ...] = ("test", "dev")
    drawn = []
    for group, of_group in candidates:
        sample = next((name for name in samples if len(of_group) <= room[name]), None)
        if sample:
            room[sample] -= len(of_group)
            drawn += [SplitRow(id=id_, group=group, twin=twin, sample=sample) for _, id_, twin in of_group]
    return Drawn(drawn, {"test": test, "dev": dev})
