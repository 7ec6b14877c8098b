"""A wheel made again: its exact inputs from the remote storage, the commands that made it, and a comparison."""

import json
import shlex
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy
import spacy
from pydantic import BaseModel, ValidationError
from spacy.language import Language
from wasabi import msg

from distill.errors import DistillError
from distill.files import read_json
from distill.records import explain
from distill.share.provenance import libraries
from distill.share.remote import open_remote
from distill.share.state import fetch_file, progress


class Origin(BaseModel):
    """Of a wheel's provenance, what is needed to make it again."""

    files: dict[str, str]
    commands: dict[str, list[str]]
    libraries: dict[str, str]
    teacher: dict[str, Any] | None


@dataclass
class Reproduced:
    """What came out. ships: the student that ships; scores: by component and measure, of the wheel and of the new
    model; equal: whether all scores are; weights: by component, the largest difference of a weight (0: the same
    bytes); libraries: whose versions differ, with the wheel's and those here."""

    ships: str
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    libraries: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether all scores are the same; without any, whether all weights are."""
        if not self.scores:
            return not any(self.weights.values())
        return all(then == now for then, now in self.scores.values())


def reproduce(wheel: Path, address: str, folder: Path, root: Path) -> Reproduced:
    """Make the model of a wheel again, in the new folder `folder`, from what the remote storage has of its inputs, with
    the libraries that are installed here; nothing is asked of the teacher. root: of this project.

    Raises DistillError where the wheel does not say where it comes from, an input is not in the remote, a command
    fails, or the teacher would have to be asked.
    """
    with tempfile.TemporaryDirectory() as name:
        model = _unpack(wheel, Path(name))
        origin, meta = _origin(wheel, model)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DistillError(f"{folder}: there is something in it already", "Name a folder that is not there yet.")
        _fetch(origin, address, folder, root)
        for step, lines in origin.commands.items():
            for line in lines:
                msg.info(f"{step}: {line}")
                _run(line, folder, origin)
        here = libraries()
        found = Reproduced(ships=meta["ships"])
        found.libraries = {
            library: (then, here.get(library, "none"))
            for library, then in origin.libraries.items()
            if here.get(library) != then
        }
        metrics = read_json(folder / "training/metrics.json")
        found.scores = _scores(meta["scores"], metrics["systems"][found.ships]["test"])
        found.weights = _weights(model, folder / f"training/{found.ships}/model-best")
    return found


def _unpack(wheel: Path, folder: Path) -> Path:
    """The folder of the pipeline in a wheel."""
    try:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise DistillError(f"{wheel}: not a wheel ({error})", "Name a wheel that `weasel run package` made.") from None
    found = sorted(path.parent for path in folder.rglob("config.cfg"))
    if not found:
        raise DistillError(f"{wheel}: no spaCy pipeline is in it", "Name a wheel that `weasel run package` made.")
    return found[0]


def _origin(wheel: Path, model: Path) -> tuple[Origin, dict[str, Any]]:
    """Where a wheel says that it comes from, and what else it says of itself."""
    meta: dict[str, Any] = json.loads((model / "meta.json").read_bytes()).get("distill", {})
    try:
        origin = Origin.model_validate(meta.get("provenance"))
    except ValidationError as error:
        raise DistillError(
            f"{wheel}: it does not say where it comes from ({explain(error)})",
            "It was made before wheels said so, or by another project; it cannot be made again.",
        ) from None
    for path in origin.files:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise DistillError(f"{wheel}: it names {path}, outside of the project", "Do not use this wheel.")
    unanswered = (origin.teacher or {}).get("unanswered")
    if unanswered:
        raise DistillError(
            f"{wheel}: {unanswered} requests to the teacher had no answer when it was made, and would be sent now",
            "Only a model whose answers were all recorded can be made again.",
        )
    return origin, meta


def _fetch(origin: Origin, address: str, folder: Path, root: Path) -> None:
    """Put the inputs of a model into `folder`, or nothing where one is not to be had."""
    remote = open_remote(address, root)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        place = Path(name) / "project"
        for path in progress(list(origin.files), "inputs"):
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                fetch_file(remote, origin.files[path], target)
            except DistillError as error:
                raise DistillError(
                    f"{path} as it was then: {error.message}",
                    "It is only in the remote if `weasel run push` was run when the wheel was made, and no text of it "
                    "was forgotten since.",
                ) from None
        # What is in a package's __init__ are words alone
        for package in {path.parent for path in (place / "scripts/distill").rglob("*.py")} | {
            place / "scripts/distill"
        }:
            (package / "__init__.py").touch()
        if folder.exists():
            folder.rmdir()
        place.rename(folder)


def _run(line: str, folder: Path, origin: Origin) -> None:
    """Run one of the commands in `folder`, as weasel does: with the Python that runs this."""
    words = shlex.split(line)
    if words[:1] != ["python"] or words[1] not in origin.files:
        raise DistillError(f"{line}: not a command of this kind of project", "Run it by hand, if you trust it.")
    done = subprocess.run([sys.executable, *words[1:]], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise DistillError(f"{line}: failed in {folder}:\n{tail}", "What the wheel was made with is not all here.")


def _scores(then: dict[str, Any], now: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """The headline figures of both, by component and measure."""
    return {
        f"{kind} {measure}": (figure["value"], now.get(kind, {}).get(measure, {}).get("value", float("nan")))
        for kind, figures in then.items()
        for measure, figure in figures.items()
        if isinstance(figure, dict) and "value" in figure
    }


def _weights(then: Path, now: Path) -> dict[str, float]:
    """The largest difference of a weight, by component."""
    pipelines = spacy.load(then), spacy.load(now)
    found = {}
    for name in pipelines[0].pipe_names:
        one, other = (_parameters(nlp, name) for nlp in pipelines)
        if len(one) == len(other) and all(a.shape == b.shape for a, b in zip(one, other, strict=True)):
            found[name] = max((float(numpy.abs(a - b).max()) for a, b in zip(one, other, strict=True)), default=0.0)
        else:
            found[name] = float("inf")
    return found


def _parameters(nlp: Language, name: str) -> list[Any]:
    """All weights of a component, in an order that only depends on its structure."""
    model = getattr(nlp.get_pipe(name), "model", None)
    if model is None:
        return []
    return [node.get_param(key) for node in model.walk() for key in sorted(node.param_names) if node.has_param(key)]
