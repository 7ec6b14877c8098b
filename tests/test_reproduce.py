"""`reproduce`: a wheel and the remote are enough to make the same model again."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from distill.errors import DistillError
from distill.share.push import push
from distill.share.reproduce import reproduce
from sharing import clone, tree
from test_package import WHEEL


@pytest.fixture
def remote(ran: Project, tmp_path: Path) -> Path:
    (tmp_path / "remote").mkdir()
    push(ran.path, str(tmp_path / "remote"), allow_remote=False)
    return tmp_path / "remote"


def rewrapped(wheel: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The wheel with something else in its meta."""
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("meta.json"):
                meta = json.loads(data)
                change(meta["distill"]["provenance"])
                data = json.dumps(meta).encode()
            new.writestr(name, data)
    return target


def test_equal_scores_and_equal_weights(ran: Project, remote: Path, tmp_path: Path) -> None:
    """From another clone, in which nothing else is, and in which decisions have come since."""
    other = clone(ran, tmp_path / "other")
    shutil.copy(ran.path / WHEEL, tmp_path)
    rows = ran.read("assets/reviews.jsonl")
    ran.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
    push(ran.path, str(remote), allow_remote=False)
    for name, value in (("wheel", tmp_path / Path(WHEEL).name), ("remote", remote), ("reproduce_in", tmp_path / "new")):
        lines = (other.path / "project.yml").read_text().splitlines(keepends=True)
        lines = [f'  {name}: "{value}"\n' if line.startswith(f"  {name}: ") else line for line in lines]
        (other.path / "project.yml").write_text("".join(lines))
    before = tree(other.path)
    out = other.weasel("run", "reproduce")
    assert "the same scores" in " ".join(out.split())
    assert "weights of ner: equal" in out
    assert "weights of textcat: equal" in out
    assert "weights of tok2vec: equal" in out
    assert tree(other.path).keys() == before.keys() | {"project.lock"}
    assert len((tmp_path / "new/assets/reviews.jsonl").read_bytes().splitlines()) == len(rows), "as they were then"


def test_a_model_that_comes_out_otherwise_is_an_error(ran: Project, remote: Path, tmp_path: Path) -> None:
    """A wheel that says it was made with another seed than it was."""

    def another_seed(provenance: dict[str, Any]) -> None:
        for name in ("train-silver", "train-reviewed", "train"):
            provenance["commands"][name] = [
                line.replace("--seed 0", "--seed 5") for line in provenance["commands"][name]
            ]
        provenance["libraries"]["spacy"] = "3.8.0"

    wheel = rewrapped(ran.path / WHEEL, tmp_path / "other.whl", another_seed)
    out = ran.fails("reproduce", str(wheel), str(tmp_path / "new"), "--remote", str(remote))
    assert "does not score the same" in out
    assert "weights of ner: differ by" in out
    assert "spacy was 3.8.0, and is 3.8" in out


def refused(project: Project, wheel: Path, remote: Path, folder: Path) -> str:
    with pytest.raises(DistillError) as error:
        reproduce(wheel, str(remote), folder, project.path)
    assert not folder.exists() or list(folder.iterdir()) == [folder / "something"]
    assert not list(folder.parent.glob("tmp*"))
    return error.value.message


def test_what_is_in_the_way_is_said(ran: Project, remote: Path, tmp_path: Path) -> None:
    wheel, new = ran.path / WHEEL, tmp_path / "new"
    (tmp_path / "no.whl").write_text("x")
    assert "not a wheel" in refused(ran, tmp_path / "no.whl", remote, new)
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as empty:
        empty.writestr("a/__init__.py", "")
    assert "no spaCy pipeline is in it" in refused(ran, tmp_path / "empty.whl", remote, new)
    old = rewrapped(wheel, tmp_path / "old.whl", lambda provenance: provenance.clear())
    assert "it does not say where it comes from" in refused(ran, old, remote, new)
    evil = rewrapped(wheel, tmp_path / "evil.whl", lambda provenance: provenance["files"].update({"../x": "0" * 64}))
    assert "outside of the project" in refused(ran, evil, remote, new)
    asking = rewrapped(wheel, tmp_path / "asking.whl", lambda provenance: provenance["teacher"].update(unanswered=3))
    assert "3 requests to the teacher had no answer" in refused(ran, asking, remote, new)
    shell = rewrapped(
        wheel, tmp_path / "shell.whl", lambda provenance: provenance.update(commands={"ingest": ["sh -c 'touch x'"]})
    )
    with pytest.raises(DistillError, match="not a command of this kind of project"):
        reproduce(shell, str(remote), tmp_path / "shell", ran.path)
    (new / "something").mkdir(parents=True)
    assert "there is something in it already" in refused(ran, wheel, remote, new)
    (new / "something").rmdir()
    for path in (remote / "files").iterdir():
        path.unlink()
    new.rmdir()
    assert "as it was then" in refused(ran, wheel, remote, new)
