"""What a teacher's answer says, before it is held against the text: surface texts with their labels, or labels.

Answers come as JSON, as lines and as tables, with numbers, bullets, bold type, quotes and sentences around them. What
cannot be understood for certain is a drop with its reason, or no answer at all; never "there is none".
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from distill.records import Dropped, Status
from distill.task import BETWEEN, NOTHING, Label

QUOTES = " \t*`\"'“”‘’«»「」『』"

REFUSALS = re.compile(
    r"\b(?:i(?:['’]m| am) sorry|i can(?:no|['’])t (?:help|assist|do|provide)"
    r"|as an ai\b|unable to (?:assist|help|comply))",
    re.IGNORECASE,
)

SAYS_NOTHING = re.compile(
    r"(?:there (?:are|is)|i (?:found|see)) (?:no|none|nothing)\b[^.,;:]*"
    r"|(?:none|nothing|not|no(?: [\w'-]+){1,3})(?: (?:is|are|was|were))?"
    r" (?:mentioned|found|identified|present|listed|given|applicable)(?: in (?:the|this) text)?",
    re.IGNORECASE,
)
"""A sentence that says that there is none, and no more."""

LISTS = frozenset(
    {"spans", "entities", "ents", "mentions", "items", "results", "annotations", "answer"}
    | {"labels", "topics", "categories", "classes", "tags"}
)
SURFACES = ("text", "span", "entity", "mention", "surface", "word", "value", "name")
LABELS = ("label", "type", "category", "topic", "tag", "class", "entity_type", "entity_group")
"""Keys under which models put a list, a surface text and its label in JSON."""

TELLING = ("said_no", "unknown_label", "unreadable")
"""What shows that an answer was read, though nothing of it is used."""

LONGEST_ROW = 500
"""Code points beyond which a line is not taken apart as a surface text and its label."""


@dataclass
class Listed:
    """What an answer lists. items: (label, surface text), in the answer's order; status: where it cannot be read as a
    whole."""

    items: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    status: Status | None = None

    def add(self, label: str, item: str) -> None:
        """Note a surface text."""
        if item.strip():
            self.items.append((label, item.strip()))

    def add_all(self, label: str, items: list[str]) -> None:
        """Note the surface texts of a field, unless it says that there is none."""
        if not all(says_nothing(item) for item in items):
            for item in items:
                self.add(label, item)

    def drop(self, reason: str, item: object) -> None:
        """Note what is not used."""
        self.dropped.append(Dropped(reason=reason, item=str(item)[:200]))

    def fail(self, status: Status, reason: str, item: object) -> "Listed":
        """Note why the answer cannot be read."""
        self.status = status
        self.drop(reason, item)
        return self


class BrokenError(ValueError):
    """JSON that cannot be read, or more of it than one answer."""


def without_thoughts(answer: str) -> str:
    """An answer without what a model thought aloud before it."""
    return re.sub(r"^\s*<think>.*?(?:</think>|$)", "", answer, flags=re.DOTALL)


def says_nothing(words: str) -> bool:
    """Whether words say that there is none."""
    bare = words.strip(QUOTES + ".()[]。—–")
    return bare.casefold() in NOTHING or not bare or SAYS_NOTHING.fullmatch(bare) is not None


def read_one(answer: str, label: str, definition: Label) -> Listed:
    """What an answer about one label lists."""
    answer = without_thoughts(answer)
    labels = {label: definition}
    listed = _read_json(answer, labels)
    if listed is not None:
        return listed
    if "|" in answer:
        return _read_lines(answer, labels)
    listed = Listed()
    if REFUSALS.search(answer):
        return listed.fail("refused", "refusal", answer)
    if not answer.strip():
        listed.fail("parse_error", "empty_answer", label)
    if says_nothing(answer):
        return listed
    items = items_of(answer, label, definition)
    listed.add_all(label, items[:-1] if goes_round(answer) else items)
    return listed


def read_listed(answer: str, labels: Mapping[str, Label]) -> Listed:
    """What an answer about all `labels` lists."""
    answer = without_thoughts(answer)
    listed = _read_json(answer, labels)
    return _read_lines(answer, labels) if listed is None else listed


def words_for(name: str, label: Label) -> list[str]:
    """What a label may be called."""
    return [name, *label.aliases, *([label.plural] if label.plural else [])]


def names_of(labels: Mapping[str, Label]) -> dict[str, str]:
    """The label by each of its names, normalised; without those that stand for two, or for none."""
    found = [(normalise(word), name) for name, label in labels.items() for word in words_for(name, label)]
    owners = Counter(word for word, _ in set(found))
    return {word: name for word, name in found if word and owners[word] == 1}


def _json(answer: str) -> Any:
    """The JSON in an answer, a code block's or with a sentence before it; None where it holds none. Objects one after
    the other are one list.

    Raises BrokenError where it begins like JSON and is none, or holds several values.
    """
    blocks = re.findall(r"```(?:json)?\s*(.*?)(?:```|$)", answer, re.DOTALL | re.IGNORECASE)
    if sum("{" in block or "[" in block for block in blocks) > 1:
        raise BrokenError
    body = (blocks[0] if len(blocks) == 1 else answer).strip()
    begin = re.search(r"""^[ \t]*(?:\{\s*["'}]|\[\s*(?:[{\["]|\]))""", body, re.MULTILINE)
    if not begin or (begin.start() and not blocks and body[begin.start() :].strip()[:1] != "{"):
        return None
    values: list[Any] = []
    rest = body[begin.start() :].lstrip()
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    try:
        while rest[:1] in ("{", "["):
            value, end = decoder.raw_decode(rest)
            values.append(value)
            rest = rest[end:].lstrip(", \t\r\n")
    except (ValueError, RecursionError):
        raise BrokenError from None
    if re.search(r"[{\[]\s*[\"{\[]", rest):
        raise BrokenError
    if len(values) == 1:
        return values[0]
    if all(isinstance(value, dict) and any(key in value for key in SURFACES) for value in values):
        return values
    raise BrokenError


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        # One of two values under the same key would be lost
        raise BrokenError
    return made


def _read_json(answer: str, labels: Mapping[str, Label]) -> Listed | None:
    """What an answer in JSON lists: `{"LABEL": ["surface", …]}`, or objects with a surface text and its label, in a
    list or under a key. None where it is not JSON."""
    listed = Listed()
    try:
        value = _json(answer)
    except BrokenError:
        return listed.fail("parse_error", "broken_json", answer)
    if value is None:
        return None
    names = names_of(labels)
    said: set[str] = set()
    understood = value in ({}, [])

    def take(value: Any, label: str | None) -> None:
        if isinstance(value, str) and label:
            listed.add(label, value)
        elif isinstance(value, list):
            for item in value:
                take_pair(item) if isinstance(item, list) and not label else take(item, label)
        elif isinstance(value, dict):
            take_object(value, label)
        elif isinstance(value, str):
            listed.drop("no_label", value)
        elif value is not None and value is not False:
            listed.drop("unreadable", value)

    def take_pair(pair: list[Any]) -> None:
        nonlocal understood
        known = [label_of(str(part), labels, names) for part in pair]
        if len(pair) == 2 and (known[0] is None) != (known[1] is None):
            understood = True
            take(pair[0] if known[0] is None else pair[1], known[0] or known[1])
        else:
            listed.drop("no_label", pair)

    def take_object(row: dict[str, Any], label: str | None) -> None:
        nonlocal understood
        surface = next((row[key] for key in SURFACES if isinstance(row.get(key), str)), None)
        name = next((str(row[key]) for key in LABELS if key in row), None)
        if surface is not None and (name is not None or label or only):
            understood = True
            known = label_of(name, labels, names) if name is not None else label or only
            if known:
                listed.add(known, surface)
            else:
                listed.drop("unknown_label", f"{name}: {surface}")
            return
        for key, value in row.items():
            known = label_of(key, labels, names)
            if known and not label:
                understood = True
                said.add(known)
                if isinstance(value, dict):
                    listed.drop("unreadable", f"{key}: {json.dumps(value, ensure_ascii=False)}")
                else:
                    take([] if isinstance(value, str) and says_nothing(value) else value, known)
            elif normalise(key) in LISTS and isinstance(value, (list, dict)):
                understood = True
                take(value, label or only)
            elif isinstance(value, str) and (found := label_of(value, labels, names)):
                understood = True
                listed.add(found, key)
            elif isinstance(value, (list, dict)) and value:
                listed.drop("unknown_label", f"{key}: {json.dumps(value, ensure_ascii=False)}")
            elif value:
                listed.drop("comment", f"{key}: {value}")

    only = next(iter(labels)) if len(labels) == 1 else None
    understood = understood or (isinstance(value, list) and only is not None)
    take(value, only if isinstance(value, list) else None)
    if not understood and not any(item.reason in ("unknown_label", "no_label") for item in listed.dropped):
        refused = REFUSALS.search(answer)
        return Listed().fail(*(("refused", "refusal") if refused else ("parse_error", "unreadable")), answer)
    for name in labels:
        if said and name not in said:
            listed.drop("label_missing", name)
    return listed


def _read_lines(answer: str, labels: Mapping[str, Label]) -> Listed:
    """What an answer in lines lists: `LABEL: surface, surface`, `surface | LABEL`, `surface (LABEL)`, a heading and the
    surface texts below it …"""
    listed = Listed()
    names = names_of(labels)
    if not answer.strip():
        return listed.fail("parse_error", "empty_answer", "")
    only = next(iter(labels)) if len(labels) == 1 else None
    current = only
    said: set[str] = set()
    nothing = False
    every = sorted(
        (re.escape(word) for name in labels for word in words_for(name, labels[name])), key=len, reverse=True
    )
    answer = re.sub(rf"(?:[;,]|(?<!\d)\.)\s*(?=(?:{'|'.join(every)})\s*[:：])", "\n", answer, flags=re.IGNORECASE)

    def known(words: str) -> str | None:
        return label_of(words.strip(QUOTES), labels, names)

    for raw in answer.splitlines():
        line = re.sub(r"^\s*(?:[-*•+]+|\d+[.)]|#+|>+)\s+", "", raw).strip()
        listing = re.match(r"\s*(?:[-*•+]|\d+[.)])\s+", raw) is not None
        if re.fullmatch(r"[\s|:=\-`*_#]*(?:json|text)?", line):
            continue
        if "|" in line:
            _read_row(line, listed, known, only)
            continue
        parted = re.sub(r"\s*[:：=]\s*|\s[-–—]\s", "\0", line, count=1)
        key, colon, rest = (part.strip(QUOTES) for part in parted.partition("\0"))
        if colon and (label := known(key)):
            current = label
            said.add(label)
            listed.add_all(label, items_of(rest.strip("[]"), label, labels[label]))
        elif not colon and (label := known(line)) and not (listing and current):
            current = label
            said.add(label)
        elif pair := _surface_and_label(line, known):
            listed.add(pair[1], pair[0])
            nothing = True
        elif says_nothing(line):
            nothing = True
        elif REFUSALS.search(line):
            listed.drop("refusal", line)
        elif colon and not rest:
            listed.drop("comment", line)
        elif colon and re.fullmatch(r"[\w /&-]{1,40}", key) and len(key.split()) <= 3 and not says_nothing(rest):
            listed.drop("unknown_label", line)
        elif current:
            nothing = True
            listed.add_all(current, items_of(line, current, labels[current]))
        else:
            listed.drop("no_label", line)
    if said and not only:
        for name in labels:
            if name not in said:
                listed.drop("label_missing", name)
    if not (said or nothing or listed.items or any(item.reason in TELLING for item in listed.dropped)):
        listed.status = "refused" if any(item.reason == "refusal" for item in listed.dropped) else "parse_error"
    return listed


def _read_row(line: str, listed: Listed, known: Callable[[str], str | None], only: str | None) -> None:
    """A row of a table: a surface text, its label, and maybe a number, a yes or no and a reason."""
    cells = [cell.strip().strip(QUOTES) for cell in line.strip().strip("|").split("|")]
    cells = [cell for cell in cells if cell and not re.fullmatch(r"\d+[.)]?", cell)]
    if not cells:
        return
    surface = re.sub(r"^\d+[.)]\s+", "", cells[0])
    found = [known(cell.strip("[]()")) for cell in cells]
    label = next((name for name in reversed(found[1:]) if name), None)
    if any(cell.casefold() in ("false", "no") for cell in cells[1:]):
        listed.drop("said_no", line)
    elif label:
        listed.add(label, surface)
    elif {cell.casefold() for cell in cells} & {*SURFACES, *LABELS, "is entity", "entity type"} and len(cells) > 1:
        listed.drop("comment", line)
    elif found[0] and len(cells) > 1:
        # The label in front: one cell after it, or nobody knows which
        if len(cells) == 2:
            listed.add(found[0], cells[1])
        else:
            listed.drop("unreadable", line)
    elif only:
        listed.add(only, surface)
    else:
        listed.drop("unknown_label" if len(cells) > 1 else "no_label", line)


def _surface_and_label(line: str, known: Callable[[str], str | None]) -> tuple[str, str] | None:
    """The surface text and the label of a line that holds one of each."""
    if len(line) > LONGEST_ROW:
        return None
    for pattern, surface, label in (
        (r"(.+?)\s*[(\[{<]\s*([^()\[\]{}<>]+?)\s*[)\]}>]\W*", 1, 2),
        (r"[(\[{<]\s*([^()\[\]{}<>]+?)\s*[)\]}>]\s*[:：]?\s*(.+)", 2, 1),
        (r"(.+?)\s*(?:[:：=]|->|=>|→|\s[-–—]+\s|\t|\bis an?\b)\s*([^:：=→]+?)[\s.]*", 1, 2),
    ):
        match = re.fullmatch(pattern, line)
        if match and (name := known(match[label])):
            return match[surface].strip(QUOTES), name
    return None


def goes_round(answer: str) -> bool:
    """Whether a list ends in what it had said before, as small models do until they are stopped: its last items are a
    circle that it has gone through twice at least, and what begins after them is what had followed them before. Such an
    answer loses nothing by being cut off.
    """
    if answer.lstrip()[:1] in ("{", "["):
        # JSON that is cut off cannot be read
        return False
    *items, last = [item.casefold() for item in items_of(answer, "")] or [""]
    return any(
        items[-size:] == items[-2 * size : -size] and items[-size].startswith(last)
        for size in range(1, len(items) // 2 + 1)
    )


def said_labels(answer: str) -> tuple[list[str] | None, bool]:
    """The names in an answer in JSON: of a string, a list, an object with one of them, or an object of yes and no by
    name; None where it is not JSON. And whether it is JSON that cannot be read."""
    try:
        value = _json(answer)
    except BrokenError:
        return None, True
    if value is None:
        return None, False
    if isinstance(value, dict) and value:
        answers = [_yes_or_no(said) for said in value.values()]
        if None not in answers and len(value) > 1:
            return [key for key, said in zip(value, answers, strict=True) if said], False
        keys = [key for key in value if key.casefold() in (*LABELS, *LISTS)]
        if not keys and len(value) == 1:
            keys = list(value)
        if len(keys) != 1:
            return None, True
        value = value[keys[0]]
    if isinstance(value, str):
        value = [part.strip() for part in re.split(BETWEEN, value)]
    names = value if isinstance(value, list) else [value]
    return [str(name) for name in names if name is not None and name != {}], False


def _yes_or_no(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    words = {"yes": True, "true": True, "no": False, "false": False}
    return words.get(value.casefold()) if isinstance(value, str) else None


def label_of(said: str, labels: Mapping[str, Label], names: Mapping[str, str]) -> str | None:
    """The label that `said` names: exactly, since `C++` and `C#` differ in punctuation alone, or else by its normalised
    name or an alias of it."""
    exact = said.strip()
    return exact if exact in labels else names.get(normalise(said))


def normalise(words: str) -> str:
    """Case, punctuation, markdown and Unicode form taken off, `_` and `-` as spaces: for comparing the names of
    labels."""
    return " ".join(re.sub(r"[^\w\s&/]|_", " ", unicodedata.normalize("NFKC", words).casefold()).split())


def items_of(answer: str, label: str, definition: Label | None = None) -> list[str]:
    """The surface texts that an answer lists, without bullets, numbers, quotes, bold type and a leading name of the
    label. A comma between digits parts nothing."""
    names = words_for(label, definition) if definition else [label]
    leading = re.compile(rf"^(?:{'|'.join(map(re.escape, names))})\s*:\s*", re.IGNORECASE)
    items = []
    for line in re.split(rf"(?<!\d){BETWEEN}|{BETWEEN}(?!\d)", answer):
        item = re.sub(r"^\s*(?:[-*•]+|\d+[.)])\s+", "", line).strip()
        item = leading.sub("", item)
        item = item.rstrip(" .:。").strip(QUOTES).rstrip(" .:。")
        if item:
            items.append(item)
    return items
