"""`review`: what was done in the browser stands in the journal, code point for code point, whatever happens."""

import json
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from distill.journal import entries
from distill.review.decisions import Decision, load_decisions, settle
from distill.review.statistics import figures
from review_app import App, labels, make_folder, open_page, running, wait_saved


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    made = browser.new_context(viewport={"width": 1200, "height": 800})
    yield made
    made.close()


SPANS = labels("DISH", "PLACE", "TOOL")
ODD = [
    "The 👩‍🍳 chef 🍲🍲 cooked naïve cafe\u0301 soup.",
    "Ha\u0308tte ich nur Ko\u0308fte 🧆 — «heute» …",
    "私は寿司 を 食べた 。 とても 美味しい",
    "أكلت الكشري في القاهرة أمس مع صديقي",
    "A\u00a0non-breaking\u2009space,\ttab and\nnew line here.",
    "<b>bold</b> & \"quotes\" 'single' <script>x</script> end",
]
LONG = " ".join(f"word{number}" for number in range(5000))
KINDS: dict[str, dict[str, Any]] = {
    "ner": {"ner": SPANS, "textcat": labels("hot", "cold")},
    "spancat": {"spancat": SPANS},
    "textcat": {"textcat": labels("hot", "cold", "mild")},
    "textcat_multilabel": {"textcat_multilabel": labels("hot", "cold", "mild")},
}
NLP = spacy.blank("en")


TEXT_SHOWN = """[...document.querySelector('.text').childNodes]
    .map(node => node.nodeType === 3 || !node.matches('.tag') ? node.textContent : '').join('')"""
"""The text on the card, without the names of labels."""


def texts(count: int = 30) -> list[dict[str, Any]]:
    made = [{"text": ODD[number % len(ODD)] + f" {number}"} for number in range(count - 1)]
    return [*made, {"text": LONG}]


def planned(rng: random.Random, text: str, components: dict[str, Any], way: str) -> dict[str, Any]:
    """What to do with a card: two spans of up to three tokens, apart, and labels."""
    doc = NLP.make_doc(text)
    plan: dict[str, Any] = {}
    if "ner" in components or "spancat" in components:
        # Parts of one emoji are tokens of their own, and no mouse can tell them apart
        words = [
            token.i for token in doc if any(map(str.isalnum, token.text)) or (way != "mouse" and not token.is_space)
        ]
        first = rng.randrange(0, 3)
        places = [(words[first], words[first + rng.randrange(2)]), (words[-2], words[-1])]
        plan["spans"] = [(start, end, rng.randrange(3)) for start, end in places]
    if "textcat" in components:
        plan["accept"] = [rng.randrange(len(components["textcat"]["labels"]))]
    elif "textcat_multilabel" in components:
        plan["accept"] = sorted(rng.sample(range(3), rng.randrange(4)))
    return plan


def expected(text: str, plan: dict[str, Any], components: dict[str, Any]) -> tuple[Any, Any]:
    doc = NLP.make_doc(text)
    names = list(SPANS["labels"])
    spans = None
    if "spans" in plan:
        spans = sorted(
            (doc[start].idx, doc[end].idx + len(doc[end]), names[label]) for start, end, label in plan["spans"]
        )
    kind = next((kind for kind in ("textcat", "textcat_multilabel") if kind in components), None)
    accept = [list(components[kind]["labels"])[at] for at in plan["accept"]] if kind else None
    return spans, accept


def by_keyboard(page: Any, plan: dict[str, Any], *, both: bool) -> None:
    right_to_left = page.evaluate("getComputedStyle(document.querySelector('.text')).direction") == "rtl"
    forward = "ArrowLeft" if right_to_left else "ArrowRight"
    at, count = 0, page.locator(".tok").count()
    for start, end, label in plan.get("spans", []):
        if start - at > 50:
            page.keyboard.press("End")
            for _ in range(count - 1 - start):
                page.keyboard.press("ArrowRight" if right_to_left else "ArrowLeft")
        else:
            for _ in range(start - at):
                page.keyboard.press(forward)
        for _ in range(end - start):
            page.keyboard.press(f"Shift+{forward}")
        page.keyboard.press(str(label + 1))
        at = end
    for topic in plan.get("accept", []):
        page.keyboard.press(f"{'Shift+' if both else ''}Digit{topic + 1}")
    page.keyboard.press("a")


