"""Several runs from one call: a grid of settings, a recipe, any list of configs; and the temperature study without its screen."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import closing

import numpy as np
import torch

from ..data.loading import load_for
from ..errors import ConfigError, SaveError, demand, demand_type, shown
from ..evaluation.dynamics import alignment, uniformity
from ..evaluation.forces import per_point
from ..evaluation.trajectory import Rows, Trajectory
from ..methods import axes, recipes
from ..methods.catalogue import source_of
from ..methods.config import SETTINGS, Config
from ..methods.resolve import method_of
from ..methods.settings import check_names
from .comparison import Comparison
from .folders.outputs import claim_folder, finished_run, is_whole, run_folder, write_study
from .folders.store import save
from .results import Results
from .run import train
from .session import Session, start
from .workers import DatasetCache, sendable, train_each

HOW = ("data", "progress", "on_record", "save_to", "workers", "executor")  # every other keyword is a setting


def sweep(config: Config | None = None, **values) -> Comparison:
    """Run a Config once for every combination of the given values.

    Parameters
    ----------
    config : Config, optional
        ``Config()`` when not given.
    **values
        Settings with the values to try, for instance ``temperature=[0.1, 0.5]``; several span a grid. With ``seed=range(5)`` the
        table gives mean and standard deviation over the seeds. And data, progress, on_record, save_to, workers, executor, as
        in :func:`run_configs`. One that cannot be used is a ConfigError, before anything is run.

    Examples
    --------
    >>> study = sweep(Config(n_samples=200, epochs=1, quiet=True), temperature=[0.1, 0.5], seed=range(2))
    >>> len(study), len(study.table())
    (4, 2)
    """
    how = {name: values.pop(name) for name in HOW if name in values}
    check_names(values, SETTINGS)
    demand(values, "sweep needs a setting with its values, for instance temperature=[0.1, 0.5]")
    for name, each in values.items():
        if isinstance(each, (str, bytes)) or not isinstance(each, Iterable):
            raise ConfigError(f"{name}={each!r} is one value: give several, for instance {name}=[{each!r}, ...]")
        values[name] = list(each)
        demand(values[name], f"{name}=[] holds no value to try: give at least one")
    config = Config() if config is None else config
    demand_type("config", config, Config, "icon_nb.Config(method='simclr')")
    configs = recipes.grid(config, values)
    return run_configs(configs, title=f"sweep of {', '.join(values)}", compared=tuple(values), **how)


def run_recipe(name: str, **overrides) -> Comparison:
    """Run every Config of a recipe, a key of :data:`icon_nb.recipes.RECIPES`.

    The ``overrides`` are settings for every run that has a use for them, see :func:`icon_nb.recipe`, and options of
    :func:`run_configs`.

    Examples
    --------
    >>> run_recipe("simclr_vs_sne", n_samples=300, epochs=1, quiet=True)
    Comparison(simclr_vs_sne: 2 runs)
    """
    how = {name: overrides.pop(name) for name in HOW if name in overrides}
    configs = recipes.recipe(name, **overrides)
    return run_configs(configs, title=name, compared=recipes.RECIPES[name].compared, **how)


def run_configs(
    configs: Sequence[Config],
    *,
    data=None,
    progress: bool | None = None,
    on_record=None,
    save_to=None,
    workers: int | None = None,
    executor: Executor | None = None,
    title: str = "",
    compared: Sequence[str] = (),
) -> Comparison:
    """Run every config and compare. A run that fails does not stop the others.

    Parameters
    ----------
    configs : sequence of Config
        One that occurs twice is run once, with a warning. ``data``, ``progress`` and ``on_record`` are those of
        :func:`icon_nb.run`; the title of the recorder that ``on_record`` sees says which run it is.
    save_to : path, optional
        Folder in which every run is saved as soon as it is finished. The same call again reads what is there and runs only what
        is missing, or was trained on a file that holds other data by now.
    workers : int, optional
        Train in so many processes at once; ``on_record`` is called there, and must be a function of a module.
    executor : concurrent.futures.Executor or distributed.Client, optional
        Train wherever it does: a pool, ``mpi4py``'s, a Dask cluster. Only configs go there, with paths made absolute, and the
        data if they are objects of yours; only files come back. A run whose worker finds other data under the same path fails.
    title, compared
        As in :class:`icon_nb.Comparison`.

    Returns
    -------
    Comparison
        When interrupted: the runs that were finished; under the environment variable ``ICON_NB_STRICT`` the interrupt is raised.
        Where the folder cannot be written, the ``results`` of the SaveError hold them.

    Notes
    -----
    Every run uses as many threads as torch uses here, on which the last digit of a sum depends. So the numbers do not depend on
    the executor; ``torch.set_num_threads(1)`` beforehand makes the most of several workers.
    """
    alone = executor is None and isinstance(workers, int) and workers >= 1
    demand(workers is None or alone, f"workers={workers!r}: give a whole number, at least 1, and not together with an executor")
    if on_record is not None and (workers or executor) is not None:
        sendable(on_record, ConfigError, f"on_record={shown(on_record)}")
    configs = _different(configs, data)
    datasets, folder = DatasetCache(), None if save_to is None else claim_folder(save_to)
    done = {config: run for config in configs if folder and (run := finished_run(folder, config, datasets.get))}

    def so_far(interrupted: bool) -> Comparison:
        return Comparison([done[config] for config in configs if config in done], title, tuple(compared), interrupted)

    missing = [config for config in configs if config not in done]
    options = {"workers": workers, "executor": executor, "progress": progress, "on_record": on_record, "datasets": datasets}
    interrupted = False
    try:
        try:
            with closing(train_each(missing, **options)) as outcomes:  # what still trains is stopped
                for config, outcome in outcomes:
                    done[config] = outcome
                    if folder is not None and is_whole(outcome):
                        save(outcome, folder / run_folder(config), overwrite=True)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not done:
                raise
            interrupted = True
        study = so_far(interrupted)
        if folder is not None:
            names = (run_folder(config) for config in configs if config in done)
            write_study(study, folder, [name if is_whole(run) else None for name, run in zip(names, study)])
    except SaveError as error:  # a full disk, say: what was trained is still there
        error.results = so_far(interrupted=len(done) < len(configs))
        raise
    return study


def _different(configs: Sequence[Config], data) -> tuple[Config, ...]:
    """The configs on these data, resolved, each once."""
    demand_type("configs", configs, Iterable, "a list of icon_nb.Config")
    configs = list(configs)
    for config in configs:
        demand_type("one of the configs", config, Config, "icon_nb.Config(method='simclr')")
    configs = [(config if data is None else config.replace(dataset=data)).resolve() for config in configs]
    different = tuple(dict.fromkeys(configs))
    if repeated := len(configs) - len(different):
        warnings.warn(f"each config is run once: {repeated} of {len(configs)} had been given before", stacklevel=3)
    return different


# The temperature study: runs at several temperatures and seeds, and what p and q say in each of them

MEASURES = {"knn_accuracy": "kNN accuracy", "uniformity": "uniformity (low: even)", "alignment": "alignment (low: classes near)"}
ANCHORS = 8
KEEP_STATES = 8  # MiB of weights that a run of a study keeps for what if
KEPT = 128
_TRAINED: dict[str, tuple[Results, Rows]] = {}


class RowWatcher:
    """Looks at one fixed batch, with the same views, after every recorded epoch of a session that has not begun."""

    def __init__(self, session: Session, anchors: int = ANCHORS):
        self.trainer, self.limit = session.trainer, axes.LEARNED[method_of(session.config).learned].limit
        index = next(self.trainer.reader.order(self.trainer.epoch))
        self.inputs, self.batch = self.trainer.reader.read(index, self.trainer.epoch, 0)
        self.target = None
        self._log_q()  # which makes p too
        self._classes = session.dataset.class_names
        labels = None if session.dataset.y is None else session.dataset.y[index.cpu()].numpy()
        self.chosen = choose_anchors(labels, len(index), anchors)
        self._names = () if labels is None else tuple(str(self._classes[label]) for label in labels)
        self.anchors = tuple(self._names[k] if self._names else f"sample {k}" for k in self.chosen)
        self._q: dict[int, np.ndarray] = {}  # epoch -> q

    def __call__(self, record, recorder) -> None:
        """Keep q where the recorder kept a frame; of frames that it dropped since, q is dropped too."""
        kept = {epoch for epoch, _ in recorder.kept()}
        self._q = {epoch: q for epoch, q in self._q.items() if epoch in kept}
        if record.epoch in kept and not self.limit:
            self._q[record.epoch] = self._rows(self._log_q().exp())

    @torch.no_grad()
    def _log_q(self) -> torch.Tensor:
        self.trainer.model.eval()
        blocks = self.trainer.model(self.inputs)
        taught = self.trainer.model.taught(self.batch)
        if self.target is None or taught is not self.batch:
            self.target = self.trainer.objective.target(taught())
        learned, dtype = self.trainer.objective.learned, self.trainer.dtype
        cast = [(z.to(dtype), other if other is None else other.to(dtype)) for z, other in blocks]
        return torch.cat([learned(z, other, self.target.measure) for z, other in cast])

    def _rows(self, matrix: torch.Tensor) -> np.ndarray:  # of the anchors, each made to sum to one
        return per_point(matrix)[self.chosen].cpu().float().numpy()

    def rows(self, trajectory: Trajectory) -> Rows:
        """What was seen at the frames of the trajectory of the session, once its results are made."""
        epochs = trajectory.epochs.tolist()
        if epochs[-1] not in self._q and not self.limit:  # the last frame of a run that was interrupted
            self.trainer.model.to(self.trainer.device)  # its weights are on the CPU by now
            self._q[epochs[-1]] = self._rows(self._log_q().exp())
            self.trainer.model.to("cpu")
        p = self._rows(self.target.p)
        m, names = p.shape[1], self._names
        if m == len(self._classes) != len(names):
            names = tuple(self._classes)
        candidates = names * (m // len(names)) if names and m % len(names) == 0 else ("",) * m
        return Rows(p, None if self.limit else np.stack([self._q[epoch] for epoch in epochs]), self.anchors, candidates)


def choose_anchors(labels: np.ndarray | None, n: int, count: int) -> np.ndarray:
    """Positions of up to ``count`` samples, the first of each class where there are classes."""
    return (np.arange(n) if labels is None else np.unique(labels, return_index=True)[1])[:count]


def run_and_watch(config: Config, on_record: Callable | None = None) -> tuple[Results, Rows]:
    """Like :func:`icon_nb.run`, and also what p and q said on the way."""
    session = start(config)
    session.keep_states = KEEP_STATES
    watcher = RowWatcher(session)
    results = train(session, watcher, on_record, progress=False)
    return results, watcher.rows(results.trajectory)


def trained(config: Config, data=None, on_record: Callable | None = None) -> tuple[Results, Rows]:
    """The run of a config and its rows of p and q; a config that was trained in this session is not trained again."""
    config = (config if data is None else config.replace(dataset=data)).resolve()
    key = config.key() + (load_for(config).fingerprint if source_of(config.dataset) else "")  # a file may be written anew
    found = _TRAINED.pop(key, None) or run_and_watch(config, on_record)
    if found[0].status == "interrupted":
        raise KeyboardInterrupt
    _TRAINED[key] = found  # what was asked for last stands last
    if len(_TRAINED) > KEPT:
        del _TRAINED[next(iter(_TRAINED))]
    return found


class TemperatureStudy:
    """Runs of one config, of a method that has a temperature, at several temperatures and seeds."""

    def __init__(self, config: Config, temperatures: Iterable[float], seeds: Iterable[int] = (0,), data=None):
        demand_type("config", config, Config, "icon_nb.Config(method='simclr')")
        self.config, self.data = config, data
        self.temperatures = sorted({float(value) for value in temperatures})
        self.seeds = list(dict.fromkeys(int(seed) for seed in seeds))
        if not self.temperatures or not self.seeds:
            raise ConfigError(f"a study needs a temperature and a seed, got {len(self.temperatures)} and {len(self.seeds)}")
        if config.replace(temperature=self.temperatures[0]).resolve().temperature is None:
            raise ConfigError(f"method={config.label!r} has no temperature to study")
        self.runs: dict[tuple[float, int], tuple[Results, Rows]] = {}

    @property
    def missing(self) -> list[tuple[float, int]]:
        return [(t, seed) for t in self.temperatures for seed in self.seeds if (t, seed) not in self.runs]

    @property
    def complete(self) -> list[float]:
        return [t for t in self.temperatures if all((t, seed) in self.runs for seed in self.seeds)]

    def train(self, on_epoch: Callable[[float, int, int], None] | None = None) -> TemperatureStudy:
        """Train what is missing, and call ``on_epoch(temperature, seed, epoch)``; a run that is interrupted is not kept."""
        for t, seed in self.missing:
            call = on_epoch and (lambda record, _, t=t, seed=seed: on_epoch(t, seed, record.epoch))
            self.runs[t, seed] = trained(self.config.replace(temperature=t, seed=seed), self.data, call)
        return self

    def add(self, temperature: float) -> float:
        """Let a temperature join the study; returns it as the study keeps it."""
        temperature = float(temperature)
        self.config.replace(temperature=temperature)  # refuses what is out of range
        self.temperatures = sorted({*self.temperatures, temperature})
        return temperature

    def scores(self, frame: int = -1) -> dict[str, np.ndarray]:
        """Measures at a recorded frame, each (complete temperatures, seeds); see ``MEASURES``."""
        found = []
        for run, _ in (self.runs[t, seed] for t in self.complete for seed in self.seeds):
            trajectory, y = run.trajectory, run.labels
            at = min(frame, trajectory.n_frames - 1)
            z, knn = trajectory.embeddings[at], trajectory.metrics["knn_accuracy"][at]
            found.append((knn, uniformity(z), np.nan if y is None else alignment(z, y)))
        values = np.reshape(found, (len(self.complete), len(self.seeds), len(MEASURES)))
        return dict(zip(MEASURES, np.moveaxis(values, -1, 0)))

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """What training has to beat, as the mean over the runs of complete temperatures; empty without labels."""
        found = [self.runs[t, seed][0].baselines for t in self.complete for seed in self.seeds]
        return {"knn_accuracy": {name: float(np.mean([each[name] for each in found])) for name in found[0]}} if found else {}

    def __repr__(self) -> str:
        values = ", ".join(f"{t:g}" for t in self.temperatures)
        state = f"{len(self.seeds)} seed(s), {len(self.missing)} to train"
        return f"TemperatureStudy({self.config.label}: temperatures {values}; {state})"
