"""Resolving a Config: which method, which settings it uses, and the value of every one of them. Loads no torch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from ..errors import ConfigError, nearest
from . import axes, methods
from .catalogue import AUGMENTATIONS, BACKBONES, DATASETS, HISTORY, OVERLAYS, PROJECTIONS, is_known
from .methods import Method

if TYPE_CHECKING:
    from .config import Config

ALWAYS = frozenset(
    {"dataset", "alpha", "backbone", "embedding_dim", "epochs", "learning_rate", "optimizer", "weight_decay", "record_every"}
)
NO_DEFAULT = frozenset({"data_dir", "n_samples", "run_name", "gif_fps"})

GENERAL = {
    "dataset": "digits",
    "backbone": "mlp",
    "embedding_dim": 128,
    "hidden_dim": 256,
    "divergence": "kl",
    "alpha": 0.0,
    "alpha_on": "p",
    "temperature": 1.0,
    "distance": "sqeuclidean",
    "df": 1.0,
    "margin": 0.0,
    "perplexity": 30.0,
    "p_temperature": 1.0,
    "n_neighbors": 10,
    "walk_length": 1,
    "walk": "sum",
    "init": "random",
    "ema_momentum": 0.99,
    "n_views": 1,
    "augment": "none",
    "augment_strength": 1.0,
    "epochs": 10,
    "batch_size": 128,
    "learning_rate": 1e-3,
    "optimizer": "adam",
    "momentum": 0.9,
    "weight_decay": 0.0,
    "record_every": 1,
}
TABLE = {"epochs": 300, "learning_rate": 0.25, "optimizer": "gains", "record_every": 10}
ROOMY_LEARNING_RATE = 0.05
"""For free points under a Gaussian q in more than three dimensions, where the rate of a map overshoots until the loss is inf."""
PARAMETRIC_LAYOUT = {"batch_size": 256}
ORTHONORMAL = {"optimizer": "sgd", "learning_rate": 1e-2}
"""For a linear map that is made orthonormal after every step: Adam's steps, of one size for every weight, never let it settle."""


def method_of(config: Config) -> Method:
    """The method that is named, or the composed pair, which is named by its parts."""
    if config.method is None and (config.supervisory or config.learned):
        return _composed(config)
    method = methods.get("simclr" if config.method is None else config.method)
    for slot in ("supervisory", "learned"):
        given, own = getattr(config, slot), getattr(method, slot)
        if given not in (None, own):
            raise ConfigError(
                f"{slot}={given!r} is not what method={method.name!r} means ({own!r}): "
                "leave method out to compose a pair of your own"
            )
    return method


def _composed(config: Config) -> Method:
    slots = {"supervisory": axes.SUPERVISORY, "learned": axes.LEARNED}
    for slot, known in slots.items():
        name = getattr(config, slot)
        if name is not None and name not in known:
            raise ConfigError(f"{slot}={name!r} is not known; {nearest(name, known)}")
    for slot, known in slots.items():
        if getattr(config, slot) is None:
            raise ConfigError(f"a composed pair needs {slot} too; {nearest('', known)}")
    p, q = axes.SUPERVISORY[config.supervisory], axes.LEARNED[config.learned]
    reason = axes.why_not(p, q)
    if reason:
        raise ConfigError(f"this pair makes no sense: {reason}")
    defaults = methods.composed_defaults(p, q)
    return Method(f"{p.name}_{q.name}", f"{p.title} p, {q.title} q", p.name, q.name, "", None, defaults)


def used_settings(config: Config, method: Method, backbone: str) -> set[str]:
    """The settings with a default of their own that this run really uses."""
    p, q = axes.SUPERVISORY[method.supervisory], axes.LEARNED[method.learned]
    defaults = _defaults(method, backbone)

    def value(name):
        return defaults[name] if getattr(config, name) is None else getattr(config, name)

    network = backbone != "table"
    conditional = {
        "divergence": not q.limit,
        "batch_size": network,
        "augment": network,
        "n_views": network and p.candidates != "modality",
        "augment_strength": network and value("augment") != "none",
        "hidden_dim": BACKBONES[backbone].width is not None,
        "init": not network or (backbone == "linear" and q.name == "clusters"),
        "ema_momentum": p.candidates == "keys",
        "momentum": value("optimizer") in ("sgd", "gains"),
        "alpha_on": bool(value("alpha")) or needs_alpha(value("divergence"), p),
    }
    used = {*ALWAYS, *p.settings, *q.settings, *(name for name, applies in conditional.items() if applies)}
    return used - {"walk"} if value("walk_length") == 1 else used


