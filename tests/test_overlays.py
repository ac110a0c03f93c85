"""What is drawn beside the points, found again in the pixels or the artists."""

import numpy as np
import pytest
from moving_points import animate, drawn_anew, run, side_by_side
from sklearn.linear_model import LogisticRegression

from icon_nb.animation.annotations import LiveText, MetricCurves
from icon_nb.animation.overlays import Cloud, Strokes, spread_out
from icon_nb.animation.palette import blend, class_color, rgb, theme
from icon_nb.errors import ConfigError
from icon_nb.evaluation.trajectory import Trajectory
from icon_nb.methods.catalogue import OVERLAYS, OverlayKind
from icon_nb.methods.config import Config

FORCES = tuple(np.random.default_rng(0).normal(size=(2, 5, 40, 8)))
EVERYTHING = [
    {"overlay": "none"},
    {"overlay": "loss"},
    {"overlay": "curves"},
    {"overlay": "diagnosis", "note": "still learning at epoch 4"},
    {"overlay": "trails"},
    {"overlay": "centroids"},
    {"overlay": "forces", "forces": FORCES},
    {"overlay": ("curves", "trails", "centroids"), "tween": 1},
    {"highlight": "1"},
    {"thumbnails": 5},
    {"projection": "pca3", "overlay": "trails"},
    {"style": "dark", "point_size": 12},
    {"style": "slides", "legend": False, "caption": False},
    {"style": "paper", "size": (400, 300)},
]


def pictured(**more):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    return run(images=images, held_out=np.arange(40) % 4 == 0, **more)


@pytest.mark.parametrize("options", EVERYTHING, ids=lambda o: "-".join(map(str, o)))
def test_a_copy_of_the_still_picture_or_a_fresh_one_the_frames_are_equal(options):
    reused, fresh = animate(pictured(), **options).painter, animate(pictured(), **options).painter
    for k in (0, 2, 4):
        np.testing.assert_array_equal(reused.paint(k).copy(), drawn_anew(fresh, k))


def test_regions_too_are_the_same_either_way_and_are_those_of_a_probe_on_the_frame():
    t = run(T=3, d=2, n=60)
    painter, fresh = animate(t, overlay="regions").painter, animate(t, overlay="regions").painter
    np.testing.assert_array_equal(painter.paint(1).copy(), drawn_anew(fresh, 1))
    axes, frame = painter.panels[0].axes, painter.paint(1).copy()
    z = t.embeddings[1]
    probe = LogisticRegression(max_iter=200).fit((z - z.mean(0)) / z.std(0), t.labels)
    corners = np.array([[x, y] for x in np.array(axes.get_xlim()) * 0.97 for y in np.array(axes.get_ylim()) * 0.97])
    for (x, y), c in zip(axes.transData.transform(corners), probe.predict((corners - z.mean(0)) / z.std(0))):
        np.testing.assert_allclose(frame[int(500 - y), int(x), :3] / 255, blend(class_color(c), "#ffffff", 0.2), atol=0.01)


def test_a_trail_leads_through_the_last_epochs():
    t = run(T=6, n=3, d=2, classes=1)
    painter = animate(t, overlay="trails", trail=2).painter
    painter.paint(5)
    strokes = next(a for a in painter.panels[0].artists if isinstance(a, Strokes))
    segments = np.concatenate([s for s, _, _ in strokes.bundles])
    np.testing.assert_allclose(segments[:3, 0], t.embeddings[3], atol=1e-5)
    np.testing.assert_allclose(segments[-3:, 1], t.embeddings[5], atol=1e-5)
    assert len(segments) == 6
    painter.paint(0)
    assert not strokes.bundles


def test_centroids_are_class_means():
    t = run(d=2)
    painter = animate(t, overlay="centroids").painter
    painter.paint(2)
    discs = [a for a in painter.panels[0].artists if isinstance(a, Cloud)][1]
    np.testing.assert_allclose(discs.xy, [t.embeddings[2][t.labels == c].mean(0) for c in range(3)], rtol=1e-4)


