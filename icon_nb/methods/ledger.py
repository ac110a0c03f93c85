"""The ledger: what papers claim, and what counts as reproducing it; its rows stand in ``ledger.toml``. Loads no torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files


@dataclass(frozen=True)
class Entry:
    """One claim of a paper.

    Parameters
    ----------
    name, claim, source : str
    counts : str
        What counts as reproduced: a number, or where no more can be expected the order.
    differs : str
        What is done otherwise than in the paper.
    conditions, shared : mapping
        Label -> the settings in which this condition differs; the settings of all.
    does : str
        The experiment, a function of ``icon_nb.study.claims``.
    measured, score : str
        What the values are, in words; and which of the scores they are.
    targets, within : mapping of str to float, float
        Label -> the published number, and how far off still counts.
    order : sequence of pairs
        The first of each, a label or a number, must be less than the second, a label.
    seeds : int
        How many unless told otherwise.
    gpu : bool
        Whether it takes many hours without one.
    """

    name: str
    claim: str
    source: str
    counts: str
    differs: str
    conditions: Mapping[str, Mapping[str, object]]
    shared: Mapping[str, object]
    does: str = "scores"
    measured: str = "kNN accuracy on held-out points"
    score: str = "knn"
    targets: Mapping[str, float] = field(default_factory=dict)
    within: float = 0.0
    order: tuple[tuple[str | float, str], ...] = ()
    seeds: int = 5
    gpu: bool = False


_ROWS = tomllib.loads((files(__package__) / "ledger.toml").read_text(encoding="utf-8"))
LEDGER: dict[str, Entry] = {name: Entry(name, **row) for name, row in _ROWS.items()}
