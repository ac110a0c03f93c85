"""A real Chromium for the tests that need one, and pages that must stay silent and alone.

Without a Chromium these tests are skipped by name on a desk, and fail where ``CI`` is set: there they must run.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


def missing(what: str) -> None:
    """Skip the test, or fail it where CI is set."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(f"{what} is missing, and CI must run the browser tests", pytrace=False)
    pytest.skip(f"{what} is missing: install Debian's chromium and the test extra")


@pytest.fixture(scope="session")
def required():
    """``required("jupyterlab")``: go on where that module is installed."""

    def check(module: str) -> None:
        if find_spec(module) is None:
            missing(module)

    return check


@pytest.fixture(scope="session")
def chromium(required):
    """One headless Chromium for all tests."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("chromium")
    required("playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, tmp_path):
    """Open a player as a file: ``visit(player, **context) -> page``.

    After the test every visited page must have written nothing to the console, and must have asked for nothing but the file
    itself and the data in it.
    """
    pages = []

    def open_page(player, document: str | None = None, **context):
        context = chromium.new_context(**{"viewport": {"width": 900, "height": 620}} | context)
        page = context.new_page()
        page.heard, page.asked = [], []
        page.on("console", lambda message: page.heard.append(message.text))
        page.on("pageerror", lambda error: page.heard.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        path = Path(tmp_path) / f"page{len(pages)}.html"
        path.write_text(document, encoding="utf-8") if document else player.save(path)
        pages.append((page, path.as_uri()))
        page.goto(path.as_uri())
        (page.frame_locator("iframe") if document else page).locator("#player[data-ready=true]").wait_for()
        return page

    yield open_page
    for page, uri in pages:
        page.context.close()
        assert page.heard == []
        assert {url for url in page.asked if not url.startswith(("data:", "blob:", "about:"))} == {uri}
