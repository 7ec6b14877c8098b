"""Forks for public data sets, trained on people's labels alone, beside what `spacy init config` gives."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import spacy
from distill.corpus.docbin import label_file, read_docs
from distill.errors import DistillError, run
from distill.files import read_json, read_jsonl, write_json
from distill.student import score
from distill.student.evaluate import MEASURES
from distill.student.speed import measure
from distill.task import SPAN_KINDS, Kind, Task, load_task
from spacy.cli.init_config import init_config
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as spacy_train
from typer import Option
from wasabi import msg

ROUNDS = 5
DEFAULT = "spaCy's default"


@dataclass(frozen=True)
class DataSet:
    """A task on public data. files: the file of each part, in the folder of the data; a dev sample that is not among
    them is drawn, a tenth of the training part and 1,000 texts at the most."""

    kind: Kind
    files: dict[str, str]
    format: str = "jsonl"
    drawn: int = 0


SETS = {
    "crossner-politics": DataSet("ner", {"test": "test.jsonl", "dev": "dev.jsonl", "pool": "train.jsonl"}),
    "fashion-brands": DataSet(
        "ner", {"test": "fashion_brands_eval.jsonl", "pool": "fashion_brands_training.jsonl"}, "prodigy", drawn=120
    ),
    "snips slots": DataSet("ner", {"test": "test.jsonl", "pool": "train.jsonl"}, drawn=1000),
    "snips intents": DataSet("textcat", {"test": "test.jsonl", "pool": "train.jsonl"}, drawn=1000),
    "banking77": DataSet("textcat", {"test": "test.jsonl", "pool": "train.jsonl"}, drawn=1000),
}


def main(
    data: Annotated[Path, Option(help="The folder of data sets, a folder each.")],
    output: Annotated[Path, Option(help="Where the figures go, a file a data set; those that are there are kept.")],
    only: Annotated[list[str] | None, Option(help="A data set; repeat for several. All by default.")] = None,
    repo: Annotated[Path, Option(help="The repository to fork.")] = Path(),
) -> None:
    """Fork the project for each data set, import its labels, train and evaluate by the project's own commands; train
    spaCy's default configs with their own settings on the same texts; and measure both in turn."""
    names = only or list(SETS)
    if unknown := set(names) - SETS.keys():
        raise DistillError(f"--only {unknown.pop()}: expected one of {', '.join(SETS)}", "Correct it.")
    for name in names:
        file = output / f"{name.replace(' ', '-')}.json"
        if not file.exists():
            with tempfile.TemporaryDirectory() as folder:
                write_json(file, _compare(name, data / name.split()[0], Path(folder), repo))
        rows = [
            [
                row["pipeline"],
                f"{100 * row['value']:.1f} ({100 * row['interval'][0]:.1f} to {100 * row['interval'][1]:.1f})",
                row["ahead"],
                f"{median(row['words_per_second']):,.0f}",
                f"{row['bytes'] / 1e6:.1f}",
                row["steps"],
            ]
            for row in read_json(file)
        ]
        msg.table(rows, header=[name, "F (95%)", "student ahead by", "words/s", "MB", "steps"], divider=True)


def _compare(name: str, data: Path, folder: Path, repo: Path) -> list[dict[str, Any]]:
    """The figures of the student and of the default pipelines."""
    own = SETS[name]
    fork = folder / "fork"
    _fork(own, data, fork, repo)
    task = load_task(fork / "configs/task.yml")
    metrics = read_json(fork / "training/metrics.json")
    models = {"student": fork / f"training/{metrics['ships']}/model-best"}
    steps = {"student": _steps(fork / f"training/{metrics['ships']}/log.jsonl")}
    models[DEFAULT] = folder / "default"
    steps[DEFAULT] = _train_default(task, fork, models[DEFAULT])

    gold = read_docs(fork / "corpus/test.spacy")
    texts = [doc.text for doc in gold]
    right = [score.prediction(doc, task.label_kind) for doc in gold]
    count = score.span_counts if own.kind in SPAN_KINDS else score.label_counts
    counts = {
        system: count(right, score.predictions(spacy.load(model), texts), task.labels(own.kind))
        for system, model in models.items()
    }
    speeds: dict[str, list[int]] = {system: [] for system in models}
    for _ in range(ROUNDS):
        for system, model in models.items():
            speeds[system].append(measure(model, texts)["words_per_second"])
    main_measure = next(iter(MEASURES[own.kind].values()))
    rows = []
    for system, model in models.items():
        lead = score.difference(counts["student"], counts[system], main_measure)
        value, low, high = (f"{100 * figure:+.1f}" for figure in (lead["value"], *lead["interval"]))
        rows.append(
            {
                "pipeline": system,
                **score.figure(counts[system], main_measure),
                "ahead": "" if system == "student" else f"{value} ({low} to {high})",
                "words_per_second": speeds[system],
                "bytes": sum(path.stat().st_size for path in model.rglob("*") if path.is_file()),
                "steps": steps[system],
            }
        )
    return rows


