"""The one error that a user is meant to read, and how a command ends with it."""

import errno
from collections.abc import Callable
from pathlib import Path

import typer
from wasabi import msg

SURROUNDINGS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""Errors of the operating system that are no fault of the code."""


class DistillError(Exception):
    """A mistake in the input or the surroundings, with what to do about it.

    message: what is wrong; names the file and line where there is one.
    remedy: what the user does next.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def at(path: Path, line: int | None = None) -> str:
    """The place an error message begins with: `assets/texts.jsonl, line 3`."""
    return f"{path}, line {line}" if line else str(path)


def run(command: Callable[..., None]) -> None:
    """Run `command` as a typer program: a DistillError ends it with exit code 1 and no traceback, and so does a disk
    that is full or may not be written to."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app()
    except DistillError as error:
        msg.fail(error.message, error.remedy, exits=1)
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            raise
        msg.fail(
            f"{error.filename or 'a file'}: {error.strerror}",
            "Mend that, and run this again; files are written whole or not at all.",
            exits=1,
        )
