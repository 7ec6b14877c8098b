"""A text and everything made from it leaves the project and the remote storage."""

import csv
import gzip
import io
import json
import os
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_plus

from distill.errors import DistillError
from distill.files import file_digest, write_bytes
from distill.forgotten import Forgotten, forgotten_marks, load_forgotten, mark, marks_of_text
from distill.formats.texts import RawText, read_texts
from distill.journal import Journal, content_id, entries, held, lines_of
from distill.records import Annotated, identify, read_records
from distill.review.decisions import Decision
from distill.share.people import (
    FORGOTTEN,
    JOURNALS,
    RESPONSES,
    REVIEWS,
    SPLIT,
    Owner,
    check_journals,
    dropper,
    owner,
    without,
    write_base,
)
from distill.share.push import HOLD_TEXTS, clear_away, join, may_leave
from distill.share.remote import Remote, open_remote
from distill.share.state import Manifest, file_key, progress, read_heads, send_file, write_head
from distill.steps import Steps, load_steps
from distill.teacher.responses import Response

LONG = 24
"""Code points from which on a text is looked for anywhere in a file."""

BROKEN = (OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error)
"""What opening a broken archive raises."""

LEFT_ALONE = {".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__", "node_modules"}


@dataclass
class Forgot:
    """What `forget` did. lines: removed, by file; answers: removed that are not of any text as it is asked about now;
    made: files and folders of what the steps made that were removed; remote: files removed there, None without a
    remote; wheels: those that were trained with the text, and maybe: of which that cannot be told; still: files in
    which the text still stands, which are not this project's to change."""

    lines: dict[str, int] = field(default_factory=dict)
    answers: int = 0
    made: int = 0
    remote: int | None = None
    wheels: list[str] = field(default_factory=list)
    maybe: list[str] = field(default_factory=list)
    still: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Text:
    """What is to be forgotten. texts: as they stand in the sources, most often one, and none where that was done
    before; hashes: the marks of it all, those of before included; again: whether it was forgotten before, and this run
    goes on with that."""

    id: str
    texts: frozenset[str]
    hashes: frozenset[str]
    again: bool


def forget(root: Path, text_id: str, address: str, *, allow_remote: bool, unclaimed: bool) -> Forgot:
    """Remove the text `text_id` and all duplicates of it: from the texts, the draw, the journals and what was put aside
    of them, with all that the steps made from any text; then from the remote storage, where `address` names one. Others
    lose it with their next pull. unclaimed: whether answers that no text asks for as the prompts are now may go, too,
    for nobody can tell whether they are about it.

    It can be run again after it was cut off.

    Raises DistillError where there is no such text, or where it cannot be told which answers are about it; then nothing
    has changed.
    """
    if not text_id:
        raise DistillError(
            "no text is named",
            "Name it by its id: `weasel run forget . --vars.forget_id ID`; corpus/texts.jsonl has it.",
        )
    steps = load_steps(root)
    own = owner(steps)
    remote = open_remote(address, root) if address else None
    if remote:
        may_leave(own, remote, allow_remote=allow_remote)
    check_journals(root)
    heads = read_heads(remote) if remote else {}
    done = Forgot()
    with held(root / path for path in JOURNALS if path != FORGOTTEN):
        text = _find(steps, own, text_id)
        others = _unclaimed(steps, text)
        if others and not unclaimed:
            raise DistillError(
                f"{RESPONSES}: no text asks for {len(others)} of the answers as texts and prompts are now, and whether "
                f"they are about {text_id} cannot be told",
                "`--vars.forget_unclaimed true` lets them go, too; with the prompts or the teacher of then they would "
                "be asked for again. Nothing was changed.",
            )
        text = replace(text, hashes=text.hashes | others)
        done.answers = len(others)
        before = {file_digest(root / path): _has((root / path).read_bytes(), text) for path in own.files()}
        _wheels(root, remote, own, text, before, done)
        if text.texts:
            entry = Forgotten(id="", hashes=sorted(text.hashes))
            with Journal(root / FORGOTTEN) as journal:
                journal.append(entry.model_copy(update={"id": content_id(entry)}))
        done.made = clear_away(root, set(text.hashes))
        # The texts come last: while they are there, a run that was cut off is done again
        for path in sorted(own.files(), key=lambda path: path not in (SPLIT, *JOURNALS)):
            if path != FORGOTTEN and (count := _without(root, path, own, set(text.hashes))):
                done.lines[path] = count
    if remote:
        done.remote = _purge(own, remote, heads, text)
    done.still = list(_still(root, text))
    return done


