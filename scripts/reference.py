"""The configuration reference and the list of errors, from the code into docs/."""

from pathlib import Path

from distill.errors import run
from distill.reference import reference
from wasabi import msg


def main() -> None:
    """Write docs/configuration.md, and the errors of docs/troubleshooting.md."""
    count = reference(Path())
    msg.good(f"docs/configuration.md; docs/troubleshooting.md: {count} errors")


if __name__ == "__main__":
    run(main)
