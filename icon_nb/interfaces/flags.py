"""The command line's flags, generated from the fields of Config. Loads no torch."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from ..errors import ConfigError, nearest
from ..methods.config import SETTINGS, check_names
from ..methods.recipes import RECIPES
from ..methods.settings import GROUPS, Setting

SPELLINGS = {"method": ("icon_mode",), "learning_rate": ("lr",)}

STUDY = {
    "sweep": {"metavar": "NAME=A,B", "action": "append", "help": "one run for every value of a setting; again for a grid"},
    "ablate_embedding_dim": {
        "metavar": "64,128",
        "nargs": "*",
        "help": "one run for every embedding dimension; by default 64 and 128",
    },
    "workers": {"metavar": "N", "help": "train in so many processes at once"},
    "load_dir": {"metavar": "RUN", "help": "a saved run, for --regen_gif and --probe_only"},
    "regen_gif": {"action": "store_true", "help": "replace the animation of --load_dir; also: icon-nb animate RUN --replace"},
    "trust_code": {
        "action": "store_true",
        "help": "run the code that a saved config.json names (dataset custom:...), with --resume, --config or --load_dir",
    },
    "probe_only": {"action": "store_true", "help": "probe the run in --load_dir; also: icon-nb probe RUN"},
}

EXAMPLES = """examples:
  icon-nb                                                   the default: simclr on the bundled digits
  icon-nb --method tsne --perplexity 20                     t-SNE on digits
  icon-nb --dataset mnist --data_dir data --epochs 3 --save_epoch_gifs
  icon-nb --recipe simclr_vs_sne --temperature 0.1 --divergence js
  icon-nb --sweep temperature=0.05,0.1,0.5 --sweep seed=0,1,2 --workers 2
  icon-nb animate RUN --projection tsne --fps 4             the animation of a saved run anew, without training
  icon-nb recipes                                           the recipes, a line each

Every flag can be spelt with hyphens or underscores. A flag wins over --config FILE, which wins over the recipe.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with exit code 2."""

    commands: tuple[str, ...] = ()

    def error(self, message: str):
        self.exit(2, f"icon-nb: {message}\n")


def build_parser(**commands: str) -> Parser:
    """The parser of every setting; ``commands`` maps subcommands to a line of help each."""
    listing = "\n".join(f"  {name:<10} {line}" for name, line in commands.items())
    parser = Parser(
        prog="icon-nb",
        description=f"Train a representation with an I-Con objective and watch it learn.\n\ncommands:\n{listing}",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        usage="icon-nb [COMMAND] [--SETTING VALUE ...]",
    )
    parser.commands = tuple(commands)
    top = parser.add_argument_group("what to run")
    top.add_argument("--recipe", metavar="NAME", help=f"several configs that are compared: {', '.join(RECIPES)}")
    top.add_argument("--config", metavar="FILE", help="settings from a JSON file, for instance a saved config.json")
    for flag, options in STUDY.items():
        top.add_argument(*dict.fromkeys((f"--{flag}", f"--{flag.replace('_', '-')}")), dest=flag, **options)
    top.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped, in its folder, to the same end")
    groups = {name: parser.add_argument_group(f"{name}: {about}") for name, about in GROUPS.items()}
    for name, setting in SETTINGS.items():
        _add(groups[setting.group], name, setting)
    return parser


def _add(group, name: str, setting: Setting) -> None:
    """One flag, shown with underscores; hyphens work too."""
    for flag in (name, *SPELLINGS.get(name, ())):
        options = {"metavar": setting.kind.__name__.upper()}
        if setting.kind is bool:
            options = {"nargs": "?", "const": "true", "metavar": "BOOL"}
        group.add_argument(f"--{flag}", dest=name, help=_help(name, setting, flag), **options)
        if "_" in flag:
            group.add_argument(f"--{flag.replace('_', '-')}", dest=name, help=argparse.SUPPRESS, **options)
    if setting.kind is bool:
        off = dict.fromkeys((f"--no_{name}", f"--no-{name.replace('_', '-')}"))
        group.add_argument(*off, dest=name, action="store_const", const="false", help=argparse.SUPPRESS)


def _help(name: str, setting: Setting, flag: str) -> str:
    if flag != name:
        return f"another spelling of --{name}"
    switch = f"; --no_{name} switches it off" if setting.kind is bool else ""
    default = setting.default if setting.default is not None else "none" if setting.optional else "the method's"
    return f"{setting.text} (default: {default}{switch})".replace("%", "%%")


def parse(parser: Parser, argv: Sequence[str]) -> dict[str, object]:
    """The given flags alone, as typed values; an unknown flag ends with exit code 2 and the nearest one."""
    found, unknown = parser.parse_known_args(list(argv))
    if unknown:
        known = [name.lstrip("-") for action in parser._actions for name in action.option_strings]
        flag = unknown[0].split("=")[0]
        if argv[0] == flag and not flag.startswith("-"):
            parser.error(f"unknown command {flag}; {nearest(flag, parser.commands)}")
        hint = nearest(flag.lstrip("-").replace("-", "_"), known).replace("did you mean '", "did you mean '--")
        parser.error(
            f"unknown {'flag' if flag.startswith('-') else 'argument'} {flag}; {hint if 'mean' in hint else 'see --help'}"
        )
    _refuse_two_spellings(parser, argv)
    values = vars(found)
    return {name: _typed(name, value) if name in SETTINGS else value for name, value in values.items()}


def _refuse_two_spellings(parser: Parser, argv: Sequence[str]) -> None:
    """One setting under two names is a slip; the same flag again is a correction, and the later one counts."""
    owner = {name: action.dest for action in parser._actions for name in action.option_strings}
    used: dict[str, str] = {}
    for flag in (text.split("=")[0] for text in argv):
        name = flag.replace("-", "_").strip("_")
        if flag in owner and used.setdefault(owner[flag], name) != name:
            parser.error(f"--{used[owner[flag]]} and --{name} are the same setting: give one of them")


def values_of(given: Mapping[str, object]) -> dict[str, list]:
    """The settings that ``--sweep`` and ``--ablate_embedding_dim`` vary, each with its values.

    >>> values_of({"sweep": ["temperature=0.1,0.5"], "ablate_embedding_dim": ["64", "128"]})
    {'temperature': [0.1, 0.5], 'embedding_dim': [64, 128]}
    """
    asked = list(given.get("sweep", ()))
    if "ablate_embedding_dim" in given:
        asked.append(f"embedding_dim={','.join(given['ablate_embedding_dim']) or '64,128'}")
    varied = {}
    for text in asked:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        check_names([name])
        if not equals or not all(value.strip() for value in values.split(",")):
            raise ConfigError(f"sweep={text!r}: give a setting and its values, for instance temperature=0.1,0.5")
        varied[name] = list(dict.fromkeys(_typed(name, value.strip()) for value in values.split(",")))  # each value is run once
    return varied


def workers_of(given: Mapping[str, object]) -> int | None:
    """The number of processes that is asked for."""
    text = given.get("workers")
    if text is not None and not (text.isdecimal() and int(text) > 0):
        raise ConfigError(f"workers={text!r}: give a whole number, at least 1")
    return None if text is None else int(text)


def _typed(name: str, text: str) -> object:
    """The value that a flag's text stands for."""
    kind = SETTINGS[name].kind
    if kind is str:
        return text
    if kind is bool:
        words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
        if text.lower() not in words:
            raise ConfigError(f"{name}={text!r}: give true or false")
        return words[text.lower()]
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        raise ConfigError(f"{name}={text!r}: give {'a whole number' if kind is int else 'a number'}") from None
