"""spacy-llm tasks made from task.yml: one question a label for spans or one for all of them, one for the labels of the
text; long texts part by part.

They are registered as `distill.NER.v1`, `distill.SpanCat.v1`, `distill.TextCat.v1` and `distill.TextCatMultilabel.v1`.
What was dropped from the answers, and the status they earned, is left in `doc.user_data["teacher"]`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Iterable, Tuple  # noqa: UP035  spacy-llm compares the signatures with typing's names

from spacy.tokens import Doc

from distill.corpus.docbin import SPANS_KEY, spans_of
from distill.errors import DistillError
from distill.records import STATUSES, TRAINABLE, Dropped, Span, Status
from distill.task import Kind, PromptExample, load_task
from distill.teacher.chat import Schema, make_prompt
from distill.teacher.parsing import Parsed, parse_label, parse_labels, parse_mentions, parse_spans
from distill.teacher.parts import PART_CHARACTERS, parts_of
from distill.teacher.prompts import load_template, opening, question

USER_DATA = "teacher"


class SpansTask:
    """Asks for the mentions of the labels of `ner` or `spancat`: of each label in turn, or of all `together`.

    structured: whether the answer is to follow a JSON schema, which the endpoint must know. forgive_invented: see
    `parsing.locate`. part_characters: code points above which a text is asked about in parts.
    """

    def __init__(
        self,
        task_path: Path,
        template_path: Path,
        kind: Kind,
        *,
        forgive_invented: bool = False,
        together: bool = False,
        structured: bool = False,
        part_characters: int = PART_CHARACTERS,
    ) -> None:
        if structured and not together:
            raise DistillError(
                "configs/teacher.cfg: `structured` asks for all labels in one answer",
                "Set `together = true`, with configs/prompts/spans_chat.jinja, or leave `structured` out.",
            )
        self._kind = kind
        self._forgive_invented = forgive_invented
        self._together = together
        self._part_characters = part_characters
        task = load_task(task_path)
        self._template = load_template(template_path)
        self._labels = {name: task.label(kind, name) for name in task.labels(kind)}
        examples = [example for example in task.examples if example.spans is not None]
        # What stands before the question is made once, for there may be many texts
        self._questions: list[tuple[dict[str, Any], list[dict[str, str]], Schema | None]] = []
        if together:
            context: dict[str, Any] = {"labels": self._labels, "structured": structured}
            schema = _spans_schema(self._labels) if structured else None
            self._questions.append((context, opening(self._template, examples, **context), schema))
            return
        for name, label in self._labels.items():
            context = {
                "label": name,
                "plural": label.plural or name,
                "definition": label.definition,
            }
            turns = opening(self._template, _examples_of(name, examples), **context)
            self._questions.append((context, turns, None))

    @property
    def labels(self) -> Tuple[str, ...]:  # noqa: UP006
        """The labels, in the order of the questions."""
        return tuple(self._labels)

    def generate_prompts(
        self, docs: Iterable[Doc], context_length: int | None = None
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Doc]]]:  # noqa: UP006
        """For each part of a text a prompt for each question; the shard of each is the doc itself."""
        for doc in docs:
            prompts = [
                make_prompt([*turns, *question(self._template, doc.text[start:end], **context)], schema)
                for start, end in parts_of(doc, self._part_characters)
                for context, turns, schema in self._questions
            ]
            yield prompts, [doc] * len(prompts)

    def parse_responses(self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Set `doc.ents` or the span group; spans that end inside a token are dropped with that reason."""
        for of_doc, answers in zip(shards, responses, strict=True):
            doc = next(iter(of_doc))
            said = list(answers)
            statuses: list[Status] = []
            dropped: list[Dropped] = []
            spans = []
            for number, (start, end) in enumerate(parts_of(doc, self._part_characters)):
                count = len(self._questions)
                parsed = self._parse(doc, start, end, said[number * count : (number + 1) * count])
                statuses.append(parsed.status)
                dropped += parsed.dropped
                for span in parsed.spans or []:
                    found = doc.char_span(start + span.start, start + span.end, label=span.label)
                    if found is None:
                        surface = doc.text[start + span.start : start + span.end]
                        dropped.append(Dropped(reason="inside_a_token", item=f"{span.label}: {surface}"))
                        statuses.append("partial")
                    else:
                        spans.append(found)
            if self._kind == "spancat":
                doc.spans[SPANS_KEY] = spans
            else:
                doc.set_ents(spans)
            status = max(statuses, key=STATUSES.index)
            if status in TRAINABLE:
                status = "ok" if spans else "ok_empty"
            doc.user_data[USER_DATA] = Parsed(status, doc_spans(doc), None, dropped)
            yield doc

    def _parse(self, doc: Doc, start: int, end: int, answers: Sequence[str]) -> Parsed:
        """The spans of one part, with offsets from its start."""
        text = doc.text[start:end]
        tokens = [(token.idx - start, token.idx + len(token) - start) for token in doc if start <= token.idx < end]
        overlaps = self._kind == "spancat"
        if self._together:
            return parse_spans(
                answers[0],
                self._labels,
                text,
                tokens,
                overlaps=overlaps,
                forgive_invented=self._forgive_invented,
            )
        return parse_mentions(
            dict(zip(self._labels, answers, strict=True)),
            text,
            tokens,
            labels=self._labels,
            overlaps=overlaps,
            forgive_invented=self._forgive_invented,
        )


