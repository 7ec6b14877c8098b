"""From key press to the next card in the review app, for a short queue and for a long one; and how long it takes to
start."""

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import srsly
from distill.errors import DistillError, run
from typer import Option
from wasabi import msg

TASK = {
    "name": "many",
    "language": "en",
    "title": "Many texts",
    "components": {
        "ner": {"labels": {"DISH": {"definition": "Food."}, "TOOL": {"definition": "A tool."}}},
        "textcat": {"labels": {"hot": {"definition": "Hot."}, "cold": {"definition": "Cold."}}},
    },
}
PRESS = """async () => {
    const before = document.querySelector('.card').ariaLabel;
    const started = performance.now();
    const event = { key: 'a', code: 'KeyA', bubbles: true, cancelable: true };
    document.querySelector('.text').dispatchEvent(new KeyboardEvent('keydown', event));
    while (document.querySelector('.card')?.ariaLabel === before) await new Promise((go) => setTimeout(go, 0));
    // Once it is painted
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
    return performance.now() - started;
}"""


def main(
    queues: Annotated[list[int] | None, Option(help="How many texts; repeat.")] = None,
    presses: Annotated[int, Option(help="Cards to accept in each.")] = 300,
    pause: Annotated[int, Option(help="Milliseconds between two cards.")] = 100,
) -> None:
    """Accept cards in Debian's chromium, and print median and 95th percentile in milliseconds: in the browser from the
    key press to the next card painted, and in the server for a decision, its fsync included."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise DistillError("chromium is not installed", "On Debian: `apt-get install chromium`.")
    rows = []
    for count in queues or [400, 100_000]:
        with tempfile.TemporaryDirectory() as name:
            rows.append([f"{count:,}", *_measure(Path(name), count, presses, pause, chromium)])
    header = ["texts", "start, s", "next card, median ms", "95%", "decision, median ms", "95%"]
    msg.table(rows, header=header, divider=True)


def _measure(folder: Path, count: int, presses: int, pause: int, chromium: str) -> list[str]:
    from playwright.sync_api import sync_playwright

    _make(folder, count)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        str(Path("scripts/review.py").absolute()),
        "queue.jsonl",
        "silver.jsonl",
        "reviews.jsonl",
    ]
    command += ["--task", "task.yml", "--config", "teacher.cfg", "--responses", "responses.jsonl", "--metrics", "none"]
    command += ["--models", "none", "--token-file", "token", "--hidden", "0.1", "--overlap", "0.1"]
    command += ["--port", str(port), "--no-browser"]
    started = time.perf_counter()
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        address = next(line for line in server.stdout if "#token=" in line)
        start = time.perf_counter() - started
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(executable_path=chromium).new_page()
            served: list[float] = []
            page.on(
                "requestfinished",
                lambda request: (
                    served.append(request.timing["responseEnd"]) if request.url.endswith("/decisions") else None
                ),
            )
            page.goto("http" + address.partition("http")[2].split("\x1b")[0].strip())
            page.fill("#name", "annotator a")
            page.keyboard.press("Enter")
            page.wait_for_selector(".card")
            shown = []
            for _ in range(presses):
                shown.append(page.evaluate(PRESS))
                page.wait_for_timeout(pause)
            page.wait_for_selector('#unsaved[data-state="saved"]')
    finally:
        server.terminate()
        server.wait()
    return [f"{start:.1f}", *_median_and_95(shown), *_median_and_95(served)]


def _median_and_95(values: list[float]) -> list[str]:
    return [f"{statistics.median(values):.1f}", f"{statistics.quantiles(values, n=20)[-1]:.1f}"]


def _make(folder: Path, count: int) -> None:
    """A queue of short texts, with a suggestion for each."""
    srsly.write_yaml(folder / "task.yml", TASK)
    (folder / "teacher.cfg").write_text('[nlp]\nlang = "en"\npipeline = []\n')
    for name in ("reviews", "responses"):
        (folder / f"{name}.jsonl").touch()
    with (folder / "queue.jsonl").open("w") as queue, (folder / "silver.jsonl").open("w") as silver:
        for number in range(count):
            text = f"Number {number}: my soup of lentils and onions is too salty, what can I do about it tonight?"
            base = {"id": f"t{number}", "text": text, "group": f"g{number}", "sample": "pool", "meta": {}}
            words, at, tokens = text.split(" "), 0, []
            for id_, word in enumerate(words):
                tokens.append({"text": word, "start": at, "end": at + len(word), "id": id_, "ws": True})
                at += len(word) + 1
            start = text.index("soup")
            said = {"spans": [{"start": start, "end": start + 4, "label": "DISH"}], "accept": ["hot"]}
            runs = {kind: {"status": "ok"} for kind in ("ner", "textcat")}
            queue.write(json.dumps({**base, "why": "random"}) + "\n")
            silver.write(json.dumps({**base, "tokens": tokens, **said, "teacher": runs}) + "\n")


if __name__ == "__main__":
    run(main)
