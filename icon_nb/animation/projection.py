"""One anchored view of a trajectory: PCA fitted once and sign-fixed for every frame; t-SNE and UMAP as a chain of steady maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pkgutil import resolve_name
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import ConfigError, nearest
from ..evaluation.trajectory import Trajectory, as_matrix
from ..methods.catalogue import PROJECTIONS
from .neighbour_maps import chain, neighbours_kept, principal_axes
from .options import check_seed

ENOUGH = 0.5
"""A plane that keeps this share of the neighbours shows an embedding well enough; otherwise a map of neighbours is looked for."""

MANY = 200
"""Fewer points are seen well enough in any plane."""

AFFORDABLE = 10_000_000
"""Frames times pairs of points of which a quick t-SNE is made in about a second."""


@dataclass(frozen=True, eq=False)
class Projection:
    """A map from embeddings to 2 or 3 coordinates that stays the same for every frame.

    Parameters
    ----------
    kind : str
        One of raw, pca, pca3, sphere, tsne, umap.
    dim : int
        2 or 3.
    short : str
        What the picture says about itself, a few words.
    caption : str
        The same in full: which projection, the variance it shows, what distances mean.
    explained_variance : tuple of float
        Share of the variance on each axis at the fitted epoch, in 0..1; empty where the word has no meaning.
    map : callable (m, d) -> (m, dim), or None
        None where the projection places only the points it was fitted on (t-SNE, UMAP).
    """

    kind: str
    dim: int
    short: str
    caption: str
    explained_variance: tuple[float, ...] = ()
    map: Callable[[np.ndarray], np.ndarray] | None = None
    _placed: WeakKeyDictionary | None = None

    def transform(self, Z) -> np.ndarray:
        """Coordinates (m, dim) of embeddings (m, d).

        Raises
        ------
        ConfigError
            For t-SNE and UMAP, which have no map for other points.
        """
        if self.map is None:
            raise ConfigError(f"projection={self.kind!r} places only the points it was fitted on: use 'pca' to place others")
        return self.map(as_matrix(Z)).astype(np.float32)

    def coordinates(self, trajectory: Trajectory) -> np.ndarray:
        """Coordinates of every point at every recorded epoch, float32 (n_frames, n, dim)."""
        if self.map is None:
            if trajectory not in self._placed:
                raise ConfigError(f"this {self.kind} was fitted on another trajectory: fit it again on this one")
            return self._placed[trajectory]
        return np.stack([self.transform(frame) for frame in trajectory.embeddings])

    def __repr__(self) -> str:
        return f"Projection({self.kind}: {self.short})"


_FITTED: WeakKeyDictionary = WeakKeyDictionary()


def fit_projection(trajectory: Trajectory, kind: str = "auto", fit_on="last", seed: int = 0, frames=None) -> Projection:
    """Fit one projection for all frames of a trajectory.

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

    Raises
    ------
    ConfigError
        Unknown kind, an epoch that was not recorded, a kind that does not fit the dimension, or a seed that is none.

    Examples
    --------
    >>> import numpy as np
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
    known = _FITTED.setdefault(trajectory, {})
    key = (kind, frame, seed, frames.tobytes())
    if key not in known:
        known[key] = _fit_chain(trajectory, kind, frame, seed, frames)
    return known[key]


def kind_and_frame(trajectory: Trajectory, kind: str, fit_on) -> tuple[str, int]:
    """The kind that "auto" means and the frame that ``fit_on`` names, or a ConfigError; nothing is fitted."""
    if not isinstance(kind, str) or kind not in PROJECTIONS:
        raise ConfigError(f"projection={kind!r} is unknown: {nearest(kind, PROJECTIONS)}")
    d = trajectory.dim
    if kind == "auto":
        kind = _of_many(trajectory) if d > 3 else "sphere" if d == 3 and trajectory.of_unit_length else "raw"
    row = PROJECTIONS[kind]
    low, high = row.low, row.high
    if not low <= d <= high:
        wants = f"{low}" if low == high else f"at most {high}" if low == 1 else f"at least {low}"
        raise ConfigError(f"projection={kind!r} shows embeddings of {wants} dimensions and this one has {d}: {row.instead}")
    return kind, fitted_frame(trajectory, "first" if kind == "tsne_quick" and fit_on == "last" else fit_on)


def _of_many(trajectory: Trajectory) -> str:
    """What ``auto`` means for more than three dimensions."""
    n = trajectory.n_points
    cheap = n >= MANY and trajectory.n_frames * n**2 <= AFFORDABLE and find_spec("torch")
    return "tsne_quick" if cheap and _kept_by_pca(trajectory) < ENOUGH else "pca"


