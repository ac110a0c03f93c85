"""Files that are either old or new, never half written."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from .errors import SaveError, shown

LARGEST_TEXT = 64 << 20  # no JSON file of ours has more bytes
_STRAY = re.compile(r"\..*\.icon_nb-([0-9]{1,9})\.[a-z0-9_]{8}\.tmp")


def place(path, error: type[Exception] = SaveError) -> Path:
    """A path as one that can be used, ``~`` expanded."""
    try:
        found = Path(path).expanduser()
        if path == "":
            raise ValueError("it is empty")
        os.lstat(found)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass
    except (TypeError, ValueError, RuntimeError, OSError) as problem:  # no text, characters that no path has, no home, too long
        why = getattr(problem, "strerror", None) or problem
        raise error(f"{shown(path)} cannot be the path of a file or a folder: {why}") from None
    return found


def read(path, most: int | None = None) -> bytes:
    """The bytes of a plain file; a pipe or a device, which would never end, and what is larger than ``most`` is refused."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        if most is not None and about.st_size > most:
            raise OSError(errno.EFBIG, f"it has {about.st_size:,} bytes, and at most {most:,} can be right")
    except OSError:
        os.close(handle)
        raise
    with os.fdopen(handle, "rb") as file:
        return file.read()


def read_npz(file) -> dict:
    """The arrays of an ``.npz`` file, never unpickled; a small one that would fill the memory is refused before."""
    import numpy as np  # the first page of help is there without it

    with zipfile.ZipFile(file) as archive:
        size, packed = (sum(getattr(each, of) for each in archive.infolist()) for of in ("file_size", "compress_size"))
    check_size(size, packed)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def check_size(size: int, packed: int) -> None:
    """Refuse a small file that would fill the memory: one of ``packed`` bytes that become so many."""
    if size > max(2**30, 100 * packed):
        raise OSError(errno.EFBIG, f"it would unpack {packed:,} bytes to {size:,}")


def write_whole(path, data: bytes) -> Path:
    """Write bytes so that ``path`` has all of the old or all of the new: a temporary file beside it, fsync, replace."""
    return write_together({place(path): data})[0]


def write_together(files: Mapping[Path, bytes], before: Callable[[], None] = lambda: None) -> list[Path]:
    """Write several files: all are on the disk under other names when ``before`` is called; then each takes its place, in order.

    A SaveError, where a folder cannot be written or a path is a device or a pipe, leaves what stood there untouched.
    """
    staged: dict[Path, Path] = {}
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
        if isinstance(error, OSError) and not isinstance(error, SaveError):
            why = error.strerror or error
            raise SaveError(f"could not write {path}: {why}; choose another folder or free some space") from error
        raise
    return list(files)


def _stage(path: Path, data: bytes, staged: dict[Path, Path]) -> None:
    """Put the bytes beside their place, on the disk; ``staged`` knows the temporary file as soon as there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not (path.is_file() or path.is_dir()):  # a device would be replaced, for everybody
        raise SaveError(f"{path} is a device or a pipe, and no file: choose another name")
    name = path.parent / f".{path.name[:100]}.icon_nb-{os.getpid()}.{os.urandom(4).hex()}.tmp"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    staged[path] = name
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM):  # some file systems cannot
                raise


def digest(content: bytes) -> str:
    """SHA-256 of the bytes of a file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sweep_stray(folder: Path) -> None:
    """Remove the temporary files below a folder whose process is gone: what a killed run left. Links are not followed."""
    for where, _, names in os.walk(folder):
        for ours in filter(None, map(_STRAY.fullmatch, names)):
            if not alive(int(ours[1])):
                with suppress(OSError):  # a disk that cannot be written, say
                    os.unlink(os.path.join(where, ours[0]))


def alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
