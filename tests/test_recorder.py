"""What a recorder takes, what it refuses, and that a refused frame leaves no trace."""

import os
import zipfile

import numpy as np
import pytest
import torch

from icon_nb.animation.recorder import Recorder
from icon_nb.data import load
from icon_nb.errors import DataError, LoadError
from icon_nb.evaluation.trajectory import Trajectory

LARGE = np.array([[1e300, 0.0], [1.0, 2.0]])


@pytest.mark.parametrize("z", [LARGE, torch.from_numpy(LARGE), -LARGE])
def test_what_single_precision_cannot_hold_is_refused(z):
    recorder = Recorder()
    with pytest.raises(DataError, match="beyond single precision"):
        recorder.record(z)
    assert repr(recorder) == "Recorder(nothing recorded)"


@pytest.mark.parametrize(
    ("refused", "options"),
    [
        (np.full((5, 2), np.nan), {}),
        (np.ones((5, 2)), {"labels": [0, 1]}),
        (np.ones((5, 2)), {"loss": "high"}),
        (np.ones((5, 2)), {"epoch": "first"}),
    ],
    ids=["not finite", "labels", "metric", "epoch"],
)
def test_a_refused_first_frame_leaves_no_trace(refused, options):
    recorder = Recorder()
    with pytest.raises((DataError, ValueError)):
        recorder.record(refused, **options)
    recorder.record(np.eye(3), labels=[7, 8, 8])
    assert recorder.trajectory.embeddings.shape == (1, 3, 3)
    assert recorder.trajectory.class_names == ("7", "8")


def test_a_refused_later_frame_leaves_no_trace():
    recorder = Recorder()
    recorder.record(np.eye(3), loss=1.0)
    for z, options in ((np.eye(4), {}), (np.full((3, 3), np.inf), {}), (np.eye(3), {"epoch": 0}), (np.eye(3), {"loss": None})):
        with pytest.raises((DataError, TypeError)):
            recorder.record(z, **options)
    recorder.record(2 * np.eye(3), loss=0.5)
    assert recorder.trajectory.epochs.tolist() == [0, 1]
    assert recorder.trajectory.metrics["loss"].tolist() == [1.0, 0.5]


@pytest.mark.parametrize(("labels", "names"), [([0, 1, 1], None), (["a", "b", "b"], None), ([0, 1, 1], ("u", "v", "w"))])
def test_labels_may_come_again_and_may_not_change(labels, names):
    recorder = Recorder(class_names=names)
    recorder.record(np.eye(3), labels=labels)
    recorder.record(np.eye(3), labels=labels)
    for other in (labels[::-1], labels[:2], [5, 5, 5] if names is None else [2, 1, 1]):
        with pytest.raises(DataError, match="labels differ"):
            recorder.record(np.eye(3), labels=other)
    assert recorder.trajectory.n_frames == 2


def test_labels_of_the_recorder_may_not_be_replaced():
    recorder = Recorder(labels=[0, 1, 1])
    with pytest.raises(DataError, match="labels differ"):
        recorder.record(np.eye(3), labels=[1, 0, 0])
    recorder.record(np.eye(3), labels=[0, 1, 1])


def test_labels_that_come_late_are_refused():
    recorder = Recorder()
    recorder.record(np.eye(3))
    with pytest.raises(DataError, match="after 1 frames without"):
        recorder.record(np.eye(3), labels=[0, 1, 1])


def test_the_callers_array_is_not_shared():
    recorder, z = Recorder(), np.ones((3, 2), np.float32)
    recorder.record(z)
    z[:] = 0
    assert recorder.trajectory.embeddings.min() == 1


@pytest.mark.parametrize("kind", [list, np.array], ids=["list", "array"])
def test_class_names_order_labels_that_are_names(kind):
    names = ["12h", "1h", "2h", "10h"]
    recorder = Recorder(kind(["1h", "12h", "10h"]), names)
    recorder.record(np.eye(3))
    assert recorder.trajectory.class_names == tuple(names)
    assert recorder.trajectory.labels.tolist() == [1, 0, 3]
    with pytest.raises(DataError, match="labels differ"):
        recorder.record(np.eye(3), labels=["12h", "1h", "10h"])


def test_labels_that_are_none_of_the_class_names_are_refused():
    with pytest.raises(DataError, match=r"label '3h' is not among the class names \('1h', '2h'\)"):
        Recorder(["1h", "3h"], ["1h", "2h"])
    recorder = Recorder(class_names=["1h", "2h"])
    with pytest.raises(DataError, match="leave class_names out"):
        recorder.record(np.eye(2), labels=["2h", "3h"])
    recorder.record(np.eye(2), labels=["2h", "1h"])
    assert recorder.trajectory.labels.tolist() == [1, 0]


def test_text_labels_without_class_names_are_sorted():
    recorder = Recorder(["b", "a", "b"])
    recorder.record(np.eye(3))
    assert (recorder.trajectory.class_names, recorder.trajectory.labels.tolist()) == (("a", "b"), [1, 0, 1])


