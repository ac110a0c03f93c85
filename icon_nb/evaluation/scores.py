"""How good an embedding is: probes that read it with labels, and scores that compare it with the inputs or with itself.

Every function takes plain arrays or tensors and knows nothing of configs. Distances are read in one of two ways: ``"cosine"``
compares directions, ``"euclidean"`` compares positions; ``"auto"`` reads maps of up to three dimensions as positions and
everything else as directions.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch

from ..errors import DataError
from .dynamics import alignment, as_points, effective_rank, resolve_metric, uniformity
from .trajectory import as_matrix, choose_points

SCORES = (
    "linear_probe",
    "knn",
    "clustering_accuracy",
    "nmi",
    "neighbourhood_preservation",
    "separability",
    "effective_rank",
    "alignment",
    "uniformity",
)
CHUNK = 512  # rows of the distance matrix alive at once: 512 x 2,000 floats stay in the cache


def knn_accuracy(z, y, k: int = 5, *, bank=None, bank_labels=None, metric: str = "auto") -> float:
    r"""Share of points whose class wins the vote of their k nearest neighbours.

    .. math:: \frac1n \sum_i \mathbb{1}\Big[y_i = \arg\max_c \sum_{j \in N_k(i)} \mathbb{1}[y_j = c]\Big]

    Parameters
    ----------
    z : tensor or array (n, d)
        Embeddings, on any device.
    y : integer tensor or array (n,)
    k : int
        Neighbours that vote; clipped to the number there are. A tied vote goes to the class that has the nearest member.
    bank, bank_labels : (m, d) and (m,), optional
        Where the neighbours are looked for. Without them each point asks all the others, never itself.
    metric : {"auto", "cosine", "euclidean"}

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    DataError
        Labels missing or of another length, fewer than two points, non-finite values.

    Examples
    --------
    >>> knn_accuracy([[0.0, 1], [0.1, 1], [1, 0], [1, 0.1]], [0, 0, 1, 1], k=1)
    1.0
    """
    z, alone = _tensor(z), bank is None
    y = _labels(y, len(z), z.device)
    bank, bank_labels = (z, y) if alone else (_tensor(bank).to(z), _labels(bank_labels, len(bank), z.device))
    if len(z) == 0 or len(bank) < 1 + alone or k < 1:
        raise DataError(f"kNN needs k >= 1 and a neighbour for every point, got k={k}, {len(z)} points, {len(bank)} in the bank")
    k, closeness = min(k, len(bank) - alone), _closeness(z, bank, metric)
    right = torch.zeros((), device=z.device)
    for start in range(0, len(z), CHUNK):
        close = closeness(slice(start, start + CHUNK))  # (chunk, m)
        if alone:
            close[:, start : start + CHUNK].diagonal().fill_(-torch.inf)
        right += (_vote(bank_labels[close.topk(k).indices]) == y[start : start + CHUNK]).sum()
    # Diverged points turn the count into NaN on the device, so that reading it stays the only wait for a GPU.
    count = torch.where(torch.isfinite(z).all() & torch.isfinite(bank).all(), right, torch.nan).item()
    if count != count:
        raise DataError(_DIVERGED)
    return count / len(z)


def _vote(neighbours: torch.Tensor) -> torch.Tensor:
    """Winning label of each row of ``neighbours`` (n, k), nearest first; no count of the classes, which would be a sync."""
    k = neighbours.shape[1]
    votes = (neighbours[:, :, None] == neighbours[:, None, :]).sum(-1)  # (n, k)
    nearest_first = torch.arange(k, device=neighbours.device)
    return neighbours.gather(1, (votes * k - nearest_first).argmax(1, keepdim=True))[:, 0]


def _closeness(z: torch.Tensor, bank: torch.Tensor, metric: str):
    """A function of a slice of rows that gives their closeness (rows, m) to the bank: larger is closer."""
    if resolve_metric(metric, z.shape[1]) == "cosine":
        z, bank = torch.nn.functional.normalize(z), torch.nn.functional.normalize(bank)
        return lambda rows: z[rows] @ bank.T
    # The matrix product form of a distance loses the digits that tell near neighbours in a wide map apart.
    mode = "donot_use_mm_for_euclid_dist" if z.shape[1] <= 8 else "use_mm_for_euclid_dist"
    centre = bank.mean(0)
    return lambda rows: -torch.cdist(z[rows] - centre, bank - centre, compute_mode=mode)


FEW_POINTS = 1000
"""Up to so many points are cross-validated."""


def split(y, test_size: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a training and a test part that both hold every class in its share.

    A class with a single member stays in the training part. Classes are laid end to end, shuffled inside, and the test points
    are drawn from that line at equal steps: every class gets its share to within one point.

    Parameters
    ----------
    y : integer array (n,)
    test_size : float
        Share of the points to test on, in (0, 1).
    seed : int

    Returns
    -------
    train, test : int arrays
        Sorted, disjoint, together all n positions.

    Examples
    --------
    >>> train, test = split([0] * 10 + [1] * 5, test_size=0.2)
    >>> len(train), len(test)
    (12, 3)
    """
    y = _array(y)
    if not 0 < test_size < 1:
        raise DataError(f"test_size must lie between 0 and 1, got {test_size}")
    free = _testable(y, seed)
    n_test = min(max(1, round(test_size * len(y))), len(free))
    test = np.sort(free[((np.arange(n_test) + 0.5) * len(free) / n_test).astype(int)])
    return np.setdiff1d(np.arange(len(y)), test), test


