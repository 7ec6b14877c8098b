"""Teachers' answers to spans and labels."""

import pytest
from distill.task import Label
from distill.teacher.answers import goes_round
from distill.teacher.parsing import parse_label, parse_labels, parse_mentions

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


def test_without_white_space_a_mention_ends_with_a_token() -> None:
    text = "昨日寿司屋で寿司を食べた"
    tokens = [(0, 2), (2, 5), (5, 6), (6, 8), (8, 9), (9, 12)]
    parsed = parse_mentions({"DISH": "寿司"}, text, tokens)
    assert [(span.start, span.end) for span in parsed.spans or []] == [(6, 8)], "寿司屋 is another word"
    assert parse_mentions({"DISH": "お寿司"}, text, tokens).dropped[0].reason == "not_in_text"


def test_a_token_inside_a_word_is_no_mention_where_words_have_spaces() -> None:
    text = "You cannot freeze soup in a can."
    tokens = [(0, 3), (4, 7), (7, 10), (11, 17), (18, 22), (23, 25), (26, 27), (28, 31), (31, 32)]
    parsed = parse_mentions({"TOOL": "can"}, text, tokens)
    assert [(span.start, span.end) for span in parsed.spans or []] == [(28, 31)]
    code = "In C and C++ and C."
    tokens = [(0, 2), (3, 4), (5, 8), (9, 12), (13, 16), (17, 18), (18, 19)]
    parsed = parse_mentions({"X": "C"}, code, tokens)
    assert [(span.start, span.end) for span in parsed.spans or []] == [(3, 4), (17, 18)]
    assert parse_mentions({"X": "नमक"}, "नमकीन").spans == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("Foods: butter", "ok"),
        ("There are no foods mentioned in the text.", "ok_empty"),
        ("No foods found.", "ok_empty"),
        ("(none)", "ok_empty"),
        ("—", "ok_empty"),
        ("Not mentioned.", "ok_empty"),
    ],
)
def test_ordinary_answers_about_one_label(answer: str, status: str) -> None:
    labels = {"FOOD": Label(definition="x", plural="foods")}
    assert parse_mentions({"FOOD": answer}, TEXT, labels=labels).status == status


def test_lists_and_parts_of_words_in_other_scripts() -> None:
    text = "ハナは国際空港にいる"
    tokens = [(0, 2), (2, 3), (3, 7), (7, 8), (8, 10)]
    parsed = parse_mentions({"X": "「ハナ」、国際空港。"}, text, tokens)
    assert [(span.start, span.end) for span in parsed.spans or []] == [(0, 2), (3, 7)]
    part = parse_mentions({"X": "ハナ, 空港"}, text, tokens, forgive_invented=True)
    assert part.status == "partial", "what stands in the text is not invented"
    labels = {"price": Label(definition="x"), "delivery": Label(definition="x")}
    assert parse_labels("price، delivery", labels).labels == ["price", "delivery"]


def test_labels_that_differ_in_punctuation_alone() -> None:
    labels = {"C#": Label(definition="x"), "C++": Label(definition="x"), "none": Label(definition="x")}
    assert parse_label("C++", labels).labels == ["C++"]
    assert parse_label("C#", labels).labels == ["C#"]
    assert parse_labels("C++, none", labels).labels == ["C++", "none"]


def test_overlapping_mentions_stay_where_they_are_wanted() -> None:
    answers = {"DISH": "apple pie", "FOOD": "apple, apple pie"}
    parsed = parse_mentions(answers, "An apple pie", overlaps=True)
    assert [(span.start, span.end, span.label) for span in parsed.spans or []] == [
        (3, 8, "FOOD"),
        (3, 12, "DISH"),
        (3, 12, "FOOD"),
    ]
    assert parsed.status == "ok"
    assert parsed.dropped == []


@pytest.mark.parametrize(
    ("answer", "status", "labels", "reasons"),
    [
        ("sweet, hot", "ok", ["hot", "sweet"], []),
        ("Hot.\n- Sweet", "ok", ["hot", "sweet"], []),
        ("sugary", "ok", ["sweet"], []),
        ("none", "ok_empty", [], []),
        ("hot, blue", "partial", ["hot"], ["no_label"]),
        ("blue", "parse_error", None, ["no_label"]),
        ("", "parse_error", None, ["empty_answer"]),
        ("I'm sorry, I can't help with that.", "refused", [], ["refusal"]),
    ],
)
def test_several_labels_of_a_text(answer: str, status: str, labels: list[str] | None, reasons: list[str]) -> None:
    known = {"hot": Label(definition="x"), "sweet": Label(definition="x", aliases=["sugary"])}
    parsed = parse_labels(answer, known)
    assert (parsed.status, parsed.labels) == (status, labels)
    assert [item.reason for item in parsed.dropped] == reasons


def test_what_does_not_stand_in_the_text_is_dropped_and_said() -> None:
    parsed = parse_mentions({"FOOD": "butter, margarine"}, TEXT)
    assert parsed.status == "partial"
    assert [(item.reason, item.item) for item in parsed.dropped] == [("invented", "FOOD: margarine")]


@pytest.mark.parametrize(
    ("answer", "status", "reasons"),
    [
        ("butter, margarine", "ok", ["invented"]),
        ("margarine", "partial", ["invented"]),
        ("butter, white sugar", "partial", ["not_in_text"]),
        ("butter, aplpe corer", "partial", ["not_in_text"]),
        ("butter, apples", "ok", []),
    ],
)
def test_what_is_like_nothing_in_the_text_can_be_forgiven(answer: str, status: str, reasons: list[str]) -> None:
    parsed = parse_mentions({"FOOD": answer}, TEXT, forgive_invented=True)
    assert (parsed.status, [item.reason for item in parsed.dropped]) == (status, reasons)
    assert parse_mentions({"FOOD": answer}, TEXT).status == ("partial" if reasons else "ok")


@pytest.mark.parametrize(
    ("answer", "circle"),
    [
        ("butter, butter, butter, but", True),
        ("apples, butter, apples, butter, ap", True),
        ("salt, apples, butter, apples, butter, apples", True),
        ("apples, butter, apples, su", False),
        ("apple pie, butter, butter, apple", False),
        ("butter, but", False),
        ("salt, soup, salt, s", False),
        ("butter", False),
        ('{"FOOD": ["butter", "butter", "butter", "but', False),
        ("", False),
    ],
)
def test_an_answer_that_goes_round_says_nothing_new(answer: str, circle: bool) -> None:
    assert goes_round(answer) == circle
    if circle:
        assert parse_mentions({"FOOD": answer}, TEXT).status in ("ok", "partial")
        assert not any(
            item.item == f"FOOD: {answer.split(', ')[-1]}" for item in parse_mentions({"FOOD": answer}, TEXT).dropped
        )


def test_of_overlapping_spans_the_longest_stays() -> None:
    parsed = parse_mentions({"DISH": "apple pie", "FOOD": "apple"}, "I like apple pie and an apple")
    assert [(span.start, span.end, span.label) for span in parsed.spans or []] == [
        (7, 16, "DISH"),
        (24, 29, "FOOD"),
    ]
    assert [item.reason for item in parsed.dropped] == ["nested"]
    assert parsed.status == "ok"


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
        parsed = parse_mentions(answers, TEXT)
        assert (parsed.status, [item.reason for item in parsed.dropped]) == ("partial", ["overlap"])


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
