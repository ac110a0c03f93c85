"""The house: imports at the top of a module only go down, and no folder grows a drawer for everything."""

import ast
from pathlib import Path

import pytest

import icon_nb

PACKAGE = Path(icon_nb.__file__).parent
LAYERS = {
    0: (
        "errors files distances batch contexts perplexity neighbourhoods graphs clusters limits supervisory learned fused "
        "fused_clusters large interpolated divergences"
    ),
    1: (
        "axes components cell methods periodic datasets config resolve recipes objective checks scales arrays stored digests "
        "samples folders own_data pairs sources downloads data transforms augment backbones"
    ),
    2: ("accelerated trajectory evaluate dynamics readings diagnosis initial optimizers model train"),
    3: (
        "probes results verify store lock progress session checkpoints runs estimator comparing comparison holdings processes "
        "studies stacked sweeps watching study table"
    ),
    4: (
        "palette tsne_map neighbour_maps projection captions animation_options selection timeline layout view points canvas "
        "furniture panel overlays painter encode inline animation plots curves sheet page player study_pictures display "
        "live temperature explorer widgets outputs flags commands cli __main__"
    ),
}
LAYER = {name: level for level, names in LAYERS.items() for name in names.split()}
SURFACE = {"matplotlib", "imageio", "ipywidgets", "PIL"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.stem != "__init__")
NAMES = {path.stem for path in MODULES}


def top_level_imports(path):
    """(module of this package or None, first name of a foreign one) for every import that runs when the module is imported."""
    tree = ast.parse(path.read_text())
    guarded = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    for node in [n for n in tree.body if n not in guarded]:
        if isinstance(node, ast.Import):
            yield from ((None, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield None, node.module.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            last = (node.module or "").split(".")[-1]
            names = [last] if last in NAMES else [alias.name for alias in node.names]
            yield from ((name, None) for name in names if name in NAMES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_only_go_down(path):
    assert path.stem in LAYER, f"{path.stem} has no layer yet: give it one in this test"
    for own, foreign in top_level_imports(path):
        if own is not None:
            assert LAYER[own] <= LAYER[path.stem], f"{path.stem} (layer {LAYER[path.stem]}) imports {own} (layer {LAYER[own]})"
        if foreign in SURFACE:
            assert LAYER[path.stem] == 4, f"{path.stem} imports {foreign}, which only the surface may"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_import_of_the_package_by_its_own_name_and_no_path_tricks(path):
    text = path.read_text()
    assert "sys.path" not in text
    assert path.stem not in ("utils", "helpers", "common", "misc")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 40, f"{path.stem}.{node.name} has {length} lines"
