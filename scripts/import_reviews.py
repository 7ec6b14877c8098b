"""Decisions that were made elsewhere, into assets/reviews.jsonl."""

from pathlib import Path
from typing import Annotated, Literal

from distill.errors import run
from distill.formats.offsets import read_unit
from distill.formats.registry import Name
from distill.options import Task
from distill.review.import_reviews import Paths, import_reviews
from typer import Option
from wasabi import msg


def main(
    source: Path,
    format_: Annotated[
        Name,
        Option("--format", help="The tool that wrote it; jsonl: our own records."),
    ],
    task: Task,
    texts: Annotated[Path, Option(help="The project's texts; new ones are added to a .jsonl file.")],
    split: Annotated[Path, Option(help="The frozen draw of the blind samples.")],
    reviews: Annotated[Path, Option(help="The journal of decisions; new ones are appended.")],
    refused: Annotated[Path, Option(help="Output: the rows that cannot be used, with the reason.")],
    annotator: Annotated[str, Option(help="Who decided, where the rows do not say.")],
    sample: Annotated[
        Literal["pool", "test", "dev"], Option(help="test or dev: freeze these texts as that blind sample.")
    ] = "pool",
    unit: Annotated[
        str, Option(help="code-point, utf-16 or grapheme: what offsets count, where the file leaves that open.")
    ] = "",
) -> None:
    """Add the decisions in SOURCE to the journal. What was imported before is not added again."""
    done = import_reviews(
        source, format_, Paths(task, texts, split, reviews, refused), annotator, sample, read_unit(unit)
    )
    if done.refused:
        msg.warn(f"{done.refused} rows cannot be used; {refused} says which and why")
    if done.conflicts:
        msg.warn(f"{done.conflicts} texts have decisions that differ, and are left out until one supersedes the others")
    answers = ", ".join(f"{count} {answer}" for answer, count in done.answers.most_common()) or "none"
    known = f", {done.known} were there already" if done.known else ""
    msg.good(f"{reviews}: {done.decisions} new decisions ({answers}){known}; {done.texts} texts new in {texts}")
    if done.sample:
        msg.good(f"{split}: {done.sample} texts are the {sample} sample")


if __name__ == "__main__":
    run(main)
