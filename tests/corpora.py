"""Small corpora to train on."""

import json
from pathlib import Path

import spacy
from distill.corpus.convert import _label_data
from distill.corpus.docbin import label_file
from distill.student.config import student_config
from distill.student.train import Stage
from distill.task import Kind
from spacy.tokens import DocBin

TOPICS = ["technique", "substitution", "other"]
Row = tuple[str, list[tuple[str, str]], str]


def corpus(path: Path, rows: list[Row]) -> Path:
    """A DocBin of (text, [(surface, label)], topic)."""
    nlp = spacy.blank("en")
    made = DocBin(store_user_data=True)
    for number, (text, spans, topic) in enumerate(rows):
        doc = nlp.make_doc(text)
        doc.user_data["id"] = f"t{number}"
        ents = [
            doc.char_span(text.index(surface), text.index(surface) + len(surface), label=label)
            for surface, label in spans
        ]
        doc.set_ents([ent for ent in ents if ent is not None], default="outside")
        doc.cats = {name: float(name == topic) for name in TOPICS}
        made.add(doc)
    made.to_disk(path)
    return path


def stage(folder: Path, train: list[Row], dev: list[Row], *, source: Path | None = None, steps: int = 100) -> Stage:
    """A training of the example's student config on these rows, for `steps` steps."""
    folder.mkdir(parents=True, exist_ok=True)
    config = student_config("en", {"ner": 2, "textcat": 3}, texts=1).replace("max_steps = 1000", f"max_steps = {steps}")
    (folder / "student.cfg").write_text(config.replace("eval_frequency = 100", "eval_frequency = 25"))
    (folder / "labels").mkdir(exist_ok=True)
    nlp = spacy.blank("en")
    kinds: dict[Kind, list[str]] = {"ner": ["DISH", "EQUIPMENT"], "textcat": TOPICS}
    for kind, labels in kinds.items():
        label_file(folder / "labels", kind).write_text(json.dumps(_label_data(nlp, kind, labels)))
    return Stage(
        config=folder / "student.cfg",
        train=corpus(folder / "train.spacy", train),
        dev=corpus(folder / "dev.spacy", dev),
        labels=folder / "labels",
        seed=0,
        source=source,
    )


WAYS: list[Row] = [
    (f"How do I stir {dish} in a {tool}?", [(dish, "DISH"), (tool, "EQUIPMENT")], "technique")
    for dish in ("risotto", "porridge", "polenta", "custard")
    for tool in ("saucepan", "wok", "skillet")
]
SWAPS: list[Row] = [
    (f"What instead of {thing} for {dish}?", [(dish, "DISH")], "substitution")
    for thing in ("butter", "cumin", "thyme", "sugar")
    for dish in ("risotto", "porridge", "custard")
]