def test_forces_are_arrows_against_the_gradient_on_one_scale():
    t = run(d=2)
    pull, push = np.zeros((2, *t.embeddings.shape))
    pull[4, :, 0], push[4, :, 1] = -2.0, 1.0  # points are pulled to the right and pushed down
    painter = animate(t, overlay="forces", forces=(pull, push)).painter
    painter.paint(4)
    strokes = next(a for a in painter.panels[0].artists if isinstance(a, Strokes))
    pulled, pushed = (segments[: len(segments) // 3] for segments, _, _ in strokes.bundles)
    steps = [np.diff(each, axis=1)[:, 0].mean(0) for each in (pulled, pushed)]
    assert steps[0][0] < 0 < steps[1][1], "a shaft is drawn from its head to the point"
    assert abs(steps[0][0]) == pytest.approx(2 * abs(steps[1][1]), rel=1e-3)
    painter.paint(1)
    assert all(np.ptp(segments, axis=1).max() < 1e-6 for segments, _, _ in strokes.bundles), "no force, no arrow"


def test_forces_pass_through_the_projection():
    t = run(d=8)
    view = animate(t, overlay="forces", forces=FORCES, projection="pca", max_points=20).views[0]
    kept = [np.flatnonzero((t.embeddings[0] == z).all(1))[0] for z in view.trajectory.embeddings[0]]
    at = animate(t, max_points=20, projection="pca").projections[0]
    expected = at.transform(t.embeddings[2][kept] + FORCES[0][2][kept]) - at.transform(t.embeddings[2][kept])
    np.testing.assert_allclose(view.forces[0, 2], expected, rtol=0.02, atol=0.02)
    with pytest.raises(ConfigError, match="use projection='pca'"):
        animate(t, overlay="forces", forces=FORCES, projection="tsne").to_bytes()


def test_points_that_stand_out_are_kept_when_others_are_left_out():
    t = run(n=400, d=2)
    shown = animate(t, max_points=30, highlight=[5, 6])
    kept = {tuple(z) for z in shown.views[0].trajectory.embeddings[0]}
    assert {tuple(t.embeddings[0][i]) for i in (5, 6)} <= kept
    assert shown.views[0].highlight.sum() == 2


def test_what_is_highlighted_lies_above_what_is_faded():
    z = np.zeros((2, 400, 2), np.float32)  # all points in one place: the last drawn is seen
    z[:, :2] = [[-1, -1], [1, 1]]
    shown = animate(Trajectory(z, np.arange(2), np.arange(400) % 2, ("a", "b")), highlight="a", legend=False)
    cloud = next(artist for artist in shown.painter.artists if isinstance(artist, Cloud))
    faded = [look.strength < 1 for _, look, _ in cloud.parts()]
    assert faded == sorted(faded, reverse=True)
    assert set(faded) == {True, False}


def test_highlighting_a_class_fades_the_others():
    t = run(n=6, classes=2, d=2)
    shown = animate(t, highlight="1")
    axes = shown.painter.panels[0].axes
    pixels = axes.transData.transform(t.embeddings[4])
    for (x, y), label in zip(pixels, t.labels):
        if (np.abs(pixels - (x, y)).max(1) < 20).sum() == 1:
            seen = shown.frames[4][int(500 - y), int(x)] / 255
            expected = rgb(class_color(1)) if label == 1 else np.array(blend(class_color(0), "#ffffff", 0.3))
            assert np.abs(seen - expected).max() < 0.12


def test_held_out_points_are_hollow_and_named_in_the_legend():
    t = run(n=4, classes=1, d=2, held_out=np.array([True, False, False, False]))
    shown = animate(t)
    axes = shown.painter.panels[0].axes
    x, y = axes.transData.transform(t.embeddings[4])[0]
    np.testing.assert_array_equal(shown.frames[4][int(500 - y), int(x)], [255, 255, 255])
    texts = [text.get_text() for text in shown.painter.canvas.figure.texts]
    assert {"training", "held out"} <= set(texts)
    everything_held_out = [text.get_text() for text in animate(run(held_out=np.ones(40, bool))).painter.canvas.figure.texts]
    assert "held out" not in everything_held_out


def test_thumbnails_show_the_image_upright_at_its_point():
    images = np.zeros((3, 10, 10, 1), np.uint8)
    images[:, :5] = 255
    t = run(n=3, d=2, classes=1, images=images)
    shown = animate(t, thumbnails=3)
    x, y = shown.painter.panels[0].axes.transData.transform(t.embeddings[4])[0]
    column = shown.frames[4][:, round(x)]
    assert column[500 - round(y) - 5].tolist() == [255, 255, 255]
    assert column[500 - round(y) + 5].max() < 60


def test_spread_out_points_lie_apart():
    xy = np.random.default_rng(0).normal(size=(500, 2))
    chosen = spread_out(xy, 20)
    assert len(chosen) == 20
    gaps = np.linalg.norm(xy[chosen][:, None] - xy[chosen][None], axis=-1) + 9 * np.eye(20)
    assert np.median(gaps.min(1)) > 0.3


def test_curves_share_their_scale_and_the_cursor_stops_with_the_run():
    both = side_by_side([run(T=6), run(T=3)], overlay="curves")
    painter = both.painter
    painter.paint(5)
    strips = [part for part in painter.parts if isinstance(part, MetricCurves)]
    assert [strip.cursor.get_xdata()[0] for strip in strips] == [5, 5]
    assert [strip.curves[1][2].get_xdata()[0] for strip in strips] == [5, 2]
    heads = [part.line.get_text() for part in painter.parts if isinstance(part, LiveText)]
    assert "stopped at epoch 2" in heads[1]
    assert "stopped" not in heads[0]


def test_metrics_that_were_not_measured_are_left_out():
    t = run(metrics={"loss": np.full(5, np.nan), "knn_accuracy": np.array([0.1, np.nan, 0.3, 0.4, 0.5])})
    painter = animate(t, overlay="curves").painter
    lines = []
    for k in range(3):
        painter.paint(k)
        lines.append(painter.head_line(k))
    assert lines == ["epoch 0 of 4   kNN accuracy 10.0%", "epoch 1 of 4", "epoch 2 of 4   kNN accuracy 30.0%"]


def test_no_overlay_no_counter():
    painter = animate(run(), overlay="none").painter
    painter.paint(3)
    assert painter.head_line(3) == ""


NAMES = {"short": ["0", "1", "2"], "long": ["a rather long name"] * 3, "many": [f"class {k}" for k in range(30)], "one": ["only"]}
SETTINGS = [(style, (400, 400)) for style in ("slides", "paper", "dark")] + [("notebook", (w, w - 40)) for w in (300, 500, 900)]


@pytest.mark.parametrize(("style", "size"), SETTINGS)
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_texts_stay_inside_and_apart(style, names, size):
    t = run(n=60, classes=len(names), class_names=tuple(names), title="a title that is far too long for so small a picture " * 2)
    painter = animate(
        t, style=style, size=size, overlay="curves", note="a note of some length, which has to be wrapped onto two lines"
    ).painter
    painter.paint(4)
    renderer = painter.canvas.agg.get_renderer()
    boxes = [(text.get_window_extent(renderer), text.get_text()) for text in painter.canvas.figure.texts if text.get_text()]
    boxes += [(panel.axes.bbox, "panel") for panel in painter.panels]
    for i, (box, text) in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= size[0] + 0.5, text
        assert box.y1 <= size[1], text
        for other, name in boxes[i + 1 :]:
            wide, high = min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)
            assert wide < 1 or high < 2, (text, name)
    assert painter.panels[0].axes.bbox.height > 0.2 * size[1]


def test_dollar_signs_are_not_formulas():
    shown = animate(run(title="$\\frac{$", class_names=("$a", "_b^", "c$")), size=(300, 300))
    assert len(shown.frames) == 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"overlay": "trail"}, "did you mean 'trails'"),
        ({"overlay": "forces"}, "need each other"),
        ({"overlay": "diagnosis"}, "note"),
        ({"overlay": "forces", "forces": (np.ones(3), np.ones(3))}, "give two arrays of shape"),
        ({"overlay": "regions"}, "embedding_dim=2"),
        ({"highlight": "7"}, "no class of these points"),
        ({"highlight": 40}, "positions run from 0 to 39"),
        ({"thumbnails": 5}, "images"),
    ],
)
def test_what_the_trajectory_cannot_show_is_refused_at_once(options, says):
    with pytest.raises(ConfigError, match=says):
        animate(run(), **options)


