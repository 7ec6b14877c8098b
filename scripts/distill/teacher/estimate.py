"""What asking the teacher would take, before anything is asked, and whether it may be asked at all."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from tqdm import tqdm

from distill.errors import DistillError
from distill.journal import Journal
from distill.records import Text
from distill.teacher.adapter import Component
from distill.teacher.asking import Asked, ask, missing, requests_of, size
from distill.teacher.endpoint import Endpoint, amount, cost
from distill.teacher.responses import Recorded, load_responses

BYTES_A_TOKEN = 3.0
"""UTF-8 bytes that a token stands for, where no answer is recorded to measure it by: fewer than in most languages, so
that the estimate is rather too high."""

MEASURED_ON = 20
"""Recorded answers from which on the bytes of a token are measured."""


@dataclass
class Estimate:
    """texts: how many there are; asked_about: those with a missing answer; requests: all; missing: those without a
    recorded answer, each once; tokens_in: of the missing, reckoned; tokens_out: at most, None where a request sets no
    limit; bytes_a_token: by which tokens_in was reckoned, and measured_on: how many recorded answers; spent: on
    recorded answers; first: the body of the first missing request, or of the first of all."""

    texts: int = 0
    asked_about: int = 0
    requests: int = 0
    missing: int = 0
    tokens_in: int = 0
    tokens_out: int | None = 0
    bytes_a_token: float = BYTES_A_TOKEN
    measured_on: int = 0
    spent: float = 0.0
    first: dict[str, Any] | None = None

    @property
    def is_measured(self) -> bool:
        """Whether enough answers are recorded to know how many bytes a token has."""
        return self.measured_on >= MEASURED_ON

    def cost(self, endpoint: Endpoint) -> float:
        """What the missing answers cost at most."""
        return cost(endpoint, self.tokens_in, self.tokens_out or 0)


def estimate(
    texts: Iterable[Text], nlp: Language, components: list[Component], recorded: Recorded, endpoint: Endpoint
) -> Estimate:
    """Go through the requests about `texts`; none is sent."""
    done = Estimate(spent=cost(endpoint, *recorded.tokens(endpoint.identity)))
    seen: set[bytes] = set()
    missing_bytes = known_bytes = known_tokens = 0
    for text in tqdm(texts, desc="reckoning", unit=" texts", mininterval=0.5, leave=False, disable=None):
        done.texts += 1
        before = done.missing
        for request in requests_of(text.text, nlp, components):
            short = bytes.fromhex(request.key)
            if short in seen:
                continue
            seen.add(short)
            done.requests += 1
            answer = recorded.get(request.key)
            if answer is None:
                if not done.missing:
                    done.first = request.body
                done.missing += 1
                missing_bytes += size(request.body)
                most = request.chat.most_tokens
                done.tokens_out = None if most is None or done.tokens_out is None else done.tokens_out + most
            elif answer.tokens_in:
                done.measured_on += 1
                known_bytes += size(request.body)
                known_tokens += answer.tokens_in
            done.first = done.first or request.body
        done.asked_about += done.missing > before
    if done.is_measured:
        done.bytes_a_token = known_bytes / known_tokens
    done.tokens_in = round(missing_bytes / done.bytes_a_token)
    return done


def allow(reckoned: Estimate, endpoint: Endpoint, config_path: Path) -> None:
    """Raise DistillError where the missing answers may not be asked for: texts would leave the machine unasked, or cost
    more than is left of the budget."""
    left = None if endpoint.budget is None else endpoint.budget - reckoned.spent
    would = (
        f"{reckoned.missing:,} requests about {reckoned.asked_about:,} texts would go to {endpoint.host}, "
        f"{reckoned.tokens_in:,} tokens and "
        + ("answers without a limit" if reckoned.tokens_out is None else f"{reckoned.tokens_out:,} of answers at most")
        + (f", at a cost of {amount(endpoint, reckoned.cost(endpoint))}" if endpoint.price_in is not None else "")
    )
    section = f"in the section [teacher] of {config_path}"
    if endpoint.is_remote and not (endpoint.allow_remote and endpoint.budget):
        raise DistillError(
            f"{endpoint.host} is on another machine: {would}",
            f"If they may, set `allow_remote = true` and a `budget` {section} (in tokens, or in money with `price_in` "
            "and `price_out`).",
        )
    if left is None:
        return
    if reckoned.tokens_out is None:
        raise DistillError(f"{would}: no budget can be kept so", f"Set `max_tokens` in each `body` of {config_path}.")
    if reckoned.cost(endpoint) > left:
        raise DistillError(
            f"{would}: {amount(endpoint, reckoned.cost(endpoint))}, and of the budget of "
            f"{amount(endpoint, endpoint.budget or 0)} {amount(endpoint, left)} are left",
            f"Nothing was asked. Raise `budget` {section}, ask about fewer texts, or ask shorter questions; "
            "`weasel run estimate` shows the first one.",
        )


def ask_missing(
    texts: Callable[[], Iterable[Text]],
    nlp: Language,
    components: list[Component],
    endpoint: Endpoint,
    config_path: Path,
    journal_path: Path,
) -> tuple[Recorded, Estimate, Asked]:
    """Ask for the answers about `texts` that are not recorded, where that is allowed. Returns all that are recorded
    then, what was reckoned before, and what became of the requests.

    Raises DistillError as `allow` does, and where the journal has another writer.
    """
    before = journal_path.stat().st_size if journal_path.exists() else 0
    recorded = load_responses(journal_path)
    reckoned = estimate(texts(), nlp, components, recorded, endpoint)
    if not reckoned.missing:
        return recorded, reckoned, Asked()
    allow(reckoned, endpoint, config_path)
    with Journal(journal_path) as journal:
        if journal_path.stat().st_size != before:
            # Another run has recorded answers meanwhile, which must not be paid twice
            recorded = load_responses(journal_path)
            reckoned = estimate(texts(), nlp, components, recorded, endpoint)
            allow(reckoned, endpoint, config_path)
        requests = missing(texts(), nlp, components, recorded)
        asked = ask(requests, reckoned.missing, endpoint, journal, recorded, reckoned.bytes_a_token)
    return recorded, reckoned, asked
