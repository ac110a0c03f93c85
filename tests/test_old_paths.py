"""The module paths of version 0.1.0 lead to the same modules as the new ones."""

import subprocess
import sys
from importlib import import_module

import pytest

import icon_nb


@pytest.mark.parametrize(("old", "new"), icon_nb._MOVED.items(), ids=str)
def test_an_old_path_is_the_same_module(old, new):
    assert import_module(f"icon_nb.{old}") is import_module(f"icon_nb.{new}")
    assert import_module(f"icon_nb.{new}").__spec__.name == f"icon_nb.{new}"


def test_old_paths_work_in_a_fresh_process_in_any_form():
    code = (
        "from icon_nb.trajectory import Recorder, Trajectory\n"
        "from icon_nb.saving import store\n"
        "import icon_nb.training.model, icon_nb.evaluate, icon_nb\n"
        "from icon_nb.animation import animate, side_by_side\n"
        "from icon_nb.supervisory import Batch, PositivePairs\n"
        "from icon_nb.learned import Gaussian\n"
        "from icon_nb.data import Dataset, load\n"
        "from icon_nb.objective import Objective, build_objective\n"
        "from icon_nb.methods import METHODS, table\n"
        "assert icon_nb.widgets.temperature_study and icon_nb.evaluate.evaluate\n"
        "assert store.load is icon_nb.load and store.load_run\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_path_that_never_was_is_an_import_error():
    with pytest.raises(ModuleNotFoundError, match=r"icon_nb\.saving\.nowhere"):
        import_module("icon_nb.saving.nowhere")
    with pytest.raises(AttributeError, match="nowhere"):
        icon_nb.nowhere  # noqa: B018
