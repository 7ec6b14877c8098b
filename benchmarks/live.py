"""The embedded model asked in a chat, over HTTP, with a JSON schema and without: what becomes of the answers."""

import json
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.files import file_digest
from distill.fork.new_task import NewTask, configs
from distill.records import STATUSES, Text, identify, write_records
from distill.task import Task
from distill.teacher.annotate import annotate
from typer import Option
from wasabi import msg

FILES = (
    Path("texts.jsonl"),
    Path("configs/task.yml"),
    Path("configs/teacher.cfg"),
    Path("responses.jsonl"),
    Path("silver.jsonl"),
    Path("blind.jsonl"),
)
"""What `annotate` reads and writes, in the order of its parameters."""


def main(
    data: Annotated[Path, Option(help="A JSONL file of texts with `spans` and `accept`.")],
    texts: Annotated[int, Option(help="How many of the texts to ask about.")] = 50,
    labels: Annotated[int, Option(help="How many labels of spans: the most frequent ones.")] = 6,
    model: Annotated[Path, Option(help="The model file.")] = Path("assets/models/SmolLM2-135M-Instruct.Q4_1.gguf"),
) -> None:
    """Annotate texts of DATA twice, and print the statuses."""
    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    spans = Counter(span["label"] for row in rows for span in row["spans"])
    topics = sorted({label for row in rows for label in row["accept"]})
    named = {name: {"definition": f"The {name.replace('_', ' ')}."} for name, _ in spans.most_common(labels)}
    asked = {name: {"definition": name} for name in topics}
    task = Task.model_validate(
        {
            "name": "live",
            "language": "en",
            "title": "Live",
            "components": {"ner": {"labels": named}, "textcat": {"labels": asked}},
        }
    )
    step = max(1, len(rows) // texts)
    chosen = [row["text"] for row in rows[::step]][:texts]
    sha256, home = file_digest(model), Path.cwd()
    table = []
    for structured in (True, False):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree("configs/prompts", folder / "configs/prompts")
            for path, content in configs(NewTask(task, "http://127.0.0.1/v1", "none"), texts).items():
                (folder / path).write_text(content)
            config = folder / "configs/teacher.cfg"
            content = config.read_text().replace("structured = true", f"structured = {str(structured).lower()}")
            section = f'[teacher]\ngguf = "{model.resolve()}"\ngguf_sha256 = "{sha256}"\nconcurrency = 1\n\n'
            config.write_text(section + content[content.index("[nlp]") :].replace("512", "128"))
            write_records(
                folder / "texts.jsonl",
                (Text(id=identify(text, None, None)[0], text=text, group=text, sample="pool") for text in chosen),
            )
            os.chdir(folder)
            try:
                started = time.perf_counter()
                done = annotate(*FILES)
                seconds = time.perf_counter() - started
            finally:
                os.chdir(home)
        form = "JSON schema" if structured else "lines"
        for kind, counts in done.statuses.items():
            table.append([form, kind, *(counts[status] for status in STATUSES), f"{seconds:.0f}"])
    msg.table(table, header=["asked for", "component", *STATUSES, "seconds for both"], divider=True)


if __name__ == "__main__":
    run(main)
