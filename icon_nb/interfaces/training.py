"""Training from the command line: every run in a folder of its own, a comparison beside them, and an exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError, IconError, SaveError, TrainingError
from ..methods.catalogue import runs_code
from ..methods.config import Config

CODES = {"complete": 0, "failed": 1, "interrupted": 130}
GO_ON = "icon-nb runs lists what has begun, icon-nb --resume RUN goes on with it"


def describe(config: Config) -> str:
    """Every setting of a resolved config with its value and where it came from, under a heading."""
    values = config.to_dict()
    width = max(len(name) for name in values)
    worth = {name: str(value) for name, value in values.items()}
    column = min(32, max(len(text) for text in worth.values()))
    lines = [f"  {name:<{width}}  {worth[name]:<{column}}  {config.sources.get(name, 'default')}" for name in values]
    return "\n".join(["FINAL RESOLVED CONFIGURATION", *lines])


def run_all(configs: Sequence[Config], resume: str | None = None) -> int:
    """Run and save every config; a run that fails does not stop the others."""
    codes = []
    for config in configs:
        try:
            codes.append(run_one(config, resume))
        except IconError as error:
            print(f"icon-nb: {error}", file=sys.stderr)
            codes.append(2 if isinstance(error, ConfigError) else 1)
        except KeyboardInterrupt:
            print(f"icon-nb: interrupted; {GO_ON}", file=sys.stderr)
            return 130
        if codes[-1] == 130:
            return 130
    return max(codes)


def run_one(config: Config, resume: str | None = None) -> int:
    """Run one config and write what it leaves; returns the exit code."""
    results, _ = trained(config, resume)
    return CODES[results.status]


def trained(config: Config, resume: str | None = None):
    """Print what will be run, run it, and write what it leaves: the results, and their folder."""
    from ..study.folders.outputs import new_folder
    from ..study.run import start, train_in_folder

    session = start(config)
    if not session.config.quiet:
        print(describe(session.config), flush=True)
    folder = Path(resume) if resume else new_folder(session.config, time.strftime("%Y%m%d-%H%M%S"))
    try:
        results = train_in_folder(folder, session, resume=bool(resume))
    except TrainingError as error:
        if error.results is None:
            raise
        print(f"icon-nb: {error}", file=sys.stderr)
        results = error.results  # saved already, up to the last good epoch
    print(f"{results.summary()}\n{results.diagnosis}\nsaved in {folder}", flush=True)
    if results.status == "interrupted":
        trust = " --trust-code" if runs_code(session.config.dataset) else ""
        print(f"go on with: icon-nb --resume {folder}{trust}", flush=True)
    return results, folder


def compare_all(configs: Sequence[Config], title: str, compared: Sequence[str], workers: int | None) -> int:
    """Run and save every config, and compare them in a folder of their own; one that fails does not stop the others."""
    from ..study.folders.outputs import check_room

    done, codes = [], []
    try:
        check_room(configs[0])
        for outcome, folder, code in one_by_one(configs) if workers is None else in_processes(configs, workers):
            done.append((outcome, folder))
            codes.append(code)
    except KeyboardInterrupt:
        print(f"icon-nb: interrupted, {len(done)} of {len(configs)} runs finished; {GO_ON}", file=sys.stderr)
        codes.append(130)
    except SaveError as error:
        print(f"icon-nb: {error}", file=sys.stderr)
        codes.append(1)
    if done:
        codes.append(write_comparison_of(done, title, compared, interrupted=130 in codes))
    return max(codes)


def one_by_one(configs: Sequence[Config]):
    """Run the configs here: yields each outcome, its folder or None, and its exit code."""
    from ..study.comparison import Failure

    for config in configs:
        try:
            results, folder = trained(config)
        except IconError as error:
            print(f"icon-nb: {error}", file=sys.stderr)
            yield Failure(config, str(error)), None, 2 if isinstance(error, ConfigError) else 1
            continue
        yield results, folder, CODES[results.status]
        if results.status == "interrupted":
            return


def in_processes(configs: Sequence[Config], workers: int):
    """The same in so many processes at once."""
    from ..study.folders.outputs import new_folder, write_run
    from ..study.results import Results
    from ..study.workers import train_each

    if not configs[0].quiet:
        print("\n".join(describe(config) for config in configs), flush=True)
    for config, outcome in train_each(configs, workers=workers):
        if outcome.error:
            print(f"icon-nb: {outcome.error}", file=sys.stderr)
        if not isinstance(outcome, Results):
            yield outcome, None, 1
            continue
        try:
            folder = new_folder(config, time.strftime("%Y%m%d-%H%M%S"))
            write_run(outcome, folder)
        except IconError as error:
            print(f"icon-nb: {error}", file=sys.stderr)
            yield outcome, None, 1
            continue
        print(f"{outcome.summary()}\n{outcome.diagnosis}\nsaved in {folder}", flush=True)
        yield outcome, folder, CODES[outcome.status]


def write_comparison_of(done, title: str, compared: Sequence[str], interrupted: bool) -> int:
    """Compare what was run, in a folder beside the runs; returns the exit code."""
    from ..study.comparison import Comparison
    from ..study.folders.outputs import write_comparison

    study = Comparison([outcome for outcome, _ in done], title, tuple(compared), interrupted)
    config = study[0].config
    options = {"folders": [folder for _, folder in done], "viz": config.viz, "gif": config.save_epoch_gifs}
    try:
        folder = write_comparison(study, Path(config.output_dir), time.strftime("%Y%m%d-%H%M%S"), **options)
    except IconError as error:
        print(f"{study}\nicon-nb: {error}", file=sys.stderr)
        return 1
    print(f"{study}\nsaved in {folder}")
    return 0
