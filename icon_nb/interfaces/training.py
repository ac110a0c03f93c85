"""Training from the command line: every run in a folder of its own, a comparison beside them, and an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError, IconError, TrainingError
from ..files import place
from ..methods.config import Config
from ..study import run, sweep
from ..study.comparison import Comparison, Failure
from ..study.folders import outputs
from ..training import ranks
from .flags import spelt, tell

CODES = {"complete": 0, "failed": 1, "interrupted": 130}
GO_ON = "icon-nb runs lists what has begun, icon-nb --resume RUN goes on with it"


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
        say(f"interrupted; {GO_ON}")
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
        return CODES[run.run(helping).status]
    except IconError:
        return 1  # the first process says it
    except KeyboardInterrupt:
        return 130


def compare_all(configs: Sequence[Config], title: str, compared: Sequence[str], n: int | None) -> int:
    """Run and save every config, and compare them in a folder of their own; one that fails does not stop the others."""
    done, codes = [], []
    try:
        outputs.check_room(configs[0])
        for outcome, folder, code in one_by_one(configs) if n is None else in_processes(configs, n):
            done.append((outcome, folder))
            codes.append(code)
    except KeyboardInterrupt:
        say(f"interrupted, {len(done)} of {len(configs)} runs finished; {GO_ON}")
        codes.append(130)
    except IconError as error:
        codes.append(complain(error))
    if done:
        codes.append(write_comparison_of(done, title, compared, interrupted=130 in codes))
    return max(codes)


def one_by_one(configs: Sequence[Config], resume: str | None = None) -> Iterator[tuple]:
    """Run the configs here: yields each outcome, its folder or None, and its exit code."""
    for config in configs:
        try:
            results, folder = trained(config, resume)
        except IconError as error:
            yield Failure(config, str(error)), None, complain(error)
            continue
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
            folder = None if isinstance(outcome, Failure) else folders[config]
            if outcome.error:
                say(outcome.error)
            if folder is not None:
                report(outcome, folder)
            yield outcome, folder, CODES[outcome.status]
    finally:
        for folder in folders.values():
            with suppress(OSError):
                folder.rmdir()  # where nothing was begun


def trained(config: Config, resume: str | None = None):
    """Print what will be run, run it, and write what it leaves: the results, and their folder."""
    session = run.start(config)
    folder = Path(resume) if resume else outputs.new_folder(session.config)
    if not session.config.quiet:
        tell(describe(session.config))
    try:
        results = run.train_in_folder(folder, session, resume=bool(resume))
    except TrainingError as error:
        if error.results is None:
            raise
        say(error)
        results = error.results  # saved already, up to the last good epoch
    report(results, folder)
    return results, folder


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


def say(words: object) -> None:
    tell(f"icon-nb: {words}", "stderr")


def complain(error: IconError) -> int:
    """Tell a person of an error; returns the exit code that goes with it."""
    say(error)
    return 2 if isinstance(error, ConfigError) else 1
