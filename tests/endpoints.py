"""Projects whose teacher is an endpoint: the config that `new-task --teacher URL` writes, with settings of a test."""

import json
from pathlib import Path
from typing import Any

from conftest import COOKING, Project
from distill.fork.new_task import NewTask, configs
from distill.task import load_task
from fake_endpoint import completion

ANNOTATE = [
    "annotate",
    "corpus/texts.jsonl",
    "--task",
    "configs/task.yml",
    "--config",
    "configs/teacher.cfg",
    "--responses",
    "assets/responses.jsonl",
    "--silver",
    "corpus/silver.jsonl",
    "--blind",
    "corpus/teacher_blind.jsonl",
]
REQUESTS_A_TEXT = 2
"""One about all spans, one about the topic."""


def use_endpoint(project: Project, url: str, **settings: Any) -> None:
    """Let the project's teacher be the endpoint at `url`."""
    new = NewTask(load_task(COOKING / "task.yml"), url, "fake")
    config = configs(new, texts=1)["configs/teacher.cfg"]
    section = {"base_url": url, "model": "fake", "tries": 2, "concurrency": 4, "max_failed": 1.0, **settings}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in section.items())
    (project.path / "configs/teacher.cfg").write_text(f"[teacher]\n{lines}\n" + config[config.index("[nlp]") :])
    (project.path / "assets/responses.jsonl").write_bytes(b"")


def many_texts(project: Project, count: int) -> list[str]:
    """Let the project have `count` short texts, and ingest them."""
    texts = [f"My soup number {number} is too salty." for number in range(count)]
    project.write("assets/texts.jsonl", [{"text": text} for text in texts])
    (project.path / "assets/split.jsonl").write_bytes(b"")
    project.weasel("run", "ingest")
    return texts


def asked_text(body: dict[str, Any]) -> str:
    """The text that a request is about."""
    return str(body["messages"][-1]["content"]).removeprefix("Text: ").removesuffix("\nTopic:")


def is_about_spans(body: dict[str, Any]) -> bool:
    return not str(body["messages"][-1]["content"]).endswith("\nTopic:")


def nothing(body: dict[str, Any]) -> tuple[int, dict[str, Any] | str]:
    """What a teacher says that finds no span, by the schema."""
    schema = body["response_format"]["json_schema"]["schema"]
    if is_about_spans(body):
        return completion(json.dumps({label: [] for label in schema["properties"]}))
    return completion(json.dumps({"label": schema["properties"]["label"]["enum"][-1]}))


def statuses(project: Project) -> dict[str, tuple[str, str]]:
    """The status of ner and textcat by text."""
    rows = project.read("corpus/silver.jsonl") + project.read("corpus/teacher_blind.jsonl")
    return {row["text"]: (row["teacher"]["ner"]["status"], row["teacher"]["textcat"]["status"]) for row in rows}


def journal_keys(path: Path) -> set[str]:
    """The keys of the whole lines of a journal of answers."""
    return {json.loads(line)["key"] for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")}
