"""Formats of other tools: what goes out comes back as it was, what cannot is refused by name, nothing is guessed."""

import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
import spacy
from distill.errors import DistillError
from distill.formats.labelled import Labelled, Refused
from distill.formats.offsets import UNITS, Mark, Unit, in_unit, placed, spans_or_reason, unit_of
from distill.formats.registry import FORMATS, Name
from distill.records import Span
from distill.task import Kind, Task
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NLP = spacy.blank("en")
LABELS = ["DISH", "PLACE", "ein Gerät"]
TOPICS = ["hot", "cold", "mild & <sweet>"]
TASKS: list[list[Kind]] = [["ner", "textcat"], ["ner", "textcat_multilabel"], ["spancat"], ["ner"], ["textcat"]]


def task(kinds: list[Kind]) -> Task:
    components = {
        kind: {"labels": {name: {"definition": name} for name in (LABELS if kind in ("ner", "spancat") else TOPICS)}}
        for kind in kinds
    }
    return Task.model_validate({"name": "x", "language": "en", "title": "x", "components": components})


# All planes, and often what offsets trip over: emoji of several code points, combining marks, odd white space
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
ODD = st.sampled_from(
    ["👩‍🍳", "🍲", "cafe\u0301", "\u00a0", "\u2028", "\r\n", "\t", "قهوة", "寿司", "-DOCSTART-", "# x =", "O"]
)
TEXTS = st.lists(st.one_of(ANYTHING, ODD, st.just("soup")), min_size=1, max_size=8).map(" ".join).filter(str.strip)
JSON = st.dictionaries(st.sampled_from(["a", "note"]), st.one_of(st.none(), st.integers(-9, 9), ANYTHING), max_size=2)


@st.composite
def labelled(draw: st.DrawFn, of: Task) -> Labelled:
    text = draw(TEXTS)
    doc = NLP.make_doc(text)
    spans = None
    if of.span_kind and (not of.label_kind or draw(st.booleans())):
        places = st.tuples(st.integers(0, len(doc) - 1), st.integers(1, 3), st.sampled_from(LABELS))
        found = {
            (doc[start].idx, doc[start : start + length].end_char, label)
            for start, length, label in draw(st.lists(places, max_size=4))
        }
        spans = [Span(start=start, end=end, label=label) for start, end, label in sorted(found)]
        if of.span_kind == "ner":
            spans = [one for at, one in enumerate(spans) if all(other.end <= one.start for other in spans[:at])]
    accept = None
    if of.label_kind and (spans is None or draw(st.booleans())):
        one = of.label_kind == "textcat"
        accept = [draw(st.sampled_from(TOPICS))] if one else [name for name in TOPICS if draw(st.booleans())]
    answers: list[Literal["accept", "reject", "ignore"]] = ["accept", "accept", "accept", "accept", "reject", "ignore"]
    answer = draw(st.sampled_from(answers))
    if answer != "accept":
        spans = accept = None
    return Labelled(
        file="",
        line=0,
        text=text,
        answer=answer,
        spans=spans,
        accept=accept,
        row=None,
        id=draw(st.text("abc-1", min_size=1, max_size=5)),
        group=draw(st.one_of(st.none(), st.text("g1", min_size=1, max_size=3))),
        meta=draw(JSON),
        annotator=draw(st.sampled_from(["annotator a", "annotator b"])),
        at=draw(st.sampled_from([None, "2026-01-02T03:04:05+00:00"])),
        seconds=draw(st.sampled_from([None, 1.5])),
        comment=draw(st.one_of(st.none(), ANYTHING)),
        source=draw(st.sampled_from([None, {"prodigy": {"_input_hash": -5, "_task_hash": 7}}])),
    )


def plain(row: Labelled) -> Labelled:
    return replace(row, file="", line=0, row=None)


REFUSALS: dict[Name, str] = {
    "jsonl": "nothing is refused",
    "prodigy": "nothing is refused",
    "label-studio": "the answer is reject",
    "doccano": "the answer is (reject|ignore)|there is nothing in it|inside a utf-16 unit",
    "argilla": "the answer is (reject|ignore)",
    "iob": "the answer is (reject|ignore)|overlap$|begins or ends with white space|has white space in it",
    "docbin": "the answer is (reject|ignore)",
}


