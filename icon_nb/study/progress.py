"""Progress on stderr: one line per run."""

from __future__ import annotations

import sys

from ..methods.config import Config
from ..training.trainer import Record


class ProgressBar:
    """One line per run on stderr: epoch, loss and kNN accuracy."""

    def __init__(self, config: Config, enabled: bool):
        self._bar = None
        if enabled:
            from tqdm import tqdm

            self._bar = tqdm(total=config.epochs, desc=config.run_name or config.label, unit="epoch", file=sys.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def show(self, record: Record, knn: float) -> None:
        """Show one more epoch."""
        if self._bar is None:
            return
        numbers = {"loss": f"{record.loss:.4f}", **({"kNN": f"{knn:.3f}"} if knn == knn else {})}
        self._bar.set_postfix(numbers, refresh=False)
        if record.epoch:
            self._bar.update(1)
