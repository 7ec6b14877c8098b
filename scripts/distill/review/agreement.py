"""How far two annotators agree on the same texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.errors import DistillError
from distill.records import PARTS
from distill.review.decisions import Decision, in_common, limits, load_decisions


@dataclass(frozen=True)
class Agreement:
    """texts: that both accepted. span_f, by_label: F of one annotator's spans against the other's, 0 to 1, the same
    either way round, over all labels and by label (None where neither has a span). kappa: Cohen's, for the labels of
    the texts, and same: the share of texts with the same one (None where neither gave any)."""

    texts: int
    span_f: float | None
    by_label: dict[str, float]
    kappa: float | None
    same: float | None


def agreement(first_path: Path, second_path: Path) -> Agreement:
    """Compare two journals of decisions on the texts that both of them have.

    Raises DistillError where they share no text.
    """
    first, second = load_decisions(first_path).settled, load_decisions(second_path).settled
    pairs = [
        (first[text_id], second[text_id])
        for text_id in sorted(first.keys() & second.keys())
        if first[text_id].answer == second[text_id].answer == "accept"
    ]
    if not pairs:
        raise DistillError(
            f"{second_path}: no text that is accepted there is also accepted in {first_path}",
            "Let somebody decide on some of the same texts, with the same ids, without seeing the first decisions.",
        )
    return compare(pairs)


def compare(pairs: Sequence[tuple[Decision, Decision]]) -> Agreement:
    """How far two annotators agree, by their decisions on the same texts, in the labels that both decided on."""
    pairs = [pair for pair in (in_common(one, other) for one, other in pairs) if _share_a_part(*pair)]
    labels = sorted({span.label for pair in pairs for one in pair for span in one.spans or []})
    topics = [
        (one.accept, other.accept, limits(one, "accept"))
        for one, other in pairs
        if one.accept is not None and other.accept is not None
    ]
    return Agreement(
        texts=len(pairs),
        span_f=_span_f(pairs, labels),
        by_label={label: f for label in labels if (f := _span_f(pairs, [label])) is not None},
        kappa=mean_kappa(topics) if topics else None,
        same=sum(set(one) == set(other) for one, other, _ in topics) / len(topics) if topics else None,
    )


def _share_a_part(one: Decision, other: Decision) -> bool:
    return any(getattr(one, part) is not None and getattr(other, part) is not None for part in PARTS)


def mean_kappa(pairs: Sequence[tuple[Sequence[str], Sequence[str], Sequence[str] | None]]) -> float:
    """Cohen's kappa of the labels of texts: over the labels where each text has one, or else the mean, over the labels,
    of that of having it or not. Each pair comes with the labels that both decided on; None for all."""
    if all(limited is None and len(one) == len(other) == 1 for one, other, limited in pairs):
        return kappa([(one[0], other[0]) for one, other, _ in pairs])
    labels = sorted({label for one, other, limited in pairs for label in (*one, *other, *(limited or ()))})
    decided = [
        [
            (str(label in one), str(label in other))
            for one, other, limited in pairs
            if limited is None or label in limited
        ]
        for label in labels
    ]
    each = [kappa(answers) for answers in decided if answers]
    return sum(each) / len(each) if each else 1.0


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa (1960) of two annotators' labels: agreement beyond chance; 1.0 where both gave one label only."""
    observed = sum(one == other for one, other in pairs) / len(pairs)
    firsts, seconds = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(firsts[label] * seconds[label] for label in firsts) / len(pairs) ** 2
    return 1.0 if chance == 1.0 else (observed - chance) / (1 - chance)


def _span_f(pairs: Sequence[tuple[Decision, Decision]], labels: Sequence[str]) -> float | None:
    same = total = 0
    for one, other in pairs:
        if one.spans is not None and other.spans is not None:
            a, b = ({(s.start, s.end, s.label) for s in side if s.label in labels} for side in (one.spans, other.spans))
            same += len(a & b)
            total += len(a) + len(b)
    return 2 * same / total if total else None
