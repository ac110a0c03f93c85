"""A small table of results: rows of named values that print as text, HTML, CSV, JSON or a data frame."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from ..errors import ConfigError, IconError, printable
from ..files import write_whole
from ..methods.catalogue import SCORES


@dataclass(frozen=True)
class Spread:
    """The mean of several values and their standard deviation (of the sample; NaN for one value).

    >>> print(Spread.of([0.5, 0.7]))
    0.600 ± 0.141
    """

    mean: float
    deviation: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Over the values that are not NaN."""
        known = np.array([value for value in values if value == value], dtype=float)
        if len(known) == 0:
            return cls(math.nan, math.nan, 0)
        return cls(float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else math.nan, len(known))

    def __str__(self) -> str:
        return cell(self.mean) + (f" ± {cell(self.deviation)}" if self.deviation == self.deviation else "")


def heading(column: str) -> str:
    """The name of a column as a reader writes it.

    >>> heading("knn"), heading("linear_probe")
    ('kNN', 'linear probe')
    """
    return (column in SCORES and SCORES[column].heading) or column.replace("_", " ")


@dataclass(frozen=True)
class Table:
    """Rows of values under named columns.

    Parameters
    ----------
    columns : tuple of str
    rows : tuple of mappings
        Column name to text, number or :class:`Spread`; what is missing prints as nothing, NaN as a dash.
    notes : tuple of str
        Sentences below the table: what the numbers mean, and what they do not.
    hidden : tuple of str
        Columns that data formats hold but that text and HTML leave out: durations differ from run to run.

    Examples
    --------
    >>> print(Table(("method", "knn"), ({"method": "sne", "knn": 0.91}, {"method": "tsne", "knn": 0.934})))
    method    kNN
    sne     0.910
    tsne    0.934
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, object], ...]
    notes: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The columns of text and HTML."""
        return tuple(name for name in self.columns if name not in self.hidden)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> list:
        """The values of a column, from the first row to the last."""
        return [row.get(column) for row in self.rows]

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(len(line[k]) for line in cells) for k in range(len(self.shown))]
        left = [self._is_text(column) for column in self.shown]
        lines = ("  ".join(t.ljust(w) if flush else t.rjust(w) for t, w, flush in zip(line, widths, left)) for line in cells)
        return "\n".join([*(line.rstrip() for line in lines), *self.notes])

    def _is_text(self, column: str) -> bool:
        return any(isinstance(row.get(column), str) for row in self.rows)

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} rows: {', '.join(self.shown)})"

    def to_html(self) -> str:
        """A plain HTML table; every text is escaped."""
        head = "".join(f"<th>{escape(heading(column))}</th>" for column in self.shown)
        body = "".join("<tr>" + "".join(self._html_cell(row, column) for column in self.shown) + "</tr>" for row in self.rows)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        small = 'style="font-size:85%"'  # eleven columns fit the width of a cell
        table = f"<table><thead {small}><tr>{head}</tr></thead><tbody {small}>{body}</tbody></table>"
        return f'<div style="overflow-x:auto">{table}</div>{notes}'

    def _html_cell(self, row: Mapping, column: str) -> str:
        align = "left" if self._is_text(column) else "right"
        return f'<td style="text-align:{align}">{escape(cell(row.get(column)))}</td>'

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.to_html()}

    def records(self) -> list[dict[str, object]]:
        """One flat dict per row, every column, full precision; a spread becomes ``name`` and ``name_spread``."""
        wide = [column for column in self.columns if any(isinstance(row.get(column), Spread) for row in self.rows)]
        return [_flat(row, self.columns, wide) for row in self.rows]

    def to_csv(self) -> str:
        """Comma-separated values with a header; missing and NaN are empty, a text that a spreadsheet would compute is quoted."""
        records, out = self.records(), io.StringIO()
        writer = csv.DictWriter(out, list(records[0]) if records else list(self.columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _no_formula(_plain(value, "")) for name, value in record.items()} for record in records)
        return out.getvalue()

    def to_json(self) -> str:
        """``{"rows": [...], "notes": [...]}``; missing and NaN are null."""
        rows = [{name: _plain(value, None) for name, value in record.items()} for record in self.records()]
        return json.dumps({"rows": rows, "notes": list(self.notes)}, indent=2, ensure_ascii=False) + "\n"

    def _cells(self) -> list[list[str]]:
        """The headings, and below them the rows, as text."""
        return [[heading(name) for name in self.shown], *([cell(row.get(name)) for name in self.shown] for row in self.rows)]

    def to_markdown(self) -> str:
        """A pipe table, with the notes below."""
        head, *rows = [[re.sub(r"([\\|*_`<\[])", r"\\\1", text) for text in line] for line in self._cells()]
        rule = [":--" if self._is_text(name) else "--:" for name in self.shown]
        lines = [f"| {' | '.join(line)} |" for line in (head, rule, *rows)]
        return "\n".join(lines) + "".join(f"\n\n{note}" for note in self.notes) + "\n"

    def to_latex(self) -> str:
        """A tabular with the rules of booktabs; the notes are comments above it."""
        head, *rows = [" & ".join(map(_latex, line)) + r" \\" for line in self._cells()]
        columns = "".join("l" if self._is_text(name) else "r" for name in self.shown)
        top, end = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"], [r"\bottomrule", r"\end{tabular}"]
        return "\n".join([*(f"% {note}" for note in self.notes), *top, head, r"\midrule", *rows, *end]) + "\n"

    def to_frame(self):
        """A pandas DataFrame.

        Raises
        ------
        IconError
            pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            raise IconError("to_frame() needs pandas, which is not installed: pip install pandas, or use to_csv()") from None
        return DataFrame(self.records())

    def save(self, path) -> Path:
        """Write ``.csv``, ``.json``, ``.html``, ``.md``, ``.tex`` or ``.txt``; the suffix names the format."""
        path = Path(path)
        forms = {".csv": self.to_csv, ".json": self.to_json, ".html": self.to_html, ".txt": lambda: f"{self}\n"}
        forms |= {".md": self.to_markdown, ".tex": self.to_latex}
        if path.suffix not in forms:
            raise ConfigError(f"cannot write a table as {path.suffix!r}: choose {', '.join(forms)}")
        return write_whole(path, forms[path.suffix]().encode())


def cell(value) -> str:
    """A value as it stands in a cell: numbers with three decimals, or three digits where they are very small or large."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            return "-"
        return f"{value:.3f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"
    return printable(value)


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(each) or (f"\\{each}" if each in "&%$#_{}" else each) for each in text)


def _no_formula(value):
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _plain(value, missing):
    value = value.item() if isinstance(value, np.generic) else value
    return missing if value is None or isinstance(value, float) and not math.isfinite(value) else value


def _flat(row: Mapping, columns: Sequence[str], wide: Sequence[str]) -> dict[str, object]:
    flat = {}
    for column in columns:
        value = row.get(column)
        flat[column] = value.mean if isinstance(value, Spread) else value
        if column in wide:
            flat[f"{column}_spread"] = value.deviation if isinstance(value, Spread) else None
    return flat
