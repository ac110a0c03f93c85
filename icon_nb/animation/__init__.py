"""Pictures: a trajectory becomes frames, a GIF, curves, or a page that a reader can scrub through. Nothing here trains."""

from importlib import import_module

__all__ = ["Animation", "animate", "side_by_side", "small_multiples", "curves"]


def __getattr__(name: str):
    if name in __all__:
        return getattr(import_module(".animation" if name in __all__[:3] else ".plots", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
