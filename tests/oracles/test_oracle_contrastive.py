"""SimCLR, t-SimCLR and SupCon against other packages and against double loops: value and gradient in float64."""

from __future__ import annotations

import pytest
import torch

from icon_nb.objective.supervisory import Batch

from .oracle_tools import SEEDS, SHAPES, agree, differ, gaussian_cosine, literal, objective, package, points, student, two_views

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


# other candidates


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_one_way_infonce_is_that_of_info_nce_pytorch(tau):
    theirs = package("info_nce").InfoNCE(temperature=tau)
    loss = objective("infonce", temperature=tau)
    for seed in SEEDS:
        agree(lambda a, b: loss(two_views(7), a, b), theirs, points(7, 3, seed), points(7, 3, 10 + seed))
    differ(lambda a, b: loss(two_views(7), a, b), lambda a, b: theirs(a, b.roll(1, 0)), points(7, 3, 0), points(7, 3, 1))


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_mocov3_is_the_published_sum_over_four_tau(tau):
    loss = objective("mocov3", temperature=tau)

    def ours(q1, q2, k1, k2):
        return 4 * tau * loss.loss(loss.target(two_views(6)), [(q1, k2), (q2, k1)])

    def published(q1, q2, k1, k2):
        def contrast(q, k):
            q, k = (torch.nn.functional.normalize(part, dim=1) for part in (q, k))
            return torch.nn.CrossEntropyLoss()(q @ k.T / tau, torch.arange(6)) * (2 * tau)

        return contrast(q1, k2) + contrast(q2, k1)

    agree(ours, published, *(points(6, 3, seed) for seed in range(4)))
    differ(ours, lambda q1, q2, k1, k2: published(q1, q2, k2, k1), *(points(6, 3, seed) for seed in range(4)))


@pytest.mark.parametrize("method", ["clip", "cmc"])
@pytest.mark.parametrize("tau", TEMPERATURES)
def test_clip_and_cmc_are_the_clip_loss_of_open_clip(method, tau):
    theirs = package("open_clip.loss").ClipLoss()
    loss = objective(method, temperature=tau)
    batch = Batch(index=torch.arange(6), dtype=torch.float64)

    def published(a, b):
        return theirs(torch.nn.functional.normalize(a, dim=1), torch.nn.functional.normalize(b, dim=1), 1 / tau)

    def ours(a, b):
        return loss.loss(loss.target(batch), [(a, b), (b, a)])

    for seed in SEEDS:
        agree(ours, published, points(6, 4, seed), points(6, 4, 10 + seed))
    differ(ours, lambda a, b: published(a, b.roll(1, 0)), points(6, 4, 0), points(6, 4, 1))


@pytest.mark.parametrize("margin", [0.0, 0.3, 2.0])
def test_triplet_is_that_of_pytorch_metric_learning_on_the_hardest_triplets(margin):
    losses, distances, reducers = (package(f"pytorch_metric_learning.{part}") for part in ("losses", "distances", "reducers"))
    distance = distances.LpDistance(normalize_embeddings=False, p=2, power=2)
    theirs = losses.TripletMarginLoss(margin=margin, distance=distance, reducer=reducers.MeanReducer())
    miner = package("pytorch_metric_learning.miners").BatchHardMiner(distance=distance)
    loss, labels = objective("triplet", distance="sqeuclidean", margin=margin), torch.arange(6).repeat(2)
    wrong = torch.arange(12) // 2
    for seed in SEEDS:
        z = points(12, 3, seed)
        agree(lambda z: loss(two_views(6), z), lambda z: theirs(z, labels, miner(z, labels)), z)
        differ(lambda z: loss(two_views(6), z), lambda z: theirs(z, wrong, miner(z, wrong)), z)


def test_vicreg_is_the_invariance_of_lightly_less_twice_the_variance():
    invariance = package("lightly.loss.vicreg_loss").invariance_loss
    loss = objective("vicreg", distance="sqeuclidean")

    def published(z):
        return z.shape[1] * invariance(z[:6], z[6:]) - 2 * z.var(0, correction=0).sum()

    for seed in SEEDS:
        agree(lambda z: loss(two_views(6), z), published, points(12, 4, seed))
    differ(lambda z: loss(two_views(6), z), lambda z: published(z) / 2, points(12, 4, 0))


def companions(n, seed):
    return Batch(index=torch.arange(n), dtype=torch.float64, companion=points(n, 5, seed))


def others(matrix):
    """The off-diagonal entries (n, n - 1) of (n, n)."""
    n = len(matrix)
    return matrix[~torch.eye(n, dtype=torch.bool)].reshape(n, n - 1)


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_xsample_is_the_cross_entropy_of_torch_with_soft_targets(tau):
    batch = companions(8, 50)
    g = torch.nn.functional.normalize(batch.companion, dim=1)
    soft = others(g @ g.T / 0.2).softmax(1)
    entropy = -(soft * soft.log()).sum(1).mean()
    loss = objective("xsample", temperature=tau, p_temperature=0.2)

    def published(z):
        z = torch.nn.functional.normalize(z, dim=1)
        return torch.nn.functional.cross_entropy(others(z @ z.T / tau), soft)

    for seed in SEEDS:
        agree(lambda z: loss(batch, z) + entropy, published, points(8, 3, seed))
    differ(lambda z: loss(batch, z), published, points(8, 3, 0))


@pytest.mark.parametrize("k", [1, 3])
def test_lgsimclr_is_the_cross_entropy_of_torch_averaged_over_the_nearest_captions(k):
    batch = companions(9, 51)
    found = package("sklearn.neighbors").NearestNeighbors(n_neighbors=k, metric="cosine").fit(batch.companion.numpy())
    neighbours = torch.from_numpy(found.kneighbors(return_distance=False))
    loss = objective("lgsimclr", temperature=0.3, n_neighbors=k)

    def published(z):
        z = torch.nn.functional.normalize(z, dim=1)
        logits = (z @ z.T / 0.3).masked_fill(torch.eye(9, dtype=torch.bool), -torch.inf)
        return torch.stack([torch.nn.functional.cross_entropy(logits, drawn) for drawn in neighbours.T]).mean()

    agree(lambda z: loss(batch, z) + torch.tensor(float(k)).log(), published, points(9, 3, 0), tolerance=1e-7)


def test_the_dimension_cell_contrasts_correlations():
    """The rows are dimensions; with centred views the cosine between dimensions is their correlation over the batch."""
    import numpy as np

    from icon_nb.training.candidates import dimensions

    a, b = points(12, 4, 0), points(12, 4, 1)
    model = type("Views", (), {"embed": staticmethod(lambda x: x)})
    ((first, second),) = dimensions(model, torch.cat([a, b]))
    loss = objective("dimension_contrastive", temperature=0.2)
    correlation = torch.from_numpy(np.corrcoef(a.numpy().T, b.numpy().T)[:4, 4:])
    expected = torch.nn.functional.cross_entropy(correlation / 0.2, torch.arange(4))
    value = loss.loss(loss.target(Batch(index=torch.arange(4), dtype=torch.float64)), [(first, second)])
    assert value.item() == pytest.approx(expected.item(), rel=1e-10)
