"""One cell of the periodic table as a record, and the paper it comes from. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import axes
from .catalogue import CANDIDATES


@dataclass(frozen=True)
class Paper:
    """Where a method was published."""

    authors: str
    year: int
    title: str
    arxiv: str = ""

    def __str__(self) -> str:
        return f"{self.authors} ({self.year}), {self.title}" + (f", arXiv:{self.arxiv}" if self.arxiv else "")


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
            return "the limit of D(p || q)"
        return {"kl": "D(p || q)", "rkl": "D(q || p)", "js": "JS(p, q)"}[self.defaults.get("divergence", "kl")]

    @property
    def backbone(self) -> str:
        """The default backbone."""
        return self.defaults.get("backbone", "mlp")

    @property
    def how_to_run(self) -> str:
        """The line of Python that runs it."""
        return f"icon.run(icon.Config(method={self.name!r}))"

    def describe(self) -> str:
        """The whole cell as plain text."""
        lines = [
            f"{self.title}{'  (a gap of the published table)' if self.gap else ''}",
            f"  p           {self.p.title}:  {self.p.latex}",
            f"  q           {self.q.title}:  {self.q.latex}",
            f"  candidates  {self.candidates}",
            f"  minimised   {self.direction}",
            f"  loss        {self.loss}",
            f"  backbone    {self.backbone}, on {self.defaults.get('dataset', 'digits')}",
            f"  equal to    {self.oracle}",
            f"  paper       {self.paper or 'none: composed here'}",
            *([f"  note        {self.note}"] if self.note else []),
            f"  notebook    {self.notebook}",
            f"  run         {self.how_to_run}",
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from .periodic import cell_html  # pages are made on first use

        return cell_html(self)
