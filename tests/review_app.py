"""The review app as a process of its own, on projects made for it, and a browser to use it with."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import srsly
from conftest import ROOT

NAMES = ("corpus/queue.jsonl", "corpus/silver.jsonl", "assets/reviews.jsonl")
OPTIONS = {
    "--task": "configs/task.yml",
    "--config": "configs/teacher.cfg",
    "--responses": "assets/responses.jsonl",
    "--metrics": "training/metrics.json",
    "--models": "training",
    "--token-file": "corpus/review_token",
}


class App:
    """A folder with what the app reads, and the app on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def command(self, *, hidden: float = 0.0, overlap: float = 0.0, extra: tuple[str, ...] = ()) -> list[str]:
        """The command that starts it."""
        shares = ["--hidden", str(hidden), "--overlap", str(overlap), "--port", str(self.port), "--no-browser"]
        options = [word for pair in OPTIONS.items() for word in pair]
        return [sys.executable, str(ROOT / "scripts/review.py"), *NAMES, *options, *shares, *extra]

    def start(self, before: tuple[str, ...] = (), **settings: Any) -> None:
        """Start it, and wait until it says its address."""
        self.process = subprocess.Popen(
            [*before, *self.command(**settings)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=None,
            start_new_session=True,
        )
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line
            if "#token=" in line:
                self.url = "http" + line.partition("http")[2].split("\x1b")[0].strip()
                break
        assert self.url, said
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process
        # With what it was started under, such as strace
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def token(self) -> str:
        return self.url.partition("token=")[2].partition("&")[0]

    def journal(self) -> list[dict[str, Any]]:
        path = self.folder / "assets/reviews.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]


def make_folder(
    folder: Path, components: dict[str, Any], texts: list[dict[str, Any]], *, language: str = "en", title: str = "Test"
) -> App:
    """A folder for the app. texts: `text`, and maybe `id`, `sample`, `meta`, and what the teacher said: `spans` and
    `accept`."""
    task = {"name": "test", "language": language, "title": title, "components": components}
    for name in ("configs", "corpus", "assets"):
        (folder / name).mkdir(parents=True)
    srsly.write_yaml(folder / "configs/task.yml", task)
    (folder / "configs/teacher.cfg").write_text(f'[nlp]\nlang = "{language}"\npipeline = []\n')
    queue: list[dict[str, Any]] = []
    silver: list[dict[str, Any]] = []
    for number, row in enumerate(texts):
        base: dict[str, Any] = {
            "id": row.get("id", f"t{number}"),
            "text": row["text"],
            "group": f"g{number}",
            "sample": row.get("sample", "pool"),
            "meta": row.get("meta", {}),
        }
        queue.append({**base, "why": row.get("why", "random")})
        said: dict[str, Any] = {key: row[key] for key in ("spans", "accept") if key in row}
        runs = {kind: {"status": row.get("status", "ok")} for kind in components}
        silver.append({**base, **said, "teacher": runs if said else {}})
    for name, rows in (("queue", queue), ("silver", [row for row in silver if row["sample"] == "pool"])):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"corpus/{name}.jsonl").write_text(lines, encoding="utf-8")
    for name in ("reviews", "responses"):
        (folder / f"assets/{name}.jsonl").touch()
    return App(folder)


def labels(*names: str) -> dict[str, Any]:
    """A component with labels."""
    return {"labels": {name: {"definition": f"What is {name}."} for name in names}}


@contextmanager
def running(app: App, **settings: Any) -> Iterator[App]:
    """The app while it runs."""
    app.start(**settings)
    try:
        yield app
    finally:
        app.kill()


def open_page(context: Any, app: App, annotator: str = "annotator a") -> Any:
    """A page of the app on which its first card is shown."""
    page = context.new_page()
    page.goto(app.url)
    if page.locator("#name").is_visible() or not page.evaluate("localStorage.getItem('review-annotator')"):
        page.fill("#name", annotator)
        page.keyboard.press("Enter")
    page.wait_for_selector(".card, .empty")
    return page


def wait_saved(page: Any) -> None:
    """Wait until the app says that everything is saved."""
    page.wait_for_selector('#unsaved[data-state="saved"]', timeout=60_000)
