"""New samples of either modality, embedded by a trained run."""

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError, DataError
from icon_nb.training.candidates import build_model


@pytest.fixture(scope="module")
def captions():
    return icon.run(method="clip", dataset="digit_captions", epochs=4, quiet=True, device="cpu")


def found(results):
    """Share of held-out pictures whose nearest sentence is of their class."""
    data = results.data()
    pictures, sentences = results.embed(data.x_test), results.embed(data.pair_test, modality="pair")
    y = data.y_test.numpy()
    return (y[(pictures @ sentences.T).argmax(1)] == y).mean()


def test_pictures_find_their_sentences(captions):
    untrained = icon.run(captions.config.replace(epochs=0))
    assert found(untrained) < 0.3
    assert found(captions) > 0.6


def test_the_second_encoder_is_the_trained_one(captions):
    data = captions.data()
    model = build_model(captions.config, data)
    model.load_state_dict(captions.state)
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(model.eval().other(data.pair_test))
    np.testing.assert_array_equal(captions.embed(data.pair_test, modality="pair"), expected.numpy())
    torch.manual_seed(3)
    state = torch.get_rng_state()
    assert captions.embed(data.pair_test[:2].int().tolist(), modality="pair").shape == (2, 64)
    assert torch.equal(torch.get_rng_state(), state)  # the caller's


def test_a_run_that_was_read_back_embeds_both_modalities_alike(captions, tmp_path):
    again = icon.load(captions.save(tmp_path / "run"))
    data = captions.data()
    for x, modality in ((data.x_test, "x"), (data.pair_test, "pair")):
        np.testing.assert_array_equal(again.embed(x, modality=modality), captions.embed(x, modality=modality))


def test_pictures_as_a_second_modality():
    results = icon.run(method="clip", dataset="digit_halves", epochs=1, quiet=True, precision="float64", device="cpu")
    right = results.data().pair_test[:5]
    z = results.embed(right, modality="pair")
    np.testing.assert_array_equal(z, results.embed(right.numpy() / np.float64(255), modality="pair"))
    assert not np.allclose(z, results.embed(right))


def test_what_cannot_be_embedded_is_refused_by_name(captions):
    tokens = captions.data().pair_test
    with pytest.raises(ConfigError, match=r"modality='pairs' is not known; did you mean 'pair'"):
        captions.embed(tokens, modality="pairs")
    with pytest.raises(ConfigError, match="modality='pair': method='simclr' trains one encoder"):
        icon.run(epochs=0, quiet=True).embed(tokens, modality="pair")
    with pytest.raises(DataError, match=r"tokens from 0 to 9999, digit_captions, second modality knows 0 to "):
        captions.embed(tokens.clamp_min(0).index_fill(1, torch.tensor([0]), 9999), modality="pair")
    with pytest.raises(DataError, match="tokens from -1"):
        captions.embed(tokens - 1, modality="pair")
    with pytest.raises(DataError, match=r"x holds samples int64 \(3,\)"):
        captions.embed(tokens[:, :3], modality="pair")
    with pytest.raises(DataError, match="x holds samples float32"):
        captions.embed(tokens.float(), modality="pair")
    with pytest.raises(DataError, match="not numbers"):
        captions.embed(["a heavy nine"], modality="pair")
