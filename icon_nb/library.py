"""The data sets of several runs: each is read once."""

from __future__ import annotations

import pickle
from functools import cached_property

from .config import Config
from .data import Dataset, load
from .errors import IconError
from .results import Results


class Library:
    """Gives each config its data set.

    Parameters
    ----------
    data : optional
        Data of your own that all runs use, instead of what their configs name.
    """

    def __init__(self, data=None):
        self.data = data
        self._read: dict[tuple, Dataset] = {}

    def __call__(self, config: Config) -> Dataset:
        """The data set of a config."""
        draw = config.seed if config.n_samples else None
        whole = config.backbone == "table"
        key = (config.dataset, config.data_dir, config.n_samples, draw, whole)
        if key not in self._read:
            chosen = config.dataset if self.data is None else self.data
            self._read[key] = load(chosen, config.data_dir, config.n_samples, config.seed, whole=whole)
        return self._read[key]

    @cached_property
    def packed(self) -> bytes | None:
        """Data of your own as bytes that can travel."""
        return None if self.data is None else pickle.dumps(self.data)

    def mark(self, config: Config) -> str:
        """What tells runs on data of your own from runs on the data set that the config names; empty for the latter."""
        return "" if self.data is None else f"-{self(config).checksum[:8]}"

    def attach(self, results: Results) -> Results:
        """Give a run from elsewhere its data set, where it can be read."""
        try:
            results.dataset = self(results.config)
        except IconError:
            results.dataset = None
        return results
