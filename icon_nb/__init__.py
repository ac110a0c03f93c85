"""I-Con in a notebook: choose p, choose q, choose a backbone, minimise D(p || q), and watch it learn."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

__version__ = "0.1.0"

_WHERE = {
    "Config": "methods.config",
    "recipe": "methods.recipes",
    "run": "study.run",
    "sweep": "study.sweep",
    "run_recipe": "study.sweep",
    "run_configs": "study.sweep",
    "load": "study.load",
    "Recorder": "animation.recorder",
    "Trajectory": "evaluation.trajectory",
    "Results": "study.results",
    "Comparison": "study.comparison",
    "IconTransformer": "interfaces.estimator",
    "IconError": "errors",
}
_MODULES = ("methods", "recipes", "widgets", "supervisory", "learned", "divergences", "distances", "dynamics", "evaluate", "data")
__all__ = ["__version__", *_WHERE, *_MODULES]


def __getattr__(name: str):
    if name in _WHERE:
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    if name in _MODULES or name in _MOVED:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)


_MOVED = {
    "config": "methods.config",
    "recipes": "methods.recipes",
    "distances": "objective.distances",
    "divergences": "objective.divergences",
    "batch": "objective.batch",
    "supervisory": "objective.supervisory",
    "learned": "objective.learned",
    "augment": "data.augment",
    "train": "training.trainer",
    "backbones": "training.backbones",
    "trajectory": "animation.recorder",
    "dynamics": "evaluation.dynamics",
    "diagnosis": "evaluation.diagnosis",
    "evaluate": "evaluation.scores",
    "projection": "animation.projection",
    "player": "animation.player",
    "plots": "animation.plots",
    "results": "study.results",
    "comparison": "study.comparison",
    "runs": "study.run",
    "sweeps": "study.sweep",
    "cli": "interfaces.cli",
    "widgets": "interfaces.widgets",
    "estimator": "interfaces.estimator",
    "command_line.outputs": "study.folders.outputs",
    "command_line.flags": "interfaces.flags",
    "command_line.commands": "interfaces.commands",
    "distributions.neighbourhoods": "objective.supervisory.neighbourhoods",
    "distributions.graphs": "objective.supervisory.graphs",
    "distributions.perplexity": "objective.supervisory.perplexity",
    "distributions.limits": "objective.learned.limits",
    "distributions.clusters": "objective.learned.clusters",
    "distributions.contexts": "training.batches",
    "drawing.canvas": "animation.canvas",
    "drawing.captions": "animation.captions",
    "drawing.curves": "animation.plots",
    "drawing.encode": "animation.encode",
    "drawing.furniture": "animation.annotations",
    "drawing.inline": "animation.inline",
    "drawing.layout": "animation.layout",
    "drawing.neighbour_maps": "animation.neighbour_maps",
    "drawing.overlays": "animation.overlays",
    "drawing.page": "animation.page",
    "drawing.painter": "animation.painter",
    "drawing.palette": "animation.palette",
    "drawing.panel": "animation.painter",
    "drawing.points": "animation.points",
    "drawing.selection": "animation.options",
    "drawing.sheet": "animation.sheet",
    "drawing.study_pictures": "animation.plots",
    "drawing.timeline": "animation.timeline",
    "drawing.view": "animation.view",
    "drawing.animation_options": "animation.options",
    "engines.fused": "objective.closed_forms",
    "engines.fused_clusters": "objective.closed_forms",
    "engines.large": "objective.edges",
    "inputs.arrays": "data.arrays",
    "inputs.checks": "data.dataset",
    "inputs.digests": "data.dataset",
    "inputs.downloads": "data.downloads",
    "inputs.folders": "data.folders",
    "inputs.samples": "data.stored",
    "inputs.scales": "data.arrays",
    "inputs.stored": "data.stored",
    "inputs.transforms": "data.transforms",
    "inputs.sources": "data.published",
    "inputs.pairs": "data.made_here",
    "inputs.own_data": "data.own",
    "measures.readings": "evaluation.readings",
    "measures.probes": "study.probes",
    "measures.comparing": "study.comparing",
    "measures.table": "study.table",
    "measures.study": "study.temperature",
    "notebook.display": "animation.display",
    "notebook.live": "study.live",
    "notebook.explorer": "interfaces.explorer",
    "notebook.temperature": "interfaces.temperature",
    "registry.axes": "methods.axes",
    "registry.cell": "methods.cell",
    "registry.periodic": "methods.periodic",
    "registry.components": "methods.components",
    "registry.resolve": "methods.resolve",
    "registry.datasets": "methods.catalogue",
    "saving.files": "files",
    "saving.store": "study.load",
    "saving.verify": "study.folders.verify",
    "saving.lock": "study.folders.lock",
    "saving.checkpoints": "study.folders.checkpoints",
    "saving.studies": "study.folders.studies",
    "training.model": "training.candidates",
    "training.initial": "training.starts",
    "training.accelerated": "training.backbones",
    "training.session": "study.session",
    "training.progress": "study.progress",
    "training.watching": "study.watching",
}
"""Where modules of version 0.1.0 are now: ``import icon_nb.evaluate`` is the same module as ``icon_nb.evaluation.scores``."""

_FOLDERS = {module.rpartition(".")[0] for module in _MOVED} - {"", "training"}


class _Moved:
    """Finds modules by the paths that they had before they were moved."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        package, _, old = name.partition(".")
        if package != __name__ or not (old in _MOVED or old in _FOLDERS):
            return None
        return ModuleSpec(name, _Moved, is_package=old in _FOLDERS)

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:
        new = _MOVED.get(spec.name.partition(".")[2])
        if new is None:
            return None
        module = import_module(f".{new}", __name__)
        spec.loader_state = module.__spec__
        return module

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        if module.__spec__.loader_state is not None:
            module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, _Moved)
