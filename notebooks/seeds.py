"""The facts of the notebooks at other seeds: ``python notebooks/seeds.py 1 2 3 4``, or of some notebooks, ``... 1 --only 03 12``.

A fact that holds at one seed only is no fact. Each notebook is run with another default seed of ``Config``, and other
seeds of the random numbers that it draws itself. Nothing is drawn and nothing is written. Every assert that fails is named.
"""

from __future__ import annotations

import argparse
import ast
import textwrap
import time
from pathlib import Path

import nbformat
from build import CELL_SECONDS, HERE, facts, read, sources
from nbclient import NotebookClient

PRELUDE = """
import sys
import numpy, torch
import icon_nb
get_ipython().ast_node_interactivity = "none"  # pictures are not asked for
_init = icon_nb.Config.__init__.__wrapped__
_names = _init.__code__.co_varnames[1 : _init.__code__.co_argcount]
icon_nb.methods.config.DEFAULTS["seed"] = {seed}  # or a seed of 0 that a notebook asks for would count as left open
_init.__defaults__ = tuple({seed} if name == "seed" else value for name, value in zip(_names, _init.__defaults__, strict=True))
def _other(draw):  # where the notebook itself asks, and not a package
    def shifted(*args):
        own = sys._getframe(1).f_globals["__name__"] == "__main__"
        return draw(*(each + 1000 * {seed} if own and isinstance(each, int) else each for each in args))
    return shifted
class _Generator(torch.Generator):
    manual_seed = _other(torch.Generator.manual_seed)
torch.Generator, torch.manual_seed, numpy.random.default_rng = _Generator, _other(torch.manual_seed), _other(numpy.random.default_rng)
"""
"""What runs before the first cell."""


def guarded(source: str) -> str:
    """A source whose asserts print themselves where they fail, and let the rest go on."""
    parts = []
    for node in ast.parse(source).body:
        code = ast.unparse(node)
        if any(isinstance(part, ast.Assert) for part in ast.walk(node)) and not isinstance(node, ast.FunctionDef):
            said = ast.unparse(node.test) if isinstance(node, ast.Assert) else code.partition("\n")[0]
            code = f"try:\n{textwrap.indent(code, '    ')}\nexcept AssertionError:\n    print('FAILS', {said!r})"
        parts.append(code)
    return "\n".join(parts)


def failures(source: Path, seed: int) -> list[str]:
    """The facts of a notebook that do not hold at a seed."""
    book = read(source)
    cells = [cell.source for cell in book.cells if cell.cell_type == "code"]
    made = [PRELUDE.format(seed=seed), *(guarded(cell) if "assert" in cell else cell for cell in cells), guarded(facts(source))]
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in made]
    NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}).execute()
    said = [output.text for cell in book.cells for output in cell.outputs if output.get("name") == "stdout"]
    return [line.removeprefix("FAILS ") for text in said for line in text.splitlines() if line.startswith("FAILS ")]


def main() -> int:
    """Say which facts fail where; the exit code is 1 if any does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument("--only", nargs="+", default=[""], metavar="NN")
    asked, bad = parser.parse_args(), 0
    for source in (each for each in sources() if each.name.startswith(tuple(asked.only))):
        for seed in asked.seeds:
            started, found = time.perf_counter(), failures(source, seed)
            bad += len(found)
            took = f"{time.perf_counter() - started:.0f} s"
            print(f"{source.stem}, seed {seed}: {len(found)} facts fail, {took}", *(f"    {each}" for each in found), sep="\n", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
