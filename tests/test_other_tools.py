"""Label Studio's and doccano's own importers take what we export, and what they export comes back as it was.

They are large, so these tests run where they are installed, each in an environment of its own:
`LABEL_STUDIO=ENVIRONMENT/bin/label-studio DOCCANO=ENVIRONMENT/bin/python pytest tests/test_other_tools.py`
"""

import http.cookiejar
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distill.formats.labelled import Labelled, Suggested
from distill.formats.registry import FORMATS, QUEUES
from distill.records import Span
from distill.task import Task

LABELS = {name: {"definition": f"What is {name}."} for name in ("DISH", "PLACE & <co>")}
TOPICS = {name: {"definition": f"What is {name}."} for name in ("hot", "cold")}
TASK = Task.model_validate(
    {
        "name": "x",
        "language": "en",
        "title": "x",
        "components": {"ner": {"labels": LABELS}, "textcat": {"labels": TOPICS}},
    }
)
TEXTS = [
    "My soup is salty",
    "🍲🍲 I ate 👩‍🍳 soup in Cairo",
    "cafe\u0301 soup\u00a0here",
    "寿司 soup",
    '<b>soup</b> & "x"',
]


def rows() -> list[Labelled]:
    made = []
    for number, text in enumerate(TEXTS):
        start = text.index("soup")
        spans = [Span(start=start, end=start + 4, label="DISH")]
        if "Cairo" in text:
            spans.append(Span(start=text.index("Cairo"), end=len(text), label="PLACE & <co>"))
        row = Labelled("", 0, text, "accept", spans, ["hot" if number % 2 else "cold"], None)
        made.append(replace(row, id=f"t{number}", group="g", meta={"n": number}, annotator="annotator a"))
    return made


def plain(found: Any) -> Labelled:
    assert isinstance(found, Labelled), found
    return replace(found, file="", line=0, row=None, source=None)


class LabelStudio:
    """A running server, and a session of a user."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def login(self, email: str, password: str) -> None:
        page = self.opener.open(f"{self.base}/user/login/").read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token
        form = {"csrfmiddlewaretoken": token[1], "email": email, "password": password}
        request = urllib.request.Request(f"{self.base}/user/login/", urllib.parse.urlencode(form).encode())
        request.add_header("Referer", self.base)
        self.opener.open(request)

    def api(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "") or ""
        headers = {"Content-Type": "application/json", "X-CSRFToken": token, "Referer": self.base}
        try:
            return json.loads(self.opener.open(urllib.request.Request(f"{self.base}{path}", data, headers)).read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:2000]}") from None


@contextmanager
def label_studio(folder: Path) -> Iterator[LabelStudio]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--port", str(port), "--username", "a@example.com", "--password", "secret-123"]
    settings = {"LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"), "COLLECT_ANALYTICS": "False", "SENTRY_DSN": ""}
    process = subprocess.Popen(
        [os.environ["LABEL_STUDIO"], "start", *options],
        env={**os.environ, **settings, "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "False"},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        made = LabelStudio(port)
        for _ in range(600):
            try:
                made.opener.open(f"{made.base}/health")
                break
            except OSError:
                time.sleep(0.5)
        made.login("a@example.com", "secret-123")
        yield made
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif("LABEL_STUDIO" not in os.environ, reason="LABEL_STUDIO does not name its program")
def test_label_studio(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert FORMATS["label-studio"].write(path, rows(), TASK, None) == []
    queue = tmp_path / "queue.json"
    suggested = [Suggested(row.id or "", row.text, "g", row.meta, row.spans, row.accept, "teacher") for row in rows()]
    QUEUES["label-studio"](queue, suggested, TASK)
    with label_studio(tmp_path) as server:
        label_config = path.with_suffix(".xml").read_text()
        project = server.api("/api/projects", {"title": "Decisions", "label_config": label_config})
        done = server.api(f"/api/projects/{project['id']}/import", json.loads(path.read_text()))
        assert (done["task_count"], done["annotation_count"]) == (len(TEXTS), len(TEXTS))
        exported = server.api(f"/api/projects/{project['id']}/export?exportType=JSON&download_all_tasks=true")
        other = server.api("/api/projects", {"title": "Queue", "label_config": label_config})
        done = server.api(f"/api/projects/{other['id']}/import", json.loads(queue.read_text()))
        assert (done["task_count"], done["prediction_count"]) == (len(TEXTS), len(TEXTS))
    back = tmp_path / "back.json"
    back.write_text(json.dumps(exported))
    found = sorted((plain(one) for one in FORMATS["label-studio"].read(back, TASK, None)), key=lambda row: str(row.id))
    assert found == rows()


IN_DOCCANO = """
import json, os, sys
import backend
os.environ.update(DJANGO_SETTINGS_MODULE="config.settings.development", MEDIA_ROOT=os.path.join(os.getcwd(), "media"))
os.environ["DATABASE_URL"] = "sqlite:///" + os.path.join(os.getcwd(), "db.sqlite3")
sys.path.insert(0, os.path.dirname(backend.__file__))
import django
django.setup()
from django.core import management
management.call_command("migrate", verbosity=0)
management.call_command("create_roles", verbosity=0)
from django.contrib.auth import get_user_model
from data_import.datasets import load_dataset
from data_import.pipeline.catalog import create_file_format
from data_import.pipeline.readers import FileName
from data_export.celery_tasks import export_dataset
from projects.models import IntentDetectionAndSlotFillingProject, SequenceLabelingProject, TextClassificationProject
kind, path = sys.argv[1:]
user = get_user_model().objects.create_user(username="a", password="b")
made = {
    "SequenceLabeling": SequenceLabelingProject,
    "DocumentClassification": TextClassificationProject,
    "IntentDetectionAndSlotFilling": IntentDetectionAndSlotFillingProject,
}[kind]
project = made.objects.create(name="x", project_type=kind, created_by=user, collaborative_annotation=True)
name = FileName(full_path=path, generated_name=path, upload_name="x.jsonl")
dataset = load_dataset(kind, create_file_format("JSONL"), [name], project)
dataset.save(user)
print(json.dumps({"errors": [str(error) for error in dataset.errors], "zip": export_dataset(project.id, "JSONL")}))
"""


@pytest.mark.skipif("DOCCANO" not in os.environ, reason="DOCCANO does not name the Python of its environment")
@pytest.mark.parametrize("kind", ["SequenceLabeling", "DocumentClassification", "IntentDetectionAndSlotFilling"])
def test_doccano(tmp_path: Path, kind: str) -> None:
    parts = {"SequenceLabeling": ["ner"], "DocumentClassification": ["textcat"]}.get(kind, ["ner", "textcat"])
    components = {part: getattr(TASK.components, part) for part in parts}
    task = TASK.model_copy(update={"components": type(TASK.components)(**components)})
    gone: dict[str, Any] = {name: None for name, part in (("spans", "ner"), ("accept", "textcat")) if part not in parts}
    expected = [replace(row, **gone) for row in rows()]
    path = tmp_path / "x.jsonl"
    assert FORMATS["doccano"].write(path, expected, task, None) == []
    done = subprocess.run(
        [os.environ["DOCCANO"], "-c", IN_DOCCANO, kind, str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["errors"] == []
    with zipfile.ZipFile(said["zip"]) as archive:
        (tmp_path / "back.jsonl").write_bytes(archive.read("all.jsonl"))
    found = [plain(one) for one in FORMATS["doccano"].read(tmp_path / "back.jsonl", task, None)]
    assert found == expected
