"""IconTransformer among scikit-learn's own: its checks, a Pipeline, a grid search."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import icon_nb as icon
from icon_nb import Config, IconTransformer
from icon_nb.errors import ConfigError, DataError

SMALL = {"epochs": 1, "hidden_dim": 8, "embedding_dim": 2}
X, Y = load_iris(return_X_y=True)


UNSUPERVISED, SUPERVISED = Config(method="sne", backbone="mlp", **SMALL), Config(method="cross_entropy", **SMALL)


@parametrize_with_checks([IconTransformer(UNSUPERVISED), IconTransformer(SUPERVISED)])
def test_scikit_learn_is_content(estimator, check):
    check(estimator)


def test_it_is_a_run_like_any_other():
    config = Config(method="sne", backbone="mlp", **SMALL)
    transformer = IconTransformer(config).fit(X)
    run = icon.run(config, data=X, quiet=True)
    assert np.array_equal(transformer.results_.embeddings, run.embeddings)
    np.testing.assert_allclose(transformer.transform(X[:7]), run.embed(X[:7].astype(np.float32)), atol=1e-5)
    assert list(transformer.get_feature_names_out()) == ["icontransformer0", "icontransformer1"]


def test_it_learns_in_a_pipeline_and_is_cloned_and_pickled():
    config = Config(method="supcon", hidden_dim=32, embedding_dim=8, epochs=15, batch_size=40)
    pipeline = make_pipeline(StandardScaler(), IconTransformer(config), LogisticRegression())
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.85
    fitted = IconTransformer(config).fit(X, Y)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).transform(X), fitted.transform(X))
    assert clone(fitted).config == config
    assert not hasattr(clone(fitted), "results_")


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ConfigError, match="backbone='table'"):
        IconTransformer(Config(method="tsne")).fit(X)
    with pytest.raises(DataError, match="needs classes"):
        IconTransformer(Config(method="supcon")).fit(X)
