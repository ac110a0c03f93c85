"""Animations as objects and as files: decoded again, not believed."""

import base64
import re
import tracemalloc
from functools import partial
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from moving_points import animate, decode, drawn_anew, run, side_by_side
from PIL import Image

from icon_nb import animation
from icon_nb.animation import plots
from icon_nb.animation.animation import SMALL, small
from icon_nb.animation.annotations import MetricCurves
from icon_nb.animation.palette import class_color, rgb
from icon_nb.animation.plots import small_multiples
from icon_nb.animation.recorder import Recorder
from icon_nb.errors import ConfigError, SaveError
from icon_nb.evaluation.trajectory import Trajectory


def test_a_gif_holds_every_frame_its_time_and_its_pixels():
    shown = animate(run(), fps=4, hold=1200, size=(300, 260))
    frames, durations, info = decode(shown.to_bytes("gif"))
    assert durations == [250, 250, 250, 250, 1200] == list(shown.durations)
    assert info["loop"] == 0
    assert len(shown.frames) == 5
    for k, frame in enumerate(frames):
        assert frame.shape == (260, 300, 3)
        np.testing.assert_array_equal(frame, shown.frames[k])


def test_frames_stay_apart_when_no_point_moves():
    still = Trajectory(np.ones((6, 9, 2), np.float32), np.arange(6))
    frames, durations, _ = decode(animate(still, fps=10).to_bytes())
    assert len(frames) == 6
    assert durations[:-1] == [100] * 5


def test_points_are_drawn_where_the_projection_puts_them():
    t = run(n=12, classes=3)
    shown = animate(t)
    where = shown.projections[0].coordinates(t)
    axes = shown.painter.canvas.figure.axes[0]
    for k in range(5):
        pixels = axes.transData.transform(where[k])
        for (x, y), label in zip(pixels, t.labels):
            alone = (np.abs(pixels - (x, y)).max(1) < 12).sum() == 1
            if alone:
                assert np.abs(shown.frames[k][int(500 - y), int(x)] / 255 - rgb(class_color(label))).max() < 0.01


def test_drawing_over_a_still_picture_or_from_nothing_gives_the_same_frames():
    shown, whole = animate(run()), animate(run())
    for k in (0, 3, 4):
        np.testing.assert_array_equal(shown.painter.paint(k).copy(), drawn_anew(whole.painter, k))


def test_the_same_run_gives_the_same_bytes():
    assert animate(run()).to_bytes() == animate(run()).to_bytes()
    assert animate(run())._repr_mimebundle_() == animate(run())._repr_mimebundle_()


def test_axis_limits_hold_all_frames_with_one_scale():
    t = run()
    axes = animate(t).painter.canvas.figure.axes[0]
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    box = axes.bbox
    assert (x1 - x0) / box.width == pytest.approx((y1 - y0) / box.height)
    xy = animate(t).projections[0].coordinates(t).reshape(-1, 2)
    assert x0 < xy[:, 0].min() < xy[:, 0].max() < x1
    assert y0 < xy[:, 1].min() < xy[:, 1].max() < y1


