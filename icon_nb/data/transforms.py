"""The parts of an augmentation: what is drawn for each image, and the matrix that the draw amounts to.

Geometry is a matrix on pixel coordinates, colour a matrix on channels; ``kind`` says which a part is. Matrices of several parts
multiply, so an image is resampled once and recoloured once, however many parts an augmentation has. A change of colour is
(n, c, c + 2): ``matrix @ pixel + shift``, and the mean colour (0..1) that the image has after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log, pi

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in the grey value of a pixel (ITU-R BT.601)
ATTEMPTS = 10  # boxes that are drawn before the whole image is taken, as in torchvision's RandomResizedCrop


@dataclass(frozen=True)
class Part:
    """What all parts have: at another strength, what ``grows`` is multiplied by it, up to a limit."""

    grows = {}  # name of a field -> the largest value that has a meaning

    def scaled(self, strength: float):
        return replace(self, **{name: min(getattr(self, name) * strength, limit) for name, limit in self.grows.items()})


@dataclass(frozen=True)
class Crop(Part):
    """A random box, enlarged to the whole image: torchvision's ``RandomResizedCrop``."""

    scale: tuple[float, float] = (0.08, 1.0)  # area of the box as a share of the image, uniform
    ratio: tuple[float, float] = (3 / 4, 4 / 3)  # width over height of the box, uniform in its logarithm
    kind, n_random = "geometry", 2 * ATTEMPTS + 2

    def scaled(self, strength: float) -> Crop:
        low, high = (max(1 - (1 - share) * strength, 0.01) for share in self.scale)
        return replace(self, scale=(low, high), ratio=tuple(r**strength for r in self.ratio))

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
    grows = {"degrees": inf, "translate": 1.0, "shear": 80.0}

    def scaled(self, strength: float) -> Affine:
        scale = (max(1 - (1 - self.scale[0]) * strength, 0.05), 1 + (self.scale[1] - 1) * strength)
        return replace(super().scaled(strength), scale=scale)

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
    kind, n_random, grows = "geometry", 1, {"p": 0.5}

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
    grows = {"brightness": inf, "contrast": inf, "saturation": inf, "hue": 0.5}

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
    kind, n_random, grows = "colour", 1, {"p": 1.0}

    def recolour(self, u: Tensor, colour: Tensor) -> Tensor:
        c = colour.shape[1]
        amount = (u[:, :1] < self.p).float()[:, :, None]
        return torch.lerp(torch.eye(c, device=u.device), _greying(c, u.device), amount) @ colour


@dataclass(frozen=True)
class Blur(Part):
    """Smooth with a Gaussian of random width, with probability ``p``: SimCLR's blur. The image does not darken at its border."""

    sigma: tuple[float, float] = (0.1, 2.0)  # width in pixels, uniform
    p: float = 0.5
    kind, n_random = "smooth", 2

    def scaled(self, strength: float) -> Blur:
        return Blur(tuple(s * strength for s in self.sigma), self.p)

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
    kind, grows = "noise", {"std": inf}


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
