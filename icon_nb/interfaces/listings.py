"""Lists of what there is to choose from, a line each, read from the tables; and the card of a data set."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from ..methods.catalogue import DATASETS, SOURCES
from ..methods.config import SETTINGS
from ..methods.methods import METHODS
from ..methods.recipes import RECIPES
from .flags import Parser, add_flag
from .terminal import tell


def list_recipes(given) -> int:
    """Every recipe with the question that it answers."""
    return print_lines({name: each.question for name, each in RECIPES.items()})


def list_methods(given) -> int:
    """Every method with its name in the literature, its p and its q."""
    return print_lines({m.name: f"{m.title}: p {m.supervisory}, q {m.learned}" for m in METHODS.values()})


def one_or_all(parser: Parser) -> None:
    """The name of a data set, if the card of one is asked for."""
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="show the card of this data set: source, licence, size, what is hard"
    )
    about = SETTINGS["data_dir"].help
    add_flag(parser, "data_dir", metavar="DIR", help=about)


def list_datasets(given) -> int:
    """Every data set, and how to name your own; or the card of one."""
    if given.name is not None:
        from ..study.card import card

        tell(card(given.name, data_dir=given.data_dir))
        return 0
    own = {f"{source.name}:{source.place}": source.about for source in SOURCES.values()}
    return print_lines({name: row.about for name, row in DATASETS.items()} | own)


def print_lines(lines: Mapping[str, str], width: int = 100) -> int:
    """Two columns; what is too long for a line goes on in the next."""
    column = max(map(len, lines)) + 2
    for name, about in lines.items():
        tell(textwrap.fill(f"{name:<{column}}{about}", width, subsequent_indent=" " * column, break_on_hyphens=False))
    return 0