def by_mouse(page: Any, plan: dict[str, Any]) -> None:
    for start, end, label in plan.get("spans", []):
        page.locator(".text").click(position={"x": 3, "y": 3})
        page.locator(".labels button").nth(label).click()
        boxes = []
        for at in (start, end):
            token = page.locator(f'.tok[data-at="{at}"]')
            token.scroll_into_view_if_needed()
            boxes.append(token.bounding_box())
        (first, last) = boxes
        if start == end:
            page.mouse.dblclick(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
        else:
            page.mouse.move(first["x"] + first["width"] / 2, first["y"] + first["height"] / 2)
            page.mouse.down()
            page.mouse.move(last["x"] + last["width"] / 2, last["y"] + last["height"] / 2, steps=3)
            page.mouse.up()
    for topic in plan.get("accept", []):
        page.locator(".topics input").nth(topic).click()
    page.locator(".acts button").first.click()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["keyboard", "mouse"])
def test_thirty_cards(tmp_path: Path, context: Any, kind: str, way: str) -> None:
    components = KINDS[kind]
    app = make_folder(tmp_path / "app", components, texts())
    rng = random.Random(0)
    plans: dict[str, tuple[Any, Any]] = {}
    with running(app):
        page = open_page(context, app)
        for _ in range(30):
            page.wait_for_selector("main:not([aria-busy])")
            text = page.evaluate(TEXT_SHOWN)
            plan = planned(rng, text, components, way)
            if way == "keyboard":
                by_keyboard(page, plan, both=kind == "ner")
            else:
                by_mouse(page, plan)
            plans[text] = expected(text, plan, components)
        page.wait_for_selector(".empty")
        wait_saved(page)
    journal = app.journal()
    assert len(journal) == 30
    assert {row["text"] for row in journal} == {row["text"] for row in texts()} == plans.keys()
    for row in journal:
        spans = sorted((span["start"], span["end"], span["label"]) for span in row["spans"]) if "spans" in row else None
        assert (spans, row.get("accept")) == plans[row["text"]], row["text"][:80]
        assert (row["answer"], row["annotator"]) == ("accept", "annotator a")
        for span in row.get("spans", []):
            assert row["text"][span["start"] : span["end"]].strip()


def test_spans_are_changed_moved_and_deleted_with_keys(tmp_path: Path, context: Any) -> None:
    text = "one two three four five six"
    teacher = [{"start": 0, "end": 7, "label": "DISH"}, {"start": 14, "end": 18, "label": "TOOL"}]
    app = make_folder(tmp_path / "app", {"ner": SPANS}, [{"text": text, "spans": teacher}])
    with running(app):
        page = open_page(context, app)
        for key in (".", "2", "Alt+ArrowRight", ".", "d", "f", "a"):
            page.keyboard.press(key)
        page.wait_for_selector(".empty")
        wait_saved(page)
    (row,) = app.journal()
    assert [(span["start"], span["end"], span["label"]) for span in row["spans"]] == [(0, 13, "PLACE")]
    assert row["flag"] is True
    assert row["shown"]["mode"] == "shown"
    assert [span["label"] for span in row["shown"]["teacher"]["spans"]] == ["DISH", "TOOL"]


def test_undo_takes_back_any_number_and_the_journal_keeps_all(tmp_path: Path, context: Any) -> None:
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": f"Text {n}."} for n in range(6)])
    with running(app):
        page = open_page(context, app)
        for _ in range(4):
            page.keyboard.press("Digit1")
            page.keyboard.press("a")
        for _ in range(3):
            page.keyboard.press("u")
        page.keyboard.press("Digit2")
        page.keyboard.press("a")
        wait_saved(page)
        page.reload()
        page.wait_for_selector(".card")
        page.keyboard.press("u")
        page.wait_for_selector(".topics input:checked")
        page.keyboard.press("Digit2")
        page.keyboard.press("x")
        wait_saved(page)
    decided = load_decisions(app.folder / "assets/reviews.jsonl").settled
    assert {id_: (one.answer, one.accept) for id_, one in decided.items()} == {
        "t0": ("accept", ["hot"]),
        "t1": ("reject", None),
    }
    assert Counter(row["answer"] for row in app.journal()) == {"accept": 5, "open": 4, "reject": 1}


