"""Augmentation: the draws are distributed as torchvision's, the pixels are where torchvision puts them, one draw per image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import kstest
from torchvision.transforms import ColorJitter, InterpolationMode, RandomAffine, RandomResizedCrop
from torchvision.transforms import functional as tv

from icon_nb.data import Dataset, load
from icon_nb.data.augment import Affine, Augment, Blur, Crop, Flip, Grey, Jitter, Noise, _grid, build_augment, default_augment
from icon_nb.errors import ConfigError
from icon_nb.methods.catalogue import AUGMENTATIONS

N = 3000
LIMIT = 1e-3
"""A two-sample test fails below this p-value. Seeds are fixed, so it never fails by chance."""


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def uniform(part, n=N, seed=0):
    return torch.rand(n, part.n_random, generator=generator(seed))


def same_distribution(ours, theirs):
    """p-value of Kolmogorov and Smirnov's test, ties included."""
    return kstest(np.asarray(ours, float), np.asarray(theirs, float)).pvalue


def images(n=4, c=3, h=20, w=28):
    """Smooth pictures with values in the middle: bilinear reading is well-behaved and no clamp acts."""
    coarse = torch.rand(n, c, 4, 5, generator=generator(1)) * 0.4 + 0.3
    return F.interpolate(coarse, (h, w), mode="bicubic").clamp(0.25, 0.75)


# --- the draws -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crop", "size"), [(Crop(), (28, 28)), (Crop((0.4, 1.0)), (28, 28)), (Crop((0.3, 1.0), (0.5, 2.0)), (20, 40))]
)
def test_crop_boxes_are_distributed_as_torchvisions(crop, size):
    torch.manual_seed(1)
    theirs = np.array([RandomResizedCrop.get_params(torch.zeros(1, *size), crop.scale, crop.ratio) for _ in range(N)], float)
    ours = torch.stack(crop.draw(uniform(crop), *size), 1).numpy()
    area, aspect = (lambda box: box[:, 2] * box[:, 3]), (lambda box: box[:, 3] / box[:, 2])
    for measure in (area, aspect, lambda box: box[:, 0], lambda box: box[:, 1]):
        assert same_distribution(measure(ours), measure(theirs)) > LIMIT
    assert (ours[:, 0] + ours[:, 2] <= size[0]).all()
    assert (ours[:, 1] + ours[:, 3] <= size[1]).all()
    assert (ours[:, :2] >= 0).all()


def test_crop_of_another_scale_is_told_apart():
    torch.manual_seed(1)
    theirs = np.array([RandomResizedCrop.get_params(torch.zeros(1, 28, 28), (0.2, 1.0), (3 / 4, 4 / 3)) for _ in range(N)])
    crop = Crop((0.1, 1.0))
    ours = torch.stack(crop.draw(uniform(crop), 28, 28), 1).numpy()
    assert same_distribution(ours[:, 2] * ours[:, 3], theirs[:, 2] * theirs[:, 3]) < LIMIT


def test_crop_that_never_fits_falls_back_to_torchvisions_box():
    crop = Crop((0.9, 1.0), (0.2, 0.21))
    theirs = RandomResizedCrop.get_params(torch.zeros(1, 10, 40), crop.scale, crop.ratio)
    assert [int(v[0]) for v in crop.draw(uniform(crop, 1), 10, 40)] == list(theirs)


def test_affine_draws_are_distributed_as_torchvisions():
    part = Affine(15.0, 0.1, (0.8, 1.2), 10.0)
    torch.manual_seed(1)
    theirs = [RandomAffine.get_params([-15.0, 15.0], [0.1, 0.1], [0.8, 1.2], [-10.0, 10.0], [30, 20]) for _ in range(N)]
    theirs = [(angle, *shift, scale, shear[0]) for angle, shift, scale, shear in theirs]
    for ours, their in zip(part.draw(uniform(part), 20, 30), zip(*theirs)):
        assert same_distribution(ours, their) > LIMIT


