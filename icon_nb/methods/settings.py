"""What is known about one setting: its type, its range, its names, when it has an effect, and the words that explain it."""

from __future__ import annotations

import json
import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import ge, gt, le, lt

from ..errors import ConfigError, nearest, shown
from . import schedules

SCHEMA = 1
"""Of ``config.json``."""

LONGEST = 4096
"""Characters of a text: no path is longer, and no title can be drawn that is."""

SMALLEST = 1e-30
"""The size of a number that is not 0 is from here to the inverse of this, so that single precision holds both."""

GROUPS = {
    "data": "what is learned from",
    "objective": "p, q and the divergence between them",
    "model": "the backbone that makes the embedding",
    "training": "how it is trained",
    "recording": "what is recorded and evaluated",
    "animation": "how the recording is drawn",
    "output": "what is written, and where",
}


@dataclass(frozen=True)
class Setting:
    """One field of :class:`icon_nb.Config`."""

    kind: type  # str, int, float or bool
    group: str  # a key of GROUPS
    help: str  # what it is; {} stands for the names
    default: object = None  # None where the method, the backbone and the data decide, or where it is optional
    general: object = None  # what it is then, unless they say something else
    choices: Iterable[str] | Callable[[], Iterable[str]] = ()  # its names, a table that is read when they are asked for
    free: bool = False  # whether it takes other texts too, which a rule of resolve looks at
    older: Mapping[str, str] = field(default_factory=dict)  # older names, each with the one that it stands for
    low: float | None = None  # at least
    above: float | None = None  # greater than
    high: float | None = None  # at most
    below: float | None = None  # less than
    applies: Callable[..., bool] | None = None  # whether a Case gives it an effect; not given, where p or q takes it, if any
    because: str | Callable[..., str] = "method"  # the setting that keeps it from having one, or the words of that
    optional: bool = False  # whether it is nothing where it is not given
    counts: bool = True  # whether the numbers of a run depend on it
    trunk: bool = False  # whether the weights and the points of a run depend on it, so that a fork cannot change it
    deciding: bool = False  # whether other settings take their defaults from it
    scheduled: bool = False  # whether it may move with the epochs, as a schedule
    option: str = ""  # the option of animate that it is

    @property
    def names(self) -> list[str]:
        """The texts that may be given, as the tables stand now."""
        return list(self.choices() if callable(self.choices) else self.choices)

    @property
    def text(self) -> str:
        """The help with the names in it."""
        names = ", ".join(self.names) + (f"; older names: {', '.join(self.older)}" if self.older else "")
        return self.help.replace("{}", names) if "{}" in self.help or not names else f"{self.help}: {names}"

    def check(self, name: str, value: object) -> object:
        """``value`` as this setting's plain type, or a :class:`ConfigError` that names the setting and the remedy."""
        if value is None:
            if self.default is None:
                return None
            raise ConfigError(f"{name}=None: give {_ARTICLE[self.kind]}; the default is {self.default!r}")
        if self.scheduled and isinstance(value, str):
            return schedules.checked(name, value, self.check_value)
        return self.check_value(name, value)

    def check_value(self, name: str, value: object) -> object:
        """The same of a value that is given and no schedule."""
        given, value = value, self._typed(name, value)
        if self.choices and not self.free and value not in self.names and value not in self.older:
            raise ConfigError(f"{name}={shown(value)} is not known; {nearest(value, self.names)}")
        if self.kind in (int, float) and not self._inside(value):
            raise ConfigError(self._beyond(name, given))
        if self.kind is float and value and not SMALLEST <= abs(value) <= 1 / SMALLEST:
            raise ConfigError(f"{name}={shown(given)} is out of range: single precision needs {SMALLEST:g} to {1 / SMALLEST:g}")
        return value

    def _typed(self, name: str, value: object) -> object:
        if self.kind is str and isinstance(value, (str, os.PathLike)):
            return _text(name, os.fspath(value))
        if isinstance(value, bool) and self.kind is bool:
            return value
        if self.kind in (int, float) and not isinstance(value, bool) and isinstance(value, numbers.Real):
            number = _number(value)
            if self.kind is float:
                return number
            if number.is_integer():
                return int(value)
            if not math.isfinite(number):
                raise ConfigError(self._beyond(name, value))
        raise ConfigError(f"{name}={shown(value)} is of type {type(value).__name__}: give {_ARTICLE[self.kind]}")

    def _beyond(self, name: str, value: numbers.Real) -> str:
        finite = "" if math.isfinite(_number(value)) else "finite, and "
        return f"{name}={shown(value)} is out of range: it must be {finite}{self.range}"

    def _inside(self, value: float) -> bool:
        limits = ((ge, self.low), (gt, self.above), (le, self.high), (lt, self.below))
        return math.isfinite(_number(value)) and all(holds(value, limit) for holds, limit in limits if limit is not None)

    @property
    def range(self) -> str:
        """The range in words, for instance ``greater than 0 and at most 1``."""
        limits = (("at least", self.low), ("greater than", self.above), ("at most", self.high), ("less than", self.below))
        return " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None) or "finite"


def _text(name: str, value: object) -> str:
    """A text that can be written to a file and be part of a path."""
    if isinstance(value, str) and len(value) > LONGEST:
        raise ConfigError(f"{name}={shown(value)} has {len(value):,} characters: give at most {LONGEST:,}")
    try:
        if "\0" not in value:
            value.encode()
            return value
    except (UnicodeEncodeError, AttributeError, TypeError):
        pass
    raise ConfigError(f"{name}={shown(value)} cannot be written to a file: leave out what is not a character")


def _number(value: numbers.Real) -> float:
    """As a float; infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_ARTICLE = {str: "a text", int: "a whole number", float: "a number", bool: "True or False"}


def setting(group: str, help: str, default: object = None, **about):
    """A field of a Config: ``about`` is the rest of its :class:`Setting`, whose kind is that of its annotation.

    How a run is drawn, written and reported does not count unless it says so.
    """
    about = {"counts": group not in ("animation", "output"), "trunk": group in ("data", "model"), **about}
    return field(default=default, metadata={"group": group, "help": help, "default": default, **about})


data, objective, model, training, recording, animation, output = (partial(setting, group) for group in GROUPS)


def check_names(names: Iterable[str], known: Iterable[str], where: str = "") -> None:
    """Refuse settings that do not exist, with the nearest that does."""
    for name in names:
        if name not in known:
            raise ConfigError(f"{where}{name!r} is not a setting; {nearest(name, known)}")


def read_json(text: str, where: str, known: Iterable[str]) -> dict[str, object]:
    """The flat settings of a JSON text, names and schema checked, without those that are null; errors name ``where``."""
    try:
        settings = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not JSON ({error}): write one flat object of settings") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"{where} holds a {type(settings).__name__}: write one flat object of settings")
    schema = settings.pop("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ConfigError(f"{where} has schema {schema!r}, this version reads up to {SCHEMA}: upgrade icon_nb")
    check_names(settings, known, f"{where}: ")
    return {name: value for name, value in settings.items() if value is not None}
