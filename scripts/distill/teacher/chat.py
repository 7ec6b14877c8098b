"""One model function for every OpenAI-compatible endpoint, the embedded one included."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Iterable  # noqa: UP035  spacy-llm compares the signature with typing's Iterable

from distill.errors import DistillError
from distill.files import canonical, digest
from distill.teacher.client import Client
from distill.teacher.endpoint import Endpoint, check_endpoint

Turns = list[dict[str, str]]
"""The messages of a chat: `role` (system, user, assistant) and `content`."""

Schema = dict[str, Any]
"""A JSON schema."""


def make_prompt(turns: Turns, schema: Schema | None = None) -> str:
    """A chat as one string, since a prompt is a string to spacy-llm. JSON, so that no text can forge a turn.

    schema: what the answer is to follow, where it is to be JSON.
    """
    return json.dumps({"turns": turns, "schema": schema}, ensure_ascii=False)


def read_prompt(prompt: str) -> tuple[Turns, Schema | None]:
    """The chat in a prompt, and the schema; a prompt of a stock spacy-llm task is one message of the user."""
    if prompt.startswith('{"turns": '):
        made = json.loads(prompt)
        return made["turns"], made["schema"]
    return [{"role": "user", "content": prompt}], None


def turns_to_text(turns: Turns) -> str:
    """A chat as a text to be continued: an answer on the line of its question, an empty line between the rest."""
    return "".join(
        f" {turn['content']}" if turn["role"] == "assistant" else f"\n\n{turn['content']}" for turn in turns
    ).lstrip("\n")


class Chat:
    """A model for spacy-llm's `[components.X.model]`: prompts in, answers out. Nothing is called when it is built.

    body: parameters of the request beside the prompt (temperature, max_tokens, stop …), as the endpoint takes them.
    system: what stands before every prompt, as the system's turn. as_text: ask for the continuation of a text, at
    `/completions`, instead of the next turn of a chat, at `/chat/completions`.
    """

    def __init__(self, endpoint: Endpoint, body: dict[str, Any], *, system: str = "", as_text: bool = False) -> None:
        self.endpoint = endpoint
        self.path = "/completions" if as_text else "/chat/completions"
        self._parameters = body
        self._system = system
        self._as_text = as_text

    def body(self, prompt: str) -> dict[str, Any]:
        """The whole request as it is sent."""
        turns, schema = read_prompt(prompt)
        if self._system:
            turns = [{"role": "system", "content": self._system}, *turns]
        asked: dict[str, Any] = {"prompt": turns_to_text(turns)} if self._as_text else {"messages": turns}
        if schema and self._as_text:
            # llama.cpp's name for it
            asked["json_schema"] = schema
        elif schema:
            form = {"name": "answer", "strict": True, "schema": schema}
            asked["response_format"] = {"type": "json_schema", "json_schema": form}
        return {"model": self.endpoint.model or "embedded", **asked, **self._parameters}

    def key(self, body: dict[str, Any]) -> str:
        """A request's key in the journal: a hash of the whole body and the teacher's identity. The host and the API
        key are not in it."""
        return digest(canonical({"teacher_id": self.endpoint.identity, "body": body}).encode())[:32]

    @property
    def most_tokens(self) -> int | None:
        """The longest answer that a request allows, in tokens; None where it sets no limit."""
        limit = self._parameters.get("max_completion_tokens") or self._parameters.get("max_tokens")
        return int(limit) if limit else None

    def __call__(self, prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        """What spacy-llm calls: the prompts of each doc in, their answers out, in order.

        Raises AskError where one of them got no answer.
        """
        nested = [list(of_doc) for of_doc in prompts]

        async def answers() -> list[str]:
            async with Client(self.endpoint) as client:
                asked = (client.ask(self.path, self.body(prompt)) for of_doc in nested for prompt in of_doc)
                return [answer.text for answer in await asyncio.gather(*asked)]

        # In a thread of its own, for the caller may run an event loop (a notebook does)
        with ThreadPoolExecutor(1) as pool:
            flat = iter(pool.submit(asyncio.run, answers()).result())
        return [[next(flat) for _ in of_doc] for of_doc in nested]

    @property
    def context_length(self) -> int:
        """More than any prompt: spacy-llm cuts longer ones at arbitrary tokens, and changes texts thereby."""
        return 10**9


Section = Annotated[dict[str, Any], "The section `[teacher]`: `${teacher}`."]
Body = Annotated[dict[str, Any] | None, "Parameters of the request, as the endpoint takes them."]
System = Annotated[str, "What stands before every prompt, that of a stock task included."]


def make_chat(
    endpoint: Section, body: Body = None, system: System = ""
) -> Callable[[Iterable[Iterable[Any]]], Iterable[Iterable[Any]]]:
    """Asks for the next turn of a chat (`/chat/completions`)."""
    return Chat(_endpoint(endpoint), body or {}, system=system)


def make_completion(
    endpoint: Section, body: Body = None, system: System = ""
) -> Callable[[Iterable[Iterable[Any]]], Iterable[Iterable[Any]]]:
    """Asks for the continuation of a text (`/completions`), for a model that does that better than it chats."""
    return Chat(_endpoint(endpoint), body or {}, system=system, as_text=True)


def _endpoint(section: dict[str, Any]) -> Endpoint:
    config = Path("configs/teacher.cfg")
    if not section:
        raise DistillError(f"{config}: a model has no endpoint", "Give it `endpoint = ${teacher}`.")
    return check_endpoint(section, config)
