"""The commands: what each is called, what it takes and what it does; and the flags that they were once. Nothing here trains."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from pkgutil import resolve_name

from ..errors import ConfigError, SaveError
from ..files import place, write_whole
from ..methods.catalogue import DATASETS, SOURCES
from ..methods.config import OF_THE_TRUNK, SETTINGS
from ..methods.ledger import LEDGER
from ..methods.methods import METHODS
from ..methods.recipes import RECIPES
from .flags import OLDER, STUDY, Parser, add_flag, add_setting, tell

PACKAGE = Path(__file__).resolve().parents[1]
AXES = ("supervisory", "learned", "divergence", "dataset")
NOT_DRAWN = ("forces", "own_scale", "inline_limit")
"""Options of an animation that a shell cannot give, or that have no effect on the file of one run."""


@dataclass(frozen=True)
class Command:
    """``icon-nb NAME ...``."""

    about: str
    does: Callable | str  # takes what was given, returns the exit code; one of ``saved``, which loads torch, by its name
    takes: str = ""  # as the first page of help says it
    flags: Mapping[str, dict] = field(default_factory=dict)  # an argument by its name, a flag with two hyphens before it
    settings: Callable[[Parser], None] | None = None  # adds those settings that are flags of the command
    example: str = ""


def run_command(name: str, argv: Sequence[str]) -> int:
    """Do what ``icon-nb NAME ...`` asks for; returns the exit code."""
    given, does = parser_of(name).parse_args(list(argv)), COMMANDS[name].does
    does = resolve_name(f"icon_nb.interfaces.saved:{does}") if isinstance(does, str) else does
    return does(given)


def parser_of(name: str) -> Parser:
    """The parser of what a command takes."""
    command = COMMANDS[name]
    parser = Parser(prog=f"icon-nb {name}", description=f"{command.about[0].upper()}{command.about[1:]}.", allow_abbrev=False)
    parser.epilog = command.example and f"example: {command.example}"
    if command.flags:
        parser.usage = f"icon-nb {name} {command.takes}".rstrip() + " [--FLAG VALUE ...]"
    for each, options in command.flags.items():
        if each.startswith("--"):
            add_flag(parser, each[2:], **options)
        else:
            parser.add_argument(each, **options)
    if command.settings is not None:
        command.settings(parser)
    return parser


# What there is to choose from


def print_lines(lines: Mapping[str, str]) -> int:
    """Two columns; what is too long for a line goes on in the next."""
    column = max(map(len, lines)) + 2
    for name, about in lines.items():
        tell(textwrap.fill(f"{name:<{column}}{about}", 100, subsequent_indent=" " * column, break_on_hyphens=False))
    return 0


def list_recipes(given) -> int:
    return print_lines({name: each.question for name, each in RECIPES.items()})


def list_methods(given) -> int:
    return print_lines({m.name: f"{m.title}: p {m.supervisory}, q {m.learned}" for m in METHODS.values()})


def list_datasets(given) -> int:
    """Every data set, and how to name your own; or the card of one."""
    if given.name is not None:
        from ..study.card import card

        tell(card(given.name, data_dir=given.data_dir))
        return 0
    own = {f"{source.name}:{source.place}": source.about for source in SOURCES.values()}
    return print_lines({name: row.about for name, row in DATASETS.items()} | own)


# What is written for you


def copy_notebooks(given) -> int:
    """Copy every notebook that is not in the folder yet; what is there stays as it is."""
    target = place(given.folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"{target} cannot be made ({error.strerror}): choose another folder") from None
    books = [book for folder in (PACKAGE, PACKAGE.parent) for book in sorted(folder.glob("notebooks/[0-9][0-9]_*.ipynb"))]
    if not books:
        raise SaveError("the notebooks are not beside the package: install icon_nb again")
    new = [write_whole(target / book.name, book.read_bytes()) for book in books if not (target / book.name).exists()]
    kept = f"; {len(books) - len(new)} were there already and stay as they are" if len(new) < len(books) else ""
    tell(f"{len(new)} notebooks copied to {target}{kept}\nopen them with: jupyter lab {target}")
    return 0


def write_bench(given) -> int:
    """Write the page that trains in a browser."""
    from ..animation.bench import bench

    page = bench(**{name: value for name in ("method", "dataset") if (value := getattr(given, name)) is not None})
    tell(f"{page!r}\nsaved in {page.save(given.out)}: open it in a browser")
    return 0


def names(text: str) -> list[str]:
    return text.split(",")


def whole_numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def run_claim(given) -> int:
    """List the ledger, or run one of its entries and write what came out."""
    if given.name is None:
        return print_lines({name: _claim(entry) for name, entry in LEDGER.items()})
    from ..study.ledger import reproduce

    found = reproduce(given.name, seeds=given.seeds, data_dir=given.data_dir)
    page, _ = found.save(given.out)
    tell(f"{found}\nsaved in {page}")
    return 0


def _claim(entry) -> str:
    needs = [entry.shared["dataset"]] if DATASETS[entry.shared["dataset"]].files else []
    needs += ["a GPU"] if entry.gpu else []
    return entry.claim + (f" (needs {' and '.join(needs)})" if needs else "")


def run_atlas(given) -> int:
    """Measure what is missing, and write the rows and the page."""
    restrict = {name: getattr(given, name) for name in AXES}
    if given.shipped:
        from ..methods.atlas import Atlas

        found = Atlas.shipped().select(**restrict)
    else:
        from ..study.atlas import atlas

        size = {"n_samples": given.n_samples, "epochs": given.epochs, "seeds": given.seeds}
        found = atlas(**restrict, **size, workers=given.workers, save_to=given.out)
    page = write_whole(given.page, found.to_html().encode())
    tell(f"{found!r}\nsaved in {page}: open it in a browser")
    return 0


# What the commands take


def fork_settings(parser: Parser) -> None:
    """What changes in a fork."""
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
    writing = parser.add_argument_group("what is written")
    out = (
        "where to write, in place of what is there: .gif, .mp4, .png, .pdf, .svg; by default training_dynamics.gif in the folder "
        "of the run, or the next free name: training_dynamics_2.gif"
    )
    writing.add_argument("--out", metavar="FILE", help=out)
    writing.add_argument("--frames", action="store_true", help="write epoch_frames too, under the same number")
    writing.add_argument("--replace", action="store_true", help="replace training_dynamics.gif, and epoch_frames where they are")


def _takes(metavar: str, about: str, **options) -> dict:
    """What ``add_argument`` is told of a flag or an argument with a value."""
    return {"metavar": metavar, "help": about, **options}


_HOME = SETTINGS["output_dir"]
FOLDER = {"--output_dir": _takes("DIR", f"{_HOME.help} (default: {_HOME.default})", default=_HOME.default)}
TRUSTED = FOLDER | {
    "--trust_code": {
        "action": "store_true",
        "help": "run the code that a run on dataset custom:FILE.py:NAME names, where scores or probes need its data",
    }
}
ONE_RUN = {"run": _takes("RUN", "folder of a saved run, or its name")} | TRUSTED
MANY_RUNS = {
    "runs": _takes("RUN", "folders of saved runs or comparisons, or their names", nargs="+"),
    "--no_viz": {"dest": "viz", "action": "store_false", "help": "the table only"},
} | TRUSTED
A_DATASET = {
    "name": _takes("NAME", "show the card of this data set: source, licence, size, what is hard", nargs="?"),
    "--data_dir": _takes("DIR", SETTINGS["data_dir"].help),
}
A_PAGE = {
    "--out": _takes("FILE", "where to write the page; bench.html when not given", default="bench.html"),
    "--method": _takes("NAME", "the cell of the periodic table that it starts with"),
    "--dataset": _takes("NAME", "digits, karate_club, two_moons, blobs, or drawn for points of your own"),
}
A_CLAIM = {
    "name": _takes("NAME", "the entry to run; without one, all are listed", nargs="?"),
    "--seeds": _takes("A,B", "the seeds to run; as many as the entry says by default", type=whole_numbers),
    "--data_dir": _takes("DIR", "folder that holds the data files, for entries on data that are not bundled"),
    "--out": _takes("DIR", "where the page and the JSON are written", default="reproductions"),
}
AN_ATLAS = {
    **{f"--{name}": _takes("A,B", f"only these of {name}; all that make sense when not given", type=names) for name in AXES},
    "--seeds": _takes("A,B", "one run for each (default: 0,1,2,3,4)", type=whole_numbers, default=range(5)),
    "--n_samples": _takes("N", "training samples of a run (default: 300)", type=int, default=300),
    "--epochs": _takes("N", "epochs of a run (default: 10)", type=int, default=10),
    "--workers": _takes("N", "train in so many processes at once", type=int),
    "--out": _takes("FILE", "the rows; what is there already is not measured again", default="atlas.jsonl"),
    "--page": _takes("FILE", "the page that shows them", default="atlas.html"),
    "--shipped": {"action": "store_true", "help": "measure nothing: show the atlas that comes with the package"},
}
TO_FORK = ONE_RUN | {"--epoch": _takes("N", "go on from the weights after this epoch", type=int, required=True)}
TO_PLAY = ONE_RUN | {"--out": _takes("FILE", "where to write the page; player.html in the folder when not given")}
TO_FILL = {"folder": _takes("DIR", "the folder that the notebooks are copied to; made where it is not there")}

COMMANDS = {
    "methods": Command("list the methods, a line each", list_methods),
    "datasets": Command("list the data sets, a line each; with a NAME, all about that one", list_datasets, "[NAME]", A_DATASET),
    "recipes": Command("list the recipes, a line each", list_recipes),
    "runs": Command("list the saved runs", "list_runs", flags=FOLDER),
    "show": Command("show what a saved run or comparison was, and what came of it", "show", "RUN", ONE_RUN),
    "compare": Command("put saved runs side by side: a table, an animation, curves", "compare", "RUN RUN ...", MANY_RUNS),
    "fork": Command(
        "what if: train on from an epoch of a saved run, with other settings", "fork", "RUN", TO_FORK, fork_settings,
        "icon-nb fork RUN --epoch 4 --temperature 0.05",
    ),
    "probe": Command("probe a saved run on held-out data", "probe", "RUN", ONE_RUN),
    "animate": Command(
        "draw the animation of a saved run anew, without training", "animate", "RUN", ONE_RUN, animate_settings,
        "icon-nb animate RUN --projection tsne --fps 4",
    ),
    "player": Command("write the page to scrub the epochs of a saved run or comparison", "write_player", "RUN", TO_PLAY),
    "bench": Command("write a page that trains in the browser, where p and q can be changed", write_bench, flags=A_PAGE),
    "notebooks": Command("copy the notebooks to a folder of your own", copy_notebooks, "DIR", TO_FILL),
    "reproduce": Command("list what papers claim; with a NAME, see whether that holds", run_claim, "[NAME]", A_CLAIM),
    "atlas": Command("train every p, q and divergence that fit together, and map what each reaches", run_atlas, flags=AN_ATLAS),
}  # fmt: skip


# What the commands were once

OLDER_COMMANDS = {"regen_gif": "animate", "probe_only": "probe"}
"""Flags beside ``--load_dir`` that are commands now."""


def older_spelling(given: Mapping[str, object]) -> int | None:
    """Do what ``--regen_gif`` and ``--probe_only`` ask for with ``--load_dir``; None where neither is given."""
    asked = [command for flag, command in OLDER_COMMANDS.items() if flag in given]
    if not asked and "load_dir" not in given:
        return None
    if not asked or "load_dir" not in given:
        raise ConfigError("--load_dir DIR names a saved run for --regen_gif or --probe_only: give both")
    drawing = {name: setting.option for name, setting in SETTINGS.items() if setting.group == "animation"}
    for name, value in given.items():
        if name not in (*STUDY, "quiet", "output_dir", *drawing):
            raise ConfigError(f"{name}={value!r} has no effect on the saved run in --load_dir: it is not trained again")
    shared = [f"--output_dir={given['output_dir']}"] if "output_dir" in given else []
    shared += ["--trust-code"] if "trust_code" in given else []
    drawn = [f"--{option}={given[name]}" for name, option in drawing.items() if option and name in given]
    drawn += ["--replace", *(["--frames"] if given.get("save_frames") else [])]
    return max(run_command(name, [given["load_dir"], *shared, *(drawn if name == "animate" else [])]) for name in asked)
