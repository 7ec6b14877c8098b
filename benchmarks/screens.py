"""Pictures of the review app for the docs, on the example with decisions made by its own labels and by a script."""

import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

from distill.errors import DistillError, run
from distill.records import read_records
from distill.review.cards import make_nlp, to_tokens
from distill.review.decisions import Decision
from distill.task import load_task
from typer import Option
from wasabi import msg

SIZES = {"": (1280, 720), "-phone": (390, 844)}


def main(
    output: Annotated[Path, Option(help="The folder of the pictures.")] = Path("docs"),
    decisions: Annotated[int, Option(help="How many cards are decided before.")] = 260,
) -> None:
    """Serve the example after `weasel run all`, decide on some cards, and take pictures with Debian's chromium."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise DistillError("chromium is not installed", "On Debian: `apt-get install chromium`.")
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = Path(name)
        for part in ("configs", "corpus", "training"):
            (folder / part).symlink_to(home / part)
        (folder / "assets").mkdir()
        (folder / "assets/responses.jsonl").symlink_to(home / "assets/responses.jsonl")
        (folder / "assets/models").symlink_to(home / "assets/models")
        _decide(home, folder / "assets/reviews.jsonl", decisions)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, str(home / "scripts/review.py"), "corpus/queue.jsonl", "corpus/silver.jsonl"]
        command += ["assets/reviews.jsonl", "--task", "configs/task.yml", "--config", "configs/teacher.cfg"]
        command += [
            "--responses",
            "assets/responses.jsonl",
            "--metrics",
            "training/metrics.json",
            "--models",
            "training",
        ]
        command += ["--token-file", "token", "--hidden", "0.1", "--overlap", "0", "--port", str(port), "--no-browser"]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout
            address = next(line for line in server.stdout if "#token=" in line)
            _pictures("http" + address.partition("http")[2].split("\x1b")[0].strip(), chromium, output)
        finally:
            server.terminate()
            server.wait()
    msg.good(f"{output}: the pictures of the review app")


def _decide(home: Path, journal: Path, count: int) -> None:
    """Decisions of two annotators: one has the example's labels, the other one differs now and then."""
    task = load_task(home / "configs/task.yml")
    nlp = make_nlp(task)
    known = {one.text_id: one for one in read_records(home / "assets/reviews.jsonl", Decision)}
    silver = {row["id"]: row for row in map(json.loads, (home / "corpus/silver.jsonl").open())}
    rng = random.Random(0)
    rows = []
    for queued in [json.loads(line) for line in (home / "corpus/queue.jsonl").open()][:count]:
        if queued["id"] not in known:
            continue
        decision = known[queued["id"]]
        shown: dict[str, Any] = {"mode": "blind" if queued["sample"] != "pool" else "shown"}
        said = silver.get(queued["id"])
        doc = nlp.make_doc(decision.text)
        if said:
            teacher = [
                {"start": s["token_start"], "end": s["token_end"], "label": s["label"]} for s in said.get("spans", [])
            ]
            shown["teacher"] = {"spans": teacher, "accept": said.get("accept")}
        placed = [
            span.model_copy(update={"token_start": at.start, "token_end": at.end})
            for span, at in zip(decision.spans or [], to_tokens(doc, decision.spans or []), strict=True)
        ]
        first = decision.model_copy(
            update={
                "id": f"a-{decision.id}",
                "annotator": "annotator a",
                "supersedes": [],
                "guidelines": task.guidelines_version,
                "spans": placed,
                "seconds": rng.uniform(3, 14),
                "shown": shown,
            }
        )
        rows.append(first)
        if rng.random() < 0.3:
            other = {"id": f"b-{decision.id}", "annotator": "annotator b", "seconds": rng.uniform(4, 18)}
            if rng.random() < 0.1 and placed:
                other["spans"] = placed[1:]
            rows.append(first.model_copy(update=other))
    journal.write_bytes(b"".join(row.line() for row in rows))


def _pictures(address: str, chromium: str, output: Path) -> None:
    from playwright.sync_api import sync_playwright

    base = address.partition("#")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for suffix, (width, height) in SIZES.items():
            for scheme in ("light", "dark") if not suffix else ("light",):
                dark = "-dark" if scheme == "dark" else ""
                page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height}).new_page()
                page.goto(address)
                page.fill("#name", "annotator c")
                page.keyboard.press("Enter")
                page.wait_for_selector(".card")
                # The first card on which the teacher found something and the student says otherwise
                page.wait_for_timeout(4000)
                page.reload()
                page.wait_for_selector(".card")
                for _ in range(40):
                    if page.locator(".text .tag").count() >= 2 and page.locator(".other:not([hidden])").count():
                        break
                    page.keyboard.press("i")
                    page.wait_for_timeout(60)
                page.keyboard.press(".")
                page.screenshot(path=output / f"review-card{dark}{suffix}.png")
                for view in ("statistics", "conflicts") if not dark else ():
                    page.goto(f"{base}#{view}")
                    page.wait_for_timeout(800)
                    page.screenshot(path=output / f"review-{view}{suffix}.png")
        browser.close()


if __name__ == "__main__":
    run(main)