@pytest.mark.parametrize("kinds", TASKS, ids="+".join)
@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_record_comes_back_as_it_went(name: Name, kinds: list[Kind], data: st.DataObject) -> None:
    """Two to four records, fifteen times, for each of 35 cases: more than a thousand."""
    of = task(kinds)
    rows = data.draw(st.lists(labelled(of), min_size=2, max_size=4))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        refused = FORMATS[name].write(path, rows, of, None)
        back = list(FORMATS[name].read(path, of, None))
    for _, reason in refused:
        assert re.search(REFUSALS[name], reason), reason
    lost = [id(row) for row, _ in refused]
    expected = [row for row in rows if id(row) not in lost]
    assert [plain(one) for one in back if isinstance(one, Labelled)] == expected
    assert len(back) == len(expected), back


@settings(max_examples=300, deadline=None)
@given(labelled(task(["spancat"])), st.sampled_from(UNITS))
def test_a_unit_is_found_out_by_matching(row: Labelled, unit: Unit) -> None:
    marks = []
    for span in row.spans or []:
        start, end = in_unit(row.text, span.start, unit), in_unit(row.text, span.end, unit)
        if start is None or end is None:
            return
        marks.append(Mark(start, end, span.label, row.text[span.start : span.end]))
    assert placed(row.text, marks, unit) == (row.spans or [])
    found = spans_or_reason(row.text, marks, None, unit_of([(row.text, marks)]))
    if isinstance(found, list):
        assert [row.text[span.start : span.end] for span in found] == [mark.surface for mark in marks]
    else:
        assert sum(placed(row.text, marks, each) is not None for each in UNITS) > 1, "only where several would do"


def test_offsets_in_utf_16_are_read_by_the_texts_under_them(tmp_path: Path) -> None:
    of = task(["ner"])
    row = {"start": 12, "end": 16, "text": "soup", "labels": ["DISH"]}
    region = {"from_name": "label", "to_name": "text", "type": "labels", "value": row}
    items = [{"id": 1, "data": {"text": "🍲🍲🍲 good soup"}, "annotations": [{"id": 9, "result": [region]}]}]
    (found,) = read(tmp_path, "label-studio", items, of)
    assert isinstance(found, Labelled)
    assert [(one.start, one.end) for one in found.spans or []] == [(9, 13)]
    doccano = [{"text": "🍲🍲🍲 good soup", "label": [[12, 16, "DISH"]]}]
    (refused,) = read(tmp_path, "doccano", doccano, of)
    assert isinstance(refused, Refused)
    assert "import_unit" in refused.reason
    (found,) = read(tmp_path, "doccano", doccano, of, "utf-16")
    assert isinstance(found, Labelled)
    assert [(one.start, one.end) for one in found.spans or []] == [(9, 13)]
    (found,) = read(tmp_path, "doccano", [{"text": "my good soup", "label": [[8, 12, "DISH"]]}], of)
    assert isinstance(found, Labelled), "in plain letters all units are the same"


def read(folder: Path, name: Name, content: Any, of: Task, unit: Unit | None = None) -> list[Labelled | Refused]:
    path = folder / "x.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content)
    elif name in ("label-studio", "argilla"):
        path.write_text(json.dumps(content))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return list(FORMATS[name].read(path, of, unit))


SOUP = {"start": 3, "end": 7, "text": "soup", "labels": ["DISH"]}


def region(**changes: Any) -> dict[str, Any]:
    kind = changes.pop("type", "labels")
    return {"from_name": "label", "to_name": "text", "type": kind, "value": {**SOUP, **changes}}


def ls(*annotations: dict[str, Any], **changes: Any) -> list[Any]:
    return [{"id": 1, "data": {"text": "My soup"}, "annotations": list(annotations), **changes}]


def ar(**changes: Any) -> list[Any]:
    responses = {"spans": [{"value": [{"start": 3, "end": 7, "label": "DISH"}], "user_id": "u"}]}
    return [{"id": "1", "fields": {"text": "My soup"}, "status": "completed", "responses": responses, **changes}]


def spans(start: int, end: int, label: str = "DISH") -> dict[str, Any]:
    return {"spans": [{"value": [{"start": start, "end": end, "label": label}], "user_id": "u"}]}


def broken_doc(**changes: Any) -> bytes:
    from spacy.tokens import DocBin

    doc = NLP.make_doc(changes.pop("text", "My soup"))
    for key, value in changes.items():
        if key == "cats":
            doc.cats = value
        elif key == "group":
            doc.spans[value] = [doc[1:2]]
        elif key == "missing":
            doc.set_ents([spacy.tokens.Span(doc, 1, 2, "DISH")], default="missing")
    made = DocBin(store_user_data=True)
    made.add(doc)
    return made.to_bytes()


