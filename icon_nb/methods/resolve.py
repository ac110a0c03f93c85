"""What a set of settings means: its method, the value of every setting, which have an effect, and what contradicts itself."""

from __future__ import annotations  # noqa: I001 (which would write a name of the catalogue a line)

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from ..errors import ConfigError, DataError, demand, nearest
from . import axes, methods
from .catalogue import (
    AUGMENTATIONS, BACKBONES, CANDIDATES, DATASETS, DIVERGENCES, HELD, HISTORY, OPTIMIZERS, OVERLAYS, PROJECTIONS, SOURCES,
    TRACKERS, options_of, published,
)  # fmt: skip
from .methods import GROUPS, Method
from .settings import OWN, Setting, ends, is_own

ROOMY_LEARNING_RATE = 0.05
"""For free points under a Gaussian q in more than three dimensions, where the rate of a map overshoots until the loss is inf."""
ON_A_NETWORK = {"applies": lambda case: case.network, "because": "backbone"}
BY_NAME = {"applies": lambda case: not is_own(case["optimizer"]), "because": "optimizer"}
"""When settings have an effect that only a network has a use for, and those that an optimizer of the user's brings itself."""


@dataclass(frozen=True)
class Case:
    """A set of settings, looked at together; ``case["optimizer"]`` is the value that a run would have."""

    given: Mapping[str, object]  # the value of every setting, None where it is left to the defaults
    settings: Mapping[str, Setting]

    def __getitem__(self, name: str) -> object:
        return self.defaults.get(name) if self.given[name] is None else self.given[name]

    @cached_property
    def method(self) -> Method:
        """The method that is named, or the composed pair, which is named by its parts."""
        given = self.given
        if given["method"] is None and (given["supervisory"] or given["learned"]):
            for slot, known in axes.SLOTS.items():
                if given[slot] is None:
                    raise ConfigError(f"a composed pair needs {slot} too; {nearest('', known)}")
            p, q = (known[given[slot]] for slot, known in axes.SLOTS.items())
            reason = axes.why_not(p, q)
            demand(not reason, f"this pair makes no sense: {reason}")
            return methods.of_pair(p, q)
        method = methods.get(given["method"] or "simclr")
        for slot in axes.SLOTS:
            own = getattr(method, slot)
            if given[slot] not in (None, own):
                raise ConfigError(
                    f"{slot}={given[slot]!r} is not what method={method.name!r} means ({own!r}): "
                    "leave method out to compose a pair of your own"
                )
        return method

    @property
    def p(self) -> axes.Axis:
        return self.method.p

    @property
    def q(self) -> axes.Axis:
        return self.method.q

    @property
    def dataset(self) -> str:
        return self.given["dataset"] or self.method.dataset

    @property
    def suits(self) -> Mapping[str, object]:
        """The defaults of a network that is trained on the data; the temperature is for cosine distances, and a p without one."""
        row, own = published(self.dataset), self.method.defaults
        cosine = own.get("distance") == "cosine" and "p_temperature" not in own
        return {name: value for name, value in row.suits.items() if name != "temperature" or cosine} if row else {}

    @property
    def backbone(self) -> str:
        own = self.given["backbone"] or self.method.defaults.get("backbone")
        return own or self.suits.get("backbone") or self.settings["backbone"].general

    @property
    def network(self) -> bool:
        """Whether there is a network that reads samples, in batches."""
        return BACKBONES[self.backbone].reads != "positions"

    @property
    def wide(self) -> bool:
        return self.q.name == "gaussian_wide"

    @property
    def needs_alpha(self) -> bool:
        """Whether the divergence is infinite unless p is mixed with the uniform distribution."""
        finite = self.p.positive and self.given["perplexity"] != 1 and axes.counts_self(self.p, self.q) != (False, True)
        return not finite and not self.q.limit and DIVERGENCES[self["divergence"]].reverse

    @cached_property
    def defaults(self) -> dict[str, object]:
        """What the method, the backbone and the general defaults make of the settings that are not given."""
        general = {name: about.general for name, about in self.settings.items() if about.general is not None}
        if self.wide and not is_framed(self.p, self.backbone):
            general["distance"] = "cosine"
        if not self.network:
            return general | dict(self.method.defaults) | GROUPS["free_points"] | dict(self.method.table)
        layout = GROUPS["parametric_layout"] if "inputs" in self.p.needs else {}
        frame = GROUPS["orthonormal"] if self.backbone == "linear" and self.wide else {}
        own = {"hidden_dim": BACKBONES[self.backbone].width, **self.suits, **layout, **frame, **self.method.defaults}
        return {**general, **own, **({"temperature": self.suits["temperature"]} if "temperature" in self.suits else {})}

    def takes(self, name: str) -> bool:
        """Whether p, q or the divergence takes a setting."""
        measured = () if self.q.limit else DIVERGENCES[self["divergence"]].settings
        return name in (*self.p.settings, *self.q.settings, *measured)

    def applies(self, name: str) -> bool:
        applies = self.settings[name].applies
        if applies:
            return applies(self)
        tables = (*axes.SLOTS.values(), DIVERGENCES)
        return self.takes(name) or not any(name in row.settings for rows in tables for row in rows.values())

    def idle(self) -> list[str]:
        """The settings that are given and have no effect."""
        return [name for name, value in self.given.items() if value is not None and not self.applies(name)]

    def because(self, name: str) -> str:
        """What keeps a setting from having an effect."""
        blamed = self.settings[name].because
        if callable(blamed):
            return blamed(self)
        if any(name in row.settings for row in DIVERGENCES.values()):
            blamed = "divergence"
        if self.q.limit and (blamed == "divergence" or name in ("divergence", "temperature")):
            return f"learned={self.q.name!r}, which has its own loss"
        if blamed == "optimizer" and self["scheduler"] and not is_own(self["optimizer"]):
            blamed = "scheduler"
        known = {"method": self.method.name, "backbone": self.backbone, "augment": self.given["augment"] or "none"}
        return f"{blamed}={known.get(blamed) or self[blamed]!r}"


