"""The ledger: what papers claim, and what counts as reproducing it; its rows stand in ``ledger.toml``. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .catalogue import read, records


@dataclass(frozen=True)
class Entry:
    """One claim of a paper."""

    name: str
    claim: str
    source: str
    counts: str  # what counts as reproduced: a number, or where no more can be expected the order
    differs: str  # what is done otherwise than in the paper
    conditions: Mapping[str, Mapping[str, object]]  # label -> the settings in which this condition differs
    shared: Mapping[str, object]  # the settings of all
    does: str = "scores"  # the experiment, one of icon_nb.study.ledger.EXPERIMENTS
    measured: str = "kNN accuracy on held-out points"  # what the values are, in words
    score: str = "knn"  # and which of the scores
    targets: Mapping[str, float] = field(default_factory=dict)  # label -> the published number
    within: float = 0.0  # how far off still counts
    order: tuple[tuple[str | float, str], ...] = ()  # of each pair the first, a label or a number, must be less
    seeds: int = 5  # how many unless told otherwise
    gpu: bool = False  # whether it takes many hours without one


LEDGER: dict[str, Entry] = records(Entry, read("ledger.toml"))
