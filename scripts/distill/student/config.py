"""The student's training config: what spaCy's `init config` gives, made small."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from confection import Config
from spacy.cli.init_config import init_config

from distill.corpus.docbin import label_file
from distill.errors import DistillError
from distill.student.schedule import steps_for
from distill.task import KINDS, LABEL_KINDS, SPAN_KINDS, Kind

WIDTH = 64
"""Of the token-to-vector layer; spaCy's default is 96, at a depth of 4."""

FEW_LABELS = 5
"""Up to so many labels of spans a depth of 2 will do; more of them need the context that a depth of 4 sees, the cost of
which is kept down by fewer pieces (benchmarks/README.md)."""

BOW_LENGTH = 32768
"""Rows of the bag of words that labels texts, a power of two; spaCy's default is 262144, which take 1 MB a label."""

LONGEST_SPAN = 6
"""Tokens of the longest span that `spancat` can find."""

HEADER = """\
# The student: the spaCy pipeline that ships. What `spacy init config` gives for the task's components, made small and
# fast. The scripts set [paths] and the seed; docs/distil.md tells how to change the rest.

"""
TRANSFORMER = """\
# The student: the spaCy pipeline that ships. What `spacy init config` gives for the components on a GPU. The scripts
# set [paths] and the seed; docs/distil.md tells how to change the rest.

"""


def student_config(language: str, components: Mapping[Kind, int], texts: int, transformer: str = "") -> str:
    """The config of a student, as a file.

    components: those of the task, with their number of labels. texts: how many there are to learn from, by which the
    steps of training are chosen; 0 where nobody knows. transformer: the name of a pretrained model, for a student on a
    GPU, which then has spaCy's own sizes and settings.

    Raises DistillError where it cannot be made for want of a package.
    """
    pipeline = [kind for kind in KINDS if kind in components]
    config = init_config(
        lang=language,
        pipeline=list(pipeline),
        optimize="accuracy" if transformer else "efficiency",
        gpu=bool(transformer),
    )
    if transformer:
        if "transformer" not in config["components"]:
            raise DistillError(
                "spaCy cannot make the config of a transformer in this environment",
                '`pip install "spacy[transformers]"`',
            )
        config["components"]["transformer"]["model"]["name"] = transformer
    else:
        _sizes(config["components"], components)
        _schedule(config["training"], texts)
    if "spancat" in pipeline:
        suggester = {"@misc": "spacy.ngram_range_suggester.v1", "min_size": 1, "max_size": LONGEST_SPAN}
        config["components"]["spancat"]["suggester"] = suggester
    config["training"]["logger"] = {
        "@loggers": "spacy.ConsoleLogger.v3",
        "progress_bar": "train",
        "console_output": False,
        "output_file": "${paths.log}",
    }
    _paths(config, pipeline)
    return (TRANSFORMER if transformer else HEADER) + config.to_str(interpolate=False) + "\n"


def _sizes(pipes: dict[str, Any], components: Mapping[Kind, int]) -> None:
    if "tok2vec" in pipes:
        few = all(labels <= FEW_LABELS for kind, labels in components.items() if kind in SPAN_KINDS)
        deep = {"depth": 2} if few else {"depth": 4, "maxout_pieces": 2}
        pipes["tok2vec"]["model"]["encode"].update({"width": WIDTH, **deep})
    for kind in LABEL_KINDS & pipes.keys():
        pipes[kind]["model"].update({"length": BOW_LENGTH, "ngram_size": 2})


def _schedule(training: dict[str, Any], texts: int) -> None:
    """spaCy's own settings, but for an earlier end where there are few texts: no fewer than 1,000 steps, and the step
    that scored best on dev is kept in any case."""
    steps = steps_for(texts)
    training["max_steps"] = steps
    training["patience"] = min(steps // 2, training["patience"])
    training["eval_frequency"] = min(steps // 10, training["eval_frequency"])


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
