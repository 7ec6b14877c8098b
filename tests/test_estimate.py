"""`estimate`: what the missing answers would take, without asking anything."""

import json

import pytest
from conftest import Project
from distill.files import canonical
from endpoints import ANNOTATE, many_texts, nothing, use_endpoint
from fake_endpoint import fake_endpoint

ESTIMATE = [
    "estimate",
    "corpus/texts.jsonl",
    "--config",
    "configs/teacher.cfg",
    "--responses",
    "assets/responses.jsonl",
]


@pytest.fixture
def project(small: Project) -> Project:
    many_texts(small, 40)
    return small


def test_it_says_what_is_missing_and_shows_the_first_request(project: Project) -> None:
    with fake_endpoint(nothing) as (url, requests):
        use_endpoint(project, url)
        out = project.script(*ESTIMATE)
        assert requests == [], "nothing is asked"
        project.script(*ANNOTATE)
    shown = json.loads(out[out.index("{") : out.rindex("}") + 1])
    assert shown in requests, "it is shown as it is sent"
    assert "to ask             80, about 40 texts, at 127.0.0.1" in out
    assert "(3.0 bytes each, assumed)" in out
    assert f"tokens out         {80 * 512:,} at most" in out


def test_it_learns_from_recorded_answers_how_long_a_token_is(project: Project) -> None:
    with fake_endpoint(nothing) as (url, requests):
        use_endpoint(project, url)
        project.script(*ANNOTATE)
        many_texts(project, 60)
        out = project.script(*ESTIMATE)
    read = sum(len(turn["content"].encode()) for body in requests for turn in body["messages"])
    read += sum(len(canonical(body["response_format"]).encode()) for body in requests)
    assert f"({read / (10 * 80):.1f} bytes each, measured on 80 answers)" in out
    assert "answered already   80" in out
    assert "to ask             40, about 20 texts" in out
    assert f"tokens in          {40 * 10:}" in out, "the fake counts ten tokens a request"


def test_it_says_what_annotate_would_refuse(project: Project) -> None:
    use_endpoint(project, "http://llm.invalid/v1", price_in=0.5, price_out=1.5)
    out = project.fails(*ESTIMATE)
    assert "llm.invalid is on another machine" in out
    assert "at a cost of 0.0" in out
    use_endpoint(project, "http://llm.invalid/v1", allow_remote=True, budget=1000)
    assert "of the budget of 1,000 tokens 1,000 tokens are left" in project.fails(*ESTIMATE)
    use_endpoint(project, "http://llm.invalid/v1", allow_remote=True, budget=10**7)
    assert "`weasel run annotate` would ask" in project.script(*ESTIMATE)


def test_a_budget_needs_answers_with_a_limit(project: Project) -> None:
    use_endpoint(project, "http://llm.invalid/v1", allow_remote=True, budget=10**9)
    config = project.path / "configs/teacher.cfg"
    config.write_text(config.read_text().replace(', "max_tokens": 512', ""))
    out = project.fails(*ESTIMATE)
    assert "answers without a limit" in out
    assert "Set `max_tokens`" in out


def test_no_teacher_and_nothing_missing(small: Project) -> None:
    small.weasel("run", "ingest")
    assert "every answer is recorded" in small.weasel("run", "estimate")
    small.edit("configs/teacher.cfg", 'pipeline = ["ner", "textcat"]', "pipeline = []")
    assert "There is no teacher" in small.weasel("run", "estimate")
