"""Files that are either old or new, never half written."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from .errors import SaveError


def write_whole(path, data: bytes) -> Path:
    """Write bytes so that ``path`` either keeps its old content or has all of the new: temporary file beside it, fsync, replace.

    Raises
    ------
    SaveError
        The folder cannot be written, or ``path`` is a device or a pipe; what stood there is untouched.
    """
    return write_together({Path(path): data})[0]


def write_together(files: Mapping[Path, bytes], before: Callable[[], None] = lambda: None) -> list[Path]:
    """Write several files: all of them are on the disk under other names before the first takes its place.

    Parameters
    ----------
    files : mapping of Path to bytes
        They take their places in this order.
    before : callable
        What is to be done when nothing can want for space any more, and before the first file takes its place.

    Raises
    ------
    SaveError
        Some file cannot be written; what stood at these paths is untouched.
    """
    staged: dict[Path, str] = {}
    path = None
    try:
        for path, data in files.items():
            _stage(path, data, staged)
        before()
        for path in files:
            os.replace(staged[path], path)
    except BaseException as error:
        for temporary in staged.values():
            with suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            why = error.strerror or error
            raise SaveError(f"could not write {path}: {why}; choose another folder or free some space") from error
        raise
    return list(files)


def _stage(path: Path, data: bytes, staged: dict[Path, str]) -> None:
    """Put the bytes beside their place, on the disk; ``staged`` knows the temporary file as soon as there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not (path.is_file() or path.is_dir()):  # a device would be replaced, for everybody
        raise SaveError(f"{path} is a device or a pipe, and no file: choose another name")
    handle, staged[path] = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.{os.getpid()}.", suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(staged[path], 0o666 & ~_umask())


def digest(content: bytes) -> str:
    """SHA-256 of the bytes of a file, in hexadecimal.

    >>> digest(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def sweep_stray(folder: Path) -> None:
    """Remove the temporary files below a folder whose process is gone: what a killed run left."""
    for path in folder.rglob(".*.tmp"):
        owner = path.name.split(".")[-3]
        if owner.isdigit() and not alive(int(owner)):
            path.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
