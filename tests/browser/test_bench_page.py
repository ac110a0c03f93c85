"""The bench in a real Chromium: its mathematics, every control, every pair, links, Python, keyboard and quiet."""

from __future__ import annotations

import re
import time

import bench_cases as cases
import numpy as np
import pytest

import icon_nb as icon
from icon_nb.animation.bench import CARRIED, contents

pytestmark = pytest.mark.browser
PAIRS = [name for name, pair in contents()["pairs"].items() if "why" not in pair]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return icon.bench().save(tmp_path_factory.mktemp("bench") / "bench.html")


@pytest.fixture
def open_bench(chromium, page_file):
    """``open_bench(link, **context) -> page``: paused unless asked; afterwards nothing was said on the console or asked for."""
    pages = []

    def open_page(link: str = "", **context):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | context)
        page = context.new_page()
        page.heard, page.asked = [], []
        page.on("console", lambda message: page.heard.append(message.text))
        page.on("pageerror", lambda error: page.heard.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(page_file.as_uri() + (f"#{link}" if link else ""))
        page.locator("#bench[data-ready=true]").wait_for()
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
        assert page.heard == []
        assert {url.split("#")[0] for url in page.asked if not url.startswith("data:")} == {page_file.as_uri()}


def steps(page) -> int:
    return page.evaluate("bench.trainer.steps")


def until(page, holds: str) -> None:
    """Wait for it, at most a minute."""
    end = time.monotonic() + 60
    while not page.evaluate(holds):
        assert time.monotonic() < end, holds
        page.wait_for_timeout(50)


def choose(page, pair: str) -> None:
    page.evaluate("(pair) => { bench.state.choose(...pair.split(' '), null); bench.renew(true); }", pair)


def test_every_pair_and_divergence_is_the_packages(open_bench):
    configs = cases.configs()
    ask = f"(given) => {{ const math = bench.math; return ({cases.ASK})(given); }}"
    told = open_bench().evaluate(ask, [cases.question(config) for config in configs])
    for config, said in zip(configs, told):
        cases.check(config, said)


ROW = """() => {
  const { p, q } = bench.trainer.row(5), sum = (values) => values.reduce((a, b) => a + b, 0);
  return [sum(p), sum(q)];
}"""


def test_every_pair_trains_shows_a_row_and_says_the_same_in_python(open_bench):
    page = open_bench()
    for name in PAIRS:
        choose(page, name)
        for _ in range(3):
            page.click("#step")
        assert page.text_content("#status") == "" or re.search("drift|nearest", page.text_content("#status")), name
        page.fill("#pin", "5")
        assert page.evaluate(ROW) == pytest.approx([1, 1]), name
        config, state = config_of(page), page.evaluate("bench.state.settings")
        resolved = config.resolve()
        assert f"{resolved.supervisory} {resolved.learned}" == name
        for setting in CARRIED:
            if setting in state and (setting != "alpha_on" or state["alpha"]):
                assert getattr(resolved, setting) == pytest.approx(state[setting]), f"{setting} of {name}"


def config_of(page) -> icon.Config:
    """The Config that stands in the page's Python, with the data that are made before it."""
    code = page.evaluate("bench.state.toPython(bench.trainer.steps)")
    scope = {}
    exec(re.sub(r"results = icon\.run\((.*?\n\))\)\n.*", r"config = \1", code, flags=re.S), scope)
    return scope["config"]


@pytest.mark.parametrize("data", [*contents()["data"], "drawn"])
def test_the_data_of_the_python_are_those_of_the_page(open_bench, data):
    page = open_bench()
    page.select_option("#data", data)
    page.click("#step")
    shown = page.evaluate("({ x: Array.from(bench.state.samples.x), y: Array.from(bench.state.samples.y) })")
    config = config_of(page).resolve()
    dataset = icon.data.load(config.dataset, n_samples=config.n_samples, whole=True)
    assert np.allclose(dataset.flat(dataset.x).numpy().ravel(), shown["x"], atol=1e-6)
    assert dataset.y.tolist() == shown["y"]


def test_the_objective_changes_while_it_runs_and_the_points_go_on(open_bench):
    page = open_bench()
    for _ in range(3):
        page.click("#step")
    page.locator("#df").fill("2")  # log10
    page.click("#step")
    assert steps(page) == 4
    assert page.evaluate("bench.trainer.s.df") == 100
    page.select_option("#divergence", "js")
    page.click("#step")
    assert steps(page) == 5
    page.select_option("#q", "gaussian")  # SNE: the same points under another q
    assert steps(page) == 5
    page.select_option("#backbone", "mlp")  # another model
    assert steps(page) == 0


def test_a_heavy_tail_makes_t_sne_of_sne(open_bench):
    page = open_bench("data=digits&p=gaussian&q=student_t&df=100&temperature=1")
    page.evaluate("(() => { bench.state.set('df', 1e7); bench.follow(); })()")
    for _ in range(2):
        page.click("#step")
    heavy = float(page.text_content("#at-loss"))
    choose(page, "gaussian gaussian")
    for _ in range(2):
        page.click("#step")
    assert float(page.text_content("#at-loss")) == pytest.approx(heavy, abs=2e-4)


def test_training_teaches(open_bench):
    page = open_bench("data=digits&p=gaussian&q=student_t")
    untrained = page.evaluate("bench.trainer.accuracy()")
    page.evaluate("for (let k = 0; k < 120; k++) bench.trainer.step(); bench.trainer.look()")
    assert untrained < 0.75
    assert page.evaluate("bench.trainer.accuracy()") > 0.9


def test_a_smaller_batch_goes_on_with_the_same_network(open_bench):
    page = open_bench("data=digits&p=gaussian&q=student_t&backbone=mlp&perplexity=50")
    page.click("#step")
    page.locator("#batch_size").fill("1.2")  # log10
    page.click("#step")
    assert steps(page) == 2
    assert page.evaluate("[bench.trainer.size, bench.trainer.s.perplexity]") == [16, 5]


def test_an_impossible_pair_says_why_and_what_would_do(open_bench):
    page = open_bench()
    page.select_option("#p", "label")
    page.select_option("#q", "clusters")
    assert "spreads over classes" in page.text_content("#blocked")
    page.click("#step")
    page.get_by_role("button", name="q: Gaussian", exact=True).click()
    assert not page.is_visible("#blocked")
    page.click("#step")
    assert steps(page) == 1


def test_a_link_to_an_impossible_pair_says_why(open_bench):
    page = open_bench("data=digits&p=label&q=clusters")
    assert "spreads over classes" in page.text_content("#blocked")
    page.locator("#grid button").first.click()
    page.click("#step")
    assert steps(page) == 1


def test_only_settings_with_an_effect_are_shown(open_bench):
    page = open_bench("data=digits&p=knn&q=clusters")
    assert page.is_visible("#n_neighbors")
    for name in ("distance", "temperature", "df", "perplexity", "alpha_on"):
        assert not page.is_visible(f"#{name}"), name


def test_every_cell_of_the_table_answers(open_bench):
    page = open_bench()
    cells = page.locator("#grid button")
    assert cells.count() == 45
    for k in range(45):
        cells.nth(k).click(force=True)
        words = page.text_content("#cell-text")
        if cells.nth(k).get_attribute("aria-disabled"):
            assert words, k
        else:
            assert cells.nth(k).get_attribute("aria-pressed") == "true"
            assert page.locator("#grid [aria-pressed=true]").count() == 1
            assert page.is_visible("#gap") == ("gap" in cells.nth(k).get_attribute("class"))
            assert page.is_visible("#gap") == ("A gap" in words)


def test_a_link_brings_the_setting_back(open_bench):
    page = open_bench()
    choose(page, "knn student_t")
    page.select_option("#data", "drawn")
    page.click("#add")
    page.locator("#temperature").fill("-1")
    page.locator("#alpha").fill("0.3")
    told = "({ ...bench.state.settings, points: bench.state.points, p: bench.state.p, data: bench.state.data })"
    before, link = page.evaluate(told), page.evaluate("bench.state.toHash()")
    page.wait_for_timeout(500)
    assert page.url.endswith(link)
    assert open_bench(link).evaluate(told) == before


def test_points_are_drawn_with_the_mouse(open_bench):
    page = open_bench("data=drawn&p=knn&q=gaussian")
    page.click("#clear")
    page.select_option("#pen", "2")  # the second class
    box = page.locator("#pad").bounding_box()
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 150, steps=30)
    page.mouse.up()
    points = page.evaluate("bench.state.points")
    assert len(points) > 10
    assert {point[2] for point in points} == {1}
    page.click("#step")
    assert steps(page) == 1


