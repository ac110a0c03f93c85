"""The widget of the temperature study: sliders over runs that are all there already."""

from __future__ import annotations

import html
import os
from functools import cached_property

import ipywidgets as w

from ..animation.animation import Animation, animate, side_by_side
from ..animation.display import bundle, image
from ..animation.plots import against, bars, filmstrip
from ..errors import ConfigError, IconError
from ..study.results import Results
from ..study.sweep import MEASURES, TemperatureStudy

SIDE = 420
WORDS = {"description_width": "90px"}
NOTHING = "Nothing is trained yet: press Run, or call run()."


def named(temperatures) -> list[tuple[str, float]]:
    return [(f"{t:g}", t) for t in temperatures]


class TemperatureWidget:
    """See :func:`icon_nb.widgets.temperature_study`, which makes it.

    The methods that answer clicks can be called as well: :meth:`run`, :meth:`add`, :meth:`show`, :meth:`what_if`, :meth:`forces`.
    """

    def __init__(self, config, temperatures, seeds, data=None):
        self.study = TemperatureStudy(config, temperatures, seeds, data)
        self._animations: dict[tuple[float, int], Animation] = {}
        self._pictures: dict[tuple, bytes] = {}
        self.message = NOTHING if self.study.missing else ""
        self._changing = False  # while the controls are changed together, nothing is drawn
        self._make_boxes()

    # What the buttons and sliders do

    def run(self, *_) -> TemperatureWidget:
        """Train what is missing, then show it."""
        return self._train(self.tau.value)

    def add(self, temperature: float | None = None) -> TemperatureWidget:
        """Train one more temperature and let it join the study."""
        try:
            return self._train(self.study.add(self.between.value if temperature is None else temperature))
        except IconError as error:
            self.message = str(error)
        self._refresh(self.tau.value)
        return self

    def what_if(self, temperature: float | None = None) -> TemperatureWidget:
        """From the epoch that is shown, let the run go on at another temperature, and show both futures side by side."""
        other = self.between.value if temperature is None else temperature
        try:
            run = self._shown()
            epoch = int(run.trajectory.epochs[min(self.epoch.value, run.trajectory.n_frames - 1)])
            self.branch = run.fork(epoch, temperature=other, progress=False)
            titles = [f"temperature {run.config.temperature:g}", f"temperature {other:g} from epoch {epoch}"]
            return self._play(side_by_side([run.trajectory, self.branch.trajectory], titles, title=run.config.label))
        except IconError as error:
            return self._play(error=str(error))

    def forces(self) -> TemperatureWidget:
        """Let the run that is shown move below, with arrows for what p pulls and what q pushes."""
        try:
            run = self._shown()
            return self._play(run.animate(overlay="forces", title=f"temperature {run.config.temperature:g}"))
        except IconError as error:
            return self._play(error=str(error))

    def _play(self, drawn: Animation | None = None, error: str = "") -> TemperatureWidget:
        if drawn is not None:
            self.moving.value, self.moving.layout.display = drawn.to_bytes("gif"), "block"
        self.message, self.note.value = error, html.escape(error)
        return self

    def _shown(self) -> Results:
        if not self.study.complete:
            raise ConfigError(NOTHING)
        return self.study.runs[self.tau.value, self.seed.value][0]

    def _train(self, then: float) -> TemperatureWidget:
        self.button.disabled = self.more.disabled = True
        self.progress.max = max(len(self.study.missing) * (self.study.config.resolve().epochs + 1), 1)
        self.progress.value = 0
        try:
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
        self.measures.value = self._cached(
            ("measures", t, frame, len(study.complete)),
            lambda: against(study.complete, study.scores(frame), t, names=MEASURES, baselines=study.baselines).png,
        )
        self.rows.value = self._cached(
            ("rows", t, seed, frame, anchor), lambda: bars(study.runs[t, seed][1], frame, anchor).png
        )

    # What is drawn

    def still_of(self, temperature: float, seed: int, frame: int) -> bytes:
        """PNG of the embedding of a run at a recorded frame, on axes that hold for all its frames."""
        key = (temperature, seed)
        if key not in self._animations:
            shown = self.study.runs[key][0].trajectory
            self._animations[key] = animate(shown, size=(SIDE, SIDE), title=f"temperature {temperature:g}", turn=0)
        painter = self._animations[key].painter
        k = min(frame, painter.timeline.n_frames - 1)
        return self._cached(("embedding", *key, k), lambda: painter.png(k))

    def _cached(self, key: tuple, draw) -> bytes:
        if key not in self._pictures:
            self._pictures[key] = draw()
        return self._pictures[key]

    # The boxes

    def _make_boxes(self) -> None:
        self.button = w.Button(description="Run", icon="play", tooltip="Train what is missing")
        self.more = w.Button(description="Add", tooltip="Train this temperature too")
        self.fork = w.Button(description="What if", tooltip="From this epoch on, go on at this temperature; see both futures")
        self.arrows = w.Button(description="Forces", tooltip="Let this run move, with arrows: what p pulls and what q pushes")
        self.moving = w.Image(format="gif", layout=w.Layout(max_width="850px", display="none"))
        self.branch: Results | None = None
        self.between = w.FloatText(round(self.study.temperatures[0] * 2, 4), step=0.05, description="one more", style=WORDS)
        self.progress = w.IntProgress(value=0, max=1, description="training")
        self.tau = w.SelectionSlider(options=named(self.study.temperatures), description="temperature", style=WORDS)
        self.seed = w.Dropdown(options=self.study.seeds, description="seed")
        self.epoch = w.IntSlider(value=0, min=0, max=1, description="epoch")
        self.play = w.Play(value=0, min=0, max=1, interval=400, description="play")
        self.sample = w.Dropdown(options=[("-", 0)], description="p and q of", style=WORDS)
        self.embedding = w.Image(format="png", layout=w.Layout(width=f"{SIDE}px", height=f"{SIDE}px"))
        self.rows = w.Image(format="png", layout=w.Layout(width="420px"))
        self.measures = w.Image(format="png", layout=w.Layout(max_width="850px"))
        self.note = w.HTML()
        self.button.on_click(self.run)
        self.more.on_click(lambda *_: self.add())
        self.fork.on_click(lambda *_: self.what_if())
        self.arrows.on_click(lambda *_: self.forces())
        for control in (self.tau, self.seed, self.epoch, self.sample):
            control.observe(self.show, "value")

    @cached_property
    def box(self) -> w.VBox:
        """The whole widget."""
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
        """Let the controls know what can be looked at, and look at a temperature."""
        self.button.disabled, self.more.disabled = not self.study.missing, False
        self.note.value = html.escape(self.message)
        if not self.study.complete:
            return
        self._changing = True
        try:
            self._offer(temperature)
        finally:
            self._changing = False
        self.show()

    def _offer(self, temperature: float) -> None:
        self.tau.options = named(self.study.complete)
        self.tau.value = temperature if temperature in self.study.complete else self.study.complete[0]
        run, rows = self.study.runs[self.study.complete[0], self.study.seeds[0]]
        first = self.epoch.max == 1
        self.epoch.max = self.play.max = run.trajectory.n_frames - 1
        if first:  # both, because the front end lets the epoch follow the player from the moment that they are shown
            self.epoch.value = self.play.value = self.epoch.max
            self.sample.options = [(f"{name}", k) for k, name in enumerate(rows.anchors)]
        self.progress.value = self.progress.max

    # On paper

    @property
    def still(self) -> str:
        """The study without a kernel, as HTML: a filmstrip of every temperature, and the measures."""
        if not self.study.complete:
            return f"<p>{html.escape(repr(self))}. {html.escape(self.message)}</p>"
        strip, complete = self._strip(), ", ".join(f"{t:g}" for t in self.study.complete)
        curves = against(self.study.complete, self.study.scores(), names=MEASURES, baselines=self.study.baselines)
        words = f"The first epochs and the last of the embedding, for temperatures {complete}"
        return image(strip, words) + "<br>" + image(curves.png, f"At the last epoch: {curves.alt}")

    def _strip(self) -> bytes:
        """A filmstrip with a row for every temperature; nothing before there is one."""
        if not self.study.complete:
            return b""
        moving = [self.study.runs[t, self.study.seeds[0]][0].trajectory for t in self.study.complete]
        titles = [f"temperature {t:g}" for t in self.study.complete]
        return filmstrip(side_by_side(moving, titles, title=self.study.config.label, turn=0))

    def __repr__(self) -> str:
        return f"TemperatureWidget({repr(self.study).partition('(')[2]}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        return bundle(self.box, repr(self), self.still, self._strip())
