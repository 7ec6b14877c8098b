"""`training/report.html`: one self-contained page, every figure in it computed from files of the run."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import spacy
import srsly
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from spacy import displacy

from distill.files import read_json, read_jsonl, write_bytes
from distill.records import STATUSES, Annotated, read_records
from distill.student.evaluate import SYSTEMS, headline
from distill.task import Kind, Task, load_task

NAMES = {
    "baseline": "trivial baseline",
    "teacher": "teacher",
    "silver": "silver only",
    "reviewed": "reviews only",
    "two_stage": "silver, then reviews",
}
"""What the page calls the systems."""

_CORPORA = {"silver": "the teacher's annotations (silver)", "reviewed": "reviews"}

MEASURES: dict[Kind, str] = {
    "ner": "F of spans",
    "spancat": "F of spans",
    "textcat": "mean F of the labels",
    "textcat_multilabel": "mean F of the labels",
}
"""What the page calls the figure by which a component is compared."""

COLUMNS: dict[Kind, list[tuple[str, str]]] = {
    "ner": [("p", "precision"), ("r", "recall"), ("f", "F")],
    "spancat": [("p", "precision"), ("r", "recall"), ("f", "F")],
    "textcat": [("accuracy", "accuracy"), ("macro_f", "mean F")],
    "textcat_multilabel": [("p", "precision"), ("r", "recall"), ("macro_f", "mean F")],
}
"""The figures of each component that stand side by side, and what the page calls them."""

MAX_DIFFERENCES = 25
COLOURS = ("#f2b880", "#9fd0a4", "#9cc3e6", "#d9b3e6", "#e6a5a5", "#c9c96b", "#8fd3d1", "#c0b7ad")


@dataclass(frozen=True)
class Inputs:
    """The files that the report reads. logs: the training log of each stage."""

    task: Path
    silver: Path
    blind: Path
    manifest: Path
    metrics: Path
    predictions: Path
    curve: Path
    logs: dict[str, Path]


def report(inputs: Inputs, output: Path) -> list[str]:
    """Write the page, and return what it says first: a sentence each."""
    task = load_task(inputs.task)
    metrics = read_json(inputs.metrics)
    curve = read_json(inputs.curve)
    story = tell(metrics, task, curve)
    predictions = [row for _, row in read_jsonl(inputs.predictions)]
    environment = Environment(
        loader=PackageLoader("distill.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(percent=percent, points=points)
    page = environment.get_template("report.html.jinja").render(
        task=task,
        metrics=metrics,
        story=story,
        names=NAMES,
        measures=MEASURES,
        columns_of=COLUMNS,
        measured=[kind for kind in task.kinds if any(kind in of["test"] for of in metrics["systems"].values())],
        systems=SYSTEMS,
        headline=headline,
        curves={kind: series for kind in task.kinds if (series := _curve(curve, kind))},
        progress={name: rows for name, path in inputs.logs.items() if (rows := _progress(path))},
        teacher=_teacher(inputs),
        confusion=_confusion(predictions, task),
        differing=_differing(predictions, task),
        manifest=read_json(inputs.manifest),
        statuses=STATUSES,
    )
    write_bytes(output, page.encode())
    return story


def tell(metrics: dict[str, Any], task: Task, curve: Sequence[dict[str, Any]]) -> list[str]:
    """The story in sentences: what ships, whether it beats its teacher, whether silver helped. curve: the rows that
    `curve` wrote."""
    ships = metrics["ships"]
    if ships is None:
        return ["No student has learned anything yet: there are neither usable answers of the teacher nor reviews."]
    systems = metrics["systems"]
    history = " and then from ".join(_CORPORA[name] for name in systems[ships]["learned_from"])
    chosen = "; dev preferred it" if systems[ships]["dev"] is not None else ", chosen without any reviewed dev text"
    sentences = [f"What ships is the student that learned from {history}{chosen}."]
    if not metrics["differences"]:
        return [*sentences, "No test text has been reviewed yet, so nothing is known about how good it is."]
    control = "reviewed" if ships != "reviewed" else "two_stage"
    for kind in task.kinds:
        against = metrics["differences"].get(kind)
        if not against:
            continue
        student, teacher = (_value(metrics, system, kind) for system in (ships, "teacher"))
        sentence = f"{kind}: {MEASURES[kind]} {percent(student)}"
        if "teacher" in against:
            sentence += f", the teacher's {percent(teacher)}: {_difference(against['teacher'])}"
        sentences.append(f"{sentence}.")
        if not systems["silver"]["learned_from"].get("silver", {}).get(kind):
            if "teacher" in against:
                sentences.append(f"{kind}: no answer of the teacher could train unreviewed, so there was no silver.")
        elif control in against and ships != "silver":
            with_silver = against[control] if ships == "two_stage" else _negated(against[control])
            sentences.append(f"{kind}: {_silver_verdict(with_silver)}{_over_trainings(curve, kind)}.")
    return sentences


def _value(metrics: dict[str, Any], system: str, kind: Kind) -> float | None:
    figure = headline(metrics["systems"][system]["test"], kind)
    return figure["value"] if figure else None


def _negated(difference: dict[str, Any]) -> dict[str, Any]:
    interval = difference["interval"]
    return {"value": -difference["value"], "interval": interval and [-interval[1], -interval[0]]}


def _silver_verdict(difference: dict[str, Any]) -> str:
    """Whether learning from silver first helped, from (silver, then reviews) − (reviews only)."""
    low, high = difference["interval"] or (0.0, 0.0)
    verdict = "helped" if low > 0 else "hurt" if high < 0 else "made no difference that this test sample can show"
    return f"learning from silver before the reviews {verdict} ({_difference(difference)} against reviews only)"


def _over_trainings(curve: Sequence[dict[str, Any]], kind: Kind) -> str:
    """The same over all trainings of the curve on all reviews: an interval over texts knows nothing of the luck that a
    single training has with its first weights."""
    most = max((row["reviews"] for row in curve), default=0)
    by_seed: dict[int, dict[str, float]] = {}
    for row in curve:
        if row["reviews"] == most and kind in row:
            by_seed.setdefault(row["seed"], {})[row["system"]] = row[kind]
    leads = [both["two_stage"] - both["reviewed"] for both in by_seed.values() if len(both) == 2]
    if len(leads) < 2:
        return ""
    bounds = f"{points(min(leads))} to {points(max(leads))}"
    return f"; over {len(leads)} trainings from other weights {points(mean(leads))} on average, {bounds}"


def _difference(difference: dict[str, Any]) -> str:
    interval = difference["interval"]
    bounds = f", 95% interval {points(interval[0])} to {points(interval[1])}" if interval else ""
    return f"{points(difference['value'])} points{bounds}"


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal, a dash for none."""
    return "–" if value is None else f"{100 * value:.1f}"


