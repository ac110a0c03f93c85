"""The two axes of the periodic table: what may stand in the p slot and in the q slot. The rows are in ``axes.toml``; no torch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass

from ..errors import demand, demand_type, nearest, shown
from .catalogue import read, records


@dataclass(frozen=True)
class Axis:
    """One column (p) or row (q) of the table."""

    name: str
    title: str
    latex: str  # the formula of the row i
    make: str  # the class of the component, "module:Class"
    options: Mapping[str, object] = field(default_factory=dict)  # arguments that tell it from other rows of the same class
    kernel: str = ""  # for a q over all pairs: the row whose kernel it takes
    settings: tuple[str, ...] = ()  # the settings of a Config that the component takes, each a field of it
    candidates: str = "samples"  # what the m columns are, a key of CANDIDATES; for q any, or the one kind it is made for
    include_self: bool | None = False  # whether j = i counts; None: p follows q, q follows p, and alone they leave it out
    needs: tuple[str, ...] = ()  # what the data or the trainer must provide, keys of NEEDS
    positive: bool = False  # whether p is nowhere zero among its candidates, so that D(q || p) is finite
    sharpens: bool = False  # whether p grows sharper with the network, so that the losses of two epochs do not compare
    limit: bool = False  # whether q has its own loss in place of the divergence: as a limit, or as it looks at p
    family: str = ""  # the column or row of the published figure that it belongs to


@dataclass(frozen=True)
class Need:
    """What a p may need: ``part`` of the data, with the remedy where they lack it, and ``argument`` of a criterion."""

    name: str
    about: str
    part: str = ""
    remedy: str = ""
    argument: str = ""
    asks: str = ""  # what the argument is


def _axis(rows: Mapping[str, Mapping]) -> dict[str, Axis]:
    either = {name: {**row, "include_self": None} for name, row in rows.items() if row.get("include_self") == "follows"}
    return records(Axis, {**rows, **either})


_ROWS = read("axes.toml")
SUPERVISORY: dict[str, Axis] = _axis(_ROWS["supervisory"])
LEARNED: dict[str, Axis] = _axis(_ROWS["learned"])
SLOTS = {"supervisory": SUPERVISORY, "learned": LEARNED}

MIXED = {
    "supervisory": "icon_nb.objective.supervisory.identity:Mixed",
    "learned": "icon_nb.objective.learned:Mixed",
}
"""The classes that mix a p or a q with the uniform distribution."""

NEEDS: dict[str, Need] = records(Need, _ROWS["needs"])
WORDS, SYMBOLS = _ROWS["fields"], _ROWS["symbols"]  # what docstrings of components say of their fields
COLUMNS: dict[str, str] = _ROWS["columns"]  # the columns of the published figure: families of p, in its order
ROWS: dict[str, str] = _ROWS["rows"]
"""The rows: families of q, in the order of the published figure, and below them one that it has not."""


def counts_self(p: Axis, q: Axis) -> tuple[bool, bool]:
    """Whether j = i counts in p and in q: where one goes either way it follows the other."""
    in_p = p.include_self if p.include_self is not None else bool(q.include_self)
    return in_p, q.include_self if q.include_self is not None else in_p


def why_not(p: Axis, q: Axis) -> str | None:
    """The reason why a pair makes no sense, or None when it does."""
    names = f"supervisory={p.name!r}", f"learned={q.name!r}"
    if q.candidates not in ("any", p.candidates):
        return f"{names[0]} spreads over {p.candidates}, but {names[1]} is a distribution over {q.candidates}"
    if p.candidates == "pairs" and q.candidates != "pairs":
        return f"{names[0]} is one distribution over all pairs, {names[1]} has one per anchor"
    in_p, in_q = counts_self(p, q)
    if in_p and not in_q:
        return f"{names[0]} counts the point itself and {names[1]} does not, so the divergence is infinite"
    if in_p and p.candidates == "samples" and q.name in ("gaussian_narrow", "student_t_narrow"):
        return f"{names[0]} counts the point itself, and {names[1]} sees only what is nearest, which is always the point itself"
    return None


def rows_of(slot: str, component: object) -> list[str]:
    """The rows that make components like this one: of its class, with the same options, and over the same kernel."""
    return [name for name, row in SLOTS[slot].items() if _makes(row, component)]


def _makes(row: Axis, component: object) -> bool:
    if row.make != class_name(component):
        return False
    if row.kernel:
        return _makes(LEARNED[row.kernel], component.kernel)
    return all(getattr(component, name) == value for name, value in row.options.items())


def class_name(component: object) -> str:
    """The class of an object as a row names it: ``"module:Class"``."""
    return f"{type(component).__module__}:{type(component).__qualname__}"


def register(slot: str, component: type, name: str, **row) -> None:
    """Give a p or a q of your own a row of the table until Python ends: a Config takes its name, and its objects.

    Parameters
    ----------
    slot : {"supervisory", "learned"}
    component : type
        A frozen dataclass at the top of a module or a notebook. A p takes a :class:`icon_nb.Batch` and returns (n, m), rows that
        sum to one. A q has a field ``include_self``, takes z (n, d), other candidates and the measure, or None for both, and
        returns log q (n, m).
    name : str
        What a Config calls it. The same class may be registered again, as when a cell of a notebook is run twice.
    **row
        Other fields of :class:`Axis`: ``settings`` are those of a Config that are fields of the class too, ``needs`` what p asks
        of the data.

    Raises
    ------
    ConfigError
        The name is that of another row, or a field of the row is not what it has to be.

    Examples
    --------
    >>> register("learned", dict, "gaussian")
    Traceback (most recent call last):
    icon_nb.errors.ConfigError: name='gaussian' is no word, or that of another row: choose another
    """
    demand(slot in SLOTS, f"slot={shown(slot)} is not known; {nearest(slot, SLOTS)}")
    demand_type("component", component, type, "the class itself, not one of its objects")
    table, make = SLOTS[slot], f"{component.__module__}:{component.__qualname__}"
    taken = name in table and table[name].make != make
    demand(str(name).isidentifier() and not taken, f"name={shown(name)} is no word, or that of another row: choose another")
    found = getattr(sys.modules[component.__module__], component.__qualname__, None) is component and is_dataclass(component)
    demand(found, f"{make} is not found by its name: make it a dataclass at the top of a module or of a notebook")
    has = {each.name for each in fields(component)}
    demand(slot == "supervisory" or "include_self" in has, f"{make} has no include_self: add include_self: bool = False")
    taken_by_rows = {setting for each in table.values() for setting in each.settings}
    allowed = {"": {each.name for each in fields(Axis)}, "needs": NEEDS, "settings": taken_by_rows & has}
    for what, names in allowed.items():
        for each in row.get(what, ()) if what else row:
            demand(each in names, f"{what} {each!r} of {make} is not known; {nearest(each, names)}".lstrip())
    usual = {"candidates": "any", "include_self": None} if slot == "learned" else {}
    table[name] = Axis(**{"name": name, "title": name, "latex": "", "make": make, **usual, **row})
