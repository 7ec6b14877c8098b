"""What people own of a project (texts, the draw, answers, decisions), and how that of several machines becomes one."""

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from distill.errors import DistillError
from distill.files import digest, read_json, write_json
from distill.forgotten import Forgotten, forgotten_marks, marks, marks_of_text
from distill.formats.texts import SUFFIXES, RawText, read_texts, rows_kept
from distill.journal import Entry, entries, union
from distill.review.decisions import Decision
from distill.steps import Steps
from distill.teacher.responses import Response

SPLIT = "assets/split.jsonl"
RESPONSES = "assets/responses.jsonl"
REVIEWS = "assets/reviews.jsonl"
FORGOTTEN = "assets/forgotten.jsonl"
BASE = ".shared.json"
"""SHA-256 of people's files as they were when this clone was last in step with the remote, by path."""

JOURNALS: dict[str, type[Entry]] = {REVIEWS: Decision, RESPONSES: Response, FORGOTTEN: Forgotten}


@dataclass(frozen=True)
class Owner:
    """Which paths of a project are people's. texts: the file or folder that project.yml names, from the root."""

    root: Path
    texts: str

    def has(self, path: str) -> bool:
        """Whether a path is of the texts, the draw or a journal: nothing else comes from elsewhere."""
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or str(pure) != path:
            return False
        is_text = pure.suffix in SUFFIXES and pure.name[0] != "." and path.startswith(f"{self.texts}/")
        return path in (self.texts, SPLIT, *JOURNALS) or is_text

    def files(self) -> list[str]:
        """Those that are there, sorted."""
        texts = self.root / self.texts
        inside = [path for path in texts.rglob("*") if path.is_file()] if texts.is_dir() else [texts]
        found = [path.relative_to(self.root).as_posix() for path in inside] + [SPLIT, *JOURNALS]
        return sorted(path for path in found if self.has(path) and (self.root / path).is_file())


def owner(steps: Steps) -> Owner:
    """Whose files are what, in a project.

    Raises DistillError where its texts are not in it.
    """
    texts = str(steps.variables["texts"]).rstrip("/")
    inside = (steps.root / texts).resolve()
    if not inside.is_relative_to(steps.root.resolve()):
        raise DistillError(
            f"project.yml: the texts are in {texts}, outside of this project, and cannot be shared from there",
            "Put them into assets/, and set `texts` to that.",
        )
    return Owner(steps.root, inside.relative_to(steps.root.resolve()).as_posix())


def dropper(hashes: Iterable[str]) -> Callable[[bytes], bool]:
    """A test whether a line is of a forgotten text."""
    known = frozenset(hashes)

    def drop(line: bytes) -> bool:
        if not known:
            return False
        try:
            row = json.loads(line)
        except ValueError:
            return False
        return isinstance(row, dict) and bool(marks(row) & known)

    return drop


def unite(here: Owner, theirs: Sequence[dict[str, bytes]], names: Sequence[str]) -> dict[str, bytes | None]:
    """The content of each file that changes when what others own joins what is here: the union of the lines, without
    those of forgotten texts; None for a file that is such a text. Of texts, a side that is as it was when the two were
    last in step gives way to one that has changed since. theirs: content by path; names: what to call
    these.

    Raises DistillError where something cannot be joined: another draw, another text under one id, a table that differs.
    """
    known = [FORGOTTEN, *sorted({path for files in theirs for path in files} | set(here.files()) - {FORGOTTEN})]
    own = {path: (here.root / path).read_bytes() for path in known if (here.root / path).is_file()}
    hashes = forgotten_marks(files[FORGOTTEN] for files in (own, *theirs) if FORGOTTEN in files)
    base = read_json(here.root / BASE) if (here.root / BASE).exists() else {}
    changed: dict[str, bytes | None] = {}
    for path in dict.fromkeys(known):
        sides = {
            name: files[path] for name, files in zip(("here", *names), (own, *theirs), strict=True) if path in files
        }
        if not sides:
            continue
        if path not in (SPLIT, *JOURNALS):
            newer = {name: content for name, content in sides.items() if digest(content) != base.get(path)}
            sides = newer or sides
        if not path.endswith(".jsonl"):
            left = {name: without(here, path, content, hashes)[1] for name, content in sides.items()}
            sides = {name: content for name, content in left.items() if content is not None}
        made = _joined(path, sides, hashes)
        if made != own.get(path):
            changed[path] = made
    return changed


def without(here: Owner, path: str, content: bytes, hashes: set[str]) -> tuple[int, bytes | None]:
    """A table or a text file without the texts that were forgotten: how many those are, and the rest; None where the
    whole file is one."""

    def keep(row: RawText) -> bool:
        return not hashes & marks_of_text(row.text, row.id)

    if not hashes:
        return 0, content
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / PurePosixPath(path).name
        file.write_bytes(content)
        if file.suffix == ".txt" and path != here.texts:
            kept = all(keep(row) for row in read_texts(Path(name)) if isinstance(row, RawText))
            return (0, content) if kept else (1, None)
        return rows_kept(file, keep)


def _joined(path: str, sides: dict[str, bytes], hashes: set[str]) -> bytes | None:
    """One file of several machines. sides: its content by the name of the machine."""
    contents = list(sides.values())
    if not contents:
        return None
    if not path.endswith(".jsonl"):
        for content in contents:
            if all(set(other.splitlines()) <= set(content.splitlines()) for other in contents):
                return content
        raise DistillError(
            f"{path}: changed here and in {next(name for name in sides if name != 'here')}, each in its own way",
            "Only .jsonl files are joined line by line. Put the rows of both into the file here: a file that has all "
            "lines of the others stands.",
        )
    drop = dropper(hashes if path != FORGOTTEN else ())
    made = union(contents, drop)
    if path == SPLIT:
        whole = {frozenset(line for line in content.splitlines() if not drop(line)) for content in contents}
        if frozenset(made.splitlines()) not in whole:
            raise DistillError(
                f"{path}: the blind samples were drawn twice, here and in "
                f"{next(name for name in sides if name != 'here')}, and cannot be joined",
                "To take the other draw, empty the file here and run this again; decisions on the draw here stay, and "
                "train. To keep this one, let the others do that: remove what is below heads/ in the remote, "
                "and push from here.",
            )
    elif path not in JOURNALS:
        _one_text_an_id(path, made)
    return made


def _one_text_an_id(path: str, made: bytes) -> None:
    """`ingest` would keep one of two texts under an id, and reject the other."""
    seen: dict[str, str] = {}
    for line in made.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or row.get("id") is None:
            continue
        if seen.setdefault(str(row["id"]), row["text"]) != row["text"]:
            raise DistillError(
                f"{path}: the id {row['id']!r} stands for one text here and for another in the remote",
                "Make them the same here, or give the one here another id.",
            )


def write_base(here: Owner, remote: dict[str, str]) -> None:
    """Note what the remote has now of people's files: SHA-256 by path."""
    write_json(here.root / BASE, {path: sha256 for path, sha256 in remote.items() if here.has(path)})


def check_journals(folder: Path, called: str = "", remedy: str = "") -> None:
    """Raise DistillError where a journal below `folder` has a line that is no entry of it. called: what to call the
    folder, where that has no name that says anything; remedy: in the place of the usual one."""
    for path, model in JOURNALS.items():
        if (folder / path).exists():
            try:
                for _ in entries(folder / path, model):
                    pass
            except DistillError as error:
                raise DistillError(error.message.replace(f"{folder}/", called), remedy or error.remedy) from None
