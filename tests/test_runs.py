"""run and Results: history, trajectory, display, interrupts."""

import signal

import numpy as np
import pytest

import icon_nb as icon
from icon_nb.errors import DataError, TrainingError
from icon_nb.evaluation.trajectory import choose_points
from icon_nb.study import probes
from icon_nb.study.results import Results

SMALL = {"dataset": "digits", "n_samples": 200, "epochs": 3, "quiet": True, "max_points": 100}


@pytest.fixture(scope="module")
def run():
    return icon.run(icon.Config(**SMALL))


def test_history_has_one_value_per_epoch_and_epoch_0_is_untrained(run):
    assert run.history["epoch"] == [0, 1, 2, 3]
    assert {len(values) for values in run.history.values()} == {4}
    untrained = icon.run(icon.Config(**{**SMALL, "epochs": 0}))
    assert np.array_equal(untrained.embeddings, run.trajectory.embeddings[0])


def test_the_trajectory_keeps_the_same_held_out_points(run):
    data = run.data()
    assert run.trajectory.embeddings.shape == (4, 100, 128)
    assert run.trajectory.embeddings.dtype == np.float32
    assert np.array_equal(run.labels, data.y_test.numpy()[run.trajectory.index])
    assert run.trajectory.held_out.all()
    assert np.array_equal(run.embeddings, run.trajectory.embeddings[-1])


def test_every_frame_shows_the_same_features():
    x = 3 * np.random.default_rng(0).normal(size=(60, 5)) + 7
    config = icon.Config(method="sne", backbone="mlp", epochs=3, learning_rate=1e-12, batch_size=30, perplexity=5, quiet=True)
    run = icon.run(config, data=x)
    assert np.abs(run.embeddings - run.trajectory.embeddings[0]).max() < 1e-5
    np.testing.assert_allclose(run.embed(x[run.trajectory.index]), run.embeddings, atol=1e-5)
    assert np.allclose(run.data().x, x)


def test_record_every_and_the_last_epoch():
    run = icon.run(icon.Config(record_every=2, **SMALL))
    assert run.trajectory.epochs.tolist() == [0, 2, 3]
    assert np.isnan(run.history["knn_accuracy"][1])


def test_repr_is_one_pure_line_and_draws_nothing():
    fresh = icon.run(icon.Config(**SMALL))
    text = repr(fresh)
    assert "\n" not in text
    assert text == repr(icon.run(icon.Config(**SMALL)))
    assert "_animation" not in fresh.__dict__


def test_the_notebook_shows_text_html_and_a_poster(run):
    bundle = run._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert bundle["text/plain"] == repr(run)
    assert "data:image/gif;base64," in bundle["text/html"]
    assert bundle["text/html"] == icon.run(icon.Config(**SMALL))._repr_html_()


def test_what_a_user_named_is_escaped():
    run = icon.run(icon.Config(run_name="<script>alert(1)</script>", **SMALL))
    assert "<script>" not in run._repr_html_()


