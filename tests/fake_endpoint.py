"""A fake endpoint, for faults that a real one cannot be made to show: an HTTP server that answers by a function."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Reply:
    """What is sent back. seconds: after which; reset: whether the connection is cut off instead."""

    status: int = 200
    content: dict[str, Any] | str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    reset: bool = False


Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any] | str] | Reply]
"""From the request's body to HTTP status and the answer's body, or a whole reply."""


def completion(content: str | None, finish_reason: str = "stop") -> tuple[int, dict[str, Any]]:
    """A completion as an endpoint sends it: of a chat (`message`), and of a text (`text`)."""
    choice = {
        "index": 0,
        "finish_reason": finish_reason,
        "message": {"role": "assistant", "content": content},
        "text": content,
    }
    return 200, {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 2}}


@contextmanager
def fake_endpoint(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve on a free loopback port; yields the base URL and the list of request bodies, which grows."""
    requests: list[dict[str, Any]] = []

    async def handle(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        requests.append(body)
        said = answer(body)
        reply = said if isinstance(said, Reply) else Reply(*said)
        await asyncio.sleep(reply.seconds)
        if reply.reset:
            assert request.transport is not None
            request.transport.abort()
        content = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
        return web.Response(status=reply.status, text=content, content_type="application/json", headers=reply.headers)

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()

    async def serve() -> None:
        application = web.Application()
        application.router.add_post("/{path:.*}", handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop, runner.addresses[0][1]))
        await stop.wait()
        await runner.cleanup()

    # In a thread of its own, for a browser that is driven from this one has a loop here
    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    loop, stop, port = started.result(timeout=30)
    try:
        yield f"http://127.0.0.1:{port}/v1", requests
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
