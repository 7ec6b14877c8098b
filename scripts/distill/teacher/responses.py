"""`assets/responses.jsonl`: the teacher's answers, paid for once."""

from dataclasses import dataclass
from pathlib import Path

from distill.journal import Entry, content_id, entries, heads


@dataclass(frozen=True)
class Answer:
    """What the endpoint said. finish_reason: `stop`, `length` or what else the endpoint calls it. seconds: from request
    to answer, as this machine saw it."""

    text: str
    finish_reason: str
    tokens_in: int
    tokens_out: int
    seconds: float


class Response(Entry):
    """A recorded answer. `key`: of the request; `seconds`: how long it took where it was asked."""

    key: str
    teacher_id: str
    answer: str
    finish_reason: str
    tokens_in: int
    tokens_out: int
    seconds: float


@dataclass(frozen=True)
class Recorded:
    """The recorded answers by request key. differing: how many keys have two different answers."""

    answers: dict[str, Response]
    differing: int


def make_response(key: str, teacher_id: str, answer: Answer) -> Response:
    """The journal entry for an answer; its id is a hash of its content."""
    entry = Response(
        id="",
        key=key,
        teacher_id=teacher_id,
        answer=answer.text,
        finish_reason=answer.finish_reason,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        seconds=answer.seconds,
    )
    return entry.model_copy(update={"id": content_id(entry)})


def load_responses(path: Path) -> Recorded:
    """Read the journal. Where two machines got different answers to one request, the one with the smaller id is
    used, the same one everywhere, and counted in `differing`."""
    answers: dict[str, Response] = {}
    differing: set[str] = set()
    for response in heads(entries(path, Response)):
        known = answers.setdefault(response.key, response)
        if known.answer != response.answer:
            differing.add(response.key)
    return Recorded(answers, len(differing))
