"""The tables of methods and of all other names in the README: ``python docs/make_tables.py``."""

from __future__ import annotations

import re
from pathlib import Path

from icon_nb.methods import axes
from icon_nb.methods.catalogue import AUGMENTATIONS, BACKBONES, DATASETS, DIVERGENCES, OVERLAYS, PROJECTIONS, SCORES, TRACKERS
from icon_nb.methods.methods import METHODS
from icon_nb.methods.recipes import RECIPES

README = Path(__file__).resolve().parent.parent / "README.md"


def methods() -> str:
    """The table of methods, one line each."""
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


def names() -> str:
    """Everything else that has a name: where it is given or found, and its names, one line for each table."""
    tables = {
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
    lines = ["| where | names |", "| --- | --- |"]
    lines += [f"| {where} | {', '.join(f'`{name}`' for name in rows)} |" for where, rows in tables.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write each table between its marks in the README."""
    text = README.read_text(encoding="utf-8")
    for mark, table in (("methods", methods()), ("names", names())):
        block = f"<!-- {mark} -->\n{table}<!-- /{mark} -->"
        text = re.sub(rf"<!-- {mark} -->.*<!-- /{mark} -->", lambda _, block=block: block, text, flags=re.S)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
