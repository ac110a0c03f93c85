"""Named data sets: found in a folder, downloaded, refused by name; and what a Dataset promises."""

import gzip
import hashlib
import pickle
import socket
import tarfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
import torch

import icon_nb
from icon_nb.data import Dataset, load
from icon_nb.data import published as sources
from icon_nb.data.arrays import stratified
from icon_nb.errors import DataError
from icon_nb.interfaces.temperature import trained
from icon_nb.methods.catalogue import DATASETS, SOURCES
from icon_nb.methods.config import Config

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test sees, or fills, the cache of whoever runs it."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ICON_NB_DATA", str(folder))
    monkeypatch.delenv("ICON_NB_MIRROR", raising=False)
    return folder


def md5(raw: bytes) -> str:
    return hashlib.md5(raw).hexdigest()


# --- digits ----------------------------------------------------------------------------------------------------------


def test_digits_are_scikit_learns_and_the_split_is_fixed_and_stratified():
    from sklearn.datasets import load_digits

    data, again = load("digits", seed=0), load("digits", seed=5)
    assert (len(data), len(data.x_test)) == (1297, 500)
    assert torch.equal(data.x_test, again.x_test)
    pixels = torch.cat([data.x, data.x_test]).flatten(1).double() * 16 / 255
    ours = {tuple(row) for row in pixels.round().int().tolist()}
    assert ours == {tuple(row) for row in load_digits().data.astype(int).tolist()}
    share = torch.bincount(data.y_test) / torch.bincount(torch.cat([data.y, data.y_test]))
    assert (share - 500 / 1797).abs().max() < 0.01
    assert data.kind == "images"
    assert data.shape == (1, 8, 8)
    assert data.n_classes == 10
    assert "held out" in data.note


def test_inputs_are_standardised_and_flat_is_on_the_unit_scale():
    data = load("digits")
    z = data.inputs(data.x)
    assert z.dtype == torch.float32
    assert abs(float(z.mean())) < 1e-5
    assert float(z.std()) == pytest.approx(1, abs=1e-3)
    flat = data.flat(data.x[:7])
    assert flat.shape == (7, 64)
    assert (float(flat.min()), float(flat.max())) == (0, 1)


def test_checksum_is_of_the_bytes_of_inputs_and_labels():
    data = load("digits")
    expected = hashlib.sha256(data.x.numpy().tobytes() + data.y.numpy().tobytes()).hexdigest()
    assert data.checksum == expected == load("digits").checksum
    other = data.y.clone()
    other[0] = (other[0] + 1) % 10
    assert replace(data, y=other).checksum != expected


ROWS, RING = torch.arange(36.0).reshape(12, 3), torch.eye(12).roll(1, 1)
FULL = {"y": torch.arange(12) % 2, "x_test": ROWS[:4] + 1, "y_test": torch.arange(4) % 2}
FULL |= {"pair": ROWS * 2, "pair_test": ROWS[:4] * 2, "companion": ROWS + 3, "graph": RING + RING.T}
FULL |= {"mean": ROWS.mean(0), "std": ROWS.std(0), "order": torch.arange(16)}
OTHER = {name: part.flip(0) for name, part in FULL.items() if name != "std"}
OTHER |= {"x": ROWS.flip(0), "graph": RING + RING.T * 2, "std": FULL["std"] * 1.01}
OTHER |= {"class_names": ("a", "b", "c"), "vocabulary": ("w",)}


@pytest.mark.parametrize("part", OTHER)
def test_data_that_differ_in_any_part_have_handles_of_their_own(part):
    data = Dataset("own", ROWS, **FULL)
    same, other = Dataset("own", ROWS.clone(), **FULL, note="no part of it"), replace(data, **{part: OTHER[part]})
    assert same.fingerprint == data.fingerprint != other.fingerprint
    holders = [Config(dataset=each) for each in (data, other)]  # data are held as long as a Config of them is
    handle, another = (config.dataset for config in holders)
    assert handle == Config(dataset=same).dataset != another
    assert handle == f"memory:own-{data.fingerprint[:16]}"
    assert (load(handle).fingerprint, load(another).fingerprint) == (same.fingerprint, other.fingerprint)


