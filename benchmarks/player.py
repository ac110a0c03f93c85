"""How long the player's page takes to build, how large it is, and how fast it draws in a real browser.

The peer of the build is the plainest page data there is, the same coordinates as JSON numbers; the peer of the drawing is one
``arc`` and ``fill`` a point. Both are taken in the same run: ``python -m benchmarks.player``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import alternate, report
from icon_nb.animation.player import player
from icon_nb.evaluation.trajectory import Trajectory

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip
TARGETS = {
    "build_s": "at most 0.5 (2,000 points x 100 epochs)",
    "page_mb": "at most 2.0",
    "draw_ms": "under 8, median",
    "frames_per_second": "60",
    "many_page_mb": "at most 2.0 (10,000 points x 100 epochs)",
    "many_script_ms": "under 12 of the processor: 60 frames a second where nothing else runs",
    "many_script_sharp_screen_ms": "under 24: 30 frames a second",
}

# Wraps every animation callback of the page: the clock stops only after a pixel was read back, so that the drawing is done.
WATCH = """
window.drawn = [];
const plain = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => plain((now) => {
  const before = performance.now();
  act(now);
  for (const canvas of document.querySelectorAll("canvas.points")) canvas.getContext("2d").getImageData(0, 0, 1, 1);
  window.drawn.push([now, performance.now() - before]);
});
"""
COUNT = """
window.frames_shown = 0;
const plain = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => plain((now) => {
  act(now);
  window.frames_shown++;
});
"""
PEER = """(n) => {
  const canvas = document.createElement("canvas"), ink = canvas.getContext("2d"), times = [];
  [canvas.width, canvas.height] = [618, 440];
  for (let t = 0; t < 30; t++) {
    const before = performance.now();
    ink.clearRect(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < n; i++) {
      ink.beginPath();
      ink.arc((i * 37 + t) % 618, (i * 91) % 440, 3, 0, 6.2832);
      ink.fillStyle = `hsl(${i % 10 * 36} 60% 50%)`;
      ink.fill();
    }
    ink.getImageData(0, 0, 1, 1);
    times.push(performance.now() - before);
  }
  return times;
}"""


def sample(n: int, frames: int, dim: int = 2, seed: int = 0) -> Trajectory:
    """Ten clusters that form out of noise while they jitter, with the images and metrics of a digits run."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    centres, start, spread = rng.normal(size=(10, dim)) * 3, rng.normal(size=(n, dim)), rng.normal(size=(n, dim)) * 0.5
    share = 1 / (1 + np.exp(-np.linspace(-4, 5, frames)))
    walk = rng.normal(size=(frames, n, dim)).cumsum(0) * 0.01
    z = (1 - share)[:, None, None] * start + share[:, None, None] * (centres[labels] + spread) + walk
    images = (rng.random((n, 8, 8, 1)) * 255).astype(np.uint8)
    metrics = {"loss": 2.3 - share, "knn_accuracy": share}
    z = z.astype(np.float32)
    return Trajectory(z, np.arange(frames), labels, tuple("0123456789"), metrics, images=images, title="sample")


def watch(browser, page_html: str, seconds: float, ratio: int = 1) -> np.ndarray:
    """Play a page for some seconds: (k, 2), when each frame began and how long its drawing took, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "player.html"
        path.write_text(page_html, encoding="utf-8")
        page = browser.new_page(viewport={"width": 900, "height": 620}, device_scale_factor=ratio)
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_selector("#player[data-ready=true]")
        page.keyboard.press("Space")
        page.evaluate("() => { window.drawn = []; }")
        page.wait_for_timeout(seconds * 1000)
        drawn = np.array(page.evaluate("window.drawn"))
        page.close()
    return drawn


def drawing(n: int, frames: int, seconds: float) -> dict:
    """Median milliseconds of one drawing: flat, solid, on a sharp screen, and the peer in the same browser."""
    from playwright.sync_api import sync_playwright

    flat, solid = player(sample(n, frames)).html, player(sample(n, frames, dim=3)).html
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        seen = watch(browser, flat, seconds)
        others = {"draw_3d_ms": watch(browser, solid, seconds), "draw_sharp_screen_ms": watch(browser, flat, seconds, ratio=2)}
        peer = statistics.median(browser.new_page().evaluate(PEER, n))
        version = browser.version
        browser.close()
    ours = float(np.median(seen[:, 1]))
    return {
        "draw_ms": ours,
        "draw_quartiles_ms": np.quantile(seen[:, 1], [0.25, 0.75]).round(2).tolist(),
        "draw_n": len(seen),
        "frames_per_second": 1000 / float(np.median(np.diff(seen[:, 0]))),
        **{name: float(np.median(drawn[:, 1])) for name, drawn in others.items()},
        "peer_one_arc_a_point_ms": peer,
        "times_faster_than_one_arc_a_point": peer / ours,
        "chromium": version,
    }


def played(browser, address: str, ratio: int, seconds: float = 3.0) -> tuple[float, float]:
    """Milliseconds of the processor that the script takes for a frame, whatever else the machine does; and frames a second."""
    page = browser.new_page(viewport={"width": 900, "height": 620}, device_scale_factor=ratio)
    page.add_init_script(COUNT)
    page.goto(address)
    page.wait_for_selector("#player[data-ready=true]")
    page.keyboard.press("Space")
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
    seen = []
    for wait in (seconds, 0):
        told = {each["name"]: each["value"] for each in metrics.send("Performance.getMetrics")["metrics"]}
        seen.append((told["ScriptDuration"], page.evaluate("window.frames_shown")))
        page.wait_for_timeout(wait * 1000)
    page.close()
    (before, first), (after, last) = seen
    return 1000 * (after - before) / (last - first), (last - first) / seconds


def many(n: int, frames: int, rounds: int) -> dict:
    """What a frame of many points takes, on a usual and on a sharp screen."""
    from playwright.sync_api import sync_playwright

    made, taken = player(sample(n, frames)), {1: [], 2: []}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        address = made.save(Path(folder) / "many.html").as_uri()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        for ratio in (1, 2) * rounds:
            taken[ratio].append(played(browser, address, ratio))
        browser.close()
    figures = {"many_points": n, "many_page_mb": made.nbytes / 1e6, "many_rounds": rounds}
    for ratio, screen in ((1, ""), (2, "_sharp_screen")):
        spent, rates = zip(*taken[ratio])
        figures[f"many_script{screen}_ms"] = statistics.median(spent)
        figures[f"many_script{screen}_spread_ms"] = [round(min(spent), 2), round(max(spent), 2)]
        figures[f"many{screen}_frames_per_second"] = statistics.median(rates)
    return figures


def run(quick: bool = False) -> dict:
    """Measure and report; ``quick`` takes fewer repeats of the same sizes."""
    n, frames = 2000, 100
    flat = sample(n, frames)
    build = alternate(lambda: player(flat), lambda: json.dumps(flat.embeddings.tolist()), n=2 if quick else 7)
    figures = {
        "json_numbers_over_build": build,
        "build_s": build["ours"]["median_s"],
        "page_mb": player(flat).nbytes / 1e6,
        "page_3d_mb": player(sample(n, frames, dim=3)).nbytes / 1e6,
        "json_numbers_mb": len(json.dumps(flat.embeddings.tolist())) / 1e6,
        **drawing(n, frames, 2 if quick else 6),
        **many(10_000, 100, 1 if quick else 5),
    }
    report("player", figures, TARGETS)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats of the same sizes")
    run(parser.parse_args().quick)
