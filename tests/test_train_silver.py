"""`train-silver`: learns from the teacher; with no silver, a pipeline that is only initialised, with all its labels."""

import hashlib
from pathlib import Path

import spacy
from conftest import Project
from corpora import SWAPS, TOPICS, WAYS, stage
from distill.student.train import learned_from, train


def weights(model: Path) -> dict[str, str]:
    files = sorted(path for path in model.rglob("*") if path.is_file())
    return {str(path.relative_to(model)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_learns_and_says_from_what(tmp_path: Path) -> None:
    done = train(stage(tmp_path / "s", WAYS + SWAPS, WAYS[:4] + SWAPS[:4]), tmp_path / "out", "silver")
    nlp = spacy.load(tmp_path / "out/model-best")
    doc = nlp("How do I stir polenta in a wok?")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("polenta", "DISH"), ("wok", "EQUIPMENT")]
    assert max(doc.cats, key=lambda name: doc.cats[name]) == "technique"
    assert learned_from(nlp) == {"silver": {"ner": 24, "textcat": 24}}
    assert done.score is not None
    assert done.score > 0.8, "one of three topics is not in dev, so 0.83 is all there is"
    assert (tmp_path / "out/log.jsonl").read_text().count("\n") >= 4


def test_without_silver_the_pipeline_is_initialised_with_all_labels(tmp_path: Path) -> None:
    done = train(stage(tmp_path / "s", [], WAYS[:2]), tmp_path / "out", "silver")
    nlp = spacy.load(tmp_path / "out/model-best")
    assert (done.docs, learned_from(nlp)) == (0, {})
    assert nlp.get_pipe("ner").labels == ("DISH", "EQUIPMENT")  # type: ignore[attr-defined]
    assert nlp.get_pipe("textcat").labels == tuple(TOPICS)  # type: ignore[attr-defined]
    nlp("It runs.")


def test_without_dev_texts_the_last_step_is_kept(tmp_path: Path) -> None:
    done = train(stage(tmp_path / "s", WAYS, [], steps=50), tmp_path / "out", "silver")
    assert done.score is None
    assert [ent.text for ent in spacy.load(tmp_path / "out/model-best")("How do I stir risotto in a wok?").ents]


def test_the_same_seed_gives_the_same_weights_in_another_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(stage(tmp_path / "s", WAYS, SWAPS[:3], steps=50), tmp_path / name, "silver")
    assert weights(tmp_path / "a/model-best") == weights(tmp_path / "b/model-best")


def test_no_word_of_the_training_texts_is_in_the_model(tmp_path: Path) -> None:
    train(
        stage(tmp_path / "s", [*WAYS, ("Zebedee stirs.", [], "other")], WAYS[:2], steps=50),
        tmp_path / "out",
        "silver",
    )
    for path in (tmp_path / "out/model-best").rglob("*"):
        assert not path.is_file() or b"ebedee" not in path.read_bytes(), path


def test_the_small_project_has_a_silver_student(ran: Project) -> None:
    assert learned_from(spacy.load(ran.path / "training/silver/model-best")).keys() == {"silver"}