def _find(steps: Steps, own: Owner, text_id: str) -> _Text:
    """What stands under an id, in the texts and in decisions, and what was known of it when it was forgotten."""
    source = steps.root / own.texts
    rows = [row for row in read_texts(source) if isinstance(row, RawText)] if source.exists() else []
    texts = {row.text for row in rows if identify(row.text, row.id, None)[0] == text_id}
    texts |= {one.text for one in entries(steps.root / REVIEWS, Decision) if one.text_id == text_id}
    before = [one.hashes for one in load_forgotten(steps.root / FORGOTTEN) if mark("id", text_id) in one.hashes]
    if not texts and not before:
        raise DistillError(
            f"{text_id}: no text has this id",
            f"Look for it in corpus/texts.jsonl, which `weasel run ingest` makes from {own.texts}. (An id that looks "
            "like a number does not get through weasel: `python scripts/forget.py --help`.)",
        )
    keys = {
        key
        for record in _annotated(steps.root)
        if record.id == text_id or record.text in texts
        for run in record.teacher.values()
        for key in run.keys
    }
    hashes = {mark("id", text_id), *(mark("key", key) for key in keys), *(one for made in before for one in made)}
    return _Text(text_id, frozenset(texts), frozenset(hashes.union(*map(marks_of_text, texts))), bool(before))


def _annotated(root: Path) -> Iterator[Annotated]:
    for name in ("corpus/silver.jsonl", "corpus/teacher_blind.jsonl"):
        if (root / name).exists():
            yield from read_records(root / name, Annotated)


def _unclaimed(steps: Steps, text: _Text) -> set[str]:
    """The marks of recorded answers that are neither about the text nor asked for by another.

    Raises DistillError where there are answers, and `annotate` has not said of the texts as they are which these are.
    """
    lines = [
        line
        for path in (steps.root / RESPONSES, steps.root / f"{RESPONSES}.old")
        if path.exists()
        for _, line in lines_of(io.BytesIO(path.read_bytes()))
    ]
    if not lines or text.again:
        return set()
    changed = steps.changed(steps.steps["annotate"])
    if changed or "annotate" not in steps.lock:
        why = str(changed[0]) if changed else "`annotate` has not run"
        raise DistillError(
            f"{RESPONSES}: which answers are about the text cannot be told: {why}",
            "Run `weasel run ingest` and `weasel run annotate`, and then this again. Nothing was changed.",
        )
    asked = {
        mark("key", key) for record in _annotated(steps.root) for run in record.teacher.values() for key in run.keys
    }
    found = set()
    for line in lines:
        try:
            key = Response.model_validate_json(line).key
        except ValueError:
            continue
        if mark("key", key.removeprefix("unreadable:")) not in asked | text.hashes:
            found.add(mark("key", key))
    return found


def _without(root: Path, path: str, own: Owner, hashes: set[str]) -> int:
    """Rewrite one of people's files without what is to be forgotten; returns how many lines or rows went."""
    file = root / path
    if path.endswith(".jsonl"):
        drop = dropper(hashes)
        lines = list(io.BytesIO(file.read_bytes()))
        kept = [line for line in lines if not drop(line)]
        gone, content = len(lines) - len(kept), b"".join(kept)
    else:
        gone, rest = without(own, path, file.read_bytes(), hashes)
        if rest is None:
            file.unlink()
            return gone
        content = rest
    if gone:
        write_bytes(file, content)
    return gone


def _wheels(root: Path, remote: Remote | None, own: Owner, text: _Text, before: dict[str, bool], done: Forgot) -> None:
    """Note which wheels, here and in the remote, were trained with the text. before: of people's files as they were
    here, by SHA-256, whether it was in them."""
    seen: dict[str, bool | None] = {**before}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = {f"packages/{path.name}": path for path in sorted((root / "packages").glob("*.whl"))}
        for key in _archives(remote.every_key(), "packages/") if remote else ():
            target = folder / key.split("/")[-1]
            assert remote
            remote.fetch(key, target)
            wheels[f"{remote.address}/{key}"] = target
        for said, path in wheels.items():
            files = _origin(path, folder)
            people = {sha256 for file, sha256 in files.items() if own.has(file) and file != SPLIT}
            for sha256 in people - seen.keys():
                seen[sha256] = _holds(remote, sha256, text, folder) if remote else None
            verdicts = [seen[sha256] for sha256 in people]
            if True in verdicts:
                done.wheels.append(said)
            elif None in verdicts or not people:
                done.maybe.append(said)


