"""`annotate`: recorded answers are read, missing ones asked for once, every text ends with one status a component."""

import json
import shutil
import sys
from collections import Counter
from typing import Any

import pytest
from conftest import Project
from endpoints import ANNOTATE
from fake_endpoint import Answer, completion, fake_endpoint

STATUSES = {"ok", "ok_empty", "partial", "truncated", "parse_error", "refused", "api_error"}


def use(project: Project, url: str, **settings: Any) -> None:
    """Let the project's teacher be the endpoint at `url`, asked in a chat, as a larger model is."""
    config = project.path / "configs/teacher.cfg"
    lines = config.read_text().splitlines()
    start = lines.index("[teacher]")
    end = lines.index("[nlp]")
    section = {"base_url": url, "model": "fake", "tries": 1, "concurrency": 4, "max_failed": 1.0, **settings}
    lines[start + 1 : end] = [*(f"{key} = {json.dumps(value)}" for key, value in section.items()), ""]
    config.write_text("\n".join(lines).replace("distill.Completion.v1", "distill.Chat.v1") + "\n")


def records(project: Project) -> list[dict[str, Any]]:
    return project.read("corpus/silver.jsonl") + project.read("corpus/teacher_blind.jsonl")


def question(body: dict[str, Any]) -> str:
    """The text that a request is about."""
    return str(body["messages"][-1]["content"]).removeprefix("Text: ").rpartition("\n")[0]


