"""The context of a hidden word: the row of words seen from its place."""

from __future__ import annotations

import torch
from torch import Tensor


def around(x: Tensor, place: Tensor) -> Tensor:
    """Rows of words (n, length) moved so that the word at ``place`` (n, 1) would stand in the middle, and hidden there.

    Beyond the ends of a row, and in its middle, stands token 0. A network then sees "the word before" at one place of its
    input, wherever in the row the hidden word stood: from a small text it could not learn every place by itself.

    Examples
    --------
    >>> around(torch.tensor([[5, 6, 7, 8]]), torch.tensor([[1]]))
    tensor([[0, 5, 0, 7]])
    """
    length = x.shape[1]
    at = torch.arange(length, device=x.device) + place - length // 2  # (n, length)
    shown = x.gather(1, at.clamp(0, length - 1)).masked_fill((at < 0) | (at >= length), 0)
    shown[:, length // 2] = 0
    return shown
