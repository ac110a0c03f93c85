"""Studies to play with in a notebook: :func:`temperature_study` and :func:`method_explorer`.

Each is three things: a plain state without a screen, callbacks that are ordinary methods, and boxes and sliders around them.
Only what ipywidgets 7.7 has is used, and nothing runs in the background, so that the same code works in JupyterLab, Notebook 7,
VS Code and Colab. What a widget shows can be had without it, as ``.still``.
"""

from __future__ import annotations

import html
from functools import cached_property

import ipywidgets as w

from ..animation.display import bundle
from ..animation.plots import filmstrip
from ..errors import IconError
from ..methods import axes
from ..methods.catalogue import BACKBONES, DATASETS
from ..methods.config import Config
from ..methods.methods import METHODS
from ..methods.recipes import without_effect
from ..study.run import run, start
from .temperature import TemperatureWidget

__all__ = ["MethodExplorer", "TemperatureWidget", "method_explorer", "temperature_study"]


def temperature_study(
    config: Config | None = None, temperatures=(0.05, 0.1, 0.5, 1.0), seeds=(0,), *, data=None
) -> TemperatureWidget:
    """Train a config at several temperatures once, then scrub temperature and epoch without waiting.

    Shows the embedding at an epoch, p and q of a sample as bars, and kNN accuracy, uniformity and alignment against the
    temperature. A value in between can be trained on demand and joins the study. What was trained in this session is not
    trained again.

    Parameters
    ----------
    config, data : optional
        As in :func:`icon_nb.run`; of a method with a temperature.
    temperatures, seeds : iterable of float, iterable of int
        Several seeds give bands around the curves.

    Returns
    -------
    TemperatureWidget
        ``run()`` is its button, ``still`` its picture on paper, ``study`` the runs. A ConfigError where the method has no
        temperature, or a value is out of range.

    Examples
    --------
    >>> temperature_study(Config(n_samples=200, epochs=1, embedding_dim=3), [0.1, 1.0]).run()
    TemperatureWidget(simclr: temperatures 0.1, 1; 1 seed(s), 0 to train)
    """
    return TemperatureWidget(config or Config(), temperatures, seeds, data)


def method_explorer(config: Config | None = None, *, data=None) -> MethodExplorer:
    """Pick p, q, backbone and data set; see why a pair makes no sense, or run it and watch; with the code that does the same.

    Every choice shares the settings of ``config``, for instance ``Config(epochs=5)``, that have an effect on it. Data are given
    as to :func:`icon_nb.run`.

    Examples
    --------
    >>> method_explorer().choose(supervisory="label", learned="clusters").reason
    "supervisory='label' spreads over classes, but learned='clusters' is a distribution over samples"
    """
    return MethodExplorer(config or Config(), data)


