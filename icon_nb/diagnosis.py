"""What a trajectory shows, in words: a verdict, a sentence, the numbers behind it, and what to try next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import dynamics
from .trajectory import Trajectory


@dataclass(frozen=True)
class Limits:
    """What counts as what. Every limit is a ratio, so that it holds for any method, size and unit.

    Parameters
    ----------
    spread : float
        Collapsed: the variance on the unit sphere (or the squared size of a map, relative to its largest) is below this.
    dimensions : float
        Dimensionally collapsed: the variance lies in fewer dimensions than this share of those there is a use for, which is
        the classes less one, or the root of the width without labels, and never more than the width.
    turning, movement : float
        Oscillating: over the second half of the run, the median cosine of successive steps is below ``turning`` and the median
        step per epoch is more than ``movement`` of the embedding's size.
    late : float
        Still learning: this share of everything gained so far was gained in the last fifth of the run.
    settled : float
        A curve has stopped improving where all but this share of its gain is made.
    knn : float
        A change of kNN accuracy below this is noise (so is one below two standard errors).
    loss : float
        A fall of the loss by less than this share of its size is noise.
    """

    spread: float = 0.01
    dimensions: float = 0.25
    turning: float = -0.3
    movement: float = 0.4
    late: float = 0.1
    settled: float = 0.05
    knn: float = 0.01
    loss: float = 0.01


VERDICTS = ("diverged", "collapsed", "dimensional collapse", "oscillating", "still learning", "plateau", "healthy")
FAILURES = VERDICTS[:4]


@dataclass(frozen=True)
class Diagnosis:
    """What happened in a run, in a word and in a sentence, with the numbers behind it.

    Parameters
    ----------
    verdict : str
        One of ``VERDICTS``.
    sentence : str
        What was seen, with the numbers.
    evidence : dict of str to float
        The quantities the verdict rests on.
    since : int or None
        The epoch from which it holds.
    advice : str
        What to try next; empty when nothing needs doing.
    """

    verdict: str
    sentence: str
    evidence: dict[str, float] = field(default_factory=dict)
    since: int | None = None
    advice: str = ""

    @property
    def failed(self) -> bool:
        """True for diverged, collapsed (either way) and oscillating."""
        return self.verdict in FAILURES

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".strip()


def diagnose(trajectory: Trajectory, *, diverged: bool = False, limits: Limits | None = None) -> Diagnosis:
    """Say in words what a run did: the first of these that fits, from the worst to the best.

    1. *diverged*: training stopped on NaN or infinite numbers (``diverged=True``, or they stand in the trajectory).
    2. *collapsed*: at the end all points are one, to within ``limits.spread``.
    3. *dimensional collapse*: they lie in fewer dimensions than the classes need. Maps of up to three dimensions are exempt.
    4. *oscillating*: they jump to and fro, by a large part of the embedding's size, in the second half of the run.
    5. *still learning*: the last fifth of the run brought a good share of the gain, or there are under three frames to judge by.
    6. *plateau*: nothing was gained after half of the run (``since`` says when it stopped), or nothing was gained at all.
    7. *healthy*: it learned, none of the above is wrong, and the gain levelled off towards the end.

    Parameters
    ----------
    trajectory : Trajectory
        ``metrics`` may hold ``loss`` and ``knn_accuracy``, with NaN where a frame has none. Without either the movement is
        read instead.
    diverged : bool
        Say so when the run was cut short by a loss that is not a number.
    limits : Limits, optional

    Returns
    -------
    Diagnosis

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(50, 8))
    >>> points = np.stack([1 + z * size for size in (1, 0.1, 0.01)])
    >>> diagnose(Trajectory(points, np.arange(3))).verdict
    'collapsed'
    """
    limits = limits or Limits()
    finite = np.isfinite(trajectory.embeddings).all((1, 2)) & ~np.isinf(trajectory.metrics.get("loss", 0.0))
    if diverged or not finite.all():
        return _diverged(trajectory, finite)
    run = _Run(dynamics.thin(trajectory), limits)
    checks = (_collapsed, _dimensional_collapse, _oscillating, _still_learning, _plateau, _healthy)
    return next(found for check in checks if (found := check(run)) is not None)


@dataclass(frozen=True)
class _Progress:
    """How one curve, larger is better, gained over a run."""

    gain: float
    real: bool  # more than noise
    late: float  # share of the gain made in the last fifth of the run
    settled: int  # epoch from which no more than a small share was still to come


def _progress(values: np.ndarray, epochs: np.ndarray, noise: float, limits: Limits) -> _Progress | None:
    known = np.isfinite(values)
    if known.sum() < 2:
        return None
    best, epochs = np.maximum.accumulate(values[known]), epochs[known]
    gain = best[-1] - best[0]
    if gain <= noise:
        return _Progress(gain, False, 0.0, int(epochs[0]))
    before = np.interp(epochs[-1] - 0.2 * (epochs[-1] - epochs[0]), epochs, best)
    late = best[-1] - before
    settled = epochs[np.argmax(best >= best[-1] - max(limits.settled * gain, noise))]
    return _Progress(gain, True, late / gain if late > noise else 0.0, int(settled))


class _Run:
    """What the checks read: the curves, and how far each got."""

    def __init__(self, trajectory: Trajectory, limits: Limits):
        self.limits, self.epochs, self.dim = limits, trajectory.epochs, trajectory.dim
        self.n_frames, self.labels = trajectory.n_frames, trajectory.labels
        self.curves = dynamics.curves(trajectory)
        self.loss, self.knn = self.curves["loss"], self.curves["knn_accuracy"]
        self.progress = self._all_progress(trajectory)

    def _all_progress(self, trajectory: Trajectory) -> dict[str, _Progress]:
        share = np.nan_to_num(self.last("knn_accuracy"))
        error = 2 * np.sqrt(share * (1 - share) / trajectory.n_points)
        noise = self.limits.loss * np.nanmax(np.abs(self.loss), initial=0.0)
        found = {
            "loss": _progress(-self.loss, self.epochs, noise, self.limits),
            "knn_accuracy": _progress(self.knn, self.epochs, max(self.limits.knn, error), self.limits),
        }
        found = {name: progress for name, progress in found.items() if progress}
        if found or self.n_frames < 3:
            return found
        nearness = _nearness_to_last(trajectory)
        return {"movement": _progress(nearness, self.epochs, self.limits.settled, self.limits)}

    def last(self, name: str) -> float:
        """The newest known value of a curve, or NaN."""
        known = self.curves[name][np.isfinite(self.curves[name])]
        return float(known[-1]) if len(known) else float("nan")

    def late(self, name: str) -> float:
        """The median of a curve over the second half of the run."""
        values = self.curves[name][self.n_frames // 2 :]
        return float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else float("nan")

    def since(self, holds: np.ndarray) -> int:
        """The epoch from which a condition on frames held until the end."""
        broken = np.flatnonzero(~holds)
        return int(self.epochs[min(broken[-1] + 1, self.n_frames - 1)]) if len(broken) else int(self.epochs[0])

    def evidence(self, *names: str) -> dict[str, float]:
        """The newest values of the named curves, and of the loss and the kNN accuracy where they are known."""
        values = {name: self.last(name) for name in (*names, "loss", "knn_accuracy")}
        return {name: value for name, value in values.items() if np.isfinite(value)}


def _nearness_to_last(trajectory: Trajectory) -> np.ndarray:
    """Minus the distance of each frame from the last one, in units of its size; the last itself is left out."""
    points = dynamics.centred(trajectory.embeddings)
    size = max(np.sqrt((points[-1] ** 2).sum(-1).mean()), 1e-12)
    distance = np.linalg.norm(points - points[-1], axis=-1).mean(-1) / size
    return np.r_[-distance[:-1], np.nan]


def _diverged(trajectory: Trajectory, finite: np.ndarray) -> Diagnosis:
    good = trajectory.epochs[finite] if finite.any() else trajectory.epochs[:0]
    last = int(trajectory.epochs[-1]) if finite.all() else int(trajectory.epochs[~finite][0]) - 1
    evidence = {"last_good_epoch": float(min(last, good[-1])) if len(good) else float("nan")}
    return Diagnosis(
        "diverged",
        f"Diverged after epoch {last}: the loss or the embedding is no longer a finite number.",
        evidence,
        last + 1,
        "Lower the learning rate, by a factor of ten to begin with; with half precision, try full precision first.",
    )


def _collapsed(run: _Run) -> Diagnosis | None:
    small = run.curves["spread"] < run.limits.spread
    if not small[-1]:
        return None
    since = run.since(small)
    return Diagnosis(
        "collapsed",
        f"Collapsed since epoch {since}: all points are nearly one (variance {run.last('spread'):.1g} on a scale of 1).",
        run.evidence("spread"),
        since,
        "Something must push points apart: lower the learning rate, use negatives (a larger batch), or lower the temperature.",
    )


def _needed(run: _Run) -> float:
    """How many dimensions the embedding has a use for."""
    classes = np.sqrt(run.dim) if run.labels is None else len(np.unique(run.labels)) - 1
    return min(run.dim, classes)


def _dimensional_collapse(run: _Run) -> Diagnosis | None:
    needed = _needed(run)
    few = run.curves["dimensions"] < run.limits.dimensions * needed
    if run.dim <= 3 or not few[-1]:
        return None
    since = run.since(few)
    return Diagnosis(
        "dimensional collapse",
        f"Dimensional collapse since epoch {since}: the variance lies in {run.last('dimensions'):.1f} of {run.dim} dimensions, "
        f"where about {needed:.0f} are needed.",
        run.evidence("dimensions") | {"needed": float(needed)},
        since,
        "Lower the temperature or the learning rate, or use stronger augmentation.",
    )


def _oscillating(run: _Run) -> Diagnosis | None:
    turning, moving = run.late("turning"), run.late("movement")
    if not (turning < run.limits.turning and moving > run.limits.movement):
        return None
    since = int(run.epochs[run.n_frames // 2])
    return Diagnosis(
        "oscillating",
        f"Oscillating: since epoch {since} the points jump to and fro by {moving:.0%} of the embedding's size at every epoch "
        f"(cosine of successive steps {turning:.2f}).",
        run.evidence() | {"turning": turning, "movement": moving},
        since,
        "Lower the learning rate, or the momentum; a larger batch makes the steps less noisy.",
    )


def _still_learning(run: _Run) -> Diagnosis | None:
    if run.n_frames < 3:
        return Diagnosis(
            "still learning",
            f"Still learning: {run.n_frames} recorded frames are too few to judge by.",
            run.evidence(),
            advice="Train for more epochs.",
        )
    late = {name: progress.late for name, progress in run.progress.items() if progress.late > run.limits.late}
    if not late:
        return None
    what = " and ".join(f"{share:.0%} of the {GAINS[name]}" for name, share in late.items())
    return Diagnosis(
        "still learning",
        f"Still learning: the last fifth of the run brought {what}.",
        run.evidence() | {f"late_{name}": share for name, share in late.items()},
        advice="Train for more epochs.",
    )


GAINS = {"loss": "fall of the loss", "knn_accuracy": "gain in kNN accuracy", "movement": "way to the final embedding"}


def _plateau(run: _Run) -> Diagnosis | None:
    gained = [progress for progress in run.progress.values() if progress.real]
    if not gained:
        return Diagnosis(
            "plateau",
            f"Plateau since epoch {run.epochs[0]}: neither the loss nor the kNN accuracy got better than noise.",
            run.evidence(),
            int(run.epochs[0]),
            "Raise the learning rate, or check that the method fits the data.",
        )
    since = max(progress.settled for progress in gained)
    if since - run.epochs[0] > (run.epochs[-1] - run.epochs[0]) / 2:
        return None
    return Diagnosis(
        "plateau",
        f"Plateau since epoch {since}: what came after brought less than {run.limits.settled:.0%} of the gain.",
        run.evidence() | {"settled": float(since)},
        since,
        f"About {since} epochs are enough; to get further, change a setting rather than train longer.",
    )


def _healthy(run: _Run) -> Diagnosis | None:
    learned = " and ".join(name.replace("_accuracy", " accuracy") for name, p in run.progress.items() if p.real)
    return Diagnosis(
        "healthy",
        f"Healthy: {learned} improved and levelled off, the points stay spread out "
        f"(variance {run.last('spread'):.2g}, {run.last('dimensions'):.1f} dimensions).",
        run.evidence("spread", "dimensions", "movement"),
    )
