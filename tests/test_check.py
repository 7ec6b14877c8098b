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


def test_an_unknown_variable_is_an_error(small: Project) -> None:
    for flags in (["--vars.sead", "1"], ["--vars.sead=1"]):
        out = " ".join(small.weasel("run", "all", ".", *flags, check=False).split())
        assert "`--vars.sead`: project.yml has no such variable" in out
        assert "the variables are: name, lang" in out
        assert "ingest" not in out.split("sead`")[1].split("name, lang")[0]
        assert not (small.path / "corpus/texts.jsonl").exists()
    out = " ".join(small.weasel("run", "check", ".", "--vars.seed", "1").split())
    assert "no such variable" not in out


def test_overrides_in_the_environment_are_named(small: Project) -> None:
    out = small.weasel("run", "check", ".", env={"WEASEL_CONFIG_OVERRIDES": "--vars.seed=1"})
    assert "overrides: WEASEL_CONFIG_OVERRIDES sets seed" in " ".join(out.split())
    out = small.weasel("run", "check", ".", env={"WEASEL_CONFIG_OVERRIDES": "--vars.sead=1"}, check=False)
    assert "`--vars.sead`: project.yml has no such variable" in " ".join(out.split())


def test_an_output_that_was_never_made_is_an_error(ran: Project) -> None:
    queue = '      - "corpus/queue.jsonl"\n\n'
    ran.edit("project.yml", queue, queue.rstrip("\n") + '\n      - "corpus/no.txt"\n\n')
    ran.weasel("run", "rank")
    assert "nothing changed" in ran.weasel("run", "rank"), "weasel skips it for ever"
    out = ran.fails("check")
    assert "`rank` has run and has not made corpus/no.txt" in out
    assert "`weasel run rank . --force`" in out


def test_a_dep_that_nothing_makes_is_an_error(small: Project) -> None:
    small.edit("project.yml", '      - "scripts/rank.py"\n', '      - "scripts/rank.py"\n      - "configs/no.cfg"\n')
    assert "configs/no.cfg: `rank` reads it, and it is neither there nor made" in small.fails("check")


def test_what_no_command_names_is_said(ran: Project) -> None:
    assert "undeclared" not in ran.script("check")
    (ran.path / "training/silver/notes.txt").write_text("x")
    (ran.path / "corpus/export.jsonl").write_text("")
    (ran.path / "corpus/review_token").write_text("")
    out = " ".join(ran.script("check").split())
    assert "undeclared: no command of project.yml names training/silver/notes.txt, so nobody gets that" in out


def test_libraries_that_changed_since_are_said(ran: Project) -> None:
    assert "libraries:" not in ran.script("check")
    path = ran.path / "training/provenance.json"
    made = json.loads(path.read_text())
    made["libraries"]["spacy"] = "3.8.0"
    path.write_text(json.dumps(made))
    assert "not those that the model was made with (spacy 3.8.0 → 3.8" in " ".join(ran.script("check").split())


def test_a_checksum_of_the_texts_is_enforced(small: Project) -> None:
    small.edit(
        "project.yml", '  - dest: "${vars.texts}"\n', '  - dest: "${vars.texts}"\n    checksum: "' + "0" * 32 + '"\n'
    )
    assert "assets/texts.jsonl: expected the MD5 000" in small.fails("check")
