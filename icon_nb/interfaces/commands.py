"""The commands: what each is called, what it takes and what it does; and the flags that they were once. Nothing here trains."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from pkgutil import resolve_name

from ..errors import ConfigError, SaveError, demand
from ..files import place, write_whole
from ..methods.catalogue import DATASETS, SOURCES
from ..methods.config import OF_THE_TRUNK, SETTINGS
from ..methods.methods import METHODS
from ..methods.periodic import Atlas
from ..methods.recipes import LEDGER, RECIPES
from .flags import OLDER, STUDY, TABLES, Parser, add_flag, add_setting, tell

PACKAGE = Path(__file__).resolve().parents[1]
AXES = ("supervisory", "learned", "divergence", "dataset")
NOT_DRAWN = ("forces", "own_scale", "inline_limit")
"""Options of an animation that a shell cannot give, or that have no effect on the file of one run."""


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


def run_command(name: str, argv: Sequence[str]) -> int:
    """Do what ``icon-nb NAME ...`` asks for; returns the exit code."""
    given = parser_of(name).parse_args(list(argv))
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
    restrict = {name: getattr(given, name) for name in AXES}
    if given.shipped:
        found = Atlas.shipped().select(**restrict)
    else:
        from ..study.atlas import atlas

        size = {"n_samples": given.n_samples, "epochs": given.epochs, "seeds": given.seeds}
        found = atlas(**restrict, **size, workers=given.workers, save_to=given.out)
    page = write_whole(given.page, found.to_html().encode())
    tell(f"{found!r}\nsaved in {page}: open it in a browser")


# What the commands take


def fork_settings(parser: Parser) -> None:
    changes = parser.add_argument_group("what changes")
    for name, setting in SETTINGS.items():
        if name not in (*OF_THE_TRUNK, "output_dir"):
            add_setting(changes, name, setting, f"{setting.text}; that of the run when not given", OLDER.get(name))


def animate_settings(parser: Parser) -> None:
    """The options of an animation, with the help that they are declared with, and where it goes."""
    from ..animation.options import Options, help_of

    drawing = parser.add_argument_group("how it is drawn")
    older = {setting.option: name for name, setting in SETTINGS.items() if setting.option}
    for option in fields(Options):
        if option.name not in NOT_DRAWN:
            default = f" (default: {option.default})" if option.default not in (None, "") else ""
            about = help_of(option, python=False) + default
            add_setting(drawing, option.name, option.metadata["setting"], about, older.get(option.name))
    add_flags(parser.add_argument_group("what is written"), TABLES["shared"]["written"])


CHANGED = {"fork": fork_settings, "animate": animate_settings}
"""The commands that take settings or options, and what adds these."""
TYPES = {"number": int, "numbers": lambda text: [int(part) for part in text.split(",")], "names": lambda text: text.split(",")}
"""What the text of a flag is read with, by its name in the table."""


# What the commands were once

OLDER_COMMANDS = {"regen_gif": "animate", "probe_only": "probe"}
"""Flags beside ``--load_dir`` that are commands now."""


def older_spelling(given: Mapping[str, object]) -> int | None:
    """Do what ``--regen_gif`` and ``--probe_only`` ask for with ``--load_dir``; None where neither is given."""
    asked = [command for flag, command in OLDER_COMMANDS.items() if flag in given]
    if not asked and "load_dir" not in given:
        return None
    demand(asked and "load_dir" in given, "--load_dir DIR names a saved run for --regen_gif or --probe_only: give both")
    drawing = {name: setting.option for name, setting in SETTINGS.items() if setting.group == "animation"}
    for name, value in given.items():
        if name not in (*STUDY, "quiet", "output_dir", *drawing):
            raise ConfigError(f"{name}={value!r} has no effect on the saved run in --load_dir: it is not trained again")
    shared = [f"--output_dir={given['output_dir']}"] if "output_dir" in given else []
    shared += ["--trust-code"] if "trust_code" in given else []
    drawn = [f"--{option}={given[name]}" for name, option in drawing.items() if option and name in given]
    drawn += ["--replace", *(["--frames"] if given.get("save_frames") else [])]
    return max(run_command(name, [given["load_dir"], *shared, *(drawn if name == "animate" else [])]) for name in asked)
