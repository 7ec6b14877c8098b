"""Teachers' answers about all labels at once, in every form that models give them; and what is read of them."""

import json
import random
import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from distill.task import Label
from distill.teacher.parsing import parse_label, parse_labels, parse_spans
from hypothesis import given
from hypothesis import strategies as st

LABELS = {
    "PER": Label(definition="A person.", plural="persons"),
    "ORG": Label(definition="An organisation.", plural="organisations", aliases=["organization", "company"]),
    "LOC": Label(definition="A place.", plural="places", aliases=["location"]),
}
TEXT = "Apple sued Google in the US.\nTim Cook’s\u00a0team flew to Paris; Apple paid. Ana  Lima of São Paulo stayed."
APPLE, GOOGLE, US = [("Apple", "ORG"), ("Apple", "ORG")], ("Google", "ORG"), ("US", "LOC")
PARIS, TIM = ("Paris", "LOC"), ("Tim Cook", "PER")

OK: list[tuple[str, list[tuple[str, str]]]] = [
    # A line for each label, in any order, with whatever is around it
    ("PER: Tim Cook\nORG: Google\nLOC: Paris", [GOOGLE, TIM, PARIS]),
    ("LOC: Paris\nORG: Google\nPER: Tim Cook", [GOOGLE, TIM, PARIS]),
    ("PER: none\nORG: Apple, Google\nLOC: none", [APPLE[0], GOOGLE, APPLE[1]]),
    ("PER: none\nORG: none\nLOC: none", []),
    ("PER:\nORG: Google\nLOC:", [GOOGLE]),
    ("- PER: none\n- ORG: Google\n- LOC: none", [GOOGLE]),
    ("* **PER**: none\n* **ORG**: Google\n* **LOC**: US", [GOOGLE, US]),
    ("1. PER: none\n2. ORG: Google\n3. LOC: none", [GOOGLE]),
    ("1) PER: none\n2) ORG: Google\n3) LOC: none", [GOOGLE]),
    ('PER: none\nORG: "Google"\nLOC: “Paris”', [GOOGLE, PARIS]),
    ("per: none\norg: google\nloc: PARIS", [GOOGLE, PARIS]),
    ("Persons: none\nOrganisations: Google\nPlaces: none", [GOOGLE]),
    ("PER: None.\nOrganization: Google.\nLocation: None.", [GOOGLE]),
    ("PER - none\nPER: none\nORG: Google\nLOC: none", [GOOGLE]),
    ("Here are the entities:\nPER: none\nORG: Google\nLOC: none", [GOOGLE]),
    ("```\nPER: none\nORG: Google\nLOC: none\n```", [GOOGLE]),
    ("PER: none; ORG: Google; LOC: Paris", [GOOGLE, PARIS]),
    ("PER: Ana Lima\nORG: none\nLOC: São Paulo", [("Ana  Lima", "PER"), ("São Paulo", "LOC")]),
    ("PER: none\nORG: none\nLOC: Sa\u0303o Paulo", [("São Paulo", "LOC")]),
    ("PER: none\nORG: none\nLOC: Ｐａｒｉｓ", [PARIS]),
    # A heading for each label
    ("PER\nnone\nORG\n- Google\n- Apple\nLOC\n- Paris", [APPLE[0], GOOGLE, PARIS, APPLE[1]]),
    ("## PER\nTim Cook\n## ORG\nGoogle\n## LOC\nnone", [GOOGLE, TIM]),
    ("**ORG:**\n1. Google\n**PER:**\n1. Tim Cook\n**LOC:**\nnone", [GOOGLE, TIM]),
    # A line for each span: those that spacy-llm's own parsers lose, too
    ("1. Google | True | ORG | is a company", [GOOGLE]),
    ("Google | True | ORG | is a company", [GOOGLE]),
    ("1) Google | True | ORG | is a company", [GOOGLE]),
    ("- Google | True | ORG | is a company", [GOOGLE]),
    ("1. **Google** | True | **ORG** | is a company", [GOOGLE]),
    ('1. "Google" | True | ORG | is a company', [GOOGLE]),
    ("1. Google | True | ORG", [GOOGLE]),
    ("1. Google | True | ORG | is a company | sure", [GOOGLE]),
    ("1. Google | Yes | ORG | is a company", [GOOGLE]),
    ("1. Google | True | [ORG] | is a company", [GOOGLE]),
    ("1. Google | True | organization | is a company", [GOOGLE]),
    ("1. Google | True | ORG | is\n2. Tim | False | ==NONE== | a first name", [GOOGLE]),
    ("1. Paris | True | LOC | x\n2. Google | True | ORG | x", [GOOGLE, PARIS]),
    ("1. Apple | True | ORG | x\n2. Apple | True | ORG | x\n3. Paris | True | LOC | x", [APPLE[0], PARIS, APPLE[1]]),
    ("1. US | True | LOC | x", [US]),
    ("| entity | label |\n|---|---|\n| Google | ORG |\n| Paris | LOC |", [GOOGLE, PARIS]),
    ("Google (ORG)\nParis (LOC)", [GOOGLE, PARIS]),
    ("- Google [ORG]\n- Paris [LOC]", [GOOGLE, PARIS]),
    ("[ORG] Google\n[LOC] Paris", [GOOGLE, PARIS]),
    ("Google -> ORG\nParis → LOC", [GOOGLE, PARIS]),
    ("Google - ORG\nParis – LOC", [GOOGLE, PARIS]),
    ("Google: ORG\nParis: LOC", [GOOGLE, PARIS]),
    ("Google\tORG", [GOOGLE]),
    ("Google is an organization.", [GOOGLE]),
    ("Tim Cook's team | PER", [("Tim Cook’s\u00a0team", "PER")]),
    ("Tim  Cook | PER", [TIM]),
    # Nothing
    ("none", []),
    ("None.", []),
    ("There are no entities in this text.", []),
    ("No entities found.", []),
    # JSON
    ('{"PER": [], "ORG": ["Google"], "LOC": []}', [GOOGLE]),
    ('```json\n{"PER": ["Tim Cook"], "ORG": [], "LOC": ["Paris"]}\n```', [TIM, PARIS]),
    ('Sure:\n{"PER": [], "ORG": ["Google"], "LOC": null}', [GOOGLE]),
    ('{"LOC": "Paris", "ORG": [], "PER": []}', [PARIS]),
    ('{"persons": [], "Organization": ["google"], "places": []}', [GOOGLE]),
    ('{"entities": [{"text": "Google", "label": "ORG"}, {"text": "Paris", "label": "LOC"}]}', [GOOGLE, PARIS]),
    ('[{"span": "Paris", "type": "location"}, {"span": "Google", "type": "company"}]', [GOOGLE, PARIS]),
    ('[["Google", "ORG"], ["LOC", "Paris"]]', [GOOGLE, PARIS]),
    ('{"spans": []}', []),
    ("[]", []),
    ("{}", []),
    ('{"Google": "ORG", "Paris": "LOC"}', [GOOGLE, PARIS]),
    ('{"entities": {"Google": "ORG"}}', [GOOGLE]),
    ('[{"word": "Google", "entity_group": "ORG"}]', [GOOGLE]),
    ('{"text": "Google", "label": "ORG"}\n{"text": "Paris", "label": "LOC"}', [GOOGLE, PARIS]),
    ("<think>Maybe Tim is a PER.</think>PER: none\nORG: Google\nLOC: none", [GOOGLE]),
    ("PER: None mentioned\nORG: [Google]\nLOC: (none)", [GOOGLE]),
    ("PER: none. Organisations: Google. LOC: none", [GOOGLE]),
    ('{"reasoning": "One firm.", "PER": [], "ORG": ["Google"], "LOC": []}', [GOOGLE]),
]


