"""`forget-answers`: the journal is empty, and what it held is not lost."""

from conftest import Project


def test_the_answers_are_put_aside(small: Project) -> None:
    answers = (small.path / "assets/responses.jsonl").read_bytes()
    small.weasel("run", "forget-answers")
    assert (small.path / "assets/responses.jsonl").read_bytes() == b""
    assert (small.path / "assets/responses.jsonl.old").read_bytes() == answers
    assert "there were no answers" in small.weasel("run", "forget-answers")
    assert (small.path / "assets/responses.jsonl.old").read_bytes() == answers
