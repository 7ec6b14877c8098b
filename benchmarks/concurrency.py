"""Requests a second through `annotate`'s loop, beside the ideal and beside stock spacy-llm, against a fake endpoint."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import spacy
from distill.errors import run
from distill.journal import Journal
from distill.teacher.asking import Request, ask
from distill.teacher.chat import Chat, make_prompt
from distill.teacher.endpoint import Endpoint
from distill.teacher.responses import Recorded
from typer import Option
from wasabi import msg

CASES = ((0.5, 32), (0.1, 32), (0.1, 64))
"""Latency in seconds, and requests in flight."""


def serve(pipe: Connection) -> None:
    """A fake endpoint that answers everything after `latency` seconds, which is the first part of its path."""
    import asyncio

    from aiohttp import web

    answer = {
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "none"}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(float(request.match_info["latency"]))
        return web.json_response(answer)

    async def main() -> None:
        application = web.Application()
        application.router.add_post("/{latency}/{rest:.*}", handle)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


def ours(url: str, count: int, in_flight: int) -> float:
    """Requests a second of the loop that `annotate` runs, its journal with an fsync included."""
    endpoint = Endpoint(base_url=url, model="fake", concurrency=in_flight)
    chat = Chat(endpoint, {"max_tokens": 16})

    def requests() -> Iterator[Request]:
        for number in range(count):
            body = chat.body(make_prompt([{"role": "user", "content": f"Text number {number}"}]))
            yield Request(chat, chat.key(body), body)

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "responses.jsonl") as journal:
        started = time.perf_counter()
        asked = ask(requests(), count, endpoint, journal, Recorded(), 3.0)
        seconds = time.perf_counter() - started
    assert asked.answered == count
    return count / seconds


def stock(url: str, count: int) -> float:
    """Requests a second of spacy-llm with its own OpenAI model, whose check of the key at the vendor's host is taken
    out."""
    from spacy_llm.models.rest.openai.model import OpenAI

    OpenAI._verify_auth = lambda self: None
    os.environ.setdefault("OPENAI_API_KEY", "none")
    nlp = spacy.blank("en")
    config: dict[str, Any] = {
        "task": {"@llm_tasks": "spacy.TextCat.v3", "labels": ["a", "b"]},
        "model": {
            "@llm_models": "spacy.GPT-4.v3",
            "name": "gpt-4",
            "endpoint": f"{url}/chat/completions",
            "config": {"max_tokens": 16},
        },
    }
    nlp.add_pipe("llm", config=config)
    texts = [f"Text number {number}" for number in range(count)]
    started = time.perf_counter()
    done = sum(1 for _ in nlp.pipe(texts))
    assert done == count
    return count / (time.perf_counter() - started)


def main(
    seconds: Annotated[float, Option(help="How long each measurement is to take, about.")] = 20.0,
    rounds: Annotated[int, Option(help="Measurements of each case; the median is shown with all.")] = 3,
) -> None:
    """Measure on a loopback fake in a process of its own, case by case, ours and stock in turn."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    port = here.recv()
    rows = []
    for latency, in_flight in CASES:
        url = f"http://127.0.0.1:{port}/{latency}"
        ideal = in_flight / latency
        measured, stocked = [], []
        for _ in range(rounds):
            measured.append(ours(url, int(ideal * seconds), in_flight))
            stocked.append(stock(url, max(5, int(seconds / latency / 4))))
        mine, its = sorted(measured)[rounds // 2], sorted(stocked)[rounds // 2]
        rows.append(
            [
                f"{latency * 1000:.0f} ms, {in_flight} in flight",
                f"{ideal:.0f}",
                f"{mine:.1f}",
                f"{mine / ideal:.0%}",
                f"{its:.2f}",
                f"{mine / its:.1f}",
                "; ".join(f"{value:.1f}" for value in measured),
            ]
        )
    header = ["latency", "ideal", "annotate", "of the ideal", "stock", "times stock", "each round"]
    msg.table(rows, header=header, divider=True)


if __name__ == "__main__":
    run(main)
