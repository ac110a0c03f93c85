"""t-SNE: KL and time on digits against scikit-learn, of many points against openTSNE; and one step at growing numbers of points.

``python -m benchmarks.layouts --data_dir FOLDER --points 60000`` maps so many images of MNIST, or random images of the same
shape where the files are not there. All KL values are recomputed exactly, from the same p, so that approximations are not taken
at their word. On digits ours starts where scikit-learn's does: from the principal components, scaled to 1e-4.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import torch

import icon_nb as icon
from benchmarks.harness import alternate, clock, least_seconds, report
from benchmarks.training import mnist
from icon_nb.data import Dataset
from icon_nb.objective import build_objective
from icon_nb.objective.closed_forms import fuse, neighbour_edges, sparse_kl
from icon_nb.objective.component import Target
from icon_nb.objective.supervisory import Batch
from icon_nb.training.trainer import Trainer

TARGETS = {
    "kl_over_exact": "at most 1.02",
    "exaggerated_kl_over_exact": "at most 1.005: exaggeration=4, epochs=500",
    "times_exact": "at least 5 times faster than scikit-learn's exact",
    "kl_over_barnes_hut": "below 1",
    "times_barnes_hut": "at least 1",
    "kl_over_open_tsne": "at most 1.01, from the same p",
    "times_open_tsne": "at least 1, in processor time, frames recorded on the way",
    "share_of_limit": "p read, and one (n, n) matrix written and read, a step",
}


def exact_kl(z: np.ndarray, x: torch.Tensor) -> float:
    """The published cost of a layout, in float64."""
    objective = build_objective(icon.Config(method="tsne", precision="float64").resolve())
    p = objective.supervisory(Batch(torch.arange(len(x)), x.double(), dtype=torch.float64))
    return fuse(objective.learned)(Target(p), torch.from_numpy(np.array(z)).double()).item()


def layouts(x: np.ndarray, quick: bool) -> dict:
    """KL and seconds of ours, exact and Barnes-Hut on the same points."""
    from sklearn.manifold import TSNE

    kept, data, config = {}, Dataset("digits", torch.from_numpy(x)), icon.Config(method="tsne", record_every=10_000, quiet=True)

    def ours():
        kept["ours"] = icon.run(config, data=data).embeddings

    def sklearns(method):
        def fit():
            kept[method] = TSNE(method=method, init="pca", random_state=0).fit_transform(x)

        return fit

    n = 1 if quick else 3
    timed = {method: alternate(ours, sklearns(method), n=n, warm_up=0 if quick else 1) for method in ("exact", "barnes_hut")}
    longer = clock(lambda: kept.update(exaggerated=icon.run(config.replace(exaggeration=4, epochs=500), data=data).embeddings))
    kl = {name: exact_kl(z, torch.from_numpy(x)) for name, z in kept.items()}
    figures = {f"kl_{name}": value for name, value in kl.items()}
    for method in timed:
        figures |= {f"kl_over_{method}": kl["ours"] / kl[method], f"times_{method}": timed[method]["ratio"]}
        figures[f"{method}_over_ours"] = timed[method]
    passes = icon.Config(method="tsne").resolve().epochs * least_seconds([], 3 * len(x) ** 2)
    figures["share_of_limit"] = passes / timed["exact"]["ours"]["median_s"]
    figures["exaggerated_kl_over_exact"] = kl["exaggerated"] / kl["exact"]
    return figures | {"exaggerated_s": longer}


def many_points(x: torch.Tensor, epochs: int | None, device: str = "cpu") -> dict:
    """KL and seconds, of the clock and of the processor, of ours on a device and of openTSNE's defaults, on the same x (n, d)."""
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN

    PerplexityBasedNN(x[:100].numpy(), 5)  # what openTSNE imports when it is first used counts on neither side
    given = {} if epochs is None else {"epochs": epochs}
    lengths = {} if epochs is None else {"early_exaggeration_iter": epochs // 3, "n_iter": epochs - epochs // 3}
    config = icon.Config(method="tsne", device=device, max_points=len(x), quiet=True, **given)
    runs = {
        "ours": lambda: icon.run(config, data=Dataset("many points", x)).embeddings,
        "open_tsne": lambda: TSNE(n_jobs=torch.get_num_threads(), random_state=0, **lengths).fit(x.numpy()),
    }
    edges, figures = neighbour_edges(x, 30.0, joint=True), {"many_points": len(x), "threads": torch.get_num_threads()}
    kernel = fuse(build_objective(config.resolve()).learned)
    for name, run in runs.items():
        began, worked = time.perf_counter(), time.process_time()
        z = np.array(run())
        figures |= {f"many_{name}_s": time.perf_counter() - began, f"many_{name}_cpu_s": time.process_time() - worked}
        figures[f"many_kl_{name}"] = sparse_kl(kernel, edges, torch.from_numpy(z).double()).item()
    figures["kl_over_open_tsne"] = figures["many_kl_ours"] / figures["many_kl_open_tsne"]
    return figures | {"times_open_tsne": figures["many_open_tsne_cpu_s"] / figures["many_ours_cpu_s"]}


def growth(quick: bool) -> dict:
    """Seconds of one step at growing numbers of points, and which engine takes it."""
    figures = {}
    for n in (2_000, 8_000) if quick else (2_000, 8_000, 20_000):
        x = torch.randn(n, 20, generator=torch.Generator().manual_seed(0))
        trainer = Trainer(icon.Config(method="tsne").resolve(), Dataset("random", x))
        trainer.run_epoch()
        figures[f"step_{n}_s"] = min(trainer.run_epoch().seconds for _ in range(3))
        figures[f"engine_{n}"] = trainer.strategy.engine
    return figures


def run(quick: bool = False, data_dir: str | None = None, points: int = 20_000) -> dict:
    """Measure and report."""
    from sklearn.datasets import load_digits

    x = load_digits().data.astype("float32")[: 500 if quick else None]
    images, _ = mnist(data_dir or os.environ.get("ICON_NB_DATA_DIR"))
    pixels = images.flat(images.x[: 9_000 if quick else points]).float() / 255
    figures = layouts(x, quick) | many_points(pixels, 30 if quick else None) | growth(quick)
    report("layouts", figures, TARGETS)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data_dir")
    parser.add_argument("--points", type=int, default=20_000, help="images of MNIST to map beside openTSNE")
    options = parser.parse_args()
    run(options.quick, options.data_dir, options.points)
