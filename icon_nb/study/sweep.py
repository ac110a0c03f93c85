"""Several runs from one call: a grid of settings, a recipe, any list of configs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from contextlib import closing

from ..errors import ConfigError, SaveError, demand, demand_type, shown
from ..methods import recipes
from ..methods.config import SETTINGS, Config
from ..methods.settings import check_names
from .comparison import Comparison
from .folders.outputs import claim_folder, finished_run, is_whole, run_folder, write_study
from .folders.store import save
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
