"""Saved runs: an equal object comes back, and nothing damaged is taken for a run."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import LoadError, SaveError
from icon_nb.study.folders.store import CHECKPOINTS, FILES, LOCK, OPTIMIZER, RECORD, foreign
from icon_nb.study.folders.verify import fits

SMALL = {"dataset": "digits", "n_samples": 200, "epochs": 2, "quiet": True, "max_points": 100}


@pytest.fixture(scope="module")
def run():
    return icon.run(icon.Config(**SMALL))


@pytest.fixture
def folder(run, tmp_path):
    return run.save(tmp_path / "run")


@pytest.mark.parametrize("method", ["simclr", "cross_entropy", "tsne"])
def test_a_loaded_run_is_equal_animation_included(method, tmp_path):
    run = icon.run(icon.Config(method=method, **SMALL))
    assert run.probes
    again = icon.load(run.save(tmp_path / "run"))
    assert repr(again) == repr(run)
    assert (again.config, again.probes, again.status) == (run.config, run.probes, run.status)
    np.testing.assert_equal(again.history, run.history)
    assert np.array_equal(again.trajectory.embeddings, run.trajectory.embeddings)
    assert np.array_equal(again.labels, run.labels)
    assert again.animate().to_bytes("gif") == run.animate().to_bytes("gif")
    assert all(torch.equal(a, b) for a, b in zip(again.backbone.state_dict().values(), run.backbone.state_dict().values()))


def test_the_points_of_a_text_are_called_by_its_words_and_a_loaded_run_too(tmp_path):
    run = icon.run(icon.Config(method="mlm", epochs=1, max_points=30, quiet=True), save_to=tmp_path / "run")
    data = run.data()
    windows = (data.x if data.x_test is None else data.x_test)[run.trajectory.index]
    assert run.trajectory.names[0].split() == [data.vocabulary[token] for token in windows[0]]
    assert len(set(run.trajectory.names)) > 10
    loaded = icon.load(tmp_path / "run")
    assert loaded == run
    assert loaded.trajectory.names == run.trajectory.names
    mark = json.loads((tmp_path / "run" / RECORD).read_text())
    mark["trajectory"]["names"].pop()
    _reseal(tmp_path / "run", "config.json", mark)
    with pytest.raises(LoadError, match="the names of the points are not one a point"):
        icon.load(tmp_path / "run")


def test_the_files_of_a_run_are_plain(folder, run):
    assert sorted(os.listdir(folder)) == sorted([*FILES, OPTIMIZER, RECORD])
    config = json.loads((folder / "config.json").read_text())
    assert config["temperature"] == run.config.temperature
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["dataset"]["sha256"]
    assert provenance["sources"]["temperature"] == "method simclr"
    assert {"torch", "numpy", "python", "icon_nb"} <= set(provenance["versions"])
    with np.load(folder / "embeddings.npz", allow_pickle=False) as arrays:
        assert arrays["embeddings"].shape == (100, 128)
        assert arrays["trajectory"].shape == (3, 100, 128)
    assert "backbone.1.weight" in torch.load(folder / "model.pt", weights_only=True)
    assert list(json.loads((folder / RECORD).read_text())["history"]) == list(run.history)


def test_the_same_run_saves_the_same_bytes(run, tmp_path):
    first, second = run.save(tmp_path / "a"), icon.run(icon.Config(**SMALL)).save(tmp_path / "b")
    for name in ("config.json", "embeddings.npz", "model.pt"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_saving_again_is_fine_and_another_run_is_not_overwritten(run, folder):
    assert run.save(folder) == folder
    other = icon.run(icon.Config(seed=1, **SMALL))
    before = (folder / RECORD).read_bytes()
    with pytest.raises(SaveError, match="overwrite=True"):
        other.save(folder)
    assert (folder / RECORD).read_bytes() == before
    other.save(folder, overwrite=True)
    assert icon.load(folder).config.seed == 1


MINE = '{"mine": 1}'


@pytest.mark.parametrize("name", [*FILES, "curves.png", "training_dynamics.gif", "weights", "epoch_frames"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_does_not_replace_files_that_are_of_no_run(tmp_path, name, resume):
    config = icon.Config(**SMALL, save_epoch_gifs=True, save_checkpoints=True, probe=False)
    (tmp_path / name).write_text(MINE)
    with pytest.raises(SaveError, match=rf"holds {name}, of no run: choose another folder"):
        icon.run(config, save_to=tmp_path, resume=resume)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, MINE)]


@pytest.mark.parametrize("name", FILES)
def test_saving_does_not_replace_files_that_are_of_no_run(run, tmp_path, name):
    (tmp_path / name).write_text(MINE)
    with pytest.raises(SaveError, match=rf"holds {name}, of no run: choose another folder, or pass overwrite=True"):
        run.save(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, MINE)]
    run.save(tmp_path, overwrite=True)
    assert icon.load(tmp_path).config == run.config


def test_settings_that_somebody_keeps_in_the_folder_are_not_replaced_and_other_files_do_not_matter(tmp_path):
    config = icon.Config(**SMALL, viz=False, probe=False)
    for text in (config.to_json(), json.dumps({"schema": 1, **SMALL}), "[1]", "", "\udcff"):
        (tmp_path / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(SaveError, match=r"holds config\.json, of no run"):
            icon.run(config, save_to=tmp_path)
    (tmp_path / "config.json").unlink()
    (tmp_path / "curves.png").write_text(MINE)  # which this run does not draw
    assert icon.run(config, save_to=tmp_path).status == "complete"
    assert (tmp_path / "curves.png").read_text() == MINE


@pytest.mark.parametrize(
    "settings",
    [{}, {"viz": True}, {"method": "tsne", "dataset": "karate_club"}, {"method": "cross_entropy", "batch_size": 100_000}],
    ids=["same", "drawn otherwise", "other data", "that could not begin"],
)
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_was_stopped_before_its_first_checkpoint_makes_room_for_the_next(run, tmp_path, settings, resume):
    left = {"config.json": run.config.replace(**settings).resolve().to_json(), "model.pt": "half", LOCK: ""}
    for name, content in left.items():
        (tmp_path / name).write_text(content)
    again = icon.run(icon.Config(**SMALL, viz=False, probe=False), save_to=tmp_path, resume=resume)
    assert np.array_equal(icon.load(tmp_path).embeddings, again.embeddings)
    (tmp_path / RECORD).unlink()
    (tmp_path / LOCK).touch()
    assert run.save(tmp_path) == tmp_path  # killed while it was saved


@pytest.mark.parametrize("mark", [RECORD, CHECKPOINTS, LOCK])
def test_the_files_of_a_run_are_known_by_what_lies_beside_them(mark, tmp_path):
    (tmp_path / "config.json").write_text(MINE)
    assert foreign(tmp_path, FILES) == ["config.json"]
    (tmp_path / mark).mkdir()
    assert foreign(tmp_path, FILES) == []


def test_a_run_that_an_error_ended_before_its_first_checkpoint_makes_room_for_the_next(tmp_path):
    class Stop(Exception):
        pass

    def stop(record, recorder):
        raise Stop

    config = icon.Config(**SMALL, viz=False, probe=False)
    for _ in range(2):
        with pytest.raises(Stop):
            icon.run(config, save_to=tmp_path / "run", on_record=stop)
        assert sorted(os.listdir(tmp_path / "run")) == [LOCK, "config.json"]
    assert icon.run(config, save_to=tmp_path / "run").status == "complete"
    assert LOCK not in os.listdir(tmp_path / "run")


@pytest.mark.parametrize("mark", ["[1]", "{}", '{"files": [1]}', '{"files": {}}', "[" * 100_000, "1"])
def test_a_record_that_is_none_is_not_replaced(run, folder, mark):
    (folder / RECORD).write_text(mark)
    with pytest.raises(SaveError, match="overwrite=True"):
        run.save(folder)
    assert (folder / RECORD).read_text() == mark
    run.save(folder, overwrite=True)
    assert icon.load(folder).config == run.config


@pytest.mark.parametrize("name", [*FILES, RECORD])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_a_damaged_file_is_named(folder, name, damage):
    path = folder / name
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        content[len(content) // 2] ^= 4
        path.write_bytes({"flip": bytes(content), "cut": bytes(content[: len(content) // 2]), "empty": b""}[damage])
    with pytest.raises(LoadError, match=name.replace(".", r"\.")):
        icon.load(folder)


def test_an_unfinished_folder_says_what_it_lacks(folder, tmp_path):
    (folder / RECORD).unlink()
    with pytest.raises(LoadError, match=r"no metrics\.json: the run was not finished"):
        icon.load(folder)
    with pytest.raises(LoadError, match="not a folder"):
        icon.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LoadError, match="holds no run"):
        icon.load(tmp_path / "empty")


def test_a_newer_version_is_refused_by_name(folder):
    mark = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**mark, "schema": 99}))
    with pytest.raises(LoadError, match="schema 99.*upgrade"):
        icon.load(folder)


def test_loading_never_unpickles(folder, tmp_path):
    import pickle

    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'pwned'}",)

    hostile = pickle.dumps(Hostile())
    (folder / "model.pt").write_bytes(hostile)
    _reseal(folder, "model.pt")
    with pytest.raises(LoadError):
        icon.load(folder)
    assert not (tmp_path / "pwned").exists()


def test_a_setting_that_the_file_leaves_out_is_the_methods_default(folder, run):
    config = json.loads((folder / "config.json").read_text())
    del config["backbone"], config["embedding_dim"]
    (folder / "config.json").write_text(json.dumps(config))
    _reseal(folder, "config.json")
    again = icon.load(folder)
    assert again.config == run.config
    x = run.data().x_test[:3]
    assert np.array_equal(again.embed(x), run.embed(x))


def test_weights_that_do_not_fit_the_settings_name_both_files(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_dim": 7}))
    _reseal(folder, "config.json")
    with pytest.raises(LoadError, match=r"model.pt does not fit the network that .*config.json and .*provenance.json describe"):
        icon.load(folder)


def test_labels_without_a_class_name_name_both_files(folder):
    from icon_nb.files import digest
    from icon_nb.study.folders.store import to_json

    mark = json.loads((folder / RECORD).read_text())
    mark.pop("checksum")
    mark["trajectory"]["class_names"] = mark["trajectory"]["class_names"][:2]
    (folder / RECORD).write_bytes(to_json({**mark, "checksum": digest(to_json(mark))}))
    with pytest.raises(LoadError, match=r"embeddings.npz is damaged: labels points beyond .*metrics.json names too few classes"):
        icon.load(folder)


def _reseal(folder, name, mark=None):
    """Make the record agree with a changed file, as somebody who wants to be believed would."""
    from icon_nb.files import digest
    from icon_nb.study.folders.store import to_json

    mark = mark or json.loads((folder / RECORD).read_text())
    mark.pop("checksum")
    mark["files"][name] = digest((folder / name).read_bytes())
    (folder / RECORD).write_bytes(to_json({**mark, "checksum": digest(to_json(mark))}))


def test_a_setting_that_cannot_be_is_refused_with_the_file_named_once(folder):
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"epochs": ', '"epochs": -'))
    _reseal(folder, "config.json")
    with pytest.raises(LoadError, match=r"config.json does not hold a configuration: epochs=-\d") as caught:
        icon.load(folder)
    assert str(caught.value).count("config.json") == 1


def test_a_read_only_folder_is_a_clear_error_and_the_run_is_still_there(run, tmp_path):
    target = tmp_path / "file"
    target.write_text("mine")
    with pytest.raises(SaveError, match="choose"):
        run.save(target)
    assert target.read_text() == "mine"
    assert run.embeddings.shape == (100, 128)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_a_clear_error_and_leaves_no_stray_file(run, tmp_path, monkeypatch):
    import icon_nb.files as files

    real = os.fdopen
    monkeypatch.setattr(
        files.os, "fdopen", lambda handle, mode: (os.close(handle), real(os.open("/dev/full", os.O_WRONLY), mode))[1]
    )
    with pytest.raises(SaveError, match="No space left"):
        run.save(tmp_path / "run")
    monkeypatch.undo()
    assert list((tmp_path / "run").iterdir()) == []
    shutil.rmtree(tmp_path / "run")


def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    from icon_nb.files import write_whole

    (tmp_path / "plain").write_bytes(b"x")
    assert write_whole(tmp_path / "whole", b"x").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "whole"]


def test_embedding_new_data_gives_the_recorded_embedding(run):
    data = run.data()
    z = run.embed(data.x_test[run.trajectory.index])
    assert np.allclose(z, run.embeddings, atol=1e-5)


def test_a_device_is_not_replaced_by_a_file(run, tmp_path):
    os.mkfifo(tmp_path / "pipe.html")
    with pytest.raises(SaveError, match="pipe.html is a device or a pipe, and no file: choose another name"):
        run.player().save(tmp_path / "pipe.html")
    assert (tmp_path / "pipe.html").is_fifo()
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_no_path_cannot_be_loaded():
    with pytest.raises(LoadError, match="None is of type NoneType: give the folder"):
        icon.load(None)


def test_a_full_disk_in_training_and_in_a_sweep_leaves_what_was_trained_in_memory(tmp_path):
    code = (
        "import resource, signal, sys, icon_nb as icon\n"
        "from icon_nb.errors import SaveError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "config = icon.Config(dataset='digits', epochs=3, n_samples=60, max_points=20, hidden_dim=8, quiet=True)\n"
        "config.resolve(); icon.run(config)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "for act in (lambda: icon.run(config, save_to=sys.argv[1] + '/run'),\n"
        "            lambda: icon.sweep(config, temperature=[0.1, 1.0], save_to=sys.argv[1] + '/study', progress=False)):\n"
        "    try:\n"
        "        act()\n"
        "    except SaveError as error:\n"
        "        print(error, '|', repr(error.results))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=300)
    run, study = done.stdout.splitlines()
    stopped = r"Results\(simclr on digits: [12] epochs?, interrupted"
    assert re.search(r"could not write .*epoch_.*File too large.*\| " + stopped, run), done
    assert re.search(r"could not write .*File too large.*\| Comparison\(sweep of temperature: 1 run", study), done
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_kind_is_a_type_a_choice_a_list_or_a_table():
    assert fits({"a": [1, 2], "b": None}, {"a": [int], "b": (str, None)})
    assert not fits({"a": 1}, {str: str})
    assert not fits({"a": [1, "2"]}, {"a": [int]})
