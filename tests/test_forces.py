"""Attraction and repulsion: their sum is autograd's gradient, and each is what its name says."""

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError
from icon_nb.evaluation.forces import OnPoints, split_forces
from icon_nb.methods import axes
from icon_nb.methods.methods import METHODS
from icon_nb.methods.resolve import method_of
from icon_nb.objective.component import Batch, Target
from icon_nb.objective.objective import build_objective
from icon_nb.study.probes import seen_again

AMONG_POINTS = [name for name, each in METHODS.items() if axes.SUPERVISORY[each.supervisory].candidates in ("samples", "pairs")]


def batch_of(config, n=64):
    """Points with everything that some p asks for; two views of each where p joins views."""
    rng = torch.Generator().manual_seed(0)
    views = "views" in axes.SUPERVISORY[method_of(config).supervisory].needs
    graph = torch.rand(n, n, generator=rng, dtype=torch.float64)
    graph = ((graph + graph.T) > 1.2).double().fill_diagonal_(0)
    x, other = (torch.randn(n, 5, generator=rng, dtype=torch.float64) for _ in range(2))
    index = torch.arange(n) // 2 if views else torch.arange(n)
    return Batch(index, x, torch.arange(n) % 3, 3, torch.float64, other, graph)


@pytest.mark.parametrize("divergence", ["kl", "js"])
@pytest.mark.parametrize("name", AMONG_POINTS)
def test_the_two_parts_sum_to_the_gradient_of_autograd(name, divergence):
    try:
        config = icon.Config(method=name, **({} if divergence == "kl" else {"divergence": divergence})).resolve()
    except ConfigError:
        pytest.skip(f"{name} has no {divergence}")
    objective, z = build_objective(config), torch.randn(64, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    target, free = objective.target(batch_of(config)), z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective.loss(target, [(free, None)]), free)
    attraction, repulsion = split_forces(objective, target, z)
    torch.testing.assert_close(attraction + repulsion, gradient, rtol=0, atol=1e-6 * gradient.abs().max().item())
    assert attraction.abs().max() > 0 or name == "pca", "its p joins every point to itself alone"
    assert repulsion.abs().max() > 0


def test_a_double_loop_over_a_gaussian_gives_the_same_two_parts():
    n, z = 5, np.random.default_rng(0).normal(size=(5, 2))
    p = np.random.default_rng(1).random((n, n)) * (1 - np.eye(n))
    p /= p.sum(1, keepdims=True)
    kernel = np.exp(-((z[:, None] - z) ** 2).sum(-1)) * (1 - np.eye(n))
    q = kernel / kernel.sum(1, keepdims=True)
    pull, push = np.zeros_like(z), np.zeros_like(z)
    for i in range(n):
        for j in range(n):
            slope = -2 * (z[i] - z[j])  # of s_ij by z_i; by z_j it is the other way round
            for k, sign in ((i, 1), (j, -1)):
                pull[k] += -p[i, j] / n * sign * slope
                push[k] += q[i, j] / n * sign * slope
    objective = build_objective(icon.Config(method="sne", temperature=1.0).resolve())
    found = split_forces(objective, Target(torch.from_numpy(p)), torch.from_numpy(z))
    for part, expected in zip(found, (pull, push)):
        np.testing.assert_allclose(part.numpy(), expected, atol=1e-12)


def test_points_beside_candidates_feel_both_too():
    objective = build_objective(icon.Config(method="cross_entropy").resolve())
    z, prototypes = torch.randn(6, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    target, free = Target(torch.eye(3, dtype=torch.float64).repeat(2, 1)), z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective.loss(target, [(free, prototypes)]), free)
    torch.testing.assert_close(sum(split_forces(objective, target, z, prototypes)), gradient)


@pytest.fixture(scope="module")
def run():
    return icon.run(method="sne", n_samples=120, epochs=3, record_every=1, quiet=True)


