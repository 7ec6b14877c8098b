"""`push`: what the lock does not vouch for is never sent, and what is sent is whole."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import srsly
from conftest import Decide, Project
from distill.errors import DistillError
from distill.share.pull import pull
from distill.share.push import push
from distill.share.remote import open_remote
from distill.share.state import read_heads
from sharing import clone, decisions, tree


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    (tmp_path / "remote").mkdir()
    return tmp_path / "remote"


def refused(project: Project, remote: Path) -> str:
    """Push, which must end with an error, with nothing sent and nothing changed; returns the error."""
    before = tree(project.path), tree(remote)
    with pytest.raises(DistillError) as error:
        push(project.path, str(remote), allow_remote=False)
    assert (tree(project.path), tree(remote)) == before
    return f"{error.value.message} {error.value.remedy}"


def test_it_says_what_goes_and_the_lock_is_sent_with_it(ran: Project, remote: Path) -> None:
    out = " ".join(ran.weasel("run", "push", ".", "--vars.remote", str(remote)).split())
    assert f"To {remote} go 60 lines of texts (assets/texts.jsonl), 54 decisions and 240 answers" in out
    ((_, head),) = read_heads(open_remote(str(remote), ran.path)).items()
    assert head.lock == {name: entry for name, entry in lock(ran).items() if entry["outs"]}
    assert {"assets/texts.jsonl", "configs/task.yml", "scripts/train.py"} <= head.files.keys()
    assert not any(name.startswith("scripts/distill/share/push") for name in head.files)
    again = tree(remote)
    ran.weasel("run", "push", ".", "--vars.remote", str(remote))
    assert tree(remote) == again, "a second push changes nothing"


def lock(project: Project) -> dict[str, Any]:
    entries: dict[str, Any] = srsly.read_yaml(project.path / "project.lock")
    return entries


def test_weasels_own_pull_finds_the_outputs(ran: Project, remote: Path, tmp_path: Path) -> None:
    push(ran.path, str(remote), allow_remote=False)
    other = clone(ran, tmp_path / "other", with_peoples=True)
    other.weasel("pull", str(remote))
    assert (other.path / "training/metrics.json").read_bytes() == (ran.path / "training/metrics.json").read_bytes()


def test_a_variable_override_then_push(ran: Project, remote: Path) -> None:
    ran.weasel("run", "rank", ".", "--vars.seed", "1")
    assert "`rank` ran as another command than project.yml now has" in refused(ran, remote)
    ran.weasel("run", "all", ".")
    assert push(ran.path, str(remote), allow_remote=False).outputs


def test_overrides_in_the_environment(ran: Project, remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEASEL_CONFIG_OVERRIDES", "--vars.seed=0")
    assert "unset WEASEL_CONFIG_OVERRIDES" in refused(ran, remote)


@pytest.mark.parametrize("name", ["scripts/train.py", "configs/task.yml", "configs/prompts/textcat.jinja"])
def test_an_edited_script_or_config_then_push(ran: Project, remote: Path, name: str) -> None:
    with (ran.path / name).open("a") as file:
        file.write("\n")
    assert f"{name} has changed since" in refused(ran, remote)


def test_an_output_that_was_edited_by_hand(ran: Project, remote: Path) -> None:
    with (ran.path / "training/metrics.json").open("a") as file:
        file.write("\n")
    assert "training/metrics.json is not what `evaluate` made" in refused(ran, remote)


def test_an_empty_output_folder(ran: Project, remote: Path) -> None:
    shutil.rmtree(ran.path / "training/silver/model-best")
    (ran.path / "training/silver/model-best").mkdir()
    assert "training/silver/model-best, which `train-silver` makes, is an empty folder" in refused(ran, remote)


def test_an_output_that_was_declared_and_never_made(ran: Project, remote: Path) -> None:
    ran.edit(
        "project.yml", '      - "corpus/queue.jsonl"\n\n', '      - "corpus/queue.jsonl"\n      - "corpus/no.txt"\n\n'
    )
    ran.weasel("run", "rank")
    assert lock(ran)["rank"]["outs"][1]["md5"] is None, "weasel locks it all the same"
    assert "`rank` declares corpus/no.txt and has never made it" in refused(ran, remote)


def test_a_dep_that_project_yml_no_longer_names(ran: Project, remote: Path) -> None:
    ran.edit(
        "project.yml",
        '      - "corpus/teacher_blind.jsonl"\n      - "scripts/rank.py"\n',
        '      - "scripts/rank.py"\n',
    )
    assert "`rank` ran with other deps or outputs than project.yml now has" in refused(ran, remote)


def test_a_lock_that_is_cut_off(ran: Project, remote: Path) -> None:
    path = ran.path / "project.lock"
    path.write_bytes(path.read_bytes()[:4000])
    assert "project.lock: not as weasel writes it" in refused(ran, remote)
    assert "project.lock: not as weasel writes it" in ran.fails("check")


def test_outputs_of_which_the_lock_knows_nothing(ran: Project, remote: Path) -> None:
    (ran.path / "project.lock").unlink()
    assert "project.lock knows of no run of `ingest`" in refused(ran, remote)


def test_a_decision_goes_at_once_and_the_outputs_wait(ran: Project, remote: Path, decide: Decide) -> None:
    rows = ran.read("assets/reviews.jsonl")
    ran.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
    out = " ".join(ran.weasel("run", "push", ".", "--vars.remote", str(remote)).split())
    assert "outputs of convert not pushed: assets/reviews.jsonl has changed since `convert` ran" in out
    assert "outputs of train not pushed: it reads what `convert` makes" in out
    assert "Next: `weasel run all`" in out
    ((_, head),) = read_heads(open_remote(str(remote), ran.path)).items()
    assert set(head.lock) == {"ingest", "annotate", "rank", "train-silver"} - {"train-silver"}
    ran.weasel("run", "all", ".")
    assert not push(ran.path, str(remote), allow_remote=False).waiting


def test_a_decision_that_convert_has_not_seen_though_the_lock_has(ran: Project, remote: Path) -> None:
    """It came while convert ran: weasel hashed the journal after that."""
    rows = ran.read("assets/reviews.jsonl")
    ran.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
    entries = lock(ran)
    entries["convert"]["deps"][2]["md5"] = hash_of(ran.path / "assets/reviews.jsonl")
    srsly.write_yaml(ran.path / "project.lock", entries)
    assert push(ran.path, str(remote), allow_remote=False).waiting["convert"].startswith("assets/reviews.jsonl")


def hash_of(path: Path) -> str:
    from weasel.util import get_checksum

    return str(get_checksum(path))


def test_a_project_in_which_nothing_ran_shares_what_people_own(small: Project, remote: Path) -> None:
    done = push(small.path, str(remote), allow_remote=False)
    assert done.outputs == 0
    assert done.files > 4


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("", "the variable `remote` is empty"),
        ("nowhere", "nowhere: no such folder"),
        ("corpus", "the remote is inside this project"),
        ("ftp://host/x", "`ftp://` is not known"),
    ],
)
def test_no_such_remote(small: Project, address: str, expected: str) -> None:
    before = tree(small.path)
    for name in ("push", "pull"):
        out = " ".join(small.weasel("run", name, ".", "--vars.remote", address, check=False).split())
        assert expected in out
        assert "Traceback" not in out
    assert tree(small.path) == before, "no folder is made by a slip"


def test_a_missing_client_library_is_an_error_with_the_command(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake: boto3 is installed here."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DistillError) as error:
        push(small.path, "s3://team/x", allow_remote=True)
    assert error.value.remedy == 'pip install -e ".[s3]"'


def test_texts_outside_of_the_project_are_not_shared(small: Project, remote: Path, tmp_path: Path) -> None:
    shutil.copy(small.path / "assets/texts.jsonl", tmp_path / "private.jsonl")
    small.edit("project.yml", 'texts: "assets/texts.jsonl"', f'texts: "{tmp_path}/private.jsonl"')
    assert "outside of this project" in refused(small, remote)


def test_a_broken_journal_is_not_sent(small: Project, remote: Path) -> None:
    with (small.path / "assets/reviews.jsonl").open("a") as file:
        file.write('{"id": "x"}\n')
    assert "line 55: not an entry of this journal" in refused(small, remote)


def test_a_review_app_may_be_open_while_nothing_comes_from_others(ran: Project, remote: Path, tmp_path: Path) -> None:
    from distill.journal import Journal

    other = clone(ran, tmp_path / "other", with_peoples=True)
    with Journal(ran.path / "assets/reviews.jsonl"):
        push(ran.path, str(remote), allow_remote=False)
    rows = other.read("assets/reviews.jsonl")
    other.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
    push(other.path, str(remote), allow_remote=False)
    with Journal(ran.path / "assets/reviews.jsonl"):
        assert "another process is writing to it" in refused(ran, remote)
    assert push(ran.path, str(remote), allow_remote=False).new == {"assets/reviews.jsonl": 1}
    assert decisions(ran) == decisions(other)
    assert "new" in decisions(ran)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "scripts")
from distill.share.{name} import {name}
count, replace = 0, os.replace
def counted(*arguments, **more):
    global count
    if count == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    count += 1
    replace(*arguments, **more)
os.replace = counted
{name}(Path.cwd(), sys.argv[2], {option})
print("files put in place:", count)
"""
"""A process that kills itself before it puts its n-th file in place."""


