"""Pictures that stay on the disk: the same numbers as in memory, read batch by batch, clear errors."""

import os
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

import icon_nb as icon
from icon_nb.data import Dataset, load, stored
from icon_nb.data.stored import Stored
from icon_nb.errors import ConfigError, DataError
from icon_nb.training.trainer import Trainer

SETTINGS = {"epochs": 2, "batch_size": 16, "embedding_dim": 4, "quiet": True, "device": "cpu"}
PIXELS = np.random.default_rng(0).integers(0, 256, (70, 12, 12, 3), dtype=np.uint8)
Y = np.arange(70) % 3


@pytest.fixture
def pictures(tmp_path):
    """Two classes of training pictures, 70, and 20 held out, in files."""
    for part, n in (("train", 70), ("test", 20)):
        for i in range(n):
            folder = tmp_path / "pictures" / part / ("cat", "dog")[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(PIXELS[i]).save(folder / f"{i:02d}.png")
    return tmp_path / "pictures"


class Items(torch.utils.data.Dataset):
    """Pictures and labels that count how often they are read."""

    classes = ("none", "one", "two")

    def __init__(self, pixels=PIXELS):
        self.pixels, self.reads = pixels, 0

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, i):
        self.reads += 1
        return self.pixels[i], int(Y[i])


def same_runs(one, other):
    assert torch.is_tensor(one.data().x) != torch.is_tensor(other.data().x)
    np.testing.assert_array_equal(one.trajectory.embeddings, other.trajectory.embeddings)
    np.testing.assert_array_equal(one.trajectory.images, other.trajectory.images)
    for name in ("loss", "knn_accuracy"):
        np.testing.assert_array_equal(one.history[name], other.history[name])
    for name, tensor in one.state.items():
        assert torch.equal(tensor, other.state[name]), name
    assert one.probes == other.probes
    assert one.provenance["dataset"] == other.provenance["dataset"]


CASES = [
    ("simclr", {"backbone": "simplecnn", "augment": "crop+flip+jitter+grey"}),
    ("sne", {"backbone": "mlp", "hidden_dim": 8}),
    ("supcon", {"backbone": "mlp", "hidden_dim": 8}),
    ("pca", {"batch_size": None}),
]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(("method", "more"), CASES)
def test_a_folder_on_the_disk_gives_the_numbers_of_one_in_memory(pictures, method, more, num_workers):
    chosen = {**SETTINGS, **more}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    config = icon.Config(dataset=f"folder:{pictures}", method=method, **chosen)
    disk = icon.run(config.replace(stream="always", num_workers=num_workers))
    assert isinstance(disk.data().x, Stored)
    assert isinstance(disk.data().x_test, Stored)
    same_runs(disk, icon.run(config))


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
    "pixels",
    [PIXELS, PIXELS.transpose(0, 3, 1, 2) / 255.0, PIXELS[..., 0].astype(np.int64) - 100, PIXELS[..., 0] > 99],
    ids=["uint8 channels last", "0..1", "stretched", "grey bool"],
)
def test_a_torch_dataset_on_the_disk_gives_the_numbers_of_one_in_memory(pixels, num_workers):
    config = icon.Config(method="simclr", backbone="mlp", hidden_dim=8, **SETTINGS)
    disk = icon.run(config.replace(stream="always", num_workers=num_workers), data=Items(pixels))
    memory = icon.run(config.replace(stream="never"), data=Items(pixels))
    same_runs(disk, memory)
    assert disk.trajectory.class_names == Items.classes


def test_what_stays_on_the_disk_is_said_and_can_be_read_into_memory():
    items = Items()
    left = load(items, stream="always")
    assert repr(left) == "Dataset('own_data', 70 images of shape (3, 12, 12) on the disk, none held out, 3 classes)"
    back = load(left, stream="never")
    assert torch.equal(back.x, load(items).x)
    assert back.checksum == left.checksum == load(items).checksum
    assert torch.equal(back.mean, left.mean)


def test_auto_leaves_on_the_disk_what_is_too_large(monkeypatch, pictures):
    size = 70 * 12 * 12 * 3
    for limit, kind in ((size - 1, Stored), (size, torch.Tensor)):
        monkeypatch.setattr(stored, "STREAM_ABOVE", limit)
        assert isinstance(load(Items()).x, kind)
        assert isinstance(load(f"folder:{pictures}").x, kind)
    monkeypatch.setattr(stored, "STREAM_ABOVE", size - 1)
    few = load(f"folder:{pictures}", n_samples=40)  # which fit
    assert torch.equal(few.x, load(f"folder:{pictures}", n_samples=40, stream="never").x)
    many = load(f"folder:{pictures}", n_samples=40, stream="always")
    assert isinstance(many.x, Stored)
    assert torch.equal(many.x[:], few.x)
    assert torch.equal(many.mean, few.mean)
    assert many.checksum == few.checksum


