"""What is said on a terminal, whatever the terminal is: in any encoding, closed, or read to its first lines only."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ..errors import ConfigError, IconError, printable


def tell(text: object, stream: str = "stdout") -> None:
    """Print a text, with what would steer the terminal written out; where nobody reads any more, all goes on unheard."""
    out = getattr(sys, stream)
    try:
        if hasattr(out, "reconfigure"):
            out.reconfigure(errors="backslashreplace")
        print("\n".join(map(printable, str(text).split("\n"))), file=out, flush=True)
    except (OSError, ValueError):
        nowhere = open(os.devnull, "w")  # noqa: SIM115  stays open: it takes the place of the stream
        setattr(sys, stream, nowhere)
        with suppress(OSError, ValueError):
            os.dup2(nowhere.fileno(), out.fileno())  # what is still in its buffer has to go somewhere


def say(words: object) -> None:
    """Tell a person what went wrong."""
    tell(f"icon-nb: {words}", "stderr")


def complain(error: IconError) -> int:
    """Tell a person of an error; returns the exit code that goes with it."""
    say(error)
    return 2 if isinstance(error, ConfigError) else 1