def folds(y, n_folds: int = 5, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """As :func:`split`, several times: every point is tested once, but for one of each class, which always stays in training.

    Examples
    --------
    >>> [len(test) for train, test in folds([0] * 10 + [1] * 5, n_folds=4)]
    [4, 3, 3, 3]
    """
    y = _array(y)
    free = _testable(y, seed)
    tests = [np.sort(free[fold::n_folds]) for fold in range(min(n_folds, len(free)))]
    return [(np.setdiff1d(np.arange(len(y)), test), test) for test in tests]


def _testable(y: np.ndarray, seed: int) -> np.ndarray:
    """Positions class after class, shuffled inside, without the first of each class, which is kept for training."""
    shuffled = np.random.default_rng(seed).permutation(len(y))
    line = shuffled[np.argsort(y[shuffled], kind="stable")]
    starts = np.r_[True, y[line][1:] != y[line][:-1]]
    if starts.all():
        raise DataError(f"cannot split {len(y)} points: no class has two members, so none can stand on both sides")
    return line[~starts]


def linear_probe(z_train, y_train, z_test, y_test, C: float = 1.0) -> float:
    r"""Accuracy on the test points of a logistic regression fitted on the training points.

    Features are standardised with the training mean and deviation; constant ones are left at zero.

    .. math:: \min_{W, b} \sum_i -\log \mathrm{softmax}(W \tilde z_i + b)_{y_i} + \tfrac{1}{2C} \lVert W \rVert^2

    Parameters
    ----------
    z_train, z_test : tensor or array (n, d), (m, d)
    y_train, y_test : integer tensor or array (n,), (m,)
    C : float
        Inverse strength of the penalty, positive.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    DataError
        Only one class to train on, nothing to test on, shapes that do not match, non-finite values.

    Notes
    -----
    The optimiser stops after 200 steps at the latest, which bounds the time where the classes can be separated perfectly and the
    optimum lies far out.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    z_train, z_test = _finite_array(z_train), _finite_array(z_test)
    y_train, y_test = _array(y_train, len(z_train)), _array(y_test, len(z_test))
    if len(np.unique(y_train)) < 2 or len(y_test) == 0:
        raise DataError(
            f"a linear probe needs two classes to train on and points to test on, got {len(np.unique(y_train))} "
            f"class and {len(y_test)} test points: evaluate with more points or more classes"
        )
    mean, deviation = z_train.mean(0, dtype=np.float64), z_train.std(0, dtype=np.float64)
    # A feature that only wobbles in the last float32 digit is constant; scaling it up would feed noise to the probe.
    scale = np.where(deviation > 1e-6 * (np.abs(mean) + 1e-30), deviation, np.inf).astype(np.float32)
    mean = mean.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=C, max_iter=200).fit((z_train - mean) / scale, y_train)
    return float(model.score((z_test - mean) / scale, y_test))


def probe(z, y, seed: int = 0, k: int = 5, metric: str = "auto", *, linear: bool = True) -> dict[str, float]:
    """Linear probe and kNN: both learn from the same 80 % of the points and are tested on the other 20 %.

    Of up to 1,000 points, where one such part would be a coarse measure, each is tested once: five-fold cross-validation.

    Parameters
    ----------
    z : tensor or array (n, d)
    y : integer tensor or array (n,)
    seed : int
        Draws the split.
    k : int
        Neighbours that vote.
    linear : bool
        False fits no linear probe; its score is NaN.

    Returns
    -------
    dict
        ``linear_probe`` and ``knn``, both in [0, 1].
    """
    z, y = _finite_array(z), _array(y, len(z))
    parts = folds(y, seed=seed) if len(y) <= FEW_POINTS else [split(y, seed=seed)]
    sizes = [len(test) for _, test in parts]
    near = [knn_accuracy(z[test], y[test], k, bank=z[train], bank_labels=y[train], metric=metric) for train, test in parts]
    straight = [linear_probe(z[train], y[train], z[test], y[test]) if linear else np.nan for train, test in parts]
    return {"linear_probe": float(np.average(straight, weights=sizes)), "knn": float(np.average(near, weights=sizes))}


def clustering_accuracy(assignment, y) -> float:
    r"""Share of points in the right cluster under the best one-to-one matching of clusters to classes.

    .. math:: \max_{\pi} \frac1n \sum_i \mathbb{1}[y_i = \pi(a_i)]

    with the matching found by the Hungarian algorithm (Kuhn 1955). Clusters beyond the number of classes match nothing.

    Parameters
    ----------
    assignment, y : integer tensors or arrays (n,)
        The cluster and the class of every point; the numbers themselves do not matter.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    DataError
        Another number of labels than of points.

    Examples
    --------
    >>> clustering_accuracy([2, 2, 0, 0], [0, 0, 1, 1])
    1.0
    """
    from scipy.optimize import linear_sum_assignment

    y, assignment = _array(y), _array(assignment, len(y))
    classes, y = np.unique(y, return_inverse=True)
    clusters, assignment = np.unique(assignment, return_inverse=True)
    counts = np.zeros((len(clusters), len(classes)), dtype=np.int64)
    np.add.at(counts, (assignment, y), 1)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(y))


def clustering(z, y, n_clusters: int | None = None, seed: int = 0, metric: str = "auto") -> dict[str, float]:
    """Do the classes lie in clumps? k-means on the embedding, compared with the labels.

    Parameters
    ----------
    z : tensor or array (n, d)
    y : integer tensor or array (n,)
    n_clusters : int, optional
        Defaults to the number of classes.

    Returns
    -------
    dict
        ``clustering_accuracy`` (Hungarian matching) and ``nmi`` (mutual information over the mean entropy), both in [0, 1].
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import normalized_mutual_info_score

    points = as_points(_finite_array(z), metric)
    y = _array(y, len(points))
    n_clusters = min(n_clusters or len(np.unique(y)), len(points))
    with warnings.catch_warnings():  # fewer distinct points than clusters: a collapsed embedding, and the score says so
        warnings.simplefilter("ignore", ConvergenceWarning)
        assignment = KMeans(n_clusters, n_init=4, random_state=seed).fit_predict(points)
    nmi = float(np.clip(normalized_mutual_info_score(y, assignment), 0, 1))
    return {"clustering_accuracy": clustering_accuracy(assignment, y), "nmi": nmi}


def neighbourhood_preservation(x, z, k: int = 10, *, max_points: int = 1000, seed: int = 0, metric: str = "auto") -> float:
    r"""Trustworthiness: are the neighbours that the embedding shows also neighbours among the inputs?

    .. math:: T = 1 - \frac{2}{nk(2n - 3k - 1)} \sum_i \sum_{j \in N_k(i)} \max(0, r(i, j) - k)

    where :math:`N_k(i)` are the k nearest in z and r is the rank by Euclidean distance in x (Venna & Kaski 2001). About 0.5 for
    a random embedding, 1 when every shown neighbour is a true one.

    Parameters
    ----------
    x : tensor or array (n, ...)
        Inputs; flattened.
    z : tensor or array (n, d)
    k : int
        Neighbours; clipped below n/2.
    max_points : int
        A larger n is sampled down: the cost grows with its square.

    Returns
    -------
    float
        In [0, 1].
    """
    from sklearn.manifold import trustworthiness

    z, x = _finite_array(z), _array(x)
    if len(x) != len(z) or len(z) < 4:
        raise DataError(f"neighbourhood preservation needs one input per embedding and at least 4, got {len(x)} and {len(z)}")
    keep = choose_points(len(z), max_points, seed)
    k = max(1, min(k, (len(keep) - 1) // 2))
    x = x[keep].reshape(len(keep), -1).astype(np.float64)
    return float(trustworthiness(x, as_points(z[keep], metric), n_neighbors=k))


def separability(z, y, *, max_points: int = 2000, seed: int = 0, metric: str = "auto") -> float:
    r"""Mean silhouette of the true classes: how much nearer a point is to its own class than to the next one.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)}

    a is the mean distance to the own class, b to the nearest other class (Rousseeuw 1987). Distances are Euclidean, between
    directions where ``metric`` is cosine.

    Parameters
    ----------
    z : tensor or array (n, d)
        Embeddings.
    y : integer tensor or array (n,)
    max_points : int
        At most so many, drawn with ``seed``, are looked at: the cost grows with their square.
    metric : {"auto", "cosine", "euclidean"}

    Returns
    -------
    float
        In [-1, 1]: 1 for tight classes far apart, 0 for classes on top of each other.

    Raises
    ------
    DataError
        Fewer than two classes, only classes of one point, labels missing, non-finite values.
    """
    from sklearn.metrics import silhouette_score

    z = _finite_array(z)
    y = _array(y, len(z))
    keep = choose_points(len(z), max_points, seed)
    z, y = z[keep], y[keep]
    if not 2 <= len(np.unique(y)) < len(y):
        raise DataError(f"separability needs at least two classes, one of them with two points, got {len(np.unique(y))} classes")
    return float(silhouette_score(as_points(z, metric), y))


def evaluate(z, y=None, x=None, seed: int = 0, metric: str = "auto", *, linear: bool = True) -> dict[str, float]:
    """Every score of this module for one embedding.

    Parameters
    ----------
    z : tensor or array (n, d)
    y : integer tensor or array (n,) or None
        Without labels, or with a single class, the scores that need them are NaN.
    x : tensor or array (n, ...) or None
        Inputs, for ``neighbourhood_preservation``.
    metric : {"auto", "cosine", "euclidean"}
        ``alignment`` and ``uniformity`` are about directions and are NaN when positions are compared.
    linear : bool
        False leaves the linear probe out, which takes the most time; it is NaN then.

    Returns
    -------
    dict
        One float for each name in ``SCORES``.

    Raises
    ------
    DataError
        Non-finite embeddings (training has diverged), or shapes that do not match.

    Examples
    --------
    >>> scores = evaluate(np.random.default_rng(0).normal(size=(40, 8)))
    >>> bool(np.isnan(scores["knn"])), bool(scores["effective_rank"] > 6)
    (True, True)
    """
    z = _finite_array(z)
    y = None if y is None else _array(y, len(z))
    scores = dict.fromkeys(SCORES, float("nan")) | {"effective_rank": effective_rank(z)}
    on_sphere = resolve_metric(metric, z.shape[1]) == "cosine"
    if on_sphere and len(z) > 1:
        scores["uniformity"] = uniformity(z)
    if x is not None:
        scores["neighbourhood_preservation"] = neighbourhood_preservation(x, z, seed=seed, metric=metric)
    if y is None or not 2 <= len(np.unique(y)) < len(y):
        return scores
    if on_sphere:
        scores["alignment"] = alignment(z, y)
    scores |= probe(z, y, seed, metric=metric, linear=linear) | clustering(z, y, seed=seed, metric=metric)
    return scores | {"separability": separability(z, y, seed=seed, metric=metric)}


_DIVERGED = "the embedding holds NaN or infinite values: training has diverged; lower the learning rate"


def _tensor(z) -> torch.Tensor:
    """A floating-point matrix on the device it is on, at least float32."""
    z = z.detach() if isinstance(z, torch.Tensor) else torch.as_tensor(np.require(z, requirements="W"))
    if z.ndim != 2:
        raise DataError(f"embeddings must be a matrix (n, d), got shape {tuple(z.shape)}")
    return z if z.dtype in (torch.float32, torch.float64) else z.float()


def _labels(y, n: int, device) -> torch.Tensor:
    if y is None:
        raise DataError("kNN accuracy needs labels: pass one integer per point")
    y = torch.as_tensor(y if isinstance(y, torch.Tensor) else np.require(y, requirements="W"), device=device)
    if y.shape != (n,):
        raise DataError(f"labels must have one entry per point, got shape {tuple(y.shape)} for {n} points")
    return y


def _array(values, n: int | None = None) -> np.ndarray:
    values = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    if n is not None and values.shape != (n,):
        raise DataError(f"labels must have one entry per point, got shape {values.shape} for {n} points")
    return values


def _finite_array(z) -> np.ndarray:
    z = as_matrix(z)
    if not np.isfinite(z).all():
        raise DataError(_DIVERGED)
    return z.astype(np.float32, copy=False)