def test_nothing_is_projected_or_drawn_before_somebody_looks(monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("drawn too early")

    monkeypatch.setattr("icon_nb.animation.painter.gif", forbidden)
    monkeypatch.setattr("icon_nb.animation.painter.Painter.frames", forbidden)
    monkeypatch.setattr("icon_nb.animation.painter.Painter.__init__", forbidden)
    shown = animate(run())
    assert repr(shown) == "Animation(simclr on digits: epochs 0..4, 500x500, projection pca)"
    with pytest.raises(AssertionError):
        shown.frames  # noqa: B018


def test_what_a_notebook_gets():
    shown = animate(run(title="<b>mine</b>"))
    bundle = shown._repr_mimebundle_(include=None, exclude=None)
    assert sorted(bundle) == ["image/png", "text/html", "text/plain"]
    assert bundle["text/plain"] == repr(shown)
    embedded = re.search(r"data:image/gif;base64,([^\"]+)", bundle["text/html"]).group(1)
    assert base64.b64decode(embedded) == shown.to_bytes()
    assert 'alt="Animation of &lt;b&gt;mine&lt;/b&gt;: 40 points from epoch 0 to 4' in bundle["text/html"]
    assert "<b>mine" not in bundle["text/html"]
    strip = np.asarray(Image.open(BytesIO(base64.b64decode(bundle["image/png"]))).convert("RGB"))
    assert strip.shape[1] > 2 * strip.shape[0], "the epochs stand in one row"
    assert len(base64.b64decode(bundle["image/png"])) <= 60 * 1024


def test_a_filmstrip_shows_the_first_epochs_and_the_last_or_some_that_were_recorded(monkeypatch):
    asked = []

    def watched(animation, epochs, most):
        asked.append(epochs)
        return small_multiples(animation, epochs, most)

    monkeypatch.setattr(plots, "small_multiples", watched)
    for t in (run(T=9), run(T=4), run(T=40)):
        plots.filmstrip(animation.animate(t))
    plots.filmstrip(animation.animate(run(T=9), every=4))
    assert asked == [[0, 1, 2, 5, 8], [0, 1, 2, 3], [0, 1, 2, 5, 39], None]


def test_what_stands_in_a_notebook_moves_within_a_bound():
    t = run(T=11, n=700)
    shown = animation.animate(t, **SMALL)
    assert 20 <= len(shown.frames) <= 22
    assert len(shown.to_bytes()) <= 200_000
    assert shown.durations[-1] == 1500
    assert "500 of 700 points are shown" in shown.caption


def test_what_would_be_too_large_for_a_notebook_has_fewer_frames_and_points():
    wild = run(T=11, n=1000, d=3, classes=10)  # points that turn leave nothing in its place
    assert len(animation.animate(wild, **SMALL).to_bytes()) > 200_000
    shown = small(partial(animation.animate, wild))
    assert len(shown.frames) == 20
    assert 150_000 < len(shown.to_bytes()) <= 200_000
    assert animation.animate(run(), **SMALL).to_bytes() == small(partial(animation.animate, run())).to_bytes()


def test_a_large_animation_shows_a_filmstrip_its_size_and_the_way_out(tmp_path):
    shown = animate(run(), inline_limit=1000)
    html = shown._repr_mimebundle_()["text/html"]
    assert "data:image/png" in html
    assert "data:image/gif" not in html
    assert f"inline_limit={len(shown.to_bytes())}" in html
    assert str(shown.save(tmp_path / "d.gif")) in shown._repr_mimebundle_()["text/html"]


def test_saving_is_whole_or_not_at_all(tmp_path, monkeypatch):
    shown, path = animate(run()), tmp_path / "new" / "dynamics.gif"
    assert shown.save(path) == path
    assert path.read_bytes() == shown.to_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SaveError, match="No space left"):
        animate(run(seed=1)).save(path)
    assert path.read_bytes() == shown.to_bytes()
    assert [p.name for p in path.parent.iterdir()] == ["dynamics.gif"]


