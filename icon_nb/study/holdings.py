"""The data sets of several runs: each is held in memory once."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from ..data.dataset import Dataset, is_described
from ..data.loading import MEMORY, hold, load_for
from ..errors import DataError, IconError
from ..methods.config import Config
from .results import Results


class Holdings:
    """Gives each resolved config its data set, and runs that name the same data the same one."""

    def __init__(self):
        self._read: dict[tuple, Dataset] = {}

    def __call__(self, config: Config) -> Dataset:
        """The data set of a config, as :func:`icon_nb.run` reads it."""
        whole, draw = config.backbone == "table", config.seed if config.n_samples else None
        key = (config.dataset, config.data_dir, config.n_samples, draw, whole, config.stream)
        if key not in self._read:
            self._read[key] = load_for(config)
        return self._read[key]

    def find(self, config: Config) -> Dataset | None:
        """The same; None where it cannot be read any more."""
        try:
            return self(config)
        except IconError:
            return None

    def attach(self, results: Results) -> Results:
        """Give a run the one copy of its data set, none where it cannot be read any more; other data are not given to it."""
        data = self.find(results.config)
        if data is None or is_described(data, results.provenance.get("dataset", {}), results.config):
            results.dataset = data
        results.trust_code = True  # it was trained here, on what a person asked for
        return results


def pack_data(configs: Sequence[Config]) -> bytes | None:
    """What a worker cannot read for itself: the data that were given as objects in this process.

    Raises
    ------
    DataError
        A data set object that stays where it is cannot be sent.
    """
    held = [MEMORY[config.dataset] for config in configs if config.dataset in MEMORY]
    try:
        return pickle.dumps(list({id(data): data for data in held}.values())) if held else None
    except Exception as error:  # pickle raises many kinds
        raise DataError(
            f"{held[0].name} stays on the disk and cannot be sent to another process ({error}): define its class at the top of a "
            "module, or leave workers and executor out"
        ) from error


def unpack_data(packed: bytes | None) -> None:
    """Hold in this process what was packed in another, under the same handles."""
    for data in pickle.loads(packed) if packed is not None else ():
        hold(data)
