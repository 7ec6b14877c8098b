"""Docs that stay true: every key, option and command is documented, and what the docs name is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Project
from distill.review.decisions import Decision
from distill.task import Component, Components, Label, PromptExample, Task
from distill.teacher.endpoint import Endpoint
from test_project import COMMANDS

PAGES = sorted([ROOT / "README.md", ROOT / "assets/README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("docs/task.md", Task),
        ("docs/task.md", Components),
        ("docs/task.md", Component),
        ("docs/task.md", Label),
        ("docs/task.md", PromptExample),
        ("docs/teach.md", Endpoint),
        ("docs/decisions.md", Decision),
    ],
)
def test_every_key_of_a_config_is_documented(page: str, model: type) -> None:
    text = (ROOT / page).read_text()
    for key in model.model_fields:  # type: ignore[attr-defined]
        assert re.search(rf"`(?:[\w.…]+\.)?{key}`", text), f"{page} says nothing of `{key}`"


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
def test_every_option_has_help(name: str) -> None:
    script = f"scripts/{name.replace('-', '_')}.py"
    done = subprocess.run(
        [sys.executable, script, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "TERM": "dumb"},
    )
    options = re.findall(r"--[a-z-]+[^\n]*", done.stdout)
    assert options
    for line in options:
        assert len(line.split("  ")[-1].strip(" │")) > 10, f"{script}: {line} has no help"


def test_the_first_command_of_the_readme_is_the_one_that_installs_and_runs() -> None:
    first = re.search(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text())
    assert first
    assert first[1].endswith("pip install -c constraints.txt -e . && weasel run all")
