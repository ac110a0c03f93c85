"""Where the runs of a study are trained: here, one after the other; in processes of their own; or on anybody's executor."""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from ..errors import DataError, IconError, TrainingError
from ..methods.catalogue import absolute
from ..methods.config import Config
from .comparison import Failure, Outcome
from .folders import store
from .results import Results
from .run import run


class WorkerError(IconError, RuntimeError):
    """The process that trained a run died."""


class DatasetCache:
    """Reads the data set of each resolved config once: runs that name the same data share one copy."""

    def __init__(self):
        self._read: dict[tuple, Dataset] = {}

    def get(self, config: Config) -> Dataset | None:
        """None where it cannot be read any more."""
        whole, draw = config.backbone == "table", config.seed if config.n_samples else None
        key = (config.dataset, config.data_dir, config.n_samples, draw, whole, config.stream)
        if key not in self._read:
            with suppress(IconError):
                self._read[key] = load_for(config)
        return self._read.get(key)

    def attach(self, outcome: Outcome, home: Config | None = None) -> Outcome:
        """Give a run the one copy of its data, where it is the same; of one from elsewhere, the paths that it has at ``home``."""
        if isinstance(outcome, Failure):
            return outcome
        data, about = self.get(home or outcome.config), outcome.provenance
        same = data is None or is_described(data, about.get("dataset", {}), outcome.config)
        if home is not None and not same:
            words = f"the worker on {about['host']} has other data in {about['path']} than there are here"
            return Failure(home, f"{words}: give it the same files, or pass data=")
        if home is not None:
            outcome.config = replace(outcome.config, dataset=home.dataset, data_dir=home.data_dir)
        if same:
            outcome.dataset = data
        outcome.trust_code = True  # it was trained here, on what a person asked for
        return outcome


def train_each(
    configs: Sequence[Config],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
    on_record: Callable | None = None,
    datasets: DatasetCache | None = None,
    folders: Mapping[Config, Path] | None = None,
) -> Iterator[tuple[Config, Outcome]]:
    """Train resolved configs as :func:`icon_nb.run_configs` says; workers write a run that has a folder in ``folders`` there."""
    datasets = DatasetCache() if datasets is None else datasets
    if workers is None and executor is None:
        for config in configs:
            outcome = attempt(config, progress, on_record=on_record)
            yield config, datasets.attach(outcome)
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
            yield config, datasets.attach(_received(future, config), None if executor is None else config)


def attempt(config: Config, progress: bool | None, folder: Path | None = None, on_record=None) -> Outcome:
    try:
        return run(config, progress=progress, save_to=folder, on_record=on_record, keep_states=0)
    except TrainingError as error:
        return error.results if error.results is not None else Failure(config, str(error))
    except (Exception, SystemExit) as error:
        return Failure(config, _said(error))


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, IconError) else f"{type(error).__name__}: {error}"


# On an executor: only settings and data go there, and only files come back


def as_they_end(jobs: Mapping, workers: int | None, executor) -> Iterator[tuple[object, Future]]:
    """Submit jobs, each a function with its arguments; gives key and future as each ends, and cancels what is not asked for."""
    if executor is not None:
        executor = executor.get_executor(pure=False) if hasattr(executor, "get_executor") else executor
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


def work(
    settings: str, data: bytes | None, threads: int, folder: Path | None = None, on_record: Callable | None = None
) -> dict[str, bytes] | Path | str:
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
        return Failure(config, _said(error))


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


class Spawning(SpawnContext):
    """Begins a process afresh, as a forked one inherits the locks of torch's threads, and knows which it was."""

    process = None

    def Process(self, *given, **options):  # noqa: N802  the name that a pool calls
        self.process = super().Process(*given, **options)
        return self.process


class Worker:
    """A pool of one process, and a new one where that dies (killed, out of memory): its job fails and no other."""

    def __init__(self):
        self.renew()

    def renew(self) -> None:
        self.spawning = Spawning()
        self.pool = ProcessPoolExecutor(1, self.spawning, _begin)

    def do(self, *job):
        pool, spawning = self.pool, self.spawning
        try:
            return pool.submit(*job).result()
        except BrokenProcessPool:
            pool.shutdown()  # waits for the end of the process
            self.renew()
            code, how = spawning.process.exitcode, "in a script, start a sweep with workers under `if __name__ == '__main__':`"
            ended = f"ended with exit code {code} ({how})"
            if code is not None and code < 0:
                ended = f"was killed by signal {-code} ({signal.Signals(-code).name}), perhaps for want of memory"
            raise WorkerError(f"the worker process {ended}; the other runs went on") from None

    def stop(self) -> None:
        self.pool.shutdown(wait=False)  # from here on no process is begun
        if self.spawning.process is not None:
            self.spawning.process.terminate()
            self.spawning.process.join()


def _begin() -> None:
    """In a new process: an interrupt is for the parent to handle, and where the parent has died nobody waits for a result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
