"""`gate`: a fork's continuous integration fails where the student is worse than the accepted one."""

import json
from typing import Any

import pytest
import srsly
from conftest import ROOT, Project

GATE = ("gate", "training/metrics.json", "assets/accepted.json")


def set_figure(project: Project, kind: str, value: float, interval: list[float] | None) -> None:
    """Let the accepted student have had another headline figure."""
    path = project.path / "assets/accepted.json"
    accepted: dict[str, Any] = json.loads(path.read_text())
    accepted[kind]["f" if kind == "ner" else "macro_f"] = {"value": value, "interval": interval}
    path.write_text(json.dumps(accepted))


def test_nothing_accepted_yet(ran: Project) -> None:
    assert "no student was accepted yet" in ran.weasel("run", "gate")


@pytest.mark.parametrize(
    ("by", "interval", "fails"),
    [(0.0, (-0.1, 0.1), False), (0.2, (-0.3, 0.3), False), (0.2, (-0.1, 0.1), True), (0.01, None, True)],
    ids=["the same", "within", "below", "no interval"],
)
def test_worse_by_more_than_the_interval(
    ran: Project, by: float, interval: tuple[float, float] | None, fails: bool
) -> None:
    ran.weasel("run", "accept")
    assert "not worse than the accepted student" in ran.weasel("run", "gate")
    metrics = json.loads((ran.path / "training/metrics.json").read_text())
    value = metrics["systems"][metrics["ships"]]["test"]["ner"]["f"]["value"] + by
    set_figure(ran, "ner", value, [value + end for end in interval] if interval else None)
    if fails:
        out = ran.fails(*GATE)
        assert "ner: worse than the accepted student by more than its interval" in out
        assert "weasel run accept" in out
    else:
        assert "not worse" in ran.weasel("run", "gate")


def test_a_component_that_is_gone_is_worse(ran: Project) -> None:
    ran.weasel("run", "accept")
    path = ran.path / "training/metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["systems"][metrics["ships"]]["test"]["textcat"]
    path.write_text(json.dumps(metrics))
    assert "textcat: worse than the accepted student" in ran.fails(*GATE)


def test_the_example_for_continuous_integration_works(ran: Project) -> None:
    """Its commands, but for those that install; the second time with a student that falls short."""
    workflow = srsly.read_yaml(ROOT / "docs/ci.yml")
    commands = [step["run"] for step in workflow["jobs"]["distill"]["steps"] if "run" in step]
    assert commands[0] == "pip install -c constraints.txt -e ."
    assert commands[1:] == ["weasel run check", "weasel run all", "weasel run gate"]
    for command in commands[1:]:
        ran.weasel(*command.split()[1:])
    ran.weasel("run", "accept")
    set_figure(ran, "textcat", 0.99, [0.98, 1.0])
    out = ran.weasel("run", "gate", check=False)
    assert "textcat: worse than the accepted student" in " ".join(out.split())
    uploaded = workflow["jobs"]["distill"]["steps"][-1]["with"]["path"].split()
    assert all(list(ran.path.glob(path)) for path in uploaded)


@pytest.mark.parametrize("content", ["<<<<<<< HEAD\n{}", "[]", '{"ner": {}}', '{"ner": {"f": {"value": 1}}}'])
def test_a_damaged_file_of_accepted_figures_holds_nothing_open(ran: Project, content: str) -> None:
    (ran.path / "assets/accepted.json").write_text(content)
    out = ran.fails(*GATE)
    assert "assets/accepted.json: not as `weasel run accept` writes it" in out
    assert "Restore it from version control" in out
