"""I-Con in a notebook: choose p, choose q, choose a backbone, minimise D(p || q), and watch it learn."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

__version__ = "0.1.0"

_STUB = __spec__.loader.get_data(__file__.rpartition(".")[0] + ".pyi").decode()
_WHERE = {line.split()[-1]: line.split()[1] for line in _STUB.splitlines() if line.startswith("from .")}
"""The public names stand in ``__init__.pyi``, for editors too: name -> the module that it comes from."""

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str):
    if name in _MOVED or _WHERE.get(name) == ".":
        return _load(f".{name}")
    if name in _WHERE:
        return getattr(_load(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _load(module: str):
    """Import torch while the collector of cycles rests: it would walk four times through a million objects that all stay."""
    if "torch" in sys.modules or not gc.isenabled():
        return import_module(module, __name__)
    gc.disable()
    try:
        return import_module(module, __name__)
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # so that what was imported counts as old
        gc.enable()


def __dir__():
    return sorted(__all__)


_MOVED = {
    "config": "methods.config", "recipes": "methods.recipes", "distances": "objective.distances",
    "divergences": "objective.divergences", "batch": "objective.component", "supervisory": "objective.supervisory",
    "learned": "objective.learned", "augment": "data.augment", "train": "training.trainer",
    "backbones": "training.backbones", "trajectory": "animation.recorder", "dynamics": "evaluation.diagnosis",
    "diagnosis": "evaluation.diagnosis", "evaluate": "evaluation.scores", "projection": "animation.projection",
    "player": "animation.player", "plots": "animation.plots", "results": "study.results", "comparison": "study.comparison",
    "runs": "study.run", "sweeps": "study.sweep", "cli": "interfaces.cli", "widgets": "interfaces.widgets",
    "estimator": "interfaces.estimator", "drawing.palette": "animation.palette", "engines.large": "objective.closed_forms",
    "registry.axes": "methods.axes", "registry.datasets": "methods.catalogue", "registry.periodic": "methods.periodic",
    "saving.store": "study.comparison", "training.model": "training.candidates", "recorders": "animation.recorders",
}  # fmt: skip
"""Where modules of version 0.1.0 are now, and short paths of new ones: ``icon_nb.evaluate`` is ``icon_nb.evaluation.scores``."""

_FOLDERS = {"drawing", "engines", "registry", "saving"}


class _Moved:
    """Finds modules by the paths that they had before they were moved."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        package, _, old = name.partition(".")
        if package != __name__ or not (old in _MOVED or old in _FOLDERS):
            return None
        return ModuleSpec(name, None, is_package=True) if old in _FOLDERS else ModuleSpec(name, _Moved)

    @staticmethod
    def create_module(spec: ModuleSpec):
        module = import_module(f".{_MOVED[spec.name.partition('.')[2]]}", __name__)
        spec.loader_state = module.__spec__
        return module

    @staticmethod
    def exec_module(module) -> None:
        module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, _Moved)
