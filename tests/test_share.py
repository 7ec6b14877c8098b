"""Sharing: what two people decided comes together, through git and through a remote, in either direction; and no secret
is in any of it."""

import gzip
import itertools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Decide, Project
from distill.journal import entries
from distill.review.decisions import Decision, load_decisions
from distill.review.desk import Desk, Paths, Shares
from distill.share.pull import pull
from distill.share.push import push
from endpoints import nothing, use_endpoint
from fake_endpoint import fake_endpoint
from sharing import clone, decisions
from test_desk import decide as decide_at

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
    for project in clones:
        git(tmp_path, "clone", str(origin.path), project.path.name)
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
    for project, made in zip(clones, (mine, theirs), strict=True):
        project.write(JOURNAL, [*first, *made])
        git(project.path, "commit", "-am", "more")
    for project, other in zip(clones, reversed(clones), strict=True):
        git(project.path, "fetch", str(other.path), "main:theirs")
    for project in clones:
        git(project.path, "merge", "theirs", "-m", "both")
        git(project.path, "merge", "theirs", "-m", "again")
        ids = [decision.id for decision in entries(project.path / JOURNAL, Decision)]
        assert sorted(ids) == ["a0", "a1", "a2", "b1", "b2", "b3", "decision-t0"], "each once"
        decided = load_decisions(project.path / JOURNAL)
        assert sorted(decided.settled) == ["t0", "t1", "t3"]
        assert sorted(decided.conflicts) == ["t2"]
        assert decided.settled["t0"].id == "a0"


def review(project: Project, annotator: str, answers: dict[str, str]) -> None:
    """Decide on cards at the desk of the review app: a topic by text id."""
    names = ("configs/task.yml", "corpus/queue.jsonl", "corpus/silver.jsonl", JOURNAL, "none", "none")
    with Desk(Paths(*(project.path / name for name in names)), Shares(0.0, 0.0)) as desk:
        for card, topic in answers.items():
            decide_at(desk, card, annotator=annotator, id=f"{annotator[-1]}-of-{card}", spans=[], accept=[topic])


@pytest.mark.parametrize("order", list(itertools.permutations(("a", "b"))), ids=["a-first", "b-first"])
def test_two_clones_review_and_share(ran: Project, tmp_path: Path, order: tuple[str, str]) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    push(ran.path, str(remote), allow_remote=False)
    clones = {name: clone(ran, tmp_path / name) for name in "ab"}
    for project in clones.values():
        assert pull(project.path, str(remote), replace=False).will_run == []
    reviewed = {row["text_id"] for row in ran.read(JOURNAL)}
    one, two, three, four = [row["id"] for row in ran.read("corpus/queue.jsonl") if row["id"] not in reviewed][:4]
    review(clones["a"], "annotator a", {one: "other", two: "other", three: "other"})
    review(clones["b"], "annotator b", {two: "other", three: "technique", four: "other"})
    for name in order:
        push(clones[name].path, str(remote), allow_remote=False)
    said = {name: pull(clones[name].path, str(remote), replace=False) for name in order}
    for name in order:
        assert decisions(clones[name]) == decisions(clones["a"])
        assert len(set(decisions(clones[name]))) == len(decisions(clones[name])) == len(reviewed) + 6, "each once"
    assert said[order[1]].conflicts == said[order[0]].conflicts == [three]
    assert (clones["a"].path / JOURNAL).read_bytes() == (clones["b"].path / JOURNAL).read_bytes()
    assert said[order[0]].will_run[0] == "convert"
    decided = load_decisions(clones["b"].path / JOURNAL)
    assert {one, two, four} <= decided.settled.keys()
    for name in order:
        assert not push(clones[name].path, str(remote), allow_remote=False).new
    assert len(list((remote / "heads").iterdir())) == 1


def test_two_pushes_at_once_lose_nothing(ran: Project, tmp_path: Path, decide: Decide) -> None:
    """Neither has seen the other's: there are two heads, and whoever comes next takes up both."""
    remotes = [tmp_path / name for name in ("remote", "later")]
    for remote in remotes:
        remote.mkdir()
    other = clone(ran, tmp_path / "other", with_peoples=True)
    for project, remote, id_ in ((ran, remotes[0], "from-one"), (other, remotes[1], "from-other")):
        with (project.path / JOURNAL).open("ab") as file:
            file.write(Decision.model_validate(decide("t", "A soup.", id=id_)).line())
        push(project.path, str(remote), allow_remote=False)
    for path in remotes[1].rglob("*"):
        if path.is_file():
            target = remotes[0] / path.relative_to(remotes[1])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    assert len(list((remotes[0] / "heads").iterdir())) == 2
    third = clone(ran, tmp_path / "third")
    pull(third.path, str(remotes[0]), replace=False)
    assert {"from-one", "from-other"} <= set(decisions(third))
    push(third.path, str(remotes[0]), allow_remote=False)
    assert len(list((remotes[0] / "heads").iterdir())) == 1


KEY = "sk-planted-0123456789"


def test_no_secret_is_in_anything(small: Project, tmp_path: Path) -> None:
    """After a run with a key in the environment: not in the project, weasel's lock, the journals, the remote, or what
    was printed; packed or not."""
    (tmp_path / "remote").mkdir()
    env = {"TEACHER_KEY": KEY, "AWS_SECRET_ACCESS_KEY": KEY}
    with fake_endpoint(nothing) as (url, requests):
        use_endpoint(small, url, api_key_env="TEACHER_KEY")
        said = small.weasel("run", "all", ".", env=env)
    assert requests
    small.edit("project.yml", 'remote: ""', f'remote: "{tmp_path}/remote"')
    for command in ("push", "pull", "check"):
        said += small.weasel("run", command, env=env)
    assert KEY not in said
    looked = 0
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix != ".pyc" and not path.is_relative_to(small.path / "tests"):
            data = path.read_bytes()
            looked += 1
            assert KEY.encode() not in data, path
            if data[:2] == b"\x1f\x8b":
                assert KEY.encode() not in gzip.decompress(data), path
    assert looked > 200
    assert KEY not in os.environ.values()
