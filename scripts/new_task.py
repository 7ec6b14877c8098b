"""Make this project one for a task of your own: asks what to learn, and writes configs/ and the variables."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from distill.errors import DistillError, run
from distill.fork.new_task import CONFIGS, EXAMPLE, NewTask, example_files, new_task, origin
from distill.records import explain
from distill.steps import DERIVED
from distill.task import LABEL_KINDS, SPAN_KINDS, Task
from pydantic import ValidationError
from typer import Option
from wasabi import msg

COMPONENTS = ("ner", "spancat", "textcat", "textcat_multilabel", "ner+textcat", "ner+textcat_multilabel")


def main(
    component: Annotated[
        str,
        Option(
            prompt="What to learn: ner (spans), spancat (spans that may overlap), textcat (one label a text), "
            f"textcat_multilabel (several), or two of them\n({', '.join(COMPONENTS)})",
            help=f"One of {', '.join(COMPONENTS)}.",
        ),
    ],
    language: Annotated[str, Option(prompt="Language of the texts, by spaCy's code", help="Such as en, de, ja.")],
    name: Annotated[
        str,
        Option(prompt="Name of the pipeline (small letters, digits, _)", help="The wheel is <language>_<name>."),
    ],
    title: Annotated[str, Option(prompt="Title, for the report", help="What the report and the model card call it.")],
    span_label: Annotated[
        list[str] | None, Option(help='A label of spans and its definition, "DISH: Prepared food". Repeat for each.')
    ] = None,
    text_label: Annotated[
        list[str] | None, Option(help='A label of texts and its definition, "billing: About a bill". Repeat for each.')
    ] = None,
    texts: Annotated[
        Path | None, Option(help="Your texts, copied into assets/: .jsonl, .csv, .tsv, .txt or a folder.")
    ] = None,
    teacher: Annotated[
        str, Option(help="`embedded`, `none`, or the base URL of an OpenAI-compatible endpoint.")
    ] = "embedded",
    model: Annotated[str, Option(help="The model's name at the endpoint.")] = "",
    transformer: Annotated[
        str, Option(help="A pretrained model, such as roberta-base, for a large student on a GPU.")
    ] = "",
    keep_origin: Annotated[
        bool, Option("--keep-origin", help="Leave the git remote as it is: this copy is one's own already.")
    ] = False,
    yes: Annotated[bool, Option("--yes", help="Do not ask before data or configs are replaced.")] = False,
) -> None:
    """Write configs/ and the variables of project.yml for a new task. What to learn is asked for where the options
    leave it open. The example's data, and all that was made from them, are removed after asking; no other data ever."""
    root = Path.cwd()
    asks = sys.stdin.isatty()
    if component not in COMPONENTS:
        raise DistillError(f"--component: expected one of {', '.join(COMPONENTS)}, got {component!r}", "Correct it.")
    components = {}
    for kind in component.split("+"):
        given, option = (span_label, "--span-label") if kind in SPAN_KINDS else (text_label, "--text-label")
        components[kind] = {"labels": _labels(given or (_ask_labels(kind) if asks else []), option)}
    if (span_label and not SPAN_KINDS & components.keys()) or (text_label and not LABEL_KINDS & components.keys()):
        raise DistillError(f"{component} has no use for some of the labels", "Leave them out, or correct --component.")
    if teacher not in ("embedded", "none") and not model:
        raise DistillError(f"--teacher {teacher}: the endpoint's model has no name", "Give it with --model.")
    if texts is None and asks:
        texts = _ask_texts()
    new = NewTask(_task(name, language, title, components), teacher, model, texts, transformer, keep_origin)
    if not yes:
        _confirm(root, keep_origin)
    made = new_task(root, new)
    for line in made.done:
        msg.good(line)
    for line in made.left:
        msg.warn(line)
    msg.info("Next:")
    for line in made.next:
        msg.text(f"  {line}")


def _confirm(root: Path, keep_origin: bool) -> None:
    if not (root / EXAMPLE).exists():
        msg.text(f"This is a fork already. {', '.join(CONFIGS)} will be replaced, and kept as .old")
    elif examples := example_files(root):
        made = ", ".join(f"{name}/" for name in DERIVED)
        msg.text(f"The example's data will be removed: {', '.join(map(str, examples))}, and all in {made}")
    if (root / EXAMPLE).exists() and not keep_origin and (url := origin(root)):
        msg.text(f"The git remote `origin` ({url}) will be `template`, and nothing can be pushed to it")
    typer.confirm("Go on?", abort=True)


def _ask_texts() -> Path | None:
    while given := typer.prompt("Your texts (a file or folder; empty: later)", default="", show_default=False):
        if (path := Path(given).expanduser()).exists():
            return path
        msg.warn(f"{path}: no such file or folder")
    return None


def _ask_labels(kind: str) -> list[str]:
    msg.text(f"Labels of {kind}, one a line, with what it means (`DISH: Prepared food`); an empty line ends the list")
    labels: list[str] = []
    while line := typer.prompt(f"  label {len(labels) + 1}", default="", show_default=False):
        try:
            _labels([*labels, line], "a label")
        except DistillError as error:
            msg.warn(error.message)
        else:
            labels.append(line)
    return labels


def _labels(given: list[str], option: str) -> dict[str, dict[str, str]]:
    labels = {}
    for line in given:
        label, colon, definition = (part.strip() for part in line.partition(":"))
        if not label or not colon or not definition:
            raise DistillError(f'{option}: expected "LABEL: what it means", got {line!r}', "Correct it.")
        if label in labels:
            raise DistillError(f"{option}: {label} is there twice", "Leave one of them out.")
        labels[label] = {"definition": definition}
    if not labels:
        raise DistillError(f"{option}: expected one label at least", f'{option} "LABEL: what it means"')
    return labels


def _task(name: str, language: str, title: str, components: dict[str, Any]) -> Task:
    try:
        return Task.model_validate({"name": name, "language": language, "title": title, "components": components})
    except ValidationError as error:
        raise DistillError(explain(error), "Correct the option of that name.") from None


if __name__ == "__main__":
    run(main)
