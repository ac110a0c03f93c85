"""The command line: the same runs as in a notebook, saved. Loads torch only once there is something to train."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .config import SETTINGS, Config, settings_from_json
from .errors import ConfigError, IconError
from .flags import build_parser, parse
from .recipes import RECIPES, recipe

COMMANDS = {"recipes": "list the recipes, a line each"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 when a run failed, 2 for a bad request, 130 when interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser(**COMMANDS)
    try:
        if argv[:1] == ["recipes"]:
            return list_recipes()
        given = parse(parser, argv)
        configs = configs_from(given)
    except (ConfigError, IconError) as error:
        parser.error(str(error))
    stop_politely()
    return run_all(configs, given.get("resume"))


def list_recipes() -> int:
    """Print every recipe with the question that it answers."""
    for name, each in RECIPES.items():
        print(f"{name:<28} {each.question}")
    return 0


def configs_from(given: Mapping[str, object]) -> tuple[Config, ...]:
    """The resolved configs that the flags ask for; method defaults < recipe < file < flag."""
    flags = {name: value for name, value in given.items() if name in SETTINGS}
    layers = [("flag", flags)]
    if "resume" in given:
        layers.insert(0, ("resumed run", read_settings(str(Path(given["resume"]) / "config.json"))))
    if "config" in given:
        layers.insert(0, (f"file {given['config']}", read_settings(given["config"])))
    if "recipe" in given:
        return tuple(config.resolve() for config in recipe(given["recipe"], layers=layers))
    return (Config.from_layers(*layers).resolve(),)


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
            print("icon-nb: interrupted", file=sys.stderr)
            return 130
        if codes[-1] == 130:
            return 130
    return max(codes)


def run_one(config: Config, resume: str | None = None) -> int:
    """Print what will be run, run it, and write what it leaves."""
    from .outputs import new_folder
    from .runs import run_into, start

    session = start(config)
    if not session.config.quiet:
        print(describe(session.config), flush=True)
    folder = Path(resume) if resume else new_folder(session.config, time.strftime("%Y%m%d-%H%M%S"))
    results = run_into(folder, session, bool(resume), None, None)
    print(f"{results.summary()}\nsaved in {folder}")
    return 130 if results.status == "interrupted" else 0


def stop_politely() -> None:
    """Let a request to terminate end a run as an interrupt does: with what there is so far."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
