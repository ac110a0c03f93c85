"""Components as objects in a Config: the same as their names, kept as plain settings, contradictions refused."""

from dataclasses import asdict, dataclass

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.methods import axes
from icon_nb.methods.config import Config
from icon_nb.objective import Objective, build_objective, learned, supervisory
from icon_nb.objective.divergences import kl
from icon_nb.objective.learned import Clusters, Gaussian, GaussianNarrow, GaussianWide, Joint, StudentT, StudentTNarrow
from icon_nb.objective.supervisory import Batch, GaussianFixed, Label, NearestNeighbors, OtherSide, Spectral, ViewsAndNeighbors

PAIRS = [
    (NearestNeighbors(n_neighbors=5), StudentT(df=2.0)),
    (supervisory.Gaussian(perplexity=7.0), Gaussian(temperature=0.3)),
    (supervisory.GaussianJoint(perplexity=9.0), Joint(StudentT(df=3.0, distance="cosine"))),
    (supervisory.GaussianJoint(perplexity=9.0), Joint(Gaussian(temperature=3.0, distance="cosine"))),
    (supervisory.StudentT(p_temperature=0.2), StudentTNarrow(df=5.0)),
    (supervisory.PositivePairs(), GaussianNarrow(distance="cosine", margin=0.25)),
    (supervisory.SameClass(), Gaussian(temperature=0.2, distance="cosine")),
    (ViewsAndNeighbors(n_neighbors=4, walk_length=2, walk="uniform"), Clusters()),
    (supervisory.GraphWeights(walk_length=3), Gaussian()),
    (supervisory.CompanionNeighbors(n_neighbors=2), Gaussian()),
    (supervisory.Companion(p_temperature=0.4), StudentT()),
    (Label(), Gaussian(distance="neg_dot")),
]


def said(component):
    """What a component says of itself, but for what follows from the pair and for the weights of a walk of one step."""
    parts = asdict(component)
    idle = {"include_self"} | ({"walk"} if parts.get("walk_length") == 1 else set())
    return type(component), {name: said(component.kernel) if name == "kernel" else parts[name] for name in parts.keys() - idle}


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=str)
def test_a_pair_of_objects_is_the_objective_that_they_are(p, q):
    objective = build_objective(Config(supervisory=p, learned=q).resolve())
    assert said(objective.supervisory) == said(p)
    assert said(objective.learned) == said(q)


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=str)
def test_the_config_of_objects_is_plain_and_survives_repr_and_json(p, q):
    config = Config(supervisory=p, learned=q)
    assert config.supervisory in axes.SUPERVISORY
    assert config.learned in axes.LEARNED
    assert eval(repr(config)) == config
    assert Config.from_json(config.to_json()) == config
    assert hash(config) == hash(Config.from_json(config.to_json()))
    assert Config.from_json(config.resolve().to_json()).key() == config.key()


def test_objects_and_names_make_the_same_run():
    small = {"epochs": 2, "n_samples": 150, "quiet": True, "probe": False, "backbone": "linear"}
    named = icon.run(Config(supervisory="knn", learned="student_t", n_neighbors=5, df=2.0, temperature=1.0, **small))
    given = icon.run(Config(supervisory=NearestNeighbors(n_neighbors=5), learned=StudentT(df=2.0), **small))
    assert given.config.n_neighbors == 5
    assert np.array_equal(given.trajectory.embeddings, named.trajectory.embeddings)


def test_an_object_may_stand_beside_a_name_a_method_and_settings_that_say_the_same():
    assert Config(supervisory="knn", learned=StudentT(df=2.0), df=2).df == 2.0
    assert Config(method="knn_student_t", learned=StudentT(df=2.0)).resolve().df == 2.0


@pytest.mark.parametrize("base", [{"supervisory": "knn", "learned": "student_t", "df": 1.5}, {"method": "tsne_conditional"}])
def test_an_object_replaces_what_was_set_before_and_a_later_layer_replaces_what_it_says(base):
    config = Config(**base).replace(learned=StudentT(df=3.0))
    assert config.df == 3.0
    assert config.sources["df"] == "keyword"
    layered = Config.from_layers(("notebook", {**base, "learned": StudentT(df=3.0)} | {"df": 3.0}), ("flag", {"df": 4.0}))
    assert (layered.df, layered.sources["df"], layered.sources["temperature"]) == (4.0, "flag", "notebook")


def test_mixing_is_alpha_on_the_side_that_is_mixed():
    p, q = NearestNeighbors(), Gaussian()
    assert Config(supervisory=supervisory.Mixed(p, 0.2), learned=q).alpha_on == "p"
    assert Config(supervisory=p, learned=learned.Mixed(q, 0.2)).alpha_on == "q"
    both = Config(supervisory=supervisory.Mixed(p, 0.2), learned=learned.Mixed(q, 0.2))
    assert (both.alpha, both.alpha_on) == (0.2, "both")
    with pytest.raises(ConfigError, match=r"alpha=0\.2 of supervisory=.* contradicts alpha=0\.3 of learned="):
        Config(supervisory=supervisory.Mixed(p, 0.2), learned=learned.Mixed(q, 0.3))


