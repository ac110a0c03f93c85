"""Dataset: a handful of tensors, moved to the device once and indexed there; or pictures that stay on the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from ..errors import DataError, demand
from ..methods.catalogue import published
from ..methods.config import Config
from .stored import STATISTICS_SAMPLES, Stored, grey_levels

KINDS = {(torch.uint8, 4): "images", (torch.float32, 2): "features", (torch.int64, 2): "tokens"}  # by type and number of axes

COLUMNS, ROWS = 64, 4096  # so many are looked at in one go: what is computed on the way takes more memory than they do
STEPS = 2**20  # of a deviation: the last digit of a mean is another on another machine, and is none of the data


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training samples, and held-out samples where the data have them.

    Parameters
    ----------
    name : str
        Name in titles and run folders.
    x : Tensor or Stored
        Training inputs: uint8 (n, c, h, w) images, float32 (n, d) features, or int64 (n, length) tokens. Images may stay on the
        disk (:class:`icon_nb.data.stored.Stored`) and are read batch by batch then.
    y : int64 Tensor (n,) or None
        Class of each sample, counted from 0.
    x_test, y_test : Tensor, Stored or None
        Held-out samples in the same form; None where the data have no split.
    class_names : tuple of str
        ``class_names[y[i]]`` names the class of sample i; filled in with numbers when empty.
    mean, std : float32 Tensor (c,) or (d,), or None
        Normalisation of the inputs, found from ``x`` when None. On the 0..1 scale for images.
    pair, pair_test : Tensor or None
        A second modality: row i belongs to ``x[i]``.
    companion : float Tensor (n, d') or None
        Embeddings from elsewhere, one row a sample.
    graph : Tensor (n, n) or None
        Non-negative weights between samples, dense or sparse.
    vocabulary : tuple of str
        ``vocabulary[t]`` is the word of token t, where ``x`` or ``pair`` holds tokens.
    names : tuple of str
        What each sample of ``x`` is called; empty where they have no names.
    order : int64 Tensor or None
        Where the split was made here: the place of every sample of ``x``, then of ``x_test``, in the data as they came.
    note : str
        What a reader should know: a subset, a split made here.

    Raises
    ------
    DataError
        Empty, infinite or NaN inputs, or parts that do not belong together.

    Examples
    --------
    >>> from icon_nb.data import load
    >>> data = load("digits")
    >>> data
    Dataset('digits', 1,297 images of shape (1, 8, 8), 500 held out, 10 classes)
    >>> data.inputs(data.x[:2]).shape
    torch.Size([2, 1, 8, 8])
    """

    name: str
    x: Tensor
    y: Tensor | None = None
    x_test: Tensor | None = None
    y_test: Tensor | None = None
    class_names: tuple[str, ...] = ()
    mean: Tensor | None = None
    std: Tensor | None = None
    pair: Tensor | None = None
    pair_test: Tensor | None = None
    companion: Tensor | None = None
    graph: Tensor | None = None
    vocabulary: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    order: Tensor | None = None
    note: str = ""

    def __post_init__(self):
        for problem in _problems(self):
            raise DataError(f"{self.name}: {problem}")
        found = vars(self)
        if not self.class_names and self.y is not None:
            found["class_names"] = tuple(map(str, range(int(self.y.max()) + 1)))
        if self.mean is None and self.kind != "tokens":
            found["mean"], found["std"] = _statistics(self.x)

    @property
    def kind(self) -> str:
        """``"images"``, ``"features"`` or ``"tokens"``: what a sample is, told by the form of ``x``."""
        return KINDS[self.x.dtype, self.x.dim()]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def n_classes(self) -> int:
        """Number of classes, 0 without labels."""
        return 0 if self.y is None else len(self.class_names)

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary, 0 where there are no tokens."""
        return len(self.vocabulary) or (int(self.x.max()) + 1 if self.kind == "tokens" else 0)

    @property
    def whole(self) -> Dataset:
        """The data before a split that was made here, in the order they came in; themselves where there was none to undo."""
        if self.order is None or self.companion is not None or self.graph is not None:
            return self
        place = self.order.argsort()
        parts = {"x": self.x_test, "y": self.y_test, "pair": self.pair_test}
        joined = {key: torch.cat([getattr(self, key), test])[place] for key, test in parts.items() if test is not None}
        apart = dict.fromkeys(("x_test", "y_test", "pair_test", "mean", "std", "order"))
        return replace(self, **apart, **joined, note="all samples together, in their original order")

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the bytes of the training inputs and labels."""
        found = self.x.summary.digest.copy() if isinstance(self.x, Stored) else hashlib.sha256()
        for part in (self.x, self.y):
            if isinstance(part, Tensor):
                found.update(part.detach().cpu().contiguous().numpy())
        return found.hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that the numbers of a run depend on: every part, the normalisation, the names of classes and words."""
        form = lambda part: [str(part.dtype), list(part.shape)]  # noqa: E731
        parts = {name: getattr(self, name) for name in ("x_test", "y_test", "pair", "pair_test", "companion", "graph", "order")}
        record = {
            "checksum": self.checksum,  # inputs and labels are not read again
            "form": [form(each) for each in (self.x, self.y) if each is not None],
            "parts": {name: [form(part), _digest(part)] for name, part in parts.items() if part is not None},
            "normalisation": None if self.mean is None else _digest(_in_steps(self.mean, self.std)),
            "names": [list(map(str, self.class_names)), list(map(str, self.vocabulary))],
        }
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        held = "none" if self.x_test is None else f"{len(self.x_test):,}"
        classes = f"{self.n_classes} classes" if self.y is not None else "no labels"
        place = " on the disk" if isinstance(self.x, Stored) else ""
        return f"Dataset({self.name!r}, {len(self):,} {self.kind} of shape {self.shape}{place}, {held} held out, {classes})"

    def to(self, device) -> Dataset:
        """The same data with every tensor on ``device``; the data themselves when they are there already."""
        moved = copy(self)  # checked already, and its checksum stays known
        vars(moved).update({name: part.to(device) for name, part in vars(self).items() if isinstance(part, Tensor)})
        return self if all(part is vars(self)[name] for name, part in vars(moved).items()) else moved

    def inputs(self, x: Tensor) -> Tensor:
        """What a network sees of raw samples: images and features with mean 0 and deviation 1 (float32), tokens unchanged."""
        if self.kind == "tokens":
            return x
        axes = (-1, *[1] * (x.dim() - 2))
        mean, std = (part.to(x.device).view(axes) for part in (self.mean, self.std))
        scale = 255.0 if self.kind == "images" else 1.0
        return x.to(torch.float32, copy=True).mul_(1 / (scale * std)).sub_(mean / std)

    def flat(self, x: Tensor) -> Tensor:
        """Raw samples as rows, float32 (n, features): pixels on the 0..1 scale, features as they came.

        Neighbourhoods of the inputs are measured on these, so they do not depend on the normalisation of a network.
        """
        why = "distances between token numbers mean nothing; use a method that does not compare inputs"
        demand(self.kind != "tokens", f"{self.name}: {why}", DataError)
        return x.flatten(1).float() / 255 if self.kind == "images" else x.float()


def describe(dataset: Dataset) -> dict[str, object]:
    """What a saved run keeps of its data set: enough to recognise it and to rebuild the backbone."""
    about = {"name": dataset.name, "sha256": dataset.checksum, "fingerprint": dataset.fingerprint, "note": dataset.note}
    sizes = {"shape": list(dataset.shape), "n_train": len(dataset), "n_tokens": dataset.n_tokens}
    return about | {"kind": dataset.kind} | sizes


def is_described(dataset: Dataset, about: Mapping, config: Config) -> bool:
    """Whether a data set is the one that ``about``, of a run of this config, describes; what it leaves out is believed.

    Data with a name of their own are recognised by inputs and labels: the rest follows from these, to the last digit only on
    one machine. So are those of runs that were saved when there was no fingerprint.
    """
    if published(config.dataset) or "fingerprint" not in about:
        return about.get("sha256", dataset.checksum) == dataset.checksum
    return about["fingerprint"] == dataset.fingerprint


def _problems(data: Dataset) -> Iterator[str]:
    """What is wrong with the parts of a data set, or between them; where one part is wrong, those after it are not looked at."""
    for part, x in (("x", data.x), ("x_test", data.x_test)):
        if x is not None:
            yield from _input_problems(part, x, data.x)
    for part, y, whole in (("y", data.y, data.x), ("y_test", data.y_test, data.x_test)):
        if y is not None:
            length = None if whole is None else len(whole)
            if y.dtype != torch.int64 or y.dim() != 1 or len(y) != length:
                yield f"{part} is {y.dtype} of shape {tuple(y.shape)} for {length} samples; give int64 of shape (n,)"
            top = (len(data.class_names) or int(y.max()) + 1) - 1
            if int(y.min()) < 0 or int(y.max()) > top:
                yield f"{part} runs from {int(y.min())} to {int(y.max())}; classes are numbered 0 to {top}"
    for part, whole in (("pair", "x"), ("companion", "x"), ("graph", "x"), ("names", "x"), ("pair_test", "x_test")):
        rows, of = getattr(data, part), getattr(data, whole)
        n = 0 if of is None else len(of)
        if rows is not None and len(rows) != n and (part != "names" or rows):
            yield f"{part} has {len(rows)} rows for {n} samples of {whole}: row i must belong to sample i"
    if data.graph is not None:
        n, graph = len(data.x), data.graph
        if tuple(graph.shape) != (n, n):
            yield f"graph has shape {tuple(graph.shape)}; give ({n}, {n}), a weight for each two samples"
        weights = graph.coalesce().values() if graph.layout == torch.sparse_coo else graph
        weights = weights.values() if weights.layout == torch.sparse_csr else weights
        if not bool((weights >= 0).all() & torch.isfinite(weights).all()):
            yield "graph holds weights that are negative, infinite or NaN: weights are 0 or more"


def _input_problems(part: str, x: Tensor, training: Tensor) -> Iterator[str]:
    if (x.dtype, x.dim()) not in KINDS:
        forms = "uint8 (n, c, h, w) images, float32 (n, d) features or int64 (n, length) tokens"
        yield f"{part} is {x.dtype} of shape {tuple(x.shape)}; give {forms}"
    if prod(x.shape) == 0:
        yield f"{part} is empty, its shape is {tuple(x.shape)}: at least one sample is needed"
    if x.dtype.is_floating_point and not all(bool(torch.isfinite(rows).all()) for rows in x.split(ROWS)):
        bad = (~torch.isfinite(x)).any(1).nonzero()[:5, 0].tolist()
        yield f"{part} holds NaN or infinite values, first in samples {bad}: remove or fill them"
    if x.dtype == torch.int64 and int(x.min()) < 0:
        yield f"{part} holds the token {int(x.min())}: tokens are numbered from 0"
    if x.shape[1:] != training.shape[1:] or x.dtype != training.dtype:
        one, other = (f"{each.dtype} {tuple(each.shape[1:])}" for each in (x, training))
        yield f"samples of {part} are {one}, of x {other}"


def _statistics(x) -> tuple[Tensor, Tensor]:
    """Mean and deviation per channel (0..1 scale) or per feature; a constant one gets deviation 1."""
    if x.dtype == torch.uint8:
        counts = (grey_levels(x[:STATISTICS_SAMPLES]) if isinstance(x, Tensor) else x.summary.levels).double()  # (c, 256)
        level, n = torch.arange(256, device=counts.device).double() / 255, counts.sum(1)
        mean = (counts * level).sum(1) / n
        std = ((counts * (level - mean[:, None]) ** 2).sum(1) / n).sqrt()
    else:
        parts = [(part.mean(0), part.std(0, unbiased=False)) for part in map(Tensor.double, x.split(COLUMNS, 1))]
        mean, std = map(torch.cat, zip(*parts))
    tiny = std <= 1e-12 * mean.abs().clamp_min(1e-30)
    return mean.float().to(x.device), torch.where(tiny, torch.ones_like(std), std).float().to(x.device)


def _digest(part) -> str:
    """SHA-256 of the values of an array, in hexadecimal; of a sparse one of the places and the weights, in order."""
    if isinstance(part, Stored):
        return part.summary.digest.hexdigest()
    part = torch.as_tensor(part).detach()
    if part.layout != torch.strided:
        part = (part if part.layout == torch.sparse_coo else part.to_sparse_coo()).coalesce()
    found = hashlib.sha256()
    for values in (part,) if part.layout == torch.strided else (part.indices(), part.values()):
        found.update(values.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


def _in_steps(mean: Tensor, std: Tensor | None) -> Tensor:
    """Mean and deviation (2, d) in steps of the deviation, and of its logarithm: equal where they differ by rounding alone."""
    mean = mean.detach().cpu().double()
    std = torch.ones_like(mean) if std is None else std.detach().cpu().double()
    return torch.stack([mean / std, std.log2()]).mul(STEPS).round().nan_to_num() + 0.0  # no negative zero