def test_a_point_under_the_mouse_shows_its_row_and_a_click_keeps_it(open_bench):
    page = open_bench()
    for _ in range(30):
        page.click("#step")
    x, y = page.evaluate("(() => { const v = bench.view; return [v.to.x(v.xy[24]), v.to.y(v.xy[25])]; })()")
    box = page.locator("#points").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    near = page.evaluate("([x, y]) => bench.view.pointAt(x, y)", [x, y])
    assert page.text_content("#row-text").startswith(f"Point {near}, class")
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.mouse.move(box["x"] - 30, box["y"] - 10)
    assert page.input_value("#pin") == str(near)
    assert page.is_visible("#thumb")


def test_the_keyboard_reaches_and_moves_everything(open_bench):
    page = open_bench()
    page.focus("#points")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#pin") == "1"
    reached, last = set(), None
    page.evaluate("document.activeElement.blur()")
    for _ in range(120):
        page.keyboard.press("Tab")
        last = page.evaluate("document.activeElement.id || document.activeElement.textContent")
        reached.add(last)
    controls = "play step restart speed forces pin p q divergence distance temperature df perplexity alpha data backbone"
    assert {*controls.split(), "embedding_dim", "learning_rate", "copy", "link"} <= reached
    page.focus("#play")
    page.keyboard.press("Enter")
    until(page, "bench.trainer.steps > 2")


