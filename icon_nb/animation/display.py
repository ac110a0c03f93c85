"""How a widget shows itself: live where there is a front end for it, as still pictures everywhere else."""

from __future__ import annotations

import base64
import html
import sys

VIEW = "application/vnd.jupyter.widget-view+json"


def image(png: bytes, alt: str, width: int | None = None) -> str:
    """An ``<img>`` with its data inside."""
    size = f' width="{width}"' if width else ""
    data = base64.b64encode(png).decode()
    words = html.escape(alt, quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{words}"{size} style="max-width:100%;height:auto">'


def bundle(widget, words: str, still: str) -> dict[str, object]:
    """A widget's view with a still page beside it; in Colab the view alone, which knows no other order of preference."""
    live = {"text/plain": words, VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
    return live if "google.colab" in sys.modules else {**live, "text/html": still}
