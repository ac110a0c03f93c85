"""The periodic table: every method as its p, its q and its defaults. The rows are in ``methods.toml``; loads no torch.

Adding a method is its row, one oracle test, and one notebook row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from ..errors import ConfigError, nearest
from . import axes
from .catalogue import CANDIDATES, DIVERGENCES, published, read


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
    ".icon-table small{opacity:.75}.icon-table details{margin-top:2px}</style>"
)


@dataclass(frozen=True, repr=False)
class Method:
    """One cell of the table, a row of ``methods.toml``."""

    name: str
    title: str
    supervisory: str  # its column (p) and its row (q)
    learned: str
    loss: str  # what the objective equals, in LaTeX
    paper: Paper | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)  # settings that differ from the general defaults
    table: Mapping[str, object] = field(default_factory=dict)  # further ones with backbone="table": one step per epoch
    oracle: str = "the double loop"  # what the tests show its loss and gradient equal to
    note: str = ""  # what a reader would get wrong
    gap: bool = False  # whether the published figure leaves the cell open, or fills it without proof or experiment
    notebook: str = "09_periodic_table"  # the notebook that teaches it; by default the one that runs every cell

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
            return "the limit of D(p || q)" if self.q.family in ("gaussian_wide", "gaussian_narrow") else "D(p || q)"
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


@dataclass(frozen=True)
class Outside:
    """A loss that is no cell of the table, as a function of the scores s of one row, and the two lines that show it."""

    name: str
    loss: str
    paper: Paper
    why: str


_ROWS = read("methods.toml")
PAPERS: dict[str, Paper] = {name: Paper(**row) for name, row in _ROWS["papers"].items()}  # those that several rows name
ICON = PAPERS["icon"]
ALIASES: dict[str, str] = _ROWS["older"]
"""Older names of the playground that users know, each with the honest name it stands for."""


def _paper(row: str | Mapping | None) -> Paper | None:
    """The paper of a row, which stands there or is one of :data:`PAPERS`."""
    return row and (PAPERS[row] if isinstance(row, str) else Paper(**row))


def spelt_out(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings of a row, with those of the group that they are ``like`` in front."""
    own = dict(settings)
    like = own.pop("like", None)
    return {**GROUPS[like], **own} if like else own


GROUPS: dict[str, dict[str, object]] = {}  # what methods of a kind have in common
for _name, _settings in _ROWS["groups"].items():
    GROUPS[_name] = spelt_out(_settings)


def _method(name: str, paper=None, defaults=(), table=(), **row) -> Method:
    return Method(name, paper=_paper(paper), defaults=spelt_out(dict(defaults)), table=spelt_out(dict(table)), **row)


METHODS: dict[str, Method] = {name: _method(name, **row) for name, row in _ROWS["methods"].items()}
OUTSIDE: tuple[Outside, ...] = tuple(Outside(**{**row, "paper": _paper(row["paper"])}) for row in _ROWS["outside"])
"""What the table cannot hold."""


def get(name: str) -> Method:
    """The cell of the table with this name; in a notebook it shows itself in full, ``describe()`` is the plain text.

    >>> get("simclr")
    Method('simclr': Uniform positive pairs p, Gaussian q)
    """
    name = ALIASES.get(name, name)
    if name not in METHODS:
        raise ConfigError(f"method={name!r} is not known; {nearest(name, METHODS)}")
    return METHODS[name]


def of_pair(p: axes.Axis, q: axes.Axis) -> Method:
    """The cell of a p and a q: its first method under the name of its parts; where it has none, what similar methods take.

    >>> of_pair(axes.SUPERVISORY["gaussian"], axes.LEARNED["student_t"]).defaults == get("tsne_conditional").defaults
    True
    """
    name, title = f"{p.name}_{q.name}", f"{p.title} p, {q.title} q"
    named = next((method for method in METHODS.values() if (method.supervisory, method.learned) == (p.name, q.name)), None)
    return Method(name, title, p.name, q.name, "", None, *((named.defaults, named.table) if named else composed_defaults(p, q)))


def composed_defaults(p: axes.Axis, q: axes.Axis) -> tuple[dict[str, object], dict[str, object]]:
    """Defaults of a pair without a method, and further ones on a table of free points: those of methods with the same needs."""
    by_candidates = {"modality": "captions", "classes": "taught" if "logits" in p.needs else "classes"}
    by_need = {"graph": "graph", "companion": "companions", "views": "views", "labels": "labelled"}
    layout = "plane" if p.needs == ("inputs",) and not q.limit else None
    group = by_candidates.get(p.candidates) or next((by_need[need] for need in p.needs if need in by_need), layout)
    defaults = dict(METHODS["mlm"].defaults if p.candidates == "tokens" else GROUPS.get(group, {}))
    if q.name == "clusters":
        return defaults | GROUPS["head"], GROUPS["members_step"]
    if q.family == "gaussian_wide":
        defaults.pop("distance", None)  # which depends on the backbone
    elif q.name == "gaussian_angular":
        defaults |= {"distance": "cosine"}
    elif p.candidates in ("classes", "tokens") and q.family in ("gaussian", "gaussian_narrow"):
        defaults |= {"distance": "neg_dot", "temperature": 1.0}
    elif q.family == "student_t":
        defaults |= {"distance": "sqeuclidean", "temperature": 1.0}
    return defaults, GROUPS["from_pca"] if "inputs" in p.needs else {}
