"""`forget`: a text and everything made from it is gone, here, in the remote, and with the next pull elsewhere."""

import gzip
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project, copy_project
from distill.errors import DistillError
from distill.formats.texts import rows_kept
from distill.share.forget import forget
from distill.share.pull import pull
from distill.share.push import push
from sharing import clone, tree
from test_package import WHEEL

WORD = "Quibbletonian"


def inside(data: bytes) -> Iterator[bytes]:
    """What a file holds, and all that is packed in it."""
    yield data
    if data[:2] == b"\x1f\x8b":
        yield from inside(gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield from inside(packed.read(name))
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                yield from inside(file.read() if file else b"")


def where(folder: Path, *words: str) -> set[str]:
    """The files below a folder in which one of some words stands, packed or not."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(word.encode() in data for data in inside(path.read_bytes()) for word in words)
    }


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    (tmp_path / "remote").mkdir()
    return tmp_path / "remote"


@pytest.fixture(scope="module")
def _planted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has run, in which one text, decided on and answered about, has a word that no other has."""
    small = copy_project(tmp_path_factory.mktemp("planted") / "small")
    rows = small.read("assets/reviews.jsonl")
    row = next(row for row in rows if row["text_id"] == "cook-0035")
    old = row["text"]
    row["text"] += f" Mr. {WORD} told me."
    texts = small.read("assets/texts.jsonl")
    for text in texts:
        text["text"] = row["text"] if text["text"] == old else text["text"]
    small.write("assets/texts.jsonl", [*texts, {"text": row["text"], "note": "a duplicate without an id"}])
    small.write("assets/reviews.jsonl", rows)
    small.write("assets/second_labels.jsonl", [row])
    with (small.path / "assets/reviews.jsonl.torn").open("w") as file:
        file.write(json.dumps(row)[:200] + "\n")
    shutil.copy(small.path / "assets/reviews.jsonl", small.path / "assets/reviews.jsonl.old")
    small.weasel("run", "ingest")
    texts_file = small.path / "corpus/texts.jsonl"
    answer_all(small, texts_file)
    small.weasel("run", "all")
    return small


@pytest.fixture
def planted(_planted: Project, remote: Path, tmp_path: Path) -> Project:
    """A copy of that project for one test, which is in the remote."""
    shutil.copytree(_planted.path, tmp_path / "planted")
    push(tmp_path / "planted", str(remote), allow_remote=False)
    return Project(tmp_path / "planted")


def answer_all(project: Project, texts: Path) -> None:
    """Record an answer for the requests about the new text, with the word in it: the teacher is not run here."""
    import os

    from distill.records import Text, read_records
    from distill.teacher.adapter import load_teacher
    from distill.teacher.asking import requests_of
    from distill.teacher.endpoint import load_endpoint
    from distill.teacher.responses import Answer, load_responses, make_response

    before = Path.cwd()
    os.chdir(project.path)
    try:
        endpoint = load_endpoint(Path("configs/teacher.cfg"))
        assert endpoint
        nlp, components = load_teacher(Path("configs/teacher.cfg"))
        recorded = load_responses(Path("assets/responses.jsonl"))
        with Path("assets/responses.jsonl").open("ab") as file:
            for text in read_records(Path("corpus/texts.jsonl"), Text):
                for request in requests_of(text.text, nlp, components):
                    if request.key not in recorded:
                        answer = Answer(f" {WORD}\n", "stop", 1, 1, 0.1)
                        file.write(make_response(request.key, endpoint.identity, answer).line())
            answer = Answer("an answer to an earlier prompt", "stop", 1, 1, 0.1)
            file.write(make_response("0" * 64, endpoint.identity, answer).line())
    finally:
        os.chdir(before)


def test_a_unique_word_is_nowhere(planted: Project, remote: Path, tmp_path: Path) -> None:
    other = clone(planted, tmp_path / "other")
    pull(other.path, str(remote), replace=False)
    assert len(where(planted.path, WORD)) > 8
    assert len(where(remote, WORD)) > 5
    shutil.copy(planted.path / WHEEL, tmp_path)

    out = planted.script(
        "forget", "cook-0035", "--remote", str(remote), "--allow-remote", "false", "--unclaimed", "true"
    )
    said = " ".join(out.split())
    assert "assets/texts.jsonl: 2 lines removed" in said
    assert f"{WHEEL} was trained with it" in said
    assert f"{remote}/packages%2F" in said
    assert "5 of the answers were to none of the texts" in said
    left = where(planted.path, WORD, "cook-0035", "an answer to an earlier prompt")
    assert all(name.startswith(("tests/", "docs/")) for name in left), left
    assert where(planted.path / "assets", WORD, "cook-0035") == set()
    assert where(remote, WORD, "cook-0035", "an answer to an earlier prompt") == set()

    planted.weasel("run", "all")
    push(planted.path, str(remote), allow_remote=False)
    assert where(remote, WORD, "cook-0035") == set()

    done = pull(other.path, str(remote), replace=True)
    assert done.gone["assets/texts.jsonl"] == 2
    assert done.gone["assets/reviews.jsonl"] == 1
    assert done.will_run == []
    assert not where(other.path / "corpus", WORD, "cook-0035") | where(other.path / "training", WORD, "cook-0035")
    push(other.path, str(remote), allow_remote=False)
    assert where(remote, WORD, "cook-0035") == set()


@pytest.mark.parametrize("at", ["clear_away", "_without", "_purge"])
def test_cut_off_it_is_done_again(planted: Project, remote: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """It ends before something is done: a fake."""

    def cut_off(*arguments: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"distill.share.forget.{at}", cut_off)
        with pytest.raises(KeyboardInterrupt):
            forget(planted.path, "cook-0035", str(remote), allow_remote=False, unclaimed=True)
    assert where(remote, WORD)
    assert forget(planted.path, "cook-0035", str(remote), allow_remote=False, unclaimed=False).remote
    assert where(planted.path / "assets", WORD, "cook-0035") == where(planted.path / "corpus", WORD) == set()
    assert where(remote, WORD, "cook-0035") == set()


def test_another_clone_loses_it_with_a_plain_pull(planted: Project, remote: Path, tmp_path: Path) -> None:
    """Though nothing has been made again, and though there are outputs there."""
    other = Project(tmp_path / "other")
    shutil.copytree(planted.path, other.path)
    (other.path / "training/notes.txt").write_text(WORD)
    (remote / "files/.0123.part").write_text(WORD)
    forget(planted.path, "cook-0035", str(remote), allow_remote=False, unclaimed=True)
    assert where(remote, WORD) == set()
    done = pull(other.path, str(remote), replace=False)
    assert done.gone["assets/texts.jsonl"] == 2
    for folder in ("assets", "corpus", "training"):
        assert where(other.path / folder, WORD) == set()
    assert done.will_run[0] == "ingest"
    again = pull(other.path, str(remote), replace=False)
    assert (again.new, again.gone) == ({}, {})


def test_in_a_bucket(planted: Project, bucket: str) -> None:
    import boto3

    def words() -> list[str]:
        objects = boto3.client("s3").list_objects_v2(Bucket="team", Prefix="forget/")["Contents"]
        bodies = {
            one["Key"]: boto3.client("s3").get_object(Bucket="team", Key=one["Key"])["Body"].read() for one in objects
        }
        return [key for key, body in bodies.items() if any(WORD.encode() in data for data in inside(body))]

    address = bucket.replace("cooking", "forget")
    push(planted.path, address, allow_remote=True)
    assert len(words()) > 5
    with pytest.raises(DistillError, match="is on another machine"):
        forget(planted.path, "cook-0035", address, allow_remote=False, unclaimed=True)
    done = forget(planted.path, "cook-0035", address, allow_remote=True, unclaimed=True)
    assert done.remote
    assert words() == []
    assert any(wheel.startswith(f"{address}/packages") for wheel in done.wheels)


def test_a_text_that_comes_back_is_passed_over(planted: Project) -> None:
    texts = (planted.path / "assets/texts.jsonl").read_bytes()
    forget(planted.path, "cook-0035", "", allow_remote=False, unclaimed=True)
    (planted.path / "assets/texts.jsonl").write_bytes(texts)
    out = " ".join(planted.weasel("run", "ingest").split())
    assert "2 rows are of texts that were forgotten, and still stand in assets/texts.jsonl" in out
    assert where(planted.path / "corpus", WORD) == set()


def test_a_short_text_takes_nothing_else_with_it(ran: Project, remote: Path, tmp_path: Path) -> None:
    """It is part of others, and of the code."""
    rows = ran.read("assets/texts.jsonl")
    short = rows[0]["text"].split()[0]
    ran.write("assets/texts.jsonl", [*rows, {"id": "short", "text": short}])
    with (ran.path / "assets/texts.jsonl").open("a") as file:
        file.write('{"text": "\\ud83d is no text"}\n')
    ran.weasel("run", "ingest")
    ran.edit("configs/teacher.cfg", 'pipeline = ["ner", "textcat"]', "pipeline = []")
    ran.weasel("run", "all")
    push(ran.path, str(remote), allow_remote=False)
    before = ran.read("assets/reviews.jsonl")
    with pytest.raises(DistillError, match="no text asks for 240 of the answers"):
        forget(ran.path, "short", str(remote), allow_remote=False, unclaimed=False)
    answers = (ran.path / "assets/responses.jsonl").read_bytes()
    (ran.path / "assets/responses.jsonl").write_bytes(b"")
    ran.weasel("run", "annotate")
    done = forget(ran.path, "short", str(remote), allow_remote=False, unclaimed=False)
    assert done.lines == {"assets/texts.jsonl": 1}
    assert done.wheels == [WHEEL, *(one for one in done.wheels if one.startswith(str(remote)))]
    assert ran.read("assets/reviews.jsonl") == before
    assert len(ran.read("assets/texts.jsonl")) == 61
    assert (ran.path / "assets/responses.jsonl").read_bytes() == answers, "the remote had them"
    assert pull(clone(ran, tmp_path / "other").path, str(remote), replace=False).new["assets/reviews.jsonl"] == 54
    push(ran.path, str(remote), allow_remote=False)


def test_a_wheel_that_does_not_say_where_it_comes_from(ran: Project) -> None:
    with zipfile.ZipFile(ran.path / "packages/en_old-0.0.1-py3-none-any.whl", "w") as old:
        old.writestr("en_old/meta.json", json.dumps({"distill": {"ships": "silver"}}))
    (ran.path / "packages/en_cut-0.0.1-py3-none-any.whl").write_bytes(b"PK")
    done = forget(ran.path, "cook-0035", "", allow_remote=False, unclaimed=False)
    assert done.wheels == [WHEEL]
    assert done.maybe == [f"packages/en_{name}-0.0.1-py3-none-any.whl" for name in ("cut", "old")]


def refused(project: Project, text_id: str, address: str = "") -> str:
    before = tree(project.path)
    with pytest.raises(DistillError) as error:
        forget(project.path, text_id, address, allow_remote=False, unclaimed=True)
    assert tree(project.path) == before
    return f"{error.value.message} {error.value.remedy}"


def test_what_cannot_be_done_is_said_and_nothing_changes(ran: Project) -> None:
    assert "no text is named" in refused(ran, "")
    assert "cook-9999: no text has this id" in refused(ran, "cook-9999")
    assert "s3://team/x is on another machine" in refused(ran, "cook-0035", "s3://team/x")
    with (ran.path / "configs/prompts/textcat.jinja").open("a") as file:
        file.write("\n")
    message = refused(ran, "cook-0035")
    assert "which answers are about the text cannot be told: configs/prompts/textcat.jinja has changed" in message


def test_a_copy_elsewhere_in_the_folder_is_named(ran: Project) -> None:
    (ran.path / "notes.txt").write_text("Look at this: " + ran.read("assets/texts.jsonl")[0]["text"])
    done = forget(ran.path, ran.read("assets/texts.jsonl")[0]["id"], "", allow_remote=False, unclaimed=True)
    assert "notes.txt" in done.still
    assert done.remote is None


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        ("a.txt", "One.\r\nTwo.\nTwo.\nThree.", "One.\r\nThree."),
        ("a.csv", 'id,text\n1,One.\n2,"Two."\n3,"Thr\nee."\n', 'id,text\n1,One.\n3,"Thr\nee."\n'),
        ("a.csv", 'text,x\n"Two.","a\nb"\nTwo.,c\n"T ""wo"".",d\n', 'text,x\n"T ""wo"".",d\n'),
        ("a.tsv", "text\tid\nOne.\t1\nTwo.\t2", "text\tid\nOne.\t1\n"),
    ],
)
def test_rows_of_tables_and_lines(tmp_path: Path, name: str, content: str, kept: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    gone, left = rows_kept(tmp_path / name, lambda row: row.text != "Two.")
    assert left.decode() == kept
    assert gone == content.count("Two.")


def test_a_folder_of_texts(empty: Project, remote: Path) -> None:
    empty.edit("project.yml", 'texts: "assets/texts.jsonl"', 'texts: "assets/texts"')
    (empty.path / "assets/texts").mkdir()
    (empty.path / "assets/texts.jsonl").rename(empty.path / "assets/texts/a.jsonl")
    (empty.path / "assets/texts/b.txt").write_text(f"Mr. {WORD}'s soup.")
    (empty.path / "assets/texts/c.csv").write_text(f"text\nMr. {WORD}'s soup.\nA stew.\n")
    empty.weasel("run", "check")
    empty.weasel("run", "ingest")
    push(empty.path, str(remote), allow_remote=False)
    (id_,) = [row["id"] for row in empty.read("corpus/texts.jsonl") if WORD in row["text"]]
    done = forget(empty.path, id_, str(remote), allow_remote=False, unclaimed=True)
    assert done.lines.items() >= {"assets/texts/b.txt": 1, "assets/texts/c.csv": 1}.items()
    assert where(empty.path / "assets", WORD) == where(remote, WORD) == set()
