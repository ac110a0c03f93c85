"""t-SNE and UMAP over epochs: the same loss as scikit-learn's, an exact gradient, steady maps."""

import numpy as np
import pytest
import torch
from moving_points import run
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, trustworthiness

from icon_nb.animation import animate
from icon_nb.animation.projection import chain, fit_projection, procrustes
from icon_nb.animation.tsne_map import joint_neighbours, unfold
from icon_nb.errors import ConfigError
from icon_nb.evaluation.trajectory import Trajectory
from icon_nb.objective.closed_forms import FusedKL
from icon_nb.objective.component import Target
from icon_nb.objective.learned import StudentT
from icon_nb.objective.supervisory.neighbourhoods import perplexity_rows


def loss(p, y):
    """KL(P || Q) by a double loop."""
    n = len(y)
    w = np.array([[0.0 if i == j else 1 / (1 + ((y[i] - y[j]) ** 2).sum()) for j in range(n)] for i in range(n)])
    q = w / w.sum()
    return sum(p[i, j] * np.log(p[i, j] / q[i, j]) for i in range(n) for j in range(n) if p[i, j] > 0)


def sharpening(n=150, T=4):
    x, y = load_digits(return_X_y=True)
    x, y = x[:n] / 16, y[:n]
    means = np.stack([x[y == c].mean(0) for c in range(10)])[y]
    pull = np.linspace(0, 0.4, T)[:, None, None]
    return Trajectory(((1 - pull) * x + pull * means).astype(np.float32), np.arange(T), y)


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(0)
    p, y = joint_neighbours(rng.normal(size=(12, 5)), 3.0), rng.normal(size=(12, 2))
    numeric = np.zeros_like(y)
    for i in np.ndindex(y.shape):
        step = np.zeros_like(y)
        step[i] = 1e-5
        numeric[i] = (loss(p.double().numpy(), y + step) - loss(p.double().numpy(), y - step)) / 2e-5
    objective, z = FusedKL(StudentT(), joint=True, symmetric=True), torch.tensor(y).float()
    for valued in (True, False):
        value, gradient = objective.value_and_gradient(Target(p.reshape(1, -1)), z, valued)
        np.testing.assert_allclose(gradient, numeric, atol=2e-5)
        assert value is None or value.item() == pytest.approx(loss(p.double().numpy(), y), abs=1e-6)


def test_neighbours_are_symmetric_sum_to_one_and_have_the_perplexity():
    z = np.random.default_rng(0).normal(size=(60, 5))
    p = joint_neighbours(z, 20.0)  # three times as many as there are: p has no neighbour left out
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(p, p.T)
    assert (p.diagonal() == 0).all()
    rows = perplexity_rows(torch.cdist(torch.tensor(z), torch.tensor(z)).square(), 20.0)
    torch.testing.assert_close(p.double(), (rows + rows.T) / 120, atol=1e-7, rtol=0)


def test_maps_are_as_good_as_those_of_scikit_learn_from_the_same_starts():
    z = sharpening(n=120).embeddings[0]
    p = joint_neighbours(z, 20.0)
    starts = [np.random.default_rng(seed).normal(size=(120, 2)) for seed in range(4)]
    ours = [unfold(p, start) for start in starts]
    exact = [TSNE(2, perplexity=20.0, init=(1e-4 * start).astype(np.float32), method="exact") for start in starts]
    theirs = [peer.fit_transform(z) for peer in exact]
    cost, peer = (np.mean([loss(p.double().numpy(), y.astype(float)) for y in maps]) for maps in (ours, theirs))
    kept, peer_kept = (np.mean([trustworthiness(z, y, n_neighbors=10) for y in maps]) for maps in (ours, theirs))
    assert cost < 1.05 * peer
    assert kept > peer_kept - 0.01