@pytest.mark.parametrize(("answer", "expected"), OK)
def test_an_answer_is_read_whole(answer: str, expected: list[tuple[str, str]]) -> None:
    parsed = parse_spans(answer, LABELS, TEXT)
    assert [(TEXT[span.start : span.end], span.label) for span in parsed.spans or []] == expected
    assert parsed.status == ("ok" if expected else "ok_empty"), parsed.dropped


NOT_OK: list[tuple[str, str, list[str], int]] = [
    ("PER: none\nORG: Google\nLOC: Berlin", "partial", ["invented"], 1),
    ('{"PER": [], "ORG": ["Googl"], "LOC": []}', "partial", ["not_in_text"], 0),
    ('{"PER": [], "ORG": ["Google"]}', "partial", ["label_missing"], 1),
    ("PER: none\nORG: Google", "partial", ["label_missing"], 1),
    ('{"PER": [], "ORG": ["Google"], "LOC": [], "DATE": ["Paris"]}', "partial", ["unknown_label"], 1),
    ("1. Google | True | DATE | x", "partial", ["unknown_label"], 0),
    ('[{"text": "Google", "label": "DATE"}]', "partial", ["unknown_label"], 0),
    ("DATE: Paris\nPER: none\nORG: Google\nLOC: none", "partial", ["unknown_label"], 1),
    ('{"PER": [], "ORG": ["Google"', "parse_error", ["broken_json"], 0),
    ("{'PER': [], 'ORG': ['Google'], 'LOC': []}", "parse_error", ["broken_json"], 0),
    ('{"error": "text too long"}', "parse_error", ["unreadable"], 0),
    ('{"message": "I\'m sorry, I cannot help with that."}', "refused", ["refusal"], 0),
    ('{"ORG": {"Google": 1}, "PER": [], "LOC": []}', "partial", ["unreadable"], 0),
    ('{"PER": [], "ORG": ["Apple"], "ORG": ["Google"], "LOC": []}', "parse_error", ["broken_json"], 0),
    (
        '{"PER": [], "ORG": [], "LOC": []}\nNo: {"PER": [], "ORG": ["Google"], "LOC": []}',
        "parse_error",
        ["broken_json"],
        0,
    ),
    ("[" * 1500, "parse_error", ["broken_json"], 0),
    ("There are no persons in the text, but Google is mentioned.", "parse_error", ["no_label"], 0),
    ("| ORG | Google | x |", "partial", ["unreadable"], 0),
    ("", "parse_error", ["empty_answer"], 0),
    ("  \n", "parse_error", ["empty_answer"], 0),
    ("Google, Paris", "parse_error", ["no_label"], 0),
    ('["Google", "Paris"]', "partial", ["no_label", "no_label"], 0),
    ("I'm sorry, but I can't help with that.", "refused", ["refusal"], 0),
    ("As an AI language model, I cannot do this.", "refused", ["refusal"], 0),
    ("PER: none\nORG: Apple\nLOC: Apple", "partial", ["overlap", "overlap"], 2),
    ("PER: none\nORG: ppl\nLOC: none", "partial", ["not_in_text"], 0),
]


