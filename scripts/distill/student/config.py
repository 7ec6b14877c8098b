"""The student's training config: what spaCy's `init config` gives, made small."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from confection import Config
from spacy.cli.init_config import init_config

from distill.corpus.docbin import label_file
from distill.task import KINDS, Kind

WIDTH, DEPTH, ROWS = 64, 2, [2000, 1000, 1000, 1000]
"""The token-to-vector layer; spaCy's default is 96, 4 and [5000, 1000, 2500, 2500]."""

BOW_LENGTH = 16384
"""Rows of the bag of words that labels texts, a power of two; spaCy's default is 262144, of 1 MB a label."""

LONGEST_SPAN = 6
"""Tokens of the longest span that `spancat` can find."""

MIN_STEPS = 600

HEADER = """\
# The student: the spaCy pipeline that ships. What `spacy init config` gives for the task's components, made small and
# fast. The scripts set [paths] and the seed; docs/distil.md tells how to change the rest.

"""


def student_config(language: str, kinds: Sequence[Kind], texts: int) -> str:
    """The config of a student with these components, as a file. texts: how many there are to learn from, by which the
    steps of training are chosen: a step sees some 250 words."""
    pipeline = [kind for kind in KINDS if kind in kinds]
    config = init_config(lang=language, pipeline=list(pipeline), optimize="efficiency", gpu=False)
    config["nlp"]["batch_size"] = 256
    if "tok2vec" in config["components"]:
        tok2vec = config["components"]["tok2vec"]["model"]
        tok2vec["embed"]["rows"] = ROWS
        tok2vec["encode"].update({"width": WIDTH, "depth": DEPTH})
    for kind in pipeline:
        component = config["components"][kind]
        if kind == "spancat":
            component["suggester"] = {
                "@misc": "spacy.ngram_range_suggester.v1",
                "min_size": 1,
                "max_size": LONGEST_SPAN,
            }
        if component["model"]["@architectures"].startswith("spacy.TextCatBOW"):
            component["model"]["length"] = BOW_LENGTH
    _paths(config, pipeline)
    _training(config["training"], texts)
    return HEADER + config.to_str(interpolate=False) + "\n"


def _paths(config: Config, pipeline: Sequence[Kind]) -> None:
    """The files that the scripts set, and the labels: from task.yml, never from what the data happen to hold."""
    # Stage two starts from `silver_model`
    config["paths"] = {"train": None, "dev": None, "silver_model": None, "log": None}
    for key in ("vectors", "init_tok2vec"):
        config["initialize"][key] = None
    for kind in pipeline:
        config["paths"][f"{kind}_labels"] = label_file(Path("corpus/labels"), kind).as_posix()
        reader = {"@readers": "spacy.read_labels.v1", "path": f"${{paths.{kind}_labels}}"}
        config["initialize"]["components"][kind] = {"labels": reader}


def _training(training: dict[str, Any], texts: int) -> None:
    steps = max(MIN_STEPS, round(0.75 * texts, -2))
    training.update(
        {
            "dropout": 0.3,
            "patience": int(steps / 2),
            "max_steps": int(steps),
            "eval_frequency": int(steps / 12),
            "optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.003},
            "logger": {
                "@loggers": "spacy.ConsoleLogger.v3",
                "progress_bar": "train",
                "console_output": False,
                "output_file": "${paths.log}",
            },
        }
    )
    training["batcher"]["size"] = 250
