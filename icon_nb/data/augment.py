"""Augmentation of a whole batch at once, one draw per image, on whatever device the batch is on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, reduce
from math import inf
from pkgutil import resolve_name

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, DataError, demand, nearest
from ..methods.catalogue import AUGMENTATIONS, published
from ..methods.settings import is_own, thing_of
from .dataset import Dataset
from .transforms import Affine


@dataclass(frozen=True, eq=False)
class Augment:
    """Draw a new version of every image of a batch, by one resampling (bilinear) and one matrix on its colours; normalise it."""

    parts: tuple = ()  # of icon_nb.data.transforms, in the order in which they act; without any it only normalises
    mean: Tensor | None = None  # of the data; None for tokens, which pass unchanged
    std: Tensor | None = None

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Raw samples augmented and normalised, float32 of the shape of ``x``; the generator is the only source of chance."""
        return self.apply(x, self.draw(len(x), x.shape[-2:], generator, x.device), generator)

    def draw(self, n: int, size: tuple[int, int], generator: torch.Generator, device) -> Tensor:
        """What happens to each of n images of ``size`` (h, w), a row each: for many batches at once it costs as for one.

        First stands where each output pixel is read from, a matrix (2, 3) on (x, y, 1) in pixels from the centre, if anything
        moves; then uniform numbers for what depends on the pixels, smoothing and colour. The noise is as large as the images, and
        is not in it.
        """
        geometry, others = self._kind("geometry"), self._kind("smooth") + self._kind("colour")
        widths = [part.n_random for part in geometry] + [sum(part.n_random for part in others)]
        *each, u = torch.rand(n, sum(widths), generator=generator, device=generator.device).to(device).split(widths, 1)
        if not geometry:
            return u
        matrix = reduce(torch.matmul, [part.matrix(numbers, *size) for part, numbers in zip(geometry, each)])
        return torch.cat([matrix[:, :2].flatten(1), u], 1)

    def apply(self, x: Tensor, draws: Tensor, generator: torch.Generator) -> Tensor:
        """Do what was drawn to raw samples ``x``, one row of ``draws`` each; the generator makes the noise."""
        if x.dim() == 2 and not x.is_floating_point():
            return x  # tokens
        smooth, colour = self._kind("smooth"), self._kind("colour")
        matrix, *each = draws.split([6 * bool(self._kind("geometry")), *(part.n_random for part in smooth + colour)], 1)
        out, u = x.float(), iter(each)
        if matrix.numel():  # beyond the image it is black where it is shifted or turned; a crop may touch the border
            beyond = "zeros" if any(isinstance(part, Affine) for part in self.parts) else "border"
            out = F.grid_sample(out, _grid(matrix.view(-1, 2, 3), *x.shape[-2:]), padding_mode=beyond, align_corners=False)
        for part in smooth:
            out = part.smooth(next(u), out)
        scale = 1 / 255 if x.dtype == torch.uint8 else 1.0
        if colour:
            out = self._recolour(out, colour, u, scale)
        else:
            mean, std = (part.to(x.device).view(-1, *[1] * (x.dim() - 2)) for part in (self.mean, self.std))
            out = (out * (scale / std)).sub_(mean / std)
        for part in self._kind("noise"):
            out = out + part.std * torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
        return out

    def _kind(self, name: str) -> tuple:
        return tuple(part for part in self.parts if part.kind == name)

    def _recolour(self, x: Tensor, parts: tuple, u, scale: float) -> Tensor:
        """Change the colours, keep them in 0..1, normalise: one multiplication of (n, c, c) and (n, c, h*w)."""
        n, c, h, w = x.shape
        pixels = x.reshape(n, c, h * w)
        colour = torch.cat([torch.eye(c, c + 1, device=x.device).expand(n, c, c + 1), scale * pixels.mean(2, keepdim=True)], 2)
        for part in parts:
            colour = part.recolour(next(u), colour)
        mean, std = (part.to(x.device).view(-1, 1) for part in (self.mean, self.std))
        out = torch.baddbmm((colour[:, :, c:-1] - mean) / std, colour[:, :, :c] * (scale / std), pixels)
        return out.clamp_(-mean / std, (1 - mean) / std).view(n, c, h, w)


