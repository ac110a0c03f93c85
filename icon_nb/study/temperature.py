"""The temperature study without a screen: runs at several temperatures and seeds, kept by config, and what they measure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np

from ..data.loading import load_for
from ..errors import ConfigError
from ..evaluation.dynamics import alignment, uniformity
from ..methods.catalogue import source_of
from ..methods.config import Config
from .results import Results
from .watching import Rows, run_and_watch

MEASURES = {
    "knn_accuracy": "kNN accuracy",
    "uniformity": "uniformity (low: even)",
    "alignment": "alignment (low: classes near)",
}
KEPT = 128
_TRAINED: OrderedDict[str, tuple[Results, Rows]] = OrderedDict()


def trained(config: Config, data=None, on_record: Callable | None = None) -> tuple[Results, Rows]:
    """The run of a config and its rows of p and q; a config that was trained in this session is not trained again."""
    config = (config if data is None else config.replace(dataset=data)).resolve()
    key = config.key() + (load_for(config).fingerprint if source_of(config.dataset) else "")  # a file may be written anew
    if key not in _TRAINED:
        found = run_and_watch(config, on_record=on_record)
        if found[0].status == "interrupted":
            raise KeyboardInterrupt
        _TRAINED[key] = found
        while len(_TRAINED) > KEPT:
            _TRAINED.popitem(last=False)
    _TRAINED.move_to_end(key)
    return _TRAINED[key]


class TemperatureStudy:
    """Runs of one config at several temperatures and seeds.

    Parameters
    ----------
    config : Config
        Of a method that has a temperature.
    temperatures : iterable of float
    seeds : iterable of int
    data : optional
        Data of your own, as in :func:`icon_nb.run`.

    Raises
    ------
    ConfigError
        The method has no temperature, or there is no value or no seed.

    Examples
    --------
    >>> study = TemperatureStudy(Config(n_samples=200, epochs=1), [0.5, 0.1])
    >>> study.temperatures, len(study.missing)
    ([0.1, 0.5], 2)
    """

    def __init__(self, config: Config, temperatures: Iterable[float], seeds: Iterable[int] = (0,), data=None):
        self.config, self.data = config, data
        self.temperatures = sorted({float(value) for value in temperatures})
        self.seeds = list(dict.fromkeys(int(seed) for seed in seeds))
        if not self.temperatures or not self.seeds:
            raise ConfigError(f"a study needs a temperature and a seed, got {len(self.temperatures)} and {len(self.seeds)}")
        if config.replace(temperature=self.temperatures[0]).resolve().temperature is None:
            raise ConfigError(f"method={config.label!r} has no temperature to study")
        self.runs: dict[tuple[float, int], tuple[Results, Rows]] = {}

    @property
    def missing(self) -> list[tuple[float, int]]:
        """Temperatures and seeds that are still to be trained."""
        return [(t, seed) for t in self.temperatures for seed in self.seeds if (t, seed) not in self.runs]

    @property
    def complete(self) -> list[float]:
        """Temperatures of which every seed is trained."""
        lacking = {t for t, _ in self.missing}
        return [t for t in self.temperatures if t not in lacking]

    def train(self, on_epoch: Callable[[float, int, int], None] | None = None) -> TemperatureStudy:
        """Train what is missing; ``on_epoch(temperature, seed, epoch)`` is called after every epoch.

        A run that is interrupted is not kept, and the interrupt is raised.
        """
        for t, seed in self.missing:
            config = self.config.replace(temperature=t, seed=seed)
            call = None if on_epoch is None else lambda record, recorder, t=t, seed=seed: on_epoch(t, seed, record.epoch)
            self.runs[t, seed] = trained(config, self.data, call)
        return self

    def add(self, temperature: float) -> float:
        """Let a temperature join the study; returns it as the study keeps it."""
        temperature = float(temperature)
        self.config.replace(temperature=temperature)  # refuses what is out of range
        self.temperatures = sorted({*self.temperatures, temperature})
        return temperature

    def scores(self, frame: int = -1) -> dict[str, np.ndarray]:
        """Measures at a recorded frame, each (complete temperatures, seeds); see ``MEASURES``."""
        cells = [[_score(self.runs[t, seed][0], frame) for seed in self.seeds] for t in self.complete]
        return {name: np.array([[cell[name] for cell in row] for row in cells]) for name in MEASURES}

    def __repr__(self) -> str:
        values = ", ".join(f"{t:g}" for t in self.temperatures)
        state = f"{len(self.seeds)} seed(s), {len(self.missing)} to train"
        return f"TemperatureStudy({self.config.label}: temperatures {values}; {state})"


def _score(run: Results, frame: int) -> dict[str, float]:
    trajectory = run.trajectory
    frame = min(frame, trajectory.n_frames - 1)
    z, y = trajectory.embeddings[frame], trajectory.labels
    knn = trajectory.metrics["knn_accuracy"][frame]
    return {"knn_accuracy": float(knn), "uniformity": uniformity(z), "alignment": np.nan if y is None else alignment(z, y)}
