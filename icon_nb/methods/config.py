"""Config: the one definition of every setting. Plain frozen data; loads no torch.

The command line, ``config.json``, the printed configuration and the documentation are generated from the fields below.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import numbers
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name

from ..errors import ConfigError, nearest, shown
from .catalogue import AUGMENTATIONS, BACKBONES, HOLD, PROJECTIONS
from .components import as_settings
from .methods import ALIASES, METHODS

SCHEMA = 1

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
    """What is known about one field of :class:`Config`: its type, its range and the words that explain it."""

    kind: type
    group: str
    help: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None

    def check(self, name: str, value: object) -> object:
        """``value`` as this setting's plain type, or a :class:`ConfigError` that names the setting and the remedy."""
        given, value = value, self._typed(name, value)
        if self.choices and value not in self.choices:
            raise ConfigError(f"{name}={shown(value)} is not known; {nearest(value, self.choices)}")
        if self.kind in (int, float) and not self._inside(value):
            raise ConfigError(self._beyond(name, given))
        return value

    def _typed(self, name: str, value: object) -> object:
        if self.kind is str and isinstance(value, (str, os.PathLike)):
            return _text(name, os.fspath(value))
        if isinstance(value, bool) and self.kind is bool:
            return value
        if self.kind in (int, float) and not isinstance(value, bool) and isinstance(value, numbers.Real):
            number = _number(value)
            if self.kind is float:
                return number
            if number.is_integer():
                return int(value)
            if not math.isfinite(number):
                raise ConfigError(self._beyond(name, value))
        raise ConfigError(f"{name}={shown(value)} is of type {type(value).__name__}: give {_ARTICLE[self.kind]}")

    def _beyond(self, name: str, value: numbers.Real) -> str:
        finite = "" if math.isfinite(_number(value)) else "finite, and "
        return f"{name}={shown(value)} is out of range: it must be {finite}{self.range}"

    def _inside(self, value: float) -> bool:
        return (
            math.isfinite(_number(value))
            and (self.low is None or value >= self.low)
            and (self.above is None or value > self.above)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
        )

    @property
    def range(self) -> str:
        """The range in words, for instance ``greater than 0 and at most 1``."""
        limits = (("at least", self.low), ("greater than", self.above), ("at most", self.high), ("less than", self.below))
        return " and ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None) or "finite"


def _text(name: str, value: object) -> str:
    """A text that can be written to a file and be part of a path."""
    try:
        if "\0" not in value:
            value.encode()
            return value
    except (UnicodeEncodeError, AttributeError, TypeError):
        pass
    raise ConfigError(f"{name}={shown(value)} cannot be written to a file: leave out what is not a character")


