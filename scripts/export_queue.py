"""The queue with the teacher's suggestions, for a team that reviews in another tool."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.formats.registry import QueueName
from distill.options import Task
from distill.review.export_queue import export_queue
from distill.teacher.endpoint import load_endpoint
from typer import Option
from wasabi import msg


def main(
    queue: Path,
    silver: Path,
    reviews: Path,
    output: Path,
    format_: Annotated[QueueName, Option("--format", help="The tool in which it is reviewed.")],
    task: Task,
    config: Annotated[Path, Option(help="The teacher's config, for its name on the suggestions.")],
) -> None:
    """Write the texts of QUEUE that are not decided in the journal REVIEWS to OUTPUT, with the suggestions in SILVER;
    the blind samples go without."""
    endpoint = load_endpoint(config)
    done = export_queue(queue, silver, reviews, task, output, format_, endpoint.identity if endpoint else "none")
    msg.good(
        f"{output}: {done.texts} texts to decide on, {done.suggested} with suggestions, {done.blind} of them blind; "
        f"bring the decisions back with `weasel run import-reviews`"
    )


if __name__ == "__main__":
    run(main)
