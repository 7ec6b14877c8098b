"""Options that several commands have, so that they are the same everywhere."""

from pathlib import Path
from typing import Annotated

from typer import Option

Task = Annotated[Path, Option(help="What to learn.")]
Labels = Annotated[Path, Option(help="The folder of label files that convert wrote.")]
Seed = Annotated[int, Option(help="Seed of all that is random.")]
GpuId = Annotated[int, Option(help="The GPU to train on; -1 for the CPU.")]