def method_of(config) -> Method:
    """The method that a Config names, or the composed pair, which is named by its parts."""
    return config.case.method


def is_framed(p: axes.Axis, backbone: str) -> bool:
    """Whether a linear map that is kept orthonormal embeds the samples alone: no second encoder, no prototypes that may grow."""
    return backbone == "linear" and p.candidates in ("samples", "views", "dimensions")


def resolved(case: Case) -> tuple[dict[str, object], dict[str, str]]:
    """The value of every setting that has one, and where those came from that were filled in."""
    method, values = case.method, {name: value for name, value in case.given.items() if value is not None}
    defaults = {**case.defaults, "supervisory": method.supervisory, "learned": method.learned, "backbone": case.backbone}
    if not case.network and case.q.name == "gaussian" and case["embedding_dim"] > 3:
        defaults["learning_rate"] = ROOMY_LEARNING_RATE
    if case.needs_alpha:
        defaults["alpha"] = defaults["alpha"] or 0.01
    if case.given["method"] or not case.given["supervisory"]:
        defaults["method"] = method.name
    filled = {name: value for name, value in defaults.items() if name not in values and case.applies(name)}
    merged = values | filled
    known = published(merged["dataset"])
    if known and merged.get("augment") == "auto":
        merged["augment"] = known.augment
    if known and "augment_strength" in filled:
        merged["augment_strength"] = known.strength  # which goes with the pictures, whether the parts were spelt out or not
    own = {name: f"method {method.name}" for name in filled if name in method.defaults or name in method.table}
    suited = case.suits if case.network else {}
    suits = {name: f"data set {known.name}" for name, value in filled.items() if suited.get(name) == value}
    return merged, dict.fromkeys(merged, "default") | own | suits


