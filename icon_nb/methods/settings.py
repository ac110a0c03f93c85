"""What is known about one setting: its type, its range, its names, when it has an effect, and the words that explain it.

A value may also be a schedule, a text that moves while a run trains: ``0.1..1.0:cosine`` goes from 0.1 in the first epoch to 1.0
in the last. Or it is a network or a function of the user's, which is held in this process, and a text stands for it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import numbers
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import cos, pi
from operator import ge, gt, le, lt
from weakref import WeakValueDictionary

from ..errors import ConfigError, demand, nearest, shown

SCHEMA = 1  # of ``config.json``
LONGEST = 4096  # characters of a text: no path is longer, and no title can be drawn that is
LIMITS = {"low": ("at least", ge), "above": ("greater than", gt), "high": ("at most", le), "below": ("less than", lt)}
SMALLEST = 1e-30  # the size of a number that is not 0 is from here to the inverse of this, so that single precision holds both

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
            return check_schedule(name, value, self.check_value)
        return self.check_value(name, value)

    def check_value(self, name: str, value: object) -> object:
        """The same of a value that is given and no schedule."""
        given, value = value, self._typed(name, value)
        if self.choices and not self.free and value not in self.names and value not in self.older:
            raise ConfigError(f"{name}={shown(value)} is not known; {nearest(value, self.names)}")
        finite = self.kind not in (int, float) or math.isfinite(_number(value))
        if not finite or not all(holds(value, limit) for _, holds, limit in self._limits):
            said = f"it must be {'' if finite else 'finite, and '}{self.range}"
            raise ConfigError(f"{name}={shown(given)} is out of range: {said}")
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
            if self.kind is float or not math.isfinite(number):
                return number
            if number.is_integer():
                return int(value)
        raise ConfigError(f"{name}={shown(value)} is of type {type(value).__name__}: give {_ARTICLE[self.kind]}")

    @property
    def _limits(self) -> list[tuple[str, Callable, float]]:
        limits = {name: getattr(self, name) for name in LIMITS}
        return [(*LIMITS[name], limit) for name, limit in limits.items() if limit is not None]

    @property
    def range(self) -> str:
        """The range in words, for instance ``greater than 0 and at most 1``."""
        return " and ".join(f"{word} {limit:g}" for word, _, limit in self._limits) or "finite"


def _text(name: str, value: object) -> str:
    """A text that can be written to a file and be part of a path."""
    if isinstance(value, str) and len(value) > LONGEST:
        raise ConfigError(f"{name}={shown(value)} has {len(value):,} characters: give at most {LONGEST:,}")
    with suppress(UnicodeEncodeError, AttributeError, TypeError):
        if "\0" not in value:
            value.encode()
            return value
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


OLDER = {"method": "icon_mode", "learning_rate": "lr"}  # other spellings of settings as flags


def check_names(names: Iterable[str], known: Iterable[str], where: str = "") -> None:
    """Refuse settings that do not exist, with the nearest that does."""
    for name in names:
        if name not in known:
            own = [setting for setting, older in OLDER.items() if older == name]
            remedy = f"write {own[0]!r}, of which --{name} is another spelling" if own else nearest(name, known)
            raise ConfigError(f"{where}{name!r} is not a setting; {remedy}")


def read_json(text: str | bytes, where: str, known: Iterable[str]) -> dict[str, object]:
    """The flat settings of a JSON text, names and schema checked, without those that are null; errors name ``where``."""
    try:
        settings = json.loads(text, object_pairs_hook=_each_once)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not JSON of settings ({error}): write one flat object of settings") from None
    demand(isinstance(settings, dict), f"{where} holds a {type(settings).__name__}: write one flat object of settings")
    schema = settings.pop("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ConfigError(f"{where} has schema {schema!r}, this version reads up to {SCHEMA}: upgrade icon_nb")
    check_names(settings, known, f"{where}: ")
    return {name: value for name, value in settings.items() if value is not None}


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = {}
    for name, value in pairs:
        demand(name not in found, f"{shown(name)} stands there twice", ValueError)
        found[name] = value
    return found


STEPS = 5  # so many values does ``steps`` take

SHAPES: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "cosine": lambda t: (1 - cos(pi * t)) / 2,
    "steps": lambda t: min(int(t * STEPS), STEPS - 1) / (STEPS - 1),
    "waves": lambda t: (1 - cos(2 * pi * STEPS * t)) / 2,  # there and back, as Kukleva et al. 2023 move a temperature
}
"""How far a schedule has come, 0..1, when a share t of the epochs is over."""

_FORM = re.compile(r"\s*([^.:\s]\S*?)\.\.([^:\s]+)(?::(\w+))?\s*")


def ends(value: object) -> tuple[float, ...]:
    """The first and the last value of a schedule; of a number, itself."""
    return _ends(value)[:2] if isinstance(value, str) else (value,)


def value_at(value: object, t: float) -> object:
    """The value of a schedule when a share t of the epochs is over; anything else stays as it is."""
    if not isinstance(value, str):
        return value
    first, last, shape = _ends(value)
    way = SHAPES[shape](min(max(t, 0.0), 1.0))
    return last * way + first * (1 - way)


def check_schedule(name: str, text: str, check: Callable[[str, float], float]) -> str:
    """The text of a schedule in its plain form, with each end in the range of its setting."""
    try:
        first, last, shape = _ends(text)
    except ValueError:
        raise ConfigError(f"{name}={shown(text)}: give a number, or a schedule as in {name}='0.1..1.0:cosine'") from None
    if shape not in SHAPES:
        raise ConfigError(f"{name}={shown(text)}: {shape!r} is no shape of a schedule; {nearest(shape, SHAPES)}")
    return f"{check(name, first)!r}..{check(name, last)!r}:{shape}"


def _ends(text: str) -> tuple[float, float, str]:
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(text)
    return float(found[1]), float(found[2]), found[3] or "linear"


PREFIX = "own:"
OWN = {
    "backbone": "an nn.Module",
    "augment": "a function of a sample",
    "optimizer": "a function that makes a torch optimizer of the parameters",
    "scheduler": "a function that makes a torch scheduler of the optimizer",
}
"""The settings that take an object, and what it must be."""

KNOWN: WeakValueDictionary[str, object] = WeakValueDictionary()
"""What is held, by its text and by the beginning of that, as long as a Config or anything else has a use for it."""


class Own(str):
    """The text that stands for an object in a Config, for instance ``own:timm.ResNet-1f0a-77c2``; it keeps the object.

    It is the name of the class or function, a digest of its ``repr``, and one of its weights or of its code.
    """

    thing: object

    def __reduce__(self):
        return keep, (str(self), self.thing)


def keep(text: str, thing: object) -> Own:
    """The text, holding an object."""
    held = Own(text)
    held.thing = KNOWN[text] = KNOWN[_kind(text)] = thing
    return held


def hold(thing: object) -> Own:
    """Hold an object of the user's. Of a network a copy is held: what becomes of the user's does not matter."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    form, weights = _digest(repr(thing)), hashlib.sha256()
    if hasattr(thing, "__code__"):  # two lambdas have one name
        weights = _digest(repr((thing.__code__.co_code, thing.__code__.co_consts, thing.__code__.co_names, thing.__defaults__)))
        weights.update(repr([cell.cell_contents for cell in thing.__closure__ or ()]).encode())
    if hasattr(thing, "state_dict") and not isinstance(thing, type):
        thing = copy.deepcopy(thing)
        for name, part in thing.state_dict().items():
            weights.update(name.encode() + part.detach().cpu().double().numpy().tobytes())
    name = f"{named.__module__}.{named.__qualname__}".replace("<", "").replace(">", "")
    return keep(f"{PREFIX}{name}-{form.hexdigest()[:8]}-{weights.hexdigest()[:8]}", thing)


def _digest(text: str):
    return hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", text).encode())


def is_own(text: object) -> bool:
    """Whether a text stands for an object of the user's."""
    return isinstance(text, str) and text.startswith(PREFIX)


def thing_of(setting: str, text: str) -> object:
    """The object that a text stands for, or one of the same kind with other weights."""
    found = KNOWN.get(text, KNOWN.get(_kind(text)))
    if found is None:
        name = text.removeprefix(PREFIX).rsplit("-", 2)[0]
        raise ConfigError(f"{setting} was {name}, an object of yours: give it again, as {setting}=")
    return found


def _kind(text: str) -> str:
    return text.rsplit("-", 1)[0]
