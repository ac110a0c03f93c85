"""Timing against a peer in the same run: both alternate, after a warm-up, and the ratio of their medians is what counts."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
BUSY, SUFFIX = "BENCHMARK_BUSY", "BENCHMARK_SUFFIX"
"""Variables that say how many processes ``--busy`` lets work beside a benchmark, and what its file is called after its name."""

PACKAGES = (
    "icon_nb",
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "matplotlib",
    "pillow",
    "imageio",
    "openTSNE",
    "umap-learn",
)


def clock(action: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def summary(seconds: list[float]) -> dict:
    """n, median and the range from the smallest to the largest."""
    return {
        "n": len(seconds),
        "median_s": statistics.median(seconds),
        "spread_s": [min(seconds), max(seconds)],
    }


def alternate(
    ours: Callable[[], object], peer: Callable[[], object], n: int = 5, warm_up: int = 1, items: tuple[int, int] = (1, 1)
) -> dict:
    """Time two callables in turn, so that whatever else the machine does falls on both; of so many items each, the time of one.

    Returns
    -------
    dict with ``ours``, ``peer`` (see :func:`summary`), ``ratio``, the peer's median over ours: above 1, ours is faster; and its
    ``spread`` over the pairs.
    """
    for _ in range(warm_up):
        ours()
        peer()
    pairs = [(clock(ours) / items[0], clock(peer) / items[1]) for _ in range(n)]
    mine, other, ratios = summary([a for a, _ in pairs]), summary([b for _, b in pairs]), [b / a for a, b in pairs]
    return {"ours": mine, "peer": other, "ratio": other["median_s"] / mine["median_s"], "spread": [min(ratios), max(ratios)]}


def least_seconds(products: Iterable[tuple[int, int, int]], floats_moved: int = 0, seconds: float = 1.0) -> float:
    """What a task takes at least here: its matrix products (m, k) x (k, n), and a copy that reads and writes so many floats.

    The rates are measured on the same shapes, one after the other, for about ``seconds``; the median round counts.
    """
    import torch

    pairs = [(torch.randn(m, k), torch.randn(k, n)) for m, k, n in products]
    source = torch.randn(max(1, floats_moved // 2))
    target, rounds, end = torch.empty_like(source), [], time.perf_counter() + seconds

    def once() -> None:
        for a, b in pairs:
            torch.mm(a, b)
        target.copy_(source)

    once()
    while time.perf_counter() < end or len(rounds) < 3:
        rounds.append(clock(once))
    return statistics.median(rounds)


def network_products(weights, rows: int) -> list[tuple[int, int, int]]:
    """The products of one step of a dense network on so many rows: forward, weights' gradients, inputs' gradients."""
    shapes = [tuple(w.shape) for w in weights if w.dim() == 2]
    forward = [(rows, k, n) for n, k in shapes]
    return forward + [(n, rows, k) for n, k in shapes] + [(rows, n, k) for n, k in shapes[1:]]


def peak_mb() -> float:
    """The most memory that this process has held, in MB. Where Linux tells, of this program only, not of what started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if platform.system() == "Darwin" else 1024)


def environment() -> dict:
    """Versions and hardware that a figure belongs to."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = {"machine": platform.machine(), "processor": _processor(), "cores": cores, "system": platform.system()}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    asked = {"threads": os.environ.get("OMP_NUM_THREADS", "as many as cores"), "busy": os.environ.get(BUSY, "0"), "load": load}
    return {"python": platform.python_version(), "versions": versions, "hardware": machine, **asked}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def said(value: object) -> str:
    """A figure as it is printed: a time with its spread and n, a comparison with both times and its ratio."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict) and "median_s" in value:
        low, high = value["spread_s"]
        return f"{value['median_s']:.3g} s ({low:.3g} to {high:.3g}, n={value['n']})"
    if isinstance(value, dict) and "ratio" in value:
        low, high = value["spread"]
        return f"{value['ratio']:.3g} times ({low:.3g} to {high:.3g}): {said(value['ours'])}, the peer {said(value['peer'])}"
    return "" if isinstance(value, dict) else str(value)


def report(name: str, figures: Mapping[str, object], target: Mapping[str, str] | None = None) -> None:
    """Print figures as a table, with the target beside each where there is one, and write them to ``benchmarks/results``."""
    targets, about = target or {}, environment()
    width = max(map(len, figures)) + 2
    print(f"{name} (threads: {about['threads']}; busy processes beside it: {about['busy']}; load: {about['load']:.1f})")
    for key, value in figures.items():
        if shown := said(value):
            print(f"  {key:<{width}}{shown:>12}   {targets.get(key, '')}".rstrip())
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / (name + os.environ.get(SUFFIX, "") + ".json")
    path.write_text(json.dumps({"figures": dict(figures), "environment": about}, indent=2))
    print(f"  written to benchmarks/results/{path.name}")
