"""Studies to play with in a notebook: :func:`temperature_study` and :func:`method_explorer`.

Each is three things: a plain state without a screen, callbacks that are ordinary methods, and boxes and sliders around them.
Only what ipywidgets 7.7 has is used, and nothing runs in the background, so that the same code works in JupyterLab, Notebook 7,
VS Code and Colab. What a widget shows can be had without it, as ``.still``.
"""

from __future__ import annotations

from ..methods.config import Config
from .explorer import MethodExplorer
from .temperature import TemperatureWidget

__all__ = ["MethodExplorer", "TemperatureWidget", "method_explorer", "temperature_study"]


def temperature_study(
    config: Config | None = None, temperatures=(0.05, 0.1, 0.5, 1.0), seeds=(0,), *, data=None
) -> TemperatureWidget:
    """Train a config at several temperatures once, then scrub temperature and epoch without waiting.

    Shows the embedding at an epoch, p and q of a sample as bars, and kNN accuracy, uniformity and alignment against the
    temperature. A value in between can be trained on demand and joins the study. What was trained in this session is not
    trained again.

    Parameters
    ----------
    config : Config, optional
        Of a method with a temperature; ``Config()`` when not given.
    temperatures : iterable of float
    seeds : iterable of int
        Several give bands around the curves.
    data : optional
        Data of your own, as in :func:`icon_nb.run`.

    Returns
    -------
    TemperatureWidget
        Shows itself in a notebook. ``run()`` is its button, ``still`` its picture on paper, ``study`` the runs.

    Raises
    ------
    ConfigError
        The method has no temperature, or a value is out of range.

    Examples
    --------
    >>> temperature_study(Config(n_samples=200, epochs=1, embedding_dim=3), [0.1, 1.0]).run()
    TemperatureWidget(simclr: temperatures 0.1, 1; 1 seed(s), 0 to train)
    """
    return TemperatureWidget(config or Config(), temperatures, seeds, data)


def method_explorer(config: Config | None = None, *, data=None) -> MethodExplorer:
    """Pick p, q, backbone and data set; see why a pair makes no sense, or run it and watch; with the code that does the same.

    Parameters
    ----------
    config : Config, optional
        Settings that every choice shares, for instance ``Config(epochs=5)``; those without an effect on a choice are left out.
    data : optional
        Data of your own instead of a data set by name, as in :func:`icon_nb.run`.

    Examples
    --------
    >>> method_explorer().choose(supervisory="label", learned="clusters").reason
    "supervisory='label' spreads over classes, but learned='clusters' is a distribution over samples"
    """
    return MethodExplorer(config or Config(), data)
