"""What users would write or pick instead, as they would write it: a DataLoader loop, and lightly's own parts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as tv

from icon_nb.data.augment import Affine


class Pairs(Dataset):
    """PIL images, each seen twice through a pipeline of transforms."""

    def __init__(self, x: Tensor, pipeline):
        to_pil = tv.ToPILImage()
        self.images, self.pipeline = [to_pil(image) for image in x], pipeline

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int):
        return self.pipeline(self.images[i]), self.pipeline(self.images[i])


class Views(Pairs):
    """The same for a pipeline that makes both views itself, as lightly's do."""

    def __getitem__(self, i: int):
        first, second = self.pipeline(self.images[i])[:2]
        return first, second


def affine_pipeline(mean: float, std: float) -> tv.Compose:
    """torchvision's form of the ``affine`` part at strength 1, and the normalisation."""
    part = Affine()
    shift, between = (part.translate, part.translate), tv.InterpolationMode.BILINEAR
    affine = tv.RandomAffine(part.degrees, shift, part.scale, part.shear, interpolation=between)
    return tv.Compose([affine, tv.ToTensor(), tv.Normalize((mean,), (std,))])


def nt_xent(z: Tensor, temperature: float) -> Tensor:
    """NT-Xent as most loops write it: cosine similarities, the diagonal out, cross-entropy on the other view."""
    n = len(z) // 2
    z = nn.functional.normalize(z, dim=1)
    logits = (z @ z.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return nn.functional.cross_entropy(logits, torch.arange(2 * n).roll(n))


def loop(images: Dataset, network: nn.Module, loss, batch_size: int, workers: int = 2) -> None:
    """One epoch of the loop of every tutorial."""
    loader = DataLoader(images, batch_size, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=False)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for first, second in loader:
        optimizer.zero_grad()
        value = loss(network(first), network(second))
        value.backward()
        optimizer.step()
        value.item()
