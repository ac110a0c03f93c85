"""Pictures: a trajectory becomes frames, a GIF, curves, or a page that a reader can scrub through.

Nothing here trains.
"""

from importlib import import_module

_WHERE = {
    "Animation": "animation",
    "animate": "animation",
    "side_by_side": "animation",
    "small_multiples": "plots",
    "curves": "plots",
}
__all__ = [*_WHERE]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