def test_jitter_factors_and_order_are_distributed_as_torchvisions():
    part = Jitter(0.4, 0.5, 0.6, 0.1, p=1.0)
    torch.manual_seed(1)
    limits = ([0.6, 1.4], [0.5, 1.5], [0.4, 1.6], [-0.1, 0.1])
    theirs = [ColorJitter.get_params(*limits) for _ in range(N)]
    factors, order = part.draw(uniform(part))
    for k in range(4):
        assert same_distribution(factors[:, k], [draw[k + 1] for draw in theirs]) > LIMIT
    counts = np.unique(order.numpy() @ [64, 16, 4, 1], return_counts=True)[1]
    assert len(counts) == 24
    assert counts.min() > N / 24 * 0.6


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        (Flip(0.3), lambda part, u: part.matrix(u, 4, 4)[:, 0, 0] < 0),
        (Jitter(p=0.3), lambda part, u: part.draw(u)[0][:, 0] != 1),
        (Blur(p=0.3), lambda part, u: part.draw(u) > 0.01),
    ],
)
def test_probability_of_a_change(part, changed):
    share = changed(part, uniform(part)).float().mean()
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / N) ** 0.5


def test_draws_of_different_images_are_independent():
    part = Affine()
    angle = part.draw(uniform(part), 28, 28)[0].numpy()
    assert abs(np.corrcoef(angle[:-1], angle[1:])[0, 1]) < 4 / N**0.5


# --- the pixels ------------------------------------------------------------------------------------------------------


def apply(parts, x, seed=0):
    """The augmentation's output on the 0..1 scale."""
    return Augment(tuple(parts), torch.zeros(x.shape[1]), torch.ones(x.shape[1]))(x, generator(seed))


def test_affine_moves_pixels_as_torchvision_does():
    part, x = Affine(25.0, 0.2, (0.7, 1.3), 15.0), images()
    angle, dx, dy, scale, shear = (v.tolist() for v in part.draw(uniform(part, len(x)), 20, 28))
    out = apply([part], x)
    for i in range(len(x)):
        expected = tv.affine(
            x[i], angle[i], [int(dx[i]), int(dy[i])], scale[i], [shear[i], 0.0], interpolation=InterpolationMode.BILINEAR
        )
        assert (out[i] - expected).abs().max() < 1e-3


def test_crop_is_torchvisions_up_to_the_border_of_the_box():
    part, x = Crop((0.3, 0.9)), images()
    boxes = torch.stack(part.draw(uniform(part, len(x)), 20, 28), 1).int().tolist()
    out = apply([part], x)
    for i, box in enumerate(boxes):
        expected = tv.resized_crop(x[i], *box, [20, 28], InterpolationMode.BILINEAR, antialias=False)
        inside = (slice(None), slice(3, -3), slice(3, -3))  # at the border torchvision repeats pixels, here the image goes on
        assert (out[i] - expected)[inside].abs().max() < 1e-4


def test_flip_mirrors_exactly_the_images_drawn():
    part, x = Flip(0.5), images(16)
    mirrored = uniform(part, 16)[:, 0] < 0.5
    assert 0 < mirrored.sum() < 16
    expected = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
    assert (apply([part], x) - expected).abs().max() < 1e-5


def test_brightness_contrast_saturation_equal_torchvisions_in_the_drawn_order():
    part, x = Jitter(0.2, 0.2, 0.2, 0.0, p=1.0), images(8)
    factors, order = part.draw(uniform(part, 8))
    steps = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation, lambda image, _: image)
    out = apply([part], x)
    for i in range(8):
        expected = x[i]
        for k in order[i].tolist():
            expected = steps[k](expected, float(factors[i, k]))
        assert (out[i] - expected).abs().max() < 2e-4


def test_hue_keeps_grey_pictures_and_brightness_and_turns_back():
    part, x = Jitter(0.0, 0.0, 0.0, 0.3, p=1.0), images(8)
    grey = x.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert (apply([part], grey) - grey).abs().max() < 1e-3
    colour = torch.eye(3, 5).expand(8, 3, 5)
    turn = part.recolour(uniform(part, 8), colour)[:, :, :3]
    assert (turn - torch.eye(3)).abs().amax((1, 2)).min() > 0.01
    luma = torch.tensor([[0.299, 0.587, 0.114]])
    assert (luma @ turn - luma).abs().max() < 1e-3
    back = part.recolour(1 - uniform(part, 8), colour)[:, :, :3]  # 1 - u turns the other way
    assert (back @ turn - torch.eye(3)).abs().max() < 1e-4


def test_small_hue_turns_go_the_same_way_as_torchvisions():
    from icon_nb.data.augment import _hue

    red = torch.tensor([0.7, 0.3, 0.3]).view(3, 1, 1)
    for turn in (0.05, -0.05):
        ours = (_hue(torch.tensor([turn]))[0] @ red.view(3, 1)).view(-1)
        theirs = tv.adjust_hue(red.expand(3, 2, 2), turn)[:, 0, 0]
        assert torch.sign(ours[1] - ours[2]) == torch.sign(theirs[1] - theirs[2])  # towards yellow or towards magenta


