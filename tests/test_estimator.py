"""IconTransformer among scikit-learn's own: its checks, a Pipeline, a grid search."""

import pickle
from unittest import SkipTest

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import icon_nb as icon
from icon_nb import Config, IconTransformer
from icon_nb.errors import ConfigError, DataError

SMALL = {"epochs": 1, "hidden_dim": 8, "embedding_dim": 2}
X, Y = load_iris(return_X_y=True)


UNSUPERVISED, SUPERVISED = Config(method="sne", backbone="mlp", **SMALL), Config(method="cross_entropy", **SMALL)
WIDE = Config(method="pca", embedding_dim=2, epochs=1)

SKIPPED = {"check_array_api_input": "it is for estimators that compute with array_api_compat, and this one has torch for that"}
"""The checks that skip themselves, and why that is right."""


@parametrize_with_checks([IconTransformer(UNSUPERVISED), IconTransformer(SUPERVISED), IconTransformer(WIDE)])
def test_scikit_learn_is_content(estimator, check):
    name = check.func.__name__
    if name in SKIPPED:
        with pytest.raises(SkipTest):
            check(estimator)
    else:
        try:
            check(estimator)
        except SkipTest as skipped:
            pytest.fail(f"{name} skipped itself without a reason here: {skipped}")


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


def test_a_grid_search_reaches_the_settings_in_a_pipeline_and_other_processes():
    config = Config(method="supcon", hidden_dim=32, embedding_dim=4, epochs=10, batch_size=40)
    steps = {"scale": StandardScaler(), "icon": IconTransformer(config, random_state=0), "classify": LogisticRegression()}
    pipeline = Pipeline(list(steps.items()))
    grid = {"icon__config__temperature": [0.1, 100.0], "classify__C": [1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, Y)
    tried = [row["icon__config__temperature"] for row in search.cv_results_["params"]]
    found = dict(zip(tried, search.cv_results_["mean_test_score"]))
    assert set(found) == {0.1, 100.0}
    assert found[0.1] != found[100.0]
    assert search.best_score_ > 0.85
    assert search.best_estimator_["icon"].results_.config.temperature == search.best_params_["icon__config__temperature"]


def test_settings_beside_the_config_override_it():
    made = IconTransformer(method="supcon", temperature=0.3, **SMALL)
    assert made.fit(X, Y).results_.config.temperature == 0.3
    assert IconTransformer(**SMALL).fit(X).results_.config.method == "sne"
    both = IconTransformer(UNSUPERVISED, temperature=0.4).set_params(config__perplexity=5.0, temperature=0.6)
    assert both.config == UNSUPERVISED.replace(perplexity=5.0)
    assert (both.fit(X).results_.config.temperature, both.results_.config.perplexity) == (0.6, 5.0)
    assert clone(both).get_params() == both.get_params()
    assert both.get_params()["config__perplexity"] == 5.0
    assert repr(made).startswith("IconTransformer(")
    assert set(made.get_params(deep=False)) == {"config", "random_state", "method", "temperature", *SMALL}
    with pytest.raises(ConfigError, match="did you mean 'temperature'"):
        made.set_params(config__temprature=1)
    with pytest.raises(ConfigError, match="did you mean 'temperature'"):
        IconTransformer(temprature=1).fit(X)
    with pytest.raises(ValueError, match="nonsense"):
        made.set_params(nonsense=1)


def test_its_output_can_be_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = IconTransformer(UNSUPERVISED).set_output(transform="pandas").fit_transform(pandas.DataFrame(X))
    assert list(frame.columns) == ["icontransformer0", "icontransformer1"]
    assert list(frame.index) == list(range(len(X)))


def test_random_state_is_the_seed():
    one, same, other = (IconTransformer(UNSUPERVISED, random_state=state).fit(X).transform(X) for state in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.array_equal(one, IconTransformer(UNSUPERVISED.replace(seed=1)).fit(X).transform(X))
    drawn = IconTransformer(UNSUPERVISED, random_state=np.random.RandomState(0)).fit(X)
    assert drawn.results_.config.seed == np.random.RandomState(0).randint(2**31)


def test_samples_without_a_label_are_embedded_and_teach_nothing():
    config = Config(method="supcon", hidden_dim=16, embedding_dim=2, epochs=2, batch_size=20)
    known = np.arange(len(X)) % 3 != 0
    some = IconTransformer(config).fit(X, np.where(known, Y, -1))
    alone = IconTransformer(config).fit(X[known], Y[known])
    assert some.embedding_.shape == (len(X), 2)
    np.testing.assert_array_equal(some.transform(X), alone.transform(X))
    with pytest.raises(DataError, match="every sample as unlabelled"):
        IconTransformer(config).fit(X, np.full(len(X), -1))


def test_a_layout_has_fit_transform_for_all_of_its_points():
    layout = IconTransformer(Config(method="tsne", epochs=100, max_points=20, perplexity=15))
    z = layout.fit_transform(X)
    assert z.shape == (len(X), 2)
    assert icon.evaluate.knn_accuracy(z, Y) > 0.9
    seen = layout.results_.trajectory
    np.testing.assert_allclose(z[seen.index], seen.embeddings[-1], rtol=1e-5)
    with pytest.raises(ConfigError, match="use fit_transform"):
        layout.transform(X)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(DataError, match="needs classes"):
        IconTransformer(Config(method="supcon")).fit(X)
    assert not hasattr(IconTransformer(), "partial_fit")
    with pytest.raises(AttributeError, match="call fit with all of them"):
        IconTransformer().partial_fit(X)
    with pytest.raises(ConfigError, match="of type str"):
        IconTransformer("sne").fit(X)