def test_whether_self_counts_follows_from_the_pair():
    assert build_objective(Config(supervisory=GaussianFixed(), learned=Clusters()).resolve()).supervisory.include_self
    assert build_objective(Config(supervisory=GaussianFixed(include_self=True), learned=GaussianWide()).resolve())
    with pytest.raises(ConfigError, match="include_self=True, but .*'gaussian_fixed' with learned='gaussian'.*leave it out"):
        Config(supervisory=GaussianFixed(include_self=True), learned=Gaussian())
    with pytest.raises(ConfigError, match="learned=.* has include_self=True, but supervisory='knn'"):
        Config(supervisory="knn", learned=Gaussian(include_self=True))


class Mine(Gaussian):
    """A kernel of a user's own."""


@dataclass(frozen=True)
class Everyone:
    """A p of a user's own: everybody else, equally."""

    def __call__(self, batch: Batch) -> torch.Tensor:
        n = len(batch.index)
        return (1 - torch.eye(n)) / (n - 1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"supervisory": "knn", "learned": StudentT(df=2.0), "df": 3.0}, ["df=3.0 contradicts df=2.0", "learned=StudentT("]),
        ({"method": "tsne", "learned": Gaussian()}, ["learned='gaussian' is not what method='tsne' means"]),
        ({"supervisory": Spectral(embedding_dim=4), "learned": Clusters(), "embedding_dim": 5}, ["embedding_dim=5 contradicts"]),
        ({"supervisory": OtherSide(sides=2), "learned": Gaussian()}, ["several rows", "'cross_modal'", "'momentum_view'"]),
        ({"supervisory": OtherSide(), "learned": Gaussian()}, ["several rows", "'other_view'", "'dimension'"]),
        ({"supervisory": StudentT(), "learned": Gaussian()}, ["not a component of icon_nb.supervisory"]),
        ({"supervisory": "knn", "learned": StudentT}, ["is a class", "StudentT(...)"]),
        ({"supervisory": "knn", "learned": Joint(StudentTNarrow())}, ["not a component of icon_nb.learned"]),
        ({"supervisory": "knn", "learned": Mine()}, ["learned=Mine(", "a loop of your own", "icon_nb.objective.Objective"]),
        ({"supervisory": Everyone(), "learned": "gaussian"}, ["supervisory=Everyone()", "icon_nb.objective.Objective"]),
        ({"supervisory": ["knn"], "learned": Gaussian()}, ["supervisory=['knn'] is of type list"]),
        ({"supervisory": "knn", "learned": Gaussian(), "temperature": np.ones(2)}, ["temperature"]),
    ],
)
def test_an_object_that_cannot_be_meant_is_refused_with_the_remedy(settings, words):
    with pytest.raises(ConfigError) as caught:
        Config(**settings)
    for word in words:
        assert word in str(caught.value)


def test_the_remedy_for_a_component_of_ones_own_works():
    objective = Objective(Everyone(), Mine(temperature=2.0), kl)
    z = torch.nn.Parameter(torch.tensor([[0.0], [1.0], [5.0]]))
    loss = objective(Batch(index=torch.arange(3)), z)
    loss.backward()
    assert loss > 0
    assert z.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Gaussian(temperature=0.0), "temperature=0.0 is out of range: it must be greater than 0"),
        (lambda: StudentT(temperature=-1.0), "temperature=-1.0"),
        (lambda: StudentT(df=0.0), "df=0.0"),
        (lambda: StudentT(distance="neg_dot"), "distance='neg_dot' cannot be used here.*sqeuclidean"),
        (lambda: Gaussian(distance="euclid"), "distance='euclid'.*did you mean 'sqeuclidean'"),
        (lambda: GaussianWide(distance="l2"), "distance='l2'"),
        (lambda: GaussianNarrow(margin=-1.0), "margin=-1.0 is out of range: it must be at least 0"),
        (lambda: Clusters(include_self=False), "include_self=False"),
        (lambda: learned.Mixed(Gaussian(), 0.0), "alpha=0.0.*leave Mixed out"),
        (lambda: supervisory.Mixed(NearestNeighbors(), 1.0), "alpha=1.0"),
        (lambda: NearestNeighbors(n_neighbors=0), "n_neighbors=0 is out of range: it must be at least 1"),
        (lambda: NearestNeighbors(walk_length=2, walk="Uniform"), "walk='Uniform' is not known; did you mean 'uniform'"),
        (lambda: supervisory.Gaussian(perplexity=0.5), "perplexity=0.5 is out of range: it must be at least 1"),
        (lambda: supervisory.GaussianFixed(p_temperature=0.0), "p_temperature=0.0"),
    ],
)
def test_a_component_refuses_settings_that_give_no_distribution(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_p_is_mixed_over_the_candidates_that_q_counts():
    batch = Batch(torch.arange(4), x=torch.arange(4.0)[:, None])
    without = supervisory.Mixed(NearestNeighbors(n_neighbors=1), 0.4)(batch)
    own = supervisory.Mixed(NearestNeighbors(n_neighbors=1), 0.4, own=True)(batch)
    assert without[0].tolist() == pytest.approx([0, 0.6 + 0.4 / 3, 0.4 / 3, 0.4 / 3])
    assert own[0].tolist() == pytest.approx([0.1, 0.7, 0.1, 0.1])
    debiased = build_objective(Config(method="debiased_infonce_clustering").resolve())
    assert debiased.supervisory.own
    assert not build_objective(Config(method="sne", alpha=0.1).resolve()).supervisory.own
