"""Resolving a Config: which method, which settings it uses, and the value of every one of them. Loads no torch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from . import axes, methods
from .datasets import AUGMENTATIONS, BACKBONES, DATASETS, default_augment, is_known
from .errors import ConfigError, nearest
from .methods import Method

if TYPE_CHECKING:
    from .config import Config

ALWAYS = frozenset({"divergence", "alpha", "backbone", "embedding_dim", "epochs", "learning_rate", "optimizer", "weight_decay", "record_every"})
NO_DEFAULT = frozenset({"data_dir", "n_samples", "run_name", "gif_fps"})

GENERAL = {
    "backbone": "mlp",
    "embedding_dim": 128,
    "hidden_dim": 512,
    "divergence": "kl",
    "alpha": 0.0,
    "alpha_on": "p",
    "temperature": 1.0,
    "distance": "sqeuclidean",
    "df": 1.0,
    "perplexity": 30.0,
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
TABLE = {"epochs": 300, "learning_rate": 0.5, "record_every": 10}
PARAMETRIC_LAYOUT = {"batch_size": 256}


def method_of(config: Config) -> Method:
    """The method that is named, or the composed pair, which is named by its parts."""
    if config.method is None and (config.supervisory or config.learned):
        return _composed(config)
    method = methods.get(config.method or "simclr")
    for slot in ("supervisory", "learned"):
        given, own = getattr(config, slot), getattr(method, slot)
        if given not in (None, own):
            raise ConfigError(
                f"{slot}={given!r} is not what method={method.name!r} means ({own!r}): leave method out to compose a pair of your own"
            )
    return method


def _composed(config: Config) -> Method:
    for slot, known in (("supervisory", axes.SUPERVISORY), ("learned", axes.LEARNED)):
        name = getattr(config, slot)
        if name is None:
            raise ConfigError(f"a composed pair needs {slot} too; {nearest('', known)}")
        if name not in known:
            raise ConfigError(f"{slot}={name!r} is not known; {nearest(name, known)}")
    p, q = axes.SUPERVISORY[config.supervisory], axes.LEARNED[config.learned]
    reason = axes.why_not(p, q)
    if reason:
        raise ConfigError(f"this pair makes no sense: {reason}")
    defaults = {"augment": "auto", "n_views": 2, "distance": "cosine", "temperature": 0.5} if "views" in p.needs else {}
    if p.candidates == "classes":
        defaults = {"distance": "neg_dot"} if q.name == "gaussian" else {}
    return Method(f"{p.name}_{q.name}", f"{p.title} p, {q.title} q", p.name, q.name, "", None, defaults)


def used_settings(config: Config, method: Method, backbone: str) -> set[str]:
    """The settings with a default of their own that this run really uses."""
    p, q = axes.SUPERVISORY[method.supervisory], axes.LEARNED[method.learned]
    used = {*ALWAYS, *p.settings, *q.settings}
    if backbone != "table":
        used |= {"batch_size", "augment", "n_views"}
    if backbone == "mlp":
        used.add("hidden_dim")
    if config.optimizer == "sgd":
        used.add("momentum")
    if config.alpha or config.divergence == "rkl":
        used.add("alpha_on")
    augment = config.augment or _defaults(method, backbone)["augment"]
    if backbone != "table" and augment != "none":
        used.add("augment_strength")
    return used


def _defaults(method: Method, backbone: str) -> dict[str, object]:
    if backbone == "table":
        return {**GENERAL, **method.defaults, **TABLE, **method.table}
    layout = PARAMETRIC_LAYOUT if "inputs" in axes.SUPERVISORY[method.supervisory].needs else {}
    return {**GENERAL, **layout, **method.defaults}


def resolve(config: Config) -> Config:
    """See :meth:`icon_nb.Config.resolve`."""
    from .config import SETTINGS, Config

    method = method_of(config)
    backbone = config.backbone or _defaults(method, "")["backbone"]
    defaults = _defaults(method, backbone)
    if (config.divergence or defaults["divergence"]) == "rkl":
        defaults["alpha"] = defaults["alpha"] or 0.01
    if config.method or not config.supervisory:
        defaults["method"] = method.name
    defaults |= {"supervisory": method.supervisory, "learned": method.learned, "backbone": backbone}
    used = used_settings(config, method, backbone) | {"method", "supervisory", "learned"}
    values = {name: getattr(config, name) for name in SETTINGS if getattr(config, name) is not None}
    filled = {name: value for name, value in defaults.items() if name in used and name not in values}
    merged = values | filled
    if merged.get("augment") == "auto":
        merged["augment"] = default_augment(config.dataset)
    sources = {**dict.fromkeys(values, "default"), **dict.fromkeys(filled, "default"), **config.sources}
    own = {name: f"method {method.name}" for name in filled if name in method.defaults or name in method.table}
    return Config(**merged, sources={**sources, **own})


def check(config: Config) -> None:
    """Names that are not known, settings that have no effect, and values that contradict each other."""
    if not is_known(config.dataset):
        raise ConfigError(f"dataset={config.dataset!r} is not known; {nearest(config.dataset, DATASETS)}")
    _check_augment(config.augment)
    method = method_of(config)
    backbone = config.backbone or _defaults(method, "")["backbone"]
    _check_effect(config, method, backbone)
    _check_backbone(method, backbone)
    if config.n_views == 1 and "views" in axes.SUPERVISORY[method.supervisory].needs:
        raise ConfigError(f"n_views=1 leaves supervisory={method.supervisory!r} without positive pairs: use 2 or more")
    if config.divergence == "rkl" and (config.alpha == 0 or config.alpha_on == "q"):
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
        return f"optimizer={config.optimizer or 'adam'!r}"
    if name == "alpha_on":
        return "alpha=0"
    if name == "augment_strength":
        return f"augment={config.augment or 'none'!r}"
    return f"method={method.name!r}"


def _check_backbone(method: Method, backbone: str) -> None:
    p = axes.SUPERVISORY[method.supervisory]
    if backbone == "table" and "views" in p.needs:
        networks = ", ".join(name for name in BACKBONES if name != "table")
        raise ConfigError(
            f"backbone='table' has a free point per sample and no input to augment, but method={method.name!r} needs views: use one of {networks}"
        )


def _check_augment(spec: str | None) -> None:
    for part in (spec or "none").split("+"):
        if part not in (*AUGMENTATIONS, "auto", "none") or (part in ("auto", "none") and part != spec and spec):
            raise ConfigError(f"augment={spec!r}: {part!r} is not a part; {nearest(part, AUGMENTATIONS)}")
