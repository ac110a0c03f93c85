"""Children that are killed: forked from a process that has imported everything already, so that hundreds take minutes."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree")


@dataclass(frozen=True)
class Death:
    """How a child ends: at a moment, or just before its n-th touch of a file; by which signal.

    With neither a moment nor a touch it lives.
    """

    signal: int = signal.SIGKILL
    after: float | None = None
    touch: int | None = None

    def __str__(self) -> str:
        when = f"before file event {self.touch}" if self.touch is not None else f"after {self.after or 0:.3f} s"
        return f"{signal.Signals(self.signal).name} {when}"


def draw(random: random.Random, seconds: float, touches: int) -> Death:
    """A death somewhere in a life of so many seconds and file events; SIGKILL in three of four."""
    how = random.choice([signal.SIGKILL] * 6 + [signal.SIGTERM, signal.SIGINT])
    if random.random() < 0.5:
        return Death(how, touch=random.randrange(1, touches + 1))
    return Death(how, after=random.uniform(0, seconds))


class Board:
    """A few numbers shared with a child, which outlive it."""

    def __init__(self, n: int = 8):
        self._n, self._memory = n, mmap.mmap(-1, 8 * n)
        for k in range(n):
            self[k] = -1

    def __getitem__(self, k: int) -> int:
        return struct.unpack_from("q", self._memory, 8 * k)[0]

    def __setitem__(self, k: int, value: int) -> None:
        struct.pack_into("q", self._memory, 8 * k, value)


TOUCHES, STARTED = 6, 7  # places on the board that every child writes


def live(act: Callable[[], None], folder: Path, board: Board, death: Death, log: Path, limit: float = 300) -> tuple[int, float]:
    """Fork a child that acts, and let it meet its death; returns its exit status (negative: a signal) and its seconds."""
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _be(act, folder, board, death, log)
    with contextlib.suppress(ProcessLookupError):
        if death.after is not None:
            _wait_until(pid, started + death.after)
            os.kill(pid, death.signal)
        status = _reap(pid, started + limit)
    return status, time.monotonic() - started


def _be(act, folder: Path, board: Board, death: Death, log: Path) -> None:
    """The child: never returns."""
    code = 1
    try:
        with open(log, "ab", buffering=0) as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.pop("ICON_NB_STRICT", None)
        _count_touches(str(folder), board, death)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
        code = 3
    finally:
        sys.stderr.flush()
        os._exit(code)


def _count_touches(folder: str, board: Board, death: Death) -> None:
    """Count the file events below a folder, and die just before the one that was chosen."""
    board[TOUCHES] = 0

    def hook(event, args):
        if event in FILE_EVENTS and args and str(args[0]).startswith(folder):
            board[TOUCHES] += 1
            if board[TOUCHES] == death.touch:
                os.kill(os.getpid(), death.signal)

    sys.addaudithook(hook)


def _wait_until(pid: int, moment: float) -> None:
    while time.monotonic() < moment:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(max(0.0, min(0.01, moment - time.monotonic())))


def _reap(pid: int, deadline: float) -> int:
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"a child hung for {deadline:.0f} s")
        time.sleep(0.002)
