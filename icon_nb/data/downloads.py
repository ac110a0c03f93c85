"""Fetch a published file once: several addresses in turn, a checksum, a time limit, nothing half written."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
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
    failures, part = [], path.with_name(f".{path.name}.{os.getpid()}.part")
    for url in urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            found = _copy(url, part, limit)
            if found != checksum:
                raise ValueError(f"the file that came has md5 {found}, expected {checksum}")
            os.replace(part, path)
            return path
        except (OSError, HTTPException, ValueError) as error:
            failures.append(f"{url} ({error})")
        finally:
            with suppress(OSError):
                part.unlink()
    raise DataError(f"{path.name} could not be downloaded to {path.parent}: " + "; ".join(failures))


def _copy(url: str, part: Path, limit: float) -> str:
    """Stream ``url`` into a file; returns its MD5. The socket's own limit bounds silence, the clock bounds a trickle."""
    end, digest = time.monotonic() + limit, hashlib.md5(usedforsecurity=False)
    request = Request(url, headers={"User-Agent": "icon_nb"})
    with urlopen(request, timeout=min(SILENCE, limit)) as answer, open(part, "wb") as file:
        while block := answer.read1(1 << 16):
            file.write(block)
            digest.update(block)
            if time.monotonic() > end:
                raise TimeoutError(f"not finished after {limit:.0f} s")
    return digest.hexdigest()
