"""`report`: one page that needs nothing else, tells the truth, and holds nothing but text from the texts."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import COOKING, Project
from distill.report.report import tell
from distill.task import load_task


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_opens_from_disk_and_asks_for_nothing(ran: Project, browser: Any, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    path = ran.path / "training/report.html"
    page.goto(f"file://{path}")
    assert requests == [f"file://{path}"]
    assert trouble == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page itself never scrolls sideways"
    assert page.locator("svg.chart").count() >= 4
    page.close()


def test_its_figures_are_those_of_the_metrics(ran: Project) -> None:
    html = (ran.path / "training/report.html").read_text()
    metrics = json.loads((ran.path / "training/metrics.json").read_text())
    for system in metrics["systems"].values():
        for figures in system["test"].values():
            for key in ("p", "r", "f", "macro_f", "accuracy"):
                if key in figures and (key != "macro_f" or "accuracy" in figures):
                    assert f"{100 * figures[key]['value']:.1f}" in html
    assert f"{metrics['student']['speed']['words_per_second']:,}" in html


def test_markup_in_texts_and_labels_stays_text(ran: Project) -> None:
    rows = ran.read("training/predictions.jsonl")
    rows[0]["text"] = "<script>alert(1)</script> <img src=x onerror=alert(2)>"
    rows[0]["student"] = {"spans": [{"start": 0, "end": 8, "label": "<b>X</b>"}], "accept": ["<i>t</i>"]}
    rows[0]["teacher"] = {"spans": [], "accept": []}
    ran.write("training/predictions.jsonl", rows)
    ran.weasel("run", "report")
    html = (ran.path / "training/report.html").read_text()
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>X</b>" not in html
    assert "<i>t</i>" not in html
    assert "&lt;script&gt;" in html


def story(reviewed: tuple[float, list[float]], ships: str = "two_stage", leads: Sequence[float] = ()) -> str:
    value, interval = reviewed
    other = "reviewed" if ships == "two_stage" else "two_stage"
    figures = {"ner": {"f": {"value": 0.5, "interval": [0.4, 0.6]}}}
    metrics = {
        "ships": ships,
        "systems": {
            name: {"test": figures, "dev": 0.5, "learned_from": {"silver": {"ner": 5}, "reviewed": {"ner": 5}}}
            for name in ("teacher", "silver", "reviewed", "two_stage")
        },
        "differences": {
            "ner": {
                "teacher": {"value": 0.3, "interval": [0.2, 0.4]},
                other: {"value": value, "interval": interval},
            }
        },
    }
    curve = [
        {"system": system, "reviews": 5, "seed": seed, "ner": 0.5 + lead * (system == "two_stage")}
        for seed, lead in enumerate(leads)
        for system in ("reviewed", "two_stage")
    ]
    return " ".join(tell(metrics, load_task(COOKING / "task.yml"), curve))


def test_it_says_whether_silver_helped() -> None:
    assert "made no difference that this test sample can show" in story((0.01, [-0.02, 0.04]))
    assert "before the reviews helped (+5.0 points, 95% interval +2.0 to +8.0" in story((0.05, [0.02, 0.08]))
    assert "before the reviews hurt" in story((-0.05, [-0.08, -0.02]))
    assert story((0.05, [0.02, 0.08]), leads=[0.01, -0.03]).endswith(
        "against reviews only); over 2 trainings from other weights −1.0 on average, −3.0 to +1.0."
    )
    assert "before the reviews hurt (−5.0 points, 95% interval −8.0 to −2.0" in story(
        (0.05, [0.02, 0.08]), ships="reviewed"
    )
