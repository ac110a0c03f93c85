"""What data are recognised by: SHA-256 over every part that the numbers of a run depend on."""

from __future__ import annotations

import hashlib
import json
from functools import singledispatch

import torch
from torch import Tensor

from .stored import Stored

PARTS = ("x_test", "y_test", "pair", "pair_test", "companion", "graph", "order")
"""The parts of a Dataset that its checksum, which is of ``x`` and ``y``, does not see."""

STEPS = 2**20
"""In so many steps a deviation is cut: the last digit of a mean is another on another machine, and is none of the data."""


def fingerprint(dataset) -> str:
    """SHA-256 over type, shape and contents of every part of a Dataset, its normalisation, and the names of classes and words.

    Inputs and labels are not read again: they go in by their checksum.
    """
    parts = {name: getattr(dataset, name) for name in PARTS}
    record = {
        "checksum": dataset.checksum,
        "form": [_form(each) for each in (dataset.x, dataset.y) if each is not None],
        "parts": {name: [_form(part), digest(part)] for name, part in parts.items() if part is not None},
        "normalisation": None if dataset.mean is None else digest(_steps(dataset.mean, dataset.std)),
        "names": [list(map(str, dataset.class_names)), list(map(str, dataset.vocabulary))],
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


@singledispatch
def digest(part) -> str:
    """SHA-256 of the values of an array, dense or sparse, in hexadecimal."""
    return digest(torch.as_tensor(part))


@digest.register
def _(part: Stored) -> str:
    return part.survey.digest.hexdigest()


@digest.register
def _(part: Tensor) -> str:
    found = hashlib.sha256()
    for values in _dense(part.detach()):
        found.update(values.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


def _dense(part: Tensor) -> tuple[Tensor, ...]:
    """The tensor itself; of a sparse one the places and the weights, in order."""
    if part.layout == torch.strided:
        return (part,)
    part = (part if part.layout == torch.sparse_coo else part.to_sparse_coo()).coalesce()
    return part.indices(), part.values()


def _form(part) -> list:
    return [str(part.dtype), list(part.shape)]


def _steps(mean: Tensor, std: Tensor | None) -> Tensor:
    """Mean and deviation (2, d) in steps of the deviation, and of its logarithm: equal where they differ by rounding alone."""
    mean = mean.detach().cpu().double()
    std = torch.ones_like(mean) if std is None else std.detach().cpu().double()
    return torch.stack([mean / std, std.log2()]).mul(STEPS).round().nan_to_num() + 0.0  # no negative zero
