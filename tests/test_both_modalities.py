"""Points that are joined, and points with a pair in a second modality: recorded, drawn, saved, resumed, and not scored twice."""

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.animation.animation import animate
from icon_nb.animation.overlays import Cloud, Strokes
from icon_nb.animation.recorder import Recorder
from icon_nb.data import load
from icon_nb.errors import ConfigError, DataError
from icon_nb.evaluation.scores import knn_accuracy
from icon_nb.evaluation.trajectory import Trajectory

SMALL = {"method": "clip", "dataset": "digit_captions", "n_samples": 300, "max_points": 60, "epochs": 3, "record_every": 1}
SMALL |= {"quiet": True}
WRITTEN = {"probe": False, "viz": False, "save_epoch_gifs": False}


@pytest.fixture(scope="module")
def clip():
    return icon.run(**SMALL)


def drawn(animation, kind):
    """The artists of a kind in the only panel, brought to the last frame."""
    painter = animation.painter
    painter.paint(len(animation.durations) - 1)
    return [artist for artist in painter.panels[0].artists if isinstance(artist, kind)]


def walk(n=6, frames=3, **about):
    z = np.random.default_rng(0).normal(size=(frames, n, 2)).astype(np.float32)
    return Trajectory(z, np.arange(frames), np.arange(n) % 2, ("a", "b"), **about)


def test_a_run_over_two_modalities_records_both(clip):
    t = clip.trajectory
    pair = clip.embed(load("digit_captions").pair_test[torch.from_numpy(t.index)], modality="pair")
    np.testing.assert_allclose(t.pair[-1], pair, atol=1e-5)
    assert t.sides == ("image", "text")
    assert t.names[0].split()[0] in ("a", "this", "the", "somebody")
    assert len(t.names) == 60


def test_scores_are_those_of_one_modality(clip):
    z, y = torch.from_numpy(clip.embeddings), torch.from_numpy(clip.labels)
    assert clip.embeddings.shape == (60, 64)
    assert clip.history["knn_accuracy"][-1] == knn_accuracy(z, y, 5, metric="cosine")
    assert "scores are of the image alone" in clip.animate().caption


def test_a_picture_shows_both_modalities_with_markers_of_their_own(clip):
    animation = clip.animate()
    (cloud,) = drawn(animation, Cloud)
    by_marker = {marker: np.sort(np.concatenate([m for m, look in cloud.groups if look.marker == marker])) for marker in "oP"}
    np.testing.assert_array_equal(by_marker["o"], np.arange(60))
    np.testing.assert_array_equal(by_marker["P"], np.arange(60, 120))
    assert [entry.name for entry in entries(animation)][-2:] == ["image", "text"]


def entries(animation):
    from icon_nb.animation.annotations import class_entries

    return class_entries([view.trajectory for view in animation.views], "#777777")


@pytest.mark.parametrize("max_points", [60, 20])
def test_lines_join_the_pairs_where_they_are_wanted(clip, max_points):
    assert not drawn(clip.animate(), Strokes)
    animation = clip.animate(overlay="edges", max_points=max_points)
    (strokes,) = drawn(animation, Strokes)
    xy, _ = animation.views[0].place(len(animation.durations) - 1)
    np.testing.assert_array_equal(strokes.bundles[0][0], np.stack([xy[:max_points], xy[max_points:]], 1))


def test_a_point_that_stands_out_does_so_with_its_pair(clip):
    view = clip.animate(highlight=7).views[0]
    assert np.flatnonzero(view.highlight).tolist() == [7, 67]


def test_forces_are_drawn_on_the_points_alone(clip):
    assert clip.animate(overlay="forces").views[0].trajectory.n_points == 60
    assert clip.player(forces=True).summary == "1 run, epochs 0..3, 60 points, 2-d"
    assert clip.player().summary == "1 run, epochs 0..3, 120 points, 2-d"


def test_a_saved_run_holds_both_and_one_of_before_still_loads(clip, tmp_path):
    again = icon.load(clip.save(tmp_path / "run"))
    assert again == clip
    assert again.trajectory.sides == ("image", "text")
    assert again.animate().to_bytes() == clip.animate().to_bytes()
    older = icon.run(**SMALL)
    for name in ("pair", "sides"):
        vars(older.trajectory)[name] = None if name == "pair" else ()
    vars(older.trajectory).pop("both", None)
    older = icon.load(older.save(tmp_path / "older"))
    assert older != clip
    assert older.animate().views[0].trajectory.n_points == 60


def stop(record, recorder):
    if record.epoch == 2:
        raise KeyboardInterrupt


@pytest.mark.parametrize("changes", [{}, {"dataset": "digit_halves", "method": "cmc"}])
def test_a_resumed_run_ends_in_the_same_pairs(tmp_path, monkeypatch, changes):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)
    settings = {**SMALL, **WRITTEN, **changes}
    whole = icon.run(**settings)
    icon.run(**settings, on_record=stop, save_to=tmp_path / "run")
    assert icon.run(**settings, save_to=tmp_path / "run", resume=True) == whole
    assert icon.run(**settings | {"epochs": 5}, save_to=tmp_path / "run", resume=True) == icon.run(**settings | {"epochs": 5})


