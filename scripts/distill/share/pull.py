"""What others pushed to here: people's files as the union with what is here, and outputs where they match it."""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.journal import held
from distill.review.decisions import load_decisions
from distill.share.people import JOURNALS, REVIEWS, Owner, check_journals, owner, unite, write_base
from distill.share.push import apply, fetch_people, newly_forgotten
from distill.share.remote import open_remote
from distill.share.state import Output, fetch_output, hashes, progress, read_heads
from distill.steps import Steps, checksum, load_steps, there, write_lock

STAGING = ".distill-pull-"
"""What the folders begin with in which a pull puts together what it got; on the disk of the project, so that each file
takes its place at once."""


@dataclass
class Pulled:
    """What a pull did. new, gone: by path, the lines that came, and those of texts that others forgot; taken: outputs
    that came; same: outputs that were here already; replaced: of the taken, those that stood for others; untaken: by
    step, why its outputs were not taken; conflicts: texts whose decisions differ now; will_run: steps that weasel will
    run."""

    new: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    untaken: dict[str, str] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    will_run: list[str] = field(default_factory=list)


@dataclass
class _Chosen:
    """Outputs to take, by path, weasel's entries of their steps, and why those of other steps are not taken."""

    outputs: dict[str, Output] = field(default_factory=dict)
    lock: dict[str, dict[str, Any]] = field(default_factory=dict)
    untaken: dict[str, str] = field(default_factory=dict)


def pull(root: Path, address: str, *, replace: bool) -> Pulled:
    """Join what others pushed to what is here, and take the outputs that the files, scripts and variables here make.
    replace: whether these may stand for outputs that differ.

    Raises DistillError where something is not as it was pushed, or a differing output is in the way; then nothing has
    changed here.
    """
    steps = load_steps(root)
    remote = open_remote(address, root)
    own = owner(steps)
    heads = read_heads(remote)
    if not heads:
        raise DistillError(
            f"{address}: nothing has been pushed there",
            "Check `remote` in project.yml, or run `weasel run push` where the work is.",
        )
    check_journals(root)
    with held(root / path for path in JOURNALS), _staging(root) as folder:
        theirs, names = fetch_people(own, remote, heads, folder)
        changed = unite(own, theirs, names)
        chosen = _choose(steps, heads.values(), own, changed)
        # What is here may hold a text that others forgot, and goes in any case
        forgotten = newly_forgotten(own, changed)
        same = [] if forgotten else [path for path in chosen.outputs if _is_same(root, chosen, path)]
        wanted = {path: made for path, made in chosen.outputs.items() if path not in same}
        differing = [path for path in wanted if not forgotten and there(root / path)]
        _may_replace(steps, differing, replace=replace)
        for path in progress(list(wanted), "outputs"):
            fetch_output(remote, path, wanted[path], folder)
        _as_locked(chosen, root, folder, set(wanted))
        applied = apply(own, changed)
        for path in wanted:
            _put(folder, root, path)
        write_lock(root, {**steps.lock, **chosen.lock})
        if len(heads) == 1:
            write_base(own, next(iter(heads.values())).files)
    steps = load_steps(root)
    return Pulled(
        new=applied.new,
        gone=applied.gone,
        taken=list(wanted),
        same=same,
        replaced=differing,
        untaken=chosen.untaken,
        conflicts=sorted(load_decisions(root / REVIEWS).conflicts),
        will_run=steps.will_run(),
    )


def _is_same(root: Path, chosen: _Chosen, path: str) -> bool:
    return hashes(root, path) == chosen.outputs[path].files


def _may_replace(steps: Steps, differing: list[str], *, replace: bool) -> None:
    """Raise DistillError where outputs that differ stand in the way: any without `replace`, and with it those that no
    step made as they are, for somebody may want them."""
    made = {out["path"]: out["md5"] for entry in steps.lock.values() for out in entry["outs"]}
    own = [path for path in differing if made.get(path) != checksum(steps.root / path)]
    stands, remedy = (
        (own, "Move them out of the way, or remove them (`weasel run clean`).")
        if replace
        else (
            differing,
            "`weasel run pull . --vars.replace true` puts the pushed ones in the place of what steps made.",
        )
    )
    if stands:
        more = ", …" if len(stands) > 5 else ""
        raise DistillError(
            f"{len(stands)} outputs here are not those that were pushed: {', '.join(stands[:5])}{more}",
            f"{remedy} Nothing was changed.",
        )


