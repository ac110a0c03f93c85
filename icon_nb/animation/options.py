"""Every setting of an animation, checked when it is given. Loads no torch, so that ``--help`` may list them."""

from __future__ import annotations

import inspect
import re
import textwrap
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from numbers import Integral, Real

import numpy as np

from ..errors import demand, nearest, shown
from ..methods.catalogue import OVERLAYS, PROJECTIONS
from ..methods.settings import Setting
from .palette import theme

ROWS = tomllib.loads(files(__package__).joinpath("options.toml").read_text(encoding="utf-8"))
CHOICES = {"projection": PROJECTIONS, "overlay": OVERLAYS}
KINDS = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Options:
    """The settings of :func:`icon_nb.animation.animate`; what each is stands in its row of ``options.toml``."""

    projection: str | object = "auto"
    fit_on: str | int | object = "last"
    seed: int = 0
    overlay: str | Sequence[str] = "epoch"
    note: str = ""
    forces: tuple | None = None
    trail: int = 6
    highlight: str | int | Sequence | None = None
    own_scale: str | Sequence[str] = ()
    thumbnails: int = 0
    point_size: float | None = None
    title: str | None = None
    fps: float | None = None
    hold: float = 1500
    every: int = 1
    tween: int | str = "auto"
    max_frames: int = 200
    size: tuple[int, int] | str | None = None
    dpi: float = 100
    style: str = "notebook"
    legend: bool = True
    caption: bool = True
    max_points: int = 2000
    turn: float | None = None
    camera: tuple[float, float] | None = None
    inline_limit: float = 2_000_000

    def __post_init__(self):
        for name, setting in OPTIONS.items():
            value = getattr(self, name)
            if setting.kind is not object and (name, value) != ("tween", "auto"):
                value = setting.check(name, value.item() if isinstance(value, np.generic) else value)
                object.__setattr__(self, name, value)
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


def setting_of(name: str, default: object) -> Setting:
    """What an option takes; one whose default is None may be None."""
    row = {told: value for told, value in ROWS[name].items() if told not in ("kind", "python")}
    return Setting(KINDS.get(ROWS[name].get("kind"), object), "animation", default=default, choices=CHOICES.get(name, ()), **row)


OPTIONS = {option.name: setting_of(option.name, option.default) for option in fields(Options)}


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
            wrapped = textwrap.fill(help_of(f.name), 125, initial_indent=indent, subsequent_indent=indent)
            listed += f"    {f.name} : {f.type}, default {f.default!r}\n{wrapped}\n"
    function.__doc__ = doc.replace("    **options\n", listed)
    return function


def help_of(name: str, python: bool = True) -> str:
    """What an option is, with the names that it takes; for a shell without markup and without what only Python can give."""
    row, named = ROWS[name], ", ".join(f"``{each.name}`` ({each.about})" for each in CHOICES.get(name, {}).values())
    text = " ".join(filter(None, (row["help"], row.get("python") if python else "", f"There are {named}." if named else "")))
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
