"""A claim: factors, what is measured for every combination of them at every seed, the figures as JSON and as a table."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from itertools import product
from pathlib import Path

FIGURES = Path(__file__).parent / "figures"
SEEDS = (0, 1, 2, 3, 4)
PACKAGES = ("icon_nb", "torch", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Claim:
    """A question, and the experiment that answers it.

    Parameters
    ----------
    name, question : str
    factors : mapping of mappings
        Factor -> level -> the settings that the level brings along. Every combination of levels is one row of the figures.
    measure : callable
        Settings, the seed among them -> name -> number.
    base : mapping
        Settings that all rows share.
    across : str, optional
        The factor whose levels stand side by side in the table; the others stand below one another.
    """

    name: str
    question: str
    factors: Mapping[str, Mapping[str, Mapping]]
    measure: Callable[[dict], Mapping[str, float]]
    base: Mapping[str, object]
    across: str | None = None

    def combinations(self) -> list[tuple[tuple[str, ...], dict]]:
        """The levels of every row, and the settings that they come to."""
        rows = []
        for levels in product(*self.factors.values()):
            settings = dict(self.base)
            for factor, level in zip(self.factors.values(), levels):
                settings.update(factor[level])
            rows.append((levels, settings))
        return rows

    def run(self, seeds: tuple[int, ...] = SEEDS, **changes) -> dict:
        """Measure every combination at every seed."""
        started, rows = time.perf_counter(), []
        for levels, settings in self.combinations():
            measured = [self.measure({**settings, **changes, "seed": seed}) for seed in seeds]
            values = {name: [round(float(one[name]), 4) for one in measured] for name in measured[0]}
            rows.append({"levels": dict(zip(self.factors, levels)), "settings": settings, "values": values})
            print("  " + ", ".join(levels), {name: shown(each) for name, each in values.items()}, flush=True)
        return {
            "claim": self.name,
            "question": self.question,
            "command": f"python -m benchmarks.claims {self.name}",
            "seeds": list(seeds),
            "across": self.across,
            "seconds": round(time.perf_counter() - started),
            "python": platform.python_version(),
            "versions": {name: metadata.version(name) for name in PACKAGES},
            "rows": rows,
        }


def shown(values: list[float]) -> str:
    """Mean and standard deviation, with as many digits as the size of the mean asks for."""
    mean = statistics.fmean(values)
    digits = 2 if abs(mean) < 10 else 1 if abs(mean) < 100 else 0
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean:.{digits}f}{spread}"


def write(figures: Mapping) -> None:
    """Keep the figures of a claim."""
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    (FIGURES / f"{figures['claim']}.json").write_text(text + "\n", encoding="utf-8")


def read(name: str) -> dict:
    """The figures of a claim as they were measured last."""
    return json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))


def values(figures: Mapping, measure: str, **levels) -> list[float]:
    """The values, one a seed, of the only row with these levels."""
    (row,) = (row for row in figures["rows"] if levels.items() <= row["levels"].items())
    return row["values"][measure]


def table(figures: Mapping) -> str:
    """The figures as a table of Markdown: mean and standard deviation over the seeds."""
    rows, across = figures["rows"], figures["across"]
    down = [factor for factor in rows[0]["levels"] if factor != across]
    sides = list(dict.fromkeys(row["levels"].get(across) for row in rows))
    columns = [(measure, side) for measure in rows[0]["values"] for side in sides]
    heads = [*down, *(f"{measure}, {side}" if side else measure for measure, side in columns)]
    cells: dict[tuple, dict] = {}
    for row in rows:
        line = cells.setdefault(tuple(row["levels"][factor] for factor in down), {})
        line.update({(measure, row["levels"].get(across)): shown(each) for measure, each in row["values"].items()})
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join([*key, *(line.get(column, "") for column in columns)]) + " |" for key, line in cells.items()]
    note = f"Mean and standard deviation of {len(figures['seeds'])} seeds, measured with `{figures['command']}`."
    return "\n".join([*lines, "", note])
