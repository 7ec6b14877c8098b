"""Long texts in parts that a request can hold, cut where paragraphs, lines or sentences end."""

import re
from collections.abc import Iterator

from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

PART_CHARACTERS = 3000
"""Code points of a part, where a config does not say."""

BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"\n"))


def parts_of(doc: Doc, most: int) -> list[tuple[int, int]]:
    """The parts of a text as (start, end) in code points, in order: the whole of it where it has `most` code points or
    fewer. Parts do not overlap, and nothing but white space lies between them. Only a token that is longer than `most`
    makes a part that is, too.
    """
    text = doc.text
    if len(text) <= most:
        return [(0, len(text))]
    parts: list[tuple[int, int]] = []
    for start, end in _pieces(doc, 0, len(text), most, level=0):
        if parts and end - parts[-1][0] <= most:
            parts[-1] = parts[-1][0], end
        else:
            parts.append((start, end))
    return parts


def _pieces(doc: Doc, start: int, end: int, most: int, level: int) -> Iterator[tuple[int, int]]:
    """Stretches of a text, without the white space around them, of which the parts are put together."""
    stretch = doc.text[start:end]
    start, end = start + len(stretch) - len(stretch.lstrip()), end - len(stretch) + len(stretch.rstrip())
    if start >= end:
        return
    if end - start <= most:
        yield start, end
    elif level < len(BREAKS):
        last = start
        for match in BREAKS[level].finditer(doc.text, start, end):
            yield from _pieces(doc, last, match.start(), most, level + 1)
            last = match.end()
        yield from _pieces(doc, last, end, most, level + 1)
    else:
        # spaCy's rules for the ends of sentences know the punctuation of many scripts
        for sentence in Sentencizer()(doc.copy()).sents:
            inside = [token for token in sentence if start <= token.idx < end and not token.is_space]
            if inside and inside[-1].idx + len(inside[-1]) - inside[0].idx <= most:
                yield inside[0].idx, inside[-1].idx + len(inside[-1])
            else:
                yield from ((token.idx, token.idx + len(token)) for token in inside)
