"""The desk: which card comes next for whom, and where decisions go. One process, one journal, several annotators."""

import gc
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from spacy.tokens import Doc
from wasabi import msg

from distill.errors import DistillError
from distill.files import read_json
from distill.formats.labelled import overlap
from distill.journal import Journal, entries
from distill.records import Annotated, Strict
from distill.review.cards import (
    Mode,
    RefusedError,
    Row,
    Said,
    Student,
    Submitted,
    Suggestions,
    as_decided,
    make_nlp,
    mistake,
    mode_of,
    read_queue,
    share,
    suggested,
    to_code_points,
    tokens_of,
)
from distill.review.decisions import Decided, Decision, settle, taken_back, together
from distill.review.one_label import Opinion, decides, filled, limited, only, unknown_labels, with_label
from distill.task import Task, load_task

RESERVED = 600.0
"""Seconds for which a card that was handed out is kept from others."""

State = Literal["todo", "done", "conflict"]


@dataclass(frozen=True)
class Paths:
    """The files that a desk reads, and the journal that it writes. models: the folder of trained students."""

    task: Path
    queue: Path
    silver: Path
    reviews: Path
    metrics: Path
    models: Path


@dataclass(frozen=True)
class Shares:
    """hidden: of the cards of the pool, those that come without suggestions; overlap: of all cards, those that two
    annotators get. Both from 0 to 1."""

    hidden: float
    overlap: float


class Filter(Strict):
    """Which cards are wanted; what is empty does not filter. label: among the labels that were decided or, on an
    undecided card, suggested; status: of the teacher; differs: whether the student differs from the teacher."""

    state: State | Literal[""] = ""
    label: str = ""
    status: str = ""
    annotator: str = ""
    text: str = ""
    differs: bool = False
    flag: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self == Filter()


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters need to know of the suggestions of a card."""

    labels: frozenset[str]
    statuses: frozenset[str]
    differs: bool


@dataclass(frozen=True, slots=True)
class _Reservation:
    """For whom a card is kept. at: since when, in seconds of the monotonic clock."""

    annotator: str
    at: float


@dataclass
class _Made:
    """The decisions on a text, and what they come to. older: those on the text as it was once, which the next one
    supersedes. last: each annotator's last ones that were not taken back; were they settled by somebody else since."""

    task: Task
    all: list[Decision] = field(default_factory=list)
    older: list[Decision] = field(default_factory=list)
    decided: Decided = field(default_factory=lambda: Decided({}, {}, []))
    last: list[Decision] = field(default_factory=list)

    def settle(self) -> None:
        """Reckon what the decisions come to."""
        self.decided = settle(self.all)
        for text_id, joined in list(self.decided.settled.items()):
            if self.task.span_kind == "ner" and overlap(joined.spans or []):
                # Each is right by itself, of different annotators; together they cannot be
                self.decided.conflicts[text_id] = self.decided.standing
                del self.decided.settled[text_id]
        annotators = {one.id: one.annotator for one in self.all}
        gone = taken_back(self.all)
        gone |= {old for one in self.all for old in one.supersedes if annotators.get(old) == one.annotator}
        self.last = [one for one in self.all if one.answer != "open" and one.id not in gone]

    def annotators(self, label: str | None = None) -> set[str]:
        """Who has decided, on a label or on the whole text."""
        return {one.annotator for one in self.last if decides(one, label, self.task)}

    def times(self, label: str | None = None) -> int:
        """How often it was decided; by several together, once."""
        return len(self.annotators(label)) or int(self.state(label) == "done")

    def state(self, label: str | None = None) -> State:
        """How far the text, or a label in it, is."""
        if self.decided.conflicts:
            return "conflict"
        settled = self.decided.settled.values()
        return "done" if any(decides(decision, label, self.task) for decision in settled) else "todo"


@dataclass
class _Tally:
    """How far the work on a label, or on whole texts, is: texts by state, and by who decided on them."""

    states: Counter[State] = field(default_factory=Counter)
    done_by: Counter[str] = field(default_factory=Counter)

    def count(self, made: _Made, label: str | None, times: int) -> None:
        """Add what a text counts, or take it away."""
        self.states[made.state(label)] += times
        for annotator in made.annotators(label):
            self.done_by[annotator] += times


