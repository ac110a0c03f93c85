"""The two axes of the periodic table, as plain data: what may stand in the p slot and in the q slot. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """One column (p) or row (q) of the table.

    Parameters
    ----------
    name, title : str
        The word in the API and in a heading.
    latex : str
        The formula of the row i.
    settings : tuple of str
        The settings of :class:`icon_nb.Config` that the component takes; it has a field of the same name for each.
    candidates : str
        What the m columns are. For p: ``samples`` (the batch), ``pairs`` (all pairs of the batch at once) or ``classes``.
        For q: ``any``, or the one kind it is made for.
    include_self : bool
        Whether j = i counts.
    needs : tuple of str
        ``views`` (augmented copies), ``labels``, ``inputs`` (neighbourhoods in input space).
    """

    name: str
    title: str
    latex: str
    settings: tuple[str, ...] = ()
    candidates: str = "samples"
    include_self: bool = False
    needs: tuple[str, ...] = ()


def _by_name(*axes: Axis) -> dict[str, Axis]:
    return {axis.name: axis for axis in axes}


SUPERVISORY = _by_name(
    Axis(
        "gaussian",
        "Gaussian",
        r"p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2},\ j \ne i",
        settings=("perplexity",),
        needs=("inputs",),
    ),
    Axis(
        "gaussian_joint",
        "Gaussian, over all pairs",
        r"P_{ij} = (p_{j|i} + p_{i|j}) / 2n",
        settings=("perplexity",),
        candidates="pairs",
        needs=("inputs",),
    ),
    Axis("positive_pairs", "Uniform positive pairs", r"p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i", needs=("views",)),
    Axis("same_class", "Uniform over classes", r"p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i", needs=("labels",)),
    Axis("label", "Data-label pairs", r"p_{ic} = 1[y_i = c]", candidates="classes", include_self=True, needs=("labels",)),
)

LEARNED = _by_name(
    Axis("gaussian", "Gaussian", r"q_{ij} \propto e^{-d_{ij}/\tau}", settings=("temperature", "distance"), candidates="any"),
    Axis(
        "student_t",
        "Student-t",
        r"q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}",
        settings=("temperature", "distance", "df"),
        candidates="any",
    ),
    Axis(
        "student_t_joint",
        "Student-t, over all pairs",
        r"Q_{ij} = (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2} / \textstyle\sum_{k \ne l}",
        settings=("temperature", "distance", "df"),
        candidates="pairs",
    ),
)


def why_not(supervisory: Axis, learned: Axis) -> str | None:
    """The reason why a pair makes no sense, or None when it does."""
    if learned.candidates not in ("any", supervisory.candidates):
        return (
            f"supervisory={supervisory.name!r} spreads over {supervisory.candidates}, "
            f"but learned={learned.name!r} is a distribution over {learned.candidates}"
        )
    if supervisory.candidates == "pairs" and learned.candidates != "pairs":
        return f"supervisory={supervisory.name!r} is one distribution over all pairs, learned={learned.name!r} has one per anchor"
    return None
