"""The trainer: it learns, it is deterministic, and it refuses what it cannot do."""

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.data import Dataset
from icon_nb.errors import ConfigError, DataError, DeviceError, TrainingError
from icon_nb.evaluation.diagnosis import FAILURES
from icon_nb.evaluation.scores import knn_accuracy
from icon_nb.study.probes import embed
from icon_nb.training.batches import around, generator
from icon_nb.training.candidates import build_model, leading_components
from icon_nb.training.trainer import Trainer, pick_device

SMALL = {"n_samples": 200, "epochs": 1, "quiet": True}


def blobs(n_per_class=20, classes=3, **changes):
    g = torch.Generator().manual_seed(0)
    y = torch.arange(classes).repeat_interleave(n_per_class)
    x = torch.randn(len(y), 10, generator=g) + 4 * torch.nn.functional.one_hot(y, 10)
    return Dataset(**{"name": "blobs", "x": x, "y": y, **changes})


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("settings", "below", "above"),
    [
        ({"method": "tsimclr", "dataset": "digits", "embedding_dim": 4}, 0.6, 0.7),
        ({"method": "supcon", "embedding_dim": 4}, 0.6, 0.9),
        ({"method": "cross_entropy", "embedding_dim": 4}, 0.6, 0.8),
        ({"method": "sne", "n_samples": 500, "epochs": 100, "init": "random"}, 0.3, 0.8),
        ({"method": "tsne", "n_samples": 500, "epochs": 100, "init": "random"}, 0.3, 0.9),
        ({"method": "tsne_conditional", "n_samples": 500, "epochs": 100, "init": "random"}, 0.3, 0.9),
    ],
    ids=lambda value: value.get("method") if isinstance(value, dict) else None,
)
def test_training_did_it(settings, below, above, seed):
    results = icon.run(icon.Config(seed=seed, quiet=True, **settings))
    knn = results.history["knn_accuracy"]
    assert knn[0] < below
    assert knn[-1] > above


def test_the_default_run_raises_the_linear_probe():
    runs = [icon.run(icon.Config(seed=seed, quiet=True)).probes for seed in (0, 1, 2)]
    trained, untrained = (sum(probes[name]["linear_probe"] for probes in runs) for name in ("trained", "untrained"))
    assert trained > untrained


@pytest.mark.parametrize(
    "settings", [{}, {"method": "sne", "backbone": "mlp"}, {"method": "tsne", "epochs": 3}, {"optimizer": "sgd"}]
)
def test_same_config_same_numbers_bit_for_bit(settings):
    first, second = (icon.run(icon.Config(**{**SMALL, **settings})) for _ in range(2))
    torch.manual_seed(99)
    assert np.array_equal(first.trajectory.embeddings, second.trajectory.embeddings)
    assert first.history["loss"] == second.history["loss"]


def test_another_seed_gives_other_numbers_and_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    losses = {icon.run(icon.Config(seed=seed, **SMALL)).history["loss"][-1] for seed in (0, 1)}
    assert torch.equal(torch.rand(3), expected)
    assert len(losses) == 2


def test_a_generator_depends_on_its_key_only():
    assert torch.equal(*(torch.rand(4, generator=generator("cpu", 0, 1, 2)) for _ in range(2)))
    assert not torch.equal(torch.rand(4, generator=generator("cpu", 0, 1)), torch.rand(4, generator=generator("cpu", 1, 0)))


def test_the_last_partial_batch_is_dropped_and_every_batch_is_whole():
    config = icon.Config(method="supcon", dataset="digits", augment="none", n_views=1, batch_size=16).resolve()
    trainer = Trainer(config, blobs())
    batches = list(trainer.reader.order(epoch=1))
    assert [len(batch) for batch in batches] == [16, 16, 16]
    assert len(torch.cat(batches).unique()) == 48


