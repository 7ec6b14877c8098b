"""A text and everything made from it leaves the project and the remote storage."""

import gzip
import io
import json
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from distill.errors import DistillError
from distill.files import empty_folders, file_digest, write_bytes
from distill.formats.texts import RawText, read_texts
from distill.journal import Journal, content_id, held
from distill.records import Annotated, identify, read_records
from distill.review.decisions import load_decisions
from distill.share.people import (
    FORGOTTEN,
    JOURNALS,
    RESPONSES,
    REVIEWS,
    SPLIT,
    Forgotten,
    Owner,
    dropper,
    forgotten_hashes,
    mark,
    owner,
    without,
)
from distill.share.push import join, leaving
from distill.share.remote import Remote, open_remote
from distill.share.state import Manifest, fetch_file, file_key, progress, read_heads, send_file, write_head
from distill.steps import Steps, load_steps
from distill.teacher.responses import Response

DERIVED = ("corpus", "training")
"""What the steps made; wheels stay, for they hold no text, and who has one must be told."""

SECOND = "assets/second_labels.jsonl"
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
    """What is to be forgotten. texts: as they stand in the sources, most often one; keys: of the requests about it."""

    id: str
    texts: frozenset[str]
    keys: frozenset[str]

    @property
    def hashes(self) -> list[str]:
        found = {mark("id", self.id)} | {mark("key", key) for key in self.keys}
        for text in self.texts:
            found |= {mark("text", text), mark("id", identify(text, None, None)[0])}
        return sorted(found)

    def written(self) -> list[bytes]:
        """The texts as they may stand in a file: plain, in JSON, or in a table."""
        forms = {form for text in self.texts for form in (text, json.dumps(text)[1:-1], text.replace('"', '""'))}
        forms |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in self.texts}
        return [form.encode() for form in sorted(forms)]


def forget(root: Path, text_id: str, address: str, *, allow_remote: bool) -> Forgot:
    """Remove the text `text_id` and all duplicates of it: from the texts, the draw, the journals and what was put aside
    of them, with all that the steps made from any text; then from the remote storage, where `address` names one. Others
    lose it with their next pull. Answers of the teacher that no text asks for as the prompts are now may be about it,
    and go too.

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
    if remote and not remote.is_folder and not allow_remote:
        raise DistillError(
            f"{address} is on another machine, and would get {leaving(own)}",
            "If that may be, set `allow_remote: true` in project.yml.",
        )
    text = _find(steps, own, text_id)
    done = Forgot()
    with held(root / path for path in JOURNALS if path != FORGOTTEN):
        asked = _asked(steps, text) if text.texts else None
        hashes = {*text.hashes, *_unclaimed(root, asked)} if asked is not None else set(text.hashes)
        done.answers = len(hashes) - len(text.hashes)
        before = {file_digest(root / path): _has((root / path).read_bytes(), text) for path in own.files()}
        if text.texts:
            entry = Forgotten(id="", hashes=sorted(hashes))
            with Journal(root / FORGOTTEN) as journal:
                journal.append(entry.model_copy(update={"id": content_id(entry)}))
        for path in [*own.files(), *_put_aside(root)]:
            if path != FORGOTTEN and (count := _without(root, path, own, text, hashes)):
                done.lines[path] = count
    done.made = empty_folders(root / folder for folder in DERIVED)
    _wheels(root, remote, own, text, before, done)
    if remote:
        done.remote = _purge(steps, own, remote, text)
    done.still = list(_still(root, text))
    return done


def _find(steps: Steps, own: Owner, text_id: str) -> _Text:
    """What stands under an id, in the texts and in decisions."""
    source = steps.root / own.texts
    rows = [row for row in read_texts(source) if isinstance(row, RawText)] if source.exists() else []
    texts = {row.text for row in rows if identify(row.text, row.id, None)[0] == text_id}
    made = load_decisions(steps.root / REVIEWS)
    decisions = [*made.standing, *made.settled.values(), *(one for both in made.conflicts.values() for one in both)]
    texts |= {decision.text for decision in decisions if decision.text_id == text_id}
    known = _journal_of_forgotten(steps.root)
    if not texts and mark("id", text_id) not in known:
        raise DistillError(
            f"{text_id}: no text has this id",
            f"Look for it in corpus/texts.jsonl, which `weasel run ingest` makes from {own.texts}.",
        )
    keys = {
        key
        for record in _annotated(steps.root)
        if record.id == text_id or record.text in texts
        for run in record.teacher.values()
        for key in run.keys
    }
    return _Text(text_id, frozenset(texts), frozenset(keys))


def _journal_of_forgotten(root: Path) -> set[str]:
    path = root / FORGOTTEN
    return forgotten_hashes([path.read_bytes()]) if path.exists() else set()


def _annotated(root: Path) -> Iterator[Annotated]:
    for name in ("corpus/silver.jsonl", "corpus/teacher_blind.jsonl"):
        if (root / name).exists():
            yield from read_records(root / name, Annotated)


def _asked(steps: Steps, text: _Text) -> set[str]:
    """The keys of the requests about all other texts.

    Raises DistillError where `annotate` has not said so of the texts as they are, and there are answers.
    """
    responses = steps.root / RESPONSES
    if responses.exists() and responses.stat().st_size:
        changed = steps.changed(steps.steps["annotate"])
        if changed or "annotate" not in steps.lock:
            why = str(changed[0]) if changed else "`annotate` has not run"
            raise DistillError(
                f"{RESPONSES}: which answers are about the text cannot be told: {why}",
                "Run `weasel run ingest` and `weasel run annotate`, and then this again. Nothing was changed.",
            )
    of_others = (record for record in _annotated(steps.root) if record.id != text.id and record.text not in text.texts)
    return {key for record in of_others for run in record.teacher.values() for key in run.keys}


def _unclaimed(root: Path, asked: set[str]) -> set[str]:
    """The marks of recorded answers that no other text asks for."""
    found = set()
    for path in (root / RESPONSES, root / f"{RESPONSES}.old"):
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                key = Response.model_validate_json(line).key
            except ValueError:
                continue
            if key.removeprefix("unreadable:") not in asked:
                found.add(mark("key", key))
    return found


def _put_aside(root: Path) -> list[str]:
    """What journals have put aside, and the second annotator's labels."""
    aside = [path for suffix in ("old", "torn") for path in (root / "assets").glob(f"*.jsonl.{suffix}")]
    found = sorted(path.relative_to(root).as_posix() for path in aside)
    return [*found, SECOND] if (root / SECOND).exists() else found