@pytest.mark.parametrize(("answer", "status", "reasons", "spans"), NOT_OK)
def test_what_is_not_used_is_said(answer: str, status: str, reasons: list[str], spans: int) -> None:
    parsed = parse_spans(answer, LABELS, TEXT)
    assert (parsed.status, [item.reason for item in parsed.dropped], len(parsed.spans or [])) == (
        status,
        reasons,
        spans,
    )


def test_there_are_many_answers_in_the_tables() -> None:
    assert len(OK) + len(NOT_OK) >= 80


def test_overlaps_are_kept_where_they_are_wanted_whichever_comes_first() -> None:
    for answer in (
        "PER: Tim Cook\nORG: Tim Cook’s team\nLOC: none",
        "ORG: Tim Cook’s team\nLOC: none\nPER: Tim Cook",
    ):
        assert len(parse_spans(answer, LABELS, TEXT, overlaps=True).spans or []) == 2
        parsed = parse_spans(answer, LABELS, TEXT)
        assert ([span.label for span in parsed.spans or []], parsed.status) == (["ORG"], "ok")


WORDS = ("köfte", "Šipka", "naïve", "東京", "O’Neill", "e-mail", "crème brûlée", "ΑΘΗΝΑ", "مرحبا", "a1")
MENTIONS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6, unique=True)
NOISE = st.sampled_from(("{}", "**{}**", '"{}"', "“{}”", "`{}`", "{}.", " {} ", "*{}*"))
FORMS: st.SearchStrategy[Literal["NFC", "NFD", "NFKC", "NFKD"]] = st.sampled_from(("NFC", "NFD", "NFKC", "NFKD"))
CASES: st.SearchStrategy[Callable[[str], str]] = st.sampled_from((str, str.upper, str.lower))


