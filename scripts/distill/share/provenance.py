"""`training/provenance.json`: from which texts, answers, decisions, configs and code a model came."""

import platform
import re
import subprocess
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import combinations
from pathlib import Path
from shutil import which
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from distill.errors import DistillError
from distill.files import digest, file_digest, write_json
from distill.records import Annotated, read_records
from distill.review.agreement import compare
from distill.review.decisions import Decision, load_decisions
from distill.steps import SHIPS, load_steps
from distill.teacher.endpoint import Endpoint, cost, load_endpoint


def provenance(
    root: Path, output: Path, *, annotated: list[Path], reviews: Path, teacher_config: Path
) -> dict[str, Any]:
    """Write where the model of the project in `root` comes from, and return it: `files` (SHA-256 by path) are all that
    people wrote and the steps read, `commands` the steps as they ran, in order; beside these the seeds, the libraries,
    the machine, git's commit, the teacher and the reviews. No text, no name and no time stands in it.

    annotated: what `annotate` wrote.

    Raises DistillError where a file has changed since the step that read it ran, for then the model came from another.
    """
    steps = load_steps(root)
    # A step of its own makes the provenance, after all that it is about
    above = [name for name in steps.above(SHIPS) if str(output) not in steps.steps[name].outputs]
    missing = [name for name in above if name not in steps.lock]
    if missing:
        raise DistillError(
            f"{output}: where the model comes from cannot be said: `{missing[0]}` has not run", "Run `weasel run all`."
        )
    steps = steps.as_run(above)
    for name in above:
        if changed := steps.changed(steps.steps[name]):
            raise DistillError(
                f"{output}: where the model comes from cannot be said: {changed[0]}", "Run `weasel run all`."
            )
    files = {path: file_digest(root / path) for path in steps.sources(above)}
    commands = {name: list(steps.lock[name]["script"]) for name in above}
    made = {
        "files": files,
        "commands": commands,
        "seeds": seeds(commands),
        "git": git_state(root, list(files)),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": libraries(),
        "teacher": _teacher(annotated, load_endpoint(teacher_config)),
        "reviews": _reviews(reviews),
    }
    write_json(output, made)
    return made


def seeds(commands: dict[str, list[str]]) -> dict[str, int]:
    """The seed of each step that has one."""
    found = {name: re.search(r"--seed (-?\d+)", " ".join(lines)) for name, lines in commands.items()}
    return {name: int(match[1]) for name, match in found.items() if match}


def git_state(root: Path, files: list[str]) -> dict[str, Any] | None:
    """The commit that is checked out, and which of `files` are not in it, or not as they are there; None outside of
    git."""

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)

    if not which("git") or (commit := git("rev-parse", "HEAD")).returncode:
        return None
    tracked = set(git("ls-files", "-z").stdout.split("\0"))
    changed = set(git("diff", "--name-only", "--relative", "-z", "HEAD").stdout.split("\0"))
    return {"commit": commit.stdout.strip(), "changed": sorted(path for path in files if path not in tracked - changed)}


def libraries(name: str = "distill") -> dict[str, str]:
    """The versions of all that the project needs, directly or not, as installed here."""
    found: dict[str, str] = {}
    todo = [name]
    while todo:
        for line in requires(todo.pop()) or []:
            need = Requirement(line)
            key = canonicalize_name(need.name)
            if key in found or (need.marker and not need.marker.evaluate({"extra": ""})):
                continue
            try:
                found[key] = version(need.name)
            except PackageNotFoundError:
                continue
            todo.append(need.name)
    return dict(sorted(found.items()))


def _teacher(annotated: list[Path], endpoint: Endpoint | None) -> dict[str, Any] | None:
    """Who was asked what, as hashes of all requests by component, and what it took; None without a teacher."""
    if endpoint is None:
        return None
    keys: dict[str, set[str]] = defaultdict(set)
    unanswered = tokens_in = tokens_out = 0
    for path in annotated:
        for record in read_records(path, Annotated):
            for kind, run in record.teacher.items():
                keys[kind].update(run.keys)
                unanswered += run.status == "api_error"
                tokens_in += run.tokens_in
                tokens_out += run.tokens_out
    return {
        "id": endpoint.identity,
        "requests": {kind: len(of_kind) for kind, of_kind in sorted(keys.items())},
        "prompts_sha256": {kind: digest("\n".join(sorted(of_kind)).encode()) for kind, of_kind in sorted(keys.items())},
        "unanswered": unanswered,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost": None if endpoint.price_in is None else round(cost(endpoint, tokens_in, tokens_out), 4),
    }


def _reviews(path: Path) -> dict[str, Any]:
    """How many decisions are in force, how many each annotator made of them, most first and without names, and how
    annotators agree, by pairs."""
    decided = load_decisions(path)
    by_annotator: dict[str, dict[str, Decision]] = defaultdict(dict)
    for decision in decided.standing:
        by_annotator[decision.annotator][decision.text_id] = decision
    pairs = []
    for one, other in combinations(by_annotator.values(), 2):
        both = [(one[id_], other[id_]) for id_ in sorted(one.keys() & other.keys())]
        found = compare([pair for pair in both if pair[0].answer == pair[1].answer == "accept"])
        if found.texts:
            pairs.append({key: asdict(found)[key] for key in ("texts", "span_f", "kappa")})
    return {
        "texts": len(decided.settled),
        "conflicts": len(decided.conflicts),
        "annotators": sorted((len(made) for made in by_annotator.values()), reverse=True),
        "agreement": sorted(pairs, key=lambda pair: -pair["texts"]),
    }
