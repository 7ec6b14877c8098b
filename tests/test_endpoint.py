"""Any endpoint: a fault costs its own text alone, nothing is lost or asked twice, and nothing leaves unasked."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from distill.records import Text, read_records
from distill.teacher.adapter import load_teacher
from distill.teacher.endpoint import load_endpoint
from distill.teacher.estimate import ask_missing
from endpoints import (
    ANNOTATE,
    REQUESTS_A_TEXT,
    asked_text,
    is_about_spans,
    journal_keys,
    many_texts,
    nothing,
    statuses,
    use_endpoint,
)
from fake_endpoint import Answer, Reply, completion, fake_endpoint

UNLUCKY = "My soup number 7 is too salty."


def once(first: Reply, then: Answer = nothing) -> Answer:
    """A fault that passes: each request meets it once."""
    met: set[str] = set()

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str] | Reply:
        request = json.dumps(body, sort_keys=True)
        if request in met:
            return then(body)
        met.add(request)
        return first

    return answer


FAULTS: dict[str, tuple[Answer, str, str]] = {
    "slow": (lambda body: Reply(*nothing(body), seconds=0.5), "ok_empty", "ok"),
    "429, then an answer": (once(Reply(429, "slow down", {"Retry-After": "0.2"})), "ok_empty", "ok"),
    "429 with a date": (
        once(Reply(429, "slow down", {"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"})),
        "ok_empty",
        "ok",
    ),
    "429 for a day": (lambda body: Reply(429, "no", {"Retry-After": "86400"}), "api_error", "api_error"),
    "out of money": (lambda body: (429, {"error": {"code": "insufficient_quota"}}), "api_error", "api_error"),
    "500, then an answer": (once(Reply(500, "oops")), "ok_empty", "ok"),
    "500": (lambda body: (500, "oops"), "api_error", "api_error"),
    "502 with HTML": (lambda body: (502, "<html><h1>Bad gateway</h1></html>"), "api_error", "api_error"),
    "reset, then an answer": (once(Reply(reset=True)), "ok_empty", "ok"),
    "reset": (lambda body: Reply(reset=True), "api_error", "api_error"),
    "hang": (lambda body: Reply(*nothing(body), seconds=30), "api_error", "api_error"),
    "no content": (lambda body: completion(None), "api_error", "api_error"),
    "cut off": (lambda body: completion('{"DISH": ["so', "length"), "truncated", "truncated"),
    "refusal": (lambda body: completion("I'm sorry, I can't help with that."), "refused", "refused"),
    "refusal in its own field": (
        lambda body: (200, {"choices": [{"message": {"refusal": "No.", "content": None}, "finish_reason": "stop"}]}),
        "refused",
        "refused",
    ),
    "filter": (lambda body: (400, {"error": {"code": "content_filter", "message": "x"}}), "refused", "refused"),
    "broken JSON": (lambda body: completion('{"DISH": ["soup", '), "parse_error", "parse_error"),
    "HTTP body cut off": (lambda body: (200, '{"choices": [{"mess'), "api_error", "api_error"),
    "too few items": (lambda body: completion('{"DISH": []}'), "partial", "parse_error"),
    "too many items": (
        lambda body: completion(
            '{"DISH": [], "INGREDIENT": [], "EQUIPMENT": [], "DRINK": ["soup"]}'
            if is_about_spans(body)
            else '{"label": ["other", "equipment"]}'
        ),
        "partial",
        "parse_error",
    ),
    "another label": (
        lambda body: completion('{"FOOD": ["soup"]}' if is_about_spans(body) else '{"label": "food"}'),
        "partial",
        "parse_error",
    ),
    "a span that is not there": (
        lambda body: completion('{"DISH": ["lasagna"], "INGREDIENT": [], "EQUIPMENT": []}'),
        "partial",
        "parse_error",
    ),
    "an error as a string": (lambda body: (200, {"error": "model 'x' not found"}), "api_error", "api_error"),
    "404 with a string": (lambda body: (404, {"error": "model 'x' not found"}), "api_error", "api_error"),
    "too long": (lambda body: (400, {"error": {"message": "maximum context length"}}), "api_error", "api_error"),
}


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with forty short texts."""
    from conftest import copy_project

    project = copy_project(tmp_path_factory.mktemp("endpoint") / "project")
    many_texts(project, 40)
    return project