def test_one_png_a_recorded_epoch(tmp_path):
    shown = animate(run(T=4), tween=2)
    paths = shown.save_frames(tmp_path, untrained=False)
    assert [p.name for p in paths] == ["epoch_001.png", "epoch_002.png", "epoch_003.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(paths[-1]).convert("RGB")), shown.frames[9])
    assert len(shown.save_frames(tmp_path / "all")) == 4


@pytest.mark.parametrize("pattern", ["x.png", "{k}.png", "{}.png", "{epoch:s}.png", "{epoch", "{epoch!s:.0}.png", 5])
def test_frames_that_would_have_one_name_are_not_written(pattern, tmp_path):
    with pytest.raises(ConfigError, match=r"pattern=.* needs \{epoch\}"):
        animate(run(T=3)).save_frames(tmp_path, pattern)
    with pytest.raises(ConfigError, match="let it end in .png"):
        animate(run(T=3)).save_frames(tmp_path, "{epoch}.gif")
    assert not list(tmp_path.iterdir())


def test_side_by_side_shares_the_counter_and_holds_a_run_that_stopped():
    long, short = run(T=6, title="long"), run(T=3, title="short")
    both = side_by_side([long, short])
    assert len(both.frames) == 6
    assert both.views[1].sources.tolist() == [0, 1, 2, 2, 2, 2]
    assert both.size[0] > both.size[1]


def test_side_by_side_says_once_how_it_was_projected_and_of_each_panel_what_is_its_own():
    both = side_by_side([run(title="one"), run(T=5, seed=3, title="two")])
    assert both.caption.count("PCA of the 8-d embedding") == both.caption.count("seen from one side") == 1
    shares = [", ".join(f"{100 * s:.0f} %" for s in p.explained_variance) for p in both.projections]
    assert shares[0] != shares[1]
    for name, share in zip(("one", "two"), shares):
        assert f"{name}: its axes show {share} of the variance there." in both.caption
    assert both.short_caption == "PCA of 8-d, fitted on epoch 4"
    assert side_by_side([run(), run()], turn=0).caption == animate(run()).caption


def reach(painter, metric):
    """Lowest and highest place of a metric's curve in the strip below each panel, 0 to 1."""
    curves = [dict(zip(part.colors, part.curves))[metric][1] for part in painter.parts if isinstance(part, MetricCurves)]
    return [(round(float(np.nanmin(y)), 6), round(float(np.nanmax(y)), 6)) for y in curves]


def test_side_by_side_what_is_not_comparable_has_a_scale_of_its_own_in_each_panel():
    metrics = [
        {"loss": np.array([3.0, 2, 1]), "rank": np.array([1.0, 2, 3])},
        {"loss": np.array([0.3, 0.2, 0.1]), "rank": np.arange(3.0)},
    ]
    pair = [run(T=3, metrics=each) for each in metrics]
    shared = side_by_side(pair, overlay="loss+rank")
    assert reach(shared.painter, "loss")[1] < (0, 0.1)
    apart = side_by_side(pair, overlay="loss+rank", own_scale="loss")
    assert reach(apart.painter, "loss") == [(0, 1), (0, 1)]
    assert reach(apart.painter, "rank") == reach(shared.painter, "rank") != [(0, 1), (0, 1)]
    assert apart.caption.endswith("Each panel has its own scale of loss.")
    assert "own scale" not in shared.caption
    with pytest.raises(ConfigError, match="own_scale=5"):
        side_by_side(pair, own_scale=5)


def test_side_by_side_turns_panels_onto_the_first_without_scaling():
    a = run()
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(8, 8)))[0].astype(np.float32)
    b = Trajectory(a.embeddings @ turn, a.epochs, a.labels, a.class_names)
    aligned, alone = side_by_side([a, b]).views, animate(b).views[0]
    np.testing.assert_allclose(aligned[1].coordinates, aligned[0].coordinates, atol=1e-4)
    assert np.abs(alone.coordinates - aligned[0].coordinates).max() > 1


