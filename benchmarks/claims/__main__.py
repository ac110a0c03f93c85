"""List the claims, measure those that are named, or ``all``; ``--tables`` writes the figures into the notebooks."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from .claim import read, table, write
from .experiments import CLAIMS

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELL = re.compile(r'(# %% \[markdown\] tags=\["claim"\]\n)((?:#.*\n)+)')


def with_tables(text: str) -> str:
    """A notebook's source, its cells with the tag ``claim`` as the figures say; the command in a cell names the claim."""

    def written(cell: re.Match) -> str:
        (name,) = re.findall(r"benchmarks\.claims (\w+)", cell[2])
        return cell[1] + "".join(f"# {line}".rstrip() + "\n" for line in table(read(name)).splitlines())

    return CELL.sub(written, text)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    parser.add_argument("names", nargs="*", help="claims to measure, or all")
    parser.add_argument("--tables", action="store_true", help="write the figures into the notebooks")
    options = parser.parse_args()
    for name in CLAIMS if options.names == ["all"] else options.names:
        print(name, flush=True)
        write(CLAIMS[name].run())
    if options.tables:
        for source in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py")):
            text = source.read_text(encoding="utf-8")
            if (new := with_tables(text)) != text:
                source.write_text(new, encoding="utf-8")
                print(f"{source.name}: rewritten; run make notebooks")
    elif not options.names:
        for claim in CLAIMS.values():
            print(f"{claim.name:20} {claim.question}")


if __name__ == "__main__":
    main()
