"""What to try next after a run: one sentence and a line to paste, of the first row that fits what the run shows."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from itertools import product

import numpy as np

from ..animation.projection import kind_and_frame
from ..errors import ConfigError
from ..evaluation.diagnosis import FAILURES
from ..methods import axes
from ..methods.catalogue import HELD, PROJECTIONS, runs_code
from ..methods.config import Config
from ..methods.recipes import without_effect
from ..methods.resolve import method_of
from ..methods.settings import value_at
from .folders.store import CHECKPOINTS

LITTLE = 0.02  # a change of kNN accuracy that counts for nothing
EASY = 0.9  # one of untrained networks that leaves little to learn


@dataclass(frozen=True)
class NextStep:
    """What to try next: a sentence on what the run shows, and the line to paste; RUN stands for the folder of the run."""

    sentence: str
    python: str
    command: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.python}"

    @property
    def html(self) -> str:
        return f"{escape(self.sentence)} <code>{escape(self.python)}</code>"

    def for_shell(self, folder) -> str:
        return f"next: {self.sentence}\n      {self.command.replace('RUN', shlex.quote(str(folder)))}"


class Evidence:
    """What the rows look at: the run, the verdict on it, the settings that somebody gave, the kNN accuracy before and after."""

    def __init__(self, run, verdict: str, since: int | None):
        self.run, self.verdict, self.since, self.config = run, verdict, since, run.config
        self.failed, self.dim = verdict in FAILURES, run.trajectory.dim
        given = {name: value for name, value in run.config.explicit().items() if not run.config.came_by_default(name)}
        self.given = {name: value for name, value in given.items() if name != "run_name"}
        knn = run.measured("knn_accuracy") or [math.nan]
        self.untrained, self.gain = knn[0], knn[-1] - knn[0]
        self.learns_classes = "labels" in axes.SUPERVISORY[method_of(run.config).supervisory].needs

    @property
    def maps_neighbours(self) -> bool:  # as t-SNE and UMAP do
        return bool(PROJECTIONS[kind_and_frame(self.run.trajectory, self.config.gif_method, "last")[0]].chained)

    def settings(self, changes: Mapping[str, object]) -> dict[str, object]:
        """The given settings with changes, None for what is left out; what has no effect any more is left out too."""
        merged = {name: value for name, value in {**self.given, **changes}.items() if value is not None}
        idle = without_effect([("next step", merged)])
        return {name: value for name, value in merged.items() if name not in idle}

    def own(self, name: str) -> float:
        return getattr(Config(**self.settings({name: None})).resolve(), name)

    def unasked(self, name: str) -> bool:
        return getattr(self.config, name) is not None and name not in self.given

    def far(self, name: str) -> bool:
        """Whether a number was given, and is far from the method's own."""
        return name in self.given and not 0.2 <= value_at(self.given[name], 1) / self.own(name) <= 5

    def around(self, name: str, less: float, more: float, most: float = math.inf) -> list[float]:
        value = value_at(getattr(self.config, name), 1)
        return sorted({float(f"{min(each, most):.2g}") for each in (less * value, value, more * value)})

    def step(self, factor: float, most: float = math.inf) -> float:
        return float(f"{min(factor * value_at(self.config.learning_rate or 1e-3, 1), most):.2g}")


@dataclass(frozen=True)
class Row:
    """What to say, when that fits, and what to do: ``run``, ``sweep`` over values, ``animate`` with options, or ``resume``."""

    sentence: str
    fits: Callable[[Evidence], bool]
    settings: Callable[[Evidence], dict[str, object]]
    what: str = "run"


ROWS = {
    "interrupted": Row("The run was stopped before its end. Train it to the end:",
        lambda e: e.run.status == "interrupted", lambda e: {}, "resume"),
    "stopped": Row("Put right what the error names, then run it again:",
        lambda e: e.verdict == "stopped", lambda e: {}),
    "weight decay": Row("Weight decay pulls every weight towards zero, and here it pulled too hard. Train without it:",
        lambda e: e.failed and bool(e.given.get("weight_decay")), lambda e: {"weight_decay": None}),
    "temperature": Row("This temperature is far from the one that the method is used with. Go back to that one:",
        lambda e: e.failed and e.far("temperature"), lambda e: {"temperature": None}),
    "learning rate": Row("With smaller steps the embedding may hold together:",
        lambda e: e.failed, lambda e: {"learning_rate": e.step(0.1, e.own("learning_rate"))}),
    "epochs": Row("See how far it gets with more epochs:",
        lambda e: e.verdict == "still learning", lambda e: {"epochs": max(2 * e.config.epochs, 10)}),
    "nothing learned": Row("Nothing changed by more than chance. Take larger steps:",
        lambda e: e.verdict == "plateau" and e.since == e.run.trajectory.epochs[0],
        lambda e: {"learning_rate": None if e.far("learning_rate") else e.step(10)}),
    "fell": Row("Neighbours share a class less often than before training. See what the labels would bring:",
        lambda e: e.gain < -LITTLE and not e.learns_classes,
        lambda e: {"method": "supcon", "supervisory": None, "learned": None, "backbone": None}),
    "easy data": Row("The classes lay apart before any training, so there was little to learn. Try digits that move:",
        lambda e: e.untrained >= EASY and e.gain < LITTLE and e.config.dataset == "digits",
        lambda e: {"dataset": "moving_digits"}),
    "without labels": Row("This method was told the classes. See how far one gets that is not:",
        lambda e: e.learns_classes and e.gain > LITTLE, lambda e: {"method": "simclr", "supervisory": None, "learned": None}),
    "perplexity": Row("Perplexity says how many neighbours of a point count. See what few and many do:",
        lambda e: e.unasked("perplexity"),
        lambda e: {"perplexity": e.around("perplexity", 0.2, 3, e.run.trajectory.n_points / 4)}, "sweep"),
    "temperatures": Row("The temperature says how much the nearest points count above the rest. See what less and more do:",
        lambda e: e.unasked("temperature") and e.config.backbone != "table",
        lambda e: {"temperature": e.around("temperature", 0.25, 4)}, "sweep"),
    "neighbours": Row("A flat picture shows a part of so many dimensions. Draw who is near whom instead:",
        lambda e: e.dim > 3 and not e.maps_neighbours, lambda e: {"projection": "tsne"}, "animate"),
    "distances": Row("A map of neighbours does not say how far apart the groups are. Look at three true directions:",
        lambda e: e.dim > 3, lambda e: {"projection": "pca3"}, "animate"),
    "seeds": Row("One run is one throw of the dice. See how much three of them differ:",
        lambda e: True, lambda e: {"seed": [0, 1, 2]}, "sweep"),
}  # fmt: skip
"""By a name for tests, from what must be put right to what can be tried."""