def _fork(own: DataSet, data: Path, fork: Path, repo: Path) -> None:
    """Clone, new_task, import-reviews for each part, and the workflow up to `evaluate`."""
    env = {**os.environ, "PYTHONPATH": str(fork / "scripts")}

    def call(*command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=fork if fork.exists() else None, env=env, check=True)

    weasel = ("-m", "weasel")
    call(*weasel, "clone", ".", str(fork), "--repo", str(repo.absolute()))
    texts = fork.parent / "texts.jsonl"
    parts = {sample: [row for _, row in read_jsonl(data / file)] for sample, file in own.files.items()}
    texts.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for part in parts.values() for row in part))
    spans = own.kind in SPAN_KINDS
    labels = sorted({label for part in parts.values() for row in part for label in _labels(row, spans)})
    option = "--span-label" if spans else "--text-label"
    given = [word for label in labels for word in (option, f"{label}: {label.replace('_', ' ')}")]
    asked = ["--component", own.kind, "--language", "en", "--name", "benchmark", "--title", "A benchmark"]
    call("scripts/new_task.py", *asked, *given, "--texts", str(texts), "--teacher", "none", "--yes")
    for sample, part in parts.items():
        rows = [row if own.format == "prodigy" else _of_kind(row, spans) for row in part]
        (fork / "import.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        of_import = {"import_file": "import.jsonl", "import_format": own.format, "import_sample": sample}
        call(*weasel, "run", "import-reviews", ".", *(w for k, v in of_import.items() for w in (f"--vars.{k}", v)))
    call(*weasel, "run", "ingest", ".", "--vars.dev_texts", str(own.drawn))
    for name in ("annotate", "rank", "convert", "train-silver", "train-reviewed", "train", "evaluate"):
        call(*weasel, "run", name)


def _labels(row: dict[str, Any], spans: bool) -> Sequence[str]:
    return [span["label"] for span in row.get("spans", [])] if spans else row["accept"]


def _of_kind(row: dict[str, Any], spans: bool) -> dict[str, Any]:
    return {"text": row["text"], **({"spans": row["spans"]} if spans else {"accept": row["accept"]})}


def _steps(log: Path) -> int:
    return max(row["step"] for _, row in read_jsonl(log))


def _train_default(task: Task, fork: Path, output: Path) -> int:
    """Train what `spacy init config` gives, with its own settings, on the fork's corpora; returns the steps it took."""
    (kind,) = task.kinds
    config = init_config(lang=task.language, pipeline=[kind], optimize="efficiency", gpu=False)
    config["paths"].update({"train": str(fork / "corpus/train.spacy"), "dev": str(fork / "corpus/dev.spacy")})
    labels = {"@readers": "spacy.read_labels.v1", "path": str(label_file(fork / "corpus/labels", kind))}
    config["initialize"]["components"][kind] = {"labels": labels}
    log = output.parent / "default.jsonl"
    config["training"]["logger"] = {
        "@loggers": "spacy.ConsoleLogger.v3",
        "progress_bar": "train",
        "console_output": False,
        "output_file": str(log),
    }
    trained = output.parent / "default-training"
    trained.mkdir()
    spacy_train(init_nlp(config), trained)
    spacy.load(trained / "model-best").to_disk(output, exclude=["vocab"])
    return _steps(log)


if __name__ == "__main__":
    run(main)
