"""Everything that can label a text, side by side on the same blind test sample."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from distill.corpus.docbin import annotated, count_annotated, read_docs
from distill.files import write_json, write_jsonl
from distill.records import Annotated, count_words, read_records
from distill.review.decisions import load_decisions
from distill.student import score, speed
from distill.student.baseline import Baseline
from distill.student.score import Floats, Prediction, prediction, predictions
from distill.student.train import learned_from
from distill.task import SPAN_KINDS, Kind, Task, load_task
from distill.teacher.responses import load_responses

STUDENTS = ("two_stage", "reviewed", "silver")
"""The trained pipelines; where dev cannot tell them apart, the first one ships."""

SYSTEMS = ("baseline", "teacher", "silver", "reviewed", "two_stage")
"""All that is compared, in the order of the report."""


@dataclass(frozen=True)
class Inputs:
    """The files that an evaluation reads. corpus: the folder that `convert` wrote; models: the students' pipelines."""

    task: Path
    corpus: Path
    blind: Path
    reviews: Path
    responses: Path
    models: dict[str, Path]


def evaluate(inputs: Inputs, metrics_path: Path, predictions_path: Path) -> dict[str, Any]:
    """Score all systems on the test sample, choose by dev what ships, and write `metrics_path` (all figures) and
    `predictions_path` (a line a test text: what was decided, what the teacher and the shipped student say).

    Returns the metrics; a component without reviewed test texts has no figures in them.
    """
    task = load_task(inputs.task)
    gold = {name: read_docs(inputs.corpus / f"{name}.spacy") for name in ("train", "dev", "test")}
    students = {name: spacy.load(inputs.models[name]) for name in STUDENTS}
    teacher = {record.id: record for record in read_records(inputs.blind, Annotated)}
    baseline = Baseline(task, gold["train"])

    said: dict[str, dict[str, list[Prediction]]] = {}
    for sample in ("dev", "test"):
        docs = gold[sample]
        texts = [doc.text for doc in docs]
        said[sample] = {
            "baseline": [baseline(text) for text in texts],
            "teacher": [_of_teacher(teacher.get(doc.user_data["id"])) for doc in docs],
            **{name: predictions(nlp, texts) for name, nlp in students.items()},
        }

    counts = {
        sample: {system: _counts(task, gold[sample], predictions) for system, predictions in said[sample].items()}
        for sample in said
    }
    present: dict[str, set[Kind]] = {
        "baseline": _kinds(count_annotated(gold["train"], task.kinds)),
        "teacher": {kind for kind in task.kinds if any(kind in record.teacher for record in teacher.values())},
        **{name: _kinds(*learned_from(nlp).values()) for name, nlp in students.items()},
    }
    dev = {system: _dev_score(counts["dev"][system]) for system in SYSTEMS}
    ships = _choose(students, dev)
    metrics = {
        "ships": ships,
        "samples": {name: {"texts": len(part), "words": _words(part, task)} for name, part in gold.items()},
        "systems": {
            system: {
                "learned_from": learned_from(students[system]) if system in students else {},
                "dev": dev[system],
                "test": _figures(task, gold["test"], said["test"][system], present[system]),
            }
            for system in SYSTEMS
        },
        "differences": {
            kind: {
                system: score.difference(counts["test"][ships][kind], counts["test"][system][kind], _measure(kind))
                for system in SYSTEMS
                if system != ships and kind in present[system]
            }
            for kind in task.kinds
            if ships and kind in present[ships] and len(counts["test"][ships][kind])
        },
        "student": _student_costs(inputs.models[ships], [doc.text for doc in gold["test"]]) if ships else None,
        "teacher": _teacher_costs(teacher.values(), inputs.responses, task),
        "review": _review_costs(inputs.reviews),
    }
    write_json(metrics_path, metrics)
    write_jsonl(predictions_path, _rows(task, gold["test"], said["test"], ships))
    return metrics


def headline_scores(nlp: Language, gold: list[Doc], task: Task) -> dict[Kind, float]:
    """The headline figure of a pipeline on each component that was decided in `gold`."""
    said = predictions(nlp, [doc.text for doc in gold])
    return {kind: round(value, 4) for kind, value in _headline_values(_counts(task, gold, said)).items()}


def headline(figures: dict[str, Any], kind: Kind) -> dict[str, Any] | None:
    """The one figure by which a component is compared, from the figures of a system."""
    of_kind = figures.get(kind)
    return of_kind["f" if kind in SPAN_KINDS else "macro_f"] if of_kind else None


def _measure(kind: Kind) -> Callable[[Floats], Floats]:
    """What the headline figure measures: F over all spans, or the mean F of the labels of the texts."""
    return score.micro_f if kind in SPAN_KINDS else score.macro_f


def _headline_values(counts: dict[Kind, Floats]) -> dict[Kind, float]:
    """The headline figure of each component that was decided on some text, without an interval."""
    return {kind: float(_measure(kind)(of_kind.sum(axis=0))) for kind, of_kind in counts.items() if len(of_kind)}


def _of_teacher(record: Annotated | None) -> Prediction:
    """What the teacher said; where it failed, nothing."""
    if record is None:
        return Prediction()
    spans = frozenset((span.start, span.end, span.label) for span in record.spans or [])
    return Prediction(spans, frozenset(record.accept or []))


