"""One embedding: how its rows are read, and what can be read off them by something simple.

Distances are read in one of two ways: ``"cosine"`` compares directions, ``"euclidean"`` compares positions; ``"auto"`` reads maps
of up to three dimensions as positions and everything else as directions.

The accuracy of the nearest neighbours has one definition, :func:`knn_accuracy`: k = 5 neighbours vote. It is asked in two ways.
``knn_accuracy``, in a history, is *leave-one-out*: every recorded point asks all the others. ``knn``, in ``scores``, is *on
held-out parts*, those of :func:`probe`, with fewer neighbours to ask, so that the two differ a little for one embedding.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import torch

from ..errors import DataError, demand
from .trajectory import as_matrix, choose_points

CHUNK = 512  # rows of the distance matrix alive at once: 512 x 2,000 floats stay in the cache
FEW_POINTS = 1000  # up to so many points are cross-validated

DIVERGED = "the embedding holds NaN or infinite values: training has diverged; lower the learning rate"


def finite_matrix(z) -> np.ndarray:
    """A float32 array (n, d), or a DataError where it is none or not finite."""
    z = as_matrix(z)
    demand(np.isfinite(z).all(), DIVERGED, DataError)
    return z.astype(np.float32, copy=False)


def as_array(values, n: int | None = None) -> np.ndarray:
    """A plain array from a tensor, array or list; labels of n points where n is given."""
    values = values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
    if n is not None and values.shape != (n,):
        raise DataError(f"labels must have one entry per point, got shape {values.shape} for {n} points")
    return values


def resolve_metric(metric: str, dim: int) -> str:
    """``"auto"`` reads up to three dimensions as positions (``"euclidean"``), more as directions (``"cosine"``)."""
    known = metric in ("auto", "cosine", "euclidean")
    demand(known, f"metric={metric!r} is not known: choose one of auto, cosine, euclidean", DataError)
    return metric if metric != "auto" else "euclidean" if dim <= 3 else "cosine"


def as_points(z: np.ndarray, metric: str = "auto") -> np.ndarray:
    """The rows of z (..., n, d) as distances should see them: of unit length under ``"cosine"``, unchanged otherwise."""
    z = np.asarray(z, dtype=np.float64)
    if resolve_metric(metric, z.shape[-1]) == "euclidean":
        return z
    return z / np.maximum(np.linalg.norm(z, axis=-1, keepdims=True), 1e-12)


def alignment(z: np.ndarray, y: np.ndarray | None = None, *, positives: np.ndarray | None = None) -> float:
    r"""Mean squared distance between positives on the unit sphere: smaller is better aligned.

    .. math:: \mathcal{L}_{align} = \mathbb{E}_{(i, j) \sim p_{pos}} \lVert \hat z_i - \hat z_j \rVert^2

    In [0, 4], for z of shape (n, d); NaN when no class has two points. From Wang & Isola 2020, arXiv 2005.10242, with exponent 2.
    Positives are all pairs of different points with the same label y (n,); or, where they are given (n, d), the rows
    ``z[i], positives[i]``, for instance two views of each image.

    Examples
    --------
    >>> alignment(np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([7, 7]))
    0.0
    """
    z = as_points(z, "cosine")
    demand((y is None) != (positives is None), "alignment needs either labels y or positives, and not both", DataError)
    if positives is not None:
        return float(((z - as_points(positives, "cosine")) ** 2).sum(1).mean())
    members = [z[np.asarray(y) == label] for label in np.unique(y)]
    pairs = sum(len(each) * (len(each) - 1) for each in members)
    # The squared distances of all ordered pairs of n points sum to 2 n times the squared distances from their mean.
    total = sum(2 * len(each) * ((each - each.mean(0)) ** 2).sum() for each in members)
    return float(total / pairs) if pairs else float("nan")


def uniformity(z: np.ndarray, t: float = 2.0) -> float:
    r"""Logarithm of the mean Gaussian potential of all pairs on the unit sphere: smaller is more evenly spread.

    .. math:: \mathcal{L}_{uniform} = \log \mathbb{E}_{i \ne j}\, e^{-t \lVert \hat z_i - \hat z_j \rVert^2}

    In [-4 t, 0]: 0 when all points are one, about -2 t for points spread evenly over many dimensions. z (n, d) has at least two
    points; more than 2,000 are sampled down. From Wang & Isola 2020, arXiv 2005.10242.

    Examples
    --------
    >>> uniformity(np.ones((5, 3)))
    0.0
    """
    z = as_points(z, "cosine")
    z = z[choose_points(len(z), 2000, 0)]
    n = len(z)
    demand(n > 1, f"uniformity is a mean over pairs and needs two points, got {n}", DataError)
    z = z - z.mean(0)
    norms = (z**2).sum(1)
    potential = np.exp(-t * np.maximum(norms[:, None] + norms - 2 * z @ z.T, 0))  # (n, n)
    np.fill_diagonal(potential, 1)
    return float(min(0.0, np.log((potential.sum() - n) / (n * (n - 1)))))


def effective_rank(z: np.ndarray) -> float:
    r"""RankMe: how many dimensions the embedding fills, as the exponential of the entropy of its singular values.

    .. math:: \exp\Big(-\sum_k p_k \log p_k\Big), \qquad p_k = \sigma_k / \textstyle\sum_l \sigma_l

    In [1, min(n, d)] for z (n, d); 0 when every entry of z is zero. From Garrido et al. 2023, arXiv 2210.02885; as published, z
    is neither centred nor normalised.

    Examples
    --------
    >>> round(effective_rank(np.eye(6)), 6)
    6.0
    """
    sigma = np.linalg.svd(np.asarray(z, dtype=np.float64), compute_uv=False)
    p = sigma[sigma > 0] / max(sigma.sum(), np.finfo(float).tiny)
    return float(np.exp(-(p * np.log(p)).sum())) if len(p) else 0.0


# With labels: nearest neighbours and a linear map


def knn_accuracy(z, y, k: int = 5, *, bank=None, bank_labels=None, metric: str = "auto") -> float:
    r"""Share of points whose class wins the vote of their k nearest neighbours.

    .. math:: \frac1n \sum_i \mathbb{1}\Big[y_i = \arg\max_c \sum_{j \in N_k(i)} \mathbb{1}[y_j = c]\Big]

    In [0, 1]. A tied vote goes to the class that has the nearest member.

    Parameters
    ----------
    z, y : tensors or arrays (n, d) and (n,)
        Embeddings, on any device, and classes; a DataError for labels that are missing or of another length, fewer than two
        points, and values that are not finite.
    k : int
        Neighbours that vote; clipped to the number there are.
    bank, bank_labels : (m, d) and (m,), optional
        Where the neighbours are looked for. Without them each point asks all the others, never itself: leave-one-out.

    Examples
    --------
    >>> knn_accuracy([[0.0, 1], [0.1, 1], [1, 0], [1, 0.1]], [0, 0, 1, 1], k=1)
    1.0
    """
    z, alone = _tensor(z), bank is None
    y = _labels(y, len(z), z.device)
    bank, bank_labels = (z, y) if alone else (_tensor(bank).to(z), _labels(bank_labels, len(bank), z.device))
    if len(z) == 0 or len(bank) < 1 + alone or not isinstance(k, (int, np.integer)) or k < 1:
        raise DataError(f"kNN needs k >= 1 and a neighbour for every point, got k={k!r}, {len(z)} points, a bank of {len(bank)}")
    k = min(k, len(bank) - alone)
    finite = torch.isfinite(z).all() & torch.isfinite(bank).all()
    cosine = resolve_metric(metric, z.shape[1]) == "cosine"
    z, bank = (torch.nn.functional.normalize(each) if cosine else each - bank.mean(0) for each in (z, bank))
    # The matrix product form of a distance loses the digits that tell near neighbours in a wide map apart.
    mode = "donot_use_mm_for_euclid_dist" if z.shape[1] <= 8 else "use_mm_for_euclid_dist"
    right, nearest_first = torch.zeros((), device=z.device), torch.arange(k, device=z.device)
    for start in range(0, len(z), CHUNK):
        rows = slice(start, start + CHUNK)
        close = z[rows] @ bank.T if cosine else -torch.cdist(z[rows], bank, compute_mode=mode)  # (chunk, m), larger is closer
        if alone:
            close[:, rows].diagonal().fill_(-torch.inf)
        near = bank_labels[close.topk(k).indices]  # (chunk, k); the classes are not counted, which would be a sync
        votes = (near[:, :, None] == near[:, None, :]).sum(-1)
        winners = near.gather(1, (votes * k - nearest_first).argmax(1, keepdim=True))[:, 0]
        right += (winners == y[rows]).sum()
    # Diverged points turn the count into NaN on the device, so that reading it stays the only wait for a GPU.
    count = torch.where(finite, right, torch.nan).item()
    demand(count == count, DIVERGED, DataError)
    return count / len(z)


def _tensor(z) -> torch.Tensor:
    """A floating-point matrix on the device it is on, at least float32."""
    z = z.detach() if isinstance(z, torch.Tensor) else torch.as_tensor(np.require(z, requirements="W"))
    demand(z.ndim == 2, f"embeddings must be a matrix (n, d), got shape {tuple(z.shape)}", DataError)
    return z if z.dtype in (torch.float32, torch.float64) else z.float()


def _labels(y, n: int, device) -> torch.Tensor:
    demand(y is not None, "kNN accuracy needs labels: pass one integer per point", DataError)
    y = torch.as_tensor(y if isinstance(y, torch.Tensor) else np.require(y, requirements="W"), device=device)
    demand(y.shape == (n,), f"labels must have one entry per point, got shape {tuple(y.shape)} for {n} points", DataError)
    return y


def split(y, test_size: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a training and a test part that both hold every class in its share.

    A class with a single member stays in the training part. Classes are laid end to end, shuffled inside, and the test points
    are drawn from that line at equal steps: every class gets its share of ``test_size``, in (0, 1), to within one point. Both
    parts are sorted.

    Examples
    --------
    >>> train, test = split([0] * 10 + [1] * 5, test_size=0.2)
    >>> len(train), len(test)
    (12, 3)
    """
    demand(0 < test_size < 1, f"test_size must lie between 0 and 1, got {test_size}", DataError)
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
    free = _testable(y, seed)
    tests = [np.sort(free[fold::n_folds]) for fold in range(min(n_folds, len(free)))]
    return [(np.setdiff1d(np.arange(len(y)), test), test) for test in tests]