def test_a_run_tells_its_forces_at_every_recorded_epoch(run):
    first, last = run.forces(0), run.forces()
    assert first.attraction.shape == last.repulsion.shape == (120, 2)
    z = torch.from_numpy(run.trajectory.embeddings[-1]).double().requires_grad_()
    points = OnPoints(run.config, run.data(), run.trajectory)
    (gradient,) = torch.autograd.grad(points.objective.loss(points.target(), [(z, None)]), z)
    np.testing.assert_allclose(last.attraction + last.repulsion, gradient.numpy(), atol=1e-6 * np.abs(gradient.numpy()).max())
    with pytest.raises(ConfigError, match="not a recorded epoch"):
        run.forces(7)


SEEN_AGAIN = {
    "simclr": {"dataset": "digits"},
    "mocov3": {"dataset": "digits"},
    "vicreg": {"dataset": "digits"},
    "cross_entropy": {"dataset": "digits"},
    "clip": {},
    "mlm": {},
}


@pytest.mark.parametrize("name", SEEN_AGAIN)
def test_views_and_prototypes_are_made_again_from_the_weights_that_were_kept(name):
    run = icon.run(method=name, **SEEN_AGAIN[name], n_samples=100, epochs=2, record_every=1, quiet=True)
    for epoch in (0, 2):
        found = run.forces(epoch)
        assert found.attraction.shape == found.repulsion.shape == run.embeddings.shape
        assert np.abs(found.attraction).max() > 0
        objective, target, blocks, move = seen_again(run, epoch, run.states[epoch][0])
        (gradient,) = torch.autograd.grad(objective.loss(target, blocks), move)
        np.testing.assert_allclose(found.attraction + found.repulsion, gradient.numpy(), atol=2e-6 * gradient.abs().max().item())
    np.testing.assert_array_equal(run.forces(2).attraction, run.forces(2).attraction)
    run.states.clear()
    with pytest.raises(ConfigError, match="were not kept"):
        run.forces(1)


def test_a_step_against_the_forces_on_two_views_lowers_the_loss_as_much_as_they_say():
    run = icon.run(method="simclr", dataset="digits", n_samples=60, epochs=1, quiet=True)
    found = run.forces(1)
    both = torch.from_numpy(found.attraction + found.repulsion)
    objective, target, ((z, candidates),), _ = seen_again(run, 1, run.states[1][0])
    assert candidates is None
    z = torch.nn.functional.normalize(z.detach()).double()
    step = 1e-4 * both.double().repeat(2, 1)
    change = (objective.loss(target, [(z - step, None)]) - objective.loss(target, [(z + step, None)])) / 2e-4
    np.testing.assert_allclose(change, -(both.double() ** 2).sum(), rtol=1e-3)


def test_held_out_points_without_companions_say_what_is_lacking():
    run = icon.run(method="xsample", epochs=1, n_samples=100, quiet=True)
    with pytest.raises(ConfigError, match="needs the companion of the recorded points"):
        run.forces()


def test_images_are_drawn_to_their_captions():
    run = icon.run(method="clip", epochs=1, quiet=True)
    assert run.forces().attraction.shape == run.embeddings.shape
    assert run.neighbours is None


def test_neighbours_are_the_strongest_of_p_and_q(run):
    points = OnPoints(run.config, run.data(), run.trajectory)
    q = points.q(2).numpy()
    columns, values = run.neighbours.q[0][2], run.neighbours.q[1][2]
    np.testing.assert_allclose(values, -np.sort(-q, axis=1)[:, :4])
    np.testing.assert_array_equal(np.take_along_axis(q, columns, 1), values)
    np.testing.assert_allclose(q.sum(1), 1, rtol=1e-5)
    assert (run.neighbours.p[0] != np.arange(120)[:, None]).all(), "nobody is a neighbour of itself"


def test_forces_are_drawn_in_an_animation_and_as_curves(run, tmp_path):
    shown = run.animate(overlay="forces")
    assert "p pulls (green)" in shown.caption or "Arrows" in shown.caption
    assert shown.save(tmp_path / "forces.gif").stat().st_size > 0
    picture = run.plot("forces")
    assert repr(picture).startswith("Picture(attraction and repulsion over the epochs")
    high = icon.run(method="sne", n_samples=80, epochs=1, embedding_dim=8, quiet=True)
    assert high.animate(overlay="forces").projections[0].kind == "pca"
