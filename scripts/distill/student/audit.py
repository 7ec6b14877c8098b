"""Reviewed texts of the pool whose decisions are doubted by students that have not seen them.

Cross-validation: each text is predicted by students that were trained on the other folds. The blind samples stay out of
it, for a second look that a model asked for would bend the figures that it is measured by.
"""

import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from tqdm import tqdm

from distill.corpus.docbin import annotated, read_docs
from distill.files import write_jsonl
from distill.student.score import Prediction, prediction, predictions
from distill.student.train import Stage, fit, workers
from distill.task import Task


@dataclass(frozen=True)
class _Fold:
    """One training: on the texts at `learn`, to predict those at `held`."""

    stage: Stage
    learn: list[int]
    held: list[int]


def audit(stage: Stage, task: Task, folds: int, rounds: int, output: Path) -> int:
    """Write the texts of `stage.train` of which the students think otherwise than the decision, those first of which
    they do so most; returns how many.

    Each of `rounds` draws other folds and weights. A row holds `decided`, and `students`: the spans and the labels
    of the text that all of them have and the decision has not. What the decision has and no student found is not a
    doubt, for that is what a student of few texts does with every rare word. Fewer than two texts give no rows.
    """
    docs = read_docs(stage.train)
    jobs = [job for number in range(rounds) for job in _folds(stage, len(docs), folds, number)] if docs[1:] else []
    said: dict[int, list[Prediction]] = defaultdict(list)
    with ProcessPoolExecutor(workers(stage.gpu_id)) as pool:
        seen = tqdm(pool.map(_predict, jobs), total=len(jobs), desc="trainings", unit="")
        for job, of_job in zip(jobs, seen, strict=True):
            for place, one in zip(job.held, of_job, strict=True):
                said[place].append(one)
    rows = [_row(docs[place], of_text, task) for place, of_text in said.items()]
    doubtful = sorted((row for row in rows if row["doubt"]), key=lambda row: (-row["doubt"], row["id"]))
    return write_jsonl(output, doubtful)


def _folds(stage: Stage, texts: int, folds: int, number: int) -> list[_Fold]:
    """The trainings of one round."""
    order = list(range(texts))
    random.Random(stage.seed + number).shuffle(order)
    own = replace(stage, seed=stage.seed + number)
    held = [order[first::folds] for first in range(min(folds, texts))]
    return [_Fold(own, sorted(set(order) - set(part)), part) for part in held]


def _predict(fold: _Fold) -> list[Prediction]:
    """What a student says of the texts that it has not seen; runs in a process of its own."""
    docs = read_docs(fold.stage.train)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "train.spacy"
        DocBin(docs=[docs[place] for place in fold.learn]).to_disk(part)
        trained, _ = fit(replace(fold.stage, train=part), quiet=True)
    return predictions(trained.nlp, [docs[place].text for place in fold.held])


def _row(doc: Doc, said: Sequence[Prediction], task: Task) -> dict[str, Any]:
    """A text with its decision, and what all students have otherwise."""
    decided = prediction(doc, task.label_kind)
    spans, labels = frozenset[tuple[int, int, str]](), frozenset[str]()
    if task.span_kind and annotated(doc, task.span_kind):
        spans = frozenset.intersection(*(one.spans for one in said)) - decided.spans
    if task.label_kind and annotated(doc, task.label_kind):
        labels = frozenset.intersection(*(one.labels for one in said)) - decided.labels
    return {
        "id": doc.user_data["id"],
        "text": doc.text,
        "doubt": len(spans) + len(labels),
        "decided": _side(doc, decided),
        "students": _side(doc, Prediction(spans, labels)),
    }


def _side(doc: Doc, said: Prediction) -> dict[str, Any]:
    return {
        "spans": [
            {"start": start, "end": end, "label": label, "surface": doc.text[start:end]}
            for start, end, label in sorted(said.spans)
        ],
        "accept": sorted(said.labels),
    }
