"""Every verdict on trajectories made to deserve it, and on the nearest ones that do not."""

import numpy as np
import pytest
from icon_nb.dynamics import diagnose as from_dynamics

import icon_nb as icon
from icon_nb import dynamics
from icon_nb.evaluation.diagnosis import FAILURES, VERDICTS, baselines, diagnose
from icon_nb.evaluation.trajectory import Trajectory

N, CLASSES, EPOCHS = 200, 10, 21
LABELS = np.arange(N) % CLASSES


def trajectory(frames, loss=None, labels=LABELS, **metrics):
    metrics = {name: np.asarray(values, dtype=float) for name, values in {"loss": loss, **metrics}.items() if values is not None}
    frames = np.stack(frames).astype(np.float32)
    return Trajectory(frames, np.arange(len(frames)), labels, metrics=metrics)


def towards(target, shares, start=None, noise=0.02, seed=0):
    """Frames on the way from a random start to a target, one for each share of the way."""
    rng = np.random.default_rng(seed)
    start = rng.normal(size=target.shape) if start is None else start
    return [(1 - share) * start + share * target + noise * rng.normal(size=target.shape) for share in shares]


def clusters(dim, seed=0):
    return 3 * np.random.default_rng(seed).normal(size=(CLASSES, dim))[LABELS]


def settling(speed=4.0, n=EPOCHS):
    """Shares of the way of a run that levels off."""
    return 1 - np.exp(-speed * np.linspace(0, 1, n))


def healthy(dim=64, **options):
    return trajectory(towards(clusters(dim), settling()), loss=3 - 2 * settling(), **options)


@pytest.mark.parametrize("dim", [2, 3, 9, 64, 512])
def test_a_run_that_learns_and_levels_off_is_healthy(dim):
    found = diagnose(healthy(dim))
    assert found.verdict == "healthy"
    assert not found.failed
    assert str(found).startswith("Healthy: loss and knn accuracy improved")


@pytest.mark.parametrize("dim", [2, 64])
def test_scale_does_not_matter(dim):
    plain = healthy(dim)
    for scale in (1e-6, 1e6):
        scaled = Trajectory(plain.embeddings * np.float32(scale), plain.epochs, plain.labels, metrics=plain.metrics)
        assert diagnose(scaled).verdict == "healthy"


def test_supervised_collapse_to_one_point_a_class_is_healthy():
    simplex = np.eye(CLASSES)[LABELS] - 1 / CLASSES
    assert diagnose(trajectory(towards(simplex, settling(), noise=0), loss=3 - 2 * settling())).verdict == "healthy"


def test_cluster_probabilities_are_healthy_when_used_and_collapsed_when_not():
    logits = towards(6 * np.eye(CLASSES)[LABELS], settling(), start=np.zeros((N, CLASSES)))
    used = [np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in logits]
    assert not diagnose(trajectory(used, loss=3 - 2 * settling())).failed
    one = [frame + 30 * np.eye(CLASSES)[0] * share for frame, share in zip(logits, settling())]
    unused = [np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in one]
    assert diagnose(trajectory(unused, loss=3 - 2 * settling())).verdict == "collapsed"


@pytest.mark.parametrize("dim", [2, 64])
def test_points_that_fall_together_are_collapsed(dim):
    shares = np.r_[0, 0.3, 0.6, np.ones(EPOCHS - 3)]
    found = diagnose(trajectory(towards(np.ones((N, dim)), shares, noise=1e-4), loss=3 - 2 * settling()))
    assert found.verdict == "collapsed"
    assert found.since == 3
    assert found.evidence["spread"] < 0.02
    assert found.failed
    assert found.advice


def test_an_untrained_narrow_cone_is_not_called_collapsed():
    rng = np.random.default_rng(0)
    cone = 1 + 0.05 * rng.normal(size=(N, 64))  # what a deep network makes before training
    frames = [cone + 1e-7 * rng.normal(size=cone.shape) for _ in range(8)]
    found = diagnose(trajectory(frames, loss=np.full(8, 2.3)))
    assert (found.verdict, found.since) == ("plateau", 0)
    opened = towards(clusters(64), settling(), start=cone)
    assert diagnose(trajectory(opened, loss=3 - 2 * settling())).verdict == "healthy"


