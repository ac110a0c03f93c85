"""Comparisons on disk: a folder for every run, the table, and ``comparison.json``, which says what belongs together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ...data.dataset import Dataset, is_described
from ...errors import IconError, LoadError, SaveError
from ...files import LARGEST_TEXT, place, read, sweep_stray, write_whole
from ...methods.config import Config
from ..record import Failure
from ..results import Outcome, Results
from . import store, verify

SCHEMA = 1
_FOLDER = re.compile(r"(\.\./)?[\w.=+-]*\w[\w.=+-]*")  # a folder in the comparison's own, or beside it


def run_folder(config: Config) -> str:
    """The name of a run's folder: the method, and the key of every setting that the numbers depend on."""
    return f"{config.label}-{config.key()}"


class StudyFolder:
    """The folder in which a study keeps its runs as they finish; without a path, nothing is kept."""

    def __init__(self, path=None):
        self.path = None if path is None else place(path).absolute()
        self._kept: dict[int, str] = {}
        if self.path is not None and self.path.exists() and not self.path.is_dir():
            raise SaveError(f"save_to={str(path)!r} is a file: choose a folder")
        if self.path is not None:
            sweep_stray(self.path)

    def find(self, config: Config, data: Callable[[Config], Dataset | None]) -> Results | None:
        """The finished run of a config, if it is there whole and was trained on what ``data`` finds for it now."""
        if self.path is None:
            return None
        try:
            name = run_folder(config)
            results = store.load_run(self.path / name, Results)
        except IconError:  # absent, half written or damaged: it is run again
            return None
        results.dataset = data(config)
        if results.dataset is not None and not is_described(results.dataset, results.provenance["dataset"], config):
            return None  # a file was written anew
        self._kept[id(results)] = name
        return results

    def keep(self, config: Config, outcome: Outcome) -> None:
        """Save a run as soon as it is there; one that was interrupted is left to be run again."""
        if self.path is None or isinstance(outcome, Failure) or outcome.status == "interrupted":
            return
        name = run_folder(config)
        store.save(outcome, self.path / name, overwrite=True)
        self._kept[id(outcome)] = name

    def close(self, study: Sequence[Outcome]) -> None:
        """Write the table, and what belongs together."""
        if self.path is not None:
            write_study(study, self.path, [self._kept.get(id(run)) for run in study])


def save_comparison(study: Sequence[Outcome], path, *, overwrite: bool = False) -> Path:
    """Write a comparison and every run in it; see :meth:`icon_nb.Comparison.save`."""
    path = place(path)
    if path.exists() and not path.is_dir():
        raise SaveError(f"{path} is a file: choose a folder")
    if (path / store.COMPARISON).exists() and not overwrite:
        raise SaveError(f"{path} holds a comparison already: choose another folder, or pass overwrite=True")
    folders = []
    for position, run in enumerate(study):
        folders.append(None if isinstance(run, Failure) else f"{position + 1:02d}-{run_folder(run.config)}")
        if folders[-1] is not None:
            store.save(run, path / folders[-1], overwrite=overwrite)
    return write_study(study, path, folders)


def write_study(study: Sequence[Outcome], path: Path, folders) -> Path:
    """The table in three forms, then ``comparison.json`` with the folder, relative to this one, of every run."""
    table = study.table()
    for suffix in ("txt", "csv", "json"):
        table.save(path / f"table.{suffix}")
    runs = [_entry(run, folder) for run, folder in zip(study, folders)]
    record = {"title": study.title, "compared": list(study.compared), "interrupted": study.interrupted, "runs": runs}
    write_whole(path / store.COMPARISON, store.to_json({"schema": SCHEMA, **record}))
    return path


def _entry(run: Outcome, folder: str | None) -> dict[str, object]:
    entry = {"folder": folder, "config": run.config.to_dict(), "status": run.status, "error": run.error}
    scored = isinstance(run, Results) and ("scores" in run.__dict__ or not run.withheld)
    return {**entry, "scores": run.scores} if scored else entry


def read_study(path) -> dict[str, object]:
    """The parts of a saved comparison; a run whose folder is gone or damaged becomes a :class:`Failure` that says so.

    Raises
    ------
    LoadError
        ``comparison.json`` is damaged or from a newer version.
    """
    file = Path(path) / store.COMPARISON
    with verify.reading(file):
        record = verify.parse(read(file, LARGEST_TEXT))
        verify.version(record["schema"], SCHEMA, file)
        verify.follows(record, verify.COMPARISON, file)
        runs = [_read_entry(Path(path), entry) for entry in record["runs"]]
        about = {name: record[name] for name in ("title", "interrupted")}
        return {"runs": runs, "compared": tuple(record["compared"]), **about}


def _read_entry(path: Path, entry: dict) -> Outcome:
    folder = entry["folder"]
    try:
        if folder is None:
            raise LoadError(entry["error"] or "the run was not kept")
        if not _FOLDER.fullmatch(folder) or len(folder) > 200:
            raise LoadError(f"{folder!r} is not the folder of a run")
        results = store.load_run(path / folder, Results)
    except LoadError as error:
        return Failure(Config(**entry["config"]).resolve(), str(error))
    scores = entry.get("scores")
    if scores is not None:
        results.__dict__["scores"] = {name: float("nan") if value is None else float(value) for name, value in scores.items()}
    return results
