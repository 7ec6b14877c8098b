"""One label at a time: the task, the suggestions and the decisions with a single label in them, for a pass over the
texts that asks for nothing else.

What an annotator decides in such a pass joins what they decided before, so that each has one decision on a text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distill.records import PARTS, Part, Span, label_of
from distill.review.cards import RefusedError, Said
from distill.review.decisions import Decision, covers, is_whole, limits
from distill.task import Component, Components, Kind, Task


def only(task: Task, label: str | None) -> Task:
    """A task with one label, which a text has or has not; the whole task where it is None.

    Raises RefusedError where there is no such label.
    """
    if label is None:
        return task
    kinds = [kind for kind in task.kinds if label in task.labels(kind)]
    if not kinds:
        raise RefusedError(422, f"no such label in the task: {label!r}")
    # A text's one label becomes a question of yes or no
    components: dict[str, Any] = {
        "textcat_multilabel" if kind == "textcat" else kind: Component(labels={label: task.label(kind, label)})
        for kind in kinds
    }
    return task.model_copy(update={"components": Components.model_construct(**components), "examples": []})


def limited(said: Said, task: Task) -> Said:
    """Suggestions, or a decision, with nothing but the labels of a task."""
    if said is None:
        return None
    spans, accept = said["spans"], said["accept"]
    in_spans, in_accept = task.labels(task.span_kind), task.labels(task.label_kind)
    return {
        **said,
        "spans": None if spans is None or not in_spans else [span for span in spans if span["label"] in in_spans],
        "accept": None if accept is None or not in_accept else [label for label in accept if label in in_accept],
    }


def unknown_labels(shown: Sequence[Said], task: Task) -> list[str]:
    """The labels in suggestions and decisions that the task no longer has: they are left out of a card."""
    spans = {span["label"] for said in shown if said for span in said["spans"] or []}
    accept = {label for said in shown if said for label in said["accept"] or []}
    return sorted((spans - {*task.labels(task.span_kind)}) | (accept - {*task.labels(task.label_kind)}))


@dataclass(frozen=True)
class Opinion:
    """What an annotator has decided on a text. labels: of each part those decided, where these are not all."""

    spans: list[Span] | None
    accept: list[str] | None
    labels: dict[Part, list[str]] | None = None


def with_label(before: Decision | None, label: str, said: Opinion, task: Task) -> Opinion:
    """What an annotator decided before, with one label decided anew. Where spans must not overlap, the new ones take
    the place of those that they meet."""
    items: dict[Part, list[Any] | None] = {}
    left: dict[Part, list[str]] = {}
    for part in PARTS:
        kind = task.kind_of(part)
        labels = task.labels(kind)
        old = getattr(before, part) if before is not None and before.answer == "accept" else None
        limited_to = limits(before, part) if before is not None else None
        # A label that the task had then is nothing that it asks for now
        known = set() if old is None else set(labels) & set(labels if limited_to is None else limited_to)
        kept = [item for item in old or () if label_of(item) in labels]
        if label in labels:
            kept = [item for item in kept if label_of(item) != label]
            if kind == "textcat" and list(old or ()) == [label]:
                # It was the one, and told all about the others
                known = set()
            kept, known = _plus(kept, known, label, getattr(said, part) or [], kind, labels)
        items[part] = sorted(kept, key=lambda item: _order(item, labels)) if known else None
        if known and (known < set(labels) or (kind == "textcat" and not kept)):
            left[part] = [name for name in labels if name in known]
    return Opinion(items["spans"], items["accept"], left or None)


def _plus(
    kept: list[Any], known: set[str], label: str, added: list[Any], kind: Kind | None, labels: list[str]
) -> tuple[list[Any], set[str]]:
    if kind == "textcat" and added:
        return added, set(labels)
    if kind == "ner":
        kept = [old for old in kept if not any(new.start < old.end and old.start < new.end for new in added)]
    return kept + added, known | {label}


def _order(item: Span | str, labels: list[str]) -> tuple[int, int, str]:
    return (labels.index(item), 0, "") if isinstance(item, str) else (item.start, item.end, item.label)


def filled(own: Said, decision: Decision, teacher: Said, task: Task) -> Said:
    """An annotator's decision on some labels as a card shows it: with what the teacher suggests for the others."""
    if own is None or teacher is None or not decision.labels:
        return own
    spans, accept = own["spans"], own["accept"]
    if (known := limits(decision, "spans")) is not None:
        taken = (
            {at for span in spans for at in range(span["start"], span["end"] + 1)} if task.span_kind == "ner" else set()
        )
        spans = spans + [
            span
            for span in teacher["spans"] or []
            if span["label"] not in known and taken.isdisjoint(range(span["start"], span["end"] + 1))
        ]
    if (known := limits(decision, "accept")) is not None and not (task.label_kind == "textcat" and accept):
        accept = accept + [label for label in teacher["accept"] or [] if label not in known]
    return {**own, "spans": spans, "accept": accept}


def decides(decision: Decision, label: str | None, task: Task) -> bool:
    """Whether a decision is on a label, or on all of a task; one to leave the text out is on everything."""
    if decision.answer != "accept":
        return True
    if label is None:
        return all(is_whole(decision, part, task) for part in PARTS if task.kind_of(part))
    return all(covers(decision, part, label) for part in PARTS if label in task.labels(task.kind_of(part)))
