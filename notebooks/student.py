"""Copies of the notebooks for students: no outputs, and in the place of every solution a cell to fill in.

``python notebooks/student.py FOLDER`` writes them, and below ``FOLDER/nbgrader`` the same notebooks as a course that nbgrader grades. They
are generated, never edited, so that they cannot drift.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nbformat
from build import HERE, read, sources
from graded import graded

TO_FILL_IN = "# Your solution\n..."


def student_copy(source: Path) -> nbformat.NotebookNode:
    """The notebook of a source without its solutions: a code cell becomes one to fill in, a text cell goes."""
    book = read(source)
    cells = []
    for cell in book.cells:
        if "solution" in cell.metadata.get("tags", []):
            if cell.cell_type == "markdown":
                continue
            cell.source = TO_FILL_IN
        cells.append(cell)
    book.cells = cells
    return book


def main(folder: str) -> None:
    """Write a copy of every notebook."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "glossary.md", target)
    for source in sources():
        nbformat.write(student_copy(source), target / f"{source.stem}.ipynb")
        assignment = target / "nbgrader" / "source" / source.stem
        assignment.mkdir(parents=True, exist_ok=True)
        nbformat.write(graded(source), assignment / f"{source.stem}.ipynb")
    print(f"{len(sources())} notebooks without solutions in {target}, and to be graded in {target / 'nbgrader' / 'source'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/student")
