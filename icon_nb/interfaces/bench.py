"""``icon-nb bench``: the page that trains in a browser, written to a file."""

from __future__ import annotations

from .flags import Parser
from .terminal import tell


def bench_flags(parser: Parser) -> None:
    """What the page starts with, and where it is written."""
    parser.add_argument("--out", metavar="FILE", default="bench.html", help="where to write the page; bench.html when not given")
    parser.add_argument("--method", metavar="NAME", help="the cell of the periodic table that it starts with")
    parser.add_argument(
        "--dataset", metavar="NAME", help="digits, karate_club, two_moons, blobs, or drawn for points of your own"
    )


def write_bench(given) -> int:
    """Write the page, and say where it is."""
    from ..animation.bench import bench

    page = bench(**{name: value for name in ("method", "dataset") if (value := getattr(given, name)) is not None})
    tell(f"{page!r}\nsaved in {page.save(given.out)}: open it in a browser")
    return 0
