"""Config: the one definition of every setting. Plain frozen data; loads no torch.

The command line, ``config.json``, the printed configuration and the documentation are generated from the fields below.
"""

from __future__ import annotations  # noqa: I001 (which would write a name of the settings a line)

import copy
import functools
import hashlib
import json
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from ..errors import ConfigError, shown
from . import axes, resolve
from .catalogue import AUGMENTATIONS, BACKBONES, CANDIDATES, DATASETS, DIVERGENCES, OPTIMIZERS, PROJECTIONS, TRACKERS
from .components import as_plain, as_settings
from .methods import ALIASES, METHODS
from .settings import (
    SCHEMA, Setting, animation, check_names, data, is_own, model, objective, output, read_json, recording, training, value_at,
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Every setting of a run; ``None`` means "the method's default", which :meth:`resolve` fills in.

    Frozen, hashable, plain data: ``eval(repr(config)) == config`` and ``Config.from_json(config.to_json()) == config``.

    ``supervisory`` and ``learned`` take a name or a component of :mod:`icon_nb.supervisory` and :mod:`icon_nb.learned`; an object
    is kept as its name and the settings that it carries.

    Raises
    ------
    ConfigError
        A value of the wrong type, out of range, or an unknown name, and a component that is none of the table or contradicts
        another setting; the message names the setting, the value and the remedy.

    Examples
    --------
    >>> config = Config(method="simclr", temperature=0.1)
    >>> config
    Config(method='simclr', temperature=0.1)
    >>> config.resolve().embedding_dim
    32
    >>> from icon_nb.learned import GaussianNarrow
    >>> Config(supervisory="same_class", learned=GaussianNarrow(distance="cosine", margin=0.5))
    Config(supervisory='same_class', learned='gaussian_narrow', distance='cosine', margin=0.5)
    """

    # fmt: off
    dataset: str | None = data(
        "{}, or your own: folder:PATH, embeddings:FILE, custom:FILE.py:NAME; the method's own when not given", general="digits",
        choices=DATASETS, free=True, deciding=True,
    )
    data_dir: str | None = data("folder that holds the data files; downloaded to a cache when not given", optional=True)
    n_samples: int | None = data("use only this many training samples, a fixed stratified subset", low=2, optional=True)
    augment: str | Callable | None = data(
        "parts joined by +: {}; or auto, or none; in Python also a function of a sample", general="none", choices=AUGMENTATIONS,
        free=True, trunk=False, **resolve.ON_A_NETWORK,
    )
    augment_strength: float | None = data(
        "1 is the usual augmentation, 0 none", general=1.0, low=0, high=2, trunk=False,
        because="augment", applies=lambda case: case.network and case["augment"] != "none" and not is_own(case["augment"]),
    )
    stream: str = data(
        "whether pictures stay on the disk and are read batch by batch: auto is yes above 2 GiB", "auto",
        choices=("auto", "always", "never"), counts=False,
    )
    num_workers: int = data("processes that decode pictures; other data need none", 0, low=0, high=64, counts=False)
    method: str | None = objective("a cell of the periodic table by name", choices=METHODS, older=ALIASES, deciding=True)
    supervisory: str | Callable | None = objective(
        "p by name, or in Python as an object, to compose a pair that has no name", choices=axes.SUPERVISORY, deciding=True,
    )
    learned: str | Callable | None = objective(
        "q by name, or in Python as an object, to compose a pair that has no name", choices=axes.LEARNED, deciding=True,
    )
    divergence: str | None = objective("D(p || q)", general="kl", choices=DIVERGENCES, applies=lambda case: not case.q.limit)
    kl_weight: float | None = objective(
        "weight of D(p || q) in the divergence nerv; D(q || p) has the rest", general=0.5, low=0, high=1,
    )
    renyi_order: float | None = objective("order of the divergence renyi; 1 is the KL", general=0.5, above=0)
    temperature: float | str | None = objective(
        "tau, the scale that divides the distance in q; or a schedule, as in 0.1..1.0:cosine", general=1.0, above=0,
        scheduled=True,
    )
    distance: str | None = objective("distance of q", general="sqeuclidean", choices=("sqeuclidean", "cosine", "neg_dot"))
    df: float | None = objective("degrees of freedom of a Student-t q", general=1.0, above=0)
    margin: float | None = objective(
        "how much farther than the neighbours the rest must be; in radians for gaussian_angular", general=0.0, low=0,
    )
    hardness: float | None = objective("how much more the nearest strangers count; at 0 all count alike", general=1.0, low=0)
    bias: float | None = objective("logit of two points at distance 0 in a sigmoid q", general=0.0)
    perplexity: float | None = objective("effective neighbours of a Gaussian p", general=30.0, low=1)
    p_temperature: float | None = objective("scale that divides the distance in p, or the edges of a graph", general=1.0, above=0)
    exaggeration: float | None = objective(
        "p of a map counts so many times in the first quarter of the epochs, which parts its clusters", low=1, optional=True,
        because="backbone", applies=lambda case: not case.network and "inputs" in case.p.needs and case["divergence"] == "kl",
    )
    n_neighbors: int | None = objective("nearest neighbours of a uniform p", general=10, low=1)
    walk_length: int | None = objective("steps of the random walk that spreads p; 1 is p itself", general=1, low=1, high=64)
    walk: str | None = objective(
        "weights of the walk: all lengths added, or uniform", general="sum", choices=("sum", "uniform"),
        applies=lambda case: case.takes("walk") and case["walk_length"] != 1, because="walk_length",
    )
    alpha: float | str | None = objective(
        "uniform mixing (debiasing): (1 - alpha) p + alpha / n; or a schedule", general=0.0, low=0, below=1, scheduled=True,
    )
    alpha_on: str | None = objective(
        "which side alpha mixes", general="p", choices=("p", "q", "both"),
        applies=lambda case: bool(case["alpha"]) or case.needs_alpha, because=lambda case: "alpha=0",
    )
    n_views: int | None = objective(
        "augmented views per image", general=1, low=1, high=16,
        applies=lambda case: case.network and case.p.candidates != "modality", because="backbone",
    )
    n_candidates: int | None = objective(
        "keys in the queue, prototypes, or strangers that are drawn for each point", general=256, low=2, high=65536,
        applies=lambda case: CANDIDATES[case.p.candidates].counted,
    )
    backbone: str | Callable | None = model(
        "what makes the embedding: {}; in Python also a module of your own", general="mlp", choices=BACKBONES, free=True,
        deciding=True,
    )
    embedding_dim: int | None = model(
        "dimensions of the embedding; for clusters, their number", general=128, low=1, high=65536, applies=lambda case: True,
    )
    hidden_dim: int | None = model(
        "width of the hidden layers of the mlp", low=1, high=65536,
        applies=lambda case: BACKBONES[case.backbone].width is not None, because="backbone",
    )
    init: str | None = model(
        "where a table starts: random, or principal components; for clusters on a table or a linear map also kmeans++",
        general="random", choices=("random", "pca", "kmeans++"),
        applies=lambda case: not case.network or (case.backbone == "linear" and case.q.name == "clusters"), because="backbone",
    )
    head: str | None = model(
        "a map between the embedding and the loss, which frames, probes and results come before", general="none",
        choices=("none", "linear", "mlp"), because=lambda case: f"method={case.method.name!r} on backbone={case.backbone!r}",
        applies=lambda case: case.network and case.p.candidates not in ("modality", "keys") and not case.wide,
    )
    ema_momentum: float | None = model(
        "how much of itself the slow encoder keeps each step", general=0.99, low=0, below=1,
        applies=lambda case: bool(CANDIDATES[case.p.candidates].after_step),
    )
    epochs: int | None = training("passes over the data", general=10, low=0)
    patience: int | None = training(
        "end early, after so many epochs without a lower loss", low=1, optional=True,
        applies=lambda case: not any(isinstance(case.given[name], str) for name in ("temperature", "alpha")),
        because=lambda case: "a schedule of temperature or alpha, which moves the loss",
    )
    batch_size: int | None = training("images per step; p and q live on the batch", general=128, low=2, **resolve.ON_A_NETWORK)
    learning_rate: float | str | None = training(
        "step size of the optimizer; or a schedule, as in 0.01..0.0001:cosine", general=1e-3, above=0, scheduled=True,
        **resolve.BY_NAME,
    )
    warmup: int | None = training(
        "epochs in which the learning rate rises from 0", low=1, optional=True, because="optimizer",
        applies=lambda case: not is_own(case["optimizer"]) and not case["scheduler"],
    )
    clip_norm: float | None = training("a gradient that is longer than this is shortened to it", above=0, optional=True)
    accumulate: int | None = training(
        "batches whose gradients are averaged for one step; p and q still live on a batch", low=1, optional=True,
        **resolve.ON_A_NETWORK,
    )
    optimizer: str | Callable | None = training(
        "{}; in Python also a function that makes one of the parameters", general="adam", choices=OPTIMIZERS, free=True,
        deciding=True,
    )
    scheduler: str | Callable | None = training(
        "in Python: a function that makes a torch scheduler of the optimizer, which steps once an epoch", optional=True,
    )
    momentum: float | None = training(
        "momentum of sgd and gains", general=0.9, low=0, below=1,
        applies=lambda case: getattr(OPTIMIZERS.get(case["optimizer"]), "momentum", False), because="optimizer",
    )
    weight_decay: float | None = training("weight decay", general=0.0, low=0, **resolve.BY_NAME)
    seed: int = training("everything random comes from (seed, epoch, step)", 0, low=0, below=2**31)
    device: str = training(
        "where to train: {}, or one of several cards, as in cuda:1", "auto", choices=("auto", "cpu", "cuda", "mps"), free=True,
    )
    precision: str = training("arithmetic", "float32", choices=("float32", "float64", "bfloat16", "float16"), trunk=True)
    compile: str = training(
        "torch.compile of the network; reduce-overhead uses CUDA graphs on a GPU", "none",
        choices=("none", "default", "reduce-overhead"),
    )
    channels_last: bool = training("images channels last in memory, for convolutions on a GPU", False)
    record_every: int | None = recording("record the embedding every so many epochs", general=1, low=1)
    max_points: int = recording("at most this many evaluation points are recorded", 2000, low=2, trunk=True)
    probe: bool = recording("linear and kNN probes on held-out data", True, counts=False)
    save_epoch_gifs: bool = animation("write training_dynamics.gif and one picture per epoch", False)
    gif_every: int = animation("draw every so many recorded epochs", 1, low=1, option="every")
    gif_method: str = animation("projection to two dimensions", "auto", choices=PROJECTIONS, option="projection")
    gif_fps: float | None = animation("frames per second", above=0, high=50, optional=True, option="fps")
    gif_max_points: int = animation("draw at most this many points", 2000, low=1, option="max_points")
    gif_overlay: str = animation(
        "what is drawn beside the points, joined by +", "loss", choices=resolve.drawn, free=True, option="overlay",
    )
    save_frames: bool = animation("write epoch_frames/epoch_001.png ... beside the GIF", True)
    output_dir: str = output("folder of the runs", "playground_runs")
    run_name: str | None = output("name of the run and its folder", optional=True)
    viz: bool = output("write static plots", True)
    save_checkpoints: bool = output("write weights/epoch_001.pt ... after every recorded epoch", False)
    log_to: str | None = output(
        "where it is logged while it trains, as in csv:FILE, tensorboard:DIR: {}", choices=TRACKERS, free=True, optional=True,
    )
    quiet: bool = output("no progress and no printed configuration", False)
    # fmt: on

    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self):
        values = as_plain({name: getattr(self, name) for name in SETTINGS}, SETTINGS)
        sources = {**{name: "keyword" for name, value in values.items() if value != DEFAULTS[name]}, **self.sources}
        vars(self).update(values, sources=sources)  # which are frozen from now on
        resolve.check(self.case)

    @property
    def case(self) -> resolve.Case:
        """Its settings looked at together."""
        return resolve.Case({name: getattr(self, name) for name in SETTINGS}, SETTINGS)

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={value!r}' for name, value in self.explicit().items())})"

    @property
    def label(self) -> str:
        """The method's name, or the parts of a composed pair: what titles and folders call this run."""
        return self.case.method.name

    def explicit(self) -> dict[str, object]:
        """The settings that differ from the general defaults."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) != DEFAULTS[name]}

    def replace(self, **changes) -> Config:
        """A copy with these settings changed. Where they decide about defaults, what was filled in by default is left open again.

        >>> Config(method="sne").replace(temperature=0.5)
        Config(method='sne', temperature=0.5)
        >>> Config(method="sne", seed=3).resolve().replace(method="simclr")
        Config(method='simclr', seed=3)
        """
        check_names(changes, SETTINGS)
        changes = as_settings(changes)
        kept = self.explicit()
        same = {name for name, each in changes.items() if isinstance(each, str | None) and each == getattr(self, name)}
        if any(SETTINGS[name].deciding for name in changes.keys() - same):
            kept = {name: value for name, value in kept.items() if not self.came_by_default(name)}
        said = {name for name in self.sources if getattr(self, name) == DEFAULTS[name] and not self.came_by_default(name)}
        sources = {name: source for name, source in self.sources.items() if name in kept or name in said}
        return Config(**{**kept, **changes}, sources={**sources, **dict.fromkeys(changes, "keyword")})

    def at(self, t: float) -> Config:
        """The same with every schedule replaced by its value when a share t of the epochs is over."""
        moved = copy.copy(self)  # not made anew: a value that is 0 for one epoch contradicts nothing
        scheduled = [name for name, about in SETTINGS.items() if about.scheduled]
        vars(moved).update({name: value_at(getattr(self, name), t) for name in scheduled})
        return moved

    def came_by_default(self, name: str) -> bool:
        """Whether a setting was filled in, by the general default, the method or the data, and not given by anybody."""
        return self.sources.get(name, "default").startswith(("default", "method ", "data"))

    def replace_sources(self, sources: Mapping[str, str]) -> Config:
        """The same settings, with another source named for some."""
        return Config(**self.explicit(), sources={**self.sources, **sources})

    def resolve(self) -> Config:
        """Every ``None`` filled with the method's default; settings without an effect stay ``None``."""
        values, sources = resolve.resolved(self.case)
        return Config(**values, sources={**sources, **self.sources, **{k: v for k, v in sources.items() if v != "default"}})

    @classmethod
    def from_layers(cls, *layers: tuple[str, Mapping[str, object]]) -> Config:
        """Merge ``(source, settings)`` pairs, the later ones winning, and keep the source of every value."""
        values, sources = {}, {}
        for source, settings in layers:
            check_names(settings, SETTINGS)
            settings = as_settings(settings)
            values.update(settings)
            sources.update(dict.fromkeys(settings, source))
        try:
            return cls(**values, sources=sources)
        except ConfigError as error:  # which begins with the name of a setting
            kind, _, file = sources.get(re.split(r"\W", str(error))[0], "").partition("file ")
            raise error if kind or not file else ConfigError(f"{file}: {error}") from None

    def key(self) -> str:
        """Twelve letters that name the numbers of the run: equal where every setting that they depend on is equal, resolved.

        How a run is drawn, written and reported does not count.

        >>> Config(quiet=True).key() == Config(method="simclr", gif_fps=4).key() != Config(seed=1).key()
        True
        """
        settings = {name: value for name, value in self.resolve().to_dict().items() if SETTINGS[name].counts}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, object]:
        """The settings that have a value, flat, in the order of the fields."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}

    def to_json(self) -> str:
        """Flat JSON with a schema number; read it back with :meth:`from_json`."""
        return json.dumps({"schema": SCHEMA, **self.to_dict()}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "config.json") -> Config:
        """The Config of a JSON text.

        Raises
        ------
        ConfigError
            Not JSON, not one flat object, unknown settings, wrong types, or a newer schema.
        """
        settings = read_json(text, where, SETTINGS)
        try:
            return cls.from_layers((where, settings))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None


_KINDS = {"str": str, "int": int, "float": float, "bool": bool}
SETTINGS = {f.name: Setting(_KINDS[f.type.partition(" ")[0]], **f.metadata) for f in fields(Config) if f.metadata}
DEFAULTS = {name: about.default for name, about in SETTINGS.items()}
OF_THE_TRUNK = tuple(name for name, about in SETTINGS.items() if about.counts and about.trunk)
"""What the weights and the points of a run depend on, which a fork of it cannot change."""

_unnamed = Config.__init__


@functools.wraps(_unnamed)
def _init(self, *args, **settings):
    if args:
        raise ConfigError(f"Config takes settings by their names, as in Config(method={shown(args[0])})")
    check_names(settings.keys() - {"sources"}, SETTINGS)  # the nearest name, before Python says that an argument is unexpected
    _unnamed(self, **settings)


Config.__init__ = _init
_indented = functools.partial(textwrap.fill, width=120, initial_indent=" " * 8, subsequent_indent=" " * 8)
_words = "".join(f"    {name} : {about.kind.__name__}\n{_indented(about.text)}\n" for name, about in SETTINGS.items())
Config.__doc__ = Config.__doc__.replace("    Raises\n", f"    Parameters\n    ----------\n{_words}\n    Raises\n", 1)
