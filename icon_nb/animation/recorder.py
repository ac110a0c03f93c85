"""Recorder: animates any training loop. It keeps the frames, and shows them when it is asked to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from types import NoneType

import numpy as np

from .. import animation
from ..data.arrays import encode, to_numpy
from ..errors import DataError, demand, demand_type, shown
from ..evaluation.trajectory import Trajectory, as_matrix, checked_edges, checked_title, choose_points, edges_among, of_points

MAX_FRAMES = 160


class Recorder:
    """Record embeddings from any training loop, then animate them.

    Parameters
    ----------
    labels : array (n,) or None
        Class of each point; integers, or anything that can be sorted (then the sorted values become the class names).
    class_names : sequence of str or None
        Names of the classes, in the order in which they are coloured and listed: of the integer labels 0..C-1, or, where the
        labels are names themselves, of all that occur.
    max_points : int
        At most this many points are kept: a fixed subset, drawn once, the same in every frame.
    max_frames : int
        When more epochs than this are recorded, every second frame is dropped (the first and the newest stay), so that a long
        run has a bounded memory.
    images : uint8 array (n, h, w) or (n, h, w, c), optional
        Pictures of the points, c is 1 or 3.
    names : sequence of str, optional
        What each point is called; the player shows it, and looks for it.
    edges : int array (m, 2), optional
        Positions of points that ``overlay="edges"`` and the player join by a line, for instance the edges of a graph.
    sides : (str, str), optional
        What a point and its pair are called, where ``record`` is given a ``pair``.
    seed : int
        Draws the subset.

    Examples
    --------
    >>> recorder = Recorder(labels=[0, 1, 1])
    >>> for epoch in range(3):
    ...     recorder.record(np.eye(3) * epoch, loss=1.0 / (epoch + 1))
    >>> recorder.trajectory
    Trajectory(3 frames, epochs 0..2, 3 points, 3-d)
    """

    def __init__(
        self,
        labels=None,
        class_names: Sequence[str] | None = None,
        *,
        max_points: int = 2000,
        max_frames: int = MAX_FRAMES,
        images=None,
        index=None,
        held_out=None,
        names: Sequence[str] | None = None,
        edges=None,
        sides: Sequence[str] = (),
        title: str = "",
        seed: int = 0,
    ):
        for name, value, least in (("max_points", max_points, 1), ("max_frames", max_frames, 2), ("seed", seed, 0)):
            said = f"{name}={shown(value)}: give a whole number, at least {least}"
            demand(is_whole(value) and value >= least, said, DataError)
        demand_type("class_names", class_names, (Iterable, NoneType), "a list of texts", DataError)
        self.title, self.max_points, self.max_frames, self.seed = checked_title(title), max_points, max_frames, seed
        self._given_names = None if class_names is None else tuple(class_names) or None
        about = {"index": index, "held_out": held_out, "names": names}
        self._about = {name: None if value is None else of_points(name, value) for name, value in about.items()}
        self._about["images"] = checked_images(images)
        self._edges, self._sides = None if edges is None else checked_edges(edges), sides
        self._labels, self._class_names = encode_labels(labels, self._given_names)
        self._frames: list[tuple[int, np.ndarray, dict[str, float]]] = []  # epoch, embeddings, metrics
        self._keep: np.ndarray | None = None
        self._shape: tuple[int, ...] = ()
        self._paired = False

    def record(self, embeddings, labels=None, epoch: int | None = None, *, pair=None, **metrics: float) -> None:
        """Add one frame: a copy, on the CPU, of the embeddings (n, d) of the same n points in the same order.

        A DataError for what is no matrix, another number of points than before, values that are NaN, infinite or beyond single
        precision, other labels than before, an epoch that does not increase, a metric that is no number. What is refused leaves
        no trace.

        Parameters
        ----------
        embeddings : tensor or array (n, d)
        labels : array (n,), optional
            For a recorder that was made without labels, at the first call; later they may only be the same again.
        epoch : int, optional
            Defaults to one more than the last; must increase.
        pair : tensor or array (n, d), optional
            Embeddings, in the same space, of what belongs to each point in a second modality, such as its caption: in every
            frame, or in none. The pictures show both.
        **metrics : float
            Values shown with the frame, for instance ``loss=0.3``.
        """
        z, other = single(as_matrix(embeddings)), None if pair is None else single(as_matrix(pair))
        labels, class_names = self._same_labels(labels)
        keep, epoch = self._fit(z, labels), self._next(epoch)
        if other is not None:
            demand(other.shape == z.shape, f"pair has shape {other.shape} and embeddings {z.shape}: give the same", DataError)
        steady = not self._frames or self._paired == (other is not None)
        demand(steady, "pair was given in some frames and not in others: give it in every frame, or in none", DataError)
        metrics = {name: as_metric(name, value) for name, value in metrics.items()}
        self._shape, self._keep, self._labels, self._class_names = z.shape, keep, labels, class_names
        self._paired = other is not None
        self._frames.append((epoch, np.concatenate([z[keep], other[keep]]) if self._paired else z[keep], metrics))
        if len(self._frames) > self.max_frames:
            self._frames = [*self._frames[:-1:2], self._frames[-1]]

    def _same_labels(self, labels) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """Codes and names of the classes, once ``labels`` are known to be new to this recorder or the same as before."""
        if labels is None:
            return self._labels, self._class_names
        given, names = encode_labels(labels, self._given_names)
        late = f"labels came after {len(self._frames)} frames without: pass them at the first call, or to Recorder"
        demand(self._labels is not None or not self._frames, late, DataError)
        same = self._labels is None or (names == self._class_names and np.array_equal(given, self._labels))
        demand(same, "labels differ from those that the recorder has: every epoch must record the same points", DataError)
        return given, names

    def _fit(self, z: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
        """Positions of the points kept, once a frame is known to belong to those before it."""
        demand(z.size, f"embeddings of shape {z.shape} hold nothing: give one point and one dimension or more", DataError)
        if self._keep is not None:
            same = f"every epoch must record the same {self._shape[0]} points in the same dimension, got {z.shape}"
            demand(z.shape == self._shape, same, DataError)
            return self._keep
        for name, value in [("labels", labels), *self._about.items()]:
            n = len(z) if value is None else len(value)
            demand(n == len(z), f"{name} has {n} entries for {len(z)} points: pass one per point", DataError)
        if self._edges is not None:
            checked_edges(self._edges, len(z))
        return choose_points(len(z), self.max_points, self.seed)

    def _next(self, epoch: int | None) -> int:
        last = self._frames[-1][0] if self._frames else None
        if epoch is None:
            return 0 if last is None else last + 1
        demand(is_whole(epoch), f"epoch={shown(epoch)} is no whole number: number the epochs, or leave it out", DataError)
        demand(last is None or epoch > last, f"epoch {epoch} does not come after epoch {last}: epochs must increase", DataError)
        return int(epoch)

    def frames(self) -> list[tuple[int, np.ndarray]]:
        """Epoch and embedding of every frame that is kept; where there are pairs, their embeddings are further rows of it."""
        return [(epoch, z) for epoch, z, _ in self._frames]

    def kept(self) -> list[tuple[int, dict[str, float]]]:
        """Epoch and metrics of every frame that is kept."""
        return [(epoch, metrics) for epoch, _, metrics in self._frames]

    @property
    def trajectory(self) -> Trajectory:
        """What was recorded so far, as plain arrays."""
        demand(self._frames, "nothing was recorded yet: call record(embeddings) at least once", DataError)
        epochs, frames, measured = zip(*self._frames)
        names = dict.fromkeys(name for metrics in measured for name in metrics)
        metrics = {name: np.array([each.get(name, np.nan) for each in measured]) for name in names}
        known = {"labels": self._labels, **self._about}
        about = {name: value[self._keep] for name, value in known.items() if value is not None}
        about = {"index": self._keep, **about, "names": tuple(map(str, about.get("names", ())))}
        about |= {"class_names": self._class_names, "metrics": metrics, "title": self.title}
        if self._edges is not None:
            about["edges"] = edges_among(self._edges, self._keep, self._shape[0])
        frames, n = np.stack(frames), len(self._keep)
        if self._paired:
            about |= {"pair": frames[:, n:], "sides": self._sides}
        return Trajectory(frames[:, :n], np.array(epochs), **about)

    def animate(self, **options):
        """The animation of what was recorded; options as in :func:`icon_nb.animation.animate`."""
        return animation.animate(self.trajectory, **options)

    def player(self, **options):
        """The interactive page of what was recorded; options as in :func:`icon_nb.animation.player.player`."""
        from .player import player

        return player(self.trajectory, **options)

    def plot(self, **options):
        """Curves of what was recorded; options as in :func:`icon_nb.animation.plots.curves`."""
        return animation.curves(self.trajectory, **options)

    @property
    def diagnosis(self):
        """What the recording says about the training, in words; see :func:`icon_nb.evaluation.diagnosis.diagnose`."""
        from ..evaluation.diagnosis import diagnose

        return diagnose(self.trajectory)

    def save(self, path):
        """Write what was recorded to one file; see :meth:`icon_nb.Trajectory.save`."""
        return self.trajectory.save(path)

    @classmethod
    def load(cls, path) -> Recorder:
        """A recorder that goes on where the saved one stopped; see :meth:`icon_nb.Trajectory.load`."""
        t = Trajectory.load(path)
        about = {name: getattr(t, name) for name in ("images", "index", "held_out", "title", "edges", "sides")}
        loaded = cls(t.labels, t.class_names or None, names=t.names or None, **about)
        loaded.max_points = max(t.n_points, loaded.max_points)
        for frame, (epoch, z) in enumerate(zip(t.epochs.tolist(), t.embeddings)):
            metrics = {name: values[frame] for name, values in t.metrics.items()}
            loaded.record(z, epoch=epoch, pair=None if t.pair is None else t.pair[frame], **metrics)
        return loaded

    def _repr_mimebundle_(self, include=None, exclude=None):
        if not self._frames:
            return {"text/plain": repr(self)}
        from .animation import small

        return {**small(self.animate).bundle(self.player()), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Recorder({self.trajectory!r})" if self._frames else "Recorder(nothing recorded)"


def checked_images(images) -> np.ndarray | None:
    """Pictures that can be drawn, or a DataError that says what is wrong with them."""
    if images is None:
        return None
    images = to_numpy(images, "images")
    shape, wanted = images.shape, "give uint8 pictures of shape (n, h, w) or (n, h, w, c), c of 1 or 3"
    fits = len(shape) in (3, 4) and images.dtype == np.uint8 and 0 not in shape and shape[3:] in ((), (1,), (3,))
    demand(fits, f"images have shape {shape} and type {images.dtype}: {wanted}", DataError)
    return images


def is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def single(z: np.ndarray) -> np.ndarray:
    """A copy in single precision, all of it finite."""
    with np.errstate(over="ignore"):
        z = z.astype(np.float32)
    wrong = "the embedding holds NaN or infinite values, or some beyond single precision"
    demand(np.isfinite(z).all(), f"{wrong}: training has diverged; lower the learning rate", DataError)
    return z


def as_metric(name: str, value) -> float:
    """The value of a metric, a number or a tensor with one entry, as a plain number."""
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        given = " ".join(shown(value).split())  # an array has lines
        raise DataError(f"metric {name}={given} is no number: record one number for each epoch, or float('nan')") from None


def encode_labels(labels, class_names) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Integer codes and class names from labels of any sortable kind."""
    if labels is None:
        return None, () if class_names is None else tuple(map(str, class_names))
    labels = labels.detach().cpu().numpy() if hasattr(labels, "detach") else np.asarray(labels)
    kinds = {type(label).__name__ for label in labels.tolist()} if labels.dtype == object and labels.ndim == 1 else set()
    mixed = f"labels are of mixed kinds ({', '.join(sorted(kinds))}): give all of them, and all as numbers or all as texts"
    demand(len(kinds) <= 1 and "NoneType" not in kinds, mixed, DataError)
    demand(labels.ndim == 1, f"labels must have one entry per point, got shape {labels.shape}", DataError)
    return encode(labels, class_names)
