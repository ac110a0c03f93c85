"""The temperature study without a screen: runs at several temperatures and seeds, and what p and q say in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch

from ..data.loading import load_for
from ..errors import ConfigError, demand_type
from ..evaluation.dynamics import alignment, uniformity
from ..evaluation.forces import per_point
from ..evaluation.trajectory import Rows, Trajectory
from ..methods import axes
from ..methods.catalogue import source_of
from ..methods.config import Config
from ..methods.resolve import method_of
from .results import Results
from .run import train
from .session import Session, start

MEASURES = {"knn_accuracy": "kNN accuracy", "uniformity": "uniformity (low: even)", "alignment": "alignment (low: classes near)"}
ANCHORS = 8
KEEP_STATES = 8  # MiB of weights that a run of a study keeps for what if
KEPT = 128
_TRAINED: dict[str, tuple[Results, Rows]] = {}


class RowWatcher:
    """Looks at one fixed batch, with the same views, after every recorded epoch of a session that has not begun."""

    def __init__(self, session: Session, anchors: int = ANCHORS):
        self.trainer, self.limit = session.trainer, axes.LEARNED[method_of(session.config).learned].limit
        index = next(self.trainer.reader.order(self.trainer.epoch))
        self.inputs, self.batch = self.trainer.reader.read(index, self.trainer.epoch, 0)
        self.target = None
        self._log_q()  # which makes p too
        self._classes = session.dataset.class_names
        labels = None if session.dataset.y is None else session.dataset.y[index.cpu()].numpy()
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
        taught = self.trainer.model.taught(self.batch)
        if self.target is None or taught is not self.batch:
            self.target = self.trainer.objective.target(taught())
        learned, dtype = self.trainer.objective.learned, self.trainer.dtype
        cast = [(z.to(dtype), other if other is None else other.to(dtype)) for z, other in blocks]
        return torch.cat([learned(z, other, self.target.measure) for z, other in cast])

    def _rows(self, matrix: torch.Tensor) -> np.ndarray:  # of the anchors, each made to sum to one
        return per_point(matrix)[self.chosen].cpu().float().numpy()

    def rows(self, trajectory: Trajectory) -> Rows:
        """What was seen at the frames of the trajectory of the session, once its results are made."""
        epochs = trajectory.epochs.tolist()
        if epochs[-1] not in self._q and not self.limit:  # the last frame of a run that was interrupted
            self.trainer.model.to(self.trainer.device)  # its weights are on the CPU by now
            self._q[epochs[-1]] = self._rows(self._log_q().exp())
            self.trainer.model.to("cpu")
        p = self._rows(self.target.p)
        m, names = p.shape[1], self._names
        if m == len(self._classes) != len(names):
            names = tuple(self._classes)
        candidates = names * (m // len(names)) if names and m % len(names) == 0 else ("",) * m
        return Rows(p, None if self.limit else np.stack([self._q[epoch] for epoch in epochs]), self.anchors, candidates)


def choose_anchors(labels: np.ndarray | None, n: int, count: int) -> np.ndarray:
    """Positions of up to ``count`` samples, the first of each class where there are classes."""
    return (np.arange(n) if labels is None else np.unique(labels, return_index=True)[1])[:count]


def run_and_watch(config: Config, on_record: Callable | None = None) -> tuple[Results, Rows]:
    """Like :func:`icon_nb.run`, and also what p and q said on the way."""
    session = start(config)
    session.keep_states = KEEP_STATES
    watcher = RowWatcher(session)
    results = train(session, watcher, on_record, progress=False)
    return results, watcher.rows(results.trajectory)


def trained(config: Config, data=None, on_record: Callable | None = None) -> tuple[Results, Rows]:
    """The run of a config and its rows of p and q; a config that was trained in this session is not trained again."""
    config = (config if data is None else config.replace(dataset=data)).resolve()
    key = config.key() + (load_for(config).fingerprint if source_of(config.dataset) else "")  # a file may be written anew
    found = _TRAINED.pop(key, None) or run_and_watch(config, on_record)
    if found[0].status == "interrupted":
        raise KeyboardInterrupt
    _TRAINED[key] = found  # what was asked for last stands last
    if len(_TRAINED) > KEPT:
        del _TRAINED[next(iter(_TRAINED))]
    return found


class TemperatureStudy:
    """Runs of one config, of a method that has a temperature, at several temperatures and seeds."""

    def __init__(self, config: Config, temperatures: Iterable[float], seeds: Iterable[int] = (0,), data=None):
        demand_type("config", config, Config, "icon_nb.Config(method='simclr')")
        self.config, self.data = config, data
        self.temperatures = sorted({float(value) for value in temperatures})
        self.seeds = list(dict.fromkeys(int(seed) for seed in seeds))
        if not self.temperatures or not self.seeds:
            raise ConfigError(f"a study needs a temperature and a seed, got {len(self.temperatures)} and {len(self.seeds)}")
        if config.replace(temperature=self.temperatures[0]).resolve().temperature is None:
            raise ConfigError(f"method={config.label!r} has no temperature to study")
        self.runs: dict[tuple[float, int], tuple[Results, Rows]] = {}

    @property
    def missing(self) -> list[tuple[float, int]]:
        return [(t, seed) for t in self.temperatures for seed in self.seeds if (t, seed) not in self.runs]

    @property
    def complete(self) -> list[float]:
        return [t for t in self.temperatures if all((t, seed) in self.runs for seed in self.seeds)]

    def train(self, on_epoch: Callable[[float, int, int], None] | None = None) -> TemperatureStudy:
        """Train what is missing, and call ``on_epoch(temperature, seed, epoch)``; a run that is interrupted is not kept."""
        for t, seed in self.missing:
            call = on_epoch and (lambda record, _, t=t, seed=seed: on_epoch(t, seed, record.epoch))
            self.runs[t, seed] = trained(self.config.replace(temperature=t, seed=seed), self.data, call)
        return self

    def add(self, temperature: float) -> float:
        """Let a temperature join the study; returns it as the study keeps it."""
        temperature = float(temperature)
        self.config.replace(temperature=temperature)  # refuses what is out of range
        self.temperatures = sorted({*self.temperatures, temperature})
        return temperature

    def scores(self, frame: int = -1) -> dict[str, np.ndarray]:
        """Measures at a recorded frame, each (complete temperatures, seeds); see ``MEASURES``."""
        found = []
        for run, _ in (self.runs[t, seed] for t in self.complete for seed in self.seeds):
            trajectory, y = run.trajectory, run.labels
            at = min(frame, trajectory.n_frames - 1)
            z, knn = trajectory.embeddings[at], trajectory.metrics["knn_accuracy"][at]
            found.append((knn, uniformity(z), np.nan if y is None else alignment(z, y)))
        values = np.reshape(found, (len(self.complete), len(self.seeds), len(MEASURES)))
        return dict(zip(MEASURES, np.moveaxis(values, -1, 0)))

    def __repr__(self) -> str:
        values = ", ".join(f"{t:g}" for t in self.temperatures)
        state = f"{len(self.seeds)} seed(s), {len(self.missing)} to train"
        return f"TemperatureStudy({self.config.label}: temperatures {values}; {state})"