def test_the_fingerprint_sees_form_and_presence_and_no_difference_of_rounding():
    data = Dataset("own", ROWS, **FULL)
    found = [data.fingerprint, *(replace(data, **{part: None}).fingerprint for part in ("pair", "graph", "companion", "y_test"))]
    forms = (ROWS.double() + 3, ROWS.reshape(12, 1, 3) + 3, (ROWS + 3).bfloat16())
    found += [replace(data, companion=each).fingerprint for each in forms]
    assert len(set(found)) == 8
    centred = (replace(data, mean=torch.tensor([1e-9, -1e-9, 0]) * k).fingerprint for k in (0, 1, 2, -3))
    assert len(set(centred)) == 1
    sparse = replace(data, graph=data.graph.to_sparse()).fingerprint
    assert sparse == replace(data, graph=data.graph.to_sparse_csr().to_sparse_coo()).fingerprint
    assert sparse != replace(data, graph=OTHER["graph"].to_sparse()).fingerprint


def test_runs_on_graphs_over_the_same_samples_are_two_and_each_has_its_own(tmp_path):
    rings = [Dataset("own", ROWS, FULL["y"], graph=graph) for graph in (FULL["graph"], torch.ones(12, 12))]
    config = Config(method="graph_student_t", epochs=20, quiet=True)
    study = icon_nb.sweep(config, dataset=rings)
    assert len(study) == 2
    for ring, run in zip(rings, study):
        assert torch.equal(run.data().graph, ring.graph)
        kept = icon_nb.sweep(config, data=ring, seed=[0], save_to=tmp_path)[0]
        assert np.array_equal(kept.embeddings, run.embeddings)
        assert np.array_equal(trained(config, ring)[0].embeddings, run.embeddings)


def test_the_handle_of_an_earlier_run_finds_the_data_that_are_given_again():
    data = Dataset("earlier", ROWS, FULL["y"])
    older = f"memory:earlier-{data.checksum[:8]}"
    with pytest.raises(DataError, match="give the same data again"):
        load(older)
    holder = Config(dataset=data)
    assert holder.dataset != older
    assert load(older).fingerprint == data.fingerprint


@pytest.mark.parametrize("n", [1, 10, 57, 1296])
def test_n_samples_keeps_every_class_at_its_share(n):
    data = load("digits", n_samples=n, seed=3)
    assert len(data) == len(data.y) == n
    assert len(data.x_test) == 500
    assert torch.equal(data.x, load("digits", n_samples=n, seed=3).x)
    counts = torch.bincount(data.y, minlength=10)
    assert int(counts.max() - counts.min()) <= 1 + 0.05 * n
    assert data.n_classes == 10
    if n > 1:
        assert not torch.equal(data.x, load("digits", n_samples=n, seed=4).x)


@pytest.mark.parametrize("n", [0, -3, 1298])
def test_n_samples_outside_of_the_data_is_refused(n):
    with pytest.raises(DataError, match=f"n_samples={n} .*1,297"):
        load("digits", n_samples=n)


def test_stratified_shares():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    counts = np.bincount(y[stratified(y, 20, seed=1)])
    assert np.abs(counts - [12, 6, 2]).max() <= 1
    assert len(set(stratified(y, 100, seed=1))) == 100


# --- published files -------------------------------------------------------------------------------------------------


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


MNIST_FILES = tuple(sources.MNIST.files)


