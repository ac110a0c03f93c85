"""Where a run is logged while it trains: a CSV file, TensorBoard, MLflow, Weights & Biases, or an object of your own."""

from __future__ import annotations

import csv
import io
import math
import os
import warnings
from pathlib import Path
from pkgutil import resolve_name
from typing import Protocol

from torch import nn

from ..errors import ConfigError
from ..methods.catalogue import HISTORY, TRACKERS
from ..methods.config import Config
from .results import Results


class Tracker(Protocol):
    """What ``icon.run(log_to=...)`` takes; see :func:`icon_nb.run`."""

    def record(self, epoch: int, metrics: dict[str, float], model: nn.Module) -> None:
        """Called after every epoch with what was measured in it; the model is in training and not to be changed."""

    def finish(self, results: Results) -> None:
        """Called once, with the results of a run that ended by itself or was interrupted."""


class Tracking:
    """Calls a tracker, if there is any, and never stands in the way of training: one that raises is warned of, and left out."""

    def __init__(self, log_to: str | Tracker | None, config: Config):
        self.tracker: Tracker | None = tracker_of(log_to, config) if isinstance(log_to, str) else log_to

    def record(self, epoch: int, measured: dict[str, float], model: nn.Module) -> None:
        """Pass on what was measured, without what was not."""
        self._call("record", epoch, {name: value for name, value in measured.items() if not math.isnan(value)}, model)

    def finish(self, results: Results) -> Results:
        """The results, once the tracker has seen them."""
        self._call("finish", results)
        return results

    def _call(self, what: str, *given) -> None:
        if self.tracker is None:
            return
        try:
            getattr(self.tracker, what)(*given)
        except Exception as error:
            name, self.tracker = type(self.tracker).__name__, None
            warnings.warn(f"{name} failed and logs no more, the run goes on: {type(error).__name__}: {error}", stacklevel=4)


def tracker_of(log_to: str, config: Config) -> Tracker:
    """The tracker that ``KIND:PLACE`` names.

    Raises
    ------
    ConfigError
        The package that it needs is not installed, or the place cannot be written.
    """
    kind, _, place = log_to.partition(":")
    try:
        return resolve_name(TRACKERS[kind].make)(place, config)
    except ImportError:
        raise ConfigError(f"log_to={log_to!r} needs {kind}: pip install {kind}, or use 'csv:FILE'") from None
    except OSError as error:
        raise ConfigError(f"log_to={log_to!r} cannot be written ({error.strerror}): choose another place") from None


def title_of(config: Config) -> str:
    """What a run is called beside others: its name or method, and the letters that tell its settings."""
    return f"{config.run_name or config.label}-{config.key()}"


class Csv:
    """A row per epoch, at the end of one file that several runs may share."""

    def __init__(self, place: str, config: Config):
        self.path, self.title = Path(place).absolute(), title_of(config)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        columns = ["run", "epoch", *HISTORY]
        if self.path.exists() and not self.path.is_file():
            raise ConfigError(f"log_to='csv:{place}' is no regular file: choose another")
        if not self.path.exists() or not self.path.stat().st_size:
            self._write(columns)
            return
        with self.path.open("rb") as file:  # a file of the user is not written into, whatever a saved config.json says
            if file.readline(200).decode(errors="replace").strip() != ",".join(columns):
                raise ConfigError(f"log_to='csv:{place}' is a file with other contents: choose another")

    def _write(self, row: list) -> None:
        """One write for a row, so that rows of several processes do not mix."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, line.getvalue().encode())
        finally:
            os.close(file)

    def record(self, epoch: int, metrics: dict[str, float], model: nn.Module) -> None:
        self._write([self.title, epoch, *(metrics.get(name, "") for name in HISTORY)])

    def finish(self, results: Results) -> None:
        pass


class TensorBoard:
    """Curves, the settings, and at the end the animation and the points with their pictures for the projector."""

    def __init__(self, place: str, config: Config):
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(Path(place).absolute() / title_of(config))
        self.writer.add_text("config", f"`{config!r}`")

    def record(self, epoch: int, metrics: dict[str, float], model: nn.Module) -> None:
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, epoch)

    def finish(self, results: Results) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from torch import from_numpy

        seen, animation, last = results.trajectory, results.animate(), int(results.trajectory.epochs[-1])
        labels = None if seen.labels is None else [seen.class_names[label] for label in seen.labels]
        pictures = None if seen.images is None else from_numpy(seen.images).permute(0, 3, 1, 2).float() / 255
        self.writer.add_embedding(seen.embeddings[-1], labels, pictures, last, "embedding")
        width, height = animation.size
        gif = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=animation.to_bytes())
        self.writer._get_file_writer().add_summary(Summary(value=[Summary.Value(tag="animation", image=gif)]), last)
        self.writer.close()


class MLflow:
    """A run of MLflow, in the experiment of the place if one is given: settings, curves, the animation."""

    def __init__(self, place: str, config: Config):
        import mlflow

        self.client = mlflow.MlflowClient()
        found = self.client.get_experiment_by_name(place or "icon_nb")
        experiment = found.experiment_id if found else self.client.create_experiment(place or "icon_nb")
        self.run = self.client.create_run(experiment, run_name=title_of(config)).info.run_id
        for name, value in config.to_dict().items():
            self.client.log_param(self.run, name, value)

    def record(self, epoch: int, metrics: dict[str, float], model: nn.Module) -> None:
        for name, value in metrics.items():
            self.client.log_metric(self.run, name, value, step=epoch)

    def finish(self, results: Results) -> None:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            path = results.animate().save(Path(folder) / "training_dynamics.gif")
            self.client.log_artifact(self.run, str(path))
        self.client.set_terminated(self.run, "FINISHED" if results.status == "complete" else "KILLED")


class WandB:
    """A run of Weights & Biases, in the project of the place if one is given: settings, curves, the animation."""

    def __init__(self, place: str, config: Config):
        import wandb

        self.run = wandb.init(project=place or "icon_nb", name=title_of(config), config=config.to_dict(), reinit="create_new")

    def record(self, epoch: int, metrics: dict[str, float], model: nn.Module) -> None:
        self.run.log(metrics, step=epoch)

    def finish(self, results: Results) -> None:
        import wandb

        page = results.animate()._repr_html_()
        self.run.log({"animation": wandb.Html(page)}, step=int(results.trajectory.epochs[-1]))
        self.run.finish()
