"""`agreement`: two annotators on the same texts."""

import pytest
from conftest import ROOT, Project, template_only
from distill.review.agreement import agreement, kappa, mean_kappa


@template_only
def test_the_figures_in_the_example_s_page_are_those_of_the_command() -> None:
    found = agreement(ROOT / "assets/reviews.jsonl", ROOT / "assets/second_labels.jsonl")
    assert found.span_f is not None
    assert found.kappa is not None
    page = (ROOT / "assets/README.md").read_text(encoding="utf-8")
    assert f"{found.texts} texts of the test sample" in page
    assert f"F {100 * found.span_f:.1f}" in page
    assert f"kappa {found.kappa:.2f}" in page


def test_kappa_is_agreement_beyond_chance() -> None:
    # Cohen's worked case: 20 and 15 of 50 the same, 25 and 30 said yes; kappa 0.4
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([("a", "a")] * 3) == 1.0


def test_several_labels_a_text_have_the_mean_of_their_kappas() -> None:
    yes_no = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    pairs = [(["a", "b"] if one == "yes" else ["b"], ["a"] if other == "yes" else [], None) for one, other in yes_no]
    assert mean_kappa(pairs) == pytest.approx((0.4 + 0) / 2), "a as above; of b one has all texts and the other none"


def test_spans_that_differ_count_on_both_sides(small: Project) -> None:
    rows = small.read("assets/reviews.jsonl")
    row = next(row for row in rows if len(row["spans"]) == 2)
    small.write("assets/second_labels.jsonl", [{**row, "annotator": "annotator b", "spans": row["spans"][:1]}])
    assert "Spans: F 66.7" in small.weasel("run", "agreement")


def test_nothing_in_common_is_an_error_with_the_remedy(small: Project) -> None:
    small.write("assets/second_labels.jsonl", [])
    out = small.fails("agreement", "assets/reviews.jsonl", "assets/second_labels.jsonl")
    assert "no text that is accepted there" in out
    assert "Let somebody decide" in out
