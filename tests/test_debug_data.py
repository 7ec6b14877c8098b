"""`debug-data`: spaCy's own check."""

from conftest import Project


def test_it_shows_and_keeps_what_spacy_says(ran: Project) -> None:
    out = ran.weasel("run", "debug-data")
    assert "Named Entity Recognition" in out
    assert "Text Classification" in out
    assert "Named Entity Recognition" in (ran.path / "training/debug-data.txt").read_text()


def test_without_reviews_it_says_so(ran: Project) -> None:
    (ran.path / "assets/reviews.jsonl").write_bytes(b"")
    ran.weasel("run", "convert")
    assert "holds no texts yet" in ran.weasel("run", "debug-data")
