"""Whether the project can run, and what to do next. Imports nothing heavy, for it runs before everything else."""

import os
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import distill
from distill.corpus.split import load_split
from distill.errors import DistillError
from distill.files import count_lines, read_json
from distill.forgotten import load_forgotten
from distill.review.decisions import Decided, has_read, load_decisions
from distill.steps import (
    DERIVED,
    OVERRIDES,
    Steps,
    checksum,
    load_project,
    load_steps,
    overrides,
    refuse_unknown_overrides,
)
from distill.student.schedule import steps_for
from distill.task import Task, load_task
from distill.teacher.endpoint import Endpoint, load_config, load_endpoint

JOURNALS = ("assets/split.jsonl", "assets/responses.jsonl", "assets/reviews.jsonl", "assets/forgotten.jsonl")
"""Files that grow, and are dependencies of commands: they always exist, maybe empty."""

OUTGROWN = 1.5
"""How many times the steps would have to be more, by what `new-task` reckons, before that is worth saying."""


@dataclass
class Checked:
    """done: what the check did itself; found: the state of the project, a line each; next: what to do now."""

    done: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    next: str = ""


def check(root: Path) -> Checked:
    """Check the configuration and the fixed assets of the project in `root`, make the journals that are missing, and
    see that decisions which arrived while `convert` ran are not passed over.

    Raises DistillError at the first thing that must be mended, with the remedy.
    """
    checked = Checked()
    _one_environment(root)
    task = load_task(root / "configs/task.yml")
    project = load_project(root)
    endpoint = load_endpoint(root / "configs/teacher.cfg")
    _configs_agree(root, project, task, has_teacher=endpoint is not None)
    _checksums(root, project)
    steps = load_steps(root)
    refuse_unknown_overrides(steps.variables)
    _outputs_were_made(steps)
    for name in JOURNALS:
        path = root / name
        if not path.exists():
            path.touch()
            checked.done.append(f"{name}: made, empty")
    decided = load_decisions(root / "assets/reviews.jsonl")
    load_forgotten(root / "assets/forgotten.jsonl")
    _deps_are_there(steps)
    _stale_manifest(root, checked)
    _state(root, project, task, endpoint, decided, checked)
    _what_weasel_does_not_say(steps, checked)
    return checked


def _one_environment(root: Path) -> None:
    """A fork that runs in its parent's virtual environment would mix the code of both."""
    package = Path(distill.__file__).resolve()
    if not package.is_relative_to(root.resolve()):
        raise DistillError(
            f"the package `distill` is imported from {package.parent}, outside this project",
            "Make a virtual environment for this project and install it there: `pip install -e .`",
        )


def _configs_agree(root: Path, project: dict[str, Any], task: Task, *, has_teacher: bool) -> None:
    variables = project["vars"]
    if variables["lang"] != task.language:
        raise DistillError(
            f"project.yml: `lang` is {variables['lang']!r}, but `language` in configs/task.yml is {task.language!r}",
            "Make them the same.",
        )
    for name in ("teacher", "student") if has_teacher else ("student",):
        path = root / f"configs/{name}.cfg"
        config = load_config(path)
        if config["nlp"]["lang"] != task.language:
            raise DistillError(
                f"{path}: `lang` is {config['nlp']['lang']!r}, but `language` in configs/task.yml is {task.language!r}",
                "Make them the same.",
            )
        pipeline = [pipe for pipe in config["nlp"]["pipeline"] if pipe not in ("tok2vec", "transformer")]
        if sorted(pipeline) != sorted(task.kinds):
            raise DistillError(
                f"{path}: the pipeline is {', '.join(pipeline)}, but configs/task.yml has {', '.join(task.kinds)}",
                "Give both the same components.",
            )


def _checksums(root: Path, project: dict[str, Any]) -> None:
    """weasel only prints when an asset is not what its checksum says."""
    for asset in project.get("assets", []):
        path = root / asset["dest"]
        if not asset.get("checksum") or not path.exists():
            continue
        found = checksum(path)
        if found != asset["checksum"]:
            raise DistillError(
                f"{asset['dest']}: expected the MD5 {asset['checksum']}, got {found}",
                "If the change is meant, put the new checksum into project.yml (`assets`); if not, restore the file.",
            )


def _deps_are_there(steps: Steps) -> None:
    """A file that a step needs and nothing makes; that there are no texts yet is no mistake."""
    made: set[str] = set()
    for name in steps.order:
        step = steps.steps[name]
        for dep in step.deps:
            if dep not in made and dep != steps.variables["texts"] and not (steps.root / dep).exists():
                raise DistillError(
                    f"{dep}: `{name}` reads it, and it is neither there nor made by a step before",
                    "Restore it from version control, or mend `deps` in project.yml.",
                )
        made.update(step.outputs)


