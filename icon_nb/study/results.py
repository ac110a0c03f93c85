"""Results: what a run leaves, as a plain record that knows how to show itself.

Nothing is drawn, trained or written in ``__init__`` or ``__repr__``; display code is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from pkgutil import resolve_name

import numpy as np

from ..data.dataset import Dataset, is_described
from ..data.loading import load_for
from ..errors import DataError
from ..evaluation.diagnosis import diagnose, stopped
from ..evaluation.trajectory import Trajectory
from ..methods.catalogue import not_run, runs_code
from ..methods.config import SETTINGS, Config
from .folders.store import save
from .next_step import next_step
from .probes import embed, encoder_of, new_samples, probe_run, score_run
from .record import Failure, Run


class Results(Run):
    """A run that shows itself: as an animation, a page to scrub through, curves and numbers; its fields are those of a Run.

    Examples
    --------
    >>> import icon_nb as icon
    >>> results = icon.run(icon.Config(epochs=2, quiet=True))
    >>> results.embeddings.shape
    (500, 32)
    """

    @cached_property
    def diagnosis(self):
        """What the trajectory says about the run, in words with its evidence; of a run that an error ended, the error."""
        failed = self.status == "failed"
        if failed and not self.provenance.get("diverged", True):  # what was saved without it had diverged, as a rule
            return stopped(self.trajectory, self.error)
        return diagnose(self.trajectory, diverged=failed, baselines=self.provenance.get("baselines"))

    @cached_property
    def next_step(self):
        """What to try next, in a sentence with a line to paste; see :class:`icon_nb.study.next_step.NextStep`."""
        return next_step(self, self.diagnosis.verdict, self.diagnosis.since)

    @cached_property
    def probes(self) -> dict[str, dict[str, float]]:
        """Linear and kNN probes on held-out data: ``trained``, and the baselines ``untrained`` and ``raw``.

        Computed when first asked for; see :func:`icon_nb.study.probes.probe_run`.
        """
        return probe_run(self)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Every score of :func:`icon_nb.evaluate.evaluate` for the final embedding; NaN where one does not apply.

        Computed when first asked for; see :func:`icon_nb.study.probes.score_run`.

        Raises
        ------
        DataError
            The data are code that is not trusted; see :meth:`data`.
        """
        if self.withheld:
            raise DataError(self.withheld)
        return score_run(self)

    @property
    def withheld(self) -> str:
        """Why the data are not read: a saved run names code that nobody trusted. Empty where they can be."""
        if self.dataset is not None or self.trust_code or not runs_code(self.config.dataset):
            return ""
        remedy = "icon_nb.load(..., trust_code=True) or --trust-code runs it; results.dataset = ... gives the data without it"
        return not_run(self.config.dataset, remedy)

    def data(self) -> Dataset:
        """The data set of the run, loaded again where it is not at hand.

        Raises
        ------
        DataError
            It cannot be loaded, is not what the run was trained on, or is code (``custom:``) that a saved run names, which runs
            only with ``icon_nb.load(..., trust_code=True)``: give the data with ``results.dataset = ...``.
        """
        if self.withheld:
            raise DataError(self.withheld)
        if self.dataset is None:
            loaded = load_for(self.config)
            about = self.provenance.get("dataset", {})
            if not is_described(loaded, about, self.config):
                raise DataError(
                    f"the run was trained on {about['name']!r} with other contents than dataset={self.config.dataset!r} "
                    "has here: give its data back with results.dataset = icon_nb.data.load(...)"
                )
            self.dataset = loaded
        return self.dataset

    def embed(self, x, modality: str = "x") -> np.ndarray:
        """Embed new raw samples, read as :func:`icon_nb.data.load` reads data: (n, ...) -> (n, d).

        Parameters
        ----------
        x : array or tensor (n, ...)
        modality : {"x", "pair"}
            Which samples they are: like those of the data set, or like its second modality, which ``clip`` and other methods over
            two modalities train an encoder of its own for.

        Raises
        ------
        ConfigError
            The method trains no encoder of this modality.
        DataError
            Samples of another shape or scale than those of the data set; or the run has a free point per sample, and no backbone
            that could embed anything else.

        Examples
        --------
        >>> import icon_nb as icon
        >>> results = icon.run(method="clip", epochs=1, quiet=True)  # on digit_captions
        >>> results.embed(results.data().pair_test[:3], modality="pair").shape
        (3, 64)
        """
        if self.config.backbone == "table":
            raise DataError("backbone='table' has no network that could embed new data: train with 'mlp' or 'simplecnn'")
        network, data = encoder_of(self, modality)
        return embed(network, data, new_samples(data, x), self.config)

    def fork(self, epoch: int, *, progress=None, on_record=None, save_to=None, keep_states: float = 64, **settings):
        """What if: train on from the weights after a recorded epoch, with other settings.

        The trunk, up to this epoch, is the same bytes. A fork that changes nothing ends in the bytes of the run, on a CPU.

        Parameters
        ----------
        epoch : int
            One of which weights were kept: in memory (``keep_states`` of :func:`icon_nb.run`), or in the folder of the run with
            ``save_checkpoints=True``; of a saved run always the last.
        progress, on_record, save_to, keep_states
            As in :func:`icon_nb.run`.
        **settings
            What changes: temperature, method, learning rate, augmentation, divergence, epochs and so on. The data, the network
            and the recorded points stay; the optimizer remembers what it did, unless it is another one, or trains other parts.

        Returns
        -------
        Results
            With the trunk before the branch; ``icon_nb.Comparison([run, branch])`` shows both on one clock.

        Raises
        ------
        ConfigError
            The weights of this epoch were not kept, or a setting cannot change.

        Examples
        --------
        >>> import icon_nb as icon
        >>> run = icon.run(dataset="digits", epochs=3, quiet=True)
        >>> branch = run.fork(2, temperature=0.1)
        >>> icon.Comparison([run, branch])
        Comparison(comparison of temperature: 2 runs)
        """
        how = {"progress": progress, "on_record": on_record, "save_to": save_to, "keep_states": keep_states}
        return resolve_name("icon_nb.study.fork:fork")(self, epoch, settings, **how)  # which stands above this file

    def animate(self, **options):
        """The animation of the embedding; options as in :func:`icon_nb.animation.animate`. Nothing is trained again."""
        from ..animation.animation import animate
        from ..animation.options import overlay_names

        options = {**animation_options(self.config), **options}
        overlays = overlay_names(options["overlay"])
        if "diagnosis" in overlays:
            options.setdefault("note", str(self.diagnosis))
        if "forces" in overlays and "forces" not in options:
            options["forces"] = self._all_forces()
            if options["projection"] == "auto" and self.trajectory.dim > 3:
                options["projection"] = "pca"  # forces need a map that other points pass through too
        return animate(self.watched(overlays), **options)

    def player(self, *, forces: bool = False, **options):
        """The interactive page of the embedding; options as in :func:`icon_nb.player.player`.

        A pinned point is joined to its neighbours under p and q where these are over the recorded points. With ``forces`` it
        also has the arrows of what p pulls and q pushes, on a projection that is a map: the embedding itself, or PCA.
        """
        from ..animation.player import player

        known = {"projection": self.config.gif_method, "neighbours": [self.neighbours]}
        if forces:
            known["forces"] = [self._all_forces()]
            known["projection"] = "pca" if known["projection"] == "auto" and self.trajectory.dim > 3 else known["projection"]
        known["baselines"] = [{"knn_accuracy": self.baselines}]
        return player(self.trajectory, **{**known, **options})

    def _points(self):
        """The objective over the recorded points."""
        from ..evaluation.forces import OnPoints

        return OnPoints(self.config, self.data(), self.trajectory)

    @cached_property
    def neighbours(self):
        """The strongest neighbours of every recorded point under p and q; None where these are not over recorded points."""
        try:
            return self._points().neighbours()
        except DataError:  # the data are not at hand
            return None

    @property
    def baselines(self) -> dict[str, float]:
        """The kNN accuracy before training, and of the raw inputs: what training has to beat. Empty without labels."""
        raw = (self.provenance.get("baselines") or {}).get("raw_knn_accuracy")
        known = [value for value in self.history["knn_accuracy"] if value == value]
        return {"untrained": known[0], "raw inputs": raw} if known and isinstance(raw, float) else {}

    def forces(self, epoch: int | None = None):
        """What p pulls and what q pushes at a recorded epoch, the last if none is given.

        Returns
        -------
        Forces
            ``attraction`` and ``repulsion``, arrays (n, d) whose sum is the gradient of the mean divergence over the recorded
            points; see :func:`icon_nb.evaluation.forces.split_forces`, which derives them.

        Raises
        ------
        ConfigError
            The epoch was not recorded; or p does not spread over recorded points, and the weights after this epoch, with which
            views and prototypes are made again, were not kept.

        Examples
        --------
        >>> import icon_nb as icon
        >>> icon.run(method="sne", n_samples=60, epochs=2, quiet=True).forces(0).attraction.shape
        (60, 2)
        """
        from ..animation.projection import fitted_frame

        return self._forces_at(fitted_frame(self.trajectory, "last" if epoch is None else epoch))

    def _forces_at(self, frame: int):
        from .forces import forces_of_views

        points, epoch = self._points(), int(self.trajectory.epochs[frame])
        if not points.lacking:
            return points.forces(frame)
        weights, _ = resolve_name("icon_nb.study.fork:state_after")(self, epoch)
        return forces_of_views(self, epoch, weights)

    def plot(self, metrics: str | Sequence[str] | None = None, **options):
        """Static curves of the run; options as in :func:`icon_nb.animation.plots.curves`.

        ``"forces"`` plots how strongly p pulls and q pushes at every recorded epoch: the mean length of either over the points.
        """
        from ..animation.plots import curves

        if metrics != "forces":
            return curves(self.watched(metrics), metrics=metrics, **options)
        strength = [np.linalg.norm(part, axis=-1).mean(-1) for part in self._all_forces()]
        told = dict(zip(("attraction", "repulsion"), strength))
        return curves(replace(self.trajectory, metrics=told), **options)

    def _all_forces(self) -> tuple[np.ndarray, np.ndarray]:
        """Attraction and repulsion of every point at every recorded epoch, (n_frames, n, d) each."""
        found = [self._forces_at(frame) for frame in range(self.trajectory.n_frames)]
        return np.stack([each.attraction for each in found]), np.stack([each.repulsion for each in found])

    def watched(self, names: str | Iterable[str] | None) -> Trajectory:
        """The trajectory; it has the columns of the history, and the schedules, that ``names`` name too."""
        names = (names,) if isinstance(names, str) else names or ()
        columns = {name: self.history[name] for name in names if name in self.history and name != "epoch"}
        own = [name for name in names if name in MOVING and isinstance(getattr(self.config, name), str)]
        columns |= {name: self._schedule(name) for name in own}
        missing = {name: values for name, values in columns.items() if name not in self.trajectory.metrics}
        if not missing:
            return self.trajectory
        at = np.searchsorted(self.history["epoch"], self.trajectory.epochs)
        more = {name: np.asarray(values, dtype=float)[at] for name, values in missing.items()}
        return replace(self.trajectory, metrics={**self.trajectory.metrics, **more})

    def _schedule(self, name: str) -> list[float]:
        """The values of a setting that moves, in every epoch of the history."""
        last = max(1, self.config.epochs - 1)
        return [getattr(self.config.at((epoch - 1) / last), name) for epoch in self.history["epoch"]]

    def save(self, path, *, overwrite: bool = False):
        """Write the run to a folder, all of it or nothing that could be mistaken for it; returns the path.

        Raises
        ------
        SaveError
            The folder holds another run, or files of these names that are no run's (unless ``overwrite``); or it cannot be
            written. What stood there is untouched.
        """
        return save(self, path, overwrite=overwrite)

    @cached_property
    def _animation(self):
        from ..animation.animation import SMALL

        return self.animate(**{**SMALL, "max_points": min(SMALL["max_points"], self.config.gif_max_points)})

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = self._animation.bundle(self.player())
        before = "".join(f", {name} {value:.3f}" for name, value in self.baselines.items())
        note = f"<p>{escape(self.summary() + before)}<br>{escape(str(self.diagnosis))}<br>{self.next_step.html}</p>"
        return {**bundle, "text/plain": repr(self), "text/html": note + bundle["text/html"]}

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]


Outcome = Results | Failure


MOVING = {name for name, setting in SETTINGS.items() if setting.scheduled}
"""Settings that may move with the epochs, and can be drawn as curves then."""


def animation_options(config: Config) -> dict[str, object]:
    """The animation settings of a Config as options of :func:`icon_nb.animation.animate`."""
    options = {setting.option: getattr(config, name) for name, setting in SETTINGS.items() if setting.option}
    return {option: value for option, value in options.items() if value is not None}
