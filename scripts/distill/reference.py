"""The pages of docs/ that are made from the code: every key of a config, and every error with its remedy."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import srsly
from pydantic import BaseModel

from distill.errors import DistillError
from distill.files import write_bytes
from distill.task import Component, Components, Label, PromptExample, Task
from distill.teacher import chat, tasks
from distill.teacher.endpoint import Endpoint

MADE = "<!-- Made by `weasel run reference` from the code; what is written here by hand is lost -->"
BEGIN, END = "<!-- errors: made by `weasel run reference` from the code -->", "<!-- end of errors -->"

MODELS: list[tuple[str, type[BaseModel]]] = [
    ("configs/task.yml", Task),
    ("configs/task.yml: `components`", Components),
    ("configs/task.yml: a component", Component),
    ("configs/task.yml: a label", Label),
    ("configs/task.yml: one of `examples`", PromptExample),
    ("configs/teacher.cfg: `[teacher]`", Endpoint),
]
FUNCTIONS: list[tuple[str, Callable[..., Any]]] = [
    ("distill.NER.v1", tasks.make_ner),
    ("distill.SpanCat.v1", tasks.make_spancat),
    ("distill.TextCat.v1", tasks.make_textcat),
    ("distill.TextCatMultilabel.v1", tasks.make_textcat_multilabel),
    ("distill.Chat.v1", chat.make_chat),
    ("distill.Completion.v1", chat.make_completion),
]


def reference(root: Path) -> int:
    """Write `docs/configuration.md`, and the errors of `docs/troubleshooting.md`; returns how many errors those are.

    Raises DistillError where the place for them is not there.
    """
    write_bytes(root / "docs/configuration.md", configuration(root).encode())
    page = root / "docs/troubleshooting.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise DistillError(f"{page}: the lines {BEGIN} and {END} are not there", "Restore them from version control.")
    found = sorted(set(errors(root / "scripts")), key=_by_words)
    rows = "\n".join(f"| {_cell(message)} | {_cell(remedy)} |" for message, remedy in found)
    table = f"{BEGIN}\n| what it says | what to do |\n| --- | --- |\n{rows}\n{END}"
    text = text[: text.index(BEGIN)] + table + text[text.index(END) + len(END) :]
    write_bytes(page, text.encode())
    return len(found)


def _by_words(pair: tuple[str, str]) -> tuple[str, tuple[str, str]]:
    """The place of an error in the list: by the words that are always the same."""
    return re.sub(r"‹[^›]*›|[^\w]", "", pair[0]).lower(), pair


def configuration(root: Path) -> str:
    """The page of all keys of all configs."""
    parts = [f"{MADE}\n", "# Configuration reference\n", *_variables(root / "project.yml")]
    for title, model in MODELS:
        parts += [f"## {title}\n", f"{inspect.getdoc(model)}\n", "| key | expected | default | what it is |"]
        parts += ["| --- | --- | --- | --- |", *_keys(model), ""]
    parts += ["## configs/teacher.cfg: `[components.….task]` and `[components.….model]`\n"]
    for name, function in FUNCTIONS:
        parts += [f"### `{name}`\n", f"{inspect.getdoc(function)}\n", "| key | expected | default | what it is |"]
        parts += ["| --- | --- | --- | --- |", *_parameters(function), ""]
    parts += [
        "## configs/student.cfg\n",
        "A training config of [spaCy](https://spacy.io/api/data-formats#config); see [distil.md](distil.md).",
    ]
    return "\n".join(parts) + "\n"


def _variables(project: Path) -> Iterator[str]:
    """The variables of project.yml, described by the comments above them."""
    values = srsly.read_yaml(project)["vars"]
    yield "## project.yml: `vars`\n"
    yield "For one run: `weasel run all . --vars.seed 1`.\n"
    yield "| variable | as shipped | what it is |\n| --- | --- | --- |"
    comment: list[str] = []
    above = ""
    section = project.read_text(encoding="utf-8").split("\nvars:\n", 1)[1]
    for line in section.splitlines():
        if line.startswith("  #"):
            comment.append(line.removeprefix("  # "))
        elif match := re.match(r"  (\w+):", line):
            value = values[match[1]]
            value = str(value).lower() if isinstance(value, bool) else value
            # One comment may stand above several that belong together
            above = _cell(" ".join(comment)) or above
            yield f"| `{match[1]}` | {f'`{value}`' if str(value) else 'empty'} | {above} |"
            comment = []
        elif line and not line.startswith(" "):
            break
    yield ""


def _keys(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()["properties"]
    for name, found in model.model_fields.items():
        default = "required" if found.is_required() else _default(found.get_default(call_default_factory=True))
        yield f"| `{name}` | {_expected(schema[name])} | {default} | {_cell(found.description or '')} |"


def _parameters(function: Callable[..., Any]) -> Iterator[str]:
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints[name]
        kind, words = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
        default = "required" if parameter.default is parameter.empty else _default(parameter.default)
        yield f"| `{name}` | {NAMES.get(_name(kind), 'a section')} | {default} | {_cell(words)} |"


NAMES = {"str": "text", "bool": "true or false", "int": "a whole number", "float": "a number"}


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", "")


def _default(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _expected(schema: dict[str, Any]) -> str:
    """What a key takes, by its JSON schema."""
    if "anyOf" in schema:
        return _expected(next(kind for kind in schema["anyOf"] if kind.get("type") != "null"))
    limits = {"minimum": "from {}", "maximum": "to {}", "exclusiveMinimum": "above {}", "pattern": "`{}`"}
    said = [words.format(schema[key]) for key, words in limits.items() if key in schema]
    names = {"string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number"}
    names |= {"array": "a list", "object": "keys and values"}
    return " ".join([names.get(schema.get("type", ""), "keys and values"), *said])


def errors(scripts: Path) -> Iterator[tuple[str, str]]:
    """Every error in the code as (what it says, what to do); what differs from case to case in angle quotes."""
    for path in sorted(scripts.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DistillError" and node.args:
                message, *remedy = (_words(argument) for argument in node.args)
                if re.search(r"\w{3}", re.sub(r"‹[^›]*›", "", message)):
                    yield message, remedy[0] if remedy else ""


def _words(node: ast.expr) -> str:
    """An expression as the reader of a message sees it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _words(node.value) if isinstance(node.value, ast.IfExp | ast.JoinedStr) else _named(node.value)
    if isinstance(node, ast.IfExp):
        choices = [words for part in (node.body, node.orelse) if (words := _words(part))]
        return " or ".join(dict.fromkeys(choices))
    if isinstance(node, ast.BinOp):
        return _words(node.left) + _words(node.right)
    return _named(node)


def _named(node: ast.expr) -> str:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "at":
        return "‹file, line›"
    while isinstance(node, ast.Call | ast.Subscript):
        inner = node.args[0] if isinstance(node, ast.Call) and node.args else None
        node = inner or (node.value if isinstance(node, ast.Subscript) else node.func)
    return f"‹{getattr(node, 'attr', getattr(node, 'id', '…'))}›"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()
