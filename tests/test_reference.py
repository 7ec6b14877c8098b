"""`reference`: what the pages that it makes must hold."""

import ast
from pathlib import Path

import pytest
from conftest import ROOT, Project
from distill.reference import MODELS, _words, configuration, errors


def test_every_key_and_every_variable_is_described() -> None:
    page = configuration(ROOT)
    for line in page.splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), f"nothing is said of {line}"
    for _, model in MODELS:
        for key in model.model_fields:
            assert f"| `{key}` |" in page


def test_every_error_says_what_to_do() -> None:
    found = list(errors(ROOT / "scripts"))
    assert len(found) > 60
    for message, remedy in found:
        assert remedy, f"no remedy: {message}"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('"no such file"', "no such file"),
        ('f"{at(path, 3)}: {key!r} is {len(rows)}"', "‹file, line›: ‹key› is ‹rows›"),
        ("f\"a{' b' if x else ''} {task.name}\"", "a b ‹name›"),
        ('"Run " + ("this" if x else "that")', "Run this or that"),
    ],
)
def test_a_message_as_its_reader_sees_it(code: str, expected: str) -> None:
    assert _words(ast.parse(code, mode="eval").body) == expected


def test_a_page_without_its_place_is_left_as_it_is(small: Project) -> None:
    page = small.path / "docs/troubleshooting.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text("# Troubleshooting\n")
    assert "are not there" in small.fails("reference")
    assert page.read_text() == "# Troubleshooting\n"
    assert Path(page).exists()
