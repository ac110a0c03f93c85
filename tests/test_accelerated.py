"""compile and channels_last: the same numbers within rounding, and clear words where they cannot be had."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError, DeviceError
from icon_nb.training.backbones import COMPILERS, accelerate

SMALL = {"n_samples": 96, "batch_size": 32, "epochs": 2, "max_points": 40, "quiet": True}


def test_channels_last_changes_the_memory_and_not_the_numbers():
    config = icon.Config(backbone="simplecnn", precision="float64", **SMALL)
    plain, last = icon.run(config), icon.run(config.replace(channels_last=True))
    np.testing.assert_allclose(last.history["loss"], plain.history["loss"], rtol=1e-6)
    weight = next(w for w in last.backbone.parameters() if w.dim() == 4 and w.shape[1] > 1 and w.shape[2] > 1)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert icon.Config.from_json(last.config.to_json()).channels_last


def test_channels_last_is_refused_where_there_is_no_convolution():
    with pytest.raises(ConfigError, match="channels_last=True has no effect with backbone='mlp'.*simplecnn"):
        icon.run(icon.Config(backbone="mlp", channels_last=True, **SMALL))


@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_is_compiled_and_trains_as_the_plain_one():
    config = icon.Config(backbone="linear", **SMALL)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()  # of tests that ran before in this process
    plain = icon.run(config)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 0
    compiled = icon.run(config.replace(compile="default"))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 1
    np.testing.assert_allclose(compiled.history["loss"], plain.history["loss"], rtol=1e-4)
    np.testing.assert_allclose(compiled.embeddings, plain.embeddings, atol=1e-3)
    assert [name for name, _ in compiled.backbone.named_parameters()] == [name for name, _ in plain.backbone.named_parameters()]


def test_without_a_compiler_the_remedy_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(DeviceError, match=r"compile='default' needs a C\+\+ compiler.*compile='none'"):
        icon.run(icon.Config(compile="default", **SMALL))
    with pytest.raises(DeviceError, match="not supported on mps"):
        accelerate(icon.Config(compile="default"), torch.nn.Identity(), torch.device("mps"))
