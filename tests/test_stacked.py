"""Stacked networks: equal to single runs within rounding, only where they can be, and said to be stacked."""

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.data import load
from icon_nb.study.session import Session
from icon_nb.study.stacked import Job, Stack, can_stack, plan

TINY = {"n_samples": 200, "max_points": 60, "quiet": True, "probe": False, "hidden_dim": 32, "embedding_dim": 8, "batch_size": 64}
METHODS = ["simclr", "tsimclr", "supcon", "cross_entropy", "sne", "tsne_conditional"]


def config(**settings):
    return icon.Config(**{**TINY, "epochs": 2, **settings})


def both(values, **settings):
    """The same sweep in single runs and as one stack, in float64 so that rounding is far below what a mistake would do."""
    chosen = config(precision="float64", **settings)
    return icon.sweep(chosen, **values), icon.sweep(chosen, together=True, **values)


def close(single, stack, tolerance):
    for one, other in zip(single, stack, strict=True):
        assert one.config == other.config
        np.testing.assert_allclose(other.history["loss"], one.history["loss"], rtol=tolerance)
        for name, expected in one.state.items():
            torch.testing.assert_close(other.state[name], expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("method", METHODS)
def test_a_stack_equals_single_runs(method):
    settings = {"backbone": "mlp", **({"perplexity": 10.0} if "sne" in method else {})}
    single, stack = both({"temperature": [0.3, 0.7, 2.0]}, method=method, **settings)
    close(single, stack, 1e-9)
    assert all(run.provenance["stack"] == 3 for run in stack)
    assert len({run.history["loss"][-1] for run in stack}) == 3


def test_in_single_precision_it_is_equal_within_rounding():
    values = {"temperature": [0.1, 0.2, 0.5, 1.0]}
    single, stack = icon.sweep(config(epochs=1), **values), icon.sweep(config(epochs=1), together=True, **values)
    for one, other in zip(single, stack):
        np.testing.assert_allclose(other.history["loss"], one.history["loss"], rtol=1e-5)
        assert np.abs(other.embeddings - one.embeddings).max() < 1e-3 * np.abs(one.embeddings).max()


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": [1e-3, 1e-2], "weight_decay": [0.0, 0.1]},
        {"df": [1.0, 3.0]},
    ],
)
def test_every_scalar_is_that_of_its_run(values):
    method = "tsimclr" if "df" in values else "simclr"
    single, stack = both(values, method=method)
    close(single, stack, 1e-9)


def test_momentum_is_that_of_its_run():
    close(*both({"momentum": [0.0, 0.9]}, method="supcon", optimizer="sgd", learning_rate=0.1), 1e-9)


def test_seeds_have_stacks_of_their_own():
    single, stack = both({"temperature": [0.2, 0.5], "seed": [0, 1]})
    close(single, stack, 1e-9)
    assert {run.provenance["stack"] for run in stack} == {2}


def test_a_network_that_diverges_leaves_the_others_alone():
    chosen = config(method="cross_entropy", optimizer="sgd", precision="float64", epochs=3)
    single = icon.sweep(chosen, learning_rate=[1e-2, 1e200])
    stack = icon.sweep(chosen, learning_rate=[1e-2, 1e200], together=True)
    assert [run.status for run in stack] == [run.status for run in single] == ["complete", "failed"]
    assert "learning_rate=1e+200" in stack[1].error
    close(single[:1], stack[:1], 1e-9)


def test_what_cannot_be_stacked_is_run_alone():
    for settings in (
        {"backbone": "simplecnn"},
        {"method": "tsne"},
        {"alpha": 0.1},
        {"precision": "bfloat16"},
        {"method": "moco"} if "moco" in icon.methods.METHODS else {"method": "sne", "backbone": "table"},
    ):
        bare = {name: value for name, value in TINY.items() if name not in ("hidden_dim", "batch_size", "embedding_dim")}
        assert not can_stack(icon.Config(**bare, **settings).resolve()), settings
    configs = [config(temperature=t, seed=s).resolve() for t in (0.1, 0.2) for s in (0, 1)]
    assert plan(configs, together=True) == [Job((0, 2), True), Job((1, 3), True)]
    assert plan(configs, together=False) == [Job((k,)) for k in range(4)]
    assert plan(configs[:1], together=True) == [Job((0,))]


def test_stacking_is_said_and_kept_apart_from_single_runs(tmp_path):
    values = {"temperature": [0.2, 0.5]}
    stack = icon.sweep(config(), together=True, save_to=tmp_path, **values)
    assert any("stacked" in note for note in stack.table().notes)
    single = icon.sweep(config(), save_to=tmp_path, **values)
    assert not any("stacked" in note for note in single.table().notes)
    assert len(list(tmp_path.glob("*-stacked"))) == len(list(tmp_path.glob("simclr-????????????"))) == 2
    again = icon.sweep(config(), together=True, save_to=tmp_path, **values)
    assert [run.provenance["finished"] for run in again] == [run.provenance["finished"] for run in stack]


def test_a_stack_works_in_a_process_too():
    values = {"temperature": [0.2, 0.5]}
    torch.set_num_threads(1)
    here, there = (icon.sweep(config(), together=True, **values, **place) for place in ({}, {"workers": 1}))
    for one, other in zip(here, there):
        assert np.array_equal(one.trajectory.embeddings, other.trajectory.embeddings)


def test_released_networks_own_their_memory():
    data = load("digits", n_samples=200)
    stack = Stack([Session(config(temperature=t).resolve(), data).trainer for t in (0.2, 0.5)])
    weights = [next(trainer.model.parameters()) for trainer in stack.trainers]
    assert len({weight.untyped_storage().data_ptr() for weight in weights}) == 1
    stack.release()
    assert all(weight.untyped_storage().nbytes() == weight.nbytes for weight in weights)
