"""What is here to the remote storage, joined with what others pushed."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Remote, Truth
from distill.share.push import push
from distill.share.say import joined
from typer import Option
from wasabi import msg


def main(
    remote: Remote,
    allow_remote: Annotated[Truth, Option(help="Whether texts may leave this machine.")],
) -> None:
    """Send people's files, the code, and the outputs that match project.lock to REMOTE."""
    done = push(Path.cwd(), remote, allow_remote=bool(allow_remote))
    joined(done.new, done.gone)
    for step, why in done.waiting.items():
        msg.text(f"outputs of {step} not pushed: {why}")
    msg.good(f"{remote}: {done.files} files and {done.outputs} outputs")
    if done.waiting or done.will_run:
        msg.info("Next: `weasel run all`, then `weasel run push` for the outputs")


if __name__ == "__main__":
    run(main)
