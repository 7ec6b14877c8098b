"""The wheel: the student that ships, with a model card, built without the network, the same bytes each time."""

import os
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import spacy
from jinja2 import Environment, PackageLoader, StrictUndefined
from packaging.requirements import Requirement
from spacy.cli.package import package as spacy_package
from spacy.language import Language

from distill.corpus.docbin import SPANS_KEY
from distill.errors import DistillError
from distill.files import read_json
from distill.student.evaluate import headline
from distill.student.train import META, History, learned_from, save
from distill.task import Kind, Task, load_task

EPOCH = "1577836800"
"""The time stamp of all files in the wheel (2020-01-01), so that it depends on the model alone."""


WHERE: dict[Kind, str] = {
    "ner": "label of a span (`doc.ents`)",
    "spancat": f'label of a span, which may overlap others (`doc.spans["{SPANS_KEY}"]`)',
    "textcat": "label of the text (`doc.cats`), exactly one",
    "textcat_multilabel": "label of the text (`doc.cats`), any number",
}
"""What the model card says of the labels of each component."""


def package(
    models: dict[str, Path],
    metrics_path: Path,
    provenance_path: Path,
    task_path: Path,
    output: Path,
    *,
    name: str,
    version: str,
) -> Path:
    """Build the wheel of the student that dev preferred into the folder `output`, and return its path.

    Raises DistillError where no student has learned anything, or the build fails.
    """
    metrics = read_json(metrics_path)
    ships = metrics["ships"]
    if ships is None:
        raise DistillError(
            "no student has learned anything: there are neither silver annotations nor reviews",
            "Run `weasel run annotate`, or add decisions to assets/reviews.jsonl; then `weasel run all`.",
        )
    task = load_task(task_path)
    nlp = spacy.load(models[ships])
    history = learned_from(nlp)
    nlp.meta.update(
        {
            "name": name,
            "version": version,
            "description": f"{task.title}: distilled from a large language model and people's corrections.",
            "license": nlp.meta.get("license") or "",
            "requirements": language_requirements(task.language),
            META: {
                "learned_from": history,
                "ships": ships,
                "scores": metrics["systems"][ships]["test"],
                "teacher": metrics["teacher"]["ids"],
                "reviews": metrics["review"]["decisions"],
                "provenance": read_json(provenance_path),
            },
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        save(nlp, model)
        (model / "README.md").write_text(_card(task, nlp, metrics, history), encoding="utf-8")
        spacy_package(
            model, Path(folder), create_sdist=False, create_wheel=False, require_parent=True, force=True, silent=True
        )
        project = Path(folder) / f"{task.language}_{name}-{version}"
        _build(project, output)
    for old in output.glob(f"{task.language}_{name}-*.whl"):
        if old.name != f"{task.language}_{name}-{version}-py3-none-any.whl":
            # `pip install packages/*.whl` must find one version
            old.unlink()
    wheel = output / f"{task.language}_{name}-{version}-py3-none-any.whl"
    if not wheel.exists():
        raise DistillError(
            f"{wheel}: the build made no such file",
            "Check `name` and `version` in project.yml: letters, digits, `_`; 1.2.3.",
        )
    return wheel


def language_requirements(language: str) -> list[str]:
    """What spaCy needs beside itself for a language, by its own extra of that name: Japanese has a tokenizer of its
    own, for one."""
    own = []
    for need in map(Requirement, requires("spacy") or []):
        if need.marker and need.marker.evaluate({"extra": language}) and not need.marker.evaluate({"extra": ""}):
            own.append(f"{need.name}{need.specifier}")
    return own


def _build(project: Path, output: Path) -> None:
    """Build the wheel with the installed setuptools: no isolation, so no network."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(output.absolute()),
            str(project),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise DistillError(
            f"the wheel could not be built:\n{tail}",
            "Install `build`, `setuptools` and `wheel` in this environment.",
        )


def _card(task: Task, nlp: Language, metrics: dict[str, Any], history: History) -> str:
    """The model card, in Markdown."""
    environment = Environment(
        loader=PackageLoader("distill.student"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    systems = metrics["systems"]
    return environment.get_template("model_card.md.jinja").render(
        task=task,
        meta=nlp.meta,
        package=f"{task.language}_{nlp.meta['name']}",
        metrics=metrics,
        test=systems[metrics["ships"]]["test"],
        teacher_test=systems["teacher"]["test"],
        history=history,
        headline=headline,
        where=WHERE,
    )
