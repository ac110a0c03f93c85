"""What a trajectory shows, in words: a verdict, a sentence, the numbers behind it, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from .probing import alignment, as_points, effective_rank, knn_accuracy, resolve_metric, uniformity
from .readings import LIMITS, TABLE, Readings, curves, dimensions, knn_curve, known, measure, movement, spread, thin, turning
from .scores import neighbourhood_preservation
from .trajectory import Trajectory

__all__ = [
    "alignment", "as_points", "effective_rank", "resolve_metric", "uniformity",
    "curves", "dimensions", "knn_curve", "measure", "movement", "spread", "turning", "diagnose",
]  # fmt: skip

VERDICTS = tuple(TABLE)
FAILURES = VERDICTS[:4]


@dataclass(frozen=True)
class Diagnosis:
    """What happened in a run, in a word and in a sentence, with the numbers behind it."""

    verdict: str  # one of VERDICTS, or "stopped"
    sentence: str  # what was seen, with the numbers
    evidence: dict[str, float] = field(default_factory=dict)  # the quantities that the verdict rests on
    since: int | None = None  # the epoch from which it holds
    advice: str = ""  # what to try next; empty when nothing needs doing

    @property
    def failed(self) -> bool:
        """True for diverged, collapsed (either way) and oscillating."""
        return self.verdict in FAILURES

    def __str__(self) -> str:
        return f"{self.sentence} {self.advice}".strip()


def diagnose(trajectory: Trajectory, *, diverged: bool = False, baselines: Mapping[str, float] | None = None) -> Diagnosis:
    """Say in words what a run did: the first of these that fits, from the worst to the best.

    1. *diverged*: training stopped on NaN or infinite numbers (``diverged=True``, or they stand in the trajectory), or the loss
       ended well above where it began. Said last of the failures: the first steps made the loss worse and lost a good share of
       the kNN accuracy, and the end has not made up for it.
    2. *collapsed*: at the end all points are nearly one.
    3. *oscillating*: in the second half of the run the points jump to and fro by a large part of the embedding's size while the
       loss does not fall steadily, or the loss leaps up.
    4. *dimensional collapse*: they lie in fewer dimensions than the classes need. Maps of up to three dimensions are exempt, and
       so are data of few classes, where a good supervised embedding has few dimensions too.
    5. *no better than untrained*: it trained, but the kNN accuracy is where it was or lower; without labels, the embedding keeps
       no more of the neighbourhoods of the inputs.
    6. *still learning*: the last fifth of the run, or the last epoch of a short one, brought a good share of the gain; or there
       are not three epochs to judge by.
    7. *plateau*: nothing was gained after half of the run (``since`` says when it stopped), or nothing was gained at all.
    8. *healthy*: it learned, none of the above is wrong, and the gain levelled off towards the end.

    A fall of the kNN accuracy is told in the sentence of any verdict, and so is one that stays below that of the raw inputs: they
    say that the method does not fit the data, which is not a failure of the optimisation.

    The ``metrics`` of the trajectory may hold ``loss`` and ``knn_accuracy``, with NaN where a frame has none; without either the
    movement is read instead. ``diverged`` says that the run was cut short by a loss that is not a number, ``baselines`` what
    :func:`baselines` measured.

    Examples
    --------
    >>> z = np.random.default_rng(0).normal(size=(50, 8))
    >>> points = np.stack([1 + z * size for size in (1, 0.1, 0.01)])
    >>> diagnose(Trajectory(points, np.arange(3))).verdict
    'collapsed'
    """
    finite = np.isfinite(trajectory.embeddings).all((1, 2)) & ~np.isinf(trajectory.metrics.get("loss", 0.0))
    if diverged or not finite.all():
        return _diverged(trajectory, finite)
    numbers = {name: value for name, value in (baselines or {}).items() if isinstance(value, float)}
    run = Readings(thin(trajectory), numbers)
    found = next(found for check in CHECKS if (found := check(run)) is not None)
    last, fall, raw = run.last("knn_accuracy"), run.knn_fall(), run.baselines.get("raw_knn_accuracy", 0.0)
    said = found.sentence
    if fall >= 3 * run.knn_noise() and "first_knn_accuracy" not in found.evidence:
        said = f"{said} The kNN accuracy fell from {last + fall:.0%} to {last:.0%}."
    if raw > last + run.knn_noise():
        said = f"{said} The raw inputs alone give a kNN accuracy of {raw:.0%}, the embedding {last:.0%}."
    return replace(found, sentence=said)


def baselines(trajectory: Trajectory, inputs: np.ndarray) -> dict[str, float]:
    """What training has to beat on the recorded points with these inputs (n, features): numbers for :func:`diagnose`.

    With labels ``raw_knn_accuracy``, of the inputs themselves. Without, ``first_preservation`` and ``last_preservation``: how
    well the embedding keeps the neighbourhoods of the inputs before and after. Empty for fewer than four points.
    """
    if trajectory.n_points < 4:
        return {}
    if trajectory.labels is not None:
        return {"raw_knn_accuracy": knn_accuracy(inputs, trajectory.labels, metric="euclidean")}
    first, last = (neighbourhood_preservation(inputs, trajectory.embeddings[frame]) for frame in (0, -1))
    return {"first_preservation": first, "last_preservation": last}


def _diverged(trajectory: Trajectory, finite: np.ndarray) -> Diagnosis:
    epochs = [np.nan, *trajectory.epochs.tolist(), int(trajectory.epochs[-1]) + 1]
    last, since = epochs[(n_good := [*finite, False].index(False)) :][:2]
    when = f"after epoch {last}" if n_good else f"at the first frame, epoch {since}"
    said = f"Diverged {when}: the loss or the embedding is no longer a finite number."
    advice = "Lower the learning rate, by a factor of ten to begin with; with half precision, try full precision first."
    return Diagnosis("diverged", said, {"last_good_epoch": float(last)}, since, advice)


def stopped(trajectory: Trajectory, error: str) -> Diagnosis:
    """What is to be said of a run that ended with an error about something else than its numbers: the error."""
    last = int(trajectory.epochs[-1])
    said = f"Stopped after epoch {last} by an error: {error.rstrip('.')}."
    return Diagnosis("stopped", said, {"last_good_epoch": float(last)}, last + 1)


def _told(verdict: str, evidence: dict[str, float], since: int | None = None, said: str = "said", **words) -> Diagnosis:
    """A verdict in its sentence of the table, with these words and numbers in it."""
    sentence = TABLE[verdict][said].format(since=since, **words)
    return Diagnosis(verdict, sentence, evidence, since, TABLE[verdict]["advice"])


def _risen(run: Readings, share: float = LIMITS.rise) -> Diagnosis | None:
    first = run.first("loss")
    high = ~(run.loss <= first + share * abs(first))  # also where it is not known
    if len(known(run.loss)) < 3 or not high[-3:].all():
        return None
    return _told("diverged", run.evidence() | {"first_loss": first}, run.since(high), first=first, last=run.last("loss"))


def _thrown_back(run: Readings) -> Diagnosis | None:
    if (setback := run.setback()) is None:
        return None
    first, low = float(run.knn[0]), float(run.knn[setback])
    words = {"epoch": run.epochs[setback], "first": first, "low": low, "last": run.last("knn_accuracy")}
    seen = run.evidence() | {"first_knn_accuracy": first, "lowest_knn_accuracy": low}
    return _told("diverged", seen, int(run.epochs[1]), "thrown_back", **words)


def _collapsed(run: Readings) -> Diagnosis | None:
    spread = run.curves["spread"]
    small = spread < LIMITS.spread
    if not small[-1] or (run.learned_nothing() and spread[-1] > spread[0] / 2):  # an untrained deep network starts like this
        return None
    knn, last = run.last("knn_accuracy"), run.last("spread")
    how = f"the map has shrunk to {last:.2g} of its largest size"
    if run.dim > 3 or run.of_unit_length:
        how = f"two of them have a mean cosine of {1 - last:.4g}"
    left = f" What little sets them apart still gives a kNN accuracy of {knn:.0%}." if knn > 0.5 else ""
    return _told("collapsed", run.evidence("spread"), run.since(small), how=how, left=left)


def _dimensional_collapse(run: Readings) -> Diagnosis | None:
    most = LIMITS.at_most
    needed = min(run.dim, most, most if run.labels is None else len(np.unique(run.labels)) - 1)
    lossy = run.much(run.knn_fall(), run.first("knn_accuracy"))
    few = run.curves["dimensions"] < needed * (LIMITS.lossy_dimensions if lossy else LIMITS.dimensions)
    if run.dim <= 3 or not few[-1]:
        return None
    words = {"needed": needed, "of": run.dim, "filled": run.last("dimensions")}
    return _told("dimensional collapse", run.evidence("dimensions") | {"needed": float(needed)}, run.since(few), **words)


def _oscillating(run: Readings) -> Diagnosis | None:
    turning, moving = (float(np.median(late)) if len(late) else np.nan for late in (run.late("turning"), run.late("step")))
    jumps = turning < LIMITS.turning and moving > LIMITS.movement and run.roughness() >= LIMITS.rough
    leaps = run.leap() > LIMITS.leap and not run.learned_nothing()  # a flat loss leaps by its own noise
    if run.n_frames < 5 or not (jumps or leaps):
        return None
    since = int(run.epochs[run.n_frames // 2])
    what = f"the points jump to and fro, each time by {moving:.0%} of the embedding's size"
    if not jumps:
        what = f"the loss leaps up again, once by {run.leap():.0%} of all it had fallen"
    evidence = run.evidence() | {"turning": turning, "step": moving, "roughness": run.roughness(), "leap": run.leap()}
    return _told("oscillating", evidence, since, what=what)


def _no_better(run: Readings) -> Diagnosis | None:
    if run.n_frames < 4 or run.learned_nothing():
        return None
    first, last = (run.baselines.get(f"{when}_preservation", np.nan) for when in ("first", "last"))
    noise, what = 0.01, "share of neighbourhoods kept"
    if len(known(run.knn)):
        first, last, noise, what = run.first("knn_accuracy"), run.last("knn_accuracy"), run.knn_noise(), "kNN accuracy"
    worse = last < first - noise
    if not worse and not (last - first <= noise and first < 1 - 2 * noise):  # unknown, gained, or nothing left to gain
        return None
    words = {"how": "worse" if worse else "no better", "what": what, "first": first, "last": last}
    return _told("no better than untrained", run.evidence() | {"untrained": float(first)}, **words)


def _still_learning(run: Readings) -> Diagnosis | None:
    if run.n_frames < 4:
        return _told("still learning", run.evidence(), said="too_few", n=run.n_frames)
    late = {name: progress.late for name, progress in run.progress.items() if progress.late > LIMITS.late}
    if not late:
        return None
    gains = {"loss": "fall of the loss", "knn_accuracy": "gain in kNN accuracy", "movement": "way to the final embedding"}
    what = " and ".join(f"{share:.0%} of the {gains[name]}" for name, share in late.items())
    when = "last fifth of the run" if run.n_frames > 6 else "step to the last frame"
    seen = run.evidence() | {f"late_{name}": share for name, share in late.items()}
    return _told("still learning", seen, when=when, what=what)


def _plateau(run: Readings) -> Diagnosis | None:
    if run.learned_nothing():
        return _told("plateau", run.evidence(), int(run.epochs[0]), "nothing")
    since = max(progress.settled for progress in run.progress.values() if progress.real)
    if since - run.epochs[0] > (run.epochs[-1] - run.epochs[0]) / 2:
        return None
    seen, spread = run.evidence() | {"settled": float(since)}, run.curves["spread"]
    enough = spread[-1] <= 1.05 * spread[np.searchsorted(run.epochs, since)]  # the points spread no further
    advice = "To get further, change a setting rather than train longer."
    found = _told("plateau", seen, since, settled=LIMITS.settled)
    return replace(found, advice=f"About {since} epochs are enough. {advice}" if enough else advice)


def _healthy(run: Readings) -> Diagnosis | None:
    close = run.of_unit_length and run.last("spread") < LIMITS.close
    words = {"how": "close together" if close else "spread out", "spread": run.last("spread"), "filled": run.last("dimensions")}
    learned = " and ".join(name.replace("_accuracy", " accuracy") for name, p in run.progress.items() if p.real)
    return _told("healthy", run.evidence("spread", "dimensions", "movement"), learned=learned, **words)


CHECKS = (
    *(partial(_risen, share=LIMITS.blow_up - 1), _collapsed, _risen, _oscillating, _dimensional_collapse, _thrown_back),
    *(_no_better, _still_learning, _plateau, _healthy),
)
"""From the worst to the best; the last always has an answer."""
