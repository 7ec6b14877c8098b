"""`export-reviews`: what was decided goes out in each format and comes back as it was; what does not fit is named."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from distill.formats.registry import FORMATS, Name
from distill.review.decisions import load_decisions

ENDINGS = {"label-studio": "json", "argilla": "json", "iob": "iob", "docbin": "spacy"}


def said(path: Path) -> dict[str, Any]:
    settled = load_decisions(path / "assets/reviews.jsonl").settled
    return {
        id_: (
            one.answer,
            one.annotator,
            None if one.spans is None else sorted((span.start, span.end, span.label) for span in one.spans),
            one.accept,
        )
        for id_, one in settled.items()
    }


def export(project: Project, name: Name, *more: str) -> str:
    variables = {"export_file": file_of(name), "export_format": name}
    options = [word for key, value in variables.items() for word in (f"--vars.{key}", value)]
    return project.weasel("run", "export-reviews", ".", *options, *more)


def bring_back(project: Project, name: Name) -> str:
    variables = {"import_file": file_of(name), "import_format": name}
    options = [word for key, value in variables.items() for word in (f"--vars.{key}", value)]
    return project.weasel("run", "import-reviews", ".", *options)


def file_of(name: Name) -> str:
    return f"corpus/export.{ENDINGS.get(name, 'jsonl')}"


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_decided_comes_back(small: Project, decide: Any, name: Name) -> None:
    small.weasel("run", "ingest")
    text = small.read("corpus/texts.jsonl")[0]
    reviews = small.read("assets/reviews.jsonl")
    empty = [row["text_id"] for row in reviews if not row["spans"] and not row["accept"]]
    assert not empty
    before = said(small.path)
    out = export(small, name)
    assert f"{file_of(name)}: {len(before)} decisions" in out
    assert small.read("corpus/export_refused.jsonl") == []
    assert f"0 new decisions ({len(before)} accept), {len(before)} were there already" in bring_back(small, name)
    small.write("assets/reviews.jsonl", [])
    assert f"{len(before)} new decisions" in bring_back(small, name)
    assert said(small.path) == before
    rejected = decide(text["id"], text["text"], id="rejected", answer="reject", supersedes=[])
    small.write("assets/reviews.jsonl", [rejected])
    out = export(small, name)
    if name not in ("jsonl", "prodigy"):
        assert "1 decisions do not fit the format" in out
        (row,) = small.read("corpus/export_refused.jsonl")
        assert "the answer is reject" in row["reason"]
        assert row["row"]["id"] == text["id"]


def test_conflicts_stay_and_the_names_of_other_tools_are_kept(small: Project, decide: Any) -> None:
    small.weasel("run", "ingest")
    one, other = small.read("corpus/texts.jsonl")[:2]
    spans = [{"start": 0, "end": len(one["text"].split()[0]), "label": "DISH"}]
    hashes = {"_input_hash": -7, "_task_hash": 5}
    small.write(
        "assets/reviews.jsonl",
        [
            decide(one["id"], one["text"], id="1", spans=[], source={"prodigy": hashes}),
            decide(one["id"], one["text"], id="2", spans=spans, supersedes=["1"]),
            decide(other["id"], other["text"], id="3", spans=[]),
            decide(other["id"], other["text"], id="4", annotator="annotator b", answer="reject"),
        ],
    )
    out = export(small, "prodigy")
    assert "1 texts have decisions that differ" in out
    (row,) = small.read(file_of("prodigy"))
    assert {key: row[key] for key in hashes} == hashes, "kept, though the decision has changed since"
    assert row["spans"][0]["token_end"] == 0
    assert "expected one of code-point" in small.weasel(
        "run", "export-reviews", ".", "--vars.export_unit", "inches", check=False
    )
