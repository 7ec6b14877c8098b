"""Tasks of every kind and in several languages, to fork the project for: texts that are made up, with their labels.

The names in them are made of syllables, another one in each text, so that a list of the reviewed ones finds nothing.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LATIN = ["ba", "ko", "ri", "mel", "to", "san", "du", "vi", "ner", "ga", "lu", "pe", "zan", "or", "fi"]
KATAKANA = ["カ", "モ", "リ", "テ", "サ", "ロ", "ビ", "ネ", "マ", "ガ", "ル", "ピ", "ザ", "オ", "フ"]
TEXTS = 60
Row = dict[str, Any]


@dataclass(frozen=True)
class Fork:
    """What new_task is asked for, beside examples for the teacher and texts with what is right."""

    component: str
    language: str
    spans: dict[str, str]
    labels: dict[str, str]
    examples: str
    rows: list[Row]

    def options(self, name: str) -> list[str]:
        """The options of new_task."""
        given = ["--component", self.component, "--language", self.language, "--name", name, "--title", f"Fork {name}"]
        for option, labels in (("--span-label", self.spans), ("--text-label", self.labels)):
            given += [word for label, meaning in labels.items() for word in (option, f"{label}: {meaning}")]
        return given


def _names(syllables: list[str], seed: int) -> Iterator[str]:
    """Made-up names, no two alike."""
    rng = random.Random(seed)
    seen: set[str] = set()
    while True:
        name = "".join(rng.choices(syllables, k=3)).capitalize()
        if name not in seen:
            seen.add(name)
            yield name


def _row(parts: Sequence[object], accept: list[str] | None) -> Row:
    """A text from its parts, of which a span is (text, label)."""
    text, spans = "", []
    for part in parts:
        surface, label = part if isinstance(part, tuple) else (str(part), None)
        if label:
            spans.append({"start": len(text), "end": len(text) + len(surface), "label": label})
        text += surface
    row: Row = {"text": text, "spans": spans}
    return row if accept is None else {**row, "accept": accept}


def _german() -> list[Row]:
    name, rows = _names(LATIN, 0), []
    for number in range(TEXTS):
        person, place = (next(name), "PERSON"), (next(name), "ORT")
        parts, label = [
            (["Frau ", person, " wohnt seit drei Jahren in ", place, " und sucht eine Wohnung."], "wohnen"),
            (["Der Zug nach ", place, " fällt heute aus, sagt Frau ", person, "."], "reisen"),
            (["In ", place, " kocht Frau ", person, " am liebsten Suppe."], "essen"),
        ][number % 3]
        rows.append(_row(parts, [label]))
    return rows


def _japanese() -> list[Row]:
    name, rows = _names(KATAKANA, 1), []
    for number in range(TEXTS):
        person, place = (next(name), "PERSON"), (next(name), "PLACE")
        parts = [
            [person, "さんは", place, "で寿司を食べました。"],
            ["昨日、", place, "に住む", person, "さんに会いました。"],
            [place, "の駅で", person, "さんを待っています。"],
        ][number % 3]
        rows.append(_row(parts, None))
    return rows


def _arabic() -> list[Row]:
    rng = random.Random(2)
    said = {
        "price": ["السعر مرتفع جدا", "الثمن غال", "التكلفة كبيرة"],
        "delivery": ["التوصيل متأخر", "وصل الطرد بعد أسبوع", "الشحن بطيء"],
        "quality": ["الجودة ممتازة", "المنتج مكسور", "القماش ضعيف"],
    }
    rows = []
    for number in range(TEXTS):
        labels = [label for label in said if rng.random() < 0.4]
        parts = " و ".join(rng.choice(said[label]) for label in labels) or "شكرا لكم"
        rows.append({"text": f"طلب رقم {number}: {parts}.", "spans": [], "accept": labels})
    return rows


def _overlapping() -> list[Row]:
    name, rows = _names(LATIN, 3), []
    for number in range(TEXTS):
        person = next(name)
        office = ["mayor", "bishop", "keeper"][number % 3]
        before = ["Yesterday the ", "We met the ", "Letters to the "][number % 3]
        text = f"{before}{office} of {person} came late."
        whole, at = f"{office} of {person}", len(before)
        inner = at + len(office) + len(" of ")
        spans = [
            {"start": at, "end": at + len(whole), "label": "OFFICE"},
            {"start": inner, "end": inner + len(person), "label": "NAME"},
        ]
        rows.append({"text": text, "spans": spans})
    return rows


def _topics() -> list[Row]:
    name, rows = _names(LATIN, 4), []
    said = {
        "refund": ["I want my money back for the {}", "Please refund the {} that I returned"],
        "login": ["My password for {} does not work", "I cannot log in to {} any more"],
        "praise": ["The {} is wonderful, thank you", "Great work on the {}, I love it"],
    }
    for number in range(TEXTS):
        label = list(said)[number % 3]
        rows.append({"text": said[label][number // 3 % 2].format(next(name)), "spans": [], "accept": [label]})
    return rows


FORKS = {
    "wohnen": Fork(
        "ner+textcat",
        "de",
        {"PERSON": "Der Name eines Menschen.", "ORT": "Der Name eines Ortes."},
        {"wohnen": "Es geht um Wohnungen.", "reisen": "Es geht um Reisen.", "essen": "Es geht um Essen."},
        """
examples:
  - text: Frau Maier aus Bonn sucht eine Wohnung.
    spans: {PERSON: [Maier], ORT: [Bonn]}
    accept: [wohnen]
  - text: Der Bus nach Köln ist spät.
    spans: {ORT: [Köln]}
    accept: [reisen]
""",
        _german(),
    ),
    "namae": Fork(
        "ner",
        "ja",
        {"PERSON": "人の名前。", "PLACE": "場所の名前。"},
        {},
        """
examples:
  - text: ハナさんはナラで働いています。
    spans: {PERSON: [ハナ], PLACE: [ナラ]}
  - text: キョウトは雨です。
    spans: {PLACE: [キョウト]}
""",
        _japanese(),
    ),
    "orders": Fork(
        "textcat_multilabel",
        "ar",
        {},
        {"price": "السعر والتكلفة", "delivery": "التوصيل والشحن", "quality": "جودة المنتج"},
        """
examples:
  - text: السعر جيد والتوصيل سريع.
    accept: [price, delivery]
  - text: مرحبا.
    accept: []
""",
        _arabic(),
    ),
    "offices": Fork(
        "spancat",
        "en",
        {"OFFICE": "An office and the place that it is of.", "NAME": "The name of a place."},
        {},
        """
examples:
  - text: The abbot of Cluny wrote.
    spans: {OFFICE: [abbot of Cluny], NAME: [Cluny]}
  - text: It rained.
    spans: {}
""",
        _overlapping(),
    ),
    "support": Fork(
        "textcat",
        "en",
        {},
        {"refund": "Wants money back.", "login": "Cannot log in.", "praise": "Is content and says so."},
        """
examples:
  - text: Give me back what I paid.
    accept: [refund]
  - text: It says that my account is locked.
    accept: [login]
  - text: Well done!
    accept: [praise]
""",
        _topics(),
    ),
}
