"""`convert`: decisions and silver to DocBins; what does not fit is quarantined, what arrives meanwhile is not
missed."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from conftest import Decide, Project
from distill.corpus import convert as module
from distill.corpus.convert import Converted, convert
from distill.task import load_task
from spacy.tokens import Doc, DocBin

TASK = """\
name: demo
language: en
title: Demo
components:
  ner:
    labels:
      DISH: {definition: A dish.}
      TOOL: {definition: A tool.}
  textcat:
    labels:
      a: {definition: First.}
      b: {definition: Second.}
"""
TEXT = "My soup-pot 🍲 made good soup."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "task.yml").write_text(TASK)
    samples = {"p1": "pool", "p2": "pool", "d1": "dev", "t1": "test", "h1": "held_out"}
    rows = [{"id": id_, "text": TEXT, "group": id_, "sample": sample, "meta": {}} for id_, sample in samples.items()]
    Project(tmp_path).write("texts.jsonl", rows)
    Project(tmp_path).write("silver.jsonl", [])
    Project(tmp_path).write("reviews.jsonl", [])
    return tmp_path


def run(folder: Path) -> Converted:
    return convert(
        folder / "texts.jsonl",
        folder / "silver.jsonl",
        folder / "reviews.jsonl",
        folder / "task.yml",
        folder / "out",
    )


def docs(folder: Path, name: str) -> list[Doc]:
    return list(DocBin(store_user_data=True).from_disk(folder / f"out/{name}.spacy").get_docs(spacy.blank("en").vocab))


def span(surface: str, label: str = "DISH") -> dict[str, Any]:
    start = TEXT.rindex(surface)
    return {"start": start, "end": start + len(surface), "label": label}


def test_decisions_go_to_the_corpus_of_their_sample(folder: Path, decide: Decide) -> None:
    Project(folder).write(
        "reviews.jsonl",
        [decide(id_, TEXT, spans=[span("good soup")], accept=["b"]) for id_ in ("p1", "d1", "t1")]
        + [decide("p2", TEXT, answer="ignore")],
    )
    done = run(folder)
    assert done.docs == {"silver": 0, "train": 1, "dev": 1, "test": 1}
    assert done.left_out == 1
    (doc,) = docs(folder, "train")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("good soup", "DISH")]
    assert (doc.cats, doc.user_data["id"], doc.text) == ({"a": 0.0, "b": 1.0}, "p1", TEXT)


def test_a_component_that_was_not_decided_stays_missing(folder: Path, decide: Decide) -> None:
    Project(folder).write("reviews.jsonl", [decide("p1", TEXT, accept=["a"]), decide("p2", TEXT, spans=[])])
    run(folder)
    topic, spans = docs(folder, "train")
    assert (topic.has_annotation("ENT_IOB"), bool(topic.cats)) == (False, True)
    assert (spans.has_annotation("ENT_IOB"), bool(spans.cats)) == (True, False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            {"spans": [{"start": 3, "end": 5, "label": "DISH"}]},
            "does not begin and end with a token; the tokens there are soup",
        ),
        ({"spans": [{"start": 3, "end": 500, "label": "DISH"}]}, "does not begin and end with a token"),
        ({"spans": [span("soup", "FOOD")]}, "expected a label of DISH, TOOL"),
        ({"spans": [span("good soup"), span("soup", "TOOL")]}, "overlaps"),
        ({"accept": ["c"]}, "expected exactly one of a, b, got c"),
        ({"accept": []}, "got none"),
        ({"text": "Another text.", "spans": []}, "the text has changed since the decision"),
        ({"text_id": "nobody"}, "no text with this id"),
        ({"text_id": "h1"}, "held out"),
        ({}, "nothing was decided"),
    ],
)
def test_what_does_not_fit_is_quarantined_with_the_reason(
    folder: Path, decide: Decide, fields: dict[str, Any], reason: str
) -> None:
    Project(folder).write("reviews.jsonl", [decide("p2", TEXT, spans=[]), {**decide("p1", TEXT), **fields}])
    done = run(folder)
    assert (done.quarantined, done.docs["train"]) == (1, 1)
    (row,) = Project(folder).read("out/quarantine.jsonl")
    assert reason in row["reason"]
    assert row["id"] == "decision-p1"


def test_a_decision_is_superseded_and_two_that_differ_are_a_conflict(folder: Path, decide: Decide) -> None:
    first = decide("p1", TEXT, id="1", accept=["a"])
    Project(folder).write("reviews.jsonl", [decide("p1", TEXT, id="2", accept=["b"], supersedes=["1"]), first])
    run(folder)
    assert docs(folder, "train")[0].cats == {"a": 0.0, "b": 1.0}
    Project(folder).write("reviews.jsonl", [decide("p1", TEXT, id="2", accept=["b"], annotator="annotator b"), first])
    done = run(folder)
    assert (done.conflicts, done.docs["train"]) == (1, 0)
    settled = decide("p1", TEXT, id="3", accept=["a"], supersedes=["1", "2"])
    with (folder / "reviews.jsonl").open("a") as file:
        file.write(json.dumps(settled) + "\n")
    done = run(folder)
    assert (done.conflicts, done.docs["train"]) == (0, 1)


def test_decisions_that_supersede_each_other_in_a_circle_are_a_conflict(folder: Path, decide: Decide) -> None:
    circle = [decide("p1", TEXT, id=one, accept=["a"], supersedes=[other]) for one, other in (("1", "2"), ("2", "1"))]
    Project(folder).write("reviews.jsonl", circle)
    done = run(folder)
    assert (done.conflicts, done.docs["train"]) == (1, 0)


def test_a_task_with_one_component_ignores_what_is_decided_on_the_other(folder: Path, decide: Decide) -> None:
    text = (folder / "task.yml").read_text()
    (folder / "task.yml").write_text(text[: text.index("  ner:")] + text[text.index("  textcat:") :])
    Project(folder).write("reviews.jsonl", [decide("p1", TEXT, spans=[span("soup")], accept=["a"])])
    done = run(folder)
    assert (done.quarantined, done.docs["train"]) == (0, 1)
    assert json.loads((folder / "out/labels/spans.json").read_text())


def test_a_component_trains_once_all_its_labels_are_decided(folder: Path, decide: Decide) -> None:
    dishes = {"spans": [span("soup")], "labels": {"spans": ["DISH"]}}
    rows = [decide("p1", TEXT, accept=["a"], **dishes), decide("p2", TEXT, **dishes)]
    Project(folder).write("reviews.jsonl", rows)
    done = run(folder)
    assert (done.docs["train"], done.incomplete, done.quarantined) == (1, 2, 0)
    (doc,) = docs(folder, "train")
    assert doc.cats and not doc.has_annotation("ENT_IOB")
    tools = {"spans": [span("My", "TOOL")], "labels": {"spans": ["TOOL"]}}
    Project(folder).write("reviews.jsonl", [*rows, decide("p2", TEXT, id="2", annotator="annotator b", **tools)])
    done = run(folder)
    assert (done.docs["train"], done.incomplete) == (2, 1)
    assert [ent.label_ for ent in docs(folder, "train")[1].ents] == ["TOOL", "DISH"]


def test_older_guidelines_are_counted(folder: Path, decide: Decide) -> None:
    version = load_task(folder / "task.yml").guidelines_version
    rows = [
        decide("p1", TEXT, guidelines=version, accept=["a"]),
        decide("p2", TEXT, guidelines="older", accept=["a"]),
    ]
    Project(folder).write("reviews.jsonl", rows)
    done = run(folder)
    assert (done.older_guidelines, done.docs["train"]) == (1, 2)


def test_a_review_that_arrives_meanwhile_is_not_missed(
    folder: Path, decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project(folder).write("reviews.jsonl", [decide("p1", TEXT, accept=["a"])])
    real = module._convert
    calls: list[int] = []

    def slow(*arguments: Any) -> Converted:
        done = real(*arguments)
        if not calls:
            with (folder / "reviews.jsonl").open("a") as file:
                file.write(json.dumps(decide("p2", TEXT, accept=["b"])) + "\n")
        calls.append(1)
        return done

    monkeypatch.setattr(module, "_convert", slow)
    done = run(folder)
    assert (len(calls), done.docs["train"]) == (2, 2)
    assert json.loads((folder / "out/manifest.json").read_text())["reviews_sha256"] == done.reviews_sha256


@pytest.mark.parametrize(
    ("ner", "textcat", "expected"),
    [
        ("ok", "ok", (True, True)),
        ("ok_empty", "parse_error", (True, False)),
        ("partial", "ok", (False, True)),
        ("refused", "truncated", None),
    ],
)
def test_only_ok_and_ok_empty_become_silver(
    folder: Path, ner: str, textcat: str, expected: tuple[bool, bool] | None
) -> None:
    row = {
        "id": "p1", "text": TEXT, "group": "p1", "sample": "pool", "meta": {}, "spans": [span("soup")], "accept": ["a"],
        "teacher": {"ner": {"status": ner}, "textcat": {"status": textcat}},
    }  # fmt: skip
    Project(folder).write("silver.jsonl", [row])
    run(folder)
    made = [(doc.has_annotation("ENT_IOB"), bool(doc.cats)) for doc in docs(folder, "silver")]
    assert made == ([expected] if expected else [])


def test_no_text_or_group_of_the_blind_samples_trains(ran: Project) -> None:
    split = ran.read("assets/split.jsonl")
    groups = {row["id"]: row["group"] for row in ran.read("corpus/texts.jsonl")}
    for name in ("silver", "train"):
        made = list(
            DocBin(store_user_data=True).from_disk(ran.path / f"corpus/{name}.spacy").get_docs(spacy.blank("en").vocab)
        )
        trained = {doc.user_data["id"] for doc in made}
        assert trained
        assert not trained & {row["id"] for row in split}
        assert not {groups[id_] for id_ in trained} & {row["group"] for row in split}
