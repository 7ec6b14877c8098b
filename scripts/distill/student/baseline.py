"""The trivial baseline: what a list of the reviewed spans and the most frequent label of the reviewed texts would
do."""

from collections import Counter, defaultdict

import spacy
from spacy.language import Language
from spacy.tokens import Doc


class Baseline:
    """A gazetteer of the spans in `reviewed` docs, matched without regard to case, and the majority label.

    A surface text with several labels gets the most frequent one. With no reviewed docs it finds nothing.
    """

    def __init__(self, language: str, reviewed: list[Doc]) -> None:
        self._nlp: Language = spacy.blank(language)
        labels: dict[str, Counter[str]] = defaultdict(Counter)
        majority: Counter[str] = Counter()
        for doc in reviewed:
            for ent in doc.ents:
                labels[ent.text.lower()][ent.label_] += 1
            majority.update(label for label, score in doc.cats.items() if score >= 0.5)
        patterns = [{"label": _most_frequent(counts), "pattern": surface} for surface, counts in sorted(labels.items())]
        if patterns:
            ruler = self._nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
            ruler.add_patterns(patterns)  # type: ignore[attr-defined]
        self._label = _most_frequent(majority) if majority else None

    def __call__(self, text: str) -> Doc:
        """Annotate a text: `ents`, and `cats` with the majority label."""
        doc = self._nlp(text)
        if self._label:
            doc.cats = {self._label: 1.0}
        return doc


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda label: (-counts[label], label))
