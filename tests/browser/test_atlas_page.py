"""The page of the atlas in a real Chromium: the grid, its colours, what a cell tells, and the table that is sorted."""

from __future__ import annotations

import pytest

from icon_nb.methods import axes
from icon_nb.methods.periodic import Atlas

pytestmark = pytest.mark.browser
ATLAS = Atlas.shipped()
DIGITS = ATLAS.select(dataset="digits")


@pytest.fixture
def page(chromium, tmp_path):
    path = tmp_path / "atlas.html"
    path.write_text(ATLAS.to_html(), encoding="utf-8")
    context = chromium.new_context(viewport={"width": 1200, "height": 1000})
    page, heard, asked = context.new_page(), [], []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.select_option("#dataset", "digits")
    yield page
    context.close()
    assert (heard, asked) == ([], [path.as_uri()])


def values(page, k: int) -> list[float]:
    return [float(text) for text in page.locator(f"#list tbody td:nth-child({k})").all_inner_texts() if text != "–"]


def test_every_cell_stands_in_the_grid_and_the_unnamed_are_marked(page):
    cells = {(row["supervisory"], row["learned"]): row["method"] for row in DIGITS.rows}
    assert page.locator("#grid tbody button").count() == len(cells)
    assert page.locator("#grid td.unnamed").count() == list(cells.values()).count(None) > 20
    why = axes.why_not(axes.SUPERVISORY["label"], axes.LEARNED["clusters"])
    assert page.locator(f'#grid td.none[title="{why}"]').count() == 1


def test_a_cell_shows_its_best_and_is_darker_the_more_it_reaches(page):
    simclr = max(row["knn"] for row in DIGITS.rows if row["method"] == "simclr")
    button = page.locator('#grid button[title^="SimCLR:"]')
    assert button.inner_text() == f"{simclr:.2f}"
    page.select_option("#divergence", "kl")
    kl = next(row for row in DIGITS.rows if row["method"] == "simclr" and row["divergence"] == "kl")
    assert button.inner_text() == f"{kl['knn']:.2f}"
    shades = page.eval_on_selector_all(
        "#grid tbody button", "all => all.map(b => [parseFloat(b.textContent), b.style.background.match(/\\d+/g).map(Number)])"
    )
    known = sorted((value, sum(shade)) for value, shade in shades if value == value)
    assert known[0][1] - known[-1][1] > 300
    assert known[0][1] >= known[len(known) // 2][1] >= known[-1][1]


def test_a_cell_tells_all_and_the_line_that_runs_it(page):
    page.locator('#grid button[title^="SupCon:"]').press("Enter")
    told = page.locator("#detail").inner_text()
    assert all(words in told for words in ("SupCon.", "trustworthiness", "stability over seeds", "5 runs"))
    assert "icon.run(supervisory='same_class', learned='gaussian', divergence=" in told


def test_the_table_is_sorted_by_any_column_both_ways(page):
    assert values(page, 5) == sorted(values(page, 5), reverse=True), "by what the grid is coloured by, the best first"
    heading = page.locator("#list th button", has_text="effective rank")
    heading.click()
    assert values(page, 8) == sorted(values(page, 8), reverse=True)
    heading.click()
    assert values(page, 8) == sorted(values(page, 8))
    page.locator("#list th button", has_text="name").click()
    names = page.locator("#list tbody td:first-child").all_inner_texts()
    assert names == sorted(names)
    assert len(names) == len(DIGITS.rows)
