"""IconTransformer: a run as a scikit-learn transformer."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from ..errors import ConfigError, DataError, shown
from ..methods import axes
from ..methods.config import Config
from ..methods.resolve import method_of
from ..study.probes import embed, new_samples
from ..study.run import run


class IconTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Learn an embedding with any method that trains a backbone, and apply it to new samples.

    Parameters
    ----------
    config : Config, optional
        ``Config(method="sne", backbone="mlp")``, parametric SNE, when not given. Its data set is what is given to ``fit``.

    Attributes
    ----------
    results_ : Results
        The run: history, trajectory, animation.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Examples
    --------
    >>> import icon_nb as icon
    >>> x = np.random.default_rng(0).normal(size=(40, 5))
    >>> icon.IconTransformer(icon.Config(method="sne", backbone="mlp", embedding_dim=2, epochs=1)).fit_transform(x).shape
    (40, 2)
    """

    def __init__(self, config: Config | None = None):
        self.config = config

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # embeddings are float32, whatever comes
        return tags

    def fit(self, X, y=None):  # noqa: N803  scikit-learn's names
        """Train on samples X (n, features), and on classes y (n,) where the method uses them; returns self.

        Raises
        ------
        ConfigError
            The backbone is a ``table``, which has a free point per sample and nothing that could embed others.
        DataError
            The method needs classes and y was not given, or the samples do not serve it.
        """
        X = validate_data(self, X, ensure_min_samples=2)
        config = Config(method="sne", backbone="mlp") if self.config is None else self.config
        if not isinstance(config, Config):
            raise ConfigError(f"config={shown(config)} is of type {type(config).__name__}: give icon_nb.Config(method='sne')")
        if config.resolve().backbone == "table":
            raise ConfigError("backbone='table' cannot embed new samples, which transform is for: use backbone='mlp' or 'linear'")
        data = X
        if "labels" in axes.SUPERVISORY[method_of(config).supervisory].needs:
            data = X, self._classes(X, y, config)
        self.results_ = run(config.replace(quiet=True), data=data, progress=False)
        self._network = deepcopy(self.results_.backbone).double()  # so that a sample does not depend on those beside it
        self._n_features_out = self.results_.trajectory.dim
        return self

    @staticmethod
    def _classes(X, y, config: Config) -> np.ndarray:  # noqa: N803
        if y is None:
            raise DataError(f"method={config.label!r} needs classes and requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        check_consistent_length(X, y)
        return y

    def transform(self, X) -> np.ndarray:  # noqa: N803
        """Embeddings (n, d), float32, of samples X (n, features)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        data = self.results_.data()
        return embed(self._network, data, new_samples(data, X), self.results_.config)
