"""A few texts live, before the big run: what is asked, what comes back, what is read of it and what is not."""

import random
from dataclasses import dataclass
from pathlib import Path

from distill.errors import DistillError
from distill.records import Annotated
from distill.teacher.adapter import load_teacher
from distill.teacher.annotate import annotated_texts, check_examples, read_answers
from distill.teacher.asking import Asked, Request, requests_of
from distill.teacher.endpoint import load_endpoint
from distill.teacher.estimate import ask_missing
from distill.teacher.responses import Response


@dataclass(frozen=True)
class Looked:
    """One text: its record, and its requests with their answers; None for one that got none."""

    record: Annotated
    exchanges: list[tuple[Request, Response | None]]


def smoke(
    texts_path: Path, task_path: Path, config_path: Path, journal_path: Path, *, count: int, seed: int
) -> tuple[list[Looked], Asked]:
    """Ask about `count` texts of the pool, drawn at random; the answers are recorded, so that nothing is paid twice.

    Raises DistillError where there is no teacher, or it may not be asked.
    """
    endpoint = load_endpoint(config_path)
    if endpoint is None:
        raise DistillError(
            f"{config_path}: there is no teacher (its pipeline is empty)", "docs/teach.md shows how to name one."
        )
    check_examples(task_path, texts_path)
    nlp, components = load_teacher(config_path)
    # The blind samples are not for looking at: prompts that are mended by them are measured too well
    pool = [text.id for text in annotated_texts(texts_path) if text.sample == "pool"]
    drawn = set(random.Random(seed).sample(pool, min(count, len(pool))))
    texts = [text for text in annotated_texts(texts_path) if text.id in drawn]
    recorded, _, asked = ask_missing(lambda: texts, nlp, components, endpoint, config_path, journal_path)
    looked = []
    for text in texts:
        record = read_answers(text, nlp, components, recorded, asked.failures)
        exchanges = [(request, recorded.get(request.key)) for request in requests_of(text.text, nlp, components)]
        looked.append(Looked(record, exchanges))
    return looked, asked
