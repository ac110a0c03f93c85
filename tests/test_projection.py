"""One projection for all frames: fitted once, sign-fixed, honest about what it shows."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import icon_nb as icon
from icon_nb.animation import projection
from icon_nb.animation.projection import fit_projection, principal_axes, procrustes
from icon_nb.errors import ConfigError
from icon_nb.evaluation.trajectory import Trajectory


def walk(T=5, n=60, d=8, seed=0):
    return Trajectory(np.random.default_rng(seed).normal(size=(T, n, d)).cumsum(0).astype(np.float32), np.arange(T))


def test_principal_axes_are_those_of_scikit_learn_up_to_sign():
    z = walk().embeddings[-1].astype(float)
    mean, axes, share = principal_axes(z, 3)
    reference = PCA(3).fit(z)
    np.testing.assert_allclose(mean, reference.mean_)
    np.testing.assert_allclose(np.abs(axes @ reference.components_.T), np.eye(3), atol=1e-10)
    np.testing.assert_allclose(share, reference.explained_variance_ratio_)


def test_pca_is_one_map_for_all_frames_fitted_on_the_named_epoch():
    t = walk()
    for fit_on, frame in [("last", 4), ("first", 0), (2, 2)]:
        shown = fit_projection(t, "pca", fit_on).coordinates(t)
        mean, axes, _ = principal_axes(t.embeddings[frame], 2)
        np.testing.assert_allclose(shown, (t.embeddings - mean) @ axes.T, atol=1e-4)
        assert shown.dtype == np.float32


def test_the_sign_of_an_axis_does_not_depend_on_the_solver():
    z = walk().embeddings[-1]
    _, axes, _ = principal_axes(z, 2)
    _, mirrored, _ = principal_axes(z[::-1].copy(), 2)
    np.testing.assert_allclose(axes, mirrored, atol=1e-6)
    assert (axes[np.arange(2), np.abs(axes).argmax(1)] > 0).all()


def test_a_fitted_projection_is_used_again_on_another_trajectory():
    first, second = walk(seed=0), walk(seed=1)
    fitted = fit_projection(first)
    assert fit_projection(second, fit_on=fitted) is fitted
    np.testing.assert_allclose(fitted.coordinates(second)[3], fitted.transform(second.embeddings[3]))


@pytest.mark.parametrize("d", [2, 3])
def test_embeddings_of_two_or_three_dimensions_are_shown_as_they_are(d):
    t = walk(d=d)
    assert np.array_equal(fit_projection(t).coordinates(t), t.embeddings)


def test_one_dimension_runs_along_x_and_height_stays_the_same_in_all_frames():
    t = walk(d=1)
    shown = fit_projection(t).coordinates(t)
    assert np.array_equal(shown[..., 0], t.embeddings[..., 0])
    assert (shown[:, :, 1] == shown[0, :, 1]).all()


def test_auto_shows_three_dimensions_of_unit_length_on_their_sphere_and_others_in_a_box():
    z = np.random.default_rng(0).normal(size=(4, 30, 3)).astype(np.float32)
    unit = z / np.linalg.norm(z, axis=2, keepdims=True)
    assert fit_projection(Trajectory(unit, np.arange(4))).kind == "sphere"
    assert fit_projection(Trajectory(z, np.arange(4))).kind == "raw"
    unit[2, 0] *= 1.01  # a single point off the sphere, at one epoch
    assert fit_projection(Trajectory(unit, np.arange(4))).kind == "raw"


def test_a_run_is_drawn_as_its_cosine_sees_it():
    config = icon.Config(n_samples=60, embedding_dim=3, epochs=1, quiet=True)
    assert "projection sphere" in repr(icon.run(config).animate())
    assert "projection raw" in repr(icon.run(config.replace(method="sne")).animate())


def test_the_sphere_keeps_directions():
    t = walk(d=3)
    shown = fit_projection(t, "sphere").coordinates(t)
    np.testing.assert_allclose(np.linalg.norm(shown, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(shown * np.linalg.norm(t.embeddings, axis=-1, keepdims=True), t.embeddings, atol=1e-5)


def test_a_collapsed_embedding_can_still_be_projected():
    t = Trajectory(np.zeros((2, 5, 8), np.float32), np.arange(2))
    fitted = fit_projection(t)
    assert fitted.explained_variance == (0.0, 0.0)
    assert np.isfinite(fitted.coordinates(t)).all()


def test_procrustes_turns_and_mirrors_but_never_scales():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 2))
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    np.testing.assert_allclose(procrustes(points, 3 * points @ turn + 5), turn, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "fit_on", "d", "says"),
    [
        ("pcaa", "last", 8, "did you mean 'pca'"),
        ("raw", "last", 8, "use 'pca'"),
        ("sphere", "last", 8, "embedding_dim=3"),
        ("pca3", "last", 2, "use 'raw'"),
        ("pca", 17, 8, "not a recorded epoch"),
    ],
)
def test_what_cannot_be_projected_says_why(kind, fit_on, d, says):
    with pytest.raises(ConfigError, match=says):
        fit_projection(walk(d=d), kind, fit_on)


def test_the_picture_of_a_run_and_its_page_share_one_map(monkeypatch):
    fitted, fit = [], projection._fit_chain
    monkeypatch.setattr(projection, "_fit_chain", lambda *given: (fitted.append(given), fit(*given))[1])
    run = icon.run(dataset="digits", n_samples=300, backbone="linear", epochs=1, quiet=True)
    run.animate(projection="tsne_quick").to_bytes("gif")
    run.player(projection="tsne_quick")
    assert len(fitted) == 1
