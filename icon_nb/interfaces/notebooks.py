"""``icon-nb notebooks DIR``: copies of the notebooks that come with the package, to run and to change."""

from __future__ import annotations

from pathlib import Path

from ..errors import SaveError
from ..files import write_whole
from .flags import Parser
from .terminal import tell

PACKAGE = Path(__file__).resolve().parents[1]


def folder_to_fill(parser: Parser) -> None:
    """Where the copies go."""
    parser.add_argument("folder", metavar="DIR", help="the folder that the notebooks are copied to; made where it is not there")


def copy_notebooks(given) -> int:
    """Copy every notebook that is not in the folder yet; what is there stays as it is."""
    target = Path(given.folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"{target} cannot be made ({error.strerror}): choose another folder") from None
    books = [book for folder in (PACKAGE, PACKAGE.parent) for book in sorted(folder.glob("notebooks/[0-9][0-9]_*.ipynb"))]
    if not books:
        raise SaveError("the notebooks are not beside the package: install icon_nb again")
    new = [write_whole(target / book.name, book.read_bytes()) for book in books if not (target / book.name).exists()]
    kept = f"; {len(books) - len(new)} were there already and stay as they are" if len(new) < len(books) else ""
    tell(f"{len(new)} notebooks copied to {target}{kept}\nopen them with: jupyter lab {target}")
    return 0
