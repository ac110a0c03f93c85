"""The house: one room for each word of the sentence, imports that only go down, and no circle between files.

Imports inside functions and under TYPE_CHECKING count as much as those at the top of a file.
"""

import ast
from pathlib import Path

import pytest

from benchmarks import house

DRAWS = {"matplotlib", "imageio", "ipywidgets"}
FILES = house.files_of()
NAMES = {path.relative_to(house.PACKAGE).as_posix(): path for path in FILES}
PICTURES = house.ORDER.index("animation")


def room(path: Path) -> str:
    return path.relative_to(house.PACKAGE).parts[0].removesuffix(".py")


def foreign(path: Path) -> set[str]:
    """First names of the modules of others that a file imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}}


def test_every_room_has_its_place_and_there_are_no_more_than_twelve():
    assert set(house.rooms()) == {house.FACE, *house.ORDER}
    assert len(house.rooms()) <= 12


def test_at_most_eight_floors():
    assert max(house.floors(house.rooms()).values()) <= 8


@pytest.mark.parametrize("name", NAMES)
def test_imports_only_go_down(name):
    if name == "__init__.py":
        assert not FILES[NAMES[name]]
        return
    own = house.ORDER.index(room(NAMES[name]))
    for target in FILES[NAMES[name]]:
        if room(target) != house.FACE:
            assert house.ORDER.index(room(target)) <= own, f"{name} imports {target}, which stands above it"
    assert own >= PICTURES or not foreign(NAMES[name]) & DRAWS, f"{name} draws, which only pictures and the rooms above may"


def test_no_circle_between_files():
    assert not house.circles(FILES)


@pytest.mark.parametrize("name", NAMES)
def test_no_import_of_the_package_by_its_own_name_and_no_path_tricks(name):
    assert "sys.path" not in NAMES[name].read_text()
    assert NAMES[name].stem not in ("utils", "helpers", "common", "misc")
    assert "icon_nb" not in foreign(NAMES[name])


@pytest.mark.parametrize("name", NAMES)
def test_functions_are_short(name):
    for function, length in house.function_lengths(NAMES[name]).items():
        assert length <= 40, f"{name}: {function} has {length} lines"
