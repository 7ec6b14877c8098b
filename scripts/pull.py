"""What others pushed to the remote storage, joined with what is here."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Remote, Truth
from distill.share.pull import pull
from distill.share.say import joined
from typer import Option
from wasabi import msg


def main(
    remote: Remote,
    replace: Annotated[Truth, Option(help="Whether outputs may stand for others that differ.")],
) -> None:
    """Get people's files from REMOTE, and the outputs that match what is here."""
    done = pull(Path.cwd(), remote, replace=bool(replace))
    joined(done.new, done.gone)
    if done.conflicts:
        msg.warn(
            f"{len(done.conflicts)} texts are decided differently: {', '.join(done.conflicts[:10])}"
            + (", …" if len(done.conflicts) > 10 else "")
            + "; `weasel run review` shows both sides"
        )
    for step, why in done.untaken.items():
        msg.text(f"outputs of {step} not taken: {why}")
    if done.replaced:
        msg.warn(f"{len(done.replaced)} outputs were replaced: {', '.join(done.replaced)}")
    msg.good(f"{remote}: {len(done.taken)} outputs taken, {len(done.same)} were the same here")
    if done.will_run:
        msg.info(f"Next: `weasel run all`, which will run {', '.join(done.will_run)}")
    else:
        msg.info("Everything here is as it was pushed; `weasel run all` has nothing to do")


if __name__ == "__main__":
    run(main)
