"""Runs survive: resumed to the same bytes, whatever stopped them."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError, LoadError, SaveError
from icon_nb.study.folders.checkpoints import FolderLock

SMALL = {"n_samples": 200, "epochs": 4, "max_points": 50, "quiet": True, "probe": False, "viz": False}
FILES = ("config.json", "embeddings.npz", "model.pt", "training_dynamics.gif")


def stop_at(epoch):
    def stop(record, recorder):
        if record.epoch == epoch:
            raise KeyboardInterrupt

    return stop


@pytest.fixture(autouse=True)
def _keep_what_there_is(monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "sgd"},
        {"method": "tsne", "record_every": 1},
        {"record_every": 3},
        {"method": "cross_entropy", "backbone": "resnet18", "epochs": 2, "n_samples": 64, "batch_size": 32},
    ],
    ids=["simclr", "sgd", "tsne", "between_frames", "resnet18"],
)
@pytest.mark.parametrize("stopped", [0, 1])
def test_a_resumed_run_ends_in_the_same_bytes(settings, stopped, tmp_path):
    config = icon.Config(**{**SMALL, "save_epoch_gifs": True, **settings})
    whole = icon.run(config, save_to=tmp_path / "whole")
    part = icon.run(config, save_to=tmp_path / "part", on_record=stop_at(stopped + 1))
    assert part.status == "interrupted"
    assert icon.load(tmp_path / "part").status == "interrupted"
    again = icon.run(config, save_to=tmp_path / "part", resume=True)
    assert again.status == "complete"
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "part" / name).read_bytes(), name
    assert again.history["loss"] == whole.history["loss"]
    assert not (tmp_path / "part" / "checkpoints").exists()


def test_a_finished_run_is_only_loaded(tmp_path):
    config = icon.Config(**SMALL)
    first = icon.run(config, save_to=tmp_path / "run")
    again = icon.run(config, save_to=tmp_path / "run", resume=True)
    assert repr(again) == repr(first)


def test_a_run_is_not_overwritten_and_not_continued_with_other_settings(tmp_path):
    config = icon.Config(**SMALL)
    icon.run(config, save_to=tmp_path / "run")
    with pytest.raises(SaveError, match="resume=True"):
        icon.run(config, save_to=tmp_path / "run")
    with pytest.raises(ConfigError, match="temperature"):
        icon.run(config, temperature=0.3, save_to=tmp_path / "run", resume=True)
    with pytest.raises(ConfigError, match="save_to"):
        icon.run(config, resume=True)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    config = icon.Config(**SMALL)
    whole = icon.run(config)
    icon.run(config, save_to=tmp_path / "run", on_record=stop_at(3))
    newest = sorted((tmp_path / "run" / "checkpoints").glob("*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    again = icon.run(config, save_to=tmp_path / "run", resume=True)
    assert np.array_equal(again.trajectory.embeddings, whole.trajectory.embeddings)


def test_only_two_checkpoints_are_kept_and_they_hold_plain_tensors(tmp_path):
    icon.run(icon.Config(**{**SMALL, "epochs": 6}), save_to=tmp_path / "run", on_record=stop_at(5))
    kept = sorted((tmp_path / "run" / "checkpoints").glob("*.pt"))
    assert len(kept) == 2
    assert "model" in torch.load(kept[-1], weights_only=True)


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    other = FolderLock(tmp_path / "run")
    with pytest.raises(SaveError, match="another run"):
        icon.run(icon.Config(**SMALL), save_to=tmp_path / "run")
    other.release(keep=True)
    assert icon.run(icon.Config(**SMALL), save_to=tmp_path / "run").status == "complete"


def test_a_folder_that_vanishes_is_a_clear_error_and_the_results_are_there(tmp_path):
    import shutil

    target = tmp_path / "run"

    def vanish(record, recorder):
        if record.epoch == 2:
            shutil.rmtree(target)
            target.write_text("in the way")

    with pytest.raises(SaveError) as caught:
        icon.run(icon.Config(**SMALL), save_to=target, on_record=vanish)
    assert caught.value.results.trajectory.n_frames >= 2


def command(folder, *flags):
    return [sys.executable, "-m", "icon_nb", *flags, "--output_dir", str(folder)]


FLAGS = ["--n_samples", "200", "--max_points", "50", "--no_viz", "--no_probe", "--epochs", "400", "--quiet"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_command_can_be_resumed(how, tmp_path):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # runs in the background ignore interrupts
    run = subprocess.Popen(command(tmp_path, *FLAGS), **quiet, **heard)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("*/checkpoints/epoch_00001*.pt")):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(how)
    run.wait(250)
    folder = next(tmp_path.iterdir())
    if how == signal.SIGKILL:
        with pytest.raises(LoadError, match="not finished"):
            icon.load(folder)
    else:
        assert run.returncode == 130
        assert icon.load(folder).status == "interrupted"
    settings = json.loads((folder / "config.json").read_text())
    done = max(int(path.name[6:12]) for path in (folder / "checkpoints").glob("*.pt"))
    seen = []
    config = icon.Config.from_json((folder / "config.json").read_text())
    icon.run(
        config, save_to=folder, resume=True, on_record=lambda record, _: (seen.append(record.epoch), stop_at(done + 2)(record, _))
    )
    assert seen[0] == done + 1
    assert settings["epochs"] == 400
    assert not list(folder.rglob("*.tmp"))


def test_a_resumed_run_says_what_changed_with_it(tmp_path):
    def stop(record, recorder):
        if record.epoch == 1:
            raise RuntimeError("stopped")

    settings = {"dataset": "digits", "n_samples": 200, "epochs": 2, "max_points": 60, "quiet": True, "probe": False}
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with pytest.raises(RuntimeError):
            icon.run(save_to=tmp_path, on_record=stop, gif_fps=3, **settings)
        torch.set_num_threads(2)
        run = icon.run(save_to=tmp_path, resume=True, gif_overlay="centroids", **settings)
        torch.set_num_threads(1)
        longer = icon.run(save_to=tmp_path, resume=True, gif_overlay="centroids", **settings | {"epochs": 3})
    finally:
        torch.set_num_threads(before)
    (first,) = run.provenance["resumed"]
    assert (first["epoch"], first["threads_before"], first["threads_after"]) == (0, 1, 2)
    assert first["settings"] == {"gif_fps": [3.0, None], "gif_overlay": ["loss", "centroids"]}
    assert longer.provenance["resumed"][0] == first
    again = longer.provenance["resumed"][1]
    assert (again["epoch"], again["threads_before"], again["threads_after"]) == (2, 2, 1)
    assert again["settings"] == {"epochs": [2, 3]}
    assert icon.load(tmp_path).provenance["resumed"] == longer.provenance["resumed"]
    assert "resumed" not in icon.run(**settings).provenance


@pytest.mark.parametrize("dataset", ["digits", "moving_digits"])
def test_more_epochs_of_a_finished_run_end_in_the_bytes_of_so_many(dataset, tmp_path):
    """Convolutions keep their weights in another order in memory than a file has them, and the optimizer goes by that order."""
    settings = {**SMALL, "dataset": dataset, "n_samples": 100}
    icon.run(**settings | {"epochs": 2}, save_to=tmp_path / "run")
    more = icon.run(**settings, save_to=tmp_path / "run", resume=True)
    whole = icon.run(**settings)
    assert more.history["loss"] == whole.history["loss"]
    assert more == whole


def test_a_fork_from_the_disk_ends_in_the_bytes_of_the_run(tmp_path):
    run = icon.run(**SMALL, save_checkpoints=True, save_to=tmp_path / "run")
    assert icon.load(tmp_path / "run").fork(2).history["loss"] == run.history["loss"]
