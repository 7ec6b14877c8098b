"""`assets/reviews.jsonl`: people's decisions, and what they come to for each text."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
    flag: whether it is to be talked about. Only answers of `accept` train; a text with a `reject` or `ignore` is left
    out; `open` takes a decision back.
    """

    text_id: str
    text: str
    answer: Literal["accept", "reject", "ignore", "open"]
    spans: list[Span] | None = None
    accept: list[str] | None = None
    annotator: str
    guidelines: str
    at: str | None = None
    seconds: float | None = None
    shown: dict[str, Any] | None = None
    comment: str | None = None
    flag: bool | None = None


@dataclass(frozen=True)
class Decided:
    """The decisions in force. settled: one a text, which may be put together from several that decided on a component
    each; conflicts: texts whose decisions in force differ, with these; standing: all decisions in force."""

    settled: dict[str, Decision]
    conflicts: dict[str, list[Decision]]
    standing: list[Decision]


def load_decisions(path: Path) -> Decided:
    """Read the journal of reviews.

    Raises DistillError with file and line where a line is not a decision.
    """
    return settle(entries(path, Decision))


def reviews_digest(path: Path) -> str:
    """The hash by which a state of the journal of reviews is known."""
    return digest(path.read_bytes() if path.exists() else b"")


def settle(decisions: Iterable[Decision]) -> Decided:
    """For each text the decision that no other supersedes. Several that agree on each component that they decide are
    put together, and those that differ are a conflict, which nobody wins in silence; so is a circle of decisions that
    supersede each other."""
    by_text: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        by_text[decision.text_id].append(decision)
    settled = {}
    conflicts = {}
    in_force: list[Decision] = []
    for text_id, made in sorted(by_text.items()):
        last = _in_force(made)
        standing = [decision for decision in last if decision.answer != "open"]
        in_force += standing
        if last and not standing:
            continue
        if together := _together(standing):
            settled[text_id] = together
        else:
            # None stands where decisions supersede each other in a circle
            conflicts[text_id] = standing or made
    return Decided(settled, conflicts, in_force)


def _in_force(made: Sequence[Decision]) -> list[Decision]:
    """The decisions that no other supersedes. One that was taken back no longer supersedes what others decided: to take
    back that a conflict was settled brings the conflict back."""
    by_id = {decision.id: decision for decision in made}
    opened = taken_back(made)

    def as_it_counts(decision: Decision) -> Decision:
        if decision.id not in opened:
            return decision
        own = [old for old in decision.supersedes if old in by_id and by_id[old].annotator == decision.annotator]
        return decision.model_copy(update={"supersedes": own})

    return [by_id[head.id] for head in heads(map(as_it_counts, made))]


def taken_back(made: Iterable[Decision]) -> set[str]:
    """The ids of the decisions that somebody took back."""
    return {old for decision in made if decision.answer == "open" for old in decision.supersedes}


def _together(standing: Sequence[Decision]) -> Decision | None:
    """One decision with the spans and the labels that `standing` agree on, by the smallest id; None where they differ,
    or there are none. Who ignores a text decides nothing against those who accept it."""
    accepting = [decision for decision in standing if decision.answer == "accept"]
    standing = [decision for decision in standing if decision.answer != "ignore"] if accepting else standing
    spans = [decision for decision in standing if decision.spans is not None]
    labels = [decision for decision in standing if decision.accept is not None]
    outcomes: tuple[set[Any], ...] = (
        {decision.answer for decision in standing},
        {tuple(sorted((s.start, s.end, s.label) for s in decision.spans or [])) for decision in spans},
        {tuple(sorted(decision.accept or [])) for decision in labels},
    )
    if not standing or any(len(of_one) > 1 for of_one in outcomes):
        return None
    update = {"spans": spans[0].spans if spans else None, "accept": labels[0].accept if labels else None}
    return standing[0].model_copy(update=update)
