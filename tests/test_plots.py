"""Static figures: what is on them, and that the files open again."""

from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from moving_points import animate, run, side_by_side
from PIL import Image

import icon_nb as icon
from icon_nb.animation.palette import class_color, rgb
from icon_nb.animation.plots import curves, small_multiples
from icon_nb.errors import ConfigError
from icon_nb.evaluation.trajectory import Trajectory


def texts(picture):
    return [text.get_text() for text in picture.figure.texts]


def test_small_multiples_show_the_chosen_epochs_on_the_same_axes():
    t = run(T=9, d=2)
    picture = small_multiples(animate(t), epochs=[0, 4, 8])
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in picture.figure.axes}) == 1
    clouds = [next(a for a in axes.get_children() if type(a).__name__ == "Cloud") for axes in picture.figure.axes]
    for cloud, epoch in zip(clouds, (0, 4, 8)):
        np.testing.assert_array_equal(cloud.xy, t.embeddings[epoch])
    assert [text for text in texts(picture) if text.startswith("epoch")] == ["epoch 0", "epoch 4", "epoch 8"]


def test_by_default_up_to_six_epochs_first_and_last_among_them():
    shown = [text for text in texts(small_multiples(animate(run(T=40)))) if text.startswith("epoch")]
    assert len(shown) == 6
    assert (shown[0], shown[-1]) == ("epoch 0", "epoch 39")
    assert len([text for text in texts(small_multiples(animate(run(T=2)))) if text.startswith("epoch")]) == 2


def test_several_runs_are_rows_under_their_names():
    both = side_by_side([run(T=40, title="a"), run(T=40, title="b")])
    picture = small_multiples(both, epochs=[0, 4])
    heads = [text for text in texts(picture) if text in ("a", "b") or text.startswith("epoch ")]
    assert heads == ["epoch 0", "a", "epoch 4", "epoch 0", "b", "epoch 4"]
    shown = [text for text in texts(small_multiples(both)) if text.startswith("epoch")]
    assert len(shown) == 8, "four epochs of each, so that they can be read at the width of a page"


def test_an_epoch_that_is_not_shown_is_refused():
    with pytest.raises(ConfigError, match="epoch 7 is not among"):
        small_multiples(animate(run()), epochs=[7])


@pytest.mark.parametrize("suffix", ["pdf", "svg"])
def test_vector_files_are_whole_vector_and_the_same_again(suffix, tmp_path):
    first, second = (animate(run()).save(tmp_path / f"{k}.{suffix}", epochs=[0, 4]) for k in "ab")
    assert first.read_bytes() == second.read_bytes()
    if suffix == "svg":
        root = ElementTree.parse(first).getroot()
        assert len(root.findall(".//{*}use")) > 80
        assert not root.findall(".//{*}image")
    else:
        assert first.read_bytes().startswith(b"%PDF")
        assert first.read_bytes().rstrip().endswith(b"%%EOF")


def test_saving_one_format_does_not_change_the_next(tmp_path):
    picture = small_multiples(animate(run()))
    before = picture.save(tmp_path / "a.png").read_bytes()
    picture.save(tmp_path / "a.pdf")
    picture.save(tmp_path / "b.png", dpi=200)
    assert picture.save(tmp_path / "c.png").read_bytes() == before
    large, small = Image.open(tmp_path / "b.png").size, Image.open(tmp_path / "a.png").size
    assert large == (2 * small[0], 2 * small[1])
    with pytest.raises(ConfigError, match="did you mean '.png'"):
        picture.save(tmp_path / "x.pngg")


def test_curves_draw_what_was_measured():
    t = run(T=6)
    picture = curves([t, run(T=4)], labels=["long", "short"], baselines={"knn_accuracy": {"raw pixels": 0.7}})
    loss, knn = picture.figure.axes
    np.testing.assert_array_equal(loss.lines[0].get_xdata(), np.arange(1, 6))
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), t.metrics["loss"][1:])
    np.testing.assert_array_equal(knn.lines[1].get_ydata(), np.linspace(0.3, 0.9, 4))
    assert [line.get_color() for line in knn.lines[:2]] == [class_color(0), class_color(1)]
    assert knn.lines[2].get_ydata() == [0.7, 0.7]
    assert knn.texts[0].get_text() == "raw pixels"
    assert loss.get_xlim() == knn.get_xlim()
    assert {"long", "short", "loss", "kNN accuracy"} <= set(texts(picture))


