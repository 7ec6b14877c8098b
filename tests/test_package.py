"""`package`: a wheel that needs spaCy alone, the same bytes each time, with no word of the training texts in it."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from conftest import Project

WHEEL = "packages/en_cooking-0.1.0-py3-none-any.whl"
NO_NETWORK = {"PIP_NO_INDEX": "1", "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}

PREDICT = """
import json, sys
import spacy
nlp = spacy.load(sys.argv[1])
docs = nlp.pipe(json.load(sys.stdin))
print(json.dumps([[[e.start_char, e.end_char, e.label_] for e in d.ents] + [d.cats] for d in docs]))
"""


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_two_builds_without_the_network_are_the_same_bytes(ran: Project) -> None:
    first = (ran.path / WHEEL).read_bytes()
    (ran.path / WHEEL).unlink()
    ran.weasel("run", "package", env=NO_NETWORK)
    assert (ran.path / WHEEL).read_bytes() == first


def test_it_runs_in_an_empty_environment_and_predicts_the_same(ran: Project, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", ran.path / WHEEL], check=True, cwd=tmp_path)
    installed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "spacy-llm" not in installed
    assert "distill" not in installed
    texts = json.dumps([row["text"] for row in ran.read("training/predictions.jsonl")])
    ships = json.loads((ran.path / "training/metrics.json").read_text())["ships"]
    answers = [
        subprocess.run(
            [interpreter, "-c", PREDICT, model],
            input=texts,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        ).stdout
        for interpreter, model in (
            (str(python), "en_cooking"),
            (sys.executable, str(ran.path / f"training/{ships}/model-best")),
        )
    ]
    assert answers[0] == answers[1]
    assert len(json.loads(answers[0])) == 16


def test_no_word_of_the_training_texts_is_in_it(small: Project) -> None:
    rows = small.read("assets/texts.jsonl")
    reviews = small.read("assets/reviews.jsonl")
    for row in [*rows, *reviews]:
        row["text"] += " Zebedeeski said so."
    small.write("assets/texts.jsonl", rows)
    small.write("assets/reviews.jsonl", reviews)
    small.edit("configs/teacher.cfg", 'pipeline = ["ner", "textcat"]', "pipeline = []")
    small.weasel("run", "all", ".")
    made = contents(small.path / WHEEL)
    assert any(name.endswith("ner/model") for name in made)
    for name, data in made.items():
        assert b"zebedeeski" not in data.lower(), name
    assert all("Zebedeeski" in row["text"] for row in small.read("corpus/texts.jsonl"))


def test_its_meta_and_card_say_what_it_is(ran: Project) -> None:
    made = contents(ran.path / WHEEL)
    (meta_name,) = [name for name in made if name.endswith("en_cooking-0.1.0/meta.json")]
    meta = json.loads(made[meta_name])
    metrics = json.loads((ran.path / "training/metrics.json").read_text())
    own = meta["distill"]
    assert own["scores"] == metrics["systems"][metrics["ships"]]["test"]
    assert own["teacher"] == metrics["teacher"]["ids"]
    assert own["learned_from"] == metrics["systems"][metrics["ships"]]["learned_from"]
    assert own["provenance"] == json.loads((ran.path / "training/provenance.json").read_text())
    (card_name,) = [name for name in made if name.endswith("en_cooking-0.1.0/README.md")]
    card = made[card_name].decode()
    for expected in ("INGREDIENT", "storage_safety", "95%", "teacher's", metrics["teacher"]["ids"][0]):
        assert expected in card
    (metadata,) = [data for name, data in made.items() if name.endswith("METADATA")]
    assert b"Requires-Dist: spacy" in metadata
    assert metadata.count(b"Requires-Dist") == 1
    assert b"## How good it is" in metadata


def test_nothing_learned_is_an_error_with_the_remedy(ran: Project) -> None:
    path = ran.path / "training/metrics.json"
    metrics = json.loads(path.read_text())
    path.write_text(json.dumps({**metrics, "ships": None}))
    out = ran.weasel("run", "package", check=False)
    assert "no student has learned anything" in out
    assert "Traceback" not in out