def test_a_recorder_shows_itself():
    recorder = Recorder(labels=[0, 1, 1, 0])
    for epoch in range(3):
        recorder.record(np.random.default_rng(epoch).normal(size=(4, 5)), loss=1.0)
    assert len(decode(recorder.animate(fps=2, tween=0).to_bytes())[0]) == 3
    assert "data:image/gif" in recorder._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"projectoin": "pca"}, "did you mean 'projection'"),
        ({"style": "drak"}, "did you mean 'dark'"),
        ({"every": 0}, "every=0 is out of range: it must be at least 1 and at most 100000"),
        ({"size": (10, 10)}, "from 120 to 4000"),
        ({"size": 500}, "size=500 must be"),
        ({"size": (500.5, 300)}, "whole pixels"),
        ({"fps": "a"}, "fps='a' is of type str: give a number"),
        ({"fps": float("nan")}, "fps=nan is out of range: it must be finite, and at least 0.1"),
        ({"hold": float("inf")}, "hold=inf is out of range: it must be finite, and at least 20 and at most 600000"),
        ({"tween": 1.5}, "tween=1.5 is of type float: give a whole number"),
        ({"tween": True}, "tween=True is of type bool: give a whole number"),
        ({"max_points": None}, "max_points=None: give a whole number; the default is 2000"),
        ({"seed": -1, "projection": "tsne"}, "seed=-1: give a whole number from 0 to"),
        ({"seed": 0.5}, "seed=0.5: give a whole number"),
        ({"camera": (1, 2, 3)}, r"camera=\(1, 2, 3\) must be \(azimuth, elevation\)"),
        ({"camera": "up"}, "camera='up' must be"),
        ({"turn": float("nan")}, "turn=nan is out of range: it must be finite"),
        ({"legend": "left"}, "legend='left' is of type str: give True or False"),
        ({"point_size": 500}, "point_size=500 is out of range: it must be at least 1 and at most 100"),
        ({"title": 5}, "title=5 is of type int: give a text"),
        ({"note": None}, "note=None: give a text"),
        ({"overlay": None}, "overlay=None: give a name"),
        ({"projection": ["pca"]}, "projection="),
        ({"highlight": 1.5}, "highlight=1.5 is no recorded point"),
        ({"highlight": [0.5]}, "highlight=0.5 is no recorded point"),
        ({"dpi": 10_000}, "dpi=10000 is out of range: it must be at least 30 and at most 1200"),
        ({"dpi": 1200}, r"dpi=1200 makes a picture of 6000 x 6000 pixels, more than 16 million: at most dpi=800"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(options, says):
    with pytest.raises(ConfigError, match=says):
        animate(run(), **options)


def cap(towards, T=4, n=50, seed=0):
    """Points of unit length that gather around a direction."""
    noise = np.random.default_rng(seed).normal(size=(T, n, 3)) * np.linspace(1, 0.3, T)[:, None, None]
    z = noise + np.asarray(towards) / np.linalg.norm(towards)
    return Trajectory((z / np.linalg.norm(z, axis=2, keepdims=True)).astype(np.float32), np.arange(T))


def depth(view, frame):
    """How near the mean of the points is, -1 to 1."""
    return view.place(frame)[1].mean()


@pytest.mark.parametrize("towards", [(-1, -0.7, 0.2), (0, 0, -1), (0, 0, 1), (1, 0, 0)])
def test_the_camera_faces_the_points_on_a_sphere(towards):
    t = cap(towards)
    (view,) = animate(t).views
    assert depth(view, 3) == pytest.approx(np.linalg.norm(t.embeddings[-1].mean(0)), abs=1e-5)
    assert all(depth(view, frame) > 0 for frame in range(4))
    assert [view.camera for view in animate(t, every=3).views] == [view.camera], "one camera for all frames"


def test_a_camera_or_a_turn_that_is_asked_for_wins():
    t = cap((-1, -1, 0))
    (view,) = animate(t, camera=np.array([10, 5])).views
    assert (view.camera, view.turn) == ((10, 5), 120)
    (view,) = animate(t, turn=200).views
    assert (view.turn, depth(view, 3) > 0.8) == (200, True)
    assert "view turns" in animate(t).caption
    assert "view turns" not in animate(t, turn=0).caption


def test_where_points_lie_all_around_or_in_a_box_the_camera_is_the_usual_one():
    z = cap((1, 0, 0)).embeddings
    around = Trajectory(np.concatenate([z, -z], axis=1), np.arange(4))
    for shown in (animate(around), animate(cap((-1, -1, 0)), projection="raw")):
        assert [(view.camera, view.turn) for view in shown.views] == [((35, 20), 120)]


def test_all_spheres_are_seen_by_one_camera():
    one, other = side_by_side([cap((0, -1, 0)), cap((1, 0, 0.5), seed=1)]).views
    assert one.camera == other.camera
    assert depth(one, 3) > 0.4
    assert depth(other, 3) > 0.4


def test_numbers_of_numpy_are_numbers():
    shown = animate(run(), tween=np.int64(1), fps=np.float32(5), size=np.array([300, 260]), camera=[10, 20.5], legend=np.bool_(0))
    assert shown.size == (300, 260)
    assert shown.timeline.between.tolist() == [1] * 4


def test_the_limit_of_pixels_holds_for_panels_side_by_side_and_on_paper(tmp_path):
    assert animate(run(), dpi=800).size == (4000, 4000)
    with pytest.raises(ConfigError, match="9600 x 11100 pixels, more than 16 million: at most dpi=387"):
        side_by_side([run()] * 8, dpi=1000)
    apart = animate(run(T=20), dpi=1200, size=(500, 500))
    with pytest.raises(ConfigError, match=r"dpi=1200 makes a picture of \d+ x \d+ pixels"):
        apart.save(tmp_path / "epochs.pdf")
    small = small_multiples(animate(run()))
    with pytest.raises(ConfigError, match=r"dpi=10000 makes a picture of"):
        small.save(tmp_path / "epochs.png", dpi=10_000)
    assert small.save(tmp_path / "epochs.svg", dpi=10_000).exists()


def test_unknown_formats_name_the_nearest():
    with pytest.raises(ConfigError, match="did you mean '.gif'"):
        animate(run()).save("x.giff")


def test_the_signature_lists_every_option():
    import inspect

    assert {"fps", "tween", "style"} < set(inspect.signature(animation.animate).parameters)


def test_more_points_than_the_limit_keep_the_same_subset_in_every_frame():
    t = run(n=300, d=2)
    few = animate(t, max_points=50).views[0]
    assert few.trajectory.n_points == 50
    rows = [np.flatnonzero((t.embeddings[0] == z).all(1))[0] for z in few.trajectory.embeddings[0]]
    np.testing.assert_array_equal(few.trajectory.embeddings, t.embeddings[:, rows])
    np.testing.assert_array_equal(few.trajectory.labels, t.labels[rows])


def test_a_size_in_millimetres_is_that_size_on_paper(tmp_path):
    assert animate(run(), size="127x63.5mm").size == (500, 250)
    assert animate(run(), size="127x63.5 mm", dpi=200).size == (1000, 500)
    picture = plots.curves(run(), size="180x70mm")
    assert tuple(round(25.4 * side) for side in picture.figure.get_size_inches()) == (180, 70)
    with pytest.raises(ConfigError, match="85x60mm"):
        animate(run(), size="wide")
    with pytest.raises(ConfigError, match="from 120 to 4000"):
        animate(run(), size="1x1mm")


def test_names_with_control_characters_make_a_picture_that_can_be_read(tmp_path):
    names = ("bell\x07", "line\nbreak", "escape\x1b[31m")
    small_multiples(animate(run(class_names=names, title="a\x00title"), overlay="centroids")).save(tmp_path / "a.svg")
    plots.curves(run(title="t\x0b"), baselines={"loss": {"raw\x08": 1.0}}).save(tmp_path / "b.svg")
    for name in ("a.svg", "b.svg"):
        ElementTree.parse(tmp_path / name)


def test_more_dimensions_than_points_take_no_more_memory_than_the_points():
    wide = Trajectory(np.random.default_rng(0).normal(size=(2, 60, 20_000)).astype(np.float32), np.arange(2))
    tracemalloc.start()
    animate(wide, projection="pca").projections  # noqa: B018
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 200e6
    few = run(d=6, n=4)
    assert animate(few, projection="pca").projections[0].explained_variance == pytest.approx(
        np.linalg.svd(few.embeddings[-1] - few.embeddings[-1].mean(0))[1][:2] ** 2 / np.var(few.embeddings[-1], axis=0).sum() / 4
    )


def test_the_caption_of_several_kinds_of_projection_names_the_panel_of_each():
    t = run()
    words = side_by_side([t, t], titles=["one", "other"], projection=["pca", "tsne"]).caption
    assert words.startswith("one: PCA of the ")
    assert "other: t-SNE of each epoch" in words
