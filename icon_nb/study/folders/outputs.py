"""What stands in a folder beside the saved run: animation, plots and probes; and the table and record of several runs."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from ... import animation
from ...errors import LoadError, SaveError, demand
from ...files import LARGEST_TEXT, place, read, sweep_stray, write_whole
from ...methods.catalogue import SCORES
from ...methods.config import Config
from ..results import Failure, Outcome, Results, Scores
from . import verify
from .store import COMPARISON, FILES, load_run, own, save, to_json

SCHEMA = 1
NOW = "%Y%m%d-%H%M%S"  # as it stands in the names of folders
_FOLDER = re.compile(r"(\.\./)?[\w.=+-]*\w[\w.=+-]*")  # a folder in the comparison's own, or beside it


def safe_name(text: str) -> str:
    """A file name that stays in its folder, whatever the text."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._")[:100] or "run"


def new_folder(config: Config) -> Path:
    """Make the folder of a run, ``<dataset>_<backbone>_<method>_<time>``; a collision gets a suffix, nothing is overwritten."""
    parts = (config.run_name,) if config.run_name else (config.dataset, config.backbone, config.label, time.strftime(NOW))
    return fresh_folder(place(config.output_dir), "_".join(map(safe_name, parts)))


def fresh_folder(parent: Path, name: str) -> Path:
    """Make a folder of this name, with a number behind it where there is one already."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for folder in (parent / (name if k == 1 else f"{name}-{k}") for k in count(1)):
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    except FileExistsError:
        raise SaveError(f"output_dir={str(parent)!r} is a file: choose a folder") from None
    except OSError as error:
        raise SaveError(f"output_dir={str(parent)!r} cannot be written ({error.strerror}): choose another folder") from None


# One run


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
    """Save a run in a folder made or claimed for it, then score and draw what it asks for; what cannot be made is warned of."""
    config = results.config
    save(results, folder, overwrite=True)
    wanted = {
        "probes": config.probe and results.status != "failed" and (lambda: results.probes),
        "animation": config.save_epoch_gifs and (lambda: write_animation(results, folder)),
        "plots": config.viz and (lambda: write_plots(results, folder)),
    }
    for what, make in wanted.items():
        try:
            make and make()
        except SaveError:
            raise
        except Exception as error:  # out of memory, say
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            warnings.warn(f"the run is saved in {folder}, but its {what} could not be made ({why})", stacklevel=2)
    save(results, folder, overwrite=True)  # with the probes


def write_animation(results: Results, folder: Path) -> None:
    drawn = results.animate()
    drawn.save(folder / "training_dynamics.gif")
    if results.config.save_frames:
        drawn.save_frames(folder / "epoch_frames", untrained=False)


def write_plots(results: Results, folder: Path) -> None:
    animation.curves(results.trajectory, note=str(results.diagnosis)).save(folder / "curves.png")
    animation.small_multiples(results.animate()).save(folder / "embedding.png")


# Several runs; a study is a Comparison


def write_comparison(study, parent: Path, *, folders=None, viz: bool = True, gif: bool = False) -> Path:
    """A folder for several runs and their pictures; ``folders`` says where each is saved beside it, else they are saved in it."""
    folder = fresh_folder(parent, f"{safe_name(study.title)}_{time.strftime(NOW)}")
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


def run_folder(config: Config) -> str:
    """The name of a run's folder: the method, and the key of every setting that the numbers depend on."""
    return f"{config.label}-{config.key()}"


def is_whole(outcome: Outcome) -> bool:
    """Whether a study keeps it; a run that was interrupted is left to be run again."""
    return not isinstance(outcome, Failure) and outcome.status != "interrupted"


def claim_folder(path) -> Path:
    """The folder in which a study keeps its runs as they finish, without what a killed one left there."""
    folder = place(path).absolute()
    demand(folder.is_dir() or not folder.exists(), f"save_to={str(path)!r} is a file: choose a folder", SaveError)
    sweep_stray(folder)
    return folder


def save_comparison(study: Sequence[Outcome], path, *, overwrite: bool = False) -> Path:
    """Write every run, the table and what belongs together to a folder; :func:`icon_nb.load` reads it back."""
    path = place(path)
    demand(path.is_dir() or not path.exists(), f"{path} is a file: choose a folder", SaveError)
    if (path / COMPARISON).exists() and not overwrite:
        raise SaveError(f"{path} holds a comparison already: choose another folder, or pass overwrite=True")
    folders = [None if isinstance(run, Failure) else f"{k:02d}-{run_folder(run.config)}" for k, run in enumerate(study, 1)]
    for run, folder in zip(study, folders):
        if folder is not None:
            save(run, own(path / folder), overwrite=overwrite)
    return write_study(study, path, folders)


def write_study(study: Sequence[Outcome], path: Path, folders) -> Path:
    """The table in three forms, then ``comparison.json`` with the folder, relative to this one, of every run."""
    table = study.table(baselines=True)
    for suffix in ("txt", "csv", "json"):
        table.save(path / f"table.{suffix}")
    runs = []
    for run, folder in zip(study, folders):
        runs.append({"folder": folder, "config": run.config.to_dict(), "status": run.status, "error": run.error})
        if isinstance(run, Results) and ("scores" in run.__dict__ or not run.withheld):
            runs[-1]["scores"] = run.scores
    record = {"title": study.title, "compared": list(study.compared), "interrupted": study.interrupted, "runs": runs}
    write_whole(path / COMPARISON, to_json({"schema": SCHEMA, **record}))
    return path


def read_study(path: Path) -> dict[str, object]:
    """The parts of a saved comparison; a run whose folder is gone or damaged becomes a :class:`Failure` that says so."""
    file = path / COMPARISON
    with verify.reading(file):
        record = verify.parse(read(file, LARGEST_TEXT))
        verify.version(record["schema"], SCHEMA, file)
        verify.follows(record, verify.COMPARISON, file)
        runs = [_read_entry(path, entry) for entry in record["runs"]]
        return {"runs": runs, **{name: record[name] for name in ("title", "compared", "interrupted")}}


def _read_entry(path: Path, entry: dict) -> Outcome:
    folder = entry["folder"]
    try:
        demand(folder is not None, entry["error"] or "the run was not kept", LoadError)
        if not _FOLDER.fullmatch(folder) or len(folder) > 200:
            raise LoadError(f"{folder!r} is not the folder of a run")
        results = load_run(path / folder, Results)
    except LoadError as error:
        return Failure(Config(**entry["config"]).resolve(), str(error))
    if entry.get("scores") and SCORES.keys() <= entry["scores"].keys():  # those of another version are computed anew
        numbers = {name: float("nan") if value is None else float(value) for name, value in entry["scores"].items()}
        results.__dict__["scores"] = Scores(numbers)
    return results
