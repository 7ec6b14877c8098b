"""The journal: durable, one writer, torn lines, merging in either direction to the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from distill.errors import DistillError
from distill.journal import Entry, Journal, clear, content_id, entries, heads, held, union
from hypothesis import given
from hypothesis import strategies as st


class Note(Entry):
    what: str


def note(id_: str, what: str = "x", *supersedes: str) -> Note:
    return Note(id=id_, what=what, supersedes=list(supersedes))


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append(note("1", "a\u2028b 🍲"))
        journal.append(note("2"), note("3"))
    assert [entry.id for entry in entries(path, Note)] == ["1", "2", "3"]
    assert next(entries(path, Note)).what == "a\u2028b 🍲"


def test_a_missing_or_empty_journal_has_no_entries(tmp_path: Path) -> None:
    assert list(entries(tmp_path / "none.jsonl", Note)) == []


def test_a_torn_last_line_is_not_read_and_is_put_aside_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole, torn = note("1").line(), b'{"id":"2","what":{"a":1}'
    path.write_bytes(whole + torn)
    assert [entry.id for entry in entries(path, Note)] == ["1"]
    with Journal(path) as journal:
        journal.append(note("3"))
    assert path.read_bytes() == whole + note("3").line()
    assert (tmp_path / "journal.jsonl.torn").read_bytes() == torn + b"\n"


def test_a_last_line_without_a_line_end_counts_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(note("1").line().rstrip())
    with Journal(path) as journal:
        journal.append(note("2"))
    assert [entry.id for entry in entries(path, Note)] == ["1", "2"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with (
        Journal(path),
        pytest.raises(DistillError, match="another process is writing"),
        Journal(path),
    ):
        pass
    with Journal(path) as journal:
        journal.append(note("1"))


def test_a_broken_line_is_an_error_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(note("1").line() + b'{"id": "2", "wat": 1}\n')
    with pytest.raises(DistillError, match=r"journal\.jsonl, line 2: not an entry of this journal"):
        list(entries(path, Note))


def test_one_id_for_two_contents_is_an_error_and_a_retry_is_not(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(note("1").line() * 2)
    assert len(list(entries(path, Note))) == 1
    path.write_bytes(note("1", "a").line() + note("1", "b").line())
    with pytest.raises(DistillError, match="line 2: the id 1 stands for two different entries"):
        list(entries(path, Note))


def test_heads_are_what_nothing_supersedes() -> None:
    chain = [note("a"), note("b", "x", "a"), note("c", "x", "b"), note("d")]
    assert [entry.id for entry in heads(chain)] == ["c", "d"]
    assert [entry.id for entry in heads(reversed(chain))] == ["c", "d"]


def test_equal_contents_have_equal_ids() -> None:
    assert content_id(note("", "a")) == content_id(note("other", "a"))
    assert content_id(note("", "a")) != content_id(note("", "b"))


ids = st.lists(st.integers(0, 30).map(str), unique=True)


@given(ids, ids, st.randoms())
def test_merging_is_the_union_in_either_direction_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, one: list[str], other: list[str], random: object
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    made = {}
    for name, first, second in (("ab", one, other), ("ba", other, one)):
        made[name] = union([b"".join(note(id_).line() for id_ in ids) for ids in (first, second)])
    assert made["ab"] == made["ba"]
    (folder / "ab").write_bytes(made["ab"])
    assert {entry.id for entry in entries(folder / "ab", Note)} == set(one) | set(other)
    if set(other) < set(one):
        assert made["ab"] == b"".join(note(id_).line() for id_ in one), "what has all of it stays as it is"


def test_clear_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(note("1").line())
    assert clear(path) == 1
    assert path.read_bytes() == b""
    path.write_bytes(note("2").line())
    assert clear(path) == 1
    assert clear(path) == 0
    both = note("1").line() + note("2").line()
    assert Path(f"{path}.old").read_bytes() == both, "a second time adds to what the first one put aside"


WRITER = """
import sys
from pathlib import Path
from distill.journal import Entry, Journal
with Journal(Path(sys.argv[1])) as journal:
    for n in range(100_000):
        journal.append(Entry(id=str(n)))
        print(n, flush=True)
"""


def test_every_acknowledged_entry_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for _ in range(3):
        path.unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        for _ in range(20):
            process.stdout.readline()
        time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        acknowledged = 20 + sum(line.endswith("\n") for line in process.stdout)
        process.wait()
        assert len(list(entries(path, Entry))) >= acknowledged
        with Journal(path) as journal:
            journal.append(Entry(id="after"))
        assert json.loads(path.read_bytes().splitlines()[-1])["id"] == "after"


def test_a_union_without_what_is_dropped_and_without_a_torn_line() -> None:
    one, other = note("1").line() + note("2").line(), note("3").line() + note("4").line()[:-4]
    made = union([one, other], drop=lambda line: json.loads(line)["id"] == "2")
    assert made == note("1").line() + note("3").line()
    spaced = b'{"id": "1", "supersedes": [], "what": "x"}\n'
    assert union([one, spaced]) == one, "written in another way, it is the same entry"
    assert union([one, other]) == union([other, one]) == note("1").line() + note("2").line() + note("3").line()


def test_held_journals_have_no_other_writer(tmp_path: Path) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    paths[1].write_bytes(note("1").line() + b'{"torn')
    with held(paths):
        assert paths[1].read_bytes() == note("1").line()
        with pytest.raises(DistillError, match="another process is writing"), Journal(paths[1]):
            pass
    with Journal(paths[1]) as journal:
        journal.append(note("2"))


FILLER = """
import sys
from pathlib import Path
from distill.errors import DistillError
from distill.journal import Entry, Journal, entries
path = Path(sys.argv[1])
done = 0
try:
    with Journal(path) as journal:
        while True:
            journal.append(Entry(id=f"{done:0200}"))
            done += 1
except DistillError as error:
    print(error.message)
print(done, len(list(entries(path, Entry))), path.read_bytes().endswith(b"\\n"))
"""


def test_a_disk_that_runs_full_damages_nothing(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    inside = f"mount -t tmpfs -o size=64k tmpfs {tmp_path} && {sys.executable} -c '{FILLER}' {tmp_path}/journal.jsonl"
    command = ["unshare", "-rm", "sh", "-c", inside]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    error, counts = done.stdout.strip().splitlines()
    assert error.endswith("journal.jsonl: cannot be written (No space left on device)")
    acknowledged, readable, ends_well = counts.split()
    assert int(acknowledged) == int(readable) > 200
    assert ends_well == "True"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("setpriv is not there")
    path = tmp_path / "assets" / "journal.jsonl"
    path.parent.mkdir()
    path.write_bytes(note("1").line())
    path.parent.chmod(0o555)
    code = f"""
import sys
from pathlib import Path
from distill.errors import run
from distill.journal import Journal
def main() -> None:
    with Journal(Path({str(path)!r})):
        print("open")
run(main)
"""
    bare = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
    done = subprocess.run([*bare, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    path.parent.chmod(0o755)
    assert done.returncode == 1
    assert "Permission denied" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert path.read_bytes() == note("1").line()
