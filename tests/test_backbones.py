"""Backbones take any input size and channel count, and give (n, embedding_dim)."""

import pytest
import torch

from icon_nb.errors import ConfigError
from icon_nb.methods.catalogue import BACKBONES
from icon_nb.training.backbones import build_backbone

SHAPES = [(1, 8, 8), (3, 32, 32), (5, 1, 1), (1, 28, 28), (3, 96, 96), (2, 65, 70), (1, 1, 9)]
NETWORKS = [name for name in BACKBONES if name not in ("table", "resnet34", "resnet50")]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_network_reads_every_image_size_and_every_weight_learns(name, shape):
    net = build_backbone(name, shape, 7)
    z = net(torch.randn(4, *shape))
    assert z.shape == (4, 7)
    assert torch.isfinite(z).all()
    z.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("name", ["resnet34", "resnet50"])
def test_larger_resnets(name):
    assert build_backbone(name, (1, 8, 8), 3)(torch.randn(2, 1, 8, 8)).shape == (2, 3)


def test_resnet_stem_follows_the_size_of_the_image():
    small, large = build_backbone("resnet18", (3, 64, 64), 2), build_backbone("resnet18", (3, 96, 96), 2)
    assert (small.conv1.kernel_size, small.conv1.stride) == ((3, 3), (1, 1))
    assert isinstance(small.maxpool, torch.nn.Identity)
    assert (large.conv1.kernel_size, large.conv1.stride) == ((7, 7), (2, 2))
    assert isinstance(large.maxpool, torch.nn.MaxPool2d)
    assert build_backbone("resnet18", (1, 96, 96), 2).conv1.in_channels == 1


def test_table_gives_the_rows_asked_for_and_only_they_get_a_gradient():
    table = build_backbone("table", (1, 8, 8), 3, n_points=6)
    assert table.weight.shape == (6, 3)
    assert 0 < table.weight.abs().max() < 0.1
    z = table(torch.tensor([4, 0]))
    assert torch.equal(z, table.weight[[4, 0]])
    z.sum().backward()
    assert table.weight.grad.sum(1).tolist() == [3, 0, 0, 0, 3, 0]


def test_same_seed_same_weights():
    nets = []
    for _ in range(2):
        torch.manual_seed(3)
        nets.append(build_backbone("mlp", (1, 8, 8), 4))
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(nets[0](x), nets[1](x))


def test_hidden_dim_is_the_width():
    assert build_backbone("mlp", (12,), 2, hidden_dim=33, kind="features")[1].out_features == 33
    assert build_backbone("simplecnn", (1, 8, 8), 2, hidden_dim=5)[0].out_channels == 5


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_tokens_are_embedded_and_their_order_counts(name):
    net = build_backbone(name, (4,), 2, kind="tokens", n_tokens=9)
    z = net(torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0]]))
    assert z.shape == (2, 2)
    assert not torch.allclose(z[0], z[1])


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (("mpl", (1, 8, 8), 2), {}, "did you mean 'mlp'"),
        (("mlp", (1, 8, 8), 0), {}, "embedding_dim=0"),
        (("mlp", (1, 8, 8), 2), {"hidden_dim": -1}, "hidden_dim=-1"),
        (("mlp", (1, 0, 8), 2), {}, "at least 1"),
        (("table", (1, 8, 8), 2), {}, "n_points"),
        (("simplecnn", (12,), 2), {"kind": "features"}, "use 'mlp' or 'linear'"),
        (("resnet18", (12,), 2), {"kind": "tokens"}, "use 'mlp' or 'linear'"),
        (("mlp", (12,), 2), {"kind": "tokens"}, "n_tokens"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(args, kwargs, says):
    with pytest.raises(ConfigError, match=says):
        build_backbone(*args, **kwargs)