@given(MENTIONS, st.data())
def test_order_noise_case_and_unicode_form_make_no_difference(mentions: list[str], data: st.DataObject) -> None:
    text = " ; ".join(unicodedata.normalize(data.draw(FORMS), word) for word in mentions)
    labels = {word: data.draw(st.sampled_from(sorted(LABELS))) for word in mentions}
    tokens, at = [], 0
    for part in text.split(" "):
        tokens.append((at, at + len(part)))
        at += len(part) + 1

    def said(word: str) -> str:
        return data.draw(NOISE).format(unicodedata.normalize(data.draw(FORMS), data.draw(CASES)(word)))

    by_label = {name: [said(word) for word in mentions if labels[word] == name] for name in LABELS}
    for words in by_label.values():
        random.Random(0).shuffle(words)
    names = data.draw(st.permutations(sorted(LABELS)))
    bullet = data.draw(st.sampled_from(("", "- ", "* ", "1. ")))
    lines = "\n".join(f"{bullet}{name}: {', '.join(by_label[name]) or 'none'}" for name in names)
    rows = "\n".join(
        f"{bullet}{said(word)} | True | {labels[word]} | x" for word in data.draw(st.permutations(mentions))
    )
    for answer in (lines, rows):
        parsed = parse_spans(answer, LABELS, text, tokens)
        found = {
            (unicodedata.normalize("NFKC", text[span.start : span.end]), span.label) for span in parsed.spans or []
        }
        assert found == {(unicodedata.normalize("NFKC", word), labels[word]) for word in mentions}, answer
        assert parsed.status == "ok", parsed.dropped


def test_a_comma_of_the_text_parts_nothing_and_a_name_may_say_none() -> None:
    text = "Acme, Inc. paid $1,000,000 on March 3, 2020 for Na and salt, soup."
    lines = "MONEY: $1,000,000\nDATE: March 3, 2020\nORG: Acme, Inc.\nFOOD: salt, soup"
    labels = {name: Label(definition="x") for name in ("MONEY", "DATE", "ORG", "FOOD")}
    parsed = parse_spans(lines, labels, text)
    assert [text[span.start : span.end] for span in parsed.spans or []] == [
        *("Acme, Inc", "$1,000,000", "March 3, 2020", "salt", "soup")
    ]
    assert parsed.status == "ok"
    element = {"ELEMENT": Label(definition="x")}
    assert len(parse_spans('{"ELEMENT": ["Na"]}', element, text).spans or []) == 1
    assert parse_spans('{"ELEMENT": ["Na"]}', element, "Iron.").status == "ok_empty"


