"""Make the notebooks from their sources: NN_name.py -> NN_name.ipynb, executed, cleaned and checked.

``python notebooks/build.py`` makes all of them, ``python notebooks/build.py 00 03`` those whose names begin so. The ``.py`` is the
source: what is edited in an ``.ipynb`` is lost here. A cell keeps its id as long as its text stays the same. After the last cell the
facts of ``facts/NN_name.py`` are checked in the same kernel: they say in code what the text says in words. ``--text`` takes the
outputs of the last build over, for a notebook of which only the text has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
CELL_SECONDS = 300
NOTEBOOK_BYTES = 1024 * 1024
ANIMATION_BYTES = 200 * 1024
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def sources() -> list[Path]:
    """The sources of the notebooks, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def read(source: Path) -> nbformat.NotebookNode:
    """The notebook of a source: no outputs, tags kept, ids that come from the text of the cells."""
    book = jupytext.read(source, fmt="py:percent")
    seen: dict[str, int] = {}
    for cell in book.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    book.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    book.nbformat, book.nbformat_minor = 4, 5
    return book


def facts(source: Path) -> str:
    """What must hold after the last cell of a notebook."""
    return (HERE / "facts" / source.name).read_text(encoding="utf-8")


def execute(book: nbformat.NotebookNode, facts: str) -> nbformat.NotebookNode:
    """Run every cell and then the facts, in the folder of the notebooks, with interrupts and time-outs as errors."""
    os.environ["ICON_NB_STRICT"] = "1"
    book.cells.append(nbformat.v4.new_code_cell(facts))
    resources = {"metadata": {"path": str(HERE)}}
    NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", resources=resources, record_timing=False).execute()
    book.cells.pop()
    return book


def with_outputs_of(book: nbformat.NotebookNode, old: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the outputs of its last build.

    Raises
    ------
    SystemExit
        Code has changed since.
    """
    known = [cell for cell in old.cells if cell.cell_type == "code"]
    fresh = [cell for cell in book.cells if cell.cell_type == "code"]
    if [cell.source for cell in fresh] != [cell.source for cell in known if cell.source in {c.source for c in fresh}]:
        raise SystemExit("a code cell has changed: build the notebook without --text")
    outputs = {cell.source: cell.outputs for cell in known}
    for count, cell in enumerate(fresh, 1):
        cell.outputs, cell.execution_count = outputs[cell.source], count
        for output in (each for each in cell.outputs if "execution_count" in each):
            output.execution_count = count
    return book


def clean(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what cannot be shown on paper: progress bars, widget state, widget views that have a still picture beside them."""
    book.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in book.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_progress(output)]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET_VIEW, None)
    return book


def is_progress(output) -> bool:
    """Whether an output is a progress bar on stderr and nothing else."""
    if output.get("name") != "stderr":
        return False
    lines = [line for line in re.split(r"[\r\n]", output.text) if line.strip()]
    return all(re.search(r"\d+%\|.*\|", line) for line in lines)


def animations(book: nbformat.NotebookNode) -> list[int]:
    """Bytes of every GIF in the outputs."""
    pages = [o.data.get("text/html", "") for cell in book.cells for o in cell.get("outputs", []) if "data" in o]
    return [len(data) * 3 // 4 for page in pages for data in re.findall(r"data:image/gif;base64,([A-Za-z0-9+/=]+)", page)]


def check(book: nbformat.NotebookNode, name: str) -> None:
    """Refuse what a reader would have to load for too long, and whatever was written to stderr."""
    size, large = len(nbformat.writes(book).encode()), [n for n in animations(book) if n > ANIMATION_BYTES]
    if size > NOTEBOOK_BYTES or large:
        raise SystemExit(f"{name}: {size:,} bytes, animations {animations(book)}: at most {NOTEBOOK_BYTES:,}, and {ANIMATION_BYTES:,} each")
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(f"{name}: a cell wrote to stderr:\n{output.text}")


def build(source: Path, text_only: bool = False) -> None:
    """Make one notebook, all of it or nothing."""
    started, book = time.perf_counter(), read(source)
    try:
        if text_only:
            book = with_outputs_of(book, nbformat.read(source.with_suffix(".ipynb"), as_version=4))
        else:
            book = clean(execute(book, facts(source)))
    except Exception:
        for cell in book.cells:  # what was printed on the way helps to see why
            print("".join(output.text for output in cell.get("outputs", []) if output.get("name") == "stdout"), end="")
        raise
    check(book, source.stem)
    nbformat.validate(book)
    text = nbformat.writes(book) + "\n"
    unfinished = source.with_suffix(".ipynb.tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(source.with_suffix(".ipynb"))
    moving = ", ".join(f"{n / 1024:.0f}" for n in animations(book)) or "no"
    print(f"{source.stem}: {len(book.cells)} cells, {len(text) / 1024:.0f} KiB, {moving} KiB of animation, {time.perf_counter() - started:.0f} s")


def main(names: list[str]) -> None:
    """Build the notebooks whose names begin with one of ``names``, all of them when there is none."""
    text_only = "--text" in names
    names = [name for name in names if name != "--text"]
    chosen = [source for source in sources() if not names or source.name.startswith(tuple(names))]
    if not chosen:
        raise SystemExit(f"no notebook begins with {' or '.join(names)}: there are {', '.join(s.stem for s in sources())}")
    for source in chosen:
        build(source, text_only)


if __name__ == "__main__":
    main(sys.argv[1:])