def _choose(steps: Steps, heads: Any, own: Owner, changed: dict[str, bytes | None]) -> _Chosen:
    """The outputs of the steps that were run, there, on what is here now, as the same commands: all that their entries
    in weasel's lock name is compared."""
    chosen = _Chosen()
    for name, step in steps.steps.items():
        for head in heads:
            entry = head.lock.get(name)
            if name in chosen.lock or entry is None:
                continue
            outputs = {path: head.outputs[path] for path in step.outputs if path in head.outputs}
            why = _differs(steps, name, entry, chosen, changed)
            if why is None and outputs.keys() == set(step.outputs):
                chosen.outputs |= outputs
                chosen.lock[name] = entry
                chosen.untaken.pop(name, None)
            else:
                chosen.untaken[name] = why or "the push has not all of its outputs"
    return chosen


def _differs(
    steps: Steps, name: str, entry: dict[str, Any], chosen: _Chosen, changed: dict[str, bytes | None]
) -> str | None:
    """Why an entry of a lock is not of the step as it would run here now; None where it is."""
    step = steps.steps[name]
    if entry["script"] != step.command["script"]:
        return "project.yml has another command line for it"
    if [file["path"] for file in entry["deps"]] != step.deps:
        return "project.yml has other deps for it"
    for file in entry["deps"]:
        path, md5 = file["path"], file["md5"]
        maker = steps.maker.get(path)
        if maker:
            made = {out["path"]: out["md5"] for out in chosen.lock.get(maker, {}).get("outs", [])}
            if made.get(path) != md5:
                return f"it reads {path}, which has to be made here"
        elif _checksum_with(steps.root, path, changed) != md5:
            return f"{path} is not what it was run on"
    return None


def _checksum_with(root: Path, path: str, changed: dict[str, bytes | None]) -> str:
    """weasel's checksum of a file or folder as it will be: in a folder, of all that is in it, in the order of the
    names."""
    place = root / path
    inside = {file for file in place.rglob("*") if file.is_file()} if place.is_dir() else {place}
    inside |= {root / name for name in changed if name.startswith(f"{path}/")}
    made = hashlib.md5()
    for file in sorted(inside):
        name = file.relative_to(root).as_posix()
        content = changed[name] if name in changed else file.read_bytes() if file.is_file() else None
        made.update(content or b"")
    return made.hexdigest()


def _as_locked(chosen: _Chosen, root: Path, folder: Path, wanted: set[str]) -> None:
    """Raise DistillError where an output is not what its entry of weasel's lock says: the two came together."""
    for name, entry in chosen.lock.items():
        for out in entry["outs"]:
            place = (folder / "outputs" if out["path"] in wanted else root) / out["path"]
            if out["path"] not in chosen.outputs or checksum(place) != out["md5"]:
                raise DistillError(
                    f"{out['path']}: what was pushed is not what its entry of `{name}` says",
                    "Find out who wrote to the remote; a new push puts it right. Nothing was changed here.",
                )


def _put(folder: Path, root: Path, path: str) -> None:
    """Move an output to its place, and what stands there out of the way first."""
    target = root / path
    if target.exists():
        old = folder / "old" / path
        old.parent.mkdir(parents=True, exist_ok=True)
        _move(target, old)
    target.parent.mkdir(parents=True, exist_ok=True)
    _move(folder / "outputs" / path, target)


def _move(source: Path, target: Path) -> None:
    """Rename; where a folder of the project is a link to another disk, copy and remove."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(source, target)


@contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """A folder on the disk of the project; what a pull that was killed left behind goes first."""
    for left in root.glob(f"{STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=root) as name:
        yield Path(name)
