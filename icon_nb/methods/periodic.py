"""The periodic table as a thing to look at, a page for a notebook and plain text; and the atlas.

The atlas is what each cell reaches: the rows that were measured, as plain data and as a page. Loads no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from ..errors import LoadError, demand
from . import axes
from .catalogue import CLASS_COLORS
from .methods import METHODS, OUTSIDE, STYLE, Method

KINDS = {
    "known": "a method of the literature",
    "gap": "a gap: composed here, no published result",
    "open": "composable, no name yet",
    "none": "&times; makes no sense",
}
EDGE = "border:1px solid #9994;padding:3px 4px;vertical-align:top;text-align:left"
LOOKS = {"known": "background-color:#4c78a822", "gap": "background-color:#f58b1a22", "open": "color:#888", "none": "color:#888"}
"""Styles of the cells, written into each of them: a page that was not trusted has lost its style sheet."""
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


def why_empty(row: str, column: str) -> str | None:
    """Why no pair of these families of q and p makes sense, or None where some pair does."""
    columns = [p for p in axes.SUPERVISORY.values() if p.family == column]
    reasons = [axes.why_not(p, q) for p in columns for q in axes.LEARNED.values() if q.family == row]
    return None if None in reasons else reasons[0]


def grid() -> Iterator[tuple[str, list[tuple[str, list[Method], str | None]]]]:
    """Row by row: the family of q, and for every column the family of p, its methods, and why there can be none."""
    for row in axes.ROWS:
        named = [method for method in METHODS.values() if method.q.family == row]
        yield row, [(column, [m for m in named if m.p.family == column], why_empty(row, column)) for column in axes.COLUMNS]


class PeriodicTable:
    """The whole table; ``repr`` is one line, ``print(table)`` the grid as text, a notebook shows the page."""

    def __repr__(self) -> str:
        rows, columns, gaps = len(axes.ROWS), len(axes.COLUMNS), sum(method.gap for method in METHODS.values())
        return f"PeriodicTable({rows} rows q, {columns} columns p, {len(METHODS)} methods, {gaps} of them gaps)"

    def __str__(self) -> str:
        return "\n".join(_text_lines())

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>p: {escape(title)}</th>" for title in axes.COLUMNS.values())
        rows = "".join(
            f"<tr><th>q: {escape(axes.ROWS[row])}</th>{''.join(_html_cell(*cell) for cell in cells)}</tr>"
            for row, cells in grid()
        )
        outside = "".join(f"<li><b>{escape(each.name)}</b> ${escape(each.loss)}$: {escape(each.why)}</li>" for each in OUTSIDE)
        legend = " &middot; ".join(f'<span class="{kind}" style="{LOOKS[kind]}">{words}</span>' for kind, words in KINDS.items())
        return (
            f"{STYLE}<div style='overflow-x:auto' tabindex='0'><table class='icon-table'><caption>{legend}</caption>"
            f"<tr><th></th>{heads}</tr>{rows}</table>"
            f"<details><summary>what the table cannot hold</summary><ul>{outside}</ul></details></div>"
        )


def table(reached: bool = False) -> PeriodicTable | Atlas:
    """The periodic table, rows q and columns p: a grid in a notebook, plain text elsewhere.

    With ``reached`` it has every p and q, each cell coloured by what it reached in the atlas that comes with the package.
    """
    return Atlas.shipped() if reached else PeriodicTable()


def _text_lines() -> Iterator[str]:
    """One block per row of the figure: plain text that fits a terminal, where nine columns do not."""
    for row, cells in grid():
        yield f"q: {axes.ROWS[row]}"
        for column, methods, reason in cells:
            names = ", ".join(method.name + (" (gap)" if method.gap else "") for method in methods)
            yield f"  p: {axes.COLUMNS[column]:24} {names or ('x  ' + reason if reason else '-')}"
        yield ""
    others = [method.name for method in METHODS.values() if method.p.family not in axes.COLUMNS]
    if others:
        yield "elsewhere: " + ", ".join(others)
    yield "What the table cannot hold:"
    for each in OUTSIDE:
        yield f"  {each.name}, {each.paper.authors} {each.paper.year}: {each.why}"
    yield ""
    yield "gap: composed here, no published result.  -: composable, no name yet.  x: makes no sense, and why."


def _html_cell(column: str, methods: list[Method], reason: str | None) -> str:
    if not methods and reason:
        return f'<td class="none" style="{EDGE};{LOOKS["none"]}" title="{escape(reason, quote=True)}">&times;</td>'
    kind = "open" if not methods else "gap" if all(method.gap for method in methods) else "known"
    entries = ""
    for method in methods:
        paper = f"{escape(method.paper.authors)} {method.paper.year}" if method.paper else "composed here"
        title = f"<i>{escape(method.title)}</i>" if method.gap else f"<b>{escape(method.title)}</b>"
        inside = f"${escape(method.loss)}$<br><code>{escape(method.how_to_run)}</code>"
        entries += f"<div>{title} <small>{paper}</small><details><summary>loss, run</summary>{inside}</details></div>"
    return f'<td class="{kind}" style="{EDGE};{LOOKS[kind]}">{entries or "&middot;"}</td>'


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
        """An atlas from its file, a line of JSON about the whole and one for each row; a line that was cut short is left out."""
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
    """The first method of a pair, as the table stands now; None where it has no name."""
    return next((m.name for m in METHODS.values() if (m.supervisory, m.learned) == (supervisory, learned)), None)
