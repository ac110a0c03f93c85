"""SNE, t-SNE and conditional t-SNE against scikit-learn, torchdr, scipy and double loops: value and gradient in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from icon_nb.objective.distances import sqeuclidean
from icon_nb.objective.objective import Objective
from icon_nb.objective.supervisory import Batch, perplexity_rows

from .oracle_tools import SEEDS, agree, differ, gaussian, literal, objective, package, points, student

CASES = [(12, 5, 3.0), (20, 4, 7.5), (31, 2, 30.0)]  # points, input dimensions, perplexity (the last one is uniform)
pytestmark = pytest.mark.oracle


def inputs(n, d, seed):
    return Batch(index=torch.arange(n), x=points(n, d, 100 + seed), dtype=torch.float64)


def test_perplexity_rows_are_those_of_scikit_learn():
    search = package("sklearn.manifold._utils")._binary_search_perplexity
    for n, d, perplexity in CASES[:2]:
        for seed in SEEDS:
            squares = sqeuclidean(*[points(n, d, seed)] * 2)
            theirs = search(squares.numpy().astype(np.float32), perplexity, 0)
            np.testing.assert_allclose(perplexity_rows(squares, perplexity).numpy(), theirs, atol=2e-5)


def test_perplexity_rows_are_those_of_torchdr():
    affinity = package("torchdr").EntropicAffinity(perplexity=6, sparsity=False, device="cpu")
    x = points(25, 4, 0)
    theirs = affinity(x)
    theirs = (theirs[0] if isinstance(theirs, tuple) else theirs) * len(x)
    torch.testing.assert_close(perplexity_rows(sqeuclidean(x, x), 6.0), theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("n", "perplexity"), [(6, 1.0), (6, 1.5), (40, 5.0), (40, 39.0)])
def test_every_row_has_the_perplexity_that_was_asked_for(n, perplexity):
    for scale in (1e-3, 1.0, 1e4):
        x = points(n, 3, 1, scale)
        p = perplexity_rows(sqeuclidean(x, x), perplexity)
        entropy = -torch.xlogy(p, p).sum(1)
        torch.testing.assert_close(entropy.exp(), torch.full((n,), perplexity, dtype=p.dtype), rtol=1e-4, atol=1e-4)
        assert (p.diagonal() == 0).all()
        torch.testing.assert_close(p.sum(1), torch.ones(n, dtype=p.dtype))


def test_duplicated_points_share_their_row():
    x = points(10, 3, 0).repeat(2, 1)
    p = perplexity_rows(sqeuclidean(x, x), 5.0)
    assert torch.isfinite(p).all()
    torch.testing.assert_close(p[:10, 10:].diagonal(), p[:10].max(1).values)
    identical = perplexity_rows(torch.zeros(8, 8, dtype=torch.float64), 3.0)
    torch.testing.assert_close(identical, (torch.ones(8, 8) - torch.eye(8)).double() / 7)


def test_sne_is_the_cost_of_scipy_relative_entropy():
    rel_entr = package("scipy.special").rel_entr
    for n, d, perplexity in CASES:
        batch, y = inputs(n, d, 0), points(n, 2, 1)
        ours = objective("sne", perplexity=perplexity)
        p = ours.supervisory(batch).numpy()
        kernel = np.exp(-((y[:, None] - y[None]) ** 2).sum(2).numpy())
        np.fill_diagonal(kernel, 0)
        theirs = rel_entr(p, kernel / kernel.sum(1, keepdims=True)).sum() / n
        assert ours(batch, y).item() == pytest.approx(theirs, rel=1e-12)


def test_sne_gradient_is_the_published_one():
    """Hinton & Roweis 2002: dC/dy_i = 2 sum_j (y_i - y_j)(p_j|i - q_j|i + p_i|j - q_i|j), C the sum over i."""
    for n, d, perplexity in CASES:
        batch, y = inputs(n, d, 0), points(n, 2, 1).requires_grad_()
        ours = objective("sne", perplexity=perplexity)
        (gradient,) = torch.autograd.grad(ours(batch, y) * n, y)
        gap = ours.supervisory(batch) - ours.learned(y.detach()).exp()
        gap = gap + gap.T
        published = 2 * (gap[:, :, None] * (y[:, None] - y[None]).detach()).sum(1)
        torch.testing.assert_close(gradient, published, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("tau", [0.3, 1.0, 5.0])
def test_sne_is_the_literal_sum(tau):
    batch = inputs(9, 4, 0)
    ours = objective("sne", perplexity=3.0, temperature=tau)
    p = ours.supervisory(batch)
    agree(lambda y: ours(batch, y), lambda y: literal(p, gaussian(tau), y), points(9, 2, 2))


@pytest.mark.parametrize(("tau", "df"), [(1.0, 1.0), (0.5, 2.0), (3.0, 0.5)])
def test_conditional_tsne_is_the_literal_sum(tau, df):
    batch = inputs(9, 4, 1)
    ours = objective("tsne_conditional", perplexity=3.0, temperature=tau, df=df)
    p = ours.supervisory(batch)
    agree(lambda y: ours(batch, y), lambda y: literal(p, student(tau, df), y), points(9, 2, 2))


@pytest.mark.parametrize("name", ["NormalizedGaussianAffinity", "NormalizedStudentAffinity"])
def test_learned_rows_are_the_affinities_of_torchdr(name):
    torchdr = package("torchdr")
    y = points(15, 2, 0)
    if name == "NormalizedGaussianAffinity":
        ours = objective("sne", perplexity=3.0, temperature=0.7).learned(y)
        affinity = torchdr.NormalizedGaussianAffinity(sigma=0.7, normalization_dim=1, device="cpu")
    else:
        ours = objective("tsne_conditional", perplexity=3.0, df=2.0).learned(y)
        affinity = torchdr.NormalizedStudentAffinity(degrees_of_freedom=2.0, normalization_dim=1, device="cpu")
    torch.testing.assert_close(ours.exp(), affinity(y) * len(y), rtol=1e-6, atol=1e-9)


def entropic_optimum(cost, perplexity):
    """The symmetric p of least cost with rows of sum one and enough entropy, by scipy's optimizer of constrained problems."""
    minimize = package("scipy.optimize").minimize
    n, upper = len(cost), np.triu_indices(len(cost), 1)

    def rows(values):
        p = np.zeros((n, n))
        p[upper] = values
        return p + p.T

    def more(values):
        p = rows(values)
        return -(p * np.log(np.where(p > 0, p, 1))).sum(1) - np.log(perplexity)

    constraints = [{"type": "eq", "fun": lambda values: rows(values).sum(1) - 1}, {"type": "ineq", "fun": more}]
    start, bounds = np.full(n * (n - 1) // 2, 1 / (n - 1)), [(1e-12, 1)] * (n * (n - 1) // 2)
    options = {"maxiter": 2000, "ftol": 1e-14}
    found = minimize(lambda values: values @ cost[upper], start, bounds=bounds, constraints=constraints, options=options)
    return rows(found.x)


@pytest.mark.parametrize(("seed", "perplexity"), [(0, 2.5), (1, 3.0), (2, 4.0)])
def test_symmetric_entropic_rows_solve_the_problem_of_the_paper(seed, perplexity):
    batch = inputs(7, 4, seed)
    p = objective("snekhorn", perplexity=perplexity).supervisory(batch)
    theirs = entropic_optimum(sqeuclidean(batch.x, batch.x).numpy(), perplexity)
    np.testing.assert_allclose(p.numpy(), theirs, atol=2e-4)
    torch.testing.assert_close(p, p.T)
    torch.testing.assert_close(p.sum(1), torch.ones(7, dtype=p.dtype))
    assert (-torch.xlogy(p, p).sum(1) > np.log(perplexity) - 1e-6).all()
    conditional = objective("sne", perplexity=perplexity).supervisory(batch)
    assert (conditional - p).abs().max() > 0.05


@pytest.mark.parametrize(("method", "kernel"), [("snekhorn", "gaussian"), ("tsnekhorn", "student")])
def test_doubly_stochastic_rows_are_those_of_torchdr(method, kernel):
    y = points(15, 2, 0)
    affinity = package("torchdr").SinkhornAffinity(tol=1e-12, max_iter=10000, base_kernel=kernel, device="cpu")
    q = objective(method, perplexity=3.0).learned(y).exp()
    torch.testing.assert_close(q, affinity(y) * (1 / affinity(y).sum(1).mean()), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(q.sum(0), torch.ones(15, dtype=q.dtype))


@pytest.mark.parametrize(("method", "learned"), [("snekhorn", "gaussian_doubly"), ("tsnekhorn", "student_t_doubly")])
def test_the_gradient_through_sinkhorn_is_that_of_finite_differences(method, learned):
    """Also where p is not symmetric, so that the factors of q no longer drop out."""
    batch, y = inputs(8, 3, 0), points(8, 2, 1).requires_grad_()
    ours = objective(method, perplexity=3.0)
    assert ours.fused is not None
    assert torch.autograd.gradcheck(lambda z: ours(batch, z), y, atol=1e-7)
    plain = Objective(ours.supervisory, ours.learned, ours.divergence)
    torch.testing.assert_close(plain(batch, y), ours(batch, y))
    other = objective(None, supervisory="gaussian", learned=learned, perplexity=3.0)
    assert other.fused is None
    assert torch.autograd.gradcheck(lambda z: other(batch, z), y, atol=1e-7)


def joint_cost(p, n, df=1):
    """scikit-learn's t-SNE cost and gradient for joint probabilities (1, n * n), as a function autograd knows."""
    tsne = package("sklearn.manifold._t_sne")
    squareform = package("scipy.spatial.distance").squareform
    condensed = squareform(p.reshape(n, n).numpy(), checks=False)

    class Cost(torch.autograd.Function):
        @staticmethod
        def forward(ctx, y):
            value, gradient = tsne._kl_divergence(y.numpy().ravel(), condensed, df, n, y.shape[1])
            ctx.gradient = torch.from_numpy(gradient).reshape(y.shape)
            return y.new_tensor(value)

        @staticmethod
        def backward(ctx, upstream):
            return upstream * ctx.gradient

    return Cost.apply


@pytest.mark.parametrize(("n", "d", "perplexity"), CASES)
def test_tsne_is_the_cost_of_scikit_learn(n, d, perplexity):
    for seed in SEEDS:
        batch = inputs(n, d, seed)
        ours = objective("tsne", perplexity=perplexity)
        p = ours.supervisory(batch)
        agree(lambda y: ours(batch, y), joint_cost(p, n), points(n, 2, seed), tolerance=1e-8)  # noqa: B023


def test_tsne_input_side_is_that_of_scikit_learn():
    tsne = package("sklearn.manifold._t_sne")
    squareform = package("scipy.spatial.distance").squareform
    for n, d, perplexity in CASES[:2]:
        batch = inputs(n, d, 0)
        theirs = squareform(tsne._joint_probabilities(sqeuclidean(batch.x, batch.x).numpy(), perplexity, 0))
        ours = objective("tsne", perplexity=perplexity).supervisory(batch).reshape(n, n).numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        np.testing.assert_array_equal(ours, ours.T)


def test_tsne_is_the_literal_sum_over_pairs():
    n, batch = 8, inputs(8, 3, 0)
    ours = objective("tsne", perplexity=3.0, df=2.0, temperature=0.5)
    p = ours.supervisory(batch).reshape(n, n)

    def loop(y):
        weights = {(i, j): student(0.5, 2.0)(y[i], y[j]) for i in range(n) for j in range(n) if i != j}
        norm = sum(weights.values())
        return sum(p[i, j] * torch.log(p[i, j] / (w / norm)) for (i, j), w in weights.items() if p[i, j] > 0)

    agree(lambda y: ours(batch, y), loop, points(n, 2, 1))


def test_joint_kl_is_the_conditional_kl_plus_a_marginal_term():
    """KL(P||Q) = sum_i P_i KL(P(.|i) || Q(.|i)) + KL(P_marg || Q_marg): what tells the published t-SNE from the I-Con cell."""
    n, batch, y = 14, inputs(14, 3, 0), points(14, 2, 1)
    ours = objective("tsne", perplexity=4.0)
    p = ours.supervisory(batch).reshape(n, n)
    q = ours.learned(y).exp().reshape(n, n)
    marginal, learned_marginal = p.sum(1), q.sum(1)
    rows = [
        torch.special.xlogy(a, a).sub(torch.special.xlogy(a, b)).sum()
        for a, b in zip(p / marginal[:, None], q / learned_marginal[:, None])
    ]
    split = (marginal * torch.stack(rows)).sum() + (marginal * (marginal / learned_marginal).log()).sum()
    assert ours(batch, y).item() == pytest.approx(split.item(), rel=1e-12)


def test_layout_negative_controls():
    batch, y = inputs(20, 4, 0), points(20, 2, 0)
    ours = objective("tsne", perplexity=5.0)
    other = objective("tsne", perplexity=8.0).supervisory(batch)
    differ(lambda z: ours(batch, z), joint_cost(other, 20), y)
    conditional = objective("tsne_conditional", perplexity=5.0)
    differ(lambda z: conditional(batch, z), joint_cost(ours.supervisory(batch), 20), y)
    p = objective("sne", perplexity=5.0).supervisory(batch)
    wrong_tau = objective("sne", perplexity=5.0, temperature=2.0)
    differ(lambda z: wrong_tau(batch, z), lambda z: literal(p, gaussian(1.0), z), y)


def test_pca_is_minus_twice_the_explained_variance_of_scikit_learn():
    fitted = package("sklearn.decomposition").PCA(2).fit(points(40, 6, 0).numpy())
    x = points(40, 6, 0)
    loss = objective("pca")
    batch = Batch(index=torch.arange(40), dtype=torch.float64)
    z = x @ torch.from_numpy(fitted.components_.T)
    explained = fitted.explained_variance_.sum() * 39 / 40
    assert loss(batch, z).item() == pytest.approx(-2 * explained, rel=1e-10)
    turned, _ = torch.linalg.qr(points(6, 2, 5))
    assert loss(batch, x @ turned).item() > -2 * explained + 1e-3


def test_pca_gradient_is_that_of_the_variance():
    loss, batch = objective("pca"), Batch(index=torch.arange(15), dtype=torch.float64)
    agree(lambda z: loss(batch, z), lambda z: -2 * z.var(0, correction=0).sum(), points(15, 3, 0))


@pytest.mark.parametrize(("method", "kernel"), [("knn_gaussian", gaussian(0.6)), ("knn_student_t", student(0.6))])
def test_uniform_affinities_are_the_neighbours_of_scikit_learn(method, kernel):
    batch = inputs(10, 3, 0)
    graph = package("sklearn.neighbors").kneighbors_graph(batch.x.numpy(), 3, include_self=False).toarray() / 3
    loss = objective(method, n_neighbors=3, temperature=0.6)
    agree(lambda y: loss(batch, y), lambda y: literal(torch.from_numpy(graph), kernel, y), points(10, 2, 1), tolerance=1e-7)
