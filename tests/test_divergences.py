"""Divergences: values by a double loop, gradients by closed forms, limits, bounds, zeros."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.methods.catalogue import DIVERGENCES as ROWS
from icon_nb.objective import build_objective
from icon_nb.objective import divergences as D
from icon_nb.objective.divergences import any_neighbor, chi2, each_neighbor, hellinger, jeffreys, js, kl, nerv, renyi, rkl, tv

ORDERS = (0.3, 1.0, 2.5)
DIVERGENCES = {
    "kl": kl, "rkl": rkl, "js": js, "jeffreys": jeffreys, "nerv": partial(nerv, kl_weight=0.3), "tv": tv, "hellinger": hellinger,
    "chi2": chi2, **{f"renyi {order}": partial(renyi, renyi_order=order) for order in ORDERS},
}  # fmt: skip


def rows(n, m, seed, zeros=False):
    """p (n, m) and log q (n, m), float64; with zeros, p and q share the same excluded entries."""
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(n, m, dtype=torch.float64, generator=generator)
    logits = torch.randn(n, m, dtype=torch.float64, generator=generator)
    if zeros:
        out = torch.rand(n, m, generator=generator) < 0.4
        out[:, 0] = False
        p, logits = p.masked_fill(out, 0), logits.masked_fill(out, -math.inf)
    return p / p.sum(1, keepdim=True), logits.log_softmax(1)


def literal(p, log_q, name):
    """The definitions with 0 log 0 = 0, one entry at a time."""

    def relative(a, b):
        return 0.0 if a == 0 else math.inf if b == 0 else a * math.log(a / b)

    pairs = [(a.item(), math.exp(b.item())) for a, b in zip(p, log_q)]
    forward, backward = sum(relative(a, b) for a, b in pairs), sum(relative(b, a) for a, b in pairs)
    if name.startswith("renyi"):
        order = float(name.split()[1])
        return forward if order == 1 else math.log(sum(a**order * b ** (1 - order) for a, b in pairs if a > 0)) / (order - 1)
    return {
        "kl": forward,
        "rkl": backward,
        "js": sum((relative(a, (a + b) / 2) + relative(b, (a + b) / 2)) / 2 for a, b in pairs),
        "jeffreys": forward + backward,
        "nerv": 0.3 * forward + 0.7 * backward,
        "tv": sum(abs(a - b) for a, b in pairs) / 2,
        "hellinger": 1 - sum(math.sqrt(a * b) for a, b in pairs),
        "chi2": sum((a - b) ** 2 / b for a, b in pairs if b > 0),
    }[name]


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("zeros", [False, True])
def test_every_row_is_the_literal_sum(name, zeros):
    p, log_q = rows(6, 5, 0, zeros)
    expected = torch.tensor([literal(*row, name) for row in zip(p, log_q)], dtype=torch.float64)
    torch.testing.assert_close(DIVERGENCES[name](p, log_q), expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(DIVERGENCES[name](p, log_q, p.log()), expected, rtol=1e-10, atol=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 6), st.booleans())
def test_bounds_hold_for_all_rows(seed, m, zeros):
    p, log_q = rows(3, m, seed, zeros)
    for name, divergence in DIVERGENCES.items():
        value = divergence(p, log_q)
        assert (value >= -1e-12).all(), name
        torch.testing.assert_close(divergence(p, p.log()), torch.zeros_like(value), atol=1e-12, rtol=0)
    assert (js(p, log_q) <= math.log(2) + 1e-12).all()
    assert (tv(p, log_q) <= 1 + 1e-12).all()
    assert (hellinger(p, log_q) <= 1 + 1e-12).all()
    assert (hellinger(p, log_q) <= tv(p, log_q) + 1e-12).all()
    assert (tv(p, log_q) <= (2 * hellinger(p, log_q)).sqrt() + 1e-12).all()
    assert (2 * tv(p, log_q) ** 2 <= kl(p, log_q) + 1e-12).all()  # Pinsker
    assert (kl(p, log_q) <= chi2(p, log_q).log1p() + 1e-9).all()
    growing = [renyi(p, log_q, renyi_order=order) for order in (0.2, 0.5, 0.999999, 1.0, 1.000001, 2.0)]
    assert all((low <= high + 1e-6).all() for low, high in zip(growing, growing[1:]))
    torch.testing.assert_close(growing[-1], chi2(p, log_q).log1p())
    torch.testing.assert_close(renyi(p, log_q, renyi_order=0.5), -2 * (1 - hellinger(p, log_q)).log())


@pytest.mark.parametrize("zeros", [False, True])
def test_gradients_by_logits_are_the_closed_forms(zeros):
    p, log_q = rows(5, 6, 1, zeros)
    q = log_q.exp()
    log_ratio = torch.where(q > 0, log_q - p.log(), 0)
    log_mean = torch.where(q > 0, log_q - ((p + q) / 2).log(), 0)
    closed = {
        "kl": q - p,
        "rkl": q * (log_ratio - (q * log_ratio).sum(1, keepdim=True)),
        "js": q * (log_mean - (q * log_mean).sum(1, keepdim=True)) / 2,
    }
    closed["jeffreys"] = closed["kl"] + closed["rkl"]
    closed["nerv"] = 0.3 * closed["kl"] + 0.7 * closed["rkl"]
    half = torch.sign(q - p) * q / 2
    closed["tv"] = half - q * half.sum(1, keepdim=True)
    root = (p * q).sqrt()
    closed["hellinger"] = (q * root.sum(1, keepdim=True) - root) / 2
    missed = torch.where(p > 0, p**2 / q, 0)
    closed["chi2"] = q * missed.sum(1, keepdim=True) - missed
    for order in ORDERS:
        powers = torch.where(p > 0, p**order * q ** (1 - order), 0)
        closed[f"renyi {order}"] = q - powers / powers.sum(1, keepdim=True)
    assert closed.keys() == DIVERGENCES.keys()
    for name, expected in closed.items():
        logits = log_q.clone().requires_grad_()
        DIVERGENCES[name](p, logits.log_softmax(1)).sum().backward()
        torch.testing.assert_close(logits.grad, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_excluded_candidates_leave_value_and_gradient_finite(name):
    p = torch.tensor([[0.0, 0.25, 0.75]], dtype=torch.float64)
    logits = torch.tensor([[-math.inf, 1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    value = DIVERGENCES[name](p, logits.log_softmax(1))
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0] == 0


def test_infinite_where_the_definition_is():
    half, certain = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.0, -math.inf]])
    assert kl(half, certain).item() == math.inf
    assert rkl(torch.tensor([[1.0, 0.0]]), half.log()).item() == math.inf
    assert rkl(half, certain).item() == pytest.approx(math.log(2))
    assert js(torch.tensor([[0.0, 1.0]]), certain).item() == pytest.approx(math.log(2))
    for infinite in (jeffreys, nerv, chi2, partial(renyi, renyi_order=2.0)):
        assert infinite(half, certain).item() == math.inf
    for infinite in (jeffreys, nerv):
        assert infinite(torch.tensor([[1.0, 0.0]]), half.log()).item() == math.inf
    for bounded in (tv, hellinger):
        assert bounded(torch.tensor([[0.0, 1.0]]), certain).item() == 1
    assert renyi(torch.tensor([[0.0, 1.0]]), certain).item() == math.inf  # nothing is shared


def test_kl_is_the_cross_entropy_less_the_entropy():
    p, log_q = rows(4, 7, 3)
    cross_entropy, entropy = -(p * log_q).sum(1), -(p * p.log()).sum(1)
    torch.testing.assert_close(kl(p, log_q), cross_entropy - entropy)


def test_log_p_replaces_a_p_that_underflows():
    log_p = torch.tensor([[0.0, -2000.0]], dtype=torch.float64)
    log_q = torch.tensor([[-0.1, -1.0]], dtype=torch.float64).log_softmax(1)
    assert rkl(log_p.exp(), log_q).item() == math.inf
    expected = (log_q.exp() * (log_q - log_p)).sum().item()
    assert rkl(log_p.exp(), log_q, log_p).item() == pytest.approx(expected, rel=1e-12)


def test_extreme_logits_stay_finite_in_float32():
    p = torch.tensor([[1.0, 0.0, 0.0]])
    log_q = torch.tensor([[-300.0, 0.0, -1e4]]).log_softmax(1).requires_grad_()
    for name in ("kl", "js", "tv", "hellinger", "renyi 0.3"):
        value = DIVERGENCES[name](p, log_q).sum()
        assert torch.isfinite(value)
        assert torch.isfinite(torch.autograd.grad(value, log_q)[0]).all()


def test_every_row_names_its_function_and_settings():
    assert {row.make for row in ROWS.values()} == {f"{D.__name__}:{name}" for name in ROWS}
    for row in ROWS.values():
        config = icon.Config(method="sne" if not row.support else "simclr", divergence=row.name).resolve()
        assert [name for name in ("kl_weight", "renyi_order") if getattr(config, name) is not None] == list(row.settings)
        assert build_objective(config).fused is None or row.name == "kl"


@pytest.mark.parametrize("name", DIVERGENCES)
@pytest.mark.parametrize("zeros", [False, True])
def test_autograd_agrees_with_finite_differences(name, zeros):
    p, log_q = rows(3, 5, 7, zeros)
    logits = log_q.clamp_min(-30.0).requires_grad_()  # where q is excluded, a finite logit stands for it
    keep = p > 0 if zeros else torch.ones_like(p, dtype=torch.bool)
    divergence = DIVERGENCES[name]
    assert torch.autograd.gradcheck(lambda s: divergence(p, s.masked_fill(~keep, -math.inf).log_softmax(1)).sum(), logits)


# neighbours and strangers


def sides(seed=0):
    """p with neighbours of unequal weight and strangers, log q with an excluded candidate, and both as lists."""
    p = torch.tensor([[0.0, 0.5, 0.3, 0.2, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    logits = torch.randn(2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    logits[:, 0] = -math.inf
    return p, logits


@pytest.mark.parametrize("seed", range(3))
def test_any_and_each_neighbour_are_their_literal_sums(seed):
    p, logits = sides(seed)
    for ours, literal_row in ((any_neighbor, literal_any), (each_neighbor, literal_each)):
        s = logits.clone().requires_grad_()
        value = ours(p, s.log_softmax(1))
        t = logits.clone().requires_grad_()
        expected = torch.stack([literal_row(a, b) for a, b in zip(p, t)])
        torch.testing.assert_close(value, expected)
        found, meant = torch.autograd.grad(value.sum(), s)[0], torch.autograd.grad(expected.sum(), t)[0]
        torch.testing.assert_close(found, meant)
        assert found.abs().max() > 0.01


def literal_any(p, s):
    weights = [torch.exp(value) for value in s[1:]]
    return -torch.log(sum(w for w, share in zip(weights, p[1:]) if share > 0) / sum(weights))


def literal_each(p, s):
    weights = [torch.exp(value) for value in s[1:]]
    strangers = sum(w for w, share in zip(weights, p[1:]) if share == 0)
    return sum(share * torch.log((w + strangers) / w) for w, share in zip(weights, p[1:]) if share > 0)


def test_with_one_neighbour_any_and_each_are_the_kl():
    p, log_q = torch.eye(4, dtype=torch.float64), rows(4, 4, 2)[1]
    for divergence in (any_neighbor, each_neighbor):
        torch.testing.assert_close(divergence(p, log_q), kl(p, log_q))


@pytest.mark.parametrize("divergence", [any_neighbor, each_neighbor])
def test_without_strangers_nothing_pulls(divergence):
    p = torch.tensor([[0.0, 0.5, 0.5]], dtype=torch.float64)
    logits = torch.tensor([[-math.inf, 1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    value = divergence(p, logits.log_softmax(1))
    assert value.item() == pytest.approx(0, abs=1e-12)
    assert torch.autograd.grad(value.sum(), logits)[0].abs().max() < 1e-12


# what is refused, and what is mixed so that it is finite


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.reverse])
def test_a_divergence_that_is_infinite_where_p_is_zero_mixes_p_or_is_refused(name):
    assert icon.Config(method="simclr", divergence=name).resolve().alpha == 0.01
    assert icon.Config(method="sne", divergence=name).resolve().alpha == 0  # a Gaussian is nowhere zero
    with pytest.raises(ConfigError, match="infinite where p is zero"):
        icon.Config(method="simclr", divergence=name, alpha=0.0)
    clusters = icon.Config(method="pmi", divergence=name).resolve()  # q counts the point itself, and so does the mixture
    assert clusters.alpha == 0.01


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.support])
def test_a_divergence_between_neighbours_and_strangers_needs_strangers(name):
    for given_ in ({"method": "sne"}, {"method": "simclr", "alpha": 0.1}, {"method": "spectral"}):
        with pytest.raises(ConfigError, match="nowhere zero"):
            icon.Config(**given_, divergence=name)
    icon.Config(method="supcon", divergence=name)


def test_pmi_with_reverse_kl_is_finite():
    from icon_nb.objective.component import Batch

    x = torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    objective = build_objective(icon.Config(method="pmi", divergence="rkl", alpha=0.01, n_neighbors=3).resolve())
    z = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = objective(Batch(index=torch.arange(12), x=x, dtype=torch.float64), z)
    assert 0 < loss.item() < 10
    assert torch.isfinite(torch.autograd.grad(loss, z)[0]).all()


@pytest.mark.parametrize("name", ["kl_weight", "renyi_order"])
def test_a_setting_of_another_divergence_has_no_effect(name):
    with pytest.raises(ConfigError, match=f"{name} has no effect with divergence='kl'"):
        icon.Config(method="sne", **{name: 0.7})
    with pytest.raises(ConfigError, match=f"{name} has no effect with learned='gaussian_wide'"):
        icon.Config(method="pca", **{name: 0.7})
