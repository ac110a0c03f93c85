"""The three ways in which nbval lets a broken notebook pass, closed by notebooks/conftest.py: each is provoked and must fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture
def nbval(tmp_path):
    """Run nbval as `make test` does, over one notebook of the given cells; yields (exit code, what it printed)."""
    for name in ("pytest.ini", "conftest.py"):
        shutil.copy(NOTEBOOKS / name, tmp_path)
    (tmp_path / "facts").mkdir()

    def run(*cells: str, counted: bool = True, outputs=None, seconds: int = 60, facts: str = "") -> tuple[int, str]:
        (tmp_path / "facts" / "a.py").write_text(facts)
        code = [nbformat.v4.new_code_cell(cell, execution_count=k + 1 if counted else None) for k, cell in enumerate(cells)]
        if outputs:
            code[-1].outputs = [nbformat.v4.new_output("execute_result", data, execution_count=len(code)) for data in [outputs]]
            code[-1].metadata["tags"] = ["nbval-check-output"]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel), tmp_path / "a.ipynb")
        options = ["-q", "-c", str(tmp_path / "pytest.ini"), "--nbval-lax", "--nbval-current-env"]
        options.append(f"--nbval-cell-timeout={seconds}")
        environment = {name: value for name, value in os.environ.items() if name != "ICON_NB_STRICT"}
        command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_sound_notebook_passes_and_its_kernel_is_strict(nbval):
    code, words = nbval("x = 1", "import os\nassert os.environ['ICON_NB_STRICT'] == '1'\nassert x == 1")
    assert code == 0, words


def test_a_false_fact_fails(nbval):
    assert nbval("x = 1", "assert x == 2")[0] == 1
    assert nbval("x = 1", facts="assert x == 2")[0] == 1
    assert nbval("x = 1", facts="assert x == 1")[0] == 0


def test_a_cell_that_was_never_run_fails(nbval):
    code, words = nbval("x = 1", counted=False)
    assert code == 1
    assert "make notebooks" in words


def test_a_marked_output_is_compared_and_pictures_are_not(nbval):
    page = {"text/plain": "'a'", "text/html": "<b>old</b>", "image/png": "b2xk"}
    assert nbval("'a'", outputs=page)[0] == 0
    assert nbval("'b'", outputs=page)[0] == 1


def test_a_cell_that_runs_out_of_time_fails_even_if_it_swallows_the_interrupt(nbval):
    slow = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"
    code, words = nbval(slow, "x = 1", seconds=3)
    assert code == 1, words
    assert "not to be trusted" in words
