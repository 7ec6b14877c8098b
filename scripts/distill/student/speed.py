"""How fast a pipeline is: words a second and milliseconds a text, on one core, in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPEATS = 3
MIN_WORDS = 20_000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1")


def measure(model: Path, texts: Sequence[str]) -> dict[str, Any]:
    """Words a second over a stream of texts, and the median milliseconds of a text by itself; words as
    `count_words` counts them. The texts are repeated to at least 20,000 words, and the best of three passes counts,
    since all else that runs on the machine only ever slows it down.
    """
    done = subprocess.run(
        [sys.executable, __file__, str(model)],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **ONE_THREAD},
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measure_here(model: str, texts: list[str]) -> dict[str, Any]:
    import statistics

    import spacy

    from distill.records import count_words

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    nlp = spacy.load(model)
    docs = [nlp.make_doc(text) for text in texts]
    words = sum(count_words(doc.text, [token.text for token in doc], str(nlp.lang)) for doc in docs)
    rounds = max(1, -(-MIN_WORDS // max(words, 1)))
    stream = texts * rounds
    for _ in nlp.pipe(texts):
        pass
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _ in nlp.pipe(stream):
            pass
        seconds.append(time.perf_counter() - started)
    single = []
    for text in texts[:200]:
        started = time.perf_counter()
        nlp(text)
        single.append(1000 * (time.perf_counter() - started))
    return {
        "words_per_second": round(words * rounds / min(seconds)),
        "milliseconds_per_text": round(statistics.median(single), 2),
    }


if __name__ == "__main__":
    print(json.dumps(_measure_here(sys.argv[1], json.load(sys.stdin))))
