"""The `[teacher]` section of configs/teacher.cfg: which model is asked, where, and how hard."""

import configparser
import ipaddress
import re
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from confection import Config
from pydantic import Field, ValidationError, model_validator

from distill.errors import DistillError
from distill.files import file_digest
from distill.records import Documented, explain


class Endpoint(Documented):
    """Where the teacher is."""

    gguf: Path | None = None
    """A model file for the embedded server (llama.cpp, in the process, on a loopback port)."""
    gguf_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Its SHA-256. It must be set for `fetch-teacher`, and wherever recorded answers are used without the file."""
    base_url: str | None = None
    """An OpenAI-compatible endpoint. Exactly one of `gguf` and `base_url` is set."""
    model: str | None = None
    """The model's name at that endpoint."""
    teacher_id: str | None = None
    """The name under which answers are recorded; by default the model's name, or the file's SHA-256. Another one asks
    everything again."""
    # Checked with the whole, for the error must not show a key that was put here by mistake
    api_key_env: str | None = None
    """The name of the environment variable that holds the key. The key itself stands in no file."""
    allow_remote: bool = False
    """Whether texts may leave this machine. An endpoint elsewhere needs this and a `budget`; the error before that says
    how many texts would go where, at what cost."""
    price_in: float | None = Field(default=None, ge=0)
    """Money for a million tokens of prompts, in whatever currency."""
    price_out: float | None = Field(default=None, ge=0)
    """Money for a million tokens of answers. Both prices are set, or neither."""
    budget: float | None = Field(default=None, gt=0)
    """What the teacher may cost altogether: money where the prices are set, tokens where they are not. What is recorded
    counts as spent, answers that could not be read included. A run that would cost more stops before its first call.
    One that turns out dearer than reckoned stops on the way: the first request goes out alone, and what the endpoint
    counts for it and for those after it is what the rest are reckoned by. (What an endpoint charges for a request that
    timed out, nobody can see.)"""
    concurrency: int = Field(default=8, ge=1)
    """Requests in flight, over the whole run."""
    timeout: float = Field(default=120.0, gt=0)
    """Seconds for each try."""
    tries: int = Field(default=5, ge=1)
    """How often a request is tried, with growing pauses between."""
    patience: float = Field(default=600.0, ge=0)
    """Seconds for which an endpoint that has stopped answering is waited for, from the first failure on; then the run
    ends, with all answers kept."""
    max_failed: float = Field(default=0.05, ge=0, le=1)
    """The share of texts without a usable answer above which `annotate` fails, after having kept all it got."""
    context: int = Field(default=4096, ge=256)
    """Tokens that a request and its answer may take together, for the embedded server."""

    @model_validator(mode="after")
    def _one_place(self) -> "Endpoint":
        if (self.gguf is None) == (self.base_url is None):
            raise ValueError("expected exactly one of `gguf` (a model file) and `base_url` (an endpoint)")
        if self.base_url is not None and not self.model:
            raise ValueError("`base_url` needs `model`, the model's name at that endpoint")
        address = urlsplit(self.base_url or "http://127.0.0.1")
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("`base_url`: expected an address that begins with http:// or https://")
        if address.username or address.password or address.query:
            raise ValueError(
                "`base_url` holds a key or a password: put it into an environment variable (`api_key_env`)"
            )
        if self.api_key_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.api_key_env):
            raise ValueError("`api_key_env`: expected the name of an environment variable, not a key")
        if (self.price_in is None) != (self.price_out is None):
            raise ValueError("expected both `price_in` and `price_out`, or neither")
        return self

    @cached_property
    def identity(self) -> str:
        """What an answer is recorded under, beside the request itself."""
        if self.teacher_id:
            return self.teacher_id
        if self.gguf is None:
            return str(self.model)
        if not self.gguf_sha256 and not self.gguf.exists():
            raise DistillError(
                f"{self.gguf}: the teacher's model file is not there, and the config does not say its `gguf_sha256`",
                "Put the file there, or set `gguf_sha256` in the section [teacher].",
            )
        return f"sha256:{self.gguf_sha256 or file_digest(self.gguf)}"

    @property
    def host(self) -> str:
        """The host that the texts go to."""
        return urlsplit(self.base_url or "http://127.0.0.1").hostname or ""

    @property
    def is_remote(self) -> bool:
        """Whether the endpoint is on another machine, as far as its address tells."""
        if self.host == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True


def cost(endpoint: Endpoint, tokens_in: float, tokens_out: float) -> float:
    """What tokens cost: money where the endpoint has prices, or else their number."""
    if endpoint.price_in is None or endpoint.price_out is None:
        return tokens_in + tokens_out
    return (tokens_in * endpoint.price_in + tokens_out * endpoint.price_out) / 1e6


def amount(endpoint: Endpoint, value: float) -> str:
    """A cost or a budget in words."""
    return f"{value:,.0f} tokens" if endpoint.price_in is None else f"{value:,.2f}"


def load_config(path: Path) -> Config:
    """Read a spaCy config.

    Raises DistillError where it is missing or broken.
    """
    try:
        return Config().from_disk(path)
    except FileNotFoundError:
        raise DistillError(f"{path}: no such file", "Restore it from version control.") from None
    except (ValueError, configparser.Error) as error:
        raise DistillError(f"{path}: {str(error).strip()}", "Correct the section or line that is named.") from None


def load_endpoint(config_path: Path) -> Endpoint | None:
    """The `[teacher]` section of a teacher config; None where its pipeline is empty (a task without a teacher).

    Raises DistillError that names the file, the key and the value.
    """
    config = load_config(config_path)
    if not config.get("nlp", {}).get("pipeline"):
        return None
    return check_endpoint(config.get("teacher", {}), config_path)


def check_endpoint(section: dict[str, Any], config_path: Path) -> Endpoint:
    """Validate a `[teacher]` section."""
    try:
        return Endpoint.model_validate(section)
    except ValidationError as error:
        allowed = ", ".join(Endpoint.model_fields)
        raise DistillError(
            f"{config_path}, section [teacher]: {explain(error)}", f"Correct it; the keys are: {allowed}."
        ) from None
