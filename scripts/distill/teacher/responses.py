"""`assets/responses.jsonl`: the teacher's answers, paid for once."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill.journal import Entry, content_id, entries


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
    """A recorded answer. `key`: of the request; with `unreadable:` before it, no answer, but tokens that were paid for.
    `tokens_in`, `tokens_out`: as the endpoint counted them, or as reckoned where it counts none; `seconds`: how long it
    took where it was asked."""

    key: str
    teacher_id: str
    answer: str
    finish_reason: str
    tokens_in: int
    tokens_out: int
    seconds: float


class Recorded:
    """The recorded answers by request key, in a temporary file: there may be millions.

    Where two machines got different answers to one request, the one with the smaller id is used, the same one
    everywhere. differing: how many requests that are.
    """

    def __init__(self) -> None:
        # With no name, SQLite keeps what does not fit into its cache in a file that it removes itself
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.executescript(
            "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
            "CREATE TABLE answers (key TEXT, id TEXT, teacher_id TEXT, answer TEXT, finish_reason TEXT,"
            " tokens_in INTEGER, tokens_out INTEGER, seconds REAL, PRIMARY KEY (key, id)) WITHOUT ROWID;"
            "CREATE TABLE replaced (id TEXT PRIMARY KEY) WITHOUT ROWID;"
        )
        self.differing = 0

    def add(self, response: Response) -> None:
        """Add an answer."""
        self._db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _row(response))

    def load(self, responses: Iterator[Response]) -> None:
        """Add the entries of a journal."""

        def rows() -> Iterator[tuple[object, ...]]:
            for response in responses:
                for old in response.supersedes:
                    self._db.execute("INSERT OR IGNORE INTO replaced VALUES (?)", (old,))
                yield _row(response)

        self._db.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows())
        self._db.execute("DELETE FROM answers WHERE id IN (SELECT id FROM replaced)")
        (self.differing,) = self._db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM answers GROUP BY key HAVING count(DISTINCT answer) > 1)"
        ).fetchone()

    def get(self, key: str) -> Response | None:
        """The answer to a request; None where there is none."""
        row = self._db.execute(
            "SELECT id, key, teacher_id, answer, finish_reason, tokens_in, tokens_out, seconds FROM answers"
            " WHERE key = ? ORDER BY id LIMIT 1",
            (key,),
        ).fetchone()
        names = ("id", "key", "teacher_id", "answer", "finish_reason", "tokens_in", "tokens_out", "seconds")
        return Response.model_construct(supersedes=[], **dict(zip(names, row, strict=True))) if row else None

    def __contains__(self, key: str) -> bool:
        return self._db.execute("SELECT 1 FROM answers WHERE key = ?", (key,)).fetchone() is not None

    def has_answer_of(self, teacher_id: str) -> bool:
        """Whether a teacher has answered anything yet."""
        return any(self.tokens(teacher_id))

    def tokens(self, teacher_id: str) -> tuple[int, int]:
        """Tokens in and out of all the answers of a teacher."""
        row = self._db.execute(
            "SELECT total(tokens_in), total(tokens_out) FROM answers WHERE teacher_id = ?", (teacher_id,)
        ).fetchone()
        return int(row[0]), int(row[1])


def _row(response: Response) -> tuple[object, ...]:
    return (
        response.key,
        response.id,
        response.teacher_id,
        response.answer,
        response.finish_reason,
        response.tokens_in,
        response.tokens_out,
        response.seconds,
    )


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
    """Read the journal. Raises DistillError as `journal.entries` does."""
    recorded = Recorded()
    recorded.load(entries(path, Response))
    return recorded
