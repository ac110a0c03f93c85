"""What a run of the command line leaves in its folder: the saved run, its animation, its plots, its probes."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from .config import Config
from .errors import SaveError
from .files import write_whole
from .results import Results
from .store import save


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
    parent = Path(config.output_dir)
    for attempt in count(1):
        folder = parent / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if parent.is_dir():
                continue
            raise SaveError(f"output_dir={config.output_dir!r} is a file: choose a folder") from None
        except OSError as error:
            raise SaveError(
                f"output_dir={config.output_dir!r} cannot be written ({error.strerror}): choose another folder"
            ) from None
        write_whole(folder / "config.json", config.to_json().encode())
        return folder


def write_run(results: Results, folder: Path) -> None:
    """Write everything that the settings ask for; the mark of a complete run comes last."""
    config = results.config
    if config.save_epoch_gifs:
        write_animation(results, folder)
    if config.probe and results.status != "failed":
        results.probes  # noqa: B018  computed here, so that it is saved with the run
    if config.viz:
        write_plots(results, folder)
    save(results, folder)


def write_animation(results: Results, folder: Path) -> None:
    """``training_dynamics.gif``, which opens with the untrained frame, and one picture for every trained epoch recorded."""
    animation = results.animate()
    animation.save(folder / "training_dynamics.gif")
    if results.config.save_frames:
        animation.save_frames(folder / "epoch_frames", untrained=False)


def write_plots(results: Results, folder: Path) -> None:
    """``curves.png``, and ``embedding.png`` with the embedding at a few epochs."""
    from .curves import curves
    from .plots import small_multiples

    curves(results.trajectory, note=str(results.diagnosis)).save(folder / "curves.png")
    small_multiples(results.animate()).save(folder / "embedding.png")
