"""The player in a real browser: what a reader does with mouse, keyboard and touch, and what is then to be seen."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from icon_nb.animation.palette import THEMES, class_color, rgb
from icon_nb.animation.player import player
from icon_nb.evaluation.trajectory import Neighbours, Trajectory

pytestmark = pytest.mark.browser
EPOCHS = 13


def three_clusters(frames=EPOCHS, dim=2, each=12, **about) -> Trajectory:
    """Three rings of points, far apart, that move outwards from the middle; every point can be pointed at alone."""
    n = 3 * each
    labels = np.arange(n) % 3
    angle = np.arange(n) // 3 / each * 2 * np.pi
    ring = np.stack([np.cos(angle), np.sin(angle), np.sin(3 * angle)], 1)[:, :dim]
    centres = np.array([[0, 0, 3], [8, 0, 0], [4, 6, -3]], float)[:, :dim]
    end = centres[labels] + ring * 1.5
    share = np.linspace(0.35, 1, frames)[:, None, None]
    images = np.zeros((n, 6, 6, 1), np.uint8) + (np.arange(n) * 7 % 256).astype(np.uint8)[:, None, None, None]
    metrics = {
        "loss": np.linspace(2, 0.5, frames),
        "knn_accuracy": np.linspace(0.1, 0.9, frames),
        "alignment": np.linspace(1, 0, frames),
    }
    known = {"labels": labels, "class_names": ("cat", "dog", "ship"), "metrics": metrics, "title": "rings"}
    known |= {"images": images, "index": np.arange(n) + 100}
    return Trajectory((end * share).astype(np.float32), np.arange(frames), **(known | about))


BOX = """(k) => {
  const { centre, half } = JSON.parse(document.getElementById("contents").textContent).runs[k];
  return { centre, half };
}"""
# A pixel is read from a copy: reading the page's own canvas would make the browser treat it differently.
PIXEL = """(c, [x, y]) => {
  const k = c.width / c.clientWidth, ink = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  ink.drawImage(c, Math.round(x * k - 0.5), Math.round(y * k - 0.5), 1, 1, 0, 0, 1, 1);
  return [...ink.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def state(page, name: str) -> str:
    return page.get_attribute("#player", f"data-{name}")


def reads(page, name: str, value: str) -> None:
    """Wait until the page says so."""
    from playwright.sync_api import expect

    expect(page.locator("#player")).to_have_attribute(f"data-{name}", re.compile(value))


def settle(page) -> None:
    """Until what was asked for has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def spot(page, shown, point: int, frame: int, panel: int = 0) -> tuple[float, float]:
    """Where on the canvas the projection puts a point at a recorded frame (2-d), in CSS pixels from the canvas's corner."""
    run = page.evaluate(BOX, panel)
    told = page.locator("canvas.points").nth(panel).evaluate("(c) => ({ ...c.dataset })")
    x, y = (shown.seen[panel].embeddings[frame, point] - run["centre"]) / run["half"]
    return float(told["originX"]) + x * float(told["scale"]), float(told["originY"]) - y * float(told["scale"])


def under(page, x: float, y: float) -> tuple[float, float]:
    """What place of the box, -1..1, is drawn at a place on the first canvas."""
    told = page.locator("canvas.points").first.evaluate("(c) => ({ ...c.dataset })")
    return (x - float(told["originX"])) / float(told["scale"]), (float(told["originY"]) - y) / float(told["scale"])


def pixel(page, x: float, y: float, panel: int = 0) -> tuple[int, ...]:
    """The colour on the canvas at a place in CSS pixels."""
    return tuple(page.locator("canvas.points").nth(panel).evaluate(PIXEL, [x, y]))


def color(c: int) -> tuple[int, ...]:
    return tuple(int(v) for v in np.rint(rgb(class_color(c)) * 255))


def move_to(page, x: float, y: float, panel: int = 0) -> None:
    box = page.locator("canvas.points").nth(panel).bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)


class Shown:
    """A player together with the trajectories it was made from."""

    def __init__(self, *seen: Trajectory, **options):
        self.seen = seen
        self.page = player(list(seen), **options)
        self.html, self.save = self.page.html, self.page.save


@pytest.fixture
def one(visit):
    shown = Shown(three_clusters())
    page = visit(shown)
    page.shown = shown
    return page


# --- time -----------------------------------------------------------------------------------------------------------------


def test_it_opens_at_rest_on_the_last_epoch(one):
    assert state(one, "epoch") == "12"
    assert state(one, "playing") == "false"
    assert one.inner_text("#epoch") == "epoch 12 of 12"


def test_play_runs_from_the_first_epoch_to_the_last_and_stops(one):
    one.select_option("#speed", "4")
    one.click("#play")
    reads(one, "playing", "true")
    seen = []
    while state(one, "playing") == "true":
        seen.append(float(state(one, "position")))
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    assert any(value % 1 for value in seen), "frames between two epochs are drawn"
    assert state(one, "epoch") == "12"


def test_while_playing_the_number_is_the_last_epoch_reached_and_at_rest_a_recorded_one(one):
    one.click("#play")
    reads(one, "epoch", "^[3-9]$")
    shown, position = one.evaluate(
        "() => [Number(document.querySelector('#epoch-now').textContent), Number(player.dataset.position)]"
    )
    assert shown == int(position)
    one.click("#play")
    reads(one, "playing", "false")
    assert float(state(one, "position")) % 1 == 0
    assert one.inner_text("#epoch-next") == ""


def test_the_loop_starts_again(one):
    one.keyboard.press("l")
    one.select_option("#speed", "4")
    one.keyboard.press("Escape")
    one.click("#play")
    reads(one, "epoch", "^1[0-2]$")
    reads(one, "epoch", "^[1-3]$")
    assert state(one, "playing") == "true"


def test_scrubbing_lands_where_the_projection_puts_the_points(one):
    box = one.locator("#scrub").bounding_box()
    one.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reads(one, "epoch", "^6$")
    for frame in (6, 0, 12):
        one.locator("#scrub").fill(str(frame))
        reads(one, "epoch", f"^{frame}$")
        settle(one)
        for point in (0, 13, 35):
            assert pixel(one, *spot(one, one.shown, point, frame)) == color(point % 3)


def test_the_canvas_is_empty_where_no_point_is(one):
    one.keyboard.press("Home")
    settle(one)
    x, y = spot(one, one.shown, 20, 12)
    assert pixel(one, x, y) == (255, 255, 255)


def test_keys(one):
    for key, epoch in [("Home", 0), ("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("End", 12), ("PageDown", 2)]:
        one.keyboard.press(key)
        reads(one, "epoch", f"^{epoch}$")
    one.keyboard.press("Space")
    reads(one, "playing", "true")
    one.keyboard.press("Space")
    reads(one, "playing", "false")
    for key, speed in [("]", "2"), ("[", "1"), ("[", "0.5")]:
        one.keyboard.press(key)
        reads(one, "speed", f"^{speed}$")


@pytest.mark.parametrize("focus", ["#scrub", "#play", "canvas.points"])
def test_a_key_acts_once_wherever_the_focus_is(one, focus):
    one.keyboard.press("Home")
    one.locator(focus).focus()
    one.keyboard.press("Shift+ArrowRight")
    settle(one)
    reads(one, "epoch", "^10$")
    one.keyboard.press("Space")
    reads(one, "playing", "true")


def test_reduced_motion_shows_recorded_epochs_only(visit):
    page = visit(Shown(three_clusters()), reduced_motion="reduce")
    page.click("#play")
    reads(page, "epoch", "^[1-9]$")
    places = [float(state(page, "position")) for _ in range(40)]
    assert state(page, "playing") == "true"
    assert all(place % 1 == 0 for place in places)


def test_a_chart_shows_the_recorded_value_and_seeks(one):
    one.keyboard.press("Home")
    assert one.locator(".chart .value").all_inner_texts() == ["2", "0.1"]
    box = one.locator(".chart canvas").first.bounding_box()
    one.mouse.click(box["x"] + box["width"] - 8, box["y"] + 40)
    reads(one, "epoch", "^12$")
    assert one.locator(".chart .value").all_inner_texts() == ["0.5", "0.9"]


def test_what_was_never_measured_has_no_curve(visit):
    metrics = {"loss": np.linspace(2, 0.5, EPOCHS), "knn_accuracy": np.full(EPOCHS, np.nan)}
    assert visit(Shown(three_clusters(metrics=metrics))).locator("#charts select").all_inner_texts() == ["loss"]


def test_any_metric_can_be_chosen(one):
    one.locator(".chart select").first.select_option("alignment")
    reads(one, "metrics", "^alignment,knn_accuracy$")
    assert one.locator(".chart .value").first.inner_text() == "0"


# --- points ---------------------------------------------------------------------------------------------------------------


def test_hover_names_the_point_and_shows_its_picture(one):
    move_to(one, *spot(one, one.shown, 16, 12))
    reads(one, "hover", "^0:16$")
    assert one.inner_text(".tip").split("\n") == ["dog", "point 116"]
    assert one.locator(".tip canvas").evaluate(PIXEL, [20, 20]) == [16 * 7] * 3
    move_to(one, 4, 4)
    reads(one, "hover", "^$")
    assert not one.is_visible(".tip")


def test_the_tooltip_goes_with_its_point(one):
    move_to(one, *spot(one, one.shown, 16, 12))
    reads(one, "hover", "^0:16$")
    before = one.locator(".tip").bounding_box()
    one.keyboard.press("Home")
    settle(one)
    moved = np.subtract(spot(one, one.shown, 16, 0), spot(one, one.shown, 16, 12))
    after = one.locator(".tip").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx(tuple(moved), abs=1.5)


def test_a_tooltip_stays_inside_the_picture(one):
    stage = one.locator(".stage").bounding_box()
    for point in range(36):
        move_to(one, *spot(one, one.shown, point, 12))
        reads(one, "hover", f"^0:{point}$")
        tip = one.locator(".tip").bounding_box()
        assert stage["x"] <= tip["x"]
        assert tip["x"] + tip["width"] <= stage["x"] + stage["width"]
        assert stage["y"] <= tip["y"]
        assert tip["y"] + tip["height"] <= stage["y"] + stage["height"]


def test_click_pins_a_point_and_draws_its_path(one):
    half_way = np.mean([spot(one, one.shown, 16, frame) for frame in (5, 6)], axis=0)
    assert pixel(one, *half_way) == (255, 255, 255)
    move_to(one, *spot(one, one.shown, 16, 12))
    one.mouse.down()
    one.mouse.up()
    reads(one, "pinned", "^0:16$")
    move_to(one, 4, 4)
    settle(one)
    assert sum(pixel(one, *half_way)) < 300, "the path is dark"
    assert one.inner_text(".card").split("\n")[:2] == ["dog", "point 116"]
    one.keyboard.press("Escape")
    reads(one, "pinned", "^$")
    settle(one)
    assert pixel(one, *half_way) == (255, 255, 255)


def test_a_class_can_be_hidden_and_shown_and_shown_alone(one):
    cat, dog = (spot(one, one.shown, point, 12) for point in (15, 16))
    chip = one.locator(".chips button")
    chip.nth(1).click()
    reads(one, "hidden", "^1$")
    one.mouse.move(5, 5)
    one.locator("#scrub").focus()
    settle(one)
    assert pixel(one, *dog) == (255, 255, 255)
    assert pixel(one, *cat) == color(0)
    assert chip.nth(1).get_attribute("aria-pressed") == "false"
    chip.nth(1).click(modifiers=["Shift"])
    reads(one, "hidden", "^0,2$")
    one.click("text=show all")
    reads(one, "hidden", "^$")
    one.mouse.move(5, 5)
    settle(one)
    assert (pixel(one, *cat), pixel(one, *dog)) == (color(0), color(1))


def test_a_hidden_point_is_neither_hovered_nor_pinned(one):
    x, y = spot(one, one.shown, 16, 12)
    move_to(one, x, y)
    one.mouse.down()
    one.mouse.up()
    one.locator(".chips button").nth(1).click()
    reads(one, "pinned", "^$")
    move_to(one, x, y)
    settle(one)
    assert state(one, "hover") == ""


def test_zoom_keeps_the_place_under_the_pointer_and_drag_moves(one):
    start = spot(one, one.shown, 16, 12)
    box = one.locator("canvas.points").bounding_box()
    pointer = np.round(start[0] + box["x"]) - box["x"], np.round(start[1] + box["y"]) - box["y"]
    before = under(one, *pointer)
    move_to(one, *pointer)
    one.keyboard.down("Control")
    one.mouse.wheel(0, -300)
    one.keyboard.up("Control")
    settle(one)
    assert float(one.get_attribute("canvas.points", "data-zoom")) > 2
    assert under(one, *pointer) == pytest.approx(before, abs=1e-3)
    one.mouse.down()
    move_to(one, pointer[0] + 30, pointer[1] - 20)
    one.mouse.up()
    settle(one)
    assert under(one, pointer[0] + 30, pointer[1] - 20) == pytest.approx(before, abs=1e-3)
    assert state(one, "pinned") == "", "a drag is not a click"
    one.click("[aria-label='Reset the view']")
    settle(one)
    assert spot(one, one.shown, 16, 12) == pytest.approx(start, abs=0.1)


def test_a_plain_wheel_is_left_to_the_notebook(one):
    move_to(one, 200, 200)
    one.mouse.wheel(0, -300)
    settle(one)
    assert one.get_attribute("canvas.points", "data-zoom") == "1"


def test_touch_pins(visit):
    shown = Shown(three_clusters())
    page = visit(shown, has_touch=True, viewport={"width": 400, "height": 620})
    x, y = spot(page, shown, 16, 12)
    box = page.locator("canvas.points").bounding_box()
    page.touchscreen.tap(box["x"] + x, box["y"] + y)
    reads(page, "pinned", "^0:16$")


def swipe(page, fingers, start: float, end: float) -> float:
    """Fingers at x that go from a height to another, one after the other put down; how far the page is then scrolled."""
    touch = page.context.new_cdp_session(page)

    def put(kind, y, xs):
        points = [{"x": x, "y": y, "id": k} for k, x in enumerate(xs)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for k in range(len(fingers)):
        put("touchStart", start, fingers[: k + 1])
    for step in range(1, 11):
        put("touchMove", start + (end - start) * step / 10, fingers)
        page.wait_for_timeout(20)
    put("touchEnd", end, [])
    page.wait_for_timeout(400)
    return page.evaluate("scrollY")


def test_one_finger_and_two_scroll_past_the_picture_again_and_again(visit):
    shown = Shown(three_clusters())
    document = f'<body style="margin:0;height:4000px">{shown.page.frame()}</body>'
    page = visit(shown, document, has_touch=True, is_mobile=True, viewport={"width": 400, "height": 620})
    canvas = page.frame_locator("iframe").locator("canvas.points")
    places = []
    for fingers in (1, 2, 1):
        box = canvas.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8
        places.append(swipe(page, [x - 60, x + 60][:fingers], y, y - 150))
    assert 0 < places[0] < places[1] < places[2]
    assert canvas.evaluate("(c) => c.style.touchAction") == "pan-y pinch-zoom"


# --- three dimensions -----------------------------------------------------------------------------------------------------


def test_dragging_turns_a_3d_view(visit):
    page = visit(Shown(three_clusters(dim=3)))
    canvas = page.locator("canvas.points")
    grab = "(c) => c.toDataURL()"
    before, yaw, pitch = canvas.evaluate(grab), *(float(canvas.get_attribute(f"data-{name}")) for name in ("yaw", "pitch"))
    move_to(page, 200, 200)
    page.mouse.down()
    move_to(page, 260, 180)
    page.mouse.up()
    settle(page)
    assert float(canvas.get_attribute("data-yaw")) == pytest.approx(yaw - 0.6, abs=1e-3)
    assert float(canvas.get_attribute("data-pitch")) == pytest.approx(pitch - 0.2, abs=1e-3)
    assert canvas.evaluate(grab) != before
    page.click("[aria-label='Reset the view']")
    settle(page)
    move_to(page, 4, 4)
    settle(page)
    assert canvas.evaluate(grab) == before


def test_the_third_axis_points_up_and_the_nearer_point_hides_the_farther(visit):
    """Two points on the line of sight of the opening view: the one towards the eye is drawn on top."""
    azimuth, elevation = np.deg2rad(35), np.deg2rad(20)
    eye = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    z = np.stack([eye, -eye, [0, 0, 1], [0, 0, -1]])
    z = np.stack([z, z]).astype(np.float32)
    page = visit(Shown(Trajectory(z, np.arange(2), np.array([0, 1, 2, 3]))))
    page.click("#names")  # they stand where the points are
    settle(page)
    told = page.locator("canvas.points").evaluate("(c) => ({ ...c.dataset })")
    x, y = float(told["originX"]), float(told["originY"])
    assert pixel(page, x, y) == color(0)
    look = "(c, x) => [...c.getContext('2d', { willReadFrequently: true }).getImageData(x, 0, 1, c.height).data]"
    column = list(map(tuple, np.reshape(page.locator("canvas.points").evaluate(look, round(x)), (-1, 4))[:, :3].tolist()))
    assert column.index(color(2)) < column.index(color(0)) < column.index(color(3))


# --- several runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(visit):
    shown = Shown(three_clusters(title="long"), three_clusters(frames=6, title="short"))
    page = visit(shown)
    page.shown = shown
    return page


def test_two_runs_follow_one_cursor_and_the_shorter_one_holds_its_last_frame(two):
    assert state(two, "run-epochs") == "12,5"
    assert two.locator(".held").all_inner_texts() == ["", "ended: held at epoch 5"]
    assert pixel(two, *spot(two, two.shown, 13, 5, panel=1), panel=1) == color(1)
    two.locator("#scrub").fill("3")
    reads(two, "run-epochs", "^3,3$")
    settle(two)
    for panel in (0, 1):
        assert pixel(two, *spot(two, two.shown, 13, 3, panel), panel) == color(1)
    assert two.locator(".held").all_inner_texts() == ["", ""]


def test_runs_over_the_same_points_share_pins_and_hover(two):
    move_to(two, *spot(two, two.shown, 16, 5, panel=1), panel=1)
    reads(two, "hover", "^1:16$")
    two.mouse.down()
    two.mouse.up()
    assert [text.split("\n")[:2] for text in two.locator(".card").all_inner_texts()] == [["dog", "point 116"]] * 2


def test_runs_over_other_points_do_not(visit):
    shown = Shown(three_clusters(), three_clusters(index=np.arange(36)))
    page = visit(shown)
    move_to(page, *spot(page, shown, 16, 12))
    page.mouse.down()
    page.mouse.up()
    reads(page, "pinned", "^0:16$")
    assert page.locator(".card:visible").count() == 1


def test_runs_with_other_classes_have_a_legend_each(visit):
    page = visit(Shown(three_clusters(), three_clusters(class_names=("a", "b", "c"), title="other")))
    assert page.locator(".legend").count() == 2
    page.locator(".legend").nth(1).locator(".chips button").first.click()
    reads(page, "hidden", "^;0$")


def test_a_run_recorded_at_other_epochs_is_placed_by_its_epoch(visit):
    sparse = replace(three_clusters(frames=4), epochs=np.array([0, 4, 8, 12]))
    shown = Shown(three_clusters(), sparse)
    page = visit(shown)
    page.locator("#scrub").fill("6")
    reads(page, "run-epochs", "^6,4$")
    settle(page)
    halfway = np.mean([spot(page, shown, 13, frame, panel=1) for frame in (1, 2)], axis=0)
    assert pixel(page, *halfway, panel=1) == color(1)


# --- where it is read -----------------------------------------------------------------------------------------------------


def test_it_works_inside_the_frame_a_notebook_shows(visit):
    shown = Shown(three_clusters())
    page = visit(shown, document=f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{shown.page._repr_html_()}")
    inside = page.frame_locator("iframe")
    inside.locator("#play").click()
    inside.locator("#player[data-epoch='2']").wait_for()


def test_it_works_in_the_page_that_nbconvert_writes(visit):
    import nbformat
    from nbconvert import HTMLExporter

    shown = Shown(three_clusters())
    output = nbformat.v4.new_output("display_data", data=shown.page._repr_mimebundle_())
    cell = nbformat.v4.new_code_cell("results.player()", outputs=[output], execution_count=1)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    page = visit(shown, document=f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{body}")
    inside = page.frame_locator("iframe")
    inside.locator("#play").click()
    inside.locator("#player[data-epoch='2']").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_reader_s_scheme(visit, scheme):
    shown = Shown(three_clusters())
    page = visit(shown, color_scheme=scheme)
    theme = THEMES["dark" if scheme == "dark" else "notebook"]
    assert pixel(page, 4, 4) == tuple(int(v) for v in np.rint(rgb(theme.panel) * 255))
    assert pixel(page, *spot(page, shown, 13, 12)) == color(1)
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert tuple(map(int, re.findall(r"\d+", ink))) == tuple(int(v) for v in np.rint(rgb(theme.ink) * 255))


def test_a_sharp_screen_gets_a_sharp_canvas(visit):
    shown = Shown(three_clusters())
    page = visit(shown, device_scale_factor=2)
    assert page.locator("canvas.points").evaluate("(c) => c.width / c.clientWidth") == 2
    assert pixel(page, *spot(page, shown, 13, 12)) == color(1)


OVERLAPS = """() => {
  const what = "h2, .now, .stage, figcaption, .chart header > *, .chart canvas, .chips button, #transport > *, #hint";
  // What a scrolling legend has scrolled out of sight is not drawn over anything.
  const seen = (e) => e.getClientRects().length && !(e.closest("#legends") && getComputedStyle(legends).overflowY === "auto");
  const shown = [...document.querySelectorAll(what)].filter(seen);
  const bad = [];
  for (const a of shown) for (const b of shown) {
    if (a === b || a.contains(b) || b.contains(a)) continue;
    const p = a.getBoundingClientRect(), q = b.getBoundingClientRect();
    const w = Math.min(p.right, q.right) - Math.max(p.left, q.left), h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
    if (w > 1 && h > 1 && a.compareDocumentPosition(b) & 4) bad.push([a.outerHTML.slice(0, 80), b.outerHTML.slice(0, 80), w, h]);
  }
  return bad;
}"""
LONG = "a_title_that_goes_on_and_on_without_a_single_space_in_it, and then some " * 2
CUT = """() => [...document.querySelectorAll("h2, .now, figcaption, summary, .value, .chips span, #epoch, #hint, button, .field")]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth).map((e) => e.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize("width", [400, 900])
@pytest.mark.parametrize("kind", ["one", "two", "three dimensions", "thirty classes", "unlabelled", "long words"])
def test_nothing_overlaps_is_cut_or_needs_sideways_scrolling(visit, kind, width):
    thirty = np.arange(36) % 30
    shown = {
        "one": lambda: Shown(three_clusters()),
        "two": lambda: Shown(three_clusters(title="simclr, temperature 0.1"), three_clusters(6, title="t-SNE, perplexity 30")),
        "three dimensions": lambda: Shown(three_clusters(dim=3, held_out=np.arange(36) % 2 == 0)),
        "thirty classes": lambda: Shown(three_clusters(labels=thirty, class_names=tuple(f"class number {c}" for c in range(30)))),
        "long words": lambda: Shown(
            three_clusters(title=LONG, class_names=(LONG, LONG[:40], "c"), metrics={LONG: np.arange(13.0)}),
            three_clusters(title=LONG),
        ),
        "unlabelled": lambda: Shown(three_clusters(labels=None, class_names=(), metrics={}, title="")),
    }[kind]()
    page = visit(shown, viewport={"width": width, "height": 2000 if width == 400 else 620})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(CUT) == []


def test_what_holds_for_all_panels_stands_once_below_them_and_opens(visit):
    shown = Shown(three_clusters(dim=3, title="one"), three_clusters(7, dim=3, title="two"), projection="pca")
    page = visit(shown, viewport={"width": 1000, "height": 900})
    assert page.locator(".shared summary").all_inner_texts() == ["PCA of 3-d, 96 % of variance"]
    assert page.locator("figcaption").first.inner_text() == "fitted on epoch 12"
    page.locator(".shared summary").click()
    said = page.locator(".shared").inner_text()
    assert said.count("seen from one side") == 1
    assert page.evaluate(OVERLAPS) == []


def test_a_pinned_point_shows_who_is_near_it_under_p_and_q_at_every_epoch(visit):
    images = np.full((36, 8, 8, 1), 90, np.uint8)
    run = three_clusters(images=images)
    n, frames = run.n_points, run.n_frames
    p = np.tile([[1, 2]], (n, 1)), np.tile([[0.6, 0.4]], (n, 1))
    q = np.stack([np.full((n, 2), [3 + t % 2, 5]) for t in range(frames)]), np.full((frames, n, 2), [0.0004, 0.0002])
    page = visit(Shown(run, neighbours=[Neighbours(p, q)]))
    page.locator("canvas.points").focus()
    page.keyboard.press("n")
    reads(page, "pinned", "0:0")
    near = page.locator(".card .near")
    assert near.all_inner_texts() == ["p\n60 %\n40 %", "q\n0.04 %\n0.02 %"]
    assert near.locator("canvas").count() == 4
    look = "(c) => c.toDataURL()"
    last = page.locator("canvas.points").evaluate(look)
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert page.locator("canvas.points").evaluate(look) != last
    page.keyboard.press("n")
    reads(page, "pinned", "0:1")
    page.keyboard.press("Shift+N")
    reads(page, "pinned", "0:0")


def test_a_pinned_point_shows_what_pulls_and_what_pushes_it(visit):
    run = three_clusters()
    pull, push = np.zeros((2, *run.embeddings.shape))
    pull[..., 0], push[..., 0] = -1.0, 1.0  # points move against the gradient: pulled to the right, pushed to the left
    page = visit(Shown(run, forces=[(pull, push)]))
    page.click("#names")
    page.keyboard.press("n")
    reads(page, "pinned", "0:0")
    settle(page)
    shown = Shown(run)
    x, y = spot(page, shown, 0, EPOCHS - 1)
    green, magenta = (tuple(int(v) for v in np.rint(rgb(color) * 255)) for color in (THEMES["notebook"].p, THEMES["notebook"].q))
    assert pixel(page, x + 25, y) == green
    assert pixel(page, x - 25, y) == magenta


def test_a_page_in_a_frame_follows_the_ground_around_it(visit, one):
    from playwright.sync_api import expect

    for ground, theme in (("#111", "dark"), ("#fff", "light")):
        around = f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,><body style='background:{ground}'>"
        other = "light" if theme == "dark" else "dark"
        page = visit(one.shown, document=around + one.shown.page._repr_html_(), color_scheme=other)
        expect(page.frame_locator("iframe").locator(f"html[data-theme={theme}]")).to_have_count(1)
        page.evaluate("document.body.style.background = 'rgb(17, 17, 17)'")
        expect(page.frame_locator("iframe").locator("html[data-theme=dark]")).to_have_count(1)


def test_two_runs_fill_the_width_and_spheres_share_one_camera(visit):
    turned = three_clusters(dim=3)
    ball = replace(turned, embeddings=turned.embeddings / np.linalg.norm(turned.embeddings, axis=-1, keepdims=True))
    shown = Shown(ball, replace(ball, title="two"), own_scale="loss", note="Losses differ.")
    page = visit(shown, viewport={"width": 1022, "height": 900})
    widths = page.locator(".stage").evaluate_all("(all) => all.map((each) => each.clientWidth)")
    assert sum(widths) > 950
    page.locator("canvas.points").first.focus()
    page.keyboard.press("d")
    settle(page)
    yaws = page.locator("canvas.points").evaluate_all("(all) => all.map((each) => each.dataset.yaw)")
    assert yaws[0] == yaws[1] != str(round(np.deg2rad(35), 4))
    assert page.locator(".note").inner_text() == "Losses differ."


def test_a_point_is_found_by_its_name(visit, one):
    assert not one.locator("#find").is_visible()  # points without names
    run = three_clusters()
    page = visit(Shown(replace(run, names=tuple(f"the Cat {i:02d}" for i in range(run.n_points)))))
    page.fill("#find", "cat 07")
    reads(page, "pinned", "^0:7$")
    assert "the Cat 07" in page.inner_text(".card")
    page.fill("#find", "no such name")
    reads(page, "pinned", "^$")
    page.locator("#find").press("l")  # a letter of a name is no key of the page
    assert page.get_attribute("#loop", "aria-pressed") == "false"


def test_lines_join_the_ends_of_edges_where_they_are_wanted(visit, one):
    assert not one.locator("#edges").is_visible()
    run = three_clusters()
    shown = Shown(replace(run, edges=np.array([[0, 1]])))
    page = visit(shown)

    def middle_is_drawn() -> bool:
        settle(page)
        x, y = np.mean([spot(page, shown, i, EPOCHS - 1) for i in (0, 1)], axis=0)
        around = [page.locator("canvas.points").evaluate(PIXEL, [x, y + step]) for step in (-1, 0, 1)]
        return any(pixel != [255, 255, 255] for pixel in around)

    assert middle_is_drawn()
    assert page.get_attribute("#edges", "aria-pressed") == "true"
    page.click("#edges")
    assert not middle_is_drawn()
    page.keyboard.press("e")
    assert middle_is_drawn()


def test_both_modalities_are_shown_with_marks_of_their_own_and_the_line_of_a_pinned_pair(visit):
    run = three_clusters()
    names = tuple(f"caption {i:02d}" for i in range(run.n_points))
    page = visit(Shown(replace(run, pair=run.embeddings + 1, sides=("image", "text"), names=names)))
    assert page.locator(".markers").inner_text().split() == ["image", "text"]
    assert "scores are of the image alone" in page.inner_text("figcaption")
    assert page.get_attribute("#edges", "aria-pressed") == "false"
    page.fill("#find", "caption 07")
    reads(page, "pinned", "^0:7$")
    assert "image" in page.inner_text(".card")
    page.locator("canvas.points").focus()
    for _ in range(run.n_points):
        page.keyboard.press("n")
    reads(page, "pinned", "^0:43$")
    assert page.inner_text(".card").split("\n")[1:3] == ["caption 07", "text"]


def test_names_stay_text(visit):
    evil = "<img src=x onerror=\"document.title='taken'\"></script><script>document.title='taken'</script>"
    page = visit(Shown(three_clusters(title=evil, class_names=(evil, "b", "c"), metrics={evil: np.arange(EPOCHS)})))
    assert page.inner_text("h2") == evil
    assert page.locator(".chips button").first.inner_text() == evil
    assert page.locator("img").count() == 0
    assert page.title() == evil


def test_the_page_may_not_reach_the_network(visit):
    page = visit(Shown(three_clusters()))
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused')") == "refused"
    assert "Content Security Policy" in " ".join(page.heard)
    page.heard.clear()


def test_one_frame_and_one_point_still_make_a_page(visit):
    page = visit(Shown(Trajectory(np.zeros((1, 1, 2), np.float32), np.array([0]))))
    page.click("#play")
    settle(page)
    assert state(page, "playing") == "false"
    assert state(page, "epoch") == "0"