def test_a_chain_starts_each_frame_from_its_neighbour_and_only_turns_it():
    z, calls = np.arange(5)[:, None, None] * np.ones((5, 6, 3)), []

    def step(frame, previous):
        calls.append((int(frame[0, 0]), None if previous is None else round(float(previous[0, 0]))))
        return np.column_stack([np.arange(6.0) ** 2, np.arange(6.0) * (frame[0, 0] + 1)])

    maps = chain(z, 3, np.array([0, 1, 3, 4]), step)
    assert [frame for frame, _ in calls] == [3, 1, 0, 4]
    assert calls[0][1] is None
    assert None not in [previous for _, previous in calls[1:]]
    for k in (0, 1, 3, 4):
        size = np.linalg.norm(maps[k][:, None] - maps[k][None], axis=-1)
        raw = np.column_stack([np.arange(6.0) ** 2, np.arange(6.0) * (k + 1)])
        np.testing.assert_allclose(size, np.linalg.norm(raw[:, None] - raw[None], axis=-1), atol=1e-5)
    np.testing.assert_array_equal(maps[2], maps[1])
    np.testing.assert_allclose(procrustes(maps[1], maps[3]), np.eye(2), atol=1e-6)


def test_tsne_of_epochs_is_steady_reproducible_and_true_to_every_epoch():
    t = sharpening()
    fitted = fit_projection(t, "tsne")
    maps = fitted.coordinates(t)
    assert maps.shape == (4, 150, 2)
    apart = np.stack([TSNE(2, perplexity=30).fit_transform(z) for z in t.embeddings])

    def step(several):
        unit = [(m - m.mean(0)) / (m - m.mean(0)).std() for m in several]
        return np.mean([np.linalg.norm(b @ procrustes(b, a) - a, axis=1).mean() for a, b in zip(unit[:-1], unit[1:])])

    # From some seeds a group of points is still on its way when the first map ends, which is not what is claimed of the chain.
    chains = [maps, *(fit_projection(t, "tsne", seed=seed).coordinates(t) for seed in (1, 2, 3, 4))]
    assert np.median([step(several) for several in chains]) < step(apart) / 6
    assert min(trustworthiness(z, m, n_neighbors=10) for z, m in zip(t.embeddings, maps)) > 0.95
    assert fit_projection(t, "tsne") is fitted
    with pytest.raises(ConfigError, match="use 'pca'"):
        fitted.transform(t.embeddings[0])
    with pytest.raises(ConfigError, match="another trajectory"):
        fitted.coordinates(sharpening())


def test_an_animation_places_only_the_epochs_it_shows():
    t = run(T=9, n=20)
    shown = animate(t, projection="tsne", every=4, tween=0)
    assert shown.epochs.tolist() == [0, 4, 8]
    assert len(shown.frames) == 3
    coordinates = shown.projections[0].coordinates(t)
    np.testing.assert_array_equal(coordinates[1], coordinates[0])


@pytest.mark.parametrize("d", [1, 2, 8])
def test_points_that_coincide_can_still_be_mapped(d):
    t = Trajectory(np.zeros((2, 12, d), np.float32), np.arange(2))
    assert np.isfinite(fit_projection(t, "tsne").coordinates(t)).all()


def test_too_few_points_name_the_way_out():
    with pytest.raises(ConfigError, match="at least 5 points"):
        fit_projection(run(n=4), "tsne")


def test_umap_is_offered_where_it_is_installed(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(ConfigError, match=r"pip install 'icon_nb\[umap\]'"):
        fit_projection(run(), "umap")


def test_the_same_points_give_the_same_map():
    first, second = run(n=30, T=3), run(n=30, T=3)
    maps = [fit_projection(t, "tsne").coordinates(t) for t in (first, second)]
    np.testing.assert_array_equal(*maps)


@pytest.mark.timeout(600)  # umap-learn compiles itself on first use
def test_umap_of_epochs():
    t = sharpening(n=80, T=3)
    maps = fit_projection(t, "umap").coordinates(t)
    assert maps.shape == (3, 80, 2)
    assert trustworthiness(t.embeddings[0], maps[0], n_neighbors=10) > 0.85
