"""A question asked of the atlas that ships: is some cell without a name better than both its parents?

The parents of a cell are the best named cell with the same p and the best named cell with the same q, each under its best
divergence. Where p of the cell knows no labels, that of its parents knows none either. On every data set the unnamed cell is
chosen that leads both parents by most in the atlas. It is then trained anew, and so are its parents, with seeds that the atlas
never saw. All are scored on training images that these runs did not see, and on which the atlas has no scores. Last, the three
are trained on all of the data, for as many epochs as suit them, with half of these seeds, and scored on the held-out images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import icon_nb as icon
from icon_nb.methods import axes
from icon_nb.methods.catalogue import DATASETS
from icon_nb.methods.periodic import KEY, Atlas
from icon_nb.objective.distances import metric_of
from icon_nb.study.atlas import config_of
from icon_nb.study.ledger import interval

PAGE = Path(__file__).parents[1] / "docs" / "gaps.md"
FRESH = range(100, 110)
"""Chosen before anything was looked at."""
READ = """## How to read it

A lead over the parents is not a lead over everything. A p on eigenvectors has one named cell, spectral clustering, whose clusters
keep little of the neighbours. Where the pixels themselves reach more, the cell has learned nothing that they do not hold. And a
lead in small runs may be gone at full size, where it counts.
"""
POINTS = 1000


def labelled(row: Mapping) -> bool:
    """Whether the p of a cell knows the labels."""
    return "labels" in axes.SUPERVISORY[row["supervisory"]].needs


def parents(row: Mapping, rows: list[Mapping]) -> list[Mapping]:
    """The best named cell of the same p, and that of the same q; fewer than two where there is none."""
    named = [other for other in rows if other["method"] and other["knn"] is not None and labelled(other) == labelled(row)]
    found = [max((o for o in named if o[axis] == row[axis]), key=lambda o: o["knn"], default=None) for axis in axes.SLOTS]
    return [each for each in found if each]


def candidate(rows: list[Mapping]) -> tuple[Mapping, list[Mapping]] | None:
    """The unnamed cell that leads both its parents by most in the atlas, with them; None where none leads both."""
    lead = {}
    for k, row in enumerate(rows):
        if row["method"] is None and row["knn"] is not None and len(parents(row, rows)) == 2:
            lead[k] = row["knn"] - max(parent["knn"] for parent in parents(row, rows))
    best = max(lead, key=lead.get, default=None)
    return None if best is None or lead[best] <= 0 else (rows[best], parents(rows[best], rows))


def accuracy(row: Mapping, about: Mapping, seed: int) -> tuple[float, float]:
    """kNN accuracy of a fresh run on training images that it did not see, and that of their pixels."""
    config = config_of(*(row[name] for name in KEY), about["n_samples"], about["epochs"], seed)
    result, whole = icon.run(config), icon.data.load(row["dataset"])
    seen = {image.tobytes() for image in result.data().x.numpy()}
    rest = [k for k, image in enumerate(whole.x.numpy()) if image.tobytes() not in seen]
    keep = np.random.default_rng(seed).permutation(rest)[:POINTS]
    x, y, knn = whole.x[keep], whole.y[keep], icon.evaluate.knn_accuracy
    return knn(result.embed(x), y, metric=metric_of(config.distance)), knn(whole.flat(x), y, metric="euclidean")


def at_full_size(row: Mapping, seed: int) -> float:
    """kNN accuracy on held-out images after training on all others."""
    n, epochs = len(icon.data.load(row["dataset"])), DATASETS[row["dataset"]].suits.get("epochs", 16)
    return icon.run(config_of(*(row[name] for name in KEY), n, epochs, seed)).scores["knn"]


def name(row: Mapping) -> str:
    """A cell in words."""
    cell = f"`{row['supervisory']}` x `{row['learned']}`, {row['divergence']}"
    return f"{icon.methods.get(row['method']).title} ({cell})" if row["method"] else cell


def section(dataset: str, rows: list[Mapping], about: Mapping, seeds: Sequence[int]) -> str:
    """What the question found on one data set."""
    chosen = candidate(rows)
    if chosen is None:
        return f"## {dataset}\n\nNo cell without a name leads both its parents in the atlas."
    cells = [chosen[0], *chosen[1]]
    found = np.array([[accuracy(cell, about, seed) for seed in seeds] for cell in cells])
    values, pixels = found[:, :, 0], found[0, :, 1]
    full = np.array([[at_full_size(cell, seed) for seed in seeds[: len(seeds) // 2]] for cell in cells])
    lines = ["| cell | in the atlas | fresh | at full size |", "| --- | --- | --- | --- |"]
    for cell, own, large in zip(cells, values, full):
        lines.append(f"| {name(cell)} | {cell['knn']:.3f} | {shown(own)} | {shown(large)} |")
    lines.append(f"| the pixels themselves | | {shown(pixels)} | |")
    return "\n".join([f"## {dataset}", "", *lines, "", f"{led('Fresh', values)} {led('At full size', full)}"])


def shown(values: np.ndarray, sign: str = "") -> str:
    """A mean and half of its interval."""
    mean, half = interval(values)
    return f"{mean:{sign}.3f} ± {half:.3f}"


def led(when: str, values: np.ndarray) -> str:
    """Whether the first leads the other two, seed by seed, in words."""
    leads = [values[0] - other for other in values[1:]]
    holds = all(mean > half for mean, half in map(interval, leads))
    by = f"the parent of the same p by {shown(leads[0], '+')} and that of the same q by {shown(leads[1], '+')}"
    return f"{when}, it leads {by}: over both, the lead {'holds' if holds else 'does not hold'}."


def run(quick: bool = False) -> None:
    """Ask, and write the page; quickly, of one data set, and only say what was found."""
    atlas, seeds = Atlas.shipped(), FRESH[:2] if quick else FRESH
    data = {each: icon.data.load(each) for each in dict.fromkeys(row["dataset"] for row in atlas.rows)}
    asked = [each for each, found in data.items() if found.kind == "images" and found.x_test is not None and found.pair is None]
    parts = [section(each, list(atlas.select(dataset=each).rows), atlas.about, seeds) for each in asked[: 1 if quick else None]]
    size = "{n_samples} samples, {epochs} epochs".format(**atlas.about) + f", seeds {seeds[0]} to {seeds[-1]}."
    size += " ± is half of a 95 % interval. `python -m benchmarks gaps` writes this page."
    about = __doc__.split("\n", 2)[2].strip()
    page = "\n\n".join(["# Is some cell without a name better than both its parents?", about, size, *parts, READ])
    if quick:
        print(page)
    else:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run()
