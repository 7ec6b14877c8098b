"""From what a teacher wrote to spans and labels. What is not used is returned with the reason, never just left out."""

import difflib
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from distill.records import Dropped, Span, Status
from distill.task import BETWEEN, NOTHING, Label

QUOTES = " \t*`\"'“”‘’«»「」『』"

REFUSALS = re.compile(
    r"\b(?:i(?:['’]m| am) sorry|i can(?:no|['’])t (?:help|assist|do|provide)"
    r"|as an ai\b|unable to (?:assist|help|comply))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Parsed:
    """spans: in the order of the text; labels: of the text. None where the component is not of that kind."""

    status: Status
    spans: list[Span] | None
    labels: list[str] | None
    dropped: list[Dropped]


def parse_mentions(
    answers: Mapping[str, str],
    text: str,
    tokens: Sequence[tuple[int, int]] = (),
    *,
    overlaps: bool = False,
    forgive_invented: bool = False,
) -> Parsed:
    """Spans from one answer a label, each a list of surface texts separated by commas or line ends, or `none`.

    tokens: (start, end) of the text's tokens, by which a mention is found where no white space divides the words. An
    answer that is empty does not say that there is none. Every mention of a surface text in `text` gets its label,
    whatever the order in the answer. Case and white space may differ from the text's where no exact match is found.
    Unless `overlaps` are wanted, of overlapping spans the longest stays, then the first. An answer that goes round in a
    circle counts once.

    The status is `partial` where something was dropped that may leave a mention of the text without its label. What
    lies inside a longer span (`nested`) does not. forgive_invented: neither does an item of which no word resembles one
    of the text (`invented`), as long as other items are found; a model that names things otherwise than the text does
    ("zucchini" for "courgette") must not be forgiven.
    """
    found: list[tuple[int, int, str]] = []
    dropped: list[Dropped] = []
    refused = empty = False
    bounds = {offset for token in tokens for offset in token}
    words = {*re.findall(r"\w+", text.casefold()), *(text[start:end].casefold() for start, end in tokens)}
    for label, answer in answers.items():
        if REFUSALS.search(answer):
            refused = True
            dropped.append(Dropped(reason="refusal", item=answer[:200]))
            continue
        if not answer.strip():
            empty = True
            dropped.append(Dropped(reason="empty_answer", item=label))
        items = _items(answer, label)
        for item in dict.fromkeys(items[:-1] if goes_round(answer) else items):
            if item.casefold() in NOTHING:
                continue
            places = _find(item, text, bounds)
            if not places:
                there = item.casefold() in text.casefold()
                reason = "not_in_text" if there or _resembles(item, words) else "invented"
                dropped.append(Dropped(reason=reason, item=f"{label}: {item}"))
            found += [(start, end, label) for start, end in places]
    spans: list[Span] = []
    # Of equal stretches the first label of the task comes first: the sort is stable, and a set would not be
    for start, end, label in sorted(dict.fromkeys(found), key=lambda hit: (hit[0] - hit[1], hit[0])):
        if overlaps or all(end <= other.start or start >= other.end for other in spans):
            spans.append(Span(start=start, end=end, label=label))
        else:
            longer = any(
                other.start <= start and end <= other.end and (other.start, other.end) != (start, end)
                for other in spans
            )
            dropped.append(Dropped(reason="nested" if longer else "overlap", item=f"{label}: {text[start:end]}"))
    spans.sort(key=lambda span: (span.start, span.end))
    harmless = {"nested", "invented"} if forgive_invented and spans else {"nested"}
    lossless = all(item.reason in harmless for item in dropped)
    status: Status = "partial" if not lossless else "ok" if spans else "ok_empty"
    status = "refused" if refused else "parse_error" if empty else status
    return Parsed(status, spans, None, dropped)


def goes_round(answer: str) -> bool:
    """Whether a list ends in what it had said before, as small models do until they are stopped: its last whole item
    is a repeated one, and what begins after it is what had followed it. Such an answer loses nothing by being cut off.
    """
    *items, last = [item.casefold() for item in _items(answer, "")] or [""]
    return len(items) > 1 and items[-1] in items[:-1] and items[items.index(items[-1]) + 1].startswith(last)


def parse_label(answer: str, labels: Mapping[str, Label]) -> Parsed:
    """The one label of a text from an answer that names it, alone or in a sentence."""
    if REFUSALS.search(answer):
        return Parsed("refused", None, [], [Dropped(reason="refusal", item=answer[:200])])
    names = {normalise(word): name for name, label in labels.items() for word in (name, *label.aliases)}
    said = normalise(answer)
    if named := _label(answer, labels, names):
        return Parsed("ok", None, [named], [])
    mentioned = {name for word, name in names.items() if re.search(rf"\b{re.escape(word)}\b", said)}
    if len(mentioned) == 1:
        return Parsed("ok", None, [mentioned.pop()], [])
    reason = "several_labels" if mentioned else "no_label"
    return Parsed("parse_error", None, None, [Dropped(reason=reason, item=answer[:200])])


def parse_labels(answer: str, labels: Mapping[str, Label]) -> Parsed:
    """Any number of labels of a text from an answer that lists them, or says `none`. An item that is no label's name
    makes the text `partial`; where nothing else was said, the answer could not be read."""
    if REFUSALS.search(answer):
        return Parsed("refused", None, [], [Dropped(reason="refusal", item=answer[:200])])
    names = {normalise(word): name for name, label in labels.items() for word in (name, *label.aliases)}
    items = _items(answer, "")
    said = [item for item in items if item in labels or item.casefold() not in NOTHING]
    read = {item: _label(item, labels, names) for item in said}
    found = set(filter(None, read.values()))
    dropped = [Dropped(reason="no_label", item=item) for item, name in read.items() if name is None]
    if not items:
        return Parsed("parse_error", None, None, [Dropped(reason="empty_answer", item="")])
    if dropped and not found:
        return Parsed("parse_error", None, None, dropped)
    return Parsed(
        "partial" if dropped else "ok" if found else "ok_empty", None, [n for n in labels if n in found], dropped
    )


def _label(said: str, labels: Mapping[str, Label], names: Mapping[str, str]) -> str | None:
    """The label that `said` names: exactly, since `C++` and `C#` differ in punctuation alone, or else by its normalised
    name or an alias of it."""
    exact = said.strip()
    return exact if exact in labels else names.get(normalise(said))


def normalise(words: str) -> str:
    """Case, punctuation and markdown taken off, `_` and `-` as spaces: for comparing the names of labels."""
    return " ".join(re.sub(r"[^\w\s&/]|_", " ", words.casefold()).split())


def _items(answer: str, label: str) -> list[str]:
    """The surface texts that an answer lists, without bullets, numbers, quotes, bold type and a leading label."""
    items = []
    for line in re.split(BETWEEN, answer):
        item = re.sub(r"^\s*(?:[-*•]+|\d+[.)])\s+", "", line).strip()
        item = re.sub(rf"^{re.escape(label)}\s*:\s*", "", item, flags=re.IGNORECASE)
        item = item.rstrip(" .:。").strip(QUOTES).rstrip(" .:。")
        if item:
            items.append(item)
    return items


def _find(item: str, text: str, bounds: Set[int]) -> list[tuple[int, int]]:
    """Where `item` stands in `text` as whole words or between `bounds`: exactly, or else without regard to case and
    white space."""
    words = r"\s+".join(re.escape(word) for word in item.split())
    for flags in (re.NOFLAG, re.IGNORECASE):
        places = [match.span() for match in re.finditer(words, text, flags)]
        whole = [place for place in places if all(at in bounds or not _inside_a_word(text, at) for at in place)]
        if whole:
            return whole
    return []


def _inside_a_word(text: str, at: int) -> bool:
    return re.fullmatch(r"\w\w", text[max(at - 1, 0) : at + 1]) is not None


def _resembles(item: str, words: Set[str]) -> bool:
    """Whether a word of `item` is like one of `words`: the same, another form of it, or misspelled."""
    return any(difflib.get_close_matches(word, words, n=1, cutoff=0.7) for word in re.findall(r"\w+", item.casefold()))
