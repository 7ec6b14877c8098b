"""Long texts are asked about in parts, cut where paragraphs, lines or sentences end, and put together again."""

import json
from typing import Any

import spacy
from conftest import Project
from distill.teacher.parts import parts_of
from endpoints import ANNOTATE, asked_text, is_about_spans, nothing, use_endpoint
from fake_endpoint import completion, fake_endpoint
from hypothesis import given
from hypothesis import strategies as st

NLP = spacy.blank("en")
ALPHABET = st.text(st.sampled_from("ab .!?\n\r\t,é🍲👩‍🍳\u00a0中。"), max_size=300)


def cut(text: str, most: int) -> list[str]:
    return [text[start:end] for start, end in parts_of(NLP.make_doc(text), most)]


def test_a_short_text_is_one_part_as_it_is() -> None:
    assert cut("  A soup.\n\nA stew. ", 100) == ["  A soup.\n\nA stew. "]


def test_it_is_cut_at_paragraphs_then_lines_then_sentences_then_words() -> None:
    assert cut("One two.\n\nThree four.\n\nFive six.", 25) == ["One two.\n\nThree four.", "Five six."]
    assert cut("One two three\nfour five six\nseven", 20) == ["One two three", "four five six\nseven"]
    assert cut("One two. Three four! Five six?", 21) == ["One two. Three four!", "Five six?"]
    assert cut("one two three four five six", 13) == ["one two three", "four five six"]
    doc = spacy.blank("zh").make_doc("今天下雨。明天晴天。后天下雪。")
    assert [doc.text[start:end] for start, end in parts_of(doc, 11)] == ["今天下雨。明天晴天。", "后天下雪。"]


@given(ALPHABET, st.integers(min_value=5, max_value=120))
def test_nothing_but_white_space_lies_between_the_parts(text: str, most: int) -> None:
    doc = NLP.make_doc(text)
    parts = parts_of(doc, most)
    last = 0
    for start, end in parts:
        assert last <= start < end or (start, end) == (0, len(text))
        assert not text[last:start].strip()
        assert end - start <= most or sum(start <= token.idx < end for token in doc) == 1
        last = end
    assert not text[last:].strip() or len(text) <= most


def test_offsets_are_right_in_a_long_text_and_the_text_does_not_change(small: Project) -> None:
    filler = "It rained all day, and nobody wanted to go out 🌧️ at all. "
    long = (
        f"{filler * 60}\n\nThe lasagna was cold.\n\n{filler * 60}A lasagna for two.\r\n\r\n{filler * 30}👩‍🍳 lasagna!"
    )
    texts = [*(f"My soup number {number} is too salty." for number in range(9)), long]
    small.write("assets/texts.jsonl", [{"text": text} for text in texts])
    (small.path / "assets/split.jsonl").write_bytes(b"")
    small.edit("project.yml", "max_characters: 5000", "max_characters: 50000")
    small.weasel("run", "ingest")

    def finds(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        text = asked_text(body)
        assert len(text) <= 3000
        if is_about_spans(body):
            dishes = ["lasagna"] if "asagna" in text else []
            return completion(json.dumps({"DISH": dishes, "INGREDIENT": [], "EQUIPMENT": []}))
        return completion(json.dumps({"label": "other" if "asagna" in text else "equipment"}))

    with fake_endpoint(finds) as (url, requests):
        use_endpoint(small, url)
        small.script(*ANNOTATE)
    (record,) = (
        row
        for name in ("corpus/silver.jsonl", "corpus/teacher_blind.jsonl")
        for row in small.read(name)
        if len(row["text"]) > 1000
    )
    assert record["text"] == long
    assert len(requests) == 2 * 9 + len(record["teacher"]["ner"]["keys"]) + len(record["teacher"]["textcat"]["keys"])
    assert len(record["teacher"]["ner"]["keys"]) >= 3
    assert [long[span["start"] : span["end"]] for span in record["spans"]] == ["lasagna", "lasagna", "lasagna"]
    assert record["teacher"]["ner"]["status"] == "ok"
    assert "outvoted" in {item["reason"] for item in record["teacher"]["textcat"]["dropped"]}


def test_a_part_that_fails_costs_the_text(small: Project) -> None:
    long = "\n\n".join(f"Paragraph {number}: {'soup ' * 300}" for number in range(4))
    texts = [*(f"My soup number {number} is too salty." for number in range(9)), long]
    small.write("assets/texts.jsonl", [{"text": text} for text in texts])
    (small.path / "assets/split.jsonl").write_bytes(b"")
    small.edit("project.yml", "max_characters: 5000", "max_characters: 50000")
    small.weasel("run", "ingest")
    with fake_endpoint(lambda body: (500, "no") if "Paragraph 3" in asked_text(body) else nothing(body)) as (url, _):
        use_endpoint(small, url)
        small.script(*ANNOTATE)
    rows = small.read("corpus/silver.jsonl") + small.read("corpus/teacher_blind.jsonl")
    found = {len(row["text"]) > 1000: {run["status"] for run in row["teacher"].values()} for row in rows}
    assert found == {True: {"api_error"}, False: {"ok", "ok_empty"}}