def needs_alpha(divergence: str, p: axes.Axis) -> bool:
    """Whether the divergence is infinite unless p is mixed with the uniform distribution."""
    return divergence == "rkl" and not p.positive


def _defaults(method: Method, backbone: str) -> dict[str, object]:
    p, wide = axes.SUPERVISORY[method.supervisory], method.learned == "gaussian_wide"
    bounded = {"distance": "cosine"} if wide and not is_framed(p, backbone) else {}
    if backbone == "table":
        return {**GENERAL, **bounded, **method.defaults, **TABLE, **method.table}
    layout = PARAMETRIC_LAYOUT if "inputs" in p.needs else {}
    frame = ORTHONORMAL if backbone == "linear" and wide else {}
    width = BACKBONES[backbone].width if backbone else None
    return {**GENERAL, "hidden_dim": width, **layout, **bounded, **frame, **method.defaults}


def is_framed(p: axes.Axis, backbone: str) -> bool:
    """Whether a linear map that is kept orthonormal embeds the samples alone: no second encoder, no prototypes that may grow."""
    return backbone == "linear" and p.candidates in ("samples", "views", "dimensions")


def resolve(config: Config) -> Config:
    """See :meth:`icon_nb.Config.resolve`."""
    from .config import SETTINGS, Config

    method = method_of(config)
    backbone = config.backbone or _defaults(method, "")["backbone"]
    defaults = _defaults(method, backbone)
    if backbone == "table" and method.learned == "gaussian" and (config.embedding_dim or defaults["embedding_dim"]) > 3:
        defaults["learning_rate"] = ROOMY_LEARNING_RATE
    if needs_alpha(config.divergence or defaults["divergence"], axes.SUPERVISORY[method.supervisory]):
        defaults["alpha"] = defaults["alpha"] or 0.01
    if config.method or not config.supervisory:
        defaults["method"] = method.name
    defaults |= {"supervisory": method.supervisory, "learned": method.learned, "backbone": backbone}
    used = used_settings(config, method, backbone) | {"method", "supervisory", "learned"}
    values = {name: getattr(config, name) for name in SETTINGS if getattr(config, name) is not None}
    filled = {name: value for name, value in defaults.items() if name in used and name not in values}
    merged = values | filled
    if merged.get("augment") == "auto":
        known = DATASETS.get(merged["dataset"])
        merged["augment"] = known.augment if known else "auto"
        merged["augment_strength"] = values.get("augment_strength", known.strength if known else 1.0)
    sources = {**dict.fromkeys(values, "default"), **dict.fromkeys(filled, "default"), **config.sources}
    own = {name: f"method {method.name}" for name in filled if name in method.defaults or name in method.table}
    return Config(**merged, sources={**sources, **own})


