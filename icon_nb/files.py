"""Files that are either old or new, never half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import SaveError


def write_whole(path, data: bytes) -> Path:
    """Write bytes so that ``path`` either keeps its old content or has all of the new: temporary file beside it, fsync, replace.

    Raises
    ------
    SaveError
        The folder cannot be written; what stood at ``path`` is untouched.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{os.getpid()}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, OSError):
            why = error.strerror or error
            raise SaveError(f"could not write {path}: {why}; choose another folder or free some space") from error
        raise
    return path


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
