"""`evaluate`: five systems on the same blind sample; what ships is what dev prefers."""

import json
from typing import Any

import pytest
from conftest import Project
from distill.student.baseline import Baseline
from distill.student.evaluate import SYSTEMS, _choose
from distill.student.score import Prediction
from distill.task import Task
from spacy.lang.en import English
from spacy.tokens import Doc, Span


def test_every_figure_of_every_system(ran: Project) -> None:
    metrics = json.loads((ran.path / "training/metrics.json").read_text())
    assert list(metrics["systems"]) == list(SYSTEMS)
    labels = {
        "ner": ["DISH", "INGREDIENT", "EQUIPMENT"],
        "textcat": ["technique", "substitution", "storage_safety", "equipment", "recipe_request", "other"],
    }
    for name, system in metrics["systems"].items():
        assert "textcat" in system["test"], name
        for kind, figures in system["test"].items():
            assert list(figures["labels"]) == labels[kind], "every label of task.yml, whether it occurs or not"
            headline = figures["f" if kind == "ner" else "macro_f"]
            low, high = headline["interval"]
            assert 0 <= low <= headline["value"] <= high <= 1
    dev = {name: metrics["systems"][name]["dev"] for name in ("silver", "reviewed", "two_stage")}
    assert dev[metrics["ships"]] == max(dev.values())
    assert metrics["ships"] not in metrics["differences"]["ner"]
    assert len(metrics["differences"]["textcat"]) == 4
    for kind in ("ner", "textcat"):
        learned = metrics["systems"]["silver"]["learned_from"].get("silver", {})
        has = kind in metrics["systems"]["silver"]["test"]
        assert has == bool(learned.get(kind)), "what was never trained has no figure"
    assert metrics["student"]["speed"]["words_per_second"] > 0
    assert metrics["student"]["bytes"] < 10_000_000
    assert metrics["teacher"]["words_per_second"] > 0
    assert metrics["review"]["hours"] is None, "the example's decisions have no times, so none are made up"


def test_the_predictions_are_those_of_the_shipped_student(ran: Project) -> None:
    import spacy

    metrics = json.loads((ran.path / "training/metrics.json").read_text())
    nlp = spacy.load(ran.path / f"training/{metrics['ships']}/model-best")
    decided = {row["text_id"]: row for row in ran.read("assets/reviews.jsonl")}
    rows = ran.read("training/predictions.jsonl")
    assert len(rows) == metrics["samples"]["test"]["texts"]
    for row in rows:
        doc = nlp(row["text"])
        assert [(span["start"], span["end"]) for span in row["student"]["spans"]] == [
            (ent.start_char, ent.end_char) for ent in doc.ents
        ]
        assert row["gold"]["accept"] == decided[row["id"]]["accept"]


class _Trained:
    def __init__(self, history: dict[str, dict[str, int]]) -> None:
        self.meta: dict[str, Any] = {"distill": history}


@pytest.mark.parametrize(
    ("trained", "dev", "expected"),
    [
        ("two_stage reviewed silver", (0.5, 0.6, 0.4), "reviewed"),
        ("two_stage reviewed silver", (0.5, 0.5, 0.5), "two_stage"),
        ("two_stage silver", (0.3, 0.9, 0.4), "silver"),
        ("silver", (None, None, None), "silver"),
        ("", (None, None, None), None),
    ],
)
def test_what_ships(trained: str, dev: tuple[float | None, ...], expected: str | None) -> None:
    names = ("two_stage", "reviewed", "silver")
    students: Any = {name: _Trained({"x": {"ner": 1}} if name in trained.split() else {}) for name in names}
    assert _choose(students, dict(zip(names, dev, strict=True))) == expected


def test_the_baseline_knows_the_reviewed_spans_and_the_most_frequent_label() -> None:
    vocab = English().vocab
    docs = []
    for label, topic in (("DISH", "a"), ("DISH", "b"), ("FOOD", "b")):
        doc = Doc(vocab, words=["Soup", "please"])
        doc.ents = [Span(doc, 0, 1, label=label)]
        doc.cats = {"a": float(topic == "a"), "b": float(topic == "b")}
        docs.append(doc)
    one = _task("ner", "textcat")
    said = Baseline(one, docs)("More SOUP and soup, no soups")
    assert sorted(said.spans) == [(5, 9, "DISH"), (14, 18, "DISH")]
    assert said.labels == {"b"}
    assert Baseline(one, [])("soup") == Prediction()
    for doc in docs:
        doc.cats = {"a": 1.0, "b": doc.cats["b"], "c": 0.0}
    assert Baseline(one, docs)("x").labels == {"a"}
    assert Baseline(_task("ner", "textcat_multilabel"), docs)("x").labels == {"a", "b"}, "half of the texts have b"


def _task(*kinds: str) -> Task:
    labels = {name: {"definition": name} for name in "abc"}
    components = {kind: {"labels": labels} for kind in kinds}
    return Task.model_validate({"name": "x", "language": "en", "title": "x", "components": components})
