"""Silver annotations and reviews to spaCy's DocBin: corpus/silver.spacy, train.spacy, dev.spacy, test.spacy."""

from pathlib import Path

from distill.corpus.convert import convert
from distill.errors import run
from distill.options import Task
from wasabi import msg


def main(
    texts: Path,
    silver: Path,
    reviews: Path,
    output: Path,
    task: Task,
) -> None:
    """Write what spaCy trains on into the folder OUTPUT, from TEXTS, SILVER and the journal of REVIEWS."""
    done = convert(texts, silver, reviews, task, output)
    if done.quarantined:
        msg.warn(f"{done.quarantined} decisions cannot be used; {output / 'quarantine.jsonl'} says which and why")
    if done.conflicts:
        msg.warn(f"{done.conflicts} texts have decisions that differ, and are left out until one supersedes the others")
    if done.incomplete:
        msg.warn(
            f"{done.incomplete} texts are decided on some labels only. A component learns from a text once all of its "
            "labels are decided: go on with `weasel run review`, with and without a label"
        )
    if done.older_guidelines:
        msg.warn(f"{done.older_guidelines} decisions were made under other guidelines than task.yml's. {done.rule}")
    docs = ", ".join(f"{count} {name}" for name, count in done.docs.items())
    msg.good(f"{output}: {docs}; {done.left_out} decisions to reject or ignore left out")
    for kind, count in done.silver.items():
        if not count:
            msg.warn(f"No answer of the teacher for {kind} may train unreviewed, so {kind} learns from reviews alone")
    if not done.docs["test"]:
        msg.info(f"No test text is reviewed yet: they stand first in corpus/queue.jsonl; decisions go into {reviews}")


if __name__ == "__main__":
    run(main)
