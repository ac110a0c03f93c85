"""run: from a Config to Results. The same path for one run, a recipe, a sweep and the command line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..data.augment import default_augment
from ..data.dataset import Dataset
from ..data.loading import load_for
from ..errors import ConfigError, DataError, LoadError, SaveError, TrainingError, shown
from ..files import LARGEST_TEXT, place, read, write_whole
from ..methods.config import Config
from ..methods.resolve import fit_to_data
from ..training import open_tsne
from ..training.backbones import fit_own
from ..training.threads import fitting_threads
from ..training.trainer import Record, is_for_open_tsne, usual_torch
from .folders.checkpoints import Checkpoints, check_data, check_settings
from .folders.outputs import write_run, written
from .folders.store import CHECKPOINTS, RECORD, foreign, load_run, read_state
from .results import Results
from .session import Session, state_of
from .trackers import Tracking

KEEP_STATES = 64
"""MiB of weights and optimizer states that a run keeps for forks, where nobody says how many."""


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
    keep_states: float = KEEP_STATES,
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
        In a notebook: redraw the embedding and the loss in place while it trains, as often as a tenth of the time allows.
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
        Before anything is trained.
    TrainingError
        The loss became NaN or infinite; its ``results`` hold the run up to the last good epoch.
    DataError
        A picture that stays on the disk cannot be read any more; its ``results`` hold the finished epochs. Or the run in
        the folder was trained on other data.
    SaveError
        The folder holds another run, or files of no run that would be replaced, or cannot be written; its ``results`` hold what
        was trained.

    Examples
    --------
    >>> import icon_nb as icon
    >>> icon.run(method="cross_entropy", epochs=3, quiet=True).history["epoch"]
    [0, 1, 2, 3]
    """
    config = Config() if config is None else config
    if not isinstance(config, Config):
        raise ConfigError(f"config={shown(config)} is of type {type(config).__name__}: give icon_nb.Config(method='simclr')")
    folder = None if save_to is None else place(save_to).absolute()  # also where a callback changes the working directory
    logged = {"log_to": log_to} if isinstance(log_to, str) else {}
    session = start(config.replace(**settings, **logged), data)
    session.log_to, session.keep_states = log_to, keep_states
    if resume and save_to is None:
        raise ConfigError("resume=True needs save_to, the folder of the run to go on with")
    calls = [on_record]
    if live and "IPython" not in sys.modules:
        warnings.warn("live=True draws in a notebook only: this run shows nothing while it trains", stacklevel=2)
    elif live:
        from .live import Live  # loads what draws

        calls.append(Live(session.config))
    if folder is None:
        return train(session, *calls, progress=progress)
    return train_in_folder(folder, session, *calls, resume=resume, progress=progress)


@usual_torch()
def start(config: Config, data=None) -> Session:
    """A session that is ready to train: the config resolved and fitted to its data."""
    config = (config if data is None else config.replace(dataset=data)).resolve()
    return session_of(config, load_for(config))


@usual_torch()
def session_of(config: Config, dataset: Dataset) -> Session:
    """The same on data that are there already."""
    config = fit_own(config, dataset)
    by_open_tsne = is_for_open_tsne(config, dataset) and open_tsne.installed()
    return Session(fit_to_data(config, len(dataset), default_augment(dataset), by_open_tsne), dataset)


@usual_torch()
def train(session: Session, *after_epoch: Callable | None, progress: bool | None = None) -> Results:
    """Train a session to its end, in as many threads as it has a use for, and call what is given after every epoch.

    An interrupt keeps what there is.
    """
    show = (not session.config.quiet) if progress is None else progress
    tracking = Tracking(session.log_to or session.config.log_to, session.config)
    with fitting_threads(session.trainer), progress_bar(session.config, show) as advance:
        try:
            for record in session.records():
                advance(record, session.knn)
                measured = {name: values[-1] for name, values in session.history.items() if name != "epoch"}
                tracking.record(record.epoch, measured, session.trainer.model)
                for call in filter(None, after_epoch):
                    call(record, session.recorder)
        except KeyboardInterrupt:
            if os.environ.get("ICON_NB_STRICT") or not session.history["epoch"]:
                raise
            session.status = "interrupted"
        except (TrainingError, SaveError, DataError) as error:
            if not isinstance(error, SaveError):
                session.fail(error)
            error.results = session.results() if session.history["epoch"] else None
            raise
        return tracking.finish(session.results())


