"""Recipes: several configs that differ only in what is compared. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from ..errors import ConfigError, nearest
from .catalogue import by_name
from .config import Config, check_names, without_effect


@dataclass(frozen=True)
class Recipe:
    """A question, and the configs that answer it.

    Parameters
    ----------
    name, question : str
    base : mapping
        Settings that all share; one that has no effect after an override is left out.
    varies : tuple of mappings
        One per config: the settings that are compared.
    follows : tuple of str
        Settings that differ too, because what is compared brings them along: SNE has a perplexity, SimCLR has views.
    """

    name: str
    question: str
    base: Mapping[str, object] = field(default_factory=dict)
    varies: tuple[Mapping[str, object], ...] = ({},)
    follows: tuple[str, ...] = ()

    @property
    def compared(self) -> tuple[str, ...]:
        """The settings that the recipe varies."""
        return tuple(dict.fromkeys(name for settings in self.varies for name in settings))


def over(name: str, *values) -> tuple[dict[str, object], ...]:
    """One mapping per value of a setting.

    >>> over("temperature", 0.1, 0.5)
    ({'temperature': 0.1}, {'temperature': 0.5})
    """
    return tuple({name: value} for value in values)


_DIGITS = {"dataset": "digits"}
_NETWORK = {**_DIGITS, "backbone": "mlp", "embedding_dim": 128, "batch_size": 128}
_MOVING = {"dataset": "moving_digits", "epochs": 8}  # where pixels are a poor guide, so that there is something to learn
_CNN = {"backbone": "smallcnn", "embedding_dim": 32, "batch_size": 64}
_VIEWS = ("augment", "augment_strength", "n_views")  # two views of an image are what SimCLR's p is made of

RECIPES: dict[str, Recipe] = by_name(
    Recipe(
        "simclr_vs_sne", "Who should be near whom: two views of one image, or neighbours among the pixels?",
        {**_MOVING, **_CNN, "augment": "affine", "temperature": 0.5, "distance": "cosine"},
        over("method", "simclr", "sne"), follows=("n_views", "perplexity"),
    ),
    Recipe(
        "backbone_comparison",
        "What does the network add: the same p and q on a linear map, an mlp and a convolutional network?",
        {**_MOVING, "method": "simclr"}, over("backbone", "linear", "mlp", "smallcnn"), follows=("hidden_dim",),
    ),
    Recipe(
        "supervised_vs_unsupervised",
        "What are labels worth: the other view as the only neighbour, or everything of the same class?",
        {**_NETWORK, "temperature": 0.5, "augment": "auto", "n_views": 2}, over("method", "simclr", "supcon"),
    ),
    Recipe(
        "temperature_sweep", "How local is q: what does the temperature do to SimCLR?",
        {**_DIGITS, "method": "simclr"}, over("temperature", 0.05, 0.1, 0.2, 0.5, 1.0),
    ),
    Recipe(
        "kernel_comparison", "Light tails or heavy tails: what does the kernel of q do to a map of two dimensions?",
        {**_DIGITS, "supervisory": "gaussian", "backbone": "table", "embedding_dim": 2},
        ({"learned": "gaussian"}, {"learned": "student_t", "df": 5.0}, {"learned": "student_t", "df": 1.0}),
    ),
    Recipe(
        "full_comparison",
        "Neighbours, views, classes, labels: what does each method make of the same network and data?",
        _NETWORK, over("method", "sne", "tsne_conditional", "simclr", "tsimclr", "supcon", "cross_entropy"),
        follows=(*_VIEWS, "perplexity", "temperature", "distance", "df", "learning_rate"),
    ),
    Recipe(
        "divergence_comparison", "Does it matter how p and q are compared: KL, reverse KL or Jensen-Shannon?",
        {**_DIGITS, "method": "simclr", "embedding_dim": 3, "alpha": 0.01}, over("divergence", "kl", "rkl", "js"),
    ),
    Recipe(
        "debiasing", "Are all other images really strangers: what does mixing some uniform into p do?",
        {**_DIGITS, "method": "simclr"}, over("alpha", 0.0, 0.1, 0.2, 0.4), follows=("alpha_on",),
    ),
    Recipe(
        "dimension_sweep", "How many dimensions does the embedding need?",
        {**_DIGITS, "method": "simclr"}, over("embedding_dim", 2, 8, 32, 128),
    ),
    Recipe(
        "augmentation_ablation", "What should not matter: which changes of an image make its second view?",
        {**_MOVING, "method": "simclr"}, over("augment", "none", "affine", "crop", "crop+affine"), follows=("augment_strength",),
    ),
    Recipe(
        "batch_size_sweep",
        "The batch is the world: what do more strangers in a batch, and fewer steps an epoch, change?",
        {**_DIGITS, "method": "simclr"}, over("batch_size", 32, 64, 128, 256),
    ),
)  # fmt: skip


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
    return _keep_useful(given, [_merge(chosen, own, layers) for own in chosen.varies], set(chosen.base))


get_recipe = recipe


def _merge(chosen: Recipe, own: Mapping[str, object], layers) -> list[tuple[str, dict]]:
    return [(f"recipe {chosen.name}", {**chosen.base, **own}), *layers]


def _keep_useful(given: set[str], candidates: list[list[tuple[str, Mapping]]], base: set[str]) -> tuple[Config, ...]:
    """Drop an override where it has no effect, unless it has none anywhere; and what the recipe shares wherever it has none."""
    idle = [without_effect(layers) for layers in candidates]
    nowhere = set.intersection(*idle) & given
    configs = []
    for layers, unused in zip(candidates, idle):
        drop = (unused & (given | base)) - nowhere
        configs.append(Config.from_layers(*((source, {k: v for k, v in s.items() if k not in drop}) for source, s in layers)))
    return tuple(configs)


def grid(config: Config, values: Mapping[str, Iterable]) -> tuple[Config, ...]:
    """One Config for every combination of the values.

    >>> [c.temperature for c in grid(Config(), {"temperature": [0.1, 0.5]})]
    [0.1, 0.5]
    """
    names = list(values)
    return tuple(config.replace(**dict(zip(names, combination))) for combination in product(*values.values()))
