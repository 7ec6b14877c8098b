"""One HTTP client for every OpenAI-compatible endpoint: bounded, patient, and told to slow down at most once a time."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Literal, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
import tenacity

from distill.errors import DistillError
from distill.teacher import embedded
from distill.teacher.endpoint import Endpoint
from distill.teacher.responses import Answer

Fault = Literal["request", "endpoint", "settings"]
"""What is to blame where no answer came: this request alone, the endpoint for now, or the settings."""

BACK_OFF = tenacity.wait_random_exponential(multiplier=0.5, max=30)
"""Seconds before another try: anything up to 0.5, 1, 2, 4 …, so that many requests do not come back at once."""


BROKEN_OFF = frozenset({"error", "abort", "cancelled"})
"""Finish reasons of an answer that the endpoint gave up."""


class AskError(Exception):
    """A request got no answer, after all its tries. tokens: in and out, that were counted all the same."""

    def __init__(self, reason: str, fault: Fault, tokens: tuple[int, int] = (0, 0)) -> None:
        super().__init__(reason)
        self.fault = fault
        self.tokens = tokens


class _AgainError(AskError):
    """A failure that may pass. too_many: whether the endpoint only wants to be asked more slowly."""

    def __init__(self, reason: str, *, too_many: bool = False) -> None:
        super().__init__(reason, "endpoint")
        self.too_many = too_many


class Window:
    """How many requests may be in flight. It is halved when the endpoint says that there are too many, once for all
    that were under way then, and grows by one with each round of answers (TCP's additive increase, multiplicative
    decrease)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = float(most)
        self._busy = 0
        self._changed = asyncio.Condition()
        self._cut_at = self._closed_until = 0.0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[float]:
        """A place among the requests in flight; yields the time at which it was had."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._busy < max(1, int(self.size)))
            self._busy += 1
        try:
            while (closed := self._closed_until - time.monotonic()) > 0:
                await asyncio.sleep(closed)
            yield time.monotonic()
        finally:
            async with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def answered(self) -> None:
        """An answer came."""
        self.size = min(self._most, self.size + 1 / self.size)

    def too_many(self, started: float, seconds: float) -> None:
        """The endpoint refused a request that was sent at `started`, and wants none for `seconds`."""
        now = time.monotonic()
        self._closed_until = max(self._closed_until, now + seconds)
        if started >= self._cut_at:
            self.size, self._cut_at = max(1.0, self.size / 2), now


@dataclass(frozen=True)
class _Reply:
    status: int
    retry_after: float | None
    body: bytes


class Client:
    """An endpoint, open for requests; use it in an `async with` statement.

    Nothing is sent before the first request. sending: the tasks whose request is under way, or answered; stopping: set
    it, and nothing is tried again. Raises DistillError on entering where no request can succeed: a remote
    host that the config does not allow, no key in the environment, no model file.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.window = Window(endpoint.concurrency)
        self.sending: set[asyncio.Task[Any] | None] = set()
        self.stopping = False
        self._key = ""

    async def __aenter__(self) -> Self:
        endpoint = self.endpoint
        if endpoint.is_remote and not (endpoint.allow_remote and endpoint.budget):
            raise DistillError(
                f"the teacher at {endpoint.host} is on another machine, and the config lets no text leave this one",
                "Set `allow_remote = true` and a `budget` in the section [teacher] if they may.",
            )
        self._key = os.environ.get(endpoint.api_key_env, "").strip() if endpoint.api_key_env else ""
        if endpoint.api_key_env and not self._key:
            raise DistillError(
                f"the environment variable {endpoint.api_key_env} is not set",
                "Set it to the endpoint's key; configs/teacher.cfg names it in `api_key_env`.",
            )
        self._base_url = str(endpoint.base_url).rstrip("/")
        if endpoint.gguf is not None:
            embedded.verify(endpoint.gguf, endpoint.gguf_sha256)
            self._base_url = embedded.serve(endpoint.gguf, endpoint.context)
        self._session = aiohttp.ClientSession(
            # The window bounds them
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout),
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self._key}"} if self._key else {}),
            },
        )
        # Of the environment the proxies alone, and those not for this machine; aiohttp would take passwords, too
        proxies = getproxies() if endpoint.is_remote and not proxy_bypass(endpoint.host) else {}
        self._proxy = proxies.get(self._base_url.partition(":")[0])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, path: str, body: dict[str, Any], *, once: bool = False) -> Answer:
        """Send a request to `path` below the base URL, and again where that may help unless `once`, and wait for its
        answer.

        Raises AskError where none came.
        """
        tries = 0
        began = time.monotonic()

        def enough(state: tenacity.RetryCallState) -> bool:
            nonlocal tries
            failure = state.outcome.exception() if state.outcome else None
            if once or self.stopping:
                return True
            if isinstance(failure, _AgainError) and failure.too_many:
                return time.monotonic() - began > self.endpoint.patience
            tries += 1
            return tries >= self.endpoint.tries

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_AgainError),
            wait=lambda state: min(BACK_OFF(state), self.endpoint.patience),
            stop=enough,
            reraise=True,
        )
        return await retrying(self._try, path, json.dumps(body, ensure_ascii=False).encode())

    async def _try(self, path: str, data: bytes) -> Answer:
        async with self.window.place() as started:
            self.sending.add(asyncio.current_task())
            try:
                reply = await self._post(path, data)
                seconds = round(time.monotonic() - started, 3)
                answer = self._answer(reply, started, seconds)
            except BaseException:
                self.sending.discard(asyncio.current_task())
                raise
        self.window.answered()
        return answer

    def _answer(self, reply: _Reply, started: float, seconds: float) -> Answer:
        """The answer in a reply. Raises AskError where it holds none."""
        if reply.status == 429 or (reply.status == 503 and reply.retry_after is not None):
            wait = reply.retry_after or 0.0
            if wait > self.endpoint.patience or b"insufficient_quota" in reply.body:
                raise AskError(self._said(reply), "settings")
            self.window.too_many(started, wait)
            raise _AgainError(self._said(reply), too_many=True)
        if reply.status in (408, 409, 425) or reply.status >= 500:
            raise _AgainError(self._said(reply))
        if reply.status == 400 and b"content_filter" in reply.body:
            return Answer("", "content_filter", 0, 0, seconds)
        if not 200 <= reply.status < 300:
            raise AskError(self._said(reply), "request" if reply.status in (400, 413, 422) else "settings")
        return self._read(reply, seconds)

    async def _post(self, path: str, data: bytes) -> _Reply:
        try:
            # A redirect would take texts to a host that nobody allowed
            async with self._session.post(
                self._base_url + path, data=data, allow_redirects=False, proxy=self._proxy
            ) as response:
                return _Reply(response.status, _seconds(response.headers.get("Retry-After")), await response.read())
        except TimeoutError:
            raise _AgainError(f"no answer within {self.endpoint.timeout:g} seconds") from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.InvalidURL, ValueError) as error:
            raise AskError(self._without_key(f"{type(error).__name__}: {error}"), "settings") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _AgainError(self._without_key(f"{type(error).__name__}: {error}")) from None

    def _read(self, reply: _Reply, seconds: float) -> Answer:
        """The answer in a completion, of a chat or of a text."""
        try:
            raw = json.loads(reply.body)
        except (ValueError, RecursionError):
            raise _AgainError(f"not JSON: {self._said(reply)}") from None
        try:
            choice = raw["choices"][0]
            message = choice["message"] if "message" in choice else {"content": choice["text"]}
            finish_reason = str(choice.get("finish_reason") or "")
            text, refusal = message.get("content"), message.get("refusal")
            usage = raw.get("usage") or {}
            tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            raise AskError(f"not a completion: {self._said(reply)}", "request") from None
        if refusal:
            text, finish_reason = refusal, "refusal"
        if finish_reason in BROKEN_OFF or (
            not isinstance(text, str) and finish_reason not in ("length", "content_filter")
        ):
            raise AskError(f"a completion without content (finish_reason {finish_reason!r})", "request", tokens)
        if not isinstance(text, str):
            text = ""
        # Half a surrogate pair, which JSON can hold and UTF-8 cannot
        whole = text.encode("utf-8", "replace").decode()
        return Answer(whole, finish_reason, *tokens, seconds=seconds)

    def _said(self, reply: _Reply) -> str:
        """The status and the start of what came with it."""
        body = reply.body.decode("utf-8", "replace")
        try:
            error = json.loads(body)["error"]
            said = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError):
            said = body
        # The key first: a part of it would be left at the cut
        return f"HTTP {reply.status}: {' '.join(self._without_key(said).split())[:200]}"

    def _without_key(self, text: str) -> str:
        """Endpoints repeat a wrong key in what they say of it."""
        return text.replace(self._key, "[key]") if self._key else text


def _seconds(retry_after: str | None) -> float | None:
    """The header `Retry-After`, which is a number of seconds or a date, in seconds."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