@contextmanager
def progress_bar(config: Config, show: bool) -> Iterator[Callable[[Record, float], None]]:
    """One line on stderr with epoch, and the loss and kNN accuracy measured last; gives what is called after every epoch."""
    if not show:
        yield lambda record, knn: None
        return
    from tqdm import tqdm

    numbers: dict[str, str] = {}
    with tqdm(total=config.epochs, desc=config.run_name or config.label, unit="epoch", file=sys.stderr) as bar:

        def advance(record: Record, knn: float) -> None:
            measured = {"loss": f"{record.loss:.4f}", "kNN": f"{knn:.3f}"}
            numbers.update({name: shown for name, shown in measured.items() if shown != "nan"})
            bar.set_postfix(numbers, refresh=False)
            if record.epoch:
                bar.update(1)

        yield advance


@usual_torch()
def train_in_folder(
    folder: Path, session: Session, *after_epoch: Callable | None, resume: bool = False, progress: bool | None = None
) -> Results:
    """Train a session with checkpoints in its folder, and write the run there; a run that is finished there is only loaded.

    Raises
    ------
    SaveError
        The folder is a file, is being written by another run, or holds a run and ``resume`` was not asked for, or files that the
        run would replace and no run; or it cannot be written.
    ConfigError, DataError
        The run to go on with has other settings, or was trained on other data.
    """
    _refuse_foreign(folder, session.config)
    try:
        checkpoints, ended = Checkpoints(folder), False  # from here on nobody else writes in the folder
    except SaveError:
        found = _finished(folder, session) if resume and (folder / RECORD).exists() else None
        if found is None:
            raise
        return found  # on a disk that cannot be written, say
    try:
        if not resume and ((folder / RECORD).exists() or (folder / CHECKPOINTS).exists()):
            raise SaveError(f"{folder} holds a run: pass resume=True to go on with it, or choose another folder")
        results = _finished(folder, session)
        if results is None:
            _begin(folder, session, checkpoints)
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


def _refuse_foreign(folder: Path, config: Config) -> None:
    """Replace nothing that is not of a run."""
    if folder.exists() and not folder.is_dir():
        raise SaveError(f"{folder} is a file: choose a folder")
    theirs = foreign(folder, written(config))
    if theirs:
        raise SaveError(f"{folder} holds {', '.join(theirs)}, of no run: choose another folder")


def _finished(folder: Path, session: Session) -> Results | None:
    """The run that stands in the folder to its end; None where it is to be begun, or gone on with.

    A session of more epochs than the run takes its place at its end.
    """
    record, checkpoints = folder / RECORD, folder / CHECKPOINTS
    if not record.exists() and not checkpoints.exists():
        return None
    _same_settings(folder / "config.json", session)
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
    if found.status == "interrupted":
        return None
    if found.status == "complete" and session.config.epochs > found.config.epochs:
        _lengthen(folder, session, found)
        return None
    return found


def _lengthen(folder: Path, session: Session, found: Results) -> None:
    """Let a session take the place of a finished run of fewer epochs."""
    state = read_state(folder, found.config.epochs, found.config.epochs)
    if state is None:
        raise ConfigError(f"{folder} holds no optimizer.pt: only a run that was trained in its folder can get more epochs")
    session.go_on(*state, found.history, found.frames(), session.config.record_every)
    session.fork = found.provenance.get("fork")


def _begin(folder: Path, session: Session, checkpoints: Checkpoints) -> None:
    """Make a folder that of an unfinished run, and bring the session to the last epoch that stands there."""
    if session.history["epoch"]:  # it goes on from a run that was finished, or elsewhere
        checkpoints.save(session)
        checkpoints.wait()
    else:
        checkpoints.restore(session)
    write_whole(folder / "config.json", session.config.to_json().encode())
    (folder / RECORD).unlink(missing_ok=True)


def _train_and_write(folder: Path, session: Session, checkpoints: Checkpoints, after_epoch, progress: bool | None) -> Results:
    """When an epoch is reported, the one before it is on the disk: no more than one can be lost."""

    def wait(record, recorder):
        checkpoints.wait()

    def save(record, recorder):
        checkpoints.save(session)

    results = train(session, wait, *after_epoch, save, progress=progress)
    checkpoints.wait()
    last = session.history["epoch"][-1]
    if results.status == "complete" and last not in results.states:
        results.states[last] = results.state, state_of(session.trainer.optimizer)
    try:
        write_run(results, folder)
    except SaveError as error:  # the results are still there
        error.results = results
        raise
    if not session.keep_states:
        results.states.clear()
    return results


def _same_settings(path: Path, session: Session) -> None:
    """Refuse to go on with a run of other settings."""
    try:
        found = Config.from_json(read(path, LARGEST_TEXT).decode(), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): the run cannot be continued") from None
    check_settings(path.parent, session, found, path.name)