def test_nothing_is_lost_when_the_server_is_killed_and_the_network_goes(tmp_path: Path, browser: Any) -> None:
    """Two annotators, one of them with two tabs, and a server that is killed at random moments."""
    count = 200
    app = make_folder(
        tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": f"Text {number}."} for number in range(count)]
    )
    app.start(overlap=0.0)
    rng = random.Random(1)
    one, other = browser.new_context(), browser.new_context()
    pages = [open_page(one, app), open_page(one, app), open_page(other, app, "annotator b")]
    kills = set(rng.sample(range(20, count - 20), 4))
    acted = 0
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and len({row["text_id"] for row in app.journal()}) < count:
        for page in pages:
            if page.locator(".topics input").count():
                page.keyboard.press("Digit1")
                page.keyboard.press("a")
                acted += 1
            else:
                page.evaluate("location.reload()")
                page.wait_for_timeout(300)
        if kills and acted >= min(kills):
            kills.discard(min(kills))
            app.kill()
            time.sleep(rng.random())
            app.start(overlap=0.0)
        if acted in range(60, 63):
            one.set_offline(True)
        if acted in range(90, 93):
            one.set_offline(False)
    one.set_offline(False)
    for page in pages:
        wait_saved(page)
    app.kill()
    journal = app.journal()
    assert len({row["id"] for row in journal}) == len(journal), "each decision once"
    assert {row["text_id"] for row in journal} == {f"t{number}" for number in range(count)}
    one.close()
    other.close()


def test_a_card_is_kept_for_one_page_though_the_server_ends(tmp_path: Path, browser: Any) -> None:
    """Of the same annotator, of another one, and of a page that was closed."""
    app = make_folder(
        tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": f"Text {number}."} for number in range(60)]
    )
    app.start(overlap=1.0)
    one, other = browser.new_context(), browser.new_context()
    pages = [open_page(one, app), open_page(one, app)]
    closed = open_page(other, app, "annotator b")
    closed.close()
    pages.append(open_page(other, app, "annotator b"))

    def shown(page: Any) -> str:
        return str(page.get_attribute(".card", "aria-label"))

    assert [shown(page) for page in pages] == ["Card t0", "Card t12", "Card t0"], "t0 is wanted of two annotators"

    def decide() -> None:
        for page in pages:
            page.keyboard.press("Digit1")
            page.keyboard.press("a")
            wait_saved(page)
            page.wait_for_load_state("networkidle")

    for _ in range(2):
        decide()
        app.kill()
        app.start(overlap=1.0)
    for _ in range(26):
        decide()
    app.kill()
    made = Counter((row["text_id"], row["annotator"]) for row in app.journal())
    assert max(made.values()) == 1
    assert sum(made.values()) == 28 * len(pages)
    one.close()
    other.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace, which .ci/run installs")
def test_a_decision_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": f"Text {n}."} for n in range(20)])
    trace = tmp_path / "trace"
    calls = "trace=openat,write,fsync,sendto,sendmsg"
    app.start(before=("strace", "-f", "-s", "60", "-e", calls, "-o", str(trace)))
    for number in range(20):
        status, _ = call(app, "/api/decisions", decision(number))
        assert status == 200
    app.kill()
    lines = trace.read_text(errors="replace").splitlines()
    (opened,) = (line for line in lines if 'assets/reviews.jsonl"' in line and "O_APPEND" in line)
    journal = opened.rsplit("= ", 1)[1]
    events = ""
    for line in lines[lines.index(opened) + 1 :]:
        if re.search(rf"\bwrite\({journal}, ", line):
            events += "w"
        elif ("fsync resumed" in line) or re.search(rf"\bfsync\({journal}\)\s+= 0", line):
            events += "f"
        elif "HTTP/1.1 200" in line:
            events += "a"
    assert events == "wfa" * 20


def decision(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"decision-{number:04}",
        "card": f"t{number}",
        "annotator": "annotator a",
        "answer": "accept",
        "accept": ["hot"],
        "guidelines": "x",
        "mode": "shown",
        **fields,
    }


