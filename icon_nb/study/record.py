"""Run: what one training leaves, as a plain record; and Failure, where nothing is left but an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from ..data.dataset import Dataset
from ..errors import ConfigError, printable
from ..evaluation.trajectory import Trajectory
from ..methods.config import Config


@dataclass(eq=False)
class Run:
    """One run; :class:`icon_nb.Results` says what its fields are."""

    config: Config
    history: Mapping[str, list]
    trajectory: Trajectory
    backbone: nn.Module
    status: str = "complete"
    provenance: Mapping[str, object] = field(default_factory=dict)
    error: str = ""
    state: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    dataset: Dataset | None = field(default=None, repr=False)
    trust_code: bool = field(default=False, repr=False)
    states: Mapping[int, tuple[Mapping, Mapping]] = field(default_factory=dict, repr=False)
    folder: Path | None = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        """The same config, status, history, trajectory and weights, bit for bit; where and when it ran does not count."""
        if not isinstance(other, Run):
            return NotImplemented
        if (self.config, self.status, self.error) != (other.config, other.status, other.error):
            return False
        return self._numbers() == other._numbers()

    def __hash__(self) -> int:
        return hash((self.config.key(), self.status))

    def _numbers(self) -> dict[str, tuple]:
        """Form and bytes of every array, so that NaN equals NaN."""
        found = {name: getattr(self.trajectory, name) for name in ("embeddings", "epochs", "labels", "index")}
        found |= {f"history {name}": values for name, values in self.history.items() if name != "seconds"}
        found |= {f"weight {name}": tensor.detach().cpu() for name, tensor in self.state.items()}
        arrays = {name: np.asarray(values) for name, values in found.items() if values is not None}
        return {name: (array.shape, array.dtype.str, array.tobytes()) for name, array in arrays.items()}

    @property
    def embeddings(self) -> np.ndarray:
        """Final embedding (n, d) of the evaluation points."""
        return self.trajectory.embeddings[-1]

    @property
    def labels(self) -> np.ndarray | None:
        """Class (n,) of each evaluation point."""
        return self.trajectory.labels

    def frames(self) -> Iterator[tuple[int, np.ndarray, dict[str, float]]]:
        metrics = self.trajectory.metrics
        for k, epoch in enumerate(self.trajectory.epochs.tolist()):
            yield epoch, self.trajectory.embeddings[k], {name: float(values[k]) for name, values in metrics.items()}

    def measured(self, column: str) -> list[float]:
        return [value for value in self.history[column] if value == value]

    @property
    def baselines(self) -> dict[str, float]:
        """The kNN accuracy before training, and of the raw inputs: what training has to beat. Empty without labels."""
        raw, knn = (self.provenance.get("baselines") or {}).get("raw_knn_accuracy"), self.measured("knn_accuracy")
        return {"untrained": knn[0], "raw inputs": raw} if knn and isinstance(raw, float) else {}

    def summary(self) -> str:
        """One line: what was run, and what came of it, beside the untrained network and the raw inputs."""
        knn, losses, last = self.measured("knn_accuracy"), self.measured("loss"), self.history["epoch"][-1]
        words = f"{printable(self.trajectory.title)}: {last} epoch{'s' * (last != 1)}"
        words += "" if self.status == "complete" else f", {self.status}"
        words += f", loss {losses[0]:.3f} -> {losses[-1]:.3f}"
        words += f", kNN accuracy {knn[0]:.3f} untrained -> {knn[-1]:.3f}" if knn else ""
        return words + (f" (raw inputs {self.baselines['raw inputs']:.3f})" if self.baselines else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary()})"


class Scores(dict):
    """Scores by their names; called as if they were a method, like ``summary()``, they say that they are none."""

    def __call__(self):
        raise ConfigError("scores is no method: read results.scores, without brackets")


class Shown:
    """What shows itself in a notebook as ``_repr_mimebundle_`` says, with a drawing in ``_animation`` that is made once."""

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_animation"}  # a drawing cannot be copied


@dataclass(frozen=True)
class Failure:
    """A run of which nothing is left but its error."""

    config: Config
    error: str
    status: str = "failed"

    def summary(self) -> str:
        return printable(f"{self.config.run_name or self.config.label} on {self.config.dataset}: failed: {self.error}")
