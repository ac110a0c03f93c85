"""Processes that train: each has one job at a time, and one that dies takes only its own job with it."""

from __future__ import annotations

import pickle
import signal
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing import get_context

from ..errors import IconError


class WorkerError(IconError, RuntimeError):
    """The process that did a job died."""


class Processes(Executor):
    """An executor over ``n`` fresh processes.

    Unlike the standard library's process pool, the death of a process (killed, out of memory) fails the one job that it had: a
    new process takes its place. Processes are spawned, never forked: a forked one inherits the locks of torch's threads.

    Parameters
    ----------
    n : int
        Jobs at once.
    """

    def __init__(self, n: int):
        self._context = get_context("spawn")
        self._threads = ThreadPoolExecutor(n, thread_name_prefix="icon_nb-worker")
        self._mine = threading.local()
        self._started: list = []
        self._closed = False

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """Run ``fn``, a function of a module, in one of the processes."""
        return self._threads.submit(self._run, pickle.dumps((fn, args, kwargs)))

    def _run(self, job: bytes):
        process, pipe = getattr(self._mine, "process", None) or self._start()
        try:
            pipe.send_bytes(job)
            worked, value = pickle.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            self._mine.process = None
            process.join(5)
            raise WorkerError(f"the worker process {_ending(process.exitcode)}; the other runs went on") from None
        if not worked:
            raise value
        return value

    def _start(self):
        if self._closed:
            raise WorkerError("the workers were stopped before this run began")
        here, there = self._context.Pipe()
        process = self._context.Process(target=serve, args=(there,))
        process.start()
        there.close()  # so that its death shows here as the end of the pipe
        self._mine.process = process, here
        self._started.append(process)
        return self._mine.process

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop the processes: after the submitted jobs with ``wait``, at once without."""
        if wait:
            self._threads.shutdown(cancel_futures=cancel_futures)
        self._closed = True
        for process in self._started:
            process.terminate()
        self._threads.shutdown(cancel_futures=True)
        for process in self._started:
            process.join()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name}), perhaps for want of memory"
    return f"ended with exit code {code} (in a script, start a sweep with workers under `if __name__ == '__main__':`)"


def serve(pipe) -> None:
    """What a process does: jobs, one after the other, until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    while True:
        try:
            fn, args, kwargs = pickle.loads(pipe.recv_bytes())
        except EOFError:
            return
        try:
            answer = True, fn(*args, **kwargs)
        except Exception as error:
            answer = False, error
        pipe.send_bytes(pickle.dumps(answer))
