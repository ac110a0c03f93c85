"""The widgets without a browser: their callbacks are plain methods, and what they show can be had on paper."""

from __future__ import annotations

import base64
import io
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import icon_nb as icon
from icon_nb.animation.display import VIEW
from icon_nb.animation.plots import against, bars
from icon_nb.errors import ConfigError
from icon_nb.interfaces import temperature
from icon_nb.interfaces.temperature import RowWatcher, TemperatureStudy, run_and_watch, trained
from icon_nb.study.run import start, train

SMALL = icon.Config(method="simclr", dataset="digits", n_samples=256, epochs=2, embedding_dim=3, max_points=100)


@pytest.fixture(scope="module")
def widget():
    return icon.widgets.temperature_study(SMALL, [0.1, 1.0]).run()


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


# What p and q say


def test_rows_are_what_training_compares():
    results, rows = run_and_watch(SMALL)
    assert rows.p.shape == (8, 256) == rows.q[0].shape
    assert len(rows.q) == results.trajectory.n_frames == 3
    np.testing.assert_allclose(rows.p.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(rows.q.sum(2), 1, atol=1e-4)
    assert (rows.q[0] != rows.q[-1]).any()


def test_the_mean_divergence_of_all_rows_is_the_loss():
    session = start(SMALL)
    watcher = RowWatcher(session)
    watcher.chosen = np.arange(256)  # both views of the 128 samples of the first batch
    results = train(session, watcher, progress=False)
    rows = watcher.rows(results.trajectory)
    p, q = rows.p, rows.q[0]
    loss = (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum() / 256
    assert loss == pytest.approx(results.history["loss"][0], rel=1e-4)


NOISY = icon.Config(
    method="simclr", dataset="digits", backbone="linear", embedding_dim=2, augment="noise", epochs=11, batch_size=30, quiet=True
)


def seen(config, max_frames=160, on_record=None):
    """Rows of a run of which the recorder keeps few frames, and q of every epoch, by epoch."""
    session = start(config, (np.random.default_rng(0).normal(size=(60, 5)), np.arange(60) % 2))
    session.recorder.max_frames = max_frames
    watcher, every = RowWatcher(session), {}

    def look(record, recorder):
        every[record.epoch] = watcher.rows_of_q()

    results = train(session, look, watcher, on_record, progress=False)
    return results.trajectory.epochs.tolist(), watcher.rows(results.trajectory), every


def test_rows_are_of_the_epochs_that_the_recorder_kept():
    epochs, rows, every = seen(NOISY, max_frames=5)
    assert epochs == [0, 8, 10, 11]
    for epoch, q in zip(epochs, rows.q, strict=True):
        assert (q == every[epoch]).all()


def test_rows_of_a_run_that_ends_between_two_frames_end_with_its_last_epoch(monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stop(record, recorder):
        if record.epoch == 3:
            raise KeyboardInterrupt

    epochs, rows, every = seen(NOISY.replace(record_every=2), on_record=stop)
    assert epochs == [0, 2, 3]
    for epoch, q in zip(epochs, rows.q, strict=True):
        np.testing.assert_allclose(q, every[epoch], atol=1e-6)


def test_watching_does_not_change_the_run():
    watched, _ = run_and_watch(SMALL)
    assert (watched.embeddings == icon.run(SMALL, quiet=True).embeddings).all()


@pytest.mark.parametrize(("method", "m"), [("cross_entropy", 10), ("sne", 256), ("tsne", 256), ("clip", 256)])
def test_rows_of_other_candidates(method, m):
    settings = {"batch_size": 256} if method == "clip" else {}
    _, rows = run_and_watch(icon.Config(method=method, n_samples=256, epochs=1, **settings))
    assert rows.p.shape[1] == rows.q.shape[2] == m == len(rows.candidates)
    np.testing.assert_allclose(rows.q.sum(2), 1, atol=1e-3)
    bars(rows, 0, 0)


def test_a_limit_of_the_temperature_has_p_and_no_q():
    _, rows = run_and_watch(icon.Config(method="vicreg", n_samples=256, epochs=1))
    assert rows.q is None
    assert "p and q" in repr(bars(rows, 0, 0))


def test_anchors_are_of_different_classes():
    assert run_and_watch(SMALL)[1].anchors == tuple("01234567")
    _, rows = trained(SMALL.replace(n_samples=None), np.random.default_rng(0).normal(size=(256, 3)))
    assert rows.anchors == tuple(f"sample {k}" for k in range(8))


# The study


def test_nothing_is_trained_twice(monkeypatch):
    config = SMALL.replace(temperature=0.3, seed=5)
    first = trained(config)
    monkeypatch.setattr(temperature, "run_and_watch", lambda *a, **k: pytest.fail("trained again"))
    assert trained(config) is first
    again = TemperatureStudy(SMALL, [0.3], seeds=[5]).train()
    assert again.runs[0.3, 5] is first


def test_a_file_that_was_written_anew_is_trained_on_anew(tmp_path):
    config = SMALL.replace(n_samples=None, batch_size=20, dataset=f"embeddings:{tmp_path / 'a.npz'}", epochs=1)
    runs = []
    for seed in (0, 1):
        x = np.random.default_rng(seed).normal(size=(40, 3))
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(40) % 2)
        runs += [trained(config)[0], trained(config)[0]]
    assert runs[0] is runs[1]
    assert runs[2] is runs[3]
    assert not np.array_equal(runs[0].embeddings, runs[2].embeddings)


def test_a_study_measures_every_temperature_and_seed():
    study = TemperatureStudy(SMALL.replace(epochs=1), [1.0, 0.1], seeds=[0, 1])
    assert study.temperatures == [0.1, 1.0]
    assert len(study.missing) == 4
    calls = []
    study.train(lambda *call: calls.append(call))
    assert calls == [(t, s, e) for t in (0.1, 1.0) for s in (0, 1) for e in (0, 1)]
    scores = study.scores()
    assert {name: value.shape for name, value in scores.items()} == dict.fromkeys(temperature.MEASURES, (2, 2))
    run = study.runs[0.1, 1][0]
    assert scores["knn_accuracy"][0, 1] == run.history["knn_accuracy"][-1]
    assert study.scores(0)["knn_accuracy"][0, 1] == run.history["knn_accuracy"][0]


@pytest.mark.parametrize(
    ("config", "temperatures", "words"),
    [
        (icon.Config(method="pca"), [0.1], "temperature"),
        (icon.Config(), [], "a temperature and a seed"),
        (icon.Config(), [0.1, -1.0], "temperature=-1.0"),
    ],
)
def test_a_study_refuses_what_it_cannot_do(config, temperatures, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        TemperatureStudy(config, temperatures).train()


# The temperature widget


def test_before_it_is_run_it_says_what_to_do():
    fresh = icon.widgets.temperature_study(SMALL.replace(seed=77), [0.1])
    assert fresh.box
    assert "press Run" in fresh.note.value
    assert "press Run" in fresh.still
    assert not fresh.button.disabled
    fresh.show()
    assert fresh.embedding.value == b""


def test_sliders_change_the_pictures(widget):
    assert widget.box
    assert [value for _, value in widget.tau.options] == [0.1, 1.0]
    assert widget.epoch.max == 2
    seen = {}
    for t in (0.1, 1.0):
        for epoch in (0, 2):
            widget.tau.value, widget.epoch.value = t, epoch
            seen[t, epoch] = widget.embedding.value, widget.rows.value, widget.measures.value
    for k in range(3):
        assert len({pictures[k] for pictures in seen.values()}) == 4
    assert picture(seen[0.1, 2][0]).shape == (420, 420, 3)


def test_it_opens_at_the_last_epoch():
    fresh = icon.widgets.temperature_study(SMALL, [0.1, 1.0]).run()
    assert fresh.epoch.value == fresh.play.value == fresh.epoch.max == 2
    assert fresh.embedding.value == fresh.still_of(0.1, 0, 2) != fresh.still_of(0.1, 0, 0)


def test_scrubbing_draws_nothing_twice_and_trains_nothing(widget, monkeypatch):
    assert widget.box
    for epoch in (0, 1, 2):
        widget.epoch.value = epoch
    monkeypatch.setattr("icon_nb.interfaces.temperature.bars", lambda *a: pytest.fail("drawn again"))
    monkeypatch.setattr("icon_nb.interfaces.temperature.against", lambda *a, **k: pytest.fail("drawn again"))
    monkeypatch.setattr(temperature, "run_and_watch", lambda *a, **k: pytest.fail("trained"))
    for epoch in (0, 1, 2):
        widget.epoch.value = epoch


def test_the_sample_chooses_the_bars(widget):
    assert widget.box
    assert [name for name, _ in widget.sample.options] == [str(digit) for digit in range(8)]
    widget.sample.value = 0
    zero = widget.rows.value
    widget.sample.value = 3
    assert widget.rows.value != zero


def test_a_value_in_between_joins_the_study():
    widget = icon.widgets.temperature_study(SMALL, [0.1, 1.0]).run()
    assert widget.box
    widget.between.value = 0.4
    widget.more.click()
    assert widget.study.complete == [0.1, 0.4, 1.0]
    cursors = [key[1] for key in widget._pictures if key[0] == "measures" and key[3] == 3]
    assert cursors == [0.4], "nothing is drawn on the way"
    assert [value for _, value in widget.tau.options] == [0.1, 0.4, 1.0]
    assert widget.tau.value == 0.4


def test_a_value_that_cannot_be_is_said_and_changes_nothing(widget):
    before = list(widget.study.temperatures)
    widget.add(-2.0)
    assert "temperature=-2.0" in widget.note.value
    assert widget.study.temperatures == before


def test_on_paper_it_shows_every_temperature_and_the_measures(widget):
    bundle = widget._repr_mimebundle_()
    assert bundle[VIEW]["model_id"] == widget.box.model_id
    assert bundle["text/html"].count("<img") == 2
    assert bundle["image/png"] in bundle["text/html"], "a filmstrip"
    assert "temperatures 0.1, 1" in bundle["text/html"]
    assert bundle["text/plain"].startswith("TemperatureWidget(simclr: temperatures 0.1, 1")


def test_colab_is_given_the_live_view_alone(widget, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert set(widget._repr_mimebundle_()) == {"text/plain", VIEW}


def test_measures_have_a_cursor_and_a_band():
    scores = {"kNN accuracy": np.array([[0.9, 0.8], [0.7, 0.75]]), "alignment": np.full((2, 2), np.nan)}
    without, with_cursor = (against([0.1, 1.0], scores, cursor) for cursor in (None, 0.1))
    assert without.png != with_cursor.png
    assert without.png != against([0.1, 1.0], {"kNN accuracy": scores["kNN accuracy"][:, :1]}).png
    assert "alignment" not in without.alt


def test_a_study_is_shown_beside_the_untrained_network_and_the_raw_inputs(widget):
    lines = widget.study.baselines["knn_accuracy"]
    runs = [run for run, _ in widget.study.runs.values()]
    assert lines["untrained"] == pytest.approx(np.mean([run.history["knn_accuracy"][0] for run in runs]))
    assert lines["raw inputs"] == runs[0].provenance["baselines"]["raw_knn_accuracy"]
    scores = {"knn_accuracy": np.array([[0.9], [0.8]])}
    without, beside = (against([0.1, 1.0], scores, baselines=known) for known in (None, widget.study.baselines))
    assert without.png != beside.png
    assert beside.alt.endswith("beside untrained, raw inputs")
    assert "beside untrained, raw inputs" in widget.still


# The method explorer


def test_every_named_pair_of_the_drop_downs_is_run_or_explained():
    explorer = icon.widgets.method_explorer(icon.Config(epochs=1, n_samples=200))
    assert explorer.box
    explorer.controls["supervisory"].value = "label"
    assert explorer.settings == {"method": "cross_entropy"}
    assert explorer.reason == ""
    explorer.controls["learned"].value = "clusters"
    assert "spreads over classes" in explorer.reason
    assert explorer.button.disabled
    assert "makes no sense" in explorer.note.value
    explorer.run()
    assert explorer.results is None


def shown(explorer):
    return {name: control.value for name, control in explorer.controls.items()}


def test_what_is_chosen_in_code_stands_in_the_drop_downs(monkeypatch):
    explorer = icon.widgets.method_explorer(icon.Config(epochs=1, n_samples=200)).choose(learned="student_t")
    assert explorer.box
    assert shown(explorer) == {"supervisory": "positive_pairs", "learned": "student_t", "backbone": "", "dataset": ""}
    explorer.choose(supervisory="gaussian", learned="gaussian", backbone="table", dataset="digits")
    assert shown(explorer) == {"supervisory": "gaussian", "learned": "gaussian", "backbone": "table", "dataset": "digits"}
    asked = []
    monkeypatch.setattr(explorer, "_why_not", lambda: asked.append(explorer.settings) or "")
    explorer.choose(supervisory="label", backbone=None, dataset=None)
    assert asked == [{"method": "cross_entropy"}], "one choice, and none of the drop-downs on its way"


def test_a_choice_that_is_refused_can_be_undone_by_hand():
    explorer = icon.widgets.method_explorer(icon.Config(epochs=1, n_samples=200))
    assert explorer.box
    explorer.choose(backbone="table")
    assert explorer.button.disabled
    explorer.controls["backbone"].value = ""
    assert explorer.reason == ""
    assert not explorer.button.disabled


def test_a_choice_that_the_drop_downs_do_not_offer_joins_them():
    explorer = icon.widgets.method_explorer()
    assert explorer.box
    assert explorer.choose(dataset="mnist").controls["dataset"].label == "mnist"
    assert explorer.choose(dataset=None).controls["dataset"].label == "the method's own"


def test_the_code_it_shows_does_the_same():
    explorer = icon.widgets.method_explorer(icon.Config(epochs=1, n_samples=200)).choose(learned="student_t").run()
    assert explorer.code == "icon.run(icon.Config(n_samples=200, method='tsimclr', epochs=1))"
    same = eval(explorer.code, {"icon": icon})
    assert (same.embeddings == explorer.results.embeddings).all()
    assert explorer.picture.value[:6] == b"GIF89a"
    assert "<img" in explorer.still


def test_data_that_lack_what_p_needs_are_explained():
    explorer = icon.widgets.method_explorer().choose(supervisory="graph", dataset="digits")
    assert "graph" in explorer.reason
    explorer.choose(dataset="karate_club")
    assert explorer.reason == ""


def test_what_is_left_to_the_method_is_named_so():
    explorer = icon.widgets.method_explorer()
    assert explorer.box
    assert explorer.controls["backbone"].label == explorer.controls["dataset"].label == "the method's own"
    explorer.controls["backbone"].value = "linear"
    assert explorer.settings["backbone"] == "linear"
    explorer.controls["backbone"].value = ""
    assert "backbone" not in explorer.settings


def test_settings_without_an_effect_on_a_choice_are_left_out():
    explorer = icon.widgets.method_explorer(icon.Config(temperature=0.2, epochs=1))
    explorer.choose(supervisory="identity", learned="gaussian_wide")
    assert explorer.reason == ""
    assert "temperature" not in explorer.code


# Live


def test_live_redraws_in_place(monkeypatch):
    shown = []

    class Handle:
        def update(self, page, raw):
            shown.append(page)

    def display(page, raw, display_id):
        assert raw is display_id is True
        shown.append(page)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    seen = []
    config = SMALL.replace(epochs=3, quiet=True)
    results = icon.run(config, live=True, on_record=lambda record, recorder: seen.append(record.epoch))
    assert seen == [0, 1, 2, 3]
    assert "epoch 0 of 3" in shown[0]["text/html"]
    assert "epoch 3 of 3" in shown[-1]["text/html"]
    sizes = [Image.open(BytesIO(base64.b64decode(each["image/png"]))).size for each in (shown[0], shown[-1])]
    assert sizes[0] == (460, 460)
    assert sizes[1][0] > 2 * sizes[1][1], "what stays on paper is a filmstrip"
    assert (results.embeddings == icon.run(config).embeddings).all()


@pytest.mark.parametrize(("cost", "least", "most"), [(0.03, 290, 305), (0.5, 60, 70)])
def test_live_draws_three_times_a_second_and_less_often_where_that_is_slow(monkeypatch, cost, least, most):
    from icon_nb.study.trackers import Live

    clock, drawn = [0.0], []
    monkeypatch.setattr("icon_nb.study.trackers.time.monotonic", lambda: clock[0])
    live = Live(icon.Config(epochs=100_000).resolve())

    def draw(recorder):
        drawn.append(clock[0])
        clock[0] += cost

    live.draw = draw
    for epoch in range(100_000):
        clock[0] += 0.005
        live(type("Record", (), {"epoch": epoch}), None)
        if clock[0] > 100:
            break
    assert least <= len(drawn) <= most


def test_a_live_run_shows_no_bar_above_its_picture(monkeypatch, capsys):
    handle = type("Handle", (), {"update": lambda self, page, raw: None})()
    monkeypatch.setattr("IPython.display.display", lambda page, raw, display_id: handle)
    icon.run(SMALL.replace(epochs=1, quiet=False), live=True)
    assert "epoch/s" not in capsys.readouterr().err


def test_what_if_shows_both_futures_of_a_run():
    config = icon.Config(dataset="digits", n_samples=200, epochs=3, embedding_dim=3, max_points=50)
    widget = icon.widgets.temperature_study(config, [0.1, 1.0])
    assert "Nothing is trained yet" in widget.what_if(0.5).message
    widget.run()
    widget.tau.value, widget.epoch.value = 0.1, 1
    widget.between.value = 0.5
    widget.fork.click()
    run = widget.study.runs[0.1, 0][0]
    assert widget.message == ""
    assert widget.branch == run.fork(1, temperature=0.5)
    assert np.array_equal(widget.branch.trajectory.embeddings[:2], run.trajectory.embeddings[:2])
    assert not np.array_equal(widget.branch.embeddings, run.embeddings)
    both = widget.moving.value
    assert both[:3] == b"GIF"
    assert "temperature=-1" in widget.what_if(-1.0).message
    widget.arrows.click()
    assert widget.message == ""
    assert widget.moving.value == run.animate(overlay="forces", title="temperature 0.1").to_bytes("gif") != both
