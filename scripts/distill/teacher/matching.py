"""Where a surface text stands in a text, whatever the case, white space, quotes, dashes and Unicode form."""

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterable, Set

SAME = str.maketrans(
    {**dict.fromkeys("“”„‟«»‹›″「」『』", '"'), **dict.fromkeys("‘’‚‛′`´", "'"), **dict.fromkeys("‐‑‒–—―−", "-")}
)
INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")


@functools.lru_cache(maxsize=8)
def _fold(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` without regard to case, white space, quotes, dashes and Unicode form, and for each of its characters
    where in `text` it comes from, as (start, end) in code points."""
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = start + 1
        if text[start].isspace():
            while end < len(text) and text[end].isspace():
                end += 1
            made = " "
        else:
            while end < len(text) and unicodedata.combining(text[end]):
                end += 1
            cluster = text[start:end].translate(SAME)
            made = "" if cluster in INVISIBLE else unicodedata.normalize("NFKD", cluster).casefold()
            made = unicodedata.normalize("NFKD", made)
        folded.append(made)
        places += [(start, end)] * len(made)
        start = end
    return "".join(folded), places


def find(item: str, text: str, bounds: Set[int]) -> list[tuple[int, int]]:
    """Where `item` stands in `text` as whole words or between `bounds`, in code points: exactly but for white space, or
    else without regard to case, quotes, dashes and Unicode form."""
    words = r"\s+".join(re.escape(word) for word in item.split())
    exact = _whole((match.span() for match in re.finditer(words, text)), text, bounds)
    if exact:
        return exact
    folded, places = _fold(text)
    wanted = _fold(item)[0].strip()
    if not wanted:
        return []
    hits = []
    for match in re.finditer(re.escape(wanted), folded):
        first, last = match.start(), match.end() - 1
        # A character that folds into several is found as a whole or not at all
        cut = (first and places[first] == places[first - 1]) or (
            last + 1 < len(places) and places[last] == places[last + 1]
        )
        if not cut:
            hits.append((places[first][0], places[last][1]))
    return _whole(hits, text, bounds)


def _whole(places: Iterable[tuple[int, int]], text: str, bounds: Set[int]) -> list[tuple[int, int]]:
    """Those of the places that are whole words; where some of them are whole tokens, too, these alone."""
    whole = [place for place in places if not any(_inside_a_word(text, at, bounds) for at in place)]
    return [place for place in whole if all(at in bounds for at in place)] or whole


def _inside_a_word(text: str, at: int, bounds: Set[int]) -> bool:
    """Whether an offset lies inside a word. In scripts without case many words stand together without a space: there a
    token's bound is a word's, which it is not inside `can|not`."""
    if not 0 < at < len(text) or not (_is_of_a_word(text[at - 1]) and _is_of_a_word(text[at])):
        return False
    return at not in bounds or any(side.upper() != side.lower() for side in text[at - 1 : at + 1])


def _is_of_a_word(character: str) -> bool:
    # Vowel signs are marks, and no word characters to a regular expression
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"


def resembles(item: str, words: Set[str]) -> bool:
    """Whether a word of `item` is like one of `words`: the same, another form of it, or misspelled."""
    return any(difflib.get_close_matches(word, words, n=1, cutoff=0.7) for word in re.findall(r"\w+", item.casefold()))
