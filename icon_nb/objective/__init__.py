"""D(p || q): distances, divergences, p in ``supervisory/``, q in ``learned/``, and the objective that puts them together.

How z is made and moved is training's; which names a user may choose from is the table's.
"""

from . import learned, supervisory
from .closed_forms import closed_form
from .component import Batch, Target
from .objective import Objective, build_objective, make

__all__ = ["Batch", "Objective", "Target", "build_objective", "closed_form", "learned", "make", "supervisory"]
