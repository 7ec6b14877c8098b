"""`pull`: the union of what people made, outputs only where they match, and nothing that was not pushed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Project, template_only
from distill.errors import DistillError
from distill.files import digest
from distill.share.pull import pull
from distill.share.push import push
from distill.share.state import Manifest
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


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket on a server that speaks S3's protocol; its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "of-this-test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "of-this-test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="team")
        yield "s3://team/cooking"
    server.stop()


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


def test_stale_outputs_are_not_blessed(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other", with_peoples=True)
    (other.path / "training/metrics.json").write_text("{}")
    (other.path / "corpus/queue.jsonl").write_text("")
    message = refused(other, remote)
    assert "2 outputs here are not those that were pushed: corpus/queue.jsonl, training/metrics.json" in message
    assert "--vars.replace true" in message
    done = pull(other.path, str(remote), replace=True)
    assert done.replaced == ["corpus/queue.jsonl", "training/metrics.json"]
    assert done.will_run == []
    assert tree(other.path / "training") == tree(pushed.path / "training")


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
    other = clone(pushed, tmp_path / "other")
    sha256 = digest((pushed.path / "assets/reviews.jsonl").read_bytes())
    path = remote / f"files/{sha256}.gz" if kind == "files" else next((remote / "heads").iterdir())
    changed_byte(path)
    assert "is not as it was pushed" in refused(other, remote)


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


def test_one_id_for_two_texts_is_not_joined(pushed: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(pushed, tmp_path / "other", with_peoples=True)
    rows = other.read("assets/texts.jsonl")
    other.write("assets/texts.jsonl", [{**rows[0], "text": "Something else."}, *rows[1:]])
    assert f"the id {rows[0]['id']!r} stands for one text here and for another" in refused(other, remote)


def test_tables_that_differ_are_not_joined(small: Project, remote: Path, tmp_path: Path) -> None:
    small.edit("project.yml", 'texts: "assets/texts.jsonl"', 'texts: "assets/table.csv"')
    (small.path / "assets/table.csv").write_text("id,text\n1,A soup.\n")
    push(small.path, str(remote), allow_remote=False)
    other = clone(small, tmp_path / "other")
    (other.path / "assets/table.csv").write_text("id,text\n1,A stew.\n")
    assert "Only .jsonl files can be joined" in refused(other, remote)
    (other.path / "assets/table.csv").unlink()
    pull(other.path, str(remote), replace=False)
    assert (other.path / "assets/table.csv").read_text() == "id,text\n1,A soup.\n"


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
        assert not list(other.path.glob(".pull-*"))
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
    assert ".pull-" not in out.split("Mend that")[1]


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
