"""``icon-nb animate``: draw the animation of a saved run anew. Its flags are the options of ``results.animate``."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from itertools import chain, count
from pathlib import Path

from ..errors import ConfigError, demand
from ..files import place
from ..methods.config import SETTINGS
from .flags import Parser, add_setting, one_run, typed
from .terminal import tell

ELSEWHERE = ("forces", "own_scale", "inline_limit")
"""Options that a shell cannot give, or that have no effect on the file of one run."""

OUT = (
    "where to write, in place of what is there: .gif, .mp4, .png, .pdf, .svg; "
    "by default training_dynamics.gif in the folder of the run, or the next free name: training_dynamics_2.gif"
)


def _pair(text: str) -> tuple:
    return tuple(float(part) if "." in part else int(part) for part in re.split("[x,]", text))


READ = {
    "overlay": lambda text: text.replace(",", "+"),
    "highlight": lambda text: text.split(","),
    "fit_on": lambda text: int(text) if text.isdecimal() else text,
    "seed": int,
    "tween": lambda text: text if text == "auto" else int(text),
    "size": lambda text: text if text.endswith("mm") else _pair(text),
    "camera": _pair,
}
"""How a text becomes the value of an option that is more than a text or a number."""


def options_here() -> dict:
    """The options that are flags, by name."""
    from ..animation.options import Options

    return {f.name: f for f in fields(Options) if f.name not in ELSEWHERE}


def animate_flags(parser: Parser) -> None:
    """A run, the options with the help that they are declared with, and where the animation goes."""
    from ..animation.options import help_of

    one_run(parser)
    drawing = parser.add_argument_group("how it is drawn")
    older = {setting.option: name for name, setting in SETTINGS.items() if setting.option}
    for name, f in options_here().items():
        default = f" (default: {f.default})" if f.default not in (None, "") else ""
        add_setting(drawing, name, f.metadata["setting"], help_of(f, python=False) + default, older.get(name))
    writing = parser.add_argument_group("what is written")
    writing.add_argument("--out", metavar="FILE", help=OUT)
    writing.add_argument("--frames", action="store_true", help="write epoch_frames too, under the same number")
    writing.add_argument("--replace", action="store_true", help="replace training_dynamics.gif, and epoch_frames where they are")


def animate(given) -> int:
    """Draw the animation of a run anew: beside the one that is there, or with ``--replace`` in its place, frames and all."""
    demand(not (given.out and given.replace), "--out names a file and --replace the run's own animation: give one of them")
    from .saved import open_run  # loads torch

    path, run = open_run(given)
    animation = run.animate(**_options(given))
    number = "" if given.replace else free_number(path)
    target, frames = place(given.out or path / f"training_dynamics{number}.gif"), path / f"epoch_frames{number}"
    demand(not frames.is_symlink(), f"{frames} is a link to another folder, whose files would be replaced: remove it")
    said = "replaced" if target.exists() else "saved in"
    tell(f"{animation!r}\n{said} {animation.save(target)}")
    if given.frames or given.replace and frames.is_dir():
        said = "replaced" if frames.exists() else "saved in"
        _draw_frames(animation, frames)
        tell(f"{said} {frames}")
    return 0


def _options(given) -> dict[str, object]:
    """The options that were given, as values."""
    options = {}
    for name, f in options_here().items():
        text = getattr(given, name, None)
        if text is None:
            continue
        try:
            options[name] = READ[name](text) if name in READ else typed(name, f.metadata["setting"], text)
        except ValueError:
            raise ConfigError(f"{name}={text!r} cannot be read: see icon-nb animate --help") from None
    return options


def free_number(folder: Path) -> str:
    """What stands behind the names of the next animation in a folder and of its frames: nothing, then _2, _3 and so on."""
    numbers = chain([""], (f"_{k}" for k in count(2)))
    names = ((number, (f"training_dynamics{number}.gif", f"epoch_frames{number}")) for number in numbers)
    return next(number for number, both in names if not any(os.path.lexists(folder / name) for name in both))


def _draw_frames(animation, folder: Path) -> None:
    """One picture for every trained epoch shown; those of an older drawing go, also of epochs that are not shown any more."""
    drawn = animation.save_frames(folder, untrained=False)
    for path in folder.glob("epoch_*.png"):
        if path not in drawn and re.fullmatch(r"epoch_\d+\.png", path.name):
            path.unlink()