def _curve(rows: list[dict[str, Any]], kind: Kind) -> dict[str, list[dict[str, float]]]:
    """For each system the points of its curve: reviews, and the mean, lowest and highest figure over the seeds."""
    lines: dict[str, list[dict[str, float]]] = {}
    for system in ("reviewed", "two_stage"):
        sizes = sorted({row["reviews"] for row in rows if row["system"] == system and kind in row})
        for size in sizes:
            values = [row[kind] for row in rows if row["system"] == system and row["reviews"] == size]
            point = {"reviews": size, "mean": mean(values), "low": min(values), "high": max(values)}
            lines.setdefault(system, []).append(point)
    return lines


def _progress(path: Path) -> list[dict[str, float]]:
    """Step and dev score of each evaluation in a training log."""
    rows = srsly.read_jsonl(path) if path.stat().st_size else []
    return [{"step": row["step"], "score": row["score"]} for row in rows if row.get("score") is not None]


def _teacher(inputs: Inputs) -> dict[str, Any]:
    """Statuses by component, and what was dropped from the answers by reason, over all texts."""
    statuses: dict[str, Counter[str]] = {}
    dropped: Counter[str] = Counter()
    texts = 0
    for path in (inputs.silver, inputs.blind):
        for record in read_records(path, Annotated):
            texts += 1
            for kind, run in record.teacher.items():
                statuses.setdefault(kind, Counter())[run.status] += 1
                dropped.update(f"{kind}: {item.reason.replace('_', ' ')}" for item in run.dropped)
    return {"texts": texts, "statuses": statuses, "dropped": dropped.most_common()}


