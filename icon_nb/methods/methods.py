"""The periodic table: every method as its p, its q and its defaults, in the chapters that are put together here. Loads no torch.

Adding a method is one row in its chapter, one oracle test, and one notebook row.
"""

from __future__ import annotations

from ..errors import ConfigError, nearest
from . import axes
from .catalogue import by_name
from .cell import Method
from .classes import CLUSTERING, SUPERVISED
from .contrastive import CONTRASTIVE
from .defaults import CAPTIONS, CLASSES, COMPANIONS, FROM_PCA, GRAPH, HEAD, LABELLED, MEMBERS_STEP, PLANE, VIEWS
from .layouts import LAYOUTS

METHODS: dict[str, Method] = by_name(*LAYOUTS, *CONTRASTIVE, *SUPERVISED, *CLUSTERING)

# Older names of the playground that users know, each with the honest name it stands for.
ALIASES = {
    "simclr_like": "simclr",
    "sne_like": "sne",
    "tsne_like": "tsne",
    "supervised": "supcon",
    "cluster_like": "infonce_clustering",
    "vicreg_like": "vicreg",
    "debiasing_like": "debiased_infonce_clustering",
    "barlow_twins_like": "dimension_contrastive",
}


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
    if named:
        return Method(name, title, p.name, q.name, "", None, named.defaults, named.table)
    return Method(name, title, p.name, q.name, "", None, *composed_defaults(p, q))


def composed_defaults(p: axes.Axis, q: axes.Axis) -> tuple[dict[str, object], dict[str, object]]:
    """Defaults of a pair without a method, and further ones on a table of free points: those of methods with the same needs."""
    by_candidates = {"modality": CAPTIONS, "classes": CLASSES, "tokens": METHODS["mlm"].defaults}
    by_need = {"graph": GRAPH, "companion": COMPANIONS, "views": VIEWS, "labels": LABELLED}
    layout = PLANE if p.needs == ("inputs",) and not q.limit else {}
    defaults = dict(by_candidates.get(p.candidates) or next((by_need[need] for need in p.needs if need in by_need), layout))
    if q.name == "clusters":
        return {**defaults, **HEAD}, MEMBERS_STEP
    if q.family == "gaussian_wide":
        defaults.pop("distance", None)  # which depends on the backbone
    elif q.name == "gaussian_angular":
        defaults |= {"distance": "cosine"}
    elif p.candidates in ("classes", "tokens") and q.family in ("gaussian", "gaussian_narrow"):
        defaults |= {"distance": "neg_dot", "temperature": 1.0}
    elif q.family == "student_t":
        defaults |= {"distance": "sqeuclidean", "temperature": 1.0}
    return defaults, FROM_PCA if "inputs" in p.needs else {}
