"""The package as others get it: its names for editors, its notebooks, and what the index shows."""

import ast
import json
import re
import runpy
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest

import icon_nb
from icon_nb.errors import nearest, printable, shown
from icon_nb.files import place
from icon_nb.interfaces.cli import main

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
BUILDING = runpy.run_path(str(ROOT / "setup.py"), run_name="building")
STUB = ast.parse((ROOT / "icon_nb" / "__init__.pyi").read_text(encoding="utf-8"))


def test_the_stub_names_what_the_package_loads():
    imports = [node for node in STUB.body if isinstance(node, ast.ImportFrom)]
    named = {alias.asname for node in imports for alias in node.names} | {"__version__"}
    listed = next(ast.literal_eval(node.value) for node in STUB.body if isinstance(node, ast.Assign))
    assert named == set(listed) == set(icon_nb.__all__) == set(dir(icon_nb))
    for node in imports:
        for alias in node.names:
            module = import_module(f"icon_nb.{node.module}" if node.module else "icon_nb")
            found = getattr(module, alias.name, None) or import_module(f"{module.__name__}.{alias.name}")
            assert found is getattr(icon_nb, alias.asname), alias.asname


def test_one_version_everywhere():
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert icon_nb.__version__ == PROJECT["project"]["version"] == re.search(r"^version: (.*)$", cff, re.M)[1]


@pytest.mark.parametrize("address", [None, "https://example.org/us/icon_nb"])
def test_links_of_the_index_page_lead_somewhere(address):
    page = BUILDING["description"](README, address, "1.2")
    left = re.findall(r"\]\(([^)\s]+)\)", page)
    assert left
    assert all(target.startswith(("http", "#")) for target in left)
    assert ("https://example.org/us/icon_nb/raw/v1.2/docs/first_minute.gif" in page) == (address is not None)
    assert ("https://example.org/us/icon_nb/blob/v1.2/CONTRIBUTING.md" in page) == (address is not None)
    assert page.count("\n|") == README.count("\n|")  # the tables keep their rows


def test_the_sdist_is_asked_to_hold_what_the_tests_read():
    """Every file under version control is in the package, or named in MANIFEST.in."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a checkout, so there is no list of files to compare with")
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    grafted = re.findall(r"^graft (\S+)", manifest, re.M)
    included = re.search(r"^include (.*)$", manifest, re.M)[1].split() + ["pyproject.toml", "setup.py", "LICENSE", "MANIFEST.in"]
    for name in listed.stdout.splitlines():
        top, _, below = name.partition("/")
        if top not in ("icon_nb", *grafted):
            assert not below, name
            assert any(fnmatch(name, pattern) for pattern in included), name


def test_the_notebooks_are_copied_and_what_is_there_is_kept(tmp_path, capsys):
    target = tmp_path / "course" / "books"
    assert main(["notebooks", str(target)]) == 0
    copied = sorted(target.glob("*.ipynb"))
    assert [path.name for path in copied] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert (target / "glossary.md").read_bytes() == (ROOT / "notebooks" / "glossary.md").read_bytes()
    copied[0].write_text("mine")
    copied[1].unlink()
    assert main(["notebooks", str(target)]) == 0
    assert f"1 notebooks copied to {target}; {len(copied) - 1} were there already" in capsys.readouterr().out
    assert copied[0].read_text() == "mine"
    assert json.loads(copied[1].read_text())["cells"]
    with pytest.raises(SystemExit):
        main(["notebooks", str(copied[0])])


def test_importing_the_package_loads_no_torch():
    code = "import icon_nb, sys; icon_nb.Config(); dir(icon_nb); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_first_picture_does_not_load_the_compiler_of_torch():
    code = "import icon_nb, sys; icon_nb.run(dataset='digits', epochs=1, quiet=True)._repr_mimebundle_()"
    loaded = "assert 'torch' in sys.modules and not {'torch._dynamo', 'sympy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}; {loaded}"], check=True)


def test_a_recorder_shows_itself_without_torch(tmp_path):
    code = """
import sys
sys.modules["torch"] = sys.modules["torchvision"] = None  # as where they are not installed
import numpy as np, icon_nb as icon
recorder = icon.Recorder(labels=np.arange(300) % 3)
for epoch in range(3):
    recorder.record(np.random.default_rng(epoch).normal(size=(300, 8)), loss=1 / (epoch + 1))
animation = recorder.animate()
animation.save("moves.gif")
recorder.animate(projection="pca3", overlay="curves+centroids+trails").save("more.gif")
recorder.player().save("page.html")
assert "text/html" in recorder._repr_mimebundle_()
assert animation.projections[0].kind == "pca"
try:
    recorder.animate(projection="tsne").save("tsne.gif")
except icon.IconError as error:
    assert "needs torch" in str(error), error
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"moves.gif", "more.gif", "page.html"}


def test_values_names_and_paths_in_a_message():
    assert shown("a" * 200).endswith("aaaaa...")
    assert printable("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert nearest("simclir", ["simclr", "sne"]) == "did you mean 'simclr'?"
    assert nearest("zz", ["simclr", "sne"]) == "choose one of: simclr, sne"
    assert place("~/runs").is_absolute()
