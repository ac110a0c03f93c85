"""What every oracle test uses: packages that must be there in CI, and the comparison of a value and of its gradient."""

from __future__ import annotations

import importlib
import os

import pytest
import torch

from icon_nb.methods.config import Config
from icon_nb.objective import build_objective
from icon_nb.objective.supervisory import Batch

SHAPES = [(4, 2), (7, 3), (16, 8)]
SEEDS = [0, 1, 2]


def package(name: str):
    """The independent package ``name``; where it is absent the test is skipped, and fails when the environment says CI=true."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the oracle package {name} is not installed: pip install 'icon_nb[test]'")
        pytest.skip(f"the oracle package {name} is not installed")


def objective(method: str | None = None, **settings):
    """The objective of a registered method, or of a pair, exactly as a run builds it."""
    return build_objective(Config(method=method, **settings).resolve())


def points(n: int, d: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    """Random float64 points (n, d)."""
    return scale * torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def two_views(n: int, **parts) -> Batch:
    """n samples, two views each: rows i and i + n belong together."""
    return Batch(index=torch.arange(n).repeat(2), dtype=torch.float64, **parts)


def value_and_gradient(function, *arguments):
    """``function`` of leaf copies of the arguments: its value, and its gradient by each of them."""
    leaves = [argument.detach().clone().requires_grad_() for argument in arguments]
    value = function(*leaves)
    return value.detach(), torch.autograd.grad(value, leaves)


def agree(ours, theirs, *arguments, tolerance: float = 1e-9):
    """Assert that two functions have the same value and the same gradient by every argument."""
    value, gradient = value_and_gradient(ours, *arguments)
    expected, expected_gradient = value_and_gradient(theirs, *arguments)
    assert value.item() == pytest.approx(expected.item(), rel=tolerance, abs=tolerance)
    for ours_part, theirs_part in zip(gradient, expected_gradient):
        torch.testing.assert_close(ours_part, theirs_part, rtol=tolerance, atol=tolerance)


def differ(ours, theirs, *arguments, by: float = 1e-3):
    """The negative control: two functions whose values must not agree."""
    assert abs(ours(*arguments).item() - theirs(*arguments).item()) > by


def literal(p, kernel, z, candidates=None, include_self=False):
    """Mean KL by a double loop over (i, j): the definition. ``kernel(a, b)`` is the unnormalised q of two points."""
    others = z if candidates is None else candidates
    total = z.new_zeros(())
    for i in range(len(z)):
        allowed = [j for j in range(len(others)) if include_self or candidates is not None or j != i]
        weights = {j: kernel(z[i], others[j]) for j in allowed}
        norm = sum(weights.values())
        for j in allowed:
            if p[i, j] > 0:
                total = total + p[i, j] * torch.log(p[i, j] / (weights[j] / norm))
    return total / len(z)


def gaussian(tau):
    return lambda a, b: torch.exp(-(a - b).square().sum() / tau)


def gaussian_cosine(tau):
    return lambda a, b: torch.exp(torch.dot(a, b) / (a.norm() * b.norm()) / tau)


def student(tau=1.0, df=1.0):
    return lambda a, b: (1 + (a - b).square().sum() / (df * tau)) ** (-(df + 1) / 2)
