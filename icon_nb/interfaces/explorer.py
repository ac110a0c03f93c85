"""The widget of the method explorer: any p with any q, run or refused with the reason."""

from __future__ import annotations

import html
from functools import cached_property

import ipywidgets as w

from ..animation.display import bundle
from ..animation.plots import filmstrip
from ..errors import IconError
from ..methods import axes
from ..methods.catalogue import BACKBONES, DATASETS
from ..methods.config import Config, without_effect
from ..methods.methods import METHODS
from ..study.results import Results
from ..study.run import run, start

DEFAULT = "the method's own"


class MethodExplorer:
    """See :func:`icon_nb.widgets.method_explorer`, which makes it.

    :meth:`choose` and :meth:`run` are what the drop-downs and the button do, and can be called as well.
    """

    def __init__(self, config: Config, data=None):
        self.base, self.data = config, data
        self.supervisory, self.learned = "positive_pairs", "gaussian"
        self.backbone: str | None = None
        self.dataset: str | None = None
        self.results: Results | None = None
        self.reason = self._why_not()
        self._marking = False  # while the drop-downs are set to a choice, they make none
        self._make_boxes()

    # What the drop-downs and the button do

    def choose(self, **choice) -> MethodExplorer:
        """Choose ``supervisory``, ``learned``, ``backbone`` or ``dataset``; None is the method's own."""
        for name, value in choice.items():
            setattr(self, name, value)
        self.results, self.reason = None, self._why_not()
        self._mark()
        self._refresh()
        return self

    def run(self, *_) -> MethodExplorer:
        """Train the choice, unless there is a reason against it."""
        if self.reason:
            return self
        self._say("training ...")
        try:
            self.results = run(self.config, data=self.data, progress=False, on_record=self._step)
        except IconError as error:
            self.reason = str(error)
        self._refresh()
        return self

    # What a choice means

    @property
    def settings(self) -> dict[str, object]:
        """The choice as settings: the name of the method where the pair has one."""
        named = [method.name for method in self._named]
        pair = {"method": named[0]} if named else {"supervisory": self.supervisory, "learned": self.learned}
        rest = {"backbone": self.backbone, "dataset": self.dataset}
        return {**pair, **{name: value for name, value in rest.items() if value is not None}}

    @property
    def config(self) -> Config:
        """The Config of the choice; shared settings that it has no use for are left out.

        Raises
        ------
        ConfigError
            The choice makes no sense.
        """
        layers = [("explorer", self.base.explicit()), ("choice", self.settings)]
        idle = without_effect(layers) & set(self.base.explicit())
        shared = {name: value for name, value in self.base.explicit().items() if name not in idle}
        return Config.from_layers(("explorer", shared), ("choice", self.settings))

    @property
    def code(self) -> str:
        """The line of Python that does the same."""
        try:
            config = self.config
        except IconError:
            return ""
        return f"icon.run(icon.{config!r}{', data=data' if self.data is not None else ''})"

    @property
    def others(self) -> tuple[str, ...]:
        """Titles of the published methods that have this p and this q."""
        return tuple(method.title for method in self._named)

    @property
    def _named(self) -> list:
        pair = (self.supervisory, self.learned)
        return [method for method in METHODS.values() if (method.supervisory, method.learned) == pair]

    def _why_not(self) -> str:
        """Why the choice makes no sense, or nothing."""
        reason = axes.why_not(axes.SUPERVISORY[self.supervisory], axes.LEARNED[self.learned])
        if reason:
            return reason
        try:
            start(self.config, self.data)
        except IconError as error:
            return str(error)
        return ""

    # The boxes

    def _make_boxes(self) -> None:
        own = [(DEFAULT, "")]
        networks, data = (n for n in BACKBONES if not n.startswith("resnet")), (n for n, row in DATASETS.items() if not row.files)
        lists = {
            "supervisory": ("p", [(axis.title, name) for name, axis in axes.SUPERVISORY.items()]),
            "learned": ("q", [(axis.title, name) for name, axis in axes.LEARNED.items()]),
            "backbone": ("backbone", own + [(name, name) for name in networks]),
            "dataset": ("data set", own + [(name, name) for name in data]),
        }
        self.controls = {
            name: w.Dropdown(options=options, value=getattr(self, name) or "", description=words)
            for name, (words, options) in lists.items()
        }
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self._picked(name, change["new"]), "value")
        self.button, self.note = w.Button(description="Run", icon="play"), w.HTML()
        self.button.on_click(self.run)
        self.picture = w.Image(format="gif", layout=w.Layout(width="500px", display="none"))

    @cached_property
    def box(self) -> w.VBox:
        """The whole widget."""
        p, q, backbone, dataset = self.controls.values()
        self._refresh()
        return w.VBox([w.HBox([p, q]), w.HBox([backbone, dataset, self.button]), self.note, self.picture])

    def _picked(self, name: str, value: str) -> None:
        """A drop-down was turned, by a hand or by :meth:`_mark`."""
        if not self._marking:
            self.choose(**{name: value or None})

    def _mark(self) -> None:
        """Let the drop-downs show the choice; one that they do not offer joins them."""
        self._marking = True
        try:
            for name, control in self.controls.items():
                value = getattr(self, name) or ""
                if value not in [offered for _, offered in control.options]:
                    control.options = (*control.options, (value, value))
                control.value = value
        finally:
            self._marking = False

    def _refresh(self) -> None:
        self.button.disabled = bool(self.reason)
        self.note.value = self.words
        if self.results is not None:
            self.picture.value = self.results.animate().to_bytes("gif")
        self.picture.layout.display = "none" if self.results is None else "block"

    def _say(self, words: str) -> None:
        self.note.value = f"{self.words}<p>{html.escape(words)}</p>"

    def _step(self, record, recorder) -> None:
        self._say(f"epoch {record.epoch}, loss {record.loss:.3f}")

    @property
    def words(self) -> str:
        """What the choice is called, why it cannot be run, or the code that runs it, as HTML."""
        names = ", ".join(self.others) or "a pair without a name of its own"
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
        shown = "" if self.results is None else self.results.animate()._repr_mimebundle_()["text/html"]
        return self.words + shown

    def __repr__(self) -> str:
        choice = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"MethodExplorer({choice}{': ' + self.reason if self.reason else ''})"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        return bundle(self.box, repr(self), self.still, filmstrip(self.results.animate()) if self.results is not None else b"")
