"""`export-queue`: the queue with suggestions for another tool, and never any on the blind samples."""

import json
from typing import Any

import pytest
from conftest import Project
from distill.review.decisions import load_decisions


def export(project: Project, name: str) -> str:
    options = ("--vars.export_file", "corpus/out.json", "--vars.export_format", name)
    return project.weasel("run", "export-queue", ".", *options)


@pytest.mark.parametrize("name", ["prodigy", "label-studio"])
def test_the_queue_goes_out_and_decisions_come_back(ran: Project, name: str) -> None:
    journal = ran.read("assets/reviews.jsonl")
    kept = {row["text_id"] for row in journal[::2]}
    ran.write("assets/reviews.jsonl", [row for row in journal if row["text_id"] in kept])
    silver = {row["id"]: row for row in ran.read("corpus/silver.jsonl")}
    queue = [row for row in ran.read("corpus/queue.jsonl") if row["id"] not in kept]
    blind = {row["id"] for row in queue if row["sample"] != "pool"}
    assert blind and len(blind) < len(queue)
    out = export(ran, name)
    assert f"{len(queue)} texts to decide on" in out
    assert f"{len(blind)} of them blind" in out
    path = ran.path / "corpus/out.json"
    if name == "prodigy":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        suggested = {row["record"]["id"]: (row["spans"], row.get("accept")) for row in rows}
    else:
        rows = json.loads(path.read_text())
        suggested = {row["data"]["record"]["id"]: label_studio(row) for row in rows}
        assert (ran.path / "corpus/out.xml").read_text().count("<Label ") == 3
    assert list(suggested) == [row["id"] for row in queue], "in the order of the queue"
    for id_, (spans, accept) in suggested.items():
        record = silver.get(id_, {})
        if id_ in blind:
            assert not spans and not accept
        elif record.get("teacher", {}).get("ner", {}).get("status") == "ok":
            assert [(span["start"], span["end"], span["label"]) for span in spans] == [
                (span["start"], span["end"], span["label"]) for span in record["spans"]
            ]
    done = [as_decided(name, row) for row in rows]
    if name == "prodigy":
        path.write_text("".join(json.dumps(row) + "\n" for row in done))
    else:
        path.write_text(json.dumps(done))
    out = ran.weasel(
        "run", "import-reviews", ".", "--vars.import_file", "corpus/out.json", "--vars.import_format", name
    )
    assert f"{len(queue)} new decisions" in out
    settled = load_decisions(ran.path / "assets/reviews.jsonl").settled
    assert {row["id"] for row in queue} <= settled.keys(), "each is of the text that it went out with"


def label_studio(row: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    results = [result for one in row.get("predictions", []) for result in one["result"]]
    spans = [{**one["value"], "label": one["value"]["labels"][0]} for one in results if one["type"] == "labels"]
    return spans, [choice for one in results if one["type"] == "choices" for choice in one["value"]["choices"]]


def as_decided(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """What comes back from somebody who says that nothing is there, and that it is about something else."""
    if name == "prodigy":
        return {**row, "spans": [], "accept": ["other"], "answer": "accept", "_view_id": "blocks"}
    choice = {"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": ["other"]}}
    return {**row, "id": 1, "annotations": [{"id": 2, "completed_by": 1, "result": [choice]}]}
