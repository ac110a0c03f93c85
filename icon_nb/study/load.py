"""load: a saved run or comparison, read back without running anything that it names."""

from __future__ import annotations

import os

from ..errors import LoadError, shown
from ..files import place
from ..methods.own import hold, is_own, keep
from .comparison import Comparison
from .folders.store import COMPARISON, RECORD, load_run
from .folders.studies import read_study
from .folders.verify import reading
from .results import Results


def load(path, *, trust_code: bool = False, backbone=None) -> Results | Comparison:
    """Read a saved run back: an equal :class:`Results`, animation included; or a saved :class:`Comparison`.

    Parameters
    ----------
    path : str or Path
        The folder of the run, or of the comparison.
    trust_code : bool
        Whether scores and probes may run the file of a run on ``dataset="custom:FILE.py:NAME"``. Without it no code that a saved
        run names is run.
    backbone : nn.Module, optional
        The network of a run on a network of your own, with any weights: those of the run are put into a copy.

    Raises
    ------
    LoadError
        Missing, damaged, changed, or from a newer version; the message names the file.

    Examples
    --------
    >>> import tempfile, icon_nb as icon
    >>> run = icon.run(epochs=1, quiet=True)
    >>> again = icon.load(run.save(tempfile.mkdtemp() + "/run"))
    >>> bool((again.embeddings == run.embeddings).all())
    True
    """
    if not isinstance(path, (str, os.PathLike)):
        raise LoadError(f"{shown(path)} is of type {type(path).__name__}: give the folder of a saved run")
    path = place(path, LoadError)
    held = None if backbone is None else hold(backbone)
    with reading(path):
        several = (path / COMPARISON).exists() and not (path / RECORD).exists()
    loaded = Comparison(**read_study(path)) if several else load_run(path, Results)
    for run in loaded.results if several else (loaded,):
        run.trust_code = trust_code
        if held is not None and is_own(run.config.backbone):  # the config keeps the network from now on
            object.__setattr__(run.config, "backbone", keep(run.config.backbone, held.thing))
    return loaded
