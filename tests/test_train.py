"""`train`: stage two learns on from stage one, and a topic that silver never held is learnt from reviews."""

from pathlib import Path

import spacy
from conftest import Project
from corpora import SWAPS, WAYS, stage
from distill.student.train import learned_from, train
from test_train_silver import weights


def test_a_topic_that_silver_never_holds_is_learnt_from_reviews(tmp_path: Path) -> None:
    train(stage(tmp_path / "one", WAYS, WAYS[:4]), tmp_path / "silver", "silver")
    silver = spacy.load(tmp_path / "silver/model-best")
    question = "What instead of thyme for porridge?"
    assert max(silver(question).cats.items(), key=lambda item: item[1])[0] == "technique"
    second = stage(tmp_path / "two", WAYS[:6] + SWAPS, WAYS[:4] + SWAPS[:4], source=tmp_path / "silver/model-best")
    train(second, tmp_path / "out", "reviewed")
    nlp = spacy.load(tmp_path / "out/model-best")
    assert max(nlp(question).cats.items(), key=lambda item: item[1])[0] == "substitution"
    assert learned_from(nlp) == {"silver": {"ner": 12, "textcat": 12}, "reviewed": {"ner": 18, "textcat": 18}}


def test_without_reviews_it_is_the_silver_student_as_it_was(tmp_path: Path) -> None:
    train(stage(tmp_path / "one", WAYS, WAYS[:4], steps=50), tmp_path / "silver", "silver")
    done = train(stage(tmp_path / "two", [], [], source=tmp_path / "silver/model-best"), tmp_path / "out", "reviewed")
    assert done.docs == 0
    assert weights(tmp_path / "out/model-best") == weights(tmp_path / "silver/model-best")


def test_it_starts_from_an_initialised_pipeline_where_there_is_no_silver(tmp_path: Path) -> None:
    train(stage(tmp_path / "one", [], WAYS[:4]), tmp_path / "silver", "silver")
    second = stage(tmp_path / "two", WAYS + SWAPS, WAYS[:4] + SWAPS[:4], source=tmp_path / "silver/model-best")
    done = train(second, tmp_path / "out", "reviewed")
    assert done.score is not None
    assert done.score > 0.8, "one of three topics is not in dev, so 0.83 is all there is"
    assert learned_from(spacy.load(tmp_path / "out/model-best")) == {"reviewed": {"ner": 24, "textcat": 24}}


def test_the_small_project_has_both_stages(ran: Project) -> None:
    nlp = spacy.load(ran.path / "training/two_stage/model-best")
    assert learned_from(nlp).keys() == {"silver", "reviewed"}
    assert nlp.config["paths"]["silver_model"] == "training/silver/model-best", "relative, for it ships"
