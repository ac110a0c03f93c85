"""kl, rkl and js: values by a double loop, gradients by closed forms, limits, bounds, zeros."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icon_nb.objective.divergences import DIVERGENCES, js, kl, rkl


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
    if name == "js":
        return sum((relative(a, (a + b) / 2) + relative(b, (a + b) / 2)) / 2 for a, b in pairs)
    return sum(relative(a, b) if name == "kl" else relative(b, a) for a, b in pairs)


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
    for name in ("kl", "js"):
        value = DIVERGENCES[name](p, log_q).sum()
        assert torch.isfinite(value)
        assert torch.isfinite(torch.autograd.grad(value, log_q)[0]).all()
