"""K-means, spectral, normalized cuts, PMI and DCD against scikit-learn, networkx and the published formulas."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from icon_nb.objective.component import Batch

from .oracle_tools import SEEDS, agree, differ, objective, package, points

pytestmark = pytest.mark.oracle
SURE = 1e4


def inputs(n, d, seed, **parts):
    return Batch(index=torch.arange(n), x=points(n, d, seed), dtype=torch.float64, **parts)


def hard(labels, k=None):
    """Logits of certain memberships."""
    return SURE * torch.eye(k or int(labels.max()) + 1, dtype=torch.float64)[labels]


def entropies_and_norms(q, distances, tau):
    """Sum of H(q_i), and of the log normalisers of exp(-d / tau), self included."""
    return -torch.xlogy(q, q).sum(), torch.logsumexp(-distances / tau, 1).sum()


@pytest.mark.parametrize("tau", [0.1, 1.0, 10.0])
def test_kmeans_is_the_inertia_of_scikit_learn(tau):
    """n L = (2 / tau) inertia - sum H(q) + sum log Z, for the hard clusters that scikit-learn finds."""
    kmeans = package("sklearn.cluster").KMeans
    for seed in SEEDS:
        batch = inputs(30, 4, seed)
        fitted = kmeans(3, n_init=3, random_state=0).fit(batch.x.numpy())
        loss = objective("kmeans", p_temperature=tau)
        z = hard(torch.from_numpy(fitted.labels_).long())
        q = loss.learned(z).exp()
        entropy, norm = entropies_and_norms(q, torch.cdist(batch.x, batch.x).square(), tau)
        expected = (2 * fitted.inertia_ / tau - entropy + norm) / 30
        assert loss(batch, z).item() == pytest.approx(expected.item(), rel=1e-6)
        shuffled = z[torch.randperm(30, generator=torch.Generator().manual_seed(1))]
        assert abs(loss(batch, shuffled).item() - expected.item()) > 1e-2


def test_kmeans_is_the_soft_inertia_of_soft_clusters():
    """With phi-weighted means, sum_ij q_ij ||x_i - x_j||^2 is twice the weighted inertia; value and gradient."""
    batch = inputs(12, 3, 0)
    tau = 0.8
    loss = objective("kmeans", p_temperature=tau)

    def expected(z):
        phi = z.softmax(1)
        means = phi.T @ batch.x / phi.sum(0)[:, None]
        inertia = (phi * (batch.x[:, None] - means).square().sum(2)).sum()
        q = phi @ (phi / phi.sum(0)).T
        entropy, norm = entropies_and_norms(q, torch.cdist(batch.x, batch.x).square(), tau)
        return (2 * inertia / tau - entropy + norm) / 12

    agree(lambda z: loss(batch, z), expected, points(12, 3, 1))
    differ(lambda z: loss(batch, z), lambda z: expected(2 * z), points(12, 3, 1))


def partitions(n):
    """Every split of n points into two clusters, once."""
    for rest in product((0, 1), repeat=n - 1):
        yield torch.tensor((0, *rest))


def best(loss, batch):
    return min(partitions(len(batch.index)), key=lambda labels: loss(batch, hard(labels, 2)).item())


def test_kmeans_wants_the_k_means_partition_when_narrow_and_one_cluster_when_wide():
    """All 128 partitions of 8 points (methods, N9)."""
    kmeans = package("sklearn.cluster").KMeans
    x = torch.cat([points(4, 2, 0, 0.3), points(4, 2, 1, 0.3) + 1.5])
    batch = Batch(index=torch.arange(8), x=x, dtype=torch.float64)
    fitted = kmeans(2, n_init=10, random_state=0).fit_predict(x.numpy())
    for sigma in (0.05, 0.3, 1.0):
        found = best(objective("kmeans", p_temperature=2 * sigma**2), batch).numpy()
        assert (found == fitted).all() or (found != fitted).all()
    for sigma in (10.0, 30.0):
        assert best(objective("kmeans", p_temperature=2 * sigma**2), batch).sum() == 0


def test_self_must_count_in_the_data_or_k_means_is_infinite():
    from icon_nb.objective.divergences import rkl
    from icon_nb.objective.learned import Clusters
    from icon_nb.objective.supervisory import GaussianFixed

    batch, z = inputs(6, 2, 0), points(6, 2, 1)
    masked = GaussianFixed(p_temperature=1.0, include_self=False)
    assert rkl(masked(batch), Clusters()(z)).mean().item() == math.inf
    assert math.isfinite(objective("kmeans", p_temperature=1.0)(batch, z).item())


def test_spectral_is_the_inertia_in_the_embedding_of_scikit_learn():
    peer = package("sklearn.manifold").spectral_embedding
    kmeans = package("sklearn.cluster").KMeans
    from sklearn.datasets import make_moons
    from sklearn.neighbors import kneighbors_graph

    x, _ = make_moons(50, noise=0.05, random_state=0)
    batch = Batch(index=torch.arange(50), x=torch.from_numpy(x), dtype=torch.float64)
    graph = kneighbors_graph(x, 5, include_self=False).toarray()
    graph = (graph + graph.T) / 2
    vectors = peer(graph, n_components=2, drop_first=False, norm_laplacian=True, eigen_solver="arpack", random_state=0)
    vectors = vectors * np.sqrt(graph.sum(1))[:, None]
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    fitted = kmeans(2, n_init=10, random_state=0).fit(vectors)
    tau = 0.3
    loss = objective("spectral", n_neighbors=5, p_temperature=tau, embedding_dim=2)
    z = hard(torch.from_numpy(fitted.labels_).long())
    u = torch.from_numpy(vectors)
    entropy, norm = entropies_and_norms(loss.learned(z).exp(), torch.cdist(u, u).square(), tau)
    assert loss(batch, z).item() == pytest.approx((2 * fitted.inertia_ / tau - entropy + norm).item() / 50, rel=1e-6)


def graph_batch(n, seed):
    weights = torch.rand(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    weights = torch.where(weights < 0.5, weights, 0)
    weights = (weights + weights.T).fill_diagonal_(0) + torch.eye(n, dtype=torch.float64).roll(1, 1) * 0.1
    return Batch(index=torch.arange(n), graph=(weights + weights.T) / 2, dtype=torch.float64)


def cut_of(graph, labels):
    networkx = package("networkx")
    g = networkx.from_numpy_array(graph.numpy())
    sides = [[int(i) for i in (labels == c).nonzero()] for c in (0, 1)]
    return networkx.normalized_cut_size(g, *sides, weight="weight")


@pytest.mark.parametrize("tau", [0.05, 1.0])
def test_ncut_is_the_normalized_cut_size_of_networkx(tau):
    """n L = (NCut - 2) / tau - sum H(q) + sum log Z for two hard clusters."""
    for seed in SEEDS:
        batch = graph_batch(9, seed)
        labels = torch.tensor([0, 1, 1, 0, 0, 1, 0, 1, 1])
        loss = objective("ncut", p_temperature=tau)
        target = loss.target(batch)
        q = loss.learned(hard(labels), None, target.measure).exp()
        entropy = -torch.xlogy(q, q).sum()
        norm = torch.logsumexp(batch.graph / batch.graph.sum(0) / tau, 1).sum()
        expected = ((cut_of(batch.graph, labels) - 2) / tau - entropy + norm) / 9
        assert loss(batch, hard(labels)).item() == pytest.approx(expected.item(), rel=1e-9)
        assert abs(loss(batch, hard(labels.roll(1))).item() - expected.item()) > 1e-6


def test_ncut_wants_the_best_cut_as_its_temperature_falls():
    batch = graph_batch(8, 3)
    block = torch.ones(4, 4, dtype=torch.float64)
    batch = Batch(index=batch.index, graph=batch.graph + torch.block_diag(block, block).fill_diagonal_(0), dtype=torch.float64)
    proper = [labels for labels in partitions(8) if 0 < labels.sum() < 8]
    smallest = min(proper, key=lambda labels: cut_of(batch.graph, labels))
    for tau in (0.02, 0.005):
        assert torch.equal(best(objective("ncut", p_temperature=tau), batch), smallest)


def test_pmi_is_the_loss_of_temi_with_beta_one():
    """-log sum_c (p1 p2)^beta / pi, the two lines of the published code, over the first neighbour of every sample."""
    batch = inputs(14, 3, 0)
    nearest = torch.cdist(batch.x, batch.x).fill_diagonal_(math.inf).argmin(1)
    loss = objective("pmi", n_neighbors=1)

    def published(z):
        phi = z.softmax(1)
        return -((phi * phi[nearest]) / phi.mean(0)).sum(1).log().mean() + math.log(14)

    for seed in SEEDS:
        agree(lambda z: loss(batch, z), published, points(14, 4, seed))
    differ(lambda z: loss(batch, z), lambda z: published(z.roll(1, 0)), points(14, 4, 0))


@pytest.mark.parametrize("k", [2, 5])
def test_dcd_is_the_generalised_divergence_of_the_two_step_walk(k):
    from sklearn.neighbors import kneighbors_graph

    batch = inputs(14, 3, 0)
    a = torch.from_numpy(kneighbors_graph(batch.x.numpy(), k, include_self=False).toarray()) / k
    loss = objective("dcd", n_neighbors=k)

    def published(z):
        w = z.softmax(1)
        a_hat = torch.einsum("ic,jc,c->ij", w, w, 1 / w.sum(0))
        return (torch.xlogy(a, a) - a * a_hat.log() - a + a_hat).sum() / 14

    for seed in SEEDS:
        agree(lambda z: loss(batch, z), published, points(14, 4, seed))
    differ(lambda z: loss(batch, z), lambda z: published(z.roll(1, 0)), points(14, 4, 0))
