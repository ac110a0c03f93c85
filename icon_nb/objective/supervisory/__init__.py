"""p(j|i), who should be near whom: from identity, from neighbourhoods of the inputs, from graphs, from teachers.

Every p takes a Batch and returns (n, m) rows that sum to one.
"""

from ..component import Batch  # noqa: I001 (which would write a name a line)
from .graphs import (
    CompanionNeighbors, GraphContexts, GraphGibbs, GraphWeights, NearestNeighbors, SampledNeighbors, Spectral, ViewsAndNeighbors,
)  # fmt: skip
from .identity import Identity, KeyAndQueue, Label, Mixed, OtherSide, PositivePairs, PositivePairsJoint, SameClass
from .neighbourhoods import (
    Companion, Gaussian, GaussianFixed, GaussianJoint, Sharpened, ShortestPaths, StudentT, SwappedCodes, SymmetricEntropic,
    Teacher, perplexity_rows,
)  # fmt: skip

__all__ = [
    "Batch", "Companion", "CompanionNeighbors", "Gaussian", "GaussianFixed", "GaussianJoint", "GraphContexts",
    "GraphGibbs", "GraphWeights", "Identity", "KeyAndQueue", "Label", "Mixed", "NearestNeighbors", "OtherSide",
    "PositivePairs", "PositivePairsJoint", "SameClass", "SampledNeighbors", "Sharpened", "ShortestPaths", "Spectral",
    "StudentT", "SwappedCodes", "SymmetricEntropic", "Teacher", "ViewsAndNeighbors", "perplexity_rows",
]  # fmt: skip
