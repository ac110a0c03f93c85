"""An animation and a player in a real JupyterLab: run the cells, see the one move and play the other."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import icon_nb

pytestmark = pytest.mark.browser

MAKE = """import numpy as np
import icon_nb as icon

labels = np.arange(90) % 3
recorder = icon.Recorder(labels=labels, class_names=["<b>cat</b>", "dog", "ship"], title="rings")
angle = np.arange(90) / 15
for epoch in range(8):
    ring = np.stack([np.cos(angle + epoch / 4), np.sin(angle + epoch / 4)], 1)
    recorder.record(ring * (1 + labels[:, None] * epoch / 4), loss=1 / (epoch + 1))"""

# Run the cells once the kernel is there: before that, JupyterLab asks which one is meant.
RUN = """async () => {
  const { shell, commands } = window.jupyterapp;
  await shell.currentWidget.sessionContext.ready;
  void commands.execute("notebook:run-all-cells");
}"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_up(url: str, server: subprocess.Popen, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            return urlopen(url, timeout=2).close()
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start: exit code {server.poll()}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory, required):
    """JupyterLab on this machine alone, with settings and data of its own; yields (address of a path, folder)."""
    required("jupyterlab")
    tmp_path = tmp_path_factory.mktemp("lab")
    port, token, work = free_port(), secrets.token_hex(16), tmp_path / "work"
    work.mkdir()
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(Path(icon_nb.__file__).parents[1])}
    options = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}", "--no-browser"]
    options += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0", "--allow-root", "--LabApp.expose_app_in_browser=True"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.extension_manager=readonly"]
    command = [sys.executable, "-m", "jupyterlab", *options]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env={**os.environ, **own}, cwd=work, stdout=log, stderr=log)
        try:
            wait_until_up(f"http://127.0.0.1:{port}/api?token={token}", server)
            yield lambda path: f"http://127.0.0.1:{port}/{path}?token={token}&reset", work
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def notebook(path: Path, *cells: str) -> None:
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)


@pytest.fixture(scope="module")
def opened(lab, chromium):
    """The notebook, run from its first cell to its last in the browser."""
    address, work = lab
    notebook(work / "seen.ipynb", MAKE, "recorder.animate()", "recorder.player()")
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.route(lambda url: not url.startswith(("http://127.0.0.1:", "data:", "blob:")), lambda route: route.abort())
    page = context.new_page()
    page.goto(address("lab/tree/seen.ipynb"))
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.evaluate(RUN)
    yield page
    context.close()


def scrolled_to_player(page):
    """The player's frame, in sight: a browser draws nothing in a frame that is scrolled away."""
    frame = page.locator(".jp-OutputArea iframe")
    frame.wait_for(state="attached", timeout=120_000)
    frame.scroll_into_view_if_needed()
    inside = page.frame_locator(".jp-OutputArea iframe")
    inside.locator("#player[data-ready=true]").wait_for()
    return inside


def test_the_animation_moves_and_the_player_plays(opened):
    picture = opened.locator(".jp-OutputArea img[src^='data:image/gif']")
    picture.wait_for(timeout=120_000)
    picture.scroll_into_view_if_needed()
    assert "rings" in picture.get_attribute("alt")
    looks = set()
    for _ in range(12):
        looks.add(picture.screenshot())
        opened.wait_for_timeout(200)
    assert len(looks) >= 3, "the animation stands still"

    inside = scrolled_to_player(opened)
    assert inside.locator(".chips button").first.inner_text() == "<b>cat</b>"
    inside.locator("#play").click()
    inside.locator("#player[data-playing=true]").wait_for()
    inside.locator("#player[data-epoch='7'][data-playing=false]").wait_for(timeout=20_000)


def test_keys_in_the_player_do_not_reach_the_notebook(opened):
    inside = scrolled_to_player(opened)
    cells = opened.locator(".jp-Notebook .jp-CodeCell").count()
    inside.locator("canvas.points").click(position={"x": 3, "y": 3})
    for key in ("Home", "ArrowRight", "b", "b"):
        opened.keyboard.press(key)
    inside.locator("#player[data-epoch='1']").wait_for()
    assert opened.locator(".jp-Notebook .jp-CodeCell").count() == cells
