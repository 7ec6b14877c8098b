"""`pull`: the union of what people made, outputs only where they match, and nothing that was not pushed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import srsly
from conftest import ROOT, Project, template_only
from distill.errors import DistillError
from distill.files import digest
from distill.share.pull import pull
from distill.share.push import push
from distill.share.state import Manifest
from distill.steps import checksum
from sharing import archive_of, clone, decisions, forge, rewrite, tree
from test_push import killed
from test_workflow import ALL, steps

QUEUE = "corpus/queue.jsonl"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    (tmp_path / "remote").mkdir()
    return tmp_path / "remote"


@pytest.fixture
def pushed(ran: Project, remote: Path) -> Project:
    """A project of which all is in the remote."""
    push(ran.path, str(remote), allow_remote=False)
    return ran


def refused(project: Project, remote: Path) -> str:
    """Pull, which must end with an error, with nothing changed; returns the error."""
    before = tree(project.path)
    with pytest.raises(DistillError) as error:
        pull(project.path, str(remote), replace=False)
    assert tree(project.path) == before
    return f"{error.value.message} {error.value.remedy}"


def scores(project: Project) -> object:
    return json.loads((project.path / "training/metrics.json").read_text())["systems"]


def share_and_compare(one: Project, other: Project, address: str) -> None:
    """Push from the one, pull into the other, which has then nothing to do and the same scores."""
    for project in (one, other):
        project.edit("project.yml", 'remote: ""', f'remote: "{address}"')
    one.weasel("run", "push")
    out = " ".join(other.weasel("run", "pull").split())
    assert "25 outputs taken, 0 were the same here" in out
    assert "Everything here is as it was pushed" in out
    again = other.weasel("run", "all")
    assert steps(again) == ["check"]
    assert again.count("nothing changed") == len(ALL) - 1
    assert scores(other) == scores(one)
    for name in ("corpus", "training", "packages"):
        assert tree(other.path / name) == tree(one.path / name)


def test_a_folder_from_one_clone_to_another(ran: Project, remote: Path, tmp_path: Path) -> None:
    share_and_compare(ran, clone(ran, tmp_path / "other"), str(remote))


def test_a_bucket_from_one_clone_to_another(ran: Project, bucket: str, tmp_path: Path) -> None:
    ran.edit("project.yml", "allow_remote: false", "allow_remote: true")
    share_and_compare(ran, clone(ran, tmp_path / "other"), bucket)


@template_only
def test_the_rights_that_the_docs_name_are_enough(ran: Project, bucket: str, tmp_path: Path) -> None:
    """The server checks each call against the policy of docs/share.md; what is not in it is refused."""
    import boto3
    import requests

    def check_rights(after: str) -> None:
        """Let the server look at rights from the n-th call on."""
        requests.post(f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth", data=after.encode(), timeout=10)

    check_rights("inf")
    boto3.client("s3").create_bucket(Bucket="bucket")
    policy = re.search(r"```json\n(.*?)```", (ROOT / "docs/share.md").read_text("utf-8"), re.DOTALL)
    assert policy
    iam = boto3.client("iam")
    iam.create_user(UserName="annotator-a")
    iam.put_user_policy(UserName="annotator-a", PolicyName="distill", PolicyDocument=policy[1])
    key = iam.create_access_key(UserName="annotator-a")["AccessKey"]
    env = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    for project in (ran, other := clone(ran, tmp_path / "other")):
        project.edit("project.yml", "allow_remote: false", "allow_remote: true")
        project.edit("project.yml", 'remote: ""', 'remote: "s3://bucket/cooking"')
    check_rights("0")
    try:
        ran.weasel("run", "push", env=env)
        rows = ran.read("assets/reviews.jsonl")
        ran.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
        assert "outputs" in ran.weasel("run", "push", env=env), "takes up the head of the first"
        assert "outputs taken" in other.weasel("run", "pull", env=env)
        out = ran.weasel("run", "push", ".", "--vars.remote", "s3://bucket/elsewhere", check=False, env=env)
        assert "AccessDenied" in out
        assert env["AWS_SECRET_ACCESS_KEY"] not in out
    finally:
        check_rights("inf")


def test_texts_go_to_a_bucket_only_if_they_may(ran: Project, bucket: str) -> None:
    import boto3

    before = boto3.client("s3").list_objects(Bucket="team", Prefix="private").get("Contents")
    out = " ".join(ran.weasel("run", "push", ".", "--vars.remote", "s3://team/private", check=False).split())
    assert "s3://team/private is on another machine, and would get 60 lines of texts" in out
    assert "`allow_remote: true`" in out
    assert boto3.client("s3").list_objects(Bucket="team", Prefix="private").get("Contents") == before is None


def test_a_bucket_that_is_not_there_or_does_not_answer(
    small: Project, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = " ".join(small.weasel("run", "pull", ".", "--vars.remote", "s3://nosuch/x", check=False).split())
    assert "NoSuchBucket" in out
    assert "Check the name, the credentials and the endpoint" in out
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    out = " ".join(small.weasel("run", "pull", ".", "--vars.remote", bucket, check=False).split())
    assert "Could not connect to the endpoint URL" in out
    assert "Traceback" not in out


def test_nothing_pushed_there_is_an_error(small: Project, remote: Path) -> None:
    assert "nothing has been pushed there" in refused(small, remote)
    assert list(remote.iterdir()) == []


def more_decisions(project: Project, id_: str = "new") -> None:
    """One decision more, which takes the place of another."""
    rows = project.read("assets/reviews.jsonl")
    project.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": id_, "supersedes": [rows[0]["id"]]}])


def test_stale_outputs_are_neither_blessed_nor_replaced_unasked(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    shutil.copytree(pushed.path, other.path)
    more_decisions(pushed)
    pushed.weasel("run", "convert")
    push(pushed.path, str(remote), allow_remote=False)
    message = refused(other, remote)
    assert "1 outputs here are not those that were pushed: corpus/manifest.json" in message
    assert "--vars.replace true" in message
    (other.path / "corpus/manifest.json").write_text("{}")
    with pytest.raises(DistillError, match=r"corpus/manifest\.json") as error:
        pull(other.path, str(remote), replace=True)
    assert "weasel run clean" in error.value.remedy, "what no step made is somebody's, and stays in any case"
    shutil.copy(pushed.path / "corpus/manifest.json", other.path / "corpus/manifest.json")
    lock = srsly.read_yaml(other.path / "project.lock")
    (other.path / "corpus/dev.spacy").write_bytes(b"of another run")
    lock["convert"]["outs"][2]["md5"] = checksum(other.path / "corpus/dev.spacy")
    srsly.write_yaml(other.path / "project.lock", lock)
    done = pull(other.path, str(remote), replace=True)
    assert done.replaced == ["corpus/dev.spacy"]
    assert done.will_run[0] == "train-silver" or "provenance" in done.will_run
    assert tree(other.path / "corpus") == tree(pushed.path / "corpus")


def test_empty_output_folders_are_in_nobodys_way(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other", with_peoples=True)
    (other.path / "training/silver/model-best").mkdir(parents=True)
    assert pull(other.path, str(remote), replace=False).will_run == []
    assert (other.path / "training/silver/model-best/ner/model").exists()


def test_own_outputs_stay_where_others_know_less(pushed: Project, remote: Path, tmp_path: Path) -> None:
    """What is newer here is neither overwritten nor in the way."""
    rows = pushed.read("assets/reviews.jsonl")
    pushed.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
    pushed.weasel("run", "all")
    before = tree(pushed.path)
    done = pull(pushed.path, str(remote), replace=False)
    assert tree(pushed.path).keys() == before.keys()
    assert done.untaken["convert"] == "assets/reviews.jsonl is not what it was run on"
    assert (done.will_run, done.taken, done.new) == ([], [], {})


def test_new_entries_say_which_steps_will_run(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other")
    pull(other.path, str(remote), replace=False)
    rows = pushed.read("assets/reviews.jsonl")
    pushed.write("assets/reviews.jsonl", [*rows, {**rows[0], "id": "new", "supersedes": [rows[0]["id"]]}])
    pushed.weasel("run", "push", ".", "--vars.remote", str(remote))
    out = " ".join(other.weasel("run", "pull", ".", "--vars.remote", str(remote)).split())
    assert "assets/reviews.jsonl: 1 new line from the remote" in out
    assert "which will run convert, train-silver, train-reviewed, train, evaluate, curve, report" in out


def test_a_step_that_differs_here_is_said(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other")
    with (other.path / "configs/student.cfg").open("a") as file:
        file.write("\n")
    done = pull(other.path, str(remote), replace=False)
    assert done.untaken["train-silver"] == "configs/student.cfg is not what it was run on"
    assert done.untaken["train"] in (
        "configs/student.cfg is not what it was run on",
        "it reads training/silver/model-best, which has to be made here",
    )
    assert "corpus/train.spacy" in done.taken


def changed_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "has another SHA-256"),
        (changed_byte, "has another SHA-256"),
        (lambda path: path.unlink(), "is named by what was pushed, and is not there"),
    ],
    ids=["truncated", "tampered", "missing"],
)
def test_an_archive_that_is_not_as_it_was_pushed(
    pushed: Project, remote: Path, tmp_path: Path, damage: Callable[[Path], None], expected: str
) -> None:
    other = clone(pushed, tmp_path / "other")
    damage(archive_of(remote, "training/two_stage/model-best"))
    assert expected in refused(other, remote)


@pytest.mark.parametrize("kind", ["files", "heads"])
def test_a_file_that_is_not_as_it_was_pushed(pushed: Project, remote: Path, tmp_path: Path, kind: str) -> None:
    """Whichever byte it is."""
    other = clone(pushed, tmp_path / "other")
    sha256 = digest((pushed.path / "assets/split.jsonl").read_bytes())
    path = remote / f"files/{sha256}.gz" if kind == "files" else next((remote / "heads").iterdir())
    whole = path.read_bytes()
    for at in range(10, len(whole), max(len(whole) // 30, 1)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DistillError, match="is not as it was pushed"):
            pull(other.path, str(remote), replace=False)
    assert "is not as it was pushed" in refused(other, remote)


def test_a_push_puts_back_what_the_remote_has_lost(pushed: Project, remote: Path, tmp_path: Path) -> None:
    for path in (remote / "files").iterdir():
        path.unlink()
    other = clone(pushed, tmp_path / "other")
    assert "is named by what was pushed, and is not there" in refused(other, remote)
    push(pushed.path, str(remote), allow_remote=False)
    assert pull(other.path, str(remote), replace=False).will_run == []


def test_a_broken_journal_here_stops_it_before_anything(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other")
    (other.path / "assets/reviews.jsonl").write_text('{"id": "x"}\n')
    assert "assets/reviews.jsonl, line 1: not an entry of this journal" in refused(other, remote)


def test_an_entry_that_was_changed_by_hand_is_named(pushed: Project, remote: Path) -> None:
    rows = pushed.read("assets/reviews.jsonl")
    pushed.write("assets/reviews.jsonl", [{**rows[0], "annotator": "annotator x"}, *rows[1:]])
    message = refused(pushed, remote)
    assert f"the id {rows[0]['id']} stands for two different entries" in message
    assert "Restore the line here as it was pushed" in message
    assert "/tmp" not in message.split("pushed:")[1]


def test_what_was_mended_since_the_last_push_stands(pushed: Project, remote: Path, tmp_path: Path) -> None:
    """A text with a typo, and one that is gone; then elsewhere, where nothing was changed."""
    other = clone(pushed, tmp_path / "other")
    pull(other.path, str(remote), replace=False)
    rows = pushed.read("assets/texts.jsonl")
    pushed.write("assets/texts.jsonl", [{**rows[0], "text": "Mended."}, *rows[2:]])
    assert push(pushed.path, str(remote), allow_remote=False).waiting["ingest"].startswith("assets/texts.jsonl has")
    pull(other.path, str(remote), replace=False)
    assert other.read("assets/texts.jsonl") == pushed.read("assets/texts.jsonl")


def test_a_text_file_with_a_byte_order_mark(small: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(small, tmp_path / "other")
    other.write("assets/texts.jsonl", [{"text": "One more soup."}])
    path = small.path / "assets/texts.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    push(small.path, str(remote), allow_remote=False)
    pull(other.path, str(remote), replace=False)
    assert len(other.read("assets/texts.jsonl")) == 61
    assert b"\xef\xbb\xbf" not in (other.path / "assets/texts.jsonl").read_bytes()


def test_a_folder_that_is_a_link_to_another_disk(pushed: Project, remote: Path, tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.exists() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other disk")
    other = clone(pushed, tmp_path / "other")
    shutil.rmtree(other.path / "training")
    with tempfile.TemporaryDirectory(dir=shared) as disk:
        (other.path / "training").symlink_to(disk)
        assert pull(other.path, str(remote), replace=False).will_run == []


def test_a_push_heals_what_was_cut_off(pushed: Project, remote: Path, tmp_path: Path) -> None:
    path = archive_of(remote, "training/two_stage/model-best")
    path.write_bytes(path.read_bytes()[:-100])
    push(pushed.path, str(remote), allow_remote=False)
    assert pull(clone(pushed, tmp_path / "other").path, str(remote), replace=False).will_run == []


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


EVIL = b"print('not ours')\n"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (member(QUEUE, tarfile.SYMTYPE, "/etc/passwd"), "no plain file"),
        (member(QUEUE, tarfile.LNKTYPE, "scripts/train.py"), "no plain file"),
        (member("scripts/train.py"), "it holds scripts/train.py, which is no plain file of corpus/queue.jsonl"),
        (member("../outside.txt"), "it holds ../outside.txt"),
        (member("/tmp/outside.txt"), "/tmp/outside.txt"),
        (member(f"{QUEUE}/../../scripts/train.py"), "no plain file"),
        (member(QUEUE), "which is not what was pushed"),
        (member("corpus", tarfile.SYMTYPE, "/tmp"), "no plain file"),
    ],
)
def test_an_archive_with_a_member_that_has_no_business_there(
    pushed: Project, remote: Path, tmp_path: Path, made: tarfile.TarInfo, expected: str
) -> None:
    """By somebody who writes a manifest that goes with it."""
    other = clone(pushed, tmp_path / "other")
    files = {made.name: digest(EVIL)} if made.name != QUEUE else {QUEUE: digest(b"other")}
    forge(remote, QUEUE, [(made, EVIL if made.isfile() else b"")], files)
    assert expected in refused(other, remote)
    assert not (tmp_path / "outside.txt").exists()


def test_an_output_that_is_no_output_here_is_passed_over(pushed: Project, remote: Path, tmp_path: Path) -> None:
    """A manifest that says a script were what a step makes, and people's, too."""
    other = clone(pushed, tmp_path / "other")
    script = (other.path / "scripts/train.py").read_bytes()

    def change(manifest: Manifest) -> None:
        manifest.outputs["scripts/train.py"] = manifest.outputs[QUEUE]
        manifest.files["scripts/train.py"] = manifest.files["assets/reviews.jsonl"]
        manifest.files["../outside.jsonl"] = manifest.files["assets/reviews.jsonl"]
        manifest.files["/tmp/outside.jsonl"] = manifest.files["assets/reviews.jsonl"]

    rewrite(remote, change)
    assert pull(other.path, str(remote), replace=True).will_run == []
    assert (other.path / "scripts/train.py").read_bytes() == script
    assert not (tmp_path / "outside.jsonl").exists()


