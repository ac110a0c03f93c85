"""p(j|i), who should be near whom: from identity, from neighbourhoods of the inputs, from graphs.

Every p takes a Batch and returns (n, m) rows that sum to one.
"""

from ..batch import Batch
from .graphs import CompanionNeighbors, GraphGibbs, GraphWeights, NearestNeighbors, Spectral, ViewsAndNeighbors
from .identity import Identity, Label, Mixed, OtherSide, PositivePairs, PositivePairsJoint, SameClass
from .neighbourhoods import Companion, Gaussian, GaussianFixed, GaussianJoint, ShortestPaths, StudentT
from .perplexity import perplexity_rows

__all__ = [
    "Batch", "Companion", "CompanionNeighbors", "Gaussian", "GaussianFixed", "GaussianJoint", "GraphGibbs",
    "GraphWeights", "Identity", "Label", "Mixed", "NearestNeighbors", "OtherSide", "PositivePairs",
    "PositivePairsJoint", "SameClass", "ShortestPaths", "Spectral", "StudentT", "ViewsAndNeighbors", "perplexity_rows",
]  # fmt: skip
