"""What a notebook shows: the animation in the page itself, or its last frame where it is too large."""

from __future__ import annotations

import base64
import html

from .encode import poster

POSTER_LIMIT = 30 * 1024


def bundle(animation) -> dict[str, str]:
    """Text, a page fragment and the last frame. The same bytes for the same run."""
    still = poster(animation.frames, POSTER_LIMIT)
    return {
        "text/plain": repr(animation),
        "text/html": figure(animation, animation.to_bytes("gif"), still),
        "image/png": base64.b64encode(still).decode(),
    }


def figure(animation, gif: bytes, still: bytes) -> str:
    """An image with alternative text and caption; names given by the user are escaped."""
    limit = animation.options.inline_limit
    small = len(gif) <= limit
    kind, data = ("gif", gif) if small else ("png", still)
    note = "" if small else too_large(len(gif), limit, animation.saved)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    width = round(animation.size[0] * 100 / animation.options.dpi)
    return (
        f'<figure style="margin:0;max-width:{width}px"><img src="{source}" alt="{html.escape(animation.alt, quote=True)}" '
        f'width="{width}" style="max-width:100%;height:auto"><figcaption style="font-size:0.85em;opacity:0.8;line-height:1.35">'
        f"{note}{html.escape(animation.caption)}</figcaption></figure>"
    )


def too_large(n: int, limit: int, saved) -> str:
    where = 'Write it with <code>.save("dynamics.gif")</code>.'
    if saved:
        where = f"It is saved at {html.escape(str(saved))}."
    return (
        f"<strong>The last frame: the animation has {n / 1e6:.1f} MB, above the limit of {limit / 1e6:.1f} MB inline.</strong> "
        f"{where} Lift the limit with <code>inline_limit={n}</code>. "
    )
