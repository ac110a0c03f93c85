"""Several runs: every method with its animation, and sixteen temperatures against one run."""

from __future__ import annotations

import numpy as np

import icon_nb as icon
from benchmarks.harness import alternate, clock, report

TARGETS = {
    "full_comparison_s": "at most 12, with every animation and the table",
    "sixteen_over_one": "at most 16.5: a sweep costs no more than its runs",
}


def everything() -> None:
    """The recipe with all methods on digits: trained, scored, one animation each, one of all."""
    study = icon.run_recipe("full_comparison", quiet=True)
    for run in study:
        run.animate().to_bytes("gif")
    study._repr_mimebundle_()


def temperatures():
    """A sweep over sixteen temperatures."""
    return icon.sweep(icon.Config(quiet=True), temperature=np.geomspace(0.05, 1.0, 16).tolist())


def run(quick: bool = False) -> dict:
    """Measure and report."""
    n = 1 if quick else 3
    sixteen = alternate(temperatures, lambda: icon.run(quiet=True), n=n)
    figures = {
        "one_run_s": sixteen["peer"]["median_s"],
        "sixteen_s": sixteen["ours"]["median_s"],
        "sixteen_over_one": 1 / sixteen["ratio"],
        "full_comparison_s": min(clock(everything) for _ in range(n)),
    }
    report("sweeps", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
