"""p and q of a few samples, as training sees them, at every recorded epoch of a run."""

from __future__ import annotations

import numpy as np
import torch

from ..evaluation.trajectory import Rows, Trajectory
from ..methods import axes
from ..methods.config import Config
from ..methods.resolve import method_of
from .results import Results
from .run import start, train
from .session import Session

ANCHORS = 8

KEEP_STATES = 8
"""MiB of weights that a run of a study keeps for what if."""


class RowWatcher:
    """Looks at one fixed batch after every recorded epoch of a session; its views are drawn once, so that only the model changes.

    Parameters
    ----------
    session : Session
        Before its first epoch.
    anchors : int
        At most this many samples are watched, of different classes as far as there are labels.
    """

    def __init__(self, session: Session, anchors: int = ANCHORS):
        self.trainer, self.limit = session.trainer, axes.LEARNED[method_of(session.config).learned].limit
        index = next(self.trainer.reader.order(self.trainer.epoch))
        self.inputs, rows = self.trainer.reader.read(index, self.trainer.epoch, 0)
        self.target = self.trainer.objective.target(rows())
        labels, self._classes = session.dataset.y, session.dataset.class_names
        labels = None if labels is None else labels[index.cpu()].numpy()
        self.chosen = choose_anchors(labels, len(index), anchors)
        self._names = () if labels is None else tuple(str(self._classes[label]) for label in labels)
        self.anchors = tuple(self._names[k] if self._names else f"sample {k}" for k in self.chosen)
        self._q: dict[int, np.ndarray] = {}  # epoch -> q

    def __call__(self, record, recorder) -> None:
        """Keep q where the recorder kept a frame; of frames that it dropped since, q is dropped too."""
        kept = {epoch for epoch, _ in recorder.kept()}
        self._q = {epoch: q for epoch, q in self._q.items() if epoch in kept}
        if record.epoch in kept and not self.limit:
            self._q[record.epoch] = self._rows(self._log_q().exp())

    @torch.no_grad()
    def _log_q(self) -> torch.Tensor:
        self.trainer.model.eval()
        blocks = self.trainer.model(self.inputs)
        learned, dtype = self.trainer.objective.learned, self.trainer.dtype
        cast = [(z.to(dtype), other if other is None else other.to(dtype)) for z, other in blocks]
        return torch.cat([learned(z, other, self.target.measure) for z, other in cast])

    def _rows(self, matrix: torch.Tensor) -> np.ndarray:
        """The anchors' rows; of a distribution over all pairs, the rows it has when each is made to sum to one."""
        if matrix.shape[0] == 1:
            matrix = matrix.reshape(round(matrix.numel() ** 0.5), -1)
            matrix = matrix / matrix.sum(1, keepdim=True)
        return matrix[self.chosen].cpu().float().numpy()

    def rows(self, trajectory: Trajectory) -> Rows:
        """What was seen at the frames of the trajectory of the session, once its results are made."""
        epochs = trajectory.epochs.tolist()
        if epochs[-1] not in self._q and not self.limit:
            self._catch_up(epochs[-1])
        p = self._rows(self.target.p)
        m, names = p.shape[1], self._names
        if m == len(self._classes) != len(names):
            names = tuple(self._classes)
        candidates = names * (m // len(names)) if names and m % len(names) == 0 else ("",) * m
        return Rows(p, None if self.limit else np.stack([self._q[epoch] for epoch in epochs]), self.anchors, candidates)

    def _catch_up(self, epoch: int) -> None:
        """Look at the last frame of a run that was interrupted: its weights are on the CPU by now."""
        self.trainer.model.to(self.trainer.device)
        self._q[epoch] = self._rows(self._log_q().exp())
        self.trainer.model.to("cpu")


def choose_anchors(labels: np.ndarray | None, n: int, count: int) -> np.ndarray:
    """Positions of up to ``count`` samples, the first of each class where there are classes.

    >>> choose_anchors(np.array([3, 3, 1, 0, 1]), 5, 2).tolist()
    [3, 2]
    """
    if labels is None:
        return np.arange(min(n, count))
    return np.unique(labels, return_index=True)[1][:count]


def run_and_watch(config: Config, data=None, progress: bool = False, on_record=None) -> tuple[Results, Rows]:
    """Like :func:`icon_nb.run`, and also what p and q said on the way."""
    session = start(config, data)
    session.keep_states = KEEP_STATES
    watcher = RowWatcher(session)
    results = train(session, watcher, on_record, progress=progress)
    return results, watcher.rows(results.trajectory)