@dataclass(frozen=True, eq=False)
class OwnAugment(Augment):
    """The user's function of a sample, for instance a torchvision transform, for a batch; then the normalisation.

    The function takes pictures (c, h, w) on the 0..1 scale, or features (d,), and returns one of the same shape. It draws for
    itself: torch's random state is set for every batch and put back.
    """

    transform: Callable[[Tensor], Tensor] | None = None
    dataset: Dataset | None = None

    def apply(self, x: Tensor, draws: Tensor, generator: torch.Generator) -> Tensor:
        scale = 255.0 if self.dataset.kind == "images" else 1.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator.initial_seed())
            try:
                out = torch.stack([torch.as_tensor(self.transform(sample)) for sample in x.float() / scale])
            except Exception as error:  # a function of the user's may raise anything
                why = f"{type(error).__name__}: {error}"
                raise DataError(f"augment cannot change a sample of shape {tuple(x.shape[1:])} ({why})") from error
        made = f"augment makes samples {tuple(out.shape[1:])} of {tuple(x.shape[1:])}: it must keep their shape"
        demand(out.shape == x.shape, made, DataError)
        return self.dataset.inputs(out.to(x.device) * scale)


def build_augment(spec: str, dataset: Dataset, strength: float | None = 1.0) -> Augment:
    """Build the augmentation that ``spec`` names for a data set: ``none``, ``auto``, or parts joined by ``+`` in their order.

    ``strength`` scales how far every part goes: 0 changes nothing, 1 is the usual strength.

    Raises
    ------
    ConfigError
        An unknown part, a part that cannot act on such data, or a negative strength.

    Examples
    --------
    >>> from icon_nb.data import load
    >>> [type(part).__name__ for part in build_augment("crop+flip", load("digits")).parts]
    ['Crop', 'Flip']
    """
    if is_own(spec):
        return OwnAugment(transform=thing_of("augment", spec), dataset=dataset)
    demand(0 <= strength < inf, f"augment_strength={strength} must be 0 (no change) or more; 1 is the usual strength")
    spec = default_augment(dataset) if spec == "auto" else spec
    names, where = [] if spec == "none" or strength == 0 else spec.split("+"), f"augment={spec!r}"
    one_channel, parts = dataset.kind == "images" and dataset.shape[0] == 1, []
    for name in names:
        if name not in AUGMENTATIONS:
            raise ConfigError(f"{where}: {name!r} is unknown, {nearest(name, [*AUGMENTATIONS, 'none', 'auto'])}")
        row = AUGMENTATIONS[name]
        demand(names.count(name) == 1, f"{where} names {name!r} twice: name each part once")
        acts = dataset.kind != "tokens" and (row.reads != "images" or dataset.kind == "images")
        demand(acts, f"{where}: {name!r} has no effect on {dataset.kind}; use {default_augment(dataset)!r}")
        few = name == "grey" and dataset.shape[0] != 3
        demand(not few, f"{where}: 'grey' needs 3 channels, the images have {dataset.shape[0]}: leave it out")
        parts.append(resolve_name(row.make)(**row.one_channel if one_channel else {}).scaled(strength))
    return Augment(tuple(parts), dataset.mean, dataset.std)


def default_augment(dataset: Dataset) -> str:
    """The augmentation that ``"auto"`` stands for; colour pictures get SimCLR's crop, mirror image, colours and grey."""
    known = published(dataset.name)
    if known and known.augment != "auto":
        return known.augment
    if dataset.kind != "images":
        return "noise" if dataset.kind == "features" else "none"
    return "crop+flip+jitter+grey" if dataset.shape[0] == 3 else "affine"


def _grid(matrix: Tensor, h: int, w: int) -> Tensor:
    """Positions (n, h, w, 2) to read from, in grid_sample's -1..1 units: many times as fast as ``affine_grid``."""
    places, unit = _places(h, w, matrix.device)
    return ((matrix * unit).view(-1, 3) @ places).view(-1, 2, h, w).permute(0, 2, 3, 1)


@cache
def _places(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(x, y, 1) of every output pixel, from the centre, (3, h * w), and the size of a pixel in -1..1 units, (2, 1)."""
    x, y = (torch.arange(side, device=device) - (side - 1) / 2 for side in (w, h))
    places = torch.stack([x.repeat(h), y.repeat_interleave(w), torch.ones(h * w, device=device)])
    return places, torch.tensor([[2 / w], [2 / h]], device=device)
