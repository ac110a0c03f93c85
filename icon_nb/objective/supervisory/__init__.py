"""p(j|i), who should be near whom: from identity, from neighbourhoods of the inputs, from graphs.

Every p takes a Batch and returns (n, m) rows that sum to one.
"""

from ..batch import Batch
from .graphs import CompanionNeighbors, GraphGibbs, GraphWeights, NearestNeighbors, Spectral, ViewsAndNeighbors
from .identity import Identity, Label, Mixed, OtherSide, PositivePairs, SameClass
from .neighbourhoods import Companion, Gaussian, GaussianFixed, GaussianJoint, StudentT
from .perplexity import perplexity_rows

__all__ = [
    "Batch",
    "Companion",
    "CompanionNeighbors",
    "Gaussian",
    "GaussianFixed",
    "GaussianJoint",
    "GraphGibbs",
    "GraphWeights",
    "Identity",
    "Label",
    "Mixed",
    "NearestNeighbors",
    "OtherSide",
    "PositivePairs",
    "SameClass",
    "Spectral",
    "StudentT",
    "ViewsAndNeighbors",
    "perplexity_rows",
]
