"""What a notebook shows: the animation in the page itself, a filmstrip of it where nothing moves, the player one click away."""

from __future__ import annotations

import html
from base64 import b64encode

import numpy as np

from .display import image
from .encode import indexed_png
from .painter import to_indices
from .palette import indexed_palette, nearest_entry
from .plots import small_multiples

SMALL = {"size": (420, 420), "tween": "auto", "max_frames": 22, "max_points": 500, "point_size": 5.0}
"""Options of one run's animation in a notebook: it moves, in at most 200 KB that are drawn in about a quarter of a second."""

MOMENTS = (0, 1, 2, 5)
"""The epochs of a filmstrip, and the last: most of what is learned is learned early."""

LARGEST_PLAYER = 500_000


def bundle(animation, page=None) -> dict[str, str]:
    """Text, a page fragment and a filmstrip; a player that is not too large is one click away. Equal runs give equal bytes."""
    still = filmstrip(animation)
    shown = figure(animation, animation.to_bytes("gif"), still)
    if page is not None and page.nbytes <= LARGEST_PLAYER:
        shown += f"<details><summary>Open the player: scrub, turn, pin a point</summary>{page.frame()}</details>"
    return {"text/plain": repr(animation), "text/html": shown, "image/png": b64encode(still).decode()}


def filmstrip(animation) -> bytes:
    """Epochs 0, 1, 2, 5 and the last beside each other, a row a run, as a PNG; others where these were not recorded."""
    known = animation.timeline.recorded().values()
    wished = [epoch for epoch in dict.fromkeys((*MOMENTS, int(animation.epochs[-1]))) if epoch in known]
    picture = small_multiples(animation, wished if len(wished) >= min(5, len(known)) else None, most=5)
    picture.canvas.agg.draw()
    style, pixels = animation.options.style, np.ascontiguousarray(picture.canvas.pixels())
    photos = any(len(view.thumbnails) for view in animation.views)
    return indexed_png(to_indices(pixels, nearest_entry(style, photos)), indexed_palette(style, photos))


def figure(animation, gif: bytes, still: bytes) -> str:
    """An image with alternative text and caption; names given by the user are escaped."""
    limit = animation.options.inline_limit
    small = len(gif) <= limit
    note = "" if small else too_large(len(gif), limit, animation.saved)
    width = round(animation.size[0] * 100 / animation.options.dpi)
    return (
        f'<figure style="margin:0;max-width:{width}px">'
        f"{image(gif if small else still, animation.alt, width, 'gif' if small else 'png')}"
        f'<figcaption style="font-size:0.85em;opacity:0.8;line-height:1.35">{note}{html.escape(animation.caption)}'
        "</figcaption></figure>"
    )


def too_large(n: int, limit: int, saved) -> str:
    where = 'Write it with <code>.save("dynamics.gif")</code>.'
    if saved:
        where = f"It is saved at {html.escape(str(saved))}."
    return (
        f"<strong>A filmstrip: the animation has {n / 1e6:.1f} MB, above the limit of {limit / 1e6:.1f} MB inline.</strong> "
        f"{where} Lift the limit with <code>inline_limit={n}</code>. "
    )
