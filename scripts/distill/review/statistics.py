"""What the decisions say: of the work, of the teacher, of what its suggestions do to people, and of how they agree.

Cards of the blind samples count for the work and for agreement alone: nothing of the teacher is reckoned on them.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from distill.records import Span
from distill.review.agreement import compare
from distill.review.decisions import Decision, in_common

TEACHER = "the teacher"
Marks = set[tuple[int, int, str]]


def figures(decisions: Iterable[Decision], remaining: int) -> dict[str, Any]:
    """Everything that the page shows. decisions: all that were made, superseded ones included; remaining: those that
    are still wanted."""
    made = _first_hand(list(decisions))
    seconds = [decision.seconds for decision in made if decision.seconds]
    median = statistics.median(seconds) if seconds else None
    compared = [(decision, told) for decision in made if (told := _teachers(decision)) is not None]
    return {
        "decisions": len(made),
        "answers": dict(Counter(decision.answer for decision in made)),
        "remaining": remaining,
        "median_seconds": median,
        "seconds_left": median * remaining if median else None,
        "annotators": _by_annotator(made),
        "labels": _by_label([pair for pair in compared if _mode(pair[0]) == "shown"]),
        "anchoring": {
            mode: _edits([pair for pair in compared if _mode(pair[0]) == mode]) for mode in ("shown", "hidden")
        },
        "agreement": _agreement(made, compared),
    }


def _first_hand(made: Sequence[Decision]) -> list[Decision]:
    """Each annotator's last decision on each text, as made before anybody settled what differed: to settle is not to
    agree."""
    by_id = {decision.id: decision for decision in made}
    settling: set[str] = set()
    while True:
        # Who decides anew on what was settled has seen what the others said
        found = {
            decision.id
            for decision in made
            if any(
                old in settling or (old in by_id and by_id[old].annotator != decision.annotator)
                for old in decision.supersedes
            )
        }
        if found == settling:
            break
        settling = found
    replaced = {old for decision in made if decision.id not in settling for old in decision.supersedes}
    return [one for one in made if one.answer != "open" and one.id not in settling | replaced]


def _mode(decision: Decision) -> str:
    return str((decision.shown or {}).get("mode", ""))


def _teachers(decision: Decision) -> Decision | None:
    """What the teacher said of the same text and labels, in the form of a decision whose offsets are tokens."""
    said = (decision.shown or {}).get("teacher")
    if decision.answer != "accept" or _mode(decision) not in ("shown", "hidden") or not said:
        return None
    if said["spans"] is None and said["accept"] is None:
        return None
    spans = said["spans"]
    teacher = decision.model_copy(
        update={
            "spans": None
            if spans is None
            else [Span(start=span["start"], end=span["end"] + 1, label=span["label"]) for span in spans],
            "accept": said["accept"],
            "annotator": TEACHER,
        }
    )
    return in_common(decision, teacher)[1]


def _in_tokens(decision: Decision) -> Decision:
    """A decision whose offsets are tokens."""
    if decision.spans is None:
        return decision
    spans = [
        Span(start=span.token_start, end=span.token_end + 1, label=span.label)
        for span in decision.spans
        if span.token_start is not None and span.token_end is not None
    ]
    return decision.model_copy(update={"spans": spans})


def _by_annotator(made: Sequence[Decision]) -> list[dict[str, Any]]:
    rows = []
    for annotator in sorted({decision.annotator for decision in made}):
        own = [decision for decision in made if decision.annotator == annotator]
        seconds = [decision.seconds for decision in own if decision.seconds]
        rows.append(
            {
                "annotator": annotator,
                "decisions": len(own),
                "median_seconds": statistics.median(seconds) if seconds else None,
                "flags": sum(bool(decision.flag) for decision in own),
            }
        )
    return rows


def _by_label(compared: Sequence[tuple[Decision, Decision]]) -> list[dict[str, Any]]:
    """For each label what became of the teacher's suggestions: kept, removed, changed (another label, or other bounds),
    and what people added."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for decision, teacher in compared:
        if decision.spans is not None and teacher.spans is not None:
            _count_spans(_marks(teacher), _marks(_in_tokens(decision)), counts)
        if decision.accept is not None and teacher.accept is not None:
            for label in {*decision.accept, *teacher.accept}:
                there, wanted = label in teacher.accept, label in decision.accept
                counts[label]["suggested"] += there
                counts[label]["kept" if there and wanted else "removed" if there else "added"] += 1
    names = ("suggested", "kept", "removed", "changed", "added")
    return [{"label": label, **{name: counts[label][name] for name in names}} for label in sorted(counts)]


def _marks(decision: Decision) -> Marks:
    return {(span.start, span.end, span.label) for span in decision.spans or []}


def _count_spans(teacher: Marks, decided: Marks, counts: dict[str, Counter[str]]) -> None:
    for _, _, label in teacher:
        counts[label]["suggested"] += 1
    for _, _, label in teacher & decided:
        counts[label]["kept"] += 1
    added = decided - teacher
    for start, end, label in sorted(teacher - decided):
        near = next((mark for mark in sorted(added) if mark[0] < end and start < mark[1]), None)
        counts[label]["changed" if near else "removed"] += 1
        added.discard(near) if near else None
    for _, _, label in added:
        counts[label]["added"] += 1


def _edits(compared: Sequence[tuple[Decision, Decision]]) -> dict[str, Any]:
    """How many cards people decided otherwise than the teacher."""
    edited = sum(
        (None not in (teacher.spans, decision.spans) and _marks(_in_tokens(decision)) != _marks(teacher))
        or (None not in (teacher.accept, decision.accept) and set(decision.accept or []) != set(teacher.accept or []))
        for decision, teacher in compared
    )
    return {"cards": len(compared), "edited": edited}


def _agreement(made: Sequence[Decision], compared: Sequence[tuple[Decision, Decision]]) -> list[dict[str, Any]]:
    """Each pair of annotators that decided on some of the same texts, and the teacher with each."""
    by_annotator: dict[str, dict[str, Decision]] = defaultdict(dict)
    for decision in made:
        if decision.answer == "accept":
            by_annotator[decision.annotator][decision.text_id] = decision
    pairs = {
        (one, other): [
            (by_annotator[one][id_], by_annotator[other][id_])
            for id_ in sorted(by_annotator[one].keys() & by_annotator[other].keys())
        ]
        for one, other in combinations(sorted(by_annotator), 2)
    }
    for decision, teacher in compared:
        pairs.setdefault((decision.annotator, TEACHER), []).append((_in_tokens(decision), teacher))
    rows = []
    for (one, other), both in pairs.items():
        found = compare(both)
        if found.texts:
            rows.append(
                {"one": one, "other": other, "texts": found.texts, "span_f": found.span_f, "kappa": found.kappa}
            )
    return rows
