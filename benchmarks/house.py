"""The figures of the house, read from the source alone: rooms, floors, arrows up, circles, and how long files and functions are.

A room is a file or a folder at the top of the package. An arrow leads from a room to every other room that it imports, whether at
the top of a file, inside a function, or for the type checker. ``--against DIR`` sets the figures of another checkout beside.
"""

from __future__ import annotations

import argparse
import ast
import statistics
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path

from benchmarks.harness import report

PACKAGE = Path(__file__).parents[1] / "icon_nb"
FACE = "__init__"
ORDER = (
    *("errors", "files", "methods", "objective", "data", "training", "evaluation", "animation", "study", "interfaces"),
    "__main__",
)
TARGETS = {
    "rooms": "at most 12",
    "floors": "at most 8",
    "arrows_up": "none",
    "rooms_in_circles": "none; those of one circle share one floor",
    "circles_of_files": "none",
    "lines": "at most 14,500",
    "function_median": "4",
    "function_p90": "12",
    "function_max": "29",
}
Graph = Mapping[Hashable, set]


def imports_of(path: Path) -> set[Path]:
    """The files of the package that a file imports; the face loads its names lazily, so only what it imports at once counts."""
    top = path.parent
    while (top.parent / "__init__.py").exists():
        top = top.parent
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if path == top / "__init__.py" else ast.walk(tree)
    return {found for node in nodes for found in _files(node, path, top)} - {path}


def _files(node: ast.AST, path: Path, top: Path) -> Iterator[Path]:
    """The files that one statement imports: a name may be a module of a folder, or a part of the folder's own file."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from filter(None, [_file(top.parent.joinpath(*alias.name.split(".")), top)])
    elif isinstance(node, ast.ImportFrom):
        start = path.parents[node.level - 1] if node.level else top.parent
        base = start.joinpath(*(node.module or "").split("."))
        for alias in node.names:
            yield from filter(None, [_file(base / alias.name, top) or _file(base, top)])


def _file(module: Path, top: Path) -> Path | None:
    """The file that holds a module of the package; None where there is no such module."""
    if top not in (module, *module.parents):
        return None
    return next((file for file in (module.with_name(f"{module.name}.py"), module / "__init__.py") if file.exists()), None)


def files_of(package: Path = PACKAGE) -> dict[Path, set[Path]]:
    """Every file of the package, with the files that it imports."""
    return {path: imports_of(path) for path in sorted(package.rglob("*.py"))}


def rooms(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Every room, with the other rooms that its files import."""
    found: dict[str, set[str]] = {}
    for path, imported in files_of(package).items():
        room = _room(path, package)
        found.setdefault(room, set()).update({_room(other, package) for other in imported} - {room})
    return found


def _room(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def groups(graph: Graph) -> list[set]:
    """What hangs together in circles, mostly one each; a group stands after all that it imports."""
    down = {node: _reached(graph, node) for node in graph}
    found = {frozenset(other for other in down[node] if node in down[other]): len(down[node]) for node in graph}
    return [set(group) for group in sorted(found, key=found.get)]


def _reached(graph: Graph, node: Hashable) -> set:
    """A node, with all that it imports, directly or by way of others."""
    seen, ahead = {node}, [node]
    while ahead:
        new = graph[ahead.pop()] - seen
        seen |= new
        ahead += new
    return seen


def circles(graph: Graph) -> list[set]:
    """Groups of two and more files or rooms that import one another, directly or by way of others."""
    return [group for group in groups(graph) if len(group) > 1]


def floors(graph: Graph) -> dict[Hashable, int]:
    """The floor of every room, one above the highest that it imports; those of a circle share one. The ground is 1."""
    floor: dict[Hashable, int] = {}
    for group in groups(graph):
        below = {floor[other] for node in group for other in graph[node] - group}
        floor.update(dict.fromkeys(group, 1 + max(below, default=0)))
    return floor


def order_of(graph: Graph) -> list:
    """The rooms from the ground up: as declared; where there are others, each is moved as long as fewer arrows run up."""
    if set(graph) <= {FACE, *ORDER}:
        return [room for room in (FACE, *ORDER) if room in graph]
    order = [room for group in groups(graph) for room in sorted(group)]
    while True:
        before = len(arrows_up(graph, order))
        for room in list(order):
            rest = [other for other in order if other != room]
            order = min(([*rest[:k], room, *rest[k:]] for k in range(len(order))), key=lambda o: len(arrows_up(graph, o)))
        if len(arrows_up(graph, order)) == before:
            return order


def arrows_up(graph: Graph, order: list) -> list[tuple]:
    """Every room with a room above it that it imports."""
    at = {room: k for k, room in enumerate(order)}
    return [(room, other) for room in order for other in sorted(graph[room]) if at[other] > at[room]]


def function_lengths(path: Path) -> dict[str, int]:
    """Lines of the body of every function of a file, by name and line; the docstring is left out."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[ast.get_docstring(node) is not None :]
            found[f"{node.name}:{node.lineno}"] = body[-1].end_lineno - body[0].lineno + 1 if body else 0
    return found


def figures_of(package: Path = PACKAGE) -> dict[str, object]:
    """All figures of a package."""
    graph, files = rooms(package), files_of(package)
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    lengths = sorted(length for path in files for length in function_lengths(path).values())
    largest = max(lines, key=lines.get)
    return {
        "rooms": len(graph),
        "floors": max(floors(graph).values()),
        "arrows_up": len(arrows_up(graph, order_of(graph))),
        "rooms_in_circles": sum(map(len, circles(graph))),
        "circles_of_files": len(circles(files)),
        "files_in_circles": sum(map(len, circles(files))),
        "files": len(files),
        "lines": sum(lines.values()),
        "largest_file": lines[largest],
        "largest_file_is": largest.relative_to(package).as_posix(),
        "function_median": statistics.median(lengths),
        "function_p90": lengths[int(0.9 * len(lengths))],
        "function_max": lengths[-1],
    }


def run(quick: bool = False, against: Path | None = None) -> dict:
    """Count and report; with ``against``, the figures of another checkout stand beside, in the place of the targets."""
    figures = figures_of()
    beside = TARGETS if against is None else {name: str(value) for name, value in figures_of(against / "icon_nb").items()}
    report("house", figures, beside)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout, whose figures stand beside")
    run(against=parser.parse_args().against)
