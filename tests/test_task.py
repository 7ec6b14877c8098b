"""configs/task.yml: every mistake is an error with file, line, key, what was expected, what came, and the remedy."""

from pathlib import Path

import pytest
from distill.errors import DistillError
from distill.task import load_task

VALID = """\
name: demo
language: de
title: Demo
components:
  ner:
    labels:
      DISH:
        definition: A dish.
  textcat:
    labels:
      a: {definition: First.}
      b: {definition: Second.}
examples:
  - text: Ich mag Suppe.
    spans: {DISH: [Suppe]}
    accept: [a]
"""


def task_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "task.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_valid_task(tmp_path: Path) -> None:
    task = load_task(task_file(tmp_path, VALID))
    assert task.kinds == ["ner", "textcat"]
    assert task.labels("textcat") == ["a", "b"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title: Demo", "titel: Demo", ["line 3", "`titel`", "unknown key", "title"]),
        ("title: Demo\n", "", ["`title`", "missing"]),
        ("language: de", "language: German", ["line 2", "`language`", "German"]),
        ("definition: A dish.", "definition: ''", ["line 8", "components.ner.labels.DISH.definition", "''"]),
        (
            "definition: A dish.",
            "defintion: A dish.",
            ["line 8", "components.ner.labels.DISH.defintion", "definition, plural, aliases"],
        ),
        ("textcat:", "textcategory:", ["line 9", "unknown key", "ner, spancat, textcat"]),
        ("spans: {DISH: [Suppe]}", "spans: {FOOD: [Suppe]}", ["example 1", "FOOD", "DISH"]),
        (
            "spans: {DISH: [Suppe]}",
            "spans: {DISH: [Suppen]}",
            ["example 1", "'Suppen' does not stand in its text"],
        ),
        ("accept: [a]", "accept: [c]", ["example 1", "'c'", "a, b"]),
        ("name: demo", "name: My Demo", ["line 1", "`name`", "My Demo"]),
        ("title: Demo", "title: [", ["not valid YAML"]),
        ("      b: {definition: Second.}\n", "", ["line 4", "textcat: expected at least two labels"]),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    path = task_file(tmp_path, VALID.replace(old, new, 1))
    with pytest.raises(DistillError) as error:
        load_task(path)
    assert str(path) in error.value.message
    for part in expected:
        assert part in error.value.message + error.value.remedy
    assert error.value.remedy


@pytest.mark.parametrize("name", ["None", "n/a", "black, white", "a；b"])
def test_a_label_that_a_list_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    text = VALID.replace("textcat:", "textcat_multilabel:").replace("b: {", f'"{name}": {{')
    with pytest.raises(DistillError, match="textcat_multilabel: expected names without") as error:
        load_task(task_file(tmp_path, text))
    assert name in error.value.message


def test_the_guidelines_version_changes_with_what_people_are_told_and_nothing_else(tmp_path: Path) -> None:
    version = load_task(task_file(tmp_path, VALID)).guidelines_version
    assert load_task(task_file(tmp_path, VALID.replace("A dish.", "One dish."))).guidelines_version != version
    assert load_task(task_file(tmp_path, VALID.replace("title: Demo", "title: Other"))).guidelines_version == version
