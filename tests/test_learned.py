"""log q(j|i): every component keeps the contract; limits, mixing, clusters and the closed form agree with the definitions."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icon_nb.methods import axes
from icon_nb.methods.config import Config
from icon_nb.objective import Objective, Target, build_objective, closed_form, learned, make
from icon_nb.objective.closed_forms import fuse
from icon_nb.objective.component import Batch
from icon_nb.objective.distances import DISTANCES, as_seen_by, sqeuclidean
from icon_nb.objective.divergences import kl
from icon_nb.objective.learned import log_matmul

ROWS = [name for name, axis in axes.LEARNED.items() if not axis.limit]
SETTINGS = {"temperature": 0.7, "distance": "sqeuclidean", "df": 2.0, "margin": 0.3}


def component(name, **settings):
    return make(axes.LEARNED[name], **{key: {**SETTINGS, **settings}[key] for key in (*axes.LEARNED[name].settings, *settings)})


def points(n=7, d=3, seed=0, scale=1.0):
    return scale * torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ROWS)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), n=st.integers(2, 9), scale=st.sampled_from([1e-3, 1.0, 50.0]))
def test_every_row_sums_to_one(name, seed, n, scale):
    for alone in (component(name), learned.Mixed(component(name), 0.3)):
        log_q = alone(points(n, 3, seed, scale))
        torch.testing.assert_close(log_q.logsumexp(1), torch.zeros(len(log_q), dtype=torch.float64), atol=1e-9, rtol=0)
        if not name.endswith(("_joint", "_doubly")):
            log_q = alone(points(n, 3, seed, scale), points(4, 3, seed + 1, scale))
            assert log_q.shape == (n, 4)
            torch.testing.assert_close(log_q.logsumexp(1), torch.zeros(n, dtype=torch.float64), atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", ["gaussian", "student_t", "gaussian_joint", "student_t_joint"])
@pytest.mark.parametrize("include_self", [False, True])
def test_self_counts_exactly_where_it_is_asked_for(name, include_self):
    q = component(name, include_self=include_self)
    log_q = q(points()).reshape(7, 7)
    assert q.include_self == include_self
    assert torch.isfinite(log_q.diagonal()).all() == include_self
    assert torch.isfinite(log_q[~torch.eye(7, dtype=torch.bool)]).all()


@pytest.mark.parametrize("name", ["gaussian", "student_t", "student_t_narrow"])
@pytest.mark.parametrize("distance", DISTANCES)
def test_rows_are_the_literal_ones(name, distance):
    if distance == "neg_dot" and name != "gaussian":
        pytest.skip("a Student-t kernel needs distances that are not negative")
    z, c = points(), points(5, 3, 1)
    d = DISTANCES[distance](z, c)
    kernels = {
        "gaussian": lambda d: math.exp(-d / 0.7),
        "student_t": lambda d: (1 + d / (2 * 0.7)) ** -1.5,
        "student_t_narrow": lambda d: d**-1.5,
    }
    log_q = component(name, distance=distance)(z, c)
    for i in range(7):
        weights = [kernels[name](d[i, j].item()) for j in range(5)]
        expected = [math.log(w / sum(weights)) for w in weights]
        assert log_q[i].tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["gaussian", "student_t", "student_t_joint", "student_t_narrow"])
def test_a_euclidean_q_does_not_see_where_the_embedding_is_or_how_it_is_turned(name):
    z, q = points(), component(name)
    turn, _ = torch.linalg.qr(points(3, 3, 5))
    torch.testing.assert_close(q(z @ turn + 4.0).exp(), q(z).exp())


def test_a_measure_weighs_the_candidates():
    z, measure = points(), torch.tensor([1.0, 2, 3, 4, 5, 6, 7], dtype=torch.float64)
    for name in ("gaussian", "student_t"):
        q = component(name, include_self=True)
        expected = q(z).exp() * measure
        torch.testing.assert_close(q(z, None, measure).exp(), expected / expected.sum(1, keepdim=True))


@pytest.mark.parametrize("alpha", [0.01, 0.4, 0.9])
@pytest.mark.parametrize("name", ROWS)
def test_mixing_q_is_the_formula(name, alpha):
    z, q = points(), component(name)
    allowed = torch.isfinite(q(z))
    expected = (1 - alpha) * q(z).exp() + alpha * allowed / allowed.sum(1, keepdim=True)
    torch.testing.assert_close(learned.Mixed(q, alpha)(z).exp(), expected)


def test_mixing_both_sides_leaves_the_minimum_where_p_is_q():
    z = points()
    q = learned.Mixed(component("gaussian"), 0.3)
    p = q(z).exp().detach()
    assert kl(p, q(z)).abs().max() < 1e-12


def test_the_best_logits_under_mixed_labels_are_not_saturated():
    """(1 - a + a/N) on the positive: a logit gap of log((1 - a + a/N) / (a/N)), 2.77 for a = 0.4 and N = 10."""
    alpha, n = 0.4, 10
    p = torch.full((1, n), alpha / n, dtype=torch.float64)
    p[0, 0] += 1 - alpha
    logits = torch.zeros(1, n, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-12)

    def closure():
        optimizer.zero_grad()
        loss = kl(p, logits.log_softmax(1)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert (logits[0, 0] - logits[0, 1]).item() == pytest.approx(math.log((1 - alpha + alpha / n) / (alpha / n)), abs=1e-4)


# clusters


def literal_clusters(logits, measure=None):
    phi = logits.softmax(1)
    n, c = phi.shape
    m = [1.0] * n if measure is None else measure.tolist()
    size = [sum(phi[k, a].item() * m[k] for k in range(n)) for a in range(c)]
    return [[sum(phi[i, a].item() * phi[j, a].item() * m[j] / size[a] for a in range(c)) for j in range(n)] for i in range(n)]


@pytest.mark.parametrize("measure", [None, torch.arange(1.0, 8.0, dtype=torch.float64)])
def test_the_cluster_kernel_is_the_literal_two_step_walk(measure):
    z = points(7, 4, 0, 2.0)
    torch.testing.assert_close(
        learned.Clusters()(z, None, measure).exp(), torch.tensor(literal_clusters(z, measure), dtype=torch.float64)
    )


def test_hard_clusters_are_uniform_inside_and_never_minus_infinity():
    z = 1e4 * torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1, 1]]
    log_q = learned.Clusters()(z)
    torch.testing.assert_close(log_q[0, :2].exp(), torch.full((2,), 0.5, dtype=torch.float64))
    assert torch.isfinite(log_q).all()
    assert log_q[0, 2] < -9e3
    z = z.requires_grad_()
    learned.Clusters()(z)[0, 2].backward()
    assert torch.isfinite(z.grad).all()


def test_both_ways_to_multiply_in_log_space_agree():
    a, b = points(5, 3), points(4, 3, 1)
    torch.testing.assert_close(log_matmul(a, b), (a[:, None] + b).logsumexp(2))
    torch.testing.assert_close(log_matmul(400 * a, 400 * b), (400 * a[:, None] + 400 * b).logsumexp(2))


def test_perfect_clusters_lose_the_entropy_of_their_sizes():
    """If positives never cross hard clusters the mean cross-entropy is log N - H(C), least when even."""
    n = 12
    p = torch.full((n, n), 1 / (n - 1), dtype=torch.float64).fill_diagonal_(0)
    same = torch.arange(n) // 4
    p = p.masked_fill(same[:, None] != same, 0)
    p = p / p.sum(1, keepdim=True)
    for assignment, sizes in ((same, [4, 4, 4]), (torch.zeros(n, dtype=torch.long), [12])):
        log_q = learned.Clusters()(60 * torch.eye(3, dtype=torch.float64)[assignment])
        entropy_of_sizes = -sum(s / n * math.log(s / n) for s in sizes)
        assert -(p * log_q).sum(1).mean().item() == pytest.approx(math.log(n) - entropy_of_sizes, abs=1e-9)


# limits


def random_p(n, seed=0, self_allowed=False):
    p = torch.rand(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    p = p if self_allowed else p.fill_diagonal_(0)
    return p / p.sum(1, keepdim=True)


@pytest.mark.parametrize("include_self", [False, True])
def test_the_wide_limit_is_what_a_wide_gaussian_approaches(include_self):
    """tau (H(p, q) - log m) -> cohesion - variance, with an error that falls like 1 / tau."""
    z, p = points(), random_p(7, self_allowed=include_self)
    limit = learned.GaussianWide(include_self=include_self)
    value = limit.divergence(p, limit(z))
    m = 7 if include_self else 6
    errors = []
    for tau in (1e3, 1e4, 1e5):
        log_q = learned.Gaussian(tau, include_self=include_self)(z)
        cross_entropy = -(p * log_q.masked_fill(p == 0, 0)).sum(1)
        errors.append((tau * (cross_entropy - math.log(m)) - value).abs().max().item())
    assert errors[0] < 0.1
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.05)
    assert errors[2] == pytest.approx(errors[0] / 100, rel=0.05)


def test_the_wide_limit_of_p_uniform_is_zero_and_of_identity_is_minus_twice_the_variance():
    z = points()
    limit = learned.GaussianWide()
    uniform = torch.full((7, 7), 1 / 7, dtype=torch.float64)
    assert limit.divergence(uniform, limit(z)).abs().max() < 1e-12
    variance = z.var(0, correction=0).sum()
    torch.testing.assert_close(limit.divergence(torch.eye(7, dtype=torch.float64), limit(z)).mean(), -2 * variance)


@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_the_narrow_limit_is_what_a_narrow_gaussian_approaches(margin):
    z, p = points(), torch.roll(torch.eye(7, dtype=torch.float64), 1, 1)
    limit = learned.GaussianNarrow(margin=margin)
    value = limit.divergence(p, limit(z))
    assert (value >= 0).all()
    for tau in (1e-1, 1e-2, 1e-3):
        logits = learned.Gaussian(tau).logits(z) + margin / tau * (p == 0)
        scaled = tau * -(p * logits.log_softmax(1).masked_fill(p == 0, 0)).sum(1)
        assert (scaled >= value - 1e-12).all()
        assert (scaled <= value + tau * math.log(6) + 1e-12).all()


def test_a_student_t_of_small_scale_approaches_its_limit():
    z, c = points(), points(5, 3, 1)
    expected = learned.StudentTNarrow(df=5.0)(z, c)
    errors = [(learned.StudentT(tau, df=5.0)(z, c) - expected).abs().max().item() for tau in (1e-2, 1e-4, 1e-6)]
    assert errors[2] < 1e-4
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_a_student_t_of_many_degrees_of_freedom_is_a_gaussian():
    z = points()
    torch.testing.assert_close(learned.StudentT(1.0, df=1e7)(z).exp(), learned.Gaussian(2.0)(z).exp(), atol=1e-6, rtol=0)


def test_temperature_to_zero_and_infinity():
    z = points()
    uniform = (torch.ones(7, 7, dtype=torch.float64) - torch.eye(7, dtype=torch.float64)) / 6
    torch.testing.assert_close(learned.Gaussian(1e9)(z).exp(), uniform, atol=1e-6, rtol=0)
    closest = learned.Gaussian(1e-6)(z).exp()
    assert (closest.max(1).values > 1 - 1e-6).all()


# the closed form


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize(
    "q",
    [
        learned.Gaussian(0.7),
        learned.Gaussian(0.01),
        learned.StudentT(),
        learned.StudentT(0.3, df=4.0),
        learned.Joint(learned.StudentT()),
        learned.Joint(learned.StudentT(2.0, df=0.5)),
        learned.Gaussian(0.1, "cosine"),
        learned.StudentT(0.2, "cosine", df=3.0),
        learned.Joint(learned.StudentT(0.5, "cosine")),
        learned.Joint(learned.Gaussian(0.7)),
        learned.Joint(learned.Gaussian(0.01)),
        learned.Joint(learned.Gaussian(0.2, "cosine")),
    ],
)
def test_the_closed_form_has_the_value_and_the_gradient_of_the_plain_composition(q, d, mixed):
    z = (points(11, d) + 3.0).requires_grad_()
    p = random_p(11) if mixed else random_p(11).masked_fill(random_p(11) < 0.1, 0)
    p = (p / p.sum()).reshape(1, -1) if isinstance(q, learned.Joint) else p / p.sum(1, keepdim=True)
    ours, plain = fuse(q)(Target(p), z), kl(p, q(z)).mean()
    assert ours.item() == pytest.approx(plain.item(), rel=1e-10)
    gradient, expected = (torch.autograd.grad(3 * value, z)[0] for value in (ours, plain))
    torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-10)


def test_the_closed_form_on_the_sphere_takes_an_embedding_of_length_zero_as_the_plain_one_does():
    z = points(6, 3)
    z[2] = 0
    z.requires_grad_()
    q, p = learned.Gaussian(0.5, "cosine"), random_p(6)
    p = p / p.sum(1, keepdim=True)
    ours, plain = fuse(q)(Target(p), z), kl(p, q(z)).mean()
    assert ours.item() == pytest.approx(plain.item(), rel=1e-10)
    gradient, expected = (torch.autograd.grad(value, z)[0] for value in (ours, plain))
    torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-10)


def test_weighed_candidates_are_not_left_to_the_closed_form():
    q = learned.Gaussian()
    objective = Objective(lambda batch: None, q, kl, closed_form(q, kl))
    z, p = points(5, 2), random_p(5)
    p, measure = p / p.sum(1, keepdim=True), torch.arange(1.0, 6.0, dtype=torch.float64)
    weighed = objective.loss(Target(p, measure=measure), [(z, None)])
    assert weighed.item() == pytest.approx(kl(p, objective.learned(z, measure=measure)).mean().item())
    assert weighed.item() != pytest.approx(kl(p, objective.learned(z)).mean().item())


def test_the_closed_form_is_used_only_where_it_holds():
    assert fuse(learned.Gaussian(1.0, "neg_dot")) is None
    assert fuse(learned.Gaussian(1.0, include_self=True)) is None
    assert fuse(learned.Joint(learned.StudentTNarrow())) is None
    assert fuse(learned.Mixed(learned.StudentT(), 0.5)) is None
    assert fuse(learned.Clusters()) is None
    assert fuse(learned.StudentTNarrow()) is None


@pytest.mark.parametrize("scale", [1.0, 200.0])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_closed_form_of_clusters_is_the_plain_composition(reverse, scale):
    from icon_nb.objective.closed_forms import FusedClusters
    from icon_nb.objective.divergences import rkl

    z = points(9, 4, scale=scale).requires_grad_()
    p = random_p(9, self_allowed=reverse)
    for measure in (None, torch.arange(1.0, 10.0, dtype=torch.float64)):
        ours = FusedClusters(reverse)(Target(p, measure=measure), z)
        plain = (rkl if reverse else kl)(p, learned.Clusters()(z, None, measure)).mean()
        assert ours.item() == pytest.approx(plain.item(), rel=1e-10)
        gradient, expected = (torch.autograd.grad(3 * value, z)[0] for value in (ours, plain))
        torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-10)


def test_distances_do_not_depend_on_where_the_origin_is():
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(200, 10, generator=random), torch.randn(100, 10, generator=random)
    far = 1e4
    exact = torch.cdist((a + far).double(), (b + far).double()).square()
    torch.testing.assert_close(sqeuclidean(a + far, b + far).double(), exact, rtol=1e-4, atol=1e-4)
    x = (a + far).requires_grad_()
    sqeuclidean(x, x).sum().backward()
    centred = a + far - (a + far).mean(0)
    torch.testing.assert_close(x.grad, 4 * len(a) * centred, rtol=1e-3, atol=1.0)


@pytest.mark.parametrize("method", ["simclr", "infonce_clustering"])
def test_a_closed_form_has_no_second_derivative_and_says_so(method):
    objective = build_objective(Config(method=method).resolve())
    z = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    batch = Batch(torch.arange(4).repeat(2))
    with pytest.raises(RuntimeError, match="second derivative.*without fused"):
        torch.autograd.grad(objective(batch, z), z, create_graph=True)
    plain = replace(objective, fused=None)
    (gradient,) = torch.autograd.grad(plain(batch, z), z, create_graph=True)
    gradient.square().sum().backward()
    assert torch.isfinite(z.grad).all()


def test_a_cosine_distance_sees_directions_only():
    z = torch.tensor([[3.0, 4.0]])
    assert as_seen_by("cosine", z).tolist() == [pytest.approx([0.6, 0.8])]
    assert as_seen_by("sqeuclidean", z) is z
