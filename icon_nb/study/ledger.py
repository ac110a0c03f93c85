"""Running an entry of the ledger: the claim, what came out here with its interval over seeds, and whether that reproduces it."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..errors import demand, nearest
from ..files import write_together
from ..methods.ledger import LEDGER, Entry
from . import claims
from .table import Spread


@dataclass(frozen=True)
class Reproduction:
    """What came of an entry.

    Parameters
    ----------
    entry : Entry
    seeds : tuple of int
    values : mapping of str to list of float
        Label -> one value for each seed.
    where : mapping
        Hardware, versions, seconds.
    """

    entry: Entry
    seeds: tuple[int, ...]
    values: Mapping[str, Sequence[float]]
    where: Mapping[str, object]

    @cached_property
    def checks(self) -> list[tuple[str, str]]:
        """Every condition of the claim, in words, with ``holds``, ``fails`` or ``undecided``."""
        near = [self._near(label, target) for label, target in self.entry.targets.items()]
        return near + [self._ordered(low, high) for low, high in self.entry.order]

    def _near(self, label: str, target: float) -> tuple[str, str]:
        mean = float(np.mean(self.values[label]))
        words = f"{label}: {mean:.4g}, published {target:g}, within {self.entry.within:g}"
        return words, "holds" if abs(mean - target) <= self.entry.within else "fails"

    def _ordered(self, low: str | float, high: str) -> tuple[str, str]:
        differences = np.subtract(self.values[high], self.values[low] if isinstance(low, str) else low)
        mean, half = interval(differences)
        words = f"{high} exceeds {low if isinstance(low, str) else f'{low:g}'} by {mean:.3g} ± {half:.2g}, seed by seed"
        return words, "fails" if mean <= 0 else "holds" if mean > half else "undecided"

    @property
    def verdict(self) -> str:
        """``reproduced`` where every condition holds, ``not reproduced`` where one fails, else ``undecided``."""
        found = {result for _, result in self.checks}
        return "not reproduced" if "fails" in found else "undecided" if "undecided" in found else "reproduced"

    def __str__(self) -> str:
        """The page, in Markdown."""
        entry, where = self.entry, self.where
        rows = ["| condition | published | ours | n |", "| --- | --- | --- | --- |"]
        for label, values in self.values.items():
            mean, half = interval(values)
            rows.append(f"| {label} | {entry.targets.get(label, '')} | {mean:.4g} ± {half:.2g} | {len(values)} |")
        versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
        parts = (
            f"# {entry.name}: {self.verdict}",
            f"**Claim.** {entry.claim} ({entry.source})",
            f"**What counts, said before the run.** {entry.counts}",
            f"**Otherwise than there.** {entry.differs}",
            f"Measured: {entry.measured}. ± is a 95 % interval over {len(self.seeds)} seeds.",
            "\n".join(rows),
            "\n".join(f"- {result}: {words}." for words, result in self.checks),
            f"On {where['hardware']}, {where['seconds']:.0f} seconds. {versions}.",
            f"`icon-nb reproduce {entry.name} --seeds {','.join(map(str, self.seeds))}`",
        )
        return "\n\n".join(parts) + "\n"

    def save(self, folder) -> list[Path]:
        """Write ``NAME.md``, the page, and ``NAME.json``, all values and settings."""
        about = {"verdict": self.verdict, "seeds": self.seeds, "values": self.values, "checks": self.checks, **self.where}
        text = json.dumps(asdict(self.entry) | about, indent=2, ensure_ascii=False) + "\n"
        path = Path(folder) / self.entry.name
        return write_together({path.with_suffix(".md"): str(self).encode(), path.with_suffix(".json"): text.encode()})


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the half width of its 95 % interval by Student's t, infinite for a single value.

    >>> mean, half = interval([1.0, 2.0, 3.0])
    >>> mean, round(half, 2)
    (2.0, 2.48)
    """
    from scipy.stats import t

    spread = Spread.of(values)
    return spread.mean, float(t.ppf(0.975, spread.n - 1) * spread.deviation / spread.n**0.5) if spread.n > 1 else float("inf")


def reproduce(name: str, *, seeds: Iterable[int] | None = None, data_dir=None) -> Reproduction:
    """Run an entry of the ledger.

    Parameters
    ----------
    name : str
        A key of :data:`icon_nb.methods.ledger.LEDGER`.
    seeds : iterable of int, optional
        As many as the entry says, from 0, when not given.
    data_dir : path, optional
        Folder that holds the data files, where the data are not bundled.

    Raises
    ------
    ConfigError
        There is no such entry.
    DataError
        The data are not there.
    """
    demand(name in LEDGER, f"{name!r} is not in the ledger; {nearest(name, LEDGER)}")
    entry, start = LEDGER[name], time.perf_counter()
    seeds = tuple(range(entry.seeds) if seeds is None else seeds)
    experiment = getattr(claims, entry.does)
    found = [experiment(entry, seed, data_dir) for seed in seeds]
    cpu = f"{platform.machine()} CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    where = {
        "hardware": torch.cuda.get_device_name() if torch.cuda.is_available() else cpu,
        "versions": {"icon_nb": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "seconds": round(time.perf_counter() - start, 1),
    }
    return Reproduction(entry, seeds, {label: [each[label] for each in found] for label in found[0]}, where)
