"""`curve`: both ways of training, at each number of reviews, several times."""

import json

from conftest import Project


def test_every_point_is_there(ran: Project) -> None:
    rows = json.loads((ran.path / "training/curve.json").read_text())
    trained = json.loads((ran.path / "corpus/manifest.json").read_text())["docs"]["train"]
    points = {(row["system"], row["reviews"], row["seed"]) for row in rows}
    assert points == {(system, reviews, 0) for system in ("reviewed", "two_stage") for reviews in (10, trained)}
    assert all(0 <= row["ner"] <= 1 and 0 <= row["textcat"] <= 1 for row in rows)
    assert len({row["ner"] for row in rows}) > 1
