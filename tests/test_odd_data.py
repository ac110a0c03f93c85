"""Data that look like data and are none: refused by name, and what stands around a run in torch changes none of its numbers."""

import contextlib
import os
import zipfile
from dataclasses import replace
from hashlib import md5 as _md5
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

import icon_nb as icon
from icon_nb.data import Dataset, load
from icon_nb.data import published as sources
from icon_nb.data.augment import build_augment
from icon_nb.errors import ConfigError, DataError, IconError

X = np.random.RandomState(0).randn(20, 4).astype(np.float32)
Y = np.arange(20) % 2


def md5(raw: bytes) -> str:
    return _md5(raw, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ICON_NB_DATA", str(tmp_path / "cache"))


# --- graphs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (-np.ones((20, 20)), "negative"),
        (np.full((20, 20), np.inf), "infinite"),
        (np.ones((20, 7)), r"shape \(20, 7\)"),
        (np.ones((20, 20, 1)), r"shape \(20, 1, 20, 1\)"),
    ],
)
def test_graphs_that_are_none(graph, says):
    with pytest.raises(DataError, match=says):
        load({"x": X, "graph": graph})


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_negative_weights_of_a_sparse_graph(layout):
    Dataset("graph", torch.tensor(X), graph=torch.eye(20).to_sparse(layout=layout))
    with pytest.raises(DataError, match="negative"):
        Dataset("graph", torch.tensor(X), graph=(-torch.eye(20)).to_sparse(layout=layout))


# --- folders ---------------------------------------------------------------------------------------------------------


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(str(path))).integers(0, 255, (8, 8), np.uint8)).save(path)


def test_hidden_folders_are_no_classes_and_hold_no_pictures(tmp_path):
    for place in ("a", "b", ".ipynb_checkpoints", "a/.ipynb_checkpoints", "b/more/.hidden"):
        picture(tmp_path / place / "0.png")
    data = load(f"folder:{tmp_path}")
    assert (data.class_names, len(data)) == (("a", "b"), 2)


def test_two_folders_of_training_pictures_are_refused(tmp_path):
    for part in ("Train", "train", "test"):
        picture(tmp_path / part / "a" / "0.png")
    with pytest.raises(DataError, match="Train and train"):
        load(f"folder:{tmp_path}")


@pytest.mark.timeout(20)
def test_pipes_loops_and_whole_file_systems_never_hang(tmp_path):
    picture(tmp_path / "a" / "0.png")
    os.mkfifo(tmp_path / "a" / "1.png")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    assert len(load(f"folder:{tmp_path}")) == 1
    for kind in ("p.npy", "cifar10_subset.npz", "p.py"):
        os.mkfifo(tmp_path / kind)
    places = (f"embeddings:{tmp_path}/p.npy", f"custom:{tmp_path}/p.py:X", "cifar10_subset", "folder:/", f"folder:/{'a' * 300}")
    for place in (*places, f"embeddings:{'a' * 300}.npy", "folder:a\0b"):
        with pytest.raises(DataError):
            load(place, tmp_path)


# --- files -----------------------------------------------------------------------------------------------------------


def test_only_the_published_files_are_mnist(tmp_path, monkeypatch):
    """Floats, no dimensions, another collection in the same form: whatever has another checksum is refused."""
    raws = {}
    for name, shape in zip(sources.MNIST.unpacked, [(6, 28, 28), (6,), (4, 28, 28), (4,)]):
        raws[name] = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes() + bytes(int(np.prod(shape)))
        (tmp_path / name).write_bytes(raws[name])
    with pytest.raises(DataError, match="train-images-idx3-ubyte is damaged.*MD5"):
        load("mnist", tmp_path, download=False)
    monkeypatch.setattr(sources, "MNIST", replace(sources.MNIST, unpacked={name: md5(raw) for name, raw in raws.items()}))
    assert len(load("mnist", tmp_path, download=False)) == 6
    for raw in (b"\0\0\x08\0a", b"\0\0\x0d\x01\0\0\0\x06" + bytes(24)):
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(raw)
        with pytest.raises(DataError, match="train-labels-idx1-ubyte is damaged"):
            load("mnist", tmp_path, download=False)


