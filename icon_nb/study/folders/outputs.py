"""What a run of the command line leaves in its folder: the saved run, its animation, its plots, its probes."""

from __future__ import annotations

import errno
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from ...errors import SaveError
from ...files import place
from ...methods.config import Config
from ..comparison import Comparison
from ..results import Results
from .store import FILES, save
from .studies import save_comparison, write_study


def safe_name(text: str) -> str:
    """A file name that stays in its folder, whatever the text.

    >>> safe_name("../../x")
    'x'
    """
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[:100] or "run"


def new_folder(config: Config, stamp: str) -> Path:
    """Make the folder of a run, ``<dataset>_<backbone>_<method>_<stamp>``; a collision gets a suffix, nothing is overwritten.

    Raises
    ------
    SaveError
        The output folder cannot be written.
    """
    parts = (config.dataset, config.backbone, config.label, stamp)
    name = safe_name(config.run_name) if config.run_name else "_".join(safe_name(part) for part in parts)
    return fresh_folder(place(config.output_dir), name)


def check_room(config: Config) -> None:
    """Make the output folder, before anything is trained.

    Raises
    ------
    SaveError
        It is a file, or cannot be written.
    """
    with _made(place(config.output_dir)) as parent:
        if not os.access(parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def fresh_folder(parent: Path, name: str) -> Path:
    """Make a folder of this name, with a number behind it where there is one already."""
    with _made(parent):
        for attempt in count(1):
            folder = parent / (name if attempt == 1 else f"{name}-{attempt}")
            with suppress(FileExistsError):
                folder.mkdir()
                return folder


@contextmanager
def _made(parent: Path) -> Iterator[Path]:
    """The folder of the runs, made when it is not there, and what to say where something in it cannot be made."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        yield parent
    except FileExistsError:
        raise SaveError(f"output_dir={str(parent)!r} is a file: choose a folder") from None
    except OSError as error:
        raise SaveError(f"output_dir={str(parent)!r} cannot be written ({error.strerror}): choose another folder") from None


def written(config: Config) -> tuple[str, ...]:
    """The names of what a run with these settings leaves in its folder, but for the record that makes it complete."""
    asked = {
        "training_dynamics.gif": config.save_epoch_gifs,
        "epoch_frames": config.save_epoch_gifs and config.save_frames,
        "curves.png": config.viz,
        "embedding.png": config.viz,
        "weights": config.save_checkpoints,
    }
    return (*FILES, *(name for name, wanted in asked.items() if wanted))


def write_run(results: Results, folder: Path) -> None:
    """Save a run in a folder made or claimed for it, then score and draw what its settings ask for.

    What cannot be scored or drawn is warned of: the run is there by then.
    """
    config = results.config
    save(results, folder, overwrite=True)
    wanted = {
        "probes": (config.probe and results.status != "failed", lambda: results.probes),
        "animation": (config.save_epoch_gifs, lambda: write_animation(results, folder)),
        "plots": (config.viz, lambda: write_plots(results, folder)),
    }
    for what, make in [(what, make) for what, (asked, make) in wanted.items() if asked]:
        try:
            make()
        except SaveError:
            raise
        except Exception as error:  # out of memory, say
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            warnings.warn(f"the run is saved in {folder}, but its {what} could not be made ({why})", stacklevel=2)
    save(results, folder, overwrite=True)  # with the probes


def write_animation(results: Results, folder: Path) -> None:
    """``training_dynamics.gif``, which opens with the untrained frame, and one picture for every trained epoch recorded."""
    animation = results.animate()
    animation.save(folder / "training_dynamics.gif")
    if results.config.save_frames:
        animation.save_frames(folder / "epoch_frames", untrained=False)


def write_plots(results: Results, folder: Path) -> None:
    """``curves.png``, and ``embedding.png`` with the embedding at a few epochs."""
    from ...animation.plots import curves, small_multiples

    curves(results.trajectory, note=str(results.diagnosis)).save(folder / "curves.png")
    small_multiples(results.animate()).save(folder / "embedding.png")


def write_comparison(study: Comparison, parent: Path, stamp: str, *, folders=None, viz: bool = True, gif: bool = False) -> Path:
    """A folder for several runs: the table, ``comparison.json``, and as asked the animation side by side, curves and epochs.

    Parameters
    ----------
    folders : sequence of Path or None, optional
        Where each run is saved, beside this folder; without, the runs are saved in it.
    """
    folder = fresh_folder(parent, f"{safe_name(study.title)}_{stamp}")
    if folders is None:
        save_comparison(study, folder)
    else:
        write_study(study, folder, [None if each is None else f"../{each.name}" for each in folders])
    if gif and study.results:
        study.animate().save(folder / "comparison.gif")
    if viz and study.results:
        study.plot().save(folder / "curves.png")
        study.small_multiples().save(folder / "embeddings.png")
    return folder
