"""The table: every p, q and method as a row, every setting of a Config, and the recipes. Plain data; loads no torch.

What a row makes (a p, a network, a data set) lives in the rooms above, and the row names it.
"""

from .config import Config
from .methods import ALIASES, ICON, METHODS, OUTSIDE, Method, Paper, get, of_pair
from .periodic import table

__all__ = ["ALIASES", "Config", "ICON", "METHODS", "Method", "OUTSIDE", "Paper", "get", "of_pair", "table"]
