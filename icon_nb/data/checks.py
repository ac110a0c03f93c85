"""What a Dataset refuses, and the normalisation it finds."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from ..errors import DataError

KINDS = {(torch.uint8, 4): "images", (torch.float32, 2): "features", (torch.int64, 2): "tokens"}
"""Type and number of axes of the samples -> what they are."""

STATISTICS_SAMPLES = 100_000
"""Mean and deviation of images are taken over at most this many samples: more moves neither by a thousandth."""


def check(dataset) -> None:
    """Raise a ``DataError`` that names the part, unless the parts of ``dataset`` are whole and belong together."""
    for part in ("x", "x_test"):
        _check_inputs(dataset, part)
    for part, length in (("y", len(dataset.x)), ("y_test", len(dataset.x_test) if dataset.x_test is not None else None)):
        _check_labels(dataset, part, length)
    for part, whole in (("pair", "x"), ("companion", "x"), ("graph", "x"), ("pair_test", "x_test")):
        rows, of = getattr(dataset, part), getattr(dataset, whole)
        if rows is not None and (of is None or len(rows) != len(of)):
            n = 0 if of is None else len(of)
            raise DataError(
                f"{dataset.name}: {part} has {len(rows)} rows for {n} samples of {whole}: row i must belong to sample i"
            )


def _check_inputs(dataset, part: str) -> None:
    x = getattr(dataset, part)
    if x is None:
        return
    if (x.dtype, x.dim()) not in KINDS:
        raise DataError(
            f"{dataset.name}: {part} is {x.dtype} of shape {tuple(x.shape)}; give uint8 (n, c, h, w) images, "
            "float32 (n, d) features or int64 (n, length) tokens"
        )
    if prod(x.shape) == 0:
        raise DataError(f"{dataset.name}: {part} is empty, its shape is {tuple(x.shape)}: at least one sample is needed")
    if x.is_floating_point() and not bool(torch.isfinite(x).all()):
        bad = (~torch.isfinite(x)).any(1).nonzero()[:5, 0].tolist()
        raise DataError(f"{dataset.name}: {part} holds NaN or infinite values, first in samples {bad}: remove or fill them")
    if x.dtype == torch.int64 and int(x.min()) < 0:
        raise DataError(f"{dataset.name}: {part} holds the token {int(x.min())}: tokens are numbered from 0")
    if x.shape[1:] != dataset.x.shape[1:] or x.dtype != dataset.x.dtype:
        raise DataError(
            f"{dataset.name}: samples of {part} are {x.dtype} {tuple(x.shape[1:])}, of x {dataset.x.dtype} {dataset.shape}"
        )


def _check_labels(dataset, part: str, length: int | None) -> None:
    y = getattr(dataset, part)
    if y is None:
        return
    if y.dtype != torch.int64 or y.dim() != 1 or len(y) != length:
        raise DataError(
            f"{dataset.name}: {part} is {y.dtype} of shape {tuple(y.shape)} for {length} samples; give int64 of shape (n,)"
        )
    top = len(dataset.class_names) or int(y.max()) + 1
    if int(y.min()) < 0 or int(y.max()) >= top:
        raise DataError(f"{dataset.name}: {part} runs from {int(y.min())} to {int(y.max())}; classes are numbered 0 to {top - 1}")


def statistics(x) -> tuple[Tensor, Tensor]:
    """Mean and deviation per channel (0..1 scale) or per feature; a constant one gets deviation 1."""
    if x.dtype == torch.uint8:
        mean, std = zip(*map(_of_levels, grey_levels(x[:STATISTICS_SAMPLES]) if isinstance(x, Tensor) else x.survey.counts))
        mean, std = torch.stack(mean), torch.stack(std)
    else:
        mean, std = x.double().mean(0), x.double().std(0, unbiased=False)
    tiny = std <= 1e-12 * mean.abs().clamp_min(1e-30)
    return mean.float().to(x.device), torch.where(tiny, torch.ones_like(std), std).float().to(x.device)


def grey_levels(x: Tensor) -> Tensor:
    """How often each of 256 grey levels occurs in each channel of uint8 pictures (n, c, h, w): int64 (c, 256)."""
    return torch.stack([torch.bincount(x[:, c].flatten(), minlength=256) for c in range(x.shape[1])])


def _of_levels(counts: Tensor) -> tuple[Tensor, Tensor]:
    """From the counts of 256 grey levels: exact, and no float copy of the pictures is made."""
    counts = counts.double()
    level = torch.arange(256, dtype=torch.float64, device=counts.device) / 255
    mean = (counts * level).sum() / counts.sum()
    return mean, ((counts * (level - mean) ** 2).sum() / counts.sum()).sqrt()
