"""What a trajectory shows: quantities of one embedding, curves over the frames, and a diagnosis in words."""

from .diagnosis import diagnose
from .probing import alignment, as_points, effective_rank, resolve_metric, uniformity
from .readings import curves, dimensions, knn_curve, measure, movement, spread, turning

__all__ = [
    "alignment", "as_points", "effective_rank", "resolve_metric", "uniformity",
    "curves", "dimensions", "knn_curve", "measure", "movement", "spread", "turning", "diagnose",
]  # fmt: skip
