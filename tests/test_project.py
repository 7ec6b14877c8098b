"""project.yml is the map: every command names all that it reads and writes, and weasel's traps are kept out of it."""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import srsly
from conftest import ROOT, Project

PROJECT: dict[str, Any] = srsly.read_yaml(ROOT / "project.yml")
VARS: dict[str, Any] = PROJECT["vars"]
COMMANDS: dict[str, dict[str, Any]] = {command["name"]: command for command in PROJECT["commands"]}
PEOPLES = ("assets/", "configs/")
APPENDS = {"annotate": {"assets/responses.jsonl"}, "ingest": {"assets/split.jsonl"}}
"""Journals that a command appends to: dependencies, never outputs."""


def fill(text: str) -> str:
    return re.sub(r"\$\{vars\.(\w+)\}", lambda match: str(VARS[match[1]]), text)


def listed(name: str, *keys: str) -> set[str]:
    return {fill(path) for key in keys for path in COMMANDS[name].get(key, [])}


def words(name: str) -> list[str]:
    return [word for line in COMMANDS[name]["script"] for word in fill(line).split()]


def closure(script: Path) -> set[str]:
    """The project's own modules that a script imports, directly or not, and their templates."""
    found: set[Path] = set()
    todo = [script]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "PackageLoader":
                todo += (path.parent / "templates").glob("*.jinja")
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            modules = [ROOT.joinpath("scripts", *name.split(".")).with_suffix(".py") for name in names]
            todo += [module for module in modules if module.exists()]
    return {str(path.relative_to(ROOT)) for path in found}


def test_the_keys_are_those_that_weasel_knows() -> None:
    from weasel.schemas import ProjectConfigSchema, validate

    assert validate(ProjectConfigSchema, PROJECT) == []
    assert PROJECT.keys() <= {
        "title",
        "description",
        "vars",
        "directories",
        "assets",
        "workflows",
        "commands",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_its_script_and_its_test_carry_the_same_name(name: str) -> None:
    own = name.replace("-", "_")
    assert words(name)[:2] == ["python", f"scripts/{own}.py"]
    assert len(COMMANDS[name]["script"]) == 1
    assert (ROOT / f"tests/test_{own}.py").exists()
    assert own not in sys.stdlib_module_names
    assert "|" not in COMMANDS[name]["help"], "it would break weasel's table"


def test_every_script_is_a_command() -> None:
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == {name.replace("-", "_") for name in COMMANDS}


@pytest.mark.parametrize(
    "name",
    [name for name in COMMANDS if COMMANDS[name].get("outputs") or COMMANDS[name].get("outputs_no_cache")],
)
def test_all_that_a_command_reads_is_in_its_deps(name: str) -> None:
    deps = listed(name, "deps")
    missing = closure(ROOT / f"scripts/{name.replace('-', '_')}.py") - deps
    assert not missing, (
        "add to the deps of " + name + ":\n" + "\n".join(f'      - "{path}"' for path in sorted(missing))
    )
    outputs = listed(name, "outputs", "outputs_no_cache")
    for word in words(name)[2:]:
        is_file = "/" in word and "." in Path(word).name and word != VARS["teacher_file"]
        if is_file or word.startswith("training/"):
            assert word in deps | outputs or any(path.startswith(word + "/") for path in outputs), (
                f"{word} is neither a dep nor an output"
            )
    for path in deps:
        assert not (ROOT / path).is_dir() or path.startswith("training/"), "a folder's hash knows no file names"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_dep_is_there_or_is_the_output_of_a_step_before(name: str) -> None:
    order = PROJECT["workflows"]["all"]
    before = order[: order.index(name)] if name in order else order
    made = {path for other in before for path in listed(other, "outputs")}
    for path in listed(name, "deps"):
        assert (ROOT / path).exists() or path in made, path
        if path in made:
            assert not path.startswith(PEOPLES)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_people_own_is_never_an_output(name: str) -> None:
    for path in listed(name, "outputs"):
        assert not path.startswith(PEOPLES)
        assert path.startswith(("corpus/", "training/", "packages/"))
    for path in listed(name, "outputs_no_cache"):
        assert path.startswith("assets/models/")
    for path in APPENDS.get(name, set()):
        assert path in listed(name, "deps")


def test_no_two_commands_write_the_same_file_and_none_writes_what_it_reads() -> None:
    seen: set[str] = set()
    for name in COMMANDS:
        outputs = listed(name, "outputs", "outputs_no_cache")
        assert not outputs & seen
        assert not outputs & listed(name, "deps")
        seen |= outputs


def test_no_output_folder_is_made_in_advance() -> None:
    """weasel's pull stops at a folder that is there already."""
    outputs = {path for name in COMMANDS for path in listed(name, "outputs")}
    assert not outputs & set(PROJECT["directories"])


def test_no_secret_is_interpolated() -> None:
    text = (ROOT / "project.yml").read_text()
    assert "env" not in PROJECT
    assert "${env." not in text


def test_every_variable_is_used_and_has_a_comment() -> None:
    text = (ROOT / "project.yml").read_text()
    for name in VARS:
        assert f"${{vars.{name}}}" in text or f'"{name}"' in (ROOT / "scripts/distill/check.py").read_text()
    block = text[text.index("vars:") : text.index("directories:")]
    assert sum(line.strip().startswith("#") for line in block.splitlines()) >= len(VARS) - 5


def test_only_what_just_tells_always_runs_and_interactive_steps_are_not_in_all() -> None:
    assert [name for name, command in COMMANDS.items() if command.get("no_skip")] == ["check", "agreement"]
    order = PROJECT["workflows"]["all"]
    assert order[0] == "check"
    assert not {"new-task", "import-reviews", "fetch-teacher", "forget-answers", "clean", "debug-data"} & set(order)
    for name in order[1:]:
        assert COMMANDS[name].get("outputs"), f"{name} would run every time"


def test_every_declared_output_is_made(ran: Project) -> None:
    lock = srsly.read_yaml(ran.path / "project.lock")
    assert lock.keys() == set(PROJECT["workflows"]["all"])
    for name, entry in lock.items():
        for out in entry["outs"]:
            assert out["md5"], f"{name} did not make {out['path']}, and would be skipped for ever"
    declared = {out["path"] for entry in lock.values() for out in entry["outs"]}
    for folder in ("corpus", "training", "packages"):
        for path in (ran.path / folder).rglob("*"):
            name = str(path.relative_to(ran.path))
            covered = any(name == out or name.startswith(out + "/") for out in declared)
            assert covered or path.is_dir() or path.name == ".gitkeep", f"{name} is made, but no output says so"
