"""Quantities of a trajectory against loops and closed forms."""

import numpy as np
import pytest
import torch

from icon_nb import dynamics as dy
from icon_nb.errors import DataError
from icon_nb.evaluation.trajectory import Trajectory

RNG = np.random.default_rng(0)


def unit(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_alignment_equals_the_double_loop():
    z, y = RNG.normal(size=(30, 5)), RNG.integers(0, 4, 30)
    u = unit(z)
    pairs = [((u[i] - u[j]) ** 2).sum() for i in range(30) for j in range(30) if i != j and y[i] == y[j]]
    assert dy.alignment(z, y) == pytest.approx(np.mean(pairs))
    views = RNG.normal(size=(30, 5))
    assert dy.alignment(z, positives=views) == pytest.approx(np.mean([((a - b) ** 2).sum() for a, b in zip(u, unit(views))]))
    assert dy.alignment(z, positives=-z) == pytest.approx(4)
    assert np.isnan(dy.alignment(z[:3], np.arange(3)))
    with pytest.raises(DataError, match="not both"):
        dy.alignment(z)


def test_uniformity_equals_the_double_loop_and_the_published_form():
    z = RNG.normal(size=(40, 6))
    u = unit(z)
    potential = [np.exp(-3 * ((u[i] - u[j]) ** 2).sum()) for i in range(40) for j in range(40) if i != j]
    assert dy.uniformity(z, t=3) == pytest.approx(np.log(np.mean(potential)))
    published = torch.pdist(torch.tensor(u)).pow(2).mul(-2).exp().mean().log().item()
    assert dy.uniformity(z) == pytest.approx(published)
    assert dy.uniformity(np.ones((9, 4)) * 7) == 0
    assert dy.uniformity(RNG.normal(size=(500, 256))) == pytest.approx(-4, abs=0.1)
    assert dy.uniformity(np.array([[1.0, 0], [-1, 0]])) == pytest.approx(-8)
    with pytest.raises(DataError, match="two points"):
        dy.uniformity(np.ones((1, 4)))


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_effective_rank_counts_equal_directions(rank):
    z = np.linalg.qr(RNG.normal(size=(50, 8)))[0]
    z[:, rank:] = 0
    assert dy.effective_rank(z) == pytest.approx(rank)
    assert dy.effective_rank(1e-9 * z) == pytest.approx(rank)


def test_effective_rank_equals_the_entropy_of_a_known_spectrum():
    left, right = np.linalg.qr(RNG.normal(size=(20, 3)))[0], np.linalg.qr(RNG.normal(size=(7, 3)))[0]
    shares = np.array([0.5, 0.3, 0.2])
    assert dy.effective_rank(left * (10 * shares) @ right.T) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert dy.effective_rank(np.zeros((4, 3))) == 0


def path(*frames, epochs=None, **options):
    frames = np.stack([np.asarray(frame, dtype=np.float64) for frame in frames])
    return Trajectory(frames, np.arange(len(frames)) if epochs is None else np.asarray(epochs), **options)


def test_movement_equals_the_loop_for_a_map():
    frames = RNG.normal(size=(4, 12, 2)) * [[[1.0]], [[2.0]], [[3.0]], [[0.5]]]
    expected = []
    for a, b in zip(frames, frames[1:]):
        a, b = a - a.mean(0), b - b.mean(0)
        size = max(np.sqrt((a**2).sum(1).mean()), np.sqrt((b**2).sum(1).mean()))
        expected.append(np.mean([np.linalg.norm(p - q) for p, q in zip(a, b)]) / size)
    assert dy.movement(path(*frames)) == pytest.approx(expected)


@pytest.mark.parametrize("dim", [2, 16])
def test_movement_ignores_what_a_picture_does_not_show(dim):
    z = RNG.normal(size=(40, dim))
    frames = [z, z + 0.3 * RNG.normal(size=z.shape), z]
    plain = dy.movement(path(*frames))
    assert dy.movement(path(*[7 * frame for frame in frames])) == pytest.approx(plain)
    assert dy.movement(path(*frames, epochs=[0, 1, 3])) == pytest.approx(plain / [1, 2])
    if dim == 2:
        assert dy.movement(path(frames[0], frames[1] + 50, frames[2] - 9)) == pytest.approx(plain)
    assert dy.movement(path(z, z)) == pytest.approx([0])


def test_turning_tells_straight_wandering_and_to_and_fro_apart():
    start, step = RNG.normal(size=(200, 2)), RNG.normal(size=(200, 2))
    straight = path(*[start + t * step for t in range(4)])
    to_and_fro = path(*[start + (t % 2) * step for t in range(4)])
    assert dy.turning(straight) == pytest.approx([1, 1])
    assert dy.turning(to_and_fro) == pytest.approx([-1, -1])
    walk = np.cumsum(RNG.normal(size=(30, 300, 2)), axis=0)
    assert np.mean(dy.turning(path(*walk))) == pytest.approx(0, abs=0.05)
    noise = RNG.normal(size=(30, 300, 2))
    assert np.mean(dy.turning(path(*noise))) == pytest.approx(-0.5, abs=0.05)


def test_spread_and_dimensions_of_known_clouds():
    eye = np.repeat(np.eye(6), 5, axis=0)
    found = path(eye, np.ones((30, 6)), np.where(np.arange(30)[:, None] % 2, 1.0, -1.0) * np.ones((30, 6)))
    assert dy.spread(found) == pytest.approx([1 - 1 / 6, 0, 1])
    assert dy.dimensions(found) == pytest.approx([5, 1, 1])
    tall = path(RNG.normal(size=(10, 40)))
    eigenvalues = np.linalg.eigvalsh(np.cov(unit(tall.embeddings[0]).T))
    assert dy.dimensions(tall)[0] == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    flat = RNG.normal(size=(30, 2))
    assert dy.spread(path(flat, flat * 10 + 3, flat * 0.1)) == pytest.approx([0.1, 1, 0.01])


def test_knn_curve_is_the_recorded_one_or_is_measured():
    from icon_nb.evaluation.probing import knn_accuracy

    y = np.arange(60) % 3
    z = np.stack([RNG.normal(size=(60, 4)), np.eye(4)[y] + 0.01 * RNG.normal(size=(60, 4))])
    measured = dy.knn_curve(path(*z, labels=y))
    assert measured[1] == 1.0
    assert measured[0] == knn_accuracy(z[0], y)
    recorded = {"knn_accuracy": np.array([0.1, np.nan])}
    assert dy.knn_curve(path(*z, labels=y, metrics=recorded))[0] == 0.1
    assert np.isnan(dy.knn_curve(path(*z))).all()


@pytest.mark.parametrize("n_frames", [1, 2, 5])
@pytest.mark.parametrize("dim", [2, 9])
def test_measure_has_one_value_a_frame(n_frames, dim):
    frames = RNG.normal(size=(n_frames, 500, dim))
    found = dy.measure(path(*frames, labels=np.arange(500) % 4, metrics={"loss": np.linspace(2, 1, n_frames)}))
    names = ["loss", "knn_accuracy", "movement", "turning", "spread", "dimensions", "effective_rank", "alignment", "uniformity"]
    assert list(found) == names
    assert {len(curve) for curve in found.values()} == {n_frames}
    assert np.isfinite(found["uniformity"]).all() == (dim > 3)
