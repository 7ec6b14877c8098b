"""Teachers' answers to spans and labels."""

import pytest
from distill.task import Label
from distill.teacher.parsing import parse_label, parse_mentions

TEXT = "Apple pie: apples, butter, an apple corer. Is apple pie better with brown sugar?"


def spans(answers: dict[str, str], text: str = TEXT) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.label) for span in parse_mentions(answers, text).spans or []]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("butter, brown sugar", ["butter", "brown sugar"]),
        ("brown sugar, butter", ["butter", "brown sugar"]),
        ("butter\nbrown sugar", ["butter", "brown sugar"]),
        ("1. butter\n2) brown sugar", ["butter", "brown sugar"]),
        ("- **butter**\n* `brown sugar`", ["butter", "brown sugar"]),
        ('"butter", “brown sugar”.', ["butter", "brown sugar"]),
        ("FOOD: butter; FOOD: brown sugar", ["butter", "brown sugar"]),
        ("BUTTER, Brown  Sugar", ["butter", "brown sugar"]),
        ("butter, butter, butter", ["butter"]),
        ("none", []),
        ("None.", []),
    ],
)
def test_what_is_listed_is_found(answer: str, expected: list[str]) -> None:
    parsed = parse_mentions({"FOOD": answer}, TEXT)
    assert spans({"FOOD": answer}) == [(surface, "FOOD") for surface in expected]
    assert parsed.status == ("ok" if expected else "ok_empty")
    assert parsed.dropped == []


def test_every_mention_is_labelled_and_only_whole_words() -> None:
    assert spans({"DISH": "apple pie"}) == [("apple pie", "DISH")], (
        "an exact match goes before one without regard to case"
    )
    assert spans({"DISH": "APPLE PIE"}) == [("Apple pie", "DISH"), ("apple pie", "DISH")]
    assert spans({"X": "US"}, "The house in the US") == [("US", "X")]


def test_what_does_not_stand_in_the_text_is_dropped_and_said() -> None:
    parsed = parse_mentions({"FOOD": "butter, margarine"}, TEXT)
    assert parsed.status == "partial"
    assert [(item.reason, item.item) for item in parsed.dropped] == [("not_in_text", "FOOD: margarine")]


def test_of_overlapping_spans_the_longest_stays() -> None:
    parsed = parse_mentions({"DISH": "apple pie", "FOOD": "apple"}, "I like apple pie and an apple")
    assert [(span.start, span.end, span.label) for span in parsed.spans or []] == [
        (7, 16, "DISH"),
        (24, 29, "FOOD"),
    ]
    assert [item.reason for item in parsed.dropped] == ["overlap"]


def test_offsets_are_code_points() -> None:
    parsed = parse_mentions({"DISH": "köfte"}, "👩‍🍳🍲 köfte!")
    (span,) = parsed.spans or []
    assert "👩‍🍳🍲 köfte!"[span.start : span.end] == "köfte"


def test_an_empty_answer_does_not_say_that_there_is_none() -> None:
    parsed = parse_mentions({"FOOD": " ", "DISH": "Apple pie"}, TEXT)
    assert parsed.status == "parse_error"
    assert [(item.reason, item.item) for item in parsed.dropped] == [("empty_answer", "FOOD")]


def test_of_two_labels_for_one_stretch_the_first_of_the_task_stays() -> None:
    for answers in ({"DISH": "butter", "FOOD": "butter"}, {"FOOD": "butter", "DISH": "butter"}):
        assert spans(answers) == [("butter", next(iter(answers)))]


def test_a_refusal_is_not_an_empty_answer() -> None:
    assert parse_mentions({"FOOD": "I'm sorry, I can't help with that."}, TEXT).status == "refused"
    assert parse_mentions({"FOOD": "I’m sorry, I can’t help with that."}, TEXT).status == "refused"
    assert parse_label("As an AI I cannot answer.", LABELS).status == "refused"


LABELS = {
    "storage_safety": Label(definition="x", aliases=["storage"]),
    "other": Label(definition="x"),
    "recipe_request": Label(definition="x"),
}


@pytest.mark.parametrize(
    "answer",
    [
        "storage_safety",
        "Storage",
        "storage safety.",
        "**Storage-Safety**",
        "Label: storage_safety",
        "It is about storage.",
    ],
)
def test_a_label_is_recognised(answer: str) -> None:
    parsed = parse_label(answer, LABELS)
    assert (parsed.status, parsed.labels) == ("ok", ["storage_safety"])


@pytest.mark.parametrize(
    ("answer", "reason"), [("baking", "no_label"), ("", "no_label"), ("storage or other", "several_labels")]
)
def test_no_label_or_several_is_a_parse_error(answer: str, reason: str) -> None:
    parsed = parse_label(answer, LABELS)
    assert (parsed.status, parsed.labels) == ("parse_error", None)
    assert [item.reason for item in parsed.dropped] == [reason]