MALFORMED: list[tuple[Name, Any, str]] = [
    ("label-studio", "{", "line 1: not JSON"),
    ("label-studio", '{"id": 1}', "expected a JSON array"),
    ("label-studio", b"\xff\xfe[", "not JSON"),
    ("label-studio", [5], "dict"),
    ("label-studio", [{"data": {}}], "`data.text` is missing"),
    ("label-studio", ls(), "nobody has annotated it"),
    ("label-studio", ls(predictions=[{"result": [region()]}]), "predictions are nobody's decisions"),
    ("label-studio", ls({"result": [region(start=4, end=8)]}), "does not stand in the text"),
    ("label-studio", ls({"result": [region(labels=[])]}), "has no label"),
    ("label-studio", ls({"result": [region(type="rectanglelabels")]}), "got rectanglelabels"),
    ("label-studio", ls({"result": "x"}), "`annotations.0.result`"),
    ("label-studio", ls({"result": [region(start=None)]}), "with `start` and `end`"),
    ("doccano", "{", "line 1: expected a JSON object"),
    ("doccano", "[1]", "line 1: expected a JSON object, got list"),
    ("doccano", [{"label": ["hot"]}], "`text` is missing"),
    ("doccano", [{"text": "", "label": ["hot"]}], "`text`"),
    ("doccano", [{"text": "My soup"}], "nobody has looked at"),
    ("doccano", [{"text": "My soup", "label": []}], "nobody has looked at"),
    ("doccano", [{"text": "My soup", "label": [[3, 99, "DISH"]]}], "does not stand in the text"),
    ("doccano", [{"text": "My soup", "label": [[7, 3, "DISH"]]}], "does not stand in the text"),
    ("doccano", [{"text": "My soup", "label": [[3, 7]]}], "`label.0"),
    ("doccano", [{"text": "My 🍲🍲 soup", "label": [[3, 7, "DISH"]]}], "import_unit"),
    ("doccano", [{"text": "My soup", "entities": [{"start_offset": 3, "label": "DISH"}]}], "`entities.0"),
    ("argilla", "[", "line 1: not JSON"),
    ("argilla", '{"records": []}', "expected a JSON array"),
    ("argilla", ["x"], "dict"),
    ("argilla", [{"id": "1", "status": "completed"}], "expected a field `text`"),
    ("argilla", ar(fields={"prompt": "My soup"}), "got the fields prompt"),
    ("argilla", ar(responses={}), "nobody has responded"),
    ("argilla", ar(status="pending"), "to_list(flatten=True)"),
    ("argilla", ar(responses=spans(3, 99)), "does not stand in the text"),
    ("argilla", ar(fields={"text": "🍲🍲 soup"}), "import_unit"),
    ("argilla", ar(responses={"a": [{"value": "hot"}], "b": [{"value": "cold"}]}), "two questions of one kind"),
    ("argilla", ar(responses={"comment": [{"value": "looks fine", "user_id": "u"}]}), "neither spans nor labels"),
    (
        "argilla",
        [{"text": "My soup", "q.responses": ["hot", "cold"], "q.responses.users": ["u"]}],
        "do not go together",
    ),
    ("argilla", [{"text": "My soup", "q.responses": "hot", "q.responses.users": 3}], "do not go together"),
    ("argilla", ar(responses={"spans": [{"value": {"x": 1}}]}), "`responses.spans.0.value"),
    (
        "argilla",
        [{"text": "My soup", "q.responses": ["hot"], "q.responses.users": ["u"], "q.responses.status": ["draft"]}],
        "a draft",
    ),
    ("iob", b"\xff\xff", "not UTF-8"),
    ("iob", "soup\n", "expected a token and its tag"),
    ("iob", "My\tO\nsoup\tDISH\n", "line 2: expected a tag"),
    ("iob", "My\tO\nsoup\tX-DISH\n", "expected a tag"),
    ("iob", "My\tO\nsoup\tB-\n", "expected a tag"),
    ("iob", "# record = {\nMy\tO\n", "the record is not JSON"),
    ("iob", '# record = {"text": "Your soup"}\nMy\tO\nsoup\tO\n', "does not stand next in the text"),
    ("iob", '# record = {"text": "My"}\nMy\tO\nsoup\tO\n', "'soup' does not stand next"),
    ("iob", "My soup\n", "got 'soup'"),
    ("iob", "My\tO\n\n\tO\n", "expected a token and its tag"),
    ("docbin", b"", "not a DocBin"),
    ("docbin", b"PK\x03\x04", "not a DocBin"),
    ("docbin", '{"text": "x"}', "not a DocBin"),
    ("docbin", broken_doc()[:-5], "not a DocBin"),
    ("docbin", broken_doc(), "nothing was decided"),
    ("docbin", broken_doc(cats={"hot": 0.4}), "the category hot is 0.4"),
    ("docbin", broken_doc(cats={"hot": 2.0}), "neither 1 nor 0"),
    ("docbin", broken_doc(group="other"), "got 'other'"),
    ("docbin", broken_doc(missing=True), "are not known"),
    ("docbin", broken_doc(text="  "), "empty text"),
    ("jsonl", "nope", "line 1: expected a JSON object"),
    ("jsonl", "[]", "line 1: expected a JSON object, got list"),
    ("jsonl", [{"text": 5, "spans": []}], "`text`"),
    ("jsonl", [{"text": "My soup", "spans": [{"start": -1, "end": 2, "label": "DISH"}]}], "`spans.0.start`"),
    ("jsonl", [{"text": "My soup", "spans": {"start": 3}}], "`spans`"),
    ("jsonl", [{"text": "My soup", "spans": [], "answer": "perhaps"}], "`answer`"),
    ("jsonl", [{"text": "My soup", "accept": [1]}], "`accept.0`"),
    ("prodigy", "nope", "line 1: expected a JSON object"),
    ("prodigy", [{"text": "My soup", "spans": "soup", "_view_id": "ner_manual"}], "`spans`"),
    ("prodigy", [{"text": "My soup", "spans": [{"start": 3, "end": 7}], "_view_id": "ner_manual"}], "no label"),
    ("prodigy", [{"text": "My soup", "options": "hot", "accept": ["hot"]}], "`options`"),
]


