"""Fetch a published file once: several addresses in turn, a checksum, a time limit, nothing half written."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from ..errors import DataError

SILENCE = 20.0
"""Seconds without a byte after which an address is given up."""

LIMIT = 600.0
"""Seconds after which an address is given up that has not delivered a whole file."""


def cache_folder() -> Path:
    """Folder of downloaded data: ``ICON_NB_DATA`` if set, else ``~/.cache/icon_nb``, else (no home) a temporary folder.

    >>> cache_folder().name != ""
    True
    """
    if os.environ.get("ICON_NB_DATA"):
        return Path(os.environ["ICON_NB_DATA"])
    try:
        return Path.home() / ".cache" / "icon_nb"
    except RuntimeError:  # neither HOME nor an entry in the password file
        return Path(tempfile.gettempdir()) / "icon_nb"


def md5(path: Path) -> str:
    """MD5 of a file in hexadecimal, the checksum that data sets are published with."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def fetch(urls, path: Path, checksum: str, limit: float = LIMIT) -> Path:
    """Download the first address that delivers the right bytes to ``path``.

    Parameters
    ----------
    urls : sequence of str
        Tried in order.
    path : Path
        Where the file goes; its folder is created. It appears there whole or not at all.
    checksum : str
        MD5 that the bytes must have.
    limit : float
        Seconds an address may take in all.

    Raises
    ------
    DataError
        No address delivered, or the folder cannot be written: says what each attempt met.
    """
    failures = []
    for url in urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return _fetch_one(url, path, checksum, limit)
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"{url} ({error})")
    raise DataError(f"{path.name} could not be downloaded to {path.parent}: " + "; ".join(failures))


def _fetch_one(url: str, path: Path, checksum: str, limit: float) -> Path:
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            _copy(url, file, limit)
        found = md5(Path(part))
        if found != checksum:
            raise ValueError(f"the file that came has md5 {found}, expected {checksum}")
        os.chmod(part, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
    return path


def _copy(url: str, file, limit: float) -> None:
    """Stream ``url`` into ``file``. The socket's own limit bounds silence, the clock bounds a trickle."""
    end = time.monotonic() + limit
    with urlopen(Request(url, headers={"User-Agent": "icon_nb"}), timeout=min(SILENCE, limit)) as answer:
        while block := answer.read1(1 << 16):
            file.write(block)
            if time.monotonic() > end:
                raise TimeoutError(f"not finished after {limit:.0f} s")
