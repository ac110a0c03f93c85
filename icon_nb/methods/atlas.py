"""What each cell of the table reaches: the rows that an atlas measured, as plain data and as a page. Loads no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from ..errors import LoadError, demand
from . import axes
from .catalogue import CLASS_COLORS
from .methods import METHODS

KEY = ("supervisory", "learned", "divergence", "dataset")
"""What tells one row from another; ``divergence`` is ``"limit"`` where q has a loss of its own."""
REACHED = {
    "knn": "kNN accuracy",
    "neighbourhood_preservation": "trustworthiness",
    "nmi": "NMI",
    "effective_rank": "effective rank",
    "stability": "stability over seeds",
    "seconds": "seconds",
}
"""What is measured in every cell: a mean over the seeds, beside it the standard deviation, ``knn_sd``."""
FILES = files(__package__) / "atlas_files"


@dataclass(frozen=True, repr=False)
class Atlas:
    """The map of the table's cells, named or not: what each reached in a small training.

    Parameters
    ----------
    about : mapping
        How it was measured: ``n_samples``, ``epochs``, ``seeds``, versions, and the command.
    rows : tuple of dicts
        The names of :data:`KEY`, the ``method`` where the pair has one, the ``runs`` that ended, the scores of :data:`REACHED`,
        ``moves`` of some points of one run under ``kl`` and the limits, and ``error`` where runs failed.
        ``pandas.DataFrame(atlas.rows)`` is a data frame.

    Examples
    --------
    >>> atlas = Atlas.shipped().select(dataset="digits", divergence="kl")
    >>> {row["method"] for row in atlas.rows if row["learned"] == "gaussian"} >= {"simclr", "supcon"}
    True
    """

    about: Mapping[str, object]
    rows: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def shipped(cls) -> Atlas:
        """The atlas that comes with the package; ``about["command"]`` measures the same."""
        return cls.read(FILES / "atlas.jsonl")

    @classmethod
    def read(cls, path) -> Atlas:
        """An atlas from its file, a line of JSON about the whole and one for each row; a line that a kill cut short is left out.

        Raises
        ------
        LoadError
            There is no such file, or it holds something else.
        """
        try:
            path = Path(path)
            demand(path.is_file(), "there is no such file")
            about, *rows = [json.loads(line) for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]
            demand(all({*KEY} <= set(row) for row in rows) and "seeds" in about, "it has other columns")
        except (OSError, ValueError, TypeError) as error:
            raise LoadError(f"{path} is not an atlas ({error}): give a file that icon-nb atlas wrote") from None
        return cls(about, tuple({**row, "method": name_of(row["supervisory"], row["learned"])} for row in rows))

    def select(self, **restrict) -> Atlas:
        """The rows with these values: one or several, for any of :data:`KEY`."""
        wanted = {name: (each,) if isinstance(each, str) else tuple(each) for name, each in restrict.items() if each is not None}
        return Atlas(self.about, tuple(row for row in self.rows if all(row[name] in each for name, each in wanted.items())))

    def __repr__(self) -> str:
        cells = {(row["supervisory"], row["learned"]): row["method"] for row in self.rows}
        unnamed = list(cells.values()).count(None)
        size = f"{len(self.about['seeds'])} seeds, {self.about['n_samples']} samples, {self.about['epochs']} epochs"
        return f"Atlas({len(self.rows)} rows: {len(cells)} cells, {unnamed} of them without a name; {size})"

    def to_html(self) -> str:
        """A page of its own: the grid of all cells, coloured by what they reach, and the rows as a table that can be sorted.

        A cell that is chosen shows how some points of one run moved.
        """
        titles = {slot: {name: row.title for name, row in rows.items()} for slot, rows in axes.SLOTS.items()}
        reasons = {f"{p.name} {q.name}": axes.why_not(p, q) for p in axes.SUPERVISORY.values() for q in axes.LEARNED.values()}
        methods = {method.name: method.title for method in METHODS.values()}
        page = {"about": self.about, "rows": self.rows, "reached": REACHED, **titles, "reasons": reasons, "titles": methods}
        page["colours"] = CLASS_COLORS
        text = json.dumps(page, ensure_ascii=False).replace("<", "\\u003c")
        return (FILES / "atlas.html").read_text(encoding="utf-8").replace("null /* the atlas */", text)

    def to_jsonl(self) -> str:
        """The text of its file, which :meth:`read` reads."""
        return "".join(f"{json.dumps(each)}\n" for each in (self.about, *self.rows))

    def _repr_html_(self) -> str:
        title, page = escape(repr(self), quote=True), escape(self.to_html(), quote=True)
        style = "border:0;width:100%;height:900px"
        return f'<iframe title="{title}" sandbox="allow-scripts" style="{style}" srcdoc="{page}"></iframe>'


def name_of(supervisory: str, learned: str) -> str | None:
    """The first method of a pair, as the table stands now; None where it has no name.

    >>> name_of("positive_pairs", "gaussian"), name_of("spectral", "gaussian")
    ('simclr', None)
    """
    return next((m.name for m in METHODS.values() if (m.supervisory, m.learned) == (supervisory, learned)), None)
