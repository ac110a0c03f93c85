"""run: from a Config to Results. The same path for one run, a recipe, a sweep, a fork and the command line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import NoneType

from ..errors import ConfigError, DataError, LoadError, SaveError, TrainingError, demand, demand_type, shown
from ..files import LARGEST_TEXT, place, read, write_whole
from ..methods.config import OF_THE_TRUNK, Config
from ..training.ranks import is_small, threads_for
from ..training.trainer import usual_torch
from .folders.checkpoints import Checkpoints, check_data, check_settings
from .folders.outputs import write_run, written
from .folders.store import CHECKPOINTS, RECORD, foreign, load_run, read_state
from .results import Results
from .session import Session, session_of, start, state_of
from .trackers import Live, Tracking


def run(
    config: Config | None = None,
    *,
    data=None,
    progress: bool | None = None,
    on_record=None,
    log_to=None,
    save_to=None,
    resume: bool = False,
    live: bool = False,
    keep_states: float = 64,
    **settings,
) -> Results:
    """Train what a Config describes and record its embedding at every epoch.

    Parameters
    ----------
    config : Config, optional
        ``Config()`` when not given.
    data : Dataset, (x, y) arrays, ... , optional
        Data of your own instead of ``config.dataset``; everything :func:`icon_nb.data.load` takes.
    progress : bool, optional
        Progress bar on stderr; on unless ``quiet`` is set.
    on_record : callable(Record, Recorder), optional
        Called after every epoch.
    log_to : str or Tracker, optional
        ``"csv:FILE"``, ``"tensorboard:DIR"``, ``"mlflow"``, ``"wandb"``, or an object of your own with two methods:
        ``record(epoch, metrics, model)`` after every epoch, and ``finish(results)``. One that raises never stops the run.
    save_to : path, optional
        A folder for the run: a checkpoint after every epoch, and at the end what the command line would leave.
    resume : bool
        Go on from the last finished epoch in ``save_to``, to the same end, bit for bit on a CPU; a run that is finished there is
        only loaded, unless more epochs are asked for, and an empty folder is begun.
    live : bool
        In a notebook: redraw the embedding and the loss in place while it trains, about three times a second; there is no
        bar above it, unless ``progress`` asks for one.
    keep_states : float
        MiB of memory for the weights and optimizer states of recorded epochs, from which :meth:`Results.fork` can go on. Where
        all take more, those of every second epoch are kept, and so on; 0 keeps none.
    **settings
        Settings that override those of ``config``. ``backbone`` may be any ``nn.Module``, frozen or not, of which a copy is
        trained; ``augment`` a function of one sample, such as a torchvision transform.

    Returns
    -------
    Results
        Shows itself as an animation in a notebook. When interrupted: what there is so far, with ``status="interrupted"``; under
        the environment variable ``ICON_NB_STRICT`` the interrupt is raised instead, so that a test notices it.

    Raises
    ------
    ConfigError, DataError, DeviceError
        Before anything is trained. A DataError also where the run in the folder was trained on other data, and where a picture
        that stays on the disk cannot be read any more; its ``results`` hold the finished epochs.
    TrainingError
        The loss became NaN or infinite; its ``results`` hold the run up to the last good epoch.
    SaveError
        The folder holds another run, or files of no run, or cannot be written; its ``results`` hold what was trained.

    Examples
    --------
    >>> import icon_nb as icon
    >>> icon.run(method="cross_entropy", epochs=3, quiet=True).history["epoch"]
    [0, 1, 2, 3]
    """
    config = Config() if config is None else config
    demand_type("config", config, Config, "icon_nb.Config(method='simclr')")
    demand(on_record is None or callable(on_record), f"on_record={shown(on_record)}: give a function of record and recorder")
    check_budget(keep_states)
    folder = None if save_to is None else place(save_to).absolute()  # also where a callback changes the working directory
    logged = {"log_to": log_to} if isinstance(log_to, str) else {}
    session = start(config.replace(**settings, **logged), data)
    session.log_to, session.keep_states = log_to, keep_states
    demand(folder is not None or not resume, "resume=True needs save_to, the folder of the run to go on with")
    calls = [on_record]
    if live and "IPython" not in sys.modules:
        warnings.warn("live=True draws in a notebook only: this run shows nothing while it trains", stacklevel=2)
    elif live:
        calls.append(Live(session.config))
        progress = bool(progress)
    return train_in_folder(folder, session, *calls, resume=resume, progress=progress)


@usual_torch()
def train(session: Session, *after_epoch: Callable | None, progress: bool | None = None) -> Results:
    """Train a session to its end, and call what is given after every epoch; an interrupt keeps what there is."""
    demand_type("progress", progress, (bool, NoneType), "True, False or None")
    show = (not session.config.quiet) if progress is None else progress
    tracking = Tracking(session.log_to or session.config.log_to, session.config)
    with threads_for(is_small(session.trainer)), _bar(session.config) if show else nullcontext() as bar:
        try:
            for record in session.records():
                if bar is not None:  # one that is disabled takes a lock too, which a worker that is stopped leaves behind
                    bar.set_postfix(_measured_last(session.history), refresh=False)
                    bar.update(record.epoch > 0)
                tracking.record(record.epoch, session.history, session.trainer.model)
                for call in filter(None, after_epoch):
                    call(record, session.recorder)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not session.history["epoch"]:
                raise
            session.status = "interrupted"
        except (TrainingError, SaveError, DataError) as error:
            if isinstance(error, SaveError) and session.trainer.epoch < session.config.epochs:
                session.status, session.error = "interrupted", str(error)
            elif not isinstance(error, SaveError):
                session.status, session.error, session.diverged = "failed", str(error), isinstance(error, TrainingError)
            error.results = session.results() if session.history["epoch"] else None
            raise
        return tracking.finish(session.results())


def _bar(config: Config):
    from tqdm import tqdm  # whose import a quiet run need not wait for

    return tqdm(total=config.epochs, desc=config.run_name or config.label, unit="epoch", file=sys.stderr)


def _measured_last(history: Mapping[str, list]) -> dict[str, str]:
    known = {name: [value for value in history[name] if value == value] for name in ("loss", "knn_accuracy")}
    loss = {"loss": f"{known['loss'][-1]:.4f}"} if known["loss"] else {}
    return loss | ({"kNN accuracy": f"{known['knn_accuracy'][-1]:.3f}"} if known["knn_accuracy"] else {})


# In a folder


@usual_torch()
def train_in_folder(
    folder: Path | None, session: Session, *after_epoch: Callable | None, resume: bool = False, progress: bool | None = None
) -> Results:
    """Train a session with checkpoints in its folder and write the run there; a run that is finished there is only loaded."""
    if folder is None:
        return train(session, *after_epoch, progress=progress)
    demand(folder.is_dir() or not folder.exists(), f"{folder} is a file: choose a folder", SaveError)
    if theirs := foreign(folder, written(session.config)):
        raise SaveError(f"{folder} holds {', '.join(theirs)}, of no run: choose another folder")
    try:
        checkpoints, ended = Checkpoints(folder), False  # from here on nobody else writes in the folder
    except SaveError:
        found = _finished(folder, session) if resume and (folder / RECORD).exists() else None
        if found is None:
            raise
        return found  # on a disk that cannot be written, say
    try:
        begun = (folder / RECORD).exists() or (folder / CHECKPOINTS).exists()
        remedy = "pass resume=True to go on with it, or choose another folder"
        demand(resume or not begun, f"{folder} holds a run: {remedy}", SaveError)
        results = _finished(folder, session) if begun else None
        if results is None:
            results = _train_and_write(folder, session, checkpoints, after_epoch, progress)
        elif (folder / CHECKPOINTS).exists():  # it was stopped while it was drawn
            write_run(results, folder)
        ended = results.status != "interrupted"
    except TrainingError as error:
        if error.results is not None:
            write_run(error.results, folder)
            ended = True
        raise
    finally:
        checkpoints.close(finished=ended)
    return results


def _finished(folder: Path, session: Session) -> Results | None:
    """The run that stands in a folder where one was begun, to its end; None where it is gone on with, also for more epochs."""
    record, checkpoints, settings = folder / RECORD, folder / CHECKPOINTS, folder / "config.json"
    try:
        before = Config.from_json(read(settings, LARGEST_TEXT), where=str(settings))
    except OSError as error:
        raise ConfigError(f"{settings} cannot be read ({error}): the run cannot be continued") from None
    check_settings(folder, session, before, settings.name)
    if not record.exists():
        return None
    try:
        found = load_run(folder, Results)
    except LoadError:
        if not checkpoints.exists():
            raise
        return None
    check_data(folder, session, found.provenance["dataset"])
    found.dataset = session.dataset
    if found.status == "complete" and session.config.epochs > found.config.epochs:
        last = found.history["epoch"][-1]
        state = read_state(folder, last, last)
        if state is None:
            raise ConfigError(f"{folder} holds no optimizer.pt: only a run that was trained in its folder can get more epochs")
        session.go_on(*state, found.history, found.frames(), session.config.record_every)
        session.resume(found.config, found.provenance)
        return None
    return None if found.status == "interrupted" else found


def _train_and_write(folder: Path, session: Session, checkpoints: Checkpoints, after_epoch, progress: bool | None) -> Results:
    """Go on from where the session is, or the folder. When an epoch is reported, the one before it is on the disk."""
    if session.history["epoch"]:  # it goes on from a run that was finished, or elsewhere
        checkpoints.save(session)
        checkpoints.wait()
    else:
        checkpoints.restore(session)
    write_whole(folder / "config.json", session.config.to_json().encode())
    (folder / RECORD).unlink(missing_ok=True)

    around = (lambda *_: checkpoints.wait()), *after_epoch, (lambda *_: checkpoints.save(session))
    results = train(session, *around, progress=progress)
    checkpoints.wait()
    if results.status == "complete":
        results.states.setdefault(session.history["epoch"][-1], (results.state, state_of(session.trainer)))
    try:
        write_run(results, folder)
    except SaveError as error:  # the results are still there
        error.results = results
        raise
    if not session.keep_states:
        results.states.clear()
    return results


# Another future from a recorded epoch


def check_budget(keep_states: float) -> None:  # below zero no state would ever be small enough
    demand_type("keep_states", keep_states, (int, float), "a number of MiB, 0 or more")
    demand(keep_states >= 0, f"keep_states={keep_states!r} is out of range: give a number of MiB, 0 or more")


def fork(
    results: Results, epoch: int, settings: Mapping[str, object], *, progress, on_record, save_to, keep_states: float
) -> Results:
    check_budget(keep_states)
    weights, optimizer = results.state_after(epoch)
    before, config = results.config, _branch(results, epoch, settings)
    session = session_of(config, results.data())
    changed = {name: value for name, value in config.to_dict().items() if getattr(before, name) != value}
    session.keep_states, session.fork = keep_states, {"epoch": epoch, "settings": changed}
    session.states = {k: state for k, state in results.states.items() if k <= epoch}
    _take_over(session, weights, optimizer if config.optimizer == before.optimizer else {}, results, epoch)
    return train_in_folder(None if save_to is None else place(save_to).absolute(), session, on_record, progress=progress)


def _branch(results: Results, epoch: int, settings: Mapping[str, object]) -> Config:
    """The settings of a branch: what its weights and points depend on is the trunk's, everything else may change."""
    told = results.config
    kept = {name: getattr(told, name) for name in (*OF_THE_TRUNK, "epochs", "seed") if getattr(told, name) is not None}
    config = told.replace(**{**kept, **settings}).resolve()
    for name in OF_THE_TRUNK:
        own = getattr(told, name)
        words = f"{name} is that of the run, {own!r}: a fork goes on with its weights and its points"
        demand(getattr(config, name) == own, words)
    demand(config.epochs >= epoch, f"epochs={config.epochs} ends before epoch={epoch}, from which the fork goes on: give more")
    return config


def _take_over(session: Session, weights: Mapping, optimizer: Mapping, results: Results, epoch: int) -> None:
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
