"""The widget of the temperature study: sliders over runs that are all there already."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from functools import cached_property

import ipywidgets as w

from ..animation.animation import Animation, animate, side_by_side
from ..animation.display import bundle, image
from ..animation.plots import against, bars, filmstrip
from ..errors import IconError, demand
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
        self._pictures: dict[tuple, Animation | bytes] = {}
        self.message = NOTHING if self.study.missing else ""
        self._changing = False  # while the controls are changed together, nothing is drawn
        self._make_boxes()

    # What the buttons and sliders do

    def run(self) -> TemperatureWidget:
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

    def _train(self, then: float) -> TemperatureWidget:
        self.button.disabled = self.more.disabled = True
        frames = len(self.study.missing) * (self.study.config.resolve().epochs + 1)
        self.progress.max, self.progress.value = max(frames, 1), 0
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
        self.measures.value = self._once(("measures", t, frame, len(study.complete)), lambda: self._measures(frame, t).png)
        self.rows.value = self._once(("rows", t, seed, frame, anchor), lambda: bars(study.runs[t, seed][1], frame, anchor).png)

    # What is drawn

    def _measures(self, frame: int = -1, temperature: float | None = None):
        study = self.study
        return against(study.complete, study.scores(frame), temperature, names=MEASURES, baselines=study.baselines)

    def still_of(self, temperature: float, seed: int, frame: int) -> bytes:
        """PNG of the embedding of a run at a recorded frame, on axes that hold for all its frames."""
        key, options = (temperature, seed), {"size": (SIDE, SIDE), "title": f"temperature {temperature:g}", "turn": 0}
        painter = self._once(key, lambda: animate(self.study.runs[key][0].trajectory, **options)).painter
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
        self.tau = w.SelectionSlider(options=named(self.study.temperatures), description="temperature", style=WORDS)
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
        self.tau.options = named(complete)
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
        strip, curves, complete = self._strip(), self._measures(), ", ".join(f"{t:g}" for t in self.study.complete)
        words = f"The first epochs and the last of the embedding, for temperatures {complete}"
        return image(strip, words) + "<br>" + image(curves.png, f"At the last epoch: {curves.alt}")

    def _strip(self) -> bytes:
        moving = {f"temperature {t:g}": self.study.runs[t, self.study.seeds[0]][0].trajectory for t in self.study.complete}
        title = self.study.config.label
        return filmstrip(side_by_side([*moving.values()], [*moving], title=title, turn=0)) if moving else b""

    def __repr__(self) -> str:
        return f"TemperatureWidget({repr(self.study).partition('(')[2]}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        return bundle(self.box, repr(self), self.still, self._strip())
