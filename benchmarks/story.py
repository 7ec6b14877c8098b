"""The README's first screen: the table of figures and the picture of the report, from the files of a run."""

import re
import shutil
from pathlib import Path
from typing import Annotated, Any

from distill.errors import DistillError, run
from distill.files import read_json, write_bytes
from distill.report.report import MEASURES, NAMES, percent, tell
from distill.student.evaluate import SYSTEMS, headline
from distill.task import Task, load_task
from typer import Option
from wasabi import msg

START = "<!-- story: written by `python benchmarks/story.py` from training/metrics.json -->"
END = "<!-- end of story -->"


def main(
    metrics: Annotated[Path, Option(help="What evaluate wrote.")] = Path("training/metrics.json"),
    curve: Annotated[Path, Option(help="What curve wrote.")] = Path("training/curve.json"),
    report: Annotated[Path, Option(help="What report wrote.")] = Path("training/report.html"),
    task: Annotated[Path, Option(help="What was learned.")] = Path("configs/task.yml"),
    readme: Annotated[Path, Option(help="Where the table goes, between its two marks.")] = Path("README.md"),
    picture: Annotated[Path, Option(help="Where the picture goes.")] = Path("docs/report.png"),
) -> None:
    """Write the figures of a run into README, and a picture of its report (with Debian's chromium)."""
    text = readme.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise DistillError(f"{readme}: the marks of the story are missing", f"Put back {START} and {END}.")
    story = table(read_json(metrics), load_task(task), read_json(curve))
    marked = re.compile(f"{re.escape(START)}.*{re.escape(END)}", re.DOTALL)
    write_bytes(readme, marked.sub(lambda _: f"{START}\n{story}\n{END}", text).encode())
    photograph(report, picture)
    msg.good(f"{readme} and {picture}: written")


def table(metrics: dict[str, Any], task: Task, curve: list[dict[str, Any]]) -> str:
    """The story in Markdown: a row for each system, then the sentences of the report."""
    ships, student, teacher = metrics["ships"], metrics["student"], metrics["teacher"]
    costs = {
        "teacher": f"{teacher['words_per_second']} | –",
        ships: f"{student['speed']['words_per_second']:,} | {student['bytes'] / 1e6:.1f} MB",
    }
    head = ["on the blind test sample", *(f"{kind}: {MEASURES[kind]}" for kind in task.kinds), "words/s", "size"]
    rows = [head, ["---"] * len(head)]
    for system in SYSTEMS:
        name = f"**{NAMES[system]}** (ships)" if system == ships else NAMES[system]
        figures = [_cell(headline(metrics["systems"][system]["test"], kind)) for kind in task.kinds]
        rows.append([name, *figures, costs.get(system, "– | –")])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    samples = metrics["samples"]
    measured = (
        f"Measured on {samples['test']['texts']} texts; in brackets the 95% interval. The student learned from "
        f"{samples['train']['texts']} reviewed texts. Words/s: on one core."
    )
    return "\n".join([*lines, "", measured, "", *(f"- {sentence}" for sentence in tell(metrics, task, curve))])


def _cell(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "–"
    low, high = figure["interval"] or (None, None)
    return f"{percent(figure['value'])} ({percent(low)} to {percent(high)})"


def photograph(report: Path, picture: Path) -> None:
    """The first screen of the report as PNG."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:
        raise DistillError("chromium is not installed", "On Debian: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1100, "height": 1160}, color_scheme="light")
        page.goto(report.absolute().as_uri())
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    run(main)
