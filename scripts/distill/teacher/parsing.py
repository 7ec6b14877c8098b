"""From what a teacher wrote to spans and labels. What is not used is returned with the reason, never just left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distill.records import Dropped, Span, Status
from distill.task import NOTHING, Label
from distill.teacher.answers import (
    QUOTES,
    REFUSALS,
    Listed,
    items_of,
    label_of,
    names_of,
    normalise,
    read_listed,
    read_one,
    said_labels,
    says_nothing,
    without_thoughts,
)
from distill.teacher.matching import find, resembles

AROUND = QUOTES + ".,;:。"
"""What may stand around a surface text in an answer."""

AFTER_A_COMMA = re.compile(r"[\d\W]+|inc|ltd|llc|corp|co|jr|sr|phd|md", re.IGNORECASE)
"""What stands after a comma inside one name or date more often than by itself."""

DENIES = re.compile(r"\b(?:not|neither|nor|other than|rather than|except|instead)\b|n['’]t\b", re.IGNORECASE)
"""What may turn a sentence that names a label into its contrary."""

HARMLESS = frozenset({"nested", "comment", "said_no"})
"""What is dropped without a mention of the text being left unlabelled for it."""


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
    labels: Mapping[str, Label] | None = None,
    overlaps: bool = False,
    forgive_invented: bool = False,
) -> Parsed:
    """Spans from one answer a label, each a list of surface texts separated by commas or line ends, or `none`, or JSON.

    labels: the definitions, whose aliases count. For the rest see `locate`. An answer that is empty does not say that
    there is none. An answer that goes round in a circle counts once.
    """
    whole = Listed()
    worst: list[Status] = []
    for label, answer in answers.items():
        listed = read_one(answer, label, (labels or {}).get(label) or Label(definition=label))
        whole.items += listed.items
        whole.dropped += listed.dropped
        if listed.status:
            worst.append(listed.status)
    whole.status = "refused" if "refused" in worst else worst[0] if worst else None
    return locate(whole, list(answers), text, tokens, overlaps=overlaps, forgive_invented=forgive_invented)


def parse_spans(
    answer: str,
    labels: Mapping[str, Label],
    text: str,
    tokens: Sequence[tuple[int, int]] = (),
    *,
    overlaps: bool = False,
    forgive_invented: bool = False,
) -> Parsed:
    """Spans from one answer about all labels: JSON, a line for each label, or a line for each span with its label. For
    the rest see `locate`."""
    listed = read_listed(answer, labels)
    return locate(listed, list(labels), text, tokens, overlaps=overlaps, forgive_invented=forgive_invented)


def locate(
    listed: Listed,
    labels: Sequence[str],
    text: str,
    tokens: Sequence[tuple[int, int]],
    *,
    overlaps: bool,
    forgive_invented: bool,
) -> Parsed:
    """The spans of the surface texts that an answer lists.

    tokens: (start, end) of the text's tokens, by which a mention is found where no white space divides the words.
    Every mention of a surface text in `text` gets its label, whatever the order in the answer. Case, white space,
    quotes, dashes and Unicode form may differ from the text's where no exact match is found. Unless `overlaps` are
    wanted, of overlapping spans the longest stays, then the first.

    The status is `partial` where something was dropped that may leave a mention of the text without its label. What
    lies inside a longer span (`nested`) does not. forgive_invented: neither does an item of which no word resembles one
    of the text (`invented`), as long as other items are found; a model that names things otherwise than the text does
    ("zucchini" for "courgette") must not be forgiven.
    """
    dropped = list(listed.dropped)
    bounds = {offset for token in tokens for offset in token}
    words = {*re.findall(r"\w+", text.casefold()), *(text[start:end].casefold() for start, end in tokens)}
    found: list[tuple[int, int, str]] = []
    # Of equal stretches the first label of the task comes first, whatever the order of the answer
    items = _joined(listed.items, text)
    for label, item in sorted(dict.fromkeys(items), key=lambda pair: labels.index(pair[0])):
        places = find(item, text, bounds) or find(item.strip(AROUND), text, bounds)
        if not places and says_nothing(item):
            continue
        if not places:
            there = item.casefold() in text.casefold()
            reason = "not_in_text" if there or resembles(item, words) else "invented"
            dropped.append(Dropped(reason=reason, item=f"{label}: {item}"))
        found += [(start, end, label) for start, end in places]
    spans: list[Span] = []
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
    harmless = HARMLESS | {"invented"} if forgive_invented and spans else HARMLESS
    lossless = all(item.reason in harmless for item in dropped)
    status: Status = "partial" if not lossless else "ok" if spans else "ok_empty"
    return Parsed(listed.status or status, spans, None, dropped)


def _joined(items: Sequence[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """The items of a list, with those put together again that a comma of the text has parted: `March 3, 2020`."""
    joined: list[tuple[str, str]] = []
    for label, item in items:
        if joined and joined[-1][0] == label and AFTER_A_COMMA.fullmatch(item):
            whole = f"{joined[-1][1]}, {item}"
            if whole in text:
                joined[-1] = label, whole
                continue
        joined.append((label, item))
    return joined


def parse_label(answer: str, labels: Mapping[str, Label]) -> Parsed:
    """The one label of a text from an answer that names it, alone, in a sentence or in JSON."""
    answer = without_thoughts(answer)
    names = names_of(labels)
    said, broken = said_labels(answer)
    if broken:
        return _unreadable(answer)
    if said is not None:
        found = {label for word in said if (label := label_of(word, labels, names))}
        if len(found) == 1 and len(said) == 1:
            return Parsed("ok", None, [found.pop()], [])
        reason = "several_labels" if len(said) > 1 else "no_label"
        return Parsed("parse_error", None, None, [Dropped(reason=reason, item=answer[:200])])
    if named := label_of(answer, labels, names):
        return Parsed("ok", None, [named], [])
    if REFUSALS.search(answer):
        return Parsed("refused", None, [], [Dropped(reason="refusal", item=answer[:200])])
    rest, mentioned = answer, set()
    for name in sorted(labels, key=len, reverse=True):
        rest, found_here = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", " ", rest)
        mentioned |= {name} if found_here else set()
    words = normalise(rest)
    mentioned |= {name for word, name in names.items() if re.search(rf"\b{re.escape(word)}\b", words)}
    if len(mentioned) == 1 and not DENIES.search(answer):
        return Parsed("ok", None, [mentioned.pop()], [])
    reason = "several_labels" if len(mentioned) > 1 else "no_label"
    return Parsed("parse_error", None, None, [Dropped(reason=reason, item=answer[:200])])


def _unreadable(answer: str) -> Parsed:
    if REFUSALS.search(answer):
        return Parsed("refused", None, [], [Dropped(reason="refusal", item=answer[:200])])
    return Parsed("parse_error", None, None, [Dropped(reason="broken_json", item=answer[:200])])


def parse_labels(answer: str, labels: Mapping[str, Label]) -> Parsed:
    """Any number of labels of a text from an answer that lists them, in plain words or in JSON, or says `none`. An item
    that is no label's name makes the text `partial`; where nothing else was said, the answer could not be read."""
    answer = without_thoughts(answer)
    names = names_of(labels)
    items, broken = said_labels(answer)
    if broken:
        return _unreadable(answer)
    if items is None:
        if REFUSALS.search(answer):
            return Parsed("refused", None, [], [Dropped(reason="refusal", item=answer[:200])])
        if answer.strip() and says_nothing(answer):
            return Parsed("ok_empty", None, [], [])
        # `Topics: first, second and third`
        items = items_of(re.sub(r"^\s*[\w ]{1,30}:\s*(?=\S)", "", answer), "")
        items = [part for item in items for part in _parted(item, labels, names)]
        if not items:
            return Parsed("parse_error", None, None, [Dropped(reason="empty_answer", item="")])
    said = [item for item in items if item in labels or item.casefold() not in NOTHING]
    read = {item: label_of(item, labels, names) for item in said}
    found = set(filter(None, read.values()))
    dropped = [Dropped(reason="no_label", item=item) for item, name in read.items() if name is None]
    if dropped and not found:
        return Parsed("parse_error", None, None, dropped)
    return Parsed(
        "partial" if dropped else "ok" if found else "ok_empty", None, [n for n in labels if n in found], dropped
    )


def _parted(item: str, labels: Mapping[str, Label], names: Mapping[str, str]) -> list[str]:
    """The two labels that an `and` joins, or the item as it is."""
    parts = re.split(r"\s+(?:and|&)\s+", item)
    joined = label_of(item, labels, names) is None and all(label_of(part, labels, names) for part in parts)
    return parts if joined else [item]
