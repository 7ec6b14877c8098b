"""Scores: the same as spaCy's own, over every label of the task, with intervals that hold what they should."""

import numpy as np
import pytest
import spacy
from distill.student.score import (
    Prediction,
    average_precision,
    by_label,
    difference,
    figure,
    label_counts,
    macro_f,
    micro_f,
    prediction,
    recall,
    span_counts,
)
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

LABELS = ["A", "B", "C"]


def said(*spans: tuple[int, int, str], label: str | None = None) -> Prediction:
    return Prediction(frozenset(spans), frozenset({label} if label else ()))


def test_spans_are_scored_as_spacy_does() -> None:
    rng = np.random.default_rng(0)
    vocab = spacy.blank("en").vocab
    examples: list[Example] = []
    gold: list[Prediction] = []
    predicted: list[Prediction] = []
    for _ in range(50):
        docs = []
        for into in (predicted, gold):
            doc = Doc(vocab, words=["w"] * 9)
            places = [(n, n + int(rng.integers(1, 3))) for n in (0, 3, 6) if rng.random() < 0.7]
            doc.set_ents([Span(doc, start, end, label=LABELS[rng.integers(2)]) for start, end in places])
            into.append(said(*((ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)))
            docs.append(doc)
        examples.append(Example(docs[0], docs[1]))
    theirs = Scorer.score_spans(examples, "ents")
    counts = span_counts(gold, predicted, LABELS)
    assert figure(counts, micro_f)["value"] == pytest.approx(theirs["ents_f"], abs=1e-4)
    ours = by_label(counts, LABELS)
    for label in ("A", "B"):
        for key in "prf":
            assert ours[label][key] == pytest.approx(theirs["ents_per_type"][label][key], abs=1e-4)
    assert ours["C"] == {"p": 0.0, "r": 0.0, "f": 0.0, "gold": 0}, (
        "a label that never occurs is in the table all the same"
    )


def test_labels_of_texts() -> None:
    gold = [said(label=label) for label in ("A", "A", "B", "C")]
    predicted = [said(label=label) for label in ("A", "B", "B", None)]
    counts = label_counts(gold, predicted, LABELS)
    assert figure(counts, recall)["value"] == 0.5
    assert figure(counts, macro_f)["value"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3, abs=1e-4)


def test_several_labels_a_text_by_threshold_and_by_rank() -> None:
    gold = [Prediction(labels=frozenset(labels)) for labels in ("AB", "", "A", "B")]
    vocab = spacy.blank("en").vocab
    predicted = []
    for a, b in ((0.9, 0.6), (0.8, 0.1), (0.4, 0.2), (0.1, 0.2)):
        doc = Doc(vocab, words=["w"])
        doc.cats = {"A": a, "B": b}
        predicted.append(prediction(doc, "textcat_multilabel", 0.5))
    assert [sorted(one.labels) for one in predicted] == [["A", "B"], ["A"], [], []]
    assert label_counts(gold, predicted, LABELS).sum(axis=0).tolist() == [[1, 1, 1], [1, 0, 1], [0, 0, 0]]
    # A is right at ranks 1 and 3; B at rank 1, and at rank 3 of the two that share the second score
    assert average_precision(gold, predicted, "A") == pytest.approx((1 + 2 / 3) / 2, abs=1e-4)
    assert average_precision(gold, predicted, "B") == pytest.approx((1 + 2 / 3) / 2, abs=1e-4)
    assert average_precision(gold, predicted, "C") is None, "no text has it"
    assert average_precision(gold, gold, "A") is None, "a system without scores has no order"


def test_overlapping_spans_are_counted_each() -> None:
    gold = [said((0, 9, "A"), (0, 4, "B"), (5, 9, "B"))]
    predicted = [said((0, 9, "A"), (0, 9, "B"), (5, 9, "B"))]
    assert span_counts(gold, predicted, LABELS).sum(axis=0).tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    rng = np.random.default_rng(1)
    gold = [said((0, 1, "A"), (2, 3, "B")) for _ in range(150)]
    weak = [said((0, 1, "A")) if rng.random() < 0.6 else said() for _ in gold]
    better = [Prediction(one.spans | {(2, 3, "B")}) if rng.random() < 0.05 else one for one in weak]
    one, other = (span_counts(gold, which, LABELS) for which in (better, weak))
    apart = difference(one, other, micro_f)
    assert apart["interval"][0] > 0
    assert apart["value"] == pytest.approx(figure(one, micro_f)["value"] - figure(other, micro_f)["value"], abs=2e-4)
    assert figure(one, micro_f)["interval"][0] < figure(other, micro_f)["interval"][1], "apart they could not be told"
    assert difference(one, one, micro_f) == {"value": 0.0, "interval": [0.0, 0.0]}


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(60):
        counts = np.zeros((100, 1, 3))
        right = rng.random(100) < 0.7
        counts[:, 0, 0], counts[:, 0, 2] = right, ~right
        low, high = figure(counts, recall)["interval"]
        inside += low <= 0.7 <= high
    assert 50 <= inside <= 60


def test_one_text_or_none_has_no_interval() -> None:
    assert figure(np.ones((1, 1, 3)), micro_f)["interval"] is None
