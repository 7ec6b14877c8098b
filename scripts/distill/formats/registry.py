"""The formats by name: what reads each, and what writes it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from distill.formats import argilla, docbin, doccano, iob, jsonl, label_studio, prodigy
from distill.formats.labelled import Labelled, Refused, Suggested, Unwritable
from distill.formats.offsets import Unit
from distill.task import Task

Name = Literal["jsonl", "prodigy", "label-studio", "doccano", "argilla", "iob", "docbin"]
QueueName = Literal["prodigy", "label-studio"]


class Format(Protocol):
    """A module for a format. unit: what the offsets of the file count, as the user named it, if they did."""

    def read(self, path: Path, task: Task, unit: Unit | None) -> Iterator[Labelled | Refused]:
        """The rows of a file. Raises DistillError where it is none of this format."""

    def write(self, path: Path, rows: Sequence[Labelled], task: Task, unit: Unit | None) -> list[Unwritable]:
        """Write rows, and return those that the format cannot hold."""


FORMATS: dict[Name, Format] = {
    "jsonl": jsonl,
    "prodigy": prodigy,
    "label-studio": label_studio,
    "doccano": doccano,
    "argilla": argilla,
    "iob": iob,
    "docbin": docbin,
}

QUEUES: dict[QueueName, Callable[[Path, Iterable[Suggested], Task], None]] = {
    "prodigy": prodigy.write_queue,
    "label-studio": label_studio.write_queue,
}
"""The tools to which texts can go with what the teacher suggests."""
