"""The tables of the README that are made from the rows. Loads no torch."""

from __future__ import annotations

from . import axes
from .catalogue import AUGMENTATIONS, BACKBONES, DATASETS, DIVERGENCES, OVERLAYS, PROJECTIONS, SCORES, TRACKERS
from .methods import METHODS
from .recipes import RECIPES

NAMED = {
    "`supervisory`: p": axes.SUPERVISORY,
    "`learned`: q": axes.LEARNED,
    "`divergence`": DIVERGENCES,
    "`dataset`": DATASETS,
    "`augment`: parts": AUGMENTATIONS,
    "`backbone`": BACKBONES,
    "`gif_method`, `projection=`": PROJECTIONS,
    "`gif_overlay`, `overlay=`": OVERLAYS,
    "`results.scores`": SCORES,
    "`log_to`": TRACKERS,
    "`--recipe`, `icon.run_recipe`": RECIPES,
}
"""Where names are given or found, and the table of the names."""


def methods_markdown() -> str:
    """The table of methods in the README, one line each."""
    head = ["method", "p", "q", "candidates", "minimised", "backbone", "equal to", "paper", "notebook"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for method in METHODS.values():
        paper = "composed here" if method.paper is None else f"{method.paper.authors} {method.paper.year}"
        if method.paper and method.paper.arxiv:
            paper = f"[{paper}](https://arxiv.org/abs/{method.paper.arxiv})"
        name = f"`{method.name}`" + (" (gap)" if method.gap else "")
        notebook = f"[{method.notebook[:2]}](notebooks/{method.notebook}.ipynb)"
        about = [method.p.title, method.q.title, method.candidates, method.direction, method.backbone, method.oracle]
        cells = [name, *about, paper, notebook]
        lines.append("| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def names_markdown() -> str:
    """Everything else that has a name: one line for each table."""
    lines = ["| where | names |", "| --- | --- |"]
    lines += [f"| {where} | {', '.join(f'`{name}`' for name in rows)} |" for where, rows in NAMED.items()]
    return "\n".join(lines) + "\n"
