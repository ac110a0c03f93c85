"""Recipes: several configs that differ only in what is compared. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from .config import Config, check_names
from .errors import ConfigError, nearest


@dataclass(frozen=True)
class Recipe:
    """A question, and the configs that answer it.

    Parameters
    ----------
    name, question : str
    base : mapping
        Settings that all share.
    varies : tuple of mappings
        One per config: the settings that are compared.
    """

    name: str
    question: str
    base: Mapping[str, object] = field(default_factory=dict)
    varies: tuple[Mapping[str, object], ...] = ({},)

    @property
    def compared(self) -> tuple[str, ...]:
        """The settings that the recipe varies."""
        return tuple(dict.fromkeys(name for settings in self.varies for name in settings))


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "simclr_vs_sne",
            "Who should be near whom: two views of one image, or neighbours among the pixels?",
            {"backbone": "mlp", "embedding_dim": 128, "batch_size": 128},
            ({"method": "simclr"}, {"method": "sne"}),
        ),
    )
}


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
    check_names(given)
    for setting in chosen.compared:
        if setting in given:
            raise ConfigError(f"recipe {name!r} varies {setting}: leave it out, or run one config with it instead of the recipe")
    return _keep_useful(given, [_merge(chosen, own, layers) for own in chosen.varies])


def _merge(chosen: Recipe, own: Mapping[str, object], layers) -> list[tuple[str, dict]]:
    return [(f"recipe {chosen.name}", {**chosen.base, **own}), *layers]


def _keep_useful(given: set[str], candidates: list[list[tuple[str, Mapping]]]) -> tuple[Config, ...]:
    """Drop an override where it has no effect, unless it has none anywhere."""
    from .resolve import without_effect

    idle = [without_effect(layers) & given for layers in candidates]
    nowhere = set.intersection(*idle)
    configs = []
    for layers, unused in zip(candidates, idle):
        drop = unused - nowhere
        configs.append(Config.from_layers(*((source, {k: v for k, v in s.items() if k not in drop}) for source, s in layers)))
    return tuple(configs)


def grid(config: Config, values: Mapping[str, Iterable]) -> tuple[Config, ...]:
    """One Config for every combination of the values.

    >>> [c.temperature for c in grid(Config(), {"temperature": [0.1, 0.5]})]
    [0.1, 0.5]
    """
    names = list(values)
    return tuple(config.replace(**dict(zip(names, combination))) for combination in product(*values.values()))
