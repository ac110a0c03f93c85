"""SimCLR, t-SimCLR and SupCon against other packages and against double loops: value and gradient in float64."""

from __future__ import annotations

import pytest
import torch
from oracle_tools import SEEDS, SHAPES, agree, differ, gaussian_cosine, literal, objective, package, points, student, two_views

from icon_nb.supervisory import Batch

TEMPERATURES = [0.07, 0.5, 2.0]
pytestmark = pytest.mark.oracle


def simclr(n, tau, **settings):
    loss = objective("simclr", temperature=tau, **settings)
    return lambda z: loss(two_views(n), z)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tau", TEMPERATURES)
def test_simclr_is_nt_xent_of_lightly(shape, tau):
    n, d = shape
    theirs = package("lightly.loss").NTXentLoss(temperature=tau)
    for seed in SEEDS:
        agree(simclr(n, tau), lambda z: theirs(z[:n], z[n:]), points(2 * n, d, seed))


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_simclr_is_nt_xent_of_pytorch_metric_learning(tau):
    theirs = package("pytorch_metric_learning.losses").NTXentLoss(temperature=tau)
    labels = torch.arange(7).repeat(2)
    for seed in SEEDS:
        agree(simclr(7, tau), lambda z: theirs(z, labels), points(14, 3, seed))


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_simclr_is_info_nce_cosine_of_tsimcne(tau):
    theirs = package("tsimcne.losses.infonce").InfoNCECosine(temperature=tau)
    for seed in SEEDS:
        agree(simclr(7, tau), lambda z: theirs(z)["loss"], points(14, 3, seed))


@pytest.mark.parametrize("tau", TEMPERATURES)
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_simclr_is_the_literal_sum(shape, tau):
    n, d = shape
    p = torch.roll(torch.eye(2 * n, dtype=torch.float64), n, 1)
    agree(simclr(n, tau), lambda z: literal(p, gaussian_cosine(tau), z), points(2 * n, d, 3))


def test_simclr_with_three_views_is_the_literal_sum():
    batch = Batch(index=torch.arange(4).repeat(3), dtype=torch.float64)
    loss = objective("simclr", temperature=0.3, n_views=3)
    p = (torch.ones(3, 3) - torch.eye(3)).kron(torch.eye(4)).double() / 2
    agree(lambda z: loss(batch, z), lambda z: literal(p, gaussian_cosine(0.3), z), points(12, 3, 0))


def test_simclr_negative_controls():
    z = points(14, 3, 0)
    theirs = package("lightly.loss").NTXentLoss(temperature=0.5)
    differ(simclr(7, 0.25), lambda z: theirs(z[:7], z[7:]), z)
    shuffled = torch.tensor([1, 2, 3, 4, 5, 6, 0])
    differ(simclr(7, 0.5), lambda z: theirs(z[:7], z[7:][shuffled]), z)


@pytest.mark.parametrize("df", [1, 2, 5])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_tsimclr_is_the_student_t_loss_of_tsimcne(df, scale):
    theirs = package("tsimcne.losses.infonce").InfoNCET(dof=df, temperature=scale)
    loss = objective("tsimclr", df=df, temperature=0.5 / scale)
    for seed in SEEDS:  # tsimcne casts to float32
        agree(lambda z: loss(two_views(7), z), lambda z: theirs(z)["loss"].double(), points(14, 2, seed), tolerance=2e-5)


@pytest.mark.parametrize("df", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("tau", [0.2, 1.0, 4.0])
def test_tsimclr_is_the_literal_sum(tau, df):
    loss = objective("tsimclr", df=df, temperature=tau)
    p = torch.roll(torch.eye(10, dtype=torch.float64), 5, 1)
    agree(lambda z: loss(two_views(5), z), lambda z: literal(p, student(tau, df), z), points(10, 3, 1))


def test_tsimclr_negative_controls():
    theirs = package("tsimcne.losses.infonce").InfoNCET(dof=1, temperature=0.5)
    for wrong in ({"temperature": 0.25}, {"df": 2.0}):
        loss = objective("tsimclr", **{"temperature": 1.0, "df": 1.0, **wrong})
        differ(lambda z: loss(two_views(7), z), lambda z: theirs(z)["loss"].double(), points(14, 2, 0))  # noqa: B023


LABELS = [torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1, 2, 2, 2]), torch.arange(16) % 3]


def supcon(labels, tau):
    """SupCon's loss is the KL plus the entropy of p, E log(K_i - 1)."""
    loss = objective("supcon", temperature=tau)
    entropy = (torch.bincount(labels)[labels] - 1).double().log().mean()
    return lambda z: loss(Batch(index=torch.arange(len(labels)), y=labels, dtype=torch.float64), z) + entropy


@pytest.mark.parametrize("labels", LABELS, ids=len)
@pytest.mark.parametrize("tau", TEMPERATURES)
def test_supcon_is_that_of_pytorch_metric_learning(labels, tau):
    theirs = package("pytorch_metric_learning.losses").SupConLoss(temperature=tau)
    for seed in SEEDS:
        agree(supcon(labels, tau), lambda z: theirs(z, labels), points(len(labels), 3, seed))


@pytest.mark.parametrize("labels", LABELS, ids=len)
@pytest.mark.parametrize("tau", TEMPERATURES)
def test_supcon_is_the_literal_sum(labels, tau):
    n = len(labels)
    p = torch.tensor([[float(i != j and labels[i] == labels[j]) for j in range(n)] for i in range(n)], dtype=torch.float64)
    p = p / p.sum(1, keepdim=True)
    loss = objective("supcon", temperature=tau)
    agree(
        lambda z: loss(Batch(index=torch.arange(n), y=labels, dtype=torch.float64), z),
        lambda z: literal(p, gaussian_cosine(tau), z),
        points(n, 3, 0),
    )


def test_supcon_negative_controls():
    labels = LABELS[2]
    theirs = package("pytorch_metric_learning.losses").SupConLoss(temperature=0.5)
    differ(supcon(labels, 0.4), lambda z: theirs(z, labels), points(16, 3, 0))
    differ(supcon(labels, 0.5), lambda z: theirs(z, labels.roll(1)), points(16, 3, 0))
