"""`audit`: labels that students who have not seen them doubt, in the pool alone."""

from conftest import Project


def test_a_planted_error_is_doubted_and_the_blind_samples_are_left_alone(ran: Project) -> None:
    rows = ran.read("assets/reviews.jsonl")
    blind = {row["id"] for row in ran.read("assets/split.jsonl")}
    planted = next(row for row in rows if row["text_id"] not in blind and row["accept"] == ["technique"])
    planted["accept"] = ["other"]
    ran.write("assets/reviews.jsonl", rows)
    ran.weasel("run", "convert")
    ran.edit("project.yml", "--folds 5 --rounds 2", "--folds 3 --rounds 1")
    ran.weasel("run", "audit")
    doubts = ran.read("training/doubts.jsonl")
    assert planted["text_id"] in {row["id"] for row in doubts if row["students"]["accept"]}
    assert not blind & {row["id"] for row in doubts}
    decided = {row["text_id"]: row for row in rows}
    for row in doubts:
        spans = {(span["start"], span["end"], span["label"]) for span in decided[row["id"]]["spans"]}
        assert {(span["start"], span["end"], span["label"]) for span in row["decided"]["spans"]} == spans
        others = {(span["start"], span["end"], span["label"]) for span in row["students"]["spans"]}
        assert not others & spans
        assert row["students"]["accept"] != decided[row["id"]]["accept"]
        assert row["doubt"] == len(others) + len(row["students"]["accept"]) > 0
    assert [row["doubt"] for row in doubts] == sorted((row["doubt"] for row in doubts), reverse=True)
