"""run: from a Config to Results. The same path for one run, a recipe, a sweep and the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..data.augment import default_augment
from ..data.loading import load_for
from ..errors import ConfigError, DataError, LoadError, SaveError, TrainingError, shown
from ..files import write_whole
from ..methods.config import Config
from ..methods.resolve import fit_to_data
from .folders.checkpoints import Checkpoints, check_data, tidy
from .folders.store import CHECKPOINTS, RECORD, foreign, load_run
from .progress import ProgressBar
from .results import Results
from .session import Session


def run(
    config: Config | None = None,
    *,
    data=None,
    progress: bool | None = None,
    on_record=None,
    save_to=None,
    resume: bool = False,
    live: bool = False,
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
    save_to : path, optional
        A folder for the run: a checkpoint after every epoch, and at the end what the command line would leave.
    resume : bool
        Go on from the last finished epoch in ``save_to``, to the same end, bit for bit on a CPU; a run that is finished there is
        only loaded, and an empty folder is begun.
    live : bool
        In a notebook: redraw the embedding and the loss in place while it trains, as often as a tenth of the time allows.
    **settings
        Settings that override those of ``config``.

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
    session = start(config.replace(**settings), data)
    if resume and save_to is None:
        raise ConfigError("resume=True needs save_to, the folder of the run to go on with")
    if live:
        on_record = also_live(session.config, on_record)
    if save_to is None:
        return train(session, progress, on_record)
    return run_into(Path(save_to), session, resume, progress, on_record)


def also_live(config: Config, on_record: Callable | None) -> Callable:
    """``on_record``, and a drawing in place."""
    from .live import Live  # draws, so it stands above this module

    draw = Live(config)
    if on_record is None:
        return draw

    def both(record, recorder):
        on_record(record, recorder)
        draw(record, recorder)

    return both


def start(config: Config, data=None) -> Session:
    """A session that is ready to train: the config resolved and fitted to its data."""
    config = (config if data is None else config.replace(dataset=data)).resolve()
    dataset = load_for(config)
    return Session(fit_to_data(config, len(dataset), default_augment(dataset)), dataset)


def train(session: Session, progress: bool | None, *after_epoch: Callable | None) -> Results:
    """Train a session to its end, with a progress bar; an interrupt keeps what there is."""
    show = (not session.config.quiet) if progress is None else progress
    with ProgressBar(session.config, enabled=show) as bar:
        try:
            for record in session.records():
                bar.show(record, session.knn)
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
    return session.results()


def run_into(folder: Path, session: Session, resume: bool, progress: bool | None, on_record) -> Results:
    """Train a session with checkpoints in its folder, and write the run there."""
    from .folders.outputs import write_run  # draws, so it stands above this module

    finished = claim(folder, session, resume)
    if finished is not None:
        return finished
    checkpoints, ended = Checkpoints(folder), False
    try:
        finished = claim(folder, session, resume)  # again: until it was locked, another run may have gone on in the folder
        if finished is not None:
            return finished
        begin(folder, session.config)
        if resume:
            checkpoints.restore(session)
        try:
            # when an epoch is reported, the one before it is on the disk: no more than one can be lost
            kept = lambda record, recorder: checkpoints.wait()  # noqa: E731
            results = train(session, progress, kept, on_record, lambda record, recorder: checkpoints.save(session))
        except TrainingError as error:
            if error.results is not None:
                write_run(error.results, folder)
                ended = True
            raise
        checkpoints.wait()
        keep(results, folder, write_run)
        ended = session.status != "interrupted"
    finally:
        checkpoints.close(finished=ended)
    return results


def keep(results: Results, folder: Path, write: Callable) -> None:
    """Write results; when that fails they are still there, in the error."""
    try:
        write(results, folder)
    except SaveError as error:
        error.results = results
        raise


def claim(folder: Path, session: Session, resume: bool) -> Results | None:
    """Whether a folder is free for a run: returns the run when it stands there already, finished.

    Raises
    ------
    SaveError
        The folder holds a run, and ``resume`` was not asked for; or files that the run would replace, and no run.
    ConfigError
        The run to go on with has other settings.
    DataError
        It was trained on other data.
    """
    if folder.exists() and not folder.is_dir():
        raise SaveError(f"{folder} is a file: choose a folder")
    started = (folder / RECORD).exists() or (folder / CHECKPOINTS).exists()
    if started and not resume:
        raise SaveError(f"{folder} holds a run: pass resume=True to go on with it, or choose another folder")
    if not started:
        _refuse_foreign(folder, session.config)
        return None
    _same_settings(folder / "config.json", session.config)
    return _finished(folder, session) if (folder / RECORD).exists() else None


def _refuse_foreign(folder: Path, config: Config) -> None:
    """Replace nothing that is not of a run: this one begins here, or one that was stopped before its first checkpoint."""
    from .folders.outputs import written

    theirs = foreign(folder, written(config))
    if theirs:
        raise SaveError(f"{folder} holds {', '.join(theirs)}, of no run: choose another folder")


def begin(folder: Path, config: Config) -> None:
    """Make a folder that is claimed and locked that of an unfinished run."""
    (folder / RECORD).unlink(missing_ok=True)
    if not (folder / CHECKPOINTS).exists():
        write_whole(folder / "config.json", config.to_json().encode())


def _finished(folder: Path, session: Session) -> Results | None:
    """The run that stands in the folder; None where it is to be gone on with, from its checkpoints."""
    try:
        found = load_run(folder, Results)
    except LoadError:
        if not (folder / CHECKPOINTS).exists():
            raise
    else:
        check_data(folder, session, found.provenance["dataset"])
        if found.status != "interrupted":
            tidy(folder)
            found.dataset = session.dataset
            return found
    return None


def _same_settings(path: Path, config: Config) -> None:
    """Refuse to go on with a run of other settings; how it is drawn and written may differ."""
    try:
        found = Config.from_json(path.read_text(encoding="utf-8"), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): the run cannot be continued") from None
    if found.key() != config.key():
        mine, other = config.resolve().to_dict(), found.resolve().to_dict()
        differ = [name for name in {**mine, **other} if mine.get(name) != other.get(name)]
        raise ConfigError(f"{path.parent} holds a run with other settings ({', '.join(differ)}): choose another folder")
