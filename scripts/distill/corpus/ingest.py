"""Raw texts to `corpus/texts.jsonl`: ids, no exact duplicates, a sample for each, and the rest explained."""

import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from distill.corpus.split import Drawn, Split, draw, load_split, save_split
from distill.files import atomic, digest
from distill.forgotten import marks_of_text
from distill.formats.texts import RawText, Rejected, read_texts
from distill.records import Text, identify, twin_key, write_records


@dataclass(frozen=True)
class Ingested:
    """What `ingest` did: counts of texts, of exact duplicates removed, of rejected rows, of forgotten ones, and of
    texts by sample.

    drawn: how many texts the samples got in this run, None where they were frozen before.
    missing: ids of the frozen samples that are no longer among the texts, or stand for another text now.
    """

    texts: int
    duplicates: int
    rejected: int
    forgotten: int
    samples: dict[str, int]
    drawn: Drawn | None
    missing: list[str]


def ingest(
    source: Path,
    split_path: Path,
    output: Path,
    rejected_path: Path,
    *,
    test: int,
    dev: int,
    seed: int,
    max_characters: int,
    forgotten: Set[str] = frozenset(),
) -> Ingested:
    """Write the texts of `source` to `output` in their order, and the rows that cannot be used to `rejected_path`.

    test, dev: how many texts the blind samples get when they are drawn, which happens once for each: the draw is added
    to `split_path` and is only read from then on. max_characters: longer texts are rejected (code points). forgotten:
    the marks of texts that are to be nowhere: they are passed over, and only counted.

    Memory does not grow with the number of texts: what must be remembered of each is in a temporary SQLite file.
    """
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "texts.db")) as db:
        db.executescript(
            "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
            "CREATE TABLE texts (id TEXT PRIMARY KEY, hash BLOB UNIQUE, text TEXT, grp TEXT, twin TEXT, meta TEXT);"
        )
        counts: Counter[str] = Counter()
        with atomic(rejected_path) as rejected:
            for row in tqdm(read_texts(source), desc="texts", unit="", mininterval=0.5, disable=None):
                if (
                    forgotten
                    and isinstance(row, RawText)
                    and any(one in forgotten for one in marks_of_text(row.text, row.id))
                ):
                    counts["forgotten"] += 1
                    continue
                refused = row if isinstance(row, Rejected) else _add(db, row, max_characters, counts)
                if refused:
                    counts["rejected"] += 1
                    rejected.write((json.dumps(asdict(refused), ensure_ascii=False) + "\n").encode())
        db.execute("CREATE INDEX by_group ON texts (grp)")

        split = load_split(split_path)
        drawn = None
        there = {row.sample for row in split.rows.values()}
        # A sample that came with imported decisions is not drawn again; the other one is
        wanted = {"test": 0 if "test" in there else test, "dev": 0 if "dev" in there else dev}
        if any(wanted.values()) and counts["texts"] > len(split.rows):
            drawn = draw(_free(db, split), sum(1 for _ in _free(db, split)), **wanted, seed=seed)
            save_split(split_path, [*split.rows.values(), *drawn.rows])
            split = load_split(split_path)

        samples: Counter[str] = Counter()

        def records() -> Iterator[Text]:
            for id_, text, group, twin, meta in db.execute(
                "SELECT id, text, grp, twin, meta FROM texts ORDER BY rowid"
            ):
                sample = split.sample(id_, group, twin)
                samples[sample] += 1
                yield Text(id=id_, text=text, group=group, sample=sample, meta=json.loads(meta))

        write_records(output, records())
        missing = [
            row.id
            for row in split.rows.values()
            if not db.execute("SELECT 1 FROM texts WHERE id = ? AND twin = ?", (row.id, row.twin)).fetchone()
        ]
    return Ingested(
        counts["texts"], counts["duplicates"], counts["rejected"], counts["forgotten"], dict(samples), drawn, missing
    )


def _free(db: sqlite3.Connection, split: Split) -> Iterator[tuple[str, str, str]]:
    """(group, id, twin) of the texts that no sample touches, sorted."""
    rows = db.execute("SELECT grp, id, twin FROM texts ORDER BY grp, id")
    return (row for row in rows if split.sample(row[1], row[0], row[2]) == "pool")


def _add(db: sqlite3.Connection, row: RawText, max_characters: int, counts: Counter[str]) -> Rejected | None:
    """Store a row, count it as a duplicate, or say why it is refused."""
    if len(row.text) > max_characters:
        return _refuse(row, f"{len(row.text)} characters, over the limit of {max_characters}")
    id_, group = identify(row.text, row.id, row.group)
    text_hash = bytes.fromhex(digest(row.text.encode()))
    same_id = db.execute("SELECT hash FROM texts WHERE id = ?", (id_,)).fetchone()
    if same_id and same_id[0] != text_hash:
        return _refuse(row, f"the id {id_!r} stands for another text further up")
    inserted = db.execute(
        "INSERT OR IGNORE INTO texts VALUES (?, ?, ?, ?, ?, ?)",
        (id_, text_hash, row.text, group, twin_key(row.text), json.dumps(row.meta)),
    )
    counts["texts" if inserted.rowcount else "duplicates"] += 1
    return None


def _refuse(row: RawText, reason: str) -> Rejected:
    return Rejected(row.file, row.line, reason, row.text[:200])
