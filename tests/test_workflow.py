"""Workflow `all` as a user meets it: again, after a change, in two folders, and in a project with next to nothing in
it."""

import json
import re
from pathlib import Path

from conftest import COOKING, Decide, Project, copy_project
from distill.fork.new_task import NewTask, configs
from distill.task import Components, Task, load_task

ALL = [
    "check",
    "ingest",
    "annotate",
    "rank",
    "convert",
    "train-silver",
    "train-reviewed",
    "train",
    "evaluate",
    "curve",
    "report",
    "provenance",
    "package",
]


def steps(out: str) -> list[str]:
    """The commands that ran, by weasel's output."""
    return [name.replace("_", "-") for name in re.findall(r"Running command: \S+ scripts/(\w+)\.py", out)]


def test_nothing_but_check_runs_again(ran: Project) -> None:
    out = ran.weasel("run", "all", ".")
    assert steps(out) == ["check"]
    assert out.count("nothing changed") == len(ALL) - 1


def test_one_review_more_runs_convert_and_what_follows(ran: Project, decide: Decide) -> None:
    reviewed = {row["text_id"] for row in ran.read("assets/reviews.jsonl")}
    new = next(row for row in ran.read("corpus/queue.jsonl") if row["id"] not in reviewed)
    before = json.loads((ran.path / "corpus/manifest.json").read_text())["docs"]["train"]
    with (ran.path / "assets/reviews.jsonl").open("a") as file:
        file.write(json.dumps(decide(new["id"], new["text"], spans=[], accept=["other"])) + "\n")
    out = ran.weasel("run", "all", ".")
    assert steps(out) == ["check", *(name for name in ALL[ALL.index("convert") :] if name != "train-silver")]
    assert json.loads((ran.path / "corpus/manifest.json").read_text())["docs"]["train"] == before + 1


def test_two_folders_give_the_same_bytes_and_scores(ran: Project, tmp_path: Path) -> None:
    other = copy_project(tmp_path / "other" / "place")
    other.weasel("run", "all", ".")
    for path in sorted((ran.path / "corpus").rglob("*")):
        if path.is_file():
            twin = other.path / path.relative_to(ran.path)
            assert twin.read_bytes() == path.read_bytes(), path.name
    scores = [json.loads((project.path / "training/metrics.json").read_text())["systems"] for project in (ran, other)]
    assert scores[0] == scores[1]
    assert (other.path / "training/curve.json").read_bytes() == (ran.path / "training/curve.json").read_bytes()


def test_five_texts_and_nothing_else(empty: Project) -> None:
    """Every command says what it did and what comes next; none crashes."""
    said = {}
    for name in ("check", "ingest", "annotate"):
        said[name] = empty.weasel("run", name, check=name != "annotate")
    assert "5 texts" in said["ingest"]
    assert "weasel run fetch-teacher" in said["annotate"], (
        "its model file is not there, and the message says how to get it"
    )
    # A team that only has reviews: no teacher
    empty.edit("configs/teacher.cfg", 'pipeline = ["ner", "textcat"]', "pipeline = []")
    for name in ALL[2:-1]:
        said[name] = empty.weasel("run", name)
    said["package"] = empty.weasel("run", "package", check=False)
    said["debug-data"] = empty.weasel("run", "debug-data")
    said["clean"] = empty.weasel("run", "clean")
    for name, out in said.items():
        assert "Traceback" not in out, name
    assert "there is no teacher" in said["annotate"]
    assert "only initialised" in said["train-silver"]
    assert "only initialised" in said["train-reviewed"]
    assert "No test text is reviewed yet" in said["evaluate"]
    assert "nothing to train or to measure on yet" in said["curve"]
    assert "neither usable answers of the teacher nor reviews" in said["report"]
    assert "no student has learned anything" in said["package"]
    assert "weasel run all" in said["clean"]


def test_a_task_with_spans_alone(empty: Project, decide: Decide) -> None:
    task = load_task(COOKING / "task.yml")
    alone = Task(name="cooking", language="en", title="Soups", components=Components(ner=task.components.ner))
    for name, text in configs(NewTask(alone, "none"), texts=1).items():
        (empty.path / name).write_text(text)
    empty.edit("configs/student.cfg", "max_steps = 1000", "max_steps = 20")
    empty.weasel("run", "check")
    empty.weasel("run", "ingest")
    rows = empty.read("corpus/texts.jsonl")
    soup = [{"start": 3, "end": 7, "label": "DISH"}]
    empty.write("assets/reviews.jsonl", [decide(row["id"], row["text"], spans=soup) for row in rows])
    empty.weasel("run", "all", ".")
    metrics = json.loads((empty.path / "training/metrics.json").read_text())
    assert metrics["systems"][metrics["ships"]]["test"].keys() == {"ner"}
    assert metrics["systems"]["teacher"]["test"] == metrics["systems"]["silver"]["test"] == {}


def test_a_first_review_is_enough_for_a_wheel(empty: Project, decide: Decide) -> None:
    empty.edit("configs/teacher.cfg", 'pipeline = ["ner", "textcat"]', "pipeline = []")
    empty.weasel("run", "check")
    empty.weasel("run", "ingest")
    pool = next(row for row in empty.read("corpus/texts.jsonl") if row["sample"] == "pool")
    empty.write(
        "assets/reviews.jsonl",
        [decide(pool["id"], pool["text"], spans=[{"start": 3, "end": 7, "label": "DISH"}], accept=["other"])],
    )
    empty.edit("configs/student.cfg", "max_steps = 120", "max_steps = 20")
    out = empty.weasel("run", "all", ".")
    assert "what ships is two_stage" in out
    assert "nothing is known about how good it is" in " ".join(out.split())
    assert list((empty.path / "packages").glob("*.whl"))
