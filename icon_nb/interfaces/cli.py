"""The command line: the same runs as in a notebook, saved. Loads torch only once there is something to train."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import ConfigError, DataError, IconError, demand, printable
from ..files import LARGEST_TEXT, place, read
from ..methods.catalogue import not_run, runs_code
from ..methods.config import SETTINGS, Config
from ..methods.recipes import RECIPES, grid, recipe
from ..methods.settings import read_json
from .commands import COMMANDS, older_spelling, run_command
from .flags import LOST, build_parser, parse, values_of, workers_of


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 when something failed, 2 for a bad request, 130 when interrupted."""
    LOST.clear()
    return answer(argv) or len(LOST)


def answer(argv: Sequence[str] | None = None) -> int:
    """Do what is asked for; returns the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser({f"{name} {command.takes}".strip(): command.about for name, command in COMMANDS.items()})
    try:
        if argv and argv[0] in COMMANDS:
            return run_command(argv[0], argv[1:])
        given = parse(parser, argv)
        if "resume" in given:
            from .saved import find

            given["resume"] = str(find(given["resume"], given.get("output_dir", Config().output_dir)))
        if (done := older_spelling(given)) is not None:
            return done
        configs, title, compared = configs_from(given)
        check_trust(given, configs)
        workers = workers_of(given)
    except IconError as error:
        parser.error(printable(error))
    if threading.current_thread() is threading.main_thread():  # a request to terminate ends a run as an interrupt does
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    from .training import compare_all, join_run, ranks, run_one  # loads torch

    if ranks.started():
        return join_run(configs, given.get("resume"))
    if len(configs) == 1:
        return run_one(configs[0], given.get("resume"))
    return compare_all(configs, title, compared, workers)


def configs_from(given: Mapping[str, object]) -> tuple[tuple[Config, ...], str, tuple[str, ...]]:
    """The resolved configs that the flags ask for (defaults < recipe < file < flag), their title, and what is compared."""
    flags = {name: value for name, value in given.items() if name in SETTINGS}
    layers = [("flag", flags)]
    if "resume" in given:
        kept, told = read_settings(str(Path(given["resume"]) / "config.json")), sources_of(given["resume"])
        layers = [(told.get(name, "resumed run"), {name: value}) for name, value in kept.items()] + layers
    if "config" in given:
        layers.insert(0, (f"file {given['config']}", read_settings(given["config"])))
    varied = values_of(given)
    if len([name for name in ("recipe", "resume") if name in given]) + bool(varied) > 1:
        raise ConfigError("--recipe, --resume and --sweep (or --ablate_embedding_dim) each say what is run: give one of them")
    if "recipe" in given:
        configs, title = recipe(given["recipe"], layers=layers), given["recipe"]
        return tuple(config.resolve() for config in configs), title, RECIPES[title].compared
    for name in varied:
        demand(name not in flags, f"{name} is varied by --sweep: leave out --{name}")
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
        if runs_code(config.dataset):
            raise DataError(not_run(config.dataset, f"give --trust-code, or type it: --dataset {config.dataset}"))


def sources_of(run: str) -> dict[str, str]:
    """Where the settings of a saved run came from, as far as its folder says so."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads(read(Path(run) / "provenance.json", LARGEST_TEXT))["sources"]
        return {name: source for name, source in told.items() if isinstance(source, str)} if isinstance(told, dict) else {}
    return {}


def read_settings(path: str) -> dict[str, object]:
    try:
        text = read(place(path, ConfigError), LARGEST_TEXT).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config={path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return read_json(text, path, SETTINGS)
