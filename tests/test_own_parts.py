"""A network and an augmentation of the user's own in a run."""

import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn
from torchvision import transforms as tv
from torchvision.models import resnet18

import icon_nb as icon
from icon_nb.data import load
from icon_nb.errors import ConfigError, DataError
from icon_nb.study.run import start

FEW = {"dataset": "digits", "n_samples": 200, "epochs": 2, "batch_size": 50, "quiet": True}


class Net(nn.Module):
    """A small network with a batch normalisation, as people write them."""

    def __init__(self, d=5, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, d))

    def forward(self, x):
        return self.body(x)


def test_a_module_is_trained_and_the_users_own_stays_as_it_is():
    net = Net()
    before = {name: part.clone() for name, part in net.state_dict().items()}
    run = icon.run(backbone=net, **FEW)
    assert isinstance(run.backbone, Net)
    assert run.embeddings.shape[1] == run.config.embedding_dim == 5
    assert all(torch.equal(before[name], part) for name, part in net.state_dict().items())
    assert any(not torch.equal(before[name], part) for name, part in run.backbone.state_dict().items())
    assert run == icon.run(icon.Config(backbone=Net(), **FEW))
    assert run != icon.run(icon.Config(backbone=Net(seed=1), **FEW))
    assert "test_own_parts.Net" in run.config.backbone
    assert set(run.probes) >= {"trained", "untrained"}
    assert run.embed(run.data().x_test[:3]).shape == (3, 5)


def test_the_same_layers_give_the_numbers_of_the_named_backbone():
    """The network that ``linear`` builds, given as a module."""
    named = icon.run(backbone="linear", **FEW)
    given = icon.run(backbone=start(named.config).trainer.model.backbone, **FEW)
    assert given.history["loss"] == named.history["loss"]


def test_torchvisions_resnet_frozen_but_for_its_last_layer():
    net = resnet18(weights=None, num_classes=4)
    net.conv1 = nn.Conv2d(1, 64, 3, padding=1)
    net.requires_grad_(False)
    settings = {**FEW, "n_samples": 60, "batch_size": 30, "epochs": 1}
    with pytest.raises(ConfigError, match="frozen"):
        icon.run(backbone=net, **settings)
    assert icon.run(backbone=net, head="linear", **settings).status == "complete"
    net.fc.requires_grad_(True)
    run = icon.run(backbone=net, **settings)
    assert torch.equal(run.backbone.conv1.weight, net.conv1.weight)
    assert not torch.equal(run.backbone.fc.weight, net.fc.weight)


@pytest.mark.parametrize(
    ("net", "settings", "says"),
    [
        (Net(), {"embedding_dim": 7}, "makes 5"),
        (nn.Linear(3, 2), {}, "cannot read images"),
        (nn.Identity(), {}, "must make rows"),
        (Net(), {"hidden_dim": 8}, "no effect"),
    ],
)
def test_networks_that_do_not_fit(net, settings, says):
    with pytest.raises(ConfigError, match=says):
        icon.run(backbone=net, **FEW | settings)


def test_a_saved_run_is_read_back_where_its_network_is_given(tmp_path):
    run = icon.run(backbone=Net(), **FEW)
    path = run.save(tmp_path / "run")
    again = icon.load(path)
    assert again == run
    code = (
        "import sys, icon_nb\n"
        "try: icon_nb.load(sys.argv[1])\n"
        "except icon_nb.errors.LoadError as error: print(error)\n"
        "from test_own_parts import Net\n"
        "run = icon_nb.load(sys.argv[1], backbone=Net(seed=3))\n"
        "print(run.embed(run.data().x_test[:2]).shape)\n"
    )
    out = subprocess.run([sys.executable, "-c", code, path], cwd="tests", capture_output=True, text=True, check=True).stdout
    assert "backbone was test_own_parts.Net, an object of yours" in out
    assert out.splitlines()[-1] == "(2, 5)"


def test_a_stopped_run_on_an_own_network_goes_on(tmp_path):
    def stop(record, recorder):
        if record.epoch == 1:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        icon.run(backbone=Net(), save_to=tmp_path / "run", on_record=stop, **FEW)
    assert icon.run(backbone=Net(), save_to=tmp_path / "run", resume=True, **FEW) == icon.run(backbone=Net(), **FEW)


def test_a_config_with_own_parts_goes_to_another_process():
    config = icon.Config(backbone=Net(), augment=tv.RandomHorizontalFlip(), **FEW)
    text = pickle.dumps(config)
    name = str(config.backbone)
    del config
    again = pickle.loads(text)
    assert again.backbone == name
    assert icon.run(again).status == "complete"


# --- augmentation ----------------------------------------------------------------------------------------------------


def test_a_torchvision_transform_as_augmentation():
    transform = tv.Compose([tv.RandomCrop(8, padding=1), tv.RandomHorizontalFlip()])
    state = torch.random.get_rng_state()
    run = icon.run(augment=transform, **FEW)
    assert torch.equal(state, torch.random.get_rng_state())
    assert run == icon.run(augment=transform, **FEW)
    assert run != icon.run(**FEW)
    assert "Compose" in run.config.augment


def test_no_change_is_no_augmentation():
    own = icon.run(augment=nn.Identity(), **FEW)
    none = icon.run(augment="none", **FEW)
    assert own.history["loss"] == pytest.approx(none.history["loss"], rel=1e-4)


def test_every_sample_is_changed_by_itself_on_the_unit_scale():
    seen = []
    data = load("digits", n_samples=100)

    def note(x):
        seen.append((tuple(x.shape), float(x.max())))
        return x

    icon.run(data=data, augment=note, epochs=1, batch_size=50, quiet=True)
    assert {shape for shape, _ in seen} == {(1, 8, 8)}
    assert 0.5 < max(top for _, top in seen) <= 1


def test_augmentations_that_do_not_fit():
    with pytest.raises(DataError, match="keep their shape"):
        icon.run(augment=tv.Resize(4), **FEW)
    with pytest.raises(ConfigError, match="augment_strength has no effect"):
        icon.Config(augment=tv.RandomHorizontalFlip(), augment_strength=0.5)
