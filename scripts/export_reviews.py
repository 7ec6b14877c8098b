"""The decisions in force, for another tool."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.formats.offsets import read_unit
from distill.formats.registry import Name
from distill.options import Task
from distill.review.export_reviews import export_reviews
from typer import Option
from wasabi import msg


def main(
    texts: Path,
    reviews: Path,
    output: Path,
    format_: Annotated[Name, Option("--format", help="The tool that is to read it; jsonl: our own records.")],
    task: Task,
    refused: Annotated[Path, Option(help="Output: the decisions that the format cannot hold, with the reason.")],
    unit: Annotated[
        str, Option(help="code-point, utf-16 or grapheme: what doccano's offsets count; empty: its own.")
    ] = "",
) -> None:
    """Write what was decided on TEXTS, by the journal REVIEWS, to OUTPUT."""
    done = export_reviews(texts, reviews, task, output, format_, refused, read_unit(unit))
    if done.refused:
        msg.warn(f"{done.refused} decisions do not fit the format; {refused} says which and why")
    if done.conflicts:
        msg.warn(f"{done.conflicts} texts have decisions that differ, and are not in it until somebody settles them")
    msg.good(f"{output}: {done.decisions} decisions")


if __name__ == "__main__":
    run(main)
