"""The web app in which people correct the teacher."""

import webbrowser
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import uvicorn
from distill.errors import DistillError, run
from distill.options import Task
from distill.review.desk import Desk, Paths, Shares
from distill.review.server import keep_token, listen, make_app
from distill.teacher.adapter import load_teacher
from distill.teacher.endpoint import load_endpoint
from distill.teacher.responses import load_responses
from typer import Option
from wasabi import msg


def main(
    queue: Path,
    silver: Path,
    reviews: Path,
    task: Task,
    config: Annotated[Path, Option(help="The teacher's config, by which its prompts are shown.")],
    responses: Annotated[Path, Option(help="The journal of the teacher's answers, which are shown.")],
    metrics: Annotated[Path, Option(help="What evaluate wrote: it says which student ships.")],
    models: Annotated[Path, Option(help="The folder of trained students.")],
    hidden: Annotated[
        float, Option(help="The share of cards without suggestions, to measure anchoring.", min=0, max=1)
    ],
    overlap: Annotated[float, Option(help="The share of cards that two annotators get.", min=0, max=1)],
    token_file: Annotated[Path, Option(help="Where the token of the address is kept, so that it stays the same.")],
    port: Annotated[int, Option(help="The same each time, for the browser keeps what is not saved by address.")],
    host: Annotated[str, Option(help="The address to listen at.")] = "127.0.0.1",
    expose: Annotated[bool, Option("--expose", help="Allow a --host that other machines can reach.")] = False,
    label: Annotated[
        str, Option(help="Ask for this label only: yes or no, or its spans. Empty: ask for everything.")
    ] = "",
    browser: Annotated[bool, Option(help="Open the browser.")] = True,
) -> None:
    """Serve the texts of QUEUE with the suggestions in SILVER; decisions go into the journal REVIEWS."""
    token = keep_token(token_file)
    teacher = load_teacher(config) if load_endpoint(config) else None
    with Desk(Paths(task, queue, silver, reviews, metrics, models), Shares(hidden, overlap)) as desk:
        names = [name for kind in desk.task.kinds for name in desk.task.labels(kind)]
        if label and label not in names:
            raise DistillError(f"--label {label}: no such label in {task}", f"Give one of {', '.join(names)}.")
        listening = listen(host, port, expose=expose)
        address = f"http://{host}:{listening.getsockname()[1]}/#token={token}"
        if label:
            address += f"&label={quote(label, safe='')}"
        msg.good(f"{address}")
        msg.text("Ctrl-C ends it; every decision is on disk before the app says so")
        if browser:
            webbrowser.open(address)
        app = make_app(desk, token, cache(lambda: load_responses(responses)), teacher)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        server.run(sockets=[listening])


if __name__ == "__main__":
    run(main)
