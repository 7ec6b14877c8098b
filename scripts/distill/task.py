"""configs/task.yml: what to learn. The one place that the teacher's prompt, the converter and the report all read."""

import re
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator
from srsly.ruamel_yaml import YAML, YAMLError

from distill.errors import DistillError, at
from distill.files import canonical, digest
from distill.records import Documented, Part

Kind = Literal["ner", "spancat", "textcat", "textcat_multilabel"]
"""A component of the pipeline, by the name of spaCy's factory: `ner` labels spans that do not overlap, `spancat` spans
that may; `textcat` gives each text one label, `textcat_multilabel` any number of them."""

KINDS: tuple[Kind, ...] = get_args(Kind)
SPAN_KINDS: frozenset[Kind] = frozenset({"ner", "spancat"})
LABEL_KINDS: frozenset[Kind] = frozenset({"textcat", "textcat_multilabel"})
"""A task has at most one component of each of the two, for a record has one list of spans and one of labels."""

NOTHING = frozenset({"none", "no", "nothing", "n/a", "na", "null", "empty", "[]", "-"})
"""What an answer says, in small letters, where there is nothing to list."""

BETWEEN = r"[\n,;、，；،؛]"
"""What stands between the items of a list, in whatever script."""


class Label(Documented):
    """One label."""

    definition: str = Field(min_length=1)
    """One sentence, read by the teacher and by people. A changed definition makes the teacher answer again, for that
    component alone."""
    plural: str | None = None
    """What the teacher is asked for, in plain words (`kitchen tools`); the label's name where it is left out."""
    aliases: list[str] = Field(default_factory=list)
    """Other words that a teacher may use for the label in its answers."""


class Component(Documented):
    """One component."""

    labels: dict[str, Label] = Field(min_length=1)
    """The labels by name, in the order in which they are shown."""


class Components(Documented):
    """The components, named like spaCy's factories: one that labels spans, one that labels texts, or one of each."""

    ner: Component | None = None
    """Spans that do not overlap."""
    spancat: Component | None = None
    """Spans that may. It goes by itself."""
    textcat: Component | None = None
    """One label a text, of two at least."""
    textcat_multilabel: Component | None = None
    """Any number of labels a text; their names hold no comma and do not mean "none"."""

    @model_validator(mode="after")
    def _at_least_one(self) -> "Components":
        if not any(getattr(self, kind) for kind in KINDS):
            raise ValueError(f"expected at least one of {', '.join(KINDS)}")
        for first, second in (("ner", "spancat"), ("textcat", "textcat_multilabel")):
            if getattr(self, first) and getattr(self, second):
                raise ValueError(f"expected one of {first} and {second}, got both")
        if self.spancat and (self.textcat or self.textcat_multilabel):
            # spaCy's spancat cannot learn from a text whose spans are not known, and such are a half of what there is
            raise ValueError("spancat goes by itself; take ner for spans that do not overlap, or two projects")
        if self.textcat and len(self.textcat.labels) < 2:
            raise ValueError("textcat: expected at least two labels, for every text gets one of them")
        for name in self.textcat_multilabel.labels if self.textcat_multilabel else ():
            if name.casefold() in NOTHING or re.search(BETWEEN, name):
                # An answer lists the labels of a text, or says `none`
                raise ValueError(
                    "textcat_multilabel: expected names without commas and semicolons that do not mean `none`, "
                    f"got {name!r}"
                )
        return self


class PromptExample(Documented):
    """A text with its right answer, shown to the teacher. It teaches the components whose key it has."""

    text: str = Field(min_length=1)
    """The text. It must not be among the texts."""
    spans: dict[str, list[str]] | None = None
    """For each label the surface texts, as they stand in `text`; `[]`: it holds none of that label. `{}`: none of any.
    Left out: the example does not teach spans."""
    accept: list[str] | None = None
    """The label of the text, in a list; for `textcat_multilabel` all its labels, `[]` for none. Left out: the example
    does not teach labels of texts."""


