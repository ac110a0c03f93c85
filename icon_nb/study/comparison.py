"""Comparison: several runs, one look, one table, scored and drawn when that is asked for; and load, which reads runs back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape

from torch.nn import Module

from .. import animation
from ..animation.options import overlay_names
from ..errors import DataError, LoadError, demand_type, printable
from ..files import place
from ..methods.config import SETTINGS
from ..methods.settings import hold, is_own, keep
from ..training.ranks import threads_for
from . import table
from .folders.outputs import read_study, save_comparison
from .folders.store import COMPARISON, RECORD, load_run
from .folders.verify import reading
from .next_step import next_for_several
from .results import Failure, Outcome, Results, Shown, animation_options


@dataclass(eq=False)
class Comparison(Shown, Sequence):
    """Several runs side by side: a sequence of :class:`Results`, with a :class:`Failure` in place of a run that left nothing.

    Parameters
    ----------
    runs : sequence of Results or Failure
    title, compared
        A text, and the settings that are compared; found from the runs when not given.
    interrupted : bool
        Whether runs are missing because someone stopped them.

    Examples
    --------
    >>> import icon_nb as icon
    >>> study = icon.sweep(icon.Config(n_samples=200, epochs=1, quiet=True), temperature=[0.1, 0.5])
    >>> study, len(study.table())
    (Comparison(sweep of temperature: 2 runs), 2)
    """

    runs: Sequence[Outcome]
    title: str = ""
    compared: tuple[str, ...] = ()
    interrupted: bool = False

    next_step = property(next_for_several)
    baselines = cached_property(table.baselines)
    save = save_comparison

    def __post_init__(self):
        self.runs = tuple(self.runs)
        for run in self.runs:
            demand_type("a run of a Comparison", run, (Results, Failure), "what icon_nb.run or icon_nb.load returns")
        self.compared = tuple(self.compared) or differing(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, k):
        return self.runs[k]

    @property
    def results(self) -> tuple[Results, ...]:
        """The runs that have results, those among them that failed half-way too."""
        return tuple(run for run in self.runs if isinstance(run, Results))

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The runs that failed; each has an ``error``."""
        return tuple(run for run in self.runs if run.status == "failed")

    def name(self, run: Outcome, *, without: Iterable[str] = ()) -> str:
        """What tells a run from the others, for instance ``temperature=0.1``."""
        values = {setting: self.value(run, setting) for setting in self.compared if setting not in without}
        texts = {k: f"{v:g}" if isinstance(v, float) else str(v) for k, v in values.items() if v is not None}
        said = [text if name in ("method", "backbone") else f"{name}={text}" for name, text in texts.items()]
        fork = getattr(run, "provenance", {}).get("fork")
        said += [f"from epoch {fork['epoch']}"] if fork else []
        return printable(", ".join(said) or run.config.label)

    def value(self, run: Outcome, setting: str) -> object:
        """A setting of a run as titles and tables give it: data given as objects go by their name, numbered if need be."""
        value = getattr(run.config, setting)
        return self._held.get(value, value) if setting == "dataset" else value

    @cached_property
    def _held(self) -> dict[str, str]:
        handles = list(dict.fromkeys(run.config.dataset for run in self.runs if (run.config.dataset or "").startswith("memory:")))
        names = [handle.removeprefix("memory:").rpartition("-")[0] for handle in handles]
        places = [names[:k].count(name) + 1 for k, name in enumerate(names)]
        return {h: f"{name} {k}" if names.count(name) > 1 else name for h, name, k in zip(handles, names, places)}

    @cached_property
    def cells(self) -> dict[tuple, tuple[Outcome, ...]]:
        """The runs that differ only in their seed, together."""
        settings, cells = [setting for setting in self.compared if setting != "seed"], {}
        for run in self.runs:
            key = tuple(getattr(run.config, setting) for setting in settings)
            cells[key] = (*cells.get(key, ()), run)
        return cells

    @property
    def replicated(self) -> bool:
        """Whether some cell holds several seeds."""
        return any(len(runs) > 1 for runs in self.cells.values())

    def first_of_each(self) -> tuple[Results, ...]:
        """One run of each cell: what pictures show when there are several seeds."""
        having = ([run for run in runs if isinstance(run, Results)] for runs in self.cells.values())
        return tuple(runs[0] for runs in having if runs)

    def table(self, *, each: bool = False, baselines: bool = False, seconds: bool = False) -> table.Table:
        """What came of every run: settings, epochs, loss, scores of :func:`icon_nb.evaluate.evaluate`, verdict and errors.

        Parameters
        ----------
        each : bool
            A row for every run even where runs differ only in their seed, instead of their mean and standard deviation.
        baselines : bool
            Add rows for the raw inputs and for every network before training, as all tables that are printed or written have.
        seconds : bool
            Show how long each run took; without, only CSV, JSON and data frames have it.
        """
        return table.table(self, each=each, baselines=baselines, seconds=seconds)

    def animate(self, *, each: bool = False, **options):
        """Side-by-side animation with one epoch counter; options as in :func:`icon_nb.animation.side_by_side`.

        Of runs that differ only in their seed the first is shown, unless ``each``.
        """
        runs = self._drawn(each)
        names = [self.name(run, without=() if each or not self.replicated else ("seed",)) for run in runs]
        options = {**animation_options(runs[0].config), "titles": names, **options}
        overlays = set(overlay_names(options["overlay"]))
        if "diagnosis" in overlays:
            options.setdefault("note", "; ".join(f"{name}: {run.diagnosis.verdict}" for name, run in zip(names, runs)))
        elif overlays & {"loss", "curves"}:
            options.setdefault("note", self.incomparable)
        options.setdefault("own_scale", "loss" if self.incomparable else ())
        return animation.side_by_side([run.watched(overlays) for run in runs], **options)

    def small_multiples(self, epochs: Sequence[int] | None = None, *, each: bool = False, **options):
        """Chosen epochs of every run on paper, a row per run; options as in :meth:`animate`."""
        return animation.small_multiples(self.animate(each=each, **options), epochs)

    def plot(self, metrics: Sequence[str] | None = None, **options):
        """Curves over the epochs, a panel per metric; runs that differ only in their seed are a mean with a band.

        The metrics are ``loss``, ``knn_accuracy`` and ``seconds``, all that were recorded when none are given; options as in
        :func:`icon_nb.animation.plots.curves`.
        """
        runs = self.results
        labels = [self.name(run, without=("seed",) if self.replicated else ()) for run in runs]
        note = self.incomparable if metrics is None or "loss" in metrics else ""
        options = {"labels": labels, "metrics": metrics, "title": self.title, "note": note, **options}
        return animation.curves([run.watched(metrics) for run in runs], **options)

    @property
    def incomparable(self) -> str:
        """A sentence where the losses of the runs are not comparable: they minimise different things."""
        objective = [name for name in self.compared if name in ("dataset", "batch_size") or SETTINGS[name].group == "objective"]
        which = f"runs that differ in {', '.join(objective)} minimise different things"
        return f"Losses are not comparable: {which}." if objective and len(self) > 1 else ""

    def _drawn(self, each: bool) -> tuple[Results, ...]:
        runs = self.results if each else self.first_of_each()
        if not runs:
            raise DataError(f"there is nothing to draw: {self.runs[0].summary() if self.runs else 'no run was finished'}")
        return runs

    def player(self, *, each: bool = False, **options):
        """Linked interactive pages of the runs; options as in :func:`icon_nb.player.player`."""
        from ..animation.player import player

        runs = self._drawn(each)
        told = {"titles": [self.name(run) for run in runs], "neighbours": [run.neighbours for run in runs]}
        apart = {"own_scale": "loss", "note": self.incomparable} if self.incomparable else {}
        return player([run.trajectory for run in runs], **{**told, **apart, **options})

    @cached_property
    def _animation(self):
        from ..animation.animation import small

        return small(self.animate, min(run.config.gif_max_points for run in self.results), size=None)

    def summary(self) -> str:
        """A line for the whole, and one for every run."""
        return "\n".join([repr(self), *(f"  {self.name(run)}: {run.summary()}" for run in self.runs)])

    def __repr__(self) -> str:
        many = f"{len(self)} run{'s' * (len(self) != 1)}"
        failed = f", {len(self.failures)} failed" if self.failures else ""
        stopped = ", interrupted" if self.interrupted else ""
        title = self.title or f"comparison of {', '.join(self.compared)}"
        return f"Comparison({printable(title)}: {many}{failed}{stopped})"

    def __str__(self) -> str:
        return f"{self!r}\n{self.table(baselines=True, seconds=True)}"

    @threads_for(small=True)
    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        drawn = self._animation.bundle(self.player()) if self.results else {"text/html": ""}
        head = f"<p>{escape(repr(self))}{f'<br>{self.next_step.html}' if self.runs else ''}</p>"
        return {**drawn, "text/plain": repr(self), "text/html": head + drawn["text/html"] + self.table(baselines=True).to_html()}