@pytest.mark.parametrize(("name", "content", "expected"), MALFORMED)
def test_what_is_malformed_is_named(tmp_path: Path, name: Name, content: Any, expected: str) -> None:
    try:
        found = read(tmp_path, name, content, task(["ner", "textcat"]))
    except DistillError as error:
        said = f"{error.message} {error.remedy}"
        assert "x.json" in said
    else:
        bad = [one for one in found if isinstance(one, Refused)]
        assert bad, found
        assert len(found) == len(bad) or name == "iob"
        said = f"line {bad[-1].line}: {bad[-1].reason}"
    assert expected in said


def test_what_rows_mean_in_their_tools(tmp_path: Path) -> None:
    both = task(["ner", "textcat"])
    skipped, empty = ls({"result": [], "was_cancelled": True})[0], ls({"result": []})[0]
    got = read(tmp_path, "label-studio", [skipped, empty, *ls({"result": [region()], "completed_by": 3})], both)
    (skip, marked) = (one for one in got if isinstance(one, Labelled))
    (open_,) = (one for one in got if isinstance(one, Refused))
    assert (skip.answer, skip.spans) == ("ignore", None), "a skip is an ignore"
    assert "says what was asked for" in open_.reason, "nothing is guessed of an annotation without regions"
    assert (marked.annotator, marked.accept) == ("3", None), "it says nothing of topics"
    (tmp_path / "x.xml").write_text('<View><Choices name="c" toName="t"/><Text name="t" value="$text"/></View>')
    (one,) = read(tmp_path, "label-studio", [empty], both)
    assert isinstance(one, Labelled)
    assert (one.spans, one.accept) == (None, []), "the configuration says what was asked for"
    twice = [region(), {**region(), "from_name": "other"}]
    (refused,) = read(tmp_path, "label-studio", ls({"result": twice}), both)
    assert isinstance(refused, Refused) and "two controls of one kind" in refused.reason
    (refused,) = read(tmp_path, "label-studio", ls({"result": [region(type="choices", choices=["hot"])]}), both)
    assert isinstance(refused, Refused) and "choices for a region" in refused.reason
    (tmp_path / "x.xml").write_text("<View>")
    with pytest.raises(DistillError, match="not XML"):
        read(tmp_path, "label-studio", [empty], both)
    flat = {"text": "My soup", "label.responses": ["hot", "cold"], "label.responses.users": ["u", "v"]}
    (one, other) = read(tmp_path, "argilla", [{**flat, "label.responses.status": ["submitted", "discarded"]}], both)
    assert isinstance(one, Labelled) and isinstance(other, Labelled)
    assert (one.annotator, one.answer, one.accept) == ("u", "accept", ["hot"])
    assert (other.annotator, other.answer, other.accept) == ("v", "ignore", None)


