"""Reading the DocBins that `convert` wrote."""

from collections.abc import Iterable
from pathlib import Path

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from distill.task import LABEL_KINDS, Kind

SPANS_KEY = "sc"
"""The span group of `spancat`, spaCy's own default."""


def label_file(folder: Path, kind: Kind) -> Path:
    """Where in the folder of label files those of a component are, in the form that spaCy's `read_labels` takes: one
    file for spans, one for the labels of texts."""
    return folder / ("cats.json" if kind in LABEL_KINDS else "spans.json")


def read_docs(path: Path) -> list[Doc]:
    """The docs of a DocBin, with a vocabulary of their own."""
    return list(DocBin(store_user_data=True).from_disk(path).get_docs(Vocab()))


def annotated(doc: Doc, kind: Kind) -> bool:
    """Whether a doc says anything of a component, were it that there is nothing."""
    if kind in LABEL_KINDS:
        return bool(doc.cats)
    return SPANS_KEY in doc.spans if kind == "spancat" else doc.has_annotation("ENT_IOB")


def count_annotated(docs: list[Doc], kinds: Iterable[Kind]) -> dict[Kind, int]:
    """The number of docs that say anything of a component, for each of `kinds`."""
    return {kind: sum(annotated(doc, kind) for doc in docs) for kind in kinds}


def spans_of(doc: Doc) -> list[Span]:
    """The labelled spans of a doc: its span group where it has one, or else its entities."""
    return list(doc.spans[SPANS_KEY]) if SPANS_KEY in doc.spans else list(doc.ents)
