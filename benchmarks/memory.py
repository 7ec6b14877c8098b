"""Memory and time of `annotate` with many texts, against a fake endpoint; and of reading its journal again."""

import json
import multiprocessing
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

from concurrency import serve
from distill.errors import run
from distill.fork.new_task import NewTask, configs
from distill.records import Text, identify, write_records
from distill.task import Task
from distill.teacher.responses import load_responses
from typer import Option
from wasabi import msg

TASK = {
    "name": "many",
    "language": "en",
    "title": "Many texts",
    "components": {"textcat": {"labels": {"none": {"definition": "Nothing."}, "some": {"definition": "Something."}}}},
}
SCRIPT = Path("scripts/annotate.py").absolute()


def annotate(folder: Path) -> tuple[float, float]:
    """Seconds that a run of `annotate` takes, and the most memory (MB, resident) of it."""
    command = [sys.executable, str(SCRIPT), "texts.jsonl", "--task", "configs/task.yml", "--config"]
    command += ["configs/teacher.cfg", "--responses", "responses.jsonl", "--silver", "silver.jsonl", "--blind", "blind"]
    started = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        while process.poll() is None:
            time.sleep(0.1)
    seconds = time.perf_counter() - started
    assert process.returncode == 0, (folder / "log").read_text()[-2000:]
    # Of all children that have ended, the largest; each call is compared with the one before
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main(
    texts: Annotated[list[int] | None, Option(help="How many short texts; repeat, the smallest first.")] = None,
) -> None:
    """For each number of texts: annotate them all, annotate again when all is recorded, and load the journal."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/0.01"
    rows = []
    for count in texts or [2_000, 200_000]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree("configs/prompts", folder / "configs/prompts")
            new = NewTask(Task.model_validate(TASK), url, "fake")
            for path, content in configs(new, count).items():
                (folder / path).write_text(content.replace("concurrency = 8", "concurrency = 64"))
            made = (f"Text number {number} of many short texts." for number in range(count))
            write_records(
                folder / "texts.jsonl",
                (Text(id=identify(t, None, None)[0], text=t, group=t, sample="pool") for t in made),
            )
            first, memory = annotate(folder)
            again, memory_again = annotate(folder)
            started = time.perf_counter()
            recorded = load_responses(folder / "responses.jsonl")
            loading = time.perf_counter() - started
            answers = sum(1 for line in (folder / "silver.jsonl").open() if json.loads(line)["teacher"])
            assert answers == count and recorded.differing == 0
        rows.append(
            [
                f"{count:,}",
                f"{first:.0f}",
                f"{count / first:.0f}",
                f"{max(memory, memory_again):.0f}",
                f"{again:.0f}",
                f"{loading:.1f}",
            ]
        )
    header = ["texts", "seconds", "texts/s", "MB at most", "seconds, all recorded", "seconds to load the journal"]
    msg.table(rows, header=header, divider=True)


if __name__ == "__main__":
    run(main)
