"""Prompts from Jinja templates of three blocks: `system`, `question` and `answer`.

The examples of task.yml become turns of the chat: their question as the user's, their answer as the assistant's.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateError

from distill.errors import DistillError
from distill.task import PromptExample
from distill.teacher.chat import Turns

BLOCKS = ("system", "question", "answer")


def load_template(path: Path) -> Template:
    """Read a prompt template.

    Raises DistillError where it is missing, is not valid Jinja, or lacks a block.
    """
    if not path.exists():
        raise DistillError(f"{path}: no such file", "configs/teacher.cfg names it: restore it or correct the name.")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    # Jinja's own writes `<` and `&` as in HTML
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    try:
        template = environment.from_string(path.read_text("utf-8"))
    except TemplateError as error:
        raise DistillError(f"{path}: {error}", "Correct the template.") from None
    missing = [block for block in BLOCKS if block not in template.blocks]
    if missing:
        raise DistillError(f"{path}: no block {', '.join(missing)}", f"A prompt template has {', '.join(BLOCKS)}.")
    return template


def opening(template: Template, examples: Iterable[PromptExample], **context: Any) -> Turns:
    """The turns before the question, the same for every text: the system's, and two for each example.

    context: what the template may use beside `text` and, in `answer`, `example`.
    """
    turns = [("system", _block(template, "system", **context))]
    for example in examples:
        turns.append(("user", _block(template, "question", text=example.text, **context)))
        turns.append(("assistant", _block(template, "answer", example=example, **context)))
    return [{"role": role, "content": content} for role, content in turns if content]


def question(template: Template, text: str, **context: Any) -> Turns:
    """The turn that asks about a text."""
    return [{"role": "user", "content": _block(template, "question", text=text, **context)}]


def _block(template: Template, name: str, **context: Any) -> str:
    try:
        return "".join(template.blocks[name](template.new_context(context))).strip()
    except TemplateError as error:
        raise DistillError(f"the block `{name}` of a prompt template: {error}", "Correct the template.") from None
