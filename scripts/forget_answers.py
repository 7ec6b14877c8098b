"""Empty the journal of the teacher's answers, so that the teacher itself is asked again."""

from pathlib import Path

from distill.errors import run
from distill.journal import clear
from wasabi import msg


def main(responses: Path) -> None:
    """Empty the journal RESPONSES; what it held goes to RESPONSES.old."""
    count = clear(responses)
    if count:
        msg.good(f"{responses}: {count} answers moved to {responses}.old")
    else:
        msg.info(f"{responses}: there were no answers")
    msg.info("Next: `weasel run annotate` asks the teacher itself")


if __name__ == "__main__":
    run(main)