def test_a_metric_nobody_measured_is_left_out():
    t = run(metrics={"loss": np.full(5, np.nan), "knn_accuracy": np.linspace(0, 1, 5)})
    assert len(curves(t).figure.axes) == 1
    with pytest.raises(ConfigError, match="was recorded"):
        curves(t, metrics=["loss"])
    with pytest.raises(ConfigError, match="did you mean 'loss'"):
        curves(run(), metrics=["loss", "lose"])
    with pytest.raises(ConfigError, match="2 labels for 1 runs"):
        curves(t, labels=["a", "b"])


def test_a_notebook_gets_text_page_and_picture():
    picture = curves(run(title='<b>"mine"</b>'))
    bundle = picture._repr_mimebundle_()
    assert bundle["text/plain"] == repr(picture)
    assert 'alt="loss and knn_accuracy over the epochs of &lt;b&gt;&quot;mine&quot;' in bundle["text/html"]
    pixels = np.asarray(Image.open(BytesIO(picture.png)).convert("RGB"))
    assert pixels.shape == (300, 760, 3)
    accent = np.rint(rgb("#0b6bcb") * 255)
    assert (np.abs(pixels - accent).max(-1) < 3).sum() > 100


def test_ticks_and_texts_do_not_overlap():
    picture = curves([run(T=30), run(T=30)], labels=["a", "b"], title="A title")
    picture.canvas.agg.draw()
    renderer = picture.canvas.agg.get_renderer()
    both = [axis for axes in picture.figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [
        t.label1
        for axis in both
        for t in axis.get_major_ticks()
        if np.ptp([*axis.get_view_interval(), t.get_loc()]) <= np.ptp(axis.get_view_interval())
    ]
    boxes = [text.get_window_extent(renderer) for text in [*picture.figure.texts, *ticks] if text.get_text()]
    inside = [box for box in boxes if box.x0 >= -1 and box.y0 >= -1 and box.x1 <= 761 and box.y1 <= 301]
    assert len(inside) == len(boxes)
    for k, a in enumerate(boxes):
        for b in boxes[k + 1 :]:
            assert min(a.x1, b.x1) - max(a.x0, b.x0) < 1 or min(a.y1, b.y1) - max(a.y0, b.y0) < 2


def test_labels_of_curves_are_written_in_full_and_the_picture_grows_with_them():
    long = [f"supervised contrastive learning, temperature={tau}, backbone=mlp" for tau in (0.05, 0.1, 0.5, 1.0)]
    picture = curves([run(T=3) for _ in long], labels=long)
    assert set(long) <= set(texts(picture))
    written = [text for text in picture.figure.texts if text.get_text() in long]
    pixels = picture.canvas.agg.get_renderer()
    boxes = [text.get_window_extent(pixels) for text in written]
    width, height = picture.figure.get_size_inches() * picture.figure.dpi
    assert all(box.x0 > 0 and box.x1 < width and box.y0 > 0 for box in boxes)
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    panels = [axes.get_window_extent() for axes in picture.figure.axes]
    assert not any(box.overlaps(panel) for box in boxes for panel in panels)
    assert height > 300
    asked = curves([run(T=3) for _ in long], labels=long, size=(600, 300))
    np.testing.assert_allclose(asked.figure.get_size_inches() * asked.figure.dpi, (600, 300))


def test_what_training_has_to_beat_is_told_in_words_that_do_not_cover_each_other():
    walk = Trajectory(np.zeros((3, 5, 2)), np.arange(3), metrics={"knn_accuracy": np.array([0.4, 0.7, 0.9])})
    lines = {"untrained": 0.41, "raw inputs": 0.4, "chance": 0.1}
    axes = curves(walk, baselines={"knn_accuracy": lines}).figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["chance", "raw inputs, untrained"]
    assert sorted(line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--") == [0.1, 0.4, 0.41]


def test_the_curves_of_a_run_stand_beside_what_it_has_to_beat():
    run = icon.run(icon.Config(dataset="digits", n_samples=60, epochs=1, quiet=True))
    drawn = [text.get_text() for axes in run.plot("knn_accuracy").figure.axes for text in axes.texts]
    assert {name for text in drawn for name in text.split(", ")} == {"untrained", "raw inputs"}