class Desk:
    """Cards out, decisions in. Use it in a `with` statement: it holds the journal, and a second desk is refused.

    Raises DistillError where a file is missing or broken.
    """

    def __init__(self, paths: Paths, shares: Shares) -> None:
        self.task: Task = load_task(paths.task)
        self._paths = paths
        self._shares = shares
        self._nlp = make_nlp(self.task)
        self._rows = read_queue(paths.queue)
        self._positions = {row.id: number for number, row in enumerate(self._rows)}
        self._suggestions = Suggestions(paths.silver) if paths.silver.exists() else None
        self._made: dict[str, _Made] = {}
        self._by_id: dict[str, Decision] = {}
        for decision in entries(paths.reviews, Decision):
            self._by_id[decision.id] = decision
            made = self._made.setdefault(decision.text_id, _Made(self.task))
            position = self._positions.get(decision.text_id)
            is_older = position is not None and decision.text != self._rows[position].text
            (made.older if is_older else made.all).append(decision)
        for made in self._made.values():
            made.settle()
        self._tallies: dict[str | None, _Tally] = {}
        self._student: Student | None = None
        self._facts: dict[str, Facts] = {}
        self._facts_ready = threading.Event()
        self._stop = threading.Event()
        self._reserved: dict[tuple[str, str | None], dict[str, _Reservation]] = {}
        self._run = secrets.token_hex(8)
        self._begin: Counter[tuple[str, str | None]] = Counter()
        self._lock = threading.RLock()
        self._journal = Journal(paths.reviews)

    def __enter__(self) -> "Desk":
        self._journal.__enter__()
        threading.Thread(target=self._gather_facts, daemon=True).start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stop.set()
        with self._lock:
            self._journal.__exit__(*error)

    def mode(self, row: Row) -> Mode:
        """Whether the card of a row has suggestions."""
        return mode_of(row, self._shares.hidden)

    def next(
        self, annotator: str, client: str, wanted: Filter, count: int, without: set[str], label: str | None
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """The next cards for an annotator, in the order of the queue, reserved for `client` (a page in a browser).
        without: ids that the client has already; they stay reserved for it, and those that are somebody else's by now
        are returned beside the cards. label: the only one that is to be decided; None for all.

        Raises RefusedError where there is no such label.
        """
        only(self.task, label)
        self._await_facts(wanted)
        with self._lock:
            own = _Reservation(annotator, time.monotonic())
            taken = []
            for id_ in without & self._positions.keys():
                if self._is_open(id_, annotator, label) and self._is_free(id_, client, own, label):
                    self._reserved.setdefault((id_, label), {})[client] = own
                else:
                    taken.append(id_)
            cards: list[dict[str, Any]] = []
            begin = self._begin[annotator, label] if wanted.is_empty else 0
            whole = wanted.is_empty
            for number in range(begin, len(self._rows)):
                if len(cards) == count:
                    break
                row = self._rows[number]
                if not self._is_open(row.id, annotator, label):
                    if whole:
                        self._begin[annotator, label] = number + 1
                    continue
                whole = False
                if row.id in without or not self._is_free(row.id, client, own, label):
                    continue
                if not self._matches(row, wanted):
                    continue
                self._reserved.setdefault((row.id, label), {})[client] = own
                cards.append(self.card(row.id, annotator, label))
            return cards, sorted(taken)

    def leave(self, client: str) -> None:
        """Let others have the cards that are reserved for a client."""
        with self._lock:
            for holders in self._reserved.values():
                holders.pop(client, None)

    def card(self, id_: str, annotator: str, label: str | None = None) -> dict[str, Any]:
        """A card: the text in tokens, what is suggested, the annotator's own decision, and that of others where they
        are in conflict. Raises RefusedError where there is no such text or label."""
        task = only(self.task, label)
        with self._lock:
            row = self._row(id_)
            doc = self._nlp.make_doc(row.text)
            made = self._of(id_)
            own = self._own(made, annotator)
            mode = self.mode(row)
            conflict = [] if label else made.decided.conflicts.get(id_, [])
            card: dict[str, Any] = {
                "id": row.id,
                "tokens": tokens_of(doc),
                "meta": json.loads(row.meta),
                # Why a card stands where it does tells how the teacher did
                "why": "" if mode == "hidden" else row.why,
                "mode": mode,
                "teacher": None,
                "student": None,
                "own": None,
                "versions": [as_decided(decision, doc) for decision in conflict],
            }
            shown: list[Said] = []
            if own and (label is None or decides(own, label, self.task)):
                shown.append(as_decided(own, doc))
                card["own"] = limited(shown[0], task)
            if mode == "shown" and (record := self._record(id_)):
                shown.append(suggested(record, doc))
                teacher = card["teacher"] = limited(shown[-1], task)
                card["student"] = self._second_opinion(doc, teacher, task)
                if own and not label:
                    card["own"] = filled(card["own"], own, teacher, task)
            card["unknown"] = unknown_labels(shown, self.task)
            return card

    def teacher(self, id_: str) -> Annotated:
        """The whole record of a card with suggestions. Raises RefusedError for one that goes without."""
        row = self._row(id_)
        record = self._record(id_) if self.mode(row) == "shown" else None
        if record is None:
            raise RefusedError(404, "this card has no suggestions")
        return record

    def decide(self, submitted: Submitted) -> dict[str, Any]:
        """Take a decision, and return once it is on disk. Sent again, it is taken once.

        Raises RefusedError where it cannot be one.
        """
        with self._lock:
            known = self._by_id.get(submitted.id)
            if known is not None:
                same = (known.text_id, known.annotator) == (submitted.card, submitted.annotator)
                if not same or known.answer != submitted.answer:
                    raise RefusedError(409, "this id stands for another decision")
                return self.progress(submitted.annotator, submitted.label)
            row = self._row(submitted.card)
            doc = self._nlp.make_doc(row.text)
            if reason := mistake(submitted, doc, only(self.task, submitted.label)):
                raise RefusedError(422, reason)
            decision = self._decision(submitted, row, doc)
            made = self._made.setdefault(row.id, _Made(self.task))
            restored = self._restored(decision, made)
            for label, tally in self._tallies.items():
                tally.count(made, label, -1)
            new = [decision, *restored]
            self._journal.append(*new)
            self._by_id.update((one.id, one) for one in new)
            made.all += new
            made.older = []
            made.settle()
            for label, tally in self._tallies.items():
                tally.count(made, label, 1)
            for key in self._reserved.keys() & {(row.id, label) for label in (None, submitted.label)}:
                holders = self._reserved[key]
                for client in [client for client, held in holders.items() if held.annotator == submitted.annotator]:
                    del holders[client]
            position = self._positions[row.id]
            for annotator, label in self._begin:
                if position < self._begin[annotator, label] and self._is_open(row.id, annotator, label):
                    self._begin[annotator, label] = position
            return self.progress(submitted.annotator, submitted.label)

    def _restored(self, opened: Decision, made: _Made) -> list[Decision]:
        """What an annotator had decided before the decision that is taken back, decided again."""
        if opened.answer != "open":
            return []
        before = [
            self._by_id[older]
            for old in opened.supersedes
            for older in self._by_id[old].supersedes
            if older in self._by_id and self._by_id[older].annotator == opened.annotator
        ]
        return [
            one.model_copy(update={"id": f"{opened.id}-{number}", "supersedes": [opened.id]})
            for number, one in enumerate(before)
            if one.answer != "open" and one.text == opened.text
        ]

    def _decision(self, submitted: Submitted, row: Row, doc: Doc) -> Decision:
        made = self._of(row.id)
        standing = {decision.id: decision for decision in made.decided.standing}
        own = {id_ for id_, decision in standing.items() if decision.annotator == submitted.annotator}
        accepted = submitted.answer == "accept"
        opinion = Opinion(
            spans=to_code_points(doc, submitted.spans) if accepted and submitted.spans is not None else None,
            accept=submitted.accept if accepted else None,
        )
        before = self._own(made, submitted.annotator) if submitted.label is not None else None
        seconds, comment, flag, guidelines = submitted.seconds, submitted.comment, submitted.flag, submitted.guidelines
        if submitted.label is not None and accepted:
            opinion = with_label(before, submitted.label, opinion, self.task)
            if before is not None and before.answer == "accept":
                # One decision now stands for both
                seconds = None if seconds is None else seconds + (before.seconds or 0)
                comment, flag = comment or before.comment, flag or before.flag
                guidelines = guidelines if before.guidelines == guidelines else before.guidelines
        mode = self.mode(row)
        if mode != "blind" and submitted.mode in ("hidden", "shown"):
            # As it was on the card, whatever the share has become since
            mode = submitted.mode
        shown: dict[str, Any] = {"mode": mode}
        if mode != "blind" and (record := self._record(row.id)):
            # What the teacher said, were it hidden: to see what its suggestions change
            teacher = suggested(record, doc)
            shown["teacher"] = {"spans": teacher["spans"], "accept": teacher["accept"]}
        return Decision(
            id=submitted.id,
            # One label settles no text
            supersedes=sorted(
                own
                | (set() if submitted.label else set(submitted.settles) & standing.keys())
                | {decision.id for decision in made.older}
            ),
            text_id=row.id,
            text=row.text,
            answer=submitted.answer,
            spans=opinion.spans,
            accept=opinion.accept,
            labels=opinion.labels,
            annotator=submitted.annotator,
            guidelines=guidelines,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=seconds,
            shown=shown,
            comment=comment or None,
            flag=True if flag else None,
        )

    def progress(self, annotator: str, label: str | None) -> dict[str, Any]:
        """How much is done, of a label or of whole texts: texts decided by somebody, texts in conflict, all texts, and
        the annotator's own. run: of the server; a client that sees another one reserves its cards anew."""
        with self._lock:
            if label not in self._tallies:
                tally = self._tallies[label] = _Tally()
                for id_, made in self._made.items():
                    if id_ in self._positions:
                        tally.count(made, label, 1)
            tally = self._tallies[label]
            return {
                "run": self._run,
                "version": self.task.guidelines_version,
                "done": tally.states["done"],
                "conflicts": tally.states["conflict"],
                "all": len(self._rows),
                "own": tally.done_by[annotator],
            }

    def last_own(self, annotator: str, before: str | None, label: str | None = None) -> str | None:
        """The text that an annotator decided on last, or before the text `before`, in a label or at all; None where
        there is none. Decisions without a time, which came from elsewhere, are the oldest."""
        with self._lock:
            own = sorted(
                (decision.at or "", decision.id, decision.text_id)
                for made in self._made.values()
                for decision in made.decided.standing
                if decision.annotator == annotator and decision.text_id in self._positions
                if label is None or decides(decision, label, self.task)
            )
            ids = [text_id for _, _, text_id in own]
            if before in ids:
                ids = ids[: ids.index(before)]
            return ids[-1] if ids else None

    def conflicts(self) -> list[str]:
        """The texts whose decisions differ, in the order of the queue."""
        with self._lock:
            found = [id_ for id_, made in self._made.items() if made.decided.conflicts and id_ in self._positions]
            return sorted(found, key=lambda id_: self._positions[id_])

    def find(self, wanted: Filter, start: int, count: int) -> tuple[list[dict[str, Any]], int]:
        """Rows of the queue that a filter lets through, from the `start`-th on, and how many there are."""
        self._await_facts(wanted)
        with self._lock:
            found = [row for row in self._rows if self._matches(row, wanted)]
            rows = []
            for row in found[start : start + count]:
                made = self._of(row.id)
                rows.append(
                    {
                        "id": row.id,
                        "text": row.text[:200],
                        "state": self._state(row.id),
                        "mode": self.mode(row),
                        "annotators": sorted({decision.annotator for decision in made.last}),
                        "flag": any(decision.flag for decision in made.decided.standing),
                        "comments": [decision.comment for decision in made.decided.standing if decision.comment],
                    }
                )
            return rows, len(found)

    def decisions(self) -> list[Decision]:
        """All decisions on texts of the queue, superseded ones included."""
        with self._lock:
            return [one for id_, made in self._made.items() if id_ in self._positions for one in made.all]

    def remaining(self) -> int:
        """How many decisions are still wanted of somebody."""
        with self._lock:
            return sum(max(0, self._wanted(row.id) - self._of(row.id).times()) for row in self._rows)

    def _of(self, id_: str) -> _Made:
        return self._made.get(id_) or _Made(self.task)

    def _record(self, id_: str) -> Annotated | None:
        return self._suggestions.get(id_) if self._suggestions else None

    def _row(self, id_: str) -> Row:
        if id_ not in self._positions:
            raise RefusedError(404, "no such text in the queue")
        return self._rows[self._positions[id_]]

    def _wanted(self, id_: str) -> int:
        return 2 if share("overlap", id_) < self._shares.overlap else 1

    def _own(self, made: _Made, annotator: str) -> Decision | None:
        """What an annotator has decided."""
        own = [decision for decision in made.decided.standing if decision.annotator == annotator]
        return together(own) or (own[0] if own else None)

    def _is_open(self, id_: str, annotator: str, label: str | None) -> bool:
        """Whether an annotator's decision on a text, or on a label in it, is wanted."""
        made = self._made.get(id_)
        if made is None:
            return True
        done_by_self = annotator in made.annotators(label)
        return not done_by_self and not made.decided.conflicts and made.times(label) < self._wanted(id_)

    def _is_free(self, id_: str, client: str, own: "_Reservation", label: str | None) -> bool:
        """Whether a text is reserved neither for another page of the same annotator, nor for as many others as it is
        wanted of."""
        holders = self._reserved.get((id_, label))
        if not holders:
            return True
        others = {
            held.annotator for holder, held in holders.items() if holder != client and own.at - held.at < RESERVED
        }
        made = self._made.get(id_)
        if made is not None:
            others -= made.annotators(label)
        return own.annotator not in others and len(others) + (made.times(label) if made else 0) < self._wanted(id_)

    def _state(self, id_: str) -> State:
        made = self._made.get(id_)
        return made.state() if made else "todo"

    def _matches(self, row: Row, wanted: Filter) -> bool:
        if wanted.is_empty:
            return True
        made = self._of(row.id)
        standing = made.decided.standing
        if wanted.state and self._state(row.id) != wanted.state:
            return False
        if wanted.text and wanted.text.casefold() not in row.text.casefold():
            return False
        if wanted.annotator and wanted.annotator not in {one.annotator for one in made.last}:
            return False
        if wanted.flag and not any(decision.flag for decision in standing):
            return False
        label_decided = any(decides(one, wanted.label, self.task) for one in standing) if wanted.label else False
        if label_decided:
            decided = {span.label for one in standing for span in one.spans or []}
            decided |= {label for one in standing for label in one.accept or []}
            if wanted.label not in decided:
                return False
        if (wanted.label and not label_decided) or wanted.status or wanted.differs:
            # A card without suggestions must not be told from others by what is suggested on it
            facts = self._facts.get(row.id)
            if facts is None:
                return False
            if wanted.label and not label_decided and wanted.label not in facts.labels:
                return False
            if wanted.status and wanted.status not in facts.statuses:
                return False
            return facts.differs or not wanted.differs
        return True

    def _await_facts(self, wanted: Filter) -> None:
        if wanted.label or wanted.status or wanted.differs:
            self._facts_ready.wait(timeout=120)

    def _second_opinion(self, doc: Doc, teacher: Said, task: Task) -> Said:
        """What the student says, where it differs from the teacher."""
        if self._student is None or teacher is None:
            return None
        spans, accept = self._student.annotate(doc, self.task)
        dumped = None if spans is None else [span.model_dump() for span in spans]
        said = limited({"spans": dumped, "accept": accept}, task)
        assert said is not None
        same = marks(said["spans"]) == marks(teacher["spans"]) and set(said["accept"] or []) == set(
            teacher["accept"] or []
        )
        return None if same else said

    def _gather_facts(self) -> None:
        """Load the student, and note what filters need to know; beside everything else, for it takes time."""
        try:
            self._load_student()
            # The queue stays: to look through it for garbage again and again would hold up whoever waits for a card
            gc.freeze()
            known: dict[Facts, Facts] = {}
            for row in self._rows:
                if self._stop.is_set():
                    return
                if self.mode(row) != "shown" or not (record := self._record(row.id)):
                    continue
                differs = False
                if self._student:
                    doc = self._nlp.make_doc(row.text)
                    differs = self._second_opinion(doc, suggested(record, doc), self.task) is not None
                labels = {span.label for span in record.spans or []} | set(record.accept or [])
                statuses = {run.status for run in record.teacher.values()}
                facts = Facts(frozenset(labels), frozenset(statuses), differs)
                self._facts[row.id] = known.setdefault(facts, facts)
        except DistillError as error:
            msg.warn(error.message, error.remedy)
        finally:
            self._facts_ready.set()

    def _load_student(self) -> None:
        if not self._paths.metrics.exists():
            return
        ships = read_json(self._paths.metrics).get("ships")
        model = self._paths.models / str(ships) / "model-best"
        if ships and model.exists():
            self._student = Student(model)


def marks(spans: list[dict[str, Any]] | None) -> set[tuple[int, int, str]]:
    """Spans of a card, for comparing them."""
    return {(span["start"], span["end"], span["label"]) for span in spans or []}
