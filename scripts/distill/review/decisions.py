"""`assets/reviews.jsonl`: people's decisions, and what they come to for each text."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from distill.files import digest, read_json
from distill.journal import Entry, entries, heads
from distill.records import PARTS, Part, Span, label_of
from distill.task import Task


class Decision(Entry):
    """One person's decision on one text.

    text_id, text: what was decided on. spans, accept: the spans and the labels of the text; None for a component that
    was not decided. labels: of `spans` or `accept`, the labels that were decided, where these are not all; the lists
    then hold no others. annotator: who. at: when, ISO 8601, and seconds: how long it took; None where it is not known.
    shown: what suggestions were on the card. guidelines: the version of task.yml's guidelines.
    flag: whether it is to be talked about. source: by the tool that it came from, what that knows it by.
    Only answers of `accept` train; a text with a `reject` or `ignore` is left out; `open` takes a decision back.
    """

    text_id: str
    text: str
    answer: Literal["accept", "reject", "ignore", "open"]
    spans: list[Span] | None = None
    accept: list[str] | None = None
    labels: dict[Part, list[str]] | None = None
    annotator: str
    guidelines: str
    at: str | None = None
    seconds: float | None = None
    shown: dict[str, Any] | None = None
    comment: str | None = None
    flag: bool | None = None
    source: dict[str, Any] | None = None


@dataclass(frozen=True)
class Decided:
    """The decisions in force. settled: one a text, which may be put together from several that decided on a component
    or on some labels each; conflicts: texts whose decisions in force differ, with these; standing: all decisions in
    force."""

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


def has_read(manifest: Path, reviews: Path) -> bool:
    """Whether `convert`, which wrote `manifest`, has seen all decisions: weasel hashes what a step read when it is
    over, so one that came meanwhile would pass for seen."""
    return bool(read_json(manifest)["reviews_sha256"] == reviews_digest(reviews))


def settle(decisions: Iterable[Decision]) -> Decided:
    """For each text the decision that no other supersedes. Several that agree on each label that they both decide are
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
        if made_one := together(standing):
            settled[text_id] = made_one
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


def together(standing: Sequence[Decision]) -> Decision | None:
    """One decision with the spans and the labels that `standing` agree on, by the smallest id; None where they differ,
    or are on different texts, or there are none. Who ignores a text decides nothing against those who accept it."""
    accepting = [decision for decision in standing if decision.answer == "accept"]
    standing = [decision for decision in standing if decision.answer != "ignore"] if accepting else standing
    if len({(decision.answer, decision.text) for decision in standing}) != 1:
        return None
    update: dict[str, Any] = {"labels": {}}
    for part in PARTS:
        deciding = [decision for decision in standing if getattr(decision, part) is not None]
        whole = [decision for decision in deciding if covers(decision, part)]
        named = sorted({label for decision in deciding for label in limits(decision, part) or ()})
        if len({_said(decision, part) for decision in whole}) > 1:
            return None
        for label in named:
            if len({_said(one, part, label) for one in deciding if covers(one, part, label)}) > 1:
                return None
        if whole or not deciding:
            update[part] = getattr(whole[0], part) if whole else None
        else:
            update[part] = _union(deciding, part)
            update["labels"][part] = named
    return standing[0].model_copy(update={**update, "labels": update["labels"] or None})


def limits(decision: Decision, part: Part) -> list[str] | None:
    """The labels that were decided in a part of a text; None where these are all of them."""
    return (decision.labels or {}).get(part)


def covers(decision: Decision, part: Part, label: str | None = None) -> bool:
    """Whether a part of a text was decided, in a label or, without one, in all of them."""
    if getattr(decision, part) is None:
        return False
    limited = limits(decision, part)
    return limited is None or label in limited


def is_whole(decision: Decision, part: Part, task: Task) -> bool:
    """Whether a part of a text was decided in all labels of a task. To have said no to each label of `textcat` is not
    yet to have chosen one."""
    kind = task.kind_of(part)
    limited = limits(decision, part)
    if getattr(decision, part) is None or limited is None:
        return getattr(decision, part) is not None
    return set(task.labels(kind)) <= set(limited) and not (kind == "textcat" and not decision.accept)


def in_common(one: Decision, other: Decision) -> tuple[Decision, Decision]:
    """Two decisions with only the labels that both decided on, and without a part in which these are none."""
    labels: dict[Part, list[str]] = {}
    for part in PARTS:
        limited = [set(found) for found in (limits(one, part), limits(other, part)) if found is not None]
        if limited:
            labels[part] = sorted(set.intersection(*limited))
            one, other = _narrowed(one, part, labels[part]), _narrowed(other, part, labels[part])
    update = {"labels": labels or None}
    return one.model_copy(update=update), other.model_copy(update=update)


def _narrowed(decision: Decision, part: Part, labels: Sequence[str]) -> Decision:
    said = getattr(decision, part)
    kept = None if said is None or not labels else [item for item in said if label_of(item) in labels]
    return decision.model_copy(update={part: kept})


def _said(decision: Decision, part: Part, label: str | None = None) -> tuple[Any, ...]:
    """What a decision says of a part, or of one label in it, for comparing."""
    return tuple(sorted(_key(item) for item in getattr(decision, part) or () if label in (None, label_of(item))))


def _union(deciding: Sequence[Decision], part: Part) -> list[Any]:
    """The items of decisions on some labels each."""
    items = {_key(item): item for decision in deciding for item in getattr(decision, part)}
    return [items[key] for key in sorted(items)]


def _key(item: Span | str) -> tuple[int, int, str]:
    return (0, 0, item) if isinstance(item, str) else (item.start, item.end, item.label)
