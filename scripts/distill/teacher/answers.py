"""What a teacher's answer says, before it is held against the text: surface texts with their labels, or labels.

Answers come as JSON, as lines and as tables, with numbers, bullets, bold type, quotes and sentences around them.
"""

import json
import re
import unicodedata
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

NOTHING_AT_ALL = re.compile(
    r"(?:there (?:are|is)|i (?:found|see)) (?:no|none|nothing)\b.*|no (?:\w+ ){0,3}(?:found|present|mentioned)\b.*",
    re.IGNORECASE,
)
"""A sentence that says: there is none."""

LISTS = frozenset({"spans", "entities", "ents", "mentions", "items", "results", "annotations", "answer", "labels"})
TELLING = ("said_no", "unknown_label")
"""What shows that an answer was read, though nothing of it is used."""

LONGEST_ROW = 500
"""Code points beyond which a line is not taken apart as a surface text and its label."""

SURFACES = ("text", "span", "entity", "mention", "surface", "value", "name")
LABELS = ("label", "type", "category", "tag", "class", "entity_type")
"""Keys under which models put a list, a surface text and its label in JSON."""


@dataclass
class Listed:
    """What an answer lists. items: (label, surface text), in the answer's order; missing: why it cannot be read as a
    whole, if so."""

    items: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    status: Status | None = None

    def add(self, label: str, item: str) -> None:
        """Note a surface text, unless it says that there is none."""
        item = item.strip()
        if item and item.casefold() not in NOTHING:
            self.items.append((label, item))

    def drop(self, reason: str, item: object) -> None:
        """Note what is not used."""
        self.dropped.append(Dropped(reason=reason, item=str(item)[:200]))


def read_one(answer: str, label: str, definition: Label) -> Listed:
    """What an answer about one label lists."""
    listed = _read_json(answer, {label: definition})
    if listed is not None:
        return listed
    if "|" in answer:
        return _read_lines(answer, {label: definition})
    listed = Listed()
    if REFUSALS.search(answer):
        listed.status = "refused"
        listed.drop("refusal", answer)
        return listed
    if not answer.strip():
        listed.status = "parse_error"
        listed.drop("empty_answer", label)
    items = items_of(answer, label)
    for item in items[:-1] if goes_round(answer) else items:
        listed.add(label, item)
    return listed


def read_listed(answer: str, labels: Mapping[str, Label]) -> Listed:
    """What an answer about all `labels` lists."""
    listed = _read_json(answer, labels)
    return _read_lines(answer, labels) if listed is None else listed


def names_of(labels: Mapping[str, Label]) -> dict[str, str]:
    """The label by each of its names, normalised."""
    return {
        normalise(word): name
        for name, label in labels.items()
        for word in (name, *label.aliases, *([label.plural] if label.plural else []))
    }


def _json(answer: str) -> Any:
    """The JSON in an answer, a code block's or with a sentence before it; None where it holds none.

    Raises ValueError where it begins like JSON and is none.
    """
    fenced = re.search(r"```(?:json)?\s*(.*?)(?:```|$)", answer, re.DOTALL | re.IGNORECASE)
    body = (fenced[1] if fenced else answer).strip()
    begin = re.search(r"""\{\s*["'}]|\[\s*(?:[{\["]|\])""", body)
    if not begin or (begin.start() and not fenced and body[begin.start()] == "["):
        return None
    return json.JSONDecoder().raw_decode(body[begin.start() :])[0]


def _read_json(answer: str, labels: Mapping[str, Label]) -> Listed | None:
    """What an answer in JSON lists: `{"LABEL": ["surface", …]}`, or objects with a surface text and its label, in a
    list or under a key. None where it is not JSON."""
    listed = Listed()
    try:
        value = _json(answer)
    except ValueError:
        listed.status = "parse_error"
        listed.drop("broken_json", answer)
        return listed
    if value is None:
        return None
    names = names_of(labels)
    said: set[str] = set()

    def take(value: Any, label: str | None) -> None:
        if isinstance(value, str) and label:
            listed.add(label, value.strip())
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
        known = [label_of(str(part), labels, names) for part in pair]
        if len(pair) == 2 and (known[0] is None) != (known[1] is None):
            take(pair[0] if known[0] is None else pair[1], known[0] or known[1])
        else:
            listed.drop("no_label", pair)

    def take_object(row: dict[str, Any], label: str | None) -> None:
        surface = next((row[key] for key in SURFACES if isinstance(row.get(key), str)), None)
        if surface is not None:
            name = next((str(row[key]) for key in LABELS if key in row), None)
            known = label_of(name, labels, names) if name is not None else label or only
            if known:
                take(surface, known)
            else:
                listed.drop("unknown_label" if name is not None else "no_label", f"{name}: {surface}")
            return
        for key, value in row.items():
            known = label_of(key, labels, names)
            if known:
                said.add(known)
                take(value, known)
            elif normalise(key) in LISTS:
                take(value, label or only)
            elif isinstance(value, list) and value:
                listed.drop("unknown_label", f"{key}: {json.dumps(value, ensure_ascii=False)}")
            elif value:
                listed.drop("comment", f"{key}: {value}")

    only = next(iter(labels)) if len(labels) == 1 else None
    take(value, only)
    for name in labels:
        if said and name not in said:
            listed.drop("label_missing", name)
    return listed


