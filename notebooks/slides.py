"""One deck of slides a notebook, from its executed form: ``python notebooks/slides.py FOLDER``.

A cell that begins with a heading begins a slide, code and what follows it appear below, and set-up, solutions and answers are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from build import sources
from nbconvert import SlidesExporter

LEFT_OUT = {"badge", "setup", "solution"}


def deck(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with a slide type on every cell."""
    for cell in book.cells:
        if LEFT_OUT & set(cell.metadata.get("tags", [])):
            kind = "skip"
        elif cell.cell_type == "markdown" and cell.source.startswith("#"):
            kind = "slide"
        else:
            kind = "subslide" if cell.cell_type == "code" else "fragment"
        cell.metadata["slideshow"] = {"slide_type": kind}
    return book


def main(folder: str) -> None:
    """Write a page of slides for every notebook."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    exporter = SlidesExporter(reveal_scroll=True)
    for source in sources():
        book = deck(nbformat.read(source.with_suffix(".ipynb"), as_version=4))
        page, _ = exporter.from_notebook_node(book)
        (target / f"{source.stem}.slides.html").write_text(page, encoding="utf-8")
    print(f"{len(sources())} decks in {target}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/slides")
