"""Results: what a run leaves, a record that knows how to show itself; and Failure, where nothing is left but an error."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
from torch import Tensor, nn

from .. import animation
from ..animation.options import overlay_names
from ..animation.projection import fitted_frame
from ..data.dataset import Dataset, is_described
from ..data.loading import load_for
from ..errors import ConfigError, DataError, demand, demand_type, printable
from ..evaluation.diagnosis import diagnose, stopped
from ..evaluation.forces import OnPoints
from ..evaluation.trajectory import Trajectory
from ..methods.catalogue import not_run, runs_code
from ..methods.config import SETTINGS, Config
from ..methods.resolve import method_of
from ..training.ranks import threads_for
from .folders import store
from .next_step import next_step
from .probes import embed, encoder_of, forces_of_views, new_samples, probe_run, score_run


class Scores(dict):
    """Scores by their names; called as if they were a method, like ``summary()``, they say that they are none."""

    def __call__(self):
        raise ConfigError("scores is no method: read results.scores, without brackets")


class Shown:
    """What shows itself in a notebook as ``_repr_mimebundle_`` says, with a drawing in ``_animation`` that is made once."""

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_animation"}  # a drawing cannot be copied


@dataclass(frozen=True)
class Failure:
    """A run of which nothing is left but its error."""

    config: Config
    error: str
    status: str = "failed"

    def summary(self) -> str:
        return printable(f"{self.config.run_name or self.config.label} on {self.config.dataset}: failed: {self.error}")


@dataclass(eq=False, repr=False)
class Results(Shown):
    """A run that shows itself: as an animation, a page to scrub through, curves and numbers.

    Parameters
    ----------
    config : Config
        Resolved.
    history : mapping of str to list
        ``epoch``, ``loss``, ``knn_accuracy``, ``seconds``: one value per epoch, epoch 0 untrained; NaN where not measured.
    trajectory, backbone
        The recorded embeddings of the evaluation points; the trained network, on the CPU, an ordinary module.
    status, error : str
        ``complete``, ``interrupted`` or ``failed``; and why it failed.
    provenance, state : mapping
        Versions, device, seed, data checksum, durations; every trained parameter, the backbone's and what else was learned.
    dataset, trust_code, states, folder
        The data, read when they are needed; whether :meth:`data` may run the file that ``dataset="custom:..."`` names; weights
        and optimizer states by their epoch, as far as they were kept in memory; the folder from which a run was loaded.

    Examples
    --------
    >>> import icon_nb as icon
    >>> results = icon.run(icon.Config(epochs=2, quiet=True))
    >>> results.embeddings.shape
    (500, 32)
    """

    config: Config
    history: Mapping[str, list]
    trajectory: Trajectory
    backbone: nn.Module
    status: str = "complete"
    provenance: Mapping[str, object] = field(default_factory=dict)
    error: str = ""
    state: Mapping[str, Tensor] = field(default_factory=dict)
    dataset: Dataset | None = None
    trust_code: bool = False
    states: Mapping[int, tuple[Mapping, Mapping]] = field(default_factory=dict)
    folder: Path | None = None

    save = store.save

    def __eq__(self, other: object) -> bool:
        """The same config, status, history, trajectory and weights, bit for bit; where and when it ran does not count."""
        return self._compared() == other._compared() if isinstance(other, Results) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.config.key(), self.status))

    def _compared(self) -> dict[str, object]:
        """Form and bytes of every array, so that NaN equals NaN."""
        found = {name: getattr(self.trajectory, name) for name in ("embeddings", "epochs", "labels", "index", "pair")}
        found |= {f"history {name}": values for name, values in self.history.items() if name != "seconds"}
        found |= {f"weight {name}": tensor.detach().cpu() for name, tensor in self.state.items()}
        arrays = {name: np.asarray(values) for name, values in found.items() if values is not None}
        numbers = {name: (array.shape, array.dtype.str, array.tobytes()) for name, array in arrays.items()}
        return {"config": self.config, "status": self.status, "error": self.error, **numbers}

    @property
    def embeddings(self) -> np.ndarray:
        """Final embedding (n, d) of the evaluation points."""
        return self.trajectory.embeddings[-1]

    @property
    def labels(self) -> np.ndarray | None:
        """Class (n,) of each evaluation point."""
        return self.trajectory.labels

    def frames(self) -> Iterator[tuple[int, np.ndarray, dict[str, float]]]:
        both, metrics = self.trajectory.both, self.trajectory.metrics
        for k, epoch in enumerate(both.epochs.tolist()):
            yield epoch, both.embeddings[k], {name: float(values[k]) for name, values in metrics.items()}

    def measured(self, column: str) -> list[float]:
        return [value for value in self.history[column] if value == value]

    @property
    def baselines(self) -> dict[str, float]:
        """The kNN accuracy before training, and of the raw inputs: what training has to beat. Empty without labels."""
        raw, knn = (self.provenance.get("baselines") or {}).get("raw_knn_accuracy"), self.measured("knn_accuracy")
        return {"untrained": knn[0], "raw inputs": raw} if knn and isinstance(raw, float) else {}

    def summary(self) -> str:
        """One line: what was run, and what came of it, beside the untrained network and the raw inputs."""
        knn, losses, last = self.measured("knn_accuracy"), self.measured("loss"), self.history["epoch"][-1]
        words = f"{printable(self.trajectory.title)}: {last} epoch{'s' * (last != 1)}"
        words += "" if self.status == "complete" else f", {self.status}"
        words += f", loss {losses[0]:.3f} -> {losses[-1]:.3f}"
        words += f", kNN accuracy {knn[0]:.3f} untrained -> {knn[-1]:.3f}" if knn else ""
        return words + (f" (raw inputs {self.baselines['raw inputs']:.3f})" if self.baselines else "")

    def __repr__(self) -> str:
        return f"Results({self.summary()})"

    @cached_property
    def diagnosis(self):
        """What the trajectory says about the run, in words with its evidence; of a run that an error ended, the error."""
        failed, about, trajectory = self.status == "failed", self.provenance, self.trajectory
        if failed and not about.get("diverged", True):  # what was saved without it had diverged, as a rule
            return stopped(trajectory, self.error)
        if method_of(self.config).p.sharpens:
            trajectory = replace(trajectory, metrics={k: v for k, v in trajectory.metrics.items() if k != "loss"})
        return diagnose(trajectory, diverged=failed, baselines=about.get("baselines"))

    @cached_property
    def next_step(self):
        """What to try next, in a sentence with a line to paste; see :class:`icon_nb.study.next_step.NextStep`."""
        return next_step(self, self.diagnosis.verdict, self.diagnosis.since)

    @cached_property
    def probes(self) -> dict[str, dict[str, float]]:
        """Linear probe and kNN (k=5) on held-out data, computed when first asked for.

        ``trained``, the baselines ``untrained`` and ``raw``, and ``behind the head`` where there is one, each with
        ``linear_probe`` and ``knn`` in [0, 1]; ``about`` with ``n_points``, at most 10,000 drawn by the seed, and ``held_out``:
        without a split, and for a ``table``, they are training points. Empty without labels, two classes and two points of one.
        """
        return probe_run(self)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Every score of :func:`icon_nb.evaluate.evaluate` for the final embedding, computed when first asked for.

        NaN where one does not apply: those that compare with the inputs where the data are not at hand or are tokens, the linear
        probe of a run with ``probe=False``. A DataError where the data are code that is not trusted; see :meth:`data`.
        """
        demand(not self.withheld, self.withheld, DataError)
        return Scores(score_run(self))

    @property
    def withheld(self) -> str:
        """Why the data are not read: a saved run names code that nobody trusted. Empty where they can be."""
        if self.dataset is not None or self.trust_code or not runs_code(self.config.dataset):
            return ""
        remedy = "icon_nb.load(..., trust_code=True) or --trust-code runs it; results.dataset = ... gives the data without it"
        return not_run(self.config.dataset, remedy)

    def data(self) -> Dataset:
        """The data set of the run, loaded again where it is not at hand.

        A DataError where it cannot be loaded, is not what the run was trained on, or is code (``custom:``) that is not trusted:
        load the run with ``trust_code=True``, or give the data with ``results.dataset = ...``.
        """
        demand(not self.withheld, self.withheld, DataError)
        if self.dataset is None:
            loaded, about = load_for(self.config), self.provenance.get("dataset", {})
            if not is_described(loaded, about, self.config):
                remedy = "give its data back with results.dataset = icon_nb.data.load(...)"
                contents = f"{about['name']!r} with other contents than dataset={self.config.dataset!r} has here"
                raise DataError(f"the run was trained on {contents}: {remedy}")
            self.dataset = loaded
        index, held_out = self.trajectory.index, self.trajectory.held_out
        x = self.dataset.x_test if held_out is not None and held_out.all() else self.dataset.x
        if index is None or x is None or index.max() >= len(x):
            raise DataError(f"{self.dataset.name!r} has not all points of the run: give back what it was trained on")
        return self.dataset

    def embed(self, x, modality: str = "x") -> np.ndarray:
        """Embeddings (n, d) of new raw samples x (n, ...), read as :func:`icon_nb.data.load` reads data.

        ``modality="pair"`` says that they are of the second modality, of methods over two such as ``clip``; a ConfigError where
        the method trains no encoder of it. A DataError where the samples have another shape or scale than those of the data set,
        or the method trains a free point per sample.

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
            A ConfigError where a setting cannot change, or the weights of this epoch were not kept.

        Returns
        -------
        Results
            With the trunk before the branch; a Comparison shows both on one clock.

        Examples
        --------
        >>> import icon_nb as icon
        >>> run = icon.run(dataset="digits", epochs=3, quiet=True)
        >>> icon.Comparison([run, run.fork(2, temperature=0.1)])
        Comparison(comparison of temperature: 2 runs)
        """
        how = {"progress": progress, "on_record": on_record, "save_to": save_to, "keep_states": keep_states}
        return resolve_name("icon_nb.study.run:fork")(self, epoch, settings, **how)  # which stands above this file

    def state_after(self, epoch: int) -> tuple[Mapping, Mapping]:
        """Weights and optimizer state after an epoch, from memory or from the folder of the run."""
        state = self.states.get(epoch) if isinstance(epoch, Hashable) else None
        if state is None and self.folder is not None:
            state = store.read_state(self.folder, epoch, self.history["epoch"][-1])
        if state is None:
            known = ", ".join(map(str, sorted(self.states))) or "none in memory"
            words = f"epoch={epoch!r}: the weights after this epoch were not kept; there are those of epoch {known}"
            raise ConfigError(f"{words}: run with a larger keep_states, or with save_checkpoints=True and save_to=FOLDER")
        return state

    def animate(self, **options):
        """The animation of the embedding; options as in :func:`icon_nb.animation.animate`. Nothing is trained again."""
        options = {**animation_options(self.config), **options}
        overlays = overlay_names(options["overlay"])
        if "diagnosis" in overlays:
            options.setdefault("note", str(self.diagnosis))
        if "forces" in overlays and "forces" not in options:
            options |= {"forces": self._all_forces(), "projection": self._map_of_forces(options["projection"])}
        return animation.animate(self.watched(overlays), **options)

    def player(self, *, forces: bool = False, **options):
        """The interactive page of the embedding; options as in :func:`icon_nb.player.player`.

        A pinned point is joined to its neighbours under p and q where these are over the recorded points. With ``forces`` it
        also has the arrows of what p pulls and q pushes, on a projection that is a map: the embedding itself, or PCA.
        """
        from ..animation.player import player

        known = {"neighbours": [self.neighbours], "baselines": [{"knn_accuracy": self.baselines}]}
        known["projection"] = self._map_of_forces(self.config.gif_method) if forces else self.config.gif_method
        known |= {"forces": [self._all_forces()]} if forces else {}
        return player(self.trajectory, **{**known, **options})

    def _map_of_forces(self, projection: str) -> str:
        return "pca" if projection == "auto" and self.trajectory.dim > 3 else projection

    @cached_property
    def neighbours(self):
        """The strongest neighbours of every recorded point under p and q; None where these are not over recorded points."""
        try:
            return OnPoints(self.config, self.data(), self.trajectory).neighbours()
        except DataError:  # the data are not at hand
            return None

    def forces(self, epoch: int | None = None):
        """What p pulls and what q pushes at a recorded epoch, the last if none is given.

        ``attraction`` and ``repulsion`` are arrays (n, d) whose sum is the gradient of the mean divergence over the recorded
        points; see :func:`icon_nb.evaluation.forces.split_forces`. A ConfigError where the epoch was not recorded, or views and
        prototypes are to be made again with weights that were not kept.

        Examples
        --------
        >>> import icon_nb as icon
        >>> icon.run(method="sne", n_samples=60, epochs=2, quiet=True).forces(0).attraction.shape
        (60, 2)
        """
        frame = fitted_frame(self.trajectory, "last" if epoch is None else epoch)
        points, epoch = OnPoints(self.config, self.data(), self.trajectory), int(self.trajectory.epochs[frame])
        return forces_of_views(self, epoch, self.state_after(epoch)[0]) if points.lacking else points.forces(frame)

    def plot(self, metrics: str | Sequence[str] | None = None, **options):
        """Static curves of the run, and dashed what training has to beat; options as in :func:`icon_nb.animation.plots.curves`.

        ``"forces"`` plots how strongly p pulls and q pushes at every recorded epoch: the mean length of either over the points.
        """
        demand_type("metrics", metrics, (str, Iterable, type(None)), "a name, or several")
        if metrics != "forces":
            options = {"baselines": {"knn_accuracy": self.baselines}, **options}
            return animation.curves(self.watched(metrics), metrics=metrics, **options)
        strength = [np.linalg.norm(part, axis=-1).mean(-1) for part in self._all_forces()]
        told = dict(zip(("attraction", "repulsion"), strength))
        return animation.curves(replace(self.trajectory, metrics=told), **options)

    def _all_forces(self) -> tuple[np.ndarray, np.ndarray]:
        found = [self.forces(epoch) for epoch in self.trajectory.epochs.tolist()]
        return np.stack([each.attraction for each in found]), np.stack([each.repulsion for each in found])

    def watched(self, names: str | Iterable[str] | None) -> Trajectory:
        """The trajectory, with the columns of the history and the settings that move with the epochs that ``names`` name."""
        names = (names,) if isinstance(names, str) else names or ()
        columns = {name: self.history[name] for name in names if name in self.history and name != "epoch"}
        last = max(1, self.config.epochs - 1)
        for name in names:
            if name in SETTINGS and SETTINGS[name].scheduled and isinstance(getattr(self.config, name), str):
                columns[name] = [getattr(self.config.at((epoch - 1) / last), name) for epoch in self.history["epoch"]]
        at, known = np.searchsorted(self.history["epoch"], self.trajectory.epochs), self.trajectory.metrics
        more = {name: np.asarray(values, dtype=float)[at] for name, values in columns.items() if name not in known}
        return replace(self.trajectory, metrics={**known, **more}) if more else self.trajectory  # of which a map is fitted once

    @cached_property
    def _animation(self):
        from ..animation.animation import small

        return small(self.animate, self.config.gif_max_points)

    @threads_for(small=True)
    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = self._animation.bundle(self.player())
        note = f"<p>{escape(self.summary())}<br>{escape(str(self.diagnosis))}<br>{self.next_step.html}</p>"
        return {**bundle, "text/plain": repr(self), "text/html": note + bundle["text/html"]}


Outcome = Results | Failure


def animation_options(config: Config) -> dict[str, object]:
    options = {setting.option: getattr(config, name) for name, setting in SETTINGS.items() if setting.option}
    return {option: value for option, value in options.items() if value is not None}
