"""The player's page without a browser: what it holds, that it holds nothing else, and how it shows itself and is saved."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import zlib
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from moving_points import animate
from PIL import Image

from icon_nb.animation import player as pages
from icon_nb.animation.palette import class_color, class_marker
from icon_nb.animation.player import player
from icon_nb.animation.projection import fit_projection
from icon_nb.animation.recorder import Recorder
from icon_nb.animation.view import eye
from icon_nb.errors import ConfigError, DataError, SaveError
from icon_nb.evaluation.trajectory import Trajectory

NASTY = "</script><script>alert('&amp;')</script>\u2028\"'<img src=x onerror=alert(1)>{{script}}<!--<script </script "


def walk(frames=6, n=40, dim=2, seed=0, **about) -> Trajectory:
    steps = np.random.default_rng(seed).normal(size=(frames, n, dim))
    return Trajectory(steps.cumsum(0).astype(np.float32), np.arange(frames), **about)


def data_of(page) -> dict:
    """The JSON that the page's script reads, found as a browser finds it."""
    return json.loads(Elements(page.html).text("script", type="application/json"))


def unpack(run: dict) -> np.ndarray:
    """Coordinates (T, n, dim) that the page holds, decoded here a second time and differently."""
    data = zlib.decompress(base64.b64decode(run["coordinates"]))
    told = [low + 256 * high for low, high in zip(data[: len(data) // 2], data[len(data) // 2 :])]
    off = np.array([-(each + 1) // 2 if each % 2 else each // 2 for each in told])
    values = off.reshape(len(run["epochs"]), run["dim"], run["n"])
    values[1:] = values[1:].cumsum(0)  # the steps from frame to frame
    values = values.cumsum(0) % 2**16
    return (values.transpose(0, 2, 1) / (run["levels"] / 2) - 1) * run["half"] + run["centre"]


class Elements(HTMLParser):
    """Every element of a document with its attributes and, for script, style and title, its text."""

    def __init__(self, document: str):
        super().__init__()
        self.found: list[tuple[str, dict, list[str]]] = []
        self.open = False
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))
        self.open = True

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, data):
        if self.open:
            self.found[-1][2].append(data)

    def text(self, tag: str, **attributes) -> str:
        (texts,) = [text for name, has, text in self.found if name == tag and attributes.items() <= has.items()]
        return "".join(texts)


# --- coordinates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [2, 3])
def test_the_page_holds_the_projected_coordinates_to_one_part_in_65535(dim):
    trajectory = walk(dim=dim)
    (run,) = data_of(player(trajectory))["runs"]
    wanted = fit_projection(trajectory).coordinates(trajectory)
    assert np.abs(unpack(run) - wanted).max() <= run["half"] / 65535 * 1.01
    assert run["half"] == pytest.approx(np.ptp(wanted, axis=(0, 1)).max() / 2, rel=1e-6)


def test_one_projection_and_one_box_serve_all_frames():
    trajectory = walk(dim=7, frames=9)
    (run,) = data_of(player(trajectory, "pca"))["runs"]
    assert np.abs(unpack(run) - fit_projection(trajectory, "pca").coordinates(trajectory)).max() <= run["half"] / 65535 * 1.01


def test_a_collapsed_embedding_still_makes_a_page():
    (run,) = data_of(player(Trajectory(np.ones((3, 5, 2), np.float32), np.arange(3))))["runs"]
    assert np.allclose(unpack(run), 1.0, atol=1e-4)
    assert min(run["extent"]) > 0 < run["radius"]


def test_unit_vectors_are_shown_on_their_sphere():
    z = walk(dim=3).embeddings
    sphere = Trajectory(z / np.linalg.norm(z, axis=2, keepdims=True), np.arange(6))
    (run,) = data_of(player(sphere))["runs"]
    assert run["sphere"] == {"centre": [0.0, 0.0, 0.0], "radius": 1.0}
    assert data_of(player(walk(dim=3)))["runs"][0]["sphere"] is None


def test_a_sphere_is_first_seen_from_where_the_animation_ends():
    z = 0.4 * walk(dim=3).embeddings - np.array([3, 2, 0.5], np.float32)
    sphere = Trajectory(z / np.linalg.norm(z, axis=2, keepdims=True), np.arange(6))
    azimuth, elevation = map(float, re.search(r"azimuth: \((\d+) \* .*elevation: \((\d+) \*", pages.assets()["script"]).groups())
    (run,) = data_of(player(sphere))["runs"]
    seen = unpack(run)[-1] @ eye(azimuth, elevation).T
    xy, depth = animate(sphere).views[0].place(5)
    assert depth.mean() > 0.5
    np.testing.assert_allclose(seen, np.column_stack([xy, depth]), atol=1e-3)
    inside = data_of(player(walk(dim=3)))["runs"][0]
    assert np.abs(unpack(inside) - walk(dim=3).embeddings).max() < 1e-2, "a box is not turned"


def test_infinite_coordinates_are_refused():
    with pytest.raises(DataError, match="NaN or infinite"):
        player(Trajectory(np.full((2, 3, 2), np.inf, np.float32), np.arange(2)))


def test_two_thousand_points_and_a_hundred_epochs_stay_within_the_size():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2000, 28, 28, 1), dtype=np.uint8)
    for dim, pictures in [(2, images), (3, None)]:
        big = walk(frames=100, n=2000, dim=dim, labels=rng.integers(0, 10, 2000), images=pictures)
        assert player(big).nbytes < 2_000_000


