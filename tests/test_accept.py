"""`accept`: the figures that later students are held against."""

import json

from conftest import Project


def test_the_figures_of_what_ships_are_written_down(ran: Project) -> None:
    out = ran.weasel("run", "accept")
    metrics = json.loads((ran.path / "training/metrics.json").read_text())
    test = metrics["systems"][metrics["ships"]]["test"]
    assert json.loads((ran.path / "assets/accepted.json").read_text()) == test
    assert f"ner {100 * test['ner']['f']['value']:.1f}" in " ".join(out.split())


def test_nothing_to_accept_is_an_error(ran: Project) -> None:
    path = ran.path / "training/metrics.json"
    metrics = json.loads(path.read_text())
    path.write_text(json.dumps({**metrics, "ships": None}))
    out = ran.fails("accept", "training/metrics.json", "assets/accepted.json")
    assert "has no figures on the blind test sample" in out
    assert not (ran.path / "assets/accepted.json").exists()
