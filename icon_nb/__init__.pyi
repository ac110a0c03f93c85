# The names that __init__.py loads when they are asked for, spelt out for editors and type checkers.
from . import data as data
from . import methods as methods
from .animation import recorders as recorders
from .animation.bench import bench as bench
from .animation.recorder import Recorder as Recorder
from .errors import IconError as IconError
from .evaluation import dynamics as dynamics
from .evaluation import scores as evaluate
from .evaluation.trajectory import Trajectory as Trajectory
from .interfaces import widgets as widgets
from .interfaces.answers import check as check
from .interfaces.estimator import IconTransformer as IconTransformer
from .methods import recipes as recipes
from .methods.axes import register as register
from .methods.config import Config as Config
from .methods.recipes import get_recipe as get_recipe
from .methods.recipes import recipe as recipe
from .objective import distances as distances
from .objective import divergences as divergences
from .objective import learned as learned
from .objective import supervisory as supervisory
from .objective.batch import Batch as Batch
from .objective.objective import Objective as Objective
from .study.atlas import atlas as atlas
from .study.card import card as card
from .study.comparison import Comparison as Comparison
from .study.comparison import load as load
from .study.results import Results as Results
from .study.run import run as run
from .study.sweep import run_configs as run_configs
from .study.sweep import run_recipe as run_recipe
from .study.sweep import sweep as sweep
from .training.criterion import loss as loss

__version__: str
__all__ = [
    "Batch", "Comparison", "Config", "IconError", "IconTransformer", "Objective", "Recorder", "Results", "Trajectory",
    "__version__", "atlas", "bench", "card", "check", "data", "distances", "divergences", "dynamics", "evaluate", "get_recipe",
    "learned", "load", "loss", "methods", "recipe", "recipes", "recorders", "register", "run", "run_configs", "run_recipe",
    "supervisory", "sweep", "widgets",
]  # fmt: skip
