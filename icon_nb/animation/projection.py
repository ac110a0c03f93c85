"""One anchored view of a trajectory: PCA fitted once and sign-fixed for every frame, or a chain of steady maps.

t-SNE and UMAP are steady between frames, because each epoch starts from its neighbour and is turned onto it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pkgutil import resolve_name
from weakref import WeakKeyDictionary

import numpy as np
from threadpoolctl import ThreadpoolController

from ..errors import ConfigError, demand, nearest
from ..evaluation.trajectory import Trajectory, as_matrix
from ..methods.catalogue import PROJECTIONS
from .options import check_seed

ENOUGH = 0.5  # of the neighbours: a plane that keeps these shows an embedding well enough
MANY = 200  # fewer points are seen well enough in any plane
AFFORDABLE = 12_000_000  # frames times pairs of points of which a quick t-SNE is made in about a second

WARM_EPOCHS = 100  # of UMAP
Step = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]


@dataclass(frozen=True, eq=False)
class Projection:
    """A map from embeddings to 2 or 3 coordinates that stays the same for every frame.

    ``map`` takes embeddings (m, d) to coordinates (m, dim); t-SNE and UMAP have none: they place only the points that they were
    fitted on.
    """

    kind: str  # one of raw, pca, pca3, sphere, tsne, umap
    dim: int  # 2 or 3
    short: str  # what the picture says about itself, a few words
    caption: str  # the same in full: which projection, the variance it shows, what distances mean
    explained_variance: tuple[float, ...] = ()  # share of each axis at the fitted epoch, in 0..1, where the word has a meaning
    map: Callable[[np.ndarray], np.ndarray] | None = None
    _placed: WeakKeyDictionary | None = None

    def transform(self, Z) -> np.ndarray:
        """Coordinates (m, dim) of embeddings (m, d); a ConfigError for t-SNE and UMAP, which have no map for other points."""
        demand(self.map, f"projection={self.kind!r} places only the points it was fitted on: use 'pca' to place others")
        return self.map(as_matrix(Z)).astype(np.float32)

    def coordinates(self, trajectory: Trajectory) -> np.ndarray:
        """Coordinates of every point at every recorded epoch, float32 (n_frames, n, dim)."""
        if self.map is None:
            there = trajectory in self._placed
            demand(there, f"this {self.kind} was fitted on another trajectory: fit it again on this one")
            return self._placed[trajectory]
        return np.stack([self.transform(frame) for frame in trajectory.embeddings])

    def __repr__(self) -> str:
        return f"Projection({self.kind}: {self.short})"


_FOUND: WeakKeyDictionary = WeakKeyDictionary()


def _once(trajectory: Trajectory, key: Hashable, find: Callable):
    """What was found of a trajectory under this key; it is looked for once."""
    known = _FOUND.setdefault(trajectory, {})
    if key not in known:
        known[key] = find()
    return known[key]


def fit_projection(trajectory: Trajectory, kind: str = "auto", fit_on="last", seed: int = 0, frames=None) -> Projection:
    """Fit one projection for all frames of a trajectory.

    A ConfigError for an unknown kind, an epoch that was not recorded, a kind that does not fit the dimension, or no seed.

    Parameters
    ----------
    trajectory : Trajectory
        Embeddings (n_frames, n, d).
    kind : str
        ``"auto"`` shows embeddings of up to three dimensions as they are (3-d ones of unit length as ``"sphere"``). Of others it
        takes ``"pca"`` where that keeps half of the neighbours of the last epoch, for fewer than 200 points, where a map would
        take more than about a second, and without torch; otherwise ``"tsne_quick"``, and the caption says what each keeps.
        ``"raw"``, ``"pca"``, ``"pca3"`` (three axes, the view turns), ``"sphere"`` (3-d embeddings on the unit sphere),
        ``"tsne"``, ``"tsne_quick"`` (in fewer steps, begun at the untrained frame), ``"umap"``.
    fit_on : ``"last"``, ``"first"``, an epoch, or a fitted Projection
        The recorded epoch whose principal axes are used; t-SNE and UMAP start from it and go on to its neighbours.
    seed : int
        For t-SNE and UMAP.
    frames : int array, optional
        For t-SNE and UMAP, which place every frame anew: positions of the frames that will be looked at; others repeat them.

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(size=(4, 50, 8)).cumsum(0)
    >>> fit_projection(Trajectory(walk, np.arange(4)))
    Projection(pca: PCA of 8-d, fitted on epoch 3, 39 % of variance)
    """
    check_seed(seed)
    if isinstance(fit_on, Projection):
        return fit_on
    kind, frame = kind_and_frame(trajectory, kind, fit_on)
    if not PROJECTIONS[kind].chained:
        return resolve_name(PROJECTIONS[kind].make)(trajectory, frame)
    frames = np.union1d(np.arange(trajectory.n_frames) if frames is None else frames, [frame])
    return _once(trajectory, (kind, frame, seed, frames.tobytes()), lambda: _fit_chain(trajectory, kind, frame, seed, frames))


def kind_and_frame(trajectory: Trajectory, kind: str, fit_on) -> tuple[str, int]:
    """The kind that "auto" means and the frame that ``fit_on`` names, or a ConfigError; nothing is fitted."""
    known = isinstance(kind, str) and kind in PROJECTIONS
    demand(known, f"projection={kind!r} is unknown: {nearest(kind, PROJECTIONS)}")
    n, d = trajectory.n_points, trajectory.dim
    if kind == "auto" and d <= 3:
        kind = "sphere" if d == 3 and trajectory.of_unit_length else "raw"
    elif kind == "auto":
        cheap = n >= MANY and trajectory.n_frames * n**2 <= AFFORDABLE and find_spec("torch")
        kind = "tsne_quick" if cheap and _kept_by_pca(trajectory) < ENOUGH else "pca"
    row = PROJECTIONS[kind]
    wants = f"{row.low}" if row.low == row.high else f"at most {row.high}" if row.low == 1 else f"at least {row.low}"
    said = f"projection={kind!r} shows embeddings of {wants} dimensions and this one has {d}: {row.instead}"
    demand(row.low <= d <= row.high, said)
    return kind, fitted_frame(trajectory, "first" if kind == "tsne_quick" and fit_on == "last" else fit_on)


def _kept_by_pca(trajectory: Trajectory) -> float:
    """Share of the neighbours of the last epoch that its first two principal axes keep."""
    flat = lambda: fit_pca(trajectory, trajectory.n_frames - 1).transform(trajectory.embeddings[-1])  # noqa: E731
    return _once(trajectory, "kept by PCA", lambda: neighbours_kept(trajectory, flat()))


def fitted_frame(trajectory: Trajectory, fit_on) -> int:
    if fit_on in ("last", "first"):
        return 0 if fit_on == "first" else trajectory.n_frames - 1
    epochs = trajectory.epochs.tolist()
    known = isinstance(fit_on, (int, np.integer)) and fit_on in epochs
    demand(known, f"fit_on={fit_on!r} is not a recorded epoch: use 'last', 'first' or one of {epochs}")
    return epochs.index(fit_on)


# Maps of any points


def fit_raw(trajectory: Trajectory, frame: int) -> Projection:
    """The embedding of up to three dimensions itself; one dimension runs along x, and the points spread in one row a class."""
    n, d = trajectory.n_points, trajectory.dim
    if d > 1:
        meaning = "The embedding as it is, nothing projected: distances are those of the embedding."
        return Projection("raw", d, f"the {d}-d embedding itself", meaning, map=lambda z: np.asarray(z, np.float32))
    span = float(np.ptp(trajectory.embeddings)) or 1.0
    row = np.zeros(n, int) if trajectory.labels is None else trajectory.labels
    rows, spread = max(1, int(row.max()) + 1), (np.arange(n) * 0.6180339887 % 1 - 0.5) * 0.7
    height = (((rows - 1) / 2 - row + spread) * span * 0.8 / rows).astype(np.float32)
    meaning = "The 1-d embedding runs from left to right; height only separates the classes and has no meaning."
    return Projection("raw", 2, "the 1-d embedding, left to right", meaning, map=lambda z: np.column_stack([z[:, 0], height]))


def fit_pca(trajectory: Trajectory, frame: int, k: int = 2) -> Projection:
    d, epoch = trajectory.dim, int(trajectory.epochs[frame])
    mean, axes, share = principal_axes(trajectory.embeddings[frame], k)
    each = ", ".join(f"{100 * s:.0f} %" for s in share)
    caption = (
        f"PCA of the {d}-d embedding, fitted once, on epoch {epoch}, and used for every frame. Its axes show {each} of the "
        "variance there. The embedding is seen from one side: points drawn apart are apart, points drawn together may differ."
    )
    short = f"PCA of {d}-d, fitted on epoch {epoch}, {100 * share.sum():.0f} % of variance"
    return Projection("pca" if k == 2 else "pca3", k, short, caption, tuple(share.tolist()), lambda z: (z - mean) @ axes.T)


fit_pca3 = partial(fit_pca, k=3)


def fit_sphere(trajectory: Trajectory, frame: int) -> Projection:
    caption = "The directions of the 3-d embedding on the unit sphere: angles are those of the embedding, lengths are left out."
    unit = lambda z: z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)  # noqa: E731
    return Projection("sphere", 3, "directions on the unit sphere", caption, map=unit)


_linear_algebra = cache(ThreadpoolController)
"""The libraries that numpy computes with; to look for them takes as long as to find the axes."""


def principal_axes(z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (d,), the k principal axes (k, d), and their share of the variance (k,) of points (n, d).

    The sign of each axis makes its largest loading positive, so that two fits of the same points look the same way.
    """
    mean = z.mean(0, dtype=np.float64)
    centred = z - mean
    with _linear_algebra().limit(limits=1, user_api="blas"):  # busy threads wait for each other longer than they work
        if centred.shape[1] > len(centred):  # more dimensions than points: a matrix of d x d would fill the memory
            _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
            values, axes = sizes[::-1] ** 2, axes[:k]
        else:
            values, vectors = np.linalg.eigh(centred.T @ centred)
            axes = vectors[:, ::-1][:, :k].T
    largest, total = np.abs(axes).argmax(1), values.sum()
    axes = axes * np.where(axes[np.arange(k), largest] < 0, -1.0, 1.0)[:, None]
    return mean, axes, values[::-1][:k].clip(0) / total if total > 0 else np.zeros(k)