@pytest.mark.parametrize("strict", [False, True])
def test_an_interrupt_keeps_what_there_is_and_is_raised_under_tests(strict, monkeypatch, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores interrupts
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    monkeypatch.setenv("ICON_NB_STRICT", "1") if strict else monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stop(record, recorder):
        if record.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    if strict:
        with pytest.raises(KeyboardInterrupt):
            icon.run(icon.Config(**SMALL), on_record=stop)
        return
    run = icon.run(icon.Config(**SMALL), on_record=stop)
    assert run.status == "interrupted"
    assert run.history["epoch"] == [0, 1, 2]
    assert "interrupted" in repr(run)
    assert run.animate().to_bytes("gif")


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError])
def test_a_run_that_ends_between_two_frames_ends_with_a_frame_of_its_weights(error, monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stop(record, recorder):
        if record.epoch == 3:
            raise error("stopped")

    config = icon.Config(**{**SMALL, "epochs": 5, "record_every": 2})
    try:
        run = icon.run(config, on_record=stop)
    except DataError as caught:
        run = caught.results
    assert run.trajectory.epochs.tolist() == [0, 2, 3]
    assert run.history["epoch"] == [0, 1, 2, 3]
    assert np.isnan(run.history["knn_accuracy"]).tolist() == [False, True, False, False]
    assert run.trajectory.metrics["loss"][-1] == run.history["loss"][-1]
    assert run.trajectory.metrics["knn_accuracy"][-1] == run.history["knn_accuracy"][-1]
    again = run.embed(run.data().x_test[run.trajectory.index])
    np.testing.assert_allclose(again, run.embeddings, atol=1e-5)


def test_an_error_about_the_data_is_told_as_such_and_not_as_divergence(tmp_path):
    def fail(record, recorder):
        if record.epoch == 2:
            raise DataError("anchor 98 of the batch has no neighbour under p: use a larger batch_size")

    with pytest.raises(DataError) as caught:
        icon.run(icon.Config(**SMALL), on_record=fail)
    run = caught.value.results
    again = icon.load(run.save(tmp_path / "run"))
    for each in (run, again):
        assert each.status == "failed"
        assert each.diagnosis.verdict == "stopped"
        assert not each.diagnosis.failed
        assert str(caught.value) in str(each.diagnosis)
        assert "learning rate" not in str(each.diagnosis)


def test_divergence_is_told_as_such_and_stays_it_when_it_is_saved(tmp_path):
    config = icon.Config(method="cross_entropy", optimizer="sgd", learning_rate=1e18, epochs=5, n_samples=300, quiet=True)
    with pytest.raises(TrainingError) as caught:
        icon.run(config)
    run = caught.value.results
    again = icon.load(run.save(tmp_path / "run"))
    assert run.diagnosis.verdict == again.diagnosis.verdict == "diverged"


def test_the_progress_bar_shows_loss_and_accuracy_on_stderr(capsys):
    icon.run(icon.Config(**{**SMALL, "quiet": False}))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "loss=" in shown.err
    assert "kNN accuracy=" in shown.err
    icon.run(icon.Config(**SMALL))
    assert capsys.readouterr().err == ""


def test_probes_are_on_held_out_points_with_baselines():
    run = icon.run(icon.Config(dataset="digits", epochs=0, quiet=True))
    assert set(run.probes) == {"trained", "untrained", "raw", "about"}
    assert run.probes["about"]["held_out"]
    assert run.probes["trained"] == run.probes["untrained"]
    assert run.probes["raw"]["linear_probe"] > 0.9


def test_the_probes_and_the_table_of_a_run_show_one_number_for_each_embedding():
    run = icon.run(icon.Config(n_samples=200, epochs=1, quiet=True))
    _, untrained, raw = icon.Comparison([run]).table(baselines=True).rows
    for name, row in (("trained", run.scores), ("untrained", untrained), ("raw", raw)):
        assert run.probes[name]["knn"] == pytest.approx(row["knn"]), name
        assert run.probes[name]["linear_probe"] == pytest.approx(row["linear_probe"]), name


@pytest.mark.parametrize("y", [np.zeros(60, int), np.arange(60)], ids=["one class", "all distinct"])
def test_a_run_whose_labels_allow_no_probe_is_saved_and_has_none(y, tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 5))
    config = icon.Config(method="sne", backbone="mlp", epochs=1, batch_size=30, perplexity=5, quiet=True, viz=False)
    run = icon.run(config, data=(x, y), save_to=tmp_path / "run")
    assert run.probes == icon.load(tmp_path / "run").probes == {}
    assert np.isnan(run.scores["knn"])


@pytest.mark.parametrize("backbone", ["linear", "table"])
def test_of_many_points_a_drawn_sample_is_probed(backbone, monkeypatch):
    rng, y = np.random.default_rng(0), np.repeat(np.arange(3), 40)  # sorted by class, as people keep them
    x = rng.normal(size=(120, 5)) + 9 * np.eye(3, 5)[y]
    config = icon.Config(method="sne", backbone=backbone, embedding_dim=2, epochs=30, perplexity=5, quiet=True)
    run = icon.run(config, data=(x, y))
    seen = []
    monkeypatch.setattr(probes, "MAX_PROBE_POINTS", 50)
    monkeypatch.setattr(probes, "probe", lambda z, y, **options: seen.append((z, y)) or {"linear_probe": 1.0, "knn": 1.0})
    assert run.probes["about"]["n_points"] == 50
    keep = choose_points(120, 50, run.config.seed)
    assert all(np.array_equal(labels, y[keep]) and np.unique(labels).tolist() == [0, 1, 2] for _, labels in seen)
    places = [np.flatnonzero((run.data().x.numpy() == row).all(1)).item() for row in seen[2][0]]
    assert places == keep.tolist()
    at = np.searchsorted(run.trajectory.index, keep)
    np.testing.assert_allclose(seen[0][0], run.embeddings[at], atol=1e-5)


def test_settings_may_be_given_without_a_config():
    assert icon.run(method="cross_entropy", **{**SMALL, "epochs": 0}).config.method == "cross_entropy"


def test_results_are_sized_for_a_notebook(run):
    assert len(run._repr_html_()) < 2_000_000
    assert isinstance(run, Results)


def test_a_loaded_run_is_equal_and_another_is_not(tmp_path):
    config = icon.Config(n_samples=100, epochs=2, quiet=True)
    run = icon.run(config)
    run.save(tmp_path / "run")
    loaded = icon.load(tmp_path / "run")
    assert loaded == run
    assert hash(loaded) == hash(run)
    assert icon.run(config) == run
    assert icon.run(config.replace(seed=1)) != run
    assert run != "run"
