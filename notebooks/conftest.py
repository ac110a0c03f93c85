"""nbval as these notebooks need it: what is compared, and three ways in which a notebook must not pass.

A cell that was never executed is never compared; a cell that ran out of time passes where its code swallows the interrupt, and
the cells after it are then expected failures. All of these are failures here.
"""

from __future__ import annotations

import os

import pytest

os.environ["ICON_NB_STRICT"] = "1"  # the kernel inherits it: an interrupt is raised, not turned into a partial result

SHOWN = ("text/html", "image/gif", "image/png", "image/jpeg", "stderr", "application/vnd.jupyter.widget-view+json")


def pytest_collectstart(collector):
    """Compare ``text/plain`` and stdout; pictures and pages are looked at elsewhere."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += SHOWN


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
