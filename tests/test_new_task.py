"""`new-task`: a fork for a task of one's own, of every kind and in several languages, from clone to wheel."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import srsly
from conftest import COOKING, ROOT, Project, copy_project, template_only
from distill.corpus.split import load_split
from distill.files import file_digest
from distill.fork.new_task import EXAMPLE, NewTask, configs
from distill.student.evaluate import headline
from distill.task import load_task
from distill.teacher.adapter import load_teacher
from forks import FORKS, Fork
from packaging.requirements import Requirement

SIZES = ["--vars.test_texts", "16", "--vars.dev_texts", "8", "--vars.curve_sizes", "10", "--vars.curve_seeds", "1"]
NER = ["--component", "ner", "--language", "en", "--name", "x", "--title", "X"]
PRODUCT = ["--span-label", "PRODUCT: What we sell"]
ANSWERS = Path(__file__).parent / "answers"


def git(path: Path, *arguments: str) -> str:
    own = ["git", "-c", "user.name=annotator a", "-c", "user.email=a@example.com"]
    return subprocess.run([*own, *arguments], cwd=path, check=True, capture_output=True, text=True).stdout


def repository(path: Path) -> Path:
    """The project with its example, in a repository that can be cloned."""
    copy_project(path)
    git(path, "init", "-q", "-b", "main")
    git(path, "add", "-A")
    git(path, "commit", "-qm", "The template")
    return path


def clone(source: Path, target: Path) -> Project:
    """Fork as the README says."""
    command = [sys.executable, "-m", "weasel", "clone", ".", str(target), "--repo", str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return Project(target)


def fork(source: Path, folder: Path, name: str, gguf: Path) -> Project:
    """Clone, new_task, texts, decisions, workflow `all`. The teacher's answers were recorded from the embedded model;
    what is not among them, it is asked."""
    made: Fork = FORKS[name]
    project = clone(source, folder / name)
    own = {"PYTHONPATH": str(project.path / "scripts")}
    texts = folder / f"{name}.jsonl"
    texts.write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in made.rows))
    project.script("new_task", *made.options(name), "--texts", str(texts), "--yes", env=own)
    with (project.path / "configs/task.yml").open("a", encoding="utf-8") as task:
        task.write(made.examples)
    answers = ANSWERS / f"{name}.jsonl"
    (project.path / "assets/responses.jsonl").write_bytes(answers.read_bytes() if answers.exists() else b"")
    (project.path / "assets/models" / gguf.name).symlink_to(gguf)
    project.write("decisions.jsonl", [_of_kind(made, row) for row in made.rows])
    project.weasel("run", "import-reviews", ".", "--vars.import_file", "decisions.jsonl", env=own)
    project.weasel("run", "all", ".", *SIZES, env=own)
    return project


def _of_kind(made: Fork, row: dict[str, Any]) -> dict[str, Any]:
    keys = ["text", *(["spans"] if made.spans else []), *(["accept"] if made.labels else [])]
    return {key: row[key] for key in keys}


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory, gguf: Path) -> Iterator[dict[str, Project]]:
    folder = tmp_path_factory.mktemp("forks")
    source = repository(folder / "template")
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda name: fork(source, folder, name, gguf), FORKS)
        yield dict(zip(FORKS, made, strict=True))


@pytest.mark.parametrize("name", FORKS)
def test_a_fork_of_every_kind_and_language_ends_in_a_wheel_that_beats_the_baseline(
    forks: dict[str, Project], name: str
) -> None:
    project, made = forks[name], FORKS[name]
    metrics = json.loads((project.path / "training/metrics.json").read_text())
    assert list((project.path / "packages").glob(f"{made.language}_{name}-0.1.0-*.whl"))
    student, baseline = (metrics["systems"][system]["test"] for system in (metrics["ships"], "baseline"))
    kinds = load_task(project.path / "configs/task.yml").kinds
    assert kinds == made.component.split("+") == list(student)
    for kind in kinds:
        ours, theirs = headline(student, kind), headline(baseline, kind)
        assert ours
        assert theirs
        assert ours["value"] > theirs["value"], kind
    assert metrics["samples"]["test"]["texts"] == 16
    assert metrics["samples"]["test"]["words"] > 16 * 2, "words are counted without white space, too"
    assert metrics["teacher"]["texts"] == 24
    for row in project.read("corpus/silver.jsonl"):
        assert row["teacher"].keys() == set(kinds)
    page = (project.path / "training/report.html").read_text(encoding="utf-8")
    assert f"Fork {name}" in page
    assert project.weasel("run", "check", env={"PYTHONPATH": str(project.path / "scripts")})


def test_spans_overlap_and_several_labels_have_an_average_precision(forks: dict[str, Project]) -> None:
    rows = forks["offices"].read("training/predictions.jsonl")
    assert any(len(row["student"]["spans"]) == 2 for row in rows)
    row = next(row for row in rows if len(row["student"]["spans"]) == 2)
    first, second = row["student"]["spans"]
    assert first["start"] < second["start"] < second["end"] <= first["end"], "one lies in the other"
    metrics = json.loads((forks["orders"].path / "training/metrics.json").read_text())
    for label in metrics["systems"][metrics["ships"]]["test"]["textcat_multilabel"]["labels"].values():
        assert 0 < label["ap"] <= 1
    assert "average precision" in (forks["orders"].path / "training/report.html").read_text()
    labels = [len(row["gold"]["accept"]) for row in forks["orders"].read("training/predictions.jsonl")]
    assert min(labels) == 0
    assert max(labels) > 1


def test_a_wheel_names_what_its_language_needs(forks: dict[str, Project]) -> None:
    assert '"spacy[ja]>' in (forks["namae"].path / "pyproject.toml").read_text()
    wheel = next((forks["namae"].path / "packages").glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        about = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    needs = {Requirement(line.partition(": ")[2]).name for line in about.splitlines() if "Requires-Dist" in line}
    assert needs == {"spacy", "sudachipy", "sudachidict-core"}


def test_nothing_can_be_pushed_to_the_template_and_updates_can_be_fetched(forks: dict[str, Project]) -> None:
    path = forks["support"].path
    assert git(path, "remote").split() == ["template"]
    git(path, "fetch", "template")
    git(path, "add", "-A")
    git(path, "commit", "-qm", "A task of our own")
    for configured in ("simple", "current"):
        pushed = subprocess.run(
            ["git", "-c", f"push.default={configured}", "-c", "push.autoSetupRemote=true", "push"],
            cwd=path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert pushed.returncode != 0, pushed.stderr


def test_the_example_s_data_goes_and_nothing_else(small: Project, tmp_path: Path) -> None:
    mine = small.read("assets/reviews.jsonl")[:1]
    small.write("assets/reviews.jsonl", mine)
    (small.path / "corpus/queue.jsonl").write_text("{}\n")
    texts = tmp_path / "mine.csv"
    texts.write_text("text,id\nOur product hums,a1\n")
    assert "Abort" in small.script("new_task", *NER, *PRODUCT, check=False), "it asks before it removes"
    assert small.read("assets/texts.jsonl")
    out = small.script("new_task", *NER, *PRODUCT, "--texts", str(texts), "--yes")
    assert "assets/reviews.jsonl: not as the example shipped it, so it was left alone" in out
    assert small.read("assets/reviews.jsonl") == mine
    for name in ("texts", "split", "responses", "second_labels"):
        assert (small.path / f"assets/{name}.jsonl").read_bytes() == b""
    assert not (small.path / "corpus/queue.jsonl").exists()
    assert not (small.path / EXAMPLE).exists()
    assert (small.path / "assets/texts.csv").read_bytes() == texts.read_bytes()
    variables = srsly.read_yaml(small.path / "project.yml")["vars"]
    assert (variables["name"], variables["lang"], variables["texts"]) == ("x", "en", "assets/texts.csv")
    assert "1 texts" in small.weasel("run", "ingest")
    assert "PRODUCT" in (small.path / "configs/task.yml").read_text()
    assert "# Home" not in (small.path / "assets/README.md").read_text()


def test_what_it_empties_is_not_taken_for_texts(small: Project) -> None:
    (small.path / "corpus").mkdir(exist_ok=True)
    (small.path / "corpus/mine.jsonl").write_text('{"text": "Our product hums"}\n')
    for texts in ("corpus/mine.jsonl", "assets/texts.jsonl"):
        out = small.fails("new_task", *NER, *PRODUCT, "--texts", texts, "--yes")
        assert "new-task empties that" in out
        assert (small.path / texts).stat().st_size


def test_an_origin_of_one_s_own_stays(small: Project) -> None:
    git(small.path, "init", "-q", "-b", "main")
    git(small.path, "remote", "add", "origin", "https://example.com/mine.git")
    small.script("new_task", *NER, *PRODUCT, "--yes", "--keep-origin")
    assert git(small.path, "remote", "get-url", "--push", "origin").strip() == "https://example.com/mine.git"


def test_every_label_stands_in_the_prompt_of_a_chat(small: Project) -> None:
    labels = ["--text-label", "bill: About a bill", "--text-label", "other: All else"]
    for component, name in (("textcat", "bills"), ("textcat_multilabel", "bills")):
        asked = ["--component", component, "--language", "en", "--name", name, "--title", "Bills", *labels]
        small.script("new_task", *asked, "--teacher", "http://127.0.0.1:9/v1", "--model", "some-model", "--yes")
        nlp, (teacher,) = _teacher(small)
        (prompt,) = teacher.ask(nlp.make_doc("My bill is wrong")).prompts
        assert "bill: About a bill" in prompt
        assert "other: All else" in prompt


def _teacher(project: Project) -> Any:
    before = Path.cwd()
    os.chdir(project.path)
    try:
        return load_teacher(Path("configs/teacher.cfg"))
    finally:
        os.chdir(before)


def test_a_second_new_task_leaves_the_data_of_the_first(small: Project, tmp_path: Path) -> None:
    texts = tmp_path / "mine.jsonl"
    texts.write_text('{"text": "Our product hums"}\n')
    small.script("new_task", *NER, *PRODUCT, "--texts", str(texts), "--yes")
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "Another one"}\n')
    out = small.fails("new_task", *NER, *PRODUCT, "--texts", str(other), "--yes")
    assert "holds texts that are not the example's" in out
    assert "Abort" in small.script("new_task", *NER, *PRODUCT, check=False), "it asks before it replaces configs"
    small.edit("configs/task.yml", "guidelines: |", "guidelines: |\n  - A guideline of our own.")
    small.script("new_task", *NER, "--span-label", "PART: A part", "--texts", str(texts), "--yes")
    assert "A guideline of our own." in (small.path / "configs/task.yml.old").read_text()
    assert small.read("assets/texts.jsonl") == [{"text": "Our product hums"}]
    assert "PART" in (small.path / "configs/task.yml").read_text()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--component", "parser", *NER[2:]], "--component: expected one of ner, spancat"),
        (NER, "--span-label: expected one label at least"),
        ([*NER, "--span-label", "PRODUCT"], "expected \"LABEL: what it means\", got 'PRODUCT'"),
        ([*NER, *PRODUCT, *PRODUCT], "--span-label: PRODUCT is there twice"),
        ([*NER, *PRODUCT, "--text-label", "a: b"], "ner has no use for some of the labels"),
        ([*NER, *PRODUCT, "--language", "zzz"], "spaCy cannot load the language 'zzz'"),
        ([*NER, *PRODUCT, "--name", "Two Words"], "`name`"),
        ([*NER, *PRODUCT, "--texts", "nowhere.txt"], "nowhere.txt: no such file or folder"),
        ([*NER, *PRODUCT, "--teacher", "http://127.0.0.1:8000/v1"], "--teacher http://127.0.0.1:8000/v1: the endpoint"),
        (["--component", "textcat", *NER[2:], "--text-label", "a: b"], "at least two labels"),
        ([*NER, *PRODUCT, "--transformer", "roberta-base"], "spacy[transformers]"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_changed(small: Project, options: list[str], expected: str) -> None:
    before = _digests(small.path)
    assert expected in small.fails("new_task", *options, "--yes")
    assert _digests(small.path) == before


def _digests(path: Path) -> dict[str, str]:
    return {
        str(file): file_digest(file) for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    }


def test_an_endpoint_of_one_s_own(small: Project) -> None:
    endpoint = ["--teacher", "http://127.0.0.1:11434/v1", "--model", "some-model"]
    small.script("new_task", *NER, *PRODUCT, *endpoint, "--yes")
    config = (small.path / "configs/teacher.cfg").read_text()
    assert 'base_url = "http://127.0.0.1:11434/v1"' in config
    assert "distill.Chat.v1" in config
    assert "put texts into assets/texts.jsonl" in " ".join(small.weasel("run", "check").split())


@template_only
def test_the_example_is_what_new_task_writes(tmp_path: Path) -> None:
    """Beside what people add to task.yml by hand: guidelines, examples, and plurals and aliases of labels."""
    task = load_task(ROOT / "configs/task.yml")
    texts = sum(1 for _ in (ROOT / "assets/texts.jsonl").open("rb"))
    written = configs(NewTask(task, "embedded"), texts)
    for name in ("configs/teacher.cfg", "configs/student.cfg"):
        assert (ROOT / name).read_text(encoding="utf-8") == written[name], name
    (tmp_path / "task.yml").write_text(written["configs/task.yml"], encoding="utf-8")
    asked = load_task(tmp_path / "task.yml")
    assert (asked.name, asked.language, asked.title, asked.kinds) == (task.name, task.language, task.title, task.kinds)
    for kind in task.kinds:
        assert asked.labels(kind) == task.labels(kind)
        for label in task.labels(kind):
            assert asked.label(kind, label).definition == task.label(kind, label).definition
    variables = srsly.read_yaml(ROOT / "project.yml")["vars"]
    assert (variables["name"], variables["lang"]) == (task.name, task.language)


@template_only
def test_the_example_is_known_by_its_hashes() -> None:
    found = {
        f"assets/{path.name}": file_digest(path)
        for path in sorted((ROOT / "assets").glob("*.*"))
        if path.suffix in (".jsonl", ".md")
    }
    assert json.loads((ROOT / EXAMPLE).read_text()) == found, json.dumps(found, indent=2)


@template_only
def test_the_tests_have_the_task_of_the_example() -> None:
    assert (COOKING / "task.yml").read_bytes() == (ROOT / "configs/task.yml").read_bytes()
    shipped = {row.id for row in load_split(ROOT / "assets/split.jsonl").rows.values()}
    assert shipped > {row.id for row in load_split(COOKING / "split.jsonl").rows.values()}