@pytest.mark.parametrize(
    "tags",
    [
        "O I-DISH I-DISH B-DISH O I-PLACE",
        "O B-DISH I-DISH B-DISH O B-PLACE",
        "O B-DISH L-DISH U-DISH O U-PLACE",
        "O B-DISH E-DISH S-DISH O S-PLACE",
    ],
)
def test_all_schemes_of_tags(tmp_path: Path, tags: str) -> None:
    words = ["My", "good", "soup", "pie", "in", "Rome"]
    lines = "".join(f"{word} NN {tag}\n" for word, tag in zip(words, tags.split(), strict=True))
    (one,) = read(tmp_path, "iob", f"-DOCSTART- -X- O\n\n{lines}", task(["ner"]))
    assert isinstance(one, Labelled)
    assert one.text == "My good soup pie in Rome"
    assert [(one.text[span.start : span.end], span.label) for span in one.spans or []] == [
        ("good soup", "DISH"),
        ("pie", "DISH"),
        ("Rome", "PLACE"),
    ]


def test_a_decision_that_was_changed_elsewhere_is_no_longer_of_who_made_it(tmp_path: Path) -> None:
    of = task(["ner"])
    row = Labelled("", 0, "My soup", "accept", [Span(start=3, end=7, label="DISH")], None, None, id="1", group="g")
    row = replace(row, annotator="annotator a", at="2026-01-02T03:04:05+00:00")
    path = tmp_path / "x.json"
    FORMATS["label-studio"].write(path, [row], of, None)
    (back,) = FORMATS["label-studio"].read(path, of, None)
    assert isinstance(back, Labelled) and back.annotator == "annotator a"
    items = json.loads(path.read_text())
    items[0]["annotations"][0]["result"][0]["value"]["labels"] = ["PLACE"]
    path.write_text(json.dumps(items))
    (back,) = FORMATS["label-studio"].read(path, of, None)
    assert isinstance(back, Labelled)
    assert (back.id, back.group, back.annotator, back.at) == ("1", "g", None, None)


def exported(folder: Path, name: Name, of: Task, row: Labelled) -> Any:
    FORMATS[name].write(folder / "x.json", [row], of, None)
    data = (folder / "x.json").read_text()
    return json.loads(data) if name in ("label-studio", "argilla") else [json.loads(line) for line in data.splitlines()]


def test_who_says_the_same_has_decided_too(tmp_path: Path) -> None:
    """What comes back unchanged under another's name is another's decision, and not that of who decided first."""
    of = task(["ner"])
    row = Labelled("", 0, "My soup", "accept", [Span(start=3, end=7, label="DISH")], None, None, id="1", group="g")
    row = replace(row, annotator="annotator a", at="2026-01-02T03:04:05+00:00")
    (one,) = exported(tmp_path, "prodigy", of, row)
    (back,) = read(tmp_path, "prodigy", [{**one, "_annotator_id": "annotator b", "_session_id": "annotator b"}], of)
    assert isinstance(back, Labelled) and (back.id, back.annotator) == ("1", "annotator b")
    (item,) = exported(tmp_path, "label-studio", of, row)
    (annotation,) = item["annotations"]
    imported = {**annotation, "completed_by": 1, "lead_time": None}
    again = {**annotation, "completed_by": 7, "lead_time": 3.5}
    (first, second) = read(tmp_path, "label-studio", [{**item, "annotations": [imported, again]}], of)
    assert isinstance(first, Labelled) and isinstance(second, Labelled)
    assert (first.annotator, first.at) == ("annotator a", row.at), "the import that Label Studio made of it"
    assert (second.annotator, second.seconds) == ("7", 3.5)
    (record,) = exported(tmp_path, "argilla", of, row)
    (response,) = record["responses"]["spans"]
    record["responses"]["spans"] = [response, {**response, "user_id": "another"}]
    (first, second) = read(tmp_path, "argilla", [record], of)
    assert isinstance(first, Labelled) and isinstance(second, Labelled)
    assert (first.annotator, second.annotator) == ("annotator a", "another")


