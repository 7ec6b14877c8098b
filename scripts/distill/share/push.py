"""What is here to the remote storage: people's files as the union of all that is there, then outputs that are known to
come from them."""

import io
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from wasabi import msg

from distill.errors import DistillError
from distill.files import count_lines, empty_folders, file_digest, write_bytes
from distill.forgotten import forgotten_marks
from distill.journal import by_content, held
from distill.review.decisions import has_read
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
    unite,
    write_base,
)
from distill.share.remote import Remote, open_remote
from distill.share.state import Manifest, fetch_file, progress, read_heads, send_file, send_output, write_head
from distill.steps import OVERRIDES, SHIPS, Changed, Steps, load_steps

HOLD_TEXTS = ("corpus", "training")
"""Folders of what the steps make that hold texts; wheels hold none."""


@dataclass
class Pushed:
    """What a push did. files, outputs: how many are in the remote now; new, gone: by path, the lines that came from
    others, and those of texts that others forgot; waiting: why outputs of a step were not sent; will_run: steps that
    the new lines make run."""

    files: int = 0
    outputs: int = 0
    new: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    will_run: list[str] = field(default_factory=list)


def push(root: Path, address: str, *, allow_remote: bool) -> Pushed:
    """Send what people own, the code that the steps read, and the outputs of the steps that match project.lock, to the
    remote storage; what others pushed joins what is here.

    Raises DistillError where an output is not what the files, scripts and variables make, and where the remote is not
    a folder and texts may not leave the machine; then nothing has been sent, and nothing changed here.
    """
    steps = load_steps(root)
    remote = open_remote(address, root)
    own = owner(steps)
    _ready(steps)
    what = may_leave(own, remote, allow_remote=allow_remote)
    check_journals(root)
    heads = read_heads(remote)
    msg.info(f"To {address} go {what}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _put_back(own, remote, heads, folder)
        done = join(own, remote, heads, folder)
        steps = load_steps(root)
        ready, waiting = _ready(steps)
        done.waiting = waiting
        done.will_run = steps.will_run() if done.new or done.gone else []
        people = own.files()
        sources = {dep for dep in steps.sources(steps.above(SHIPS)) if (root / dep).is_file()} - set(people)
        files = {}
        for path in progress([*people, *sorted(sources)], "texts, journals, code"):
            copy = folder / "copy"
            shutil.copyfile(root / path, copy)
            files[path] = send_file(remote, copy, folder)
        outputs = {}
        pairs = [(name, output) for name in ready for output in steps.steps[name].outputs]
        for name, output in progress(pairs, "outputs"):
            outputs[output] = send_output(remote, steps, steps.steps[name], output, folder)
        if _ready(load_steps(root))[0] != ready or any(file_digest(root / path) != files[path] for path in files):
            raise DistillError(
                "a file of this project has changed while it was sent", "Run this again when nothing else is at work."
            )
        lock = {name: steps.lock[name] for name in ready}
        write_head(remote, Manifest(files=files, outputs=outputs, lock=lock), heads)
        write_base(own, files)
        done.files, done.outputs = len(files), len(outputs)
    return done


def may_leave(own: Owner, remote: Remote, *, allow_remote: bool) -> str:
    """What of people's files goes to a remote, in words.

    Raises DistillError where it would leave the machine, and may not.
    """
    counts = {path: count_lines(own.root / path) for path in own.files()}
    texts = {path: count for path, count in counts.items() if path not in (SPLIT, *JOURNALS)}
    what = (
        f"{sum(texts.values()):,} lines of texts ({own.texts}), {counts.get(REVIEWS, 0):,} decisions and "
        f"{counts.get(RESPONSES, 0):,} answers, which quote texts, and what the steps made of them"
    )
    if not remote.is_folder and not allow_remote:
        raise DistillError(
            f"{remote.address} is on another machine, and would get {what}",
            "If that may be, set `allow_remote: true` in project.yml.",
        )
    return what


def join(own: Owner, remote: Remote, heads: dict[str, Manifest], folder: Path) -> Pushed:
    """Add what others pushed to what is here; nothing is written unless all of it can be."""
    theirs, names = fetch_people(own, remote, heads, folder)
    if not unite(own, theirs, names):
        # A review app may go on writing
        return Pushed()
    with held(own.root / path for path in JOURNALS):
        return apply(own, unite(own, theirs, names))


def _put_back(own: Owner, remote: Remote, heads: dict[str, Manifest], folder: Path) -> None:
    """Send what a head names and the remote has lost, if it is here."""
    named = {sha256 for head in heads.values() for sha256 in head.files.values()}
    for path in own.files():
        if file_digest(own.root / path) in named:
            send_file(remote, own.root / path, folder)


def fetch_people(
    own: Owner, remote: Remote, heads: dict[str, Manifest], folder: Path
) -> tuple[list[dict[str, bytes]], list[str]]:
    """People's files of each head, by path, and what to call the heads in messages.

    Raises DistillError where a head names a file that is nobody's here, or a journal is not one.
    """
    theirs = []
    for name, head in heads.items():
        place = folder / name.removesuffix(".json")
        found = {}
        for path in progress([path for path in head.files if own.has(path)], "texts, journals"):
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            fetch_file(remote, head.files[path], target)
            found[path] = target.read_bytes()
        check_journals(place, f"{remote.address}: ")
        theirs.append(found)
    return theirs, [f"{remote.address} ({name[:12]})" for name in heads]


def apply(own: Owner, changed: dict[str, bytes | None]) -> Pushed:
    """Write the files that the union changed, each whole or not at all."""
    done = Pushed()
    with tempfile.TemporaryDirectory() as name:
        for path, content in changed.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_bytes(content or b"")
        # One id for two contents is only seen in the union
        check_journals(
            Path(name),
            "together with what others pushed: ",
            "Restore the line here as it was pushed, and decide anew: entries of a journal are never changed.",
        )
    if newly := newly_forgotten(own, changed):
        clear_away(own.root, newly)
    for path, content in changed.items():
        file = own.root / path
        before = by_content(file.read_bytes() if file.exists() else b"").keys()
        after = by_content(content or b"").keys()
        if content is None:
            file.unlink()
        else:
            write_bytes(file, content)
        done.new |= {path: len(after - before)} if after - before else {}
        done.gone |= {path: len(before - after)} if before - after else {}
    return done


def newly_forgotten(own: Owner, changed: dict[str, bytes | None]) -> set[str]:
    """The marks of texts of which this clone has not known yet that they are to be nowhere."""
    path = own.root / FORGOTTEN
    known = forgotten_marks([path.read_bytes()]) if path.exists() else set()
    return forgotten_marks([changed.get(FORGOTTEN) or b""]) - known


def clear_away(root: Path, hashes: set[str]) -> int:
    """Remove what may hold a forgotten text and is nobody's to keep: all that the steps made but wheels, and the text's
    lines in what journals have put aside; returns how many files and folders went."""
    drop = dropper(hashes)
    for path in put_aside(root):
        # A torn line cannot be read, and may be of the text
        lines = [] if path.suffix == ".torn" else list(io.BytesIO(path.read_bytes()))
        write_bytes(path, b"".join(line for line in lines if not drop(line)))
    return empty_folders(root / folder for folder in HOLD_TEXTS)


def put_aside(root: Path) -> list[Path]:
    """What journals have put aside, and a second annotator's labels."""
    found = [path for suffix in ("old", "torn") for path in (root / "assets").glob(f"*.jsonl.{suffix}")]
    second = root / "assets/second_labels.jsonl"
    return sorted([*found, second] if second.exists() else found)


def _ready(steps: Steps) -> tuple[list[str], dict[str, str]]:
    """The steps whose outputs are what the files, scripts and variables make, and why those of others are not.

    Raises DistillError where an output would pass for what it is not.
    """
    if os.environ.get(OVERRIDES):
        raise DistillError(
            f"the environment variable {OVERRIDES} sets variables for every run here, and what is pushed must come "
            "from project.yml alone",
            f"unset {OVERRIDES}; then `weasel run all` and push again.",
        )
    own = owner(steps)
    people = {own.texts, *own.files()}
    ready: list[str] = []
    waiting: dict[str, str] = {}
    for name, step in steps.steps.items():
        if not step.outputs or not any((steps.root / path).exists() for path in step.outputs):
            continue
        changed = steps.changed(step)
        if name in steps.order:
            for change in changed:
                _refuse(change, people | set(steps.maker))
        above = [maker for maker in steps.above(name) if maker in waiting]
        if changed or above or name not in steps.lock:
            waiting[name] = str(changed[0]) if changed else f"it reads what `{above[0]}` makes"
        elif name == "convert" and not has_read(steps.root / "corpus/manifest.json", steps.root / REVIEWS):
            waiting[name] = f"{REVIEWS} has changed since `convert` ran"
        else:
            ready.append(name)
    return ready, waiting


def _refuse(change: Changed, movable: set[str]) -> None:
    """That people decided more, or that a step has run again since, is in the nature of the work, and its outputs just
    wait; all else would send what was made in another way than the remote is told."""
    if change.what == "missing" or (change.what == "dep" and change.path in movable):
        return
    remedy = {
        "never": "Mend the step or project.yml, and `weasel run all`.",
        "paths": "`weasel run all` makes it so.",
        "script": "Put the variables into project.yml if they are meant; then `weasel run all` makes it so.",
        "empty": f"Remove it (`weasel run clean`), and `weasel run all`; or mend `{change.step}`.",
    }.get(change.what, "`weasel run all` makes it from what is there now; then push.")
    raise DistillError(f"nothing was pushed: {change}", remedy)
