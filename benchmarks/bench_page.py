"""How fast the bench's page trains and draws in a real browser, 500 points, and what a step costs by itself.

Each setting plays for some seconds; the page counts its steps and frames. The step by itself is timed without drawing, median of
fifty, which a busy machine stretches least. The peer is the same objective in Python, one step of ``icon_nb`` on one thread.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

import torch

from benchmarks.harness import clock, report
from benchmarks.player import CHROMIUM
from icon_nb.animation.bench import bench
from icon_nb.data.loading import load_for
from icon_nb.methods.config import Config
from icon_nb.training.trainer import Trainer

SETTINGS = {
    "sne": "data=digits&p=gaussian&q=gaussian",
    "tsne": "data=digits&p=gaussian&q=student_t",
    "tsne_js": "data=digits&p=gaussian&q=student_t&divergence=js",
    "simclr_network": "data=digits&p=positive_pairs&q=gaussian",
    "pca": "data=digits&p=identity&q=gaussian_wide",
    "clusters": "data=digits&p=knn&q=clusters",
}
TARGETS = {"page_mb": "at most 0.6"} | {f"{name}_{what}": "at least 30" for name in SETTINGS for what in ("steps_s", "frames_s")}
STEPS = """() => Array.from({ length: 50 }, () => {
  const before = performance.now();
  bench.trainer.step();
  return performance.now() - before;
})"""


def play(browser, address: str, seconds: float) -> dict[str, float]:
    """Steps and frames a second of one setting, and milliseconds of a step by itself."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector("#bench[data-ready=true]")
    page.wait_for_timeout(seconds * 1000)
    told = page.evaluate("({ ...document.getElementById('bench').dataset })")
    page.click("#play")
    step = statistics.median(page.evaluate(STEPS))
    page.close()
    return {"steps_s": float(told["steps"]), "frames_s": float(told["frames"]), "step_ms": step}


def python_step() -> float:
    """Milliseconds of one step of t-SNE's conditional form in Python, one thread, median of fifty."""
    torch.set_num_threads(1)
    config = Config(method="tsne_conditional", n_samples=500, quiet=True).resolve()
    trainer = Trainer(config, load_for(config))
    trainer.run_epoch()
    return statistics.median(clock(trainer.run_epoch) for _ in range(50)) * 1000


def run(quick: bool = False) -> None:
    """Print the figures."""
    from playwright.sync_api import sync_playwright

    page, figures = bench(), {}
    figures["page_mb"] = len(page.html.encode()) / 1e6
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        address = page.save(Path(folder) / "bench.html").as_uri()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        for name, link in SETTINGS.items():
            told = play(browser, f"{address}#{link}", 2.5 if quick else 6)
            figures |= {f"{name}_{what}": value for what, value in told.items()}
        browser.close()
    figures["python_tsne_step_ms"] = python_step()
    report("bench_page", figures, TARGETS)
