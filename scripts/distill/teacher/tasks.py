"""spacy-llm tasks made from task.yml: one question a label for spans, one question for the label of the text.

They are registered as `distill.NER.v1` and `distill.TextCat.v1`. What was dropped from the answers, and the status they
earned, is left in `doc.user_data["teacher"]`.
"""

from pathlib import Path
from typing import Any, Iterable, Tuple  # noqa: UP035  spacy-llm compares the signatures with typing's names

from spacy.tokens import Doc

from distill.records import TRAINABLE, Dropped, Span
from distill.task import PromptExample, load_task
from distill.teacher.chat import turns_to_prompt
from distill.teacher.parsing import Parsed, parse_label, parse_mentions
from distill.teacher.prompts import chat, load_template

USER_DATA = "teacher"


class NerTask:
    """Asks for the mentions of each label of `ner` in turn. forgive_invented: see `parse_mentions`."""

    def __init__(self, task_path: Path, template_path: Path, *, forgive_invented: bool = False) -> None:
        self._forgive_invented = forgive_invented
        task = load_task(task_path)
        self._template = load_template(template_path)
        self._labels = task.components.ner.labels if task.components.ner else {}
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
                turns_to_prompt(
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
        """Set `doc.ents`; spans that end inside a token are dropped with that reason."""
        for of_doc, answers in zip(shards, responses, strict=True):
            doc = next(iter(of_doc))
            parsed = parse_mentions(
                dict(zip(self._labels, answers, strict=True)), doc.text, forgive_invented=self._forgive_invented
            )
            dropped, status = list(parsed.dropped), parsed.status
            ents = []
            for span in parsed.spans or []:
                ent = doc.char_span(span.start, span.end, label=span.label)
                if ent is None:
                    surface = doc.text[span.start : span.end]
                    dropped.append(Dropped(reason="inside_a_token", item=f"{span.label}: {surface}"))
                    status = "partial" if status in TRAINABLE else status
                else:
                    ents.append(ent)
            doc.set_ents(ents)
            doc.user_data[USER_DATA] = Parsed(status, doc_spans(doc), None, dropped)
            yield doc


class TextcatTask:
    """Asks which one label of `textcat` a text has."""

    def __init__(self, task_path: Path, template_path: Path) -> None:
        task = load_task(task_path)
        self._template = load_template(template_path)
        self._labels = task.components.textcat.labels if task.components.textcat else {}
        self._examples = [example for example in task.examples if example.accept]

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
                [turns_to_prompt(chat(self._template, doc.text, self._examples, labels=self._labels))],
                [doc],
            )

    def parse_responses(self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Set `doc.cats`: 1.0 for the label, 0.0 for the others; nothing where the answer names none."""
        for of_doc, answers in zip(shards, responses, strict=True):
            doc = next(iter(of_doc))
            parsed = parse_label(next(iter(answers)), self._labels)
            doc.cats = {name: float(name in parsed.labels) for name in self._labels} if parsed.labels else {}
            doc.user_data[USER_DATA] = parsed
            yield doc


def make_ner(task: str, template: str, forgive_invented: bool = False) -> NerTask:
    """`distill.NER.v1`. task: path of task.yml; template: path of a prompt template; forgive_invented: whether a text
    may train although the answer also named what is nowhere in it."""
    return NerTask(Path(task), Path(template), forgive_invented=forgive_invented)


def make_textcat(task: str, template: str) -> TextcatTask:
    """`distill.TextCat.v1`. task: path of task.yml; template: path of a prompt template."""
    return TextcatTask(Path(task), Path(template))


def doc_spans(doc: Doc) -> list[Span]:
    """The entities of a doc as spans of the record."""
    return [
        Span(
            start=ent.start_char,
            end=ent.end_char,
            label=ent.label_,
            token_start=ent.start,
            token_end=ent.end - 1,
        )
        for ent in doc.ents
    ]


def read_parsed(doc: Doc) -> Parsed | None:
    """What the task left on a doc; None for a stock task, which leaves nothing."""
    return doc.user_data.pop(USER_DATA, None)
