"""All that is private to spacy-llm 0.7: how a loop of our own reaches a pipeline's tasks and models."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy_llm.pipeline import LLMWrapper
from spacy_llm.ty import supports_sharding
from spacy_llm.util import assemble

from distill.errors import DistillError
from distill.task import KINDS, LABEL_KINDS, Kind
from distill.teacher.chat import Chat
from distill.teacher.endpoint import load_endpoint


@dataclass(frozen=True)
class Asked:
    """The prompts for one doc, and the shards that its task needs to read the answers."""

    prompts: list[str]
    shards: list[Doc]


class Component:
    """One component of the teacher's pipeline, driven prompt by prompt."""

    def __init__(self, kind: Kind, wrapper: LLMWrapper) -> None:
        self.kind = kind
        self._task: Any = wrapper.task
        self.chat: Chat = wrapper._model  # spacy-llm has no public name for it

    def ask(self, doc: Doc) -> Asked:
        """The prompts for `doc`."""
        if supports_sharding(self._task):
            prompts, shards = next(iter(self._task.generate_prompts([doc], context_length=None)))
            return Asked(list(prompts), list(shards))
        return Asked(list(self._task.generate_prompts([doc])), [doc])

    def parse(self, doc: Doc, asked: Asked, answers: Sequence[str]) -> Doc:
        """Read the answers into `doc`: its ents, cats and what the task keeps in user_data."""
        with warnings.catch_warnings():
            # Stock tasks put the shards of a doc together with a warning for each
            warnings.filterwarnings("ignore", message=r"\[W102\]")
            if supports_sharding(self._task):
                parsed = list(self._task.parse_responses([asked.shards], [list(answers)]))
            else:
                parsed = list(self._task.parse_responses([doc], [list(answers)]))
        # A stock NER task returns a new doc without cats and user_data, but sets the ents on the first shard, too
        return parsed[0] if self.kind in LABEL_KINDS else asked.shards[0]


def load_teacher(config_path: Path) -> tuple[Language, list[Component]]:
    """Assemble a teacher config; no call is made.

    Raises DistillError where the config is not valid, or a component or model is not of the kind this project drives.
    """
    try:
        nlp = assemble(config_path)
    except ValueError as error:
        raise DistillError(
            f"{config_path}: {error}", "Correct the section that is named; docs/teach.md shows all."
        ) from None
    endpoint = load_endpoint(config_path)
    components = []
    for name in nlp.pipe_names:
        wrapper = nlp.get_pipe(name)
        if name not in KINDS or not isinstance(wrapper, LLMWrapper):
            raise DistillError(
                f'{config_path}: the component `{name}` is not one of {", ".join(KINDS)} with `factory = "llm"`',
                "Name each component after what it annotates.",
            )
        if not isinstance(wrapper._model, Chat):
            raise DistillError(
                f"{config_path}: the model of `{name}` is not `distill.Chat.v1` or `distill.Completion.v1`",
                "Use one of them for any OpenAI-compatible endpoint; docs/teach.md shows how.",
            )
        if wrapper._model.endpoint != endpoint:
            raise DistillError(
                f"{config_path}: the model of `{name}` has another endpoint than the section [teacher]",
                "Give it `endpoint = ${teacher}`: one run asks one endpoint.",
            )
        components.append(Component(name, wrapper))
    return nlp, components
