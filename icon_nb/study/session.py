"""A run in progress: the trainer, the recorder and the history so far, from which Results are made at any moment."""

from __future__ import annotations

import datetime
import math
import platform
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from .. import __version__
from ..animation.recorder import Recorder
from ..data.augment import default_augment
from ..data.dataset import Dataset, describe
from ..data.loading import load_for
from ..errors import TrainingError
from ..evaluation.diagnosis import baselines
from ..evaluation.scores import knn_accuracy
from ..evaluation.trajectory import choose_points
from ..methods.catalogue import HISTORY, absolute, source_of
from ..methods.config import SETTINGS, Config
from ..methods.resolve import fit_to_data
from ..methods.settings import is_own
from ..objective.distances import metric_of
from ..training.backbones import fit_own, n_features
from ..training.optimizers import installed
from ..training.trainer import Record, Trainer, is_for_open_tsne, usual_torch
from .results import Results

KNN = 5
KINDS = {"images": "image", "features": "vector", "tokens": "text"}
MOST_EDGES = 10_000


@usual_torch()
def start(config: Config, data=None) -> Session:
    config = (config if data is None else config.replace(dataset=data)).resolve()
    return session_of(config, load_for(config))


@usual_torch()
def session_of(config: Config, dataset: Dataset) -> Session:
    config = fit_own(config, dataset)
    by_open_tsne = is_for_open_tsne(config, dataset) and installed()
    features = n_features(dataset.shape, dataset.kind)
    return Session(fit_to_data(config, len(dataset), default_augment(dataset), by_open_tsne, features), dataset)


