"""The teacher's answers for every text: recorded ones are read, missing ones are asked for once and recorded."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from distill.errors import DistillError
from distill.records import (
    STATUSES,
    TRAINABLE,
    USABLE,
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
from distill.teacher.answers import goes_round
from distill.teacher.asking import Asked
from distill.teacher.endpoint import load_endpoint
from distill.teacher.estimate import ask_missing
from distill.teacher.parsing import Parsed
from distill.teacher.responses import Recorded
from distill.teacher.tasks import doc_spans, read_parsed

WHOLE = frozenset({"", "stop", "eos", "eos_token", "end_turn", "stop_sequence", "tool_calls"})
"""Finish reasons of whole answers; one that is not known is of an answer that was cut off."""

REFUSED = frozenset({"content_filter", "refusal", "safety"})
"""Finish reasons of answers that the endpoint or the model declined to give."""


@dataclass
class Annotation:
    """What `annotate` did.

    asked: what became of the requests that were sent now; recorded: requests answered before; unanswered: requests
    without an answer; differing: requests with two different recorded answers; statuses: texts by component and status;
    dropped: what was not used of the answers, by component and reason; texts: all that were annotated.
    """

    texts: int = 0
    asked: Asked = field(default_factory=Asked)
    recorded: int = 0
    unanswered: int = 0
    differing: int = 0
    max_failed: float = 1.0
    statuses: dict[str, Counter[Status]] = field(default_factory=dict)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)

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
    check_examples(task_path, texts_path)
    nlp, components = load_teacher(config_path)
    recorded = Recorded()
    if endpoint:
        done.max_failed = endpoint.max_failed
        recorded, reckoned, done.asked = ask_missing(
            lambda: annotated_texts(texts_path), nlp, components, endpoint, config_path, journal_path
        )
        done.recorded = reckoned.requests - reckoned.missing
        done.unanswered = reckoned.missing - done.asked.answered
        done.differing = recorded.differing

    def records(blind: bool) -> Iterator[Annotated]:
        texts = (text for text in annotated_texts(texts_path) if (text.sample != "pool") == blind)
        what = "blind samples" if blind else "pool"
        for text in tqdm(texts, desc=what, unit=" texts", mininterval=0.5, leave=False, disable=None):
            record = read_answers(text, nlp, components, recorded, done.asked.failures)
            done.texts += 1
            for kind, run in record.teacher.items():
                done.statuses.setdefault(kind, Counter())[run.status] += 1
                done.dropped.setdefault(kind, Counter()).update(item.reason for item in run.dropped)
            yield record

    write_records(silver_path, records(blind=False))
    write_records(blind_path, records(blind=True))
    return done


def check_examples(task_path: Path, texts_path: Path) -> None:
    """An example that is shown to the teacher with its answer must not be among the texts it is measured on."""
    examples = {twin_key(example.text): example.text for example in load_task(task_path).examples}
    for text in read_records(texts_path, Text):
        if text.sample in ("test", "dev") and twin_key(text.text) in examples:
            raise DistillError(
                f"{task_path}: the example {text.text[:60]!r} is the text {text.id} of the {text.sample} sample",
                "Take another example: the teacher must not be shown answers that it is measured by.",
            )


def annotated_texts(path: Path) -> Iterator[Text]:
    """The texts that the teacher is asked about: all but those that are held out."""
    return (text for text in read_records(path, Text) if text.sample != "held_out")


def read_answers(
    text: Text, nlp: Language, components: list[Component], recorded: Recorded, failures: dict[str, str]
) -> Annotated:
    """The text with what the teacher said of it. failures: by request key, why there is no answer."""
    record = Annotated(**text.model_dump(), tokens=_tokens(nlp.make_doc(text.text)))
    for component in components:
        doc = nlp.make_doc(text.text)
        asked = component.ask(doc)
        keys = [component.chat.key(component.chat.body(prompt)) for prompt in asked.prompts]
        got = [response for key in keys if (response := recorded.get(key))]
        if len(got) < len(keys):
            reasons = [failures[key] for key in keys if key in failures]
            run = TeacherRun(status="api_error", keys=keys, error=reasons[0] if reasons else "not asked any more")
        else:
            doc = component.parse(doc, asked, [response.answer for response in got])
            parsed = read_parsed(doc) or _stock_parsed(doc, component)
            statuses: list[Status] = [
                "refused" if response.finish_reason.casefold() in REFUSED else "truncated"
                for response in got
                if response.finish_reason.casefold() not in WHOLE and not goes_round(response.answer)
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