class Task(Documented):
    """configs/task.yml."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """The task's name: lower-case letters, digits, `_`."""
    language: str = Field(pattern=r"^[a-z]{2,3}$")
    """spaCy's code of the language, such as `en`. `lang` in project.yml and in both configs must be the same."""
    title: str = Field(min_length=1)
    """What the report and the model card call the task."""
    guidelines: str = ""
    """How people decide, in as many words as it takes. A change of guidelines or definitions gives them a new version,
    and `convert` reports the decisions that were made under an older one."""
    components: Components
    """One that labels spans, one that labels texts, or one of each."""
    examples: list[PromptExample] = Field(default_factory=list)
    """Texts with their right answers, shown to the teacher."""

    def labels(self, kind: Kind | None) -> list[str]:
        """The labels of a component, in their order; none where the task does not have it."""
        component = getattr(self.components, kind) if kind else None
        return list(component.labels) if component else []

    def label(self, kind: Kind, name: str) -> Label:
        """The definition of one label."""
        label: Label = getattr(self.components, kind).labels[name]
        return label

    @property
    def kinds(self) -> list[Kind]:
        """The components that this task has, in the order of the pipeline."""
        return [kind for kind in KINDS if getattr(self.components, kind)]

    @property
    def span_kind(self) -> Kind | None:
        """The component that labels spans."""
        return next((kind for kind in self.kinds if kind in SPAN_KINDS), None)

    @property
    def label_kind(self) -> Kind | None:
        """The component that labels texts."""
        return next((kind for kind in self.kinds if kind in LABEL_KINDS), None)

    def kind_of(self, part: Part) -> Kind | None:
        """The component that a part of a decision is about; None where the task does not have it."""
        return self.span_kind if part == "spans" else self.label_kind

    @property
    def guidelines_version(self) -> str:
        """A hash of all that tells a person how to decide; it stands on each decision."""
        definitions = {
            kind: {name: self.label(kind, name).definition for name in self.labels(kind)} for kind in self.kinds
        }
        return digest(canonical([self.guidelines, definitions]).encode())[:12]

    @model_validator(mode="after")
    def _examples_fit(self) -> "Task":
        for number, example in enumerate(self.examples, start=1):
            spans = example.spans or {}
            for key, kind, used in (
                ("spans", self.span_kind, list(spans)),
                ("accept", self.label_kind, example.accept or []),
            ):
                allowed = self.labels(kind)
                for label in used:
                    if label not in allowed:
                        expected = ", ".join(allowed) or "none, for the task has no such component"
                        raise ValueError(
                            f"example {number}: expected a label of {kind or key} ({expected}), got {label!r}"
                        )
            if self.components.textcat and example.accept is not None and len(example.accept) != 1:
                raise ValueError(f"example {number}: expected one label in `accept`, got {len(example.accept)}")
            for surface in (surface for surfaces in spans.values() for surface in surfaces):
                if surface not in example.text:
                    raise ValueError(f"example {number}: {surface!r} does not stand in its text")
        return self


def load_task(path: Path) -> Task:
    """Read and check a task file.

    Raises DistillError that names file, line, key, what was expected, what came, and the remedy.
    """
    if not path.exists():
        raise DistillError(f"{path}: no such file", "Restore it from version control: it says what to learn.")
    try:
        tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DistillError(
            f"{at(path, mark.line + 1 if mark else None)}: not valid YAML: {problem}",
            "Check the indentation and the quotes on that line and the one above.",
        ) from None
    except UnicodeDecodeError as error:
        raise DistillError(f"{path}: not UTF-8 ({error})", "Save the file as UTF-8.") from None
    if not isinstance(tree, dict):
        raise DistillError(f"{path}: expected keys and values, got {type(tree).__name__}", "See docs/task.md.")
    try:
        return Task.model_validate(_plain(tree))
    except ValidationError as error:
        # A misspelt key is also a missing one: the misspelling is what the user can see
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        key, expected, remedy = _complaint(first)
        raise DistillError(f"{at(path, _line(tree, first['loc']))}: {key}: {expected}", remedy) from None


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    if isinstance(node, str):
        return str(node)
    return node


def _line(tree: Any, loc: tuple[int | str, ...]) -> int | None:
    """The line, from 1, of the deepest part of `loc` that stands in the YAML tree."""
    line = None
    for part in loc:
        try:
            places = tree.lc
            line = (places.key(part) if isinstance(tree, dict) else places.item(part))[0] + 1
            tree = tree[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


def _complaint(first: Any) -> tuple[str, str, str]:
    """A pydantic error as (key, expected and got, remedy)."""
    loc = [str(part) for part in first["loc"]]
    key = f"`{'.'.join(loc)}`" if loc else "the file"
    if first["type"] == "extra_forbidden":
        allowed = _allowed_keys(loc[:-1])
        return key, f"unknown key; expected one of {', '.join(allowed)}", "Correct the key or delete it."
    if first["type"] == "missing":
        return key, "missing; this key is needed", "Add it; docs/task.md shows every key."
    if first["type"] == "value_error":
        return key, str(first["ctx"]["error"]), "Correct the value; docs/task.md shows every key."
    return key, f"{first['msg']}, got {first['input']!r}", "Correct the value; docs/task.md shows every key."


def _allowed_keys(loc: list[str]) -> list[str]:
    """The keys that the schema allows at `loc`."""
    if not loc:
        return list(Task.model_fields)
    if loc[0] == "examples":
        return list(PromptExample.model_fields)
    if len(loc) == 1:
        return list(Components.model_fields)
    return list(Component.model_fields if len(loc) == 2 else Label.model_fields)