@pytest.mark.parametrize(
    ("backbone", "method"), [("linear", "simclr"), ("simplecnn", "simclr"), ("resnet18", "cross_entropy"), ("simplecnn", "sne")]
)
def test_every_backbone_runs(backbone, method):
    settings = {"n_samples": 64, "batch_size": 32, "epochs": 1, "max_points": 20, "quiet": True}
    results = icon.run(icon.Config(method=method, backbone=backbone, perplexity=5.0 if method == "sne" else None, **settings))
    assert np.isfinite(results.embeddings).all()


def test_the_first_frame_is_the_untrained_network_with_its_running_statistics():
    config = icon.Config(backbone="resnet18", epochs=0, n_samples=64, batch_size=32, max_points=20, quiet=True)
    results = icon.run(config)
    data = results.data()
    untrained = build_model(results.config, data).backbone
    z = embed(untrained, data, data.x_test[torch.from_numpy(results.trajectory.index)], results.config)
    assert np.allclose(z, results.trajectory.embeddings[0], atol=1e-5)
    assert all(torch.equal(one, other) for one, other in zip(untrained.buffers(), results.backbone.buffers()))


@pytest.mark.parametrize("method", ["sne", "knn_gaussian"])
def test_free_points_under_a_gaussian_do_not_overshoot_in_many_dimensions(method):
    results = icon.run(icon.Config(method=method, backbone="table", embedding_dim=16, n_samples=300, epochs=300, quiet=True))
    assert results.history["loss"][-1] < results.history["loss"][0] / 2
    assert results.diagnosis.verdict not in FAILURES


@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_precision(precision):
    results = icon.run(icon.Config(precision=precision, n_samples=300, epochs=4, quiet=True))
    assert results.history["loss"][-1] < results.history["loss"][0]
    assert next(results.backbone.parameters()).dtype == (torch.float64 if precision == "float64" else torch.float32)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_an_absent_device_is_an_error_never_a_fall_back(device):
    there = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if there:
        assert pick_device(device).type == device
    else:
        with pytest.raises(DeviceError, match=f"device='{device}'"):
            icon.run(icon.Config(device=device, **SMALL))
    assert pick_device("auto").type in ("cpu", "cuda", "mps")


def test_an_error_advises_what_its_cause_asks_for():
    small = {"n_samples": 100, "epochs": 2, "quiet": True, "probe": False}
    sharp = icon.Config(method="npair", divergence="chi2", temperature=1e-4, **small)
    with pytest.raises(TrainingError, match="inf in epoch 1, batch 1 .* is 0: raise temperature=0.0001, or choose div.*'js'"):
        icon.run(sharp)  # no step was taken, so that a smaller one cannot help
    for remedy in ({"temperature": 0.1}, {"divergence": "js"}):
        assert np.isfinite(icon.run(sharp, **remedy).history["loss"]).all()
    with pytest.raises(TrainingError, match="in epoch 2, .*: lower learning_rate, or raise temperature=1e-30$"):
        icon.run(method="tsne", temperature=1e-30, **small)
    broken = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8))
    torch.nn.init.constant_(broken[1].weight, float("nan"))
    with pytest.raises(TrainingError, match="of the untrained network is NaN or infinite: no step .* weights of the backbone"):
        icon.run(icon.Config(dataset="digits", **small), backbone=broken)
    with pytest.raises(ConfigError, match="temperature=1e-40 is out of range: single precision needs 1e-30 to 1e.30"):
        icon.Config(temperature=1e-40)


def test_a_diverged_run_names_epoch_batch_and_rate_and_keeps_what_was_good():
    with pytest.raises(TrainingError) as caught:
        icon.run(icon.Config(method="cross_entropy", optimizer="sgd", learning_rate=1e18, epochs=5, n_samples=300, quiet=True))
    for word in ("epoch", "batch", "learning_rate=1e+18", "last good epoch"):
        assert word in str(caught.value)
    assert str(caught.value).endswith(": lower learning_rate")
    kept = caught.value.results
    assert kept.status == "failed"
    assert len(kept.history["loss"]) == kept.trajectory.n_frames >= 1
    assert np.isfinite(kept.embeddings).all()
    assert kept.probes["trained"]


