"""What the teacher's missing answers would take: requests, tokens and cost. Nothing is asked."""

import json
from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.teacher.adapter import load_teacher
from distill.teacher.annotate import annotated_texts
from distill.teacher.endpoint import amount, load_endpoint
from distill.teacher.estimate import allow, estimate
from distill.teacher.responses import load_responses
from typer import Option
from wasabi import msg


def main(
    texts: Path,
    config: Annotated[Path, Option(help="The teacher's spacy-llm config.")],
    responses: Annotated[Path, Option(help="The journal of the teacher's answers.")],
) -> None:
    """Reckon what annotating TEXTS would take, and say whether `annotate` would do it."""
    endpoint = load_endpoint(config)
    if endpoint is None:
        msg.info(f"There is no teacher ({config} has an empty pipeline), so nothing would be asked")
        return
    nlp, components = load_teacher(config)
    reckoned = estimate(annotated_texts(texts), nlp, components, load_responses(responses), endpoint)
    by = f"measured on {reckoned.measured_on} answers" if reckoned.is_measured else "assumed"
    rows = [
        ("texts", f"{reckoned.texts:,}"),
        ("requests", f"{reckoned.requests:,}"),
        ("answered already", f"{reckoned.requests - reckoned.missing:,}"),
        ("to ask", f"{reckoned.missing:,}, about {reckoned.asked_about:,} texts, at {endpoint.host}"),
        ("tokens in", f"{reckoned.tokens_in:,} ({reckoned.bytes_a_token:.1f} bytes each, {by})"),
        ("tokens out", "no limit" if reckoned.tokens_out is None else f"{reckoned.tokens_out:,} at most"),
    ]
    if endpoint.price_in is not None:
        rows.append(("cost", f"{amount(endpoint, reckoned.cost(endpoint))} at most"))
    if endpoint.budget is not None:
        spent = amount(endpoint, reckoned.spent)
        rows.append(("budget", f"{amount(endpoint, endpoint.budget)}, of which {spent} are spent"))
    if reckoned.first:
        msg.text("The first request, as it would be sent:")
        # Not through wasabi, which would break its lines
        print(json.dumps(reckoned.first, ensure_ascii=False, indent=2))
    msg.table(rows, aligns=("l", "l"))
    if reckoned.missing:
        allow(reckoned, endpoint, config)
        msg.good("`weasel run annotate` would ask; `weasel run smoke` asks about a few texts first")
    else:
        msg.good("Nothing is to be asked: every answer is recorded")


if __name__ == "__main__":
    run(main)
