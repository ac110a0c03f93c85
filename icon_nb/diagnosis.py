"""What a trajectory shows, in words: a verdict, a sentence, the numbers behind it, and what to try next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from . import dynamics
from .trajectory import Trajectory


@dataclass(frozen=True)
class Limits:
    """What counts as what. Every limit is a ratio, so that it holds for any method, size and unit.

    Parameters
    ----------
    rise : float
        Diverged: the loss ended above where it began by more than this share of it.
    blow_up : float
        Diverged even though the points fell together too: the loss ended at more than this many times its beginning.
    spread : float
        Collapsed: the variance on the unit sphere (the mean cosine of two points is 1 less that), or the size of a map as a share
        of its largest, is below this.
    dimensions, at_most : float
        Dimensionally collapsed: the variance lies in fewer dimensions than the share ``dimensions`` of those there is a use for:
        the classes less one, never more than the width, nor than ``at_most``, which is also what counts without labels.
    lossy_dimensions, fall : float
        The same with the share ``lossy_dimensions``, where the kNN accuracy fell by more than ``fall``.
    turning, movement : float
        Oscillating: over the second half of the run, the median cosine of successive steps is below ``turning`` and the median
        step from frame to frame is more than ``movement`` of the embedding's size.
    still : float
        Nothing was learned: all steps together are less than this share of the embedding's size.
    late : float
        Still learning: this share of everything gained so far was gained in the last fifth of the run.
    settled : float
        A curve has stopped improving where all but this share of its gain is made.
    knn : float
        A change of kNN accuracy below this is noise (so is one below two standard errors).
    loss : float
        A fall of the loss by less than this share of its median is noise.
    """

    rise: float = 0.1
    blow_up: float = 10.0
    spread: float = 0.02
    dimensions: float = 0.35
    at_most: float = 10.0
    lossy_dimensions: float = 0.6
    fall: float = 0.1
    turning: float = -0.2
    movement: float = 0.4
    still: float = 0.01
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

    1. *diverged*: training stopped on NaN or infinite numbers (``diverged=True``, or they stand in the trajectory), or the loss
       ended well above where it began.
    2. *collapsed*: at the end all points are nearly one.
    3. *dimensional collapse*: they lie in fewer dimensions than the classes need. Maps of up to three dimensions are exempt, and
       so are data of few classes, where a good supervised embedding has few dimensions too.
    4. *oscillating*: they jump to and fro, by a large part of the embedding's size, in the second half of the run.
    5. *still learning*: the last fifth of the run brought a good share of the gain, or there are under three frames to judge by.
    6. *plateau*: nothing was gained after half of the run (``since`` says when it stopped), or nothing was gained at all.
    7. *healthy*: it learned, none of the above is wrong, and the gain levelled off towards the end.

    A fall of the kNN accuracy is told in the sentence of any verdict: it says that the method does not fit the data, which is not
    a failure of the optimisation.

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
    checks = (_blown_up, _collapsed, _risen, _dimensional_collapse, _oscillating, _still_learning, _plateau, _healthy)
    return run.tell_knn(next(found for check in checks if (found := check(run)) is not None))


@dataclass(frozen=True)
class _Progress:
    """How one curve, larger is better, gained over a run."""

    real: bool  # it gained more than noise
    late: float  # share of the gain made in the last fifth of the run
    settled: int  # epoch from which no more than a small share was still to come


def _progress(values: np.ndarray, epochs: np.ndarray, noise: float, limits: Limits, skip: int = 0) -> _Progress | None:
    """``skip`` leaves the first values out of the shares: the loss of an untrained network can dwarf the rest."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return None
    best, epochs = np.maximum.accumulate(values[known]), epochs[known]
    real = best[-1] - best[0] > noise
    if len(best) >= 4:
        best, epochs = np.maximum.accumulate(values[known][skip:]), epochs[skip:]
    gain = best[-1] - best[0]
    if gain <= noise:
        return _Progress(real, 0.0, int(epochs[0]))
    late = best[-1] - np.interp(epochs[-1] - 0.2 * (epochs[-1] - epochs[0]), epochs, best)
    settled = epochs[np.argmax(best >= best[-1] - max(limits.settled * gain, noise))]
    return _Progress(True, late / gain if late > noise else 0.0, int(settled))