def _kept_by_pca(trajectory: Trajectory) -> float:
    """Share of the neighbours of the last epoch that its first two principal axes keep."""
    last = trajectory.embeddings[-1]
    mean, axes, _ = principal_axes(last, 2)
    return neighbours_kept(last, (last - mean) @ axes.T)


def fitted_frame(trajectory: Trajectory, fit_on) -> int:
    """Position of the recorded frame that ``fit_on`` names."""
    if fit_on in ("last", "first"):
        return {"last": trajectory.n_frames - 1, "first": 0}[fit_on]
    if isinstance(fit_on, (int, np.integer)) and fit_on in trajectory.epochs:
        return int(np.flatnonzero(trajectory.epochs == fit_on)[0])
    raise ConfigError(f"fit_on={fit_on!r} is not a recorded epoch: use 'last', 'first' or one of {trajectory.epochs.tolist()}")


def fit_raw(trajectory: Trajectory, frame: int) -> Projection:
    """The embedding of up to three dimensions itself."""
    d = trajectory.dim
    if d == 1:
        return _fit_line(trajectory)
    meaning = "The embedding as it is, nothing projected: distances are those of the embedding."
    return Projection("raw", d, f"the {d}-d embedding itself", meaning, map=lambda z: np.asarray(z, np.float32))


def _fit_line(trajectory: Trajectory) -> Projection:
    """One dimension along x; points are spread along y, in one row a class, so that they can be seen."""
    n, span = trajectory.n_points, float(np.ptp(trajectory.embeddings)) or 1.0
    row = np.zeros(n, int) if trajectory.labels is None else trajectory.labels
    rows = max(1, int(row.max()) + 1)
    spread = (np.arange(n) * 0.6180339887 % 1 - 0.5) * 0.7
    height = (((rows - 1) / 2 - row + spread) * span * 0.8 / rows).astype(np.float32)
    caption = "The 1-d embedding runs from left to right; height only separates the classes and has no meaning."
    return Projection("raw", 2, "the 1-d embedding, left to right", caption, map=lambda z: np.column_stack([z[:, 0], height]))


def fit_pca(trajectory: Trajectory, frame: int, k: int = 2) -> Projection:
    """The first k principal axes of one frame."""
    d, epoch = trajectory.dim, int(trajectory.epochs[frame])
    mean, axes, share = principal_axes(trajectory.embeddings[frame], k)
    each = ", ".join(f"{100 * s:.0f} %" for s in share)
    caption = (
        f"PCA of the {d}-d embedding, fitted once, on epoch {epoch}, and used for every frame. Its axes show {each} of the "
        "variance there. The embedding is seen from one side: points drawn apart are apart, points drawn together may differ."
    )
    short = f"PCA of {d}-d, fitted on epoch {epoch}, {100 * share.sum():.0f} % of variance"
    return Projection("pca" if k == 2 else "pca3", k, short, caption, tuple(share.tolist()), lambda z: (z - mean) @ axes.T)


def fit_pca3(trajectory: Trajectory, frame: int) -> Projection:
    """The first three principal axes of one frame."""
    return fit_pca(trajectory, frame, 3)


def fit_sphere(trajectory: Trajectory, frame: int) -> Projection:
    """The directions of a 3-d embedding."""
    caption = "The directions of the 3-d embedding on the unit sphere: angles are those of the embedding, lengths are left out."
    return Projection("sphere", 3, "directions on the unit sphere", caption, map=_directions)


def _directions(z: np.ndarray) -> np.ndarray:
    return z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)


def _fit_chain(trajectory: Trajectory, kind: str, frame: int, seed: int, frames: np.ndarray) -> Projection:
    """A map of its own for each of these frames, from ``frame`` outwards, each begun at its neighbour."""
    row, epoch = PROJECTIONS[kind], int(trajectory.epochs[frame])
    try:
        make = resolve_name(row.make)
    except ModuleNotFoundError:
        raise ConfigError(f"projection={kind!r} needs torch: pip install torch, or use 'pca'") from None
    points = chain(trajectory.embeddings, frame, frames, make(trajectory.n_points, seed))
    caption = (
        f"{row.chained} of each epoch, begun at epoch {epoch}; each other starts from its neighbour and is turned onto it, not "
        "scaled. Who is near whom has meaning; distances, sizes and gaps between clusters have none."
    )
    if kind == "tsne_quick":
        kept = neighbours_kept(trajectory.embeddings[-1], points[-1])
        caption += (
            f" Of each point's ten nearest neighbours at the last epoch this map keeps {100 * kept:.0f} %, "
            f"PCA {100 * _kept_by_pca(trajectory):.0f} %: that is why it is shown."
        )
    placed = WeakKeyDictionary({trajectory: points})
    return Projection(kind, 2, f"{row.chained} of {trajectory.dim}-d, chained from epoch {epoch}", caption, _placed=placed)
