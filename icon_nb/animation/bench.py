"""The bench: one self-contained page that trains while you look at it, and whose objective you change under its hands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ..errors import ConfigError, demand, nearest
from ..methods.config import SETTINGS, Config
from .bench_contents import CARRIED, LEARNED, SUPERVISORY, contents
from .display import Page
from .page import document

SCRIPTS = ("divergences", "math", "data", "trainer", "words", "view", "state")
OWN_DATA = ("two_moons", "blobs", "drawn")
"""Data that only the page has; the others are names of the package."""


@dataclass(frozen=True, repr=False)
class BenchPage(Page):
    """A page that trains in the browser."""

    height: int = 1500
    what = "bench"


def bench(**start) -> BenchPage:
    """A page that trains in the browser, without a kernel: choose p, q and the divergence, move a slider, and watch.

    Parameters
    ----------
    **start
        Settings of :class:`icon_nb.Config` that the page starts with, for instance ``method="simclr"``, ``temperature=0.1``.
        ``dataset`` may also be ``"two_moons"``, ``"blobs"`` or ``"drawn"``, points that you draw.

    Returns
    -------
    BenchPage

    Raises
    ------
    ConfigError
        A setting that cannot be, or that the page does not have.

    Examples
    --------
    >>> page = bench(method="tsne_conditional", df=2.0)
    >>> page.summary
    'tsne_conditional on digits'
    """
    dataset = start.pop("dataset", None)
    data = {name: each["title"] for name, each in contents()["data"].items()} | {"drawn": "your own points"}
    demand(dataset is None or dataset in data, f"dataset={dataset!r} is not on the bench; {nearest(dataset, data)}")
    for name in start:
        if name in SETTINGS and name not in (*CARRIED, "method", "supervisory", "learned"):
            raise ConfigError(f"{name} has no effect on the bench: leave it out")
    config = Config(**start or {"method": "tsne_conditional"})
    method = config.case.method
    if method.supervisory not in SUPERVISORY:
        raise ConfigError(
            f"method={method.name!r}: the bench has no supervisory={method.supervisory!r}; use one of {SUPERVISORY}"
        )
    if method.learned not in LEARNED:
        raise ConfigError(f"method={method.name!r}: the bench has no learned={method.learned!r}; use one of {LEARNED}")
    given = {name: value for name, value in config.explicit().items() if name in CARRIED}
    dataset = dataset or ("karate_club" if "graph" in method.p.needs else "digits")
    told = given | {"p": method.supervisory, "q": method.learned, "data": dataset}
    return BenchPage(document({**contents(), "start": told}, "I-Con bench", assets()), f"{method.name} on {data[dataset]}")


@cache
def assets() -> tuple[str, str, str]:
    """Template, style and script; the script's files share one scope of their own."""
    folder = files("icon_nb.animation")
    names = ["page_files/page_theme.js", *(f"bench_files/bench_{name}.js" for name in SCRIPTS), "bench_files/bench.js"]
    script = "".join((folder / name).read_text(encoding="utf-8").replace('"use strict";\n', "", 1) for name in names)
    template, style = ((folder / f"bench_files/bench.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    return template, style, f'(() => {{\n"use strict";\n{script}}})();\n'
