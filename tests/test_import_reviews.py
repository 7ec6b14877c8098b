"""`import-reviews`: decisions made elsewhere come in once, mean what they meant there, and none is lost or guessed."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from distill.formats import jsonl, prodigy
from distill.formats.labelled import Labelled, Refused
from distill.journal import Journal
from distill.review.decisions import load_decisions
from distill.task import Task

SOUP = {"start": 3, "end": 7, "label": "DISH"}
TEXT = "My soup 🍲 is too salty"
MARKED = {
    "text": TEXT,
    "meta": {"source": "forum"},
    "_input_hash": 1886699658,
    "_task_hash": -1952856502,
    "tokens": [{"text": "My", "start": 0, "end": 2, "id": 0}, {"text": "soup", "start": 3, "end": 7, "id": 1}],
    "spans": [{**SOUP, "token_start": 1, "token_end": 1}],
    "_view_id": "ner_manual",
    "answer": "accept",
    "_timestamp": 1707211049,
    "_annotator_id": "annotator b",
    "_session_id": "food-annotator b",
}
CHOICE = {"text": TEXT, "options": [{"id": 1, "text": "a"}, {"id": "other", "text": "b"}], "accept": ["other"]}


def task(kind: str) -> Task:
    labels = {name: {"definition": name} for name in ("a", "b", "c")}
    return Task.model_validate({"name": "x", "language": "en", "title": "x", "components": {kind: {"labels": labels}}})


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path, kind: str = "textcat") -> list[Labelled | Refused]:
    return list(prodigy.read(path, task(kind), None))


def one(path: Path, row: dict[str, Any]) -> Labelled:
    (found,) = read(write(path / "x.jsonl", [row]))
    assert isinstance(found, Labelled), found
    return found


def test_what_prodigy_s_rows_mean(tmp_path: Path) -> None:
    found = one(tmp_path, MARKED)
    assert found.text == TEXT
    assert [(span.start, span.end, span.label) for span in found.spans or []] == [(3, 7, "DISH")]
    assert (found.accept, found.answer, found.annotator) == (None, "accept", "annotator b")
    assert found.at == "2024-02-06T09:17:29+00:00"
    assert found.meta == {"source": "forum"}
    without = {key: value for key, value in MARKED.items() if key not in ("answer", "spans")}
    assert one(tmp_path, without).answer == "accept", "a missing answer means accept"
    assert one(tmp_path, without).spans == [], "a manual view in which nothing is marked says that there is nothing"
    assert one(tmp_path, {**MARKED, "answer": "ignore"}).answer == "ignore"
    old = {key: value for key, value in without.items() if key != "_view_id"}
    assert one(tmp_path, old).spans == [], "so do the tokens of an export that names no view"
    assert one(tmp_path, {**MARKED, "_timestamp": 1e20}).at is None
    chosen = one(tmp_path, CHOICE)
    ignored = one(tmp_path, {**CHOICE, "answer": "ignore"})
    assert (ignored.answer, ignored.accept) == ("ignore", None)
    assert (chosen.spans, chosen.accept) == (None, ["other"])
    assert one(tmp_path, {**CHOICE, "accept": [1]}).accept == ["1"]
    assert one(tmp_path, {key: value for key, value in CHOICE.items() if key != "accept"}).accept == []


def test_what_is_marked_in_a_question_about_a_label_is_no_decision(tmp_path: Path) -> None:
    row = {"text": TEXT, "label": "a", "spans": [{"start": 3, "end": 7}], "_view_id": "classification"}
    (found,) = read(write(tmp_path / "x.jsonl", [row]))
    assert isinstance(found, Labelled)
    assert (found.spans, found.accept) == (None, ["a"])


def test_a_row_of_our_own_files_is_read_as_it_is(tmp_path: Path) -> None:
    row = {"id": 5, "text": TEXT, "sample": "pool", "group": 7, "why": "random", "meta": {}, "spans": [SOUP]}
    (found,) = jsonl.read(write(tmp_path / "x.jsonl", [row]), task("textcat"), None)
    assert isinstance(found, Labelled)
    assert (found.id, found.group) == ("5", "7")


@pytest.mark.parametrize(
    ("kind", "answers", "expected"),
    [
        ("textcat", {"a": "accept"}, (["a"], None)),
        ("textcat", {"a": "reject", "b": "accept"}, (["b"], None)),
        ("textcat", {"a": "reject"}, ([], {"accept": ["a"]})),
        ("textcat", {"a": "accept", "b": "accept"}, "yes to a, b, where one is expected"),
        ("textcat_multilabel", {"a": "accept", "b": "reject", "c": "accept"}, (["a", "c"], None)),
        ("textcat_multilabel", {"a": "reject", "b": "reject", "c": "reject"}, ([], None)),
        ("textcat_multilabel", {"a": "accept", "b": "reject"}, (["a"], {"accept": ["a", "b"]})),
        ("textcat_multilabel", {"a": "accept", "b": "ignore"}, (["a"], {"accept": ["a"]})),
        ("ner", {"a": "accept"}, "yes or no to a, which is no label"),
    ],
)
def test_yes_and_no_to_labels(tmp_path: Path, kind: str, answers: dict[str, str], expected: Any) -> None:
    rows = [{"text": TEXT, "label": label, "answer": answer} for label, answer in answers.items()]
    found = read(write(tmp_path / "x.jsonl", rows), kind)
    for one in found:
        if isinstance(one, Labelled):
            assert (one.accept, one.labels) == expected
        else:
            assert str(expected) in one.reason
    assert len(found) == (len(rows) if isinstance(found[0], Refused) else 1), "each row that is refused is kept"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"_view_id": "ner"}, "asks about one span"),
        ({"text": ""}, "`text`"),
        ({"text": None, "image": "x.png"}, "`text`"),
        ({"spans": [{"start": 3, "end": 99, "label": "DISH"}]}, "the text has 22 code points"),
        ({"spans": [{"start": 7, "end": 3, "label": "DISH"}]}, "the text has 22 code points"),
        ({"spans": [{"start": 3, "label": "DISH"}]}, "`spans.0.end` is missing"),
        ({"answer": "maybe"}, "`answer`"),
        ({"tokens": [{"text": "soup", "start": 4, "end": 8}]}, "offsets are expected in code points"),
        ({"spans": None, "_view_id": "text"}, "nothing was decided"),
    ],
)
def test_a_row_that_cannot_be_used_is_kept_with_the_reason(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    (found,) = read(write(tmp_path / "x.jsonl", [{**MARKED, **change}]))
    assert isinstance(found, Refused)
    assert expected in found.reason
    assert found.row["_task_hash"] == MARKED["_task_hash"]
    assert found.line == 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": TEXT}, "nothing was decided"),
        ({"text": TEXT, "spans": [SOUP], "label": ["a"]}, "unknown key `label`"),
        ({"text": TEXT, "spans": [{**SOUP, "end": 77}]}, "the text has 22 code points"),
        ({"spans": [SOUP]}, "key `text` is missing"),
        ({"text": TEXT, "accept": "a"}, "`accept`"),
    ],
)
def test_our_own_rows_are_checked(tmp_path: Path, row: dict[str, Any], expected: str) -> None:
    (found,) = jsonl.read(write(tmp_path / "x.jsonl", [row]), task("textcat"), None)
    assert isinstance(found, Refused)
    assert expected in found.reason


def run(project: Project, rows: list[dict[str, Any]], *variables: str) -> str:
    project.write("import.jsonl", rows)
    return project.weasel("run", "import-reviews", ".", "--vars.import_file", "import.jsonl", *variables)


def test_decisions_and_texts_come_in_once(empty: Project) -> None:
    empty.weasel("run", "check")
    before = (empty.path / "assets/texts.jsonl").read_bytes()
    rows: list[dict[str, Any]] = [
        {"text": "My soup number 1 is too salty.", "spans": [SOUP], "accept": ["other"]},
        {"text": TEXT, "id": "new-1", "group": "g", "meta": {"n": 1}, "spans": [SOUP], "annotator": "annotator b"},
        {"text": "x", "id": "new-1", "spans": []},
        {"text": "y"},
    ]
    out = run(empty, rows)
    assert "2 new decisions (2 accept); 1 texts new in assets/texts.jsonl" in out
    assert "2 rows cannot be used" in out
    refused = empty.read("corpus/import_refused.jsonl")
    assert [row["line"] for row in refused] == [3, 4]
    assert "stands for another text" in refused[0]["reason"]
    assert refused[1]["row"] == {"text": "y"}
    texts = (empty.path / "assets/texts.jsonl").read_bytes()
    assert texts.startswith(before)
    assert empty.read("assets/texts.jsonl")[-1] == {"id": "new-1", "text": TEXT, "group": "g", "meta": {"n": 1}}
    journal = (empty.path / "assets/reviews.jsonl").read_bytes()
    assert "0 new decisions (2 accept), 2 were there already; 0 texts new" in run(empty, rows)
    assert (empty.path / "assets/reviews.jsonl").read_bytes() == journal
    assert (empty.path / "assets/texts.jsonl").read_bytes() == texts
    empty.weasel("run", "ingest")
    settled = load_decisions(empty.path / "assets/reviews.jsonl").settled
    ids = {row["id"] for row in empty.read("corpus/texts.jsonl")}
    assert settled.keys() <= ids, "each decision is about a text that is there"
    assert {decision.annotator for decision in settled.values()} == {"annotator a", "annotator b"}
    assert {decision.guidelines for decision in settled.values()} == {"imported"}


def test_two_imports_about_a_component_each_make_one_decision(empty: Project) -> None:
    empty.weasel("run", "check")
    run(empty, [{"text": TEXT, "spans": [SOUP]}])
    out = run(empty, [{"text": TEXT, "accept": ["other"]}])
    assert "differ" not in out
    (decision,) = load_decisions(empty.path / "assets/reviews.jsonl").settled.values()
    assert decision.accept == ["other"]
    assert decision.spans
    ignored = {"text": TEXT, "answer": "ignore", "annotator": "annotator b"}
    assert "differ" not in run(empty, [ignored]), "who ignores a text decides nothing"
    assert "1 texts have decisions that differ" in run(empty, [{"text": TEXT, "accept": ["equipment"]}])


def test_a_data_set_with_a_split_of_its_own(empty: Project) -> None:
    empty.weasel("run", "check")
    test_rows = [{"text": f"The stew number {n} is cold", "spans": []} for n in range(4)]
    out = run(empty, test_rows, "--vars.import_sample", "test")
    assert "4 texts are the test sample" in out
    pool = [{"text": f"The cake number {n} is dry", "spans": []} for n in range(20)]
    run(empty, [*pool, {"text": "the  stew number 0 is COLD", "spans": []}])
    out = empty.weasel("run", "ingest")
    assert "were wanted" in out, "dev gets half of the rest, and test is not drawn again"
    samples = {row["text"]: row["sample"] for row in empty.read("corpus/texts.jsonl")}
    assert {samples[row["text"]] for row in test_rows} == {"test"}
    assert samples["the  stew number 0 is COLD"] == "held_out", "a twin of a test text never trains"
    assert list(samples.values()).count("dev") == 12
    assert list(samples.values()).count("test") == 4
    split = (empty.path / "assets/split.jsonl").read_bytes()
    empty.weasel("run", "ingest", ".", "--force")
    assert (empty.path / "assets/split.jsonl").read_bytes() == split
    assert "4 texts are the test sample" in run(empty, test_rows, "--vars.import_sample", "test"), "again, the same"
    journal = (empty.path / "assets/reviews.jsonl").read_bytes()
    empty.write("import.jsonl", [{"text": "One more", "spans": []}])
    out = empty.weasel(
        "run", "import-reviews", ".", "--vars.import_file", "import.jsonl", "--vars.import_sample", "test", check=False
    )
    assert "the test sample is drawn already, of 4 texts" in out
    assert (empty.path / "assets/reviews.jsonl").read_bytes() == journal


def test_texts_in_another_kind_of_file_must_stand_there_already(empty: Project) -> None:
    empty.weasel("run", "check")
    (empty.path / "assets/texts.csv").write_text("text\nMy soup is cold\n")
    empty.edit("project.yml", '  texts: "assets/texts.jsonl"', '  texts: "assets/texts.csv"')
    out = run(empty, [{"text": "My soup is cold", "spans": [SOUP]}, {"text": TEXT, "spans": []}])
    assert "1 new decisions" in out
    assert "no such text in assets/texts.csv" in empty.read("corpus/import_refused.jsonl")[0]["reason"]


def test_what_no_file_can_hold_is_refused_and_nothing_is_half_done(empty: Project) -> None:
    empty.weasel("run", "check")
    odd = {"text": "a", "spans": [], "meta": {"from": "\ud800"}}
    rows = [odd, {"text": "c", "id": "", "spans": []}, {"text": "d", "spans": []}]
    path = empty.path / "import.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    variables = ("--vars.import_file", "import.jsonl", "--vars.import_sample", "test")
    names = ("assets/texts.jsonl", "assets/split.jsonl", "assets/reviews.jsonl")
    before = [(empty.path / name).read_bytes() for name in names]
    with Journal(empty.path / "assets/reviews.jsonl"):
        out = empty.weasel("run", "import-reviews", ".", *variables, check=False)
    assert "another process is writing to it" in out
    assert [(empty.path / name).read_bytes() for name in names] == before
    out = empty.weasel("run", "import-reviews", ".", *variables)
    assert "1 new decisions" in out
    reasons = [row["reason"] for row in empty.read("corpus/import_refused.jsonl")]
    assert "lone surrogate" in reasons[0] and "empty id" in reasons[1]
    assert "no such file" in empty.weasel("run", "import-reviews", ".", "--vars.import_file", "corpus", check=False)


def test_a_file_that_is_not_there_or_not_jsonl(empty: Project) -> None:
    out = empty.weasel("run", "import-reviews", check=False)
    assert "assets/import.jsonl: no such file" in out
    (empty.path / "assets/import.jsonl").write_text('{"text": "a", "spans": []}\nnot json\n')
    out = empty.weasel("run", "import-reviews", check=False)
    assert "assets/import.jsonl, line 2: expected a JSON object" in out
    assert not (empty.path / "assets/reviews.jsonl").exists() or not empty.read("assets/reviews.jsonl")
