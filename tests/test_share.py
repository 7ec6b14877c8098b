"""Sharing: what two people decided comes together through git, in either direction."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from conftest import ROOT, Decide, Project
from distill.journal import entries
from distill.review.decisions import Decision, load_decisions

JOURNAL = "assets/reviews.jsonl"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_keeps_the_decisions_of_both_sides(tmp_path: Path, decide: Decide) -> None:
    origin = Project(tmp_path / "origin")
    (origin.path / "assets").mkdir(parents=True)
    shutil.copy(ROOT / ".gitattributes", origin.path)
    first: list[dict[str, Any]] = [decide("t0", "A soup.", spans=[])]
    origin.write(JOURNAL, first)
    git(origin.path, "init", "--initial-branch", "main")
    git(origin.path, "add", ".")
    git(origin.path, "commit", "-m", "first")
    clones = [Project(tmp_path / name) for name in ("a", "b")]
    for clone in clones:
        git(tmp_path, "clone", str(origin.path), clone.path.name)
    dish = [{"start": 2, "end": 6, "label": "DISH"}]
    mine = [
        decide("t1", "A soup.", id="a1", spans=dish),
        decide("t2", "A soup.", id="a2", spans=dish),
        decide("t0", "A soup.", id="a0", spans=dish, supersedes=["decision-t0"]),
    ]
    theirs = [
        decide("t1", "A soup.", id="b1", annotator="annotator b", spans=dish),
        decide("t2", "A soup.", id="b2", annotator="annotator b", spans=[]),
        decide("t3", "A soup.", id="b3", annotator="annotator b", spans=dish),
    ]
    for clone, made in zip(clones, (mine, theirs), strict=True):
        clone.write(JOURNAL, [*first, *made])
        git(clone.path, "commit", "-am", "more")
    for clone, other in zip(clones, reversed(clones), strict=True):
        git(clone.path, "fetch", str(other.path), "main:theirs")
    for clone in clones:
        git(clone.path, "merge", "theirs", "-m", "both")
        git(clone.path, "merge", "theirs", "-m", "again")
        ids = [decision.id for decision in entries(clone.path / JOURNAL, Decision)]
        assert sorted(ids) == ["a0", "a1", "a2", "b1", "b2", "b3", "decision-t0"], "each once"
        decided = load_decisions(clone.path / JOURNAL)
        assert sorted(decided.settled) == ["t0", "t1", "t3"]
        assert sorted(decided.conflicts) == ["t2"]
        assert decided.settled["t0"].id == "a0"
