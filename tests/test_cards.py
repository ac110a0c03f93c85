"""The derivation cards: every line of algebra has the value of the package on the six points, and the notebook shows them all."""

from __future__ import annotations

import re
import sys

import pytest
from test_notebooks import NOTEBOOKS

from icon_nb.methods import METHODS

sys.path.insert(0, str(NOTEBOOKS))
import cards as deck  # noqa: E402

CARDS = deck.cards()


@pytest.mark.parametrize("name", METHODS)
def test_every_line_of_a_card_is_the_loss_of_the_package(name):
    lines, loss = CARDS[name].values()
    assert len(lines) == 3
    assert lines == pytest.approx([loss] * 3, abs=1e-6)
    assert loss != pytest.approx(0, abs=0.01), "a loss of zero would agree with too much"


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_a_card_has_whole_sentences_and_whole_formulas(card):
    assert all(re.fullmatch(r"[A-Z$].*[.?:]", text) for text in (card.caveat, *(why for why, *_ in card.lines)))
    for _, latex, code in card.lines:
        assert latex.count("{") == latex.count("}")
        assert "$" not in latex
        assert len(re.findall(r"\\Big\[|\\big\[", latex)) == len(re.findall(r"\\Big\]|\\big\]", latex))
        compile(code, card.name, "eval")


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_the_picture_shows_rows_that_sum_to_one(card):
    p, q = card.matrices()
    joint, limit = card.method.p.candidates == "pairs", card.method.q.family in ("gaussian_wide", "gaussian_narrow", "sigmoid")
    for matrix in (p,) if limit else (p, q):
        assert sum(map(sum, matrix)) == pytest.approx(1 if joint else len(matrix), abs=1e-6)
    assert [len(row) for row in p] == [len(row) for row in q]


def test_the_notebook_has_the_cards_as_they_are_written():
    text = deck.NOTEBOOK.read_text(encoding="utf-8")
    assert deck.written(text) == text, "run python notebooks/cards.py"
    assert text.count("\n# ### ") == len(METHODS) + 1  # and the answers


def test_a_row_is_worked_with_its_numbers_where_the_loss_is_a_mean_of_rows():
    said = {name: deck.six_points.first_row(*deck.six_points.six(name)) for name in ("clip", "kmeans", "vicreg", "sincere")}
    assert said["clip"].startswith("row 0: 1.00 log(1.00 / ")
    assert said["kmeans"].count("log") == 6  # of q, which stands on the left
    assert said["vicreg"] == said["sincere"] == ""