def _number(value: numbers.Real) -> float:
    """As a float; infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_ARTICLE = {str: "a text", int: "a whole number", float: "a number", bool: "True or False"}


def setting(kind: type, group: str, help: str, default: object = None, **limits):
    """A dataclass field that carries its :class:`Setting`; default None means "the method's default"."""
    return field(default=default, metadata={"setting": Setting(kind, group, help, **limits)})


class _Named(type):
    """Names the nearest setting where one is misspelt, before Python says that an argument is unexpected."""

    def __call__(cls, *args, **settings):
        check_names(set(settings) - {"sources"})
        return super().__call__(*args, **settings)


@dataclass(frozen=True)
class Config(metaclass=_Named):
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
    128
    >>> from icon_nb.learned import GaussianNarrow
    >>> Config(supervisory="same_class", learned=GaussianNarrow(distance="cosine", margin=0.5))
    Config(supervisory='same_class', learned='gaussian_narrow', distance='cosine', margin=0.5)
    """

    # data
    dataset: str | None = setting(str, "data", "data set by name; the method's own bundled one when not given")
    data_dir: str | None = setting(str, "data", "folder that holds the data files; downloaded to a cache when not given")
    n_samples: int | None = setting(int, "data", "use only this many training samples, a fixed stratified subset", low=2)
    augment: str | None = setting(str, "data", "parts joined by +: " + ", ".join(AUGMENTATIONS) + "; or auto, or none")
    augment_strength: float | None = setting(float, "data", "1 is the usual augmentation, 0 none", low=0, high=2)
    stream: str = setting(
        str,
        "data",
        "whether pictures stay on the disk and are read batch by batch: auto is yes above 2 GiB",
        "auto",
        choices=("auto", "always", "never"),
    )
    num_workers: int = setting(int, "data", "processes that decode pictures; other data need none", 0, low=0, high=64)
    # objective
    method: str | None = setting(str, "objective", "a cell of the periodic table by name")
    supervisory: str | None = setting(
        str, "objective", "p by name, or in Python as an object, to compose a pair that has no name"
    )
    learned: str | None = setting(str, "objective", "q by name, or in Python as an object, to compose a pair that has no name")
    divergence: str | None = setting(str, "objective", "D(p || q)", choices=("kl", "rkl", "js"))
    temperature: float | None = setting(float, "objective", "tau, the scale that divides the distance in q", above=0)
    distance: str | None = setting(str, "objective", "distance of q", choices=("sqeuclidean", "cosine", "neg_dot"))
    df: float | None = setting(float, "objective", "degrees of freedom of a Student-t q", above=0)
    margin: float | None = setting(
        float, "objective", "how much farther than the positives the rest must be, as tau goes to 0", low=0
    )
    perplexity: float | None = setting(float, "objective", "effective neighbours of a Gaussian p", low=1)
    p_temperature: float | None = setting(
        float, "objective", "scale that divides the distance in p, or the edges of a graph", above=0
    )
    n_neighbors: int | None = setting(int, "objective", "nearest neighbours of a uniform p", low=1)
    walk_length: int | None = setting(int, "objective", "steps of the random walk that spreads p; 1 is p itself", low=1, high=64)
    walk: str | None = setting(str, "objective", "weights of the walk: all lengths added, or uniform", choices=("sum", "uniform"))
    alpha: float | None = setting(float, "objective", "uniform mixing (debiasing): (1 - alpha) p + alpha / n", low=0, below=1)
    alpha_on: str | None = setting(str, "objective", "which side alpha mixes", choices=("p", "q", "both"))
    n_views: int | None = setting(int, "objective", "augmented views per image", low=1, high=16)
    # model
    backbone: str | None = setting(str, "model", "what makes the embedding", choices=tuple(BACKBONES))
    embedding_dim: int | None = setting(
        int, "model", "dimensions of the embedding; for clusters, their number", low=1, high=65536
    )
    hidden_dim: int | None = setting(int, "model", "width of the hidden layers of the mlp", low=1, high=65536)
    init: str | None = setting(
        str,
        "model",
        "where a table starts: random, or principal components; for clusters on a table or a linear map also kmeans++",
        choices=("random", "pca", "kmeans++"),
    )
    ema_momentum: float | None = setting(float, "model", "how much of itself the slow encoder keeps each step", low=0, below=1)
    # training
    epochs: int | None = setting(int, "training", "passes over the data", low=0)
    batch_size: int | None = setting(int, "training", "images per step; p and q live on the batch", low=2)
    learning_rate: float | None = setting(float, "training", "step size of the optimizer", above=0)
    optimizer: str | None = setting(str, "training", "optimizer", choices=("adam", "adamw", "sgd", "gains"))
    momentum: float | None = setting(float, "training", "momentum of sgd and gains", low=0, below=1)
    weight_decay: float | None = setting(float, "training", "weight decay", low=0)
    seed: int = setting(int, "training", "everything random comes from (seed, epoch, step)", 0, low=0, below=2**31)
    device: str = setting(str, "training", "where to train", "auto", choices=("auto", "cpu", "cuda", "mps"))
    precision: str = setting(str, "training", "arithmetic", "float32", choices=("float32", "float64", "bfloat16"))
    compile: str = setting(
        str,
        "training",
        "torch.compile of the network; reduce-overhead uses CUDA graphs on a GPU",
        "none",
        choices=("none", "default", "reduce-overhead"),
    )
    channels_last: bool = setting(bool, "training", "images channels last in memory, for convolutions on a GPU", False)
    # recording
    record_every: int | None = setting(int, "recording", "record the embedding every so many epochs", low=1)
    max_points: int = setting(int, "recording", "at most this many evaluation points are recorded", 2000, low=2)
    probe: bool = setting(bool, "recording", "linear and kNN probes on held-out data", True)
    # animation
    save_epoch_gifs: bool = setting(bool, "animation", "write training_dynamics.gif and one picture per epoch", False)
    gif_every: int = setting(int, "animation", "draw every so many recorded epochs", 1, low=1)
    gif_method: str = setting(str, "animation", "projection to two dimensions", "auto", choices=tuple(PROJECTIONS))
    gif_fps: float | None = setting(float, "animation", "frames per second", above=0, high=50)
    gif_max_points: int = setting(int, "animation", "draw at most this many points", 2000, low=1)
    gif_overlay: str = setting(str, "animation", "what is drawn beside the points", "loss")
    save_frames: bool = setting(bool, "animation", "write epoch_frames/epoch_001.png ... beside the GIF", True)
    # output
    output_dir: str = setting(str, "output", "folder of the runs", "playground_runs")
    run_name: str | None = setting(str, "output", "name of the run and its folder")
    viz: bool = setting(bool, "output", "write static plots", True)
    save_checkpoints: bool = setting(bool, "output", "write weights/epoch_001.pt ... after every recorded epoch", False)
    quiet: bool = setting(bool, "output", "no progress and no printed configuration", False)

    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self):
        if self.dataset is not None and not isinstance(self.dataset, (str, os.PathLike)):
            reading = {name: SETTINGS[name].check(name, getattr(self, name)) for name in ("stream", "num_workers")}
            object.__setattr__(self, "dataset", resolve_name(HOLD)(self.dataset, **reading))
        if callable(self.supervisory) or callable(self.learned):
            for name, value in as_settings({name: getattr(self, name) for name in SETTINGS}).items():
                object.__setattr__(self, name, value)
        for name, about in SETTINGS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, about.check(name, value))
            elif DEFAULTS[name] is not None:
                raise ConfigError(f"{name}=None: give {_ARTICLE[about.kind]}; the default is {DEFAULTS[name]!r}")
        if self.method in ALIASES:
            _say_once(self.method, ALIASES[self.method])
            object.__setattr__(self, "method", ALIASES[self.method])
        object.__setattr__(self, "sources", {**dict.fromkeys(self.explicit(), "keyword"), **self.sources})
        self._check_names()

    def _check_names(self) -> None:
        from .resolve import check  # resolve.py builds Configs, so it is imported on use

        check(self)

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={value!r}' for name, value in self.explicit().items())})"

    @property
    def label(self) -> str:
        """The method's name, or the parts of a composed pair: what titles and folders call this run."""
        from .resolve import method_of

        return method_of(self).name

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
        check_names(changes)
        changes = as_settings(changes)
        kept = self.explicit()
        if any(name in DECIDING and not self._has(name, value) for name, value in changes.items()):
            kept = {name: value for name, value in kept.items() if not self.came_by_default(name)}
        sources = {name: source for name, source in self.sources.items() if name in kept}
        return Config(**{**kept, **changes}, sources={**sources, **dict.fromkeys(changes, "keyword")})

    def _has(self, name: str, value: object) -> bool:
        own = getattr(self, name)
        return value is own or (isinstance(value, str) and value == own)

    def came_by_default(self, name: str) -> bool:
        """Whether a setting was filled in, by the general default, the method or the data, and not given by anybody."""
        return self.sources.get(name, "default").startswith(("default", "method ", "data"))

    def replace_sources(self, sources: Mapping[str, str]) -> Config:
        """The same settings, with another source named for some."""
        return Config(**self.explicit(), sources={**self.sources, **sources})

    def resolve(self) -> Config:
        """Every ``None`` filled with the method's default; settings without an effect stay ``None``."""
        from .resolve import resolve

        return resolve(self)

    @classmethod
    def from_layers(cls, *layers: tuple[str, Mapping[str, object]]) -> Config:
        """Merge ``(source, settings)`` pairs, the later ones winning, and keep the source of every value.

        >>> Config.from_layers(("recipe", {"seed": 1}), ("flag", {"seed": 0})).sources["seed"]
        'flag'
        """
        values, sources = {}, {}
        for source, settings in layers:
            check_names(settings)
            settings = as_settings(settings)
            values.update(settings)
            sources.update(dict.fromkeys(settings, source))
        return cls(**values, sources=sources)

    def key(self) -> str:
        """Twelve letters that name the numbers of the run: equal where every setting that they depend on is equal, resolved.

        How a run is drawn, written and reported does not count.

        >>> Config(quiet=True).key() == Config(method="simclr", gif_fps=4).key() != Config(seed=1).key()
        True
        """
        settings = {name: value for name, value in self.resolve().to_dict().items() if counts(name)}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, object]:
        """The settings that have a value, flat, in the order of the fields."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}

    def to_json(self) -> str:
        """Flat JSON with a schema number; read it back with :meth:`from_json`."""
        return json.dumps({"schema": SCHEMA, **self.to_dict()}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "config.json") -> Config:
        """The Config of a JSON text.

        Raises
        ------
        ConfigError
            Not JSON, not one flat object, unknown settings, wrong types, or a newer schema.
        """
        return cls.from_layers((where, settings_from_json(text, where)))


_SAID: set[str] = set()


def _say_once(old: str, new: str) -> None:
    """Name the method that an older name stands for, the first time it is used."""
    if old not in _SAID:
        _SAID.add(old)
        note = f"; {METHODS[new].note}" if getattr(METHODS[new], "note", "") else ""
        warnings.warn(f"method={old!r} is an older name of {new!r}{note}", stacklevel=4)


SETTINGS: dict[str, Setting] = {f.name: f.metadata["setting"] for f in dataclasses.fields(Config) if "setting" in f.metadata}
DEFAULTS = {f.name: f.default for f in dataclasses.fields(Config) if f.name in SETTINGS}


DECIDING = ("dataset", "method", "supervisory", "learned", "backbone")
"""The settings that other settings take their defaults from."""


def counts(name: str) -> bool:
    """Whether the numbers of a run depend on the setting of this name."""
    return SETTINGS[name].group not in ("animation", "output") and name not in ("stream", "num_workers", "probe")


def check_names(names: Iterable[str]) -> None:
    """Refuse settings that do not exist, with the nearest that does."""
    for name in names:
        if name not in SETTINGS:
            raise ConfigError(f"{name!r} is not a setting; {nearest(name, SETTINGS)}")


def settings_from_json(text: str, where: str = "config.json") -> dict[str, object]:
    """The flat settings of a JSON text, names and schema checked; errors name ``where``."""
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not JSON ({error}): write one flat object of settings") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"{where} holds a {type(settings).__name__}: write one flat object of settings")
    schema = settings.pop("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise ConfigError(f"{where} has schema {schema!r}, this version reads up to {SCHEMA}: upgrade icon_nb")
    try:
        check_names(settings)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return {name: value for name, value in settings.items() if value is not None}