class LabelsTask:
    """Asks which one label of `textcat`, or which labels of `textcat_multilabel`, a text has. structured and
    part_characters: see `SpansTask`."""

    def __init__(
        self,
        task_path: Path,
        template_path: Path,
        kind: Kind,
        *,
        structured: bool = False,
        part_characters: int = PART_CHARACTERS,
    ) -> None:
        task = load_task(task_path)
        self._one = kind == "textcat"
        self._part_characters = part_characters
        self._template = load_template(template_path)
        self._labels = {name: task.label(kind, name) for name in task.labels(kind)}
        examples = [example for example in task.examples if example.accept is not None]
        self._context = {"labels": self._labels, "structured": structured, "has_examples": bool(examples)}
        self._opening = opening(self._template, examples, **self._context)
        self._schema = _labels_schema(self._labels, one=self._one) if structured else None

    @property
    def labels(self) -> Tuple[str, ...]:  # noqa: UP006
        """The labels a text may have."""
        return tuple(self._labels)

    def generate_prompts(
        self, docs: Iterable[Doc], context_length: int | None = None
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Doc]]]:  # noqa: UP006
        """One prompt for each part of a text."""
        for doc in docs:
            prompts = [
                make_prompt(
                    [*self._opening, *question(self._template, doc.text[start:end], **self._context)], self._schema
                )
                for start, end in parts_of(doc, self._part_characters)
            ]
            yield prompts, [doc] * len(prompts)

    def parse_responses(self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Set `doc.cats`: 1.0 for what the text has, 0.0 for the others; nothing where the answer could not be read.

        A text in parts has all labels of its parts, or the one label that most of its code points have: where that is
        not more than a half of them, the text is `partial`.
        """
        for of_doc, answers in zip(shards, responses, strict=True):
            doc = next(iter(of_doc))
            parse = parse_label if self._one else parse_labels
            parsed = [parse(answer, self._labels) for answer in answers]
            sizes = [end - start for start, end in parts_of(doc, self._part_characters)]
            together = parsed[0] if len(parsed) == 1 else self._together(parsed, sizes)
            readable = together.labels is not None and together.status != "refused"
            doc.cats = {name: float(name in (together.labels or [])) for name in self._labels} if readable else {}
            doc.user_data[USER_DATA] = together
            yield doc

    def _together(self, parsed: list[Parsed], sizes: list[int]) -> Parsed:
        dropped = [item for part in parsed for item in part.dropped]
        status = max((part.status for part in parsed), key=STATUSES.index)
        votes: Counter[str] = Counter()
        for part, size in zip(parsed, sizes, strict=True):
            votes.update(dict.fromkeys(part.labels or [], size))
        if status not in (*TRAINABLE, "partial"):
            return Parsed(status, None, None, dropped)
        if not self._one:
            labels = [name for name in self._labels if name in votes]
            return Parsed(status if status == "partial" else "ok" if labels else "ok_empty", None, labels, dropped)
        ((winner, most),) = votes.most_common(1)
        dropped += [
            Dropped(reason="outvoted", item=f"{name}: {count} of {sum(sizes)} code points")
            for name, count in votes.items()
            if name != winner
        ]
        return Parsed("ok" if 2 * most > sum(sizes) else "partial", None, [winner], dropped)


TaskPath = Annotated[str, "The path of task.yml."]
Template = Annotated[str, "The path of a prompt template."]
Forgive = Annotated[bool, "Whether a text may train although the answer also named what is nowhere in it."]
Together = Annotated[bool, "One question about all labels, in place of one for each."]
Structured = Annotated[bool, "Answers in JSON, by a schema that the request carries."]
Parts = Annotated[int, "Longer texts are asked about in parts of at most so many code points."]


def make_ner(
    task: TaskPath,
    template: Template,
    forgive_invented: Forgive = False,
    together: Together = False,
    structured: Structured = False,
    part_characters: Parts = PART_CHARACTERS,
) -> SpansTask:
    """Spans that do not overlap; of those that do, the longest stays."""
    return SpansTask(
        Path(task),
        Path(template),
        "ner",
        forgive_invented=forgive_invented,
        together=together,
        structured=structured,
        part_characters=part_characters,
    )


def make_spancat(
    task: TaskPath,
    template: Template,
    forgive_invented: Forgive = False,
    together: Together = False,
    structured: Structured = False,
    part_characters: Parts = PART_CHARACTERS,
) -> SpansTask:
    """Spans that may overlap."""
    return SpansTask(
        Path(task),
        Path(template),
        "spancat",
        forgive_invented=forgive_invented,
        together=together,
        structured=structured,
        part_characters=part_characters,
    )


def make_textcat(
    task: TaskPath, template: Template, structured: Structured = False, part_characters: Parts = PART_CHARACTERS
) -> LabelsTask:
    """One label a text."""
    return LabelsTask(Path(task), Path(template), "textcat", structured=structured, part_characters=part_characters)


def make_textcat_multilabel(
    task: TaskPath, template: Template, structured: Structured = False, part_characters: Parts = PART_CHARACTERS
) -> LabelsTask:
    """Any number of labels a text."""
    return LabelsTask(
        Path(task), Path(template), "textcat_multilabel", structured=structured, part_characters=part_characters
    )


def _examples_of(label: str, examples: Iterable[PromptExample]) -> Iterator[PromptExample]:
    """The examples that hold the label, and those that hold nothing: too many a `none` teaches a small model to say
    it."""
    return (example for example in examples if not example.spans or label in example.spans)


def _spans_schema(labels: Iterable[str]) -> Schema:
    """A list of surface texts for each label."""
    surfaces = {"type": "array", "items": {"type": "string"}}
    return _object(dict.fromkeys(labels, surfaces))


def _labels_schema(labels: Iterable[str], *, one: bool) -> Schema:
    """One of the labels, or a list of them."""
    name = {"type": "string", "enum": list(labels)}
    return _object({"label": name} if one else {"labels": {"type": "array", "items": name}})


def _object(properties: dict[str, Any]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def doc_spans(doc: Doc) -> list[Span]:
    """The labelled spans of a doc as spans of the record."""
    return [
        Span(
            start=span.start_char,
            end=span.end_char,
            label=span.label_,
            token_start=span.start,
            token_end=span.end - 1,
        )
        for span in spans_of(doc)
    ]


def read_parsed(doc: Doc) -> Parsed | None:
    """What the task left on a doc; None for a stock task, which leaves nothing."""
    return doc.user_data.pop(USER_DATA, None)