def _confusion(predictions: list[dict[str, Any]], task: Task) -> dict[str, Any] | None:
    """How often each label of the texts was taken for which, by the student: rows are gold, columns what it said.
    None where texts have no label or several."""
    labels = task.labels("textcat")
    rows = [row for row in predictions if row["gold"]["accept"]]
    if not rows or not labels:
        return None
    counts = Counter((row["gold"]["accept"][0], (row["student"]["accept"] or [""])[0]) for row in rows)
    table = [[counts[right, said] for said in labels] for right in labels]
    return {"labels": labels, "rows": table, "most": max(max(row) for row in table) or 1}


def _differing(predictions: list[dict[str, Any]], task: Task) -> dict[str, Any]:
    """Test texts on which teacher and student differ, each as it was reviewed, and as student and teacher see it."""
    differing = [row for row in predictions if row["teacher"] != row["student"]]
    labels = task.labels(task.span_kind)
    colours = dict(zip(labels, (COLOURS * (len(labels) // len(COLOURS) + 1))[: len(labels)], strict=True))
    draw = _draw_overlapping(task, colours) if task.components.spancat else _draw(colours)
    shown = [
        {"id": row["id"], "sides": [_side(row, side, draw) for side in ("gold", "student", "teacher")]}
        for row in differing[:MAX_DIFFERENCES]
    ]
    return {"count": len(differing), "of": len(predictions), "shown": shown}


Draw = Callable[[str, list[dict[str, Any]]], str]
"""Makes a picture in HTML from a text and its spans."""


def _draw(colours: dict[str, str]) -> Draw:
    """Spans that do not overlap, marked in the running text."""
    options = {"colors": {_safe(label): colour for label, colour in colours.items()}}

    def draw(text: str, spans: list[dict[str, Any]]) -> str:
        ents = [{**span, "label": _safe(span["label"])} for span in spans]
        drawn = {"text": text, "ents": ents, "title": None}
        return displacy.render(drawn, style="ent", manual=True, jupyter=False, options=options)

    return draw


def _draw_overlapping(task: Task, colours: dict[str, str]) -> Draw:
    """Spans that may overlap, as lines below the tokens."""
    nlp = spacy.blank(task.language)
    options = {"colors": {_safe(label): colour for label, colour in colours.items()}}

    def draw(text: str, spans: list[dict[str, Any]]) -> str:
        doc = nlp.make_doc(text)
        found = [(doc.char_span(span["start"], span["end"], alignment_mode="expand"), span) for span in spans]
        drawn = {
            "text": text,
            "tokens": [token.text for token in doc],
            "spans": [
                {"start_token": place.start, "end_token": place.end, "label": _safe(span["label"])}
                for place, span in found
                if place is not None
            ],
        }
        return displacy.render(drawn, style="span", manual=True, jupyter=False, options=options)

    return draw


def _safe(label: str) -> str:
    """displaCy puts labels into the page as they are."""
    return str(Markup.escape(label))


def _side(row: dict[str, Any], side: str, draw: Draw) -> dict[str, Any]:
    said = row[side]
    return {
        "name": {"gold": "reviewed"}.get(side, side),
        "html": Markup(draw(row["text"], said["spans"])),
        "accept": said["accept"],
        "right": said == row["gold"] if side != "gold" else None,
    }
