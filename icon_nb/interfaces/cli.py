"""The command line: the same runs as in a notebook, saved, and the commands. Loads torch only where something is trained."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name

from ..errors import ConfigError, DataError, IconError, SaveError, demand, printable
from ..files import LARGEST_TEXT, place, read, write_whole
from ..methods.catalogue import DATASETS, SOURCES, not_run, runs_code
from ..methods.config import OF_THE_TRUNK, SETTINGS, Config
from ..methods.methods import METHODS
from ..methods.periodic import Atlas
from ..methods.recipes import LEDGER, RECIPES, grid, recipe
from ..methods.settings import read_json
from .flags import LOST, OLDER, STUDY, TABLES, Parser, add_flag, add_setting, build_parser, parse, tell, values_of, workers_of

PACKAGE = Path(__file__).resolve().parents[1]
NOT_DRAWN = ("forces", "own_scale", "inline_limit")
"""Options of an animation that a shell cannot give, or that have no effect on the file of one run."""
OLDER_COMMANDS = {"regen_gif": "animate", "probe_only": "probe"}
"""Flags beside ``--load_dir`` that are commands now."""
TYPES = {"number": int, "numbers": lambda text: [int(part) for part in text.split(",")], "names": lambda text: text.split(",")}
"""What the text of a flag is read with, by its name in the table."""


@dataclass(frozen=True)
class Command:
    """``icon-nb NAME ...``: a row of the table in ``commands.toml``."""

    about: str
    does: str  # a module of this room and its function, which takes what was given and may return an exit code
    takes: str = ""  # as the first page of help says it
    shared: Sequence[str] = ()  # what it takes as other commands do
    flags: Mapping[str, dict] = field(default_factory=dict)  # an argument by its name, a flag with two hyphens before it
    example: str = ""


COMMANDS = {name: Command(**row) for name, row in TABLES["commands"].items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 when something failed, 2 for a bad request, 130 when interrupted."""
    LOST.clear()
    return answer(sys.argv[1:] if argv is None else list(argv)) or len(LOST)


def answer(argv: list[str]) -> int:
    parser = build_parser({f"{name} {command.takes}".strip(): command.about for name, command in COMMANDS.items()})
    try:
        if argv and argv[0] in COMMANDS:
            return run_command(*argv)
        given = parse(parser, argv)
        if "resume" in given:
            from .saved import find

            given["resume"] = str(find(given["resume"], given.get("output_dir", Config().output_dir)))
        if given.keys() & {"load_dir", *OLDER_COMMANDS}:
            return older_spelling(given)
        configs, title, compared = configs_from(given)
        check_trust(given, configs)
        workers = workers_of(given)
    except IconError as error:
        parser.error(printable(error))
    if threading.current_thread() is threading.main_thread():  # a request to terminate ends a run as an interrupt does
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    from .saved import compare_all, join_run, ranks, run_one  # loads torch

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
    if len(given.keys() & {"recipe", "resume"}) + bool(varied) > 1:
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
    if "trust_code" in given and not given.keys() & {"resume", "config"}:
        raise ConfigError("--trust-code has no effect without --resume, --config or --load_dir: what you type is run as it is")
    if "trust_code" in given or "dataset" in given or "dataset" in values_of(given):
        return
    for config in configs:
        if runs_code(config.dataset):
            raise DataError(not_run(config.dataset, f"give --trust-code, or type it: --dataset {config.dataset}"))


