"""A setting that moves while a run trains, as a text: ``0.1..1.0:cosine`` goes from 0.1 in the first epoch to 1.0 in the last."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import cos, pi

from ..errors import ConfigError, nearest, shown

STEPS = 5
"""So many values does ``steps`` take."""

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "cosine": lambda t: (1 - cos(pi * t)) / 2,
    "steps": lambda t: min(int(t * STEPS), STEPS - 1) / (STEPS - 1),
    "waves": lambda t: (1 - cos(2 * pi * STEPS * t)) / 2,  # there and back, as Kukleva et al. 2023 move a temperature
}
"""How far a schedule has come, 0..1, when a share t of the epochs is over."""

_FORM = re.compile(r"\s*([^.:\s]\S*?)\.\.([^:\s]+)(?::(\w+))?\s*")


def ends(value: object) -> tuple[float, ...]:
    """The first and the last value of a schedule; of a number, itself.

    >>> ends("0.1..1:cosine"), ends(0.5)
    ((0.1, 1.0), (0.5,))
    """
    return _read(value)[:2] if isinstance(value, str) else (value,)


def value_at(value: object, t: float) -> object:
    """The value of a schedule when a share t of the epochs is over; anything else stays as it is.

    >>> value_at("0.1..1:linear", 0.5), value_at(0.5, 0.5)
    (0.55, 0.5)
    """
    if not isinstance(value, str):
        return value
    first, last, shape = _read(value)
    way = SHAPES[shape](min(max(t, 0.0), 1.0))
    return last * way + first * (1 - way)


def checked(name: str, text: str, check: Callable[[str, float], float]) -> str:
    """The text of a schedule in its plain form, with each end in the range of its setting.

    Raises
    ------
    ConfigError
        It is no schedule; says how one is written.
    """
    try:
        first, last, shape = _read(text)
    except ValueError:
        raise ConfigError(f"{name}={shown(text)}: give a number, or a schedule as in {name}='0.1..1.0:cosine'") from None
    if shape not in SHAPES:
        raise ConfigError(f"{name}={shown(text)}: {shape!r} is no shape of a schedule; {nearest(shape, SHAPES)}")
    return f"{check(name, first)!r}..{check(name, last)!r}:{shape}"


def _read(text: str) -> tuple[float, float, str]:
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(text)
    return float(found[1]), float(found[2]), found[3] or "linear"
