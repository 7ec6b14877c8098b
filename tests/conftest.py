"""Projects to test in: copies of this one, small enough to run in seconds."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SMALL = {"test": 16, "dev": 8, "pool": 30, "undecided": 6}
"""Texts of the small project: of the blind samples, decided ones of the pool, and others of the pool."""
FAST = ["--vars.curve_sizes", "10", "--vars.curve_seeds", "1"]


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def weasel(self, *arguments: str, check: bool = True, env: dict[str, str] | None = None) -> str:
        """Run weasel here; returns what it printed. With `check`, a failure fails the test."""
        command = [sys.executable, "-m", "weasel", *arguments]
        return self._run(command, check=check, env=env)

    def script(self, name: str, *arguments: str, check: bool = True, env: dict[str, str] | None = None) -> str:
        """Run one of the scripts here; returns what it printed."""
        return self._run([sys.executable, f"scripts/{name}.py", *arguments], check=check, env=env)

    def fails(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run a script that must end with exit code 1 and a message instead of a traceback; returns what it printed."""
        done = self._call([sys.executable, f"scripts/{arguments[0]}.py", *arguments[1:]], env)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stdout
        return " ".join(done.stdout.split())

    def read(self, name: str) -> list[dict[str, Any]]:
        """The rows of a JSONL file."""
        return [json.loads(line) for line in (self.path / name).read_bytes().splitlines() if line.strip()]

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Write a JSONL file."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (self.path / name).write_text(text, encoding="utf-8", newline="\n")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a file exactly once."""
        text = (self.path / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (self.path / name).write_text(text.replace(old, new), encoding="utf-8")

    def _run(self, command: list[str], *, check: bool, env: dict[str, str] | None) -> str:
        done = self._call(command, env)
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def _call(self, command: list[str], env: dict[str, str] | None) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONUNBUFFERED": "1", "WASABI_NO_PRETTY": "1", "COLUMNS": "200", **(env or {})}
        return subprocess.run(
            command,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, **own},
        )


def copy_project(target: Path) -> Project:
    """Copy what git tracks or would track, as it is in the work tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return Project(target)


def shrink(project: Project) -> Project:
    """Keep a few dozen of the example's texts with their decisions and answers, and train for a few steps only."""
    samples = {row["id"]: row["sample"] for row in project.read("assets/split.jsonl")}
    reviewed = {row["text_id"] for row in project.read("assets/reviews.jsonl")}
    wanted = dict(SMALL)
    kept = []
    for row in project.read("assets/texts.jsonl"):
        part = samples.get(row["id"], "pool" if row["id"] in reviewed else "undecided")
        if wanted[part]:
            wanted[part] -= 1
            kept.append(row)
    ids = {row["id"] for row in kept}
    project.write("assets/texts.jsonl", kept)
    project.write("assets/split.jsonl", [row for row in project.read("assets/split.jsonl") if row["id"] in ids])
    reviews = (project.path / "assets/reviews.jsonl").read_bytes().splitlines(keepends=True)
    kept_reviews = [line for line in reviews if json.loads(line)["text_id"] in ids]
    (project.path / "assets/reviews.jsonl").write_bytes(b"".join(kept_reviews))
    project.edit("configs/student.cfg", "max_steps = 600", "max_steps = 120")
    project.edit("configs/student.cfg", "eval_frequency = 50", "eval_frequency = 30")
    return project


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A small project in which nothing has run."""
    return shrink(copy_project(tmp_path / "small"))


@pytest.fixture(scope="session")
def _ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = shrink(copy_project(tmp_path_factory.mktemp("ran") / "small"))
    project.weasel("run", "all", ".", *FAST)
    return project


@pytest.fixture
def ran(_ran: Project, tmp_path: Path) -> Project:
    """A small project in which workflow `all` has run; each test has a copy of its own."""
    shutil.copytree(_ran.path, tmp_path / "ran")
    return Project(tmp_path / "ran")


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    """A project with nothing in assets/ but five texts."""
    project = copy_project(tmp_path / "empty")
    shutil.rmtree(project.path / "assets")
    (project.path / "assets").mkdir()
    project.write("assets/texts.jsonl", [{"text": f"My soup number {n} is too salty."} for n in range(5)])
    return project


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The embedded teacher's model file: the project's own where it is there, or else fetched as a user does."""
    own = ROOT / "assets/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    if not own.exists():
        project = copy_project(tmp_path_factory.mktemp("fetch") / "project")
        project.weasel("run", "fetch-teacher")
        own = project.path / own.relative_to(ROOT)
    yield own


@pytest.fixture
def with_teacher(small: Project, gguf: Path) -> Project:
    """A small project with the embedded teacher's model file."""
    (small.path / "assets/models").mkdir(exist_ok=True)
    (small.path / "assets/models" / gguf.name).symlink_to(gguf)
    return small


Decide = Callable[..., dict[str, Any]]


@pytest.fixture
def decide() -> Decide:
    """Make a line of assets/reviews.jsonl."""

    def make(text_id: str, text: str, **fields: Any) -> dict[str, Any]:
        return {
            "id": fields.pop("id", f"decision-{text_id}"),
            "text_id": text_id,
            "text": text,
            "answer": "accept",
            "annotator": "annotator a",
            "guidelines": "none",
            **fields,
        }

    return make