class MethodExplorer:
    """See :func:`method_explorer`. :meth:`choose` and :meth:`run` are what the drop-downs and the button do."""

    def __init__(self, config: Config, data=None):
        self.base, self.data, self.results = config, data, None
        self._choosing = False  # while the drop-downs are set to a choice, they make none
        self._make_boxes()
        self.reason = self._why_not()

    def choose(self, **choice) -> MethodExplorer:
        """Choose ``supervisory``, ``learned``, ``backbone`` or ``dataset``; None is the method's own."""
        self._choosing = True
        for name, value in choice.items():
            control = self.controls[name]
            if value and value not in [offered for _, offered in control.options]:
                control.options = (*control.options, (value, value))
            control.value = value or ""
        self._choosing = False
        return self._chosen()

    def _chosen(self, *_) -> MethodExplorer | None:
        if self._choosing:
            return None
        self.results, self.reason = None, self._why_not()
        return self._refresh()

    def run(self, *_) -> MethodExplorer:
        """Train the choice, unless there is a reason against it."""
        if self.reason:
            return self
        self._say("training ...")
        try:
            told = lambda record, _: self._say(f"epoch {record.epoch}, loss {record.loss:.3f}")  # noqa: E731
            self.results = run(self.config, data=self.data, progress=False, on_record=told)
        except IconError as error:
            self.reason = str(error)
        return self._refresh()

    # What a choice means

    @property
    def _pair(self) -> tuple[str, str]:
        return self.controls["supervisory"].value, self.controls["learned"].value

    @property
    def _named(self) -> list:
        """The published methods that have this p and this q."""
        return [method for method in METHODS.values() if (method.supervisory, method.learned) == self._pair]

    @property
    def settings(self) -> dict[str, object]:
        """The choice as settings: the name of the method where the pair has one."""
        chosen = {name: control.value for name, control in self.controls.items() if control.value}
        if self._named:
            chosen = {"method": self._named[0].name, **{name: chosen[name] for name in ("backbone", "dataset") if name in chosen}}
        return chosen

    @property
    def config(self) -> Config:
        """The Config of the choice, without shared settings that it has no use for; a ConfigError where it makes no sense."""
        given, choice = self.base.explicit(), ("choice", self.settings)
        idle = without_effect([("explorer", given), choice])
        return Config.from_layers(("explorer", {name: given[name] for name in given if name not in idle}), choice)

    @property
    def code(self) -> str:
        """The line of Python that does the same."""
        try:
            return f"icon.run(icon.{self.config!r}{', data=data' if self.data is not None else ''})"
        except IconError:
            return ""

    def _why_not(self) -> str:
        p, q = self._pair
        if reason := axes.why_not(axes.SUPERVISORY[p], axes.LEARNED[q]):
            return reason
        try:
            start(self.config, self.data)
        except IconError as error:
            return str(error)
        return ""

    # The boxes

    def _make_boxes(self) -> None:
        lists = {
            "supervisory": ("p", [(axis.title, name) for name, axis in axes.SUPERVISORY.items()], "positive_pairs"),
            "learned": ("q", [(axis.title, name) for name, axis in axes.LEARNED.items()], "gaussian"),
            "backbone": ("backbone", [(name, name) for name in BACKBONES if not name.startswith("resnet")], ""),
            "dataset": ("data set", [(name, name) for name, row in DATASETS.items() if not row.files], ""),
        }
        self.controls = {}
        for name, (words, options, value) in lists.items():
            options = options if value else [("the method's own", ""), *options]
            self.controls[name] = w.Dropdown(options=options, value=value, description=words)
            self.controls[name].observe(self._chosen, "value")
        self.button, self.note = w.Button(description="Run", icon="play"), w.HTML()
        self.button.on_click(self.run)
        self.picture = w.Image(format="gif", layout=w.Layout(width="500px", display="none"))

    @cached_property
    def box(self) -> w.VBox:
        p, q, backbone, dataset = self.controls.values()
        self._refresh()
        return w.VBox([w.HBox([p, q]), w.HBox([backbone, dataset, self.button]), self.note, self.picture])

    def _refresh(self) -> MethodExplorer:
        self.button.disabled, self.note.value = bool(self.reason), self.words
        if self.results is not None:
            self.picture.value = self.results.animate().to_bytes("gif")
        self.picture.layout.display = "none" if self.results is None else "block"
        return self

    def _say(self, words: str) -> None:
        self.note.value = f"{self.words}<p>{html.escape(words)}</p>"

    @property
    def words(self) -> str:
        """What the choice is called, why it cannot be run, or the code that runs it, as HTML."""
        names = ", ".join(method.title for method in self._named) or "a pair without a name of its own"
        head = f"<p><b>{html.escape(names)}</b></p>"
        if self.reason:
            return f"{head}<p>This makes no sense: {html.escape(self.reason)}</p>"
        code = f"{head}<pre>{html.escape(self.code)}</pre>"
        if self.results is None:
            return code
        came = f"{html.escape(self.results.summary())}<br>{html.escape(str(self.results.diagnosis))}"
        return f"{code}<p>{came}<br>{self.results.next_step.html}</p>"

    @property
    def still(self) -> str:
        """The same without a kernel, as HTML."""
        return self.words + ("" if self.results is None else self.results.animate()._repr_mimebundle_()["text/html"])

    def __repr__(self) -> str:
        choice = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"MethodExplorer({choice}{': ' + self.reason if self.reason else ''})"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        return bundle(self.box, repr(self), self.still, filmstrip(self.results.animate()) if self.results is not None else b"")
