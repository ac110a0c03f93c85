"""Every setting of an animation, checked when it is given, before anything is drawn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from ..errors import ConfigError, nearest
from ..projection import Projection
from .palette import theme

LOWEST = {
    "fps": 0.1,
    "frame_duration": 20,
    "hold": 20,
    "every": 1,
    "tween": 0,
    "max_frames": 2,
    "dpi": 30,
    "max_points": 1,
    "trail": 1,
    "thumbnails": 0,
    "point_size": 1,
    "inline_limit": 0,
}


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
    turn: float = 120
    camera: tuple[float, float] = (35, 20)
    align: bool = True
    inline_limit: int = 2_000_000

    def __post_init__(self):
        theme(self.style)
        self._check_numbers()
        if ("rows" in self.overlays) != (self.rows is not None):
            raise ConfigError("overlay='rows' and rows={'anchor': i, 'p': ..., 'q': ...} need each other: give both or neither")
        if "diagnosis" in self.overlays and not self.note:
            raise ConfigError("overlay='diagnosis' writes the text of note: pass it, for instance note='collapsed at epoch 4'")

    def _check_numbers(self) -> None:
        if self.fps is not None and self.frame_duration is not None:
            raise ConfigError(f"fps={self.fps} and frame_duration={self.frame_duration} say the same thing: give one of them")
        for name, low in LOWEST.items():
            value = getattr(self, name)
            if value is not None and not value >= low:
                raise ConfigError(f"{name}={value!r} is too small: it must be at least {low}")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 120 or max(self.size) > 4000):
            raise ConfigError(f"size={self.size!r} must be (width, height) in pixels, each from 120 to 4000")

    @property
    def overlays(self) -> tuple[str, ...]:
        """Names of the overlays, as a tuple; a text may join several by ``+``."""
        return overlay_names(self.overlay)

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
    return tuple(name for text in texts for name in str(text).split("+"))


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