def test_unlabelled_points_have_no_centroids_and_no_legend():
    t = Trajectory(np.random.default_rng(0).normal(size=(3, 9, 2)), np.arange(3))
    with pytest.raises(ConfigError, match="needs labels"):
        animate(t, overlay="centroids")
    shown = animate(t, overlay="trails")
    assert not shown.painter.canvas.figure.findobj(match=lambda a: getattr(a, "get_marker", lambda: None)() == "o")
    assert (shown.frames[2] == np.rint(rgb(theme("notebook").accent) * 255)).all(-1).any()


def test_curves_without_metrics_name_the_remedy():
    with pytest.raises(ConfigError, match="record"):
        animate(run(metrics={}), overlay="curves")


def test_any_recorded_metric_is_drawn_with_its_value_at_the_cursor():
    rank = np.linspace(9, 5, 5)
    painter = animate(run(metrics={"loss": np.ones(5), "effective_rank": rank}), overlay="effective_rank+trails").painter
    painter.paint(2)
    (strip,) = [part for part in painter.parts if isinstance(part, MetricCurves)]
    assert [float(dot.get_ydata()[0]) for _, _, dot in strip.curves] == [0.5]
    assert painter.head_line(2) == "epoch 2 of 4   loss 1.000   effective rank 7"


def test_curves_draws_the_loss_first_and_no_more_than_four():
    metrics = {name: np.arange(5.0) for name in ("a", "b", "loss", "c", "d")}
    painter = animate(run(metrics=metrics), overlay="curves").painter
    (strip,) = [part for part in painter.parts if isinstance(part, MetricCurves)]
    assert [strip.colors[name] for name in ("loss", "a", "b", "c")] == list(dict.fromkeys(strip.colors.values()))
    assert list(strip.colors) == ["loss", "a", "b", "c"]


