"""Several runs from one call: a grid of settings, a recipe, any list of configs; trained here, in processes, on any executor."""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext
from pathlib import Path
from queue import SimpleQueue

import torch

from ..data.dataset import Dataset, is_described
from ..data.loading import MEMORY, hold, load_for
from ..errors import ConfigError, DataError, IconError, SaveError, TrainingError, demand, demand_type, shown
from ..methods import recipes
from ..methods.catalogue import absolute
from ..methods.config import SETTINGS, Config
from ..methods.settings import check_names
from .comparison import Comparison, Failure, Outcome
from .folders import store
from .folders.outputs import claim_folder, is_whole, run_folder, write_study
from .results import Results
from .run import run

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
    return run_configs(recipes.grid(config, values), title=f"sweep of {', '.join(values)}", compared=tuple(values), **how)


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
    return run_configs(recipes.recipe(name, **overrides), title=name, compared=recipes.RECIPES[name].compared, **how)


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
    datasets, folder = {}, None if save_to is None else claim_folder(save_to)
    done = {config: run for config in configs if folder and (run := _finished(folder, config, datasets))}
    so_far = lambda: Comparison([done[c] for c in configs if c in done], title, tuple(compared), interrupted)  # noqa: E731
    missing = [config for config in configs if config not in done]
    for config in missing if folder else ():
        store.own(folder / run_folder(config))
    options = {"workers": workers, "executor": executor, "progress": progress, "on_record": on_record, "datasets": datasets}
    interrupted = False
    try:
        try:
            with closing(train_each(missing, **options)) as outcomes:  # what still trains is stopped
                for config, outcome in outcomes:
                    done[config] = outcome
                    if folder is not None and is_whole(outcome):
                        store.save(outcome, folder / run_folder(config), overwrite=True)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not done:
                raise
            interrupted = True
        study = so_far()
        if folder is not None:
            names = (run_folder(config) for config in configs if config in done)
            write_study(study, folder, [name if is_whole(run) else None for name, run in zip(names, study)])
    except SaveError as error:  # a full disk, say: what was trained is still there
        interrupted = len(done) < len(configs)
        error.results = so_far()
        if missing or not (folder / store.COMPARISON).exists():
            raise
        return error.results  # all of it is on a disk that cannot be written
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


def _finished(folder: Path, config: Config, known: dict) -> Results | None:
    """The run of a config in the folder of a study, if it is whole and was trained on what its data are now."""
    try:
        results = store.load_run(folder / run_folder(config), Results)
    except IconError:  # absent, half written or damaged: it is run again
        return None
    results.dataset = dataset_of(config, known)
    fits = results.dataset is None or is_described(results.dataset, results.provenance["dataset"], config)
    return results if fits else None


# Where they are trained: here, one after the other; in processes of their own; or on anybody's executor


def dataset_of(config: Config, known: dict[tuple, Dataset]) -> Dataset | None:
    """The data set of a resolved config, read once for all runs that name it; None where it cannot be read any more."""
    whole, draw = config.backbone == "table", config.seed if config.n_samples else None
    key = (config.dataset, config.data_dir, config.n_samples, draw, whole, config.stream)
    if key not in known:
        with suppress(IconError):
            known[key] = load_for(config)
    return known.get(key)


def _with_data(outcome: Outcome, known: dict, home: Config | None) -> Outcome:
    """Give a run the one copy of its data, where it is the same; of one from elsewhere, the paths that it has at ``home``."""
    if isinstance(outcome, Failure):
        return outcome
    data, about = dataset_of(home or outcome.config, known), outcome.provenance
    same = data is None or is_described(data, about.get("dataset", {}), outcome.config)
    if home is not None:
        if not same:
            words = f"the worker on {about['host']} has other data in {about['path']} than there are here"
            return Failure(home, f"{words}: give it the same files, or pass data=")
        outcome.config = replace(outcome.config, dataset=home.dataset, data_dir=home.data_dir)
    if same:
        outcome.dataset = data
    outcome.trust_code = True  # it was trained here, on what a person asked for
    return outcome


def train_each(
    configs: Sequence[Config], *, workers=None, executor=None, progress=None, on_record=None, datasets=None, folders=None
) -> Iterator[tuple[Config, Outcome]]:
    """Train resolved configs as :func:`icon_nb.run_configs` says; workers write a run that has a folder in ``folders`` there."""
    datasets = {} if datasets is None else datasets
    if workers is None and executor is None:
        for config in configs:
            outcome = attempt(config, progress, on_record=on_record)
            yield config, _with_data(outcome, datasets, None)
            if outcome.status == "interrupted":
                raise KeyboardInterrupt
        return
    jobs, held = {}, {name: MEMORY[name] for name in {config.dataset for config in configs} if name in MEMORY}
    sent = {name: sendable(data, DataError, f"{data.name} stays on the disk and", "its class") for name, data in held.items()}
    for config in configs:
        away = config
        if executor is not None:  # in another folder, perhaps on another machine with other files
            folder = config.data_dir and str(Path(config.data_dir).absolute())
            away = replace(config, data_dir=folder, dataset=absolute(config.dataset))
        settings = json.dumps([away.to_dict(), dict(away.sources)])
        jobs[config] = (work, settings, sent.get(config.dataset), torch.get_num_threads(), (folders or {}).get(config), on_record)
    with closing(as_they_end(jobs, workers, executor)) as ended:
        for config, future in ended:
            yield config, _with_data(_received(future, config), datasets, None if executor is None else config)


