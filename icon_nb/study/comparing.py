"""The table of a comparison: a row for every run, or for the runs that differ only in their seed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ..evaluation.dynamics import as_points, resolve_metric
from ..evaluation.scores import evaluate
from ..methods.catalogue import SCORES
from ..methods.config import SETTINGS
from ..objective.distances import metric_of
from .probes import inputs_of, score_run
from .record import Failure, Run
from .table import Spread, Table


def _scores() -> list[str]:
    """The scores that have a column."""
    return [name for name, row in SCORES.items() if row.compared]


def table(study, *, each: bool, baselines: bool, seconds: bool) -> Table:
    """See :meth:`icon_nb.Comparison.table`."""
    pooled = study.replicated and not each
    settings = [name for name in study.compared if not (pooled and name == "seed")] or ["method"]
    if pooled:
        rows = [_pool([_row(study, run, settings) for run in runs]) for runs in study.cells.values()]
    else:
        rows = [_row(study, run, settings) for run in study.runs]
    if baselines:
        rows += _baselines(study, settings)
    columns = (*settings, "runs", "epochs", "loss", *_scores(), "seconds", "diagnosis", "error")
    idle = {
        "runs": not pooled,
        "linear_probe": not any(run.config.probe for run in study.runs),
        "error": not any(row.get("error") for row in rows),
    }
    columns = tuple(dict.fromkeys(name for name in columns if not idle.get(name)))
    return Table(columns, tuple(rows), tuple(_notes(study, pooled)), () if seconds else ("seconds",))


def _row(study, run: Run | Failure, settings: Sequence[str]) -> dict[str, object]:
    row = {name: study.value(run, name) for name in settings}
    if not isinstance(run, Run):
        return {**row, "diagnosis": run.status, "error": run.error}
    row |= {"epochs": run.history["epoch"][-1], "loss": run.history["loss"][-1]}
    scores = score_run(run) if _unscored(run) else run.scores
    row |= {name: scores[name] for name in _scores()}
    return row | {"seconds": run.provenance.get("seconds", math.nan), "diagnosis": verdict(run), "error": run.error or None}


def _unscored(run: Run) -> bool:
    """Whether the scores that compare with the inputs are missing because the data are code that nobody trusted."""
    return "scores" not in run.__dict__ and bool(run.withheld)


def verdict(run: Run) -> str:
    """The diagnosis in a word or four, and that a run was stopped where it was."""
    found = run.diagnosis
    since = f" since epoch {found.since}" if found.verdict == "plateau" and found.since is not None else ""
    return f"{found.verdict}{since}" + (" (interrupted)" if run.status == "interrupted" else "")


def _pool(rows: Sequence[Mapping]) -> dict[str, object]:
    """Runs that differ only in their seed, as one row."""
    pooled = {**rows[0], "runs": len(rows)}
    for name in ("loss", *_scores(), "seconds"):
        values = [row[name] for row in rows if name in row]
        pooled |= {name: Spread.of(values)} if values else {}
    for name in ("diagnosis", "error"):
        counts = Counter(row[name] for row in rows if row[name])
        said = counts if len(counts) == 1 else (f"{n} {word}" for word, n in counts.items())
        pooled[name] = ", ".join(said) or None
    return pooled


def _baselines(study, settings: Sequence[str]) -> list[dict[str, object]]:
    """The same points before training, a row for every distinct network, and as raw inputs, a row for every data set."""
    runs = study.first_of_each()
    rows = [(f"{name}, untrained", _baseline(run, run.trajectory.embeddings[0])) for name, run in _untrained(study, runs)]
    firsts: dict[str, Run] = {}
    for run in runs:
        firsts.setdefault(str(run.provenance.get("dataset")), run)
    for run in firsts.values():
        if (x := inputs_of(run)) is not None:
            rows.append((f"{run.provenance['dataset']['name']}, raw inputs", _baseline(run, x, "euclidean")))
    return [{settings[0]: name, **{score: scores[score] for score in _scores()}} for name, scores in rows]


def _baseline(run: Run, z: np.ndarray, metric: str = "") -> dict[str, float]:
    config, x = run.config, None if metric else inputs_of(run)
    return evaluate(
        z, run.trajectory.labels, x, seed=config.seed, metric=metric or metric_of(config.distance), linear=config.probe
    )


def _untrained(study, runs: Sequence[Run]) -> list[tuple[str, Run]]:
    """One run for every network that the runs began with, under a name that says which network it is."""
    distinct: list[Run] = []
    for run in runs:
        if not any(_begins_alike(run, other) for other in distinct):
            distinct.append(run)
    about = [name for name in study.compared if name == "dataset" or SETTINGS[name].group == "model"]
    others = [name for name in study.compared if name not in about]
    names = [study.name(run, without=others) if about else run.config.backbone for run in distinct]
    names = [_told_apart(name, names, f"by {_metric(run)} distance") for name, run in zip(names, distinct)]
    return [(_told_apart(name, names, study.name(run)), run) for name, run in zip(names, distinct)]


def _told_apart(name: str, names: Sequence[str], by: str) -> str:
    return name if names.count(name) == 1 else f"{name}, {by}"


def _metric(run: Run) -> str:
    return resolve_metric(metric_of(run.config.distance), run.trajectory.dim)


def _begins_alike(run: Run, other: Run) -> bool:
    """Whether two runs began with the same points in the same places, as their scores compare them."""
    if run.provenance.get("dataset") != other.provenance.get("dataset") or _metric(run) != _metric(other):
        return False
    first, second = (as_points(each.trajectory.embeddings[0], _metric(run)) for each in (run, other))
    return first.shape == second.shape and np.allclose(first, second, rtol=1e-4, atol=1e-6)


def _notes(study, pooled: bool):
    """What the numbers mean, and what they do not."""
    results = study.results
    yield from (_scored_on(results),) if results else ()
    if not all(run.config.probe for run in results):
        yield "No linear probe where a run has probe=False."
    if pooled:
        sizes = sorted({len(runs) for runs in study.cells.values()})
        many = " to ".join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))
        yield f"Mean ± standard deviation over {many} {'seeds' if 'seed' in study.compared else 'runs'}."
    yield from dict.fromkeys(f"No neighbourhood preservation: {run.withheld}." for run in results if _unscored(run))
    if study.incomparable:
        yield study.incomparable
    if study.interrupted:
        yield "Interrupted: what is missing here was not run, or not to its end."


def _scored_on(results: Sequence[Run]) -> str:
    """Which points the scores are from, and whether training saw them."""
    sizes = sorted({run.trajectory.n_points for run in results})
    points = f"{' to '.join(f'{n:,}' for n in dict.fromkeys((sizes[0], sizes[-1])))} points"
    held_out = [run.trajectory.held_out is not None and bool(run.trajectory.held_out.all()) for run in results]
    if all(held_out):
        return f"Scores are on {points} held out from training."
    if not any(held_out):
        return f"Scores are on {points} that were trained on: there are no held-out ones for these runs."
    return f"Scores are on {points}, some held out and some trained on: compare rows of the same kind only."
