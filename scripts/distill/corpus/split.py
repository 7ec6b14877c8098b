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
    """A line of `assets/split.jsonl`."""

    id: str
    group: str
    sample: Literal["test", "dev"]


@dataclass(frozen=True)
class Split:
    """The frozen draw: the sample of each id in it, and the groups that the samples hold."""

    samples: dict[str, Sample]
    groups: frozenset[str]

    def sample(self, text_id: str, group: str) -> Sample:
        """Where a text belongs."""
        if text_id in self.samples:
            return self.samples[text_id]
        return "held_out" if group in self.groups else "pool"


@dataclass(frozen=True)
class Drawn:
    """A new draw. `test`, `dev`: texts; `wanted_test`, `wanted_dev`: what was asked for."""

    rows: list[SplitRow]
    wanted_test: int
    wanted_dev: int

    @property
    def test(self) -> int:
        return sum(row.sample == "test" for row in self.rows)

    @property
    def dev(self) -> int:
        return len(self.rows) - self.test

    def save(self, path: Path) -> None:
        """Freeze the draw."""
        write_jsonl(path, (row.model_dump() for row in self.rows))


def load_split(path: Path) -> Split:
    """Read the frozen draw; a missing or empty file is a draw that has not been made.

    Raises DistillError with file and line where a row does not fit.
    """
    rows = list(read_records(path, SplitRow)) if path.exists() else []
    return Split({row.id: row.sample for row in rows}, frozenset(row.group for row in rows))


def draw(groups_and_ids: Iterable[tuple[str, str]], total: int, *, test: int, dev: int, seed: int) -> Drawn:
    """Draw the samples from (group, id) pairs sorted by group, whole groups at a time.

    total: number of texts. test, dev: texts wanted. Both samples together get half of the texts at the most, so that
    a small collection has something to learn from. A group stands in the order of a hash of seed and group, so the
    draw does not depend on the order of the texts; a group that no longer fits into either sample goes to the pool.
    """
    share = min(1.0, total / 2 / max(test + dev, 1))
    room = {"test": int(test * share), "dev": int(dev * share)}
    grouped = (
        (group, [id_ for _, id_ in pairs]) for group, pairs in itertools.groupby(groups_and_ids, lambda pair: pair[0])
    )
    # A group holds a text at least, so as many groups as texts would do, were it not for those that do not fit
    candidates = heapq.nsmallest(4 * sum(room.values()), grouped, key=lambda item: digest(f"{seed}:{item[0]}".encode()))
    rows = []
    for group, ids in candidates:
        for sample in ("test", "dev"):
            if 0 < len(ids) <= room[sample]:
                room[sample] -= len(ids)
                rows += [SplitRow(id=id_, group=group, sample=sample) for id_ in ids]
                break
    return Drawn(sorted(rows, key=lambda row: (row.sample, row.id)), test, dev)