def _testable(y, seed: int) -> np.ndarray:
    """Positions class after class, shuffled inside, without the first of each class, which is kept for training."""
    y, shuffled = as_array(y), np.random.default_rng(seed).permutation(len(y))
    line = shuffled[np.argsort(y[shuffled], kind="stable")]
    starts = np.r_[True, y[line][1:] != y[line][:-1]]
    said = f"cannot split {len(y)} points: no class has two members, so none can stand on both sides"
    demand(not starts.all(), said, DataError)
    return line[~starts]


def linear_probe(z_train, y_train, z_test, y_test, C: float = 1.0) -> float:
    r"""Accuracy on the test points of a logistic regression fitted on the training points.

    Features are standardised with the training mean and deviation; constant ones are left at zero.

    .. math:: \min_{W, b} \sum_i -\log \mathrm{softmax}(W \tilde z_i + b)_{y_i} + \tfrac{1}{2C} \lVert W \rVert^2

    In [0, 1], for z of shapes (n, d) and (m, d). The optimiser stops after 200 steps at the latest, which bounds the time where
    the classes can be separated perfectly and the optimum lies far out. A DataError where there is only one class to train on,
    or nothing to test on.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    z_train, z_test = finite_matrix(z_train), finite_matrix(z_test)
    y_train, y_test = as_array(y_train, len(z_train)), as_array(y_test, len(z_test))
    found = len(np.unique(y_train)), len(y_test)
    said = "a linear probe needs two classes to train on and points to test on, got {} class and {} test points".format(*found)
    demand(found[0] > 1 and found[1], f"{said}: evaluate with more points or more classes", DataError)
    mean, deviation = z_train.mean(0, dtype=np.float64), z_train.std(0, dtype=np.float64)
    # A feature that only wobbles in the last float32 digit is constant; scaling it up would feed noise to the probe.
    scale = np.where(deviation > 1e-6 * (np.abs(mean) + 1e-30), deviation, np.inf).astype(np.float32)
    mean = mean.astype(np.float32)
    # Its products are small: two BLAS threads wait for each other, and take up to twenty times as long as one.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=C, max_iter=200).fit((z_train - mean) / scale, y_train)
    return float(model.score((z_test - mean) / scale, y_test))


def probe(z, y, seed: int = 0, k: int = 5, metric: str = "auto", *, linear: bool = True) -> dict[str, float]:
    """Linear probe and kNN: both learn from the same 80 % of the points and are tested on the other 20 %, drawn with ``seed``.

    Of up to 1,000 points, where one such part would be a coarse measure, each is tested once: five-fold cross-validation. Gives
    ``linear_probe``, NaN unless ``linear``, and ``knn``, both in [0, 1].
    """
    z, y = finite_matrix(z), as_array(y, len(z))
    parts = folds(y, seed=seed) if len(y) <= FEW_POINTS else [split(y, seed=seed)]
    near = [knn_accuracy(z[test], y[test], k, bank=z[train], bank_labels=y[train], metric=metric) for train, test in parts]
    straight = [linear_probe(z[train], y[train], z[test], y[test]) if linear else np.nan for train, test in parts]
    mean = partial(np.average, weights=[len(test) for _, test in parts])
    return {"linear_probe": float(mean(straight)), "knn": float(mean(near))}
