"""The command line's flags, generated from the fields of Config, its two pages of help, and how it prints. Loads no torch."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import resources

from .. import __version__
from ..errors import ConfigError, demand, nearest, printable
from ..methods.config import SETTINGS, Config
from ..methods.recipes import RECIPES
from ..methods.settings import GROUPS, OLDER, Setting, check_names

TABLES = tomllib.loads(resources.files(__package__).joinpath("commands.toml").read_text(encoding="utf-8"))
STUDY, FIRST, _USUAL = TABLES["study"], TABLES["first"], Config().resolve().to_dict()
EXAMPLES = {line: about.format(**_USUAL) for line, about in TABLES["examples"].items()}

USAGE = "icon-nb [COMMAND] [--SETTING VALUE ...]"
ABOUT = "Train a representation with an I-Con objective and watch it learn."
SPELLING = "Every flag can be spelt with hyphens or underscores. A flag wins over --config FILE, which wins over the recipe."


LOST: list[OSError] = []
"""Why nothing more could be printed, as on a full disk; a reader who has gone is no reason."""


def spelt(text: object) -> str:
    """A text as :func:`tell` prints it, with what the encoding of stdout lacks written out too, so that columns are aligned."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return printable(text).encode(encoding, "backslashreplace").decode(encoding)


def tell(text: object, stream: str = "stdout") -> None:
    """Print a text, with what would steer the terminal written out; where nobody reads any more, all goes on unheard."""
    out = getattr(sys, stream)
    try:
        if hasattr(out, "reconfigure"):
            out.reconfigure(errors="backslashreplace")
        print("\n".join(map(printable, str(text).split("\n"))), file=out, flush=True)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) not in (None, errno.EPIPE, errno.EBADF) and not LOST:
            LOST.append(error)
            tell(f"icon-nb: what is printed cannot be written ({error.strerror})", "stderr")
        nowhere = open(os.devnull, "w")  # noqa: SIM115  stays open: it takes the place of the stream
        setattr(sys, stream, nowhere)
        with suppress(OSError, ValueError):
            os.dup2(nowhere.fileno(), out.fileno())  # what is still in its buffer has to go somewhere


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with exit code 2."""

    first_page = ""
    commands: tuple[str, ...] = ()  # what can be typed in the place of flags

    def error(self, message: str):
        self.exit(2, f"icon-nb: {message}\n")


class _Help(argparse.Action):
    """The first page, or the whole of it for ``--help all`` and ``--help-all``."""

    def __call__(self, parser, namespace, values, option_string=None):
        tell((parser.format_help() if values == "all" or "all" in option_string else parser.first_page).rstrip())
        parser.exit()


def build_parser(commands: Mapping[str, str] | None = None) -> Parser:
    """The parser of every setting; ``commands`` maps what can be typed instead to a line of help each."""
    commands = commands or {}
    parser = Parser(
        prog="icon-nb",
        usage=USAGE,
        description=f"{ABOUT}\n\n{_listed('commands', commands)}",
        epilog=f"{_listed('examples', EXAMPLES)}\n\n{SPELLING}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        add_help=False,
    )
    parser.commands, parser.first_page = tuple(line.split()[0] for line in commands), first_page(commands)
    parser.add_argument("-h", "--help", action=_Help, nargs="?", choices=["all"], help="the first page; --help all: this one")
    parser.add_argument("--help-all", "--help_all", action=_Help, nargs=0, help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"icon-nb {__version__}", help="say which version this is")
    top = parser.add_argument_group("what to run")
    for name, options in STUDY.items():
        add_flag(top, name, **options | {"help": options["help"].replace("{}", ", ".join(RECIPES))})
    groups = {name: parser.add_argument_group(f"{name}: {about}") for name, about in GROUPS.items()}
    for name, setting in SETTINGS.items():
        switch = f"; --no_{name} switches it off" if setting.kind is bool else ""
        default = setting.default if setting.default is not None else "none" if setting.optional else "the method's"
        add_setting(groups[setting.group], name, setting, f"{setting.text} (default: {default}{switch})", OLDER.get(name))
    return parser


def first_page(commands: Mapping[str, str]) -> str:
    flags = {
        f"--{name} {value}": about + (f" (default: {_USUAL[name]})" if value and name in _USUAL else "")
        for name, (value, about) in FIRST.items()
    }
    more = "icon-nb --help all lists every setting, icon-nb COMMAND --help what a command takes."
    lists = {"commands": commands, "the flags that matter most": flags, "examples": dict(list(EXAMPLES.items())[:3])}
    return "\n\n".join((f"usage: {USAGE}", ABOUT, *(_listed(*each) for each in lists.items()), more)) + "\n"


def _listed(heading: str, lines: Mapping[str, str]) -> str:
    """A heading, and below it what can be typed with what it does, in two columns; what is long has a line of its own."""
    width = max((len(name) for name in lines if len(name) <= 42), default=0)
    gap = {name: "  " if len(name) <= width else f"\n{'':<{width + 4}}" for name in lines}
    return "\n".join([f"{heading}:", *(f"  {name:<{width}}{gap[name]}{about}" for name, about in lines.items())])


def add_flag(group, name: str, older: str | None = None, **options) -> None:
    """One flag, shown with underscores; hyphens and an older spelling work too."""
    spellings = [name, name.replace("_", "-"), *((older, older.replace("_", "-")) if older else ())]
    for k, spelling in enumerate(dict.fromkeys(spellings)):
        group.add_argument(f"--{spelling}", **{"dest": name, **options, "help": argparse.SUPPRESS if k else options["help"]})


def add_setting(group, name: str, setting: Setting, about: str, older: str | None = None) -> None:
    """The flag of a setting, whose text :func:`typed` reads; one that is on or off can be switched off too."""
    about = about.replace("%", "%%") + (f" (also --{older})" if older else "")
    if setting.kind is not bool:
        add_flag(group, name, older, metavar="VALUE" if setting.kind is object else setting.kind.__name__.upper(), help=about)
        return
    add_flag(group, name, older, nargs="?", const="true", metavar="BOOL", help=about)
    off = dict.fromkeys((f"--no_{name}", f"--no-{name.replace('_', '-')}"))
    group.add_argument(*off, dest=name, action="store_const", const="false", help=argparse.SUPPRESS)


def parse(parser: Parser, argv: Sequence[str]) -> dict[str, object]:
    """The given flags alone, as typed values; an unknown flag ends with exit code 2 and the nearest one."""
    found, unknown = parser.parse_known_args(list(argv))
    owner = {name: action.dest for action in parser._actions for name in action.option_strings}
    if unknown:
        known, flag = [name.lstrip("-") for name in owner], unknown[0].split("=")[0]
        if argv[0] == flag and not flag.startswith("-"):
            parser.error(f"unknown command {flag}; {nearest(flag, parser.commands)}")
        hint = nearest(flag.lstrip("-").replace("-", "_"), known).replace("did you mean '", "did you mean '--")
        what = "flag" if flag.startswith("-") else "argument"
        parser.error(f"unknown {what} {flag}; {hint if 'mean' in hint else 'see --help'}")
    # One setting under two names is a slip; the same flag again is a correction, and the later one counts.
    used: dict[str, str] = {}
    for flag in (text.split("=")[0] for text in argv):
        name = flag.replace("-", "_").strip("_")
        if flag in owner and used.setdefault(owner[flag], name) != name:
            parser.error(f"--{used[owner[flag]]} and --{name} are the same setting: give one of them")
    return {name: typed(name, SETTINGS[name], value) if name in SETTINGS else value for name, value in vars(found).items()}


def values_of(given: Mapping[str, object]) -> dict[str, list]:
    """The settings that ``--sweep`` and ``--ablate_embedding_dim`` vary, each with its values."""
    dims, varied = given.get("ablate_embedding_dim"), {}
    for text in (*given.get("sweep", ()), *([] if dims is None else [f"embedding_dim={','.join(dims) or '64,128'}"])):
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        check_names([name], SETTINGS)
        if not equals or not all(value.strip() for value in values.split(",")):
            raise ConfigError(f"sweep={text!r}: give a setting and its values, for instance temperature=0.1,0.5")
        demand(name not in varied, f"{name} is swept twice: give all its values at once, as in --sweep {name}=A,B,C")
        varied[name] = [typed(name, SETTINGS[name], value.strip()) for value in values.split(",")]
    return varied


def workers_of(given: Mapping[str, object]) -> int | None:
    text = given.get("workers", "1")
    demand(text.isdecimal() and int(text) > 0, f"workers={text!r}: give a whole number, at least 1")
    return int(text) if "workers" in given else None


def typed(name: str, setting: Setting, text: str) -> object:
    kind = setting.kind
    if kind in (str, object):
        return text
    if kind is bool:
        yes, no = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
        demand(text.lower() in (*yes, *no), f"{name}={text!r}: give true or false")
        return text.lower() in yes
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        if setting.scheduled and ".." in text:
            return text
        raise ConfigError(f"{name}={text!r}: give {'a whole number' if kind is int else 'a number'}") from None
