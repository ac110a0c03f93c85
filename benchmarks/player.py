"""How long the player's page takes to build, how large it is, and how fast it draws in a real browser.

The peer of the build is the plainest page there is, the same coordinates as JSON numbers; the peer of the drawing is one
``arc`` and ``fill`` a point. Both are taken in the same run. ``python benchmarks/player.py`` prints the figures as JSON.
"""

from __future__ import annotations

import json
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from icon_nb.player import player
from icon_nb.trajectory import Trajectory

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip

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
    """Ten clusters that form out of noise, with the images and metrics of a digits run."""
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


def timed(act, repeats: int) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for _ in range(repeats):
        before = time.perf_counter()
        act()
        times.append((time.perf_counter() - before) * 1e3)
    return times


def spread(times: list[float]) -> dict:
    """n, median and quartiles, rounded."""
    low, middle, high = statistics.quantiles(times, n=4)
    return {"n": len(times), "median_ms": round(middle, 2), "quartiles_ms": [round(low, 2), round(high, 2)]}


def watch(browser, page_html: str, seconds: float) -> dict:
    """Play a page for some seconds: time of each drawing, and of each frame from one to the next."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "player.html"
        path.write_text(page_html, encoding="utf-8")
        page = browser.new_page(viewport={"width": 900, "height": 620})
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_selector("#player[data-ready=true]")
        page.keyboard.press("Space")
        page.evaluate("window.drawn = []")
        page.wait_for_timeout(seconds * 1000)
        drawn = np.array(page.evaluate("window.drawn"))
        page.close()
    return {"draw": spread(drawn[:, 1].tolist()), "frames_per_second": round(1000 / float(np.median(np.diff(drawn[:, 0]))), 1)}


def draw(pages: dict[str, str], n: int, seconds: float) -> dict:
    """Every page played in Chromium, and the peer in the same browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        found = {name: watch(browser, page, seconds) for name, page in pages.items()}
        page = browser.new_page()
        found["peer: one arc a point"] = {"draw": spread(page.evaluate(PEER, n))}
        found["browser"] = browser.version
        browser.close()
    return found


def run(quick: bool = False) -> dict:
    """All figures; ``quick`` takes fewer repeats of the same sizes."""
    n, frames, repeats, seconds = 2000, 100, 3 if quick else 9, 2 if quick else 6
    flat, solid = sample(n, frames), sample(n, frames, dim=3)
    page, page3 = player(flat), player(solid)
    build = spread(timed(lambda: player(flat), repeats))
    peer = spread(timed(lambda: json.dumps(flat.embeddings.tolist()), repeats))
    peer_bytes = len(json.dumps(flat.embeddings.tolist()))
    return {
        "size": {"points": n, "epochs": frames},
        "build": build,
        "build_peer_json": peer,
        "build_ratio": round(peer["median_ms"] / build["median_ms"], 2),
        "page_mb": {"2-d": page.nbytes / 1e6, "3-d": page3.nbytes / 1e6, "peer json": peer_bytes / 1e6},
        "chromium": draw({"2-d": page.html, "3-d": page3.html}, n, seconds),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()},
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
