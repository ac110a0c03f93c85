"""What the table cannot hold: the reasons that are given, by numbers."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import logsigmoid

from icon_nb.methods import OUTSIDE, table

from .oracle_tools import points

pytestmark = pytest.mark.oracle
S = points(1, 6, 0)[0]  # the scores of one row; the first is the neighbour's
MU = torch.tensor([1.0, 0.6, 0.3, 0.1, 0.05, 0.01], dtype=S.dtype)


def softmax(s):
    return -s[0] + s.logsumexp(0)


LOSSES = {
    "Decoupled contrastive (DCL)": lambda s: -s[0] + s[1:].logsumexp(0),
    "ProxyNCA of 2017": lambda s: -s[0] + s[1:].logsumexp(0),  # s = -d
    "Spectral contrastive": lambda s: -2 * s[0] + s[1:].square().mean(),
    "Barlow Twins": lambda s: (1 - s[0]) ** 2 + 0.005 * s[1:].square().sum(),
    "BYOL and SimSiam": lambda s: 2 - 2 * s[0],
    "Robust InfoNCE (RINCE)": lambda s: -(0.5 * s[0]).exp() / 0.5 + (0.01 * s.exp().sum()) ** 0.5 / 0.5,
    "UMAP": lambda s: -(MU * logsigmoid(s) + (1 - MU) * logsigmoid(-s)).sum(),  # s = -log(a d^b)
}


def test_every_row_is_looked_at_and_shown():
    assert [each.name for each in OUTSIDE] == list(LOSSES)
    assert all(each.name in str(table()) and each.why in str(table()) for each in OUTSIDE)
    assert "what the table cannot hold" in table()._repr_html_()


@pytest.mark.parametrize("each", OUTSIDE, ids=lambda each: each.name)
def test_the_reason_holds_and_does_not_hold_for_a_softmax(each):
    loss, found = LOSSES[each.name], {}
    for name, function in (("softmax", softmax), ("other", loss)):
        far = torch.cat([torch.tensor([1e4], dtype=S.dtype), S[1:]])
        gradient, hessian = torch.func.grad(function)(S), torch.func.hessian(function)(S)
        found[name] = {
            "least value": function(far).item() > -1,
            "second derivative": hessian[0, 1:].abs().min().item() > 1e-4,
            "sum to zero": abs(gradient.sum().item()) < 1e-12,
        }
    assert all(found["softmax"].values())
    reason = next(reason for reason in found["other"] if reason in each.why)
    assert not found["other"][reason]
    if each.name == "BYOL and SimSiam":
        assert torch.func.grad(loss)(S).sum().item() == -2