def test_a_name_that_is_neither_an_overlay_nor_recorded_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'effective_rank'"):
        animate(run(metrics={"effective_rank": np.ones(5)}), overlay="efective_rank")
    with pytest.raises(ConfigError, match="record"):
        animate(run(metrics={"effective_rank": np.ones(5)}), overlay="loss")


def test_the_box_of_a_turning_view_stays_in_its_panel():
    painter = animate(run(), projection="pca3", overlay="epoch").painter
    (panel,) = painter.panels
    for frame in range(painter.timeline.n_frames):
        corners, _ = panel.view.flatten(panel.view.corners, frame)
        x, y = panel.axes.transAxes.inverted().transform(panel.axes.transData.transform(corners)).T
        assert min(x.min(), y.min()) >= 0
        assert max(x.max(), y.max()) <= 1


def cross(panel):
    """A toy overlay: one line through the origin."""
    strokes = Strokes()
    strokes.bundles = [(np.array([[[-1.0, 0], [1, 0]]]), rgb("#000000"), panel.canvas.points(1))]
    panel.add(lambda frame: None, strokes)


def test_an_overlay_is_one_row_and_its_function(monkeypatch):
    needs = {"labels": "needs labels: give them"}
    words = {"caption": "A line through the origin.", "short": "a line"}
    row = OverlayKind("cross", "a toy line", f"{__name__}:cross", needs=needs, **words)
    monkeypatch.setitem(OVERLAYS, "cross", row)
    plain, crossed = animate(run()), animate(run(), overlay="cross")
    assert crossed.caption == f"{plain.caption} A line through the origin."
    assert crossed.short_caption == f"{plain.short_caption}; a line"
    assert [type(a).__name__ for a in crossed.painter.panels[0].artists] == ["Cloud", "Strokes"]
    assert (crossed.painter.paint(0) != plain.painter.paint(0)).any()
    with pytest.raises(ConfigError, match="did you mean 'cross'"):
        animate(run(), overlay="croos")
    with pytest.raises(ConfigError, match="overlay='cross' needs labels: give them"):
        animate(run(labels=None, class_names=()), overlay="cross")
    with pytest.raises(ConfigError, match="did you mean 'cross'"):
        Config(gif_overlay="croos").resolve()
