"""The command line's flags, generated from the fields of Config. Loads no torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from .config import DEFAULTS, GROUPS, SETTINGS, Setting
from .errors import ConfigError, nearest
from .methods import ALIASES, METHODS
from .recipes import RECIPES
from .resolve import NO_DEFAULT

SPELLINGS = {"method": ("icon_mode",), "learning_rate": ("lr",)}

EXAMPLES = """examples:
  icon-nb                                                   the default: simclr on the bundled digits
  icon-nb --method tsne --perplexity 20                     t-SNE on digits
  icon-nb --dataset mnist --data_dir data --epochs 3 --save_epoch_gifs
  icon-nb --recipe simclr_vs_sne --temperature 0.1 --divergence js
  icon-nb recipes                                           the recipes, a line each

Every flag can be spelt with hyphens or underscores. A flag wins over --config FILE, which wins over the recipe.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with exit code 2."""

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
    top = parser.add_argument_group("what to run")
    top.add_argument("--recipe", metavar="NAME", help=f"several configs that are compared: {', '.join(RECIPES)}")
    top.add_argument("--config", metavar="FILE", help="settings from a JSON file, for instance a saved config.json")
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
    if name == "method":
        choices = f": {', '.join(METHODS)}; older names: {', '.join(ALIASES)}"
    else:
        choices = f": {', '.join(setting.choices)}" if setting.choices else ""
    switch = f"; --no_{name} switches it off" if setting.kind is bool else ""
    default = DEFAULTS[name] if DEFAULTS[name] is not None else "none" if name in NO_DEFAULT else "the method's"
    return f"{setting.help}{choices} (default: {default}{switch})".replace("%", "%%")


def parse(parser: Parser, argv: Sequence[str]) -> dict[str, object]:
    """The given flags alone, as typed values; an unknown flag ends with exit code 2 and the nearest one."""
    found, unknown = parser.parse_known_args(list(argv))
    if unknown:
        known = [name.lstrip("-") for action in parser._actions for name in action.option_strings]
        flag = unknown[0].split("=")[0]
        hint = nearest(flag.lstrip("-").replace("-", "_"), known).replace("did you mean '", "did you mean '--")
        parser.error(
            f"unknown {'flag' if flag.startswith('-') else 'argument'} {flag}; {hint if 'mean' in hint else 'see --help'}"
        )
    values = vars(found)
    return {name: _typed(name, value) if name in SETTINGS else value for name, value in values.items()}


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
