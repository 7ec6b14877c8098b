"""The student that ships, as a wheel: packages/*.whl."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Task
from distill.student.package import package
from typer import Option
from wasabi import msg


def main(
    metrics: Path,
    output: Path,
    name: Annotated[str, Option(help="Name of the pipeline; the language goes before it.")],
    version: Annotated[str, Option(help="Version of the wheel.")],
    task: Task,
    provenance: Annotated[Path, Option(help="Where the model comes from.")],
    silver_model: Annotated[Path, Option(help="The student of the silver stage.")],
    reviewed_model: Annotated[Path, Option(help="The control, which learned from reviews alone.")],
    model: Annotated[Path, Option(help="The student of both stages.")],
) -> None:
    """Pack the student that METRICS says dev preferred into a wheel in the folder OUTPUT."""
    models = {"silver": silver_model, "reviewed": reviewed_model, "two_stage": model}
    wheel = package(models, metrics, provenance, task, output, name=name, version=version)
    msg.good(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB; pip install {wheel}")


if __name__ == "__main__":
    run(main)
