"""``run(live=True)``: the embedding and its curves, redrawn in place while a run trains."""

from __future__ import annotations

import time
from base64 import b64encode

from ..animation.animation import animate
from ..animation.display import image
from ..animation.plots import filmstrip
from ..methods.config import Config

SHARE = 0.1
FIRST = 0.1  # seconds; what the first picture takes beyond that is the loading of what draws, which a process does once
SIZE = (460, 460)


class Live:
    """Draws after an epoch when that keeps drawing below a share of the time, and always before the first and after the last.

    Those two are always drawn and count as well, so that a run of a second and a half or more keeps to the share; a shorter one
    has these two only.

    Parameters
    ----------
    config : Config
        Of the run, resolved.
    share : float
        Of the time since the start that may be spent on drawing, in processor time of this thread: the same on a busy machine.
    """

    def __init__(self, config: Config, share: float = SHARE):
        self.epochs, self.share = config.epochs, share
        self.started, self.spent, self.drawn = time.thread_time(), 0.0, 0
        self._cost, self._handle = 0.0, None

    def __call__(self, record, recorder) -> None:
        """Called after every epoch of a run."""
        now = time.thread_time()
        affordable = self.spent + 2 * self._cost <= self.share * (now - self.started)  # this one, and the last
        if not (affordable and self.drawn or record.epoch in (0, self.epochs)):
            return
        self.draw(recorder)
        self.drawn += 1
        self._cost = time.thread_time() - now
        if self.drawn == 1:
            self._cost = min(self._cost, FIRST)
        self.spent += self._cost

    def draw(self, recorder) -> None:
        """Show the newest frame in the place of the one before."""
        from IPython.display import display

        trajectory = recorder.trajectory
        animation = animate(trajectory, size=SIZE, overlay="loss", turn=0)
        picture = animation.painter.png(animation.timeline.n_frames - 1)
        words = f"{trajectory.title} at epoch {trajectory.epochs[-1]}"
        strip = filmstrip(animation) if trajectory.epochs[-1] == self.epochs else picture  # what is left on paper shows learning
        page = {"text/plain": words, "text/html": image(picture, words, SIZE[0]), "image/png": b64encode(strip).decode()}
        if self._handle is None:
            self._handle = display(page, raw=True, display_id=True)
        else:
            self._handle.update(page, raw=True)
