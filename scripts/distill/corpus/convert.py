"""Silver annotations and people's decisions to what spaCy trains on."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as SpacySpan
from spacy.util import filter_spans
from wasabi import msg

from distill.corpus.docbin import SPANS_KEY, annotated, label_file
from distill.files import write_bytes, write_json, write_jsonl
from distill.records import PARTS, TRAINABLE, Annotated, Span, Text, read_records
from distill.review.decisions import Decided, Decision, is_whole, limits, load_decisions, reviews_digest
from distill.task import Kind, Task, load_task

RULE = "Decisions made under older guidelines are used like the others."
"""What becomes of decisions whose guidelines version is not that of task.yml."""


@dataclass
class Converted:
    """What `convert` did, and what it made it from; it is written to `corpus/manifest.json`.

    reviews_sha256: of the journal that was read. docs: texts in each corpus. silver: texts with a usable annotation of
    the teacher, by component. older_guidelines: decisions under another version of the guidelines. conflicts: texts
    whose decisions differ, which are left out. incomplete: decisions on some labels of a component, which does not
    train before all are decided. quarantined: decisions that cannot be used. left_out: decisions with the answer reject
    or ignore.
    """

    reviews_sha256: str = ""
    docs: dict[str, int] = field(default_factory=dict)
    silver: dict[Kind, int] = field(default_factory=dict)
    older_guidelines: int = 0
    conflicts: int = 0
    incomplete: int = 0
    quarantined: int = 0
    left_out: int = 0
    rule: str = RULE


def convert(texts_path: Path, silver_path: Path, reviews_path: Path, task_path: Path, output: Path) -> Converted:
    """Write `silver.spacy`, `train.spacy`, `dev.spacy`, `test.spacy`, `labels/`, `quarantine.jsonl` and `manifest.json`
    into the folder `output`.

    A decision that arrives while this runs is not missed: the journal is read again until it is the same at the end
    as at the start, and its hash stands in the manifest.
    """
    task = load_task(task_path)
    while True:
        before = reviews_digest(reviews_path)
        done = _convert(texts_path, silver_path, load_decisions(reviews_path), task, output)
        done.reviews_sha256 = before
        if reviews_digest(reviews_path) == before:
            break
        msg.info("A decision arrived meanwhile: converting again")
    write_json(output / "manifest.json", asdict(done))
    return done


def _convert(texts_path: Path, silver_path: Path, decided: Decided, task: Task, output: Path) -> Converted:
    nlp = spacy.blank(task.language)
    done = Converted(conflicts=len(decided.conflicts), silver=dict.fromkeys(task.kinds, 0))
    bins = {name: DocBin(store_user_data=True) for name in ("silver", "train", "dev", "test")}
    quarantine: list[dict[str, Any]] = []

    for record in read_records(silver_path, Annotated):
        doc = _silver_doc(nlp, record, task)
        if doc is not None:
            bins["silver"].add(doc)
            for kind in task.kinds:
                done.silver[kind] += annotated(doc, kind)

    unseen = set(decided.settled)
    for text in read_records(texts_path, Text):
        decision = decided.settled.get(text.id)
        if decision is None:
            continue
        unseen.discard(text.id)
        done.older_guidelines += decision.guidelines != task.guidelines_version
        if decision.answer != "accept":
            done.left_out += 1
            continue
        complete = _complete(decision, task)
        if complete != decision:
            done.incomplete += 1
            if complete.spans is None and complete.accept is None:
                continue
        doc, reason = _reviewed_doc(nlp, text, complete, task)
        if doc is None:
            quarantine.append(_quarantined(decision, reason))
        else:
            bins["train" if text.sample == "pool" else text.sample].add(doc)
    quarantine += [
        _quarantined(decided.settled[text_id], "no text with this id in the corpus") for text_id in sorted(unseen)
    ]

    for name, docs in bins.items():
        write_bytes(output / f"{name}.spacy", docs.to_bytes())
        done.docs[name] = len(docs)
    write_jsonl(output / "quarantine.jsonl", quarantine)
    done.quarantined = len(quarantine)
    # What the task does not have gets an empty file, for project.yml names both
    for kind in (task.span_kind or "ner", task.label_kind or "textcat"):
        write_json(label_file(output / "labels", kind), _label_data(nlp, kind, task.labels(kind)))
    return done


def _silver_doc(nlp: Language, record: Annotated, task: Task) -> Doc | None:
    """A doc with what the teacher said where its status may train; a component whose status may not stays missing."""
    trusted = {kind for kind, run in record.teacher.items() if run.status in TRAINABLE}
    if record.sample != "pool" or not trusted:
        return None
    doc = _doc(nlp, record.id, record.text)
    if task.span_kind in trusted and record.spans is not None:
        found = [doc.char_span(span.start, span.end, label=span.label) for span in record.spans]
        spans = [span for span in found if span is not None]
        _set_spans(doc, spans if task.span_kind == "spancat" else filter_spans(spans), task)
    if task.label_kind in trusted and record.accept is not None:
        _set_cats(doc, record.accept, task)
    return doc


def _set_spans(doc: Doc, spans: list[SpacySpan], task: Task) -> None:
    if task.span_kind == "spancat":
        doc.spans[SPANS_KEY] = spans
    else:
        doc.set_ents(spans, default="outside")


def _set_cats(doc: Doc, accept: list[str], task: Task) -> None:
    doc.cats = {label: float(label in accept) for label in task.labels(task.label_kind)}


def _complete(decision: Decision, task: Task) -> Decision:
    """A decision without the components of which some labels are not decided yet."""
    missing: dict[str, Any] = {
        part: None for part in PARTS if limits(decision, part) is not None and not is_whole(decision, part, task)
    }
    return decision.model_copy(update=missing) if missing else decision


def _reviewed_doc(nlp: Language, text: Text, decision: Decision, task: Task) -> tuple[Doc | None, str]:
    """A doc with what a person decided, or the reason why it cannot be made."""
    if text.sample == "held_out":
        return None, "the text is held out: it came later with the group of a text of the blind samples"
    if decision.text != text.text:
        return None, "the text has changed since the decision"
    doc = _doc(nlp, text.id, text.text)
    if decision.spans is None and decision.accept is None:
        return None, "nothing was decided: neither `spans` nor `accept` is there"
    if decision.spans is not None and task.span_kind:
        reason = _set_reviewed_spans(doc, decision.spans, task)
        if reason:
            return None, reason
    if decision.accept is not None and task.label_kind:
        allowed = task.labels(task.label_kind)
        unknown = [label for label in decision.accept if label not in allowed]
        if unknown or (task.label_kind == "textcat" and len(decision.accept) != 1):
            expected = f"{'exactly one' if task.label_kind == 'textcat' else 'any'} of {', '.join(allowed)}"
            return (
                None,
                f"labels of the text: expected {expected}, got {', '.join(decision.accept) or 'none'}",
            )
        _set_cats(doc, decision.accept, task)
    if not any(annotated(doc, kind) for kind in task.kinds):
        return None, f"nothing was decided on {', '.join(task.kinds)}"
    return doc, ""


def _set_reviewed_spans(doc: Doc, spans: list[Span], task: Task) -> str:
    """Set the spans of a doc; returns the reason where that cannot be."""
    allowed = task.labels(task.span_kind)
    set_: list[SpacySpan] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        place = f"span {span.start}–{span.end} {span.label} {doc.text[span.start : span.end]!r}"
        if span.label not in allowed:
            return f"{place}: expected a label of {', '.join(allowed)}"
        found = doc.char_span(span.start, span.end, label=span.label)
        if found is None:
            wider = doc.char_span(span.start, span.end, alignment_mode="expand")
            tokens = " | ".join(token.text for token in wider) if wider is not None else "none"
            return f"{place}: does not begin and end with a token; the tokens there are {tokens}"
        if task.span_kind == "ner" and set_ and found.start < set_[-1].end:
            return f"{place}: overlaps the span before it"
        set_.append(found)
    _set_spans(doc, set_, task)
    return ""


def _doc(nlp: Language, text_id: str, text: str) -> Doc:
    doc = nlp.make_doc(text)
    doc.user_data["id"] = text_id
    return doc


def _quarantined(decision: Decision, reason: str) -> dict[str, Any]:
    return {"reason": reason, **decision.model_dump(exclude_none=True)}


def _label_data(nlp: Language, kind: str, labels: list[str]) -> Any:
    """The labels in the form that spaCy's `read_labels` hands to the component."""
    if kind != "ner":
        return labels
    ner: Any = nlp.create_pipe("ner")
    actions = ner.moves.get_actions(entity_types=labels)
    # Sorted, for spaCy keeps the labels in sets, whose order differs from run to run
    return {str(action): dict(sorted(counts.items())) for action, counts in sorted(actions.items())}