def test_points_on_a_line_are_dimensionally_collapsed_but_a_map_is_not():
    rng = np.random.default_rng(0)
    line = rng.normal(size=(N, 1)) * rng.normal(size=64)
    frames = towards(line, settling(), noise=1e-3)
    found = diagnose(trajectory(frames, loss=3 - 2 * settling()))
    assert found.verdict == "dimensional collapse"
    assert found.evidence["dimensions"] < 1.8
    assert found.evidence["needed"] == 9
    assert not diagnose(trajectory([frame[:, :2] for frame in frames], loss=3 - 2 * settling())).failed
    lost = np.linspace(0.9, 0.2, EPOCHS)
    assert not diagnose(trajectory([frame[:, :3] for frame in frames], loss=3 - 2 * settling(), knn_accuracy=lost)).failed
    assert not diagnose(trajectory(frames, loss=3 - 2 * settling(), labels=LABELS % 2)).failed
    assert diagnose(trajectory(frames, loss=3 - 2 * settling(), labels=None)).verdict == "dimensional collapse"


def test_few_dimensions_weigh_more_when_the_neighbours_are_lost():
    flat = np.zeros((N, 64))
    flat[:, :4] = clusters(4)
    frames, loss = towards(flat, settling(), noise=1e-3), 3 - 2 * settling()
    kept, lost = np.linspace(0.9, 0.95, EPOCHS), np.linspace(0.95, 0.6, EPOCHS)
    assert diagnose(trajectory(frames, loss, knn_accuracy=kept)).verdict == "healthy"
    found = diagnose(trajectory(frames, loss, knn_accuracy=lost))
    assert found.verdict == "dimensional collapse"
    assert found.sentence.endswith("The kNN accuracy fell from 95% to 60%.")


@pytest.mark.parametrize("dim", [2, 64])
def test_jumping_to_and_fro_is_oscillating_unless_the_loss_falls_all_the_while(dim):
    a, b = clusters(dim), clusters(dim, seed=1)
    frames = [np.where(t % 2, a, b) + a for t in range(EPOCHS)]
    up_and_down = 2 + 0.3 * (np.arange(EPOCHS) % 2)
    up_and_down[0] = 2.5
    found = diagnose(trajectory(frames, loss=up_and_down))
    assert found.verdict == "oscillating"
    assert found.evidence["turning"] == pytest.approx(-1, abs=0.01)
    assert not diagnose(trajectory(frames, loss=3 - 2 * settling())).failed


