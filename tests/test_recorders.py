"""The adapters of ``icon.recorders`` on the packages that they are for."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

import icon_nb as icon
from icon_nb.errors import DataError

X, Y = load_iris(return_X_y=True)
X = X.astype(np.float32)


def moved(recorder):
    """How far the points go from the first frame to the last, in deviations of the last."""
    z = recorder.trajectory.embeddings
    return np.abs(z[-1] - z[0]).mean() / z[-1].std()


def knn(recorder, frame=-1):
    return icon.evaluate.knn_accuracy(recorder.trajectory.embeddings[frame], Y)


def test_a_torch_module_is_watched_and_goes_on_as_it_was():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    recorder, state = icon.Recorder(labels=Y), {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.from_numpy(X)
    icon.recorders.module(recorder, model, x, loss=1.0)
    icon.recorders.module(recorder, model, x, embed=lambda model, x: model(x), epoch=5)
    assert model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert np.array_equal(*recorder.trajectory.embeddings)  # no dropout
    part = icon.Recorder()
    icon.recorders.module(part, model, x, embed="0")
    assert part.trajectory.dim == 8


def test_lightning_and_a_module_of_lightly():
    lightning = pytest.importorskip("lightning")
    ntxent, head = pytest.importorskip("lightly.loss").NTXentLoss, pytest.importorskip("lightly.models.modules.heads")

    class SimCLR(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
            self.head, self.criterion = head.SimCLRProjectionHead(2, 16, 8), ntxent(temperature=0.5)

        def training_step(self, batch, _):
            views = [self.head(self.backbone(batch[0] + 0.2 * torch.randn_like(batch[0]))) for _ in range(2)]
            value = self.criterion(*views)
            self.log("loss", value, on_epoch=True, on_step=False)
            return value

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    torch.manual_seed(0)
    recorder, x = icon.Recorder(labels=Y), torch.from_numpy(X)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    watch = icon.recorders.lightning(recorder, x, embed="backbone", every=2)
    trainer = lightning.Trainer(max_epochs=6, accelerator="cpu", callbacks=[watch], **quiet)
    trainer.fit(SimCLR(), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=50))
    seen = recorder.trajectory
    assert seen.epochs.tolist() == [0, 2, 4, 6]
    assert np.isnan(seen.metrics["loss"][0])
    assert seen.metrics["loss"][-1] < seen.metrics["loss"][1]
    assert moved(recorder) > 0.2


def test_opentsne():
    opentsne = pytest.importorskip("openTSNE")
    recorder = icon.Recorder(labels=Y)
    arguments = icon.recorders.opentsne(recorder, every=20)
    fitted = opentsne.TSNE(early_exaggeration_iter=40, n_iter=60, n_jobs=1, random_state=0, **arguments).fit(X)
    seen = recorder.trajectory
    assert seen.epochs.tolist() == [20, 40, 60, 80, 100]
    assert np.isfinite(seen.metrics["loss"]).all()
    assert seen.metrics["loss"][-1] < seen.metrics["loss"][0]
    assert np.abs(seen.embeddings[-1] - fitted).max() < np.ptp(fitted)  # one step before the end
    assert knn(recorder) > 0.9


def test_torchdr():
    torchdr = pytest.importorskip("torchdr")
    recorder = icon.Recorder(labels=Y)
    estimator = icon.recorders.torchdr(recorder, torchdr.TSNE(perplexity=20, max_iter=400, random_state=0), every=100)
    z = estimator.fit_transform(X)
    assert recorder.trajectory.epochs.tolist() == [0, 100, 200, 300, 400]
    np.testing.assert_allclose(recorder.trajectory.embeddings[-1], z, rtol=1e-5)
    assert knn(recorder) > 0.9


@pytest.mark.friends
def test_umap():
    umap = pytest.importorskip("umap")
    recorder = icon.Recorder(labels=Y)
    estimator = umap.UMAP(n_epochs=30, random_state=0, n_jobs=1)
    assert icon.recorders.umap(recorder, estimator, X, every=10) is estimator
    assert recorder.trajectory.epochs.tolist() == [0, 10, 20, 30]
    np.testing.assert_allclose(recorder.trajectory.embeddings[-1], estimator.embedding_, rtol=1e-5)
    assert estimator.n_epochs == 30
    assert knn(recorder) > 0.9
    with pytest.raises(DataError, match="n_epochs=None"):
        icon.recorders.umap(recorder, umap.UMAP(), X)
