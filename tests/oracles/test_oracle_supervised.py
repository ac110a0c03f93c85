"""Cross-entropy and label smoothing against torch, and against double loops."""

from __future__ import annotations

import pytest
import torch
from oracle_tools import SEEDS, SHAPES, agree, differ, literal, objective, points
from torch.nn.functional import cross_entropy

from icon_nb.supervisory import Batch

pytestmark = pytest.mark.oracle


def labelled(n, n_classes, seed=0):
    y = torch.randint(n_classes, (n,), generator=torch.Generator().manual_seed(seed))
    return Batch(index=torch.arange(n), y=y, n_classes=n_classes, dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tau", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.7])
def test_cross_entropy_is_that_of_torch_with_label_smoothing(shape, tau, alpha):
    """The KL is the cross-entropy less the entropy of the smoothed label, which is a constant."""
    n, d = shape
    loss = objective("cross_entropy", temperature=tau, alpha=alpha)
    for seed in SEEDS:
        batch = labelled(n, 5, seed)
        p = loss.supervisory(batch)
        entropy = -torch.xlogy(p, p).sum(1).mean()
        agree(
            lambda z, c: loss(batch, z, c) + entropy,  # noqa: B023
            lambda z, c: cross_entropy(z @ c.T / tau, batch.y, label_smoothing=alpha),  # noqa: B023
            points(n, d, seed),
            points(5, d, 10 + seed),
        )


def test_cross_entropy_is_the_literal_sum():
    batch = labelled(6, 4)
    loss = objective("cross_entropy", temperature=0.7)
    p = torch.eye(4, dtype=torch.float64)[batch.y]
    agree(
        lambda z, c: loss(batch, z, c),
        lambda z, c: literal(p, lambda a, b: torch.exp(torch.dot(a, b) / 0.7), z, c),
        points(6, 3, 0),
        points(4, 3, 1),
    )


def test_cross_entropy_negative_controls():
    batch = labelled(16, 5)
    z, prototypes = points(16, 8, 0), points(5, 8, 1)
    loss = objective("cross_entropy", temperature=1.0)
    differ(lambda z, c: loss(batch, z, c), lambda z, c: cross_entropy(z @ c.T / 2, batch.y), z, prototypes)
    differ(lambda z, c: loss(batch, z, c), lambda z, c: cross_entropy(z @ c.T, batch.y.roll(1)), z, prototypes)