def _read_lines(answer: str, labels: Mapping[str, Label]) -> Listed:
    """What an answer in lines lists: `LABEL: surface, surface`, `surface | LABEL`, `surface (LABEL)`, a heading and the
    surface texts below it …"""
    listed = Listed()
    names = names_of(labels)
    if REFUSALS.search(answer):
        listed.status = "refused"
        listed.drop("refusal", answer)
        return listed
    if not answer.strip():
        listed.status = "parse_error"
        listed.drop("empty_answer", "")
        return listed
    only = next(iter(labels)) if len(labels) == 1 else None
    current = only
    said: set[str] = set()
    nothing = False
    every = "|".join(sorted((re.escape(name) for name in labels), key=len, reverse=True))
    answer = re.sub(rf"(?:[;,]|(?<!\d)\.)\s*(?=(?:{every})\s*[:：])", "\n", answer)

    def known(words: str) -> str | None:
        return label_of(words.strip(QUOTES), labels, names)

    for raw in answer.splitlines():
        line = re.sub(r"^\s*(?:[-*•+]+|\d+[.)]|#+|>+)\s+", "", raw).strip()
        if re.fullmatch(r"[\s|:=\-`*_#]*(?:json|text)?", line):
            continue
        if "|" in line:
            _read_row(line, listed, known, only)
            continue
        key, colon, rest = (
            part.strip(QUOTES) for part in re.sub(r"\s*[:：=]\s*|\s[-–—]\s", "\0", line, count=1).partition("\0")
        )
        if colon and (label := known(key)):
            current = label
            said.add(label)
            for item in items_of(rest, label):
                listed.add(label, item)
        elif not colon and (label := known(line)):
            current = label
            said.add(label)
        elif pair := _surface_and_label(line, known):
            listed.add(pair[1], pair[0])
            nothing = True
        elif line.strip(" .").casefold() in NOTHING or NOTHING_AT_ALL.fullmatch(line.strip(QUOTES)):
            nothing = True
        elif colon and not rest:
            listed.drop("comment", line)
        elif colon and re.fullmatch(r"[\w /&-]{1,40}", key) and len(key.split()) <= 3 and rest not in NOTHING:
            listed.drop("unknown_label", line)
        elif current:
            nothing = True
            for item in items_of(line, current):
                listed.add(current, item)
        else:
            listed.drop("no_label", line)
    if said and not only:
        for name in labels:
            if name not in said:
                listed.drop("label_missing", name)
    if not (said or nothing or listed.items or any(item.reason in TELLING for item in listed.dropped)):
        listed.status = "parse_error"
    return listed


def _read_row(line: str, listed: Listed, known: Callable[[str], str | None], only: str | None) -> None:
    """A row of a table: a surface text, its label, and maybe a number, a yes or no and a reason."""
    cells = [cell.strip().strip(QUOTES) for cell in line.strip().strip("|").split("|")]
    cells = [cell for cell in cells if cell and not re.fullmatch(r"\d+[.)]?", cell)]
    if not cells:
        return
    surface = re.sub(r"^\d+[.)]\s+", "", cells[0])
    label = next((found for cell in reversed(cells[1:]) if (found := known(cell.strip("[]()")))), None) or only
    if any(cell.casefold() in ("false", "no") for cell in cells[1:]):
        listed.drop("said_no", line)
    elif label:
        listed.add(label, surface)
    elif {cell.casefold() for cell in cells} & {*SURFACES, *LABELS, "is entity", "entity type"}:
        listed.drop("comment", line)
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
    """Whether a list ends in what it had said before, as small models do until they are stopped: its last whole item
    is a repeated one, and what begins after it is what had followed it. Such an answer loses nothing by being cut off.
    """
    if answer.lstrip()[:1] in ("{", "["):
        # JSON that is cut off cannot be read
        return False
    *items, last = [item.casefold() for item in items_of(answer, "")] or [""]
    return len(items) > 1 and items[-1] in items[:-1] and items[items.index(items[-1]) + 1].startswith(last)


def said_labels(answer: str) -> tuple[list[str] | None, bool]:
    """The names in an answer in JSON: of a string, a list, an object with one of them, or an object of yes and no by
    name; None where it is not JSON. And whether it is broken JSON."""
    try:
        value = _json(answer)
    except ValueError:
        return None, True
    if value is None:
        return None, False
    if isinstance(value, dict):
        yes_or_no = [key for key, said in value.items() if said is True]
        if value and all(isinstance(said, bool) for said in value.values()):
            return yes_or_no, False
        value = next((value[key] for key in (*LABELS, *sorted(LISTS), *value) if key in value), [])
    names = value if isinstance(value, list) else [value]
    return [str(name) for name in names if name is not None], False


def label_of(said: str, labels: Mapping[str, Label], names: Mapping[str, str]) -> str | None:
    """The label that `said` names: exactly, since `C++` and `C#` differ in punctuation alone, or else by its normalised
    name or an alias of it."""
    exact = said.strip()
    return exact if exact in labels else names.get(normalise(said))


def normalise(words: str) -> str:
    """Case, punctuation, markdown and Unicode form taken off, `_` and `-` as spaces: for comparing the names of
    labels."""
    return " ".join(re.sub(r"[^\w\s&/]|_", " ", unicodedata.normalize("NFKC", words).casefold()).split())


def items_of(answer: str, label: str) -> list[str]:
    """The surface texts that an answer lists, without bullets, numbers, quotes, bold type and a leading label."""
    items = []
    for line in re.split(BETWEEN, answer):
        item = re.sub(r"^\s*(?:[-*•]+|\d+[.)])\s+", "", line).strip()
        item = re.sub(rf"^{re.escape(label)}\s*:\s*", "", item, flags=re.IGNORECASE)
        item = item.rstrip(" .:。").strip(QUOTES).rstrip(" .:。")
        if item:
            items.append(item)
    return items