def test_what_a_view_of_prodigy_does_not_ask_is_not_decided(tmp_path: Path) -> None:
    """A row goes out with suggestions for both parts, and one of them is asked about."""
    of = task(["ner", "textcat_multilabel"])
    row = {"text": "My soup", "tokens": [{"text": "My", "start": 0, "end": 2}], "options": [{"id": "hot"}]}
    row |= {"spans": [{"start": 3, "end": 7, "label": "DISH"}], "accept": ["hot"], "answer": "accept"}
    cases: list[tuple[dict[str, Any], Any, Any]] = [
        ({"_view_id": "ner_manual"}, ["DISH"], None),
        ({"_view_id": "choice"}, None, ["hot"]),
        ({"_view_id": "blocks"}, ["DISH"], ["hot"]),
        ({"_view_id": "blocks", "tokens": []}, None, ["hot"]),
        ({"_view_id": "ner_manual", "label": "hot"}, ["DISH"], None),
        ({"_view_id": "review", "view_id": "choice"}, None, ["hot"]),
    ]
    for change, spans_, accept in cases:
        (one,) = read(tmp_path, "prodigy", [{**row, **change}], of)
        assert isinstance(one, Labelled), change
        found = None if one.spans is None else [span.label for span in one.spans]
        assert (found, one.accept) == (spans_, accept), change


def test_a_doc_with_some_categories_is_decided_on_these(tmp_path: Path) -> None:
    of = task(["ner", "textcat_multilabel"])
    (one,) = read(tmp_path, "docbin", broken_doc(cats={"hot": 1.0, "cold": 0.0}), of)
    assert isinstance(one, Labelled)
    assert (one.accept, one.labels) == (["hot"], {"accept": ["hot", "cold"]})
    (refused,) = read(tmp_path, "docbin", broken_doc(group="sc"), of)
    assert isinstance(refused, Refused) and "where the task has ner" in refused.reason


def test_an_ambiguous_unit_is_not_guessed(tmp_path: Path) -> None:
    of = task(["ner"])
    unclear = ls({"result": [region(start=2, end=4, text="aa")]})[0] | {"data": {"text": "🍲aaa"}}
    (refused,) = read(tmp_path, "label-studio", [unclear], of)
    assert isinstance(refused, Refused) and "import_unit" in refused.reason
    clear = ls({"result": [region(start=3, end=7)]})[0] | {"data": {"text": "🍲 soup"}}
    (one, other) = read(tmp_path, "label-studio", [unclear, clear], of)
    assert isinstance(one, Labelled) and isinstance(other, Labelled)
    assert [(span.start, span.end) for span in (one.spans or [])] == [(1, 3)], "another row tells that it is UTF-16"


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "jsonl"])
def test_what_the_task_does_not_ask_for_is_refused(tmp_path: Path, name: Name) -> None:
    of = task(["ner"])
    row = Labelled("", 0, "My soup", "accept", [], ["hot"], None, id="1")
    unknown = replace(row, accept=None, spans=[Span(start=3, end=7, label="OLD")])
    refused = FORMATS[name].write(tmp_path / "x.json", [row, unknown], of, None)
    assert [reason for _, reason in refused] == [
        "`accept` was decided, which the task does not ask for",
        "`spans` has the label 'OLD', which the task does not have",
    ]


def test_a_configuration_never_takes_the_place_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="labelling configuration goes there"):
        FORMATS["label-studio"].write(tmp_path / "x.xml", [], task(["ner"]), None)


WRONG = [None, 5, True, "x", [], ["x"], [None], {}, {"x": 1}, [[1]], 1e400]


@pytest.mark.parametrize("name", ["prodigy", "label-studio", "doccano", "argilla"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_value_of_a_wrong_type_ends_in_a_traceback(name: Name, data: st.DataObject) -> None:
    """One value of an exported row, at any depth, is replaced."""
    of = task(["ner", "textcat"])
    row = Labelled("", 0, "My soup", "accept", [Span(start=3, end=7, label="DISH")], ["hot"], None, id="1", group="g")
    with TemporaryDirectory() as folder:
        rows = exported(Path(folder), name, of, row)
        place: Any = rows[0]
        while True:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
                break
            place = place[key]
        place[key] = data.draw(st.sampled_from(WRONG))
        found = read(Path(folder), name, rows, of)
        assert all(isinstance(one, Labelled | Refused) for one in found)
