"""The pages in Firefox: drawn, trained and used by the keyboard, as in Chromium."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time

import numpy as np
import pytest
from conftest import missing

import icon_nb as icon
from icon_nb.animation.player import player
from icon_nb.evaluation.trajectory import Neighbours, Trajectory

pytestmark = pytest.mark.browser


class Firefox:
    """A headless Firefox behind Marionette, its own remote protocol: messages of JSON, each after its length and a colon."""

    def __init__(self, profile, port: int):
        (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
        command = ["firefox", "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.link, self.number = self._connect(port), 0
        self._read()
        self("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})

    def _connect(self, port: int) -> socket.socket:
        for _ in range(120):
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=120)
            except OSError:
                time.sleep(0.5)
        raise RuntimeError("Firefox did not open its port")

    def _read(self):
        length = b""
        while not length.endswith(b":"):
            length += self.link.recv(1)
        body = b""
        while len(body) < int(length[:-1]):
            body += self.link.recv(int(length[:-1]) - len(body))
        return json.loads(body)

    def __call__(self, command: str, **about):
        self.number += 1
        message = json.dumps([0, self.number, command, about]).encode()
        self.link.sendall(str(len(message)).encode() + b":" + message)
        _, _, error, answer = self._read()
        assert error is None, error
        return answer

    def run(self, script: str):
        """What a script returns in the page."""
        return self("WebDriver:ExecuteScript", script=script, args=[])["value"]

    def until(self, script: str):
        """Wait until a script returns something true, and give it."""
        for _ in range(120):
            found = self.run(script)
            if found:
                return found
            time.sleep(0.25)
        raise AssertionError(f"it never came true in Firefox: {script}")

    def open(self, page, path) -> None:
        """Show a page from a file."""
        self("WebDriver:Navigate", url=page.save(path).as_uri())


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    if shutil.which("firefox") is None:
        missing("firefox")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    browser = Firefox(tmp_path_factory.mktemp("profile"), port)
    yield browser
    browser.process.terminate()
    browser.process.wait(30)


PRESS = "document.dispatchEvent(new KeyboardEvent('keydown', { key: '%s', bubbles: true })); return true"


def test_the_player_draws_plays_and_pins(firefox, tmp_path):
    z = np.random.default_rng(0).normal(size=(5, 30, 2)).cumsum(0).astype(np.float32)
    p = np.tile([1, 2], (30, 1)), np.tile([0.6, 0.4], (30, 1))
    links = Neighbours(p, tuple(np.stack([each] * 5) for each in p))
    run = Trajectory(z, np.arange(5), np.arange(30) % 3, ("a", "b", "c"), {"loss": np.linspace(2, 1, 5)})
    firefox.open(player(run, neighbours=[links], forces=[(z, -z)]), tmp_path / "player.html")
    firefox.until("return document.querySelector('#player').dataset.ready === 'true'")
    colours = """const c = document.querySelector("canvas.points"), ink = c.getContext("2d");
        return new Set(new Uint32Array(ink.getImageData(0, 0, c.width, c.height).data.buffer)).size"""
    assert firefox.run(colours) > 10
    firefox.run(PRESS % "n")
    assert firefox.until("return document.querySelector('#player').dataset.pinned") == "0:0"
    near = firefox.run("return [...document.querySelectorAll('.near')].map((e) => e.textContent)")
    assert near == ["pb60 %c40 %", "qb60 %c40 %"]
    firefox.run(PRESS % "Home")
    firefox.until("return document.querySelector('#player').dataset.epoch === '0'")


def test_the_bench_trains(firefox, tmp_path):
    firefox.open(icon.bench(method="sne"), tmp_path / "bench.html")
    firefox.until("return document.querySelector('#bench').dataset.ready === 'true'")
    firefox.until("return Number(document.querySelector('#at-step').textContent.replace(/\\D/g, '')) > 20")
    assert float(firefox.run("return document.querySelector('#at-loss').textContent")) > 0
    unnamed = """return [...document.querySelectorAll("button, select, input, textarea, canvas[tabindex]")].filter((e) =>
        !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length || e.title)).length"""
    assert firefox.run(unnamed) == 0, "a screen reader has a name for every control"


