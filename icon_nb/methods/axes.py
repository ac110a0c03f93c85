"""The two axes of the periodic table, as plain data: what may stand in the p slot and in the q slot. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .catalogue import by_name


@dataclass(frozen=True)
class Axis:
    """One column (p) or row (q) of the table.

    Parameters
    ----------
    name, title : str
        The word in the API and in a heading.
    latex : str
        The formula of the row i.
    make : str
        The class of the component, ``"module:Class"``.
    options : mapping
        Arguments that tell the row from others of the same class.
    kernel : str
        For a q over all pairs: the row whose kernel it takes.
    settings : tuple of str
        The settings of :class:`icon_nb.Config` that the component takes; it has a field of the same name for each.
    candidates : str
        What the m columns are: a key of ``catalogue.CANDIDATES``. For q: ``any``, or the one kind it is made for.
    include_self : bool or None
        Whether j = i counts; None for what goes either way: p then follows q, q follows p, and by themselves they leave it out.
    needs : tuple of str
        What the data or the trainer must provide: keys of ``NEEDS``.
    positive : bool
        Whether p is nowhere zero among its candidates, so that D(q || p) is finite.
    limit : bool
        Whether q comes with its own loss in place of the divergence: as a limit of the temperature, or as it looks at p.
    family : str
        The column or row of the published figure that it belongs to, where several components share one.
    """

    name: str
    title: str
    latex: str
    make: str
    options: Mapping[str, object] = field(default_factory=dict)
    kernel: str = ""
    settings: tuple[str, ...] = ()
    candidates: str = "samples"
    include_self: bool | None = False
    needs: tuple[str, ...] = ()
    positive: bool = False
    limit: bool = False
    family: str = ""


NEEDS = {
    "views": "augmented copies of every sample",
    "labels": "a class for every sample",
    "inputs": "samples that can be compared with each other",
    "pairs": "a second modality for every sample",
    "companion": "embeddings of the samples from elsewhere",
    "graph": "a graph between the samples",
    "tokens": "a text, of which words are hidden",
}

_P, _Q = "icon_nb.objective.supervisory", "icon_nb.objective.learned"
_NEAR, _GRAPHS, _IDENTITY = f"{_P}.neighbourhoods", f"{_P}.graphs", f"{_P}.identity"
_KERNELS, _LIMITS, _MARGINS = f"{_Q}.kernels", f"{_Q}.limits", f"{_Q}.margins"
_KERNEL = ("temperature", "distance")
_WALKS = ("walk_length", "walk")


SUPERVISORY: dict[str, Axis] = by_name(
    Axis(
        "gaussian", "Gaussian", r"p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2},\ j \ne i",
        f"{_NEAR}:Gaussian", settings=("perplexity",), needs=("inputs",),
        positive=True, family="gaussian",
    ),
    Axis(
        "gaussian_joint", "Gaussian, over all pairs", r"P_{ij} = (p_{j|i} + p_{i|j}) / 2n",
        f"{_NEAR}:GaussianJoint", settings=("perplexity",), candidates="pairs",
        needs=("inputs",), positive=True, family="gaussian",
    ),
    Axis(
        "gaussian_fixed", "Gaussian, one scale for all points",
        r"p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / \tau_p}",
        f"{_NEAR}:GaussianFixed", settings=("p_temperature",), include_self=None,
        needs=("inputs",), positive=True, family="gaussian",
    ),
    Axis(
        "spectral", "Gaussian on the spectral embedding", r"p_{ij} \propto e^{-\lVert u_i - u_j\rVert^2 / \tau_p}",
        f"{_GRAPHS}:Spectral", settings=("n_neighbors", "p_temperature", "embedding_dim"),
        include_self=None, needs=("inputs",), positive=True, family="gaussian",
    ),
    Axis(
        "companion", "Similarity of companion embeddings", r"p_{ij} \propto e^{\cos(g_i, g_j)/\tau_p},\ j \ne i",
        f"{_NEAR}:Companion", settings=("p_temperature",), needs=("companion",),
        positive=True, family="gaussian",
    ),
    Axis(
        "student_t", "Student-t", r"p_{ij} \propto (1 + \lVert x_i - x_j\rVert^2 / \tau_p)^{-1}",
        f"{_NEAR}:StudentT", settings=("p_temperature",), include_self=None,
        needs=("inputs",), positive=True, family="student_t",
    ),
    Axis(
        "identity", "Identity", r"p_{ij} = 1[i = j]",
        f"{_IDENTITY}:Identity", include_self=True, family="identity",
    ),
    Axis(
        "dimension", "Identity, over the dimensions", r"p_{kl} = 1[k = l]",
        f"{_IDENTITY}:OtherSide", options={"sides": 1}, candidates="dimensions",
        include_self=True, needs=("views",), family="identity",
    ),
    Axis(
        "graph", "Graph weights", r"p_{ij} = w_{ij} / \textstyle\sum_k w_{ik}",
        f"{_GRAPHS}:GraphWeights", settings=_WALKS, needs=("graph",), family="graph",
    ),
    Axis(
        "graph_gibbs", "Graph weights, Gibbs form", r"p_{ij} \propto e^{w_{ij} / d_j \tau_p}",
        f"{_GRAPHS}:GraphGibbs", settings=("p_temperature",), include_self=True,
        needs=("graph",), positive=True, family="graph",
    ),
    Axis(
        "shortest_paths", "Gaussian along the paths of a graph",
        r"P_{ij} \text{ of } \delta_{ij}, \text{ the edges between } i \text{ and } j",
        f"{_NEAR}:ShortestPaths", settings=("perplexity",), candidates="pairs", needs=("graph",), positive=True, family="graph",
    ),
    Axis(
        "knn", "Uniform k-NN", r"p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)]",
        f"{_GRAPHS}:NearestNeighbors", settings=("n_neighbors", *_WALKS), needs=("inputs",),
        family="knn",
    ),
    Axis(
        "companion_knn", "Uniform k-NN of companion embeddings", r"p_{ij} = \frac1k 1[g_j \in \mathrm{kNN}(g_i)]",
        f"{_GRAPHS}:CompanionNeighbors", settings=("n_neighbors", *_WALKS),
        needs=("companion",), family="knn",
    ),
    Axis(
        "positive_pairs", "Uniform positive pairs", r"p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i",
        f"{_IDENTITY}:PositivePairs", needs=("views",), family="positive_pairs",
    ),
    Axis(
        "positive_pairs_joint", "Positive pairs, over all pairs", r"P_{ij} = \frac{1}{nk} 1[s_i = s_j],\ j \ne i",
        f"{_IDENTITY}:PositivePairsJoint", candidates="pairs", needs=("views",), family="positive_pairs",
    ),
    Axis(
        "other_view", "The other view, one way", r"p_{ij} = 1[s_i = s_j]",
        f"{_IDENTITY}:OtherSide", options={"sides": 1}, candidates="views", include_self=True,
        needs=("views",), family="positive_pairs",
    ),
    Axis(
        "momentum_view", "The other view as a slow encoder sees it", r"p_{ij} = 1[s_i = s_j]",
        f"{_IDENTITY}:OtherSide", options={"sides": 2}, candidates="keys", include_self=True,
        needs=("views",), family="positive_pairs",
    ),
    Axis(
        "views_and_neighbors", "Views of the sample and of its neighbours",
        r"p_{ij} \propto 1[s_i = s_j] + k \tilde P_{s_i s_j},\ j \ne i",
        f"{_GRAPHS}:ViewsAndNeighbors", settings=("n_neighbors", *_WALKS),
        needs=("views", "inputs"), family="positive_pairs",
    ),
    Axis(
        "cross_modal", "Cross-modal pairs", r"p_{ij} = 1[s_i = s_j],\ V_i \ne V_j",
        f"{_IDENTITY}:OtherSide", options={"sides": 2}, candidates="modality",
        include_self=True, needs=("pairs",), family="cross_modal",
    ),
    Axis(
        "same_class", "Uniform over classes", r"p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i",
        f"{_IDENTITY}:SameClass", needs=("labels",), family="same_class",
    ),
    Axis(
        "label", "Data-label pairs", r"p_{ic} = 1[y_i = c]",
        f"{_IDENTITY}:Label", candidates="classes", include_self=True, needs=("labels",),
        family="label",
    ),
    Axis(
        "masked_token", "Context-token pairs", r"p_{it} = 1[\text{token } t \text{ stood in context } i]",
        f"{_IDENTITY}:Label", candidates="tokens", include_self=True, needs=("tokens",),
        family="label",
    ),
)  # fmt: skip

LEARNED: dict[str, Axis] = by_name(
    Axis(
        "gaussian", "Gaussian", r"q_{ij} \propto e^{-d_{ij}/\tau}",
        f"{_KERNELS}:Gaussian", settings=_KERNEL, candidates="any", include_self=None,
        family="gaussian",
    ),
    Axis(
        "gaussian_joint", "Gaussian, over all pairs", r"Q_{ij} = e^{-d_{ij}/\tau} / \textstyle\sum_{k \ne l}",
        f"{_KERNELS}:Joint", kernel="gaussian", settings=_KERNEL, candidates="pairs", include_self=None, family="gaussian",
    ),
    Axis(
        "gaussian_margin", "Gaussian with a margin", r"q_{ij} \propto e^{-(d_{ij} + \mu 1[p_{ij} > 0])/\tau}",
        f"{_MARGINS}:GaussianMargin", settings=(*_KERNEL, "margin"), candidates="any", include_self=None, limit=True,
        family="gaussian",
    ),
    Axis(
        "gaussian_angular", "Gaussian with an angular margin", r"q_{ij} \propto e^{\cos(\theta_{ij} + \mu 1[p_{ij} > 0])/\tau}",
        f"{_MARGINS}:GaussianAngular", settings=(*_KERNEL, "margin"), candidates="any", include_self=None, limit=True,
        family="gaussian",
    ),
    Axis(
        "gaussian_hard", "Gaussian with hard strangers",
        r"q_{ij} \propto e^{-d_{ij}/\tau} \text{ times } e^{-\beta d_{ij}/\tau} \text{ where } p_{ij} = 0",
        f"{_MARGINS}:GaussianHard", settings=(*_KERNEL, "margin", "hardness"), candidates="any", include_self=None, limit=True,
        family="gaussian",
    ),
    Axis(
        "sigmoid", "Every pair by itself", r"q_{ij} = \sigma(b - d_{ij}/\tau)",
        f"{_MARGINS}:Sigmoid", settings=(*_KERNEL, "bias"), candidates="any", include_self=None, limit=True, family="sigmoid",
    ),
    Axis(
        "gaussian_wide", "Gaussian, temperature to infinity", r"\tau \to \infty",
        f"{_LIMITS}:GaussianWide", settings=("distance",), candidates="any", include_self=True,
        limit=True, family="gaussian_wide",
    ),
    Axis(
        "gaussian_narrow", "Gaussian, temperature to zero", r"\tau \to 0",
        f"{_LIMITS}:GaussianNarrow", settings=("distance", "margin"), candidates="any",
        include_self=None, limit=True, family="gaussian_narrow",
    ),
    Axis(
        "student_t", "Student-t", r"q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}",
        f"{_KERNELS}:StudentT", settings=(*_KERNEL, "df"), candidates="any", include_self=None,
        family="student_t",
    ),
    Axis(
        "student_t_joint", "Student-t, over all pairs",
        r"Q_{ij} = (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2} / \textstyle\sum_{k \ne l}",
        f"{_KERNELS}:Joint", kernel="student_t", settings=(*_KERNEL, "df"), candidates="pairs",
        include_self=None, family="student_t",
    ),
    Axis(
        "student_t_narrow", "Student-t, scale to zero", r"q_{ij} \propto d_{ij}^{-(\nu+1)/2}",
        f"{_KERNELS}:StudentTNarrow", settings=("distance", "df"), candidates="any",
        include_self=None, family="student_t",
    ),
    Axis(
        "clusters", "Uniform on clusters", r"q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}",
        f"{_Q}.clusters:Clusters", include_self=True, family="clusters",
    ),
)  # fmt: skip

SLOTS = {"supervisory": SUPERVISORY, "learned": LEARNED}

MIXED = {"supervisory": f"{_IDENTITY}:Mixed", "learned": f"{_KERNELS}:Mixed"}
"""The classes that mix a p or a q with the uniform distribution."""

COLUMNS = {
    "gaussian": "Gaussian",
    "student_t": "Student-t",
    "identity": "Identity",
    "graph": "Graph kernel weights",
    "knn": "Uniform k-NN",
    "positive_pairs": "Uniform positive pairs",
    "cross_modal": "Cross-modal pairs",
    "same_class": "Uniform over classes",
    "label": "Data-label pairs",
}
"""The columns of the published figure: families of p, in its order."""

ROWS = {
    "gaussian": "Gaussian",
    "gaussian_wide": "Gaussian, scale to infinity",
    "gaussian_narrow": "Gaussian, scale to zero",
    "student_t": "Student-t",
    "clusters": "Uniform on clusters",
    "sigmoid": "Every pair by itself",
}
"""The rows: families of q, in the order of the published figure, and below them one that it has not."""


def is_taken(setting: str) -> bool:
    """Whether some p or q takes a setting.

    >>> is_taken("temperature"), is_taken("epochs")
    (True, False)
    """
    return any(setting in row.settings for rows in SLOTS.values() for row in rows.values())


def counts_self(p: Axis, q: Axis) -> tuple[bool, bool]:
    """Whether j = i counts in p and in q: where one goes either way it follows the other.

    >>> counts_self(SUPERVISORY["gaussian_fixed"], LEARNED["clusters"])
    (True, True)
    >>> counts_self(SUPERVISORY["knn"], LEARNED["gaussian"])
    (False, False)
    """
    in_p = p.include_self if p.include_self is not None else bool(q.include_self)
    return in_p, q.include_self if q.include_self is not None else in_p


def why_not(p: Axis, q: Axis) -> str | None:
    """The reason why a pair makes no sense, or None when it does.

    >>> why_not(SUPERVISORY["label"], LEARNED["clusters"])
    "supervisory='label' spreads over classes, but learned='clusters' is a distribution over samples"
    """
    names = f"supervisory={p.name!r}", f"learned={q.name!r}"
    if q.candidates not in ("any", p.candidates):
        return f"{names[0]} spreads over {p.candidates}, but {names[1]} is a distribution over {q.candidates}"
    if p.candidates == "pairs" and q.candidates != "pairs":
        return f"{names[0]} is one distribution over all pairs, {names[1]} has one per anchor"
    in_p, in_q = counts_self(p, q)
    if in_p and not in_q:
        return f"{names[0]} counts the point itself and {names[1]} does not, so the divergence is infinite"
    if in_p and p.candidates == "samples" and q.name in ("gaussian_narrow", "student_t_narrow"):
        return f"{names[0]} counts the point itself, and with {names[1]} nothing is nearer to it: nothing else counts"
    return None


def rows_of(slot: str, component: object) -> list[str]:
    """The rows that make components like this one: of its class, with the same options, and over the same kernel.

    >>> rows_of("learned", 3)
    []
    """
    return [name for name, row in SLOTS[slot].items() if _makes(row, component)]


def _makes(row: Axis, component: object) -> bool:
    if row.make != class_name(component):
        return False
    if row.kernel:
        return _makes(LEARNED[row.kernel], component.kernel)
    return all(getattr(component, name) == value for name, value in row.options.items())


def class_name(component: object) -> str:
    """The class of an object as a row names it: ``"module:Class"``."""
    return f"{type(component).__module__}:{type(component).__qualname__}"
