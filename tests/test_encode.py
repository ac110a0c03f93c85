"""Every format decoded again: number of frames, times, size, colours."""


import numpy as np
import pytest
from moving_points import decode, run
from PIL import Image

from icon_nb.animation import animate
from icon_nb.errors import ConfigError


@pytest.fixture(scope="module")
def shown():
    return animate(run(T=4), fps=1000 / 120, tween=0, hold=400, size=(321, 240))


def test_a_gif_holds_frames_times_and_pixels(shown, tmp_path):
    frames, durations, info = decode(shown.save(tmp_path / "x.gif").read_bytes())
    assert len(frames) == 4
    assert [round(d) for d in durations] == [120, 120, 120, 400]
    assert info["loop"] == 0
    for k, frame in enumerate(frames):
        np.testing.assert_array_equal(frame, shown.frames[k])


def test_a_video_plays_for_as_long_and_shows_the_same(shown, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    import imageio.v3 as iio

    path = shown.save(tmp_path / "x.mp4")
    played = iio.imread(path, plugin="FFMPEG")
    meta = iio.immeta(path, plugin="FFMPEG")
    assert played.shape[1:] == (240, 322, 3)
    assert len(played) / meta["fps"] == pytest.approx(0.76, abs=0.09)
    assert np.abs(played[-1][:, :321].astype(int) - shown.frames[3]).mean() < 3
    assert np.abs(played[0][:, :321].astype(int) - shown.frames[0]).mean() < 3


def test_without_ffmpeg_the_way_out_is_named(shown, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'icon_nb\[video\]'"):
        shown.to_bytes("mp4")


def test_png_is_the_last_frame(shown, tmp_path):
    image = Image.open(shown.save(tmp_path / "last.png"))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), shown.frames[3])


def test_frames_are_a_sequence_of_arrays(shown):
    assert shown.frames[0].dtype == np.uint8
    assert len(shown.frames[1:3]) == 2
    assert len(list(shown.frames)) == 4
