"""Every method of the table, as a run builds it, against its definition written as loops over anchors and candidates."""

from __future__ import annotations

import math

import pytest
import torch

from icon_nb.methods import METHODS, axes
from icon_nb.methods.config import Config
from icon_nb.objective import build_objective
from icon_nb.objective.component import Batch

from .oracle_tools import agree, differ, points

pytestmark = pytest.mark.oracle

N, D = 6, 3
SMALL = {"perplexity": 2.5, "n_neighbors": 2, "p_temperature": 0.8, "n_candidates": 3}


def batch_for(method):
    """A batch with everything in it; every sample twice where the method looks at views."""
    views = 2 if "views" in method.p.needs else 1
    index = torch.arange(N).repeat(views)
    weights = torch.rand(N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    return Batch(
        index=index,
        x=points(N, 4, 20)[index],
        y=(torch.arange(N) % 2)[index],
        n_classes=4,
        dtype=torch.float64,
        companion=points(N, 4, 21)[index] if method.p.candidates == "classes" else -points(views * N, 5, 21).square(),
        graph=(weights + weights.T).fill_diagonal_(0)[index][:, index],
    )


def blocks_of(method, z, c):
    """Rows of q for anchors z and other candidates c, both with N rows or more, as the model makes them."""
    kind = method.p.candidates
    if kind in ("samples", "pairs", "sampled"):
        return [(z, None)]
    if kind in ("modality", "keys", "support"):
        return [(z[:N], c[:N]), (c[:N], z[:N])]
    if kind in ("codes", "taught"):
        return [(z[:N], c[:5]), (z[N:], c[:5])]
    return {
        "classes": [(z[:N], c[:4])],
        "tokens": [(z[:N], c[:4])],
        "views": [(z[:N], c[:N])],
        "dimensions": [(z[:N], c[:N])],
        "contexts": [(z[:N], c[:N])],
        "queue": [(z[:N], torch.cat([c[:N], c[:SMALL["n_candidates"]]]))],
        "relations": [(z, c[:5])],
        "centres": [(z, c[:5])],
    }[kind]


def distance(a, b, config):
    if config.distance == "cosine":
        return 1 - torch.dot(a, b) / (a.norm() * b.norm())
    return -torch.dot(a, b) if config.distance == "neg_dot" else (a - b).square().sum()


def log_kernel(config, d):
    """Unnormalised log q of one distance."""
    if config.learned in ("gaussian", "gaussian_joint", "gaussian_doubly"):
        return -d / config.temperature
    if config.learned == "student_t_narrow":
        return -(config.df + 1) / 2 * torch.log(d)
    return -(config.df + 1) / 2 * torch.log(1 + d / (config.df * config.temperature))


def kernel_rows(config, a, b, counts_self):
    for i in range(len(a)):
        allowed = [j for j in range(len(b)) if counts_self or a is not b or j != i]
        yield i, {j: log_kernel(config, distance(a[i], b[j], config)) for j in allowed}


def doubly_rows(config, z):
    """Rows of q that Sinkhorn's iteration, unrolled for autograd, has balanced."""
    scores = [row for _, row in kernel_rows(config, z, z, False)]
    f = [z.new_zeros(())] * len(z)
    for _ in range(150):
        norms = [torch.logsumexp(torch.stack([value + f[j] for j, value in row.items()]), 0) for row in scores]
        f = [(mine - norm) / 2 for mine, norm in zip(f, norms)]
    for i, row in enumerate(scores):
        yield i, {j: value + f[j] for j, value in row.items()}


def cluster_rows(z, measure):
    phi = torch.stack([torch.exp(row) / torch.exp(row).sum() for row in z])
    m = [1.0] * len(z) if measure is None else measure
    size = [sum(phi[k, c] * m[k] for k in range(len(z))) for c in range(z.shape[1])]
    for i in range(len(z)):
        yield i, {j: torch.log(sum(phi[i, c] * phi[j, c] / size[c] for c in range(z.shape[1])) * m[j]) for j in range(len(z))}


def mixed(log_q, alpha):
    m = len(log_q)
    return {j: torch.log((1 - alpha) * torch.exp(value) + alpha / m) for j, value in log_q.items()} if alpha else log_q


def row_loss(config, p, log_q):
    """The divergence of one row."""
    forward = sum(p[j] * (torch.log(p[j]) - value) for j, value in log_q.items() if p[j] > 0)
    strangers = sum(torch.exp(value) for j, value in log_q.items() if p[j] == 0)
    q = {j: torch.exp(value) for j, value in log_q.items()}
    if config.divergence in ("rkl", "nerv"):
        backward = sum(q[j] * (value - torch.log(p[j])) for j, value in log_q.items())
        weight = config.kl_weight or 0
        return weight * forward + (1 - weight) * backward
    if config.divergence == "js":
        mean = {j: (p[j] + q[j]) / 2 for j in q}
        return sum((p[j] * torch.log(p[j] / mean[j]) if p[j] > 0 else 0) + q[j] * torch.log(q[j] / mean[j]) for j in q) / 2
    if config.divergence == "tv":
        return sum(abs(p[j] - q[j]) for j in q) / 2
    if config.divergence == "any_neighbor":
        return -torch.log(sum(q[j] for j in q if p[j] > 0))
    if config.divergence == "each_neighbor":
        return sum(p[j] * torch.log((q[j] + strangers) / q[j]) for j in q if p[j] > 0)
    assert config.divergence == "kl"
    return forward


def limit_loss(config, p, d):
    attraction = sum(p[j] * value for j, value in d.items())
    if config.learned == "kernel_wide":
        near = {j: torch.exp(-value / config.temperature) for j, value in d.items()}
        return sum(near.values()) / len(d) - sum(p[j] * value for j, value in near.items())
    if config.learned == "gaussian_wide":
        return attraction - sum(d.values()) / len(d)
    if config.learned == "gaussian_narrow":
        return attraction - min(value - (config.margin if p[j] == 0 else 0) for j, value in d.items())
    return apart_loss(config, p, d)


def apart_loss(config, p, d):
    """q in which neighbours and strangers are treated apart."""
    tau = config.temperature
    near = [j for j in d if p[j] > 0]
    if config.learned == "sigmoid":
        sure = {j: 1 / (1 + torch.exp(value / tau - config.bias)) for j, value in d.items()}
        return -sum(torch.log(share if j in near else 1 - share) for j, share in sure.items())
    if config.learned == "gaussian_angular":
        moved = {j: 1 - torch.cos(torch.arccos(1 - value) + (config.margin if j in near else 0)) for j, value in d.items()}
    else:
        moved = {j: value + (config.margin if j in near else 0) for j, value in d.items()}
    weights = {j: torch.exp(-value / tau) for j, value in moved.items()}
    if config.learned == "gaussian_hard":
        tilt = {j: weights[j] ** config.hardness for j in d if j not in near}
        weights |= {j: weights[j] * w / (sum(tilt.values()) / len(tilt)) for j, w in tilt.items()}
    norm = sum(weights.values())
    return sum(p[j] * torch.log(p[j] * norm / weights[j]) for j in near)


def means_loss(config, p, z):
    """q by the means of the classes, from which the point itself is left out."""
    total = 0.0
    for i in range(len(z)):
        weights = {}
        for j in range(len(z)):
            members = [k for k in range(len(z)) if k != i and (k == j or p[j, k] > 0)]
            if j != i:
                mean = sum(z[k] for k in members) / len(members)
                weights[j] = torch.exp(-(z[i] - mean).square().sum() / config.temperature) / len(members)
        norm = sum(weights.values())
        total = total + sum(p[i, j] * torch.log(p[i, j] * norm / w) for j, w in weights.items() if p[i, j] > 0)
    return total / len(z)


def definition(config, method, p, measure, blocks, weights=None):
    """The mean over all rows, by loops only."""
    weights = [1.0] * len(p) if weights is None else weights
    counts_self = axes.counts_self(method.p, method.q)[1]
    total, row = 0.0, 0
    alpha = config.alpha if config.alpha_on in ("q", "both") else 0
    if config.learned == "class_means":
        return means_loss(config, p, blocks[0][0])
    if config.learned.endswith("_joint"):
        z = blocks[0][0]
        pairs = {i * len(z) + j: value for i, others in kernel_rows(config, z, z, False) for j, value in others.items()}
        norm = torch.logsumexp(torch.stack(list(pairs.values())), 0)
        return row_loss(config, p[0], {j: value - norm for j, value in pairs.items()})
    for a, b in blocks:
        b = a if b is None else b
        if method.q.limit:
            for i in range(len(a)):
                allowed = [j for j in range(len(b)) if counts_self or a is not b or j != i]
                total, row = total + limit_loss(config, p[row], {j: distance(a[i], b[j], config) for j in allowed}), row + 1
            continue
        rows = cluster_rows(a, measure) if config.learned == "clusters" else kernel_rows(config, a, b, counts_self)
        rows = doubly_rows(config, a) if config.learned.endswith("_doubly") else rows
        for _, scores in rows:
            if measure is not None and measure.dim() == 2:
                scores = {j: value + torch.log(measure[row, j]) for j, value in scores.items() if measure[row, j] > 0}
            norm = torch.logsumexp(torch.stack(list(scores.values())), 0)
            log_q = mixed({j: value - norm for j, value in scores.items()}, alpha)
            total, row = total + weights[row] * row_loss(config, p[row], log_q), row + 1
    return total / row


def embeddings_for(method, seed):
    """The anchors, those of both views where the method compares them in one matrix, and other candidates."""
    both = "samples", "pairs", "codes", "taught", "relations", "centres"
    rows = N * (2 if "views" in method.p.needs and method.p.candidates in both else 1)
    return points(rows, D, seed), points(N, D, 10 + seed)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_the_method_is_its_definition(method, seed):
    given = {key: value for key, value in SMALL.items() if key in method.p.settings}
    config = Config(method=method.name, **given).resolve()
    objective = build_objective(config)
    target = objective.target(batch_for(method))
    z, c = embeddings_for(method, seed)

    def ours(z, c):
        return objective.loss(target, blocks_of(method, z, c)) + 0 * c.sum()

    def loops(z, c):
        return definition(config, method, target.p, target.measure, blocks_of(method, z, c), target.weights) + 0 * c.sum()

    agree(ours, loops, z, c, tolerance=1e-8)
    other = points(len(z), D, 99)
    differ(ours, lambda z, c: loops(other, c), z, c, by=1e-6)


def test_every_named_alpha_is_in_the_definition():
    config = Config(method="debiased_infonce_clustering").resolve()
    assert config.alpha > 0
    assert config.alpha_on == "both"
    assert math.isfinite(config.alpha)