@dataclass
class Session:
    config: Config
    dataset: Dataset
    status: str = "complete"
    error: str = ""
    diverged: bool = False
    log_to: object = None
    keep_states: float = 0.0
    fork: dict | None = None
    resumed: list[dict] = field(default_factory=list)
    history: dict[str, list] = field(default_factory=lambda: {name: [] for name in ("epoch", *HISTORY)})

    def __post_init__(self):
        config, data = self.config, self.dataset
        self.trainer = Trainer(config, data)
        self.good: dict[str, torch.Tensor] = {}
        self.states: dict[int, tuple[dict, dict]] = {}
        self.started = datetime.datetime.now(datetime.UTC)
        held_out = data.x_test is not None and config.backbone != "table"  # points that the backbone is not trained on
        x, y = (data.x_test, data.y_test) if held_out else (data.x, data.y)
        keep = torch.from_numpy(choose_points(len(x), config.max_points, config.seed))
        self.n_points, seen, labels = len(keep), x[keep], None if y is None else y[keep]  # read once, where they are on the disk
        self._raw = None if data.kind == "tokens" else seen
        self._x = (keep if config.backbone == "table" else seen).to(self.trainer.device)
        self._y = None if y is None else labels.to(self.trainer.device)
        about = {"max_points": config.max_points, "index": keep.numpy(), "held_out": np.full(len(keep), held_out)}
        if data.kind == "images" and data.shape[0] in (1, 3):
            about["images"] = seen.permute(0, 2, 3, 1).cpu().numpy()
        if data.kind == "tokens" and data.vocabulary:
            about["names"] = sentences(seen, data.vocabulary)
        if data.names and not held_out:
            about["names"] = [data.names[k] for k in keep.tolist()]
        if data.graph is not None and not held_out:
            about["edges"] = heaviest_edges(data.graph, keep)
        pair, self._pair = data.pair_test if held_out else data.pair, None
        if pair is not None and hasattr(self.trainer.model, "other"):
            self._pair, other = pair[keep].to(self.trainer.device), self.trainer.reader.other
            about["sides"] = KINDS[data.kind], "paired " * (other.kind == data.kind) + KINDS[other.kind]
            if other.kind == "tokens" and data.vocabulary:
                about["names"] = sentences(pair[keep], data.vocabulary)
            if "images" in about and other.kind == "images" and other.shape[:2] == data.shape[:2]:  # both beside each other
                about["images"] = torch.cat([seen, pair[keep]], 3).permute(0, 2, 3, 1).cpu().numpy()
        self.rows = {self.n_points, self.n_points * (1 if self._pair is None else 2)}  # of a frame, which is an older one or not
        title = f"{config.run_name}: " * bool(config.run_name) + f"{config.label} on {data.name}"
        self.recorder = Recorder(labels, data.class_names or None, title=title, **about)

    def go_on(self, model: Mapping, optimizer: Mapping, history: Mapping[str, list], frames: Iterable, every: int = 1) -> None:
        """Take the place of a run after its last epoch; of another network it is a ValueError, and nothing is taken."""
        own, trainer = self.trainer.model.state_dict(), self.trainer
        if {name: each.shape for name, each in own.items()} != {name: each.shape for name, each in model.items()}:
            raise ValueError("its weights belong to another network")
        set_state(trainer, optimizer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch wants a step of the optimizer before one of the scheduler
            for loss in history["loss"][1:]:
                trainer.end_epoch(loss)
        trainer.model.load_state_dict(model)
        self.history = {name: [math.nan if v is None else v for v in values] for name, values in history.items()}
        trainer.epoch, self.good = history["epoch"][-1], {name: tensor.clone() for name, tensor in model.items()}
        for epoch, frame, metrics in frames:
            if epoch % every and epoch != self.config.epochs:  # it was due only because the run ended there
                self.history["knn_accuracy"][epoch] = math.nan
                continue
            z, pair = frame[: self.n_points], frame[self.n_points :]
            self._pair = self._pair if len(pair) else None  # a version before this one recorded no pairs
            pair = None if self._pair is None else pair
            self.recorder.record(z, epoch=epoch, pair=pair, **{n: math.nan if v is None else v for n, v in metrics.items()})

    def resume(self, before: Config, about: Mapping) -> None:
        """Note that it went on after its last epoch: with how many threads, and which settings stand in place of which."""
        old, new, threads = before.to_dict(), self.config.to_dict(), about.get("threads")
        changed = {name: [old.get(name), new.get(name)] for name in SETTINGS if old.get(name) != new.get(name)}
        earlier = [{"threads_after": threads, **each} for each in about.get("resumed") or ()]
        self.resumed = [*earlier, {"epoch": self.trainer.epoch, "threads_before": threads, "settings": changed}]
        self.fork = about.get("fork")

    def records(self) -> Iterator[Record]:
        """Train to the end, recording on the way; yields one record per epoch. A resumed run goes on where it stopped."""
        if not self.history["epoch"]:
            yield self._keep(self.trainer.initial())
        while self.trainer.epoch < self.config.epochs and not self.stopped:
            yield self._keep(self.trainer.run_epoch())

    @property
    def stopped(self) -> str:
        """Why it ends before its last epoch, as ``patience`` says; empty where it goes on. A fork begins to count anew."""
        since = self.fork["epoch"] if self.fork and self.fork["settings"] else 0
        losses = {epoch: loss for epoch, loss in zip(self.history["epoch"], self.history["loss"]) if epoch > since}
        measured = {epoch: loss for epoch, loss in losses.items() if loss == loss}
        last, patience = self.history["epoch"][-1], self.config.patience or math.inf
        best = min(measured, key=measured.get) if last in measured else last
        return f"the loss of epoch {best} was not undercut for {last - best} epochs" if last - best >= patience else ""

    def _keep(self, record: Record) -> Record:
        knn, epoch = math.nan, record.epoch
        if epoch % self.config.record_every == 0 or epoch == self.config.epochs:
            z = self.trainer.embed(self._x)
            if not torch.isfinite(z).all():
                good = f"with learning_rate={self.trainer.learning_rate}; the last good epoch is {epoch - 1}"
                told = f"the embedding became NaN or infinite in epoch {epoch}, {good}"
                told = told if epoch else "the embedding of the untrained network is NaN or infinite"
                raise TrainingError(f"{told}: {self.trainer.remedy(epoch > 0)}")
            knn = self._frame(z, epoch, record.loss)
        for name, value in zip(self.history, (epoch, record.loss, knn, record.seconds)):
            self.history[name].append(value)
        self.good = {name: tensor.clone() for name, tensor in self.trainer.model.state_dict().items()}
        if self.keep_states and self.recorder.kept()[-1][0] == epoch:
            self._keep_state(epoch)
        return record

    def _keep_state(self, epoch: int) -> None:
        """Keep what a fork needs; where that takes more than its share of memory, of every second epoch only."""
        self.states[epoch] = {name: each.cpu() for name, each in self.good.items()}, state_of(self.trainer)
        size = sum(map(_size, self.states[epoch])) / 2**20
        while len(self.states) * size > self.keep_states:
            epochs = list(self.states)
            kept = epochs[1 - len(epochs) % 2 :: 2] if len(epochs) > 1 else []  # the newest among them
            self.states = {k: self.states[k] for k in kept}

    def _frame(self, z: torch.Tensor, epoch: int, loss: float) -> float:
        knn = math.nan if self._y is None else knn_accuracy(z, self._y, KNN, metric=metric_of(self.config.distance))
        pair = None if self._pair is None else self.trainer.embed(self._pair, pair=True)
        self.recorder.record(z, epoch=epoch, pair=pair, loss=loss, knn_accuracy=knn)
        return knn

    def results(self) -> Results:
        """What there is so far, with the weights of the last good epoch, which is the last frame too."""
        model, epoch, kept = self.trainer.model, self.history["epoch"][-1], self.recorder.kept()
        model.load_state_dict(self.good)
        if not kept or kept[-1][0] < epoch:  # it ended between two frames; no checkpoint has this one
            z = self.trainer.embed(self._x)
            if torch.isfinite(z).all():
                self.history["knn_accuracy"][-1] = self._frame(z, epoch, self.history["loss"][-1])
        backbone, trajectory = model.to("cpu").backbone.eval(), self.recorder.trajectory
        own = {"state": model.state_dict(), "dataset": self.dataset, "states": self.states}
        about = {"status": self.status, "provenance": self._provenance(), "error": self.error}
        return Results(self.config, self.history, trajectory, backbone, **about, **own)

    def _provenance(self) -> dict[str, object]:
        now, own, trainer = datetime.datetime.now(datetime.UTC), self.config.dataset, self.trainer
        threads, versions = torch.get_num_threads(), {"icon_nb": __version__, "torch": torch.__version__, "numpy": np.__version__}
        raw = None if self._raw is None else self.dataset.flat(self._raw).cpu().numpy()
        resumed = [*self.resumed[:-1], *({**last, "threads_after": threads} for last in self.resumed[-1:])]
        beside = {"fork": self.fork, "resumed": resumed, "stopped": self.stopped}
        return {
            "versions": {**versions, "python": platform.python_version()},
            "platform": platform.platform(),
            "device": str(trainer.device),
            "engine": trainer.strategy.engine,
            "threads": threads,
            "processes": trainer.ranks.n,
            "seed": self.config.seed,
            "dataset": describe(self.dataset),
            "host": platform.node(),
            "path": absolute(own).partition(":")[2] if source_of(own) else self.config.data_dir,
            "started": self.started.isoformat(timespec="seconds"),
            "finished": now.isoformat(timespec="seconds"),
            "seconds": round((now - self.started).total_seconds(), 3),
            "sources": dict(self.config.sources),
            "baselines": {} if raw is None else baselines(self.recorder.trajectory, raw),  # tokens cannot be compared as they are
            "status": self.status,
            "error": self.error,
            "diverged": self.diverged,
            **{name: value for name, value in beside.items() if value},
        }


def sentences(rows: torch.Tensor, vocabulary: Sequence[str]) -> list[str]:
    """Tokens (n, length) in words; token 0 stands after the end."""
    return [" ".join(vocabulary[token] for token in row if token) for row in rows.tolist()]


def heaviest_edges(graph: torch.Tensor, keep: torch.Tensor) -> np.ndarray:
    """The ends (m, 2) of the edges between the nodes in ``keep``, by their places there: the heaviest where there are many."""
    weights = graph.cpu().index_select(0, keep).index_select(1, keep).to_dense()
    weights = torch.triu(torch.maximum(weights, weights.T), 1)
    most = min(int((weights > 0).sum()), MOST_EDGES)
    chosen = weights.flatten().topk(most).indices.sort().values
    return torch.stack([chosen // len(keep), chosen % len(keep)], 1).numpy()


def state_of(trainer: Trainer) -> dict[int | str, dict]:
    """What its optimizer remembers of every parameter, and float16 of how far it may scale a loss: copies, on the CPU."""
    scaler = trainer.scaler.state_dict()
    return _copied(trainer.optimizer.state_dict()["state"]) | ({"scaler": scaler} if scaler else {})


def _copied(value):
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    return value.detach().cpu().clone() if isinstance(value, torch.Tensor) else value


def _size(state) -> int:
    """Bytes of the tensors of a state, however deep."""
    return sum(map(_size, state.values())) if isinstance(state, Mapping) else getattr(state, "nbytes", 0)


def set_state(trainer: Trainer, state: Mapping[int | str, Mapping]) -> None:
    """Let a trainer's optimizer remember what another did; step size and momentum stay. A ValueError where shapes are others."""
    optimizer, own = trainer.optimizer, is_own(trainer.config.optimizer)
    state = dict(state)
    if scaler := state.pop("scaler", None):
        trainer.scaler.load_state_dict(scaler)
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    for k, each in state.items():
        shapes = {value.shape for value in each.values() if isinstance(value, torch.Tensor) and value.dim()}
        if not 0 <= k < len(parameters) or (not own and shapes - {parameters[k].shape}):
            raise ValueError("the state of its optimizer belongs to another network")
    state = _copied(state)  # load_state_dict takes what fits without a copy
    for k, each in state.items():  # in the order in memory of the weights, by which a fused step goes; a file has another
        like = {name: value for name, value in each.items() if getattr(value, "shape", None) == parameters[k].shape}
        each.update({name: torch.empty_like(parameters[k], dtype=value.dtype).copy_(value) for name, value in like.items()})
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
