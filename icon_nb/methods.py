"""The periodic table: every method as its p, its q and its defaults. The only place where a method is defined. Loads no torch.

Adding a method is one row here, one oracle test, and one notebook row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import ConfigError, nearest


@dataclass(frozen=True)
class Paper:
    """Where a method was published."""

    authors: str
    year: int
    title: str
    arxiv: str = ""

    def __str__(self) -> str:
        return f"{self.authors} ({self.year}), {self.title}" + (f", arXiv:{self.arxiv}" if self.arxiv else "")


@dataclass(frozen=True)
class Method:
    """One cell of the table.

    Parameters
    ----------
    name, title : str
        The word in the API and in a heading.
    supervisory, learned : str
        Its column (p) and row (q), names of :mod:`icon_nb.axes`.
    loss : str
        What the objective equals, in LaTeX.
    paper : Paper
    defaults : mapping
        Settings that differ from the general defaults.
    table : mapping
        Further defaults with backbone ``table``, one free point per sample and one gradient step per epoch.
    """

    name: str
    title: str
    supervisory: str
    learned: str
    loss: str
    paper: Paper | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    table: Mapping[str, object] = field(default_factory=dict)


_LAYOUT = {"backbone": "table", "embedding_dim": 2, "distance": "sqeuclidean", "temperature": 1.0, "perplexity": 30.0}
_CONTRASTIVE = {"backbone": "mlp", "distance": "cosine", "temperature": 0.5, "n_views": 2, "augment": "auto"}

METHODS = {
    method.name: method
    for method in (
        Method(
            "sne",
            "SNE",
            "gaussian",
            "gaussian",
            r"\frac1n \sum_i D_{KL}(p_i \Vert q_i),\ q_{ij} \propto e^{-\lVert z_i - z_j\rVert^2}",
            Paper("Hinton & Roweis", 2002, "Stochastic Neighbor Embedding"),
            _LAYOUT,
        ),
        Method(
            "tsne",
            "t-SNE",
            "gaussian_joint",
            "student_t_joint",
            r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ Q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2)^{-1}",
            Paper("van der Maaten & Hinton", 2008, "Visualizing Data using t-SNE"),
            {**_LAYOUT, "df": 1.0},
        ),
        Method(
            "tsne_conditional",
            "t-SNE, conditional form",
            "gaussian",
            "student_t",
            r"\frac1n \sum_i D_{KL}(p_i \Vert q_i),\ q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2)^{-1}",
            Paper("Alshammari et al.", 2025, "I-Con: A Unifying Framework for Representation Learning", "2504.16929"),
            {**_LAYOUT, "df": 1.0},
        ),
        Method(
            "simclr",
            "SimCLR",
            "positive_pairs",
            "gaussian",
            r"-\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, z_{i^+})/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}",
            Paper("Chen et al.", 2020, "A Simple Framework for Contrastive Learning of Visual Representations", "2002.05709"),
            _CONTRASTIVE,
        ),
        Method(
            "tsimclr",
            "t-SimCLR",
            "positive_pairs",
            "student_t",
            r"-\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+}/\nu\tau)^{-(\nu+1)/2}}{\sum_{k \ne i} (1 + d_{ik}/\nu\tau)^{-(\nu+1)/2}}",
            Paper("Hu et al.", 2023, "Your Contrastive Learning Is Secretly Doing Stochastic Neighbor Embedding", "2205.14814"),
            {**_CONTRASTIVE, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0},
        ),
        Method(
            "supcon",
            "SupCon",
            "same_class",
            "gaussian",
            r"-\frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in y_i} \log \frac{e^{\cos(z_i, z_j)/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}"
            r" - \log(K_i - 1)",
            Paper("Khosla et al.", 2020, "Supervised Contrastive Learning", "2004.11362"),
            {**_CONTRASTIVE, "temperature": 0.1},
        ),
        Method(
            "cross_entropy",
            "Cross-entropy",
            "label",
            "gaussian",
            r"-\frac1n \sum_i \log \frac{e^{z_i^\top \phi_{y_i}}}{\sum_c e^{z_i^\top \phi_c}}",
            Paper("Good", 1963, "Maximum Entropy for Hypothesis Formulation"),
            {"backbone": "mlp", "distance": "neg_dot", "temperature": 1.0, "augment": "auto"},
        ),
    )
}

# Older names of the playground that users know, each with the honest name it stands for.
ALIASES = {
    "simclr_like": "simclr",
    "sne_like": "sne",
    "tsne_like": "tsne",
    "supervised": "supcon",
}


def get(name: str) -> Method:
    """The row of the table with this name.

    >>> get("simclr").supervisory
    'positive_pairs'
    """
    name = ALIASES.get(name, name)
    if name not in METHODS:
        raise ConfigError(f"method={name!r} is not known; {nearest(name, METHODS)}")
    return METHODS[name]
