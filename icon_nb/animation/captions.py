"""What pictures of several panels say of their projections: once, where it is the same for all."""

from __future__ import annotations

from collections.abc import Sequence

from .projection import Projection


def parted(texts: Sequence[str], joint: str) -> tuple[str, tuple[str, ...]]:
    """The parts that all texts have, and what is left of each.

    >>> parted(["PCA, epoch 3, 40 %", "PCA, epoch 3, 60 %"], ", ")
    ('PCA, epoch 3', ('40 %', '60 %'))
    """
    parts = [text.split(joint) for text in texts]
    common = [part for part in parts[0] if all(part in others for others in parts)]
    return joint.join(common), tuple(joint.join(part for part in each if part not in common) for each in parts)


def short_of(projections: Sequence[Projection]) -> str:
    """A few words that hold for every panel: what the projections have in common, or else their names."""
    common, own = parted([p.short for p in projections], ", ")
    if projections[0].short.startswith(common) and common:
        return common
    return "; ".join(dict.fromkeys(p.short.split(",")[0] for p in projections))


def caption_of(projections: Sequence[Projection], names: Sequence[str]) -> str:
    """The captions of several panels as one: common sentences once, then under each name what is its own.

    >>> from icon_nb.animation.projection import fit_projection
    >>> from icon_nb.trajectory import Trajectory
    >>> import numpy as np
    >>> walks = [Trajectory(np.random.default_rng(k).normal(size=(2, 50, 8)), np.arange(2)) for k in (0, 1)]
    >>> caption_of([fit_projection(walk) for walk in walks], ["a", "b"])[-101:]
    'a: its axes show 23 %, 16 % of the variance there. b: its axes show 23 %, 19 % of the variance there.'
    """
    common, own = parted([p.caption.removesuffix(".") for p in projections], ". ")
    if not common:
        return " ".join(dict.fromkeys(p.caption for p in projections))
    named: dict[str, list[str]] = {}
    for name, sentences in zip(names, own):
        if sentences:
            named.setdefault(sentences, []).append(name)
    each = [f"{', '.join(filter(None, who))}: {text[0].lower()}{text[1:]}" for text, who in named.items()]
    return ". ".join([common, *(text.removeprefix(": ") for text in each)]) + "."
