"""p(j|i) from what a teacher says of each candidate, or the network itself: the ``companion`` of the batch, (n, m)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..batch import Batch
from ..component import Softmax
from .identity import OtherSide


@dataclass(frozen=True)
class Teacher(Softmax):
    r"""The softmax of what a teacher says, :math:`p_{ic} \propto e^{g_{ic} / \tau_p}` (Hinton et al. 2015).

    >>> Teacher(p_temperature=2.0)(Batch(index=torch.arange(1), companion=torch.tensor([[2.0, 0.0]]))).round(decimals=4)
    tensor([[0.7311, 0.2689]])
    """

    p_temperature: float = 1.0

    include_self = True

    def scores(self, batch: Batch) -> Tensor:
        return batch.need("companion", self) / self.p_temperature


@dataclass(frozen=True)
class SwappedCodes(Teacher):
    r"""The same, balanced: within each view all candidates are used alike, by Sinkhorn's iteration (SwAV, Caron et al. 2020).

    >>> said = torch.tensor([[2.0, 0.0], [1.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    >>> p = SwappedCodes()(Batch(index=torch.tensor([0, 1, 0, 1]), companion=said))
    >>> p[:2].sum(0).round(decimals=1)
    tensor([1., 1.])
    """

    def log_rows(self, batch: Batch) -> Tensor:
        views = self.scores(batch).chunk(len(batch.index) // batch.n_samples)
        for _ in range(3):  # as in the published code
            views = [(view - view.logsumexp(0)).log_softmax(1) for view in views]
        return torch.cat(views)


@dataclass(frozen=True)
class KeyAndQueue(OtherSide):
    r"""All mass on the own key, :math:`p_{ij} = 1[s_i = s_j]`, where the candidates are the keys of the batch and a queue (MoCo).

    >>> p, batch = KeyAndQueue(n_candidates=2), Batch(index=torch.tensor([0, 1, 0, 1]))
    >>> p(batch)[0], p.measure(batch)[0]
    (tensor([1., 0., 0., 0.]), tensor([1., 0., 1., 1.]))
    """

    n_candidates: int = 256

    def measure(self, batch: Batch) -> Tensor:
        """Weights (n, m) of the candidates: the other keys of the batch are none."""
        return pad(super().rows(batch), (0, self.n_candidates), value=1)

    def rows(self, batch: Batch) -> Tensor:
        return pad(super().rows(batch), (0, self.n_candidates))
