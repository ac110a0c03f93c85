"""I-Con in a notebook: choose p, choose q, choose a backbone, minimise D(p || q), and watch it learn."""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_WHERE = {
    "Config": "config",
    "recipe": "recipes",
    "run": "runs",
    "sweep": "sweeps",
    "run_recipe": "sweeps",
    "run_configs": "sweeps",
    "load": "saving.store",
    "Recorder": "trajectory",
    "Trajectory": "trajectory",
    "Results": "results",
    "Comparison": "comparison",
    "IconTransformer": "estimator",
    "IconError": "errors",
}
_MODULES = ("methods", "recipes", "widgets", "supervisory", "learned", "divergences", "distances", "dynamics", "evaluate", "data")
__all__ = ["__version__", *_WHERE, *_MODULES]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
