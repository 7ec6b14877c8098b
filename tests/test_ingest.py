"""`ingest`: texts from any file, unchanged; what cannot be used explained; the blind samples drawn once."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from distill.corpus.ingest import Ingested, ingest
from distill.errors import DistillError
from distill.records import identify, twin_key
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = b"text,id,source\n"


def run(
    folder: Path, source: Path, *, test: int = 0, dev: int = 0, seed: int = 0
) -> tuple[Ingested, list[dict[str, Any]], list[dict[str, Any]]]:
    """Ingest into `folder`; returns the outcome, the texts and the rejected rows."""
    done = ingest(
        source,
        folder / "split.jsonl",
        folder / "texts.jsonl",
        folder / "rejected.jsonl",
        test=test,
        dev=dev,
        seed=seed,
        max_characters=100,
    )
    rows = [[json.loads(line) for line in (folder / name).open("rb")] for name in ("texts.jsonl", "rejected.jsonl")]
    return done, rows[0], rows[1]


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_jsonl_keeps_ids_groups_and_meta(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl",
        b'{"text": " a  text\\n", "id": 7, "group": "g", "meta": {"x": 1}, "source": "s"}\n\n{"text": "other"}\n',
    )
    done, texts, rejected = run(tmp_path, source)
    assert texts[0] == {
        "id": "7",
        "text": " a  text\n",
        "group": "g",
        "sample": "pool",
        "meta": {"source": "s", "x": 1},
    }
    assert texts[1]["id"] == identify("other", None, None)[0]
    assert (done.texts, done.duplicates, rejected) == (2, 0, [])


@pytest.mark.parametrize(("name", "delimiter"), [("in.csv", b","), ("in.tsv", b"\t")])
def test_tables_with_quotes_line_breaks_and_a_byte_order_mark(tmp_path: Path, name: str, delimiter: bytes) -> None:
    rows = [
        b"\xef\xbb\xbftext,id,source".replace(b",", delimiter),
        b'"two\nlines, ""quoted""",1,s'.replace(b",1,", delimiter + b"1" + delimiter),
    ]
    _, texts, rejected = run(tmp_path, write(tmp_path / name, b"\r\n".join(rows) + b"\r\n"))
    assert (texts[0]["text"], texts[0]["id"], texts[0]["meta"]) == (
        'two\nlines, "quoted"',
        "1",
        {"source": "s"},
    )
    assert rejected == []


def test_plain_text_is_a_text_a_line_and_a_folder_a_text_a_file(tmp_path: Path) -> None:
    _, texts, rejected = run(tmp_path, write(tmp_path / "in.txt", "eins\u2028zwei\r\ndrei\n\n".encode()))
    assert [row["text"] for row in texts] == ["eins\u2028zwei", "drei"]
    assert [(row["line"], row["reason"]) for row in rejected] == [(3, "empty text")]
    write(tmp_path / "folder/a.txt", b"first\nfile\n")
    write(tmp_path / "folder/b.jsonl", b'{"text": "second"}\n')
    _, texts, _ = run(tmp_path, tmp_path / "folder")
    assert [row["text"] for row in texts] == ["first\nfile\n", "second"]


def test_what_cannot_be_used_is_explained(tmp_path: Path) -> None:
    lines = [
        b'{"text": "fine", "id": "a"}',
        b"{broken",
        b'["list"]',
        b'{"txt": "misspelt"}',
        b'{"text": 5}',
        b'{"text": "  \\n"}',
        b'{"text": "caf\xe9"}',
        b'{"text": "half \\ud83d pair"}',
        b'{"text": "' + b"x" * 101 + b'"}',
        b'{"text": "another", "id": "a"}',
        b'{"text": "third", "id": true}',
        b'{"text": "fine", "id": "a"}',
        b'{"text": "fine", "id": "b"}',
    ]
    done, texts, rejected = run(tmp_path, write(tmp_path / "in.jsonl", b"\n".join(lines) + b"\n"))
    assert [row["text"] for row in texts] == ["fine"]
    assert done.duplicates == 2
    reasons = {row["line"]: row["reason"] for row in rejected}
    assert list(reasons) == list(range(2, 12))
    for line, part in {
        2: "not JSON", 3: "got list", 4: "no text", 5: "int", 6: "empty text", 7: "not UTF-8",
        8: "not UTF-8", 9: "101 characters, over the limit of 100", 10: "the id 'a' stands for another text", 11:
        "True",
    }.items():  # fmt: skip
        assert part in reasons[line]
    assert all(row["file"].endswith("in.jsonl") for row in rejected)


def test_rows_of_another_width_are_rejected_and_a_broken_table_is_an_error(tmp_path: Path) -> None:
    good = COLUMNS + b"good,1,s\ntoo,many,columns,here\n"
    done, _, rejected = run(tmp_path, write(tmp_path / "in.csv", good))
    assert (done.texts, len(rejected)) == (1, 1)
    assert "expected 3 columns" in rejected[0]["reason"]
    with pytest.raises(DistillError, match=r"in\.csv, line 3: the table is broken after this line"):
        run(tmp_path, write(tmp_path / "in.csv", good + b'"open quote,2,s\n'))
    with pytest.raises(DistillError, match="two columns have one name"):
        run(tmp_path, write(tmp_path / "in.csv", b"text,a,a\n1,2,3\n"))


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    _, texts, rejected = run(tmp_path, write(tmp_path / "in.csv", b"text,meta,tokens\nhello,5,x\n"))
    assert (texts[0]["meta"], rejected) == ({"meta": "5", "tokens": "x"}, [])


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("in.xlsx", b"", "expected a file that ends in"),
        ("in.csv", b"a,b\n1,2\n", "a column `text`"),
        ("none.jsonl", None, "no such file"),
    ],
)
def test_a_source_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, data: bytes | None, expected: str) -> None:
    if data is not None:
        write(tmp_path / name, data)
    with pytest.raises(DistillError, match=expected):
        run(tmp_path, tmp_path / name)
    assert not (tmp_path / "texts.jsonl").exists()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50), max_size=20))
