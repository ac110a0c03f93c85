"""One deck of slides a notebook, from its executed form: ``python notebooks/slides.py FOLDER``.

Every heading begins a slide. Code with its output, and prose longer than a few lines, stand on slides of their own below it, so that
nothing ends under the edge; short prose appears below what it speaks about. Set-up, solutions and answers are left out.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from build import sources
from nbconvert import SlidesExporter

LEFT_OUT = {"badge", "setup", "solution"}
SHORT = 350
"""Characters of prose that find room below a picture."""
LOOKS = """<style>
.reveal .highlight pre, .reveal .jp-OutputArea-output pre {white-space: pre-wrap; font-size: 17px; line-height: 1.3}
.reveal .jp-RenderedHTMLCommon {font-size: 24px} .reveal .jp-RenderedHTMLCommon table {font-size: 17px}
</style>"""


def at_headings(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """A cell of text as one cell for every heading in it."""
    if cell.cell_type != "markdown":
        return [cell]
    texts = [text for text in re.split(r"^(?=#+ )", cell.source, flags=re.MULTILINE) if text.strip()]
    return [nbformat.v4.new_markdown_cell(text, metadata=dict(cell.metadata)) for text in texts]


def kind_of(cell: nbformat.NotebookNode) -> str:
    """The type of slide that a cell becomes."""
    if LEFT_OUT & set(cell.metadata.get("tags", [])):
        return "skip"
    if cell.cell_type == "code":
        return "subslide"
    short = len(cell.source) <= SHORT and "|---" not in cell.source
    return "slide" if cell.source.startswith("#") else "fragment" if short else "subslide"


def deck(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with a slide type on every cell."""
    book.cells = [part for cell in book.cells for part in at_headings(cell)]
    for cell in book.cells:
        cell.metadata["slideshow"] = {"slide_type": kind_of(cell)}
    return book


def main(folder: str) -> None:
    """Write a page of slides for every notebook."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    exporter = SlidesExporter(reveal_scroll=True, reveal_width="1280", reveal_height="760")
    for source in sources():
        book = deck(nbformat.read(source.with_suffix(".ipynb"), as_version=4))
        page, _ = exporter.from_notebook_node(book)
        (target / f"{source.stem}.slides.html").write_text(page.replace("</head>", f"{LOOKS}</head>", 1), encoding="utf-8")
    print(f"{len(sources())} decks in {target}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/slides")
