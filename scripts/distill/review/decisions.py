"""`assets/reviews.jsonl`: people's decisions, and what they come to for each text."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from distill.files import digest
from distill.journal import Entry, entries, heads
from distill.records import Span


class Decision(Entry):
    """One person's decision on one text.

    text_id, text: what was decided on. spans, accept: the spans and the labels of the text; None for a component that
    was not decided. annotator: who. at: when, ISO 8601, and seconds: how long it took; None where it is not known.
    shown: what suggestions were on the card. guidelines: the version of task.yml's guidelines.
    Only answers of `accept` train; a text with a `reject` or `ignore` is left out.
    """

    text_id: str
    text: str
    answer: Literal["accept", "reject", "ignore"]
    spans: list[Span] | None = None
    accept: list[str] | None = None
    annotator: str
    guidelines: str
    at: str | None = None
    seconds: float | None = None
    shown: dict[str, Any] | None = None
    comment: str | None = None

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What was decided, for comparing two decisions."""
        spans = None if self.spans is None else tuple(sorted((s.start, s.end, s.label) for s in self.spans))
        return self.answer, spans, None if self.accept is None else tuple(sorted(self.accept))


@dataclass(frozen=True)
class Decided:
    """The decisions in force. settled: one a text; conflicts: texts whose decisions in force differ, with these."""

    settled: dict[str, Decision]
    conflicts: dict[str, list[Decision]]


def load_decisions(path: Path) -> Decided:
    """Read the journal of reviews.

    Raises DistillError with file and line where a line is not a decision.
    """
    return settle(entries(path, Decision))


def reviews_digest(path: Path) -> str:
    """The hash by which a state of the journal of reviews is known."""
    return digest(path.read_bytes() if path.exists() else b"")


def settle(decisions: Iterable[Decision]) -> Decided:
    """For each text the decision that no other supersedes; of several that agree the one with the smallest id. Several
    that differ are a conflict, which nobody wins in silence; so is a circle of decisions that supersede each other."""
    by_text: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        by_text[decision.text_id].append(decision)
    settled = {}
    conflicts = {}
    for text_id, made in sorted(by_text.items()):
        standing = heads(made)
        if len({decision.outcome for decision in standing}) == 1:
            settled[text_id] = standing[0]
        else:
            # None stands where decisions supersede each other in a circle
            conflicts[text_id] = standing or made
    return Decided(settled, conflicts)
