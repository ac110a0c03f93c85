"""The data that come with the package: their bytes, their split, their options, and a damaged file."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import icon_nb as icon
from icon_nb.data import load, made_here
from icon_nb.errors import ConfigError, DataError
from icon_nb.evaluation.scores import knn_accuracy
from icon_nb.methods.catalogue import DATASETS, absolute, not_run, options_of, published, runs_code, source_of

MOVING = "moving_digits"
SHARED = Path(__file__).parents[2] / "shared/data"


def sha(array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()[:16]


def literal(image, size, turn, drawn):
    """One digit in a larger picture, pixel by pixel."""
    side = size * (0.4375 + 0.1875 * drawn[0])
    t = turn * np.pi / 360 * (2 * drawn[1] - 1)
    cos, sin = (1 - t**2) / (1 + t**2), 2 * t / (1 + t**2)
    room = (size - side + 1) / 2
    middle = np.array([2 * drawn[2] - 1, 2 * drawn[3] - 1]) * room
    padded = np.pad(image.astype(float), 1)
    out = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            dx, dy = np.array([column, row]) - (size - 1) / 2 - middle
            x = 8 / side * (cos * dx + sin * dy) + 4.5
            y = 8 / side * (cos * dy - sin * dx) + 4.5
            x, y = np.clip([x, y], 0, 8.999)
            i, j, a, b = int(y), int(x), x % 1, y % 1
            near = padded[i : i + 2, j : j + 2]
            out[row, column] = (near[0] @ [1 - a, a]) * (1 - b) + (near[1] @ [1 - a, a]) * b
    return np.rint(out)


def test_a_digit_is_placed_as_a_double_loop_places_it():
    images, drawn = load("digits").x[:6, 0].numpy(), np.random.RandomState(3).random_sample((6, 4))
    for size, turn in ((16, 10), (24, 45), (12, 0)):
        placed = made_here.place(images, drawn, size, turn)
        for image, numbers, found in zip(images, drawn, placed):
            np.testing.assert_array_equal(found, literal(image, size, turn, numbers))


def test_the_split_of_the_moving_digits_is_that_of_the_originals():
    digits, data = load("digits"), load(MOVING)
    assert data.x.shape == (1297, 1, 16, 16)
    assert data.x_test.shape == (500, 1, 16, 16)
    np.testing.assert_array_equal(data.y, digits.y)
    np.testing.assert_array_equal(data.y_test, digits.y_test)
    assert load(MOVING).fingerprint == data.fingerprint


def test_pixels_say_little_of_a_moving_digit():
    data = load(MOVING)
    assert 0.3 < knn_accuracy(data.flat(data.x_test), data.y_test, 5, metric="euclidean") < 0.45


@pytest.mark.parametrize("seed", range(2))
def test_the_default_run_learns_what_pixels_do_not_show(seed):
    run = icon.run(seed=seed, quiet=True)
    assert run.config.dataset == MOVING
    knn = run.history["knn_accuracy"]
    assert knn[0] < 0.5
    assert knn[-1] > 0.42 + 0.35


def test_options_make_other_pictures():
    data = load("moving_digits:size=24,turn=0,copies=2")
    assert data.x.shape == (2594, 1, 24, 24)
    assert data.x_test.shape == (500, 1, 24, 24)
    assert options_of("moving_digits:size=24,turn=0") == {"size": 24, "turn": 0}
    run = icon.run(dataset="moving_digits:size=12", epochs=1, n_samples=200, quiet=True)
    assert run.config.dataset == "moving_digits:size=12"


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("moving_digits:size=5", "size=5 is out of range: .* from 12 to 64 .default 16."),
        ("moving_digits:size=65", "out of range"),
        ("moving_digits:turn=46", "largest angle .* from 0 to 45"),
        ("moving_digits:copies=0", "from 1 to 20"),
        ("moving_digits:size=x", "size=x is out of range"),
        ("moving_digits:size=", "out of range"),
        ("moving_digits:sze=20", "'sze' is not an option; did you mean 'size'"),
        ("photo_digits:size=5", "from 12 to 64 .default 20."),
        ("digits:size=5", "is not known; did you mean 'digits'"),
    ],
)
def test_an_option_out_of_range_is_refused_when_the_config_is_made(dataset, words):
    with pytest.raises(ConfigError, match=words):
        icon.Config(dataset=dataset)


def test_both_views_of_a_digit_on_a_photograph_share_the_photograph():
    data = load("photo_digits")
    assert data.x.shape == (1297, 3, 20, 20)
    ink = load("moving_digits:size=20").x
    assert (data.x[ink.expand_as(data.x) == 255] == 255).all()
    behind = data.x[(ink == 0).expand_as(data.x)]
    assert behind.max() < 128  # at half brightness, so that the digit stands out
    assert behind.float().std() > 20


def test_simclr_learns_the_photograph_unless_the_views_differ_in_colour():
    shared, apart = (
        icon.run(dataset="photo_digits", augment=augment, epochs=8, quiet=True).history["knn_accuracy"][-1]
        for augment in ("affine", "affine+jitter+grey")
    )
    assert shared < 0.55
    assert apart > shared + 0.1


def test_the_bundled_clothes_are_balanced_and_whole():
    data = load("fashion_small")
    assert data.x.shape == (6000, 1, 28, 28)
    assert data.x_test.shape == (2000, 1, 28, 28)
    assert data.y.bincount().tolist() == [600] * 10
    assert data.y_test.bincount().tolist() == [200] * 10
    assert data.class_names[9] == "Ankle boot"


@pytest.mark.data
@pytest.mark.skipif(not (SHARED / "FashionMNIST").is_dir(), reason="the real files are not on this machine")
def test_the_bundled_clothes_are_pictures_of_fashion_mnist():
    small, whole = load("fashion_small"), load("fashion_mnist", SHARED, download=False)
    for c in (0, 9):
        first = whole.x[whole.y == c][:600]
        assert (small.x[small.y == c] == first).all()


def test_a_damaged_file_of_the_package_is_refused_by_name(monkeypatch, tmp_path):
    (tmp_path / made_here.FILE).write_bytes(b"no picture")
    monkeypatch.setattr(made_here.resources, "files", lambda package: tmp_path)
    with pytest.raises(DataError, match="fashion_small.png of dataset='fashion_small' is damaged.*install icon_nb again"):
        load("fashion_small")
    (tmp_path / made_here.FILE).unlink()
    with pytest.raises(DataError, match="fashion_small.png .* cannot be read"):
        load("fashion_small")


@pytest.mark.parametrize("name", ["digits", MOVING, "photo_digits", "fashion_small"])
def test_bundled_data_say_where_they_come_from(name):
    row = DATASETS[name]
    assert row.source
    assert row.licence
    assert row.hard
    assert not row.files


def test_scikit_learns_files_are_read_as_scikit_learn_reads_them(monkeypatch):
    from sklearn.datasets import load_digits, load_sample_images

    def read():
        return *made_here.scikit_learns_digits(), *made_here.scikit_learns_photographs()

    theirs = *load_digits(return_X_y=True), *load_sample_images().images
    ours = read()
    monkeypatch.setattr(made_here, "scikit_learns", lambda name: Path("nowhere") / name)
    for found, again, expected in zip(ours, read(), theirs, strict=True):
        assert np.array_equal(found, expected)
        assert np.array_equal(again, expected)


def test_a_default_run_imports_no_scikit_learn():
    """It takes a second, and only to read the digits."""
    code = "import sys, icon_nb; icon_nb.run(quiet=True, epochs=1, n_samples=100); print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_the_name_of_a_data_set_says_where_it_is_from():
    assert source_of("folder:pictures").name == "folder"
    assert source_of("digits") is source_of("folder:") is None
    assert published("moving_digits:size=24").name == "moving_digits"
    assert published("folder:pictures") is published("digits:size=3") is None
    assert [runs_code(name) for name in ("custom:file.py:X", "digits", None)] == [True, False, False]
    assert not_run("custom:f.py:X", "give it").endswith("names code, which is not run: if you trust it, give it")


def test_a_name_with_a_path_means_the_same_in_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert absolute("custom:file.py:X") == f"custom:{tmp_path / 'file.py'}:X"
    assert absolute("folder:pictures") == f"folder:{tmp_path / 'pictures'}"
    assert [absolute(name) for name in ("digits", "custom:/file.py:X")] == ["digits", "custom:/file.py:X"]
