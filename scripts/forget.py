"""A text and everything made from it leaves the project and the remote storage."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Truth
from distill.share.forget import forget
from typer import Option
from wasabi import msg


def main(
    text_id: str,
    remote: Annotated[str, Option(help="A folder, or a bucket: s3://bucket/name; empty for none.")],
    allow_remote: Annotated[Truth, Option(help="Whether texts may leave this machine.")],
    unclaimed: Annotated[Truth, Option(help="Whether answers go of which cannot be told what they are about.")],
) -> None:
    """Remove the text TEXT_ID from all that people own and the steps made, here and in REMOTE."""
    done = forget(Path.cwd(), text_id, remote, allow_remote=bool(allow_remote), unclaimed=bool(unclaimed))
    for path, count in done.lines.items():
        msg.text(f"{path}: {count} {'line' if count == 1 else 'lines'} removed")
    if done.answers:
        msg.text(f"{done.answers} of the answers were to none of the texts as they are asked about now")
    msg.text(f"{done.made} files and folders that the steps made were removed")
    for wheel in done.wheels:
        msg.warn(f"{wheel} was trained with it")
    for wheel in done.maybe:
        msg.warn(f"{wheel}: whether it was trained with it cannot be told")
    if done.still:
        more = f" and {len(done.still) - 10} more" if len(done.still) > 10 else ""
        msg.warn(f"the text still stands in {', '.join(done.still[:10])}{more}")
    if Path(".git").exists():
        msg.warn("the history of git still has what was committed; see docs/share.md")
    if done.remote is None:
        msg.info("No remote storage is named; what was pushed, if anything was, still has it")
    else:
        msg.good(f"{remote}: {done.remote} files removed; others lose it with their next `weasel run pull`")
    msg.info("Next: `weasel run all` makes everything again without it")


if __name__ == "__main__":
    run(main)