def fit_to_data(config, n: int, augment: str, open_tsne: bool = False, n_features: int | None = None):
    """Lower the defaults of a resolved Config that n training samples cannot serve; what was given explicitly stays as it is.

    Where openTSNE trains it, its own defaults are taken.
    """
    demand(n >= 2, "the data hold one training sample: p and q compare samples, so give at least two", DataError)
    points, framed = min(config.batch_size or n, n), config.backbone == "linear" and method_of(config).learned == "gaussian_wide"
    wanted = {
        "embedding_dim": n_features if framed and n_features else config.embedding_dim,
        "batch_size": points,
        "perplexity": max(1.0, min(30.0, (points - 1) / 3)),
        "n_neighbors": max(1, (points - 1) // 3),
        "n_candidates": n if method_of(config).p.candidates == "centres" else 65536,
        "augment": augment,
    }
    changes = {
        name: value
        for name, value in wanted.items()
        if getattr(config, name) is not None
        and config.came_by_default(name)
        and (getattr(config, name) == "auto" if name == "augment" else getattr(config, name) > value)
    }
    changes |= {name: value for name, value in GROUPS["open_tsne"].items() if open_tsne and config.came_by_default(name)}
    return config.replace(**changes).replace_sources(dict.fromkeys(changes, "data")) if changes else config


def drawn() -> list[str]:
    """What a setting can ask to be drawn beside the points."""
    return list(dict.fromkeys((*OVERLAYS, *HISTORY)))


def check(case: Case) -> None:
    """Refuse names that are not known, settings that have no effect, and values that contradict each other."""
    if published(case.dataset):
        options_of(case.dataset)  # which refuses what it does not know
    wrong = next(chain(_of_names(case), _of_effects(case), _of_pairs(case)), None)
    demand(wrong is None, wrong)


def _of_names(case: Case) -> Iterator[str]:
    """What is wrong with names that are no plain choice."""
    given = case.given
    dataset, augment = given["dataset"], given["augment"]
    elsewhere = (HELD, *(f"{name}:" for name in SOURCES))
    if dataset is not None and published(dataset) is None and not dataset.startswith(elsewhere):
        yield f"dataset={dataset!r} is not known; {nearest(dataset, DATASETS)}"
    for name, known in (("backbone", BACKBONES), ("optimizer", OPTIMIZERS)):
        if given[name] not in (None, *known) and not is_own(given[name]):
            yield f"{name}={given[name]!r} is not known; {nearest(given[name], known)}"
    if given["scheduler"] is not None and not is_own(given["scheduler"]):
        yield f"scheduler={given['scheduler']!r}: give {OWN['scheduler']}, or learning_rate='0.01..0.0001:cosine'"
    if augment not in (None, "auto", "none") and not is_own(augment):  # which stand alone, and so does a function
        for part in augment.split("+"):
            if part not in AUGMENTATIONS:
                yield f"augment={augment!r}: {part!r} is not a part; {nearest(part, AUGMENTATIONS)}"
    for part in given["gif_overlay"].split("+"):
        if part not in drawn():
            yield f"gif_overlay={given['gif_overlay']!r}: {part!r} is not known; {nearest(part, drawn())}"
    devices = case.settings["device"].names
    if given["device"] not in devices and not re.fullmatch(r"cuda:\d{1,4}", given["device"]):
        yield f"device={given['device']!r} is not known; {nearest(given['device'], devices)}; or a card by its number: cuda:1"
    kind, _, place = (given["log_to"] or "wandb").partition(":")
    if kind not in TRACKERS:
        yield f"log_to={given['log_to']!r} is no place to log to; {nearest(kind, TRACKERS)}"
    elif not place and TRACKERS[kind].about.startswith(f"{kind}:"):
        yield f"log_to={given['log_to']!r} is no place to log to; say where: {TRACKERS[kind].about}"


def _of_effects(case: Case) -> Iterator[str]:
    """What is wrong with settings that have no effect, or not the one that is needed."""
    given, p, q = case.given, case.p, case.q
    projection = PROJECTIONS[given["gif_method"]]
    if not projection.low <= case["embedding_dim"] <= projection.high:
        yield f"gif_method={case['gif_method']!r} cannot show embedding_dim={case['embedding_dim']}: use gif_method='auto'"
    for name in case.idle():
        yield f"{name} has no effect with {case.because(name)}: leave it out"
    if not case.network and ({"pairs", "tokens"} & set(p.needs) or p.candidates == "centres"):
        yield f"backbone={case.backbone!r} reads no samples, which supervisory={p.name!r} is about: use 'linear' or 'mlp'"
    if not case.network and "views" in p.needs:
        yield (
            f"backbone={case.backbone!r} has a free point per sample and no input to augment, but "
            f"method={case.method.name!r} needs views: "
            f"use one of {', '.join(name for name in BACKBONES if name != case.backbone)}"
        )
    if given["scheduler"] and isinstance(given["learning_rate"], str):
        yield f"learning_rate={given['learning_rate']!r} is moved by scheduler={given['scheduler']!r} too: give a number"
    if given["n_views"] == 1 and "views" in p.needs:
        yield f"n_views=1 leaves supervisory={p.name!r} without positive pairs: use 2 or more"
    if p.candidates == "contexts" and case.network:
        yield f"backbone={case.backbone!r} reads samples, and supervisory={p.name!r} has vectors for all at once: use 'table'"
    if CANDIDATES[p.candidates].two_views and given["n_views"] not in (None, 2):
        yield f"n_views={case['n_views']}: supervisory={p.name!r} compares one view with the other, so it needs exactly 2"
    if given["init"] == "kmeans++" and q.name != "clusters":
        yield f"init='kmeans++' is where clusters start, and learned={q.name!r} has none: use 'pca' or 'random'"
    if given["init"] == "pca" and case.backbone == "linear":
        yield "init='pca' is where a backbone='table' starts: with backbone='linear' use 'kmeans++' or 'random'"


def _of_pairs(case: Case) -> Iterator[str]:
    """What is wrong with values that p, q and the divergence cannot take."""
    given, p, q = case.given, case.p, case.q
    if "df" in q.settings and given["distance"] == "neg_dot":
        yield f"distance='neg_dot' can be negative, which learned={q.name!r} cannot take: use sqeuclidean or cosine"
    if q.name == "gaussian_angular" and given["distance"] not in (None, "cosine"):
        yield f"distance={given['distance']!r}: an angle is a matter of distance='cosine'"
    if q.limit and given["alpha"] and given["alpha_on"] in ("q", "both"):
        yield f"alpha_on={case['alpha_on']!r}: learned={q.name!r} has its own loss, without a q to mix; use alpha_on='p'"
    if case.needs_alpha and (0 in ends(given["alpha"]) or given["alpha_on"] == "q"):
        needed = "it needs alpha > 0 on p (the default is alpha=0.01)"
        yield f"divergence={case['divergence']!r} is infinite where p is zero: {needed}"
    if (p.positive or case["alpha"]) and not q.limit and DIVERGENCES[case["divergence"]].support:
        yield (
            f"divergence={case['divergence']!r} tells neighbours from strangers, and there are none: "
            f"supervisory={p.name!r} with alpha={case['alpha']!r} is nowhere zero; use alpha=0 and a p like 'knn'"
        )