def test_pictures_are_read_once_an_epoch_and_never_all_at_once():
    items = Items()
    dataset = load(items, stream="always")
    asked = []
    read = stored.Stored.__getitem__

    class Seen(Stored):
        def __getitem__(self, index):
            asked.append(len(index) if torch.is_tensor(index) else -1)
            return read(self, index)

    dataset.x.__class__ = Seen
    checksum = dataset.checksum  # one pass, which the mean has made already
    before = items.reads
    config = icon.Config(method="simclr", backbone="mlp", hidden_dim=8, max_points=10, **SETTINGS)
    results = icon.run(config, data=dataset)
    batches = 16 * (1 + 2 * (70 // 16))  # the first batch for epoch 0, then two epochs
    assert items.reads - before == 10 + batches
    assert asked == [10]
    assert results.provenance["dataset"]["sha256"] == checksum


def test_workers_read_ahead(monkeypatch):
    loaders = []
    make = stored.DataLoader

    def noted(*args, **options):
        loaders.append(options["num_workers"])
        return make(*args, **options)

    monkeypatch.setattr(stored, "DataLoader", noted)
    dataset = load(Items(), stream="always")
    assert set(loaders) == {0}
    config = icon.Config(method="simclr", backbone="mlp", num_workers=2, **SETTINGS).resolve()
    trainer = Trainer(config, dataset)
    items = dataset.x.source.data
    before = items.reads
    loaders.clear()
    trainer.run_epoch()
    assert loaders == [2]
    assert items.reads == before  # other processes did


def test_an_interrupted_run_goes_on_to_the_same_end(pictures, tmp_path, monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)  # under which an interrupt is raised
    config = icon.Config(dataset=f"folder:{pictures}", backbone="mlp", hidden_dim=8, stream="always", **SETTINGS)

    def stop(record, recorder):
        if record.epoch == 1:
            raise KeyboardInterrupt

    whole = icon.run(config)
    icon.run(config, save_to=tmp_path / "run", on_record=stop)
    again = icon.run(config.replace(stream="never"), save_to=tmp_path / "run", resume=True)  # where they lie does not matter
    np.testing.assert_array_equal(whole.trajectory.embeddings, again.trajectory.embeddings)


def test_a_sweep_in_processes_reads_for_itself(pictures):
    config = icon.Config(dataset=f"folder:{pictures}", backbone="mlp", hidden_dim=8, stream="always", **SETTINGS)
    here = icon.sweep(config, temperature=[0.1, 1.0], progress=False)
    there = icon.sweep(config, temperature=[0.1, 1.0], progress=False, workers=1)
    for one, other in zip(here, there):
        np.testing.assert_array_equal(one.embeddings, other.embeddings)


def test_data_on_the_disk_can_be_sent_to_another_process():
    dataset = load(Items(), stream="always")
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again.x[:], dataset.x[:])
    assert again.checksum == dataset.checksum


@pytest.mark.parametrize("stream", ["never", "always"])
def test_unreadable_pictures_are_listed_and_skipped_only_when_asked(pictures, stream):
    (pictures / "train" / "cat" / "02.png").write_bytes(b"no picture")
    half = (pictures / "train" / "dog" / "01.png").read_bytes()
    (pictures / "train" / "dog" / "01.png").write_bytes(half[: len(half) // 2])
    with pytest.raises(DataError, match=r"2 unreadable pictures: 02.png \(.*01.png .*skip_unreadable"):
        load(f"folder:{pictures}", stream=stream, num_workers=2)
    data = load(f"folder:{pictures}", stream=stream, skip_unreadable=True)
    assert len(data) == len(data.y) == 68
    assert "left out 2 unreadable" in data.note
    assert torch.equal(data.x[:], load(f"folder:{pictures}", skip_unreadable=True).x)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_picture_that_goes_away_ends_the_run_with_its_name_and_what_there_is(pictures, num_workers, tmp_path):
    config = icon.Config(dataset=f"folder:{pictures}", backbone="mlp", hidden_dim=8, stream="always", **SETTINGS)
    gone = pictures / "train" / "cat" / "04.png"
    kept = gone.read_bytes()

    def remove(record, recorder):
        if record.epoch == 1:
            gone.unlink()

    config = config.replace(num_workers=num_workers, batch_size=70)  # one batch holds every picture
    with pytest.raises(DataError, match=r"04.png cannot be read any more \(FileNotFoundError\).*resume=True") as caught:
        icon.run(config, save_to=tmp_path / "run", on_record=remove)
    assert caught.value.results.history["epoch"] == [0, 1]
    gone.write_bytes(kept)
    again = icon.run(config, save_to=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(again.embeddings, icon.run(config).embeddings)


def test_a_picture_that_is_gone_before_the_first_epoch_is_named(pictures, tmp_path):
    dataset = load(f"folder:{pictures}", stream="always")
    (pictures / "train" / "cat" / "04.png").unlink()
    config = icon.Config(backbone="mlp", hidden_dim=8, **{**SETTINGS, "batch_size": 70})
    with pytest.raises(DataError, match="04.png cannot be read any more") as caught:
        icon.run(config, data=dataset, save_to=tmp_path / "run")
    assert caught.value.results is None


def test_what_cannot_be_sent_to_a_worker_is_a_clear_error():
    class Here(Items):
        """A class that no other process can find."""

    config = icon.Config(backbone="mlp", hidden_dim=8, stream="always", **SETTINGS)
    with pytest.raises(DataError, match="own_data stays on the disk and cannot be sent to another process.*leave workers"):
        icon.sweep(config, data=Here(), temperature=[0.1, 1.0], workers=1, progress=False)
    assert len(icon.sweep(config, data=Here(), temperature=[0.1, 1.0], progress=False)) == 2


class Mortal(Items):
    """The process that reads it, unless it is this one, dies at picture 40."""

    def __init__(self):
        super().__init__()
        self.home, self.armed = os.getpid(), False

    def __getitem__(self, i):
        if i == 40 and self.armed and os.getpid() != self.home:
            os._exit(1)
        return super().__getitem__(i)


@pytest.mark.skipif(os.name == "nt", reason="workers are forked")
def test_a_worker_that_dies_is_named_with_the_remedy():
    items = Mortal()
    dataset = load(items, stream="always")
    items.armed = True
    with pytest.raises(DataError, match="a process that read pictures ended .*use num_workers=0"):
        icon.run(icon.Config(backbone="mlp", hidden_dim=8, num_workers=2, **{**SETTINGS, "batch_size": 70}), data=dataset)


def test_a_class_that_cannot_be_sent_to_a_spawned_worker_is_a_clear_error(monkeypatch):
    class Here(Items):
        """A class that no other process can find."""

    make = stored.DataLoader
    monkeypatch.setattr(stored, "DataLoader", lambda *args, **options: make(*args, **options, multiprocessing_context="spawn"))
    with pytest.raises(DataError, match="num_workers=1: the data set cannot be sent to another process .*use num_workers=0"):
        load(Here(), stream="always", num_workers=1)


class Odd(Items):
    """Items as a test wants them."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def __getitem__(self, i):
        x, y = super().__getitem__(i)
        return self.change(i, x, self.reads), y


ODD = {
    "random": (lambda i, x, reads: x + np.uint8(reads), "sample 0 differs from one reading to the next.*augment="),
    "shape": (lambda i, x, reads: x[:, : 12 - (i == 4)], r"sample 4 has shape \(12, 11, 3\) of uint8, sample 0"),
    "type": (lambda i, x, reads: x / 255 if i == 4 else x, "sample 4 has shape .* of float64, sample 0 .* of uint8"),
    "nan": (lambda i, x, reads: np.where(i == 4, np.nan, x), "sample 4 holds NaN or infinite values: remove"),
    "text": (lambda i, x, reads: "a text" if i == 4 else x, "sample 4 cannot be read .*not numbers"),
    "broken": (lambda i, x, reads: [][1] if i == 4 else x, r"sample 4 cannot be read \(IndexError\)"),
}


@pytest.mark.parametrize("kind", ODD)
def test_samples_that_cannot_stay_on_the_disk_are_refused_by_name(kind):
    change, says = ODD[kind]
    with pytest.raises(DataError, match=says):
        load(Odd(change), stream="always")


def test_streaming_is_refused_where_it_would_do_nothing():
    with pytest.raises(DataError, match="stream='always': digits is read as arrays"):
        load("digits", stream="always")
    with pytest.raises(DataError, match="stream='always': own_data is read as arrays"):
        load(np.eye(4), stream="always")
    vectors = torch.utils.data.TensorDataset(torch.eye(4))
    with pytest.raises(DataError, match="stream='always': own_data is read as arrays"):
        icon.Config(dataset=vectors, stream="always")
    with pytest.raises(DataError, match="backbone='table' compares all samples at once"):
        icon.run(method="tsne", data=Items(), stream="always", quiet=True)
    with pytest.raises(ConfigError, match="stream='sometimes' is not known"):
        icon.Config(dataset=Items(), stream="sometimes")


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    dataset = load(Items(), stream="always", num_workers=2)
    dataset.x[:]
    assert torch.equal(torch.rand(2), expected)


def test_a_dataset_can_be_built_by_hand_of_stored_pictures():
    source = load(Items(), stream="always").x.source
    data = Dataset("mine", Stored(source, (3, 12, 12)), torch.from_numpy(Y))
    assert data.kind == "images"
    with pytest.raises(DataError, match="mine: y is torch.int64 of shape"):
        Dataset("mine", Stored(source, (3, 12, 12)), torch.from_numpy(Y[:5]))
