"""SNE and t-SNE of many points: the blocked, sparse form equals the dense one."""

import sys

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.methods.resolve import fit_to_data
from icon_nb.objective import closed_forms as large
from icon_nb.objective.closed_forms import Edges, FusedKL, neighbour_edges, sparse_kl, value_and_gradient
from icon_nb.objective.component import Target
from icon_nb.objective.distances import sqeuclidean
from icon_nb.objective.learned import Gaussian, StudentT
from icon_nb.objective.supervisory.neighbourhoods import perplexity_rows
from icon_nb.training import optimizers

KERNELS = [
    (StudentT(), True),
    (StudentT(), False),
    (StudentT(temperature=0.3, df=2.5), True),
    (StudentT(temperature=2.0, df=4.0), False),
    (Gaussian(), False),
    (Gaussian(temperature=3.0), True),
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


@pytest.mark.parametrize("method", ["sne", "tsne_conditional"])
def test_a_large_run_takes_the_sparse_path_and_ends_near_the_dense_one(method, monkeypatch):
    config = icon.Config(method=method, n_samples=400, epochs=120, record_every=120, quiet=True)
    dense = icon.run(config)
    monkeypatch.setattr("icon_nb.training.trainer.DENSE_POINTS", 100)
    sparse = icon.run(config)
    assert abs(sparse.history["knn_accuracy"][-1] - dense.history["knn_accuracy"][-1]) < 0.05
    assert "neighbours only" in sparse.provenance["engine"]
    assert dense.provenance["engine"] == "exact"


@pytest.fixture
def many(monkeypatch):
    """Settings of a t-SNE map that counts as one of many points."""
    monkeypatch.setattr("icon_nb.training.trainer.DENSE_POINTS", 100)
    return {"method": "tsne", "n_samples": 300, "device": "cpu", "quiet": True}


@pytest.fixture
def _without_open_tsne(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)


@pytest.mark.oracle
@pytest.mark.parametrize("dim", [1, 2])
def test_open_tsne_under_the_loop_ends_where_it_ends_by_itself(dim, many):
    from openTSNE import TSNE

    found = icon.run(**many, embedding_dim=dim, epochs=150, record_every=30)
    start = found.trajectory.embeddings[0].astype(float)
    peer = TSNE(
        dim, early_exaggeration_iter=50, n_iter=100, initialization=start, negative_gradient_method="fft", random_state=0
    ).fit(found.dataset.flat(found.dataset.x).numpy())
    assert found.history["loss"][-1] == pytest.approx(peer.kl_divergence, rel=0.02)


def test_open_tsne_takes_its_defaults_and_leaves_what_was_given(many):
    found = icon.run(**many, epochs=2)
    assert (found.config.epochs, found.config.momentum) == (2, 0.8)
    assert found.provenance["engine"].startswith("openTSNE")
    config = icon.Config(**many).resolve()
    assert fit_to_data(config, 300, "none", open_tsne=True).epochs == 750
    assert fit_to_data(config, 300, "none").epochs == config.epochs != 750


@pytest.mark.parametrize(
    "setting",
    [{"df": 2.0}, {"alpha": 0.1}, {"embedding_dim": 3}, {"optimizer": "adam"}, {"divergence": "js"}, {"backbone": "mlp"}],
)
def test_what_open_tsne_does_not_minimise_is_left_to_others(setting):
    assert optimizers.fits(icon.Config(method="tsne").resolve())
    assert not optimizers.fits(icon.Config(method="tsne", **setting).resolve())


def test_frames_and_losses_of_open_tsne_stand_at_every_recorded_epoch(many, capsys):
    found = icon.run(**many, epochs=45, progress=True)
    assert "loss=" in (shown := capsys.readouterr().err)
    assert "nan" not in shown
    assert found.trajectory.epochs.tolist() == [0, 10, 20, 30, 40, 45]
    losses = np.array(found.history["loss"])
    assert np.flatnonzero(np.isfinite(losses)).tolist() == [0, 10, 20, 30, 40, 45]
    assert np.array_equal(found.trajectory.metrics["loss"], losses[np.isfinite(losses)])
    assert losses[45] < losses[20] < losses[0]
    assert "nan" not in repr(found)
    assert icon.run(**many, epochs=45) == found


def test_open_tsne_stopped_between_frames_keeps_them_and_goes_on_to_the_same_bytes(many, tmp_path, monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stop(record, recorder):
        if record.epoch == 25:
            raise KeyboardInterrupt

    whole = icon.run(**many, epochs=40)
    part = icon.run(**many, epochs=40, save_to=tmp_path / "run", on_record=stop)
    assert part.status == "interrupted"
    assert part.trajectory.epochs.tolist() == [0, 10, 20, 25]
    assert "nan" not in repr(part)
    again = icon.run(**many, epochs=40, save_to=tmp_path / "run", resume=True)
    assert np.array_equal(again.trajectory.embeddings, whole.trajectory.embeddings)
    assert np.array_equal(again.history["loss"], whole.history["loss"], equal_nan=True)


@pytest.mark.usefixtures("_without_open_tsne")
def test_without_open_tsne_a_map_stays_exact_and_says_so(many):
    with pytest.warns(UserWarning, match=r"pip install 'icon_nb\[tsne\]'"):
        found = icon.run(**many, epochs=20)
    assert found.config.momentum == 0.9
    assert "q exact in blocks" in found.provenance["engine"]
    assert "openTSNE" in found.provenance["engine"]
    assert found.history["loss"][-1] < found.history["loss"][0]


def test_a_run_of_open_tsne_is_not_gone_on_with_by_another(many, tmp_path, monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)
    settings = {**many, "epochs": 8, "momentum": 0.8, "save_to": tmp_path / "run"}

    def stop(record, recorder):
        if record.epoch == 4:
            raise KeyboardInterrupt

    icon.run(**settings, on_record=stop)
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.warns(UserWarning, match="quadratic"), pytest.raises(ConfigError, match="OpenTSNE trained"):
        icon.run(**settings, resume=True)
