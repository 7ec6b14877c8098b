"""Training: the silver stage, the reviewed stage, and the reviewed-only control, all from one config."""

import io
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy import util
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as spacy_train

from distill.corpus.docbin import count_annotated, label_file, read_docs
from distill.errors import DistillError
from distill.task import KINDS, Kind

MODEL = "model-best"
LOG = "log.jsonl"
META = "distill"
"""The key in a pipeline's meta under which its history stands."""

History = dict[str, dict[Kind, int]]
"""What a pipeline learned from, in order: for each corpus (`silver`, `reviewed`) its number of texts by component."""


@dataclass(frozen=True)
class Stage:
    """One training. train, dev: DocBins; labels: the folder of label files; source: the pipeline it starts from, or
    None for a new one; gpu_id: -1 for the CPU."""

    config: Path
    train: Path
    dev: Path
    labels: Path
    seed: int
    gpu_id: int = -1
    source: Path | None = None


@dataclass(frozen=True)
class Trained:
    """A trained pipeline. docs: texts it learned from in this stage (0: it is as it was before); score: on dev, 0 to 1,
    None without dev texts."""

    nlp: Language
    docs: int
    score: float | None

    @property
    def score_text(self) -> str:
        """The score as a command prints it."""
        return "none, for no dev text is reviewed" if self.score is None else f"{self.score:.3f}"


def train(stage: Stage, output: Path, name: str) -> Trained:
    """Train a stage and write the pipeline to `output/model-best` and the log to `output/log.jsonl`.

    With no training texts, the pipeline is what it was before: the source, or one that is only initialised. With no dev
    texts, there is nothing to choose the best step by, and the last one is kept.

    The pipeline is saved without its vocabulary, which would carry the words of the training texts.

    Raises DistillError where the config is not valid.
    """
    trained, log = fit(stage)
    history = learned_from(spacy.load(stage.source)) if stage.source else {}
    if trained.docs:
        kinds = [kind for kind in KINDS if kind in trained.nlp.pipe_names]
        history[name] = count_annotated(read_docs(stage.train), kinds)
    trained.nlp.meta[META] = history
    save(trained.nlp, output / MODEL)
    (output / LOG).write_bytes(log)
    return trained


def fit(stage: Stage, *, quiet: bool = False) -> tuple[Trained, bytes]:
    """Train a stage in memory: the pipeline, and the log as JSON lines. quiet: without a progress bar."""
    docs, dev_docs = len(read_docs(stage.train)), len(read_docs(stage.dev))
    setup_gpu(stage.gpu_id, silent=quiet)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if docs == 0:
            if stage.source:
                return Trained(spacy.load(stage.source), 0, None), b""
            return Trained(_initialised(stage, folder), 0, None), b""
        log = folder / LOG
        config = _config(stage, train=stage.train, dev=stage.dev if dev_docs else stage.train, log=log)
        if quiet:
            config["training"]["logger"]["progress_bar"] = None
        nlp = init_nlp(config, use_gpu=stage.gpu_id)
        # spaCy's messages name the temporary folder; its progress bar is on stderr
        spacy_train(
            nlp,
            folder,
            use_gpu=stage.gpu_id,
            stdout=io.StringIO(),
            stderr=io.StringIO() if quiet else sys.stderr,
        )
        best = spacy.load(folder / (MODEL if dev_docs else "model-last"))
        best.config["paths"].update({"train": str(stage.train), "dev": str(stage.dev), "log": None})
        return Trained(best, docs, _best_score(log) if dev_docs else None), log.read_bytes()


def workers(gpu_id: int) -> int:
    """Trainings at a time: one on a GPU, one a core without."""
    return 1 if gpu_id >= 0 else os.cpu_count() or 1


def save(nlp: Language, path: Path) -> None:
    """Write a pipeline without its vocabulary, in place of what was there."""
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(path, exclude=["vocab"])


def learned_from(nlp: Language) -> History:
    """What a pipeline learned from; nothing if it is only initialised."""
    history: History = nlp.meta.get(META, {})
    return history


def _best_score(log: Path) -> float:
    return max(row["score"] for row in srsly.read_jsonl(log) if row.get("score") is not None)


def _config(stage: Stage, *, train: Path, dev: Path, log: Path) -> Any:
    overrides: dict[str, Any] = {
        "paths.train": str(train),
        "paths.dev": str(dev),
        "paths.log": str(log),
        "system.seed": stage.seed,
    }
    try:
        config = util.load_config(stage.config, overrides=overrides, interpolate=False)
    except ValueError as error:
        raise DistillError(f"{stage.config}: {error}", "Correct the section that is named.") from None
    for kind in config["initialize"].get("components", {}):
        config["paths"][f"{kind}_labels"] = str(label_file(stage.labels, kind))
    if stage.source:
        config["paths"]["silver_model"] = str(stage.source)
        for pipe in config["nlp"]["pipeline"]:
            config["components"][pipe] = {"source": "${paths.silver_model}"}
    return config


def _initialised(stage: Stage, folder: Path) -> Language:
    """A pipeline with all its labels and untrained weights. spaCy infers shapes from a first example, whatever it
    holds."""
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["x"])
    doc.set_ents([], default="outside")
    dummy = folder / "dummy.spacy"
    DocBin(docs=[doc]).to_disk(dummy)
    return init_nlp(_config(stage, train=dummy, dev=dummy, log=folder / LOG), use_gpu=stage.gpu_id)
