"""Several runs from one call: a grid of settings, a recipe, any list of configs; here, in processes, or on an executor."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager

import torch

from ..errors import ConfigError, IconError, SaveError, TrainingError
from ..methods import recipes
from ..methods.config import Config, check_names
from .comparison import Comparison, Failure, Outcome
from .folders import store
from .folders.studies import Shelf
from .holdings import Holdings, pack_data, unpack_data
from .processes import Processes
from .results import Results
from .run import run
from .stacked import Job, plan, run_stack

Finished = Iterator[tuple[int, Outcome]]
"""Runs as they finish, each with the position of its config."""


def sweep(
    config: Config | None = None,
    *,
    data=None,
    progress: bool | None = None,
    save_to=None,
    workers: int | None = None,
    executor: Executor | None = None,
    together: bool = False,
    **values,
) -> Comparison:
    """Run a Config once for every combination of the given values.

    Parameters
    ----------
    config : Config, optional
        ``Config()`` when not given.
    data, progress
        As in :func:`icon_nb.run`.
    save_to, workers, executor, together
        As in :func:`run_configs`.
    **values
        Settings with the values to try, for instance ``temperature=[0.1, 0.5]``; several span a grid. With ``seed=range(5)`` the
        table gives mean and standard deviation over the seeds.

    Returns
    -------
    Comparison

    Raises
    ------
    ConfigError
        A setting or value that cannot be used, before anything is run.

    Examples
    --------
    >>> study = sweep(Config(n_samples=200, epochs=1, quiet=True), temperature=[0.1, 0.5], seed=range(2))
    >>> len(study), len(study.table())
    (4, 2)
    """
    check_names(values)
    if not values:
        raise ConfigError("sweep needs a setting with its values, for instance temperature=[0.1, 0.5]")
    values = {name: _several(name, each) for name, each in values.items()}
    configs = recipes.grid(config or Config(), values)
    options = {"save_to": save_to, "workers": workers, "executor": executor, "together": together}
    title = f"sweep of {', '.join(values)}"
    return run_configs(configs, data=data, progress=progress, title=title, compared=tuple(values), **options)


def _several(name: str, values) -> list:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ConfigError(f"{name}={values!r} is one value: give several, for instance {name}=[{values!r}, ...]")
    values = list(values)
    if not values:
        raise ConfigError(f"{name}=[] holds no value to try: give at least one")
    return values


def run_recipe(
    name: str,
    *,
    data=None,
    progress: bool | None = None,
    save_to=None,
    workers: int | None = None,
    executor: Executor | None = None,
    together: bool = False,
    **overrides,
) -> Comparison:
    """Run every Config of a recipe.

    Parameters
    ----------
    name : str
        A key of :data:`icon_nb.recipes.RECIPES`.
    data, progress
        As in :func:`icon_nb.run`.
    save_to, workers, executor, together
        As in :func:`run_configs`.
    **overrides
        Settings for every run that has a use for them; see :func:`icon_nb.recipe`.

    Examples
    --------
    >>> run_recipe("simclr_vs_sne", n_samples=300, epochs=1, quiet=True)
    Comparison(simclr_vs_sne: 2 runs)
    """
    configs = recipes.recipe(name, **overrides)
    options = {"save_to": save_to, "workers": workers, "executor": executor, "together": together}
    compared = recipes.RECIPES[name].compared
    return run_configs(configs, data=data, progress=progress, title=name, compared=compared, **options)


def run_configs(
    configs: Sequence[Config],
    *,
    data=None,
    progress: bool | None = None,
    save_to=None,
    workers: int | None = None,
    executor: Executor | None = None,
    together: bool = False,
    title: str = "",
    compared: Sequence[str] = (),
) -> Comparison:
    """Run every config and compare. A run that fails does not stop the others.

    Parameters
    ----------
    configs : sequence of Config
        One that occurs twice is run once.
    save_to : path, optional
        Folder in which every run is saved as soon as it is finished. The same call again reads what is there and runs only what
        is missing, or was trained on a file that holds other data by now.
    workers : int, optional
        Train in so many processes at once.
    executor : concurrent.futures.Executor, optional
        Train wherever it does: a pool, ``mpi4py``'s, ``distributed.Client(...).get_executor(pure=False)``. Only configs go there,
        and the data if they are your own; only files come back.
    together : bool
        Train runs that differ only in scalars (:data:`icon_nb.study.stacked.SCALARS`) as one stack of networks, where their
        method can be stacked: the same numbers within rounding, but not bit for bit, which the table and the provenance say.
    title : str
    compared : sequence of str
        See :class:`icon_nb.Comparison`.

    Returns
    -------
    Comparison
        When interrupted: the runs that were finished; under the environment variable ``ICON_NB_STRICT`` the interrupt is raised.

    Raises
    ------
    SaveError
        The folder cannot be written; its ``results`` hold the Comparison of the runs that were finished.

    Notes
    -----
    Every run uses as many threads as torch uses here (``torch.get_num_threads()``), wherever it runs: the order of a sum depends
    on it, and with it the last digit. So the numbers do not depend on the executor; ``torch.set_num_threads(1)`` beforehand makes
    the most of several workers.
    """
    if workers is not None and (executor is not None or workers < 1):
        raise ConfigError(f"workers={workers!r}: give at least 1, and not together with an executor")
    configs = configs if data is None else [config.replace(dataset=data) for config in configs]
    configs = tuple(dict.fromkeys(config.resolve() for config in configs))
    jobs = plan(configs, together)
    holdings, shelf, interrupted = Holdings(), Shelf(save_to), False
    there = {k: shelf.find(configs[k], job.stacked, holdings.find) for job in jobs for k in job.members}
    found = {k: kept for k, kept in there.items() if kept is not None}
    missing = [job.without(found) for job in jobs]
    try:
        try:
            with _place(workers, executor, holdings, progress) as place:
                for k, outcome in place(configs, [job for job in missing if job.members]):
                    found[k] = outcome
                    shelf.keep(configs[k], outcome)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not found:
                raise
            interrupted = True
        study = Comparison([found[k] for k in sorted(found)], title, tuple(compared), interrupted)
        shelf.close(study)
    except SaveError as error:  # a full disk, say: what was trained is still there
        error.results = Comparison([found[k] for k in sorted(found)], title, tuple(compared), len(found) < len(configs))
        raise
    return study


def run_each(configs: Sequence[Config], workers: int) -> Iterator[tuple[Config, Outcome]]:
    """Run resolved configs in processes; yields each config with its outcome as it comes."""
    with _place(workers, None, Holdings(), None) as place:
        for k, outcome in place(configs, plan(configs, together=False)):
            yield configs[k], outcome


@contextmanager
def _place(workers: int | None, executor: Executor | None, holdings: Holdings, progress: bool | None):
    """Where the jobs are done: a function of configs and jobs that yields each finished run with its position."""
    if workers is None and executor is None:
        yield lambda configs, jobs: here(configs, jobs, holdings, progress)
        return
    own = Processes(workers) if executor is None else None
    try:
        yield lambda configs, jobs: elsewhere(configs, jobs, holdings, own or executor)
    finally:
        if own is not None:
            own.shutdown(wait=False)


def here(configs: Sequence[Config], jobs: Sequence[Job], holdings: Holdings, progress: bool | None) -> Finished:
    """Do the jobs one after the other in this process."""
    for job in jobs:
        outcomes = attempt([configs[k] for k in job.members], holdings, job.stacked, progress)
        yield from zip(job.members, outcomes)
        if any(outcome.status == "interrupted" for outcome in outcomes):
            raise KeyboardInterrupt


def elsewhere(configs: Sequence[Config], jobs: Sequence[Job], holdings: Holdings, executor: Executor) -> Finished:
    """Do the jobs on an executor, as they come."""
    futures, threads = {}, torch.get_num_threads()
    try:
        for job in jobs:
            settings = json.dumps([[configs[k].to_dict(), dict(configs[k].sources)] for k in job.members])
            data = pack_data([configs[k] for k in job.members])
            futures[executor.submit(work, settings, data, threads, job.stacked)] = job
        for future in as_completed(futures):
            job = futures[future]
            yield from zip(job.members, _received(future, [configs[k] for k in job.members], holdings))
    finally:
        for future in futures:
            future.cancel()


def _received(future, configs: Sequence[Config], holdings: Holdings) -> list[Outcome]:
    try:
        answers = future.result()
    except Exception as error:  # the worker died, or its executor did
        return [Failure(config, _said(error)) for config in configs]
    return [
        Failure(config, answer) if isinstance(answer, str) else holdings.attach(store.unpack(answer, Results))
        for config, answer in zip(configs, answers)
    ]


def work(settings: str, data: bytes | None, threads: int, stack: bool) -> list[dict[str, bytes] | str]:
    """Train configs, given as JSON, on a worker: for each the files of its saved run, or the error that stopped it."""
    torch.set_num_threads(threads)
    unpack_data(data)
    configs = [Config(**values, sources=sources) for values, sources in json.loads(settings)]
    outcomes = attempt(configs, Holdings(), stack, progress=False)
    return [outcome.error if isinstance(outcome, Failure) else store.pack(outcome) for outcome in outcomes]


def attempt(configs: Sequence[Config], holdings: Holdings, stack: bool, progress: bool | None) -> list[Outcome]:
    """Train configs, as one stack or one by one; an error becomes a record of it."""
    if stack:
        try:
            return run_stack(configs, holdings(configs[0]), progress=progress)
        except Exception as error:
            return [Failure(config, _said(error)) for config in configs]
    return [_attempt_one(config, holdings, progress) for config in configs]


def _attempt_one(config: Config, holdings: Holdings, progress: bool | None) -> Outcome:
    try:
        return holdings.attach(run(config, progress=progress))
    except TrainingError as error:
        return error.results if error.results is not None else Failure(config, str(error))
    except Exception as error:
        return Failure(config, _said(error))


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, IconError) else f"{type(error).__name__}: {error}"