def neighbours_kept(trajectory: Trajectory, flat: np.ndarray) -> float:
    """Share of the ten nearest neighbours at the last epoch that a plane (n, 2) keeps, for at most 500 of the points."""
    some = slice(None, None, -(-len(flat) // 500))
    near = _once(trajectory, "neighbours", lambda: _nearest(trajectory.embeddings[-1][some]))
    return float((near * _nearest(flat[some])).sum() / near.sum())


def _nearest(points: np.ndarray, k: int = 10) -> np.ndarray:
    """Which are the k nearest of each point, as ones of (n, n)."""
    k, points = min(k, len(points) - 1), np.asarray(points, np.float64)
    points = points - points.mean(0)
    squares = np.square(points).sum(1)
    distance = squares[:, None] + squares - 2 * points @ points.T
    np.fill_diagonal(distance, np.inf)
    close = np.zeros_like(distance)
    np.put_along_axis(close, np.argpartition(distance, k - 1, axis=1)[:, :k], 1, axis=1)
    return close


# Maps of every epoch, in a chain


def _fit_chain(trajectory: Trajectory, kind: str, frame: int, seed: int, frames: np.ndarray) -> Projection:
    row, epoch, n = PROJECTIONS[kind], int(trajectory.epochs[frame]), trajectory.n_points
    demand(n >= 5, f"projection={kind!r} needs at least 5 points, got {n}: use 'pca'")
    try:
        step = resolve_name(row.make)(n, seed)
    except ModuleNotFoundError:
        raise ConfigError(f"projection={kind!r} needs torch: pip install torch, or use 'pca'") from None
    points = chain(trajectory.embeddings, frame, frames, step)
    caption = (
        f"{row.chained} of each epoch, begun at epoch {epoch}; each other starts from its neighbour and is turned onto it, not "
        "scaled. Who is near whom has meaning; distances, sizes and gaps between clusters have none."
    )
    if kind == "tsne_quick":
        kept = neighbours_kept(trajectory, points[-1])
        caption += (
            f" Of each point's ten nearest neighbours at the last epoch this map keeps {100 * kept:.0f} %, "
            f"PCA {100 * _kept_by_pca(trajectory):.0f} %: that is why it is shown."
        )
    placed = WeakKeyDictionary({trajectory: points})
    return Projection(kind, 2, f"{row.chained} of {trajectory.dim}-d, chained from epoch {epoch}", caption, _placed=placed)


def chain(embeddings: np.ndarray, start: int, frames: np.ndarray, step: Step) -> np.ndarray:
    """Place every frame of embeddings (T, n, d), from ``start`` outwards, each beginning where its neighbour ended: (T, n, 2).

    Only ``frames`` (sorted, ``start`` among them) are placed by ``step``, from a frame and the map before it; the others repeat
    the nearest placed frame before them, or after them at the beginning. Every frame is centred.
    """
    placed, at = {}, int(np.searchsorted(frames, start))
    for run in (frames[: at + 1][::-1], frames[at:]):  # both begin at the start, which is placed once
        previous = None
        for k in run.tolist():
            if k not in placed:
                now = step(embeddings[k], previous)
                now = now - now.mean(0)
                placed[k] = now if previous is None else now @ procrustes(now, previous)
            previous = placed[k]
    nearest_placed = frames[np.clip(np.searchsorted(frames, np.arange(len(embeddings)), side="right") - 1, 0, None)]
    return np.stack([placed[int(k)] for k in nearest_placed]).astype(np.float32)


def procrustes(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The orthogonal matrix R (k, k) that turns centred points (n, k) best onto the target (n, k): no scaling."""
    u, _, vt = np.linalg.svd((points - points.mean(0)).T.astype(np.float64) @ (target - target.mean(0)))
    return u @ vt


def umap_step(n: int, seed: int) -> Step:
    """One UMAP of n points, from the neighbour's map after the first."""
    try:
        from umap import UMAP
    except ImportError:
        raise ConfigError("projection='umap' needs umap-learn: pip install 'icon_nb[umap]', or use 'tsne'") from None
    def step(z: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
        warm = {} if previous is None else {"init": previous.astype(np.float32), "n_epochs": WARM_EPOCHS}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return UMAP(n_neighbors=min(15, n - 1), random_state=seed, n_jobs=1, **warm).fit_transform(z)

    return step
