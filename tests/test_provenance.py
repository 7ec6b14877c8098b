"""`provenance`: from which files, commands, libraries, answers and decisions a model came."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import spacy
from conftest import ROOT, Decide, Project
from distill.steps import load_steps
from test_project import COMMANDS, closure, listed

MADE = "training/provenance.json"


def load(project: Project) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((project.path / MADE).read_text())
    return made


def test_it_depends_on_all_that_it_hashes() -> None:
    steps = load_steps(ROOT)
    above = [name for name in steps.above("package") if name != "provenance"]
    assert above == ["ingest", "annotate", "convert", "train-silver", "train-reviewed", "train", "evaluate"]
    assert set(steps.sources(above)) <= listed("provenance", "deps")
    assert closure(ROOT / "scripts/train.py") <= set(steps.sources(above))
    assert COMMANDS["provenance"]["outputs"] == [MADE]


def test_the_hashes_are_those_of_the_files(ran: Project) -> None:
    made = load(ran)
    for path in ("assets/texts.jsonl", "assets/split.jsonl", "assets/reviews.jsonl", "assets/responses.jsonl"):
        assert made["files"][path] == hashlib.sha256((ran.path / path).read_bytes()).hexdigest()
    assert {"configs/task.yml", "configs/teacher.cfg", "configs/student.cfg", "scripts/train.py"} <= made[
        "files"
    ].keys()
    assert made["commands"]["train"][0].startswith("python scripts/train.py configs/student.cfg")
    assert made["seeds"] == {"ingest": 0, "train-silver": 0, "train-reviewed": 0, "train": 0}
    assert made["libraries"]["spacy"] == spacy.__version__
    assert made["libraries"].keys() >= {"thinc", "numpy", "weasel", "spacy-llm"}
    assert "pytest" not in made["libraries"]
    assert made["git"] is None


def test_teacher_and_reviews_are_counted_and_nobody_is_named(ran: Project) -> None:
    made = load(ran)
    rows = ran.read("corpus/silver.jsonl") + ran.read("corpus/teacher_blind.jsonl")
    keys = {key for row in rows for key in row["teacher"]["ner"]["keys"]}
    assert made["teacher"]["requests"]["ner"] == len(keys)
    assert made["teacher"]["prompts_sha256"]["ner"] == hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
    assert made["teacher"]["tokens_in"] == sum(run["tokens_in"] for row in rows for run in row["teacher"].values())
    assert made["teacher"]["id"].startswith("sha256:")
    assert made["teacher"]["unanswered"] == 0
    assert made["reviews"]["texts"] == len({row["text_id"] for row in ran.read("assets/reviews.jsonl")})
    text = (ran.path / MADE).read_text()
    assert "annotator a" not in text
    assert not any(row["text"][:30] in text for row in rows)


def test_two_annotators_and_their_agreement(ran: Project, decide: Decide) -> None:
    rows = ran.read("assets/reviews.jsonl")
    second = [{**row, "id": f"b-{row['id']}", "annotator": "annotator b"} for row in rows[:5]]
    ran.write("assets/reviews.jsonl", [*rows, *second])
    ran.weasel("run", "all", ".")
    reviews = load(ran)["reviews"]
    assert reviews["annotators"] == [len(rows), 5]
    assert reviews["agreement"] == [{"texts": 5, "span_f": 1.0, "kappa": 1.0}]


def test_a_file_that_changed_after_the_step_ran_is_an_error(ran: Project) -> None:
    before = (ran.path / MADE).read_bytes()
    with (ran.path / "configs/student.cfg").open("a") as file:
        file.write("\n")
    out = " ".join(ran.weasel("run", "provenance", check=False).split())
    assert "configs/student.cfg has changed since `train-silver` ran" in out
    assert "Run `weasel run all`" in out
    assert (ran.path / MADE).read_bytes() == before


def test_the_commit_and_what_differs_from_it(ran: Project) -> None:
    def git(*arguments: str) -> str:
        who = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
        return subprocess.run([*who, *arguments], cwd=ran.path, check=True, capture_output=True, text=True).stdout

    git("init")
    git("add", ".")
    git("commit", "-m", "all")
    ran.weasel("run", "provenance", ".", "--force")
    assert load(ran)["git"] == {"commit": git("rev-parse", "HEAD").strip(), "changed": []}
    rows = ran.read("assets/reviews.jsonl")
    ran.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "again", "supersedes": [rows[0]["id"]]}])
    out = ran.weasel("run", "all", ".")
    assert load(ran)["git"]["changed"] == ["assets/reviews.jsonl"]
    assert re.search(r"1 of them changed since commit \w{12}", " ".join(out.split()))


def test_texts_that_were_named_for_one_run_alone(ran: Project) -> None:
    (ran.path / "assets/texts.jsonl").rename(ran.path / "assets/other.jsonl")
    ran.weasel("run", "all", ".", "--vars.texts", "assets/other.jsonl")
    made = load(ran)
    assert "assets/other.jsonl" in made["files"]
    assert "assets/texts.jsonl" not in made["files"]
    assert "assets/other.jsonl" in made["commands"]["ingest"][0]


def test_texts_outside_of_the_repository_and_ignored_ones_are_not_in_the_commit(ran: Project, tmp_path: Path) -> None:
    private = tmp_path / "private.jsonl"
    (ran.path / "assets/texts.jsonl").rename(private)
    ran.edit("project.yml", 'texts: "assets/texts.jsonl"', f'texts: "{private}"')
    with (ran.path / ".gitignore").open("a") as file:
        file.write("/assets/responses.jsonl\n")
    for command in (["init"], ["add", "."], ["commit", "-m", "all"]):
        who = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run([*who, *command], cwd=ran.path, check=True, capture_output=True)
    ran.weasel("run", "all")
    assert load(ran)["git"]["changed"] == sorted([str(private), "assets/responses.jsonl"])
