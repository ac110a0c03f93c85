"""What can be done with saved runs: list them, show one, compare several, probe one. Loads torch only where a run is opened."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError, LoadError, nearest
from ..files import LARGEST_TEXT, place, read
from ..methods.catalogue import runs_code
from ..methods.config import OF_THE_TRUNK, SETTINGS
from .flags import OLDER, Parser, add_flag, add_setting, typed
from .terminal import tell
from .training import CODES, describe, report

NOTHING_TO_PROBE = "holds a run on data without labels, or with one class or none of two points: nothing to probe"
TRUST = "run the code that a run on dataset custom:FILE.py:NAME names, where scores or probes need its data"


def folder_flag(parser: Parser) -> None:
    """``--output_dir``."""
    about = SETTINGS["output_dir"]
    add_flag(parser, "output_dir", default=about.default, metavar="DIR", help=f"{about.help} (default: {about.default})")


def one_run(parser: Parser) -> None:
    """A run by its name or folder, and whether its code is trusted."""
    parser.add_argument("run", metavar="RUN", help="folder of a saved run, or its name")
    folder_flag(parser)
    add_flag(parser, "trust_code", action="store_true", help=TRUST)


def many_runs(parser: Parser) -> None:
    """Several of them."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="folders of saved runs or comparisons, or their names")
    parser.add_argument("--no_viz", "--no-viz", dest="viz", action="store_false", help="the table only")
    folder_flag(parser)
    add_flag(parser, "trust_code", action="store_true", help=TRUST)


def find(name: str, output_dir: str) -> Path:
    """The folder of a run that is named by its path, or by its name in the folder of the runs.

    Raises
    ------
    LoadError
        There is none; names the nearest.
    """
    folder = place(output_dir, LoadError)
    for path in (place(name, LoadError), place(folder / name, LoadError)):
        if path.is_dir():
            return path
    there = sorted(path.name for path in folder.glob("*") if path.is_dir())
    hint = nearest(name, there) if there else f"there are no runs in {output_dir!r}"
    raise LoadError(f"{name!r} is not the folder of a run: {hint}")


def open_run(given):
    """The folder and the run that are asked for; a comparison is refused."""
    from ..study.load import load
    from ..study.results import Results

    path = find(given.run, given.output_dir)
    run = load(path, trust_code=given.trust_code)
    if not isinstance(run, Results):
        raise LoadError(f"{path} is a comparison: give one of its runs")
    return path, run


def list_runs(given) -> int:
    """A line for every folder: what was run, and what came of it."""
    from ..study.table import Table

    folders = sorted(path for path in place(given.output_dir, LoadError).glob("*") if path.is_dir())
    rows = [row for row in map(brief, folders) if row is not None]
    if not rows:
        tell(f"there are no runs in {given.output_dir!r}")
        return 0
    tell(Table(("run", "dataset", "method", "epochs", "loss", "knn", "status"), tuple(rows)))
    return 0


def brief(folder: Path) -> dict[str, object] | None:
    """What a folder holds, read from its JSON files alone; None where it holds nothing of ours."""
    if (folder / "comparison.json").exists():
        study = _json(folder / "comparison.json")
        n = len(study.get("runs") or ())
        return {"run": folder.name, "method": study.get("title"), "status": f"comparison of {n} run{'s' * (n != 1)}"}
    config, mark = _json(folder / "config.json"), _json(folder / "metrics.json")
    if not config:
        return None
    row = {"run": folder.name, "dataset": config.get("dataset"), "method": config.get("method") or "composed"}
    final = mark.get("final") or {}
    row |= {"epochs": final.get("epoch"), "loss": final.get("loss"), "knn": final.get("knn_accuracy")}
    return {**row, "status": mark.get("status") or "not finished"}


def _json(path: Path) -> dict:
    try:
        content = json.loads(read(path, LARGEST_TEXT))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def show(given) -> int:
    """Everything that is known about a run, or the table of a comparison."""
    from ..study.comparison import Comparison
    from ..study.load import load

    path = find(given.run, given.output_dir)
    run = load(path, trust_code=given.trust_code)
    if isinstance(run, Comparison):
        tell(f"{run}\n{run.next_step.for_shell(path)}")
        return 0
    tell(describe(run.config))
    tell(f"\n{run.summary()}\n{run.diagnosis}\n{run.next_step.for_shell(path)}")
    if run.error:
        tell(f"error: {run.error}")
    versions = ", ".join(f"{name} {version}" for name, version in run.provenance["versions"].items())
    tell(f"{run.provenance['started']}, {run.provenance['seconds']} s on {run.provenance['device']}: {versions}")
    _print_probes(run, path)
    tell("files: " + ", ".join(sorted(each.name for each in path.iterdir())))
    return 0