class _Run:
    """What the checks read: the curves, and how far each got."""

    def __init__(self, trajectory: Trajectory, limits: Limits):
        self.limits, self.epochs, self.dim = limits, trajectory.epochs, trajectory.dim
        self.n_frames, self.n_points, self.labels = trajectory.n_frames, trajectory.n_points, trajectory.labels
        self.curves = dynamics.curves(trajectory)
        self.curves["step"] = self.curves["movement"] * np.r_[np.nan, np.diff(self.epochs)]
        self.loss, self.knn = self.curves["loss"], self.curves["knn_accuracy"]
        self.progress = self._all_progress(trajectory)

    def _all_progress(self, trajectory: Trajectory) -> dict[str, _Progress]:
        noise = self.limits.loss * float(np.nanmedian(np.abs(self.loss))) if np.isfinite(self.loss).any() else 0.0
        found = {
            "loss": _progress(-self.loss, self.epochs, noise, self.limits, skip=1),
            "knn_accuracy": _progress(self.knn, self.epochs, self.knn_noise(), self.limits),
        }
        found = {name: progress for name, progress in found.items() if progress}
        if found or self.n_frames < 3:
            return found
        return {"movement": _progress(_nearness_to_last(trajectory), self.epochs, self.limits.settled, self.limits)}

    def learned_nothing(self) -> bool:
        """No curve gained more than noise, or the points hardly moved."""
        still = np.nansum(self.curves["step"]) < self.limits.still
        return bool(still or not any(progress.real for progress in self.progress.values()))

    def knn_noise(self) -> float:
        """Two standard errors of the last kNN accuracy, or the limit if that is more."""
        share = np.nan_to_num(self.last("knn_accuracy"))
        return max(self.limits.knn, float(2 * np.sqrt(share * (1 - share) / self.n_points)))

    def tell_knn(self, found: Diagnosis) -> Diagnosis:
        """The diagnosis with a word about the kNN accuracy, where it fell."""
        last, fall = self.last("knn_accuracy"), self.knn_fall()
        if fall < 3 * self.knn_noise():
            return found
        return replace(found, sentence=f"{found.sentence} The kNN accuracy fell from {last + fall:.0%} to {last:.0%}.")

    def knn_fall(self) -> float:
        """How much lower the kNN accuracy is at the end than at the beginning; 0 where it is not known."""
        known = self.knn[np.isfinite(self.knn)]
        return float(known[0] - known[-1]) if len(known) else 0.0

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

    def spread_words(self) -> str:
        """The spread at the end, said as what it is for directions and for maps."""
        spread = self.last("spread")
        if self.dim > 3:
            return f"two of them have a mean cosine of {1 - spread:.4g}"
        return f"the map has shrunk to {spread:.2g} of its largest size"

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


def _blown_up(run: _Run) -> Diagnosis | None:
    return _risen(run, run.limits.blow_up - 1)


def _risen(run: _Run, share: float | None = None) -> Diagnosis | None:
    known = np.isfinite(run.loss)
    if known.sum() < 3:
        return None
    first, loss = run.loss[known][0], np.where(known, run.loss, np.inf)
    high = loss > first + (run.limits.rise if share is None else share) * abs(first)
    if not high[-3:].all():
        return None
    since = run.since(high)
    return Diagnosis(
        "diverged",
        f"Diverged since epoch {since}: the loss ended at {run.last('loss'):.3g}, well above the {first:.3g} it began with.",
        run.evidence() | {"first_loss": float(first)},
        since,
        "Lower the learning rate, by a factor of ten to begin with.",
    )


def _collapsed(run: _Run) -> Diagnosis | None:
    spread = run.curves["spread"]
    small = spread < run.limits.spread
    if not small[-1] or (run.learned_nothing() and spread[-1] > spread[0] / 2):  # an untrained deep network starts like this
        return None
    since, knn = run.since(small), run.last("knn_accuracy")
    left = f" What little sets them apart still gives a kNN accuracy of {knn:.0%}." if knn > 0.5 else ""
    return Diagnosis(
        "collapsed",
        f"Collapsed since epoch {since}: all points are nearly one ({run.spread_words()}).{left}",
        run.evidence("spread"),
        since,
        "Something must push points apart: use negatives, a lower learning rate or weight decay, or another temperature.",
    )


def _dimensional_collapse(run: _Run) -> Diagnosis | None:
    most = run.limits.at_most
    needed = min(run.dim, most, most if run.labels is None else len(np.unique(run.labels)) - 1)
    share = run.limits.lossy_dimensions if run.knn_fall() > run.limits.fall else run.limits.dimensions
    few = run.curves["dimensions"] < share * needed
    if run.dim <= 3 or not few[-1]:
        return None
    since = run.since(few)
    return Diagnosis(
        "dimensional collapse",
        f"Dimensional collapse since epoch {since}: the variance lies in {run.last('dimensions'):.1f} of {run.dim} dimensions, "
        f"where about {needed:.0f} are of use.",
        run.evidence("dimensions") | {"needed": float(needed)},
        since,
        "Lower the temperature or the learning rate, or use stronger augmentation.",
    )


def _oscillating(run: _Run) -> Diagnosis | None:
    turning, moving = run.late("turning"), run.late("step")
    if run.n_frames < 5 or not (turning < run.limits.turning and moving > run.limits.movement):
        return None
    since = int(run.epochs[run.n_frames // 2])
    return Diagnosis(
        "oscillating",
        f"Oscillating: since epoch {since} the points jump to and fro, each time by {moving:.0%} of the embedding's size "
        f"(cosine of successive steps {turning:.2f}).",
        run.evidence() | {"turning": turning, "step": moving},
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
    if run.learned_nothing():
        return Diagnosis(
            "plateau",
            f"Plateau since epoch {run.epochs[0]}: no curve got better by more than noise.",
            run.evidence(),
            int(run.epochs[0]),
            "Raise the learning rate, or check that the method fits the data.",
        )
    since = max(progress.settled for progress in run.progress.values() if progress.real)
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