def next_step(run, verdict: str, since: int | None) -> NextStep:
    """The step of the first row that fits a run, with the verdict of its diagnosis, and makes a valid config."""
    evidence = Evidence(run, verdict, since)
    for row in ROWS.values():
        with suppress(ConfigError):  # what was given does not go with this step
            if not row.fits(evidence):
                continue
            asked = row.settings(evidence)
            if row.what == "animate":
                ((name, value),) = asked.items()
                return NextStep(row.sentence, f"results.animate({name}={value!r})", f"icon-nb animate RUN --{name} {value}")
            values = asked if row.what == "sweep" else {}
            step = _to_run(row.sentence, evidence.settings(dict.fromkeys(values) or asked), values)
            kept = row.what == "resume" and (run.folder is None or (run.folder / CHECKPOINTS).exists())
            trust = " --trust-code" if runs_code(run.config.dataset) else ""
            return replace(step, command=f"icon-nb --resume RUN{trust}") if kept else step
    raise AssertionError("the last row fits every run")


def _to_run(sentence: str, settings: Mapping[str, object], values: Mapping[str, Sequence]) -> NextStep:
    """A run with these settings, or a sweep over values besides; a ConfigError where one of its configs cannot be used."""
    for combination in product(*values.values()):
        Config(**settings, **dict(zip(values, combination))).resolve()
    own_data = str(settings.get("dataset", "")).startswith(HELD)
    words, flags = ["data=data"] if own_data else [], []
    plain = {name: value for name, value in settings.items() if not (own_data and name == "dataset")}
    said = [f"{name}={value!r}" for name, value in plain.items()]
    for name, value in plain.items():
        flags += [f"--{'' if value else 'no_'}{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
    for name, several in values.items():
        words.append(f"{name}={several!r}")
        flags += ["--sweep", f"{name}={','.join(map(str, several))}"]
    if values:
        said = [f"icon.Config({', '.join(said)})"] if said else []
    python = f"icon.{'sweep' if values else 'run'}({', '.join(said + words)})"
    return NextStep(sentence, python, shlex.join(["icon-nb", *flags]))


def next_for_several(study) -> NextStep:
    """What to try next: after what failed, values beyond the best, more seeds, or the step of the best run (or the first)."""
    if not study.runs:
        return NextStep("There is no run yet. Train one:", "icon.run()", "icon-nb")
    if study.failures:
        sentence = f"{len(study.failures)} of {len(study)} runs failed. Read why the first of them did:"
        return NextStep(sentence, "print(study.failures[0].error)", "icon-nb show RUN")
    reached = {key: np.mean([run.history["knn_accuracy"][-1] for run in runs]) for key, runs in study.cells.items()}
    comparable = "dataset" not in study.compared and not np.isnan(list(reached.values())).any()
    best = max(study.cells, key=lambda key: np.nan_to_num(reached[key], nan=-1.0))
    compared = [name for name in study.compared if name != "seed"]
    if len(compared) == 1:
        name, tried = compared[0], [key[0] for key in study.cells]
        step = _beyond(study, name, tried, best[0]) if comparable else None
        if step is None and not study.replicated:
            sentence = "One run of each is one throw of the dice. See whether the order holds:"
            step = _sweep(study, sentence, {name: tried, "seed": [0, 1, 2]})
        if step is not None:
            return step
    run = study.cells[best][0]
    place, step = next(k for k, each in enumerate(study.runs) if each is run), run.next_step
    words = f"{study.name(run, without=('seed',))} has the highest kNN accuracy. " if comparable else ""
    return NextStep(words + step.sentence, step.python.replace("results.", f"study[{place}]."), step.command)


def _beyond(study, name: str, values: list, best) -> NextStep | None:
    """Values beyond the end of those that were tried, where the best is at that end and the setting is a number."""
    if len(values) < 3 or not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return None
    values = sorted(values)
    if best not in (values[0], values[-1]) or values[0] <= 0:
        return None
    ratio = best / (values[1] if best == values[0] else values[-2])
    further = [type(best)(float(f"{best * ratio**k:.2g}")) for k in range(3)]
    sentence = f"{name}={best:g} has the highest kNN accuracy, and it is the last value on that side. Try some beyond it:"
    return _sweep(study, sentence, {name: further})


def _sweep(study, sentence: str, values: Mapping[str, list]) -> NextStep | None:
    """A sweep with the settings that every run was given; None where one of its configs cannot be used."""
    first, *others = (Evidence(run, "", None) for run in study.results)
    shared = {name: value for name, value in first.given.items() if all(each.given.get(name) == value for each in others)}
    with suppress(ConfigError):
        return _to_run(sentence, {name: value for name, value in shared.items() if name not in values}, values)
    return None

