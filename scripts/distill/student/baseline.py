"""The trivial baseline: what a list of the reviewed spans and the most frequent labels of the reviewed texts would
do."""

from collections import Counter, defaultdict

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from distill.corpus.docbin import spans_of
from distill.student.score import Prediction
from distill.task import Task


class Baseline:
    """A gazetteer of the spans in `reviewed` docs, matched without regard to case, and the majority label; for
    `textcat_multilabel` the most frequent label, and all others that half of the texts have.

    A surface text with several labels gets the most frequent one. With no reviewed docs it finds nothing.
    """

    def __init__(self, task: Task, reviewed: list[Doc]) -> None:
        self._nlp: Language = spacy.blank(task.language)
        labels: dict[str, Counter[str]] = defaultdict(Counter)
        majority: Counter[str] = Counter()
        for doc in reviewed:
            for span in spans_of(doc):
                labels[span.text.lower()][span.label_] += 1
            majority.update(label for label, score in doc.cats.items() if score >= 0.5)
        patterns = [{"label": _most_frequent(counts), "pattern": surface} for surface, counts in sorted(labels.items())]
        if patterns:
            ruler = self._nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
            ruler.add_patterns(patterns)  # type: ignore[attr-defined]
        often = set()
        if task.components.textcat_multilabel:
            decided = sum(bool(doc.cats) for doc in reviewed)
            often = {label for label, count in majority.items() if 2 * count >= decided}
        self._labels = frozenset({_most_frequent(majority), *often} if majority else ())

    def __call__(self, text: str) -> Prediction:
        """What it says of a text. Its spans do not overlap."""
        spans = frozenset((ent.start_char, ent.end_char, ent.label_) for ent in self._nlp(text).ents)
        return Prediction(spans, self._labels)


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda label: (-counts[label], label))
