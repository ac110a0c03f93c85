"""Tables, pictures, loaders and streams of other packages, and a file that is read in part."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, SubsetRandomSampler, TensorDataset

import icon_nb as icon
from icon_nb.data import load, own
from icon_nb.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3)).astype(np.float32)
KINDS = ["cat", "dog", "eel"] * 4
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(kind=KINDS)
Y = np.arange(12) % 3
PICTURES = RNG.integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)


def polars(frame):
    return pytest.importorskip("polars").DataFrame(frame.to_dict("list"))


def arrow(frame):
    return pytest.importorskip("pyarrow").table(frame.to_dict("list"))


@pytest.mark.parametrize("make", [lambda frame: frame, polars, arrow])
def test_tables_of_every_make_are_read_as_one_of_pandas(make):
    data = load(make(FRAME))
    assert np.array_equal(data.x.numpy(), X)
    assert data.class_names == ("cat", "dog", "eel")
    assert data.fingerprint == load(FRAME).fingerprint
    assert load(make(FRAME), label="kind").y.tolist() == data.y.tolist()


@pytest.mark.parametrize("make", [lambda frame: frame, polars, arrow])
def test_what_a_table_cannot_hold_is_refused_by_name(make):
    with pytest.raises(DataError, match=r"columns \['day'\] are not numeric"):
        load(make(FRAME.assign(day=["monday"] * 12)), label="kind")
    with pytest.raises(DataError, match="label='kinds' is not a column"):
        load(make(FRAME), label="kinds")
    with pytest.raises(DataError, match="NaN"):
        load(make(FRAME.assign(d=[None, *map(float, range(11))])))


class Wrapped:
    """An array of another package."""

    def __array__(self, dtype=None, copy=None):
        return X


def test_an_array_of_another_package():
    assert np.array_equal(load(Wrapped()).x.numpy(), X)


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_list_of_pictures():
    pictures = [Image.fromarray(each) for each in PICTURES]
    assert np.array_equal(load(pictures).x.numpy(), PICTURES.transpose(0, 3, 1, 2))
    assert load((pictures, Y)).y.tolist() == Y.tolist()
    assert len(load(pictures[:2])) == 2  # and not (x, y)
    grey = [each.convert("L") for each in pictures]
    assert load(grey).shape == (1, 8, 8)
    assert load([grey[0], *pictures[1:]]).shape == (3, 8, 8)
    palette = [Image.fromarray(np.full((4, 4, 3), level, np.uint8)).convert("P", palette=1) for level in (10, 200)]
    assert load(palette).shape == (3, 4, 4)
    assert len(load(palette).x.unique()) == 2
    with pytest.raises(DataError, match="same shape"):
        load([pictures[0], pictures[1].resize((5, 5))])


# --- loaders and streams ---------------------------------------------------------------------------------------------


def test_a_data_loader_gives_what_it_loads():
    source = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    data = load(DataLoader(source, batch_size=5))
    assert np.array_equal(data.x.numpy(), X)
    assert data.y.tolist() == Y.tolist()
    state = torch.random.get_rng_state()
    shuffled = [load(DataLoader(source, batch_size=5, shuffle=True)) for _ in range(2)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert shuffled[0].fingerprint == shuffled[1].fingerprint
    assert sorted(shuffled[0].x[:, 0].tolist()) == sorted(X[:, 0].tolist())
    some = load(DataLoader(source, batch_size=2, sampler=SubsetRandomSampler([1, 3, 5])))
    assert sorted(some.y.tolist()) == [0, 1, 2]
    assert load({"train": DataLoader(source), "test": DataLoader(source)}).x_test.shape == (12, 3)


class Stream(IterableDataset):
    def __init__(self, form):
        self.form = form

    def __iter__(self):
        return ({"x": x, "label": y} if self.form == "mapping" else (x, y) for x, y in zip(X, KINDS))


@pytest.mark.parametrize("make", [lambda: Stream("mapping"), lambda: Stream("pair"), lambda: zip(X, KINDS)])
def test_streams_are_read_once(make):
    data = load(make())
    assert np.array_equal(data.x.numpy(), X)
    assert data.class_names == ("cat", "dog", "eel")


def test_a_stream_is_trained_on():
    run = icon.run(data=((x, y) for x, y in zip(X, Y)), method="cross_entropy", epochs=1, batch_size=6, quiet=True)
    assert run.status == "complete"


def test_a_stream_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(own, "STREAM_ABOVE", 1000)
    with pytest.raises(DataError, match="generator gives more than .* GiB.*__getitem__"):
        load(X[0] for _ in iter(int, 1))
    with pytest.raises(DataError, match="is empty"):
        load(iter(()))


# --- a large file ----------------------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from icon_nb.data import load
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = load("embeddings:" + sys.argv[1], n_samples=100, seed=3)
print(data.fingerprint, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is another elsewhere")
def test_a_large_file_is_read_where_it_is_needed(tmp_path):
    file = tmp_path / "large.npy"
    array = np.lib.format.open_memmap(file, "w+", np.float32, (200_000, 128))
    for part in np.split(array, 20):
        part[:] = RNG.normal(size=part.shape)
    array.flush()
    done = subprocess.run([sys.executable, "-c", PEAK, file], capture_output=True, text=True, check=True).stdout.split()
    kept = load(np.load(file), n_samples=100, seed=3)
    assert done[0] == kept.fingerprint
    assert int(done[1]) < file.stat().st_size / 1024 / 4  # KiB
