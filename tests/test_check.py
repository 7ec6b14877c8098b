"""`check`: says what is wrong with the remedy, what is there, and what to do next."""

import json
import re
import sys

import pytest
from conftest import Project


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("configs/task.yml", "title: Home", "titel: Home", "configs/task.yml, line 5: `titel`: unknown key"),
        (
            "configs/task.yml",
            "language: en",
            "language: de",
            "`lang` is 'en', but `language` in configs/task.yml is 'de'",
        ),
        ("configs/student.cfg", 'lang = "en"', 'lang = "fr"', "configs/student.cfg: `lang` is 'fr'"),
        (
            "configs/student.cfg",
            '["tok2vec", "ner", "textcat"]',
            '["tok2vec", "ner"]',
            "configs/student.cfg: the pipeline is ner",
        ),
        ("configs/teacher.cfg", "concurrency = 1", "concurrency = none", "concurrency"),
        ("configs/teacher.cfg", "max_failed = 1.0", "max_fail = 1.0", "unknown key `max_fail`"),
    ],
)
def test_a_mistake_is_named(small: Project, name: str, old: str, new: str, expected: str) -> None:
    small.edit(name, old, new)
    assert expected in small.fails("check")


def test_a_fixed_asset_that_differs_is_an_error(small: Project) -> None:
    (small.path / "assets/models").mkdir(exist_ok=True)
    (small.path / "assets/models/SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"not a model")
    assert "expected the MD5" in small.fails("check")


def test_a_broken_journal_is_an_error_with_its_line(small: Project) -> None:
    with (small.path / "assets/reviews.jsonl").open("a") as file:
        file.write('{"id": "x", "text_id": "y"}\n')
    assert "assets/reviews.jsonl, line 55: not an entry" in small.fails("check")


def test_a_training_that_the_texts_have_outgrown_is_named(small: Project) -> None:
    assert "max_steps" not in small.script("check")
    small.write("corpus/texts.jsonl", [{"id": str(n)} for n in range(2000)])
    out = " ".join(small.script("check").split())
    steps = re.search(r"max_steps = (\d+)", (small.path / "configs/student.cfg").read_text())
    assert steps
    assert f"there are 2000 texts by now, and `max_steps = {steps[1]}`" in out
    assert "2500, and `patience` half of it" in out


def test_missing_journals_are_made_and_the_next_step_is_said(empty: Project) -> None:
    out = empty.script("check")
    assert "assets/reviews.jsonl: made, empty" in out
    assert "weasel run fetch-teacher" in out
    assert all((empty.path / f"assets/{name}.jsonl").read_bytes() == b"" for name in ("split", "responses", "reviews"))
    empty.write("assets/texts.jsonl", [])
    assert "put texts into assets/texts.jsonl" in empty.script("check")


def test_a_review_that_weasel_would_overlook_makes_convert_run_again(ran: Project) -> None:
    """A line that arrives after convert has read the journal, and before weasel has hashed it, is locked as seen."""
    manifest = ran.path / "corpus/manifest.json"
    stale = {**json.loads(manifest.read_text()), "reviews_sha256": "0" * 64}
    manifest.write_text(json.dumps(stale))
    out = ran.script("check")
    assert "assets/reviews.jsonl has changed since the last convert" in out
    assert "Running command" in ran.weasel("run", "convert")
    assert "changed since" not in ran.script("check")


def test_another_projects_package_is_an_error(small: Project, tmp_path: object) -> None:
    other = f"{tmp_path}/parent"
    (small.path / "scripts/distill").rename(other)
    (small.path / "parent_scripts").mkdir()
    (small.path / "parent_scripts/distill").symlink_to(other)
    out = small.fails("check", env={"PYTHONPATH": str(small.path / "parent_scripts")})
    assert "outside this project" in out
    assert "pip install -e ." in out


IMPORTS = """
import sys
sys.argv = ["check.py"]
sys.path.insert(0, "scripts")
import check
print("spacy" in sys.modules, "thinc" in sys.modules)
"""


def test_it_imports_nothing_heavy(small: Project) -> None:
    """It runs before everything else, so it must not wait for spaCy."""
    assert "False False" in small._run([sys.executable, "-c", IMPORTS], check=True, env=None)
