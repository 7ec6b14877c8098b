"""The steps of project.yml, and what project.lock says of them. All that is weasel's own is touched here."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import srsly
from weasel.cli.remote_storage import get_command_hash
from weasel.cli.run import get_lock_entry
from weasel.util import get_checksum, load_project_config

from distill.errors import DistillError
from distill.files import write_bytes

LOCK = "project.lock"
SHIPS = "package"
"""The step whose product ships: the steps above it are what a model came from."""

DERIVED = ("corpus", "training", "packages")
"""Folders of what the steps make."""

OVERRIDES = "WEASEL_CONFIG_OVERRIDES"
"""The environment variable from which weasel takes overrides for every run."""


@dataclass(frozen=True)
class Step:
    """A command of project.yml, its variables filled in. outputs: the paths it declares, those that weasel does not
    push left out."""

    command: dict[str, Any]

    @property
    def name(self) -> str:
        """As in project.yml."""
        return str(self.command["name"])

    @property
    def deps(self) -> list[str]:
        """The paths that it reads."""
        return list(self.command.get("deps", []))

    @property
    def words(self) -> list[str]:
        """The words of its command line."""
        return [word for line in self.command["script"] for word in shlex.split(line)]

    @property
    def outputs(self) -> list[str]:
        """The paths that it makes."""
        return list(self.command.get("outputs", []))


@dataclass(frozen=True)
class Changed:
    """Why what a step once made is not what it would make now.

    step: its name. what: `script` (it ran as another command line), `paths` (with other deps or outputs), `dep` or
    `output` (a file is not as it was then), `missing` (an output is not there), `never` (an output is declared and was
    not made), `empty` (an output is an empty folder), `unknown` (there are outputs, and no record of a run). path: of
    the dep or output.
    """

    step: str
    what: str
    path: str = ""

    def __str__(self) -> str:
        return {
            "script": f"`{self.step}` ran as another command than project.yml now has (`--vars`, or an edit)",
            "paths": f"`{self.step}` ran with other deps or outputs than project.yml now has",
            "dep": f"{self.path} has changed since `{self.step}` ran",
            "output": f"{self.path} is not what `{self.step}` made",
            "missing": f"{self.path}, which `{self.step}` makes, is not there",
            "never": f"`{self.step}` declares {self.path} and has never made it",
            "empty": f"{self.path}, which `{self.step}` makes, is an empty folder",
            "unknown": f"{self.path} is there, and project.lock knows of no run of `{self.step}`",
        }[self.what]


@dataclass(frozen=True)
class Steps:
    """The steps of the project in `root`, by name, in the order of project.yml; `variables`: its `vars`; `order`: of
    workflow `all`."""

    root: Path
    steps: dict[str, Step]
    variables: dict[str, Any]
    order: list[str]
    lock: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def maker(self) -> dict[str, str]:
        """The step that makes a path."""
        return {path: step.name for step in self.steps.values() for path in step.outputs}

    def now(self, step: Step) -> dict[str, Any]:
        """The entry that weasel would write into project.lock if the step had just run."""
        return dict(get_lock_entry(self.root, step.command))

    def command_hash(self, step: Step) -> str:
        """By which weasel's own pull finds the outputs of a step: of its command line and what it reads now."""
        return str(get_command_hash("", "", [self.root / dep for dep in step.deps], step.command["script"]))

    def changed(self, step: Step) -> list[Changed]:
        """What is not as it was when the step ran; empty where weasel would skip it, or it has never run."""
        name = step.name
        entry = self.lock.get(name)
        if entry is None:
            return [Changed(name, "unknown", path) for path in step.outputs if there(self.root / path)]
        now = self.now(step)
        found = [Changed(name, "script")] if entry["script"] != now["script"] else []
        if any(
            [file["path"] for file in entry[key]] != [file["path"] for file in now[key]] for key in ("deps", "outs")
        ):
            found.append(Changed(name, "paths"))
        then = {file["path"]: file["md5"] for file in entry["deps"]}
        deps = [file for file in now["deps"] if file["path"] in then]
        found += [Changed(name, "dep", file["path"]) for file in deps if then[file["path"]] != file["md5"]]
        made = {file["path"]: file["md5"] for file in entry["outs"]}
        for file in now["outs"]:
            path = file["path"]
            if path not in made:
                continue
            if made[path] is None:
                found.append(Changed(name, "never", path))
            elif file["md5"] is None:
                found.append(Changed(name, "missing", path))
            elif not there(self.root / path):
                found.append(Changed(name, "empty", path))
            elif file["md5"] != made[path]:
                found.append(Changed(name, "output", path))
        return found

    def as_run(self, names: Iterable[str]) -> "Steps":
        """The same steps, those of `names` as they ran, by weasel's lock: with the variables that were set then."""
        steps = dict(self.steps)
        for name in names:
            entry = self.lock[name]
            paths = {
                key: [file["path"] for file in entry[part]] for key, part in (("deps", "deps"), ("outputs", "outs"))
            }
            steps[name] = Step({"name": name, "script": list(entry["script"]), **paths})
        return Steps(self.root, steps, self.variables, self.order, self.lock)

    def will_run(self) -> list[str]:
        """The steps of workflow `all` that weasel would run now, as far as can be told before: those that have changed,
        and those that read what they make. `check`, which always runs, is left out."""
        found: list[str] = []
        for name in self.order:
            step = self.steps[name]
            if not step.outputs:
                continue
            if name not in self.lock or self.changed(step) or {self.maker.get(dep) for dep in step.deps} & set(found):
                found.append(name)
        return found

    def above(self, name: str) -> list[str]:
        """The steps that a step's deps come from, directly or not, in the order of project.yml."""
        found: set[str] = set()
        todo = [name]
        while todo:
            makers = {self.maker[dep] for dep in self.steps[todo.pop()].deps if dep in self.maker}
            todo += makers - found
            found |= makers
        return [step for step in self.steps if step in found]

    def sources(self, names: Iterable[str]) -> list[str]:
        """The files that steps read and no step makes: what people wrote, the code included; sorted. A folder is the
        files in it."""
        found: set[str] = set()
        for dep in {dep for name in names for dep in self.steps[name].deps if dep not in self.maker}:
            place = self.root / dep
            inside = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
            found |= {f"{dep}/{path.relative_to(place).as_posix()}" if place.is_dir() else dep for path in inside}
        return sorted(found)