def test_grey_equals_torchvisions():
    x = images(16)
    expected = tv.rgb_to_grayscale(x, 3)
    chosen = (uniform(Grey(0.5), 16)[:, 0] < 0.5)[:, None, None, None]
    assert (apply([Grey(0.5)], x) - torch.where(chosen, expected, x)).abs().max() < 1e-3


def test_blur_equals_torchvisions_inside():
    part, x = Blur((0.8, 1.2), p=1.0), images(4, 3, 24, 30)
    sigma = part.draw(uniform(part, 4)).tolist()
    out = apply([part], x)
    for i in range(4):
        expected = tv.gaussian_blur(x[i], [15, 15], [sigma[i]] * 2)
        assert (out[i] - expected)[:, 8:-8, 8:-8].abs().max() < 1e-4


def test_fast_grid_equals_affine_grid():
    h, w = 20, 28
    matrix = torch.eye(3) + 0.3 * torch.randn(6, 3, 3, generator=generator())
    to_pixels = torch.diag(torch.tensor([w / 2, h / 2, 1.0]))
    theta = (torch.linalg.inv(to_pixels) @ matrix @ to_pixels)[:, :2]
    assert (_grid(matrix[:, :2], h, w) - F.affine_grid(theta, [6, 1, h, w], align_corners=False)).abs().max() < 1e-5


def test_one_resampling_equals_the_readable_double_loop():
    """Affine, then crop, then flip: follow every output pixel back through the parts, one after the other, and interpolate."""
    h, w, n = 6, 9, 3
    x = torch.rand(n, 1, h, w, generator=generator(5))
    parts = (Affine(30.0, 0.2, (0.7, 1.3), 20.0), Crop((0.3, 0.8)), Flip(0.5))
    out = apply(parts, x, seed=2)
    u = torch.rand(n, sum(p.n_random for p in parts), generator=generator(2)).split([p.n_random for p in parts], 1)
    steps = [part.matrix(draw, h, w).double().numpy() for part, draw in zip(parts, u)]
    for i in range(n):
        for row in range(h):
            for column in range(w):
                place = np.array([column - (w - 1) / 2, row - (h - 1) / 2, 1.0])
                for step in reversed(steps):  # the last part made the output, so it is undone first
                    place = step[i] @ place
                at = (place[1] + (h - 1) / 2, place[0] + (w - 1) / 2)
                assert abs(bilinear(x[i, 0].double().numpy(), *at) - float(out[i, 0, row, column])) < 1e-4


def bilinear(image, row, column):
    total = 0.0
    for r in (int(np.floor(row)), int(np.floor(row)) + 1):
        for c in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]:
                total += image[r, c] * (1 - abs(row - r)) * (1 - abs(column - c))
    return total


# --- the whole -------------------------------------------------------------------------------------------------------


def dataset(c=3, h=12, w=10, n=24, name="own"):
    return Dataset(name, torch.randint(0, 256, (n, c, h, w), dtype=torch.uint8, generator=generator()))


@pytest.mark.parametrize("spec", ["none", "crop", "affine+crop", "crop+flip+jitter+grey", "crop+blur+jitter", "noise", "auto"])
def test_same_generator_state_same_bytes_and_another_state_others(spec):
    data = dataset()
    augment = build_augment(spec, data)
    first, again, other = (augment(data.x, generator(seed)) for seed in (0, 0, 1))
    assert first.dtype == torch.float32
    assert first.shape == data.x.shape
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (spec == "none")


def test_input_is_left_alone():
    data = dataset()
    for x in (data.x, data.x.float() / 255):
        before = x.clone()
        for spec in ("none", "crop", "jitter", "noise", "blur"):
            build_augment(spec, data)(x, generator())
        assert torch.equal(x, before)


@pytest.mark.parametrize("spec", ["affine", "crop", "jitter", "blur", "noise"])
def test_every_image_of_a_batch_gets_its_own_draw(spec):
    data = dataset(h=40, w=50)
    augment = build_augment(spec, data)
    if spec in ("jitter", "blur"):
        augment = Augment(tuple(part.__class__(p=1.0) for part in augment.parts), data.mean, data.std)
    out = augment(data.x[:1].expand(20, -1, -1, -1), generator()).flatten(1)
    assert (torch.cdist(out, out) + 9 * torch.eye(20)).min() > 1e-4


