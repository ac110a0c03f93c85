"""How things show themselves: pages in a closed frame, pictures as data, widgets live where there is a front end for them."""

from __future__ import annotations

import html
import sys
from base64 import b64encode
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from ..errors import demand
from ..files import place, write_whole

VIEW = "application/vnd.jupyter.widget-view+json"
SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class Page:
    """A self-contained page; show it as the last value of a cell, or :meth:`save` it."""

    html: str = field(repr=False)
    summary: str  # what it shows, in one line
    height: int = 620  # of the inline frame, in CSS pixels

    what: ClassVar[str] = "page"
    instead: ClassVar[str] = ""

    @property
    def nbytes(self) -> int:
        """Size of the page in bytes."""
        return len(self.html.encode())

    def save(self, path) -> Path:
        """Write the page, the whole file or, when that fails, nothing; a name without a suffix gets ``.html``.

        A ConfigError for another suffix, a SaveError where the folder cannot be written to.
        """
        path = place(path)
        path = path if path.suffix or not path.name else path.with_name(f"{path.name}.html")
        said = f"cannot write a {self.what} as {path.suffix!r}, it is a page: use .html{self.instead.format(path.name)}"
        demand(path.suffix.lower() in SUFFIXES, said)
        return write_whole(path, self.html.encode())

    def frame(self, instead: str = "") -> str:
        """An iframe that may run the page's script and nothing else: it cannot reach the notebook around it.

        What is inside it is seen only where a viewer takes the frame away, as for a notebook that is not trusted.
        """
        script = (files(__package__) / "page_files/tell_theme.js").read_text(encoding="utf-8")
        told = html.escape(script.partition("\n")[2].rstrip())  # without the comment that it begins with
        title, page = html.escape(f"I-Con {self.what}: {self.summary}"), html.escape(self.html)
        return (
            f'<iframe title="{title}" sandbox="allow-scripts" allow="clipboard-write" width="100%" height="{self.height}" '
            f'style="border:0;width:100%;height:{self.height}px" onload="{told}" srcdoc="{page}">'
            f"{instead}{title}: trust this notebook or run the cell again to see it.</iframe>"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary}, {self.nbytes / 1e6:.2f} MB)"

    def _repr_html_(self) -> str:
        return self.frame()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def image(data: bytes, alt: str, width: int | None = None, kind: str = "png") -> str:
    """An ``<img>`` with its data inside."""
    size = f' width="{width}"' if width else ""
    return f'<img src="{source(data, kind)}" alt="{html.escape(alt)}"{size} style="max-width:100%;height:auto">'


def source(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def bundle(widget, words: str, still: str, strip: bytes = b"") -> dict[str, object]:
    """A widget's view with a still page beside it; in Colab the view alone, which knows no other order of preference."""
    live = {"text/plain": words, VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
    picture = {"image/png": b64encode(strip).decode()} if strip else {}
    return live if "google.colab" in sys.modules else {**live, "text/html": still, **picture}
