"""The package's own exceptions: each message names the setting, the value, and the remedy."""

from __future__ import annotations

import os
import sys
import traceback
from difflib import get_close_matches
from html import escape


class IconError(Exception):
    """Base of every error this package raises on purpose. ``results`` holds what was trained before it, where there is any."""

    results = None
    _folded = False

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message, the line that asked for it, and in a notebook the whole traceback, folded."""
        whole, said = traceback.TracebackException.from_exception(self), f"{type(self).__name__}: {self}"
        asked = [frame.line for frame in whole.stack if frame.line and not frame.filename.startswith(os.path.dirname(__file__))]
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if hasattr(shell, "kernel") and not self._folded:  # IPython asks more than once
            self._folded = True
            page = f"<details><summary>traceback</summary><pre>{escape(''.join(whole.format()))}</pre></details>"
            sys.modules["IPython"].display.display({"text/plain": "traceback", "text/html": page}, raw=True)
        return [said, *(f"  raised by: {line}" for line in asked[-1:])]


class ConfigError(IconError, ValueError):
    """A setting has a value that cannot be used, or that would have no effect."""


class DataError(IconError, ValueError):
    """The data are missing, malformed, or do not fit the method."""


class DeviceError(IconError, RuntimeError):
    """A device was asked for by name and is not there."""


class TrainingError(IconError, RuntimeError):
    """Training cannot go on."""


class SaveError(IconError, OSError):
    """A run could not be written; what was there before is untouched."""


class LoadError(IconError, ValueError):
    """A saved run is missing, damaged, or from a newer version."""


def demand(holds: bool, message: str, error: type[IconError] = ConfigError) -> None:
    """Raise an error unless this holds."""
    if not holds:
        raise error(message)


def demand_type(name: str, value: object, kind: type | tuple, remedy: str, error: type[IconError] = ConfigError) -> None:
    """Raise an error that says what came and what to give, unless this is of a kind."""
    if not isinstance(value, kind):
        raise error(f"{name}={shown(value)} is of type {type(value).__name__}: give {remedy}")


def shown(value: object, length: int = 100) -> str:
    """A value in a message: its repr, cut short."""
    try:
        text = repr(value)
    except Exception:  # an object of anybody's, or a whole number of more digits than Python prints
        text = f"<{type(value).__name__}>"
    return text if len(text) <= length else f"{text[: length - 3]}..."


def printable(text: object) -> str:
    """A text on one line, with what would move the cursor or hide something on a terminal written out."""
    return "".join(each if each.isprintable() or each == "\xa0" else repr(each)[1:-1] for each in str(text))


def nearest(name: object, choices) -> str:
    """Say which of ``choices`` is meant: ``"did you mean 'simclr'?"``, or the whole list when nothing is close."""
    choices = [str(choice) for choice in choices]
    close = get_close_matches(str(name).lower(), choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"choose one of: {', '.join(choices)}"