def differing(runs: Sequence[Outcome]) -> tuple[str, ...]:
    """The settings that someone gave and that differ between the runs; the method where nothing does."""
    sources = [source for run in runs for source in run.config.sources.items()]
    given = {name for name, source in sources if not source.startswith(("default", "method "))}
    differ = [name for name, about in SETTINGS.items() if about.counts and len({getattr(run.config, name) for run in runs}) > 1]
    chosen = [name for name in differ if name == "method" or name in given]
    if "method" in chosen:
        chosen = [name for name in chosen if name not in ("supervisory", "learned")]  # said by the method already
    return tuple(chosen or differ) or ("method",)


def load(path, *, trust_code: bool = False, backbone=None) -> Results | Comparison:
    """Read a saved run back: an equal :class:`Results`, animation included; or a saved :class:`Comparison`.

    Parameters
    ----------
    path : str or Path
        Its folder. A LoadError where it is missing, damaged, changed, or from a newer version names the file.
    trust_code : bool
        Whether scores and probes may run the file of a run on ``dataset="custom:FILE.py:NAME"``. Without it no code that a saved
        run names is run.
    backbone : nn.Module, optional
        The network of a run on a network of your own, with any weights: those of the run are put into a copy.

    Examples
    --------
    >>> import tempfile, icon_nb as icon
    >>> run = icon.run(epochs=1, quiet=True)
    >>> again = icon.load(run.save(tempfile.mkdtemp() + "/run"))
    >>> bool((again.embeddings == run.embeddings).all())
    True
    """
    demand_type("path", path, (str, os.PathLike), "the folder of a saved run", LoadError)
    if backbone is not None:
        demand_type("backbone", backbone, Module, "an nn.Module")
    path = place(path, LoadError)
    held = None if backbone is None else hold(backbone)
    with reading(path):
        several = (path / COMPARISON).exists() and not (path / RECORD).exists()
    loaded = Comparison(**read_study(path)) if several else load_run(path, Results)
    for run in loaded.results if several else (loaded,):
        run.trust_code = trust_code
        if held is not None and is_own(run.config.backbone):  # the config keeps the network from now on
            object.__setattr__(run.config, "backbone", keep(run.config.backbone, held.thing))
    return loaded
