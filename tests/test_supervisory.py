"""p(j|i): every component keeps the contract, and says what is missing when it cannot."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icon_nb.errors import DataError
from icon_nb.methods import axes
from icon_nb.methods.config import Config
from icon_nb.objective import make, supervisory
from icon_nb.objective.component import Batch
from icon_nb.objective.supervisory.graphs import nearest, propagate, spectral_embedding

SETTINGS = {
    "perplexity": 3.0,
    "p_temperature": 0.7,
    "n_neighbors": 3,
    "walk_length": 2,
    "walk": "sum",
    "embedding_dim": 2,
    "n_candidates": 4,
    "temperature": 0.5,
    "df": 2.0,
}


def component(name, **settings):
    axis = axes.SUPERVISORY[name]
    return make(axis, **{key: {**SETTINGS, **settings}[key] for key in axis.settings})


def rich_batch(n=8, seed=0, views=1, **changes):
    """A batch that has everything a component may ask for."""
    g = torch.Generator().manual_seed(seed)
    x, companion = torch.randn(n, 4, dtype=torch.float64, generator=g), torch.randn(n, 3, dtype=torch.float64, generator=g)
    weights = torch.rand(n, n, dtype=torch.float64, generator=g)
    index = torch.arange(n).repeat(views)
    parts = {
        "index": index,
        "x": x[index],
        "y": torch.arange(n)[index] % 2,
        "n_classes": 3,
        "dtype": torch.float64,
        "companion": companion[index],
        "graph": (weights + weights.T).fill_diagonal_(0)[index][:, index],
    }
    return Batch(**{**parts, **changes})


def views_of(name):
    return 2 if "views" in axes.SUPERVISORY[name].needs else 1


@pytest.mark.parametrize("name", axes.SUPERVISORY)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), n=st.integers(6, 12))
def test_rows_are_distributions(name, seed, n):
    p = component(name)(rich_batch(n, seed, views_of(name)))
    assert p.dtype == torch.float64
    assert (p >= 0).all()
    torch.testing.assert_close(p.sum(1), torch.ones(len(p), dtype=p.dtype))


@pytest.mark.parametrize("name", [name for name, axis in axes.SUPERVISORY.items() if axis.candidates == "samples"])
def test_self_counts_exactly_where_the_axis_says(name):
    p = component(name)(rich_batch(views=views_of(name)))
    counts = bool(axes.SUPERVISORY[name].include_self)
    assert component(name).include_self == counts
    assert (p.diagonal() > 0).all() == counts
    assert (p.diagonal() == 0).all() != counts


@pytest.mark.parametrize("name", [name for name, axis in axes.SUPERVISORY.items() if axis.positive])
def test_positive_components_are_positive_and_agree_with_their_logarithm(name):
    settings = {"include_self": True} if axes.SUPERVISORY[name].include_self is None else {}
    p = make(axes.SUPERVISORY[name], **{key: SETTINGS[key] for key in axes.SUPERVISORY[name].settings}, **settings)
    batch = rich_batch()
    torch.testing.assert_close(p.log(batch).exp(), p(batch))
    own = torch.zeros(8, 8, dtype=torch.bool) if p.include_self else torch.eye(8, dtype=torch.bool)
    candidates = axes.SUPERVISORY[name].candidates in ("samples", "pairs")
    assert torch.equal(p(batch).view(8, 8) > 0, ~own) if candidates else (p(batch) > 0).all()


def test_log_p_survives_what_p_does_not():
    far = Batch(index=torch.arange(2), x=torch.tensor([[0.0], [1e3]]))
    p = supervisory.GaussianFixed(p_temperature=1.0, include_self=True)
    assert p(far)[0, 1] == 0
    assert p.log(far)[0, 1].item() == pytest.approx(-1e6)


PART = {"inputs": "x", "labels": "y", "companion": "companion", "graph": "graph"}


@pytest.mark.parametrize("name", axes.SUPERVISORY)
def test_what_is_missing_is_named(name):
    for need in axes.SUPERVISORY[name].needs:
        if need in PART:
            with pytest.raises(DataError, match=name if name not in ("gaussian_joint", "masked_token") else ""):
                component(name)(rich_batch(views=views_of(name), **{PART[need]: None}))


@pytest.mark.parametrize(
    ("name", "batch", "cause"),
    [
        ("positive_pairs", Batch(index=torch.arange(3)), "second view"),
        ("same_class", Batch(index=torch.arange(3), y=torch.tensor([0, 0, 1])), "anchor 2"),
        ("graph", Batch(index=torch.arange(3), graph=torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]])), "no edge"),
        ("knn", Batch(index=torch.arange(3), x=torch.eye(3)), "n_neighbors=3"),
        ("gaussian", Batch(index=torch.arange(3), x=torch.eye(3)), "perplexity=3"),
        ("graph_gibbs", Batch(index=torch.arange(2), graph=torch.zeros(2, 2)), "node 0"),
        ("shortest_paths", Batch(index=torch.arange(4), graph=torch.zeros(4, 4)), "no edge"),
        ("shortest_paths", Batch(index=torch.arange(4), graph=torch.eye(4)), "no edge"),
        ("gaussian", Batch(index=torch.arange(6), x=torch.tensor([[0.0], [1], [2], [3], [4], [math.inf]])), "not finite"),
    ],
)
def test_an_anchor_without_a_neighbour_is_an_error(name, batch, cause):
    with pytest.raises(DataError, match=cause):
        component(name)(batch)


def test_nearest_neighbours_are_those_of_scikit_learn():
    from sklearn.neighbors import kneighbors_graph

    batch = rich_batch(20)
    ours = supervisory.NearestNeighbors(n_neighbors=4)(batch)
    theirs = kneighbors_graph(batch.x.numpy(), 4, include_self=False).toarray() / 4
    torch.testing.assert_close(ours, torch.from_numpy(theirs))


@pytest.mark.parametrize("walk", ["sum", "uniform"])
def test_a_walk_is_the_sum_of_the_powers(walk):
    p = nearest(torch.cdist(*[rich_batch(10).x] * 2), 2) / 2
    total = sum(torch.linalg.matrix_power(p, k) for k in (1, 2, 3)) / 3
    torch.testing.assert_close(total.sum(1), torch.ones(10, dtype=p.dtype))
    expected = total.fill_diagonal_(0) if walk == "sum" else (total.fill_diagonal_(0) > 0).double()
    torch.testing.assert_close(propagate(p, 3, walk), expected / expected.sum(1, keepdim=True))
    assert (propagate(p, 3, walk) > 0).sum() > (p > 0).sum()


def test_views_and_neighbours_weigh_views_like_neighbours_and_never_count_a_view_as_a_neighbour():
    batch = rich_batch(8, views=2)
    p = supervisory.ViewsAndNeighbors(n_neighbors=3)(batch)
    assert (p > 0).sum(1).tolist() == [2 * 4 - 1] * 16
    assert torch.unique(p[p > 0].round(decimals=12)).tolist() == pytest.approx([1 / 7])
    assert (p[:8, 8:].diagonal() > 0).all()
    positives = supervisory.PositivePairs()(batch)
    assert ((positives > 0) <= (p > 0)).all()


@settings(deadline=None, max_examples=15)
@given(st.floats(0.01, 0.99), st.sampled_from([n for n, axis in axes.SUPERVISORY.items() if axis.candidates != "pairs"]))
def test_mixing_is_the_formula_over_the_candidates_that_p_allows(alpha, name):
    batch, base = rich_batch(views=views_of(name)), component(name)
    p, mixed = base(batch), supervisory.Mixed(base, alpha)(batch)
    m = p.shape[1] - (not base.include_self)
    uniform = torch.full_like(p, 1 / m)
    if not base.include_self:
        uniform.fill_diagonal_(0)
    if name == "key_and_queue":  # 8 keys of the batch, of which one counts, and 4 of the queue
        uniform = torch.cat([torch.eye(8), torch.ones(8, 4)], 1).double() / 5
    if name == "knn_sampled":  # the neighbours, and the strangers that were drawn
        uniform = (base.measure(batch) > 0).double().fill_diagonal_(0)
        uniform /= uniform.sum(1, keepdim=True)
        assert (uniform == 0).sum() > 8
    torch.testing.assert_close(mixed, (1 - alpha) * p + alpha * uniform)
    torch.testing.assert_close(mixed.sum(1), torch.ones(len(p), dtype=p.dtype))


def test_mixing_the_joint_leaves_out_the_diagonal():
    p = supervisory.Mixed(supervisory.GaussianJoint(3.0), 0.5)(rich_batch())
    torch.testing.assert_close(p.sum(1), torch.ones(1, dtype=p.dtype))
    assert (p.reshape(8, 8).diagonal() == 0).all()


def test_a_wide_gaussian_is_uniform_and_a_narrow_one_is_the_nearest_neighbour():
    batch = rich_batch()
    uniform = (torch.ones(8, 8) - torch.eye(8)).double() / 7
    torch.testing.assert_close(supervisory.GaussianFixed(1e9)(batch), uniform, atol=1e-6, rtol=0)
    closest = supervisory.NearestNeighbors(n_neighbors=1)(batch)
    torch.testing.assert_close(supervisory.GaussianFixed(1e-4)(batch), closest, atol=1e-6, rtol=0)


def test_spectral_embedding_spans_the_one_of_scikit_learn():
    from sklearn.datasets import make_moons
    from sklearn.manifold import spectral_embedding as peer

    x, _ = make_moons(60, noise=0.03, random_state=0)
    adjacency = nearest(torch.cdist(*[torch.from_numpy(x)] * 2), 6)
    ours = spectral_embedding(adjacency, 3)
    symmetric = (adjacency + adjacency.T) / 2
    theirs = peer(symmetric.numpy(), n_components=3, drop_first=False, norm_laplacian=True, eigen_solver="arpack", random_state=0)
    theirs = torch.from_numpy(theirs * symmetric.sum(1).sqrt()[:, None].numpy())
    theirs = theirs / theirs.norm(dim=0)
    theirs = theirs / theirs.norm(dim=1, keepdim=True)
    torch.testing.assert_close(ours @ ours.T, theirs @ theirs.T, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("p", "q", "reason"),
    [
        ("identity", "student_t", None),
        ("label", "clusters", "spreads over classes"),
        ("gaussian_joint", "gaussian", "over all pairs"),
        ("gaussian", "student_t_joint", "over pairs"),
        ("identity", "gaussian_narrow", "always the point itself"),
        ("cross_modal", "student_t", None),
        ("knn", "clusters", None),
    ],
)
def test_pairs_that_make_no_sense_are_refused_with_the_reason(p, q, reason):
    found = axes.why_not(axes.SUPERVISORY[p], axes.LEARNED[q])
    assert found is None if reason is None else reason in found


@pytest.mark.parametrize("q", axes.LEARNED)
@pytest.mark.parametrize("p", axes.SUPERVISORY)
def test_every_pair_builds_or_is_refused_and_what_builds_has_a_finite_loss(p, q):
    from icon_nb.errors import ConfigError
    from icon_nb.objective import build_objective

    config = {"supervisory": p, "learned": q}
    if axes.why_not(axes.SUPERVISORY[p], axes.LEARNED[q]):
        with pytest.raises(ConfigError, match="makes no sense"):
            Config(**config)
        return
    given = {k: v for k, v in SETTINGS.items() if k in axes.SUPERVISORY[p].settings and k != "embedding_dim"}
    objective = build_objective(Config(**config, **given).resolve())
    batch = rich_batch(views=views_of(p))
    target = objective.target(batch)
    z = torch.randn(len(batch.index), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    kind = axes.SUPERVISORY[p].candidates
    blocks = [(z, None)]
    if kind not in ("samples", "pairs"):
        m = target.p.shape[1]
        sides = 2 if kind in ("modality", "keys", "support", "codes", "taught") else 1
        blocks = [(z[: len(target.p) // sides], torch.randn(m, 3, dtype=torch.float64))] * sides
    loss = objective.loss(target, blocks)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(z.grad).all()


def entropies(p):
    return torch.xlogy(p, p).sum(-1).neg()


@pytest.mark.parametrize("perplexity", [1.5, 5.0, 30.0, 200.0])
@pytest.mark.parametrize("scaled", [True, False])
def test_every_row_has_its_perplexity_where_newton_alone_jumps_for_ever(scaled, perplexity):
    from sklearn.datasets import load_diabetes

    x = torch.from_numpy(load_diabetes(scaled=scaled).data).float()
    p = supervisory.Gaussian(perplexity=perplexity)(Batch(index=torch.arange(len(x)), x=x, dtype=torch.float64))
    torch.testing.assert_close(entropies(p), torch.full((len(x),), math.log(perplexity), dtype=p.dtype), atol=1e-8, rtol=0)


def test_one_row_far_from_all_others_leaves_them_their_perplexity():
    x = rich_batch(60).x
    x[7, 2] = 1e6
    p = supervisory.Gaussian(perplexity=10.0)(rich_batch(60, x=x))
    torch.testing.assert_close(entropies(p), torch.full((60,), math.log(10), dtype=p.dtype), atol=1e-8, rtol=0)


def test_more_copies_of_a_point_than_its_perplexity_share_all_of_p():
    x = torch.zeros(12, 2)
    x[8:] = rich_batch(4).x[:, :2].float()
    p = supervisory.Gaussian(perplexity=3.0)(Batch(index=torch.arange(12), x=x))
    torch.testing.assert_close(p[0], torch.tensor([0.0] + [1 / 7] * 7 + [0.0] * 4))


def test_neighbours_of_inputs_far_from_the_origin_of_each_other_are_found_in_float32():
    from sklearn.neighbors import kneighbors_graph

    g = torch.Generator().manual_seed(0)
    x = torch.randn(60, 5, generator=g) + 1e4 * torch.arange(3).repeat(20)[:, None]  # clusters 1e4 apart, float32
    batch = Batch(index=torch.arange(60), x=x)
    truth = torch.from_numpy(kneighbors_graph(x.double().numpy(), 5).toarray())
    assert torch.equal((supervisory.NearestNeighbors(n_neighbors=5)(batch) > 0).double(), truth)
    near = supervisory.GaussianFixed(p_temperature=1.0)(batch)
    assert near.dtype == torch.float32
    exact = supervisory.GaussianFixed(p_temperature=1.0)(Batch(index=batch.index, x=x.double(), dtype=torch.float64))
    torch.testing.assert_close(near.double(), exact, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", axes.SUPERVISORY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_p_has_the_precision_of_the_run_whatever_that_of_the_data(name, dtype):
    rich = rich_batch(views=views_of(name), dtype=dtype)
    mixed = {"x": rich.x.float(), "companion": rich.companion.double(), "graph": rich.graph.float()}
    p = component(name)(rich_batch(views=views_of(name), dtype=dtype, **mixed))
    assert p.dtype == dtype


def test_a_graph_of_more_parts_than_eigenvectors_is_refused():
    x = torch.tensor([[0.0], [1], [50], [51], [100], [101]])
    with pytest.raises(DataError, match="3 parts, which embedding_dim=2 eigenvectors cannot tell apart: raise n_neighbors"):
        supervisory.Spectral(n_neighbors=1, embedding_dim=2)(Batch(index=torch.arange(6), x=x))
    supervisory.Spectral(n_neighbors=1, embedding_dim=3)(Batch(index=torch.arange(6), x=x))


def test_shortest_paths_are_those_of_networkx():
    import networkx

    graph = networkx.karate_club_graph()
    steps = dict(networkx.all_pairs_shortest_path_length(graph))
    expected = torch.tensor([[steps[i][j] for j in range(34)] for i in range(34)]).double().square()
    weights = torch.from_numpy(networkx.to_numpy_array(graph)).float()
    p = supervisory.ShortestPaths(perplexity=8.0)
    batch = Batch(index=torch.arange(34), graph=weights, dtype=torch.float64)
    assert torch.equal(p.distances_of(batch), expected)
    rows = supervisory.perplexity_rows(expected, 8.0)
    torch.testing.assert_close(p(batch).view(34, 34), (rows + rows.T) / 68)
