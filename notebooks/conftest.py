"""nbval as these notebooks need it: what is compared, and three ways in which a notebook must not pass.

A cell that was never executed is never compared; a cell that ran out of time passes where its code swallows the interrupt, and
the cells after it are then expected failures. All of these are failures here. After the last cell of a notebook its facts are
checked, in the same kernel.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest

os.environ["ICON_NB_STRICT"] = "1"  # the kernel inherits it: an interrupt is raised, not turned into a partial result

SHOWN = ("text/html", "image/gif", "image/png", "image/jpeg", "stderr", "application/vnd.jupyter.widget-view+json")


def pytest_collectstart(collector):
    """Compare ``text/plain`` and stdout; pictures and pages are looked at elsewhere."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += SHOWN
        collect = collector.collect
        collector.collect = lambda: [*(cells := list(collect())), facts(collector, cells[-1])]


def facts(notebook, last):
    """The facts of a notebook as one more cell, which is no part of the file."""
    path = Path(notebook.path)
    source = (path.parent / "facts" / f"{path.stem}.py").read_text(encoding="utf-8")
    cell = nbformat.v4.new_code_cell(source, execution_count=last.cell_num + 2)
    return type(last).from_parent(notebook, name="facts", cell_num=last.cell_num + 1, cell=cell, options=defaultdict(bool))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    cell = getattr(item, "cell", None)
    if cell is not None and cell.execution_count is None:
        pytest.fail("this cell was committed without having been executed: run `make notebooks`", pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Expected failures are failures: nbval marks so every cell after one that ran out of time."""
    outcome = yield
    report = outcome.get_result()
    if hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"not to be trusted after an earlier cell: {report.wasxfail}"
        del report.wasxfail
