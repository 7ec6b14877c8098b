"""Whether the project can run, and what to do next."""

from pathlib import Path

from distill.check import check
from distill.errors import run
from wasabi import msg


def main() -> None:
    """Check configuration, checksums and journals of the project in this folder, and say what to do next."""
    checked = check(Path.cwd())
    for line in checked.done:
        msg.warn(line)
    for line in checked.found:
        msg.text(line)
    msg.good("The configuration is valid")
    msg.info(f"Next: {checked.next}")


if __name__ == "__main__":
    run(main)
