"""Where the model comes from, as training/provenance.json: hashes, versions, seeds."""

from pathlib import Path
from typing import Annotated

from distill.errors import run
from distill.share.provenance import provenance
from typer import Option
from wasabi import msg


def main(
    output: Path,
    silver: Annotated[Path, Option(help="The teacher's annotations of the pool.")],
    blind: Annotated[Path, Option(help="The teacher's annotations of the blind samples.")],
    reviews: Annotated[Path, Option(help="The journal of people's decisions.")],
    config: Annotated[Path, Option(help="The teacher's config.")],
) -> None:
    """Write to OUTPUT from which texts, answers, decisions, configs and code the model came."""
    made = provenance(Path(), output, annotated=[silver, blind], reviews=reviews, teacher_config=config)
    commit = made["git"]
    changed = f", {len(commit['changed'])} of them changed since commit {commit['commit'][:12]}" if commit else ""
    msg.good(f"{output}: {len(made['files'])} files{changed}; {len(made['commands'])} steps")


if __name__ == "__main__":
    run(main)
