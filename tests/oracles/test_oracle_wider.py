"""The wider table against other packages and the lines of its papers: value and gradient in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, normalize

import icon_nb as icon
from icon_nb.objective.distances import sqeuclidean
from icon_nb.objective.supervisory import Batch, perplexity_rows

from .oracle_tools import SEEDS, agree, differ, objective, package, points, two_views

pytestmark = pytest.mark.oracle


def inputs(n, seed):
    return Batch(index=torch.arange(n), x=points(n, 4, 100 + seed), dtype=torch.float64)


def classes(n, n_classes, seed=0):
    y = torch.arange(n) % n_classes
    y = y[torch.randperm(n, generator=torch.Generator().manual_seed(seed))]
    return Batch(index=torch.arange(n), y=y, n_classes=n_classes, dtype=torch.float64)


# maps


@pytest.mark.parametrize("seed", SEEDS)
def test_symmetric_sne_is_scipys_relative_entropy_with_the_published_gradient(seed):
    rel_entr = package("scipy.special").rel_entr
    batch, y = inputs(15, seed), points(15, 2, seed).requires_grad_()
    loss = objective("symmetric_sne", perplexity=4.0)
    rows = perplexity_rows(sqeuclidean(batch.x, batch.x), 4.0)
    p = (rows + rows.T) / 30
    kernel = torch.exp(-torch.cdist(y, y).square().detach()).fill_diagonal_(0)
    q = kernel / kernel.sum()
    value = loss(batch, y)
    assert value.item() == pytest.approx(rel_entr(p.numpy(), q.numpy()).sum(), rel=1e-9)
    published = 4 * ((p - q)[:, :, None] * (y[:, None] - y[None]).detach()).sum(1)
    torch.testing.assert_close(torch.autograd.grad(value, y)[0], published, rtol=1e-9, atol=1e-12)
    differ(lambda z: objective("tsne", perplexity=4.0)(batch, z), lambda z: loss(batch, z), y.detach())


@pytest.mark.parametrize("a", [0.6, 0.8, 2.0])
def test_heavy_tailed_tsne_is_its_kernel_over_all_pairs(a):
    batch = inputs(8, 0)
    loss = objective("heavy_tailed_tsne", perplexity=3.0, df=2 * a - 1, temperature=a / (2 * a - 1))
    rows = perplexity_rows(sqeuclidean(batch.x, batch.x), 3.0)
    p = (rows + rows.T) / 16

    def published(y):
        kernel = {(i, j): (1 + (y[i] - y[j]).square().sum() / a) ** -a for i in range(8) for j in range(8) if i != j}
        norm = sum(kernel.values())
        return sum(p[i, j] * torch.log(p[i, j] * norm / k) for (i, j), k in kernel.items())

    agree(lambda y: loss(batch, y), published, points(8, 2, 1))
    usual = objective("heavy_tailed_tsne", perplexity=3.0)
    assert usual.learned.kernel.df == pytest.approx(2 * 0.8 - 1)
    assert usual.learned.kernel.df * usual.learned.kernel.temperature == pytest.approx(0.8)


def test_parametric_tsne_and_tsnet_are_the_cost_of_scikit_learn():
    import networkx

    tsne = package("sklearn.manifold._t_sne")
    squareform = package("scipy.spatial.distance").squareform
    graph = networkx.karate_club_graph()
    steps = dict(networkx.all_pairs_shortest_path_length(graph))
    squares = np.array([[steps[i][j] ** 2 for j in range(34)] for i in range(34)], float)
    weights = torch.from_numpy(networkx.to_numpy_array(graph))
    x = points(34, 4, 0)
    cases = {
        "parametric_tsne": (inputs(34, 0), sqeuclidean(*[points(34, 4, 100)] * 2).numpy()),
        "tsnet": (Batch(index=torch.arange(34), graph=weights, dtype=torch.float64), squares),
    }
    for name, (batch, distances) in cases.items():
        p = tsne._joint_probabilities(distances, 18.0, 0)  # more than any node has neighbours: of fewer it finds none
        loss, y = objective(name, perplexity=18.0), (x[:, :2]).clone().requires_grad_()
        value, gradient = tsne._kl_divergence(y.detach().numpy().ravel(), p, 1, 34, 2)
        ours = loss(batch, y)
        assert ours.item() == pytest.approx(value, rel=1e-6)  # scikit-learn finds the perplexity in float32
        torch.testing.assert_close(torch.autograd.grad(ours, y)[0].flatten(), torch.from_numpy(gradient), rtol=1e-4, atol=1e-6)
        assert abs(loss(batch, 2 * y.detach()).item() - value) > 1e-3
        np.testing.assert_allclose(loss.supervisory(batch).view(34, 34).numpy(), squareform(p), atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_nerv_is_scipys_relative_entropies_weighed(weight):
    rel_entr = package("scipy.special").rel_entr
    batch, y = inputs(12, 1), points(12, 2, 2)
    loss = objective("nerv", perplexity=4.0, kl_weight=weight)
    p, q = loss.supervisory(batch).numpy(), torch.exp(-torch.cdist(y, y).square()).fill_diagonal_(0)
    q = (q / q.sum(1, keepdim=True)).numpy()
    expected = (weight * rel_entr(p, q).sum() + (1 - weight) * rel_entr(q, p).sum()) / 12
    assert loss(batch, y).item() == pytest.approx(expected, rel=1e-9)


def test_infonc_tsne_is_the_loop_over_neighbours_and_drawn_strangers():
    neighbors = package("sklearn.neighbors").NearestNeighbors(n_neighbors=3)
    ours = icon.loss("infonc_tsne", n_neighbors=3, n_candidates=4).eval()
    for seed in SEEDS:
        x, drawn = points(12, 4, 100 + seed), (ours.draws(12) * 12).long().tolist()
        near = neighbors.fit(x.numpy()).kneighbors(return_distance=False).tolist()

        def published(y):
            def k(i, j):
                return 1 / (1 + (y[i] - y[j]).square().sum())

            total = 0
            for i in range(12):
                strangers = sum(k(i, m) for m in drawn[i] if m not in (i, *near[i]))  # noqa: B023
                total = total - sum(torch.log(k(i, j) / (k(i, j) + strangers)) for j in near[i]) / 3  # noqa: B023
            return total / 12

        agree(lambda y: ours(y, inputs=x), published, points(12, 2, seed))  # noqa: B023
        ours.train()(points(12, 2, seed), inputs=x)  # after which others are drawn
        differ(lambda y: ours.eval()(y, inputs=x), published, points(12, 2, seed))  # noqa: B023


# views


def test_npair_is_that_of_pytorch_metric_learning():
    plain = package("pytorch_metric_learning.distances").DotProductSimilarity(normalize_embeddings=False)
    theirs = package("pytorch_metric_learning.losses").NPairsLoss(distance=plain)
    loss, labels = objective("npair"), torch.arange(7)
    for seed in SEEDS:

        def published(a, b):
            z = torch.cat([a, b])
            pairs = (torch.arange(7), torch.arange(7, 14), torch.arange(7), torch.arange(7, 14))
            return theirs(z, torch.cat([labels, labels]), pairs)

        a, b = points(7, 3, seed), points(7, 3, 10 + seed)
        agree(lambda a, b: loss(two_views(7), a, b), published, a, b)
        differ(lambda a, b: loss(two_views(7), a, b.roll(1, 0)), published, a, b)


def test_npair_is_the_sum_of_the_paper():
    def published(a, b):
        s = a @ b.T
        return sum(torch.log(1 + sum(torch.exp(s[i, j] - s[i, i]) for j in range(6) if j != i)) for i in range(6)) / 6

    agree(lambda a, b: objective("npair")(two_views(6), a, b), published, points(6, 3, 0), points(6, 3, 1))


@pytest.mark.parametrize("t", [0.5, 2.0, 5.0])
def test_alignment_and_uniformity_are_the_lines_of_the_paper(t):
    loss, n = objective("align_uniform", temperature=1 / (2 * t)), 6

    def published(z):
        z = normalize(z, dim=1)
        align = (z[:n] - z[n:]).norm(dim=1).pow(2).mean()
        uniform = torch.pdist(z).pow(2).mul(-t).exp().mean().log()
        return t * align + uniform + math.log(2 * n - 1)  # KL has the entropy of P, log 2n, and the sum of 2n (2n - 1) pairs

    for seed in SEEDS:
        agree(lambda z: loss(two_views(n), z), published, points(2 * n, 3, seed))
    differ(lambda z: loss(two_views(n), z), lambda z: published(torch.cat([z[:n], z[n:].roll(1, 0)])), points(2 * n, 3, 0))


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("tau", [0.3, 1.0])
def test_hard_negatives_are_the_published_lines(tau, beta):
    loss, n = objective("hard_negatives", temperature=tau, hardness=beta), 6

    def published(z):  # criterion of the paper's code, estimator "hard", tau_plus = 0
        out_1, out_2 = normalize(z, dim=1).split(n)
        out = torch.cat([out_1, out_2])
        neg = torch.exp(out @ out.T / tau)
        keep = torch.ones(2 * n, 2 * n, dtype=torch.bool)
        for i in range(n):
            keep[i, i] = keep[i, i + n] = keep[i + n, i] = keep[i + n, i + n] = False
        neg = neg.masked_select(keep).view(2 * n, -1)
        pos = torch.exp((out_1 * out_2).sum(1) / tau)
        pos = torch.cat([pos, pos])
        imp = (beta * neg.log()).exp()
        reweighted = (imp * neg).sum(1) / imp.mean(1)
        return (-torch.log(pos / (pos + reweighted))).mean()

    for seed in SEEDS:
        agree(lambda z: loss(two_views(n), z), published, points(2 * n, 3, seed))
    simclr, same_at_zero = objective("simclr", temperature=tau), agree if beta == 0 else differ
    same_at_zero(lambda z: loss(two_views(n), z), lambda z: simclr(two_views(n), z), points(2 * n, 3, 0))


def test_mil_nce_is_the_line_of_the_paper():
    loss = objective("mil_nce")
    batch = Batch(index=torch.arange(4).repeat(3), dtype=torch.float64)

    def published(z):
        s = (z @ z.T).masked_fill(torch.eye(12, dtype=torch.bool), -torch.inf)
        positive = (batch.index[:, None] == batch.index) & ~torch.eye(12, dtype=torch.bool)
        numerator = torch.logsumexp(s.masked_fill(~positive, -torch.inf), 1)
        return -(numerator - torch.logsumexp(s, 1)).mean()

    for seed in SEEDS:
        agree(lambda z: loss(batch, z), published, points(12, 3, seed))
    differ(lambda z: objective("simclr", distance="neg_dot", temperature=1.0, n_views=3)(batch, z), published, points(12, 3, 0))


# classes


def test_nca_and_its_kin_are_the_nca_loss_of_pytorch_metric_learning():
    losses, distances = (package(f"pytorch_metric_learning.{part}") for part in ("losses", "distances"))
    plain = distances.LpDistance(normalize_embeddings=False, p=2, power=2)
    batch = classes(12, 3)
    for name, tau in (("nca", 1.0), ("soft_nearest_neighbor", 0.7)):
        theirs, loss = losses.NCALoss(softmax_scale=1 / tau, distance=plain), objective(name, temperature=tau)
        for seed in SEEDS:
            agree(lambda z: loss(batch, z), lambda z: theirs(z, batch.y), points(12, 3, seed))  # noqa: B023
        differ(lambda z: loss(batch, z), lambda z: theirs(z, batch.y.roll(1)), points(12, 3, 0))  # noqa: B023
    directions = losses.NCALoss(softmax_scale=5.0, distance=distances.CosineSimilarity())
    inside = objective("supcon_in", temperature=0.2)
    agree(lambda z: inside(batch, z), lambda z: directions(z, batch.y), points(12, 3, 0))


def test_supcon_in_is_the_sum_inside_the_logarithm():
    batch, loss = classes(9, 3), objective("supcon_in", temperature=0.3)

    def published(z):
        s = torch.exp(normalize(z, dim=1) @ normalize(z, dim=1).T / 0.3)
        total = 0
        for i in range(9):
            same = [j for j in range(9) if j != i and batch.y[j] == batch.y[i]]
            rest = sum(s[i, k] for k in range(9) if k != i)
            total = total - torch.log(sum(s[i, j] / rest for j in same) / len(same))
        return total / 9

    agree(lambda z: loss(batch, z) + math.log(2), published, points(9, 3, 0))


def test_sincere_is_the_nt_xent_of_pytorch_metric_learning_on_classes_of_one_size():
    theirs = package("pytorch_metric_learning.losses").NTXentLoss(temperature=0.4)
    batch, loss = classes(12, 3), objective("sincere", temperature=0.4)
    for seed in SEEDS:
        agree(lambda z: loss(batch, z), lambda z: theirs(z, batch.y), points(12, 3, seed))
    differ(lambda z: objective("supcon", temperature=0.4)(batch, z), lambda z: theirs(z, batch.y), points(12, 3, 0))


def test_supcon_under_jensen_shannon_is_that_of_scipy():
    jensenshannon = package("scipy.spatial.distance").jensenshannon
    batch, loss, z = classes(9, 3), objective("supcon_js"), points(9, 3, 0)
    p, q = loss.supervisory(batch).numpy(), torch.exp(-torch.cdist(z, z).square()).fill_diagonal_(0)
    expected = (jensenshannon(p, (q / q.sum(1, keepdim=True)).numpy(), axis=1) ** 2).mean()
    assert loss(batch, z).item() == pytest.approx(expected, rel=1e-9)


def test_pmi_under_total_variation_is_half_the_sum_of_the_gaps():
    batch, loss, z = inputs(10, 0), objective("tv_pmi", n_neighbors=3), points(10, 4, 1)
    p, phi = loss.supervisory(batch), z.softmax(1)
    q = (phi / phi.sum(0)) @ phi.T
    assert loss(batch, z).item() == pytest.approx((p - q.T).abs().sum(1).mean().item() / 2, rel=1e-9)


@pytest.mark.parametrize("tau", [0.5, 1.0])
def test_prototypical_networks_are_the_cross_entropy_over_the_means_of_the_classes(tau):
    batch, loss = classes(11, 3), objective("prototypical", temperature=tau)

    def published(z, own=False):
        total = 0
        for i in range(11):
            support = [[j for j in range(11) if batch.y[j] == c and (own or j != i)] for c in range(3)]
            means = torch.stack([sum(z[j] for j in members) / len(members) for members in support])
            total = total + cross_entropy(-(z[i] - means).square().sum(1)[None] / tau, batch.y[i : i + 1])
        return total / 11

    for seed in SEEDS:
        agree(lambda z: loss(batch, z), published, points(11, 3, seed))
    differ(lambda z: loss(batch, z), lambda z: published(z, own=True), points(11, 3, 0))
    supcon = objective("supcon", distance="sqeuclidean", temperature=tau)
    differ(lambda z: loss(batch, z), lambda z: supcon(batch, z), points(11, 3, 0))


def test_label_smoothing_is_that_of_torch():
    batch, loss = classes(10, 5), objective("label_smoothing")
    p = loss.supervisory(batch)
    entropy = -torch.xlogy(p, p).sum(1).mean()
    for seed in SEEDS:
        agree(
            lambda z, c: loss(batch, z, c) + entropy,
            lambda z, c: cross_entropy(z @ c.T, batch.y, label_smoothing=0.1),
            points(10, 3, seed), points(5, 3, 10 + seed),
        )  # fmt: skip


def with_weights(loss, name, transpose):
    """A classifier of pytorch-metric-learning as a function of the points and of its weights."""

    def call(z, c, y):
        object.__setattr__(loss, name, None)
        loss._parameters.pop(name, None)
        setattr(loss, name, c.T if transpose else c)
        return loss(z, y)

    return call


@pytest.mark.parametrize(
    ("method", "theirs", "options", "settings"),
    [
        ("normface", "NormalizedSoftmaxLoss", {"temperature": 0.3}, {"temperature": 0.3}),
        ("cosface", "CosFaceLoss", {"margin": 0.35, "scale": 4}, {"margin": 0.35, "temperature": 0.25}),
        ("arcface", "ArcFaceLoss", {"margin": math.degrees(0.5), "scale": 4}, {"margin": 0.5, "temperature": 0.25}),
        ("proxynca_pp", "ProxyNCALoss", {"softmax_scale": 3}, {"temperature": 1 / 6}),
    ],
)
def test_classifiers_on_the_sphere_are_those_of_pytorch_metric_learning(method, theirs, options, settings):
    published = getattr(package("pytorch_metric_learning.losses"), theirs)(num_classes=5, embedding_size=3, **options)
    name, transpose = ("proxies", False) if method == "proxynca_pp" else ("W", True)
    published, loss = with_weights(published, name, transpose), objective(method, **settings)
    for seed in SEEDS:
        batch = classes(10, 5, seed)
        z, c = points(10, 3, seed), points(5, 3, 20 + seed)
        agree(lambda z, c: loss(batch, z, c), lambda z, c: published(z, c, batch.y), z, c, tolerance=1e-6)  # noqa: B023
        differ(lambda z, c: loss(batch, z, c), lambda z, c: published(z, c, batch.y.roll(1)), z, c)  # noqa: B023


def test_without_a_margin_the_margins_are_normface():
    batch, z, c = classes(10, 5), points(10, 3, 0), points(5, 3, 1)
    plain = objective("normface", temperature=0.3)
    for method in ("cosface", "arcface"):
        bare = objective(method, temperature=0.3, margin=0.0)
        agree(lambda z, c: bare(batch, z, c), lambda z, c: plain(batch, z, c), z, c, tolerance=1e-7)  # noqa: B023


# modalities


@pytest.mark.parametrize(("tau", "bias"), [(0.1, -10.0), (0.5, 1.5)])
def test_siglip_is_that_of_open_clip(tau, bias):
    theirs = package("open_clip.loss").SigLipLoss()
    loss = objective("siglip", temperature=tau, bias=bias + 1 / tau)
    batch = Batch(index=torch.arange(6), dtype=torch.float64)

    def ours(a, b):
        return loss.loss(loss.target(batch), [(a, b), (b, a)])

    def published(a, b):
        return theirs(normalize(a, dim=1), normalize(b, dim=1), 1 / tau, bias)

    for seed in SEEDS:
        agree(ours, published, points(6, 4, seed), points(6, 4, 10 + seed))
    differ(ours, lambda a, b: published(a, b.roll(1, 0)), points(6, 4, 0), points(6, 4, 1))
    assert objective("siglip").learned.bias - 1 / objective("siglip").learned.temperature == pytest.approx(-10)


# queues and teachers


def with_queue(method, seed, **settings):
    """A criterion with float64 numbers in its queue or its prototypes, and what they are."""
    criterion = icon.loss(method, n_candidates=9, embedding_dim=4, **settings).double()
    held = points(9, 4, 50 + seed)
    target = criterion.queue.keys if hasattr(criterion, "queue") else criterion.prototypes.data
    target.copy_(held)
    return criterion, held


@pytest.mark.parametrize("method", ["moco", "moco_v2"])
def test_moco_is_lightlys_loss_with_a_memory_bank_step_after_step(method):
    theirs = package("lightly.loss").NTXentLoss(temperature=0.3, memory_bank_size=(9, 4))
    ours, held = with_queue(method, 0, temperature=0.3)
    theirs.memory_bank.bank = normalize(held, dim=1)
    theirs.memory_bank.bank_ptr = torch.zeros(1, dtype=torch.long)
    for seed in range(4):  # the bank is full and begins anew
        q, k = points(3, 4, seed), points(3, 4, 10 + seed)
        z = torch.cat([q, points(3, 4, 30)]).requires_grad_()
        ours_value = ours(z[:3], z[3:], pair=(points(3, 4, 31), k))
        free = q.clone().requires_grad_()
        theirs_value = theirs(free, k)
        assert ours_value.item() == pytest.approx(theirs_value.item(), rel=1e-9)
        gradient = torch.autograd.grad(ours_value, z)[0]
        torch.testing.assert_close(gradient[:3], torch.autograd.grad(theirs_value, free)[0], rtol=1e-9, atol=1e-12)
        assert not gradient[3:].any(), "the other view is seen by the slow encoder only"


def test_nnclr_is_the_pseudocode_of_the_paper():
    ours, queue = with_queue("nnclr", 0, temperature=0.3)
    ours.eval()

    def published(z1, z2):
        near = [queue[(normalize(z.detach(), dim=1) @ normalize(queue, dim=1).T).argmax(1)] for z in (z1, z2)]
        logits = [normalize(nn, dim=1) @ normalize(p, dim=1).T / 0.3 for nn, p in zip(near, (z2, z1))]
        return sum(cross_entropy(each, torch.arange(6)) for each in logits) / 2

    for seed in SEEDS:
        agree(ours, published, points(6, 4, seed), points(6, 4, 10 + seed))
    differ(ours, lambda a, b: published(a, b.roll(1, 0)), points(6, 4, 0), points(6, 4, 1))


def test_ressl_is_the_soft_cross_entropy_between_two_softmaxes_over_the_queue():
    ours, queue = with_queue("ressl", 0, temperature=0.2, p_temperature=0.05)
    ours.eval()
    unit = normalize(queue, dim=1)
    for seed in SEEDS:
        teacher = points(6, 4, 20 + seed)
        p = (normalize(teacher, dim=1) @ unit.T / 0.05).softmax(1)
        entropy = -torch.xlogy(p, p).sum(1).mean()

        def published(z):
            return cross_entropy(normalize(z, dim=1) @ unit.T / 0.2, p) - entropy  # noqa: B023

        def call(z):
            return ours(z, points(6, 4, 99), pair=(points(6, 4, 98), teacher))  # noqa: B023

        agree(call, published, points(6, 4, seed))
        differ(call, lambda z: published(z.roll(1, 0)), points(6, 4, seed))


def test_swav_is_that_of_lightly():
    theirs = package("lightly.loss").SwaVLoss(temperature=0.2, sinkhorn_epsilon=0.07)
    sinkhorn = package("lightly.loss.swav_loss").sinkhorn
    ours, c = with_queue("swav", 0, temperature=0.2, p_temperature=0.07)
    unit = normalize(c, dim=1)
    for seed in SEEDS:
        z1, z2 = points(6, 4, seed), points(6, 4, 10 + seed)
        codes = torch.cat([sinkhorn(normalize(z, dim=1) @ unit.T, epsilon=0.07) for z in (z2, z1)])
        entropy = -torch.xlogy(codes, codes).sum(1).mean()

        def published(a, b):
            return theirs([normalize(z, dim=1) @ unit.T for z in (a, b)], []) - entropy  # noqa: B023

        agree(ours, published, z1, z2)
        differ(ours, lambda a, b: published(a, b.roll(1, 0)), z1, z2)


def test_dino_is_that_of_lightly_while_its_centre_moves():
    theirs = package("lightly.loss").DINOLoss(output_dim=9, teacher_temp=0.0625, student_temp=0.25).double()  # exact in float32
    ours, c = with_queue("dino", 0, temperature=0.25, p_temperature=0.0625)
    unit = normalize(c, dim=1)
    for seed in SEEDS:
        said = [normalize(points(6, 4, 20 + k + seed), dim=1) @ unit.T for k in (0, 1)]
        p = torch.cat([((each - theirs.center[0]) / 0.0625).softmax(1) for each in said])
        entropy = -torch.xlogy(p, p).sum(1).mean()
        z = [points(6, 4, seed), points(6, 4, 10 + seed)]
        leaves = [[each.clone().requires_grad_() for each in z] for _ in range(2)]
        value = ours(*leaves[0], pair=(points(6, 4, 20 + seed), points(6, 4, 21 + seed)))
        expected = theirs(said, [normalize(each, dim=1) @ unit.T for each in leaves[1]]) - entropy
        assert value.item() == pytest.approx(expected.item(), rel=1e-9)
        for mine, other in zip(*(torch.autograd.grad(each, leaf) for each, leaf in zip((value, expected), leaves))):
            torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)
    assert theirs.center.abs().max() > 0.01
    own, other = ours.centre.mean, theirs.center.flatten()
    torch.testing.assert_close(own - own.mean(), other - other.mean())  # a softmax does not see what all have in common


@pytest.mark.parametrize("tau", [1.0, 0.3])
def test_dec_is_the_divergence_from_the_target_distribution_of_the_paper(tau):
    rel_entr = package("scipy.special").rel_entr
    ours, c = with_queue("dec", 0, temperature=tau)
    for seed in SEEDS:
        z = points(6, 4, seed)

        def soft(z):
            kernel = [[1 / (1 + (z[i] - c[k]).square().sum() / tau) for k in range(9)] for i in range(6)]  # noqa: B023
            return torch.stack([torch.stack(row) / sum(row) for row in kernel])

        with torch.no_grad():
            q = soft(z)
            f = [sum(q[i, k] for i in range(6)) for k in range(9)]
            weight = torch.tensor([[q[i, k] ** 2 / f[k] for k in range(9)] for i in range(6)], dtype=torch.float64)
            p = weight / weight.sum(1, keepdim=True)

        def published(z):
            return (p * (p / soft(z)).log()).sum() / 6  # noqa: B023

        assert ours(z).item() == pytest.approx(rel_entr(p.numpy(), q.numpy()).sum() / 6, rel=1e-9)
        agree(ours, published, z)
        differ(ours, lambda z: published(z.roll(1, 0)), z)  # noqa: B023


# kernels, graphs, teachers of classes


@pytest.mark.parametrize("tau", [0.3, 1.0])
def test_kernel_contrast_is_its_two_expectations(tau):
    ours, n = objective("kcl", temperature=tau), 4

    def published(z):
        def k(i, j):
            return torch.exp(-(1 - torch.dot(z[i], z[j]) / (z[i].norm() * z[j].norm())) / tau)

        near = sum(k(i, (i + n) % (2 * n)) for i in range(2 * n)) / (2 * n)
        return -near + sum(k(i, j) for i in range(2 * n) for j in range(2 * n)) / (2 * n) ** 2

    for seed in SEEDS:
        agree(lambda z: ours(two_views(n), z), published, points(2 * n, 3, seed))
    differ(lambda z: ours(two_views(n), z), lambda z: published(torch.cat([z[:n], z[n:].roll(1, 0)])), points(2 * n, 3, 0))


def test_line_is_the_sum_over_edges_of_the_paper():
    w = torch.rand(7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).fill_diagonal_(0)
    w = w + w.T
    ours, batch = objective("line2"), Batch(index=torch.arange(7), graph=w, dtype=torch.float64)
    p = w / w.sum(1, keepdim=True)
    entropy = -torch.xlogy(p, p).sum(1) @ w.sum(1) / w.sum()

    def published(u, c):
        total = 0
        for i in range(7):
            norm = sum(torch.exp(torch.dot(c[k], u[i])) for k in range(7))
            total = total - sum(w[i, j] * torch.log(torch.exp(torch.dot(c[j], u[i])) / norm) for j in range(7) if j != i)
        return total / w.sum() - entropy

    for seed in SEEDS:
        agree(lambda u, c: ours(batch, u, c), published, points(7, 2, seed), points(7, 2, 10 + seed))
    differ(lambda u, c: ours(batch, u, c), lambda u, c: published(u.roll(1, 0), c), points(7, 2, 0), points(7, 2, 1))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_distillation_is_torchs_divergence_of_two_softmaxes(temperature):
    ours = objective("distillation", temperature=temperature, p_temperature=temperature)
    for seed in SEEDS:
        said = points(8, 5, 30 + seed)
        batch = Batch(index=torch.arange(8), companion=said, dtype=torch.float64)

        def published(z, c):
            target = (said / temperature).log_softmax(1)  # noqa: B023
            return kl_div((z @ c.T / temperature).log_softmax(1), target, reduction="batchmean", log_target=True)

        agree(lambda z, c: ours(batch, z, c), published, points(8, 3, seed), points(5, 3, 10 + seed))  # noqa: B023
        differ(lambda z, c: ours(batch, z.roll(1, 0), c), published, points(8, 3, seed), points(5, 3, 10 + seed))  # noqa: B023
