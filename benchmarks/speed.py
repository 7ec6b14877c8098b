"""The student beside a pipeline of spaCy's default size, trained on the same data and measured in turn in one run."""

import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated

import spacy
from distill.corpus.docbin import read_docs
from distill.errors import run
from distill.student.evaluate import headline_scores
from distill.student.speed import measure
from distill.student.train import Stage, fit, save
from distill.task import load_task
from spacy.cli.init_config import init_config
from typer import Option
from wasabi import msg


def main(
    corpus: Annotated[Path, Option(help="The folder that convert wrote.")] = Path("corpus"),
    student: Annotated[Path, Option(help="The student's config.")] = Path("configs/student.cfg"),
    task: Annotated[Path, Option(help="What to learn.")] = Path("configs/task.yml"),
    rounds: Annotated[int, Option(help="Measurements of each pipeline, in turn.")] = 5,
) -> None:
    """Train both on CORPUS/train.spacy with the student's training settings, and print size, F and words a second."""
    loaded = load_task(task)
    gold = read_docs(corpus / "test.spacy")
    texts = [doc.text for doc in gold]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configs = {
            "student": student,
            "spaCy's default": _default_config(student, task, folder / "default.cfg"),
        }
        models = {}
        for system, config in configs.items():
            stage = Stage(config, corpus / "train.spacy", corpus / "dev.spacy", corpus / "labels", seed=0)
            models[system] = folder / system
            save(fit(stage)[0].nlp, models[system])
        speeds: dict[str, list[int]] = {system: [] for system in models}
        for _ in range(rounds):
            for system, model in models.items():
                speeds[system].append(measure(model, texts)["words_per_second"])
        rows = []
        for system, model in models.items():
            scores = headline_scores(spacy.load(model), gold, loaded)
            size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
            figures = [f"{100 * score:.1f}" for score in scores.values()]
            rows.append(
                [
                    system,
                    f"{size / 1e6:.1f}",
                    *figures,
                    f"{median(speeds[system]):,.0f}",
                    json.dumps(speeds[system]),
                ]
            )
    msg.table(rows, header=["pipeline", "MB", *scores, "words/s", "each round"], divider=True)
    ratios = [ours / theirs for ours, theirs in zip(*speeds.values(), strict=True)]
    msg.good(f"The student runs at {median(ratios):.2f} times the speed ({min(ratios):.2f} to {max(ratios):.2f})")


def _default_config(student: Path, task: Path, path: Path) -> Path:
    """What `spacy init config` gives for the task's components, with the student's training settings and labels."""
    loaded = load_task(task)
    config = init_config(lang=loaded.language, pipeline=list(loaded.kinds), optimize="efficiency", gpu=False)
    ours = spacy.util.load_config(student)
    for section in ("corpora", "training"):
        config[section] = ours[section]
    config["paths"].update(ours["paths"])
    config["initialize"]["components"] = ours["initialize"]["components"]
    config.to_disk(path)
    return path


if __name__ == "__main__":
    run(main)
