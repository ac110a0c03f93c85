"""Time: which epochs, how long, what lies between."""

import numpy as np
import pytest
from moving_points import decode, run

from icon_nb.animation import animate, side_by_side
from icon_nb.animation.options import Options
from icon_nb.animation.view import choose_epochs, plan, ticks
from icon_nb.evaluation.trajectory import Trajectory


def simple(epochs, **more):
    return plan(epochs, more.pop("movement", np.ones(len(epochs) - 1)), Options(**{"tween": 0, **more}))


def test_durations_are_what_a_gif_can_hold():
    assert ticks([1, 33, 47, 200]).tolist() == [20, 30, 50, 200]
    planned = simple(np.arange(61), fps=30)
    assert set(planned.durations[:-1]) == {30}
    assert planned.durations[-1] == 1500


def test_by_default_an_animation_lasts_about_six_seconds():
    assert sum(simple(np.arange(61)).durations[:-1]) == pytest.approx(6000, rel=0.05)
    assert simple(np.arange(4)).durations[0] == 500


def test_in_between_frames_go_where_points_move_most_and_keep_the_length():
    movement = np.array([8.0, 4.0, 1.0, 1.0, 1.0, 1.0])
    even, moving = simple(np.arange(7)), simple(np.arange(7), movement=movement, tween="auto")
    assert moving.n_frames == 22
    assert moving.between[0] > moving.between[1] > moving.between[2]
    assert sum(moving.durations) == pytest.approx(sum(even.durations), rel=0.05)
    assert [moving.at(frame) for frame in moving.starts] == [(k, 0) for k in range(7)]
    assert simple(np.arange(31), tween="auto").between.tolist() == [0] * 30, "there are frames enough"


def test_leaps_are_measured_on_the_points():
    z = np.zeros((5, 10, 2), np.float32)
    z[1:] += 5
    z[3:] += 0.1
    z[:, 0, 0] = np.arange(5)
    between = animate(Trajectory(z, np.arange(5))).timeline.between
    assert between[0] > 2 * between[1]


def test_a_thousand_epochs_stay_within_the_bound():
    t = Trajectory(np.zeros((1000, 3, 2), np.float32), np.arange(1000))
    shown = animate(t, tween=4)
    assert len(shown.epochs) == 200 == shown.timeline.n_frames
    assert shown.epochs[[0, -1]].tolist() == [0, 999]


def test_in_between_frames_are_counted_interpolated_and_said_to_be_so():
    t = run(T=4, d=2)
    shown = animate(t, tween=3, fps=5)
    assert len(shown.frames) == 13
    assert sum(shown.durations[:-1]) == pytest.approx(600, abs=60)
    halfway = shown.views[0].points(2)
    np.testing.assert_allclose(halfway, (t.embeddings[0] + t.embeddings[1]) / 2, atol=1e-5)
    assert "9 frames are interpolated" in shown.caption
    assert "interpolated" not in animate(t, tween=0).caption
    assert len(decode(shown.to_bytes())[0]) == 13


def test_every_nth_epoch_keeps_first_and_last():
    assert animate(run(T=12), every=5).epochs.tolist() == [0, 5, 10, 11]
    assert choose_epochs([np.array([3, 4, 5])], 2, 200).tolist() == [3, 4, 5]


def test_in_between_frames_give_way_to_the_bound():
    planned = simple(np.arange(101), tween=5)
    assert planned.n_frames <= 200
    assert not planned.between.any()


def test_one_epoch_is_one_held_frame():
    shown = animate(run(T=1), tween=3)
    assert list(shown.durations) == [1500]
    assert len(shown.frames) == 1


def test_runs_with_other_epochs_share_one_clock():
    a, b = run(T=3), run(T=3)
    b = Trajectory(b.embeddings, np.array([0, 2, 4]), b.labels, b.class_names)
    both = side_by_side([a, b])
    assert both.epochs.tolist() == [0, 1, 2, 4]
    assert [view.sources.tolist() for view in both.views] == [[0, 1, 2, 2], [0, 0, 1, 2]]