def test_none_is_the_normalisation_of_the_data():
    for data in (dataset(), load("digits")):
        assert (build_augment("none", data)(data.x, generator()) - data.inputs(data.x)).abs().max() < 1e-5


def test_strength_zero_changes_nothing_and_more_strength_changes_more():
    data = dataset()
    plain = data.inputs(data.x)
    for spec in ("affine+crop", "crop", "jitter", "noise", "affine"):
        change = [float((build_augment(spec, data, s)(data.x, generator()) - plain).abs().mean()) for s in (0, 0.1, 1.0)]
        assert change[0] < 1e-5
        assert change[1] < change[2]


def test_strength_scales_the_ranges():
    data = dataset()
    crop, jitter = build_augment("crop+jitter", data, 0.5).parts
    assert crop.scale == pytest.approx((0.54, 1.0))
    assert (jitter.brightness, jitter.hue) == pytest.approx((0.2, 0.05))
    assert build_augment("affine", data, 2.0).parts[0].degrees == 2 * Affine().degrees


def test_float_images_equal_uint8_images():
    data = dataset()
    for spec in ("affine+crop", "crop+flip+jitter+grey"):
        augment = build_augment(spec, data)
        assert (augment(data.x, generator()) - augment(data.x.float() / 255, generator())).abs().max() < 1e-4


def test_colours_stay_in_the_range_of_pixels():
    data = dataset()
    out = build_augment("jitter", data, 3.0)(data.x, generator())
    raw = out * data.std.view(-1, 1, 1) + data.mean.view(-1, 1, 1)
    assert raw.min() > -1e-5
    assert raw.max() < 1 + 1e-5


def test_outside_of_the_image_is_black():
    data = Dataset("white", torch.full((8, 1, 9, 9), 255, dtype=torch.uint8))
    out = Augment((Affine(0.0, 1.0, (1.0, 1.0), 0.0),), data.mean, data.std)(data.x, generator())
    raw = out * data.std.view(-1, 1, 1) + data.mean.view(-1, 1, 1)
    assert raw.min() == pytest.approx(0, abs=1e-5)
    assert raw.max() == pytest.approx(1, abs=1e-5)


def test_noise_has_the_stated_deviation_on_features():
    data = Dataset("features", torch.randn(4000, 5, generator=generator()) * 100 + 7)
    assert default_augment(data) == "noise"
    added = build_augment("noise", data, 0.5)(data.x, generator()) - data.inputs(data.x)
    assert float(added.std()) == pytest.approx(0.5 * Noise().std, rel=0.02)
    assert abs(float(added.mean())) < 0.01


def test_tokens_pass_unchanged():
    data = Dataset("words", torch.randint(0, 50, (6, 12)))
    assert default_augment(data) == "none"
    assert build_augment("auto", data)(data.x, generator()) is data.x


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 7, 7), (3, 1, 9), (2, 96, 5)])
def test_odd_images_stay_finite(shape):
    data = dataset(*shape)
    parts = [name for name in AUGMENTATIONS if name != "grey" or shape[0] == 3]
    out = build_augment("+".join(parts), data)(data.x, generator())
    assert out.shape == data.x.shape
    assert torch.isfinite(out).all()


def test_auto_suits_the_data():
    assert default_augment(load("digits")).startswith("affine")
    assert "flip" not in default_augment(load("digits"))
    assert default_augment(dataset(1, name="fashion_mnist")) == "crop+flip"
    assert default_augment(dataset(3)) == "crop+flip+jitter+grey"


@pytest.mark.parametrize(
    ("spec", "strength", "data", "says"),
    [
        ("crp", 1.0, dataset(), "'crop'"),
        ("crop+crop", 1.0, dataset(), "twice"),
        ("", 1.0, dataset(), "unknown"),
        ("crop", -1.0, dataset(), "augment_strength=-1.0"),
        ("crop", float("nan"), dataset(), "augment_strength=nan"),
        ("grey", 1.0, dataset(1), "3 channels"),
        ("crop", 1.0, Dataset("f", torch.randn(9, 3)), "no effect on features"),
        ("noise", 1.0, Dataset("t", torch.randint(0, 9, (9, 3))), "no effect on tokens"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(spec, strength, data, says):
    with pytest.raises(ConfigError, match=says):
        build_augment(spec, data, strength)
