"""A table of results, which prints as text, HTML, CSV, JSON or a data frame; and the rows of a comparison."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from ..errors import IconError, demand, printable
from ..evaluation.probing import as_points, resolve_metric
from ..evaluation.scores import evaluate
from ..files import place, write_whole
from ..methods.catalogue import SCORES
from ..methods.config import SETTINGS
from ..objective.distances import metric_of
from .probes import inputs_of, score_run
from .results import Outcome, Results


@dataclass(frozen=True)
class Spread:
    """The mean of several values and their standard deviation (of the sample; NaN for one value)."""

    mean: float
    deviation: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        known = [float(value) for value in values if value == value]
        mean = float(np.mean(known)) if known else math.nan
        return cls(mean, float(np.std(known, ddof=1)) if len(known) > 1 else math.nan, len(known))

    def __str__(self) -> str:
        alike = 1e-3 <= abs(self.mean) < 1e4 and self.deviation < 1e4  # as many decimals as the mean has
        spread = f"{self.deviation:.{decimals(self.mean)}f}" if alike else cell(self.deviation)
        return cell(self.mean) + (f" ± {spread}" if self.deviation == self.deviation else "")


@dataclass(frozen=True)
class Table:
    """Rows of values under named columns: text, numbers or a :class:`Spread`; what is missing prints as nothing, NaN as a dash.

    The notes are sentences below the table. Hidden columns are in data formats, but not in text and HTML: durations, which
    differ from run to run.

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
        return tuple(name for name in self.columns if name not in self.hidden)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> list:
        return [row.get(column) for row in self.rows]

    def __str__(self) -> str:
        widths = [max(map(len, texts)) for texts in zip(*self._cells())]
        form = "  ".join(f"{{:{side}{width}}}" for side, width in zip(self._sides("<", ">"), widths))
        return "\n".join([*(form.format(*texts).rstrip() for texts in self._cells()), *self.notes])

    def _sides(self, left: str, right: str) -> list[str]:
        """For every column that is shown: left where it holds a text."""
        return [left if any(isinstance(value, str) for value in self[column]) else right for column in self.shown]

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} rows: {', '.join(self.shown)})"

    def to_html(self) -> str:
        """A plain HTML table; every text is escaped."""
        head, *rows = self._cells()
        look = [f'style="padding:2px 6px;text-align:{side}"' for side in self._sides("left", "right")]
        th = "".join(f"<th {style}>{escape(name)}</th>" for style, name in zip(look, head))
        lines = ("".join(f"<td {style}>{escape(text)}</td>" for style, text in zip(look, row)) for row in rows)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        small = 'style="font-size:85%"'  # eleven columns fit the width of a cell
        table = f"<table><thead {small}><tr>{th}</tr></thead><tbody {small}>{body}</tbody></table>"
        return f'<div style="overflow-x:auto" tabindex="0">{table}</div>{notes}'

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self.to_html()}

    def records(self) -> list[dict[str, object]]:
        """One flat dict per row, every column, full precision; a spread becomes ``name`` and ``name_spread``."""
        records: list[dict[str, object]] = [{} for _ in self.rows]
        for column in self.columns:
            spreads = [value if isinstance(value, Spread) else None for value in self[column]]
            for record, value, spread in zip(records, self[column], spreads):
                record[column] = spread.mean if spread else value
                if any(spreads):
                    record[f"{column}_spread"] = spread.deviation if spread else None
        return records

    def to_csv(self) -> str:
        """Comma-separated values with a header; missing and NaN are empty, a text that a spreadsheet would compute is quoted."""
        records, out = self.records(), io.StringIO()
        writer = csv.DictWriter(out, list(records[0]) if records else list(self.columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: quoted(_plain(value, "")) for name, value in record.items()} for record in records)
        return out.getvalue()

    def to_json(self) -> str:
        """``{"rows": [...], "notes": [...]}``; missing and NaN are null."""
        rows = [{name: _plain(value, None) for name, value in record.items()} for record in self.records()]
        return json.dumps({"rows": rows, "notes": list(self.notes)}, indent=2, ensure_ascii=False) + "\n"

    def _cells(self) -> list[list[str]]:  # the headings, and below them the rows
        head = [(name in SCORES and SCORES[name].heading) or name.replace("_", " ").replace("knn", "kNN") for name in self.shown]
        return [head, *([cell(row.get(name)) for name in self.shown] for row in self.rows)]

    def to_markdown(self) -> str:
        """A pipe table, with the notes below."""
        head, *rows = [[re.sub(r"([\\|*_`<\[])", r"\\\1", text) for text in line] for line in self._cells()]
        lines = [f"| {' | '.join(line)} |" for line in (head, self._sides(":--", "--:"), *rows)]
        return "\n".join(lines) + "".join(f"\n\n{note}" for note in self.notes) + "\n"

    def to_latex(self) -> str:
        """A tabular with the rules of booktabs; the notes are comments above it."""
        head, *rows = [" & ".join(text.translate(_LATEX) for text in line) + r" \\" for line in self._cells()]
        top = [rf"\begin{{tabular}}{{{''.join(self._sides('l', 'r'))}}}", r"\toprule"]
        end = [r"\bottomrule", r"\end{tabular}"]
        return "\n".join([*(f"% {note}" for note in self.notes), *top, head, r"\midrule", *rows, *end]) + "\n"

    def to_frame(self):
        """A pandas DataFrame; pandas is not installed with the package."""
        try:
            from pandas import DataFrame
        except ImportError:
            raise IconError("to_frame() needs pandas, which is not installed: pip install pandas, or use to_csv()") from None
        return DataFrame(self.records())

    def save(self, path) -> Path:
        """Write ``.csv``, ``.json``, ``.html``, ``.md``, ``.tex`` or ``.txt``; the suffix names the format."""
        path = place(path)
        forms = {".csv": self.to_csv, ".json": self.to_json, ".html": self.to_html, ".txt": lambda: f"{self}\n"}
        forms |= {".md": self.to_markdown, ".tex": self.to_latex}
        demand(path.suffix in forms, f"cannot write a table as {path.suffix!r}: choose {', '.join(forms)}")
        return write_whole(path, forms[path.suffix]().encode())


