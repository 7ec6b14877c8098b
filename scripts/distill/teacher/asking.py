"""Requests to the teacher, a bounded number at a time over the whole run; each answer is on disk before the next."""

import asyncio
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from spacy.language import Language
from tqdm import tqdm
from wasabi import msg

from distill.files import canonical
from distill.journal import Journal
from distill.records import Text
from distill.teacher.adapter import Component
from distill.teacher.chat import Chat
from distill.teacher.client import AskError, Client
from distill.teacher.endpoint import Endpoint, amount, cost
from distill.teacher.responses import Answer, Recorded, Response, make_response

GIVE_UP_AFTER = 10
"""Requests in a row that fail, each after all its tries, before the endpoint counts as down."""

LONGEST_PAUSE = 60.0
"""Seconds between two tries to reach an endpoint that is down."""


@dataclass(frozen=True)
class Request:
    """One request: its key in the journal, and the body that is sent."""

    chat: Chat
    key: str
    body: dict[str, Any]


@dataclass
class Asked:
    """What became of the requests. answered: how many; failures: the reason by request key, of those that were asked
    and got no answer; stopped: why no more were asked, where not all were."""

    answered: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    stopped: str = ""


def requests_of(text: str, nlp: Language, components: Iterable[Component]) -> Iterator[Request]:
    """The requests about a text, in the order of the components and their questions."""
    doc = nlp.make_doc(text)
    for component in components:
        for prompt in component.ask(doc).prompts:
            body = component.chat.body(prompt)
            yield Request(component.chat, component.chat.key(body), body)


def missing(texts: Iterable[Text], nlp: Language, components: list[Component], recorded: Recorded) -> Iterator[Request]:
    """The requests that have no recorded answer, each once."""
    seen: set[bytes] = set()
    for text in texts:
        for request in requests_of(text.text, nlp, components):
            short = bytes.fromhex(request.key)
            if short not in seen and request.key not in recorded:
                seen.add(short)
                yield request


def ask(
    requests: Iterator[Request],
    total: int,
    endpoint: Endpoint,
    journal: Journal,
    recorded: Recorded,
    bytes_a_token: float,
) -> Asked:
    """Send the requests and record each answer as it arrives, in the journal and in `recorded`.

    total: how many there are, for the progress bar. bytes_a_token: by which the tokens of a request are reckoned
    before it is sent. An interrupt waits for what is under way, which is paid for.

    Raises DistillError where nothing can be asked, or the journal cannot be written.
    """
    with tqdm(total=total, desc="requests", unit="", mininterval=0.5, smoothing=0.05) as progress:
        run = _Run(requests, endpoint, journal, recorded, bytes_a_token, progress)
        asyncio.run(run.all())
    return run.asked