def test_ten_thousand_gliding_points_and_a_hundred_epochs_stay_within_the_size():
    rng = np.random.default_rng(0)
    start, end, jitter = rng.normal(size=(3, 10_000, 2))
    glide = [(1 - s) * start + s * end + 0.02 * np.sin(7 * s) * jitter for s in np.linspace(0, 1, 100)]
    noise = rng.normal(size=(100, 10_000, 2)).cumsum(0) * 0.01
    big = Trajectory((np.array(glide) + noise).astype(np.float32), np.arange(100), rng.integers(0, 10, 10_000))
    page = player(big)
    assert page.nbytes < 2_000_000
    (run,) = data_of(page)["runs"]
    assert np.abs(unpack(run) - big.embeddings).max() <= run["half"] / 2047 * 1.01


# --- what else the page is told -------------------------------------------------------------------------------------------


def test_classes_have_the_colours_and_markers_of_every_other_picture():
    labels = np.arange(40) % 12
    (group,) = data_of(player(walk(labels=labels, class_names=("a", "b"))))["groups"]
    assert group["names"] == ["a", "b", *map(str, range(2, 12))]
    assert group["colours"] == [class_color(c) for c in range(12)]
    assert group["markers"] == [class_marker(c) for c in range(12)]


def test_metrics_without_a_value_are_gaps():
    (run,) = data_of(player(walk(frames=3, metrics={"loss": np.array([np.nan, 1 / 3, np.inf])})))["runs"]
    assert run["metrics"] == {"loss": [None, 0.333333, None]}


def test_equal_points_classes_and_pictures_are_told_once():
    labels, images = np.arange(40) % 3, np.zeros((40, 4, 4, 1), np.uint8)
    same = [walk(seed=seed, labels=labels, images=images, index=np.arange(40)) for seed in (0, 1)]
    other = walk(labels=labels, images=images, index=np.arange(40) + 1)
    page = data_of(player([*same, other]))
    assert [run["points"] for run in page["runs"]] == [0, 0, 1]
    assert len(page["groups"]) == len(page["sheets"]) == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_each_picture_lies_in_its_cell_of_the_sheet(channels):
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 5, channels), dtype=np.uint8)
    (sheet,) = data_of(player(walk(images=images)))["sheets"]
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(sheet["source"].split(",")[1])))).reshape(
        -1, sheet["columns"] * 5, channels
    )
    for i in range(40):
        row, column = divmod(i, sheet["columns"])
        assert (pixels[row * 6 : row * 6 + 6, column * 5 : column * 5 + 5] == images[i]).all()


def test_many_large_pictures_are_made_smaller_and_too_many_are_left_out():
    sheet = pages.sheet_of(np.random.default_rng(0).integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8))
    assert sheet["source"].startswith("data:image/jpeg")
    assert len(sheet["source"]) < 1.4 * pages.MAX_BYTES
    assert 6 <= sheet["cell_w"] < 32
    assert pages.sheet_of(np.zeros((40_000, 28, 28, 1), np.uint8)) is None


def test_whatever_holds_a_trajectory_can_be_played():
    recorder = Recorder(labels=[0, 1, 1])
    for epoch in range(3):
        recorder.record(np.eye(3)[:, :2] * epoch)
    assert recorder.player().html == player(recorder).html == player([recorder]).html == player(recorder.trajectory).html


def test_several_projections_of_one_run_stand_side_by_side():
    runs = data_of(player(walk(dim=5), ["pca", "pca3"], titles=["flat", "solid"]))["runs"]
    assert [(run["title"], run["dim"]) for run in runs] == [("flat", 2), ("solid", 3)]


def test_what_is_the_same_for_all_panels_is_said_once():
    told = data_of(player([walk(dim=5), walk(dim=5, seed=1)], titles=["one", "two"]))
    assert told["short"] == "PCA of 5-d, fitted on epoch 5"
    assert all(own.endswith("% of variance") for own in told["own"])
    assert told["caption"].count("seen from one side") == 1
    assert "one: its axes show" in told["caption"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: player([]), "at least one"),
        (lambda: player([np.zeros((2, 3, 2))]), "got ndarray"),
        (lambda: player([walk(), walk()], ["raw", "raw", "raw"]), "3 views for 2"),
        (lambda: player(walk(), titles=["a", "b"]), "titles has 2"),
        (lambda: player(walk(), "pcs"), "did you mean"),
    ],
)
def test_what_does_not_fit_is_named(call, said):
    with pytest.raises(ConfigError, match=said):
        call()


