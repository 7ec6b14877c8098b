"""Options that several commands have, so that they are the same everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Option


class Truth(StrEnum):
    """A yes or no as project.yml writes it: weasel fills in words, not flags."""

    true = "true"
    false = "false"

    def __bool__(self) -> bool:
        return self is Truth.true


Remote = Annotated[str, Option(help="A folder, or a bucket: s3://bucket/name.")]
Task = Annotated[Path, Option(help="What to learn.")]
Labels = Annotated[Path, Option(help="The folder of label files that convert wrote.")]
Seed = Annotated[int, Option(help="Seed of all that is random.")]
GpuId = Annotated[int, Option(help="The GPU to train on; -1 for the CPU.")]