def _origin(path: Path, folder: Path) -> dict[str, str]:
    """The hashes that a wheel, or weasel's archive of one, carries; none where it carries none, or is broken."""
    try:
        wheel = path
        if path.suffix != ".whl":
            with tarfile.open(path, "r:gz") as tar:
                inside = next(member for member in tar if member.isfile())
                packed = tar.extractfile(inside)
                wheel = folder / "inside.whl"
                wheel.write_bytes(packed.read() if packed else b"")
        with zipfile.ZipFile(wheel) as opened:
            metas = [json.loads(opened.read(name)) for name in opened.namelist() if name.endswith("meta.json")]
        files: dict[str, str] = next(
            dict(meta["distill"]["provenance"]["files"]) for meta in metas if "distill" in meta
        )
    except (KeyError, TypeError, ValueError, StopIteration, EOFError, *BROKEN):
        return {}
    return files


def _holds(remote: Remote, sha256: str, text: _Text, folder: Path) -> bool | None:
    """Whether a file in the remote has the text in it; None where it is not there."""
    content = _content(remote, file_key(sha256), folder) if remote.size(file_key(sha256)) is not None else None
    return None if content is None else _has(content, text)


def _content(remote: Remote, key: str, folder: Path) -> bytes | None:
    """What a file of the remote holds; None where that cannot be told."""
    target = folder / "packed"
    remote.fetch(key, target)
    try:
        with gzip.open(target) as packed:
            return packed.read()
    except (OSError, EOFError, zlib.error):
        return None


def _has(content: bytes, text: _Text, hashes: Iterable[str] = ()) -> bool:
    """Whether a file has the text in it: as a whole, as a line, as a row of a table, or in a row of JSON that is known
    by a mark of it; and a long text anywhere. (A short one may be part of others.)"""
    known = {*text.hashes, *hashes}
    drop = dropper(known)
    if any(form in content for form in _written(text)):
        return True
    whole = content.decode("utf-8-sig", errors="replace")
    if whole.startswith("{"):
        return any(map(drop, io.BytesIO(content)))
    pieces = {whole, *(line.removesuffix("\r") for line in whole.split("\n"))}
    csv.field_size_limit(sys.maxsize)
    for delimiter in ",\t":
        pieces |= {cell for row in csv.reader(io.StringIO(whole), delimiter=delimiter) for cell in row}
    return any(marks_of_text(piece) & known for piece in pieces)


def _purge(own: Owner, remote: Remote, heads: dict[str, Manifest], text: _Text) -> int:
    """Join what others pushed, put what is left in its place, and remove each file that has the text in it, what a
    killed push left behind, and all archives but those of wheels, for any step may have made anything of it; returns
    how many files went."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        join(own, remote, {name: head for name, head in heads.items() if _is_whole(own, remote, head)}, folder)
        files = {path: send_file(remote, own.root / path, folder) for path in own.files()}
        write_head(remote, Manifest(files=files, outputs={}, lock={}), heads)
        write_base(own, files)
        hashes = forgotten_marks([(own.root / FORGOTTEN).read_bytes()])
        keys = remote.every_key()
        gone = [key for folder_ in HOLD_TEXTS for key in _archives(keys, f"{folder_}/")]
        gone += [key for key in keys if PurePosixPath(key).name[0] == "."]
        kept = {file_key(sha256) for sha256 in files.values()}
        for key in progress([f"files/{file}" for file in remote.names("files")], "looking through the remote"):
            content = _content(remote, key, folder)
            # Of what cannot be read, nothing can be made, and what is in it cannot be told
            if key not in kept and (content is None or _has(content, text, hashes)):
                gone.append(key)
        for key in progress(gone, "removing"):
            remote.remove(key)
    return len(gone)


def _is_whole(own: Owner, remote: Remote, head: Manifest) -> bool:
    """Whether all of people's files that a head names are there: what is lost already cannot be joined."""
    return all(remote.size(file_key(head.files[path])) is not None for path in head.files if own.has(path))


def _archives(keys: Iterable[str], start: str) -> Iterator[str]:
    """Of the keys of a remote, those of weasel's archives of outputs whose path begins with `start`."""
    return (key for key in keys if unquote_plus(key.split("/")[0]).startswith(start))


def _written(text: _Text) -> list[bytes]:
    """A long text as it may stand in a file: plain, in JSON, or in a table."""
    long = [one for one in text.texts if len(one) >= LONG]
    forms = {form for one in long for form in (one, json.dumps(one)[1:-1], one.replace('"', '""'))}
    forms |= {json.dumps(one, ensure_ascii=False)[1:-1] for one in long}
    return [form.encode("utf-8", errors="surrogatepass") for form in sorted(forms)]


def _still(root: Path, text: _Text) -> Iterator[str]:
    """Files of the folder in which the text, if it is long, stands all the same: notes, a copy, an example in
    task.yml."""
    forms = _written(text)
    for place, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - LEFT_ALONE)
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and not path.is_symlink() and any(form in path.read_bytes() for form in forms):
                yield path.relative_to(root).as_posix()