def _counts(task: Task, gold: list[Doc], said: Sequence[Prediction]) -> dict[Kind, Floats]:
    """Right, false and missed for each component, on the texts on which it was decided."""
    return {
        kind: (score.span_counts if kind in SPAN_KINDS else score.label_counts)(*pair, task.labels(kind))
        for kind in task.kinds
        for pair in [_decided(task, gold, said, kind)]
    }


def _decided(
    task: Task, gold: list[Doc], said: Sequence[Prediction], kind: Kind
) -> tuple[list[Prediction], list[Prediction]]:
    """The texts on which a component was decided: what is right, and what was said."""
    places = [at for at, doc in enumerate(gold) if annotated(doc, kind)]
    return [prediction(gold[at], task.label_kind) for at in places], [said[at] for at in places]


def _kinds(*counts: dict[Kind, int]) -> set[Kind]:
    """The components of which there was anything to learn from."""
    return {kind for of_corpus in counts for kind, count in of_corpus.items() if count}


SPAN_MEASURES: dict[str, Callable[[Floats], Floats]] = {
    "f": score.micro_f,
    "p": score.precision,
    "r": score.recall,
}
MEASURES: dict[Kind, dict[str, Callable[[Floats], Floats]]] = {
    "ner": SPAN_MEASURES,
    "spancat": SPAN_MEASURES,
    "textcat": {"macro_f": score.macro_f, "accuracy": score.recall},
    "textcat_multilabel": {"macro_f": score.macro_f, "p": score.precision, "r": score.recall},
}
"""The figures of each component, the one that systems are compared by first."""


def _figures(task: Task, gold: list[Doc], said: Sequence[Prediction], present: set[Kind]) -> dict[str, Any]:
    """All figures of a system on a sample, by component; one without decided texts is left out, and one of which the
    system knows nothing. Labels of `textcat_multilabel` have an average precision, too, where there are scores."""
    figures: dict[str, Any] = {}
    for kind, counts in _counts(task, gold, said).items():
        if not len(counts) or kind not in present:
            continue
        labels = score.by_label(counts, task.labels(kind))
        if kind == "textcat_multilabel":
            right, of_kind = _decided(task, gold, said, kind)
            for label, row in labels.items():
                row["ap"] = score.average_precision(right, of_kind, label)
        measured = {name: score.figure(counts, measure) for name, measure in MEASURES[kind].items()}
        figures[kind] = {"texts": len(counts), **measured, "labels": labels}
    return figures


def _dev_score(counts: dict[Kind, Floats]) -> float | None:
    """The mean of the components' headline figures on dev; None where no dev text was decided."""
    values = _headline_values(counts).values()
    return round(sum(values) / len(values), 4) if values else None


def _choose(students: dict[str, Language], dev: dict[str, float | None]) -> str | None:
    """The student that scores best on dev among those that learned something; None where none did."""
    trained = [name for name in STUDENTS if learned_from(students[name])]
    return max(trained, key=lambda name: (dev[name] or 0.0, -STUDENTS.index(name)), default=None)


def _student_costs(model: Path, texts: list[str]) -> dict[str, Any]:
    """Size on disk in bytes, and speed on one core (None without texts to measure it on)."""
    size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    return {"bytes": size, "speed": speed.measure(model, texts) if texts else None}


def _teacher_costs(records: Iterable[Annotated], responses_path: Path, task: Task) -> dict[str, Any]:
    """Tokens and time of the teacher on the blind samples, from the recorded answers."""
    answers = load_responses(responses_path)
    words, seconds, tokens_in, tokens_out, texts = 0, 0.0, 0, 0, 0
    teacher_ids = set()
    for record in records:
        texts += 1
        words += count_words(record.text, (token.text for token in record.tokens), task.language)
        for run in record.teacher.values():
            tokens_in += run.tokens_in
            tokens_out += run.tokens_out
            got = [response for key in run.keys if (response := answers.get(key))]
            seconds += sum(response.seconds for response in got)
            teacher_ids |= {response.teacher_id for response in got}
    return {
        "ids": sorted(teacher_ids),
        "texts": texts,
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "words_per_second": round(words / seconds, 1) if seconds else None,
        "milliseconds_per_text": round(1000 * seconds / texts, 1) if texts and seconds else None,
    }


def _review_costs(path: Path) -> dict[str, Any]:
    """Decisions in force, annotators, and the hours that the decisions took as far as they are known."""
    decided = load_decisions(path)
    known = [decision.seconds for decision in decided.standing if decision.seconds is not None]
    return {
        "decisions": len(decided.settled),
        "annotators": len({decision.annotator for decision in decided.standing}),
        "hours": round(sum(known) / 3600, 2) if known else None,
    }


def _words(docs: list[Doc], task: Task) -> int:
    return sum(count_words(doc.text, (token.text for token in doc), task.language) for doc in docs)


def _rows(
    task: Task, gold: list[Doc], said: dict[str, list[Prediction]], ships: str | None
) -> Iterable[dict[str, Any]]:
    nobody = itertools.repeat(Prediction())
    students = said[ships] if ships else nobody
    for doc, teacher, student in zip(gold, said["teacher"], students, strict=False):
        sides = {"gold": prediction(doc, task.label_kind), "teacher": teacher, "student": student}
        yield {
            "id": doc.user_data["id"],
            "text": doc.text,
            **{
                name: {
                    "spans": [{"start": a, "end": b, "label": label} for a, b, label in sorted(side.spans)],
                    "accept": [label for label in task.labels(task.label_kind) if label in side.labels],
                }
                for name, side in sides.items()
            },
        }