def load_project(root: Path) -> dict[str, Any]:
    """project.yml with its variables filled in, without overrides."""
    return dict(load_project_config(root))


def checksum(path: Path) -> str:
    """weasel's checksum of a file or folder: MD5."""
    return str(get_checksum(path))


def load_steps(root: Path) -> Steps:
    """Read project.yml, without overrides, and project.lock of the project in `root`."""
    config = load_project(root)
    lock = root / LOCK
    steps = {command["name"]: Step(command) for command in config["commands"]}
    read = _read_lock(lock) if lock.exists() else {}
    return Steps(root, steps, dict(config["vars"]), list(config["workflows"]["all"]), read)


def _read_lock(path: Path) -> dict[str, Any]:
    try:
        read = srsly.read_yaml(path) or {}
        if all({"script", "deps", "outs"} <= entry.keys() for entry in read.values()):
            return dict(read)
    except (ValueError, AttributeError):
        pass
    raise DistillError(f"{path}: not as weasel writes it", "Delete it; `weasel run all` then runs all steps again.")


def write_lock(root: Path, lock: dict[str, Any]) -> None:
    """Replace project.lock."""
    write_bytes(root / LOCK, srsly.yaml_dumps(lock).encode())


def there(path: Path) -> bool:
    """Whether there is a file, or a folder with a file in it."""
    return path.is_file() or (path.is_dir() and any(file.is_file() for file in path.rglob("*")))


def overrides(*, of_the_run: bool = True) -> list[str]:
    """The names of the variables that the environment sets and, with `of_the_run`, the flags of the weasel process that
    started this one."""
    arguments = os.environ.get(OVERRIDES, "").split()
    parent = psutil.Process().parent()
    if of_the_run and parent is not None:
        try:
            line = parent.cmdline()
        except psutil.Error:
            line = []
        if any("weasel" in word or word == "project" for word in line[:4]):
            arguments += line
    flags = [argument.split("=")[0] for argument in arguments if argument.startswith("--vars.")]
    return [flag.removeprefix("--vars.") for flag in flags]


def refuse_unknown_overrides(variables: dict[str, Any]) -> None:
    """weasel passes over a name that it does not know, and the run is not the one that was asked for.

    Raises DistillError.
    """
    for name in overrides():
        if name not in variables and name.replace("-", "_") not in variables:
            raise DistillError(
                f"`--vars.{name}`: project.yml has no such variable",
                f"Correct it; the variables are: {', '.join(variables)}.",
            )