def _print_probes(run, path: Path) -> None:
    """The probes that a run was saved with, and those that only its trusted code can bring; or what is missing for them."""
    if "probes" not in run.__dict__ and run.withheld:
        tell(f"no probes: {run.withheld}")
    elif run.__dict__.get("probes") or run.trust_code and runs_code(run.config.dataset):
        tell(probe_table(run.probes) if run.probes else f"no probes: {path} {NOTHING_TO_PROBE}")


def compare(given) -> int:
    """Write the comparison of saved runs beside them, and print its table."""
    from ..study.comparison import Comparison
    from ..study.folders.outputs import write_comparison
    from ..study.load import load

    loaded = [load(find(name, given.output_dir), trust_code=given.trust_code) for name in given.runs]
    every = [run for each in loaded for run in getattr(each, "runs", (each,))]
    runs = {_identity(run): run for run in every}  # the same run may be named twice
    if len(runs) < 2:
        raise ConfigError(f"{', '.join(given.runs)}: nothing to compare with; name two different runs")
    study = Comparison(tuple(runs.values()), "comparison")
    folder = write_comparison(study, place(given.output_dir), time.strftime("%Y%m%d-%H%M%S"), viz=given.viz, gif=given.viz)
    tell(f"{study}\nsaved in {folder}\n{study.next_step.for_shell(folder)}")
    return 0


def _identity(run) -> tuple[str | None, ...]:
    """The settings of a run, the contents of its data, which may be in a file that was written anew, and where it forked off."""
    about = getattr(run, "provenance", {}).get("dataset", {})
    trunk = getattr(run, "provenance", {}).get("fork", "")
    return run.config.key(), about.get("fingerprint", about.get("sha256")), str(trunk)


def fork_flags(parser: Parser) -> None:
    """A run, the epoch to go on from, and the settings that change."""
    one_run(parser)
    parser.add_argument("--epoch", metavar="N", type=int, required=True, help="go on from the weights after this epoch")
    changes = parser.add_argument_group("what changes")
    for name, setting in SETTINGS.items():
        if name not in (*OF_THE_TRUNK, "output_dir"):
            add_setting(changes, name, setting, setting.text, OLDER.get(name))


def fork(given) -> int:
    """Train on from an epoch of a run with other settings, in a folder beside it."""
    from ..study.folders.outputs import fresh_folder

    path, run = open_run(given)
    texts = {name: text for name, text in vars(given).items() if name in SETTINGS and name != "output_dir" and text is not None}
    settings = {name: typed(name, SETTINGS[name], text) for name, text in texts.items()}
    folder = fresh_folder(place(given.output_dir), f"{path.name}_from_{given.epoch}")
    try:
        branch = run.fork(given.epoch, save_to=folder, **settings)
    finally:
        with suppress(OSError):
            folder.rmdir()  # where nothing was begun
    report(branch, folder)
    tell(f"beside the run: icon-nb compare {shlex.join(map(str, (path, folder)))}")
    return CODES[branch.status]


def probe(given) -> int:
    """Probe a run, print the scores, and keep them with the run."""
    from ..study.folders.store import save

    path, run = open_run(given)
    run.__dict__.pop("probes", None)
    if not run.probes:
        raise ConfigError(f"{path} {NOTHING_TO_PROBE}")
    tell(probe_table(run.probes))
    save(run, path, overwrite=True)
    return 0


def probe_table(probes: Mapping[str, Mapping]):
    """Linear probe and kNN of the trained embedding, the untrained one, and the raw inputs."""
    from ..evaluation.scores import FEW_POINTS
    from ..study.table import Table

    about = probes["about"]
    turns = ", five times in turn" if about["n_points"] <= FEW_POINTS else ""
    seen = "held out from training" if about["held_out"] else "that were trained on: there are no held-out ones"
    rows = tuple({"embedding": name, **scores} for name, scores in probes.items() if name != "about")
    note = f"On {about['n_points']:,} points {seen}; 80 % to fit, 20 % to test{turns}."
    return Table(("embedding", "linear_probe", "knn"), rows, (note,))
