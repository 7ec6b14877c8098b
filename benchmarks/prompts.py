"""Ways to ask the embedded teacher, side by side on the dev sample; the test sample is never read."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from distill.corpus.docbin import read_docs
from distill.errors import DistillError, run
from distill.student import score
from distill.task import load_task
from distill.teacher.adapter import load_teacher
from spacy.tokens import Doc
from tqdm import tqdm
from typer import Option
from wasabi import msg

TASK, CONFIG, SPANS, TEXTCAT = "task.yml", "teacher.cfg", "prompts/spans.jinja", "prompts/textcat.jinja"
ONE_NONE = "spans: {EQUIPMENT: []}"
ASKED = "{{ text }}\n{{ plural | capitalize }}:"
IN_ANSWER = "{{ example.accept[0] }}: {{ labels[example.accept[0]].definition }}"
LISTED = "{% for name, label in labels.items() %}\n{{ name }}: {{ label.definition }}\n{% endfor %}\n"

VARIANTS: dict[str, list[tuple[str, str, str]]] = {
    "as it is": [],
    "no example with none": [(TASK, ONE_NONE, "spans: {DISH: [], INGREDIENT: []}")],
    "an example with none for each label": [(TASK, ONE_NONE, "spans: {}")],
    "a chat, and a question": [
        (TASK, ONE_NONE, "spans: {}"),
        (CONFIG, "distill.Completion.v1", "distill.Chat.v1"),
        (SPANS, ASKED, "{{ text }}\n\nWhich {{ plural }} are in this text?"),
        (TEXTCAT, "{% block system %}", "{% block system %}\n" + LISTED),
        (TEXTCAT, IN_ANSWER, "{{ example.accept[0] }}"),
    ],
    "no definition": [
        (SPANS, "{{ definition }}", ""),
        (TEXTCAT, IN_ANSWER, "{{ example.accept[0] }}"),
    ],
    "a penalty on repetition": [(CONFIG, '"temperature": 0.0', '"temperature": 0.0, "frequency_penalty": 0.3')],
}
"""For each variant what is replaced in which file of configs/."""


def main(
    dev: Annotated[Path, Option(help="The reviewed dev texts, as convert wrote them.")] = Path("corpus/dev.spacy"),
    configs: Annotated[Path, Option(help="The folder of configs to vary.")] = Path("configs"),
    models: Annotated[Path, Option(help="The folder of model files.")] = Path("assets/models"),
    texts: Annotated[int, Option(help="How many of the texts to ask about.")] = 1000,
) -> None:
    """Ask each variant of CONFIGS about the texts of DEV, record nothing, and print its figures."""
    gold = read_docs(dev)[:texts]
    home = Path.cwd()
    rows = []
    for name, edits in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(configs, Path(folder) / "configs")
            (Path(folder) / "assets").mkdir()
            (Path(folder) / "assets/models").symlink_to(models.resolve())
            for file, old, new in edits:
                path = Path(folder) / "configs" / file
                if old not in path.read_text("utf-8"):
                    raise DistillError(f"{configs / file}: {old!r} is not in it", "Change VARIANTS in this benchmark.")
                path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
            os.chdir(folder)
            try:
                rows.append([name, *_figures(gold, name)])
            finally:
                os.chdir(home)
    msg.table(rows, header=["variant", "ner F", "P", "R", "textcat mean F"], divider=True)


def _figures(gold: list[Doc], name: str) -> list[str]:
    """Figures of the teacher in the working directory, in percent."""
    task = load_task(Path("configs/task.yml"))
    nlp, components = load_teacher(Path("configs/teacher.cfg"))
    said = []
    for doc in tqdm(gold, desc=name, unit="text"):
        spans, labels = frozenset[tuple[int, int, str]](), frozenset[str]()
        for component in components:
            fresh = nlp.make_doc(doc.text)
            asked = component.ask(fresh)
            (answers,) = map(list, component.chat([asked.prompts]))
            got = score.prediction(component.parse(fresh, asked, answers), task.label_kind)
            spans, labels = spans | got.spans, labels | got.labels
        said.append(score.Prediction(spans, labels))
    right = [score.prediction(doc, task.label_kind) for doc in gold]
    span_counts = score.span_counts(right, said, task.labels("ner")).sum(axis=0)
    label_counts = score.label_counts(right, said, task.labels("textcat")).sum(axis=0)
    measured = [
        score.micro_f(span_counts),
        score.precision(span_counts),
        score.recall(span_counts),
        score.macro_f(label_counts),
    ]
    return [f"{100 * float(figure):.1f}" for figure in measured]


if __name__ == "__main__":
    run(main)