def attempt(config: Config, progress: bool | None, folder: Path | None = None, on_record=None) -> Outcome:
    try:
        return run(config, progress=progress, save_to=folder, on_record=on_record, keep_states=0)
    except (Exception, SystemExit) as error:
        left = error.results if isinstance(error, TrainingError) else None
        return _failure(config, error) if left is None else left


def _failure(config: Config, error: BaseException) -> Failure:
    return Failure(config, str(error) if isinstance(error, IconError) else f"{type(error).__name__}: {error}")


# On an executor: only settings and data go there, and only files come back


def as_they_end(jobs: Mapping, workers: int | None, executor) -> Iterator[tuple[object, Future]]:
    """Submit jobs, each a function with its arguments; gives key and future as each ends, and cancels what is not asked for."""
    if hasattr(executor, "get_executor"):
        executor = executor.get_executor(pure=False)
    futures, ended = {}, SimpleQueue()
    with processes(workers) if executor is None else nullcontext(executor.submit) as submit:
        try:
            for key, job in jobs.items():
                futures[future := submit(*job)] = key
                future.add_done_callback(ended.put)  # also of one that somebody cancels, which as_completed would wait for
            for future in (ended.get() for _ in jobs):
                yield futures[future], future
        finally:
            for future in futures:
                future.cancel()


def work(settings: str, data: bytes | None, threads: int, folder: Path | None, on_record) -> dict[str, bytes] | Path | str:
    """Train a config, given as JSON, on a worker: the files of its saved run, or its folder; or the error that stopped it."""
    torch.set_num_threads(threads)
    held = None if data is None else hold(pickle.loads(data))
    values, sources = json.loads(settings)
    outcome = attempt(Config(**values | ({} if held is None else {"dataset": held}), sources=sources), False, folder, on_record)
    return outcome.error if isinstance(outcome, Failure) else folder or store.pack(outcome)


def sendable(thing, kind: type[IconError], name: str, what: str = "it") -> bytes:
    """A thing as bytes; where it cannot be sent to another process, an error of this kind says what to define elsewhere."""
    try:
        return pickle.dumps(thing)
    except Exception as error:  # pickle raises many kinds
        remedy = f"define {what} at the top of a module, or leave workers and executor out"
        raise kind(f"{name} cannot be sent to another process ({error}): {remedy}") from error


def _received(future: Future, config: Config) -> Outcome:
    try:
        answer = future.result()
        if isinstance(answer, str):
            return Failure(config, answer)
        return store.load_run(answer, Results)
    except (Exception, SystemExit) as error:  # the worker died, or its executor did, or it answers what is no run
        return _failure(config, error)


# Processes of our own


@contextmanager
def processes(n: int) -> Iterator[Callable[..., Future]]:
    """What submits a job to one of ``n`` processes; those that still train at the end are stopped."""
    workers, own = [Worker() for _ in range(n)], threading.local()
    idle = iter(workers)  # there are as many as threads, and each thread has one
    threads = ThreadPoolExecutor(n, initializer=lambda: setattr(own, "worker", next(idle)))
    try:
        yield partial(threads.submit, lambda *job: own.worker.do(*job))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.stop()
        threads.shutdown()


class Worker(SpawnContext):
    """A pool of one process, begun afresh, as a forked one inherits the locks of torch's threads; and anew where it dies."""

    process = None

    def __init__(self):
        self.pool = ProcessPoolExecutor(1, self, _begin)

    def Process(self, *given, **options):  # noqa: N802  the name that a pool calls
        self.process = super().Process(*given, **options)
        return self.process

    def do(self, *job):
        try:
            return self.pool.submit(*job).result()
        except BrokenProcessPool:  # killed, out of memory: its job fails and no other
            self.pool.shutdown()  # waits for the end of the process
            code, self.pool = self.process.exitcode, ProcessPoolExecutor(1, self, _begin)
            ended = f"ended with exit code {code} (in a script, start a sweep with workers under `if __name__ == '__main__':`)"
            if code is not None and code < 0:
                ended = f"was killed by signal {-code} ({signal.Signals(-code).name}), perhaps for want of memory"
            raise TrainingError(f"the worker process {ended}; the other runs went on") from None

    def stop(self) -> None:
        self.pool.shutdown(wait=False)  # from here on no process is begun
        if self.process is not None:
            self.process.terminate()
            self.process.join()


def _begin() -> None:
    """In a new process: an interrupt is for the parent to handle, and where the parent has died nobody waits for a result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
