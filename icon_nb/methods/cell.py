"""One cell of the periodic table as a record, and the paper it comes from. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from . import axes
from .catalogue import CANDIDATES, DIVERGENCES, published


@dataclass(frozen=True)
class Paper:
    """Where a method was published."""

    authors: str
    year: int
    title: str
    arxiv: str = ""

    def __str__(self) -> str:
        return f"{self.authors} ({self.year}), {self.title}" + (f", arXiv:{self.arxiv}" if self.arxiv else "")


STYLE = (
    "<style>.icon-table{border-collapse:collapse;table-layout:auto!important;font-size:11px!important;line-height:1.3;width:100%}"
    ".icon-table td,.icon-table th{border:1px solid #9994;padding:3px 4px!important;vertical-align:top!important;"
    "text-align:left!important;max-width:16em;overflow-wrap:break-word;hyphens:none}"
    ".icon-table code{font-size:11px;overflow-wrap:anywhere}"
    ".icon-table .known{background:#4c78a822}.icon-table .gap{background:#f58b1a22}"
    ".icon-table .none{color:#888;background:#8881}.icon-table .open{color:#888}"
    ".icon-table small{opacity:.75}.icon-table details{margin-top:2px}</style>"
)

ICON = Paper("Alshammari et al.", 2025, "I-Con: A Unifying Framework for Representation Learning", "2504.16929")


@dataclass(frozen=True, repr=False)
class Method:
    """One cell of the table.

    Parameters
    ----------
    name, title : str
        The word in the API and in a heading.
    supervisory, learned : str
        Its column (p) and row (q), names of :mod:`icon_nb.methods.axes`.
    loss : str
        What the objective equals, in LaTeX.
    paper : Paper
    defaults : mapping
        Settings that differ from the general defaults.
    table : mapping
        Further defaults with backbone ``table``, one free point per sample and one gradient step per epoch.
    oracle : str
        What the tests show its loss and gradient equal to.
    note : str
        What a reader would get wrong.
    gap : bool
        Whether the published figure leaves the cell open, or fills it only in grey, without proof or experiment.
    notebook : str
        The notebook that teaches it; without one of its own, that of the whole table, which runs every cell.
    """

    name: str
    title: str
    supervisory: str
    learned: str
    loss: str
    paper: Paper | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    table: Mapping[str, object] = field(default_factory=dict)
    oracle: str = "the double loop"
    note: str = ""
    gap: bool = False
    notebook: str = "09_periodic_table"

    def __repr__(self) -> str:
        return f"Method({self.name!r}: {self.p.title} p, {self.q.title} q)"

    @property
    def p(self) -> axes.Axis:
        """The column: what p is."""
        return axes.SUPERVISORY[self.supervisory]

    @property
    def q(self) -> axes.Axis:
        """The row: what q is."""
        return axes.LEARNED[self.learned]

    @property
    def candidates(self) -> str:
        """What the columns of p and q are, in words."""
        words = CANDIDATES[self.p.candidates].about
        if self.p.candidates != "samples":
            return words
        p_self, q_self = axes.counts_self(self.p, self.q)
        return words + (", self included" if q_self else ", self excluded")

    @property
    def direction(self) -> str:
        """Which divergence is minimised."""
        if self.q.limit:
            return "D(p || q)" if "temperature" in self.q.settings else "the limit of D(p || q)"
        return DIVERGENCES[self.defaults.get("divergence", "kl")].symbol

    @property
    def backbone(self) -> str:
        """The default backbone, on the default data."""
        return self.defaults.get("backbone") or published(self.dataset).suits.get("backbone", "mlp")

    @property
    def dataset(self) -> str:
        """The default data set."""
        return self.defaults.get("dataset", "digits")

    @property
    def how_to_run(self) -> str:
        """The line of Python that runs it."""
        return f"icon.run(icon.Config(method={self.name!r}))"

    def facts(self) -> dict[str, tuple[str, str]]:
        """What there is to say about the cell: label -> words and formula."""
        return {
            "p": (f"{self.p.title}:", self.p.latex),
            "q": (f"{self.q.title}:", self.q.latex),
            "candidates": (self.candidates, ""),
            "minimised": (self.direction, ""),
            "loss": ("", self.loss),
            "backbone": (f"{self.backbone}, on {self.dataset}", ""),
            "equal to": (self.oracle, ""),
            "paper": (str(self.paper or "none: composed here"), ""),
            "note": (self.note, ""),
            "notebook": (self.notebook, ""),
            "run": (self.how_to_run, ""),
        }

    def describe(self) -> str:
        """The whole cell as plain text."""
        lines = [f"  {label:<12}{'  '.join(filter(None, fact))}" for label, fact in self.facts().items() if any(fact)]
        return "\n".join([f"{self.title}{'  (a gap of the published table)' if self.gap else ''}", *lines])

    def _repr_html_(self) -> str:
        said = {
            label: " ".join(filter(None, (escape(words), formula and f"${escape(formula)}$")))
            for label, (words, formula) in self.facts().items()
        }
        if self.paper and self.paper.arxiv:
            said["paper"] += f' <a href="https://arxiv.org/abs/{escape(self.paper.arxiv)}">arXiv</a>'
        said["run"] = f"<code>{said['run']}</code>"
        rows = "".join(f"<tr><th>{name}</th><td style='max-width:60em'>{text}</td></tr>" for name, text in said.items() if text)
        gap = " <small>a gap of the published table</small>" if self.gap else ""
        table = f"<table class='icon-table'><caption><b>{escape(self.title)}</b>{gap}</caption>{rows}</table>"
        return f"{STYLE}<div style='overflow-x:auto' tabindex='0'>{table}</div>"