def call(
    app: App, path: str, body: Any = None, headers: dict[str, str] | None = None, data: bytes | None = None
) -> tuple[int, bytes]:
    """A request as anybody can make it."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=30)
    sent = data if data is not None else None if body is None else json.dumps(body).encode()
    given = {"X-Token": app.token, "Content-Type": "application/json", **(headers or {})}
    try:
        connection.request("POST" if sent is not None else "GET", path, sent, given)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (BrokenPipeError, ConnectionResetError):
        return 413, b""
    finally:
        connection.close()


def test_sent_again_it_is_taken_once(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": "Text 0."}, {"text": "Text 1."}])
    with running(app):
        for _ in range(3):
            assert call(app, "/api/decisions", decision(0))[0] == 200
        assert call(app, "/api/decisions", {**decision(0), "card": "t1"})[0] == 409
        second = subprocess.run(app.command(), cwd=app.folder, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another process is writing to it" in " ".join((second.stdout + second.stderr).split())
    assert len(app.journal()) == 1


BAD: list[tuple[dict[str, Any], int]] = [
    ({"accept": ["blue"]}, 422),
    ({"accept": ["hot", "cold"]}, 422),
    ({"accept": None}, 422),
    ({"answer": "maybe"}, 422),
    ({"card": "../../etc/passwd"}, 404),
    ({"id": "<script>"}, 422),
    ({"annotator": ""}, 422),
    ({"seconds": -1}, 422),
    ({"spans": [{"start": 0, "end": 10**9, "label": "hot"}]}, 422),
    ({"surprise": 1}, 422),
]


def test_attacks(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": "Text 0."}])
    with running(app):
        for fields, status in BAD:
            got, said = call(app, "/api/decisions", decision(0, **fields))
            assert got == status, (fields, said)
            assert b"Traceback" not in said
        assert call(app, "/api/decisions", data=b"{")[0] == 422
        assert call(app, "/api/decisions", data=b"x" * 50_000_000)[0] == 413
        for path in ("/api/task", "/api/statistics", "/api/cards?id=t0&annotator=a"):
            assert call(app, path)[0] == 200
            assert call(app, path, headers={"X-Token": ""})[0] == 403
            assert call(app, path, headers={"X-Token": "wrong"})[0] == 403
            assert call(app, path, headers={"Origin": "https://evil.example"})[0] == 403
            assert call(app, path, headers={"Host": "evil.example"})[0] == 403
        for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/../configs/task.yml", "/static//etc/passwd"):
            assert call(app, path)[0] in (403, 404), path
        assert call(app, "/", headers={"Host": "evil.example:80"})[0] == 403
    assert app.journal() == []
    exposed = subprocess.run(
        app.command(extra=("--host", "0.0.0.0")), cwd=app.folder, capture_output=True, text=True, check=False
    )
    assert exposed.returncode == 1
    assert "other machines could reach the texts there" in " ".join((exposed.stdout + exposed.stderr).split())


EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_markup_stays_text_everywhere(tmp_path: Path, context: Any) -> None:
    components = {"ner": {"labels": {"<b>X</b>": {"definition": EVIL}}}, "textcat": labels("<i>a</i>", "b")}
    rows = [{"text": f"{EVIL} {number}", "meta": {EVIL: EVIL}, "why": EVIL} for number in range(3)]
    app = make_folder(tmp_path / "app", components, rows, title=EVIL)
    with running(app):
        page = open_page(context, app, EVIL[:60])
        page.keyboard.press("1")
        page.keyboard.press("Shift+Digit1")
        page.keyboard.press("c")
        page.fill("#comment", EVIL)
        page.keyboard.press("Control+Enter")
        page.keyboard.press("a")
        wait_saved(page)
        base = app.url.partition("#")[0]
        for view in ("list", "statistics", "conflicts", "review"):
            page.goto(f"{base}#{view}")
            page.wait_for_timeout(300)
            assert page.title() != "owned"
            assert page.locator("main img, main script, main b, main i:not(.bar)").count() == 0
    assert app.journal()[0]["comment"] == EVIL


def test_blind_and_hidden_cards_show_nothing_anywhere(tmp_path: Path, context: Any) -> None:
    rows: list[dict[str, Any]] = [
        {"text": f"Blind text {n} with soup.", "sample": "test" if n % 2 else "dev", "why": "blind"} for n in range(4)
    ]
    rows += [
        {
            "text": f"Pool text {n} with soup.",
            "spans": [{"start": 5, "end": 9, "label": "TOOL"}],
            "accept": ["cold"],
            "status": "partial",
            "why": "teacher partial",
        }
        for n in range(16)
    ]
    app = make_folder(tmp_path / "app", {"ner": SPANS, "textcat": labels("hot", "cold")}, rows)
    seen: list[tuple[str, Any]] = []

    def keep(response: Any) -> None:
        if "/api/" in response.url:
            seen.append((response.url, response.json()))

    with running(app, hidden=0.5):
        page = open_page(context, app)
        page.on("response", keep)
        base = app.url.partition("#")[0]
        page.reload()
        page.wait_for_selector(".card")
        for _ in range(10):
            page.keyboard.press("Shift+Digit1")
            page.keyboard.press("a")
        for view in ("list", "conflicts", "statistics"):
            page.goto(f"{base}#{view}")
            page.wait_for_timeout(300)
        modes = {f"t{n}": json.loads(call(app, f"/api/cards?id=t{n}&annotator=x")[1])["mode"] for n in range(20)}
        bare = {id_ for id_, mode in modes.items() if mode != "shown"}
        assert {f"t{n}" for n in range(4)} < bare < modes.keys()
        for id_ in modes:
            status, said = call(app, f"/api/teacher?id={id_}")
            assert (status == 404) == (id_ in bare), said
        for wanted in ({"label": "TOOL"}, {"status": "partial"}, {"differs": True}, {"label": "cold"}):
            found = json.loads(call(app, "/api/find", {"filter": wanted, "count": 100})[1])
            assert not bare & {row["id"] for row in found["rows"]}
            asked = {"annotator": "y", "client": "y", "filter": wanted, "count": 20}
            cards = json.loads(call(app, "/api/next", asked)[1])["cards"]
            assert not bare & {card["id"] for card in cards}
    cards = [card for _, said in seen for card in said.get("cards", []) if card]
    assert cards
    for card in cards:
        assert card["id"] not in bare or card["why"] in ("", "blind")
        assert (card["teacher"] is None and card["student"] is None) == (card["id"] in bare)
    blind = [row for row in app.journal() if row["text_id"] in {f"t{n}" for n in range(4)}]
    assert blind and all(row["shown"] == {"mode": "blind"} for row in blind)
    hidden = [row for row in app.journal() if row["shown"]["mode"] == "hidden"]
    assert hidden and all(row["shown"]["teacher"]["accept"] == ["cold"] for row in hidden), "kept, to measure anchoring"


def test_two_annotators_share_the_work_and_settle_what_differs(tmp_path: Path, browser: Any) -> None:
    rows = [{"text": f"A soup {number}.", "accept": ["hot"]} for number in range(12)]
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, rows)
    one, other = browser.new_context(), browser.new_context()
    with running(app, overlap=1.0):
        first, second = open_page(one, app), open_page(other, app, "annotator b")
        for number in range(12):
            for page, key in ((first, "Digit1"), (second, "Digit2" if number < 2 else "Digit1")):
                page.keyboard.press(key)
                page.keyboard.press("a")
        for page in (first, second):
            page.wait_for_selector(".empty")
            wait_saved(page)
        assert len(app.journal()) == 24
        first.goto(app.url.partition("#")[0] + "#conflicts")
        first.wait_for_selector(".version")
        assert first.locator(".card").count() == 2
        first.locator(".version", has_text="annotator b").first.get_by_role("button").click()
        wait_saved(first)
        figures = json.loads(call(app, "/api/statistics")[1])
    decided = load_decisions(app.folder / "assets/reviews.jsonl")
    assert (len(decided.settled), len(decided.conflicts)) == (11, 1)
    assert Counter(tuple(one.accept or []) for one in decided.settled.values()) == {("hot",): 10, ("cold",): 1}
    pairs = {(row["one"], row["other"]): row for row in figures["agreement"]}
    assert pairs["annotator a", "annotator b"]["texts"] == 12
    assert ("annotator a", "the teacher") in pairs
    assert {row["label"]: row["suggested"] for row in figures["labels"]}["hot"] >= 22
    one.close()
    other.close()


def made(id_: str, annotator: str, answer: str, *supersedes: str) -> Decision:
    accept = ["hot"] if annotator == "annotator a" else ["cold"]
    return Decision(
        id=id_,
        supersedes=list(supersedes),
        text_id="t0",
        text="A soup.",
        answer=answer,
        accept=accept if answer == "accept" else None,
        annotator=annotator,
        guidelines="none",
    )


def test_to_take_back_that_a_conflict_was_settled_brings_it_back() -> None:
    both = [made("1", "annotator a", "accept"), made("2", "annotator b", "accept")]
    settled = [*both, made("3", "annotator a", "accept", "1", "2")]
    assert settle(both).conflicts.keys() == {"t0"}
    assert settle(settled).settled["t0"].accept == ["hot"]
    after = settle([*settled, made("4", "annotator a", "open", "3")])
    assert [decision.id for decision in after.standing] == ["2"], "the other's decision stands again"
    assert [row["texts"] for row in figures(settled, 0)["agreement"]] == [1], "to settle is not to agree"
    assert figures(settled, 0)["agreement"][0]["kappa"] == 0


def test_a_key_that_is_held_decides_once_and_what_is_on_a_card_is_kept(tmp_path: Path, context: Any) -> None:
    app = make_folder(tmp_path / "app", {"ner": SPANS}, [{"text": f"One soup {n}."} for n in range(30)])
    with running(app):
        page = open_page(context, app)
        for _ in range(9):
            page.keyboard.down("a")
        page.keyboard.up("a")
        wait_saved(page)
        assert len(app.journal()) == 1
        page.keyboard.press("1")
        base = app.url.partition("#")[0]
        page.goto(f"{base}#list")
        page.wait_for_selector("table")
        page.goto(f"{base}#review")
        page.wait_for_selector(".text .tag")
        for _ in range(29):
            page.wait_for_selector("main:not([aria-busy]) .card")
            page.keyboard.press("a")
        page.wait_for_selector(".empty")
        page.keyboard.press("u")
        page.wait_for_selector(".card")
        wait_saved(page)
    assert app.journal()[-1]["answer"] == "open"


def test_a_journal_that_is_replaced_under_the_server_takes_nothing_unseen(tmp_path: Path) -> None:
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": "Text 0."}, {"text": "Text 1."}])
    with running(app):
        assert call(app, "/api/decisions", decision(0))[0] == 200
        path = app.folder / "assets/reviews.jsonl"
        copy = path.with_suffix(".copy")
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        status, said = call(app, "/api/decisions", decision(1))
        assert status == 500
        assert b"another file has been put in its place" in said
    assert len(app.journal()) == 1


def test_suggestions_stay_those_of_the_text_when_annotate_runs_meanwhile(tmp_path: Path) -> None:
    rows = [{"text": f"Text {n}.", "accept": ["hot" if n else "cold"]} for n in range(4)]
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, rows)
    with running(app):
        silver = app.folder / "corpus/silver.jsonl"
        turned = silver.with_suffix(".new")
        turned.write_text("".join(reversed(silver.read_text().splitlines(keepends=True))))
        turned.replace(silver)
        card = json.loads(call(app, "/api/cards?id=t0&annotator=x")[1])
        assert card["teacher"]["accept"] == ["cold"]


def test_an_accessible_app_in_light_and_dark(tmp_path: Path, browser: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    teacher = {"spans": [{"start": 2, "end": 6, "label": "DISH"}], "accept": ["hot"]}
    rows = [{"text": f"A soup number {number}.", **teacher} for number in range(8)]
    app = make_folder(tmp_path / "app", {"ner": SPANS, "textcat": labels("hot", "cold")}, rows)
    with running(app, overlap=1.0):
        for annotator, key in (("annotator a", "Digit1"), ("annotator b", "Digit2")):
            context_ = browser.new_context()
            page = open_page(context_, app, annotator)
            for _ in range(3):
                page.keyboard.press(f"Shift+{key}")
                page.keyboard.press("a")
            wait_saved(page)
            context_.close()
        for scheme in ("light", "dark"):
            for width in (1200, 390):
                context_ = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
                page = open_page(context_, app, "annotator c")
                page.keyboard.press(".")
                token = app.url.partition("#")[2]
                for view in ("review", "list", "conflicts", "statistics", f"{token}&label=hot", f"{token}&label=DISH"):
                    page.goto(f"{app.url.partition('#')[0]}#{view}")
                    page.wait_for_timeout(300)
                    found = Axe().run(page).response["violations"]
                    said = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
                    assert not found, f"{view}, {scheme}, {width}: {said}"
                context_.close()


def said(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a line of the journal says, without what differs from run to run."""
    spans = [(span["start"], span["end"], span["label"]) for span in row.get("spans", ())] if "spans" in row else None
    return row["text_id"], row["answer"], spans, row.get("accept"), row.get("labels")


