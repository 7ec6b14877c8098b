"""Docs that stay true: every key, option and command is documented, and what the docs name is there."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from conftest import ROOT, Project
from distill.review.decisions import Decision
from distill.task import Component, Components, Label, PromptExample, Task
from distill.teacher.endpoint import Endpoint
from test_project import COMMANDS
from typer.models import OptionInfo

PAGES = sorted(
    [ROOT / "README.md", ROOT / "assets/README.md", ROOT / "benchmarks/README.md", *(ROOT / "docs").glob("*.md")]
)


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
