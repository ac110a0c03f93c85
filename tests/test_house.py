"""The figures of the house are right on a small package made for the purpose."""

import pytest

from benchmarks.house import arrows_up, circles, files_of, floors, function_lengths, imports_of, order_of, rooms

FILES = {
    "__init__.py": "from .ground import one\n\ndef __getattr__(name):\n    from . import top\n",
    "ground.py": "import json\n\none = 1\n",
    "middle/__init__.py": "from .left import two\n",
    "middle/left.py": "from .. import ground\nfrom . import right\n",
    "middle/right.py": "def f():\n    from .left import two\n    from house_under_test.ground import one\n",
    "top.py": "import typing\nfrom .middle import two, right\nif typing.TYPE_CHECKING:\n    from .ground import one\n",
    "wing/__init__.py": "",
    "wing/deep.py": "from ..middle.left import two as three\nimport house_under_test.top\n",
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "house_under_test" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "house_under_test"


@pytest.mark.parametrize(
    ("name", "imported"),
    [
        ("__init__.py", {"ground.py"}),
        ("ground.py", set()),
        ("middle/__init__.py", {"middle/left.py"}),
        ("middle/left.py", {"ground.py", "middle/right.py"}),
        ("middle/right.py", {"middle/left.py", "ground.py"}),
        ("top.py", {"middle/__init__.py", "middle/right.py", "ground.py"}),
        ("wing/deep.py", {"middle/left.py", "top.py"}),
    ],
)
def test_every_import_finds_its_file(package, name, imported):
    assert imports_of(package / name) == {package / each for each in imported}


def test_rooms_floors_and_circles(package):
    graph = rooms(package)
    assert graph == {
        "__init__": {"ground"},
        "ground": set(),
        "middle": {"ground"},
        "top": {"middle", "ground"},
        "wing": {"middle", "top"},
    }
    assert floors(graph) == {"ground": 1, "__init__": 2, "middle": 2, "top": 3, "wing": 4}
    assert circles(graph) == []
    assert circles(files_of(package)) == [{package / "middle" / "left.py", package / "middle" / "right.py"}]


def test_arrows_up_are_those_against_the_declared_order_and_else_as_few_as_a_circle_leaves():
    declared = {"errors": {"data"}, "data": {"errors"}, "study": {"data"}}
    assert arrows_up(declared, order_of(declared)) == [("errors", "data")]
    strange = {"attic": {"cellar", "stairs"}, "cellar": {"attic", "stairs"}, "stairs": set(), "roof": {"attic"}}
    assert len(arrows_up(strange, order_of(strange))) == 1
    assert floors(strange) == {"stairs": 1, "attic": 2, "cellar": 2, "roof": 3}


def test_a_docstring_does_not_make_a_function_long(tmp_path):
    path = tmp_path / "f.py"
    path.write_text('def f():\n    """Two\n    lines."""\n    a = 1\n\n    return a\n\n\ndef g():\n    """Nothing else."""\n')
    assert function_lengths(path) == {"f:1": 3, "g:9": 0}
