"""The command line: the same runs as in a notebook, saved. Loads torch only once there is something to train."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import ConfigError, DataError, IconError, SaveError, TrainingError
from ..methods.catalogue import CODE, not_run
from ..methods.config import SETTINGS, Config, settings_from_json
from ..methods.recipes import RECIPES, grid, recipe
from .commands import COMMANDS, find, older_spelling, run_command
from .flags import build_parser, parse, values_of, workers_of

CODES = {"complete": 0, "failed": 1, "interrupted": 130}


GO_ON = "icon-nb runs lists what has begun, icon-nb --resume RUN goes on with it"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 when a run failed, 2 for a bad request, 130 when interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(**COMMANDS)
    try:
        if argv[:1] == ["recipes"]:
            return list_recipes()
        if argv and argv[0] in COMMANDS:
            return run_command(argv[0], argv[1:])
        given = parse(parser, argv)
        if "resume" in given:
            given["resume"] = str(find(given["resume"], given.get("output_dir", Config().output_dir)))
        done = older_spelling(given)
        if done is not None:
            return done
        configs, title, compared = configs_from(given)
        check_trust(given, configs)
        workers = workers_of(given)
    except IconError as error:
        parser.error(str(error))
    stop_politely()
    if len(configs) == 1:
        return run_all(configs, given.get("resume"))
    return compare_all(configs, title, compared, workers)


def list_recipes() -> int:
    """Print every recipe with the question that it answers."""
    for name, each in RECIPES.items():
        print(f"{name:<28} {each.question}")
    return 0


def configs_from(given: Mapping[str, object]) -> tuple[tuple[Config, ...], str, tuple[str, ...]]:
    """The resolved configs that the flags ask for, with the title and the settings of their comparison.

    Method defaults < recipe < file < flag.
    """
    flags = {name: value for name, value in given.items() if name in SETTINGS}
    layers = [("flag", flags)]
    if "resume" in given:
        layers.insert(0, ("resumed run", read_settings(str(Path(given["resume"]) / "config.json"))))
    if "config" in given:
        layers.insert(0, (f"file {given['config']}", read_settings(given["config"])))
    varied = values_of(given)
    if len([name for name in ("recipe", "resume") if name in given]) + bool(varied) > 1:
        raise ConfigError("--recipe, --resume and --sweep (or --ablate_embedding_dim) each say what is run: give one of them")
    if "recipe" in given:
        configs, title = recipe(given["recipe"], layers=layers), given["recipe"]
        return tuple(config.resolve() for config in configs), title, RECIPES[title].compared
    for name in varied:
        if name in flags:
            raise ConfigError(f"{name} is varied by --sweep: leave out --{name}")
    configs = grid(Config.from_layers(*layers), varied)
    return tuple(config.resolve() for config in configs), f"sweep of {', '.join(varied)}", tuple(varied)


def check_trust(given: Mapping[str, object], configs: Sequence[Config]) -> None:
    """Refuse code that only a file names as the data, unless ``--trust-code`` was given; what a person types runs."""
    from_file = [name for name in ("resume", "config") if name in given]
    if "trust_code" in given and not from_file:
        raise ConfigError("--trust-code has no effect without --resume, --config or --load_dir: what you type is run as it is")
    if "trust_code" in given or "dataset" in given or "dataset" in values_of(given):
        return
    for config in configs:
        if config.dataset.startswith(CODE):
            raise DataError(not_run(config.dataset, f"give --trust-code, or type it: --dataset {config.dataset}"))


def read_settings(path: str) -> dict[str, object]:
    """The settings of a JSON file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config={path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return settings_from_json(text, path)


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
    from ..study.run import run_into, start

    session = start(config)
    if not session.config.quiet:
        print(describe(session.config), flush=True)
    folder = Path(resume) if resume else new_folder(session.config, time.strftime("%Y%m%d-%H%M%S"))
    try:
        results = run_into(folder, session, bool(resume), None, None)
    except TrainingError as error:
        if error.results is None:
            raise
        print(f"icon-nb: {error}", file=sys.stderr)
        results = error.results  # saved already, up to the last good epoch
    print(f"{results.summary()}\n{results.diagnosis}\nsaved in {folder}", flush=True)
    if results.status == "interrupted":
        trust = " --trust-code" if session.config.dataset.startswith(CODE) else ""
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
    from ..study.sweep import run_each

    if not configs[0].quiet:
        print("\n".join(describe(config) for config in configs), flush=True)
    for config, outcome in run_each(configs, workers):
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


def stop_politely() -> None:
    """Let a request to terminate end a run as an interrupt does: with what there is so far."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