def test_a_pass_on_one_label_asks_yes_or_no(tmp_path: Path, context: Any) -> None:
    rows = [{"text": f"A soup {number}.", "accept": ["hot", "mild"]} for number in range(3)]
    app = make_folder(tmp_path / "app", {"textcat_multilabel": labels("hot", "cold", "mild")}, rows)
    with running(app, extra=("--label", "hot")):
        page = open_page(context, app)
        assert "hot?" in page.inner_text(".question")
        assert "the teacher: yes" in page.inner_text(".question")
        assert page.locator(".topics").count() == 0
        for key in ("a", "x", "u", "x", "i"):
            page.wait_for_selector(".question")
            page.keyboard.press(key)
        page.wait_for_selector(".empty")
        wait_saved(page)
        assert page.inner_text("#progress") == "3 of 3 done, 3 by you"
        page.get_by_role("button", name="All labels").click()
        page.wait_for_selector(".card")
        assert page.locator(".topics input:checked").evaluate_all("all => all.map(one => one.value)") == ["hot", "mild"]
        page.keyboard.press("Digit2")
        page.keyboard.press("a")
        wait_saved(page)
    with running(app, extra=("--label", "mild")):
        other = context.new_page()
        other.goto(app.url)
        other.wait_for_selector(".card")
        assert other.get_attribute(".card", "aria-label") == "Card t1"
        other.keyboard.press("x")
        other.wait_for_selector(".empty")
        wait_saved(other)
        other.keyboard.press("u")
        other.wait_for_selector(".card")
        wait_saved(other)
    journal = app.journal()
    assert [said(row) for row in journal] == [
        ("t0", "accept", None, ["hot"], {"accept": ["hot"]}),
        ("t1", "accept", None, [], {"accept": ["hot"]}),
        ("t1", "open", None, None, None),
        ("t1", "accept", None, [], {"accept": ["hot"]}),
        ("t2", "ignore", None, None, None),
        ("t0", "accept", None, ["hot", "cold", "mild"], None),
        ("t1", "accept", None, [], {"accept": ["hot", "mild"]}),
        ("t1", "open", None, None, None),
        ("t1", "accept", None, [], {"accept": ["hot"]}),
    ]
    told = {row["label"]: row for row in figures(load_entries(app), 0)["labels"]}
    assert (told["hot"]["suggested"], told["hot"]["kept"], told["hot"]["removed"]) == (2, 1, 1)