def write_mnist(folder: Path, monkeypatch, zipped=True) -> list:
    """Few pictures in the real layout; the published checksums are replaced by those of these files."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = [rng.integers(0, 256, (12, 28, 28)), np.arange(12) % 10, rng.integers(0, 256, (10, 28, 28)), np.arange(10)]
    files, plain = {}, {}
    for name, array in zip(MNIST_FILES, arrays):
        raw = idx(array.astype(np.uint8))
        files[name], plain[name.removesuffix(".gz")] = gzip.compress(raw), raw
    for name, raw in (files if zipped else plain).items():
        (folder / name).write_bytes(raw)
    sums = ({name: md5(raw) for name, raw in each.items()} for each in (files, plain))
    monkeypatch.setattr(sources, "MNIST", replace(sources.MNIST, files=next(sums), unpacked=next(sums)))
    return arrays


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", ["MNIST/raw", "raw", "."])
def test_mnist_is_found_in_torchvisions_layout_or_in_its_own_folder(tmp_path, monkeypatch, where, zipped):
    written = write_mnist(tmp_path / where, monkeypatch, zipped)
    data = load("mnist", tmp_path, download=False)
    assert np.array_equal(data.x[:, 0].numpy(), written[0])
    assert data.y.tolist() == written[1].tolist()
    assert np.array_equal(data.x_test[:, 0].numpy(), written[2])
    assert data.x.dtype == torch.uint8
    data.x[0] = 0  # the tensor owns writable memory


@pytest.mark.data
@pytest.mark.skipif(not (SHARED / "MNIST").is_dir(), reason="the real files are not on this machine")
@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1307), ("fashion_mnist", 0.2860)])
def test_real_files(name, mean):
    data = load(name, SHARED, download=False)
    assert (len(data), len(data.x_test), data.shape) == (60000, 10000, (1, 28, 28))
    assert float(data.mean) == pytest.approx(mean, abs=1e-4)
    assert torch.bincount(data.y_test).min() > 800


@pytest.mark.data
@pytest.mark.skipif(not (SHARED / "cifar10_subset.npz").is_file(), reason="the real file is not on this machine")
def test_real_cifar10_subset_is_called_a_subset():
    data = load("cifar10_subset", SHARED)
    assert (len(data), len(data.x_test), data.shape) == (4000, 1000, (3, 32, 32))
    assert torch.bincount(data.y).tolist() == [400] * 10
    assert "subset" in data.note


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-200], lambda raw: raw[:60] + b"\0\1\2" + raw[63:], lambda raw: b"", lambda raw: b"hello"]
)
def test_damaged_idx_file_is_named(tmp_path, monkeypatch, damage):
    folder = tmp_path / "MNIST" / "raw"
    write_mnist(folder, monkeypatch)
    path = folder / MNIST_FILES[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path.name} is damaged"):
        load("mnist", tmp_path, download=False)


def write_cifar(folder: Path, monkeypatch, key="labels", source="CIFAR", names=tuple(sources.CIFAR.files)):
    """The real layout with ten images a batch; the published checksums are replaced by those of these files."""
    rng = np.random.default_rng(0)
    raws = {}
    for name in names:
        batch = {"data": rng.integers(0, 256, (10, 3072)).astype(np.uint8), key: list(range(10))}
        raws[name] = pickle.dumps(batch, protocol=2)
    published = getattr(sources, source)
    target = folder / published.folder
    target.mkdir(parents=True)
    for name, raw in raws.items():
        (target / name).write_bytes(raw)
    archive = folder / published.archive[0]
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(target, published.folder)
    small = replace(published, files={n: md5(r) for n, r in raws.items()}, archive=(archive.name, md5(archive.read_bytes())))
    monkeypatch.setattr(sources, source, small)
    return target, archive, raws


def test_cifar10_from_its_folder_and_from_its_archive_agree(tmp_path, monkeypatch):
    target, archive, raws = write_cifar(tmp_path, monkeypatch)
    from_folder = load("cifar10", tmp_path, download=False)
    first = pickle.loads(raws["data_batch_1"])
    assert np.array_equal(from_folder.x[:10].flatten(1).numpy(), first["data"])
    assert (len(from_folder), len(from_folder.x_test), from_folder.shape) == (50, 10, (3, 32, 32))
    for name in raws:
        (target / name).unlink()
    assert load("cifar10", tmp_path, download=False).checksum == from_folder.checksum


def test_cifar100_reads_fine_labels(tmp_path, monkeypatch):
    write_cifar(tmp_path, monkeypatch, "fine_labels", "CIFAR100", ("train", "test"))
    assert load("cifar100", tmp_path, download=False).y.tolist() == list(range(10))


def test_a_changed_pickle_is_never_opened(tmp_path, monkeypatch):
    target, _, _ = write_cifar(tmp_path, monkeypatch)

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (target / "data_batch_3").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match="data_batch_3 is damaged.*MD5"):
        load("cifar10", tmp_path, download=False)
    assert not (tmp_path / "ran").exists()


def test_a_cut_archive_is_named(tmp_path, monkeypatch):
    target, archive, raws = write_cifar(tmp_path, monkeypatch)
    for name in raws:
        (target / name).unlink()
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"{archive.name} is damaged"):
        load("cifar10", tmp_path, download=False)


def write_stl10(folder: Path, monkeypatch):
    rng = np.random.default_rng(0)
    target = folder / "stl10_binary"
    target.mkdir(parents=True)
    pixels = rng.integers(0, 256, (6, 3, 96, 96)).astype(np.uint8)
    pixels.transpose(0, 1, 3, 2)[:4].tofile(target / "train_X.bin")
    pixels.transpose(0, 1, 3, 2)[4:].tofile(target / "test_X.bin")
    np.array([1, 10, 3, 4], np.uint8).tofile(target / "train_y.bin")
    np.array([2, 5], np.uint8).tofile(target / "test_y.bin")
    sums = {name: md5((target / name).read_bytes()) for name in sources.STL.files}
    monkeypatch.setattr(sources, "STL", replace(sources.STL, files=sums))
    return target, pixels


def test_stl10_pictures_stand_upright_and_labels_start_at_zero(tmp_path, monkeypatch):
    target, pixels = write_stl10(tmp_path, monkeypatch)
    data = load("stl10", tmp_path, download=False)
    assert np.array_equal(torch.cat([data.x, data.x_test]).numpy(), pixels)
    assert data.y.tolist() == [0, 9, 2, 3]
    (target / "train_X.bin").write_bytes(b"123")
    with pytest.raises(DataError, match="train_X.bin is damaged"):
        load("stl10", tmp_path, download=False)


def test_stl10_is_unpacked_into_the_cache(tmp_path, monkeypatch, own_cache):
    target, pixels = write_stl10(tmp_path, monkeypatch)
    archive = tmp_path / "stl10_binary.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(target, "stl10_binary")
    small = replace(sources.STL, archive=(archive.name, md5(archive.read_bytes())))
    monkeypatch.setattr(sources, "STL", small)
    monkeypatch.setenv("ICON_NB_MIRROR", tmp_path.as_uri())
    assert np.array_equal(load("stl10").x.numpy(), pixels[:4])
    assert load("stl10", download=False).y.tolist() == [0, 9, 2, 3]
    assert not list(own_cache.rglob("*.part"))


@pytest.mark.parametrize("damage", [lambda raw: raw[:100], lambda raw: b"PK no zip"])
def test_cifar10_subset_missing_or_damaged(tmp_path, damage):
    with pytest.raises(DataError, match="cifar10_subset.npz.*data_dir"):
        load("cifar10_subset", tmp_path)
    path = tmp_path / "cifar10_subset.npz"
    np.savez(path, x_train=np.zeros((2, 32, 32, 3), np.uint8))
    with pytest.raises(DataError, match="damaged"):
        load("cifar10_subset", tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="damaged"):
        load("cifar10_subset", tmp_path)


# --- downloads -------------------------------------------------------------------------------------------------------


@pytest.fixture
def mirrored(tmp_path, monkeypatch):
    """MNIST on an own mirror: a folder named by ICON_NB_MIRROR."""
    mirror = tmp_path / "mirror"
    write_mnist(mirror, monkeypatch)
    monkeypatch.setattr(sources, "MNIST", replace(sources.MNIST, urls=()))
    monkeypatch.setenv("ICON_NB_MIRROR", mirror.as_uri())
    return mirror


def test_download_fills_the_cache_and_leaves_data_dir_alone(mirrored, tmp_path, own_cache):
    empty = tmp_path / "empty"
    empty.mkdir()
    data = load("mnist", empty)
    assert not list(empty.iterdir())
    assert sorted(p.name for p in (own_cache / "MNIST" / "raw").iterdir()) == sorted(MNIST_FILES)
    assert load("mnist", download=False).checksum == data.checksum


def test_wrong_bytes_are_refused_and_leave_nothing(mirrored, own_cache):
    (mirrored / MNIST_FILES[2]).write_bytes(b"an error page")
    with pytest.raises(DataError, match="md5.*expected"):
        load("mnist")
    assert not [p for p in own_cache.rglob("*") if p.name.startswith(MNIST_FILES[2]) or p.suffix == ".part"]


def test_the_next_address_is_tried(tmp_path):
    good = tmp_path / "good"
    good.write_bytes(b"data")
    urls = [(tmp_path / "missing").as_uri(), good.as_uri()]
    assert sources.fetch(urls, tmp_path / "x" / "file", md5(b"data")).read_bytes() == b"data"


def test_missing_everywhere_is_one_error_with_two_ways_out(tmp_path, own_cache):
    with pytest.raises(DataError) as caught:
        load("mnist", tmp_path, download=False)
    message = str(caught.value)
    for part in (
        "mnist",
        MNIST_FILES[0],
        str(tmp_path),
        str(own_cache),
        "data_dir=FOLDER",
        "connect to the network",
        "digits",
    ):
        assert part in message


def test_no_network_is_that_same_error(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(DataError, match="no route to host.*two|no route to host.*data_dir=FOLDER"):
        load("cifar10")


def test_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SILENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = time.monotonic()
        with pytest.raises(DataError, match="timed out"):
            sources.fetch([f"http://127.0.0.1:{server.getsockname()[1]}/x"], tmp_path / "x", "0")
        assert time.monotonic() - start < 30


def test_a_server_that_trickles_is_given_up(tmp_path):
    stop = threading.Event()

    def trickle(server):
        connection, _ = server.accept()
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not stop.wait(0.05):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=trickle, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(DataError, match="not finished after"):
            sources.fetch([f"http://127.0.0.1:{server.getsockname()[1]}/x"], tmp_path / "x", "0", limit=0.5)
        stop.set()
        thread.join(10)
    assert not list(tmp_path.iterdir())


def test_cache_folder_that_cannot_be_written_is_a_data_error(mirrored, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("ICON_NB_DATA", str(blocked))
    with pytest.raises(DataError, match="could not be downloaded"):
        load("mnist")


def test_cache_folder_without_a_home(monkeypatch):
    monkeypatch.delenv("ICON_NB_DATA")
    monkeypatch.setenv("HOME", "/somewhere")
    assert sources.cache_folder() == Path("/somewhere/.cache/icon_nb")

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", staticmethod(no_home))
    assert sources.cache_folder().name == "icon_nb"
    assert len(load("digits")) == 1297


# --- what a Dataset promises -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [*DATASETS.values(), *SOURCES.values()], ids=lambda row: row.name)
def test_every_name_has_a_reader(row):
    assert callable(resolve_name(row.make))


def test_unknown_names_and_folders_are_refused():
    with pytest.raises(DataError, match="did you mean 'mnist'"):
        load("minst")
    with pytest.raises(DataError, match="data_dir='/nowhere/at/all' is not a folder"):
        load("mnist", "/nowhere/at/all")


def test_a_dataset_is_taken_as_it_is():
    data = load("digits")
    assert load(data) is data
    assert len(load(data, n_samples=20)) == 20


def test_to_keeps_everything_and_moves_nothing_needlessly():
    data = replace(load("digits"), companion=torch.ones(1297, 2))
    assert data.to("cpu") is data
    moved = data.to("meta")
    assert {moved.x.device.type, moved.companion.device.type, moved.mean.device.type} == {"meta"}


def test_subset_takes_what_belongs_to_the_samples():
    n = 12
    data = Dataset(
        "own",
        torch.arange(n * 2.0).view(n, 2),
        torch.arange(n) % 2,
        pair=torch.arange(n)[:, None],
        companion=torch.arange(n)[:, None].float(),
        graph=torch.arange(n * n).view(n, n).float(),
    )
    few = load(data, n_samples=6)
    index = few.pair[:, 0]
    assert torch.equal(few.x, data.x[index])
    assert torch.equal(few.graph, data.graph[index][:, index])
    assert torch.equal(few.companion[:, 0], index.float())
    sparse = load(replace(data, graph=data.graph.to_sparse()), n_samples=6)
    assert torch.equal(sparse.graph.to_dense(), few.graph)


X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0, 1, 0, 1, 0, 1])
BAD = X.clone()
BAD[4, 1] = float("nan")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"x": BAD}, r"NaN or infinite values, first in samples \[4\]"),
        ({"x": X, "x_test": BAD}, "x_test holds NaN"),
        ({"x": X[:0]}, "empty"),
        ({"x": X[:, :0]}, "empty"),
        ({"x": X.double()}, "float64"),
        ({"x": X[:, :, None]}, "shape"),
        ({"x": X, "y": Y[:5]}, "y is .* for 6 samples"),
        ({"x": X, "y": Y.float()}, "give int64"),
        ({"x": X, "y": Y[:, None]}, r"shape \(n,\)"),
        ({"x": X, "y": Y - 1}, "from -1 to 0"),
        ({"x": X, "y": Y, "class_names": ("one",)}, "numbered 0 to 0"),
        ({"x": X, "y_test": Y}, "y_test"),
        ({"x": X, "x_test": X[:, :2]}, "samples of x_test"),
        ({"x": X, "pair": X[:5]}, "pair has 5 rows for 6 samples"),
        ({"x": X, "pair_test": X}, "pair_test has 6 rows for 0"),
        ({"x": X, "graph": torch.ones(5, 5)}, "graph has 5 rows"),
        ({"x": torch.tensor([[0, -1]])}, "tokens are numbered from 0"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(parts, says):
    with pytest.raises(DataError, match=says):
        Dataset("own", **parts)


def test_the_samples_stay_as_they_are_when_a_network_sees_them():
    data = Dataset("own", 3 * X + 7)
    raw = data.x.clone()
    assert torch.equal(data.inputs(data.x[:4]), data.inputs(data.x[:4]))
    assert torch.equal(data.x, raw)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_features_of_any_scale_are_standardised(scale):
    data = Dataset("own", X * scale)
    z = data.inputs(data.x)
    assert torch.isfinite(z).all()
    assert z.std(0, unbiased=False).tolist() == pytest.approx([1, 1, 1], rel=1e-3)


def test_constant_features_and_pixels_become_zero():
    for x in (torch.full((5, 2), 3.7), torch.full((5, 1, 4, 4), 200, dtype=torch.uint8), torch.zeros(5, 2)):
        data = Dataset("own", x)
        assert data.inputs(data.x).abs().max() < 1e-5


def test_one_sample_one_class():
    data = Dataset("own", X[:1], torch.tensor([0]))
    assert data.n_classes == 1
    assert torch.isfinite(data.inputs(data.x)).all()
    assert data.class_names == ("0",)


def test_held_out_pictures_are_read_on_the_scale_of_the_others():
    data = load((np.full((1, 1, 2), [[-1.0, 1.0]]), None, np.zeros((1, 1, 2)), None))
    assert data.x.flatten().tolist() == [0, 255]
    assert data.x_test.flatten().tolist() == [128, 128]
