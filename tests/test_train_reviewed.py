"""`train-reviewed`: the control learns from reviews alone."""

import spacy
from conftest import Project
from distill.student.train import learned_from


def test_the_control_never_saw_silver(ran: Project) -> None:
    nlp = spacy.load(ran.path / "training/reviewed/model-best")
    assert learned_from(nlp).keys() == {"reviewed"}
    assert "source" not in str(nlp.config["components"])
