"""The periodic table as a thing to look at: pages for a notebook, plain text, and Markdown. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from . import axes
from .cell import Method
from .methods import METHODS

KINDS = {
    "known": "a method of the literature",
    "gap": "a gap: composed here, no published result",
    "open": "composable, no name yet",
}

STYLE = (
    "<style>.icon-table{border-collapse:collapse;table-layout:auto!important;font-size:11px!important;line-height:1.3;width:100%}"
    ".icon-table td,.icon-table th{border:1px solid #9994;padding:3px 4px!important;vertical-align:top!important;"
    "text-align:left!important;max-width:16em;overflow-wrap:break-word;hyphens:none}"
    ".icon-table code{font-size:11px;overflow-wrap:anywhere}"
    ".icon-table .known{background:#4c78a822}.icon-table .gap{background:#f58b1a22}"
    ".icon-table .none{color:#888;background:#8881}.icon-table .open{color:#888}"
    ".icon-table small{opacity:.75}.icon-table details{margin-top:2px}</style>"
)


def cell_methods(row: str, column: str) -> list[Method]:
    """The methods in one cell of the published figure, by the families of q and p."""
    return [method for method in METHODS.values() if method.q.family == row and method.p.family == column]


def why_empty(row: str, column: str) -> str | None:
    """Why no pair of these families makes sense, or None where some pair does.

    >>> why_empty("clusters", "label")
    "supervisory='label' spreads over classes, but learned='clusters' is a distribution over samples"
    """
    reasons = [axes.why_not(p, q) for p in family(axes.SUPERVISORY, column) for q in family(axes.LEARNED, row)]
    return None if None in reasons else reasons[0]


def family(axis: dict[str, axes.Axis], name: str) -> list[axes.Axis]:
    """The components of one row or column of the figure."""
    return [each for each in axis.values() if each.family == name]


def grid() -> Iterator[tuple[str, list[tuple[str, list[Method], str | None]]]]:
    """Row by row: the family of q, and for every column the family of p, its methods, and why there can be none."""
    for row in axes.ROWS:
        yield row, [(column, cell_methods(row, column), why_empty(row, column)) for column in axes.COLUMNS]


class Table:
    """The whole table; ``repr`` is one line, ``print(table)`` the grid as text, a notebook shows the page."""

    def __repr__(self) -> str:
        gaps = sum(method.gap for method in METHODS.values())
        return f"Table({len(axes.ROWS)} rows q, {len(axes.COLUMNS)} columns p, {len(METHODS)} methods, {gaps} of them gaps)"

    def __str__(self) -> str:
        return "\n".join(_text_lines())

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>p: {escape(title)}</th>" for title in axes.COLUMNS.values())
        rows = "".join(
            f"<tr><th>q: {escape(axes.ROWS[row])}</th>{''.join(_html_cell(*cell) for cell in cells)}</tr>"
            for row, cells in grid()
        )
        legend = " &middot; ".join(f'<span class="{kind}">{words}</span>' for kind, words in KINDS.items())
        legend += ' &middot; <span class="none">&times; makes no sense</span>'
        return (
            f"{STYLE}<div style='overflow-x:auto'><table class='icon-table'><caption>{legend}</caption>"
            f"<tr><th></th>{heads}</tr>{rows}</table></div>"
        )


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
    yield "gap: composed here, no published result.  -: composable, no name yet.  x: makes no sense, and why."


def _html_cell(column: str, methods: list[Method], reason: str | None) -> str:
    if not methods and reason:
        return f'<td class="none" title="{escape(reason, quote=True)}">&times;</td>'
    kind = "open" if not methods else "gap" if all(method.gap for method in methods) else "known"
    return f'<td class="{kind}">{"".join(_html_entry(method) for method in methods) or "&middot;"}</td>'


def _html_entry(method: Method) -> str:
    paper = f"{escape(method.paper.authors)} {method.paper.year}" if method.paper else "composed here"
    title = f"<i>{escape(method.title)}</i>" if method.gap else f"<b>{escape(method.title)}</b>"
    inside = f"${escape(method.loss)}$<br><code>{escape(method.how_to_run)}</code>"
    return f"<div>{title} <small>{paper}</small><details><summary>loss, run</summary>{inside}</details></div>"


def cell_html(method: Method) -> str:
    """One method in full."""
    paper = escape(str(method.paper or "none: composed here"))
    if method.paper and method.paper.arxiv:
        paper += f' <a href="https://arxiv.org/abs/{escape(method.paper.arxiv)}">arXiv</a>'
    lines = {
        "p": f"{escape(method.p.title)}: ${escape(method.p.latex)}$",
        "q": f"{escape(method.q.title)}: ${escape(method.q.latex)}$",
        "candidates": escape(method.candidates),
        "minimised": escape(method.direction),
        "loss": f"${escape(method.loss)}$",
        "backbone": escape(f"{method.backbone}, on {method.defaults.get('dataset', 'digits')}"),
        "equal to": escape(method.oracle),
        "paper": paper,
        "note": escape(method.note),
        "notebook": escape(method.notebook),
        "run": f"<code>{escape(method.how_to_run)}</code>",
    }
    rows = "".join(f"<tr><th>{name}</th><td style='max-width:60em'>{text}</td></tr>" for name, text in lines.items() if text)
    gap = " <small>a gap of the published table</small>" if method.gap else ""
    table = f"<table class='icon-table'><caption><b>{escape(method.title)}</b>{gap}</caption>{rows}</table>"
    return f"{STYLE}<div style='overflow-x:auto'>{table}</div>"


def markdown() -> str:
    """The table of methods for the README, one line each."""
    head = ["method", "p", "q", "candidates", "minimised", "backbone", "equal to", "paper", "notebook"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for method in METHODS.values():
        paper = "composed here" if method.paper is None else f"{method.paper.authors} {method.paper.year}"
        if method.paper and method.paper.arxiv:
            paper = f"[{paper}](https://arxiv.org/abs/{method.paper.arxiv})"
        name = f"`{method.name}`" + (" (gap)" if method.gap else "")
        notebook = f"[{method.notebook[:2]}](notebooks/{method.notebook}.ipynb)"
        about = [method.p.title, method.q.title, method.candidates, method.direction, method.backbone, method.oracle]
        cells = [name, *about, paper, notebook]
        lines.append("| " + " | ".join(str(cell).replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
