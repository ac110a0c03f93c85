"""Runs from the command line: each trained into a folder of its own; and saved ones listed, shown, compared, forked and drawn."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from ..animation.options import OPTIONS
from ..errors import ConfigError, IconError, LoadError, TrainingError, demand, nearest
from ..evaluation.scores import FEW_POINTS
from ..files import LARGEST_TEXT, place, read
from ..methods.catalogue import runs_code
from ..methods.config import SETTINGS, Config
from ..study import run as runner
from ..study import sweep
from ..study.comparison import Comparison, Failure, load
from ..study.folders import outputs
from ..study.folders.store import CHECKPOINTS, save
from ..study.results import Results
from ..study.table import Table
from ..training import ranks
from .flags import spelt, tell, typed

NOTHING_TO_PROBE = "holds a run on data without labels, or with one class or none of two points: nothing to probe"
CODES = {"complete": 0, "failed": 1, "interrupted": 130}


def describe(config: Config) -> str:
    """Every setting of a resolved config with its value and where it came from, under a heading."""
    values = {name: spelt(value) for name, value in config.to_dict().items()}
    width, column, said = max(map(len, values)), min(32, max(map(len, values.values()))), config.sources
    lines = (f"  {name:<{width}}  {text:<{column}}  {spelt(said.get(name, 'default'))}" for name, text in values.items())
    return "\n".join(["FINAL RESOLVED CONFIGURATION", *lines])


def run_one(config: Config, resume: str | None = None) -> int:
    try:
        return next(one_by_one([config], resume))[2]
    except KeyboardInterrupt:
        say(f"interrupted; {go_on(config)}")
        return 130


def join_run(configs: Sequence[Config], resume: str | None) -> int:
    """Train one config on all the processes that ``torchrun`` started; the first one writes what it leaves."""
    rank = ranks.join()
    if len(configs) > 1 or resume:
        return complain(ConfigError("torchrun trains one new run on several processes: leave out --recipe, --sweep and --resume"))
    if not rank:
        return run_one(configs[0])
    try:
        helping = configs[0].replace(quiet=True, record_every=configs[0].epochs, max_points=2, log_to=None)
        return CODES[runner.run(helping).status]
    except IconError:
        return 1  # the first process says it
    except KeyboardInterrupt:
        return 130


def compare_all(configs: Sequence[Config], title: str, compared: Sequence[str], n: int | None) -> int:
    """Run and save every config, and compare them in a folder of their own; one that fails does not stop the others."""
    done, codes = [], []
    try:
        outputs.fresh_folder(place(configs[0].output_dir), ".room").rmdir()  # it can be written, before anything is trained
        for outcome, folder, code in one_by_one(configs) if n is None else in_processes(configs, n):
            done.append((outcome, folder))
            codes.append(code)
    except KeyboardInterrupt:
        say(f"interrupted, {len(done)} of {len(configs)} runs finished; {go_on(configs[0])}")
        codes.append(130)
    except IconError as error:
        codes.append(complain(error))
    if done:
        codes.append(write_comparison_of(done, title, compared, interrupted=130 in codes))
    return max(codes)


def one_by_one(configs: Sequence[Config], resume: str | None = None) -> Iterator[tuple]:
    """Run the configs here, and say what is run: yields each outcome, its folder or None, and its exit code."""
    for config in configs:
        try:
            session = runner.start(config)
            folder = Path(resume) if resume else outputs.new_folder(session.config)
            if not session.config.quiet:
                tell(describe(session.config))
            results = runner.train_in_folder(folder, session, resume=bool(resume))
        except IconError as error:
            if not isinstance(error, TrainingError) or error.results is None:
                yield Failure(config, str(error)), None, complain(error)
                continue
            say(error)
            results = error.results  # saved already, up to the last good epoch
        report(results, folder)
        yield results, folder, CODES[results.status]
        if results.status == "interrupted":
            return


def in_processes(configs: Sequence[Config], n: int) -> Iterator[tuple]:
    """The same in so many processes at once, each of which writes its runs as a single one is written, checkpoints and all."""
    if not configs[0].quiet:
        tell("\n".join(describe(config) for config in configs))
    folders = {}
    for config in configs:
        try:
            folders[config] = outputs.new_folder(config)
        except IconError as error:
            yield Failure(config, str(error)), None, complain(error)
    try:
        for config, outcome in sweep.train_each(list(folders), workers=n, folders=folders):
            folder = folders[config]
            begun = isinstance(outcome, Failure) and (folder / CHECKPOINTS).exists()
            if outcome.error:
                say(outcome.error + (f"; icon-nb --resume {shlex.quote(str(folder))} goes on with it" if begun else ""))
            if isinstance(outcome, Failure):
                folder = None
            else:
                report(outcome, folder)
            yield outcome, folder, CODES[outcome.status]
    finally:
        for folder in folders.values():
            with suppress(OSError):
                folder.rmdir()  # where nothing was begun


def report(results, folder: Path) -> None:
    tell(f"{results.summary()}\n{results.diagnosis}\nsaved in {folder}\n{results.next_step.for_shell(folder)}")


def write_comparison_of(done, title: str, compared: Sequence[str], interrupted: bool) -> int:
    outcomes, folders = zip(*done)
    study, config = Comparison(outcomes, title, tuple(compared), interrupted), outcomes[0].config
    drawn = {"viz": config.viz, "gif": config.save_epoch_gifs}
    try:
        folder = outputs.write_comparison(study, place(config.output_dir), folders=folders, **drawn)
    except IconError as error:
        tell(study, "stderr")
        return complain(error)
    except KeyboardInterrupt:
        runs = shlex.join(str(each) for each in folders if each is not None)
        say(f"interrupted while the comparison was written; the runs are saved: icon-nb compare {runs} writes it")
        return 130
    tell(f"{study}\nsaved in {folder}\n{study.next_step.for_shell(folder)}")
    return 0


def go_on(config: Config) -> str:
    where = "" if config.output_dir == Config().output_dir else f" --output_dir {shlex.quote(config.output_dir)}"
    return f"icon-nb runs{where} lists what has begun, icon-nb --resume RUN goes on with it"


def say(words: object) -> None:
    tell(f"icon-nb: {words}", "stderr")


def complain(error: IconError) -> int:
    """Tell a person of an error; returns the exit code that goes with it."""
    say(error)
    return 2 if isinstance(error, ConfigError) else 1


# What can be done with saved runs


def find(name: str, output_dir: str) -> Path:
    """The folder of a run that is named by its path, or by its name in the folder of the runs."""
    folder = place(output_dir, LoadError)
    for path in (place(name, LoadError), place(folder / name, LoadError)):
        if path.is_dir():
            return path
    there = sorted(path.name for path in folder.glob("*") if path.is_dir())
    hint = nearest(name, there) if there else f"there are no runs in {output_dir!r}"
    raise LoadError(f"{name!r} is not the folder of a run: {hint}")


def open_run(given):
    """The folder and the run that are asked for; a comparison is refused."""
    path = find(given.run, given.output_dir)
    run = load(path, trust_code=given.trust_code)
    demand(isinstance(run, Results), f"{path} is a comparison: give one of its runs", LoadError)
    return path, run


def list_runs(given) -> None:
    folders = sorted(path for path in place(given.output_dir, LoadError).glob("*") if path.is_dir())
    found = filter(None, map(brief, folders))
    rows = [{name: spelt(value) if isinstance(value, str) else value for name, value in row.items()} for row in found]
    table = Table(("run", "dataset", "method", "epochs", "loss", "knn_accuracy", "status"), tuple(rows))
    tell(table if rows else f"there are no runs in {given.output_dir!r}")


def brief(folder: Path) -> dict[str, object] | None:
    """What a folder holds, read from its JSON files alone; None where it holds nothing of ours."""
    if os.path.exists(folder / "comparison.json"):
        study = _json(folder / "comparison.json")
        runs = study.get("runs")
        n = len(runs) if isinstance(runs, list) else 0
        return {"run": folder.name, "method": study.get("title"), "status": f"comparison of {n} run{'s' * (n != 1)}"}
    config, mark = _json(folder / "config.json"), _json(folder / "metrics.json")
    if not config:
        return None
    final, status = mark.get("final"), mark.get("status") or "not finished"
    final = final if isinstance(final, dict) else {}
    row = {"run": folder.name, "dataset": config.get("dataset"), "method": config.get("method") or "composed", "status": status}
    return row | {"epochs": final.get("epoch"), "loss": final.get("loss"), "knn_accuracy": final.get("knn_accuracy")}


def _json(path: Path) -> dict:
    try:
        content = json.loads(read(path, LARGEST_TEXT))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def show(given) -> None:
    path = find(given.run, given.output_dir)
    run = load(path, trust_code=given.trust_code)
    if isinstance(run, Comparison):
        return tell(f"{run}\n{run.next_step.for_shell(path)}")
    tell(describe(run.config))
    tell(f"\n{run.summary()}\n{run.diagnosis}\n{run.next_step.for_shell(path)}")
    if run.error:
        tell(f"error: {run.error}")
    versions = ", ".join(f"{name} {version}" for name, version in run.provenance["versions"].items())
    tell(f"{run.provenance['started']}, {run.provenance['seconds']} s on {run.provenance['device']}: {versions}")
    if "probes" not in run.__dict__ and run.withheld:
        tell(f"no probes: {run.withheld}")
    elif run.__dict__.get("probes") or run.trust_code and runs_code(run.config.dataset):
        tell(probe_table(run.probes) if run.probes else f"no probes: {path} {NOTHING_TO_PROBE}")
    tell("files: " + ", ".join(sorted(each.name for each in path.iterdir())))


def compare(given) -> None:
    loaded = [load(find(name, given.output_dir), trust_code=given.trust_code) for name in given.runs]
    every = [run for each in loaded for run in getattr(each, "runs", (each,))]
    runs = {_identity(run): run for run in every}  # the same run may be named twice
    demand(len(runs) > 1, f"{', '.join(given.runs)}: nothing to compare with; name two different runs")
    study = Comparison(tuple(runs.values()), "comparison")
    folder = outputs.write_comparison(study, place(given.output_dir), viz=given.viz, gif=given.viz)
    tell(f"{study}\nsaved in {folder}\n{study.next_step.for_shell(folder)}")


def _identity(run) -> tuple[str, ...]:
    """The settings of a run, the contents of its data, which may be in a file that was written anew, and where it forked off."""
    told = getattr(run, "provenance", {})
    data = told.get("dataset", {})
    return run.config.key(), str(data.get("fingerprint", data.get("sha256"))), str(told.get("fork", ""))


def fork(given) -> int:
    path, run = open_run(given)
    changes = {name: text for name, text in vars(given).items() if name in SETTINGS and name != "output_dir" and text is not None}
    settings = {name: typed(name, SETTINGS[name], text) for name, text in changes.items()}
    folder = outputs.fresh_folder(place(given.output_dir), f"{path.name}_from_{given.epoch}")
    try:
        branch = run.fork(given.epoch, save_to=folder, **settings)
    finally:
        with suppress(OSError):
            folder.rmdir()  # where nothing was begun
    report(branch, folder)
    tell(f"beside the run: icon-nb compare {shlex.join(map(str, (path, folder)))}")
    return CODES[branch.status]


def write_player(given) -> None:
    path = find(given.run, given.output_dir)
    target = place(given.out or path / "player.html")
    tell(f"saved in {load(path, trust_code=given.trust_code).player().save(target)}: open it in a browser")


def probe(given) -> None:
    path, run = open_run(given)
    run.__dict__.pop("probes", None)
    demand(run.probes, f"{path} {NOTHING_TO_PROBE}")
    tell(probe_table(run.probes))
    save(run, path, overwrite=True)


def probe_table(probes: Mapping[str, Mapping]) -> Table:
    """Linear probe and kNN of the trained embedding, the untrained one, and the raw inputs."""
    about, rows = probes["about"], tuple({"embedding": name, **scores} for name, scores in probes.items() if name != "about")
    turns = ", five times in turn" if about["n_points"] <= FEW_POINTS else ""
    seen = "held out from training" if about["held_out"] else "that were trained on: there are no held-out ones"
    note = f"On {about['n_points']:,} points {seen}; 80 % to fit, 20 % to test{turns}."
    return Table(("embedding", "linear_probe", "knn"), rows, (note,))


# The animation of a run, drawn anew


def _pair(text: str) -> tuple:
    return tuple(float(part) if "." in part else int(part) for part in re.split("[x,]", text))


READ = {
    "overlay": lambda text: text.replace(",", "+"),
    "highlight": lambda text: text.split(","),
    "fit_on": lambda text: int(text) if text.isdecimal() else text,
    "seed": int,
    "tween": lambda text: text if text == "auto" else int(text),
    "size": lambda text: text if text.endswith("mm") else _pair(text),
    "camera": _pair,
}
"""How a text becomes the value of an option of an animation that is more than a text or a number."""


def animate(given) -> None:
    """Draw the animation of a run anew: beside the one that is there, or with ``--replace`` in its place, frames and all."""
    demand(not (given.out and given.replace), "--out names a file and --replace the run's own animation: give one of them")
    path, run = open_run(given)
    animation = run.animate(**_drawing(given))
    number = "" if given.replace else free_number(path)
    target, frames = place(given.out or path / f"training_dynamics{number}.gif"), path / f"epoch_frames{number}"
    demand(not frames.is_symlink(), f"{frames} is a link to another folder, whose files would be replaced: remove it")
    said = "replaced" if target.exists() else "saved in"
    tell(f"{animation!r}\n{said} {animation.save(target)}")
    if given.frames or given.replace and frames.is_dir():
        said = "replaced" if frames.exists() else "saved in"
        drawn = animation.save_frames(frames, untrained=False)
        for old in frames.glob("epoch_*.png"):  # those of an older drawing go, also of epochs that are not shown any more
            if old not in drawn and re.fullmatch(r"epoch_\d+\.png", old.name):
                old.unlink()
        tell(f"{said} {frames}")


def _drawing(given) -> dict[str, object]:
    options = {}
    for name, setting in OPTIONS.items():
        text = getattr(given, name, None)
        try:
            if text is not None:
                options[name] = READ[name](text) if name in READ else typed(name, setting, text)
        except ValueError:
            raise ConfigError(f"{name}={text!r} cannot be read: see icon-nb animate --help") from None
    return options


def free_number(folder: Path) -> str:
    """What stands behind the names of the next animation in a folder and of its frames: nothing, then _2, _3 and so on."""
    for k in count(1):
        number = f"_{k}" if k > 1 else ""
        if not any(os.path.lexists(folder / name) for name in (f"training_dynamics{number}.gif", f"epoch_frames{number}")):
            return number