@pytest.mark.parametrize(
    "change",
    [
        {"x_train": np.zeros((20, 32, 32), np.uint8)},
        {"x_test": np.zeros((20, 32, 32, 3), np.float32)},
        {"y_train": Y + 0.5},
        {"y_train": np.array(["a"] * 20)},
        {"y_train": Y[:, None]},
        {"y_train": Y + 11},
        {"y_test": np.array(["a"] * 20, object)},
    ],
)
def test_odd_arrays_in_cifar10_subset(tmp_path, change):
    images = np.zeros((20, 32, 32, 3), np.uint8)
    arrays = {"x_train": images, "y_train": Y.astype(np.uint64), "x_test": images, "y_test": Y.astype(float)}
    np.savez(tmp_path / "cifar10_subset.npz", **arrays)
    assert load("cifar10_subset", tmp_path).y.tolist() == Y.tolist()
    np.savez(tmp_path / "cifar10_subset.npz", **arrays | change)
    with pytest.raises(DataError, match="cifar10_subset"):
        load("cifar10_subset", tmp_path)


@pytest.mark.parametrize("name", ["empty.pt", "empty.npy", "empty.npz"])
def test_empty_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        load(f"embeddings:{tmp_path / name}")


@pytest.mark.parametrize(
    "text", ["raise SystemExit(3)", "def X(): raise ValueError('a\\nb')", "class X:\n def __len__(self): raise SystemExit(3)"]
)
def test_custom_files_that_fail_say_so_in_one_line(tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(DataError) as error:
        load(f"custom:{tmp_path}/mine.py:X")
    assert "\n" not in str(error.value)


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.float16])
def test_labels_of_every_unsigned_type(dtype):
    assert load((X, Y.astype(dtype))).y.tolist() == Y.tolist()
    assert load((X, torch.tensor(Y, dtype=torch.bfloat16))).y.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((X, Y * 1e30), "are not classes"),
        ({"x": X, "y": Y.astype(np.uint64) + 2**63, "class_names": ["a", "b"]}, "run from 9223372036854775808"),
        (X * 0 + 3e38, "single precision"),
        (np.array([-1.7e308, 1.7e308]).repeat(64).reshape(2, 8, 8), "single precision"),
        (np.array([[1, "a"], [3, 4]], object), "dtype object"),
        ((X, Y, X[:1], Y[:1]), "holds out one sample"),
        ((X[:1], [0]), "one training sample"),
        (X[:1], "one training sample"),
    ],
)
def test_values_that_cannot_be_trained_on(data, says):
    with pytest.raises(DataError, match=says):
        icon.run(data=data, quiet=True, epochs=1)


@pytest.mark.parametrize(
    "wrong", [{"n_samples": 1.5}, {"n_samples": "5"}, {"seed": -1}, {"stream": "x"}, {"num_workers": -1}, {"data_dir": 3}]
)
def test_arguments_of_load_are_checked_as_settings_are(wrong):
    with pytest.raises((DataError, ConfigError), match=next(iter(wrong))):
        load("mnist" if "data_dir" in wrong else "digits", **{"n_samples": 50} | wrong)


def test_65535_features_are_trained_on():
    wide = np.random.RandomState(0).randn(12, 65535).astype(np.float32)
    assert np.isfinite(icon.run(data=(wide, Y[:12]), method="pca", quiet=True, epochs=1).history["loss"]).all()


