"""How good an embedding is: one score for each row of :data:`icon_nb.methods.catalogue.SCORES`, and the functions behind them.

Every function takes plain arrays or tensors and knows nothing of configs: embeddings z (n, d), classes y (n,), whole numbers,
inputs x (n, ...). Distances are Euclidean, between directions where ``metric`` is ``"cosine"``; ``"auto"`` takes directions for
more than three dimensions. Embeddings that are not finite, and shapes that do not match, are a DataError.
"""

from __future__ import annotations

import sys
import warnings
from pkgutil import resolve_name
from types import ModuleType

import numpy as np

from ..errors import DataError, shown
from ..methods.catalogue import SCORES
from . import probing
from .probing import FEW_POINTS, as_array, as_points, finite_matrix, folds, knn_accuracy, linear_probe, probe, split
from .trajectory import choose_points

__all__ = [
    "FEW_POINTS", "SCORES", "clustering", "clustering_accuracy", "evaluate", "folds", "knn_accuracy", "linear_probe",
    "neighbour_overlap", "neighbourhood_preservation", "probe", "separability", "split",
]  # fmt: skip


def clustering_accuracy(assignment, y) -> float:
    r"""Share of points in the right cluster under the best one-to-one matching of clusters to classes.

    .. math:: \max_{\pi} \frac1n \sum_i \mathbb{1}[y_i = \pi(a_i)]

    with the matching found by the Hungarian algorithm (Kuhn 1955), for the cluster and the class of every point, (n,) both; the
    numbers themselves do not matter. In [0, 1]: clusters beyond the number of classes match nothing.

    Examples
    --------
    >>> clustering_accuracy([2, 2, 0, 0], [0, 0, 1, 1])
    1.0
    """
    from scipy.optimize import linear_sum_assignment

    y, assignment = as_array(y), as_array(assignment, len(y))
    classes, y = np.unique(y, return_inverse=True)
    clusters, assignment = np.unique(assignment, return_inverse=True)
    counts = np.zeros((len(clusters), len(classes)), dtype=np.int64)
    np.add.at(counts, (assignment, y), 1)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(y))


