"""Cross-entropy and label smoothing against torch, and against double loops."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from icon_nb.objective.supervisory import Batch

from .oracle_tools import SEEDS, SHAPES, agree, differ, literal, objective, package, points

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


@pytest.mark.parametrize("df", [1.0, 9.0, 55.0])
def test_harmonic_is_the_distance_layer_with_its_exponent(df):
    """The layer computes (squared distance) ** -n, normalised over the classes, with n = (df + 1) / 2."""
    loss = objective("harmonic", df=df)
    n = (df + 1) / 2

    def layer(z, c):
        squared = (z * z).sum(1, keepdim=True) + (c * c).sum(1) - 2 * z @ c.T
        shares = (squared / squared.min(1, keepdim=True).values) ** -n
        return -(shares / shares.sum(1, keepdim=True)).gather(1, batch.y[:, None]).log().mean()

    for seed in SEEDS:
        batch = labelled(8, 5, seed)
        agree(lambda z, c: loss(batch, z, c), layer, points(8, 3, seed), points(5, 3, 10 + seed), tolerance=1e-8)  # noqa: B023
    wrong = objective("harmonic", df=df + 2)
    differ(lambda z, c: wrong(batch, z, c), layer, points(8, 3, 0), points(5, 3, 1))


def test_a_masked_language_model_is_the_token_cross_entropy_of_torch():
    loss = objective("mlm")
    n_tokens, n = 11, 9
    targets = torch.randint(n_tokens, (n,), generator=torch.Generator().manual_seed(0))
    batch = Batch(index=torch.arange(n), y=targets, n_classes=n_tokens, dtype=torch.float64)
    padded = torch.cat([targets, torch.tensor([-100, -100])])

    def published(z, c):
        logits = torch.cat([z @ c.T, torch.ones(2, n_tokens, dtype=z.dtype)])
        return cross_entropy(logits, padded, ignore_index=-100)

    for seed in SEEDS:
        agree(lambda z, c: loss(batch, z, c), published, points(n, 4, seed), points(n_tokens, 4, 10 + seed))


def test_occurrences_of_one_context_weigh_as_often_as_they_occur():
    """The token cross-entropy is the sum over contexts of their share times (KL + entropy of what stood there)."""
    contexts = torch.tensor([0, 0, 0, 1, 1, 2])
    tokens = torch.tensor([1, 1, 3, 0, 2, 2])
    z, c = points(3, 4, 0), points(5, 4, 1)
    total = cross_entropy(z[contexts] @ c.T, tokens)
    log_q = (z @ c.T).log_softmax(1)
    split = 0.0
    for i in range(3):
        share = (contexts == i).double().mean()
        p = torch.bincount(tokens[contexts == i], minlength=5).double()
        p = p / p.sum()
        entropy = -torch.xlogy(p, p).sum()
        split = split + share * ((torch.xlogy(p, p) - p * log_q[i]).sum() + entropy)
    assert split.item() == pytest.approx(total.item(), rel=1e-12)


def test_the_multiclass_hinge_is_the_multi_margin_loss_of_torch_for_two_classes():
    loss = objective("multiclass_hinge", margin=0.7)
    for seed in SEEDS:
        batch = labelled(9, 2, seed)
        agree(
            lambda z, c: loss(batch, z, c),  # noqa: B023
            lambda z, c: 2 * torch.nn.functional.multi_margin_loss(z @ c.T, batch.y, margin=0.7),  # noqa: B023
            points(9, 3, seed),
            points(2, 3, 10 + seed),
        )


def test_the_perceptron_counts_errors_only_through_the_most_probable_class():
    batch = labelled(20, 4)
    z, c = points(20, 3, 0), points(4, 3, 1)
    scores = z @ c.T
    expected = (scores.max(1).values - scores.gather(1, batch.y[:, None])[:, 0]).mean()
    assert objective("error_rate")(batch, z, c).item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_multiclass_hinge_is_that_of_scikit_learn():
    hinge = package("sklearn.metrics").hinge_loss
    loss, batch = objective("multiclass_hinge"), labelled(30, 5)
    z, c = points(30, 3, 0), points(5, 3, 1)
    assert loss(batch, z, c).item() == pytest.approx(hinge(batch.y.numpy(), (z @ c.T).numpy(), labels=range(5)), rel=1e-12)

    def crammer_singer(z, c):
        scores = z @ c.T
        worst = [max(s - scores[i, y] + (c != y) for c, s in enumerate(scores[i])) for i, y in enumerate(batch.y.tolist())]
        return sum(worst) / len(worst)

    agree(lambda z, c: loss(batch, z, c), crammer_singer, z, c)
    differ(lambda z, c: objective("error_rate")(batch, z, c), crammer_singer, z, c)