def killed(project: Project, name: str, option: str, at: int, remote: Path) -> int | None:
    """Run push or pull until the file number `at` is to be put in place; how many there were, if it came to an end."""
    code = KILLED.format(name=name, option=option)
    command = [sys.executable, "-c", code, str(at), str(remote)]
    done = subprocess.run(command, cwd=project.path, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_killed_in_the_middle(ran: Project, remote: Path, tmp_path: Path) -> None:
    older = clone(ran, tmp_path / "older", with_peoples=True)
    push(older.path, str(remote), allow_remote=False)
    shutil.copytree(remote, tmp_path / "before")
    count = killed(ran, "push", "allow_remote=False", 10**6, remote)
    assert count and count > 20
    for at in (0, 1, count // 2, count - 1):
        shutil.rmtree(remote)
        shutil.copytree(tmp_path / "before", remote)
        assert killed(ran, "push", "allow_remote=False", at, remote) is None
        other = clone(ran, tmp_path / f"other{at}")
        pull(other.path, str(remote), replace=False)
        assert decisions(other) == decisions(ran)
    push(ran.path, str(remote), allow_remote=False)
    last = clone(ran, tmp_path / "last")
    assert pull(last.path, str(remote), replace=False).will_run == []


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not there")
def test_a_remote_that_cannot_be_written_to(ran: Project, remote: Path) -> None:
    remote.chmod(0o555)
    before = tree(ran.path)
    command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
    script = [sys.executable, "scripts/push.py", "--remote", str(remote), "--allow-remote", "false"]
    done = subprocess.run([*command, *script], cwd=ran.path, capture_output=True, text=True, check=False)
    remote.chmod(0o755)
    assert done.returncode == 1
    assert "Permission denied" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert tree(ran.path) == before
    assert list(remote.iterdir()) == []


def test_what_does_not_fit_on_the_disk_of_the_remote(ran: Project, remote: Path) -> None:
    """A disk of 300 KB, and a push of megabytes; then a larger disk."""
    inside = f"mount -t tmpfs -o size=300k tmpfs {remote} && {{ {sys.executable} scripts/push.py --remote {remote} "
    inside += f"--allow-remote false; code=$?; find {remote} -type f -printf '%f %s\\n'; exit $code; }}"
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(remote)], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", inside], cwd=ran.path, capture_output=True, text=True, check=False
    )
    out = done.stdout + done.stderr
    assert done.returncode == 1
    assert "No space left on device" in out
    assert "Traceback" not in out
    assert ".part" not in out, "nothing half-written is left"
    assert json.loads((ran.path / "training/metrics.json").read_text())
    push(ran.path, str(remote), allow_remote=False)
