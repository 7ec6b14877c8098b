"""The web app's server: the desk over HTTP, on this machine alone unless it is told otherwise.

Every request of the API carries the token of the address in a header, which no other page can send.
"""

import ipaddress
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from distill.errors import DistillError
from distill.records import Strict
from distill.review.cards import RefusedError, Submitted
from distill.review.desk import Desk, Filter
from distill.review.one_label import only
from distill.review.statistics import figures
from distill.teacher.asking import requests_of
from distill.teacher.responses import Recorded

STATIC = Path(__file__).with_name("static")
LARGEST_BODY = 1 << 20
"""Bytes of a request's body."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Next(Strict):
    """What the browser asks for: `client` is the page, `without` are the ids that it has,
    `label` is the only one that it decides on."""

    annotator: str = Field(min_length=1, max_length=60)
    client: str = Field(min_length=1, max_length=64)
    filter: Filter = Filter()
    label: str | None = None
    count: int = Field(default=4, ge=0, le=20)
    without: list[str] = Field(default_factory=list, max_length=10_000)


class Leave(Strict):
    """A page that is closed."""

    client: str = Field(min_length=1, max_length=64)


class Find(Strict):
    """A page of the list."""

    filter: Filter = Filter()
    start: int = Field(default=0, ge=0)
    count: int = Field(default=50, ge=1, le=200)


class Guard:
    """Who may ask at all: by Host and Origin (against pages that rebind a name to this machine), by token, and by size.
    Adds the headers that keep foreign scripts out of the pages."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        status, reason = self._refused(scope["path"], headers)
        if status:
            await JSONResponse({"error": reason}, status)(scope, receive, guarded)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise RefusedError(413, f"a body of more than {LARGEST_BODY} bytes")
            return message

        try:
            await self._app(scope, bounded, guarded)
        except RefusedError as error:
            await JSONResponse({"error": str(error)}, error.status)(scope, receive, guarded)

    def _refused(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        host = headers.get("host", "")
        origin = headers.get("origin")
        try:
            if not is_own_name(urlsplit(f"//{host}").hostname or ""):
                return 403, "another host's name"
            if origin is not None and urlsplit(origin).netloc != host:
                return 403, "another page's request"
        except ValueError:
            return 403, "no host's name"
        if path.startswith("/api/") and not secrets.compare_digest(
            headers.get("x-token", "").encode(), self._token.encode()
        ):
            return 403, "no token, or a wrong one: open the address that `weasel run review` printed"
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > LARGEST_BODY:
            return 413, f"a body of more than {LARGEST_BODY} bytes"
        return 0, ""


def is_own_name(name: str) -> bool:
    """Whether a host's name can stand for this machine in an address that nobody else could have made point here: an IP
    address, `localhost`, or the machine's own name."""
    if name.casefold() in ("localhost", socket.gethostname().casefold()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def make_app(desk: Desk, token: str, recorded: Callable[[], Recorded], teacher: Any) -> FastAPI:
    """The app of a desk. recorded, teacher: the teacher's answers, loaded when the first one is wanted, and its
    pipeline (None without one), by which prompts and raw answers are shown."""
    app = FastAPI(title="review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, token=token)

    @app.exception_handler(RefusedError)
    def refused(request: Request, error: RefusedError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, error.status)

    @app.exception_handler(DistillError)
    def failed(request: Request, error: DistillError) -> JSONResponse:
        return JSONResponse({"error": f"{error.message}. {error.remedy}"}, 500)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return JSONResponse({"error": f"{place}: {first['msg']}"}, 422)

    @app.get("/api/task")
    def task(label: str | None = None) -> dict[str, Any]:
        own = only(desk.task, label)
        return {
            "title": own.title,
            "language": own.language,
            "guidelines": own.guidelines,
            "version": desk.task.guidelines_version,
            "label": label,
            "span_kind": own.span_kind,
            "label_kind": own.label_kind,
            "spans": [_label(name, own.label(own.span_kind, name)) for name in own.labels(own.span_kind)]
            if own.span_kind
            else [],
            "accept": [_label(name, own.label(own.label_kind, name)) for name in own.labels(own.label_kind)]
            if own.label_kind
            else [],
        }

    @app.post("/api/next")
    def next_(wanted: Next) -> dict[str, Any]:
        cards, taken = desk.next(
            wanted.annotator, wanted.client, wanted.filter, wanted.count, set(wanted.without), wanted.label
        )
        return {"cards": cards, "taken": taken, "progress": desk.progress(wanted.annotator, wanted.label)}

    @app.post("/api/leave")
    def leave(left: Leave) -> dict[str, Any]:
        desk.leave(left.client)
        return {}

    @app.get("/api/cards")
    def card(id: str, annotator: str, label: str | None = None) -> dict[str, Any]:
        return desk.card(id, annotator, label)

    @app.get("/api/last")
    def last(annotator: str, before: str = "", label: str | None = None) -> dict[str, Any]:
        found = desk.last_own(annotator, before or None, label)
        return {"card": desk.card(found, annotator, label) if found else None}

    @app.get("/api/teacher")
    def exchanges(id: str) -> dict[str, Any]:
        record = desk.teacher(id)
        asked = []
        if teacher is not None:
            for request in requests_of(record.text, *teacher):
                response = recorded().get(request.key)
                prompt = request.body.get("prompt") or request.body.get("messages")
                asked.append({"prompt": prompt, "answer": response.answer if response else None})
        return {"runs": {kind: run.model_dump() for kind, run in record.teacher.items()}, "exchanges": asked}

    @app.post("/api/decisions")
    def decide(submitted: Submitted) -> dict[str, Any]:
        return desk.decide(submitted)

    @app.post("/api/find")
    def find(wanted: Find) -> dict[str, Any]:
        rows, count = desk.find(wanted.filter, wanted.start, wanted.count)
        return {"rows": rows, "count": count}

    @app.get("/api/conflicts")
    def conflicts(annotator: Annotated[str, Query(max_length=60)]) -> dict[str, Any]:
        return {"cards": [desk.card(id_, annotator) for id_ in desk.conflicts()[:200]]}

    @app.get("/api/statistics")
    def statistics() -> dict[str, Any]:
        return figures(desk.decisions(), desk.remaining())

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def _label(name: str, label: Any) -> dict[str, str]:
    return {"name": name, "definition": label.definition}


def keep_token(path: Path) -> str:
    """The token of the address: made once, and readable by its owner alone. It stays the same, so that a browser that
    was open can send what it has when the server is back."""
    if not path.exists() or not path.read_text().strip():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text().strip()


def listen(host: str, port: int, *, expose: bool) -> socket.socket:
    """A socket that listens at `host`. Raises DistillError where other machines could reach it and that is not meant
    (`expose`), or the port is taken."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise DistillError(f"--host {host}: {error}", "Leave it out to listen on this machine alone.") from None
    if not ipaddress.ip_address(found[4][0]).is_loopback and not expose:
        raise DistillError(
            f"--host {host}: other machines could reach the texts there",
            "Add --expose if that is meant; whoever has the address with its token can read and decide.",
        )
    made = socket.socket(found[0], socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(found[4])
    except OSError as error:
        made.close()
        raise DistillError(f"{host}:{port}: {error.strerror}", "Take another --port, or leave it out.") from None
    made.listen(128)
    return made