def test_a_list_item_is_no_heading_of_another_label() -> None:
    labels = {"DISH": Label(definition="x"), "INGREDIENT": Label(definition="x", aliases=["food"])}
    answer = "DISH\n- soup\nINGREDIENT\n- food\n- butter"
    parsed = parse_spans(answer, labels, "A soup with food and butter.")
    assert [span.label for span in parsed.spans or []] == ["DISH", "INGREDIENT", "INGREDIENT"]


def test_names_that_two_labels_share_name_neither() -> None:
    labels = {name: Label(definition="x") for name in ("C#", "C++", "+", "😡")}
    assert parse_label("c#", labels).labels is None
    assert parse_label("The language is C#", labels).labels == ["C#"]
    assert parse_label("I do not know", labels).labels is None
    assert parse_label("hello there", labels).labels is None


@given(st.text(max_size=60))
def test_no_answer_is_too_strange_to_be_read(answer: str) -> None:
    for whole in (answer, json.dumps({"PER": [answer], "ORG": [], "LOC": []}), f"PER: {answer}"):
        parsed = parse_spans(whole, LABELS, TEXT + answer)
        for span in parsed.spans or []:
            assert 0 <= span.start < span.end <= len(TEXT + answer)
    parse_label(answer, LABELS)
    parse_labels(answer, LABELS)


@pytest.mark.parametrize(
    ("answer", "labels"),
    [
        ('{"label": "ORG"}', ["ORG"]),
        ('```json\n{"label": "org"}\n```', ["ORG"]),
        ('"ORG"', ["ORG"]),
        ("BUG: no, ORG.", ["ORG"]),
        ("Label: ORG", ["ORG"]),
        ("ORG.", ["ORG"]),
        ('{"category": "company", "reason": "it pays"}', ["ORG"]),
        ('["ORG"]', ["ORG"]),
        ('{"label": "DATE"}', None),
        ('{"label": ["ORG", "LOC"]}', None),
        ('{"label": "OR', None),
        ("{}", None),
        ("ORG or LOC", None),
        ("It is not ORG.", None),
        ("I don't think that company fits", None),
        ("<think>maybe LOC</think>ORG", ["ORG"]),
        ("[" * 1500, None),
    ],
)
def test_one_label(answer: str, labels: list[str] | None) -> None:
    parsed = parse_label(answer, LABELS)
    assert (parsed.status, parsed.labels) == ("ok" if labels else "parse_error", labels)
    assert bool(parsed.dropped) == (labels is None)


@pytest.mark.parametrize(
    ("answer", "status", "labels"),
    [
        ('{"labels": ["LOC", "PER"]}', "ok", ["PER", "LOC"]),
        ('{"labels": []}', "ok_empty", []),
        ("[]", "ok_empty", []),
        ('{"PER": true, "ORG": false, "LOC": true}', "ok", ["PER", "LOC"]),
        ('{"PER": false, "ORG": false, "LOC": false}', "ok_empty", []),
        ('{"labels": ["PER", "DATE"]}', "partial", ["PER"]),
        ('{"labels": ["DATE"]}', "parse_error", None),
        ('{"labels": ["PER"', "parse_error", None),
        ("PER, LOC", "ok", ["PER", "LOC"]),
        ("Labels: PER, LOC", "ok", ["PER", "LOC"]),
        ("PER and LOC", "ok", ["PER", "LOC"]),
        ('{"labels": "PER, LOC"}', "ok", ["PER", "LOC"]),
        ('{"PER": "yes", "ORG": "no", "LOC": "no"}', "ok", ["PER"]),
        ('{"reasoning": "none", "topics": ["PER"]}', "ok", ["PER"]),
        ("None found.", "ok_empty", []),
        ('{"PER": null, "ORG": "x"}', "parse_error", None),
        ('["PER"]\n["LOC"]', "parse_error", None),
    ],
)
def test_several_labels(answer: str, status: str, labels: list[str] | None) -> None:
    parsed = parse_labels(answer, LABELS)
    assert (parsed.status, parsed.labels) == (status, labels)