def test_an_output_that_its_lock_does_not_vouch_for(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other")
    forge(remote, QUEUE, [(member(QUEUE), EVIL)], {QUEUE: digest(EVIL)})
    assert "is not what its entry of `rank` says" in refused(other, remote)


def test_a_journal_with_a_broken_line_is_not_joined(pushed: Project, remote: Path, tmp_path: Path) -> None:
    import gzip

    other = clone(pushed, tmp_path / "other")
    broken = b'{"id": "x"}\n'
    (remote / f"files/{digest(broken)}.gz").write_bytes(gzip.compress(broken))

    def change(manifest: Manifest) -> None:
        manifest.files["assets/reviews.jsonl"] = digest(broken)

    rewrite(remote, change)
    assert "not an entry of this journal" in refused(other, remote)


def test_two_draws_of_the_blind_samples_are_not_joined(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other", with_peoples=True)
    (other.path / "assets/split.jsonl").write_bytes(b"")
    other.weasel("run", "ingest", ".", "--vars.seed", "7")
    (other.path / "project.lock").unlink()
    shutil.rmtree(other.path / "corpus")
    assert "the blind samples were drawn twice" in refused(other, remote)
    (other.path / "assets/split.jsonl").write_bytes(b"")
    pull(other.path, str(remote), replace=False)
    assert other.read("assets/split.jsonl") == pushed.read("assets/split.jsonl")


def test_one_id_for_two_texts_is_not_joined(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other", with_peoples=True)
    rows = other.read("assets/texts.jsonl")
    other.write("assets/texts.jsonl", [{**rows[0], "text": "Something else."}, *rows[1:]])
    assert f"the id {rows[0]['id']!r} stands for one text here and for another" in refused(other, remote)


def test_tables(small: Project, remote: Path, tmp_path: Path) -> None:
    """One who goes on is followed; two who go on each in a way of their own are told."""
    small.edit("project.yml", 'texts: "assets/texts.jsonl"', 'texts: "assets/table.csv"')
    mine, theirs = small.path / "assets/table.csv", tmp_path / "other/assets/table.csv"
    mine.write_text("id,text\n1,A soup.\n")
    push(small.path, str(remote), allow_remote=False)
    other = clone(small, tmp_path / "other")
    theirs.unlink()
    pull(other.path, str(remote), replace=False)
    assert theirs.read_text() == "id,text\n1,A soup.\n"
    mine.write_text("id,text\n1,A good soup.\n")
    push(small.path, str(remote), allow_remote=False)
    pull(other.path, str(remote), replace=False)
    assert theirs.read_text() == "id,text\n1,A good soup.\n"
    mine.write_text("id,text\n1,A good soup.\n2,A stew.\n")
    theirs.write_text("id,text\n1,A good soup.\n3,A pie.\n")
    push(small.path, str(remote), allow_remote=False)
    assert "assets/table.csv: changed here and in" in refused(other, remote)
    theirs.write_text("id,text\n1,A good soup.\n3,A pie.\n2,A stew.\n")
    pull(other.path, str(remote), replace=False)
    push(other.path, str(remote), allow_remote=False)
    pull(small.path, str(remote), replace=False)
    assert mine.read_text() == theirs.read_text()


def test_a_folder_of_texts(small: Project, remote: Path, tmp_path: Path) -> None:
    small.edit("project.yml", 'texts: "assets/texts.jsonl"', 'texts: "assets/texts"')
    (small.path / "assets/texts/more").mkdir(parents=True)
    (small.path / "assets/texts/more/a.txt").write_text("A soup.")
    other = clone(small, tmp_path / "other")
    push(small.path, str(remote), allow_remote=False)
    (other.path / "assets/texts/more/a.txt").rename(other.path / "assets/texts/b.txt")
    pull(other.path, str(remote), replace=False)
    assert sorted(path.name for path in (other.path / "assets/texts").rglob("*.txt")) == ["a.txt", "b.txt"]


def test_a_folder_of_texts_and_what_was_made_of_it(ran: Project, remote: Path, tmp_path: Path) -> None:
    ran.edit("project.yml", 'texts: "assets/texts.jsonl"', 'texts: "assets/texts"')
    (ran.path / "assets/texts").mkdir()
    (ran.path / "assets/texts.jsonl").rename(ran.path / "assets/texts/a.jsonl")
    rows = ran.read("assets/texts/a.jsonl")
    ran.write("assets/texts/a.jsonl", rows[:30])
    ran.write("assets/texts/b.jsonl", rows[30:])
    assert steps(ran.weasel("run", "all")) == ["check", "ingest", "provenance", "package"]
    push(ran.path, str(remote), allow_remote=False)
    other = clone(ran, tmp_path / "other")
    shutil.rmtree(other.path / "assets/texts")
    assert pull(other.path, str(remote), replace=False).will_run == []
    ran.write("assets/texts/c.jsonl", [{"text": "One more soup."}])
    done = push(ran.path, str(remote), allow_remote=False)
    assert done.waiting["ingest"] == "assets/texts has changed since `ingest` ran"
    assert pull(other.path, str(remote), replace=False).will_run[0] == "ingest"


def test_killed_in_the_middle(pushed: Project, remote: Path, tmp_path: Path) -> None:
    count = killed(clone(pushed, tmp_path / "to-count"), "pull", "replace=False", 10**6, remote)
    assert count and count > 20
    for at in (0, 2, 5, count // 2, count - 1):
        other = clone(pushed, tmp_path / f"other{at}")
        assert killed(other, "pull", "replace=False", at, remote) is None
        for path in (other.path / "assets").glob("*.jsonl"):
            assert path.read_bytes() == (pushed.path / f"assets/{path.name}").read_bytes(), "whole or not there"
        assert pull(other.path, str(remote), replace=False).will_run == []
        assert decisions(other) == decisions(pushed)
        assert not list(other.path.glob(".distill-pull-*"))
        assert tree(other.path / "training") == tree(pushed.path / "training")


def test_a_disk_that_is_full_here(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other")
    inside = f"mount -t tmpfs -o size=4m tmpfs {tmp_path}/small && cp -r {other.path}/. {tmp_path}/small "
    inside += f"&& cd {tmp_path}/small && {{ {sys.executable} scripts/pull.py --remote {remote} --replace false; "
    inside += "code=$?; ls -A; ls -A assets corpus training; exit $code; }"
    (tmp_path / "small").mkdir()
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(remote)], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    done = subprocess.run(["unshare", "-rm", "sh", "-c", inside], capture_output=True, text=True, check=False)
    out = done.stdout + done.stderr
    assert done.returncode == 1
    assert "No space left on device" in out
    assert "Traceback" not in out
    assert "reviews.jsonl\n" not in out, "nothing of it has been put in place"
    assert ".distill-pull-" not in out.split("Mend that")[1]


def test_a_project_that_cannot_be_written_to(pushed: Project, remote: Path) -> None:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("setpriv is not there")
    command = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
    script = [sys.executable, "scripts/pull.py", "--remote", str(remote), "--replace", "false"]
    pushed.path.chmod(0o555)
    done = subprocess.run([*command, *script], cwd=pushed.path, capture_output=True, text=True, check=False)
    pushed.path.chmod(0o755)
    assert done.returncode == 1
    assert "Permission denied" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
