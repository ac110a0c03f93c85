"""run: from a Config to Results. The same path for one run, a recipe, a sweep and the command line."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from dataclasses import dataclass, field

import numpy as np
import torch

from . import __version__
from .augment import default_augment
from .config import Config
from .data import Dataset, load
from .errors import TrainingError
from .evaluate import knn_accuracy
from .resolve import fit_to_data
from .results import Results
from .train import Record, Trainer
from .trajectory import Recorder

KNN = 5


def run(config: Config | None = None, *, data=None, progress: bool | None = None, on_record=None, **settings) -> Results:
    """Train what a Config describes and record its embedding at every epoch.

    Parameters
    ----------
    config : Config, optional
        ``Config()`` when not given.
    data : Dataset, (x, y) arrays, ... , optional
        Data of your own instead of ``config.dataset``; everything :func:`icon_nb.data.load` takes.
    progress : bool, optional
        Progress bar on stderr; on unless ``quiet`` is set.
    on_record : callable(Record, Recorder), optional
        Called after every epoch.
    **settings
        Settings that override those of ``config``.

    Returns
    -------
    Results
        Shows itself as an animation in a notebook. When interrupted: what there is so far, with ``status="interrupted"``; under
        the environment variable ``ICON_NB_STRICT`` the interrupt is raised instead, so that a test notices it.

    Raises
    ------
    ConfigError, DataError, DeviceError
        Before anything is trained.
    TrainingError
        The loss became NaN or infinite; its ``results`` hold the run up to the last good epoch.

    Examples
    --------
    >>> import icon_nb as icon
    >>> icon.run(method="cross_entropy", epochs=3, quiet=True).history["epoch"]
    [0, 1, 2, 3]
    """
    config = (config or Config()).replace(**settings).resolve()
    dataset = load(data if data is not None else config.dataset, config.data_dir, config.n_samples, config.seed)
    config = fit_to_data(config, len(dataset), default_augment(dataset))
    session = Session(config, dataset)
    show = (not config.quiet) if progress is None else progress
    with ProgressBar(config, enabled=show) as bar:
        try:
            for record in session.records():
                bar.show(record, session.knn)
                if on_record is not None:
                    on_record(record, session.recorder)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not session.history["epoch"]:
                raise
            session.status = "interrupted"
        except TrainingError as error:
            session.status, session.error = "failed", str(error)
            error.results = session.results()
            raise
    return session.results()


@dataclass
class Session:
    """A run in progress: the trainer, the recorder and the history so far."""

    config: Config
    dataset: Dataset
    status: str = "complete"
    error: str = ""
    history: dict[str, list] = field(default_factory=lambda: {"epoch": [], "loss": [], "knn_accuracy": [], "seconds": []})

    def __post_init__(self):
        self.trainer = Trainer(self.config, self.dataset)
        self.good: dict[str, torch.Tensor] = {}
        self.started = datetime.datetime.now(datetime.timezone.utc)
        x, y, held_out = evaluation_points(self.config, self.dataset)
        keep = np.sort(np.random.default_rng(self.config.seed).choice(len(x), min(len(x), self.config.max_points), replace=False))
        keep = torch.from_numpy(keep)
        self._x = (keep if self.config.backbone == "table" else x[keep]).to(self.trainer.device)
        self._y = None if y is None else y[keep].to(self.trainer.device)
        self.recorder = Recorder(
            None if y is None else y[keep],
            self.dataset.class_names or None,
            max_points=self.config.max_points,
            images=thumbnails(self.dataset, x[keep]),
            index=keep.numpy(),
            held_out=np.full(len(keep), held_out),
            title=f"{self.config.run_name or self.config.label} on {self.dataset.name}",
        )

    @property
    def knn(self) -> float:
        return self.history["knn_accuracy"][-1]

    def records(self):
        """Train to the end, recording on the way; yields one record per epoch."""
        yield self.keep(self.trainer.initial())
        while self.trainer.epoch < self.config.epochs:
            yield self.keep(self.trainer.run_epoch())

    def keep(self, record: Record) -> Record:
        """Record an epoch: its loss, and the embedding where it is due."""
        knn = float("nan")
        if record.epoch % self.config.record_every == 0 or record.epoch == self.config.epochs:
            z = self.trainer.embed(self._x)
            if not torch.isfinite(z).all():
                raise TrainingError(
                    f"the embedding became NaN or infinite in epoch {record.epoch}, "
                    f"with learning_rate={self.config.learning_rate:g}; the last good epoch is {record.epoch - 1}: lower learning_rate"
                )
            knn = knn if self._y is None else knn_accuracy(z, self._y, KNN)
            self.recorder.record(z, epoch=record.epoch, loss=record.loss, knn_accuracy=knn)
        for name, value in zip(self.history, (record.epoch, record.loss, knn, record.seconds)):
            self.history[name].append(value)
        self.good = {name: tensor.clone() for name, tensor in self.trainer.model.state_dict().items()}
        return record

    def results(self) -> Results:
        """What there is so far, with the weights of the last good epoch."""
        self.trainer.model.load_state_dict(self.good)
        backbone = self.trainer.model.to("cpu").backbone.eval()
        return Results(
            self.config,
            self.history,
            self.recorder.trajectory,
            backbone,
            self.status,
            provenance(self),
            self.error,
            self.trainer.model.state_dict(),
            self.dataset,
        )


def evaluation_points(config: Config, dataset: Dataset):
    """Raw inputs and labels of the points to watch, and whether the backbone is not trained on them."""
    if dataset.x_test is None or config.backbone == "table":
        return dataset.x, dataset.y, False
    return dataset.x_test, dataset.y_test, True


def thumbnails(dataset: Dataset, x) -> np.ndarray | None:
    """Small pictures (n, h, w, c) of samples, where they are pictures of 1 or 3 channels."""
    if dataset.kind != "images" or dataset.shape[0] not in (1, 3):
        return None
    return x.permute(0, 2, 3, 1).cpu().numpy()


def provenance(session: Session) -> dict[str, object]:
    """What is needed to know where numbers came from."""
    now = datetime.datetime.now(datetime.timezone.utc)
    versions = {"icon_nb": __version__, "torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()}
    return {
        "versions": versions,
        "platform": platform.platform(),
        "device": str(session.trainer.device),
        "threads": torch.get_num_threads(),
        "seed": session.config.seed,
        "dataset": describe(session.dataset),
        "started": session.started.isoformat(timespec="seconds"),
        "finished": now.isoformat(timespec="seconds"),
        "seconds": round((now - session.started).total_seconds(), 3),
        "sources": dict(session.config.sources),
        "status": session.status,
        "error": session.error,
    }


def describe(dataset: Dataset) -> dict[str, object]:
    """What a saved run keeps of its data set: enough to recognise it and to rebuild the backbone."""
    return {
        "name": dataset.name,
        "sha256": dataset.checksum,
        "note": dataset.note,
        "kind": dataset.kind,
        "shape": list(dataset.shape),
        "n_train": len(dataset),
        "n_tokens": dataset.n_tokens,
    }


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
