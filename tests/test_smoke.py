"""`smoke`: a few texts live, with all there is to see; the answers count for the big run."""

import json
from typing import Any

from conftest import Project
from endpoints import ANNOTATE, is_about_spans, many_texts, nothing, use_endpoint
from fake_endpoint import completion, fake_endpoint

SMOKE = [
    "smoke",
    *ANNOTATE[1:8],
    *("--count", "3", "--seed", "0"),
]


def test_it_shows_prompts_answers_what_was_read_and_what_was_not(small: Project) -> None:
    many_texts(small, 40)

    def says(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        found = '{"DISH": ["soup", "lasagna"], "INGREDIENT": [], "EQUIPMENT": []}'
        return completion(found) if is_about_spans(body) else nothing(body)

    with fake_endpoint(says) as (url, requests):
        use_endpoint(small, url)
        out = small.script(*SMOKE)
        assert len(requests) == 6
        asked = json.loads(json.dumps(requests))
        assert out.count("My soup number") >= 6
        assert "system> Find every mention of the following" in out, "the first text with its whole prompt"
        assert out.count("system>") == 2
        assert 'answer> \'{"DISH": ["soup", "lasagna"]' in out
        assert "not used: DISH: lasagna (invented)" in out
        assert out.count("DISH: soup (3–7)") == 3
        assert out.count("ner: partial") == 3
        assert out.count("labels: other") == 3
        blind = {row["id"] for row in small.read("assets/split.jsonl")}
        texts = {row["text"]: row["id"] for row in small.read("corpus/texts.jsonl")}
        for text, id_ in texts.items():
            assert id_ not in blind or text not in out, "the blind samples are not for looking at"
        small.script(*ANNOTATE)
        assert len(requests) == 80
        assert all(requests.count(body) == 1 for body in asked), "nothing is paid twice"


def test_it_fails_where_the_big_run_would(small: Project) -> None:
    many_texts(small, 40)
    with fake_endpoint(lambda body: (400, {"error": "response_format is not supported"})) as (url, requests):
        use_endpoint(small, url)
        out = small.fails(*SMOKE)
    assert len(requests) == 6
    assert "HTTP 400: response_format is not supported" in out
    small.edit("configs/teacher.cfg", 'pipeline = ["ner", "textcat"]', "pipeline = []")
    assert "there is no teacher" in small.fails(*SMOKE)