def test_a_loss_that_leaps_is_oscillating_but_the_noise_of_a_flat_one_is_not():
    frames, loss = towards(clusters(64), settling()), 3 - 2 * settling()
    loss[15] = 2.9
    found = diagnose(trajectory(frames, loss=loss))
    assert (found.verdict, found.since) == ("oscillating", EPOCHS // 2)
    assert "leaps" in found.sentence
    flat = 3 + 1e-3 * np.random.default_rng(0).normal(size=EPOCHS)
    assert diagnose(trajectory(towards(clusters(64), np.zeros(EPOCHS), noise=1e-6), loss=flat)).verdict == "plateau"


def test_a_loss_that_rose_at_the_end_only_is_not_diverged():
    loss = 3 - 2 * settling()
    loss[-1] = 3.5
    assert diagnose(trajectory(towards(clusters(64), settling()), loss=loss)).verdict != "diverged"


def test_a_loss_out_of_all_proportion_is_diverged_even_where_the_points_fell_together():
    shares = np.r_[0, np.ones(EPOCHS - 1)]
    frames = towards(np.ones((N, 64)), shares, noise=1e-4)
    assert diagnose(trajectory(frames, loss=np.r_[3.0, np.full(EPOCHS - 1, 300.0)])).verdict == "diverged"
    assert diagnose(trajectory(frames, loss=np.r_[3.0, np.full(EPOCHS - 1, 4.0)])).verdict == "collapsed"


def test_points_that_hardly_moved_learned_nothing_whatever_the_loss_says():
    frames = [healthy().embeddings[0] * (1 + 1e-6 * t) for t in range(EPOCHS)]
    assert diagnose(trajectory(frames, loss=3 - 2 * settling())).since == 0


def test_diverged_is_told_by_the_flag_by_infinity_and_by_a_risen_loss():
    run = healthy()
    assert diagnose(run, diverged=True).verdict == "diverged"
    assert diagnose(run, diverged=True).since == EPOCHS
    broken = run.embeddings.copy()
    broken[5:] = np.nan
    found = diagnose(Trajectory(broken, run.epochs, run.labels))
    assert (found.verdict, found.since) == ("diverged", 5)
    blown = np.r_[run.metrics["loss"][:-1], np.inf]
    assert diagnose(Trajectory(run.embeddings, run.epochs, metrics={"loss": blown})).verdict == "diverged"
    risen = np.r_[2.0, 1.5, np.full(EPOCHS - 2, 2.6)]
    found = diagnose(trajectory(list(run.embeddings), loss=risen))
    assert (found.verdict, found.since) == ("diverged", 2)
    recovered = np.r_[2.0, 2.6, 1.9 - 0.9 * settling(n=EPOCHS - 2)]
    assert diagnose(trajectory(list(run.embeddings), loss=recovered)).verdict == "healthy"


def test_a_run_that_was_never_finite_diverged_at_its_first_frame():
    run = healthy()
    broken = run.embeddings.copy()
    broken[0] = np.nan
    found = diagnose(Trajectory(broken, run.epochs, run.labels))
    assert found.since == 0
    assert found.sentence.startswith("Diverged at the first frame, epoch 0:")
    assert np.isnan(found.evidence["last_good_epoch"])


def test_between_two_frames_nothing_is_known_to_be_good():
    run = healthy()
    broken = run.embeddings.copy()
    broken[2:] = np.inf
    found = diagnose(Trajectory(broken, 10 * run.epochs, run.labels))
    assert (found.since, found.evidence["last_good_epoch"]) == (20, 10)
    assert found.sentence.startswith("Diverged after epoch 10:")


def test_few_epochs_and_a_steady_gain_are_still_learning():
    assert diagnose(healthy(labels=None)).verdict == "healthy"
    steady = np.linspace(0, 1, EPOCHS)
    found = diagnose(trajectory(towards(clusters(64), steady), loss=3 - 2 * steady))
    assert found.verdict == "still learning"
    assert found.evidence["late_loss"] == pytest.approx(0.2, abs=0.03)
    for n_frames in (1, 2):
        short = Trajectory(healthy().embeddings[:n_frames], np.arange(n_frames))
        assert "too few" in diagnose(short).sentence


def test_a_plateau_says_since_when():
    shares = np.r_[np.linspace(0, 1, 6), np.ones(15)]
    found = diagnose(trajectory(towards(clusters(64), shares), loss=3 - 2 * shares))
    assert found.verdict == "plateau"
    assert found.since == 5
    nothing = diagnose(trajectory(towards(clusters(64), np.zeros(EPOCHS), noise=1e-6), loss=np.full(EPOCHS, 3.0)))
    assert (nothing.verdict, nothing.since) == ("plateau", 0)


@pytest.mark.parametrize(("shares", "verdict"), [(settling(), "healthy"), (np.linspace(0, 1, EPOCHS), "still learning")])
def test_movement_is_read_when_there_is_neither_loss_nor_label(shares, verdict):
    assert diagnose(trajectory(towards(clusters(2), shares, noise=1e-3), labels=None)).verdict == verdict


def test_an_untrained_loss_of_any_size_does_not_hide_what_followed():
    steady = np.linspace(0, 1, EPOCHS)
    loss = 3 - 2 * steady
    loss[0] = 500
    assert diagnose(trajectory(towards(clusters(64), steady), loss=loss)).verdict == "still learning"


def test_missing_values_and_skipped_epochs_do_not_disturb():
    run = healthy()
    holes = run.metrics["loss"].copy()
    holes[[0, 3, 7]] = np.nan
    knn = np.full(EPOCHS, np.nan)
    knn[[2, 9, 20]] = 0.3, 0.9, 0.91
    found = diagnose(Trajectory(run.embeddings, 10 * run.epochs, run.labels, metrics={"loss": holes, "knn_accuracy": knn}))
    assert found.verdict in ("healthy", "plateau")
    assert found.evidence["knn_accuracy"] == 0.91


def test_names_are_known():
    assert from_dynamics(healthy()) == diagnose(healthy())
    assert set(FAILURES) < set(VERDICTS)


def test_training_that_lowers_the_loss_and_loses_neighbours_is_worse_than_untrained():
    def run(first, last):
        return diagnose(healthy(knn_accuracy=first + (last - first) * settling()))

    found = run(0.96, 0.878)
    assert (found.verdict, found.failed) == ("no better than untrained", False)
    assert found.sentence == "Trained, but worse than untrained: the kNN accuracy was 96.0% before and is 88.0% after."
    assert "no better than untrained" in run(0.244, 0.218).sentence
    assert run(0.99, 0.99).verdict != "no better than untrained", "there is nothing left to gain"
    assert run(0.4, 0.9).verdict == "healthy"


def test_without_labels_the_neighbourhoods_of_the_inputs_decide():
    run = healthy(labels=None)
    x = run.embeddings[-1] + 0.01
    gained = baselines(run, x)
    assert gained["last_preservation"] > 0.9 > gained["first_preservation"]
    assert diagnose(run, baselines=gained).verdict == "healthy"
    lost = {"first_preservation": 0.9, "last_preservation": 0.7}
    assert "share of neighbourhoods kept was 90.0% before and is 70.0%" in diagnose(run, baselines=lost).sentence


def test_inputs_that_serve_better_than_the_embedding_are_named():
    assert baselines(healthy(), np.eye(CLASSES)[LABELS]) == {"raw_knn_accuracy": 1.0}
    run = healthy(knn_accuracy=0.3 + 0.6 * settling())
    assert str(diagnose(run, baselines={"raw_knn_accuracy": 0.99})).endswith("a kNN accuracy of 99%, the embedding 89%.")
    assert "raw inputs" not in str(diagnose(run, baselines={"raw_knn_accuracy": 0.5}))


def test_epochs_are_not_called_enough_while_the_points_still_spread():
    loss = np.r_[3, 2, np.ones(EPOCHS - 2)]
    z = clusters(2)
    grows = trajectory([z * (1 + 0.1 * t) for t in range(EPOCHS)], loss=loss)
    stands = trajectory([z * (1 + 0.1 * min(t, 2)) + 1e-3 * t for t in range(EPOCHS)], loss=loss)
    assert "epochs are enough" not in diagnose(grows).advice
    assert "About 2 epochs are enough" in diagnose(stands).advice


KNN = np.r_[0.95, 0.7, np.linspace(0.72, 0.86, EPOCHS - 2)]


def thrown_back(loss_after=2.2, end=0.0):
    """A run whose first epoch raised the loss and lost the neighbours that an untrained network already had."""
    loss = np.r_[2.0, np.linspace(loss_after, 1.0, EPOCHS - 1)]
    return trajectory(towards(clusters(64), settling()), loss=loss, knn_accuracy=KNN + np.linspace(0, end, EPOCHS))


def test_first_steps_that_throw_the_embedding_back_are_named_with_the_learning_rate():
    found = diagnose(thrown_back())
    assert found.verdict == "diverged"
    assert found.since == 1
    assert "fallen from 95% to 70%; the end, 86%" in found.sentence
    assert "learning rate" in found.advice
    assert str(found).count("95%") == 1


def test_first_steps_that_lower_the_loss_or_are_made_up_for_are_no_failure():
    assert not diagnose(thrown_back(loss_after=1.9)).failed
    assert not diagnose(thrown_back(end=0.1)).failed


def test_directions_in_three_dimensions_are_measured_on_the_sphere():
    run = icon.run(icon.Config(embedding_dim=3, divergence="rkl", quiet=True))
    z = run.embeddings.astype(float)
    variance = 1 - np.linalg.norm(z.mean(0)) ** 2
    assert variance < 0.1
    assert dynamics.spread(run.trajectory)[-1] == pytest.approx(variance, abs=1e-4)
    assert run.diagnosis.verdict != "healthy" or "stay close together" in str(run.diagnosis)