@pytest.mark.parametrize(
    ("settings", "data", "error", "words"),
    [
        ({"augment": "none", "batch_size": 100}, blobs(), ConfigError, ["batch_size=100", "60 training samples"]),
        ({"method": "sne", "perplexity": 80.0}, blobs(), ConfigError, ["perplexity=80", "60 points"]),
        (
            {"method": "sne", "backbone": "mlp", "perplexity": 30.0, "batch_size": 20},
            blobs(),
            ConfigError,
            ["perplexity=30", "batch_size"],
        ),
        (
            {"method": "supcon", "augment": "none", "batch_size": 8},
            blobs(y=torch.tensor([0] * 59 + [1])),
            DataError,
            ["class '1'", "one sample"],
        ),
        (
            {"method": "supcon", "augment": "none", "batch_size": 8},
            blobs(y=None),
            DataError,
            ["supcon", "needs a class", "blobs"],
        ),
        (
            {"method": "cross_entropy", "augment": "none", "batch_size": 8},
            blobs(y=None),
            DataError,
            ["cross_entropy", "needs a class"],
        ),
    ],
)
def test_data_that_do_not_fit_are_refused_before_training(settings, data, error, words):
    with pytest.raises(error) as caught:
        icon.run(icon.Config(**settings), data=data)
    assert all(word in str(caught.value) for word in words)


def test_nan_pixels_are_refused_by_name():
    x = torch.zeros(30, 4)
    x[3, 1] = float("nan")
    with pytest.raises(DataError, match="NaN"):
        blobs(x=x, y=None)


def test_defaults_bow_to_small_data_and_what_was_given_does_not():
    config = icon.run(icon.Config(method="sne", backbone="mlp", epochs=1, quiet=True), data=blobs()).config
    assert (config.batch_size, config.sources["batch_size"]) == (60, "data")
    assert config.perplexity < 20
    with pytest.raises(ConfigError, match="batch_size=256"):
        icon.run(icon.Config(method="sne", backbone="mlp", batch_size=256), data=blobs())


def test_a_batch_of_one_class_each_without_a_second_view_names_the_remedy():
    config = icon.Config(method="supcon", augment="none", n_views=1, batch_size=2)
    with pytest.raises(DataError, match="larger batch_size"):
        icon.run(config, data=blobs(n_per_class=2, classes=10))


def test_unlabelled_data_train_without_an_accuracy():
    data = blobs(y=None)
    results = icon.run(icon.Config(method="sne", perplexity=5.0, epochs=10, quiet=True), data=data)
    assert np.isnan(results.history["knn_accuracy"]).all()
    assert results.probes == {}
    assert knn_accuracy(torch.randn(9, 2), torch.arange(9) % 3) <= 1


def test_free_points_start_the_same_by_either_gram_matrix():
    x = torch.randn(30, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x - x.mean(0)
    few = leading_components(x, 3)
    _, _, axes = torch.linalg.svd(x.T @ x)
    torch.testing.assert_close(few.abs(), (x @ axes[:3].T).abs())


def test_free_points_of_large_pictures_start_in_the_time_of_their_number():
    wide = icon.data.load((np.random.default_rng(0).normal(size=(40, 30_000)), np.arange(40) % 4))  # features x features: 7 GB
    run = icon.run(icon.Config(method="tsne", perplexity=5.0, epochs=10, quiet=True), data=wide)
    assert np.isfinite(run.embeddings).all()


def test_a_hidden_word_stands_in_the_middle_of_its_context_and_nothing_stands_beyond_the_ends():
    assert around(torch.tensor([[5, 6, 7, 8]]), torch.tensor([[1]])).tolist() == [[0, 5, 0, 7]]
