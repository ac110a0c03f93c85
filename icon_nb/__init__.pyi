# ruff: noqa: I001
# The public names, first those to know first. __init__.py reads them here, a line each, and loads what is asked for; editors and
# type checkers read them too.
from .methods.config import Config as Config
from .methods.axes import register as register
from .methods.recipes import recipe as recipe
from .methods.recipes import get_recipe as get_recipe
from .study.run import run as run
from .study.sweep import sweep as sweep
from .study.sweep import run_recipe as run_recipe
from .study.sweep import run_configs as run_configs
from .study.comparison import load as load
from .study.card import card as card
from .study.atlas import atlas as atlas
from .animation.recorder import Recorder as Recorder
from .animation.bench import bench as bench
from .training.criterion import loss as loss
from .objective.objective import Objective as Objective
from .objective.component import Batch as Batch
from .evaluation.trajectory import Trajectory as Trajectory
from .study.results import Results as Results
from .study.comparison import Comparison as Comparison
from .interfaces.estimator import IconTransformer as IconTransformer
from .interfaces.answers import check as check
from .errors import IconError as IconError
from . import methods as methods
from .methods import recipes as recipes
from .animation import recorders as recorders
from .interfaces import widgets as widgets
from .objective import supervisory as supervisory
from .objective import learned as learned
from .objective import divergences as divergences
from .objective import distances as distances
from .evaluation import diagnosis as dynamics
from .evaluation import scores as evaluate
from . import data as data

__version__: str
__all__ = [
    "Batch", "Comparison", "Config", "IconError", "IconTransformer", "Objective", "Recorder", "Results", "Trajectory",
    "__version__", "atlas", "bench", "card", "check", "data", "distances", "divergences", "dynamics", "evaluate", "get_recipe",
    "learned", "load", "loss", "methods", "recipe", "recipes", "recorders", "register", "run", "run_configs", "run_recipe",
    "supervisory", "sweep", "widgets",
]  # fmt: skip