def clustering(z, y, n_clusters: int | None = None, seed: int = 0, metric: str = "auto") -> dict[str, float]:
    """Do the classes lie in clumps? k-means on the embedding, with a cluster for each class where no number is given.

    Gives ``clustering_accuracy`` (Hungarian matching) and ``nmi`` (mutual information over the mean entropy), both in [0, 1].
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import normalized_mutual_info_score

    points = as_points(finite_matrix(z), metric)
    y = as_array(y, len(points))
    n_clusters = min(n_clusters or len(np.unique(y)), len(points))
    with warnings.catch_warnings():  # fewer distinct points than clusters: a collapsed embedding, and the score says so
        warnings.simplefilter("ignore", ConvergenceWarning)
        assignment = KMeans(n_clusters, n_init=4, random_state=seed).fit_predict(points)
    nmi = float(np.clip(normalized_mutual_info_score(y, assignment), 0, 1))
    return {"clustering_accuracy": clustering_accuracy(assignment, y), "nmi": nmi}


def neighbourhood_preservation(x, z, k: int = 10, *, max_points: int = 1000, seed: int = 0, metric: str = "auto") -> float:
    r"""Trustworthiness: are the neighbours that the embedding shows also neighbours among the inputs?

    .. math:: T = 1 - \frac{2}{nk(2n - 3k - 1)} \sum_i \sum_{j \in N_k(i)} \max(0, r(i, j) - k)

    where :math:`N_k(i)` are the k nearest in z and r is the rank by Euclidean distance in x, flattened (Venna & Kaski 2001). In
    [0, 1]: about 0.5 for a random embedding, 1 when every shown neighbour is a true one. k is clipped below n/2, and more than
    ``max_points`` are sampled down: the cost grows with their square.
    """
    from sklearn.manifold import trustworthiness

    z, x = finite_matrix(z), as_array(x)
    if len(x) != len(z) or len(z) < 4:
        raise DataError(f"neighbourhood preservation needs one input per embedding and at least 4, got {len(x)} and {len(z)}")
    keep = choose_points(len(z), max_points, seed)
    k = max(1, min(k, (len(keep) - 1) // 2))
    x = x[keep].reshape(len(keep), -1).astype(np.float64)
    return float(trustworthiness(x, as_points(z[keep], metric), n_neighbors=k))


def neighbour_overlap(a, b, k: int = 10) -> float:
    r"""Share of the k nearest neighbours of a point among the rows of a that are also its nearest among those of b.

    .. math:: \frac{1}{nk} \sum_i |N_k^a(i) \cap N_k^b(i)|

    Rows of a (n, d) and b (n, d') are the same points in the same order, and k < n; distances are Euclidean. With inputs for a
    and a map for b this is the kNN recall, in [0, 1].

    Examples
    --------
    >>> neighbour_overlap(np.arange(6)[:, None] ** 2, np.arange(6)[:, None] ** 3, k=1)
    1.0
    """
    from sklearn.neighbors import NearestNeighbors

    rows = [as_array(each) for each in (a, b)]
    one, other = (NearestNeighbors(n_neighbors=k).fit(each).kneighbors(return_distance=False) for each in rows)
    return float((one[:, :, None] == other[:, None, :]).any(2).mean())


def separability(z, y, *, max_points: int = 2000, seed: int = 0, metric: str = "auto") -> float:
    r"""Mean silhouette of the true classes: how much nearer a point is to its own class than to the next one.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)}

    a is the mean distance to the own class, b to the nearest other class (Rousseeuw 1987). In [-1, 1]: 1 for tight classes far
    apart, 0 for classes on top of each other; a DataError for fewer than two classes, or only classes of one point. At most
    ``max_points``, drawn with ``seed``, are looked at: the cost grows with their square.
    """
    from sklearn.metrics import silhouette_score

    z = finite_matrix(z)
    y = as_array(y, len(z))
    keep = choose_points(len(z), max_points, seed)
    z, y = z[keep], y[keep]
    if not 2 <= len(np.unique(y)) < len(y):
        raise DataError(f"separability needs at least two classes, one of them with two points, got {len(np.unique(y))} classes")
    return float(silhouette_score(as_points(z, metric), y))


def evaluate(z, y=None, x=None, seed: int = 0, metric: str = "auto", *, linear: bool = True) -> dict[str, float]:
    """Every score of this module for one embedding: a float for each name in ``SCORES``.

    Parameters
    ----------
    y : integer tensor or array (n,) or None
        Without labels, or with a single class, the scores that need them are NaN.
    x : tensor or array (n, ...) or None
        Inputs, for ``neighbourhood_preservation``, which is NaN for fewer than four points: they have no neighbourhoods.
    metric : {"auto", "cosine", "euclidean"}
        ``alignment`` and ``uniformity`` are about directions and are NaN when positions are compared.
    linear : bool
        False leaves the linear probe out, which takes the most time; it is NaN then.

    Examples
    --------
    >>> scores = evaluate(np.random.default_rng(0).normal(size=(40, 8)))
    >>> bool(np.isnan(scores["knn"])), bool(scores["effective_rank"] > 6)
    (True, True)
    """
    if hasattr(z, "trajectory"):
        raise DataError(f"{shown(z)} is a run: read its results.scores, or give evaluate its embeddings")
    z = finite_matrix(z)
    y = None if y is None else as_array(y, len(z))
    given = {"z": z, "y": y, "x": x, "seed": seed, "metric": metric, "linear": linear}
    known = {
        "labels": y is not None and 2 <= len(np.unique(y)) < len(y),
        "inputs": x is not None and len(z) > 3,  # fewer have no neighbourhoods to keep
        "directions": probing.resolve_metric(metric, z.shape[1]) == "cosine" and len(z) > 1,
    }
    scores = dict.fromkeys(SCORES, float("nan"))
    for name, row in SCORES.items():
        if all(known[need] for need in row.needs) and np.isnan(scores[name]):
            found = resolve_name(row.make)(**{argument: given[argument] for argument in row.takes})
            scores |= found if isinstance(found, dict) else {name: found}  # one function may give several
    return scores


class _Module(ModuleType):
    """This module, which says where the function of its name is when it is called."""

    def __call__(self, *args, **options):
        raise DataError("icon_nb.evaluate is a module: call icon_nb.evaluate.evaluate(z, y, x), or read results.scores of a run")


sys.modules[__name__].__class__ = _Module
