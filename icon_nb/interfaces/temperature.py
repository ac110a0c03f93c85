"""The temperature study: runs at several temperatures and seeds, what p and q say in each, and a widget with sliders."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable
from functools import cached_property

import ipywidgets as w
import numpy as np
import torch

from ..animation.animation import Animation, animate, side_by_side
from ..animation.display import bundle, image
from ..animation.plots import against, bars, filmstrip
from ..data.loading import load_for
from ..errors import ConfigError, IconError, demand, demand_type
from ..evaluation.forces import per_point
from ..evaluation.probing import alignment, uniformity
from ..evaluation.trajectory import Rows, Trajectory
from ..methods.catalogue import source_of
from ..methods.config import Config
from ..methods.resolve import method_of
from ..study.results import Results
from ..study.run import start, train
from ..study.session import Session

MEASURES = {"knn_accuracy": "kNN accuracy", "uniformity": "uniformity (low: even)", "alignment": "alignment (low: classes near)"}
ANCHORS = 8
KEEP_STATES = 8  # MiB of weights that a run of a study keeps for what if
KEPT = 128
SIDE = 420
WORDS = {"description_width": "90px"}
NOTHING = "Nothing is trained yet: press Run, or call run()."
_TRAINED: dict[str, tuple[Results, Rows]] = {}


class RowWatcher:
    """Looks at one fixed batch, with the same views, after every recorded epoch of a session that has not begun."""

    def __init__(self, session: Session):
        self.trainer, self.limit, data = session.trainer, method_of(session.config).q.limit, session.dataset
        index = next(self.trainer.reader.order(self.trainer.epoch))
        self.inputs, self.batch = self.trainer.reader.read(index, self.trainer.epoch, 0)
        self.target, self.q = None, {}  # q by epochs
        self._log_q()  # which makes p too
        self.classes = tuple(data.class_names)
        labels = None if data.y is None else data.y[index.cpu()].numpy()
        self.names = () if labels is None else tuple(str(self.classes[label]) for label in labels)
        first = np.arange(len(index)) if labels is None else np.unique(labels, return_index=True)[1]  # of each class
        self.chosen = first[:ANCHORS]
        self.anchors = tuple(self.names[k] if self.names else f"sample {k}" for k in self.chosen)

    def __call__(self, record, recorder) -> None:
        """Keep q where the recorder kept a frame; of frames that it dropped since, q is dropped too."""
        kept = {epoch for epoch, _ in recorder.kept()}
        self.q = {epoch: q for epoch, q in self.q.items() if epoch in kept}
        if record.epoch in kept and not self.limit:
            self.q[record.epoch] = self.rows_of_q()

    @torch.no_grad()
    def _log_q(self) -> torch.Tensor:
        model, objective, dtype = self.trainer.model.eval(), self.trainer.objective, self.trainer.dtype
        blocks, taught = model(self.inputs), model.taught(self.batch)
        if self.target is None or taught is not self.batch:
            self.target = objective.target(taught())
        cast = [(z.to(dtype), other if other is None else other.to(dtype)) for z, other in blocks]
        return torch.cat([objective.learned(z, other, self.target.measure) for z, other in cast])

    def _of_anchors(self, matrix: torch.Tensor) -> np.ndarray:  # each made to sum to one
        return per_point(matrix)[self.chosen].cpu().float().numpy()

    def rows_of_q(self) -> np.ndarray:
        return self._of_anchors(self._log_q().exp())

    def rows(self, trajectory: Trajectory) -> Rows:
        """What was seen at the frames of the trajectory of the session, once its results are made."""
        epochs, names = trajectory.epochs.tolist(), self.names
        if epochs[-1] not in self.q and not self.limit:  # the last frame of a run that was interrupted
            self.trainer.model.to(self.trainer.device)  # its weights are on the CPU by now
            self.q[epochs[-1]] = self.rows_of_q()
            self.trainer.model.to("cpu")
        p, q = self._of_anchors(self.target.p), None if self.limit else np.stack([self.q[epoch] for epoch in epochs])
        m = p.shape[1]
        names = self.classes if m == len(self.classes) != len(names) else names
        return Rows(p, q, self.anchors, names * (m // len(names)) if names and m % len(names) == 0 else ("",) * m)


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

    @property
    def baselines(self) -> dict[str, dict[str, float]]:
        """What training has to beat, as the mean over the runs of complete temperatures; empty without labels."""
        found = [self.runs[t, seed][0].baselines for t in self.complete for seed in self.seeds]
        return {"knn_accuracy": {name: float(np.mean([each[name] for each in found])) for name in found[0]}} if found else {}

    def __repr__(self) -> str:
        values = ", ".join(f"{t:g}" for t in self.temperatures)
        state = f"{len(self.seeds)} seed(s), {len(self.missing)} to train"
        return f"TemperatureStudy({self.config.label}: temperatures {values}; {state})"


class TemperatureWidget:
    """See :func:`icon_nb.widgets.temperature_study`, which makes it.

    The methods that answer clicks can be called as well: :meth:`run`, :meth:`add`, :meth:`show`, :meth:`what_if`, :meth:`forces`.
    """

    def __init__(self, config, temperatures, seeds, data=None):
        self.study = TemperatureStudy(config, temperatures, seeds, data)
        self._pictures: dict[tuple, Animation | bytes] = {}
        self.message = NOTHING if self.study.missing else ""
        self._changing = False  # while the controls are changed together, nothing is drawn
        self._make_boxes()

    # What the buttons and sliders do

    def run(self) -> TemperatureWidget:
        """Train what is missing, then show it."""
        return self._train(lambda: self.tau.value)

    def add(self, temperature: float | None = None) -> TemperatureWidget:
        """Train one more temperature and let it join the study."""
        return self._train(lambda: self.study.add(self.between.value if temperature is None else temperature))

    def what_if(self, temperature: float | None = None) -> TemperatureWidget:
        """From the epoch that is shown, let the run go on at another temperature, and show both futures side by side."""

        def futures(run: Results) -> Animation:
            other = self.between.value if temperature is None else temperature
            epoch = int(run.trajectory.epochs[min(self.epoch.value, run.trajectory.n_frames - 1)])
            self.branch = run.fork(epoch, temperature=other, progress=False)
            titles = [f"temperature {run.config.temperature:g}", f"temperature {other:g} from epoch {epoch}"]
            return side_by_side([run.trajectory, self.branch.trajectory], titles, title=run.config.label)

        return self._play(futures)

    def forces(self) -> TemperatureWidget:
        """Let the run that is shown move below, with arrows for what p pulls and what q pushes."""
        return self._play(lambda run: run.animate(overlay="forces", title=f"temperature {run.config.temperature:g}"))

    def _play(self, draw: Callable[[Results], Animation]) -> TemperatureWidget:
        try:
            demand(self.study.complete, NOTHING)
            drawn = draw(self.study.runs[self.tau.value, self.seed.value][0])
            self.message, self.moving.value, self.moving.layout.display = "", drawn.to_bytes("gif"), "block"
        except IconError as error:
            self.message = str(error)
        self.note.value = html.escape(self.message)
        return self

    def _train(self, choose: Callable[[], float]) -> TemperatureWidget:
        """Train what is missing, and show the temperature that is chosen, which may join the study."""
        self.button.disabled = self.more.disabled = True
        then = self.tau.value
        try:
            then = choose()
            frames = len(self.study.missing) * (self.study.config.resolve().epochs + 1)
            self.progress.max, self.progress.value = max(frames, 1), 0
            self.study.train(self._step)
            self.message = ""
        except IconError as error:
            self.message = str(error)
        except KeyboardInterrupt:
            self.message = "Interrupted: Run goes on with what is missing."
            if os.environ.get("ICON_NB_STRICT"):
                raise
        finally:
            self._refresh(then)
        return self

    def show(self, *_) -> None:
        """Draw what the sliders point at; every picture is drawn once."""
        if not self.study.complete or self._changing:
            return
        study, t, seed, frame, anchor = self.study, self.tau.value, self.seed.value, self.epoch.value, self.sample.value or 0
        self.embedding.value = self.still_of(t, seed, frame)
        self.measures.value = self._once(("measures", t, frame, len(study.complete)), lambda: self._measures(frame, t).png)
        self.rows.value = self._once(("rows", t, seed, frame, anchor), lambda: bars(study.runs[t, seed][1], frame, anchor).png)

    # What is drawn

    def _measures(self, frame: int = -1, temperature: float | None = None):
        study = self.study
        return against(study.complete, study.scores(frame), temperature, names=MEASURES, baselines=study.baselines)

    def still_of(self, temperature: float, seed: int, frame: int) -> bytes:
        """PNG of the embedding of a run at a recorded frame, on axes that hold for all its frames."""
        key, look = (temperature, seed), {"size": (SIDE, SIDE), "title": f"temperature {temperature:g}", "turn": 0}
        painter = self._once(key, lambda: animate(self.study.runs[key][0].trajectory, **look)).painter
        k = min(frame, painter.timeline.n_frames - 1)
        return self._once((*key, k), lambda: painter.png(k))

    def _once(self, key: tuple, draw: Callable):
        if key not in self._pictures:
            self._pictures[key] = draw()
        return self._pictures[key]

    # The boxes

    def _make_boxes(self) -> None:
        self.button = w.Button(description="Run", icon="play", tooltip="Train what is missing")
        self.more = w.Button(description="Add", tooltip="Train this temperature too")
        self.fork = w.Button(description="What if", tooltip="From this epoch on, go on at this temperature; see both futures")
        self.arrows = w.Button(description="Forces", tooltip="Let this run move, with arrows: what p pulls and what q pushes")
        for each, does in {self.button: self.run, self.more: self.add, self.fork: self.what_if, self.arrows: self.forces}.items():
            each.on_click(lambda _, does=does: does())
        self.moving = w.Image(format="gif", layout=w.Layout(max_width="850px", display="none"))
        self.branch: Results | None = None
        self.between = w.FloatText(round(self.study.temperatures[0] * 2, 4), step=0.05, description="one more", style=WORDS)
        self.progress = w.IntProgress(value=0, max=1, description="training")
        temperatures = [(f"{t:g}", t) for t in self.study.temperatures]
        self.tau = w.SelectionSlider(options=temperatures, description="temperature", style=WORDS)
        self.seed = w.Dropdown(options=self.study.seeds, description="seed")
        self.epoch = w.IntSlider(value=0, min=0, max=1, description="epoch")
        self.play = w.Play(value=0, min=0, max=1, interval=400, description="play")
        self.sample = w.Dropdown(options=[("-", 0)], description="p and q of", style=WORDS)
        self.embedding = w.Image(format="png", layout=w.Layout(width=f"{SIDE}px", height=f"{SIDE}px"))
        self.rows = w.Image(format="png", layout=w.Layout(width="420px"))
        self.measures = w.Image(format="png", layout=w.Layout(max_width="850px"))
        self.note = w.HTML()
        for control in (self.tau, self.seed, self.epoch, self.sample):
            control.observe(self.show, "value")

    @cached_property
    def box(self) -> w.VBox:
        seeds = [self.seed] if len(self.study.seeds) > 1 else []
        controls = w.VBox([w.HBox([self.button, self.progress]), self.tau, *seeds, w.HBox([self.play, self.epoch]), self.sample,
                           w.HBox([self.between, self.more, self.fork, self.arrows]), self.note, self.rows])  # fmt: skip
        w.jslink((self.play, "value"), (self.epoch, "value"))
        self._refresh(self.tau.value)
        return w.VBox([w.HBox([self.embedding, controls]), self.measures, self.moving])

    def _step(self, temperature: float, seed: int, epoch: int) -> None:
        self.progress.value += 1
        self.note.value = f"temperature {temperature:g}, seed {seed}, epoch {epoch}"

    def _refresh(self, temperature: float) -> None:
        self.button.disabled, self.more.disabled = not self.study.missing, False
        self.note.value = html.escape(self.message)
        if not self.study.complete:
            return
        self._changing, complete = True, self.study.complete
        self.tau.options = [(f"{t:g}", t) for t in complete]
        self.tau.value = temperature if temperature in complete else complete[0]
        run, rows = self.study.runs[complete[0], self.study.seeds[0]]
        first = self.epoch.max == 1
        self.epoch.max = self.play.max = run.trajectory.n_frames - 1
        if first:  # both, because the front end lets the epoch follow the player from the moment that they are shown
            self.epoch.value = self.play.value = self.epoch.max
            self.sample.options = [(f"{name}", k) for k, name in enumerate(rows.anchors)]
        self.progress.value, self._changing = self.progress.max, False
        self.show()

    # On paper

    @property
    def still(self) -> str:
        """The study without a kernel, as HTML: a filmstrip of every temperature, and the measures."""
        if not self.study.complete:
            return f"<p>{html.escape(repr(self))}. {html.escape(self.message)}</p>"
        curves, complete = self._measures(), ", ".join(f"{t:g}" for t in self.study.complete)
        words = f"The first epochs and the last of the embedding, for temperatures {complete}"
        return image(self._strip(), words) + "<br>" + image(curves.png, f"At the last epoch: {curves.alt}")

    def _strip(self) -> bytes:
        moving = {f"temperature {t:g}": self.study.runs[t, self.study.seeds[0]][0].trajectory for t in self.study.complete}
        look = {"title": self.study.config.label, "turn": 0}
        return filmstrip(side_by_side([*moving.values()], [*moving], **look)) if moving else b""

    def __repr__(self) -> str:
        return f"TemperatureWidget({repr(self.study).partition('(')[2]}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        return bundle(self.box, repr(self), self.still, self._strip())
