"""spacy-llm tasks made from task.yml: one question a label for spans, one question for the labels of the text.

They are registered as `distill.NER.v1`, `distill.SpanCat.v1`, `distill.TextCat.v1` and `distill.TextCatMultilabel.v1`.
What was dropped from the answers, and the status they earned, is left in `doc.user_data["teacher"]`.
"""

from pathlib import Path
from typing import Any, Iterable, Tuple  # noqa: UP035  spacy-llm compares the signatures with typing's names

from spacy.tokens import Doc

from distill.corpus.docbin import SPANS_KEY, spans_of
from distill.records import TRAINABLE, Dropped, Span
from distill.task import Kind, PromptExample, load_task
from distill.teacher.chat import make_prompt
from distill.teacher.parsing import Parsed, parse_label, parse_labels, parse_mentions
from distill.teacher.prompts import chat, load_template

USER_DATA = "teacher"


class SpansTask:
    """Asks for the mentions of each label of `ner` or `spancat` in turn. forgive_invented: see `parse_mentions`."""

    def __init__(self, task_path: Path, template_path: Path, kind: Kind, *, forgive_invented: bool = False) -> None:
        self._kind = kind
        self._forgive_invented = forgive_invented
        task = load_task(task_path)
        self._template = load_template(template_path)
        self._labels = {name: task.label(kind, name) for name in task.labels(kind)}
        self._examples = [example for example in task.examples if example.spans is not None]

    @property
    def labels(self) -> Tuple[str, ...]:  # noqa: UP006
        """The labels, in the order of the questions."""
        return tuple(self._labels)

    def generate_prompts(
        self, docs: Iterable[Doc], context_length: int | None = None
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Doc]]]:  # noqa: UP006
        """A prompt for each label; the shard of each is the doc itself."""
        for doc in docs:
            prompts = [
                make_prompt(
                    chat(
                        self._template,
                        doc.text,
                        self._examples_of(name),
                        label=name,
                        plural=label.plural or name,
                        definition=label.definition,
                    )
                )
                for name, label in self._labels.items()
            ]
            yield prompts, [doc] * len(prompts)

    def _examples_of(self, label: str) -> list[PromptExample]:
        """The examples that hold the label, and those that hold nothing: too many a `none` teaches a small model to
        say it."""
        return [example for example in self._examples if not example.spans or label in example.spans]

    def parse_responses(self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Set `doc.ents` or the span group; spans that end inside a token are dropped with that reason."""
        for of_doc, answers in zip(shards, responses, strict=True):
            doc = next(iter(of_doc))
            parsed = parse_mentions(
                dict(zip(self._labels, answers, strict=True)),
                doc.text,
                [(token.idx, token.idx + len(token)) for token in doc],
                overlaps=self._kind == "spancat",
                forgive_invented=self._forgive_invented,
            )
            dropped, status = list(parsed.dropped), parsed.status
            spans = []
            for span in parsed.spans or []:
                found = doc.char_span(span.start, span.end, label=span.label)
                if found is None:
                    surface = doc.text[span.start : span.end]
                    dropped.append(Dropped(reason="inside_a_token", item=f"{span.label}: {surface}"))
                    status = "partial" if status in TRAINABLE else status
                else:
                    spans.append(found)
            if self._kind == "spancat":
                doc.spans[SPANS_KEY] = spans
            else:
                doc.set_ents(spans)
            doc.user_data[USER_DATA] = Parsed(status, doc_spans(doc), None, dropped)
            yield doc


class LabelsTask:
    """Asks which one label of `textcat`, or which labels of `textcat_multilabel`, a text has."""

    def __init__(self, task_path: Path, template_path: Path, kind: Kind) -> None:
        task = load_task(task_path)
        self._template = load_template(template_path)
        self._parse = parse_label if kind == "textcat" else parse_labels
        self._labels = {name: task.label(kind, name) for name in task.labels(kind)}
        self._examples = [example for example in task.examples if example.accept is not None]

    @property
    def labels(self) -> Tuple[str, ...]:  # noqa: UP006
        """The labels a text may have."""
        return tuple(self._labels)

    def generate_prompts(
        self, docs: Iterable[Doc], context_length: int | None = None
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Doc]]]:  # noqa: UP006
        """One prompt a doc."""
        for doc in docs:
            yield (
                [make_prompt(chat(self._template, doc.text, self._examples, labels=self._labels))],
                [doc],
            )

    def parse_responses(self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Set `doc.cats`: 1.0 for what the text has, 0.0 for the others; nothing where the answer could not be read."""
        for of_doc, answers in zip(shards, responses, strict=True):
            doc = next(iter(of_doc))
            parsed = self._parse(next(iter(answers)), self._labels)
            readable = parsed.labels is not None and parsed.status != "refused"
            doc.cats = {name: float(name in (parsed.labels or [])) for name in self._labels} if readable else {}
            doc.user_data[USER_DATA] = parsed
            yield doc


def make_ner(task: str, template: str, forgive_invented: bool = False) -> SpansTask:
    """`distill.NER.v1`. task: path of task.yml; template: path of a prompt template; forgive_invented: whether a text
    may train although the answer also named what is nowhere in it."""
    return SpansTask(Path(task), Path(template), "ner", forgive_invented=forgive_invented)


def make_spancat(task: str, template: str, forgive_invented: bool = False) -> SpansTask:
    """`distill.SpanCat.v1`: the same, with spans that may overlap."""
    return SpansTask(Path(task), Path(template), "spancat", forgive_invented=forgive_invented)


def make_textcat(task: str, template: str) -> LabelsTask:
    """`distill.TextCat.v1`. task: path of task.yml; template: path of a prompt template."""
    return LabelsTask(Path(task), Path(template), "textcat")


def make_textcat_multilabel(task: str, template: str) -> LabelsTask:
    """`distill.TextCatMultilabel.v1`: the same, with any number of labels."""
    return LabelsTask(Path(task), Path(template), "textcat_multilabel")


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
