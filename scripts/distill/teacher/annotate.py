"""The teacher's answers for every text: recorded ones are read, missing ones are asked for once and recorded."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from distill.errors import DistillError
from distill.journal import Journal
from distill.records import (
    STATUSES,
    TRAINABLE,
    Annotated,
    Dropped,
    Status,
    TeacherRun,
    Text,
    Token,
    read_records,
    twin_key,
    write_records,
)
from distill.task import LABEL_KINDS, SPAN_KINDS, load_task
from distill.teacher.adapter import Component, load_teacher
from distill.teacher.chat import AskError, Chat
from distill.teacher.endpoint import load_endpoint
from distill.teacher.parsing import Parsed, goes_round
from distill.teacher.responses import Answer, Response, load_responses, make_response
from distill.teacher.tasks import doc_spans, read_parsed

GIVE_UP_AFTER = 10
"""Requests in a row that fail, each after all its tries, before the endpoint counts as down and the run stops
asking."""

FINISHED: dict[str, Status] = {"length": "truncated", "content_filter": "refused", "refusal": "refused"}
"""What a finish reason other than the ordinary ones says of an answer."""

USABLE: frozenset[Status] = frozenset({"ok", "ok_empty", "partial"})


@dataclass
class Annotation:
    """What `annotate` did.

    asked: requests sent and answered now; recorded: requests answered before; unanswered: requests without an answer;
    failures: the reason by request key, where it was asked; differing: requests with two different recorded answers;
    statuses: texts by component and status; texts: all that were annotated.
    """

    texts: int = 0
    asked: int = 0
    recorded: int = 0
    unanswered: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    differing: int = 0
    max_failed: float = 1.0
    statuses: dict[str, Counter[Status]] = field(default_factory=dict)

    @property
    def failed_share(self) -> float:
        """The largest share, over the components, of texts without a usable answer."""
        shares = [
            sum(count for status, count in counts.items() if status not in USABLE) / max(counts.total(), 1)
            for counts in self.statuses.values()
        ]
        return max(shares, default=0.0)

    def trainable(self, kind: str) -> int:
        """Texts whose annotation of a component may train unreviewed."""
        return sum(count for status, count in self.statuses[kind].items() if status in TRAINABLE)


def annotate(
    texts_path: Path, task_path: Path, config_path: Path, journal_path: Path, silver_path: Path, blind_path: Path
) -> Annotation:
    """Annotate all texts: those of the pool into `silver_path`, those of the blind samples into `blind_path`, which
    no training reads. Texts that are held out are used for nothing, and not asked for.

    A config with an empty pipeline is a task without a teacher: the records then hold no annotations.

    Raises DistillError where an answer is missing and the teacher cannot be asked; what it answered is kept.
    """
    done = Annotation()
    endpoint = load_endpoint(config_path)
    _examples_apart(task_path, texts_path)
    nlp, components = load_teacher(config_path)
    recorded = load_responses(journal_path)
    answers, done.differing = recorded.answers, recorded.differing
    if endpoint:
        done.max_failed = endpoint.max_failed
        missing = sum(1 for _ in _missing(_texts(texts_path), nlp, components, answers))
        if missing:
            if endpoint.is_remote and not endpoint.allow_remote:
                texts = sum(1 for _ in _texts(texts_path))
                raise DistillError(
                    f"{endpoint.host} is on another machine: {missing} requests about {texts} texts would go there",
                    f"Set `allow_remote = true` in the section [teacher] of {config_path} if they may.",
                )
            _ask(_missing(_texts(texts_path), nlp, components, answers), missing, journal_path, answers, done)

    def records(blind: bool) -> Iterator[Annotated]:
        for text in _texts(texts_path):
            if (text.sample != "pool") == blind:
                done.texts += 1
                yield _record(text, nlp, components, answers, done)

    write_records(silver_path, records(blind=False))
    write_records(blind_path, records(blind=True))
    return done


def _examples_apart(task_path: Path, texts_path: Path) -> None:
    """An example that is shown to the teacher with its answer must not be among the texts it is measured on."""
    examples = {twin_key(example.text): example.text for example in load_task(task_path).examples}
    for text in read_records(texts_path, Text):
        if text.sample in ("test", "dev") and twin_key(text.text) in examples:
            raise DistillError(
                f"{task_path}: the example {text.text[:60]!r} is the text {text.id} of the {text.sample} sample",
                "Take another example: the teacher must not be shown answers that it is measured by.",
            )


def _texts(path: Path) -> Iterator[Text]:
    return (text for text in read_records(path, Text) if text.sample != "held_out")


def _missing(
    texts: Iterable[Text], nlp: Language, components: list[Component], answers: dict[str, Response]
) -> Iterator[tuple[Chat, str, str]]:
    """(model, key, prompt) of each request that has no recorded answer, each once."""
    seen: set[str] = set()
    for text in texts:
        doc = nlp.make_doc(text.text)
        for component in components:
            for prompt in component.ask(doc).prompts:
                key = component.chat.key(prompt)
                if key not in answers and key not in seen:
                    seen.add(key)
                    yield component.chat, key, prompt


def _ask(
    requests: Iterator[tuple[Chat, str, str]],
    total: int,
    journal_path: Path,
    answers: dict[str, Response],
    done: Annotation,
) -> None:
    """Send the requests, a bounded number at a time, and record each answer as it arrives."""
    failures_in_a_row = 0
    # Answers must not become visible to the generator of missing requests while it runs
    new: dict[str, Response] = {}
    with Journal(journal_path) as journal:
        first = next(requests)
        first[0].connect()
        concurrency = first[0].endpoint.concurrency
        queue = itertools.chain([first], requests)
        in_flight: dict[Future[Answer], tuple[Chat, str]] = {}

        def take(future: Future[Answer]) -> None:
            nonlocal failures_in_a_row
            chat, key = in_flight.pop(future)
            try:
                response = make_response(key, chat.endpoint.identity, future.result())
            except AskError as failure:
                failures_in_a_row += 1
                done.failures[key] = str(failure)
            else:
                failures_in_a_row = 0
                journal.append(response)
                new[key] = response
            progress.update()

        with (
            ThreadPoolExecutor(concurrency) as pool,
            tqdm(total=total, desc="requests", unit="", mininterval=0.5, smoothing=0.05) as progress,
        ):
            try:
                while True:
                    if failures_in_a_row < GIVE_UP_AFTER:
                        for chat, key, prompt in itertools.islice(queue, concurrency - len(in_flight)):
                            chat.connect()
                            in_flight[pool.submit(chat.ask, prompt)] = (chat, key)
                    if not in_flight:
                        break
                    for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                        take(future)
            finally:
                # What is under way is paid for, whatever ends the run
                for future in wait(in_flight).done:
                    take(future)
    answers.update(new)
    done.asked = len(new)
    done.recorded -= len(new)
    done.unanswered = total - len(new)


def _record(
    text: Text, nlp: Language, components: list[Component], answers: dict[str, Response], done: Annotation
) -> Annotated:
    """The text with what the teacher said of it."""
    record = Annotated(**text.model_dump(), tokens=_tokens(nlp.make_doc(text.text)))
    for component in components:
        doc = nlp.make_doc(text.text)
        asked = component.ask(doc)
        keys = [component.chat.key(prompt) for prompt in asked.prompts]
        got = [answers[key] for key in keys if key in answers]
        done.recorded += len(got)
        if len(got) < len(keys):
            reasons = [done.failures[key] for key in keys if key in done.failures]
            run = TeacherRun(status="api_error", keys=keys, error=reasons[0] if reasons else "not asked any more")
        else:
            doc = component.parse(doc, asked, [response.answer for response in got])
            parsed = read_parsed(doc) or _stock_parsed(doc, component)
            statuses = [
                FINISHED[response.finish_reason]
                for response in got
                if response.finish_reason in FINISHED and not goes_round(response.answer)
            ]
            if parsed.status != "parse_error" or not statuses:
                # What was cut off cannot be read, but that it was cut off says more
                statuses.append(parsed.status)
            run = TeacherRun(status=max(statuses, key=STATUSES.index), keys=keys, dropped=parsed.dropped)
            record.spans = parsed.spans if component.kind in SPAN_KINDS else record.spans
            record.accept = parsed.labels if component.kind in LABEL_KINDS else record.accept
        run.tokens_in = sum(response.tokens_in for response in got)
        run.tokens_out = sum(response.tokens_out for response in got)
        record.teacher[component.kind] = run
        done.statuses.setdefault(component.kind, Counter())[run.status] += 1
    return record


def _stock_parsed(doc: Doc, component: Component) -> Parsed:
    """What a stock spacy-llm task read. It cannot tell an answer that says `none` from one that it could not read, so
    a text for which it found nothing does not count as `ok_empty`."""
    spans = doc_spans(doc) if component.kind in SPAN_KINDS else None
    labels = None if spans is not None else [label for label, score in doc.cats.items() if score >= 0.5]
    if spans or labels:
        return Parsed("ok", spans, labels, [])
    return Parsed("parse_error", spans, labels, [Dropped(reason="nothing_or_unreadable", item="")])


def _tokens(doc: Doc) -> list[Token]:
    return [
        Token(
            text=token.text,
            start=token.idx,
            end=token.idx + len(token),
            id=token.i,
            ws=bool(token.whitespace_),
        )
        for token in doc
    ]
