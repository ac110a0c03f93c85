"""IconTransformer: a run as a scikit-learn transformer."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from ..errors import ConfigError, DataError, demand, demand_type
from ..methods import axes
from ..methods.config import SETTINGS, Config
from ..methods.resolve import method_of
from ..objective.distances import as_seen_by
from ..study.probes import embed, new_samples
from ..study.run import run

DEFAULT = Config(method="sne", backbone="mlp")
NESTED = "config__"
UNLABELLED = -1


class IconTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learn an embedding with any method, and apply it to new samples where a backbone makes it.

    Parameters
    ----------
    config : Config, optional
        ``Config(method="sne", backbone="mlp")``, parametric SNE, when not given. Its data set is what is given to ``fit``.
    random_state : int, RandomState or None
        Takes the place of the config's seed, if given.
    **settings
        Settings that override those of ``config``: ``IconTransformer(method="supcon", temperature=0.1)``. A grid search reaches
        them as ``temperature``, and those of a config as ``config__temperature``.

    Attributes
    ----------
    results_, embedding_ : Results, float32 array (n, d)
        The run; and the embedding of the samples of ``fit``, those without a label included.

    Examples
    --------
    >>> import icon_nb as icon
    >>> x = np.random.default_rng(0).normal(size=(40, 5))
    >>> small = icon.IconTransformer(method="sne", backbone="mlp", embedding_dim=2, epochs=1, random_state=0)
    >>> small.fit_transform(x).shape
    (40, 2)
    >>> small.set_params(temperature=0.5).fit(x).results_.config.temperature
    0.5
    """

    def __init__(self, config: Config | None = None, *, random_state=None, **settings):
        self.config, self.random_state, self._settings = config, random_state, settings

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """The parameters and the settings; with ``deep`` every setting of the config, too, as ``config__NAME``."""
        config = DEFAULT if self.config is None else self.config
        nested = {f"{NESTED}{name}": getattr(config, name) for name in SETTINGS} if deep and isinstance(config, Config) else {}
        return {"config": self.config, "random_state": self.random_state, **self._settings, **nested}

    def set_params(self, **params):
        """Set parameters and settings, those of the config as ``config__NAME``; None leaves a setting to the method again."""
        for name in [name for name in params if name in SETTINGS]:
            self._settings = {**self._settings, name: params.pop(name)}
        nested = {name.removeprefix(NESTED): params.pop(name) for name in list(params) if name.startswith(NESTED)}
        super().set_params(**params)
        if nested:
            self.config = (DEFAULT if self.config is None else self.config).replace(**nested)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # embeddings are float32, whatever comes
        return tags

    @property
    def partial_fit(self):
        """Not there: a p over all samples does not come in parts."""
        raise AttributeError("IconTransformer has no partial_fit: p is made from all samples, so call fit with all of them")

    def fit(self, X, y=None):  # noqa: N803  scikit-learn's names
        """Train on samples X (n, features), and on classes y (n,) where the method uses them; returns self.

        Where it does, samples with y = -1 have no label and are left out of the training. A DataError where the method needs
        classes and y was not given, or the samples do not serve it.
        """
        X = validate_data(self, X, ensure_min_samples=2)
        config = self._resolved()
        data, known = X, slice(None)
        if "labels" in axes.SUPERVISORY[method_of(config).supervisory].needs:
            if y is None:
                raise DataError(f"method={config.label!r} needs classes and requires y to be passed, but the target y is None")
            classes = column_or_1d(y, warn=True)
            check_classification_targets(classes)
            check_consistent_length(X, classes)
            known = classes != UNLABELLED
            demand(known.any(), "y marks every sample as unlabelled (-1): give the class of some", DataError)
            data = X[known], classes[known]
        self.results_ = run(config.replace(quiet=True), data=data, progress=False)
        self._network = deepcopy(self.results_.backbone).double()  # so that a sample does not depend on those beside it
        self._n_features_out = self.results_.trajectory.dim
        if config.backbone != "table":
            self.embedding_ = self._embed(X)
        else:
            self.embedding_ = as_seen_by(config.distance, self._network(torch.arange(len(X)))).detach().float().numpy()
        return self

    def _resolved(self) -> Config:
        config = self.config
        if config is None:
            config = Config() if self._settings.keys() & {"method", "supervisory", "learned"} else DEFAULT
        demand_type("config", config, Config, "icon_nb.Config(method='sne')")
        seed = self.random_state
        if seed is not None:
            config = config.replace(seed=seed if isinstance(seed, int) else check_random_state(seed).randint(2**31))
        return config.replace(**self._settings).resolve()

    def fit_transform(self, X, y=None) -> np.ndarray:  # noqa: N803
        """Train on X, and return its embedding (n, d), float32; for a ``table`` the only way to one."""
        return self.fit(X, y).embedding_

    def transform(self, X) -> np.ndarray:  # noqa: N803
        """Embeddings (n, d), float32, of samples X (n, features).

        A ConfigError where the backbone is a ``table``: a free point for each sample of ``fit``, nothing that could embed others.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        if self.results_.config.backbone == "table":
            raise ConfigError("backbone='table' cannot embed new samples: use fit_transform, or backbone='mlp' or 'linear'")
        return self._embed(X)

    def _embed(self, X) -> np.ndarray:  # noqa: N803
        data = self.results_.data()
        return embed(self._network, data, new_samples(data, X), self.results_.config)
