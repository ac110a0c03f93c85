"""Every setting of an animation, checked when it is given. Loads no torch, so that ``--help`` may list them."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real

import numpy as np

from ..errors import demand, nearest, shown
from ..methods.catalogue import OVERLAYS, PROJECTIONS
from ..methods.settings import Setting
from .palette import theme


def option(default, help: str, kind: type = object, python: str = "", **limits):
    """A field that carries its :class:`Setting`, and what only Python can give; one whose default is None may be None."""
    return field(default=default, metadata={"setting": Setting(kind, "animation", help, default, **limits), "python": python})


@dataclass(frozen=True)
class Options:
    """The settings of :func:`icon_nb.animation.animate`, whose documentation is read from these fields."""

    projection: str | object = option(
        "auto", "How an embedding of many dimensions becomes a picture.", choices=PROJECTIONS,
        python="Or a fitted one; see :func:`icon_nb.animation.projection.fit_projection`.",
    )  # fmt: skip
    fit_on: str | int | object = option(
        "last", "The epoch on which the projection is fitted, once: last, first, or its number.", python="Or a fitted Projection."
    )
    seed: int = option(0, "For t-SNE, UMAP, and the choice of points where there are more than ``max_points``.")
    overlay: str | Sequence[str] = option(
        "epoch", choices=OVERLAYS, help="What is drawn beside the points: names joined by +, of overlays or of recorded metrics, "
        "drawn as curves (at most four).",
    )  # fmt: skip
    note: str = option("", "A sentence below the picture.", str)
    forces: tuple | None = option(
        None, "Attraction and repulsion of every point, two arrays (n_frames, n, d); see :meth:`icon_nb.Results.forces`."
    )
    trail: int = option(6, "Epochs that a trail reaches back.", int, low=1)
    highlight: str | int | Sequence | None = option(
        None, "Classes by name; the other points fade.", python="Or points by position."
    )
    own_scale: str | Sequence[str] = option(
        (), "Metrics that are not comparable: side by side, each panel draws their curves from its own least to its own greatest "
        "value; all others share one scale.",
    )  # fmt: skip
    thumbnails: int = option(0, "About this many points are shown by their image.", int, low=0, high=100_000)
    point_size: float | None = option(None, "Pixels across a point.", float, low=1, high=100)
    title: str | None = option(None, "Instead of the trajectory's own.", str)
    fps: float | None = option(None, "Epochs a second; by default six seconds in all.", float, low=0.1, high=1000)
    hold: float = option(1500, "Milliseconds for which the last frame stays.", float, low=20, high=600_000)
    every: int = option(1, "Show every n-th epoch, and always the first and the last.", int, low=1, high=100_000)
    tween: int | str = option(
        "auto", "In-between frames after each epoch, interpolated (and said to be so in the caption); 'auto' makes 22 frames of "
        "fewer epochs, with more in between where points move most.", int, low=0, high=100_000,
    )  # fmt: skip
    max_frames: int = option(200, "More frames than this are never drawn: epochs are thinned evenly.", int, low=2)
    size: tuple[int, int] | str | None = option(
        None, "Pixels, or millimetres as in '85x60mm'; 500 x 500 at 100 dpi, and for several panels as much as they need."
    )
    dpi: float = option(
        100, "Size of texts and points: 100 is made for 500 pixels, 200 for 1000. No picture has more than 16 million pixels.",
        float, low=30, high=1200,
    )  # fmt: skip
    style: str = option("notebook", "Colours and sizes of texts: notebook, paper, slides or dark.", str)
    legend: bool = option(True, "Write the names of the classes into the picture.", bool)
    caption: bool = option(True, "Write into the picture how it was projected.", bool)
    max_points: int = option(2000, "At most this many points, the same in every frame.", int, low=1)
    turn: float | None = option(
        None, "Degrees through which a 3-d view turns; by default 120, or 60 where the camera was chosen to face points on the "
        "sphere.", float, low=-3600, high=3600,
    )  # fmt: skip
    camera: tuple[float, float] | None = option(
        None, "Azimuth and elevation of a 3-d view at the last frame, in degrees. By default (35, 20); on the sphere, which "
        "hides what is behind it, it faces the mean direction of the last frame's points where they have one.",
    )  # fmt: skip
    inline_limit: float = option(2_000_000, "Bytes above which a notebook shows the last frame only.", float, low=0)

    def __post_init__(self):
        for f in fields(self):
            value, setting = getattr(self, f.name), f.metadata["setting"]
            if setting.kind is not object and (f.name, value) != ("tween", "auto"):
                value = setting.check(f.name, value.item() if isinstance(value, np.generic) else value)
                object.__setattr__(self, f.name, value)
        theme(self.style)
        check_seed(self.seed)
        object.__setattr__(self, "size", in_pixels(self.size, self.dpi))
        check_pair("size", self.size, Integral, 120, 4000, "(width, height) in whole pixels, each from 120 to 4000")
        check_pair("camera", self.camera, Real, -3600, 3600, "(azimuth, elevation), two numbers of degrees")
        named = isinstance(self.own_scale, Collection) and all(isinstance(name, str) for name in self.own_scale)
        demand(named, f"own_scale={shown(self.own_scale)}: give the name of a metric, or several")
        paired = ("forces" in self.overlays) == (self.forces is not None)
        check_needs((*self.overlays, "forces"), {"forces": paired, "note": bool(self.note)})

    @property
    def overlays(self) -> tuple[str, ...]:
        """Names of the overlays, as a tuple; a text may join several by ``+``."""
        return overlay_names(self.overlay)

    def said(self, words: str) -> list[str]:
        """What the overlays say of themselves in a picture: their ``caption``, or their ``short`` words."""
        texts = [getattr(row, words) for name, row in OVERLAYS.items() if name in self.overlays]
        return [text for text in texts if text]


def in_pixels(size, dpi: float):
    """A size in pixels: two numbers as they are, a text such as ``"85x60mm"`` at so many dots an inch."""
    if not isinstance(size, str):
        return size
    found = re.fullmatch(r"\s*([\d.]+)\s*x\s*([\d.]+)\s*mm\s*", size)
    demand(found is not None, f"size={size!r}: give (width, height) in pixels, or millimetres as in '85x60mm'")
    return tuple(round(float(side) / 25.4 * dpi) for side in found.groups())


def overlay_names(overlay: str | Sequence[str]) -> tuple[str, ...]:
    """Names of the overlays from a text that may join several by ``+``, or from a sequence of such texts."""
    texts = (overlay,) if isinstance(overlay, str) else overlay
    demand(isinstance(texts, Collection), f"overlay={shown(overlay)}: give a name, several, or 'none'")
    return tuple(name for text in texts for name in str(text).split("+"))


def check_needs(overlays: Iterable[str], there: Mapping[str, bool]) -> None:
    """Refuse overlays that need what is not ``there``; needs that it does not speak of are looked at elsewhere."""
    for name in overlays:
        for need, words in OVERLAYS[name].needs.items() if name in OVERLAYS else ():
            demand(there.get(need, True), f"overlay={name!r} {words}")


def make_options(options: Mapping) -> Options:
    """Options from keywords; an unknown one is a ConfigError that names the nearest."""
    known = [f.name for f in fields(Options)]
    for name in options:
        demand(name in known, f"animate has no option {name!r}: {nearest(name, known)}")
    return Options(**options)


def with_options(function: Callable) -> Callable:
    """Give a function of ``**options`` their names as its signature, and their help where its docstring says ``**options``."""
    own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {p.name for p in own}
    keywords = [inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default) for f in fields(Options)]
    function.__signature__ = inspect.Signature([*own, *(p for p in keywords if p.name not in taken)])
    doc, indent, listed = function.__doc__ or "", 8 * " ", ""
    for f in fields(Options):
        if f"    {f.name} : " not in doc:
            wrapped = textwrap.fill(help_of(f), 125, initial_indent=indent, subsequent_indent=indent)
            listed += f"    {f.name} : {f.type}, default {f.default!r}\n{wrapped}\n"
    function.__doc__ = doc.replace("    **options\n", listed)
    return function


def help_of(f, python: bool = True) -> str:
    """What an option is, with the names that it takes; for a shell without markup and without what only Python can give."""
    setting = f.metadata["setting"]
    named = ", ".join(f"``{row.name}`` ({row.about})" for row in dict(setting.choices).values())
    text = " ".join(filter(None, (setting.help, f.metadata["python"] if python else "", f"There are {named}." if named else "")))
    return text if python else text.replace("``", "")


def check_pair(name: str, value, kind: type, least: float, greatest: float, words: str) -> None:
    """Refuse what is given and no two numbers of a kind between the least and the greatest."""
    two = isinstance(value, (Sequence, np.ndarray)) and len(value) == 2
    fits = two and all(isinstance(v, kind) and not isinstance(v, bool) and least <= v <= greatest for v in value)
    demand(value is None or fits, f"{name}={shown(value)} must be {words}")


def check_seed(seed: int) -> None:
    """Refuse what a generator cannot be started with."""
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    demand(whole and 0 <= seed < 2**32, f"seed={shown(seed)}: give a whole number from 0 to {2**32 - 1}")