def load_entries(app: App) -> list[Decision]:
    return list(entries(app.folder / "assets/reviews.jsonl", Decision))


def test_a_pass_on_one_label_of_spans_keeps_what_was_decided_of_others(tmp_path: Path, context: Any) -> None:
    text = "one two three four five six"
    teacher = [{"start": 0, "end": 3, "label": "DISH"}, {"start": 4, "end": 7, "label": "PLACE"}]
    app = make_folder(
        tmp_path / "app", {"ner": SPANS, "textcat": labels("hot", "cold")}, [{"text": text, "spans": teacher}]
    )
    with running(app, extra=("--label", "DISH")):
        page = open_page(context, app)
        assert page.locator(".text .tag").all_inner_texts() == ["DISH"], "the teacher's PLACE is not asked about"
        page.keyboard.press("End")
        page.keyboard.press("1")
        page.keyboard.press("a")
        page.wait_for_selector(".empty")
        wait_saved(page)
    with running(app, extra=("--label", "PLACE")):
        page.goto(app.url)
        page.wait_for_selector(".card")
        page.keyboard.press("Alt+ArrowRight")
        for key in (".", "Alt+Shift+ArrowLeft", "a"):
            page.keyboard.press(key)
        page.wait_for_selector(".empty")
        wait_saved(page)
    first, second = (said(row) for row in app.journal())
    dishes = [(0, 3, "DISH"), (24, 27, "DISH")]
    assert first == ("t0", "accept", dishes, None, {"spans": ["DISH"]})
    places = [(0, 7, "PLACE"), (24, 27, "DISH")]
    assert second == ("t0", "accept", places, None, {"spans": ["DISH", "PLACE"]}), "the later span takes the place"


