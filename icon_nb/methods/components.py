"""Objects in a Config, as plain values: data, a network, and the name and the settings of a p or a q. Loads no torch."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Mapping
from pkgutil import resolve_name
from types import NoneType

from ..errors import ConfigError, demand_type, shown
from . import axes
from .catalogue import HOLD
from .methods import ALIASES, METHODS, of_pair
from .settings import OWN, Setting, hold

_SAID: set[str] = set()


def as_plain(settings: Mapping[str, object], known: Mapping[str, Setting]) -> dict[str, object]:
    """All settings as plain values: objects held or named, types checked, older names of methods replaced."""
    settings = dict(settings)
    if settings["dataset"] is not None and not isinstance(settings["dataset"], (str, os.PathLike)):
        reading = {name: known[name].check(name, settings[name]) for name in ("stream", "num_workers")}
        settings["dataset"] = resolve_name(HOLD)(settings["dataset"], **reading)
    if any(callable(settings[slot]) for slot in axes.SLOTS):
        settings = as_settings(settings)
    for name, words in OWN.items():
        if callable(settings[name]):
            settings[name] = hold(settings[name])
        demand_type(name, settings[name], (str, os.PathLike, NoneType), f"a text, or {words}")
    values = {name: about.check(name, settings[name]) for name, about in known.items()}
    older = values["method"]
    if older in ALIASES:
        values["method"] = ALIASES[older]
        if older not in _SAID:
            _SAID.add(older)
            note = METHODS[ALIASES[older]].note
            told = f"method={older!r} is an older name of {ALIASES[older]!r}" + (f"; {note}" if note else "")
            warnings.warn(told, stacklevel=5)  # where Config(...) is called
    return values


def as_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """The same settings, with a component object in the p or the q slot replaced by its name and by what it carries.

    An object says everything about itself, its defaults included. Whether self counts follows from the pair, as with names. What
    says something else than another setting or than its pair is refused.
    """
    objects = {slot: settings[slot] for slot in axes.SLOTS if callable(settings.get(slot))}
    plain = {name: value for name, value in settings.items() if name not in objects and value is not None}
    said = {name: f"{name}={shown(value)}" for name, value in plain.items()}
    carried = {slot: _carried(slot, component) for slot, component in objects.items()}
    mixed = [slot for slot in carried if "alpha" in carried[slot]]
    for slot in mixed:
        carried[slot]["alpha_on"] = "both" if len(mixed) == 2 else {"supervisory": "p", "learned": "q"}[slot]
    for slot, own in carried.items():
        for name, value in own.items():
            says = f"{name}={shown(value)} of {slot}={shown(objects[slot])}"
            if name in plain and not _equal(plain[name], value):
                raise ConfigError(f"{said[name]} contradicts {says}: say it in one place")
            plain[name], said[name] = value, said.get(name, says)
    p, q = (known.get(str(plain.get(name))) for name, known in axes.SLOTS.items())
    if objects and not mixed and p and q and of_pair(p, q).defaults.get("alpha"):
        plain.setdefault("alpha", 0.0)  # which by name is mixed unless you say otherwise, and as an object is what it is
    for slot, component in objects.items():
        _check_self(slot, component, p, q)
    return dict(settings) | plain


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # an object of anybody's, which the type of its setting is about to refuse
        return False


def _carried(slot: str, component) -> dict[str, object]:
    """The name of a component and its settings."""
    mixed = {}
    if axes.class_name(component) == axes.MIXED[slot]:
        mixed, component = {"alpha": component.alpha}, component.kernel if slot == "learned" else component.base
    name = _name(slot, component)
    row = axes.SLOTS[slot][name]
    holder = component.kernel if row.kernel else component
    carried = {slot: name} | {setting: getattr(holder, setting) for setting in row.settings}
    if carried.get("walk_length") == 1:
        carried.pop("walk")  # a walk of one step has no weights
    return carried | mixed


def _name(slot: str, component) -> str:
    """The one row that makes components like this one."""
    names = axes.rows_of(slot, component)
    if len(names) == 1:
        return names[0]
    if type(component).__name__.lower() in names:  # Label is what masked_token is made of too
        return type(component).__name__.lower()
    if names:
        meant = ", ".join(f"{name!r} ({axes.SLOTS[slot][name].title})" for name in names)
        said = f"{slot}={shown(component)} can stand for several rows of the table"
        raise ConfigError(f"{said}: give the name that you mean, {meant}")
    if isinstance(component, type):
        raise ConfigError(f"{slot}={shown(component)} is a class: give one of its objects, {component.__name__}(...), or a name")
    raise ConfigError(
        f"{slot}={shown(component)} is not a component of icon_nb.{slot}, and config.json holds names only: give one of those, "
        "name yours with icon_nb.register, or train with it in a loop of your own, with "
        "icon_nb.objective.Objective(supervisory, learned, divergence)"
    )


def _check_self(slot: str, component, p: axes.Axis | None, q: axes.Axis | None) -> None:
    """Where an object says that self counts, which it does not by itself, the pair has to say so too."""
    component = getattr(component, "base", getattr(component, "kernel", component))
    fields = {field.name: field.default for field in dataclasses.fields(component)}
    if p is None or q is None or "include_self" not in fields or component.include_self == fields["include_self"]:
        return
    counted = axes.counts_self(p, q)[slot == "learned"]
    if component.include_self != counted:
        raise ConfigError(
            f"{slot}={shown(component)} has include_self={component.include_self}, but supervisory={p.name!r} with "
            f"learned={q.name!r} is a pair with include_self={counted}: leave it out, it follows from the pair"
        )