def test_a_checkpoint_of_a_version_without_pairs_is_gone_on_with(tmp_path, monkeypatch, clip):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)
    record = Recorder.record
    with monkeypatch.context() as before:
        before.setattr(Recorder, "record", lambda self, z, pair=None, **known: record(self, z, **known))
        icon.run(**SMALL, **WRITTEN, on_record=stop, save_to=tmp_path / "run")
    run = icon.run(**SMALL, **WRITTEN, save_to=tmp_path / "run", resume=True)
    assert run.provenance["resumed"][0]["epoch"] == 1
    assert run.trajectory.pair is None
    np.testing.assert_array_equal(run.trajectory.embeddings, clip.trajectory.embeddings)


def test_a_fork_keeps_the_pairs_of_its_trunk(clip):
    fork = clip.fork(2, temperature=0.5)
    np.testing.assert_array_equal(fork.trajectory.pair[:3], clip.trajectory.pair[:3])
    assert not np.array_equal(fork.trajectory.pair[3], clip.trajectory.pair[3])


def test_data_that_hold_out_no_pairs_are_shown_without():
    digits = load("digit_captions", n_samples=200)
    data = {"x": digits.x, "y": digits.y, "x_test": digits.x_test, "y_test": digits.y_test, "pair": np.random.rand(200, 4)}
    assert icon.run(data=data, method="clip", epochs=1, quiet=True).trajectory.pair is None


def test_pictures_of_both_modalities_lie_side_by_side():
    t = icon.run(method="cmc", n_samples=100, max_points=10, epochs=0, quiet=True).trajectory
    whole = load("digits").x_test[torch.from_numpy(t.index)]
    np.testing.assert_array_equal(t.images, whole.permute(0, 2, 3, 1))
    assert t.sides == ("image", "paired image")


# Any training loop


def test_a_recorder_takes_pairs_and_edges_and_keeps_them(tmp_path):
    z, other = np.random.default_rng(0).normal(size=(2, 3, 8, 4)).astype(np.float32)
    recorder = Recorder(max_points=5, edges=[[0, 1], [2, 3], [6, 7], [0, 7]], sides=("picture", "word"), names=list("abcdefgh"))
    for one, two in zip(z, other):
        recorder.record(one, pair=two, loss=1.0)
    t = recorder.trajectory
    np.testing.assert_array_equal(t.pair, other[:, t.index])
    wanted = {(a, b) for a, b in [(0, 1), (2, 3), (6, 7), (0, 7)] if a in t.index and b in t.index}
    assert {tuple(t.index[edge].tolist()) for edge in t.edges} == wanted
    assert wanted
    again = Recorder.load(recorder.save(tmp_path / "both"))
    for name in ("pair", "edges", "embeddings"):
        np.testing.assert_array_equal(getattr(again.trajectory, name), getattr(t, name))
    assert again.trajectory.sides == ("picture", "word")
    assert again.trajectory.names == t.names


@pytest.mark.parametrize(
    ("given", "recorded", "said"),
    [
        ({"edges": [[0, 9]]}, {}, "positions run from 0"),
        ({"edges": [0, 1]}, {}, "two positions"),
        ({"edges": [[0.5, 1]]}, {}, "two positions"),
        ({"edges": [[-1, 1]]}, {}, "positions run from 0"),
        ({}, {"pair": np.ones((2, 2))}, "pair has shape"),
        ({"sides": "xy"}, {"pair": np.ones((3, 2))}, "give two texts"),
    ],
)
def test_what_cannot_be_joined_or_paired_is_refused(given, recorded, said):
    def record():
        recorder = Recorder(**given)
        recorder.record(np.ones((3, 2)), **recorded)
        return recorder.trajectory

    with pytest.raises(DataError, match=said):
        record()


def test_pairs_come_in_every_frame_or_in_none():
    recorder = Recorder()
    recorder.record(np.eye(3), pair=np.eye(3))
    with pytest.raises(DataError, match="in every frame, or in none"):
        recorder.record(np.eye(3))
    assert recorder.trajectory.n_frames == 1


# Edges


def test_the_edges_of_a_graph_are_recorded_and_drawn():
    run = icon.run(method="tsnet", epochs=2, quiet=True)
    graph = load("karate_club").graph
    assert {tuple(edge) for edge in run.trajectory.edges.tolist()} == {tuple(e) for e in graph.triu().nonzero().tolist()}
    animation = run.animate(overlay="edges")
    (strokes,) = drawn(animation, Strokes)
    np.testing.assert_array_equal(strokes.bundles[0][0], run.embeddings[run.trajectory.edges])
    assert "Lines join" in animation.caption


def test_edges_go_with_the_points_that_are_shown():
    t = walk(edges=np.array([[0, 1], [1, 5], [4, 5]]))
    taken = t.take(np.array([1, 4, 5]))
    assert taken.edges.tolist() == [[0, 2], [1, 2]]


def test_the_heaviest_edges_are_kept_of_many(monkeypatch):
    monkeypatch.setattr("icon_nb.study.session.MOST_EDGES", 3)
    weights = np.triu(np.random.default_rng(0).random((12, 12)), 1)
    data = {"x": np.eye(12), "y": np.arange(12) % 2, "graph": weights + weights.T}
    edges = icon.run(data=data, method="graph_gaussian", epochs=1, quiet=True).trajectory.edges
    assert {tuple(edge) for edge in edges.tolist()} == {divmod(k, 12) for k in np.argsort(weights.ravel())[-3:].tolist()}


def test_points_that_nothing_joins_have_no_edges():
    with pytest.raises(ConfigError, match="overlay='edges' needs points that are joined: use data with a graph"):
        animate(walk(), overlay="edges")
