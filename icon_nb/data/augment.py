"""Augmentation of a whole batch at once, one draw per image, on whatever device the batch is on.

A part says what is drawn for each image, and the matrix that the draw amounts to: geometry is one on pixel coordinates, colour
one on channels; ``kind`` says which. Matrices of several parts multiply, so an image is resampled once and recoloured once.
A change of colour is (n, c, c + 2): ``matrix @ pixel + shift``, and the mean colour (0..1) that the image has after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, reduce
from math import inf, log, pi
from pkgutil import resolve_name

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, DataError, demand, nearest
from ..methods.catalogue import AUGMENTATIONS, published
from ..methods.settings import is_own, thing_of
from .dataset import Dataset

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in the grey value of a pixel (ITU-R BT.601)
ATTEMPTS = 10  # boxes that are drawn before the whole image is taken, as in torchvision's RandomResizedCrop


def up_to(limit: float) -> Callable[[float, float], float]:
    return lambda value, strength: min(value * strength, limit)


@dataclass(frozen=True)
class Part:
    """What all parts have: what ``grows`` at another strength, each field by a function of its value and the strength."""

    grows = {}

    def scaled(self, strength: float):
        return replace(self, **{name: grow(getattr(self, name), strength) for name, grow in self.grows.items()})


@dataclass(frozen=True)
class Crop(Part):
    """A random box, enlarged to the whole image: torchvision's ``RandomResizedCrop``."""

    scale: tuple[float, float] = (0.08, 1.0)  # area of the box as a share of the image, uniform
    ratio: tuple[float, float] = (3 / 4, 4 / 3)  # width over height of the box, uniform in its logarithm
    kind, n_random = "geometry", 2 * ATTEMPTS + 2
    grows = {
        "scale": lambda scale, strength: tuple(max(1 - (1 - share) * strength, 0.01) for share in scale),
        "ratio": lambda ratio, strength: tuple(side**strength for side in ratio),
    }

    def draw(self, u: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Boxes from uniform numbers ``u`` (n, n_random): top, left, height and width, whole numbers in float (n,)."""
        area = height * width * _between(u[:, :ATTEMPTS], self.scale)  # (n, attempts)
        ratio = _between(u[:, ATTEMPTS:-2], tuple(log(r) for r in self.ratio)).exp()
        h, w = (area / ratio).sqrt().round(), (area * ratio).sqrt().round()
        fits = (h >= 1) & (w >= 1) & (h <= height) & (w <= width)
        first = fits.float().argmax(1, keepdim=True)  # the first box that fits, 0 when none does
        found = fits.any(1)
        share = min(max(width / height, self.ratio[0]), self.ratio[1])  # where none fits, the largest box within the ratios
        whole = float(min(height, round(width / share))), float(min(width, round(height * share)))
        h, w = (torch.where(found, side.gather(1, first)[:, 0], most) for side, most in zip((h, w), whole))
        free = torch.stack([height - h, width - w], 1)
        top, left = torch.where(found[:, None], (u[:, -2:] * (free + 1)).floor(), torch.round(free / 2)).unbind(1)
        return top, left, h, w

    def matrix(self, u: Tensor, height: int, width: int) -> Tensor:
        """Where each output pixel is read from: (n, 3, 3) on (x, y, 1), coordinates from the image's centre."""
        top, left, h, w = self.draw(u, height, width)
        zero = torch.zeros_like(top)
        return _rows((w / width, zero, left + (w - width) / 2), (zero, h / height, top + (h - height) / 2))


@dataclass(frozen=True)
class Affine(Part):
    """Turn, shift, size and shear at random: torchvision's ``RandomAffine``, read between pixels (bilinear)."""

    degrees: float = 15.0  # the largest turn, either way
    translate: float = 0.1  # the largest shift along each axis, as a share of the side, either way, in whole pixels
    scale: tuple[float, float] = (0.8, 1.2)  # factor of size, uniform
    shear: float = 10.0  # the largest angle of shear along x, in degrees, either way
    kind, n_random = "geometry", 5
    grows = {
        "degrees": up_to(inf), "translate": up_to(1.0), "shear": up_to(80.0),
        "scale": lambda scale, strength: (max(1 - (1 - scale[0]) * strength, 0.05), 1 + (scale[1] - 1) * strength),
    }  # fmt: skip

    def draw(self, u: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Angle in degrees, shift in x and y in pixels, factor of size, shear in degrees, each (n,), from uniform (n, 5)."""
        angle, shear = (_between(u[:, k], (-limit, limit)) for k, limit in ((0, self.degrees), (4, self.shear)))
        dx, dy = ((2 * u[:, k] - 1).mul(self.translate * side).round() for k, side in ((1, width), (2, height)))
        return angle, dx, dy, _between(u[:, 3], self.scale), shear

    def matrix(self, u: Tensor, height: int, width: int) -> Tensor:
        """Inverse of turn * shear * size, then the shift undone first: (n, 3, 3) on (x, y, 1)."""
        angle, dx, dy, scale, shear = self.draw(u, height, width)
        cos, sin = torch.cos(angle * (pi / 180)), torch.sin(angle * (pi / 180))
        tan = torch.tan(shear * (pi / 180))
        a, b = (cos - tan * sin) / scale, (sin + tan * cos) / scale  # the shear is undone after the turn
        c, d = -sin / scale, cos / scale
        return _rows((a, b, -(a * dx + b * dy)), (c, d, -(c * dx + d * dy)))


@dataclass(frozen=True)
class Flip(Part):
    """Mirror left and right with probability ``p``: torchvision's ``RandomHorizontalFlip``."""

    p: float = 0.5
    kind, n_random, grows = "geometry", 1, {"p": up_to(0.5)}

    def matrix(self, u: Tensor, height: int, width: int) -> Tensor:
        sign, one = 1 - 2 * (u[:, 0] < self.p).float(), torch.ones_like(u[:, 0])
        return torch.diag_embed(torch.stack([sign, one, one], 1))


@dataclass(frozen=True)
class Jitter(Part):
    """Change brightness, contrast, saturation and hue in a random order: torchvision's ``ColorJitter``, with probability ``p``.

    Two things differ from torchvision: values are clamped once at the end instead of after each step, and hue is a turn in
    YIQ space instead of a shift in HSV. Both make the whole change one matrix on the channels.
    Where images do not have three channels, only brightness and contrast act.
    """

    brightness: float = 0.4  # of this and the next two: factors are uniform in [max(0, 1 - value), 1 + value]
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1  # the largest turn, either way, as a share of a full circle
    p: float = 0.8
    kind, n_random = "colour", 9
    grows = {**dict.fromkeys(("brightness", "contrast", "saturation"), up_to(inf)), "hue": up_to(0.5)}

    def draw(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Factors (n, 4) of brightness, contrast, saturation and hue, and the order (n, 4) of the four, from uniform (n, 9)."""
        ranges = [(max(0.0, 1 - value), 1 + value) for value in (self.brightness, self.contrast, self.saturation)]
        ranges.append((-self.hue, self.hue))
        factors = torch.stack([_between(u[:, k], limits) for k, limits in enumerate(ranges)], 1)
        still = torch.tensor([1.0, 1.0, 1.0, 0.0], device=u.device)  # of an image that is left alone
        return torch.where(u[:, 8:] < self.p, factors, still), u[:, 4:8].argsort(1)

    def recolour(self, u: Tensor, colour: Tensor) -> Tensor:
        factors, order = self.draw(u)
        eye, f = torch.eye(colour.shape[1], device=u.device), factors[:, :, None, None]
        saturation = hue = eye.expand(len(u), *eye.shape)
        if len(eye) == 3:
            saturation, hue = torch.lerp(_greying(3, u.device), eye, f[:, 2]), _hue(factors[:, 3])
        steps = torch.stack([f[:, 0] * eye, f[:, 1] * eye, saturation, hue], 1)  # (n, 4, c, c)
        fade = torch.zeros_like(factors)
        fade[:, 1] = 1 - factors[:, 1]  # contrast mixes in the mean grey of the image, as it is at that step
        rows = torch.arange(len(u), device=u.device)
        for k in order.T:
            grey = fade[rows, k, None, None] * (_greying(len(eye), u.device)[:1] @ colour[:, :, -1:])
            colour = steps[rows, k] @ colour
            colour[:, :, -2:] += grey
        return colour


@dataclass(frozen=True)
class Grey(Part):
    """Replace colour by grey with probability ``p``: torchvision's ``RandomGrayscale``. Three channels only."""

    p: float = 0.2
    kind, n_random, grows = "colour", 1, {"p": up_to(1.0)}

    def recolour(self, u: Tensor, colour: Tensor) -> Tensor:
        c, amount = colour.shape[1], (u[:, :1] < self.p).float()[:, :, None]
        return torch.lerp(torch.eye(c, device=u.device), _greying(c, u.device), amount) @ colour


@dataclass(frozen=True)
class Blur(Part):
    """Smooth with a Gaussian of random width, with probability ``p``: SimCLR's blur. The image does not darken at its border."""

    sigma: tuple[float, float] = (0.1, 2.0)  # width in pixels, uniform
    p: float = 0.5
    kind, n_random = "smooth", 2
    grows = {"sigma": lambda sigma, strength: tuple(width * strength for width in sigma)}

    def draw(self, u: Tensor) -> Tensor:
        """Width of each image's blur (n,), so small that nothing changes where an image is left alone."""
        return torch.where(u[:, 1] < self.p, _between(u[:, 0], self.sigma), 1e-3).clamp_min(1e-3)

    def smooth(self, u: Tensor, x: Tensor) -> Tensor:
        spread, weights = 2 * self.draw(u)[:, None, None] ** 2, []
        for side in x.shape[-2:]:
            at = torch.arange(side, device=u.device, dtype=torch.float32)
            weights.append(torch.softmax(-((at[:, None] - at) ** 2) / spread, -1)[:, None])  # (n, 1, side, side), rows sum to one
        return weights[0] @ x @ weights[1].transpose(-1, -2)


@dataclass(frozen=True)
class Noise(Part):
    """Add normal noise of deviation ``std`` to the normalised input."""

    std: float = 0.3
    kind, grows = "noise", {"std": up_to(inf)}


def _between(u: Tensor, limits: tuple[float, float]) -> Tensor:
    return u * (limits[1] - limits[0]) + limits[0]


def _rows(first, second) -> Tensor:
    """(n, 3, 3) from two rows of (n,) tensors; the third row is (0, 0, 1)."""
    zero = torch.zeros_like(first[0])
    return torch.stack([*first, *second, zero, zero, zero + 1], 1).view(-1, 3, 3)


def _greying(channels: int, device) -> Tensor:
    """(c, c), every row the weights of the channels in the grey value."""
    weights = LUMA if channels == 3 else [1 / channels] * channels
    return torch.tensor(weights, device=device).expand(channels, channels)


def _hue(turn: Tensor) -> Tensor:
    """(n, 3, 3): a turn of the two colour axes of YIQ space by a share ``turn`` (n,) of the circle; grey stays."""
    yiq = torch.tensor([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], device=turn.device)
    cos, sin = torch.cos(2 * pi * turn), torch.sin(-2 * pi * turn)  # red turns to yellow for small positive turns
    zero = torch.zeros_like(cos)
    rotation = torch.stack([zero + 1, zero, zero, zero, cos, -sin, zero, sin, cos], 1).view(-1, 3, 3)
    return torch.linalg.inv(yiq) @ rotation @ yiq


@dataclass(frozen=True, eq=False)
class Augment:
    """Draw a new version of every image of a batch, by one resampling (bilinear) and one matrix on its colours; normalise it."""

    parts: tuple = ()  # of icon_nb.data.augment, in the order in which they act; without any it only normalises
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
        mean, std = (part.to(x.device).view(-1, *[1] * (x.dim() - 2)) for part in (self.mean, self.std))
        if colour:
            out = _recolour(out, colour, u, scale, mean.flatten(1), std.flatten(1))
        else:
            out = (out * (scale / std)).sub_(mean / std)
        for part in self._kind("noise"):
            out = out + part.std * torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
        return out

    def _kind(self, name: str) -> tuple:
        return tuple(part for part in self.parts if part.kind == name)


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


def _recolour(x: Tensor, parts: tuple, u, scale: float, mean: Tensor, std: Tensor) -> Tensor:
    """Change the colours, keep them in 0..1, normalise: one multiplication of (n, c, c) and (n, c, h*w)."""
    n, c, h, w = x.shape
    pixels = x.reshape(n, c, h * w)
    colour = torch.cat([torch.eye(c, c + 1, device=x.device).expand(n, c, c + 1), scale * pixels.mean(2, keepdim=True)], 2)
    for part in parts:
        colour = part.recolour(next(u), colour)
    out = torch.baddbmm((colour[:, :, c:-1] - mean) / std, colour[:, :, :c] * (scale / std), pixels)
    return out.clamp_(-mean / std, (1 - mean) / std).view(n, c, h, w)


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