# --- nothing a user named can act -----------------------------------------------------------------------------------------


def nasty_page():
    labels = np.arange(40) % 2
    return player(walk(labels=labels, class_names=(NASTY, "b"), metrics={NASTY: np.arange(6.0)}, title=NASTY))


def test_names_are_data_and_never_markup():
    page = nasty_page()
    elements = Elements(page.html)
    assert [tag for tag, *_ in elements.found].count("script") == 2
    assert "img" not in {tag for tag, *_ in elements.found}
    told = data_of(page)
    assert told["runs"][0]["title"] == told["groups"][0]["names"][0] == next(iter(told["runs"][0]["metrics"])) == NASTY
    assert elements.text("title") == NASTY
    assert not set("<>&\u2028\u2029") & set(elements.text("script", type="application/json"))


def test_the_script_writes_text_and_never_markup():
    script = pages.assets()["script"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_only_the_page_s_own_script_and_style_may_run_and_nothing_may_be_loaded():
    page = nasty_page()
    elements = Elements(page.html)
    (policy,) = [has["content"] for tag, has, _ in elements.found if has.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag, kind in [("style", "style"), ("script", "script")]:
        text = [t for name, has, t in elements.found if name == tag and "type" not in has]
        digest = base64.b64encode(hashlib.sha256("".join(text[0]).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    links = set(re.findall(r"https?://[^\s\"')]+", page.html))
    assert links == {"http://www.w3.org/2000/svg"}  # a name, not an address


# --- showing and saving ---------------------------------------------------------------------------------------------------


def test_the_same_run_gives_the_same_bytes():
    twice = [player(walk(labels=np.arange(40) % 3, images=np.full((40, 4, 4, 3), 7, np.uint8))) for _ in range(2)]
    assert twice[0].html == twice[1].html
    assert twice[0]._repr_mimebundle_() == twice[1]._repr_mimebundle_()


def test_repr_is_one_line_and_the_bundle_holds_the_page_in_a_closed_frame():
    page = player(walk(title='"quoted"'))
    assert repr(page) == f"Player(1 run, epochs 0..5, 40 points, 2-d, {page.nbytes / 1e6:.2f} MB)"
    bundle = page._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    (tag, attributes, _), (inner, picture, words) = Elements(bundle["text/html"]).found
    assert tag == "iframe"
    assert inner == "img"
    assert bundle["image/png"] in picture["src"], "a filmstrip where a viewer takes the frame away"
    assert attributes["srcdoc"] == page.html
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["height"] == str(page.height)
    assert "run the cell again" in words[0], "what is left where a viewer takes the frame away"


@pytest.mark.parametrize("kind", ["pca", "pca3", "tsne"])
def test_the_bundle_has_a_filmstrip_for_readers_without_html(kind):
    runs = [walk(frames=3, n=60, dim=6, labels=np.arange(60) % 3)]
    if kind != "tsne":
        runs.append(walk(n=2100, dim=6, seed=1))  # more points than an animation draws by default
    data = base64.b64decode(player(runs, kind)._repr_mimebundle_()["image/png"])
    assert len(data) <= 120 * 1024
    with Image.open(BytesIO(data)) as still:
        assert still.format == "PNG"
        assert still.width >= 500
        assert len(np.unique(np.asarray(still.convert("RGB")).reshape(-1, 3), axis=0)) > 10, "something is drawn"
    large = player(runs, kind, inline_limit=1)._repr_mimebundle_()
    assert large["image/png"] in large["text/html"], "it stands beside the note of a page that is too large"


def test_a_large_page_says_its_size_and_what_to_do():
    page = player(walk(), inline_limit=10_000)
    note = page._repr_mimebundle_()["text/html"]
    assert "iframe" not in note
    assert f"{page.nbytes / 1e6:.1f} MB" in note
    assert ".save(" in note
    limit = int(re.search(r"inline_limit=(\d+)", note)[1])
    assert "<iframe" in player(walk(), inline_limit=limit)._repr_html_()


def test_save_writes_the_page_and_makes_the_folder(tmp_path):
    page = player(walk())
    path = page.save(tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == page.html
    assert os.listdir(path.parent) == ["page.html"]


def test_a_page_is_saved_as_a_page(tmp_path):
    page = player(walk())
    assert page.save(tmp_path / "p") == tmp_path / "p.html"
    assert page.save(tmp_path / "p.HTM").exists()
    for name in ("p.gif", "p.v2", "p.png"):
        with pytest.raises(ConfigError, match=rf"cannot write a player as '.{name[2:]}', it is a page: use .html"):
            page.save(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["p.HTM", "p.html"]


def test_a_save_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("before")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SaveError, match="No space left"):
        player(walk()).save(path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["page.html"]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="file"):
        player(walk()).save(tmp_path / "file" / "page.html")
