"""Recipes: several configs that differ only in what is compared; and the ledger, what papers claim. Loads no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from ..errors import ConfigError, nearest, shown
from .catalogue import read, records
from .config import DEFAULTS, SETTINGS, Config
from .resolve import Case
from .settings import check_names


@dataclass(frozen=True)
class Recipe:
    """A question, and the configs that answer it."""

    name: str
    question: str
    base: Mapping[str, object] = field(default_factory=dict)  # what all share; what an override makes idle is left out
    varies: tuple[Mapping[str, object], ...] = ({},)  # one per config: the settings that are compared
    follows: tuple[str, ...] = ()  # settings that differ too, because what is compared brings them along

    @property
    def compared(self) -> tuple[str, ...]:
        """The settings that the recipe varies."""
        return tuple(dict.fromkeys(name for settings in self.varies for name in settings))


def over(name: str, *values) -> tuple[dict[str, object], ...]:
    """One mapping per value of a setting, what a :class:`Recipe` varies.

    >>> over("temperature", 0.1, 0.5)
    ({'temperature': 0.1}, {'temperature': 0.5})
    """
    return tuple({name: value} for value in values)


def _recipe(name: str, varies: Mapping | tuple, **row) -> Recipe:
    """A row of ``recipes.toml``, in which one setting may stand with its values."""
    return Recipe(name, varies=over(*varies, *varies[next(iter(varies))]) if isinstance(varies, Mapping) else varies, **row)


RECIPES: dict[str, Recipe] = {name: _recipe(name, **row) for name, row in read("recipes.toml").items()}


def recipe(name: str, *, layers: Iterable[tuple[str, Mapping[str, object]]] = (), **overrides) -> tuple[Config, ...]:
    """The configs of a recipe; every override reaches every config that has a use for it.

    Parameters
    ----------
    name : str
        A key of ``RECIPES``.
    layers : iterable of (source, settings)
        Further layers between the recipe and the overrides, for instance a JSON file.
    **overrides
        Settings; they win over the recipe.

    Raises
    ------
    ConfigError
        An unknown recipe or setting, a setting that the recipe varies, or one that none of its configs uses.

    Examples
    --------
    >>> [config.temperature for config in recipe("simclr_vs_sne", temperature=0.15)]
    [0.15, 0.15]
    """
    if name not in RECIPES:
        raise ConfigError(f"recipe={name!r} is not known; {nearest(name, RECIPES)}")
    chosen = RECIPES[name]
    layers = [*layers, ("keyword", overrides)]
    given = {setting for _, settings in layers for setting in settings}
    check_names(given, SETTINGS)
    for setting in chosen.compared:
        if setting in given:
            raise ConfigError(f"recipe {name!r} varies {setting}: leave it out, or run one config with it instead of the recipe")
    candidates = [[(f"recipe {name}", {**chosen.base, **own}), *layers] for own in chosen.varies]
    idle = [without_effect(candidate) for candidate in candidates]
    nowhere = set.intersection(*idle) & given
    configs = []
    for candidate, unused in zip(candidates, idle):
        drop = (unused & (given | chosen.base.keys())) - nowhere  # what has an effect nowhere is an error
        useful = [(source, {k: v for k, v in settings.items() if k not in drop}) for source, settings in candidate]
        configs.append(Config.from_layers(*useful))
    return tuple(configs)


get_recipe = recipe


def without_effect(layers: Iterable[tuple[str, Mapping[str, object]]]) -> set[str]:
    """The settings of ``(source, settings)`` layers that would have no effect if a Config were made of them."""
    merged = {**DEFAULTS, **{name: value for _, settings in layers for name, value in settings.items()}}
    return set(Case(merged, SETTINGS).idle())


def grid(config: Config, values: Mapping[str, Iterable]) -> tuple[Config, ...]:
    """One Config for every combination of the values."""
    names = list(values)
    configs = tuple(config.replace(**dict(zip(names, combination))) for combination in product(*values.values()))
    for twice in (each for each, n in Counter(configs).items() if n > 1):
        said = ", ".join(f"{name}={shown(getattr(twice, name))}" for name in names)
        raise ConfigError(f"{said} is asked for twice and would end the same: give each value once, or vary seed")
    return configs


@dataclass(frozen=True)
class Entry:
    """One claim of a paper."""

    name: str
    claim: str
    source: str
    counts: str  # what counts as reproduced: a number, or where no more can be expected the order
    differs: str  # what is done otherwise than in the paper
    conditions: Mapping[str, Mapping[str, object]]  # label -> the settings in which this condition differs
    shared: Mapping[str, object]  # the settings of all
    does: str = "scores"  # the experiment, one of icon_nb.study.ledger.EXPERIMENTS
    measured: str = "kNN accuracy on held-out points"  # what the values are, in words
    score: str = "knn"  # and which of the scores
    targets: Mapping[str, float] = field(default_factory=dict)  # label -> the published number
    within: float = 0.0  # how far off still counts
    order: tuple[tuple[str | float, str], ...] = ()  # of each pair the first, a label or a number, must be less
    seeds: int = 5  # how many unless told otherwise
    gpu: bool = False  # whether it takes many hours without one


LEDGER: dict[str, Entry] = records(Entry, read("ledger.toml"))