def on(id_: str, annotator: str, accept: list[str], *decided: str) -> Decision:
    return made(id_, annotator, "accept").model_copy(
        update={"accept": accept, "labels": {"accept": list(decided)} if decided else None}
    )


@pytest.mark.parametrize(
    ("standing", "accept", "known"),
    [
        ([on("1", "annotator a", ["hot"], "hot"), on("2", "annotator b", [], "mild")], ["hot"], ["hot", "mild"]),
        ([on("1", "annotator a", ["hot"], "hot"), on("2", "annotator b", ["hot", "cold"])], ["hot", "cold"], None),
        ([on("1", "annotator a", ["hot"], "hot"), on("2", "annotator b", ["cold"])], None, None),
        ([on("1", "annotator a", ["hot"], "hot"), on("2", "annotator b", [], "hot", "mild")], None, None),
    ],
)
def test_decisions_on_some_labels_are_put_together(
    standing: list[Decision], accept: list[str] | None, known: list[str] | None
) -> None:
    decided = settle(standing)
    assert len(decided.conflicts) == (accept is None)
    for one in decided.settled.values():
        assert (one.accept, (one.labels or {}).get("accept")) == (accept, known)


def test_what_comes_late_does_not_cover_what_is_shown_by_then(tmp_path: Path, context: Any) -> None:
    """Answers that are slow, pages that were left, cards that were opened from the list, a name that is not changed."""
    rows = [{"text": f"Text {number}.", "accept": ["hot"]} for number in range(20)]
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, rows)
    with running(app):
        page = open_page(context, app)
        base = app.url.partition("#")[0]
        held: list[Any] = []
        for name in ("statistics", "conflicts*", "find", "teacher*"):
            page.route(f"**/api/{name}", lambda route: held.append(route))
        for name in ("statistics", "conflicts", "list"):
            page.goto(f"{base}#{name}")
            page.goto(f"{base}#review")
        page.wait_for_selector(".card")
        page.keyboard.press("p")
        page.keyboard.press("a")
        page.wait_for_selector('[aria-label="Card t1"]')
        for route in held:
            route.continue_()
        page.wait_for_load_state("networkidle")
        page.unroute_all()
        assert page.get_attribute(".card", "aria-label") == "Card t1"
        assert not page.evaluate("document.getElementById('dialog').open")
        page.keyboard.press("Digit2")
        page.click("#who")
        page.wait_for_selector("#name")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog:not([open])", state="attached")
        assert page.locator(".topics input:checked").get_attribute("value") == "cold", "what was done is still there"
        page.goto(f"{base}#list")
        page.locator("a[href='#review/t3']").click()
        page.wait_for_selector('[aria-label="Card t3"]')
        page.keyboard.press("Digit2")
        for _ in range(19):
            page.wait_for_selector("main:not([aria-busy]) .card")
            page.keyboard.press("a")
        page.wait_for_selector(".empty")
        wait_saved(page)
    assert Counter(row["text_id"] for row in app.journal()).most_common(1)[0][1] == 1, "no card comes twice"
    assert {row["text_id"] for row in app.journal() if row["accept"] == ["cold"]} == {"t1", "t3"}


