"""One model function for every OpenAI-compatible chat endpoint, the embedded one included."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable  # noqa: UP035  spacy-llm compares the signature with typing's Iterable

from distill.errors import DistillError
from distill.files import canonical, digest
from distill.teacher import embedded
from distill.teacher.endpoint import Endpoint, check_endpoint
from distill.teacher.responses import Answer

if TYPE_CHECKING:
    from openai import OpenAI

Turns = list[dict[str, str]]
"""The messages of a chat: `role` (system, user, assistant) and `content`."""


class AskError(Exception):
    """A request got no answer, after all tries."""


def turns_to_prompt(turns: Turns) -> str:
    """A chat as one string, since a prompt is a string to spacy-llm. JSON, so that no text can forge a turn."""
    return json.dumps(turns, ensure_ascii=False)


def prompt_to_turns(prompt: str) -> Turns:
    """The chat in a prompt; a prompt of a stock spacy-llm task is one message of the user."""
    if prompt.startswith('[{"role": '):
        turns: Turns = json.loads(prompt)
        return turns
    return [{"role": "user", "content": prompt}]


def turns_to_text(turns: Turns) -> str:
    """A chat as a text to be continued: an answer on the line of its question, an empty line between the rest."""
    return "".join(
        f" {turn['content']}" if turn["role"] == "assistant" else f"\n\n{turn['content']}" for turn in turns
    ).lstrip("\n")


class Chat:
    """A model for spacy-llm's `[components.X.model]`: prompts in, answers out. Nothing is called when it is built.

    body: parameters of the request beside the prompt (temperature, max_tokens, stop, response_format …), as the
    endpoint takes them. as_text: ask for the continuation of a text, at `/completions`, instead of the next turn of a
    chat, at `/chat/completions`.
    """

    def __init__(self, endpoint: Endpoint, body: dict[str, Any], *, as_text: bool = False) -> None:
        self.endpoint = endpoint
        self._parameters = body
        self._as_text = as_text

    def body(self, prompt: str) -> dict[str, Any]:
        """The whole request as it is sent."""
        turns = prompt_to_turns(prompt)
        asked = {"prompt": turns_to_text(turns)} if self._as_text else {"messages": turns}
        return {"model": self.endpoint.model or "embedded", **asked, **self._parameters}

    def key(self, prompt: str) -> str:
        """The request's key in the journal: a hash of the whole body and the teacher's identity. The host and the API
        key are not in it."""
        return digest(canonical({"teacher_id": self.endpoint.identity, "body": self.body(prompt)}).encode())[:32]

    def ask(self, prompt: str) -> Answer:
        """Send one request and wait for its answer.

        Raises AskError where none came, DistillError where none can come (no model file, no key, a remote host that
        the config does not allow).
        """
        from openai import OpenAIError

        body = self.body(prompt)
        started = time.perf_counter()
        try:
            path = "/completions" if self._as_text else "/chat/completions"
            raw = self._client.post(path, cast_to=object, body=body)
        except (OpenAIError, ValueError) as error:
            # ValueError: a body that is cut off or is not JSON
            raise AskError(f"{type(error).__name__}: {error}") from error
        seconds = time.perf_counter() - started
        try:
            choice = raw["choices"][0]  # type: ignore[index]
            message = {"content": choice["text"]} if self._as_text else choice["message"]
            finish_reason = choice.get("finish_reason") or ""
            text, refusal = message.get("content"), message.get("refusal")
            usage = raw.get("usage") or {}  # type: ignore[attr-defined]
            tokens = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            raise AskError(f"not a completion: {str(raw)[:200]}") from error
        if refusal:
            text, finish_reason = refusal, "refusal"
        if not isinstance(text, str) and finish_reason not in ("length", "content_filter"):
            raise AskError(f"a completion without content (finish_reason {finish_reason!r})")
        return Answer(text or "", finish_reason, *tokens, seconds=round(seconds, 3))

    def __call__(self, prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        """What spacy-llm calls: the prompts of each doc in, their answers out, in order."""
        nested = [list(of_doc) for of_doc in prompts]
        self.connect()
        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            answers = pool.map(lambda prompt: self.ask(prompt).text, [one for of_doc in nested for one in of_doc])
            return [[next(answers) for _ in of_doc] for of_doc in nested]

    @property
    def context_length(self) -> int:
        """More than any prompt: spacy-llm cuts longer ones at arbitrary tokens, and changes texts thereby."""
        return 10**9

    def connect(self) -> None:
        """Make the client ready, and start the embedded server. Raises DistillError as `ask` does."""
        _ = self._client

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import DefaultHttpxClient, OpenAI

        endpoint = self.endpoint
        key = "none"
        if endpoint.api_key_env and not (key := os.environ.get(endpoint.api_key_env, "")):
            raise DistillError(
                f"the environment variable {endpoint.api_key_env} is not set",
                "Set it to the endpoint's key; configs/teacher.cfg names it in `api_key_env`.",
            )
        if endpoint.is_remote and not endpoint.allow_remote:
            raise DistillError(
                f"the teacher at {endpoint.host} is on another machine, and the config lets no text leave this one",
                "Set `allow_remote = true` in the section [teacher] if they may.",
            )
        base_url = endpoint.base_url
        if endpoint.gguf is not None:
            embedded.verify(endpoint.gguf, endpoint.gguf_sha256)
            base_url = embedded.serve(endpoint.gguf, endpoint.context)
        # A proxy of the environment would carry requests to this machine over another one
        http_client = DefaultHttpxClient(trust_env=endpoint.is_remote)
        return OpenAI(
            base_url=base_url,
            api_key=key,
            timeout=endpoint.timeout,
            max_retries=endpoint.tries - 1,
            http_client=http_client,
        )


def make_chat(
    endpoint: dict[str, Any], body: dict[str, Any] | None = None
) -> Callable[[Iterable[Iterable[Any]]], Iterable[Iterable[Any]]]:
    """`distill.Chat.v1`. endpoint: the section `[teacher]`; body: parameters of this component's requests."""
    return Chat(check_endpoint(endpoint, Path("configs/teacher.cfg")), body or {})


def make_completion(
    endpoint: dict[str, Any], body: dict[str, Any] | None = None
) -> Callable[[Iterable[Iterable[Any]]], Iterable[Iterable[Any]]]:
    """`distill.Completion.v1`: the same for a model that continues a text better than it answers in a chat."""
    return Chat(check_endpoint(endpoint, Path("configs/teacher.cfg")), body or {}, as_text=True)