@pytest.fixture
def project(ingested: Project, tmp_path: Any) -> Project:
    shutil.copytree(ingested.path, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_its_own_text_alone(project: Project, name: str) -> None:
    fault, ner, textcat = FAULTS[name]
    with fake_endpoint(lambda body: (fault if asked_text(body) == UNLUCKY else nothing)(body)) as (url, _):
        use_endpoint(project, url, timeout=1.5, patience=5)
        project.script(*ANNOTATE)
    found = statuses(project)
    assert found.pop(UNLUCKY) == (ner, textcat)
    assert len(found) == 39
    assert set(found.values()) == {("ok_empty", "ok")}
    failed = ner == "api_error"
    recorded = [row for row in project.read("assets/responses.jsonl") if ":" not in row["key"]]
    assert len(recorded) == REQUESTS_A_TEXT * (39 if failed else 40), "a failure is never recorded as an answer"


def test_it_asks_more_slowly_when_told_to(project: Project) -> None:
    """A fake that takes three requests at a time, and sixteen are allowed."""
    busy, told, lock = Counter[str](), Counter[str](), threading.Lock()

    def answer(body: dict[str, Any]) -> Reply:
        with lock:
            busy["now"] += 1
            busy["most"] = max(busy["most"], busy["now"])
            too_many = busy["now"] > 3
            told["slow down"] += too_many
        threading.Timer(0.05, leave).start()
        return Reply(429, "slow down", {"Retry-After": "0.1"}) if too_many else Reply(*nothing(body), seconds=0.05)

    def leave() -> None:
        with lock:
            busy["now"] -= 1

    with fake_endpoint(answer) as (url, requests):
        use_endpoint(project, url, concurrency=16, tries=1)
        project.script(*ANNOTATE)
    assert busy["most"] > 3
    assert set(statuses(project).values()) == {("ok_empty", "ok")}, "a 429 is not a failed try"
    assert told["slow down"] < len(requests) / 2


def test_an_endpoint_that_comes_back_is_waited_for(project: Project) -> None:
    down = Counter[str]()

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        down["asked"] += 1
        return (503, "restarting") if 20 <= down["asked"] < 36 else nothing(body)

    with fake_endpoint(answer) as (url, _):
        use_endpoint(project, url, tries=1, concurrency=2, patience=60)
        out = project.script(*ANNOTATE)
        assert "does not answer (HTTP 503: restarting). All answers are kept; trying again in 1 s" in out
        first = len(project.read("assets/responses.jsonl"))
        assert 20 < first < 80
        project.script(*ANNOTATE)
    assert len(project.read("assets/responses.jsonl")) == 80
    assert set(statuses(project).values()) == {("ok_empty", "ok")}


def test_nothing_listens_there(project: Project) -> None:
    with fake_endpoint(nothing) as (url, _):
        pass
    use_endpoint(project, url, tries=1, patience=0, max_failed=0.05)
    out = project.fails(*ANNOTATE)
    assert "127.0.0.1 does not answer (ClientConnectorError" in out
    assert "100% of the texts have no usable answer, over max_failed = 5%" in out


def test_wrong_settings_stop_the_run_at_once(project: Project) -> None:
    with fake_endpoint(lambda body: (401, {"error": {"message": "bad key sk-planted"}})) as (url, requests):
        use_endpoint(project, url, api_key_env="TEACHER_KEY", max_failed=0.1)
        done = subprocess.run(
            [sys.executable, f"scripts/{ANNOTATE[0]}.py", *ANNOTATE[1:]],
            cwd=project.path,
            env={**os.environ, "TEACHER_KEY": "sk-planted"},
            capture_output=True,
            text=True,
            check=False,
        )
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1
    assert "HTTP 401: bad key [key]" in said
    assert "sk-planted" not in said
    assert len(requests) < 20, "ten are enough to know"
    for path in project.path.rglob("*"):
        assert "tests" in path.parts or not path.is_file() or b"sk-planted" not in path.read_bytes(), path


def test_a_redirect_takes_no_text_elsewhere(project: Project) -> None:
    with fake_endpoint(nothing) as (elsewhere, leaked):
        moved = Reply(307, "", {"Location": f"{elsewhere}/chat/completions"})
        with fake_endpoint(lambda body: moved) as (url, _):
            use_endpoint(project, url)
            project.script(*ANNOTATE)
    assert leaked == []
    assert set(statuses(project).values()) == {("api_error", "api_error")}


def test_a_budget_is_never_passed(project: Project) -> None:
    """The fake counts twelve tokens an answer, and the estimate allows for more."""
    with fake_endpoint(nothing) as (url, requests):
        use_endpoint(project, url, budget=1000)
        out = project.fails(*ANNOTATE)
        assert re.search(r"80 requests about 40 texts would go to 127.0.0.1, [\d,]+ tokens and 40,960 of answers", out)
        assert "of the budget of 1,000 tokens 1,000 tokens are left" in out
        assert requests == [], "it stops before the first call"
        use_endpoint(project, url, budget=20, price_in=1.0, price_out=2.0)
        assert "at a cost of" not in project.script(*ANNOTATE)
        assert len(requests) == 80
        spent = sum(row["tokens_in"] + 2 * row["tokens_out"] for row in project.read("assets/responses.jsonl"))
        out = project.script("estimate", *ANNOTATE[1:2], *ANNOTATE[4:8])
        assert f"20.00, of which {spent / 1e6:.2f} are spent" in out


def test_what_is_counted_ends_the_run_where_the_estimate_was_too_low(project: Project) -> None:
    def dear(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        status, answer = nothing(body)
        assert isinstance(answer, dict)
        return status, {**answer, "usage": {"prompt_tokens": 5000, "completion_tokens": 100}}

    with fake_endpoint(dear) as (url, requests):
        use_endpoint(project, url, budget=100_000, max_failed=0.1, concurrency=2)
        out = project.fails(*ANNOTATE)
    assert "the budget of 100,000 tokens is used up" in out
    assert 15 <= len(requests) <= 21


def test_what_cannot_be_read_was_paid_for_all_the_same(project: Project) -> None:
    with fake_endpoint(lambda body: completion(None)) as (url, requests):
        use_endpoint(project, url, budget=100_000, tries=1)
        project.script(*ANNOTATE)
        paid = [row for row in project.read("assets/responses.jsonl") if row["key"].startswith("unreadable:")]
        assert len(paid) == len(requests) > 0
        out = project.script("estimate", *ANNOTATE[1:2], *ANNOTATE[4:8])
    assert f"of which {12 * len(paid)} tokens are spent" in out
    assert "answered already   0" in out


def test_tokens_are_reckoned_where_the_endpoint_counts_none(project: Project) -> None:
    def silent(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        status, answer = nothing(body)
        assert isinstance(answer, dict)
        return status, {"choices": answer["choices"]}

    with fake_endpoint(silent) as (url, requests):
        use_endpoint(project, url, budget=200_000)
        project.script(*ANNOTATE)
    for row, body in zip(project.read("assets/responses.jsonl"), requests, strict=True):
        assert row["tokens_in"] > 100 and row["tokens_out"] > 3, body


def test_requests_that_are_always_refused_do_not_keep_the_others_from_being_asked(project: Project) -> None:
    refused = {row["text"] for row in project.read("corpus/texts.jsonl")[:15]}

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
        return (400, {"error": "too long"}) if asked_text(body) in refused else nothing(body)

    with fake_endpoint(answer) as (url, _):
        use_endpoint(project, url, concurrency=1)
        texts = project.read("corpus/texts.jsonl")
        project.write("corpus/texts.jsonl", texts[-5:])
        project.script(*ANNOTATE)
        project.write("corpus/texts.jsonl", texts)
        project.script(*ANNOTATE)
    found = statuses(project)
    assert {text for text, pair in found.items() if pair == ("api_error", "api_error")} == refused


def test_what_another_run_has_recorded_meanwhile_is_not_asked_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = project.path / "assets/responses.jsonl"
    with fake_endpoint(nothing) as (url, requests):
        use_endpoint(project, url)
        project.script(*ANNOTATE)
        others = journal.read_bytes()
        journal.write_bytes(b"")
        monkeypatch.chdir(project.path)
        config = Path("configs/teacher.cfg")
        nlp, components = load_teacher(config)
        endpoint = load_endpoint(config)
        assert endpoint

        def texts() -> list[Text]:
            # The other run ends while this one reckons
            journal.write_bytes(others)
            return list(read_records(Path("corpus/texts.jsonl"), Text))

        requests.clear()
        _, reckoned, asked = ask_missing(texts, nlp, components, endpoint, config, journal)
    assert (requests, asked.answered, reckoned.missing, reckoned.requests) == ([], 0, 0, 80)
    assert journal.read_bytes() == others


def test_a_disk_that_is_full_damages_nothing(project: Project) -> None:
    """A limit on the size of files stands for it."""
    limited = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); "
    limited += (
        "sys.argv = sys.argv[1:]; sys.path.insert(0, 'scripts'); runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    with fake_endpoint(nothing) as (url, _):
        use_endpoint(project, url)
        command = [sys.executable, "-c", limited, "scripts/annotate.py", *ANNOTATE[1:]]
        done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=False)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 1
        assert "assets/responses.jsonl: cannot be written (File too large)" in said
        assert "Traceback" not in said
        kept = project.read("assets/responses.jsonl")
        assert 10 < len(kept) < 40
        project.script(*ANNOTATE)
    assert {row["key"] for row in kept} <= journal_keys(project.path / "assets/responses.jsonl")
    assert set(statuses(project).values()) == {("ok_empty", "ok")}


def test_a_long_key_is_taken_out_of_an_error_as_a_whole(project: Project) -> None:
    key = "sk-" + "planted" * 20
    with fake_endpoint(lambda body: (403, {"error": {"message": "x" * 150 + key}})) as (url, _):
        use_endpoint(project, url, api_key_env="TEACHER_KEY")
        out = project.script(*ANNOTATE, env={"TEACHER_KEY": key})
    assert "sk-planted" not in out
    assert "sk-planted" not in (project.path / "corpus/silver.jsonl").read_text()


REMOTE = "http://llm.invalid/v1"


@pytest.mark.parametrize(
    "settings", [{}, {"allow_remote": True}, {"budget": 10**9}, {"allow_remote": False, "budget": 10**9}]
)
def test_no_text_leaves_without_leave_and_a_budget(project: Project, settings: dict[str, Any]) -> None:
    use_endpoint(project, REMOTE, **settings)
    out = project.fails(*ANNOTATE)
    assert "llm.invalid is on another machine: 80 requests about 40 texts would go to llm.invalid" in out
    assert "`allow_remote = true` and a `budget`" in out
    assembled = "from spacy_llm.util import assemble; assemble('configs/teacher.cfg')('A soup.')"
    done = subprocess.run([sys.executable, "-c", assembled], cwd=project.path, capture_output=True, text=True)
    assert "the config lets no text leave this one" in done.stderr, "spacy-llm's own pipeline asks leave, too"


@pytest.mark.parametrize(
    ("settings", "expected", "hidden"),
    [
        ({"base_url": "https://me:sk-secret@llm.invalid/v1"}, "`api_key_env`", "sk-secret"),
        ({"base_url": "https://llm.invalid/v1?key=sk-secret"}, "`api_key_env`", "sk-secret"),
        ({"api_key_env": "sk-secret-123"}, "the name of an environment variable, not a key", "sk-secret"),
        ({"base_url": "llm.invalid/v1"}, "begins with http://", "-"),
        ({"price_in": 1.0}, "both `price_in` and `price_out`", "-"),
        ({"api_key": "sk-secret"}, "unknown key `api_key`", "sk-secret"),
    ],
)
def test_a_key_in_the_config_is_refused_and_not_repeated(
    project: Project, settings: dict[str, Any], expected: str, hidden: str
) -> None:
    use_endpoint(project, REMOTE, **settings)
    out = project.fails(*ANNOTATE)
    assert expected in out
    assert hidden not in out or hidden == "-"


def start(project: Project, *before: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*before, sys.executable, f"scripts/{ANNOTATE[0]}.py", *ANNOTATE[1:]],
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell that put these tests into the background has made it deaf to interrupts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_killed_at_any_moment_nothing_is_lost_and_nothing_recorded_is_asked_again(small: Project) -> None:
    concurrency, kills = 8, 10
    texts = many_texts(small, 500)
    journal = small.path / "assets/responses.jsonl"
    rng = random.Random(0)
    checkpoints: list[tuple[int, set[str]]] = []
    with fake_endpoint(lambda body: Reply(*nothing(body), seconds=0.02)) as (url, requests):
        use_endpoint(small, url, concurrency=concurrency)
        for kill in range(kills):
            target = (kill + rng.random()) * REQUESTS_A_TEXT * len(texts) / (kills + 1)
            process = start(small)
            deadline = time.monotonic() + 60
            while len(requests) < target and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(rng.random() * 0.03)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            checkpoints.append((len(requests), journal_keys(journal)))
        small.script(*ANNOTATE)
    asked = Counter(map(key_of, requests))
    assert len(asked) == REQUESTS_A_TEXT * len(texts)
    repeats = asked.total() - len(asked)
    assert repeats <= kills * concurrency, f"{repeats} repeats"
    for sent, recorded in checkpoints:
        assert recorded
        assert not recorded & set(map(key_of, requests[sent:])), (
            "what was journaled at a kill is not asked for after it"
        )
    assert len(small.read("assets/responses.jsonl")) == REQUESTS_A_TEXT * len(texts)
    found = statuses(small)
    assert found.keys() == set(texts)
    assert set(found.values()) == {("ok_empty", "ok")}


def key_of(body: dict[str, Any]) -> str:
    """The key of a request, computed apart from the code: SHA-256 of the teacher's id and the whole body."""
    whole = json.dumps({"teacher_id": "fake", "body": body}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def test_an_interrupt_waits_for_what_is_under_way(project: Project) -> None:
    with fake_endpoint(lambda body: Reply(*nothing(body), seconds=0.3)) as (url, requests):
        use_endpoint(project, url, concurrency=4)
        process = start(project)
        while len(requests) < 10 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    assert process.returncode != 0
    assert len(project.read("assets/responses.jsonl")) == len(requests) < 80


def test_a_second_writer_is_refused(project: Project) -> None:
    with fake_endpoint(lambda body: Reply(*nothing(body), seconds=0.2)) as (url, requests):
        use_endpoint(project, url)
        process = start(project)
        while not requests and process.poll() is None:
            time.sleep(0.01)
        out = project.fails(*ANNOTATE)
        process.wait(timeout=60)
    assert "another process is writing to it" in out
    assert len(project.read("assets/responses.jsonl")) == len(requests) == 80


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace, which .ci/run installs")
def test_an_answer_is_written_and_on_disk_before_it_counts(project: Project, tmp_path: Any) -> None:
    """With one request at a time: the next one is sent when the answer before it has been written and synced."""
    trace = tmp_path / "trace"
    with fake_endpoint(nothing) as (url, _):
        use_endpoint(project, url, concurrency=1)
        calls = "trace=openat,write,fsync,sendto,close"
        process = start(project, "strace", "-f", "-s", "40", "-e", calls, "-o", str(trace))
        process.wait(timeout=300)
        assert process.returncode == 0
    lines = trace.read_text(errors="replace").splitlines()
    (opened,) = (line for line in lines if 'assets/responses.jsonl"' in line and "O_APPEND" in line)
    number = opened.rsplit("= ", 1)[1]
    events = ""
    # A call that another thread's interrupts counts where it ends
    for line in lines[lines.index(opened) + 1 :]:
        if "unfinished" in line and "fsync" in line:
            continue
        if re.search(rf"\bclose\({number}\)", line):
            break
        if re.search(rf"\bwrite\({number}, ", line):
            events += "w"
        elif re.search(rf"\bfsync\({number}\)|fsync resumed", line):
            events += "f"
        elif "POST /v1/chat" in line:
            events += "s"
    assert re.fullmatch(r"(s+wf)+", events), events
    assert events.count("w") == 80
