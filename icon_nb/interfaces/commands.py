"""The commands: what each is called, what it takes and what it does; and the flags that they were once. Nothing here trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name

from ..errors import ConfigError
from ..methods.config import SETTINGS
from .bench import bench_flags, write_bench
from .flags import STUDY, Parser, folder_flag, fork_flags, many_runs, one_run, player_flags
from .listings import list_datasets, list_methods, list_recipes, one_or_all
from .notebooks import copy_notebooks, folder_to_fill
from .redraw import animate, animate_flags
from .studies import atlas_flags, claim_flags, run_atlas, run_claim


@dataclass(frozen=True)
class Command:
    """``icon-nb NAME ...``."""

    name: str
    about: str
    does: Callable | str  # takes what was given, returns the exit code; one of ``saved``, which loads torch, by its name
    flags: Callable[[Parser], None] | None = None
    takes: str = ""  # as the first page of help says it
    example: str = ""


_COMMANDS = (
    Command("methods", "list the methods, a line each", list_methods),
    Command("datasets", "list the data sets, a line each; with a NAME, all about that one", list_datasets, one_or_all, "[NAME]"),
    Command("recipes", "list the recipes, a line each", list_recipes),
    Command("runs", "list the saved runs", "list_runs", folder_flag),
    Command("show", "show what a saved run or comparison was, and what came of it", "show", one_run, "RUN"),
    Command("compare", "put saved runs side by side: a table, an animation, curves", "compare", many_runs, "RUN RUN ..."),
    Command(
        "fork", "what if: train on from an epoch of a saved run, with other settings", "fork", fork_flags, "RUN",
        "icon-nb fork RUN --epoch 4 --temperature 0.05",
    ),
    Command("probe", "probe a saved run on held-out data", "probe", one_run, "RUN"),
    Command(
        "animate", "draw the animation of a saved run anew, without training", animate, animate_flags, "RUN",
        "icon-nb animate RUN --projection tsne --fps 4",
    ),
    Command("player", "write the page to scrub the epochs of a saved run or comparison", "write_player", player_flags, "RUN"),
    Command("bench", "write a page that trains in the browser, where p and q can be changed", write_bench, bench_flags),
    Command("notebooks", "copy the notebooks to a folder of your own", copy_notebooks, folder_to_fill, "DIR"),
    Command("reproduce", "list what papers claim; with a NAME, see whether that holds", run_claim, claim_flags, "[NAME]"),
    Command("atlas", "train every p, q and divergence that fit together, and map what each reaches", run_atlas, atlas_flags),
)  # fmt: skip
COMMANDS = {command.name: command for command in _COMMANDS}


def run_command(name: str, argv: Sequence[str]) -> int:
    """Do what ``icon-nb NAME ...`` asks for; returns the exit code."""
    command = COMMANDS[name]
    parser = Parser(prog=f"icon-nb {name}", description=f"{command.about[0].upper()}{command.about[1:]}.", allow_abbrev=False)
    parser.epilog = command.example and f"example: {command.example}"
    if command.flags is not None:
        parser.usage = f"icon-nb {name} {command.takes}".rstrip() + " [--FLAG VALUE ...]"
        command.flags(parser)
    does = resolve_name(f"icon_nb.interfaces.saved:{command.does}") if isinstance(command.does, str) else command.does
    return does(parser.parse_args(list(argv)))


OLDER = {"regen_gif": "animate", "probe_only": "probe"}
"""Flags beside ``--load_dir`` that are commands now."""


def older_spelling(given: Mapping[str, object]) -> int | None:
    """Do what ``--regen_gif`` and ``--probe_only`` ask for with ``--load_dir``; None where neither is given."""
    asked = [command for flag, command in OLDER.items() if flag in given]
    if not asked and "load_dir" not in given:
        return None
    if not asked or "load_dir" not in given:
        raise ConfigError("--load_dir DIR names a saved run for --regen_gif or --probe_only: give both")
    _check_idle(given)
    shared = [f"--output_dir={given['output_dir']}"] if "output_dir" in given else []
    shared += ["--trust-code"] if "trust_code" in given else []
    options = {name: SETTINGS[name].option for name in given if name in SETTINGS}
    drawing = [f"--{option}={given[name]}" for name, option in options.items() if option]
    drawing += ["--replace", *(["--frames"] if given.get("save_frames") else [])]
    return max(run_command(name, [given["load_dir"], *shared, *(drawing if name == "animate" else [])]) for name in asked)


def _check_idle(given: Mapping[str, object]) -> None:
    """Refuse what would change a run that was trained already."""
    for name, value in given.items():
        if name in (*STUDY, "quiet", "output_dir") or name in SETTINGS and SETTINGS[name].group == "animation":
            continue
        raise ConfigError(f"{name}={value!r} has no effect on the saved run in --load_dir: it is not trained again")
