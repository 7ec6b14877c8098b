"""A few texts live: what the teacher is asked, what it answers, what is read of that and what is not."""

from pathlib import Path
from typing import Annotated

from distill.errors import DistillError, run
from distill.options import Seed, Task
from distill.teacher.smoke import Looked, smoke
from typer import Option
from wasabi import msg


def main(
    texts: Path,
    task: Task,
    config: Annotated[Path, Option(help="The teacher's spacy-llm config.")],
    responses: Annotated[Path, Option(help="The journal of the teacher's answers; new ones are appended.")],
    count: Annotated[int, Option(help="How many texts.", min=1)],
    seed: Seed,
) -> None:
    """Ask the teacher about a few of TEXTS, drawn from the pool, and show all there is to see; record the answers."""
    looked, asked = smoke(texts, task, config, responses, count=count, seed=seed)
    for number, one in enumerate(looked, start=1):
        _show(one, number, whole=number == 1)
    if asked.stopped or asked.failures:
        reason = asked.stopped or next(iter(asked.failures.values()))
        raise DistillError(f"not every request was answered: {reason}", "Mend that before the big run.")
    msg.good(f"{len(looked)} texts; {asked.answered} answers are new, and recorded in {responses}")


def _show(looked: Looked, number: int, *, whole: bool) -> None:
    """A text with its requests (`whole`: with all turns, or else the question alone), answers and annotations."""
    record = looked.record
    msg.divider(f"{number}. {record.id}")
    print(f"text> {record.text}\n")
    for request, response in looked.exchanges:
        turns = request.body.get("messages") or [{"role": "prompt", "content": request.body.get("prompt", "")}]
        for turn in turns if whole else turns[-1:]:
            # Of a text to be continued the end is the question
            lines = turn["content"] if whole or turn["role"] != "prompt" else f"… {turn['content'][-200:]}"
            print(f"{turn['role']}> {lines}")
        print(f"answer> {response.answer!r} ({response.finish_reason})" if response else "answer> none")
        print()
    for kind, run_ in record.teacher.items():
        print(f"{kind}: {run_.status}" + (f" ({run_.error})" if run_.error else ""))
        for item in run_.dropped:
            print(f"  not used: {item.item} ({item.reason})")
    for span in record.spans or []:
        print(f"  {span.label}: {record.text[span.start : span.end]} ({span.start}–{span.end})")
    if record.accept is not None:
        print(f"  labels: {', '.join(record.accept) or 'none'}")


if __name__ == "__main__":
    run(main)
