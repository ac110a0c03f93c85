"""Several runs: every method with its animation, and sixteen temperatures against one run."""

from __future__ import annotations

import numpy as np

import icon_nb as icon
from benchmarks.harness import alternate, clock, report, summary

TARGETS = {
    "full_comparison_s": "at most 12, with every animation and the table",
    "sixteen_over_one": "at most 16.5: a sweep costs no more than its runs",
    "sixteen_on_two_over_one": "at most 8.5: on two processes, which import torch first",
}


def everything() -> None:
    """The recipe with all methods on digits: trained, scored, one animation each, one of all."""
    study = icon.run_recipe("full_comparison", quiet=True)
    for run in study:
        run.animate().to_bytes("gif")
    study._repr_mimebundle_()


def temperatures(workers: int | None = None):
    """A sweep over sixteen temperatures, here or in so many processes."""
    return icon.sweep(icon.Config(quiet=True), temperature=np.geomspace(0.05, 1.0, 16).tolist(), workers=workers)


def run(quick: bool = False) -> dict:
    """Measure and report."""
    n = 1 if quick else 3
    sixteen = alternate(temperatures, lambda: icon.run(quiet=True), n=n)
    on_two = alternate(lambda: temperatures(2), lambda: icon.run(quiet=True), n=n, warm_up=0)
    figures = {
        "one_run_beside_sixteen": sixteen,
        "one_run_beside_sixteen_on_two": on_two,
        "sixteen_over_one": 1 / sixteen["ratio"],
        "sixteen_on_two_over_one": 1 / on_two["ratio"],
        "full_comparison": (comparison := summary([clock(everything) for _ in range(n)])),
        "full_comparison_s": comparison["median_s"],
    }
    report("sweeps", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
