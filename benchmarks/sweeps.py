"""Several runs: every method with its animation, sixteen temperatures one by one and as one stack, all against one run."""

from __future__ import annotations

import numpy as np

import icon_nb as icon
from benchmarks.harness import alternate, clock, least_seconds, network_products, report
from icon_nb.training.trainer import Trainer

TARGETS = {
    "full_comparison_s": "at most 12, with every animation and the table",
    "sixteen_over_one_stacked": "at most 4",
    "sixteen_over_one_at_least": "the matrix products of sixteen runs alone",
    "sixteen_over_one_single": "16 would be no gain",
}


def everything() -> None:
    """The recipe with all methods on digits: trained, scored, one animation each, one of all."""
    study = icon.run_recipe("full_comparison", quiet=True)
    for run in study:
        run.animate().to_bytes("gif")
    study._repr_mimebundle_()


def temperatures(together: bool):
    """A sweep over sixteen temperatures."""
    return icon.sweep(icon.Config(quiet=True), temperature=np.geomspace(0.05, 1.0, 16).tolist(), together=together)


def products_of_one_run() -> float:
    """Seconds of the matrix products of one default run alone: what no way of stacking can save."""
    trainer = Trainer(icon.Config().resolve(), icon.data.load("digits"))
    config, rows = trainer.config, trainer.config.batch_size * trainer.config.n_views
    products = [
        *network_products(trainer.model.parameters(), rows),
        (rows, config.embedding_dim, rows),
        (rows, rows, config.embedding_dim),
    ]
    return config.epochs * (len(trainer.dataset) // config.batch_size) * least_seconds(products)


def run(quick: bool = False) -> dict:
    """Measure and report."""
    n = 1 if quick else 3
    stacked = alternate(lambda: temperatures(together=True), lambda: icon.run(quiet=True), n=n)
    single = alternate(lambda: temperatures(together=False), lambda: icon.run(quiet=True), n=n, warm_up=0)
    figures = {
        "one_run_s": stacked["peer"]["median_s"],
        "sixteen_stacked_s": stacked["ours"]["median_s"],
        "sixteen_over_one_stacked": 1 / stacked["ratio"],
        "sixteen_over_one_at_least": "the matrix products of sixteen runs alone",
        "sixteen_over_one_single": 1 / single["ratio"],
        "full_comparison_s": min(clock(everything) for _ in range(n)),
    }
    figures["sixteen_over_one_at_least"] = 16 * products_of_one_run() / figures["one_run_s"]
    report("sweeps", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
