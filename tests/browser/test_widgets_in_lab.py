"""The widgets in a real JupyterLab: press the buttons, move the sliders, see the pictures change, and hear no complaint."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_jupyterlab import RUN, lab, notebook  # noqa: F401  (lab is a fixture)

pytestmark = pytest.mark.browser

MAKE = """import icon_nb as icon
small = icon.Config(n_samples=256, epochs=3, embedding_dim=3, max_points=120, quiet=True)"""
STUDY = "icon.widgets.temperature_study(small, [0.1, 1.0])"
EXPLORER = "icon.widgets.method_explorer(icon.Config(epochs=2, n_samples=256))"
LIVE = "run = icon.run(small, live=True)"
TRAINED = f"{STUDY}.run()"


@pytest.fixture(scope="module")
def opened(lab, chromium):  # noqa: F811
    """A notebook with both widgets and a live run, all cells run; what was complained about is in ``page.heard``."""
    address, work = lab
    notebook(work / "widgets.ipynb", MAKE, STUDY, EXPLORER, LIVE, TRAINED)
    context = chromium.new_context(viewport={"width": 1300, "height": 1000})
    context.route(lambda url: not url.startswith(("http://127.0.0.1:", "data:", "blob:")), lambda route: route.abort())
    page = context.new_page()
    page.heard = []
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("console", lambda message: page.heard.append(message.text) if message.type == "error" else None)
    page.goto(address("lab/tree/widgets.ipynb"))
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.evaluate(RUN)
    yield page
    context.close()


def cell(page, position: int):
    found = page.locator(".jp-Notebook .jp-CodeCell").nth(position)
    found.scroll_into_view_if_needed()
    return found


def photograph(page, name: str) -> None:
    """Keep a screenshot where one was asked for."""
    if folder := os.environ.get("ICON_NB_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def settled(page) -> None:
    """Until the kernel has answered."""
    page.wait_for_timeout(300)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    page.wait_for_timeout(300)


def looks(output, count: int) -> list[bytes]:
    """The pictures of an output, once the kernel is at rest."""
    settled(output.page)
    return [output.locator("img").nth(k).screenshot() for k in range(count)]


def test_the_study_is_run_and_scrubbed(opened):
    output = cell(opened, 1).locator(".jp-OutputArea-output").first
    run = output.locator("button", has_text="Run")
    run.wait_for(timeout=120_000)
    assert "press Run" in output.inner_text()
    run.click()
    output.locator("button[disabled]", has_text="Run").wait_for(timeout=120_000)
    trained = looks(output, 3)
    photograph(opened, "study")
    assert output.locator(".widget-readout").nth(1).inner_text() == "3", "the last epoch"

    output.locator(".noUi-handle").nth(0).focus()
    opened.keyboard.press("ArrowRight")
    hotter = looks(output, 3)
    assert output.locator(".widget-readout").nth(0).inner_text() == "1"
    assert all(now != before for now, before in zip(hotter, trained))

    output.locator(".noUi-handle").nth(1).focus()
    opened.keyboard.press("Home")
    earlier = looks(output, 3)
    assert output.locator(".widget-readout").nth(1).inner_text() == "0"
    assert all(now != before for now, before in zip(earlier, hotter))

    output.locator("select").last.select_option(index=4)
    other = looks(output, 3)
    assert other[1] != earlier[1], "the bars follow the sample"
    assert other[0] == earlier[0]
    photograph(opened, "study_scrubbed")


def test_a_study_that_was_run_before_it_is_shown_opens_at_its_last_epoch_and_plays(opened):
    from playwright.sync_api import expect

    output = cell(opened, 4).locator(".jp-OutputArea-output").first
    readout = output.locator(".widget-readout").nth(1)
    readout.wait_for(timeout=120_000)
    settled(opened)
    assert readout.inner_text() == "3"
    last = looks(output, 1)
    photograph(opened, "study_trained")
    output.locator(".widget-play button").first.click()
    for epoch in ("0", "3"):
        expect(readout).to_have_text(epoch, timeout=20_000)
    assert looks(output, 1) == last


def test_a_temperature_in_between_is_trained_and_joins(opened):
    output = cell(opened, 1).locator(".jp-OutputArea-output").first
    field = output.locator("input[type=number]")
    field.fill("0.4")
    field.press("Enter")
    output.locator("button", has_text="Add").click()
    output.get_by_text("0.4", exact=True).first.wait_for(timeout=120_000)
    photograph(opened, "study_in_between")


def test_the_explorer_explains_nonsense_and_runs_the_rest(opened):
    output = cell(opened, 2).locator(".jp-OutputArea-output").first
    p, q = output.locator("select").nth(0), output.locator("select").nth(1)
    p.select_option(label="Data-label pairs")
    q.select_option(label="Uniform on clusters")
    output.get_by_text("This makes no sense").wait_for(timeout=60_000)
    assert output.locator("button[disabled]", has_text="Run").count() == 1
    photograph(opened, "explorer_nonsense")
    q.select_option(label="Gaussian")
    output.get_by_text("method='cross_entropy'").wait_for(timeout=60_000)
    output.locator("button", has_text="Run").click()
    picture = output.locator("img")
    picture.wait_for(state="visible", timeout=120_000)
    assert "cross_entropy on moving_digits" in output.inner_text()
    settled(opened)
    frames = set()
    for _ in range(12):
        frames.add(picture.screenshot())
        opened.wait_for_timeout(250)
    assert len(frames) >= 2, "the animation stands still"
    photograph(opened, "explorer")


def test_a_live_run_ends_with_its_last_epoch_in_one_place(opened):
    output = cell(opened, 3).locator(".jp-OutputArea-output")
    picture = output.locator("img[alt*='epoch 3 of 3']")
    picture.wait_for(timeout=120_000)
    assert output.locator("img").count() == 1
    photograph(opened, "live")


def test_nothing_was_complained_about(opened):
    unrelated = ("Failed to load resource", "net::ERR_FAILED")
    assert [text for text in opened.heard if not any(word in text for word in unrelated)] == []
