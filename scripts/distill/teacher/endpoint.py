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
from distill.records import Strict, explain


class Endpoint(Strict):
    """Where the teacher is.

    gguf, gguf_sha256: a model file for the embedded server, and its SHA-256 (of the file itself where it is not given).
    base_url, model: any OpenAI-compatible endpoint, and the model's name there. Exactly one of gguf and base_url is
    set.
    teacher_id: the name under which answers are recorded; by default the model's name, or the file's SHA-256.
    api_key_env: the name of the environment variable that holds the key.
    allow_remote: whether texts may leave this machine.
    price_in, price_out: money for a million tokens of prompts and of answers, in whatever currency.
    budget: what may be spent on answers altogether: money where the prices are set, tokens where they are not.
    concurrency: requests in flight. timeout: seconds a try. tries: how often a request is tried.
    patience: seconds for which an endpoint that has stopped answering is waited for.
    max_failed: the share of texts without a usable answer above which `annotate` fails.
    context: tokens, for the embedded server.
    """

    gguf: Path | None = None
    gguf_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    base_url: str | None = None
    model: str | None = None
    teacher_id: str | None = None
    # Checked with the whole, for the error must not show a key that was put here by mistake
    api_key_env: str | None = None
    allow_remote: bool = False
    price_in: float | None = Field(default=None, ge=0)
    price_out: float | None = Field(default=None, ge=0)
    budget: float | None = Field(default=None, gt=0)
    concurrency: int = Field(default=8, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    tries: int = Field(default=5, ge=1)
    patience: float = Field(default=600.0, ge=0)
    max_failed: float = Field(default=0.05, ge=0, le=1)
    context: int = Field(default=4096, ge=256)

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
