"""What looks on while a run trains: a CSV file, TensorBoard, MLflow, Weights & Biases, a tracker of your own, a live picture."""

from __future__ import annotations

import csv
import io
import math
import time
import warnings
from base64 import b64encode
from pathlib import Path
from pkgutil import resolve_name
from tempfile import TemporaryDirectory

import torch
from torch import nn

from .. import animation
from ..animation.display import image
from ..errors import ConfigError, demand, shown
from ..methods.catalogue import HISTORY, TRACKERS
from ..methods.config import Config
from .results import Results
from .table import quoted


class Tracking:
    """Calls a tracker, if there is any, after every epoch and at the end; one that raises is warned of, and left out."""

    def __init__(self, log_to, config: Config):
        self.tracker = log_to
        own = callable(getattr(log_to, "record", None)) and callable(getattr(log_to, "finish", None))
        remedy = "give 'csv:FILE', or an object with record(epoch, metrics, model) and finish(results)"
        demand(log_to is None or isinstance(log_to, str) or own, f"log_to={shown(log_to)} cannot be logged to: {remedy}")
        if isinstance(log_to, str):
            kind, _, place = log_to.partition(":")
            try:
                self.tracker = resolve_name(TRACKERS[kind].make)(place, config)
            except ImportError:
                raise ConfigError(f"log_to={log_to!r} needs {kind}: pip install {kind}, or use 'csv:FILE'") from None
            except OSError as error:
                raise ConfigError(f"log_to={log_to!r} cannot be written ({error.strerror}): choose another place") from None

    def record(self, epoch: int, history: dict[str, list], model: nn.Module) -> None:
        last = {name: values[-1] for name, values in history.items() if name != "epoch" and not math.isnan(values[-1])}
        self._call("record", epoch, last, model)

    def finish(self, results: Results) -> Results:
        self._call("finish", results)
        return results

    def _call(self, what: str, *given) -> None:
        try:
            if self.tracker is not None:
                getattr(self.tracker, what)(*given)
        except Exception as error:
            name, self.tracker = type(self.tracker).__name__, None
            warnings.warn(f"{name} failed and logs no more, the run goes on: {type(error).__name__}: {error}", stacklevel=4)


def title_of(config: Config) -> str:
    return f"{config.run_name or config.label}-{config.key()}"


class Csv:
    """A row per epoch, at the end of one file that several runs may share."""

    def __init__(self, place: str, config: Config):
        self.path, self.title = Path(place).absolute(), title_of(config)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        columns, there = ["run", "epoch", *HISTORY], self.path.exists()
        demand(self.path.is_file() or not there, f"log_to='csv:{place}' is no regular file: choose another")
        if there and self.path.stat().st_size:  # a file of the user is not written into, whatever a saved config.json says
            with self.path.open("rb") as file:
                ours = file.readline(200).decode(errors="replace").strip() == ",".join(columns)
            demand(ours, f"log_to='csv:{place}' is a file with other contents: choose another")
        else:
            self._write(columns)

    def _write(self, row: list) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        with self.path.open("ab", buffering=0) as file:  # one write for a row: those of several processes do not mix
            file.write(line.getvalue().encode())

    def record(self, epoch: int, metrics: dict[str, float], model: nn.Module) -> None:
        self._write([quoted(self.title), epoch, *(metrics.get(name, "") for name in HISTORY)])

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

        seen, drawn, last = results.trajectory, results.animate(), int(results.trajectory.epochs[-1])
        labels = None if seen.labels is None else [seen.class_names[label] for label in seen.labels]
        pictures = None if seen.images is None else torch.from_numpy(seen.images).permute(0, 3, 1, 2).float() / 255
        self.writer.add_embedding(seen.embeddings[-1], labels, pictures, last, "embedding")
        width, height = drawn.size
        gif = Summary.Image(width=width, height=height, colorspace=3, encoded_image_string=drawn.to_bytes())
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
        with TemporaryDirectory() as folder:
            self.client.log_artifact(self.run, str(results.animate().save(Path(folder) / "training_dynamics.gif")))
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

        page = wandb.Html(results.animate()._repr_html_())
        self.run.log({"animation": page}, step=int(results.trajectory.epochs[-1]))
        self.run.finish()


class Live:
    """``run(live=True)``: redraws embedding and loss three times a second, less often where it is slow; first and last."""

    EVERY = 1 / 3  # seconds by the clock on the wall
    SIZE = (460, 460)

    def __init__(self, config: Config):
        self.epochs, self.next, self._handle = config.epochs, 0.0, None

    def __call__(self, record, recorder) -> None:
        started = time.monotonic()
        if record.epoch in (0, self.epochs) or started >= self.next:
            self.draw(recorder)
            now = time.monotonic()
            slow = 2 * (now - started) if record.epoch else 0.0  # the first loads what draws
            self.next = max(started + self.EVERY, now + slow)

    def draw(self, recorder) -> None:
        from IPython.display import display

        from ..animation.plots import filmstrip

        trajectory = recorder.trajectory
        projection = "auto" if trajectory.embeddings.shape[2] < 4 else "pca"  # which is quick
        title = f"{trajectory.title}, epoch {trajectory.epochs[-1]} of {self.epochs}"
        drawn = animation.animate(trajectory, size=self.SIZE, overlay="loss", turn=0, tween=0, projection=projection)
        drawn.painter.last_epoch = self.epochs
        picture = drawn.painter.png(drawn.timeline.n_frames - 1)
        strip = filmstrip(drawn) if trajectory.epochs[-1] == self.epochs else picture  # what is left on paper shows learning
        page = {"text/plain": title, "text/html": image(picture, title, self.SIZE[0]), "image/png": b64encode(strip).decode()}
        if self._handle is None:
            self._handle = display(page, raw=True, display_id=True)
        else:
            self._handle.update(page, raw=True)
