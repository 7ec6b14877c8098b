"""Reading the DocBins that `convert` wrote."""

from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from distill.task import KINDS, Kind


def read_docs(path: Path) -> list[Doc]:
    """The docs of a DocBin, with a vocabulary of their own."""
    return list(DocBin(store_user_data=True).from_disk(path).get_docs(Vocab()))


def annotated(doc: Doc, kind: Kind) -> bool:
    """Whether a doc says anything of a component, were it that there is nothing."""
    return bool(doc.cats) if kind == "textcat" else doc.has_annotation("ENT_IOB")


def count_annotated(docs: list[Doc]) -> dict[Kind, int]:
    """The number of docs that say anything of a component, by component."""
    return {kind: sum(annotated(doc, kind) for doc in docs) for kind in KINDS}
