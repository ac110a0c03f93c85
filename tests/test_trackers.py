"""Where a run is logged while it trains: files that are read again, a tracker of one's own, and errors that stop nothing."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.interfaces.cli import main

SMALL = {"dataset": "digits", "backbone": "linear", "n_samples": 128, "max_points": 60, "epochs": 2, "quiet": True}


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_name_that_a_spreadsheet_would_compute_is_quoted(tmp_path):
    icon.run(**SMALL, run_name="=1+1", log_to=f"csv:{tmp_path}/log.csv")
    assert all(row["run"].startswith("'=1+1-") for row in rows_of(tmp_path / "log.csv"))


def test_runs_of_a_sweep_share_a_csv(tmp_path):
    path = tmp_path / "new" / "log.csv"
    study = icon.sweep(icon.Config(**SMALL, log_to=f"csv:{path}"), temperature=[0.1, 0.5])
    rows = rows_of(path)
    assert list(rows[0]) == ["run", "epoch", "loss", "knn_accuracy", "seconds"]
    assert len({row["run"] for row in rows}) == 2
    for results in study:
        mine = [row for row in rows if row["run"].endswith(results.config.key())]
        assert [int(row["epoch"]) for row in mine] == results.history["epoch"]
        assert [float(row["loss"]) for row in mine] == results.history["loss"]


def test_the_command_line_logs_too(tmp_path):
    flags = [f"--{name}={value}" for name, value in SMALL.items() if name != "quiet"]
    assert main([*flags, "--quiet", "--no_viz", f"--output_dir={tmp_path}", f"--log_to=csv:{tmp_path}/log.csv"]) == 0
    assert len(rows_of(tmp_path / "log.csv")) == 3


def test_tensorboard_has_curves_points_and_the_animation(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    results = icon.run(**SMALL, log_to=f"tensorboard:{tmp_path}")
    (folder,) = tmp_path.iterdir()
    seen = EventAccumulator(str(folder)).Reload()
    np.testing.assert_allclose([event.value for event in seen.Scalars("loss")], results.history["loss"], rtol=1e-6)
    gif = Image.open(io.BytesIO(seen.Images("animation")[0].encoded_image_string))
    assert gif.format == "GIF"
    assert gif.n_frames > 2
    points = np.loadtxt(next(folder.rglob("tensors.tsv")), delimiter="\t")
    np.testing.assert_allclose(points, results.embeddings, rtol=1e-4, atol=1e-6)
    assert next(folder.rglob("sprite.png")).stat().st_size > 0


@pytest.mark.friends
def test_mlflow_has_settings_curves_and_the_animation(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    results = icon.run(**SMALL, log_to="mlflow:course")
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("course").experiment_id])
    assert run.data.params["backbone"] == "linear"
    logged = sorted(client.get_metric_history(run.info.run_id, "loss"), key=lambda metric: metric.step)
    np.testing.assert_allclose([metric.value for metric in logged], results.history["loss"])
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["training_dynamics.gif"]


@pytest.mark.friends
def test_wandb_takes_a_run_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    icon.run(**SMALL, log_to="wandb:course")
    assert list(tmp_path.rglob("*.wandb"))


class Mine:
    """A tracker of somebody's own."""

    def __init__(self, fails_at=None):
        self.seen, self.fails_at, self.results = [], fails_at, None

    def record(self, epoch, metrics, model):
        if epoch == self.fails_at:
            raise RuntimeError("the server is away")
        self.seen.append((epoch, metrics, sum(p.numel() for p in model.parameters())))

    def finish(self, results):
        self.results = results


def test_a_tracker_of_ones_own_sees_record_and_model():
    mine = Mine()
    results = icon.run(**SMALL, log_to=mine, record_every=2)
    assert [epoch for epoch, *_ in mine.seen] == [0, 1, 2]
    assert "knn_accuracy" in mine.seen[0][1]
    assert "knn_accuracy" not in mine.seen[1][1]  # no frame, so nothing was measured
    assert mine.seen[0][2] > 0
    assert mine.results is results


def test_one_that_fails_is_warned_of_and_changes_nothing():
    mine = Mine(fails_at=1)
    with pytest.warns(UserWarning, match="Mine failed and logs no more, the run goes on: RuntimeError: the server is away"):
        results = icon.run(**SMALL, log_to=mine)
    assert len(mine.seen) == 1
    assert mine.results is None
    assert np.array_equal(results.embeddings, icon.run(**SMALL).embeddings)


def test_an_interrupted_run_is_finished_and_a_place_that_cannot_be_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)
    mine = Mine()

    def interrupt(record, recorder):
        if record.epoch == 1:
            raise KeyboardInterrupt

    assert icon.run(**SMALL, log_to=mine, on_record=interrupt).status == mine.results.status == "interrupted"
    for place, words in {"cvs:x": "did you mean", "csv": "csv:FILE", "tensorboard": "tensorboard:DIR"}.items():
        with pytest.raises(ConfigError, match=words):
            icon.run(**SMALL, log_to=place)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        icon.run(**SMALL, log_to=f"csv:{tmp_path}/file/log.csv")


def test_where_it_is_logged_changes_no_number_and_no_name():
    assert icon.Config(log_to="csv:a.csv").key() == icon.Config().key()


def test_a_trajectory_as_a_frame(tmp_path):
    seen = icon.run(**SMALL).trajectory
    frame = seen.to_frame()
    assert list(frame.columns[:3]) == ["epoch", "point", "label"]
    last = frame[frame.epoch == 2].set_index("point")
    assert len(frame) == seen.n_frames * seen.n_points
    np.testing.assert_array_equal(last.filter(regex="^z").to_numpy(), seen.embeddings[-1])
    assert list(last.index) == list(seen.index)
    assert [seen.class_names.index(name) for name in last.label] == seen.labels.tolist()


def test_a_file_with_other_contents_is_left_as_it_is(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes\n")
    with pytest.raises(ConfigError, match="a file with other contents"):
        icon.run(**SMALL, log_to=f"csv:{notes}")
    assert notes.read_text() == "my notes\n"
    with pytest.raises(ConfigError, match="no regular file"):
        icon.run(**SMALL, log_to=f"csv:{tmp_path}")
