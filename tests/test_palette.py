"""Class colours: told apart by everybody, the same everywhere."""

import numpy as np
import pytest

from icon_nb.animation.palette import (
    CLASS_COLORS,
    THEMES,
    blend,
    class_color,
    class_marker,
    indexed_palette,
    nearest_entry,
    rgb,
    theme,
)
from icon_nb.errors import ConfigError

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787],
]
LAB = [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
]


def linear(colors):
    c = np.array([rgb(color) for color in colors])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def perceived(colors, vision):
    """OKLab coordinates, times 100, of colours as somebody with this vision sees them."""
    seen = np.clip(linear(colors) @ np.array(VISION[vision]).T, 0, 1)
    return np.cbrt(seen @ np.array(LMS).T) @ np.array(LAB).T * 100


def smallest_difference(colors, vision):
    lab = perceived(colors, vision)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return apart[np.triu_indices(len(colors), 1)].min()


@pytest.mark.parametrize("vision", VISION)
def test_every_pair_of_class_colours_is_told_apart(vision):
    assert smallest_difference(CLASS_COLORS, vision) > 12


@pytest.mark.parametrize("vision", VISION)
def test_the_first_four_are_farther_apart_still(vision):
    assert smallest_difference(CLASS_COLORS[:4], vision) > 20


def test_the_measure_sees_a_palette_that_fails():
    tab10 = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
    assert smallest_difference(tab10, "normal") > 10
    assert smallest_difference(tab10, "protanopia") < 2


@pytest.mark.parametrize("style", THEMES)
def test_class_colours_and_texts_stand_out_from_the_background(style):
    def contrast(a, b):
        light, dark = sorted(linear([a, b]) @ [0.2126, 0.7152, 0.0722] + 0.05)[::-1]
        return light / dark

    t = theme(style)
    assert min(contrast(c, t.panel) for c in CLASS_COLORS) > 1.4
    assert contrast(t.ink, t.background) > 12
    assert min(contrast(c, t.background) for c in (t.muted, t.accent, t.second)) > 4.5


def test_a_hundred_classes_have_a_hundred_looks():
    assert len({(class_color(c), class_marker(c)) for c in range(100)}) == 100


@pytest.mark.parametrize("style", THEMES)
@pytest.mark.parametrize("photos", [False, True])
def test_class_colours_survive_the_fixed_palette_exactly(style, photos):
    palette, table = indexed_palette(style, photos), nearest_entry(style, photos)
    assert len(palette) <= (256 if photos else 72)
    for color in [*CLASS_COLORS, theme(style).background, theme(style).panel, theme(style).ink]:
        r, g, b = (int(v) >> 3 for v in np.rint(rgb(color) * 255))
        np.testing.assert_array_equal(palette[table[(r << 10) | (g << 5) | b]], np.rint(rgb(color) * 255))


def test_the_palette_is_close_to_any_colour_of_a_photo():
    palette, table = indexed_palette("notebook", True), nearest_entry("notebook", True)
    colors = np.random.default_rng(0).integers(0, 256, (2000, 3))
    found = palette[table[(colors[:, 0] >> 3 << 10) | (colors[:, 1] >> 3 << 5) | (colors[:, 2] >> 3)]]
    assert np.abs(found - colors).mean() < 20


def test_blending_runs_from_background_to_colour():
    assert blend("#ff0000", "#0000ff", 1) == (1, 0, 0)
    assert blend("#ff0000", "#0000ff", 0) == (0, 0, 1)


def test_an_unknown_style_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'paper'"):
        theme("papper")
