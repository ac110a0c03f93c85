"""What p pulls and what q pushes: the gradient of the objective on every recorded point, in two parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..data.dataset import Dataset
from ..errors import demand
from ..methods import axes
from ..methods.config import Config
from ..methods.resolve import method_of
from ..objective.component import Batch, Target
from ..objective.learned import Clusters, Joint, Mixed
from ..objective.objective import Objective, build_objective
from .trajectory import Neighbours, Trajectory


@dataclass(frozen=True, eq=False)
class Forces:
    """The gradient of the mean divergence by every embedding, in two parts (n, d); points move against it."""

    attraction: np.ndarray  # what p pulls
    repulsion: np.ndarray  # what the normaliser of q pushes


def split_forces(objective: Objective, target: Target, z: Tensor, candidates: Tensor | None = None) -> tuple[Tensor, Tensor]:
    r"""The gradient of an objective by embeddings z, in what p pulls and what q pushes.

    Every q is a kernel over its sum, :math:`\log q_{ij} = s_{ij} - \log \sum_k e^{s_{ik}}` with logits s. With
    :math:`g_{ij} = \partial L / \partial \log q_{ij}` the chain rule through the two terms gives

    .. math:: \frac{\partial L}{\partial z} = \sum_{ij} g_{ij} \frac{\partial s_{ij}}{\partial z}
              - \sum_{ij} q_{ij} \Big(\sum_k g_{ik}\Big) \frac{\partial s_{ij}}{\partial z}.

    The first sum is the attraction, from the kernel itself. For D(p || q) it has :math:`g_{ij} = -p_{ij} / n`: each point is
    drawn to its neighbours under p. The second is the repulsion, from the normaliser: there :math:`\sum_k g_{ik} = -1 / n`, so
    that each point is pushed from where q puts its weight. Where p = q they cancel. Where q leads through clusters, the
    normaliser is that of each cluster. The limits of the temperature have none: there, all that does not contain p is repulsion.

    Both parts are (n, d), and points move against them. The target is p of the points, (n, m) or (1, n * n). Candidates (m, d)
    are constants beside which the points stand; where none are given, the points are each other's.

    Examples
    --------
    >>> sne = build_objective(Config(method="sne", perplexity=2).resolve())
    >>> z = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)
    >>> p = torch.tensor([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    >>> [part[:, 0].numpy().round(2).tolist() for part in split_forces(sne, Target(p), z)]
    [[-2.67, -0.67, 3.33], [1.32, 0.09, -1.4]]
    """
    z = z.detach().clone().requires_grad_()
    return tuple(torch.autograd.grad(part, z, retain_graph=True)[0] for part in pull_and_push(objective, target, z, candidates))


def pull_and_push(objective: Objective, target: Target, z: Tensor, candidates: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Two scalars whose gradients are attraction and repulsion, by whatever the anchors z and the candidates come from."""
    q = objective.learned
    kernel = q.kernel if isinstance(q, Mixed) else q
    p = target.p.to(z.dtype)
    if not hasattr(kernel, "logits") and not isinstance(kernel, (Joint, Clusters)):  # a limit: distances in the place of log q
        d = kernel(z, candidates)
        pull = target.mean((p * d.masked_fill(p == 0, 0)).sum(1))
        return pull, target.mean(objective.divergence(p, d, target.log_p)) - pull
    log_q = kernel(z, candidates, target.measure).detach().requires_grad_()
    mixed = replace(q, kernel=lambda *_: log_q)(z) if isinstance(q, Mixed) else log_q
    (g,) = torch.autograd.grad(target.mean(objective.divergence(p, mixed, target.log_p)), log_q)
    allowed = log_q > -torch.inf
    g = g.where(allowed, 0)
    if isinstance(kernel, Clusters):  # log q depends on the memberships, and on the size of each cluster
        join, member = z.log_softmax(1), (z if candidates is None else candidates).log_softmax(1)
        member = member if target.measure is None else member + target.measure.log()[:, None]
        size = member.logsumexp(0)
        pull = (join[:, None] + member - size.detach()).logsumexp(2)
        push = (join.detach()[:, None] + member.detach() - size).logsumexp(2)
        return (g * pull).sum(), (g * push).sum()
    logits = kernel.kernel.logits(z, candidates).reshape(1, -1) if isinstance(kernel, Joint) else kernel.logits(z, candidates)
    logits = logits.where(allowed, 0)
    return (g * logits).sum(), -(log_q.detach().exp() * g.sum(1, keepdim=True) * logits).sum()


class OnPoints:
    """The objective of a run, with a resolved config, over its recorded points, which are each other's candidates."""

    def __init__(self, config: Config, dataset: Dataset, trajectory: Trajectory):
        self.trajectory, self.objective = trajectory, build_objective(config)
        self.row = axes.SUPERVISORY[method_of(config).supervisory]
        held_out = trajectory.held_out is not None and bool(trajectory.held_out.any())
        index = torch.from_numpy(np.asarray(trajectory.index))
        x = dataset.x_test if held_out else dataset.x
        y = None if trajectory.labels is None else torch.from_numpy(np.asarray(trajectory.labels))
        taken = (dataset.graph, dataset.companion)
        graph, companion = (None if held_out or each is None else each.to_dense()[index] for each in taken)
        flat = dataset.flat(x[index]).double() if "inputs" in self.row.needs else None
        graph = None if graph is None else graph[:, index].double()
        self.unknown = {"companion", "graph"} & set(self.row.needs) if held_out else ()
        self.batch = Batch(index, flat, y, dataset.n_classes, torch.float64, companion, graph)

    @property
    def lacking(self) -> str:
        """Why p says nothing about the recorded points, or nothing."""
        if self.row.candidates not in ("samples", "pairs"):
            return f"supervisory={self.row.name!r} spreads over {self.row.candidates}, which are not recorded: use another"
        if "views" in self.row.needs:
            return f"supervisory={self.row.name!r} joins views, which are not recorded: use another"
        if self.unknown:
            return f"supervisory={self.row.name!r} needs a {min(self.unknown)}, and held-out points have none: use another"
        return ""

    def target(self) -> Target:
        demand(not self.lacking, self.lacking)
        return self.objective.target(self.batch)

    def forces(self, frame: int) -> Forces:
        z = torch.from_numpy(self.trajectory.embeddings[frame]).double()
        return Forces(*(part.numpy() for part in split_forces(self.objective, self.target(), z)))

    def q(self, frame: int) -> Tensor:
        """q of the points at a recorded frame, (n, n), rows that sum to one."""
        with torch.no_grad():
            return per_point(self.objective.learned(torch.from_numpy(self.trajectory.embeddings[frame])).exp())

    def neighbours(self, k: int = 4) -> Neighbours | None:
        """Who is near whom: the k strongest neighbours of every point; None where q is not over points, or no distribution."""
        if self.row.candidates not in ("samples", "pairs", "views", "keys") or hasattr(self.objective.learned, "divergence"):
            return None
        q = [strongest(self.q(frame), k) for frame in range(self.trajectory.n_frames)]
        return Neighbours(None if self.lacking else strongest(per_point(self.target().p), k), tuple(map(np.stack, zip(*q))))


def strongest(rows: Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The columns and the values of the k largest entries of every row (n, m), largest first, both (n, k)."""
    values, columns = rows.topk(min(k, rows.shape[1]))
    return columns.numpy(), values.numpy()


def per_point(matrix: Tensor) -> Tensor:
    """The rows of a distribution over all pairs, (1, n * n), each made to sum to one; other rows as they are."""
    if matrix.shape[0] > 1:
        return matrix
    matrix = matrix.reshape(round(matrix.numel() ** 0.5), -1)
    return matrix / matrix.sum(1, keepdim=True)