def decimals(value: float) -> int:
    """Decimals that give three digits, for numbers below 1,000."""
    return max(0, 3 - len(str(int(abs(value))).lstrip("0")))


def cell(value) -> str:
    """A value as it stands in a cell, with three digits."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            return "-"
        return f"{value:.{decimals(value)}f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"
    return printable(value)


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
_LATEX = str.maketrans(_LATEX | {each: f"\\{each}" for each in "&%$#_{}"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def quoted(value):
    """A text that a spreadsheet would compute, with a quote before it; other values as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _plain(value, missing):
    value = value.item() if isinstance(value, np.generic) else value
    return missing if value is None or isinstance(value, float) and not math.isfinite(value) else value


# The table of a comparison


def _scores() -> list[str]:
    return [name for name, row in SCORES.items() if row.compared]


def table(study, *, each: bool, baselines: bool, seconds: bool) -> Table:
    pooled = study.replicated and not each
    settings = [name for name in study.compared if not (pooled and name == "seed")] or ["method"]
    cells = study.cells.values() if pooled else [[run] for run in study.runs]
    rows = [[_row(study, run, settings) for run in runs] for runs in cells]
    rows = [_pool(several) for several in rows] if pooled else [row for (row,) in rows]
    for name, found in study.baselines.items() if baselines else ():
        rows.append({settings[0]: name, **{score: found[score] for score in _scores()}})
    columns = (*settings, "runs", "epochs", "loss", *_scores(), "seconds", "diagnosis", "error")
    used = {"runs": pooled, "error": any(row.get("error") for row in rows)}
    used["linear_probe"] = any(run.config.probe for run in study.runs)
    columns = dict.fromkeys(name for name in columns if used.get(name, True))
    return Table(tuple(columns), tuple(rows), tuple(_notes(study, pooled)), () if seconds else ("seconds",))


def _row(study, run: Outcome, settings: Sequence[str]) -> dict[str, object]:
    row = {name: study.value(run, name) for name in settings}
    if not isinstance(run, Results):
        return {**row, "diagnosis": run.status, "error": run.error}
    scores = score_run(run) if _unscored(run) else run.scores
    row |= {"epochs": run.history["epoch"][-1], "loss": run.history["loss"][-1], **{name: scores[name] for name in _scores()}}
    found = run.diagnosis
    verdict = found.verdict + (f" since epoch {found.since}" if found.verdict == "plateau" and found.since is not None else "")
    verdict += " (interrupted)" if run.status == "interrupted" else ""
    return row | {"seconds": run.provenance.get("seconds", math.nan), "diagnosis": verdict, "error": run.error or None}


