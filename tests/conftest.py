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
from distill.files import file_digest
from distill.fork.new_task import EXAMPLE, NewTask, configs, set_variables
from distill.task import load_task

ROOT = Path(__file__).parent.parent
COOKING = Path(__file__).parent / "cooking"
"""The task of the example with 60 of its texts: 16 of the test sample, 8 of dev, 30 decided ones of the pool, and 6 on
which nobody has decided; with their decisions and the embedded teacher's answers."""


template_only = pytest.mark.skipif(not (ROOT / EXAMPLE).exists(), reason="about the example, which a fork has not")
"""For tests of the example's own data and texts."""


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
    """The project as it is in the work tree, with the task and the few dozen texts of tests/cooking instead of its own,
    and a student that trains for a few steps only. So the tests are the same in a fork with another task."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = ROOT / name
        if source.is_file() and not name.startswith("assets/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    project = Project(target)
    (target / "assets/models").mkdir(parents=True)
    (target / "assets/models/.gitkeep").touch()
    (target / "assets/forgotten.jsonl").touch()
    shutil.copy2(ROOT / "assets/README.md", target / "assets/README.md")
    for path in COOKING.glob("*.jsonl"):
        shutil.copy2(path, target / "assets")
    task = load_task(COOKING / "task.yml")
    for name, text in configs(NewTask(task, "embedded"), texts=1).items():
        (target / name).write_text(text, encoding="utf-8")
    shutil.copy2(COOKING / "task.yml", target / "configs/task.yml")
    project.edit("configs/student.cfg", "max_steps = 1000", "max_steps = 120")
    project.edit("configs/student.cfg", "eval_frequency = 100", "eval_frequency = 30")
    variables = {"name": task.name, "lang": task.language, "version": "0.1.0", "texts": "assets/texts.jsonl"}
    variables["curve_sizes"] = "10"
    project.edit("project.yml", "curve_seeds: 3", "curve_seeds: 1")
    (target / "project.yml").write_text(set_variables((target / "project.yml").read_text("utf-8"), variables), "utf-8")
    shipped = {f"assets/{path.name}": file_digest(path) for path in sorted((target / "assets").glob("*.*"))}
    (target / EXAMPLE).write_text(json.dumps(shipped))
    return project


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A small project in which nothing has run."""
    return copy_project(tmp_path / "small")


@pytest.fixture(scope="session")
def _ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("ran") / "small")
    project.weasel("run", "all", ".")
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
    (small.path / "assets/models" / gguf.name).symlink_to(gguf)
    return small


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium)
        yield running
        running.close()


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """A bucket on a server that speaks S3's protocol; its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "of-this-test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "of-this-test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="team")
        yield "s3://team/cooking"
    server.stop()


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
