"""SNE and t-SNE of many points: the blocked, sparse form equals the dense one."""

import pytest
import torch

import icon_nb as icon
from icon_nb.objective import edges as large
from icon_nb.objective.batch import Target
from icon_nb.objective.closed_forms import FusedKL
from icon_nb.objective.distances import sqeuclidean
from icon_nb.objective.edges import Edges, neighbour_edges, sparse_kl, value_and_gradient
from icon_nb.objective.learned import Gaussian, StudentT
from icon_nb.objective.supervisory.perplexity import perplexity_rows

KERNELS = [
    (StudentT(), True),
    (StudentT(), False),
    (StudentT(temperature=0.3, df=2.5), True),
    (StudentT(temperature=2.0, df=4.0), False),
    (Gaussian(), False),
    (Gaussian(temperature=0.2), False),
]


def points(n=60, d=2, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def all_edges(p):
    i, j = p.nonzero(as_tuple=True)
    return Edges(i, j, p[i, j], Target(p).entropy.sum().item())


@pytest.mark.parametrize(("kernel", "joint"), KERNELS)
@pytest.mark.parametrize("block", [64, 60 * 7, 2**25])
def test_value_and_gradient_equal_the_dense_form(kernel, joint, block, monkeypatch):
    monkeypatch.setattr(large, "BLOCK", block)
    x, z = points(d=5), points(seed=1)
    p = perplexity_rows(sqeuclidean(x, x), 8.0)
    p = (p + p.T) / (2 * len(p)) if joint else p
    dense = FusedKL(kernel, joint)
    expected = dense.value_and_gradient(Target(p.reshape(1, -1) if joint else p), z)
    found = value_and_gradient(dense, all_edges(p), z)
    for one, other in zip(found, expected):
        assert torch.allclose(one, other, atol=1e-10)
    wrong = value_and_gradient(dense, all_edges(p.roll(1, 1).fill_diagonal_(0)), z)
    assert not torch.allclose(wrong[1], expected[1], atol=1e-3)


def test_autograd_follows_the_loss():
    z = points(30).requires_grad_()
    edges = neighbour_edges(points(30, 4), 5.0, joint=True)
    assert torch.autograd.gradcheck(lambda z: sparse_kl(FusedKL(StudentT(), True), edges, z), z, atol=1e-6)


def test_sparse_neighbourhoods_approach_the_dense_ones():
    x = points(300, 6)
    p = perplexity_rows(sqeuclidean(x, x), 10.0)
    joint = (p + p.T) / (2 * len(p))
    edges = neighbour_edges(x, 10.0, joint=True)
    sparse = torch.zeros_like(joint).index_put_((edges.i, edges.j), edges.weight)
    assert torch.allclose(sparse.sum(), torch.ones((), dtype=torch.float64))
    assert torch.equal(sparse, sparse.T)
    assert (sparse - joint).abs().sum() < 0.12  # what lies beyond three perplexities of neighbours


@pytest.mark.parametrize("method", ["tsne", "sne", "tsne_conditional"])
def test_a_large_run_takes_the_sparse_path_and_ends_near_the_dense_one(method, monkeypatch):
    config = icon.Config(method=method, n_samples=400, epochs=120, record_every=120, quiet=True)
    dense = icon.run(config)
    monkeypatch.setattr("icon_nb.training.trainer.DENSE_POINTS", 100)
    sparse = icon.run(config)
    assert abs(sparse.history["knn_accuracy"][-1] - dense.history["knn_accuracy"][-1]) < 0.05
    assert "neighbours only" in sparse.provenance["engine"]
    assert dense.provenance["engine"] == "exact"
