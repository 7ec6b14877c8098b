"""The record: one text and what is known about it, one JSON object a line, a superset of Prodigy's JSONL.

Offsets are Unicode code points, 0-based, end-exclusive; `token_start` and `token_end` are inclusive.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from distill.errors import DistillError, at
from distill.files import digest, read_jsonl, write_jsonl

Sample = Literal["test", "dev", "pool", "held_out"]
"""Where a text belongs. `test` and `dev` are drawn once and reviewed blind; `pool` trains; `held_out` came later
with the group of a test or dev text, so it is used for nothing."""

Part = Literal["spans", "accept"]
"""What a decision is about: the spans of the text, or its labels."""

PARTS: tuple[Part, ...] = get_args(Part)

Status = Literal["ok", "ok_empty", "partial", "truncated", "parse_error", "refused", "api_error"]
"""How the teacher did with one component of one text, from best to worst."""

STATUSES: tuple[Status, ...] = (
    "ok",
    "ok_empty",
    "partial",
    "truncated",
    "parse_error",
    "refused",
    "api_error",
)
TRAINABLE: frozenset[Status] = frozenset({"ok", "ok_empty"})
"""The statuses that may enter training without a person having looked."""

USABLE: frozenset[Status] = TRAINABLE | {"partial"}
"""The statuses of answers that say something."""


def identify(text: str, id_: str | None, group: str | None) -> tuple[str, str]:
    """The id and the group of a text, where it came without them: a hash of it, and its twins."""
    return digest(text.encode())[:16] if id_ is None else id_, twin_key(text) if group is None else group


def twin_key(text: str) -> str:
    """A hash that texts share which differ in case, white space or Unicode form only: such twins must not stand on both
    sides of the split."""
    return digest(" ".join(unicodedata.normalize("NFKC", text).casefold().split()).encode())[:16]


UNSPACED = frozenset({"bo", "ja", "km", "lo", "my", "th", "zh"})
"""Languages that put no white space between words."""


def count_words(text: str, tokens: Iterable[str], language: str) -> int:
    """The words of a text: what white space divides, or in a language without it the tokens that hold a letter or a
    digit."""
    if language in UNSPACED:
        return sum(any(character.isalnum() for character in token) for token in tokens)
    return len(text.split())


class Strict(BaseModel):
    """A model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid")


class Documented(Strict):
    """A part of a config: what stands below a key says what it is, here and in docs/configuration.md."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Span(Strict):
    """A labelled stretch of a text. `start`, `end`: code points; `token_start`, `token_end`: tokens, inclusive."""

    start: int = Field(ge=0)
    end: int = Field(gt=0)
    label: str
    token_start: int | None = None
    token_end: int | None = None


def label_of(item: Span | str) -> str:
    """The label of a span, or a label of a text itself."""
    return item if isinstance(item, str) else item.label


class Token(Strict):
    """A token of spaCy's tokenizer. `ws`: whether a space follows."""

    text: str
    start: int
    end: int
    id: int
    ws: bool


class Text(Strict):
    """A text as `ingest` wrote it."""

    id: str
    text: str
    group: str
    sample: Sample
    meta: dict[str, Any] = {}


class Dropped(Strict):
    """Something in a teacher's answer that was not used, and why."""

    reason: str
    item: str


class TeacherRun(Strict):
    """What became of the teacher's answers for one component of one text.

    keys: of the requests, in the order of the questions. error: why one of them got no answer. tokens_in, tokens_out:
    as the endpoint counted them.
    """

    status: Status
    keys: list[str] = []
    dropped: list[Dropped] = []
    error: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0


class Annotated(Text):
    """A text with the teacher's annotations. `spans` and `accept` are None where that component was not asked or
    failed."""

    tokens: list[Token] = []
    spans: list[Span] | None = None
    accept: list[str] | None = None
    teacher: dict[str, TeacherRun] = {}


class Queued(Text):
    """A text in the order in which people should look at it. `why`: what put it in its place."""

    why: str


Row = TypeVar("Row", bound=BaseModel)


def read_records(path: Path, model: type[Row]) -> Iterator[Row]:
    """Stream the rows of a JSONL file as `model`.

    Raises DistillError with file, line, key and value where a row does not fit.
    """
    for number, row in read_jsonl(path):
        try:
            yield model.model_validate(row)
        except ValidationError as error:
            raise DistillError(f"{at(path, number)}: {explain(error)}", "Mend or delete that line.") from None


def write_records(path: Path, rows: Iterable[BaseModel]) -> int:
    """Write `rows` to `path`, one a line, without the fields that are None; returns how many."""
    return write_jsonl(path, (row.model_dump(exclude_none=True) for row in rows))


def explain(error: ValidationError) -> str:
    """The first complaint of a pydantic error in one line: key, what was expected, what came."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "the row"
    if first["type"] == "extra_forbidden":
        return f"unknown key `{key}`"
    if first["type"] == "missing":
        return f"key `{key}` is missing"
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    return f"`{key}`: {first['msg']}, got {first['input']!r}"
