"""One run at a time in a folder: the system locks a file there, and lets go of it when its process ends, however that ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...errors import SaveError

LOCK = ".running"


class FolderLock:
    """The lock of a folder, which is made when it is not there; held until it is released, or this process is gone.

    Raises
    ------
    SaveError
        Another run writes into this folder, in this process or in another; or it cannot be locked.
    """

    def __init__(self, folder: Path):
        from filelock import FileLock, Timeout  # takes its time to load, and not every run is written

        self.path = Path(folder) / LOCK
        self._lock = FileLock(self.path, timeout=0, thread_local=False)
        if os.path.lexists(self.path) and not os.path.isfile(self.path):
            raise SaveError(f"{self.path} is no file, and cannot be locked: remove it, or choose another folder")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._file, self._owner = os.stat(self.path), os.getpid()
        except Timeout:
            raise SaveError(f"{folder} is being written by another run: choose another folder") from None
        except OSError as error:
            why = error.strerror or error
            raise SaveError(f"could not write {self.path}: {why}; choose another folder or free some space") from error

    def release(self, *, keep: bool = False) -> None:
        """Let go of the folder, and remove the file unless it is to ``keep``; a forked child leaves both to its parent."""
        if not self._lock.is_locked or self._owner != os.getpid():
            return
        with suppress(OSError):  # the folder may be gone
            if not keep and os.path.samestat(self._file, os.stat(self.path)):
                self.path.unlink()  # before others can lock it
        self._lock.release()
