"""What the table cannot hold: losses that are no D(p || q) of rows that sum to one, and why. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from .cell import Paper

_BOUNDED = "A KL is never negative, so with p fixed the loss has a least value."
_MIXED = "Under a softmax two scores of a row meet: the second derivative by s+ and s- is q+ q-."
_SUMS = "Under a softmax, and in its limits, the derivatives by the scores of a row sum to zero."


@dataclass(frozen=True)
class Outside:
    """A loss that is no cell of the table, as a function of the scores s of one row, and the two lines that show it."""

    name: str
    loss: str
    paper: Paper
    why: str


OUTSIDE: tuple[Outside, ...] = (
    Outside(
        "Decoupled contrastive (DCL)", r"-s_+ + \log \sum_- e^{s_-}",
        Paper("Yeh et al.", 2021, "Decoupled Contrastive Learning", "2110.06848"),
        f"{_BOUNDED} This one leaves s+ out of its normaliser, and falls without end as s+ grows.",
    ),
    Outside(
        "ProxyNCA of 2017", r"d_+ + \log \sum_- e^{-d_-}",
        Paper("Movshovitz-Attias et al.", 2017, "No Fuss Distance Metric Learning using Proxies", "1703.07464"),
        f"{_BOUNDED} This one leaves the own proxy out of its normaliser; ProxyNCA++ puts it back, and is a cell.",
    ),
    Outside(
        "Spectral contrastive", r"-2 s_+ + \frac{1}{m} \sum_- s_-^2",
        Paper("HaoChen et al.", 2021, "Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss",
        "2106.04156"),
        f"{_MIXED} This one adds a term in s+ and a term in s-, so that it is 0.",
    ),
    Outside(
        "Barlow Twins", r"\sum_k (1 - s_{kk})^2 + \lambda \sum_{k \ne l} s_{kl}^2",
        Paper("Zbontar et al.", 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", "2103.03230"),
        f"{_MIXED} Every correlation has its own square, so that it is 0; `dimension_contrastive` is the cell nearest to it.",
    ),
    Outside(
        "BYOL and SimSiam", r"2 - 2 s_+",
        Paper("Grill et al.", 2020, "Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning", "2006.07733"),
        f"{_SUMS} Here they sum to -2: nothing pushes, and a slow or stopped copy keeps all from ending in one place.",
    ),
    Outside(
        "Robust InfoNCE (RINCE)", r"-\frac{1}{q} e^{q s_+} + \frac{1}{q} \big( \lambda \sum_j e^{s_j} \big)^q",
        Paper("Chuang et al.", 2022, "Robust Contrastive Learning against Noisy Views", "2201.04309"),
        f"{_SUMS} Here they sum to minus e^(q s+) plus the power of the sum, which is 0 at single points only.",
    ),
)  # fmt: skip
