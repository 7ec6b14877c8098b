"""The student that ships, as a wheel: packages/*.whl."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.options import Task
from distill.student.package import Sources, package
from typer import Option
from wasabi import msg


def main(
    metrics: Path,
    output: Path,
    name: Annotated[str, Option(help="Name of the pipeline; the language goes before it.")],
    version: Annotated[str, Option(help="Version of the wheel.")],
    task: Task,
    texts: Annotated[Path, Option(help="The texts as ingest wrote them.")],
    split: Annotated[Path, Option(help="The frozen draw of the blind samples.")],
    responses: Annotated[Path, Option(help="The journal of the teacher's answers.")],
    manifest: Annotated[Path, Option(help="What convert made the corpora from.")],
    student_config: Annotated[Path, Option(help="The student's config.")],
    teacher_config: Annotated[Path, Option(help="The teacher's config.")],
    silver_model: Annotated[Path, Option(help="The student of the silver stage.")],
    reviewed_model: Annotated[Path, Option(help="The control, which learned from reviews alone.")],
    model: Annotated[Path, Option(help="The student of both stages.")],
) -> None:
    """Pack the student that METRICS says dev preferred into a wheel in the folder OUTPUT."""
    models = {"silver": silver_model, "reviewed": reviewed_model, "two_stage": model}
    sources = Sources(task, texts, split, responses, student_config, teacher_config)
    wheel = package(models, metrics, manifest, sources, output, name=name, version=version)
    msg.good(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB; pip install {wheel}")


if __name__ == "__main__":
    run(main)