class _Run:
    """The state of one run; all of it belongs to one event loop."""

    def __init__(
        self,
        requests: Iterator[Request],
        endpoint: Endpoint,
        journal: Journal,
        recorded: Recorded,
        bytes_a_token: float,
        progress: tqdm,
    ) -> None:
        self.asked = Asked()
        self._requests = requests
        self._endpoint = endpoint
        self._recorded = recorded
        self._progress = progress
        self._ledger = Ledger(endpoint, recorded, bytes_a_token)
        self._disk = _Disk(journal)
        self._is_alive = recorded.has_answer_of(endpoint.identity)
        self._failed_in_a_row = 0
        self._failing_since = 0.0
        self._rendering = asyncio.Lock()
        self._probing = asyncio.Lock()

    async def all(self) -> None:
        """Ask until there is nothing left to ask, or asking has no use."""
        async with Client(self._endpoint) as client:
            if self._endpoint.budget is not None and (first := await self._next()):
                # How the endpoint counts tokens, before many requests are under way
                await self._one(client, first)
            workers = [asyncio.create_task(self._worker(client)) for _ in range(self._endpoint.concurrency)]
            pending = set(workers)
            try:
                _, pending = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                if pending:
                    await self._stop(client, pending)
            failed = [error for worker in workers if not worker.cancelled() and (error := worker.exception())]
            if failed:
                raise failed[0]

    async def _stop(self, client: Client, pending: set[asyncio.Task[None]]) -> None:
        """End the run: what is under way is waited for, what only waits is not."""
        self.asked.stopped = self.asked.stopped or "the run was stopped"
        client.stopping = True
        with self._progress.external_write_mode():
            msg.warn("Stopping; waiting for the answers that are under way")
        while pending:
            for worker in pending - client.sending:
                worker.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.2)

    async def _worker(self, client: Client) -> None:
        while not self.asked.stopped and (request := await self._next()):
            if self._failed_in_a_row < GIVE_UP_AFTER:
                await self._one(client, request)
                continue
            async with self._probing:
                # Whoever held the lock may have found the endpoint up again, or given up
                if self._failed_in_a_row >= GIVE_UP_AFTER and not self.asked.stopped:
                    await self._pause()
                if not self.asked.stopped:
                    await self._one(client, request, once=self._failed_in_a_row >= GIVE_UP_AFTER)

    async def _next(self) -> Request | None:
        async with self._rendering:
            # In a thread: passing over thousands of recorded answers must not hold up those that arrive
            return await asyncio.to_thread(next, self._requests, None)

    async def _one(self, client: Client, request: Request, *, once: bool = False) -> None:
        try:
            await self._ask(client, request, once=once)
        finally:
            client.sending.discard(asyncio.current_task())

    async def _ask(self, client: Client, request: Request, *, once: bool) -> None:
        if not self._ledger.reserve(request):
            self.asked.stopped = f"the budget of {amount(self._endpoint, self._endpoint.budget or 0)} is used up"
            return
        started = time.monotonic()
        try:
            answer = await client.ask(request.chat.path, request.body, once=once)
        except AskError as failure:
            self._ledger.settle(request, failure.tokens)
            self.asked.failures[request.key] = str(failure)
            self._failed(failure)
            if any(failure.tokens):
                # Paid for all the same: it counts against the budget, and answers nothing
                paid = Answer("", "unreadable", *failure.tokens, seconds=round(time.monotonic() - started, 6))
                await self._disk.write(make_response(f"unreadable:{request.key}", self._endpoint.identity, paid))
        else:
            if not (answer.tokens_in or answer.tokens_out):
                answer = self._ledger.reckon(request, answer)
            response = make_response(request.key, self._endpoint.identity, answer)
            await self._disk.write(response)
            self._ledger.settle(request, (answer.tokens_in, answer.tokens_out))
            self._recorded.add(response)
            self.asked.answered += 1
            self._is_alive, self._failed_in_a_row = True, 0
        self._progress.update()

    def _failed(self, failure: AskError) -> None:
        # An endpoint that has answered something is up, and a request that it refuses says nothing of the others
        if failure.fault != "request" or not self._is_alive:
            self._failing_since = self._failing_since if self._failed_in_a_row else time.monotonic()
            self._failed_in_a_row += 1
        if self._failed_in_a_row >= GIVE_UP_AFTER and failure.fault != "endpoint":
            self.asked.stopped = f"{GIVE_UP_AFTER} requests in a row got no answer ({failure})"

    async def _pause(self) -> None:
        """Wait for an endpoint that is down, longer each time, or give up."""
        reason = next(reversed(self.asked.failures.values()))
        waited = time.monotonic() - self._failing_since
        left = self._endpoint.patience - waited
        if left <= 0:
            self.asked.stopped = f"{self._endpoint.host} does not answer ({reason})"
            return
        pause = min(LONGEST_PAUSE, max(1.0, waited / 2), left)
        with self._progress.external_write_mode():
            msg.warn(
                f"{self._endpoint.host} does not answer ({reason}). All answers are kept; trying again in "
                f"{pause:.0f} s, for {left:.0f} s at most (`patience`)"
            )
        await asyncio.sleep(pause)


class Ledger:
    """What is spent, and what the requests under way may come to. Where the endpoint counts more tokens than were
    reckoned, more are reckoned from then on."""

    def __init__(self, endpoint: Endpoint, recorded: Recorded, bytes_a_token: float) -> None:
        self._endpoint = endpoint
        self._bytes_a_token = bytes_a_token
        self.spent = cost(endpoint, *recorded.tokens(endpoint.identity))
        self._reserved: dict[str, float] = {}
        self._factor = 1.0

    def most(self, request: Request) -> float:
        """What a request may cost at most, as far as can be told."""
        tokens_in = self._factor * size(request.body) / self._bytes_a_token
        return cost(self._endpoint, tokens_in, request.chat.most_tokens or 0)

    def reserve(self, request: Request) -> bool:
        """Set aside what a request may cost; False where that is more than is left."""
        most = self.most(request)
        reserved = sum(self._reserved.values())
        if self._endpoint.budget is not None and self.spent + reserved + most > self._endpoint.budget:
            return False
        self._reserved[request.key] = most
        return True

    def reckon(self, request: Request, answer: Answer) -> Answer:
        """An answer with tokens reckoned by its length, where the endpoint does not count them."""
        return replace(
            answer,
            tokens_in=math.ceil(size(request.body) / self._bytes_a_token),
            tokens_out=math.ceil(len(answer.text.encode()) / self._bytes_a_token),
        )

    def settle(self, request: Request, tokens: tuple[int, int]) -> None:
        """Put what a request did cost, by its tokens in and out, in the place of what was set aside."""
        self._reserved.pop(request.key)
        self.spent += cost(self._endpoint, *tokens)
        self._factor = max(self._factor, tokens[0] * self._bytes_a_token / size(request.body))


def size(body: dict[str, Any]) -> int:
    """The bytes of what a model reads of a request, the schema of its answer included."""
    turns = body.get("messages") or [{"content": body.get("prompt", "")}]
    schema = body.get("response_format") or body.get("json_schema")
    return sum(len(turn["content"].encode()) for turn in turns) + (len(canonical(schema).encode()) if schema else 0)


class _Disk:
    """Answers on their way to the journal: those that arrive while a write is under way share the next one."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Response, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, response: Response) -> None:
        """Return once the answer is on disk."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((response, done))
        if self._task is None:
            self._task = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._journal.append, *(response for response, _ in batch))
            except Exception as error:
                for _, done in batch:
                    done.set_exception(error)
            else:
                for _, done in batch:
                    done.set_result(None)
        self._task = None