def _unscored(run: Results) -> bool:  # as its data are code that nobody trusted
    return "scores" not in run.__dict__ and bool(run.withheld)


def _pool(rows: Sequence[Mapping]) -> dict[str, object]:
    pooled = {**rows[0], "runs": len(rows)}
    for name in ("loss", *_scores(), "seconds"):
        values = [row[name] for row in rows if name in row]
        pooled |= {name: Spread.of(values)} if values else {}
    for name in ("diagnosis", "error"):
        counts = Counter(row[name] for row in rows if row[name])
        pooled[name] = ", ".join(counts if len(counts) == 1 else (f"{n} {word}" for word, n in counts.items())) or None
    return pooled


def baselines(study) -> dict[str, dict[str, float]]:
    """The scores of the recorded points before training, for every distinct network, and as raw inputs, for all data."""
    runs = study.first_of_each()
    found = {f"{name}, untrained": score_run(run, frame=0) for name, run in _untrained(study, runs)}
    firsts: dict[str, Results] = {}
    for run in runs:
        firsts.setdefault(str(run.provenance.get("dataset")), run)
    for run in firsts.values():
        if (x := inputs_of(run)) is not None:
            scores = evaluate(x, run.labels, seed=run.config.seed, metric="euclidean", linear=run.config.probe)
            found[f"{run.provenance['dataset']['name']}, raw inputs"] = scores
    return found


def _untrained(study, runs: Sequence[Results]) -> list[tuple[str, Results]]:
    """One run for every network that the runs began with, under a name that says which network it is."""
    distinct: list[Results] = []
    for run in runs:
        if not any(_begins_alike(run, other) for other in distinct):
            distinct.append(run)
    about = [name for name in study.compared if name == "dataset" or SETTINGS[name].group == "model"]
    others = [name for name in study.compared if name not in about]
    names = [study.name(run, without=others) if about else run.config.backbone for run in distinct]
    for tell_apart in (lambda run: f"by {_metric(run)} distance", study.name):
        names = [name if names.count(name) == 1 else f"{name}, {tell_apart(run)}" for name, run in zip(names, distinct)]
    return list(zip(names, distinct))


def _metric(run: Results) -> str:
    return resolve_metric(metric_of(run.config.distance), run.trajectory.dim)


def _begins_alike(run: Results, other: Results) -> bool:
    """Whether two runs began with the same points in the same places, as their scores compare them."""
    if run.provenance.get("dataset") != other.provenance.get("dataset") or _metric(run) != _metric(other):
        return False
    first, second = (as_points(each.trajectory.embeddings[0], _metric(run)) for each in (run, other))
    return first.shape == second.shape and np.allclose(first, second, rtol=1e-4, atol=1e-6)


def _notes(study, pooled: bool):
    results = study.results
    yield from (_scored_on(results),) if results else ()
    if not all(run.config.probe for run in results):
        yield "No linear probe where a run has probe=False."
    if pooled:
        sizes = sorted({len(runs) for runs in study.cells.values()})
        many = " to ".join(map(str, dict.fromkeys((sizes[0], sizes[-1]))))
        yield f"Mean ± standard deviation over {many} {'seeds' if 'seed' in study.compared else 'runs'}."
    yield from dict.fromkeys(f"No neighbourhood preservation: {run.withheld}." for run in results if _unscored(run))
    if study.incomparable:
        yield study.incomparable
    if study.interrupted:
        yield "Interrupted: what is missing here was not run, or not to its end."


def _scored_on(results: Sequence[Results]) -> str:
    """Which points the scores are from, and whether training saw them."""
    sizes = sorted({run.trajectory.n_points for run in results})
    points = f"{' to '.join(f'{n:,}' for n in dict.fromkeys((sizes[0], sizes[-1])))} points"
    held_out = [run.trajectory.held_out is not None and bool(run.trajectory.held_out.all()) for run in results]
    if all(held_out):
        return f"Scores are on {points} held out from training."
    if not any(held_out):
        return f"Scores are on {points} that were trained on: there are no held-out ones for these runs."
    return f"Scores are on {points}, some held out and some trained on: compare rows of the same kind only."
