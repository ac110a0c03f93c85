"""``icon-nb reproduce`` and ``icon-nb atlas``: claims of papers checked, and what each cell of the table reaches."""

from __future__ import annotations

from ..files import write_whole
from ..methods.catalogue import DATASETS
from ..methods.ledger import LEDGER
from .flags import Parser, add_flag
from .listings import print_lines
from .terminal import tell


def names(text: str) -> list[str]:
    """The names of a flag, parted by commas."""
    return text.split(",")


def whole_numbers(text: str) -> list[int]:
    """Its numbers."""
    return [int(part) for part in text.split(",")]


def claim_flags(parser: Parser) -> None:
    """Which claim is run, and where its page is written."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="the entry to run; without one, all are listed")
    add_flag(parser, "seeds", metavar="A,B", type=whole_numbers, help="the seeds to run; as many as the entry says by default")
    add_flag(parser, "data_dir", metavar="DIR", help="folder that holds the data files, for entries on data that are not bundled")
    add_flag(parser, "out", metavar="DIR", default="reproductions", help="where the page and the JSON are written")


def run_claim(given) -> int:
    """List the ledger, or run one of its entries and write what came out."""
    if given.name is None:
        return print_lines({name: _line(entry) for name, entry in LEDGER.items()})
    from ..study.ledger import reproduce

    found = reproduce(given.name, seeds=given.seeds, data_dir=given.data_dir)
    page, _ = found.save(given.out)
    tell(f"{found}\nsaved in {page}")
    return 0


def _line(entry) -> str:
    needs = [entry.shared["dataset"]] if DATASETS[entry.shared["dataset"]].files else []
    needs += ["a GPU"] if entry.gpu else []
    return entry.claim + (f" (needs {' and '.join(needs)})" if needs else "")


def atlas_flags(parser: Parser) -> None:
    """What the atlas is restricted to, its size, and where it is written."""
    for name in ("supervisory", "learned", "divergence", "dataset"):
        add_flag(parser, name, metavar="A,B", type=names, help=f"only these of {name}; all that make sense when not given")
    add_flag(parser, "seeds", metavar="A,B", type=whole_numbers, default=range(5), help="one run for each (default: 0,1,2,3,4)")
    add_flag(parser, "n_samples", metavar="N", type=int, default=300, help="training samples of a run (default: 300)")
    add_flag(parser, "epochs", metavar="N", type=int, default=10, help="epochs of a run (default: 10)")
    add_flag(parser, "workers", metavar="N", type=int, help="train in so many processes at once")
    add_flag(parser, "out", metavar="FILE", default="atlas.jsonl", help="the rows; what is there already is not measured again")
    add_flag(parser, "page", metavar="FILE", default="atlas.html", help="the page that shows them")
    add_flag(parser, "shipped", action="store_true", help="measure nothing: show the atlas that comes with the package")


def run_atlas(given) -> int:
    """Measure what is missing, and write the rows and the page."""
    restrict = {name: getattr(given, name) for name in ("supervisory", "learned", "divergence", "dataset")}
    if given.shipped:
        from ..methods.atlas import Atlas

        found = Atlas.shipped().select(**restrict)
    else:
        from ..study.atlas import atlas

        size = {"n_samples": given.n_samples, "epochs": given.epochs, "seeds": given.seeds}
        found = atlas(**restrict, **size, workers=given.workers, save_to=given.out)
    page = write_whole(given.page, found.to_html().encode())
    tell(f"{found!r}\nsaved in {page}: open it in a browser")
    return 0
