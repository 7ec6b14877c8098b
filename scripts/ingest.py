"""Raw texts to corpus/texts.jsonl, with the blind samples drawn."""

from pathlib import Path
from typing import Annotated

from distill.corpus.ingest import ingest
from distill.errors import run
from distill.forgotten import load_forgotten
from typer import Option
from wasabi import msg


def main(
    source: Path,
    output: Path,
    split: Annotated[Path, Option(help="The frozen draw of the blind samples; an empty one is drawn now.")],
    forgotten: Annotated[Path, Option(help="By what forgotten texts are known; these are passed over.")],
    rejected: Annotated[Path, Option(help="Where the rows that cannot be used go, with file, line and reason.")],
    test: Annotated[int, Option(help="Texts of the test sample, when it is drawn.", min=0)],
    dev: Annotated[int, Option(help="Texts of the dev sample, when it is drawn.", min=0)],
    seed: Annotated[int, Option(help="Seed of the draw.")],
    max_characters: Annotated[int, Option(help="Longer texts are rejected.", min=1)],
) -> None:
    """Read texts from SOURCE (.jsonl, .csv, .tsv, .txt or a folder) into OUTPUT: ids, no exact duplicates, and the
    blind samples drawn once."""
    known = {mark for entry in load_forgotten(forgotten) for mark in entry.hashes}
    sizes = {"test": test, "dev": dev, "seed": seed, "max_characters": max_characters}
    done = ingest(source, split, output, rejected, **sizes, forgotten=known)
    if done.drawn:
        msg.good(f"Blind samples drawn and frozen in {split}: {done.drawn.test} test, {done.drawn.dev} dev")
        wanted = done.drawn.wanted
        if (done.drawn.test, done.drawn.dev) != (wanted["test"], wanted["dev"]):
            msg.warn(
                f"{wanted['test']} test and {wanted['dev']} dev texts were wanted; they get half of the texts at most. "
                f"To draw anew from more texts, empty {split} before anything is reviewed."
            )
    if done.missing:
        msg.warn(
            f"{len(done.missing)} texts of the blind samples are no longer in {source}: {', '.join(done.missing[:5])}"
        )
    if done.forgotten:
        msg.warn(f"{done.forgotten} rows are of texts that were forgotten, and still stand in {source}")
    if done.rejected:
        msg.warn(f"{done.rejected} rows could not be used; {rejected} says which and why")
    samples = ", ".join(f"{count} {name}" for name, count in sorted(done.samples.items())) or "none yet"
    msg.good(f"{output}: {done.texts} texts ({samples}), {done.duplicates} exact duplicates removed")
    if not done.texts:
        msg.info(f'Put texts into {source}, one a line: {{"text": "…"}}')


if __name__ == "__main__":
    run(main)