# --- augmentation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["crop", "crop+flip"])
def test_the_border_of_a_crop_is_as_bright_as_torchvisions(spec):
    """A crop that touches the border of the image repeats it, and does not mix it with black."""
    data = Dataset("bright", torch.full((200, 1, 20, 20), 255, dtype=torch.uint8), mean=torch.zeros(1), std=torch.ones(1))
    out = build_augment(spec, data)(data.x, torch.Generator().manual_seed(0))
    theirs = tv.resized_crop(data.x[:1] / 255, 0, 0, 12, 12, [20, 20], InterpolationMode.BILINEAR)
    assert out.min() == pytest.approx(float(theirs.min())) == 1


def test_the_parts_of_the_default_augmentation_spelt_out_are_the_default():
    settings = {"dataset": "digits", "quiet": True, "epochs": 1, "n_samples": 200}
    default = icon.run(**settings)
    for spelt in ({"augment": "affine+crop"}, {"augment": "affine+crop", "augment_strength": 0.3}, {"augment": "auto"}):
        assert icon.run(**settings, **spelt).history["loss"] == default.history["loss"], spelt


# --- what stands around a run ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def default_dtype(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "around",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.device("meta"),
        lambda: default_dtype(torch.float64),
        lambda: default_dtype(torch.bfloat16),
    ],
)
@pytest.mark.parametrize("method", ["simclr", "spectral", "clip", "kmeans"])
def test_what_the_caller_set_in_torch_changes_nothing(method, around):
    def losses():
        return icon.run(method=method, epochs=1, n_samples=100, quiet=True).history["loss"]

    plain = losses()
    with around():
        before = torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        assert losses() == plain
        assert before == (torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled())


def test_every_refusal_is_ours():
    for data in (None, 3, b"digits", "", "folder:", {}, [], "embeddings:/", "custom:x:y"):
        with pytest.raises(IconError):
            load(data)


# --- small files that would fill the memory --------------------------------------------------------------------------


def packed(path, method, **entries):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def deflated(path):
    torch.save({"x": torch.zeros(1000, 1000)}, path)
    with zipfile.ZipFile(path) as archive:
        contents = {each.filename: archive.read(each) for each in archive.infolist()}
    packed(path, zipfile.ZIP_DEFLATED, **contents)


BOMBS = {
    "deflated.pt": deflated,
    "view.pt": lambda path: torch.save({"train": {"x": torch.zeros(1).expand(2**26, 10)}}, path),
    "old_view.pt": lambda path: torch.save(torch.zeros(1).expand(2**26, 10), path, _use_new_zipfile_serialization=False),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_would_fill_the_memory_is_refused_before(name, tmp_path):
    BOMBS[name](tmp_path / name)
    with pytest.raises(DataError, match=rf"{name} cannot be read .* would unpack [\d,]+ bytes to [\d,]+\)"):
        load(f"embeddings:{tmp_path / name}")


@pytest.mark.parametrize("as_it_is", [torch.randn(20, 1).expand(20, 4), torch.eye(20, 4).to_sparse()])
def test_a_view_and_a_sparse_tensor_of_usual_size_are_data(as_it_is, tmp_path):
    torch.save(as_it_is, tmp_path / "d.pt")
    assert load(f"embeddings:{tmp_path / 'd.pt'}").x.shape == (20, 4)


@pytest.mark.timeout(60)
def test_labels_of_no_letters_are_none(tmp_path):
    header = b"{'descr': '<U0', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117) + b"\n"
    np.save(tmp_path / "x.npy", X)
    labels = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    packed(tmp_path / "d.npz", zipfile.ZIP_STORED, **{"x.npy": (tmp_path / "x.npy").read_bytes(), "y.npy": labels})
    with pytest.raises(DataError, match="labels have dtype <U0"):
        load(f"embeddings:{tmp_path / 'd.npz'}")


def test_what_a_file_holds_beside_tensors_is_named_without_advice_to_run_it(tmp_path):
    torch.save({"x": torch.zeros(3, 2), "y": Path("code")}, tmp_path / "d.pt")
    with pytest.raises(DataError, match="it holds more than tensors") as caught:
        load(f"embeddings:{tmp_path / 'd.pt'}")
    assert "weights_only" not in str(caught.value)
