"""F against the number of reviews: what more of them would bring, and whether silver saves any."""

import random
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.tokens import DocBin
from tqdm import tqdm

from distill.corpus.docbin import read_docs
from distill.files import write_json
from distill.student.evaluate import headline_scores
from distill.student.train import Stage, fit, workers
from distill.task import Kind, load_task


@dataclass(frozen=True)
class _Point:
    """One training of the curve: with how many of the reviews, in the order and with the weights of which seed."""

    stage: Stage
    task: Path
    test: Path
    reviews: int
    seed: int


def curve(
    stage: Stage, silver_model: Path, task: Path, test: Path, sizes: Sequence[int], seeds: int, output: Path
) -> list[dict[str, Any]]:
    """Train on 25, 50, … (`sizes`) and on all reviews of `stage.train`, from new weights (`reviewed`) and from the
    silver stage's (`two_stage`), `seeds` times each with other reviews and weights, and score on the test sample.

    Writes and returns rows of `system`, `reviews`, `seed` and the headline figure of each component. With no reviews
    or no test texts there are none.
    """
    total = len(read_docs(stage.train))
    points: list[tuple[str, _Point]] = []
    if total and read_docs(test):
        for reviews in [size for size in sizes if size < total] + [total]:
            for seed in range(seeds):
                for system, source in (("reviewed", None), ("two_stage", silver_model)):
                    own = replace(stage, source=source, seed=stage.seed + seed)
                    points.append((system, _Point(own, task, test, reviews, stage.seed + seed)))
    with ProcessPoolExecutor(workers(stage.gpu_id)) as pool:
        scores = tqdm(
            pool.map(_train_and_score, [point for _, point in points]),
            total=len(points),
            desc="trainings",
            unit="",
        )
        rows = [
            {"system": system, "reviews": point.reviews, "seed": point.seed, **of_point}
            for (system, point), of_point in zip(points, scores, strict=True)
        ]
    write_json(output, rows)
    return rows


def _train_and_score(point: _Point) -> dict[Kind, float]:
    """The headline figures of one training; runs in a process of its own."""
    task = load_task(point.task)
    docs = read_docs(point.stage.train)
    random.Random(point.seed).shuffle(docs)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "train.spacy"
        DocBin(docs=docs[: point.reviews]).to_disk(part)
        trained, _ = fit(replace(point.stage, train=part), quiet=True)
        return headline_scores(trained.nlp, read_docs(point.test), task)