def test_no_text_is_ever_changed_or_lost(tmp_path_factory: pytest.TempPathFactory, given_texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    source = write(folder / "in.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in given_texts).encode())
    done, texts, rejected = run(folder, source)
    assert [row["text"] for row in texts] == list(dict.fromkeys(text for text in given_texts if text.strip()))
    assert len(texts) + len(rejected) + done.duplicates == len(given_texts)


def numbered(folder: Path, count: int, *, groups: int = 10**9, reverse: bool = False) -> Path:
    rows = [{"text": f"Text number {n}", "id": f"t{n}", "group": f"g{n % groups}"} for n in range(count)]
    return write(
        folder / "in.jsonl",
        "".join(json.dumps(row) + "\n" for row in (rows[::-1] if reverse else rows)).encode(),
    )


def test_the_samples_are_drawn_once_and_frozen(tmp_path: Path) -> None:
    done, texts, _ = run(tmp_path, numbered(tmp_path, 100), test=20, dev=10)
    assert Counter(row["sample"] for row in texts) == {"pool": 70, "test": 20, "dev": 10}
    assert done.drawn is not None
    frozen = (tmp_path / "split.jsonl").read_bytes()
    done, texts, _ = run(tmp_path, numbered(tmp_path, 150), test=50, dev=50, seed=5)
    assert (tmp_path / "split.jsonl").read_bytes() == frozen
    assert done.drawn is None
    assert Counter(row["sample"] for row in texts) == {"pool": 120, "test": 20, "dev": 10}


def test_the_draw_depends_on_the_seed_and_not_on_the_order(tmp_path: Path) -> None:
    draws = []
    for name, seed, reverse in (("a", 0, False), ("b", 0, True), ("c", 1, False)):
        (tmp_path / name).mkdir()
        run(tmp_path / name, numbered(tmp_path / name, 100, reverse=reverse), test=20, dev=10, seed=seed)
        draws.append((tmp_path / name / "split.jsonl").read_bytes())
    assert draws[0] == draws[1] != draws[2]


def test_a_group_stays_in_one_sample_and_its_late_texts_are_held_out(tmp_path: Path) -> None:
    _, texts, _ = run(tmp_path, numbered(tmp_path, 60, groups=20), test=12, dev=6)
    samples = {row["group"]: set() for row in texts}  # type: dict[str, set[str]]
    for row in texts:
        samples[row["group"]].add(row["sample"])
    assert all(len(of_group) == 1 for of_group in samples.values())
    assert Counter(row["sample"] for row in texts) == {"pool": 42, "test": 12, "dev": 6}
    _, texts, _ = run(tmp_path, numbered(tmp_path, 80, groups=20))
    late = [row for row in texts[60:] if samples[row["group"]] <= {"test", "dev"}]
    assert late
    assert all(row["sample"] == "held_out" for row in late)


def test_a_twin_of_a_test_text_never_trains(tmp_path: Path) -> None:
    assert twin_key("Soup  is GOOD\n") == twin_key("soup is good") != twin_key("soup is bad")
    run(tmp_path, numbered(tmp_path, 20), test=5, dev=5)
    frozen = json.loads((tmp_path / "split.jsonl").open().readline())
    text = f"text  NUMBER {frozen['id'].removeprefix('t')}"
    rows = [
        {"text": text, "id": "twin in a group of its own", "group": "other"},
        {"text": text + " ", "id": "twin without a group"},
        {"text": "Another text under its id", "id": frozen["id"]},
        {"text": "A new text", "id": "new"},
    ]
    source = write(tmp_path / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    done, texts, _ = run(tmp_path, source)
    assert [row["sample"] for row in texts] == ["held_out", "held_out", "held_out", "pool"]
    assert frozen["id"] in done.missing


def test_a_small_collection_keeps_half_of_its_texts_to_learn_from(tmp_path: Path) -> None:
    done, texts, _ = run(tmp_path, numbered(tmp_path, 5), test=40, dev=20)
    assert Counter(row["sample"] for row in texts)["pool"] >= 3
    assert done.drawn is not None
    assert (done.drawn.test, done.drawn.dev) == (1, 0)


def test_texts_that_left_are_reported(tmp_path: Path) -> None:
    run(tmp_path, numbered(tmp_path, 20), test=5, dev=5)
    done, _, _ = run(tmp_path, numbered(tmp_path, 10))
    gone = {json.loads(line)["id"] for line in (tmp_path / "split.jsonl").open()} - {f"t{n}" for n in range(10)}
    assert set(done.missing) == gone


MEMORY = """
import resource, sys
from pathlib import Path
from distill.corpus.ingest import ingest
folder = Path(sys.argv[1])
ingest(folder / "in.jsonl", folder / "s", folder / "t", folder / "r", test=100, dev=50, seed=0, max_characters=1000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_texts(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 100_000):
        with (tmp_path / "in.jsonl").open("w") as file:
            file.writelines(json.dumps({"text": f"{n} " + "word " * 40}) + "\n" for n in range(count))
        (tmp_path / "s").unlink(missing_ok=True)
        done = subprocess.run([sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 40, f"{peaks} MB: 100,000 texts alone are 22 MB, their records more than 60 MB"