def no_entities(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
    return completion("other" if body["messages"][-1]["content"].endswith("Topic:") else "none")


@pytest.fixture
def unanswered(small: Project) -> Project:
    """A small project with its texts ingested, and no answer recorded."""
    small.weasel("run", "ingest")
    (small.path / "assets/responses.jsonl").write_bytes(b"")
    return small


def test_recorded_answers_need_no_model(ran: Project) -> None:
    assert not any((ran.path / "assets/models").glob("*.gguf"))
    texts = {row["id"]: row for row in ran.read("corpus/texts.jsonl")}
    rows = {row["id"]: row for row in records(ran)}
    assert rows.keys() == texts.keys()
    for id_, row in rows.items():
        assert row["text"] == texts[id_]["text"]
        assert row["teacher"].keys() == {"ner", "textcat"}
        assert {run["status"] for run in row["teacher"].values()} <= STATUSES
        assert len(row["teacher"]["ner"]["keys"]) == 3
        for span in row.get("spans", []):
            tokens = row["tokens"]
            assert tokens[span["token_start"]]["start"] == span["start"]
            last = tokens[span["token_end"]]
            assert last["start"] + len(last["text"]) == last["end"] == span["end"]


def test_blind_samples_are_kept_apart(ran: Project) -> None:
    blind = {row["id"] for row in ran.read("assets/split.jsonl")}
    assert {row["id"] for row in ran.read("corpus/teacher_blind.jsonl")} == blind
    assert not blind & {row["id"] for row in ran.read("corpus/silver.jsonl")}


def test_what_is_recorded_is_not_asked_again(unanswered: Project) -> None:
    with fake_endpoint(no_entities) as (url, requests):
        use(unanswered, url)
        unanswered.script(*ANNOTATE)
        assert len(requests) == len({json.dumps(body, sort_keys=True) for body in requests}) == 4 * 60
        out = unanswered.script(*ANNOTATE)
    assert len(requests) == 4 * 60
    assert "240 answers were recorded before, 0 are new" in out
    assert len(unanswered.read("assets/responses.jsonl")) == 4 * 60
    assert {run["status"] for row in records(unanswered) for run in row["teacher"].values()} == {"ok", "ok_empty"}


def test_a_changed_definition_asks_that_label_or_component_again_and_nothing_else(unanswered: Project) -> None:
    with fake_endpoint(no_entities) as (url, requests):
        use(unanswered, url)
        unanswered.script(*ANNOTATE)
        requests.clear()
        unanswered.edit(
            "configs/task.yml", "definition: Choosing, using, cleaning", "definition: Buying, using, cleaning"
        )
        unanswered.script(*ANNOTATE)
        assert len(requests) == 60
        assert all(body["messages"][-1]["content"].endswith("Topic:") for body in requests)


FAULTS: dict[str, tuple[Answer, str, str]] = {
    "server error": (lambda body: (500, "oops"), "api_error", "api_error"),
    "HTML": (lambda body: (502, "<html>bad gateway</html>"), "api_error", "api_error"),
    "not a completion": (lambda body: (200, {"error": "model is loading"}), "api_error", "api_error"),
    "cut off": (lambda body: completion("other", "length"), "truncated", "truncated"),
    "no content": (lambda body: completion(None), "api_error", "api_error"),
    "empty": (lambda body: completion(""), "parse_error", "parse_error"),
    "cut-off JSON": (lambda body: (200, '{"choices": [{"mess'), "api_error", "api_error"),
    "thought too long": (lambda body: completion(None, "length"), "truncated", "truncated"),
    "filtered": (lambda body: completion(None, "content_filter"), "refused", "refused"),
    "refusal": (lambda body: completion("I'm sorry, I can't help with that."), "refused", "refused"),
    "invented": (lambda body: completion("unicorn steak"), "partial", "parse_error"),
    "in a circle": (lambda body: completion("none, none, none, no", "length"), "ok_empty", "parse_error"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_its_own_text_alone(unanswered: Project, name: str) -> None:
    fault, ner, textcat = FAULTS[name]
    unlucky = unanswered.read("corpus/texts.jsonl")[30]
    with fake_endpoint(lambda body: (fault if question(body) == unlucky["text"] else no_entities)(body)) as (
        url,
        _,
    ):
        use(unanswered, url)
        unanswered.script(*ANNOTATE)
    rows = {row["id"]: row for row in records(unanswered)}
    run = rows.pop(unlucky["id"])["teacher"]
    assert (run["ner"]["status"], run["textcat"]["status"]) == (ner, textcat)
    assert {(row["teacher"]["ner"]["status"], row["teacher"]["textcat"]["status"]) for row in rows.values()} == {
        ("ok_empty", "ok")
    }
    failed = ner == "api_error"
    assert not failed or run["ner"]["error"]
    recorded = [row for row in unanswered.read("assets/responses.jsonl") if ":" not in row["key"]]
    assert len(recorded) == 4 * (59 if failed else 60), "a failure is never recorded as an answer"


def test_a_completion_is_asked_to_go_on_with_a_text(unanswered: Project) -> None:
    """The example's own way of asking: no chat, one text that ends where the answer begins."""

    def goes_on(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        assert "messages" not in body
        return completion(" other" if body["prompt"].endswith("\nTopic:") else " none")

    with fake_endpoint(goes_on) as (url, requests):
        use(unanswered, url)
        config = unanswered.path / "configs/teacher.cfg"
        config.write_text(config.read_text().replace("distill.Chat.v1", "distill.Completion.v1"))
        unanswered.script(*ANNOTATE)
    assert {run["status"] for row in records(unanswered) for run in row["teacher"].values()} == {"ok", "ok_empty"}
    (prompt,) = (
        body["prompt"]
        for body in requests
        if unanswered.read("corpus/texts.jsonl")[0]["text"] in body["prompt"] and "\nDishes:" in body["prompt"]
    )
    assert "\nDishes: pad thai, spring rolls\n\nCan I use yogurt" in prompt


def test_a_dead_endpoint_stops_the_run_with_the_remedy_and_keeps_what_came(unanswered: Project) -> None:
    answered = Counter[str]()

    def dies(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        answered["all"] += 1
        return no_entities(body) if answered["all"] <= 25 else (500, "down")

    with fake_endpoint(dies) as (url, requests):
        use(unanswered, url, max_failed=0.1, concurrency=1, patience=0)
        out = unanswered.fails(*ANNOTATE)
        assert "max_failed = 10%" in out
        assert "All answers that came are kept" in out
        assert len(unanswered.read("assets/responses.jsonl")) == 25
        assert len(requests) == 25 + 10, "after ten failures in a row nothing more is asked"


def test_a_proxy_of_the_environment_never_sees_a_text_for_this_machine(unanswered: Project) -> None:
    with fake_endpoint(no_entities) as (url, requests), fake_endpoint(no_entities) as (proxy, leaked):
        use(unanswered, url)
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), proxy.removesuffix("/v1"))
        unanswered.script(*ANNOTATE, env={**proxies, "no_proxy": "", "NO_PROXY": ""})
    assert (len(requests), len(leaked)) == (4 * 60, 0)


def test_an_example_of_the_teacher_must_not_be_in_the_blind_samples(small: Project) -> None:
    small.weasel("run", "ingest")
    blind = next(row for row in small.read("corpus/texts.jsonl") if row["sample"] == "test")
    with (small.path / "configs/task.yml").open("a") as file:
        file.write(f"  - text: {json.dumps(blind['text'].upper())}\n    accept: [other]\n")
    assert f"is the text {blind['id']} of the test sample" in small.fails(*ANNOTATE)


def test_texts_do_not_leave_the_machine_unless_the_config_says_so(unanswered: Project) -> None:
    use(unanswered, "http://llm.invalid/v1")
    out = unanswered.fails(*ANNOTATE)
    assert "llm.invalid is on another machine" in out
    assert "allow_remote = true" in out
    assert "60 texts" in out


def test_no_model_file_is_an_error_with_the_remedy(unanswered: Project) -> None:
    out = unanswered.fails(*ANNOTATE)
    assert "the teacher's model file is not there" in out
    assert "weasel run fetch-teacher" in out


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("concurrency = 1", "concurency = 1", "unknown key `concurency`"),
        ("concurrency = 1", "concurrency = 0", "`concurrency`"),
        ("concurrency = 1", 'base_url = "http://127.0.0.1/v1"', "exactly one of `gguf`"),
        ('"distill.NER.v1"', '"distill.NER.v9"', "distill.NER.v9"),
        ("configs/prompts/spans.jinja", "configs/prompts/none.jinja", "none.jinja: no such file"),
    ],
)
def test_a_mistake_in_the_config_is_named(small: Project, old: str, new: str, expected: str) -> None:
    small.weasel("run", "ingest")
    small.edit("configs/teacher.cfg", old, new)
    assert expected in small.fails(*ANNOTATE)


def test_a_key_in_the_environment_is_sent_and_written_nowhere(unanswered: Project) -> None:
    with fake_endpoint(no_entities) as (url, _):
        use(unanswered, url, api_key_env="TEACHER_KEY")
        assert "TEACHER_KEY is not set" in unanswered.fails(*ANNOTATE)
        out = unanswered.script(*ANNOTATE, env={"TEACHER_KEY": "sk-planted-secret"})
    assert "sk-planted-secret" not in out
    shutil.rmtree(unanswered.path / "tests")
    for path in unanswered.path.rglob("*"):
        assert not path.is_file() or b"sk-planted-secret" not in path.read_bytes(), path


ASSEMBLE = """
import json, sys
from spacy_llm.util import assemble
nlp = assemble("configs/teacher.cfg")
rows = []
for line in open("corpus/texts.jsonl", encoding="utf-8"):
    if len(rows) < 10:
        doc = nlp(json.loads(line)["text"])
        spans = [[ent.start_char, ent.end_char, ent.label_] for ent in doc.ents]
        rows.append([spans, [label for label, score in doc.cats.items() if score >= 0.5]])
print(json.dumps(rows))
"""


def test_the_real_model_gives_the_recorded_answers_and_assemble_agrees(with_teacher: Project) -> None:
    """The embedded model is asked, over HTTP, by `annotate` and by spacy-llm's own pipeline."""
    project = with_teacher
    project.write("assets/texts.jsonl", project.read("assets/texts.jsonl")[:10])
    project.weasel("run", "ingest")
    project.script(*ANNOTATE)
    recorded = {row["id"]: row for row in records(project)}
    before = {row["key"]: row["answer"] for row in project.read("assets/responses.jsonl")}
    project.weasel("run", "forget-answers")
    out = project.script(*ANNOTATE)
    assert "0 answers were recorded before, 40 are new" in out
    after = {row["key"]: row["answer"] for row in project.read("assets/responses.jsonl")}
    assert after.keys() <= before.keys()
    same = sum(before[key] == answer for key, answer in after.items())
    # On the kind of machine where the answers were recorded all 40 are equal; other processors round otherwise
    assert same >= 30, f"{same} of 40 answers equal the recorded ones"
    live = {row["id"]: row for row in records(project)}

    (project.path / "assemble.py").write_text(ASSEMBLE)
    assembled = json.loads(project._run([sys.executable, "assemble.py"], check=True, env=None).splitlines()[-1])
    for text, (spans, labels) in zip(project.read("corpus/texts.jsonl"), assembled, strict=True):
        row = live[text["id"]]
        assert [[span["start"], span["end"], span["label"]] for span in row.get("spans", [])] == spans
        assert row.get("accept", []) == labels
    assert recorded.keys() == live.keys()


STOCK = """
[teacher]
base_url = "URL"
model = "fake"

[nlp]
lang = "en"
pipeline = ["ner","textcat"]

[components]

[components.ner]
factory = "llm"

[components.ner.task]
@llm_tasks = "spacy.NER.v3"
labels = ["DISH", "INGREDIENT", "EQUIPMENT"]

[components.ner.model]
@llm_models = "distill.Chat.v1"
endpoint = ${teacher}

[components.textcat]
factory = "llm"

[components.textcat.task]
@llm_tasks = "spacy.TextCat.v3"
labels = ["technique", "substitution", "storage_safety", "equipment", "recipe_request", "other"]
exclusive_classes = true

[components.textcat.model]
@llm_models = "distill.Chat.v1"
endpoint = ${teacher}
"""


def test_stock_tasks_of_spacy_llm_work(small: Project) -> None:
    def stock(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        prompt = body["messages"][-1]["content"]
        return completion("other" if "substitution" in prompt else "1. soup | True | DISH | it is a dish")

    small.write("assets/texts.jsonl", [{"text": "A soup for two."}, {"text": "Nothing here."}])
    small.write("assets/split.jsonl", [])
    small.weasel("run", "ingest")
    with fake_endpoint(stock) as (url, _):
        config = small.path / "configs/teacher.cfg"
        config.write_text(STOCK.replace("URL", url))
        small.edit("configs/teacher.cfg", 'model = "fake"\n', 'model = "fake"\nmax_failed = 1.0\n')
        small.script(*ANNOTATE)
    by_text = {row["text"]: row for row in records(small)}
    found = by_text["A soup for two."]
    assert [(span["start"], span["end"], span["label"]) for span in found["spans"]] == [(2, 6, "DISH")]
    assert (found["accept"], found["teacher"]["ner"]["status"]) == (["other"], "ok")
    assert by_text["Nothing here."]["teacher"]["ner"]["status"] == "parse_error", (
        "it cannot be told from an unreadable answer"
    )
