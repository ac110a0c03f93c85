"""One run at a time in a folder: a file there names the process that writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import SaveError
from ...files import alive

LOCK = ".running"
_HELD: set[tuple[int, str]] = set()
"""Process and folder of every lock that is held here; what a forked child finds of its parent's names another process."""


def take(folder: Path) -> None:
    """Lock a folder, which is made when it is not there; the lock of a process that is gone is taken over.

    Raises
    ------
    SaveError
        Another run writes into this folder, in this process or in another; or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            _take(folder)
    except SaveError:
        raise
    except OSError as error:
        raise SaveError(f"could not write {folder / LOCK}: {error.strerror}; choose another folder or free some space") from error


def _take(folder: Path) -> None:
    """Look whose the lock is, and take it: in between nobody else may."""
    owner = _owner(folder)
    if owner is not None and _holds(owner, folder):
        raise SaveError(f"{folder} is being written by another run (process {owner}): choose another folder")
    (folder / LOCK).unlink(missing_ok=True)
    try:
        handle = os.open(folder / LOCK, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        raise SaveError(f"{folder} is being written by another run, which began just now: choose another folder") from None
    with os.fdopen(handle, "w") as file:
        file.write(str(os.getpid()))
    _HELD.add(_mine(folder))


def release(folder: Path) -> None:
    """Let go of a folder that this process locked; a child that was forked since leaves the lock to its parent."""
    if _mine(folder) not in _HELD:
        return
    with suppress(OSError), _alone(folder):  # the folder may be gone
        if _owner(folder) == os.getpid():
            (folder / LOCK).unlink()
    _HELD.discard(_mine(folder))


def is_free(folder: Path) -> bool:
    """Whether nobody who is alive holds the lock of a folder."""
    owner = _owner(folder)
    return owner is None or not _holds(owner, folder)


def _owner(folder: Path) -> int | None:
    try:
        owner = int((folder / LOCK).read_text())
    except (OSError, ValueError):
        return None
    return owner if 0 < owner < 2**31 else None


def _holds(owner: int, folder: Path) -> bool:
    """Whether the process that a lock names holds it still; in a container, this one may have the number of one that is gone."""
    return _mine(folder) in _HELD if owner == os.getpid() else alive(owner)


def _mine(folder: Path) -> tuple[int, str]:
    return os.getpid(), os.path.realpath(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time looks at a lock and takes it, where the system can lock a folder; it lets go of a process that dies here."""
    try:
        import fcntl  # not on Windows
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network drives cannot
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)  # closing does not let go where a child was forked meanwhile
        os.close(handle)
