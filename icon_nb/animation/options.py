"""Every setting of an animation, checked when it is given, before anything is drawn."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real

import numpy as np

from ..errors import ConfigError, demand, nearest, shown
from .palette import theme
from .projection import Projection, check_seed


@dataclass(frozen=True)
class Bounds:
    """Which numbers an option takes; ``idle`` ones take None as well."""

    low: float
    high: float = 10**9
    whole: bool = False
    idle: bool = False

    def hold(self, value) -> bool:
        """Whether it is a number of this kind, from the lowest to the highest."""
        return self._number(value) and self.low <= value <= self.high

    def check(self, name: str, value) -> None:
        """Refuse another value by name."""
        if value is None and self.idle:
            return
        kind = "whole number" if self.whole else "number"
        demand(self._number(value), f"{name}={shown(value)} is no {kind}: give a {kind}, at least {self.low:g}")
        demand(value >= self.low, f"{name}={shown(value)} is too small: it must be at least {self.low:g}")
        demand(value <= self.high, f"{name}={shown(value)} is too large: it must be at most {self.high:,.0f}")

    def _number(self, value) -> bool:
        number = isinstance(value, Integral if self.whole else Real) and not isinstance(value, bool)
        return number and not math.isnan(value)


DEGREES, SIDE = Bounds(-3600, 3600), Bounds(120, 4000, whole=True)
# The longest times are those that a GIF can hold, also where adaptive time stretches a step.
NUMBERS = {
    "fps": Bounds(0.1, 1000, idle=True),
    "frame_duration": Bounds(20, 60_000, idle=True),
    "hold": Bounds(20, 600_000),
    "every": Bounds(1, whole=True),
    "tween": Bounds(0, whole=True),
    "max_frames": Bounds(2, whole=True),
    "dpi": Bounds(30, 1200),
    "max_points": Bounds(1, whole=True),
    "trail": Bounds(1, whole=True),
    "thumbnails": Bounds(0, whole=True),
    "point_size": Bounds(1, 100, idle=True),
    "inline_limit": Bounds(0, math.inf),
    "turn": Bounds(-3600, 3600, idle=True),
}
SWITCHES = ("adaptive", "legend", "caption", "align")


@dataclass(frozen=True)
class Options:
    """The settings of :func:`icon_nb.animation.animate`, where they are documented."""

    projection: str | Projection = "auto"
    fit_on: str | int | Projection = "last"
    seed: int = 0
    overlay: str | Sequence[str] = "epoch"
    note: str = ""
    rows: Mapping | None = None
    trail: int = 6
    highlight: str | int | Sequence | None = None
    own_scale: str | Sequence[str] = ()
    thumbnails: int = 0
    point_size: float | None = None
    title: str | None = None
    fps: float | None = None
    frame_duration: float | None = None
    hold: float = 1500
    every: int = 1
    tween: int = 0
    adaptive: bool = False
    max_frames: int = 200
    size: tuple[int, int] | None = None
    dpi: float = 100
    style: str = "notebook"
    legend: bool = True
    caption: bool = True
    max_points: int = 2000
    turn: float | None = None
    camera: tuple[float, float] | None = None
    align: bool = True
    inline_limit: int = 2_000_000

    def __post_init__(self):
        theme(self.style)
        check_seed(self.seed)
        self._check_numbers()
        self._check_kinds()
        if ("rows" in self.overlays) != (self.rows is not None):
            raise ConfigError("overlay='rows' and rows={'anchor': i, 'p': ..., 'q': ...} need each other: give both or neither")
        if "diagnosis" in self.overlays and not self.note:
            raise ConfigError("overlay='diagnosis' writes the text of note: pass it, for instance note='collapsed at epoch 4'")

    def _check_numbers(self) -> None:
        if self.fps is not None and self.frame_duration is not None:
            raise ConfigError(f"fps={self.fps} and frame_duration={self.frame_duration} say the same thing: give one of them")
        for name, bounds in NUMBERS.items():
            bounds.check(name, getattr(self, name))
        sized = self.size is None or _pair(self.size, SIDE)
        demand(sized, f"size={shown(self.size)} must be (width, height) in whole pixels, each from 120 to 4000")
        aimed = self.camera is None or _pair(self.camera, DEGREES)
        demand(aimed, f"camera={shown(self.camera)} must be (azimuth, elevation), two numbers of degrees")

    def _check_kinds(self) -> None:
        for name in SWITCHES:
            value = getattr(self, name)
            demand(isinstance(value, (bool, np.bool_)), f"{name}={shown(value)}: give True or False")
        demand(self.title is None or isinstance(self.title, str), f"title={shown(self.title)}: give a text")
        demand(isinstance(self.note, str), f"note={shown(self.note)}: give a text")
        named = isinstance(self.own_scale, Collection) and all(isinstance(name, str) for name in self.own_scale)
        demand(named, f"own_scale={shown(self.own_scale)}: give the name of a metric, or several")

    @property
    def overlays(self) -> tuple[str, ...]:
        """Names of the overlays, as a tuple; a text may join several by ``+``."""
        return overlay_names(self.overlay)

    @property
    def own_scales(self) -> tuple[str, ...]:
        """Names of the metrics that each panel scales by its own range."""
        return overlay_names(self.own_scale)

    @property
    def duration(self) -> float | None:
        """Milliseconds from one epoch to the next, or None for the default."""
        return 1000 / self.fps if self.fps is not None else self.frame_duration


def overlay_names(overlay: str | Sequence[str]) -> tuple[str, ...]:
    """Names of the overlays from a text that may join several by ``+``, or from a sequence of such texts.

    >>> overlay_names("loss+trails"), overlay_names(("loss", "trails"))
    (('loss', 'trails'), ('loss', 'trails'))
    """
    texts = (overlay,) if isinstance(overlay, str) else overlay
    demand(isinstance(texts, Collection), f"overlay={shown(overlay)}: give a name, several, or 'none'")
    return tuple(name for text in texts for name in str(text).split("+"))


def _pair(value, bounds: Bounds) -> bool:
    """Whether it is two numbers within the bounds."""
    return isinstance(value, (Sequence, np.ndarray)) and len(value) == 2 and all(map(bounds.hold, value))


def make_options(options: dict) -> Options:
    """Options from keywords; an unknown one is a ConfigError that names the nearest."""
    known = [f.name for f in fields(Options)]
    for name in options:
        if name not in known:
            raise ConfigError(f"animate has no option {name!r}: {nearest(name, known)}")
    return Options(**options)


def with_options(function: Callable) -> Callable:
    """Give a function of ``**options`` the signature that lists them, so that a notebook can complete their names."""
    own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {p.name for p in own}
    keywords = [inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default) for f in fields(Options)]
    function.__signature__ = inspect.Signature([*own, *(p for p in keywords if p.name not in taken)])
    return function
