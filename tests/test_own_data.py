"""Your own data: everything is read as meant or refused by a DataError that names the part and the remedy."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from icon_nb.data import Dataset, load
from icon_nb.data.augment import build_augment
from icon_nb.errors import DataError
from icon_nb.study.probes import new_samples
from icon_nb.training.backbones import build_backbone

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5))
Y = np.arange(12) % 3
PICTURES = RNG.integers(0, 256, (12, 3, 9, 7)).astype(np.uint8)


def same(data, x, y=None):
    assert np.allclose(data.x.numpy(), x)
    assert (data.y is None) if y is None else (data.y.tolist() == list(y))
    return data


# --- arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy, lambda x: x[:, ::-1][:, ::-1], lambda x: np.asfortranarray(x)])
def test_features_from_arrays_of_every_make(make):
    same(load(make(X.copy())), X.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"])
def test_features_of_every_numeric_type(dtype):
    x = (X * 3).astype(dtype)
    data = same(load((x, Y)), x.astype(np.float32), Y)
    assert data.kind == "features"
    assert data.x.dtype == torch.float32


def test_tensors_that_need_gradients_are_sparse_or_half():
    same(load(torch.tensor(X, requires_grad=True)), X.astype(np.float32))
    same(load(torch.tensor(X).to_sparse()), X.astype(np.float32))
    assert load(torch.tensor(X).bfloat16()).kind == "features"


def test_the_callers_array_is_not_shared():
    x = X.astype(np.float32)
    data = load(x)
    before = data.x.clone()
    x[:] = 0
    assert torch.equal(data.x, before)


def test_pictures_in_every_layout():
    for layout, note in ((PICTURES, ""), (PICTURES.transpose(0, 2, 3, 1), "(n, h, w, c)")):
        data = same(load((layout, Y)), PICTURES, Y)
        assert data.kind == "images"
        assert note in data.note
    assert load(PICTURES[:, 0]).shape == (1, 9, 7)
    assert load(np.zeros((4, 5, 9, 9), np.uint8)).shape == (5, 9, 9)
    assert load(np.zeros((4, 9, 9, 5), np.uint8)).shape == (5, 9, 9)
    assert load(np.zeros((4, 1, 1, 1), np.uint8)).shape == (1, 1, 1)


def test_pixel_ranges():
    unit, byte = PICTURES / 255.0, PICTURES.astype(float)
    for pixels in (unit, unit.astype(np.float32), byte, PICTURES.astype(np.int64)):
        assert np.abs(load(pixels).x.numpy().astype(int) - PICTURES).max() == 0
    stretched = load(unit * 2 - 1)
    assert np.abs(stretched.x.numpy().astype(int) - PICTURES).max() <= 2
    assert "stretched" in stretched.note
    assert load(PICTURES.astype(np.uint16) * 257).x.max() == 255
    assert load(PICTURES > 99).x.unique().tolist() == [0, 255]


UNIT = PICTURES / 255.0


def splits(x, x_test):
    return {"train": (x, Y), "test": (x_test, Y[: len(x_test)])}


def as_items(x, x_test):
    return {"train": Items(x), "test": Items(x_test)}


def pairs(x, x_test):
    return {"x": X, "x_test": X[: len(x_test)], "pair": x, "pair_test": x_test}


class Items(torch.utils.data.Dataset):
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], int(Y[i])


FORMS = {
    "tuple": (lambda x, x_test: (x, Y, x_test, Y[: len(x_test)]), {}),
    "splits": (splits, {}),
    "items": (as_items, {}),
    "in place": (as_items, {"stream": "always"}),
    "pair": (pairs, {}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("x", "x_test", "low", "high"),
    [
        (UNIT * 2 - 1, (UNIT[:5] * 2 - 1) / 4, -1, 1),
        (PICTURES.astype(float), UNIT[:5], 0, 255),
        (UNIT, UNIT[:5] / 4, 0, 1),
        ((UNIT * 2 - 1).astype(np.float32), UNIT[:5] * 3 - 1, -1, 2),
        (PICTURES.astype(np.uint16) * 257, PICTURES[:5].astype(np.uint16), 0, 65535),
    ],
    ids=["stretched", "dark", "unit", "beyond", "16 bit"],
)
def test_held_out_pictures_are_on_the_scale_of_the_training_pictures(form, x, x_test, low, high):
    make, options = FORMS[form]
    data = load(make(x, x_test), **options)
    found = (data.pair, data.pair_test) if form == "pair" else (data.x[:], data.x_test[:])
    for pixels, levels in zip((x, x_test), found):
        expected = np.rint((pixels - low) / (high - low) * 255).astype(np.uint8)
        assert np.array_equal(levels.numpy().reshape(-1), expected.reshape(-1))
    if form != "pair" and (low, high) not in ((0, 255), (0, 1)):
        assert f"pixel values {low} to {high} stretched" in data.note


@pytest.mark.parametrize("x_test", [UNIT[:5] * 1.5, UNIT[:5] - 1, PICTURES[:5], PICTURES[:5].astype(float)])
def test_held_out_pictures_on_another_scale_are_refused(x_test):
    with pytest.raises(DataError, match=r"x_test is .* from .* to .*, x float64 from 0 to 1: bring both to one"):
        load((UNIT, Y, x_test, Y[:5]))
    with pytest.raises(DataError, match="x_test is float64 from 0 to .*, x uint8"):
        load((PICTURES, Y, UNIT[:5], Y[:5]))


@pytest.mark.parametrize(
    ("y", "codes", "names"),
    [
        (["b", "a", "b"], [1, 0, 1], ("a", "b")),
        (np.array(["日本", "Ünï", "日本"], object), [1, 0, 1], ("Ünï", "日本")),
        ([10, -1, 10], [1, 0, 1], ("-1", "10")),
        ([0.0, 2.0, 0.0], [0, 1, 0], ("0", "2")),
        ([True, False, True], [1, 0, 1], ("False", "True")),
        (torch.tensor([5, 5, 5]), [0, 0, 0], ("5",)),
    ],
)
def test_labels_of_every_kind(y, codes, names):
    data = load((X[:3], y))
    assert data.y.tolist() == codes
    assert data.class_names == names


def test_train_and_test_labels_share_their_numbers():
    data = load((X, ["b"] * 12, X[:2], ["a", "b"]))
    assert data.class_names == ("a", "b")
    assert data.y.unique().tolist() == [1]
    assert data.y_test.tolist() == [0, 1]


def bad(x, position, value):
    x = x.copy()
    x[position] = value
    return x


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bad(X, (3, 1), np.nan), r"NaN or infinite values in 1 samples, first in \[3\]"),
        (bad(X, (3, 1), np.inf), "NaN or infinite"),
        (bad(PICTURES / 255.0, (5, 0, 0, 0), np.nan), r"first in \[5\]"),
        (X[:0], "at least one sample"),
        (X[:, 0], r"written \(n, 1\)"),
        (np.array(3.0), "shape"),
        (X[None, None, None], "shape"),
        (X.astype(object), "dtype object, not numbers"),
        (np.array([["a"]]), "not numbers"),
        (X + 1j, "complex"),
        (np.array(["2020-01-01"], "M8"), "not numbers"),
        ([X, Y, X], "tuple of 3 parts"),
        (([[1, 2], [3]], [0, 1]), "same shape"),
        ((X, Y[:5]), "y is .* for 12 samples"),
        ((X, Y[:, None]), r"expected \(n,\).*ravel"),
        ((X, np.eye(12)), "argmax"),
        ((X, X[:, 0]), "are not classes"),
        ((X, bad(Y.astype(float), 4, np.nan)), r"labels hold NaN.*\[4\]"),
        ((X, [None] * 12), "NoneType"),
        ((X, ["a", 1] * 6), "mix"),
        ((X * 1e300, Y), "single precision.*rescale"),
        ((X * 1e-300, Y), "single precision.*rescale"),
        ((X, Y, X[:, :3], Y), "samples of x_test"),
        ({"a": X, "b": X}, "no samples among"),
        (42, "type int"),
        (object(), "type object"),
        ((), "tuple of 0 parts"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(data, says):
    with pytest.raises(DataError, match=says):
        load(data)


# Everything numpy can hold: what passes must be usable to the end, what does not must be our own error.
DTYPES = ["float16", "float32", "float64", "int8", "int32", "uint8", "uint16", "bool", "object", "complex64", "U3"]
SHAPES = st.one_of(
    st.tuples(st.integers(0, 9), st.integers(0, 5)),
    st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 4), st.sampled_from([1, 2, 3, 5]), st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 4)),
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    shape=SHAPES,
    dtype=st.sampled_from(DTYPES),
    scale=st.sampled_from([0.0, 1e-30, 1e-3, 1.0, 100.0, 1e30, np.nan]),
    layout=st.sampled_from(["plain", "strided", "fortran", "constant", "repeated"]),
    n_classes=st.integers(0, 4),
)
def test_odd_arrays_are_used_to_the_end_or_refused(shape, dtype, scale, layout, n_classes):
    with np.errstate(all="ignore"):
        x = (np.random.default_rng(1).normal(size=shape) * scale).astype(dtype)
    x = {"strided": x[::-1], "fortran": np.asfortranarray(x), "constant": np.full_like(x, 1), "repeated": x}.get(layout, x)
    if layout == "repeated" and len(x):
        x = np.repeat(x[:1], len(x), 0)
    y = [f"klasse-{i % n_classes}-ä" for i in range(len(x))] if n_classes else None
    try:
        data = load((x, y))
    except DataError:
        return
    out = build_augment("auto", data)(data.x, torch.Generator().manual_seed(0))
    z = build_backbone("mlp", data.shape, 2, kind=data.kind)(out)
    assert torch.isfinite(z).all()
    assert torch.isfinite(data.flat(data.x)).all()
    assert len(data.checksum) == 64


# --- tables and files ------------------------------------------------------------------------------------------------


def frame(**extra):
    return pd.DataFrame(X, columns=list("abcde")).assign(**extra)


@pytest.mark.parametrize(
    ("table", "label", "y"),
    [
        (frame(target=Y), None, Y),
        (frame(Class=Y), None, Y),
        (frame(kind=["u", "v", "w"] * 4), None, Y),
        (frame(kind=pd.Categorical(["u", "v", "w"] * 4)), None, Y),
        (frame(k=Y), "k", Y),
        (frame(), None, None),
        (frame().astype("Float64").assign(label=pd.array(Y, "Int64")), None, Y),
    ],
)
def test_data_frames(table, label, y):
    data = same(load(table, label=label), X.astype(np.float32), y)
    assert ("labels from column" in data.note) == (y is not None)


@pytest.mark.parametrize(
    ("table", "label", "says"),
    [
        (frame(u=list("abcabcabcabc"), v=list("abcabcabcabc")), None, r"\['u', 'v'\] are not numeric"),
        (frame(u=list("abcabcabcabc"), label=Y), None, r"\['u'\] are not numeric"),
        (frame(label=Y), "lable", "did you mean 'label'"),
        (frame(a=np.nan), None, "NaN"),
        (frame(a=pd.array([None, *range(11)], "Int64")), None, "NaN"),
        (frame(label=pd.array([None, *range(11)], "Int64")), None, "NAType|NaN"),
        (frame(label=[None, *"abcabcabcab"]), None, "NoneType|missing|float"),
        (pd.DataFrame({"label": Y}), None, "at least one sample|shape"),
    ],
)
def test_data_frames_that_are_refused(table, label, says):
    with pytest.raises(DataError, match=says):
        load(table, label=label)


def test_embeddings_from_files(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y, x_test=X[:2], y_test=Y[:2], class_names=np.array(["p", "q", "r"]))
    np.savez(tmp_path / "b.npz", embeddings=X, labels=Y)
    np.save(tmp_path / "c.npy", X)
    torch.save(torch.tensor(X), tmp_path / "d.pt")
    torch.save({"features": torch.tensor(X), "targets": torch.tensor(Y)}, tmp_path / "e.pt")
    first = same(load(f"embeddings:{tmp_path}/a.npz"), X.astype(np.float32), Y)
    assert first.class_names == ("p", "q", "r")
    assert len(first.x_test) == 2
    assert first.name == "a"
    for name, y in (("b.npz", Y), ("c.npy", None), ("d.pt", None), ("e.pt", Y)):
        same(load(f"embeddings:{tmp_path}/{name}"), X.astype(np.float32), y)


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


def test_files_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([Evil()], object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", x=np.array([Evil()], object))
    torch.save({"x": Evil()}, tmp_path / "c.pt")
    (tmp_path / "d.pt").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npy", "b.npz", "c.pt", "d.pt"):
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            load(f"embeddings:{tmp_path}/{name}")


def test_files_that_are_refused(tmp_path):
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    np.savez(tmp_path / "two.npz", a=X, b=X)
    for name, says in (
        ("cut.npy", "cannot be read"),
        ("two.npz", "no samples among"),
        ("none.npz", "no such file"),
        ("x.csv", "must end in"),
    ):
        with pytest.raises(DataError, match=says):
            load(f"embeddings:{tmp_path}/{name}")


# --- data set objects ------------------------------------------------------------------------------------------------


class Torch(torch.utils.data.Dataset):
    classes = ["nought", "one", "two"]

    def __init__(self, form):
        self.form = form

    def __len__(self):
        return 12

    def __getitem__(self, i):
        picture = PICTURES[i].transpose(1, 2, 0)
        return {
            "pair": (torch.from_numpy(PICTURES[i]), int(Y[i])),
            "unit": (torch.from_numpy(PICTURES[i]).float() / 255, torch.tensor(Y[i])),
            "picture": (Image.fromarray(picture), Y[i]),
            "mapping": {"image": picture, "label": Y[i]},
            "alone": PICTURES[i],
        }[self.form]


@pytest.mark.parametrize("form", ["pair", "unit", "picture", "mapping", "alone"])
def test_torch_datasets(form):
    data = same(load(Torch(form)), PICTURES, None if form == "alone" else Y)
    assert data.class_names == (() if form == "alone" else ("nought", "one", "two"))


def test_torch_subset_and_tensor_dataset():
    tensors = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    same(load(tensors), X.astype(np.float32), Y)
    same(load(torch.utils.data.Subset(tensors, [3, 1])), X[[3, 1]].astype(np.float32), [0, 1])


def test_torch_datasets_that_are_refused():
    class Ragged(Torch):
        def __getitem__(self, i):
            return np.zeros((3, 8, 8 + (i == 4))), 0

    with pytest.raises(DataError, match=r"sample 4 has shape \(3, 8, 9\)"):
        load(Ragged(""))

    class Empty(Torch):
        def __len__(self):
            return 0

    with pytest.raises(DataError, match="Empty is empty"):
        load(Empty(""))


class ClassLabel:
    names = ["nought", "one", "two"]


class Value:
    pass


class Table:
    """What a Hugging Face ``datasets.Dataset`` offers of itself: column names, features, rows as mappings."""

    def __init__(self, columns, n=12):
        self.columns, self.n = columns, n
        self.column_names = list(columns)
        self.features = {name: ClassLabel() if name == "label" else Value() for name in columns}

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return {name: column[i] for name, column in self.columns.items()}


def test_hugging_face_tables():
    pictures = [Image.fromarray(p.transpose(1, 2, 0)) for p in PICTURES]
    data = same(load(Table({"image": pictures, "label": Y.tolist()})), PICTURES, Y)
    assert data.class_names == ("nought", "one", "two")
    numbers = load(Table({"a": X[:, 0].tolist(), "b": X[:, 1].tolist(), "label": Y.tolist()}))
    same(numbers, X[:, :2].astype(np.float32), Y)
    splits = {
        "train": Table({"image": pictures, "label": Y.tolist()}),
        "test": Table({"image": pictures, "label": Y.tolist()}, 5),
    }
    data = same(load(splits), PICTURES, Y)
    assert data.y_test.tolist() == Y[:5].tolist()
    with pytest.raises(DataError, match="not numbers"):
        load(Table({"text": ["some words"] * 12, "label": Y.tolist()}))


def test_custom_file_runs_and_says_so(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\nfrom dataclasses import dataclass\n"
        "class Mine:\n    def __len__(self): return 4\n    def __getitem__(self, i):\n"
        "        if i > 3: raise IndexError\n        return np.full(3, i, float), i % 2\n"
        "def made(): return np.eye(3), [0, 1, 0]\n"
        "ready = (np.eye(3), ['a', 'b', 'a'])\n"
        "def broken(): return 1 / 0\n"
    )
    data = load(f"custom:{file}:Mine")
    assert data.x[:, 0].tolist() == [0, 1, 2, 3]
    assert data.name == "Mine"
    assert f"running {file}" in capsys.readouterr().err
    assert len(load(f"custom:{file}:made")) == 3
    assert load(f"custom:{file}:ready").class_names == ("a", "b")
    with pytest.raises(DataError, match="ZeroDivisionError"):
        load(f"custom:{file}:broken")
    with pytest.raises(DataError, match="has no 'Mime'.*Mine"):
        load(f"custom:{file}:Mime")
    for place in (f"{tmp_path}/none.py:Mine", str(file), f"{file}:"):
        with pytest.raises(DataError, match="custom:"):
            load(f"custom:{place}")


def test_second_modality(tmp_path):
    data = load((X, Y), pair=PICTURES)
    assert np.array_equal(data.pair.numpy(), PICTURES)
    np.save(tmp_path / "texts.npy", X[:, :2])
    assert load((X, Y), pair=f"embeddings:{tmp_path}/texts.npy").pair.shape == (12, 2)
    few = load((X, Y), pair=np.arange(12.0)[:, None], n_samples=6)
    assert np.allclose(few.x.numpy(), X[few.pair[:, 0].int().numpy()])
    with pytest.raises(DataError, match="pair has 5 rows for 12"):
        load((X, Y), pair=X[:5])


# --- folders ---------------------------------------------------------------------------------------------------------


def picture(path, size=(10, 8), mode="RGB", value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    pixels = RNG.integers(0, 256, shape) if value is None else np.broadcast_to(value, shape)
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return pixels


def test_folder_by_class(tmp_path):
    first = picture(tmp_path / "cat" / "b.png")
    picture(tmp_path / "dög" / "deep" / "a.png")
    picture(tmp_path / "cat" / "a.png")
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "empty").mkdir()
    data = load(f"folder:{tmp_path}")
    assert data.shape == (3, 8, 10)
    assert data.class_names == ("cat", "dög")
    assert data.y.tolist() == [0, 0, 1]
    assert np.array_equal(data.x[1].numpy(), first.transpose(2, 0, 1))
    assert data.name == tmp_path.stem


def test_folder_with_a_split_and_without_classes(tmp_path):
    for name in ("train/b/1.png", "train/a/1.png", "test/b/1.png"):
        picture(tmp_path / "split" / name)
    data = load(f"folder:{tmp_path}/split")
    assert data.y.tolist() == [0, 1]
    assert data.y_test.tolist() == [1]
    picture(tmp_path / "flat" / "1.png")
    data = load(f"folder:{tmp_path}/flat")
    assert data.y is None
    assert data.x_test is None


def test_folder_grey_or_colour(tmp_path):
    picture(tmp_path / "1.png", mode="L", value=40)
    assert load(f"folder:{tmp_path}").x.unique().tolist() == [40]
    assert load(f"folder:{tmp_path}").shape[0] == 1
    picture(tmp_path / "2.png")
    assert load(f"folder:{tmp_path}").shape[0] == 3
    deep = tmp_path / "deep"
    deep.mkdir()
    Image.fromarray(np.full((4, 4), 65535 // 2, np.uint16)).save(deep / "1.png")
    assert load(f"folder:{deep}").x.unique().tolist() == [127]


def folder_of(path, *pictures, ending="tif"):
    path.mkdir()
    for k, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(path / f"{k}.{ending}")
    return load(f"folder:{path}").x[:, 0].numpy()


LEVELS = np.arange(256).reshape(16, 16)


def test_a_dark_picture_of_16_bits_stays_dark(tmp_path):
    for ending in ("png", "tif"):
        dark, light = folder_of(tmp_path / ending, LEVELS.astype(np.uint16), (LEVELS * 257).astype(np.uint16), ending=ending)
        assert dark.max() == 1
        assert np.array_equal(light, LEVELS)


@pytest.mark.parametrize("dtype", [">u2", "<u2"])
def test_pictures_of_16_bits_in_either_order_of_bytes(dtype, tmp_path):
    (pixels,) = folder_of(tmp_path / "deep", (LEVELS * 257).astype(dtype))
    assert np.array_equal(pixels, LEVELS)


def test_a_grey_map_of_16_bits(tmp_path):
    (tmp_path / "1.pgm").write_bytes(b"P5 16 16 65535\n" + LEVELS.astype(">u2").tobytes())
    assert load(f"folder:{tmp_path}").x.max() == 1


@pytest.mark.parametrize(("dtype", "what"), [(np.float32, "floats"), (np.int32, "32-bit integers")])
def test_pictures_without_a_known_white_are_refused(dtype, what, tmp_path):
    with pytest.raises(DataError, match=rf"0.tif \(it holds {what}: write it with 8 or 16 bits\)"):
        folder_of(tmp_path / "odd", LEVELS.astype(dtype))


def test_folder_sizes_are_found_or_given(tmp_path):
    for i, size in enumerate([(10, 8), (20, 30), (12, 12)]):
        picture(tmp_path / f"{i}.png", size)
    found = load(f"folder:{tmp_path}")
    assert found.shape == (3, 12, 12)
    assert "12x12" in found.note
    assert load(f"folder:{tmp_path}", image_size=6).shape == (3, 6, 6)
    assert load(f"folder:{tmp_path}", image_size=(6, 9)).shape == (3, 6, 9)
    for size in (0, (3,), (4, -1)):
        with pytest.raises(DataError, match="image_size"):
            load(f"folder:{tmp_path}", image_size=size)


def test_folder_crops_the_middle(tmp_path):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 255
    Image.fromarray(wide).save(tmp_path / "1.png")
    assert load(f"folder:{tmp_path}", image_size=4).x.unique().tolist() == [255]


def test_folder_turns_pictures_as_the_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right: what is stored on the left belongs on top
    stored = np.zeros((8, 24, 3), np.uint8)
    stored[:, :12] = 255
    Image.fromarray(stored).save(tmp_path / "1.jpg", exif=exif)
    x = load(f"folder:{tmp_path}").x[0]
    assert x.shape == (3, 24, 8)
    assert x[:, :8].min() > 200
    assert x[:, 16:].max() < 50


def test_unreadable_pictures_are_listed_and_skipped_only_when_asked(tmp_path):
    for i in range(3):
        picture(tmp_path / "a" / f"{i}.png")
    (tmp_path / "a" / "text.png").write_text("no picture")
    whole = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (8, 10, 3)).astype(np.uint8)).save(whole, "PNG")
    (tmp_path / "a" / "cut.png").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(DataError, match=r"2 unreadable pictures: .*cut.png.*text.png.*skip_unreadable=True"):
        load(f"folder:{tmp_path}")
    data = load(f"folder:{tmp_path}", skip_unreadable=True)
    assert len(data) == 3
    assert "left out 2 unreadable" in data.note
    assert "cut.png" in data.note


def test_folders_that_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    picture(tmp_path / "mixed" / "1.png")
    picture(tmp_path / "mixed" / "a" / "1.png")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "1.png").write_text("x")
    for name, says in (("none", "is not a folder"), ("empty", "holds no pictures"), ("mixed", "directly and in class folders")):
        with pytest.raises(DataError, match=says):
            load(f"folder:{tmp_path}/{name}")
    with pytest.raises(DataError, match="not one picture"):
        load(f"folder:{tmp_path}/bad", skip_unreadable=True)


def test_a_prefix_alone_is_an_unknown_name():
    for name in ("folder:", "folders:x", "embeddings"):
        with pytest.raises(DataError, match="unknown"):
            load(name)


def test_a_dataset_can_be_built_by_hand():
    assert Dataset("mine", torch.randn(4, 2)).shape == (2,)


# --- new samples for a trained network -------------------------------------------------------------------------------


def test_new_samples_are_read_like_those_that_were_trained_on():
    data = load(PICTURES)
    known = torch.from_numpy(PICTURES)
    for same_pictures in (known, PICTURES, PICTURES / 255, np.moveaxis(PICTURES, 1, -1), PICTURES.astype(float)):
        assert torch.equal(new_samples(data, same_pictures), known)
    features = load(X)
    assert torch.equal(new_samples(features, X[:3]), features.x[:3])


@pytest.mark.parametrize("x", [PICTURES[:, :1], PICTURES[..., :5], PICTURES.reshape(12, -1), PICTURES / 127.5 - 1, [[np.nan]]])
def test_new_samples_of_another_form_are_refused(x):
    with pytest.raises(DataError):
        new_samples(load(PICTURES), x)


# --- what people bring by mistake -------------------------------------------------------------------------------------


class Broken(Torch):
    def __getitem__(self, i):
        raise ZeroDivisionError("division by zero")


class Endless:
    def __len__(self):
        return -1

    def __getitem__(self, i):
        return X[0]


TWICE = pd.DataFrame(np.c_[X[:, :2], Y], columns=["a", "a", "label"])
MISTAKES = {
    "masked": (lambda: np.ma.masked_array(X, X > 1), r"x holds \d+ masked values: remove"),
    "columns twice": (lambda: TWICE, r"columns \['a'\] occur more than once: rename"),
    "a broken data set": (lambda: Broken(""), r"Broken cannot be read \(ZeroDivisionError: division by zero\): mend it"),
    "no length": (lambda: Endless(), r"Endless cannot be read \(ValueError: .*\): mend it"),
    "no numbers": (lambda: torch.empty(3, 2, device="meta"), "x is a tensor on the meta device"),
    "labels beyond the names": (
        lambda: {"x": X, "y": Y, "class_names": ["a", "b"]},
        "labels run from 0 to 2 but there are 2 class names",
    ),
    "a label without a name": (
        lambda: {"x": X, "y": ["a", "b", "c"] * 4, "class_names": ["a", "b"]},
        r"label 'c' is not among the class names \('a', 'b'\)",
    ),
    "no characters": (lambda: (X, np.array(["a\ud800", "b"], object)[Y % 2]), r"class name 'a\\ud800' cannot be written"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes_have_a_clear_error(kind):
    make, says = MISTAKES[kind]
    with pytest.raises(DataError, match=says):
        load(make())


def test_an_array_with_a_mask_that_masks_nothing_is_an_array():
    same(load(np.ma.masked_array(X, np.zeros_like(X, bool))), X.astype(np.float32))


def test_sparse_matrices_are_read_as_what_they_stand_for():
    from scipy import sparse

    few = np.where(X > 0.5, X, 0)
    for make in (sparse.csr_matrix, sparse.coo_array):
        same(load(make(few)), few.astype(np.float32))
        same(load((make(few), Y)), few.astype(np.float32), Y)


def test_a_folder_that_may_not_be_read_is_a_clear_error(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)  # a superuser may read everything
    with pytest.raises(DataError, match="cannot be read .*Permission denied.*allow it"):
        load(f"folder:{tmp_path}")