def _outputs_were_made(steps: Steps) -> None:
    """weasel notes an output that was never made as one without a hash, and skips the step for ever."""
    for name, entry in steps.lock.items():
        for out in entry["outs"]:
            if out["md5"] is None and name in steps.steps:
                raise DistillError(
                    f"project.lock: `{name}` has run and has not made {out['path']}, and weasel would skip it for ever",
                    f"Mend the step or its `outputs` in project.yml; then `weasel run {name} . --force`.",
                )


def _what_weasel_does_not_say(steps: Steps, checked: Checked) -> None:
    """What changes a run, or is left out of it, without a word."""
    if os.environ.get(OVERRIDES):
        checked.found.append(
            f"overrides: {OVERRIDES} sets {', '.join(overrides(of_the_run=False))} in every run of this shell; "
            "nothing can be pushed so"
        )
    named = {word for step in steps.steps.values() for word in step.words}
    there = (path for folder in DERIVED for path in (steps.root / folder).rglob("*") if path.is_file())
    names = [path.relative_to(steps.root) for path in there if path.name[0] != "."]
    stray = sorted(
        str(name)
        for name in names
        if str(name) not in named and not {str(name), *map(str, name.parents)} & steps.maker.keys()
    )
    if stray:
        checked.found.append(
            f"undeclared: no command of project.yml names {', '.join(stray[:5])}"
            + (f" and {len(stray) - 5} more" if len(stray) > 5 else "")
            + ", so nobody gets that by a pull"
        )
    provenance = steps.root / "training/provenance.json"
    then = read_json(provenance).get("libraries", {}) if provenance.exists() else {}
    differing = [f"{name} {old} → {now}" for name, old in then.items() if (now := _version(name)) != old]
    if differing:
        checked.found.append(
            f"libraries: not those that the model was made with ({', '.join(differing[:5])}); weasel does not see it. "
            "`weasel run all . --force` makes everything with these"
        )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _stale_manifest(root: Path, checked: Checked) -> None:
    """Without its manifest, a `convert` that has not seen all decisions runs again."""
    manifest = root / "corpus/manifest.json"
    if manifest.exists() and not has_read(manifest, root / "assets/reviews.jsonl"):
        manifest.unlink()
        checked.done.append("assets/reviews.jsonl has changed since the last convert, which will run again")


def _state(
    root: Path,
    project: dict[str, Any],
    task: Task,
    endpoint: Endpoint | None,
    decided: Decided,
    checked: Checked,
) -> None:
    source = root / project["vars"]["texts"]
    texts = count_lines(root / "corpus/texts.jsonl")
    answers = count_lines(root / "assets/responses.jsonl")
    split = load_split(root / "assets/split.jsonl")
    sizes = Counter(row.sample for row in split.rows.values())
    reviewed = Counter(
        split.rows[id_].sample if id_ in split.rows else "pool"
        for id_, decision in decided.settled.items()
        if not decision.labels
    )
    checked.found = [
        f"task: {task.title} ({', '.join(f'{kind} with {len(task.labels(kind))} labels' for kind in task.kinds)})",
        f"texts: {texts} ingested" if texts else f"texts: none ingested yet from {project['vars']['texts']}",
        f"teacher: {answers} answers recorded"
        if endpoint
        else "teacher: none (the pipeline in configs/teacher.cfg is empty)",
        f"reviews: {reviewed['test']} of {sizes['test']} test, {reviewed['dev']} of {sizes['dev']} dev, "
        f"{reviewed['pool']} of the pool" + (f"; {len(decided.conflicts)} in conflict" if decided.conflicts else ""),
    ]
    stale = sum(decision.guidelines != task.guidelines_version for decision in decided.settled.values())
    under_another = f"; {stale} decisions were made under another one" if stale else ""
    checked.found.append(f"guidelines: version {task.guidelines_version}{under_another}")
    _training_is_long_enough(root, texts, checked)
    if not _holds_something(source):
        checked.next = f'put texts into {project["vars"]["texts"]}, one a line ({{"text": "…"}}), then `weasel run all`'
    elif endpoint and endpoint.gguf and not answers and not (root / endpoint.gguf).exists():
        checked.next = "`weasel run fetch-teacher` gets the teacher's model file; then `weasel run all`"
    elif texts and reviewed["test"] < sizes["test"]:
        checked.next = "`weasel run all`; the unreviewed blind samples stand first in corpus/queue.jsonl"
    else:
        checked.next = "`weasel run all`"


def _training_is_long_enough(root: Path, texts: int, checked: Checked) -> None:
    """`new-task` set the steps for the texts that there were then."""
    steps = load_config(root / "configs/student.cfg")["training"]["max_steps"]
    wanted = steps_for(texts)
    if texts and wanted > OUTGROWN * steps:
        checked.found.append(
            f"training: there are {texts} texts by now, and `max_steps = {steps}` in configs/student.cfg was set for "
            f"fewer: {wanted}, and `patience` half of it, would be in keeping"
        )


def _holds_something(source: Path) -> bool:
    if source.is_dir():
        return any(source.iterdir())
    return source.exists() and source.stat().st_size > 0