@pytest.mark.parametrize(
    "value", ["a", None, [1.0, 2.0], torch.ones(2), np.ones((2, 2)), 10**400], ids=lambda v: type(v).__name__
)
def test_a_metric_that_is_no_number_is_named(value):
    recorder = Recorder()
    with pytest.raises(DataError, match="metric knn_accuracy=.* is no number: record one number for each epoch"):
        recorder.record(np.ones((5, 2)), loss=0.5, knn_accuracy=value)
    recorder.record(np.ones((5, 2)), loss=torch.tensor([0.5]), knn_accuracy=float("nan"))
    assert recorder.trajectory.metrics["loss"] == 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"images": np.zeros((3, 0, 4), np.uint8)}, "images have shape"),
        ({"images": np.zeros((3, 4, 4, 2), np.uint8)}, "c of 1 or 3"),
        ({"images": np.zeros((3, 4), np.uint8)}, "images have shape"),
        ({"images": np.zeros((3, 4, 4))}, "type float64"),
        ({"labels": ["a", None, "b"]}, "mixed kinds"),
        ({"labels": [1, None, 2]}, "mixed kinds"),
        ({"title": 7}, "title=7 is no text"),
        ({"title": "\ud800"}, "without lone surrogates"),
        ({"title": "x" * 10**7}, "title='xxx.*at most 10,000 characters"),
        ({"names": ["a", "b"]}, "names has 2 entries for 3 points"),
        ({"names": "abc"}, "names='abc': give texts"),
        ({"names": iter("abc")}, "give texts, one for each point"),
        ({"index": ["a", "b", "c"]}, "index=.*give whole numbers"),
        ({"index": [1, None, 2]}, "index=.*give whole numbers"),
        ({"held_out": 5}, "held_out=5: give booleans"),
        ({"images": [[1, 2], [3]]}, "images cannot be made into one array"),
        ({"class_names": 5}, "class_names=5 is of type int"),
        ({"max_points": "a"}, "max_points='a': give a whole number, at least 1"),
        ({"max_frames": 1}, "max_frames=1: give a whole number, at least 2"),
        ({"seed": -1}, "seed=-1: give a whole number"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(given, said):
    with pytest.raises(DataError, match=said):
        Recorder(**given).record(np.eye(3))


@pytest.mark.parametrize("epoch", ["one", 1.5, True, np.zeros(2)], ids=str)
def test_an_epoch_that_is_no_whole_number_is_refused(epoch):
    with pytest.raises(DataError, match="is no whole number"):
        Recorder().record(np.eye(3), epoch=epoch)


@pytest.mark.parametrize("z", [torch.zeros(3, 2, device="meta"), [[1.0, 2.0], [3.0]], "abc"], ids=["meta", "ragged", "text"])
def test_what_is_no_matrix_is_not_recorded(z):
    with pytest.raises(DataError, match="embeddings (cannot be read|must be a numeric matrix)"):
        Recorder().record(z)


def test_class_names_may_come_one_by_one():
    recorder = Recorder([0, 1], iter("ab"))
    recorder.record(np.eye(2))
    assert recorder.trajectory.class_names == ("a", "b")


@pytest.mark.parametrize("shape", [(0, 2), (3, 0), (0, 0)])
def test_nothing_is_not_recorded(shape):
    with pytest.raises(DataError, match="hold nothing"):
        Recorder().record(np.zeros(shape))


def test_a_recording_is_saved_goes_on_and_says_what_it_shows(tmp_path):
    about = {"names": ("north", "south", "east"), "title": "a walk", "images": np.full((3, 2, 2), 9, np.uint8)}
    recorder = Recorder(["a", "b", "a"], **about)
    for epoch in range(3):
        recorder.record(np.eye(3) * (1 + epoch), loss=1 / (epoch + 1))
    path = recorder.save(tmp_path / "walk")
    assert path == tmp_path / "walk.npz"
    assert Trajectory.load(path).names == about["names"]
    again = Recorder.load(tmp_path / "walk")  # as save was told
    for name in ("embeddings", "epochs", "labels", "images", "index"):
        np.testing.assert_array_equal(getattr(again.trajectory, name), getattr(recorder.trajectory, name))
    assert (again.trajectory.names, again.trajectory.class_names) == (about["names"], ("a", "b"))
    again.record(np.eye(3), loss=0.1)
    assert again.trajectory.epochs.tolist() == [0, 1, 2, 3]
    assert again.diagnosis.verdict == "plateau" or again.diagnosis.sentence
    assert "loss" in repr(again.plot())
    assert '"names":["north","south","east"]' in again.player().html
    path.write_bytes(b"PK not a trajectory")
    with pytest.raises(LoadError, match="holds no trajectory"):
        Trajectory.load(path)
    with pytest.raises(LoadError, match="holds no trajectory"):
        Trajectory.load(tmp_path / "nowhere.npz")


@pytest.mark.timeout(30)
def test_a_pipe_and_a_small_file_that_fills_the_memory_are_no_recording(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    bomb = zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with bomb, bomb.open("embeddings.npy", "w", force_zip64=True) as file:
        for _ in range(1100):
            file.write(bytes(2**20))
    for name, said in (("pipe.npz", "no plain file"), ("bomb.npz", "it would unpack")):
        with pytest.raises(LoadError, match=said):
            Trajectory.load(tmp_path / name)
    with pytest.raises(DataError, match="it would unpack"):
        load(f"embeddings:{tmp_path / 'bomb.npz'}")