def sources_of(run: str) -> dict[str, str]:
    """Where the settings of a saved run came from, as far as its folder says so."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        told = json.loads(read(Path(run) / "provenance.json", LARGEST_TEXT))["sources"]
        return {name: source for name, source in told.items() if isinstance(source, str)}
    return {}


def read_settings(path: str) -> dict[str, object]:
    try:
        text = read(place(path, ConfigError), LARGEST_TEXT)
    except OSError as error:
        raise ConfigError(f"config={path!r} cannot be read: {error.strerror or error}") from None
    return read_json(text, path, SETTINGS)


# The commands: what each takes


def run_command(name: str, *argv: str) -> int:
    """Do what ``icon-nb NAME ...`` asks for; returns the exit code."""
    given = parser_of(name).parse_args(argv)  # first: help needs no torch
    return resolve_name(f"icon_nb.interfaces.{COMMANDS[name].does}")(given) or 0


def parser_of(name: str) -> Parser:
    command = COMMANDS[name]
    parser = Parser(prog=f"icon-nb {name}", description=f"{command.about[0].upper()}{command.about[1:]}.", allow_abbrev=False)
    parser.epilog = command.example and f"example: {command.example}"
    if command.shared or command.flags:
        parser.usage = f"icon-nb {name} {command.takes}".rstrip() + " [--FLAG VALUE ...]"
    for flags in (*(TABLES["shared"][part] for part in command.shared), command.flags):
        add_flags(parser, flags)
    if name in CHANGED:
        CHANGED[name](parser)
    return parser


def add_flags(parser, flags: Mapping[str, Mapping]) -> None:
    """Add flags and arguments of the table to a parser, or a group of one."""
    for name, told in flags.items():
        told = {**told, **({"type": TYPES[told["type"]]} if "type" in told else {})}
        if "setting" in told:
            setting = SETTINGS[told.pop("setting")]
            default = "" if setting.default is None else f" (default: {setting.default})"
            told |= {"help": setting.help + default, "default": setting.default}
        if name.startswith("--"):
            add_flag(parser, name[2:], **told)
        else:
            parser.add_argument(name, **told)


def fork_settings(parser: Parser) -> None:
    changes = parser.add_argument_group("what changes")
    for name, setting in SETTINGS.items():
        if name not in (*OF_THE_TRUNK, "output_dir"):
            add_setting(changes, name, setting, f"{setting.text}; that of the run when not given", OLDER.get(name))


def animate_settings(parser: Parser) -> None:
    """The options of an animation, with the help that they are declared with, and where it goes."""
    from ..animation.options import OPTIONS, help_of

    drawing = parser.add_argument_group("how it is drawn")
    older = {setting.option: name for name, setting in SETTINGS.items() if setting.option}
    for name, setting in OPTIONS.items():
        if name not in NOT_DRAWN:
            default = f" (default: {setting.default})" if setting.default not in (None, "") else ""
            add_setting(drawing, name, setting, help_of(name, python=False) + default, older.get(name))
    add_flags(parser.add_argument_group("what is written"), TABLES["shared"]["written"])


CHANGED = {"fork": fork_settings, "animate": animate_settings}
"""The commands that take settings or options, and what adds these."""


def older_spelling(given: Mapping[str, object]) -> int:
    """Do what ``--regen_gif`` and ``--probe_only`` ask for with ``--load_dir``; returns the exit code."""
    asked = [command for flag, command in OLDER_COMMANDS.items() if flag in given]
    demand(asked and "load_dir" in given, "--load_dir DIR names a saved run for --regen_gif or --probe_only: give both")
    drawing = {name: setting.option for name, setting in SETTINGS.items() if setting.group == "animation"}
    for name, value in given.items():
        if name not in (*STUDY, "quiet", "output_dir", *drawing):
            raise ConfigError(f"{name}={value!r} has no effect on the saved run in --load_dir: it is not trained again")
    shared = [f"--output_dir={given['output_dir']}"] if "output_dir" in given else []
    shared += ["--trust-code"] if "trust_code" in given else []
    drawn = [f"--{option}={given[name]}" for name, option in drawing.items() if option and name in given]
    drawn += ["--replace", *(["--frames"] if given.get("save_frames") else [])]
    return max(run_command(name, given["load_dir"], *shared, *(drawn if name == "animate" else [])) for name in asked)


# What there is to choose from


def print_lines(lines: Mapping[str, str]) -> None:
    """Two columns; what is too long for a line goes on in the next."""
    column = max(map(len, lines)) + 2
    for name, about in lines.items():
        tell(textwrap.fill(f"{name:<{column}}{about}", 100, subsequent_indent=" " * column, break_on_hyphens=False))


def list_recipes(given) -> None:
    print_lines({name: each.question for name, each in RECIPES.items()})


def list_methods(given) -> None:
    print_lines({m.name: f"{m.title}: p {m.supervisory}, q {m.learned}" for m in METHODS.values()})


def list_datasets(given) -> None:
    if given.name is not None:
        from ..study.card import card

        return tell(card(given.name, data_dir=given.data_dir))
    own = {f"{source.name}:{source.place}": source.about for source in SOURCES.values()}
    return print_lines({name: row.about for name, row in DATASETS.items()} | own)


# What is written for you


def copy_notebooks(given) -> None:
    """Copy every notebook that is not in the folder yet; what is there stays as it is."""
    target = place(given.folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"{target} cannot be made ({error.strerror}): choose another folder") from None
    books = [book for folder in (PACKAGE, PACKAGE.parent) for book in sorted(folder.glob("notebooks/[0-9][0-9]_*.ipynb"))]
    demand(books, "the notebooks are not beside the package: install icon_nb again", SaveError)
    new = [write_whole(target / book.name, book.read_bytes()) for book in books if not (target / book.name).exists()]
    if not (glossary := target / "glossary.md").exists():
        write_whole(glossary, books[0].with_name(glossary.name).read_bytes())
    kept = f"; {len(books) - len(new)} were there already and stay as they are" if len(new) < len(books) else ""
    tell(f"{len(new)} notebooks copied to {target}{kept}\nopen them with: jupyter lab {target}")


def write_bench(given) -> None:
    from ..animation.bench import bench

    page = bench(**{name: value for name in ("method", "dataset") if (value := getattr(given, name)) is not None})
    tell(f"{page!r}\nsaved in {page.save(given.out)}: open it in a browser")


def run_claim(given) -> None:
    if given.name is None:
        return print_lines({name: _claim(entry) for name, entry in LEDGER.items()})
    from ..study.ledger import reproduce

    found = reproduce(given.name, seeds=given.seeds, data_dir=given.data_dir)
    page, _ = found.save(given.out)
    return tell(f"{found}\nsaved in {page}")


def _claim(entry) -> str:
    needs = [entry.shared["dataset"]] if DATASETS[entry.shared["dataset"]].files else []
    needs += ["a GPU"] if entry.gpu else []
    return entry.claim + (f" (needs {' and '.join(needs)})" if needs else "")


def run_atlas(given) -> None:
    restrict = {name: getattr(given, name) for name in ("supervisory", "learned", "divergence", "dataset")}
    if given.shipped:
        found = Atlas.shipped().select(**restrict)
    else:
        from ..study.atlas import atlas

        size = {"n_samples": given.n_samples, "epochs": given.epochs, "seeds": given.seeds}
        found = atlas(**restrict, **size, workers=given.workers, save_to=given.out)
    page = write_whole(given.page, found.to_html().encode())
    tell(f"{found!r}\nsaved in {page}: open it in a browser")