def test_a_screen_reader_finds_a_name_and_a_help_for_every_control(open_bench):
    page = open_bench("data=digits&p=knn&q=student_t&alpha=0.1")
    nameless = """() => [...document.querySelectorAll("button, input, select, textarea, canvas")].filter((each) => {
      const said = each.getAttribute("aria-label") || each.labels?.[0]?.textContent.trim() || each.textContent.trim();
      return each.checkVisibility() && !said;
    }).map((each) => each.outerHTML)"""
    assert page.evaluate(nameless) == []
    helpless = """() => [...document.querySelectorAll("#controls input, #controls select")].filter((each) => {
      const help = document.getElementById(each.getAttribute("aria-describedby"));
      return each.checkVisibility() && each.id !== "pen" && !help;
    }).map((each) => each.id)"""
    assert page.evaluate(helpless) == []


def test_it_runs_by_itself_unless_less_motion_is_asked_for(open_bench):
    assert open_bench().get_attribute("#bench", "data-playing") == "false"
    page = open_bench(reduced_motion="no-preference")
    assert page.get_attribute("#bench", "data-playing") == "true"
    until(page, "bench.trainer.steps > 5")
    page.click("#play")
    stopped = steps(page)
    page.wait_for_timeout(300)
    assert steps(page) == stopped


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_scrolling_sideways(open_bench, scheme):
    page = open_bench(viewport={"width": 400, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_loss_that_runs_away_stops_and_says_so(open_bench):
    page = open_bench("data=digits&p=gaussian&q=gaussian")
    page.evaluate("bench.trainer.points.forEach((_, k, z) => { z[k] = 1e200 * k; })")
    page.click("#step")
    assert "learning rate" in page.text_content("#status")


def test_it_runs_in_a_frame_that_reaches_nothing_else(chromium, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(icon.bench(method="simclr")._repr_html_(), encoding="utf-8")
    page = chromium.new_page()
    heard = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#bench[data-ready=true]").wait_for()
    frame.locator("#step").click()
    frame.locator("#copy").click()
    frame.locator("#copied").filter(has_text=re.compile("Copied|Selected")).wait_for()
    page.wait_for_timeout(500)
    page.close()
    assert heard == []
