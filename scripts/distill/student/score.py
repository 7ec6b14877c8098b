"""Precision, recall and F by label, with bootstrap intervals over texts and paired differences.

What is counted follows spaCy's scorer: a span is right when its bounds and its label are. Intervals: percentile
bootstrap (Efron and Tibshirani 1993, ch. 13), texts drawn with replacement, by SciPy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from spacy.tokens import Doc

RESAMPLES = 2000
SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What a system says of a text. spans: (start, end, label) in code points; label: of the text, None for none."""

    spans: frozenset[tuple[int, int, str]]
    label: str | None


def prediction(doc: Doc) -> Prediction:
    """What a doc says: its entities, and the best label of its cats."""
    spans = frozenset((ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
    label = max(doc.cats, key=lambda name: doc.cats[name]) if doc.cats else None
    return Prediction(spans, label)


def span_counts(gold: Sequence[Prediction], predicted: Sequence[Prediction], labels: Sequence[str]) -> Floats:
    """True positives, false positives and false negatives by text and label: shape (texts, labels, 3)."""
    counts = np.zeros((len(gold), len(labels), 3))
    for row, right, said in zip(counts, gold, predicted, strict=True):
        for place, label in enumerate(labels):
            wanted = {span for span in right.spans if span[2] == label}
            got = {span for span in said.spans if span[2] == label}
            row[place] = len(wanted & got), len(got - wanted), len(wanted - got)
    return counts


def label_counts(gold: Sequence[Prediction], predicted: Sequence[Prediction], labels: Sequence[str]) -> Floats:
    """The same for the labels of the texts: shape (texts, labels, 3)."""
    counts = np.zeros((len(gold), len(labels), 3))
    for row, right, said in zip(counts, gold, predicted, strict=True):
        for place, label in enumerate(labels):
            wanted, got = right.label == label, said.label == label
            row[place] = wanted and got, got and not wanted, wanted and not got
    return counts


def micro_f(counts: Floats) -> Floats:
    """F over all labels together, from counts summed over texts: shape (…, labels, 3) to (…)."""
    return _f(counts.sum(axis=-2))


def macro_f(counts: Floats) -> Floats:
    """The mean of the labels' F; a label that is neither right nor wrong anywhere counts 0: (…, labels, 3) to (…)."""
    return _f(counts).mean(axis=-1)


def precision(counts: Floats) -> Floats:
    """The share of what was said that is right, over all labels together: (…, labels, 3) to (…)."""
    totals = counts.sum(axis=-2)
    return _ratio(totals[..., 0], totals[..., 0] + totals[..., 1])


def recall(counts: Floats) -> Floats:
    """The share of what is there that was found, over all labels together: (…, labels, 3) to (…). For texts with
    exactly one label each this is the accuracy."""
    totals = counts.sum(axis=-2)
    return _ratio(totals[..., 0], totals[..., 0] + totals[..., 2])


def _f(counts: Floats) -> Floats:
    """F from counts of shape (…, 3); 0 where there is nothing to count."""
    right, false, missed = counts[..., 0], counts[..., 1], counts[..., 2]
    return _ratio(2 * right, 2 * right + false + missed)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(np.asarray(part, dtype=float)), where=np.asarray(whole) > 0)


def figure(counts: Floats, measure: Callable[[Floats], Floats]) -> dict[str, Any]:
    """A measure and its 95% interval. counts: shape (texts, labels, 3)."""
    return {
        "value": _round(measure(counts.sum(axis=0))),
        "interval": _interval(len(counts), lambda at: measure(counts[at].sum(axis=-3))),
    }


def difference(one: Floats, other: Floats, measure: Callable[[Floats], Floats]) -> dict[str, Any]:
    """How much higher `one` scores than `other` on the same texts, with the 95% interval of the paired bootstrap."""

    def value(at: NDArray[np.int64]) -> Floats:
        return measure(one[at].sum(axis=-3)) - measure(other[at].sum(axis=-3))

    return {"value": _round(value(np.arange(len(one)))), "interval": _interval(len(one), value)}


def by_label(counts: Floats, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Precision, recall, F and the number of right answers in the gold data, for every label."""
    totals = counts.sum(axis=0)
    return {
        label: {
            "p": _round(_ratio(right, right + false)),
            "r": _round(_ratio(right, right + missed)),
            "f": _round(_f(totals[place])),
            "gold": int(right + missed),
        }
        for place, label in enumerate(labels)
        for right, false, missed in [totals[place]]
    }


def _interval(texts: int, statistic: Callable[[NDArray[np.int64]], Floats]) -> list[float] | None:
    """The interval of a statistic of the texts drawn (indices of shape (…, texts)); None for fewer than two texts."""
    if texts < 2:
        return None
    drawn = bootstrap(
        (np.arange(texts),),
        lambda at, axis: statistic(at),
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=200,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    low, high = drawn.confidence_interval
    return [_round(low), _round(high)]


def _round(value: Any) -> float:
    return round(float(value), 4)