def fit_to_data(config: Config, n: int, augment: str) -> Config:
    """Lower the defaults of a resolved Config that n training samples cannot serve; what was given explicitly stays as it is."""
    points = min(config.batch_size or n, n)
    wanted = {
        "batch_size": points,
        "perplexity": max(1.0, min(30.0, (points - 1) / 3)),
        "n_neighbors": max(1, (points - 1) // 3),
        "augment": augment,
    }
    changes = {
        name: value
        for name, value in wanted.items()
        if getattr(config, name) is not None
        and config.came_by_default(name)
        and (getattr(config, name) == "auto" if name == "augment" else getattr(config, name) > value)
    }
    return config.replace(**changes).replace_sources(dict.fromkeys(changes, "data")) if changes else config


def check(config: Config) -> None:
    """Names that are not known, settings that have no effect, and values that contradict each other."""
    if config.dataset is not None and not is_known(config.dataset):
        raise ConfigError(f"dataset={config.dataset!r} is not known; {nearest(config.dataset, DATASETS)}")
    _check_augment(config.augment)
    method = method_of(config)
    backbone = config.backbone or _defaults(method, "")["backbone"]
    _check_drawing(config, config.embedding_dim or _defaults(method, backbone)["embedding_dim"])
    _check_effect(config, method, backbone)
    _check_backbone(method, backbone)
    if config.n_views == 1 and "views" in axes.SUPERVISORY[method.supervisory].needs:
        raise ConfigError(f"n_views=1 leaves supervisory={method.supervisory!r} without positive pairs: use 2 or more")
    p, q = axes.SUPERVISORY[method.supervisory], axes.LEARNED[method.learned]
    if p.candidates in ("views", "keys", "dimensions") and config.n_views not in (None, 2):
        raise ConfigError(
            f"n_views={config.n_views}: supervisory={p.name!r} compares one view with the other, so it needs exactly 2"
        )
    if config.init == "kmeans++" and q.name != "clusters":
        raise ConfigError(f"init='kmeans++' is where clusters start, and learned={q.name!r} has none: use 'pca' or 'random'")
    if config.init == "pca" and backbone == "linear":
        raise ConfigError("init='pca' is where a backbone='table' starts: with backbone='linear' use 'kmeans++' or 'random'")
    if "df" in q.settings and config.distance == "neg_dot":
        raise ConfigError(f"distance='neg_dot' can be negative, which learned={q.name!r} cannot take: use sqeuclidean or cosine")
    if q.limit and config.alpha and config.alpha_on in ("q", "both"):
        raise ConfigError(f"alpha_on={config.alpha_on!r}: learned={q.name!r} is a limit without a q to mix; use alpha_on='p'")
    if config.divergence == "rkl" and axes.counts_self(p, q) == (False, True):
        raise ConfigError(
            f"divergence='rkl' is infinite: learned={q.name!r} counts the point itself and supervisory={p.name!r} does not"
        )
    if needs_alpha(config.divergence or "", p) and (config.alpha == 0 or config.alpha_on == "q"):
        raise ConfigError("divergence='rkl' is infinite where p is zero: it needs alpha > 0 on p (the default is alpha=0.01)")


def _check_effect(config: Config, method: Method, backbone: str) -> None:
    for name in _idle(config, method, backbone):
        raise ConfigError(f"{name} has no effect with {_because(name, method, backbone, config)}: leave it out")


def _idle(config: Config, method: Method, backbone: str) -> list[str]:
    """The settings that are given and that nothing uses."""
    from .config import DEFAULTS, SETTINGS

    used = used_settings(config, method, backbone) | NO_DEFAULT | {"method", "supervisory", "learned"}
    return [name for name in SETTINGS if DEFAULTS[name] is None and getattr(config, name) is not None and name not in used]


def without_effect(layers) -> set[str]:
    """The settings of ``(source, settings)`` layers that would have no effect if a Config were made of them."""
    from .config import DEFAULTS, SETTINGS

    merged = {**DEFAULTS, **{name: value for _, settings in layers for name, value in settings.items()}}
    view = SimpleNamespace(**{name: merged[name] for name in SETTINGS})
    method = method_of(view)
    return set(_idle(view, method, view.backbone or _defaults(method, "")["backbone"]))


def _because(name: str, method: Method, backbone: str, config: Config) -> str:
    if name in ("batch_size", "augment", "n_views", "hidden_dim"):
        return f"backbone={backbone!r}"
    if name == "momentum":
        return f"optimizer={config.optimizer or _defaults(method, backbone)['optimizer']!r}"
    if name == "init":
        return f"backbone={backbone!r}"
    if name == "walk":
        return "walk_length=1"
    if name in ("divergence", "temperature") and axes.LEARNED[method.learned].limit:
        return f"learned={method.learned!r}, a limit that has its own loss"
    if name == "alpha_on":
        return "alpha=0"
    if name == "augment_strength":
        return f"augment={config.augment or 'none'!r}"
    return f"method={method.name!r}"


def _check_backbone(method: Method, backbone: str) -> None:
    p = axes.SUPERVISORY[method.supervisory]
    if backbone == "table" and {"pairs", "tokens"} & set(p.needs):
        raise ConfigError(f"backbone='table' reads no samples, which supervisory={p.name!r} is about: use 'linear' or 'mlp'")
    if backbone == "table" and "views" in p.needs:
        networks = ", ".join(name for name in BACKBONES if name != "table")
        raise ConfigError(
            f"backbone='table' has a free point per sample and no input to augment, but method={method.name!r} needs views: "
            f"use one of {networks}"
        )


def _check_drawing(config: Config, dim: int) -> None:
    """What would else be found out when the run is drawn, after its training."""
    known = dict.fromkeys((*(name for name, row in OVERLAYS.items() if not row.by_hand), *HISTORY))
    for part in config.gif_overlay.split("+"):
        if part not in known:
            raise ConfigError(f"gif_overlay={config.gif_overlay!r}: {part!r} is not known; {nearest(part, known)}")
    projection = PROJECTIONS[config.gif_method]
    if not projection.low <= dim <= projection.high:
        raise ConfigError(f"gif_method={config.gif_method!r} cannot show embedding_dim={dim}: use gif_method='auto'")


def _check_augment(spec: str | None) -> None:
    for part in ("none" if spec is None else spec).split("+"):
        if part not in (*AUGMENTATIONS, "auto", "none") or (part in ("auto", "none") and spec not in (None, part)):
            raise ConfigError(f"augment={spec!r}: {part!r} is not a part; {nearest(part, AUGMENTATIONS)}")