def _without(root: Path, path: str, own: Owner, text: _Text, hashes: set[str]) -> int:
    """Rewrite a file without what is to be forgotten; returns how many lines or rows went."""
    file = root / path
    if path.endswith((".jsonl", ".old", ".torn")):
        drop = dropper(hashes)
        lines = list(io.BytesIO(file.read_bytes()))
        # A torn line cannot be read, and may be of the text
        kept = [line for line in lines if not drop(line) and not (path.endswith(".torn") and text.texts)]
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
        for key in _archives(remote, "packages/") if remote else ():
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
    """The hashes that a wheel, or weasel's archive of one, carries; none where it carries none."""
    wheel = path
    if path.suffix != ".whl":
        with tarfile.open(path, "r:gz") as tar:
            inside = next(member for member in tar if member.isfile())
            packed = tar.extractfile(inside)
            wheel = folder / "inside.whl"
            wheel.write_bytes(packed.read() if packed else b"")
    with zipfile.ZipFile(wheel) as opened:
        metas = [json.loads(opened.read(name)) for name in opened.namelist() if name.endswith("meta.json")]
    files: dict[str, Any] = next((meta["distill"]["provenance"]["files"] for meta in metas if "distill" in meta), {})
    return files


def _holds(remote: Remote, sha256: str, text: _Text, folder: Path) -> bool | None:
    """Whether a file in the remote has the text in it; None where it is not there."""
    if remote.size(file_key(sha256)) is None:
        return None
    target = folder / "held"
    fetch_file(remote, sha256, target)
    return _has(target.read_bytes(), text)


def _has(content: bytes, text: _Text, hashes: Iterable[str] = ()) -> bool:
    """Whether a file has the text in it, or a line of what has one of `hashes`."""
    drop = dropper({*text.hashes, *hashes})
    return any(form in content for form in text.written()) or any(drop(line) for line in io.BytesIO(content))


def _purge(steps: Steps, own: Owner, remote: Remote, text: _Text) -> int:
    """Join what others pushed, put what is left in its place, and remove each file that has the text in it, and all
    archives but those of wheels, for any step may have made anything of it; returns how many files went."""
    heads = read_heads(remote)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        join(own, remote, heads, folder)
        files = {path: send_file(remote, own.root / path, folder) for path in own.files()}
        write_head(remote, Manifest(files=files, outputs={}, lock={}), heads)
        hashes = _journal_of_forgotten(own.root)
        gone = [key for folder_ in DERIVED for key in _archives(remote, f"{folder_}/")]
        for key in progress([f"files/{file}" for file in remote.names("files")], "looking through the remote"):
            target = folder / "packed"
            remote.fetch(key, target)
            try:
                with gzip.open(target) as packed:
                    unwanted = _has(packed.read(), text, hashes)
            except (OSError, EOFError):
                unwanted = True  # nothing can be made of it, and what is in it cannot be told
            gone += [key] if unwanted else []
        for key in progress(gone, "removing"):
            remote.remove(key)
    return len(gone)


def _archives(remote: Remote, start: str) -> Iterator[str]:
    """The keys of weasel's archives of outputs whose path begins with `start`."""
    return (key for key in remote.every_key() if unquote_plus(key.split("/")[0]).startswith(start))


def _still(root: Path, text: _Text) -> Iterator[str]:
    """Files of the folder in which the text stands all the same: notes, a copy, an example in task.yml."""
    forms = text.written()
    for place, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - LEFT_ALONE)
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and not path.is_symlink() and any(form in path.read_bytes() for form in forms):
                yield path.relative_to(root).as_posix()
