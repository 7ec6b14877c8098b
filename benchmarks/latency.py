"""From key press to the next card in the review app, for a short queue and for a long one; and how long it takes to
start."""

import json
import re
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
from typer import Argument, Option
from wasabi import msg

TASK = {
    "name": "many",
    "language": "en",
    "title": "Many texts",
    "components": {
        "ner": {"labels": {"FIRST": {"definition": "The first word."}, "LAST": {"definition": "The last word."}}},
        "textcat": {"labels": {"hot": {"definition": "Hot."}, "cold": {"definition": "Cold."}}},
    },
}
WATCH = """() => {
    performance.setResourceTimingBufferSize(1e6);
    window.shown = [];
    let pressed = null, before = null;
    const name = () => document.querySelector('.card')?.ariaLabel;
    addEventListener('keydown', (event) => {
        if (event.key === 'a') [pressed, before] = [event.timeStamp, name()];
    }, true);
    new MutationObserver(() => {
        if (pressed === null || !name() || name() === before) return;
        const since = pressed;
        pressed = null;
        // Once it is painted
        requestAnimationFrame(() => setTimeout(() => shown.push(performance.now() - since)));
    }).observe(document.getElementById('main'), { childList: true, subtree: true });
}"""
SERVED = """(name) => performance.getEntriesByType('resource').filter((entry) => entry.name.endsWith(name))
    .map((entry) => entry.responseEnd - entry.requestStart)"""


def main(
    texts: Annotated[Path, Argument(help="JSONL with `text`; taken again and again until there are enough.")],
    queues: Annotated[list[int] | None, Option(help="How many texts; repeat.")] = None,
    presses: Annotated[int, Option(help="Cards to accept in each.")] = 90,
    pause: Annotated[int, Option(help="Milliseconds between two cards.")] = 100,
) -> None:
    """Accept cards in Debian's chromium, and print median and 95th percentile in milliseconds: in the browser from the
    key press to the next card painted, and in the server for a decision, its fsync included, and for the next cards."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise DistillError("chromium is not installed", "On Debian: `apt-get install chromium`.")
    rows = []
    for count in queues or [100, 100_000]:
        with tempfile.TemporaryDirectory() as name:
            rows.append([f"{count:,}", *_measure(Path(name), texts, count, presses, pause, chromium)])
    header = [
        "texts",
        "start, s",
        "first card, s",
        "next card, median ms",
        "95%",
        "a decision",
        "95%",
        "next cards",
        "95%",
    ]
    msg.table(rows, header=header, divider=True)


def _measure(folder: Path, texts: Path, count: int, presses: int, pause: int, chromium: str) -> list[str]:
    from playwright.sync_api import sync_playwright

    _make(folder, texts, count)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(Path("scripts/review.py").absolute())]
    command += ["queue.jsonl", "silver.jsonl", "reviews.jsonl", "--responses", "responses.jsonl"]
    command += ["--task", "task.yml", "--config", "teacher.cfg", "--metrics", "none", "--models", "none"]
    command += ["--token-file", "token", "--hidden", "0.1", "--overlap", "0.1", "--port", str(port), "--no-browser"]
    said = folder / "said"
    started = time.perf_counter()
    with said.open("w") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        while not (address := re.search(r"http\S+#token=[\w-]+", said.read_text())):
            if server.poll() is not None:
                raise DistillError(f"the review app ended: {said.read_text()}", "Mend what it says.")
            time.sleep(0.01)
        start = time.perf_counter() - started
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium)
            page = browser.new_page()
            page.add_init_script("localStorage.setItem('review-annotator', 'annotator a')")
            page.goto(address[0])
            page.wait_for_selector(".card")
            first = time.perf_counter() - started
            page.evaluate(WATCH)
            for _ in range(presses):
                page.keyboard.press("Shift+Digit1")
                page.keyboard.press("a")
                page.wait_for_timeout(pause)
            page.wait_for_selector('#unsaved[data-state="saved"]')
            shown = page.evaluate("shown")
            decisions, next_ = (page.evaluate(SERVED, name) for name in ("/api/decisions", "/api/next"))
            browser.close()
    finally:
        server.terminate()
        server.wait()
    if len(shown) != presses:
        raise DistillError(f"{presses} cards were accepted, {len(shown)} shown", "Give a longer --pause.")
    return [f"{start:.1f}", f"{first:.1f}", *_median_and_95(shown), *_median_and_95(decisions), *_median_and_95(next_)]


def _median_and_95(values: list[float]) -> list[str]:
    return [f"{statistics.median(values):.1f}", f"{statistics.quantiles(values, n=20)[-1]:.1f}"]


def _make(folder: Path, source: Path, count: int) -> None:
    """A queue with a suggestion for each text."""
    given = [str(row["text"]) for row in srsly.read_jsonl(source)]
    srsly.write_yaml(folder / "task.yml", TASK)
    (folder / "teacher.cfg").write_text('[nlp]\nlang = "en"\npipeline = []\n')
    for name in ("reviews", "responses"):
        (folder / f"{name}.jsonl").touch()
    with (folder / "queue.jsonl").open("w") as queue, (folder / "silver.jsonl").open("w") as silver:
        for number in range(count):
            text = f"{number}: {given[number % len(given)].strip()}"
            base = {"id": f"t{number}", "text": text, "group": f"g{number}", "sample": "pool", "meta": {}}
            words = text.split()
            spans = [{"start": 0, "end": len(words[0]), "label": "FIRST"}]
            runs = {kind: {"status": "ok"} for kind in ("ner", "textcat")}
            queue.write(json.dumps({**base, "why": "random"}) + "\n")
            silver.write(json.dumps({**base, "spans": spans, "accept": ["hot"], "teacher": runs}) + "\n")


if __name__ == "__main__":
    run(main)
