"""Precision, recall and F by label, with bootstrap intervals over texts and paired differences.

What is counted follows spaCy's scorer: a span is right when its bounds and its label are. Intervals: percentile
bootstrap (Efron and Tibshirani 1993, ch. 13), texts drawn with replacement, by SciPy.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from spacy.language import Language
from spacy.tokens import Doc

from distill.corpus.docbin import spans_of
from distill.task import Kind

RESAMPLES = 2000
SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What a system says of a text. spans: (start, end, label) in code points; labels: of the text; scores: of each
    label, 0 to 1, from a system that has them."""

    spans: frozenset[tuple[int, int, str]] = frozenset()
    labels: frozenset[str] = frozenset()
    scores: Mapping[str, float] = field(default_factory=dict)


def prediction(doc: Doc, kind: Kind | None, threshold: float = 0.5) -> Prediction:
    """What a doc says: its spans, and of its cats the best one, or for `textcat_multilabel` those with a score of
    `threshold` or more. kind: the component that labels texts."""
    spans = frozenset((span.start_char, span.end_char, span.label_) for span in spans_of(doc))
    if kind == "textcat_multilabel":
        labels = {label for label, score in doc.cats.items() if score >= threshold}
    else:
        labels = {max(doc.cats, key=lambda label: doc.cats[label])} if doc.cats else set()
    return Prediction(spans, frozenset(labels), doc.cats)


def predictions(nlp: Language, texts: Iterable[str]) -> list[Prediction]:
    """What a pipeline says of texts, by the threshold of its own."""
    if not nlp.has_pipe("textcat_multilabel"):
        return [prediction(doc, "textcat") for doc in nlp.pipe(texts)]
    multilabel: Any = nlp.get_pipe("textcat_multilabel")
    return [prediction(doc, "textcat_multilabel", multilabel.cfg["threshold"]) for doc in nlp.pipe(texts)]


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
            wanted, got = label in right.labels, label in said.labels
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


def average_precision(gold: Sequence[Prediction], predicted: Sequence[Prediction], label: str) -> float | None:
    """The area under the steps of precision over recall for one label, texts sorted by score, ties taken together
    (Manning, Raghavan and Schütze 2008, ch. 8.4); None without scores, or where no text has the label."""
    right = np.array([label in one.labels for one in gold])
    if not right.any() or not any(label in one.scores for one in predicted):
        return None
    scores = np.array([one.scores.get(label, 0.0) for one in predicted])
    levels = np.unique(scores)[::-1]
    found = np.array([(right & (scores >= level)).sum() for level in levels])
    said = np.array([(scores >= level).sum() for level in levels])
    return _round(np.sum(np.diff(found, prepend=0) / right.sum() * found / said))


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
