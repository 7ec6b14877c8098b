"""Docs that stay true: every key, option and command is documented, and what the docs name is there."""

import importlib.util
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Project, template_only
from distill.review.decisions import Decision
from test_project import COMMANDS
from typer.models import OptionInfo

PAGES = sorted(
    [ROOT / "README.md", ROOT / "assets/README.md", ROOT / "benchmarks/README.md", *(ROOT / "docs").glob("*.md")]
)


def test_every_key_of_a_decision_is_documented() -> None:
    text = (ROOT / "docs/decisions.md").read_text()
    for key in Decision.model_fields:
        assert re.search(rf"`{key}`", text), f"docs/decisions.md says nothing of `{key}`"


def test_the_readme_lists_the_commands_of_project_yml(small: Project) -> None:
    readme = (ROOT / "README.md").read_text()
    small.weasel("document", ".", "--output", "README.md")
    assert (small.path / "README.md").read_text() == readme, "run `weasel document . --output README.md`"
    assert all(f"`{name}`" in readme for name in COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
    for command in re.findall(r"weasel run ([\w-]+)", text):
        assert command in {*COMMANDS, "all"}, f"{page.name} names the command {command}"
    for script in re.findall(r"python ((?:scripts|benchmarks)/\w+\.py)", text):
        assert (ROOT / script).exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help_and_every_argument_is_explained(name: str) -> None:
    own = name.replace("-", "_")
    spec = importlib.util.spec_from_file_location(f"script_{own}", ROOT / f"scripts/{own}.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.main.__doc__
    for parameter, hint in inspect.get_annotations(script.main).items():
        options = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, OptionInfo)]
        if options:
            assert options[0].help, parameter
        elif parameter != "return":
            assert parameter.upper() in script.main.__doc__, f"{own}: its help says nothing of {parameter.upper()}"


HERE = {
    "python3.11 -m venv": "installs; CI runs the README's own commands in a clean clone",
    "pip install": "installs",
    "weasel clone": "tests/test_new_task.py clones and forks",
}
"""Commands that a test cannot run, by their beginnings."""

NEEDS = {"--vars.gpu_id": "a GPU", "--transformer": "a download of a pretrained model"}


def blocks() -> list[Any]:
    found = []
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```bash\n(.*?)```", page.read_text("utf-8"), re.DOTALL)):
            lines = block.replace("\\\n", " ").splitlines()
            run = [line for line in lines if not line.startswith(tuple(HERE)) and not any(one in line for one in NEEDS)]
            if run and page.parent.name != "benchmarks":
                found.append(pytest.param(run, id=f"{page.stem}-{number}"))
    return found


@pytest.mark.parametrize("lines", blocks())
def test_the_commands_of_a_page_run(lines: list[str], ran: Project, tmp_path: Path) -> None:
    """Block by block, in a shell, in a project in which workflow `all` has run; ~ is a folder with what they read."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("export", "brands_eval", "brands_training"):
        spans = [{"start": 0, "end": len(name), "label": "DISH" if name == "export" else "FASHION_BRAND"}]
        written = [{"text": f"{name} made shirt number {number}", "spans": spans} for number in range(60)]
        (home / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))
    (home / "tickets.csv").write_text("text\n" + "".join(f"Das Gerät {n} geht nicht\n" for n in range(40)))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in lines:
        student = ran.path / "configs/student.cfg"
        student.write_text(re.sub(r"max_steps = \d+", "max_steps = 20", student.read_text()))
        serves = line.startswith("weasel run review")
        more = " --vars.review_port 0" if serves else " --vars.curve_sizes 10" if line == "weasel run all" else ""
        command = f"{line}{' .' if more and ' . ' not in line else ''}{more}"
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=ran.path,
            env={**os.environ, "HOME": str(home), "PATH": path, "BROWSER": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        said = ""
        for printed in process.stdout:
            said += printed
            if serves and "Ctrl-C ends it" in printed:
                os.killpg(process.pid, signal.SIGKILL)
                break
        else:
            assert process.wait() == 0, f"{line}\n{said[-3000:]}"
            assert not serves, said


@template_only
def test_the_pages_that_are_made_are_as_the_code_says(small: Project) -> None:
    pages = ("docs/configuration.md", "docs/troubleshooting.md")
    shutil.copytree(ROOT / "docs", small.path / "docs", dirs_exist_ok=True)
    shutil.copy(ROOT / "project.yml", small.path / "project.yml")
    small.script("reference")
    for page in pages:
        assert (small.path / page).read_text() == (ROOT / page).read_text(), "run `weasel run reference`"


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme, f"README.md does not lead to docs/{page.name}"


def test_every_room_has_its_place_on_the_page_of_parts() -> None:
    page = (ROOT / "docs/parts.md").read_text("utf-8")
    for room in (ROOT / "scripts/distill").iterdir():
        if room.is_dir() and not room.name.startswith("_"):
            assert f"`{room.name}`" in page, room.name


def test_the_first_command_of_the_readme_is_the_one_that_installs_and_runs() -> None:
    first = re.search(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text())
    assert first
    assert first[1].endswith("pip install -c constraints.txt -e . && weasel run all")


def test_every_reason_for_dropping_something_is_documented() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "scripts/distill/teacher").glob("*.py"))
    places = re.findall(r"(?:(?<!_)reason ?=|drop\()[^\n]*", code)
    reasons = {word for place in places for word in re.findall(r'"(\w+)"', place)}
    assert {"overlap", "unknown_label", "nested", "broken_json"} <= reasons
    page = (ROOT / "docs/teach.md").read_text("utf-8")
    for reason in reasons:
        assert f"`{reason}`" in page, f"docs/teach.md says nothing of {reason}"
