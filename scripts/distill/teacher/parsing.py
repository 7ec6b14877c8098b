"""From what a teacher wrote to spans and labels. What is not used is returned with the reason, never just left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from distill.records import Dropped, Span, Status
from distill.task import Label

NOTHING = frozenset({"none", "no", "nothing", "n/a", "na", "null", "empty", "[]", "-"})
"""Items that say: there is none; in small letters."""

QUOTES = " \t*`\"'“”‘’«»"

REFUSALS = re.compile(
    r"\b(?:i(?:['’]m| am) sorry|i can(?:no|['’])t (?:help|assist|do|provide)"
    r"|as an ai\b|unable to (?:assist|help|comply))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Parsed:
    """spans: not overlapping, in the order of the text; labels: of the text. None where the component is not of that
    kind."""

    status: Status
    spans: list[Span] | None
    labels: list[str] | None
    dropped: list[Dropped]


def parse_mentions(answers: Mapping[str, str], text: str) -> Parsed:
    """Spans from one answer a label, each a list of surface texts separated by commas or line ends, or `none`.

    An answer that is empty does not say that there is none. Every mention of a surface text in `text` gets its label,
    whatever the order in the answer. Case and white space may differ from the text's where no exact match is found. Of
    overlapping spans the longest stays, then the first.
    """
    found: list[tuple[int, int, str]] = []
    dropped: list[Dropped] = []
    refused = empty = False
    for label, answer in answers.items():
        if REFUSALS.search(answer):
            refused = True
            dropped.append(Dropped(reason="refusal", item=answer[:200]))
            continue
        if not answer.strip():
            empty = True
            dropped.append(Dropped(reason="empty_answer", item=label))
        for item in dict.fromkeys(_items(answer, label)):
            if item.casefold() in NOTHING:
                continue
            places = _find(item, text)
            if not places:
                dropped.append(Dropped(reason="not_in_text", item=f"{label}: {item}"))
            found += [(start, end, label) for start, end in places]
    spans: list[Span] = []
    # Of equal stretches the first label of the task comes first: the sort is stable, and a set would not be
    for start, end, label in sorted(dict.fromkeys(found), key=lambda hit: (hit[0] - hit[1], hit[0])):
        if all(end <= other.start or start >= other.end for other in spans):
            spans.append(Span(start=start, end=end, label=label))
        else:
            dropped.append(Dropped(reason="overlap", item=f"{label}: {text[start:end]}"))
    spans.sort(key=lambda span: span.start)
    status: Status = "partial" if dropped else "ok" if spans else "ok_empty"
    status = "refused" if refused else "parse_error" if empty else status
    return Parsed(status, spans, None, dropped)


def parse_label(answer: str, labels: Mapping[str, Label]) -> Parsed:
    """The one label of a text from an answer that names it, alone or in a sentence."""
    if REFUSALS.search(answer):
        return Parsed("refused", None, [], [Dropped(reason="refusal", item=answer[:200])])
    names = {normalise(word): name for name, label in labels.items() for word in (name, *label.aliases)}
    said = normalise(answer)
    if said in names:
        return Parsed("ok", None, [names[said]], [])
    mentioned = {name for word, name in names.items() if re.search(rf"\b{re.escape(word)}\b", said)}
    if len(mentioned) == 1:
        return Parsed("ok", None, [mentioned.pop()], [])
    reason = "several_labels" if mentioned else "no_label"
    return Parsed("parse_error", None, None, [Dropped(reason=reason, item=answer[:200])])


def normalise(words: str) -> str:
    """Case, punctuation and markdown taken off, `_` and `-` as spaces: for comparing the names of labels."""
    return " ".join(re.sub(r"[^\w\s&/]|_", " ", words.casefold()).split())


def _items(answer: str, label: str) -> list[str]:
    """The surface texts that an answer lists, without bullets, numbers, quotes, bold type and a leading label."""
    items = []
    for line in re.split(r"[\n,;]", answer):
        item = re.sub(r"^\s*(?:[-*•]+|\d+[.)])\s+", "", line).strip()
        item = re.sub(rf"^{re.escape(label)}\s*:\s*", "", item, flags=re.IGNORECASE)
        item = item.rstrip(" .:").strip(QUOTES).rstrip(" .:")
        if item:
            items.append(item)
    return items


def _find(item: str, text: str) -> list[tuple[int, int]]:
    """Where `item` stands in `text` as whole words: exactly, or else without regard to case and white space."""
    words = r"\s+".join(re.escape(word) for word in item.split())
    bounded = rf"(?<!\w){words}(?!\w)"
    for flags in (re.NOFLAG, re.IGNORECASE):
        places = [match.span() for match in re.finditer(bounded, text, flags)]
        if places:
            return places
    return []
