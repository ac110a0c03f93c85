"""What if: another future from a recorded epoch of a run."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigError, LoadError
from ..files import place
from ..methods.config import OF_THE_TRUNK, Config
from .folders.store import read_state
from .results import Results
from .run import KEEP_STATES, session_of, train, train_in_folder
from .session import Session


def fork(
    results: Results, epoch: int, settings: Mapping[str, object], *, progress=None, on_record=None, save_to=None,
    keep_states: float = KEEP_STATES,
) -> Results:  # fmt: skip
    """See :meth:`icon_nb.Results.fork`."""
    weights, optimizer = state_after(results, epoch)
    config = config_of(results, epoch, settings)
    session = session_of(config, results.data())
    session.keep_states, session.fork = keep_states, {"epoch": epoch, "settings": _changed(results.config, config)}
    session.states = {k: state for k, state in results.states.items() if k <= epoch}
    take_over(session, weights, optimizer if config.optimizer == results.config.optimizer else {}, results, epoch)
    if save_to is None:
        return train(session, on_record, progress=progress)
    return train_in_folder(place(save_to).absolute(), session, on_record, progress=progress)


def state_after(results: Results, epoch: int) -> tuple[Mapping, Mapping]:
    """Weights and optimizer state of a run after an epoch, from memory or from its folder."""
    state = results.states.get(epoch)
    if state is None and results.folder is not None:
        state = read_state(results.folder, epoch, results.history["epoch"][-1])
    if state is None:
        known = ", ".join(map(str, sorted(results.states))) or "none in memory"
        raise ConfigError(
            f"epoch={epoch!r}: the weights after this epoch were not kept; there are those of epoch {known}: "
            "run with a larger keep_states, or with save_checkpoints=True and save_to=FOLDER"
        )
    return state


def config_of(results: Results, epoch: int, settings: Mapping[str, object]) -> Config:
    """The settings of a branch: what its weights and points depend on is the trunk's, everything else may change."""
    told = results.config.replace_sources(results.provenance.get("sources") or {})
    kept = {name: getattr(told, name) for name in (*OF_THE_TRUNK, "epochs", "seed") if getattr(told, name) is not None}
    config = told.replace(**{**kept, **settings}).resolve()
    for name in OF_THE_TRUNK:
        if getattr(config, name) != getattr(told, name):
            own = getattr(told, name)
            raise ConfigError(f"{name} is that of the run, {own!r}: a fork goes on with its weights and its points")
    if config.epochs < epoch:
        raise ConfigError(f"epochs={config.epochs} ends before epoch={epoch}, from which the fork goes on: give more")
    return config


def take_over(session: Session, weights: Mapping, optimizer: Mapping, results: Results, epoch: int) -> None:
    """Let a session go on after an epoch of a run; what its method has beside the backbone starts anew where the run had none."""
    own = session.trainer.model.state_dict()
    known = {name: each for name, each in weights.items() if name in own and own[name].shape == each.shape}
    if any(name.startswith("backbone.") and name not in known for name in own):
        raise ConfigError(f"method={session.config.label!r} has another network than the run: it cannot go on with its weights")
    history = {name: values[: results.history["epoch"].index(epoch) + 1] for name, values in results.history.items()}
    frames = [frame for frame in results.frames() if frame[0] <= epoch]
    try:
        session.go_on({**own, **known}, optimizer if known.keys() == own.keys() else {}, history, frames)
    except ValueError as error:
        raise LoadError(f"the run cannot be forked at epoch {epoch}: {error}") from error


def _changed(before: Config, after: Config) -> dict[str, object]:
    """The settings of a branch that are not the trunk's."""
    return {name: value for name, value in after.to_dict().items() if getattr(before, name) != value}
