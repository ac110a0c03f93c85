"""The subcommands, which work on saved runs: nothing here trains. Loads torch only where a run is opened."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path

from ..errors import ConfigError, LoadError, demand, nearest
from ..methods.catalogue import runs_code
from ..methods.config import SETTINGS, Config
from .flags import STUDY, Parser
from .training import describe

COMMANDS = {
    "recipes": "list the recipes, a line each",
    "runs": "list the saved runs",
    "show": "show what a saved run or comparison was, and what came of it",
    "compare": "put saved runs side by side: a table, an animation, curves",
    "probe": "probe a saved run on held-out data",
    "animate": "draw the animation of a saved run anew, without training",
}


def run_command(name: str, argv: Sequence[str]) -> int:
    """Do what ``icon-nb NAME ...`` asks for; returns the exit code."""
    parser = Parser(prog=f"icon-nb {name}", description=COMMANDS[name], allow_abbrev=False)
    parser.add_argument("--output_dir", "--output-dir", default=Config().output_dir, metavar="DIR", help="folder of the runs")
    flags, action = ACTIONS[name]
    flags(parser)
    return action(parser.parse_args(list(argv)))


def find(name: str, output_dir: str) -> Path:
    """The folder of a run that is named by its path, or by its name in the folder of the runs.

    Raises
    ------
    LoadError
        There is none; names the nearest.
    """
    for path in (Path(name), Path(output_dir) / name):
        if path.is_dir():
            return path
    there = sorted(path.name for path in Path(output_dir).glob("*") if path.is_dir()) if Path(output_dir).is_dir() else []
    hint = nearest(name, there) if there else f"there are no runs in {output_dir!r}"
    raise LoadError(f"{name!r} is not the folder of a run: {hint}")


# runs


def list_runs(given) -> int:
    """A line for every folder: what was run, and what came of it."""
    from ..study.table import Table

    folders = sorted(path for path in Path(given.output_dir).glob("*") if path.is_dir())
    rows = [row for row in map(brief, folders) if row is not None]
    if not rows:
        print(f"there are no runs in {given.output_dir!r}")
        return 0
    print(Table(("run", "dataset", "method", "epochs", "loss", "knn", "status"), tuple(rows)))
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
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


# show


def show(given) -> int:
    """Everything that is known about a run, or the table of a comparison."""
    from ..study.comparison import Comparison
    from ..study.load import load

    path = find(given.run, given.output_dir)
    run = load(path, trust_code=given.trust_code)
    if isinstance(run, Comparison):
        print(run)
        return 0
    print(describe(run.config.replace_sources(run.provenance.get("sources") or {})))
    print(f"\n{run.summary()}\n{run.diagnosis}")
    if run.error:
        print(f"error: {run.error}")
    versions = ", ".join(f"{name} {version}" for name, version in run.provenance["versions"].items())
    print(f"{run.provenance['started']}, {run.provenance['seconds']} s on {run.provenance['device']}: {versions}")
    _print_probes(run, path)
    print("files: " + ", ".join(sorted(each.name for each in path.iterdir())))
    return 0


def _print_probes(run, path: Path) -> None:
    """The probes that a run was saved with, and those that only its trusted code can bring; or what is missing for them."""
    if "probes" not in run.__dict__ and run.withheld:
        print(f"no probes: {run.withheld}")
    elif run.__dict__.get("probes") or run.trust_code and runs_code(run.config.dataset):
        print(probe_table(run.probes) if run.probes else f"no probes: {path} {NOTHING_TO_PROBE}")


# compare


def compare(given) -> int:
    """Write the comparison of saved runs beside them, and print its table."""
    from ..study.comparison import Comparison
    from ..study.folders.outputs import write_comparison
    from ..study.load import load

    paths = [find(name, given.output_dir) for name in given.runs]
    # the same run may be named twice
    runs = {_identity(each): each for path in paths for each in _runs_in(load(path, trust_code=given.trust_code))}
    if len(runs) < 2:
        raise ConfigError(f"{', '.join(given.runs)}: nothing to compare with; name two different runs")
    study = Comparison(tuple(runs.values()), "comparison")
    folder = write_comparison(study, Path(given.output_dir), time.strftime("%Y%m%d-%H%M%S"), viz=given.viz, gif=given.viz)
    print(f"{study}\nsaved in {folder}")
    return 0


def _identity(run) -> tuple[str, str | None]:
    """The settings of a run, and the contents of its data, which may be in a file that was written anew between two runs."""
    about = getattr(run, "provenance", {}).get("dataset", {})
    return run.config.key(), about.get("fingerprint", about.get("sha256"))


def _runs_in(loaded) -> Sequence:
    return loaded.runs if hasattr(loaded, "runs") else (loaded,)


# probe


NOTHING_TO_PROBE = "holds a run on data without labels, or with one class or none of two points: nothing to probe"


def probe(given) -> int:
    """Probe a run, print the scores, and keep them with the run."""
    from ..study.folders.store import save

    path, run = _open(given)
    run.__dict__.pop("probes", None)
    if not run.probes:
        raise ConfigError(f"{path} {NOTHING_TO_PROBE}")
    print(probe_table(run.probes))
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


def _open(given):
    from ..study.load import load
    from ..study.results import Results

    path = find(given.run, given.output_dir)
    run = load(path, trust_code=given.trust_code)
    if not isinstance(run, Results):
        raise LoadError(f"{path} is a comparison: give one of its runs")
    return path, run


# animate


def animate(given) -> int:
    """Draw the animation of a run anew: beside the one that is there, or with ``--replace`` in its place, frames and all."""
    demand(not (given.out and given.replace), "--out names a file and --replace the run's own animation: give one of them")
    path, run = _open(given)
    options = {name: value for name, value in vars(given).items() if name in _OPTIONS}
    animation = run.animate(**options)
    number = "" if given.replace else free_number(path)
    target, frames = Path(given.out or path / f"training_dynamics{number}.gif"), path / f"epoch_frames{number}"
    said = "replaced" if target.exists() else "saved in"
    print(f"{animation!r}\n{said} {animation.save(target)}")
    if given.frames or given.replace and frames.is_dir():
        said = "replaced" if frames.exists() else "saved in"
        _draw_frames(animation, frames)
        print(f"{said} {frames}")
    return 0


def free_number(folder: Path) -> str:
    """What stands behind the names of the next animation in a folder and of its frames: nothing, then _2, _3 and so on."""
    numbers = chain([""], (f"_{k}" for k in count(2)))
    names = ((number, (f"training_dynamics{number}.gif", f"epoch_frames{number}")) for number in numbers)
    return next(number for number, both in names if not any(os.path.lexists(folder / name) for name in both))


def _draw_frames(animation, folder: Path) -> None:
    """One picture for every trained epoch shown; those of an older drawing go, also of epochs that are not shown any more."""
    drawn = animation.save_frames(folder, untrained=False)
    for path in folder.glob("epoch_*.png"):
        if path not in drawn and re.fullmatch(r"epoch_\d+\.png", path.name):
            path.unlink()


_OPTIONS = {
    "projection": str,
    "fps": float,
    "every": int,
    "max_points": int,
    "overlay": lambda text: text.replace(",", "+"),
    "style": str,
    "dpi": float,
    "tween": int,
    "hold": float,
    "title": str,
    "seed": int,
}


def _animate_flags(parser: Parser) -> None:
    from argparse import SUPPRESS

    _one_run(parser)
    for name, kind in _OPTIONS.items():
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}", *(f"--{older}" for older in _OLDER.get(name, ()))))
        parser.add_argument(*spellings, type=kind, default=SUPPRESS, metavar="VALUE", help="as in icon_nb.animation.animate")
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="where to write, in place of what is there: .gif, .mp4, .webp, .png, .pdf, .svg; "
        "by default training_dynamics.gif in the folder of the run, or the next free name: training_dynamics_2.gif",
    )
    parser.add_argument("--frames", action="store_true", help="write epoch_frames too, under the same number")
    parser.add_argument("--replace", action="store_true", help="replace training_dynamics.gif, and epoch_frames where they are")


_OLDER = {
    "projection": ("gif_method",),
    "fps": ("gif_fps",),
    "every": ("gif_every",),
    "max_points": ("gif_max_points",),
    "overlay": ("gif_overlay",),
}


def _one_run(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a saved run, or its name")
    _trust_flag(parser)


def _many_runs(parser: Parser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="folders of saved runs or comparisons, or their names")
    parser.add_argument("--no_viz", "--no-viz", dest="viz", action="store_false", help="the table only")
    _trust_flag(parser)


def _trust_flag(parser: Parser) -> None:
    told = "run the code that a run on dataset custom:FILE.py:NAME names, where scores or probes need its data"
    parser.add_argument("--trust_code", "--trust-code", action="store_true", help=told)


ACTIONS: dict[str, tuple[Callable, Callable]] = {
    "runs": (lambda parser: None, list_runs),
    "show": (_one_run, show),
    "compare": (_many_runs, compare),
    "probe": (_one_run, probe),
    "animate": (_animate_flags, animate),
}


# the older spellings: --regen_gif --load_dir DIR, --probe_only --load_dir DIR


def older_spelling(given: Mapping[str, object]) -> int | None:
    """Do what ``--regen_gif`` and ``--probe_only`` ask for with ``--load_dir``; None where neither is given."""
    asked = [name for name in ("regen_gif", "probe_only") if name in given]
    if not asked and "load_dir" not in given:
        return None
    if not asked or "load_dir" not in given:
        raise ConfigError("--load_dir DIR names a saved run for --regen_gif or --probe_only: give both")
    _check_idle(given)
    code = 0
    for name in asked:
        extra = [f"--output_dir={given['output_dir']}"] if "output_dir" in given else []
        extra += ["--trust-code"] if "trust_code" in given else []
        extra += [] if name == "probe_only" else _animation_flags(given)
        code = max(code, run_command("probe" if name == "probe_only" else "animate", [str(given["load_dir"]), *extra]))
    return code


def _check_idle(given: Mapping[str, object]) -> None:
    """Refuse what would change a run that was trained already."""
    for name, value in given.items():
        if name in (*STUDY, "quiet", "output_dir") or name in SETTINGS and SETTINGS[name].group == "animation":
            continue
        raise ConfigError(f"{name}={value!r} has no effect on the saved run in --load_dir: it is not trained again")


def _animation_flags(given: Mapping[str, object]) -> list[str]:
    named = {older: name for name, names in _OLDER.items() for older in names}
    flags = [f"--{named[name]}={value}" for name, value in given.items() if name in named]
    return [*flags, "--replace", *(["--frames"] if given.get("save_frames") else [])]
