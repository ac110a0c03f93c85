"""The notebooks as an nbgrader course: exercises and questions graded by the same checks that the notebooks carry.

nbgrader keeps all it knows in the metadata of cells, which are written here as plain JSON, so that nothing needs to be installed.
``python notebooks/student.py FOLDER`` writes ``FOLDER/nbgrader/source/NN_name/NN_name.ipynb``. In that folder
``nbgrader generate_assignment NN_name`` makes the version for students, and ``nbgrader autograde NN_name`` grades what they hand in.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
from build import read

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
NUMBERED = re.compile(r"^(\d)\. (.*?)(?=^\d\. |\Z)", re.MULTILINE | re.DOTALL)


def marked(cell: nbformat.NotebookNode, name: str, points: int | None = None, *, solution: bool) -> nbformat.NotebookNode:
    """A cell with nbgrader's metadata, version 3 of its schema: a solution to write, a locked check, or one graded by hand."""
    graded = points is not None
    kind = {"grade": graded, "solution": solution, "locked": not solution, "task": False}
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, "cell_type": cell.cell_type, **kind}
    if graded:
        cell.metadata["nbgrader"]["points"] = points
    return cell


def parted(source: str) -> tuple[str, str, list[str]]:
    """The solution in a cell, the asserts at its end, and the names that these read from it."""
    lines, tree = source.splitlines(), ast.parse(source).body
    first = next((k for k in range(len(tree)) if all(isinstance(node, ast.Assert) for node in tree[k:])), len(tree))
    start = tree[first].lineno - 1 if first < len(tree) else len(lines)
    made = {node.id for part in tree[:first] for node in ast.walk(part) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    made |= {part.name for part in tree[:first] if isinstance(part, ast.FunctionDef)}
    read_by = [node.id for part in tree[first:] for node in ast.walk(part) if isinstance(node, ast.Name)]
    return "\n".join(lines[:start]).rstrip(), "\n".join(lines[start:]), [name for name in dict.fromkeys(read_by) if name in made]


def exercise(cell: nbformat.NotebookNode, name: str, points: int) -> list[nbformat.NotebookNode]:
    """The cells of an exercise: one to write in, and one that checks it, where the solution ends in asserts."""
    if cell.cell_type == "markdown":
        return [marked(cell, name, points, solution=True)]
    body, checks, names = parted(cell.source)
    said = f"# The check below reads: {', '.join(names)}\n" if names else ""
    write = nbformat.v4.new_code_cell(f"{said}{BEGIN}\n{body or checks}\n{END}")
    if not (body and checks):
        return [marked(write, name, points, solution=True)]
    return [marked(write, name, solution=True), marked(nbformat.v4.new_code_cell(checks), f"{name}-check", points, solution=False)]


def questions(notebook: str, answers: str) -> list[nbformat.NotebookNode]:
    """A cell for the answers to the questions of a notebook, and a check of one point for each."""
    key = {int(number): " ".join(text.split()) for number, text in NUMBERED.findall(answers)}
    written = "\n".join(f"answers[{number}] = {text!r}" for number, text in key.items())
    empty = f"answers = {dict.fromkeys(key, '')}\n{BEGIN}\n{written}\n{END}"
    cells = [marked(nbformat.v4.new_code_cell(empty), "questions", solution=True)]
    for number in key:
        verdict = f'verdict = icon.check("{notebook}", {number}, answers[{number}])\nassert verdict, verdict.says'
        cells.append(marked(nbformat.v4.new_code_cell(verdict), f"question-{number}", 1, solution=False))
    return cells


def graded(source: Path) -> nbformat.NotebookNode:
    """The teacher's version of a notebook: solutions between nbgrader's marks, checks locked, points as many as stars."""
    book, cells, done = read(source), [], 0
    stars = [len(each) for each in re.findall(r"^\d\. (★+)", "\n".join(cell.source for cell in book.cells), re.MULTILINE)]
    for cell in book.cells:
        if "solution" not in cell.metadata.get("tags", []):
            if "icon.check(" not in cell.source:
                cells.append(cell)
        elif "### Answers" in cell.source:
            cells += questions(source.stem[3:], cell.source)
        else:
            done += 1
            cells += exercise(cell, f"exercise-{done}", stars[done - 1])
    for count, cell in enumerate(cells):
        cell.id = f"cell-{count}"
    book.cells = cells
    return book
