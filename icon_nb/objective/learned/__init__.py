"""log q(j|i), who is near whom in the embedding: kernels of a distance, their limits, margins, and clusters.

Every q takes z (n, d) and returns (n, m) log-probabilities.
"""

from ..component import without_self  # noqa: I001 (which would write a name a line)
from .kernels import Clusters, DoublyStochastic, Gaussian, Joint, Mixed, StudentT, StudentTNarrow
from .limits import (
    ClassMeans, GaussianAngular, GaussianHard, GaussianMargin, GaussianNarrow, GaussianWide, KernelWide, Sigmoid,
)  # fmt: skip

__all__ = [
    "ClassMeans", "Clusters", "DoublyStochastic", "Gaussian", "GaussianAngular", "GaussianHard", "GaussianMargin",
    "GaussianNarrow", "GaussianWide", "Joint", "KernelWide", "Mixed", "Sigmoid", "StudentT", "StudentTNarrow", "without_self",
]  # fmt: skip
