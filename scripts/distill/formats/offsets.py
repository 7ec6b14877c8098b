"""Offsets in code points, UTF-16 units or grapheme clusters: which of them a file uses is found out, never guessed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import regex

from distill.errors import DistillError
from distill.records import Span

Unit = Literal["code-point", "utf-16", "grapheme"]
"""What an offset counts: Python's characters, JavaScript's, or what a reader takes for one character (UAX 29)."""

UNITS: tuple[Unit, ...] = get_args(Unit)


def read_unit(name: str) -> Unit | None:
    """The unit of a name; None where it is empty. Raises DistillError where there is no such unit."""
    for unit in UNITS:
        if unit == name:
            return unit
    if name:
        raise DistillError(f"expected one of {', '.join(UNITS)}, got {name!r}", "Mend the unit, or leave it empty.")
    return None


@dataclass(frozen=True)
class Mark:
    """A span as a file has it, in a unit that is not known. surface: the text under it, where the file keeps that."""

    start: int
    end: int
    label: str
    surface: str | None = None


def unit_of(rows: Iterable[tuple[str, Sequence[Mark]]]) -> Unit | None:
    """The one unit in which the marks of all rows stand where their surface texts do, but for rows in which they stand
    nowhere, or the same in each unit; None where there is not just one."""
    told: set[Unit] = set(UNITS)
    for text, marks in rows:
        found = {unit: spans for unit in UNITS if (spans := placed(text, marks, unit)) is not None}
        if found and (len(found) < len(UNITS) or not _all_equal(list(found.values()))):
            told &= found.keys()
    return told.pop() if len(told) == 1 else None


def _all_equal(found: Sequence[list[Span]]) -> bool:
    return all(spans == found[0] for spans in found)


def placed(text: str, marks: Sequence[Mark], unit: Unit) -> list[Span] | None:
    """Marks as spans in code points; None where one of them cannot stand in `text` in this unit, or its surface text
    stands elsewhere."""
    places = _places(text, unit)
    spans = []
    for mark in marks:
        if not 0 <= mark.start < mark.end < len(places):
            return None
        start, end = places[mark.start], places[mark.end]
        if start < 0 or end < 0 or (mark.surface is not None and text[start:end] != mark.surface):
            return None
        spans.append(Span(start=start, end=end, label=mark.label))
    return spans


def spans_or_reason(text: str, marks: Sequence[Mark], unit: Unit | None, of_file: Unit | None) -> list[Span] | str:
    """Marks as spans in code points, or the reason why that cannot be. unit: as the user named it; of_file: the one
    that the file's surface texts show, which decides where several would do."""
    if unit:
        spans = placed(text, marks, unit)
        return f"not all spans can stand in the text where offsets are in the unit {unit}" if spans is None else spans
    fitting = {each: spans for each in UNITS if (spans := placed(text, marks, each)) is not None}
    if not fitting:
        return f"{_first_wrong(text, marks)}: neither in code points nor in UTF-16 units nor in grapheme clusters"
    with_surfaces = all(mark.surface is not None for mark in marks)
    if _all_equal(list(fitting.values())) and (with_surfaces or len(fitting) == len(UNITS)):
        return next(iter(fitting.values()))
    if with_surfaces and of_file in fitting:
        return fitting[of_file]
    return (
        "its offsets mean different spans in code points, UTF-16 units and grapheme clusters, and the file does not "
        "show which they are: say it with `import_unit`"
    )


def in_unit(text: str, offset: int, unit: Unit) -> int | None:
    """An offset in code points in another unit; None where it stands inside a grapheme cluster."""
    try:
        return _places(text, unit).index(offset)
    except ValueError:
        return None


@lru_cache(maxsize=8)
def _places(text: str, unit: Unit) -> Sequence[int]:
    """For each offset in `unit` the one in code points; −1 for one inside a surrogate pair."""
    if unit == "code-point" or (unit == "utf-16" and text.isascii()):
        return range(len(text) + 1)
    if unit == "grapheme":
        return [*(match.start() for match in regex.finditer(r"\X", text)), len(text)]
    places = []
    for at, character in enumerate(text):
        places += [at, -1] if ord(character) > 0xFFFF else [at]
    return [*places, len(text)]


def _first_wrong(text: str, marks: Sequence[Mark]) -> str:
    for mark in marks:
        if all(placed(text, [mark], unit) is None for unit in UNITS):
            under = f" {mark.surface!r}" if mark.surface is not None else ""
            return f"the span {mark.start}–{mark.end} {mark.label}{under} does not stand in the text"
    return "the spans do not all stand in the text"