def test_a_task_that_changes_under_an_open_page(tmp_path: Path, context: Any) -> None:
    app = make_folder(tmp_path / "app", {"textcat_multilabel": labels("hot", "cold")}, [{"text": "A."}, {"text": "B."}])
    app.start(extra=("--label", "hot"))
    page = open_page(context, app)
    old = page.evaluate("fetch('/api/task', {headers: {'X-Token': sessionStorage.token}}).then((it) => it.json())")
    app.kill()
    task = app.folder / "configs/task.yml"
    task.write_text(task.read_text().replace("hot", "warm"))
    with running(app):
        page.keyboard.press("a")
        page.wait_for_selector('#unsaved[data-state="refused"]')
        page.reload()
        page.wait_for_selector(".topics")
        assert page.locator("#only").is_hidden(), "the pass on a label that is gone is left"
        page.click("#unsaved")
        assert "no such label" in page.inner_text("dialog")
        page.get_by_role("button", name="Discard it").click()
        page.keyboard.press("a")
        wait_saved(page)
    (row,) = app.journal()
    assert row["guidelines"] != old["version"]


def test_a_conflict_is_settled_once(tmp_path: Path, context: Any) -> None:
    app = make_folder(tmp_path / "app", {"textcat": labels("hot", "cold")}, [{"text": "Text 0."}])
    with running(app):
        for annotator, label in (("annotator a", "hot"), ("annotator b", "cold")):
            values = {"id": f"decision-of-{label}", "annotator": annotator, "accept": [label]}
            assert call(app, "/api/decisions", decision(0, **values))[0] == 200
        page = open_page(context, app, "annotator c")
        held: list[Any] = []
        page.route("**/api/decisions", lambda route: held.append(route))
        page.goto(f"{app.url.partition('#')[0]}#conflicts")
        page.wait_for_selector(".version")
        page.locator(".version button").first.click()
        page.wait_for_selector(".empty")
        held[0].continue_()
        page.unroute_all()
        wait_saved(page)
    assert len(app.journal()) == 3


def test_a_trained_student_is_shown_where_it_differs_and_taken_with_a_key(ran: Any, context: Any) -> None:
    """In a project in which workflow `all` has run, on a text that nobody has decided on."""
    journal = ran.read("assets/reviews.jsonl")
    ran.write("assets/reviews.jsonl", [])
    app = App(ran.path)
    with running(app):
        page = open_page(context, app)
        assert page.locator(".card .pill", has_text="blind sample").count() == 1
        assert page.locator(".other:not([hidden])").count() == 0, "never on a blind card"
        found = json.loads(call(app, "/api/find", {"filter": {"differs": True}, "count": 200})[1])
        assert found["rows"], "after a few steps of training, it differs somewhere"
        id_ = found["rows"][0]["id"]
        card = json.loads(call(app, f"/api/cards?id={id_}&annotator=annotator%20a")[1])
        page.goto(f"{app.url.partition('#')[0]}#review/{id_}")
        page.wait_for_selector(f'[aria-label="Card {id_}"]')
        assert "The student differs" in page.inner_text(".other")
        page.keyboard.press("s")
        page.keyboard.press("a")
        wait_saved(page)
    (row,) = app.journal()
    assert row["accept"] == card["student"]["accept"]
    taken = [(span["token_start"], span["token_end"], span["label"]) for span in row["spans"]]
    assert taken == [(span["start"], span["end"], span["label"]) for span in card["student"]["spans"]]
    assert journal, "the project had decisions, from which the student learned"
