"""The desk of `review`, without a browser: what is decided label by label, who gets which card, what undo does."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import srsly
from distill.review.cards import RefusedError, Submitted
from distill.review.decisions import Decision, settle
from distill.review.desk import Desk, Filter, Paths, Shares
from distill.review.statistics import figures
from review_app import labels, make_folder

SPANS = labels("DISH", "PLACE")
BOTH = {"ner": SPANS, "textcat": labels("hot", "cold", "mild")}
MANY = {"textcat_multilabel": labels("hot", "cold", "mild")}
NUMBERS = itertools.count()


@contextmanager
def desk(folder: Path, overlap: float = 0.0) -> Iterator[Desk]:
    names = ("configs/task.yml", "corpus/queue.jsonl", "corpus/silver.jsonl", "assets/reviews.jsonl", "none", "none")
    with Desk(Paths(*(folder / name for name in names)), Shares(0.0, overlap)) as made:
        yield made


def decide(at: Desk, card: str, answer: str = "accept", annotator: str = "A", **fields: Any) -> None:
    spans = fields.pop("spans", None)
    marks = None if spans is None else [{"start": a, "end": b, "label": label} for a, b, label in spans]
    values: dict[str, Any] = {
        "id": f"decision-{next(NUMBERS):06}",
        "card": card,
        "annotator": annotator,
        "answer": answer,
    }
    values |= {"guidelines": at.task.guidelines_version, "mode": "shown", "spans": marks, **fields}
    at.decide(Submitted.model_validate(values))


def next_ids(at: Desk, annotator: str = "A", label: str | None = None, client: str = "", **kind: Any) -> list[str]:
    cards, _ = at.next(annotator, client or f"page of {annotator}", Filter(**kind), 20, set(), label)
    return [card["id"] for card in cards]


def standing(at: Desk) -> list[tuple[Any, ...]]:
    """What stands: by whom, spans, labels of the text, and which labels were decided."""
    return [
        (
            one.annotator,
            None if one.spans is None else [(span.start, span.end, span.label) for span in one.spans],
            one.accept,
            one.labels,
        )
        for one in settle(at.decisions()).standing
    ]


def change_task(folder: Path, components: dict[str, Any]) -> None:
    task = {**srsly.read_yaml(folder / "configs/task.yml"), "components": components}
    srsly.write_yaml(folder / "configs/task.yml", task)


def test_a_text_is_done_when_all_of_its_labels_are(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", BOTH, [{"text": "A soup here."}])
    with desk(app.folder) as at:
        decide(at, "t0", label="hot", accept=["hot"])
        assert standing(at) == [("A", None, ["hot"], None)], "the one label of a text tells all about the others"
        assert (at.progress("A", None)["done"], at.progress("A", "hot")["done"], at.remaining()) == (0, 1, 1)
        assert next_ids(at) == ["t0"], "its spans are still to be decided"
        assert next_ids(at, label="DISH") == ["t0"]
        for label in ("DISH", "PLACE"):
            decide(at, "t0", label=label, spans=[])
        assert (at.progress("A", None)["done"], at.remaining(), next_ids(at)) == (1, 0, [])


def test_no_to_every_label_of_which_there_is_one_leaves_the_text_open(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", {"textcat": labels("hot", "cold")}, [{"text": "one two"}])
    with desk(app.folder) as at:
        for label in ("hot", "cold"):
            decide(at, "t0", label=label, accept=[])
        assert standing(at) == [("A", None, [], {"accept": ["hot", "cold"]})]
        assert at.progress("A", None)["done"] == 0
        assert next_ids(at) == ["t0"]
        decide(at, "t0", label="cold", accept=["cold"])
        decide(at, "t0", label="cold", accept=[])
        assert standing(at) == [("A", None, [], {"accept": ["cold"]})], "the yes told about the others, and is gone"
        assert next_ids(at, label="hot") == ["t0"], "what was open again is handed out again"


def test_a_label_that_the_task_no_longer_has_is_nothing_decided(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": "one two"}, {"text": "two three"}])
    with desk(app.folder) as at:
        decide(at, "t0", label="hot", accept=[])
        decide(at, "t1", label="hot", accept=["hot"])
    change_task(app.folder, {"textcat_multilabel": labels("warm", "cold", "mild")})
    with desk(app.folder) as at:
        for id_ in ("t0", "t1"):
            decide(at, id_, label="cold", accept=[])
        assert standing(at) == [("A", None, [], {"accept": ["cold"]})] * 2
        assert next_ids(at, label="warm") == ["t0", "t1"]
        with pytest.raises(RefusedError, match="hot"):
            next_ids(at, label="hot")


def test_a_card_says_which_labels_are_left_out(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 3, "label": "DISH"}, {"start": 4, "end": 7, "label": "OLD"}]
    app = make_folder(tmp_path / "a", BOTH, [{"text": "one two", "spans": spans, "accept": ["tepid"]}])
    with desk(app.folder) as at:
        card = at.card("t0", "A")
        assert card["unknown"] == ["OLD", "tepid"]
        assert [span["label"] for span in card["teacher"]["spans"]] == ["DISH"]


def test_a_decision_on_a_text_that_has_changed_is_made_anew(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", {"ner": SPANS}, [{"text": "I ate soup in Rome"}])
    with desk(app.folder) as at:
        decide(at, "t0", label="DISH", spans=[(2, 2, "DISH")])
    queue = app.folder / "corpus/queue.jsonl"
    queue.write_text(queue.read_text().replace("I ate soup", "We had beer"))
    with desk(app.folder) as at:
        assert next_ids(at) == ["t0"]
        decide(at, "t0", label="PLACE", spans=[(4, 4, "PLACE")])
        assert standing(at) == [("A", [(15, 19, "PLACE")], None, {"spans": ["PLACE"]})]
    rows = [Decision.model_validate(row) for row in app.journal()]
    decided = settle(rows)
    assert not decided.conflicts
    assert decided.settled["t0"].text == "We had beer in Rome"
    apart = [rows[0], rows[1].model_copy(update={"supersedes": []})]
    assert settle(apart).conflicts, "decisions on two texts are never put together"


@pytest.mark.parametrize("answer", ["accept", "ignore", "reject"])
def test_undo_brings_back_what_stood_before(tmp_path: Path, answer: str) -> None:
    app = make_folder(tmp_path / "a", {"ner": SPANS}, [{"text": "one two three four"}])
    with desk(app.folder) as at:
        decide(at, "t0", label="DISH", spans=[(0, 1, "DISH")], flag=True, comment="look", seconds=2)
        before = standing(at)
        decide(at, "t0", answer, label="PLACE", spans=[(1, 2, "PLACE")] if answer == "accept" else None)
        decide(at, "t0", "open", label="PLACE")
        assert standing(at) == before, "were it that the later span took the place of the earlier one"
        (own,) = settle(at.decisions()).standing
        assert (own.flag, own.comment, own.seconds) == (True, "look", 2)
        assert next_ids(at, label="DISH") == []
        assert next_ids(at, label="PLACE") == ["t0"]
    with desk(app.folder) as at:
        assert standing(at) == before


def test_undo_of_a_settled_conflict_brings_back_both_sides(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": "one"}])
    with desk(app.folder, overlap=1.0) as at:
        decide(at, "t0", accept=["hot"])
        decide(at, "t0", annotator="B", accept=["cold"])
        settles = [one.id for one in settle(at.decisions()).standing]
        decide(at, "t0", accept=["cold"], settles=settles)
        assert at.progress("A", None)["conflicts"] == 0
        decide(at, "t0", "open")
        assert at.progress("A", None)["conflicts"] == 1
        assert {(one[0], *one[2]) for one in standing(at)} == {("A", "hot"), ("B", "cold")}


def test_what_belongs_to_a_decision_joins_with_it(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": "one"}])
    with desk(app.folder) as at:
        decide(at, "t0", label="hot", accept=["hot"], flag=True, comment="look", seconds=9, guidelines="old")
        decide(at, "t0", label="cold", accept=[], seconds=1)
        (own,) = settle(at.decisions()).standing
        assert (own.flag, own.comment, own.seconds, own.guidelines) == (True, "look", 10, "old")
        rows, count = at.find(Filter(flag=True), 0, 9)
        assert (count, rows[0]["annotators"]) == (1, ["A"])
        assert at.find(Filter(annotator="A"), 0, 9)[1] == 1


def test_two_annotators_do_a_label_each(tmp_path: Path) -> None:
    app = make_folder(
        tmp_path / "a", {"textcat_multilabel": labels("hot", "cold")}, [{"text": f"Text {n}"} for n in range(4)]
    )
    with desk(app.folder) as at:
        for n in range(4):
            decide(at, f"t{n}", label="hot", accept=["hot"])
            decide(at, f"t{n}", annotator="B", label="cold", accept=[])
        assert at.progress("A", None)["done"] == 4
        assert next_ids(at) == []
        assert figures(at.decisions(), 0)["agreement"] == [], "on no label did both decide"


def test_spans_of_two_annotators_that_cannot_both_be_are_a_conflict(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", {"ner": SPANS}, [{"text": "one two three"}])
    with desk(app.folder) as at:
        decide(at, "t0", label="DISH", spans=[(0, 1, "DISH")])
        decide(at, "t0", annotator="B", label="PLACE", spans=[(1, 2, "PLACE")])
        assert at.conflicts() == ["t0"]
        assert at.progress("A", None)["conflicts"] == 1


def test_agreement_counts_the_labels_that_both_decided() -> None:
    def row(id_: str, annotator: str, accept: list[str], *decided: str) -> Decision:
        values = {"id": f"{annotator}{id_}", "text_id": id_, "text": "x", "answer": "accept", "annotator": annotator}
        limited = {"accept": list(decided)} if decided else None
        return Decision.model_validate({**values, "accept": accept, "labels": limited, "guidelines": "x"})

    made = [row("1", "A", ["hot"], "hot"), row("1", "B", ["hot", "cold"]), row("2", "A", [], "hot"), row("2", "B", [])]
    (found,) = figures(made, 0)["agreement"]
    assert (found["texts"], found["kappa"]) == (2, 1.0), "of cold, which A was not asked about, nothing is said"


def test_who_decides_again_after_settling_counts_once(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": "one"}])
    with desk(app.folder, overlap=1.0) as at:
        decide(at, "t0", accept=["hot"])
        decide(at, "t0", annotator="B", accept=["cold"])
        decide(at, "t0", accept=["cold"], settles=[one.id for one in settle(at.decisions()).standing])
        decide(at, "t0", accept=["mild"])
        found = figures(at.decisions(), 0)
        assert found["decisions"] == 2
        assert [row["decisions"] for row in found["annotators"]] == [1, 1]


def test_cards_are_kept_by_label_and_until_they_are_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": "one"}, {"text": "two"}])
    with desk(app.folder) as at:
        assert next_ids(at, "A", "hot") == ["t0", "t1"]
        assert next_ids(at, "B", "hot") == []
        assert next_ids(at, "B", "cold") == ["t0", "t1"], "another label is another question"
        at.leave("page of B")
        decide(at, "t0", label="hot", accept=["hot"])
        assert next_ids(at, "A", "cold", client="another page") == ["t0", "t1"]
        monkeypatch.setattr("distill.review.desk.RESERVED", 0.0)
        cards, taken = at.next("B", "page of B", Filter(), 9, {"t1"}, "hot")
        assert (cards, taken) == ([], []), "what lapsed is free"
        monkeypatch.undo()
        _, taken = at.next("A", "page of A", Filter(), 9, {"t0", "t1"}, "hot")
        assert taken == ["t0", "t1"], "one is decided, and the other is somebody else's by now"


def test_a_decision_says_what_its_page_showed(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": "one", "accept": ["hot"]}, {"text": "two", "sample": "test"}])
    with desk(app.folder) as at:
        decide(at, "t0", accept=[], mode="hidden", guidelines="as it was")
        decide(at, "t1", accept=[], mode="shown")
    pool, blind = app.journal()
    assert (pool["shown"]["mode"], pool["guidelines"]) == ("hidden", "as it was")
    assert blind["shown"] == {"mode": "blind"}, "whatever a page says"


def test_a_filter_by_label_finds_what_is_suggested_where_it_is_not_decided(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "a", MANY, [{"text": f"Text {n}", "accept": ["cold"]} for n in range(3)])
    with desk(app.folder) as at:
        for n in range(3):
            decide(at, f"t{n}", label="hot", accept=[])
        decide(at, "t0", label="cold", accept=[])
        assert [row["id"] for row in at.find(Filter(label="cold"), 0, 9)[0]] == ["t1", "t2"]


def test_a_clock_that_jumps_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands is what supersedes, never what is later by the clock; seconds are of another clock. The clock is a
    fake."""

    class Back(datetime):
        hours = itertools.count(23, -1)

        @classmethod
        def now(cls, tz: Any = None) -> "Back":
            return cls(2026, 1, 1, next(cls.hours), tzinfo=tz)

    folder = make_folder(tmp_path, {"ner": SPANS}, [{"text": f"A soup {n}."} for n in range(3)]).folder
    monkeypatch.setattr("distill.review.desk.datetime", Back)
    with desk(folder) as at:
        decide(at, "t0", spans=[(0, 1, "DISH")])
        decide(at, "t0", spans=[(0, 1, "PLACE")])
        decide(at, "t1", spans=[])
        made = at.decisions()
        assert [one.at for one in made] == sorted((one.at or "" for one in made), reverse=True)
        assert [one[1] for one in standing(at)] == [[(0, 6, "PLACE")], []]
    with desk(folder) as again:
        assert [one[1] for one in standing(again)] == [[(0, 6, "PLACE")], []]
