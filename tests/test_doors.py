"""What comes from elsewhere is looked at before it is believed: checkpoints, links, pipes, names, and what a caller changes."""

import copy
import gc
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.animation.animation import side_by_side
from icon_nb.animation.player import player
from icon_nb.data.loading import MEMORY
from icon_nb.errors import ConfigError, DataError, LoadError, SaveError
from icon_nb.files import digest, sweep_stray, write_whole
from icon_nb.interfaces.cli import main
from icon_nb.interfaces.flags import values_of
from icon_nb.study.folders import checkpoints, store
from icon_nb.study.folders.checkpoints import FolderLock
from icon_nb.study.table import Table

SMALL = icon.Config(
    dataset="digits", n_samples=60, epochs=5, max_points=12, hidden_dim=8, embedding_dim=3, batch_size=20, quiet=True, viz=False,
    probe=False,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _keep_what_there_is(monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)


def stop_at(epoch):
    def stop(record, recorder):
        if record.epoch == epoch:
            raise KeyboardInterrupt

    return stop


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run in its folder, and the same run stopped after three epochs."""
    root = tmp_path_factory.mktemp("doors")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ICON_NB_STRICT", raising=False)
        icon.run(SMALL, save_to=root / "whole")
        icon.run(SMALL, save_to=root / "stopped", on_record=stop_at(4))
    return root


@pytest.fixture
def whole(made, tmp_path):
    return shutil.copytree(made / "whole", tmp_path / "whole")


@pytest.fixture
def stopped(made, tmp_path):
    return shutil.copytree(made / "stopped", tmp_path / "stopped")


def same_bytes(one, other, names=("config.json", "embeddings.npz", "model.pt", "optimizer.pt")):
    assert [name for name in names if (one / name).read_bytes() != (other / name).read_bytes()] == []


# Settings and checkpoints


def test_edited_settings_are_refused_by_name(stopped):
    (stopped / "metrics.json").unlink()  # as after a kill
    edited = json.loads((stopped / "config.json").read_text()) | {"temperature": 0.05}
    (stopped / "config.json").write_text(json.dumps(edited))
    with pytest.raises(ConfigError, match=r"other settings \(temperature, by its checkpoint epoch_000003"):
        icon.run(SMALL, temperature=0.05, save_to=stopped, resume=True)
    assert len(list((stopped / "checkpoints").glob("*.pt"))) == 2


def forge(path, change):
    """Write a checkpoint again with other contents, under the name that goes with them."""
    state = torch.load(path, weights_only=True)
    about = json.loads(state["about"])
    state = change(state, about) or state
    torch.save({**state, "about": json.dumps(about)}, path)
    path.rename(path.with_name(f"{path.name[:13]}{digest(path.read_bytes())[:16]}.pt"))


def longer(state, about):
    for column in about["history"].values():
        column.extend([1.0] * 990)


FORGED = {
    "an epoch more": lambda state, about: about["history"]["epoch"].append(1000),
    "990 epochs more": longer,
    "another column": lambda state, about: about["history"].update(other=about["history"]["loss"]),
    "a column less": lambda state, about: about["history"].pop("loss") and None,
    "a shorter column": lambda state, about: about["history"]["loss"].pop() and None,
    "no history": lambda state, about: about.pop("history") and None,
    "a history of texts": lambda state, about: about["history"].update(loss=["a"] * 4),
    "frames that are none": lambda state, about: about.update(frames=[1, 2]),
    "no frames": lambda state, about: about.update(frames=[]),
    "a frame of other measures": lambda state, about: about["frames"][-1][1].update(other=0.5),
    "threads of no number": lambda state, about: about.update(threads="\ud800"),
    "settings that are none": lambda state, about: about.update(config={"temperature": "hot"}),
    "other weights": lambda state, about: {**state, "model": {name: each[:1] for name, each in state["model"].items()}},
    "no weights": lambda state, about: {**state, "model": {}},
    "another optimizer": lambda state, about: {**state, "optimizer": {0: {"exp_avg": torch.zeros(2, 2)}}},
    "an optimizer of texts": lambda state, about: {**state, "optimizer": "adam"},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_forged_checkpoint_is_passed_over(made, stopped, change):
    newest = sorted((stopped / "checkpoints").glob("*.pt"))[-1]
    forge(newest, change)
    seen = []
    icon.run(SMALL, save_to=stopped, resume=True, on_record=lambda record, _: seen.append(record.epoch))
    assert seen[0] == 3  # from the checkpoint before
    same_bytes(made / "whole", stopped)


def test_going_on_makes_room_first(stopped):
    there = sorted((stopped / "checkpoints").glob("*.pt"))
    (stopped / "checkpoints" / "frames" / "epoch_000099.npy").write_bytes(b"left")
    seen = []

    def look(record, recorder):
        seen.append({path.name for path in (stopped / "checkpoints").rglob("*.*")})
        raise KeyboardInterrupt

    icon.run(SMALL, save_to=stopped, resume=True, on_record=look)
    assert there[-1].name in seen[0]
    assert not {there[0].name, "epoch_000099.npy"} & seen[0]


def test_where_the_disk_is_full_the_older_checkpoint_makes_room(stopped, monkeypatch):
    write, refused = checkpoints.write_whole, []

    def full(path, content):
        if "epoch_" in path.name and path.suffix == ".pt" and len(list(path.parent.glob("*.pt"))) == 2:
            refused.append(path.name)
            raise SaveError("No space left on device")
        return write(path, content)

    monkeypatch.setattr(checkpoints, "write_whole", full)
    assert icon.run(SMALL, save_to=stopped, resume=True).status == "complete"
    assert len(refused) == 1  # the fourth epoch finds room for two, the fifth has to make it


# More epochs


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("left", ["finished", "stopped"])
def test_more_epochs_end_as_a_run_of_so_many_does(left, every, tmp_path):
    config = SMALL.replace(record_every=every, epochs=4)
    icon.run(config, epochs=6, save_to=tmp_path / "whole")
    icon.run(config, save_to=tmp_path / "part", on_record=stop_at(3) if left == "stopped" else None)
    icon.run(config, epochs=6, save_to=tmp_path / "part", resume=True)
    same_bytes(tmp_path / "whole", tmp_path / "part")


EXAGGERATED = {"method": "tsne", "exaggeration": 4.0, "batch_size": None, "hidden_dim": None}


@pytest.mark.parametrize("settings", [{"temperature": "0.1..1.0:cosine"}, EXAGGERATED])
def test_more_epochs_are_refused_where_they_would_have_changed_the_first(settings, tmp_path):
    config = SMALL.replace(**settings, epochs=2)
    icon.run(config, save_to=tmp_path / "run")
    with pytest.raises(ConfigError, match="is spread over its 2 epochs, and would have been another for 4"):
        icon.run(config, epochs=4, save_to=tmp_path / "run", resume=True)
    assert icon.load(tmp_path / "run").history["epoch"][-1] == 2


def test_more_epochs_on_the_command_line(whole, capsys):
    assert main(["--resume", str(whole), "--epochs", "7"]) == 0
    assert icon.load(whole).history["epoch"][-1] == 7
    assert main(["--resume", str(whole), "--epochs", "3"]) == 2
    assert "other settings (epochs" in capsys.readouterr().err
    (whole / "optimizer.pt").unlink()
    assert main(["--resume", str(whole), "--epochs", "9"]) == 2
    assert "holds no optimizer.pt" in capsys.readouterr().err
    assert icon.load(whole).history["epoch"][-1] == 7


# Links, pipes, other people's files


@pytest.mark.parametrize("name", ["checkpoints", "weights", "epoch_frames"])
def test_a_link_lets_nothing_be_written_elsewhere(name, stopped, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "epoch_001.png").write_text("mine")
    shutil.rmtree(stopped / name, ignore_errors=True)
    (stopped / name).symlink_to(elsewhere)
    with pytest.raises(SaveError, match=f"{name} is a link"):
        icon.run(SMALL, save_to=stopped, resume=True)
    assert [path.name for path in elsewhere.iterdir()] == ["epoch_001.png"]


def test_frames_are_not_replaced_through_a_link(whole, tmp_path, capsys):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "epoch_9.png").write_text("mine")
    (whole / "epoch_frames").symlink_to(tmp_path / "pictures")
    with pytest.raises(SystemExit):
        main(["animate", str(whole), "--replace"])
    assert "epoch_frames is a link" in capsys.readouterr().err
    assert (tmp_path / "pictures" / "epoch_9.png").read_text() == "mine"


def test_only_temporaries_of_ours_are_swept(tmp_path):
    theirs = [".cache.99999999.abc.tmp", ".a.99999999.abcdefgh.tmp", ".b.icon_nb-²²².abcdefgh.tmp", ".c.icon_nb-9e9.abcdefgh.tmp"]
    ours = ".model.pt.icon_nb-99999999.abcdefgh.tmp"
    (tmp_path / "sub").mkdir()
    for name in (*theirs, ours):
        (tmp_path / "sub" / name).write_text("x")
    sweep_stray(tmp_path)
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == sorted(theirs)


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "provenance.json", "embeddings.npz", "model.pt"])
def test_a_pipe_is_no_file_of_a_run(name, whole, capsys):
    (whole / name).unlink()
    os.mkfifo(whole / name)
    with pytest.raises(LoadError, match=f"{name} .*no plain file"):
        icon.load(whole)
    assert main(["runs", "--output_dir", str(whole.parent)]) == 0


def test_a_pipe_is_no_settings_and_no_lock(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SystemExit):
        main(["--config", str(tmp_path / "pipe")])
    assert "no plain file" in capsys.readouterr().err
    os.mkfifo(tmp_path / ".running")
    with pytest.raises(SaveError, match="is no file"):
        FolderLock(tmp_path)


def test_a_deep_provenance_is_no_source_of_settings(stopped, capsys):
    (stopped / "provenance.json").write_text("[" * 100_000)
    assert main(["--resume", str(stopped), "--quiet", "--no_viz", "--no_probe"]) == 0


def test_sizes_are_checked_before_they_are_read(whole):
    with (whole / "metrics.json").open("r+b") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(LoadError, match="at most 67,108,864 can be right"):
        icon.load(whole)


def rewrite(folder, change):
    """Write a saved run again with other contents and the checksums that go with them."""
    record, about = (json.loads((folder / name).read_text()) for name in ("metrics.json", "provenance.json"))
    with np.load(folder / "embeddings.npz") as file:
        arrays = dict(file)
    change(record, about, arrays)
    np.savez(folder / "embeddings.npz", **arrays)
    write_whole(folder / "provenance.json", json.dumps(about).encode())
    record["files"] = {name: digest((folder / name).read_bytes()) for name in record["files"]}
    record.pop("checksum")
    write_whole(folder / "metrics.json", store.to_json({**record, "checksum": digest(store.to_json(record))}))


LONG = "x" * 10_000_000
REFUSED = {
    "a long title": (lambda record, *_: record["trajectory"].update(title=LONG), "more than 10,000 characters"),
    "a long class": (lambda record, *_: record["trajectory"].update(class_names=[LONG]), "more than 10,000 characters"),
    "a long metric": (lambda record, *_: record["trajectory"]["metrics"].update({LONG: [1.0]}), "more than 10,000 characters"),
    "a long column": (lambda record, *_: record["history"].update({LONG: [1.0]}), "more than 10,000 characters"),
    "a long version": (lambda _, about, __: about["versions"].update(torch=LONG), "more than 10,000 characters"),
    "no loss": (lambda record, *_: record["history"].update(loss=[None] * 6), "its history is not"),
    "no device": (lambda _, about, __: about.pop("device"), "its device is not"),
    "probes of nothing": (lambda record, *_: record.update(probes={"trained": {"knn": 1}}), "its probes is not"),
    "probes of none": (lambda record, *_: record.update(probes={"about": {"n_points": None}}), "its probes is not"),
    "an edge to nowhere": (lambda _, __, arrays: arrays.update(edges=np.array([[0, 9999]])), "edges join points beyond"),
    "edges of one end": (lambda _, __, arrays: arrays.update(edges=np.array([0, 1])), "edges join points beyond"),
    "pairs of others": (lambda _, __, arrays: arrays.update(pair=arrays["trajectory"][:, 1:]), "pairs do not belong"),
    "pairs of nothing": (lambda _, __, arrays: arrays.update(pair=arrays["trajectory"] * np.nan), "pairs do not belong"),
    "one side": (lambda record, *_: record["trajectory"].update(sides=["image"]), "sides are not two"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_forged_run_is_refused(case, whole):
    change, said = REFUSED[case]
    rewrite(whole, change)
    with pytest.raises(LoadError, match=said):
        icon.load(whole)


FAR = 3.4e38
SHOWN = {
    "unsigned labels": lambda _, __, arrays: arrays.update(labels=arrays["labels"].astype(np.uint8)),
    "all of it far out": lambda _, __, arrays: arrays["trajectory"].fill(FAR),
    "points that the data have not": lambda _, __, arrays: arrays["index"].fill(2**61),
    "points of nowhere": lambda _, __, arrays: arrays.pop("index"),
    "held-out points of which nothing is said": lambda _, __, arrays: arrays.pop("held_out"),
    "one frame": lambda record, _, arrays: (
        record["trajectory"].update(metrics={}),
        arrays.update(epochs=np.array([3]), trajectory=arrays["trajectory"][:1]),
    ),
    "20,000 dimensions": lambda _, __, arrays: arrays.update(trajectory=np.random.rand(6, 12, 20_000).astype("f")),
    "as many metrics": lambda record, *_: record["trajectory"]["metrics"].update({f"m{k}": [1.0] * 6 for k in range(20_000)}),
}


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value", "ignore:.*identical low")  # what is far out has no length
@pytest.mark.parametrize("case", SHOWN)
def test_a_forged_run_is_shown_or_refused(case, whole, capsys):
    rewrite(whole, SHOWN[case])
    run = icon.load(whole)
    assert run.animate().to_bytes()
    assert run.player().html
    assert isinstance(run.scores, dict)
    assert icon.Comparison([run]).table(baselines=True)
    assert main(["show", str(whole)]) == 0
    if case == "as many metrics":
        with pytest.raises(ConfigError, match="metrics are too many for a picture"):
            run.plot()


ODD_FILES = {
    "metrics.json": ['{"final": [1]}', '{"final": 5}', '{"final": {"loss": [[]], "epoch": {}}, "status": ["a"]}', "[" * 10**5]
    + [f'{{"final": {{"loss": 1{"0" * 400}}}}}', '{"final": {"loss": 1e400}}', '{"final": {"knn_accuracy": true}}'],
    "comparison.json": ['{"runs": 5}', '{"runs": {"a": 1}, "title": ["\\u001b[2J"]}'],
    "config.json": ['{"dataset": ["\\u001b[2J"], "method": {}}', '{"method": 1}'],
}


def test_whatever_stands_in_the_files_of_a_folder_the_list_of_runs_is_shown(whole, capsys):
    capsys.readouterr()
    for name, texts in ODD_FILES.items():
        for k, text in enumerate(texts):
            shutil.copytree(whole, folder := whole.with_name(f"{name}-{k}"))
            (folder / name).write_text(text)
    assert main(["runs", "--output_dir", str(whole.parent)]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 2 + sum(map(len, ODD_FILES.values()))
    assert said.replace("\n", "").isprintable()


def test_runs_are_told_apart_whatever_their_fingerprint_is(whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path / "other")
    rewrite(tmp_path / "other", lambda _, about, __: about["dataset"].update(fingerprint=[1]))
    assert main(["compare", str(whole), str(tmp_path / "other"), "--no_viz", "--output_dir", str(tmp_path)]) == 0


def test_data_that_hold_other_points_are_no_data_of_the_run(whole):
    run = icon.load(whole)
    run.dataset = icon.data.load((np.eye(4), [0, 1, 0, 1]))
    with pytest.raises(DataError, match="has not all points of the run"):
        run.data()


def test_a_name_of_ten_megabytes_is_refused_before_anything_is_drawn():
    with pytest.raises(ConfigError, match="run_name='xxx.*has 10,000,000 characters"):
        icon.Config(run_name="x" * 10_000_000)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 300, "~no_such_user/x", b"x", None])
def test_what_is_no_path_is_refused_by_name(path, tmp_path):
    run = icon.run(SMALL, epochs=0)
    with pytest.raises(SaveError, match="cannot be the path|could not write"):
        run.save(path)
    with pytest.raises(LoadError, match="cannot be the path|is not a folder|is of type"):
        icon.load(path)
    if path is not None:
        with pytest.raises(SaveError):
            icon.run(SMALL, epochs=0, save_to=path)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 300, "~no_such_user/x", b"x", None, ""])
def test_nothing_is_drawn_into_what_is_no_path(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorder = icon.Recorder()
    recorder.record(np.eye(3), loss=1.0)
    table = Table(("loss",), ({"loss": 1.5},))
    for shown in (recorder, recorder.player(), recorder.plot(), recorder.animate(), table):
        with pytest.raises(SaveError, match="cannot be the path|could not write"):
            shown.save(path)
    with pytest.raises(SaveError, match="cannot be the path|could not write"):
        recorder.animate().save_frames(path)
    assert not list(tmp_path.iterdir())


def test_home_is_where_the_tilde_points(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    flags = ["--dataset", "digits", "--epochs", "0", "--no_viz", "--no_probe", "--output_dir", "~/x", "--run_name", "a"]
    assert main(flags) == 0
    assert icon.load("~/x/a").status == "complete"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]


def test_a_run_stays_in_its_folder_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    icon.run(SMALL, epochs=1, save_to="run", on_record=lambda *_: os.chdir(tmp_path / "other"))
    assert icon.load(tmp_path / "run").status == "complete"
    assert not list((tmp_path / "other").iterdir())


# Disks


def test_a_disk_without_fsync_and_permissions_is_written(tmp_path, monkeypatch):
    def cannot(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "fsync", cannot)
    monkeypatch.setattr(os, "chmod", cannot)
    assert write_whole(tmp_path / "a", b"x").read_bytes() == b"x"


def test_a_finished_run_is_resumed_where_nothing_can_be_written(made, monkeypatch):
    def refuses(folder):
        raise SaveError("could not write it: Read-only file system")

    monkeypatch.setattr("icon_nb.study.folders.checkpoints.FolderLock", refuses)
    assert icon.run(SMALL, save_to=made / "whole", resume=True) == icon.load(made / "whole")
    with pytest.raises(SaveError, match="Read-only"):
        icon.run(SMALL, save_to=made / "stopped", resume=True)


def test_what_was_trained_is_saved_before_it_is_scored(tmp_path, monkeypatch):
    def fails(results):
        raise MemoryError("2.98 GiB")

    monkeypatch.setattr("icon_nb.study.results.probe_run", fails)
    with pytest.warns(UserWarning, match="is saved in .*but its probes could not be made"):
        icon.run(SMALL, probe=True, save_to=tmp_path / "run")
    assert icon.load(tmp_path / "run").status == "complete"


def test_a_run_that_was_stopped_while_it_was_drawn_is_drawn_when_it_goes_on(tmp_path, monkeypatch):
    def stops(*_):
        raise KeyboardInterrupt

    config = SMALL.replace(save_epoch_gifs=True)
    with monkeypatch.context() as patch:
        patch.setattr("icon_nb.study.folders.outputs.write_animation", stops)
        with pytest.raises(KeyboardInterrupt):
            icon.run(config, save_to=tmp_path / "run")
    assert icon.load(tmp_path / "run").status == "complete"
    icon.run(config, save_to=tmp_path / "run", resume=True, on_record=lambda *_: pytest.fail("trained again"))
    assert (tmp_path / "run" / "training_dynamics.gif").exists()
    assert not (tmp_path / "run" / "checkpoints").exists()


# Data that a caller holds


def arrays(seed=0):
    return np.random.default_rng(seed).normal(size=(40, 6)).astype("f")


OWN = icon.Config(method="sne", backbone="mlp", batch_size=20, perplexity=5.0, epochs=1, hidden_dim=8, quiet=True)


def test_data_are_let_go_with_the_last_config_that_names_them():
    config = OWN.replace(dataset=arrays())
    handle = str(config.dataset)
    assert handle in MEMORY
    assert icon.run(config.replace(seed=1)).status == "complete"
    assert pickle.loads(pickle.dumps(config)) == config
    del config
    gc.collect()
    assert handle not in MEMORY
    with pytest.raises(DataError, match="give the same data again"):
        icon.run(OWN, dataset=handle)


def test_what_a_caller_changes_afterwards_does_not_matter():
    x = torch.from_numpy(arrays())
    config = OWN.replace(dataset=x)
    first = icon.run(config)
    x.zero_()
    assert icon.run(config) == first
    assert OWN.replace(dataset=x).dataset != config.dataset


def test_pictures_that_are_replaced_during_a_run_are_refused(tmp_path):
    from PIL import Image

    for k in range(40):
        Image.fromarray(np.full((8, 8), k, np.uint8)).save(tmp_path / f"{k:02d}.png")
    config = icon.Config(dataset=f"folder:{tmp_path}", stream="always", batch_size=20, epochs=2, quiet=True)

    def replaces(record, recorder):
        for path in tmp_path.glob("*.png"):
            Image.fromarray(np.full((8, 8), 255, np.uint8)).save(path)
            os.utime(path, (record.epoch, record.epoch))

    with pytest.raises(DataError, match="cannot be read any more .*written anew"):
        icon.run(config, on_record=replaces)


# Executors


class Odd:
    """An executor whose futures are not what they should be."""

    def __init__(self, act):
        self.act = act

    def submit(self, *job):
        future = Future()
        self.act(future)
        return future


ODD = {
    "cancelled": lambda future: future.cancel(),
    "no run": lambda future: future.set_result(3),
    "nothing": lambda future: future.set_result(None),
    "an exit": lambda future: future.set_exception(SystemExit(3)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("act", ODD.values(), ids=ODD)
def test_an_odd_future_is_a_failed_row(act):
    study = icon.sweep(SMALL, seed=[0, 1], executor=Odd(act))
    assert [run.status for run in study] == ["failed", "failed"]
    assert all(run.error for run in study)


# Names on a terminal

EVIL = "a\x1b[2J\nb\u202e\x07"


def test_names_do_not_steer_a_terminal(tmp_path, capsys):
    config = SMALL.replace(run_name=EVIL, epochs=1, output_dir=str(tmp_path))
    run = icon.run(config, save_to=tmp_path / "run")
    study = icon.Comparison([run, icon.run(SMALL, epochs=1)], EVIL, ("run_name",))
    for text in (run.summary(), repr(run), repr(study), study.name(run), *str(study.table()).splitlines()):
        assert text.isprintable(), text
    assert main(["show", str(tmp_path / "run")]) == 0
    assert main(["runs", "--output_dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert not set("\x1b\x07\u202e") & set(out)
    assert run.trajectory.title.endswith(": simclr on digits")  # a name does not displace the method


SAY = [sys.executable, "-m", "icon_nb", "show"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_any_encoding_will_do(whole, encoding):
    config = json.loads((whole / "config.json").read_text())
    assert config
    variables = {**os.environ, "PYTHONIOENCODING": encoding}
    named = ["--dataset", "digits", "--epochs", "0", "--run_name", "größe – 数", "--no_viz", "--no_probe"]
    command = [sys.executable, "-m", "icon_nb", *named, "--output_dir", str(whole.parent / "runs")]
    done = subprocess.run(command, capture_output=True, env=variables)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"\\u6570" in done.stdout


@pytest.mark.parametrize("command", ["{show} | head -n 1", "{show} | true", "{show} >&-"])
def test_nobody_has_to_listen(whole, command):
    show = " ".join([*SAY, str(whole)])
    done = subprocess.run(["bash", "-c", command.format(show=show)], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_what_cannot_be_printed_is_an_error_of_one_line(whole):
    done = subprocess.run(["bash", "-c", f"{' '.join([*SAY, str(whole)])} > /dev/full"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "icon-nb: what is printed cannot be written (No space left on device)\n")


def test_columns_are_aligned_in_any_encoding(whole):
    shutil.copytree(whole, whole.parent / "größe")
    command = [sys.executable, "-m", "icon_nb", "runs", "--output_dir", str(whole.parent)]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    columns = {line.index(b"digits") for line in done.stdout.splitlines()[1:]}
    assert b"gr\\xf6\\xdfe" in done.stdout
    assert len(columns) == 1, done.stdout.decode()


def test_a_folder_that_cannot_be_written_is_said_before_anything_else(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--output_dir", str(tmp_path / "file" / "runs")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "cannot be written (Not a directory): choose another folder" in said.err


def test_training_goes_on_when_nobody_listens(tmp_path):
    run = f"{sys.executable} -m icon_nb --dataset digits --epochs 1 --no_viz --no_probe --output_dir {tmp_path} --run_name a"
    subprocess.run(["bash", "-c", f"{run} | true"], capture_output=True)
    assert icon.load(tmp_path / "a").status == "complete"


# Tables


def test_a_table_holds_no_formula_for_a_spreadsheet():
    texts = ["=1+1", "+1", "-1", "@x", "plain"]
    table = Table(("method",), tuple({"method": text} for text in texts))
    assert table.to_csv().splitlines()[1:] == ["'=1+1", "'+1", "'-1", "'@x", "plain"]
    assert Table(("loss",), ({"loss": -1.5},)).to_csv().splitlines()[1] == "-1.5"


def test_tables_for_papers(tmp_path):
    table = Table(("method", "knn"), ({"method": "a_b|c & 5%", "knn": 0.5},), ("A note.",))
    assert table.to_markdown().splitlines()[:3] == ["| method | kNN |", "| :-- | --: |", r"| a\_b\|c & 5% | 0.500 |"]
    assert r"a\_b|c \& 5\% & 0.500 \\" in table.to_latex()
    assert table.to_latex().startswith("% A note.\n\\begin{tabular}{lr}\n\\toprule")
    assert table.save(tmp_path / "a.tex").read_text() == table.to_latex()
    assert table.save(tmp_path / "a.md").read_text() == table.to_markdown()


# Objects


def test_results_are_copied_and_pickled_once_shown():
    run = icon.run(SMALL, epochs=1)
    study = icon.Comparison([run, icon.run(SMALL, epochs=1, temperature=0.3)])
    for each in (run, study):
        each._repr_mimebundle_()
        assert repr(copy.deepcopy(each)) == repr(pickle.loads(pickle.dumps(each))) == repr(each)
    assert pickle.loads(pickle.dumps(run)) == run


def test_a_config_takes_names_and_says_so():
    with pytest.raises(ConfigError, match=r"Config\(method='simclr'\)"):
        icon.Config("simclr")
    assert "tau, the scale that divides the distance in q" in icon.Config.__doc__
    assert icon.get_recipe("simclr_vs_sne") == icon.recipe("simclr_vs_sne")


def test_a_setting_is_swept_once():
    with pytest.raises(ConfigError, match="swept twice"):
        values_of({"sweep": ["temperature=0.1", "temperature=0.5"]})


def test_show_says_where_settings_came_from(tmp_path, capsys):
    (tmp_path / "c.json").write_text(json.dumps({"seed": 3, "epochs": 0, "dataset": "digits", "viz": False, "probe": False}))
    flags = ["--config", str(tmp_path / "c.json"), "--seed", "0", "--output_dir", str(tmp_path), "--run_name", "a"]
    assert main(flags) == 0
    assert main(["show", str(tmp_path / "a")]) == 0
    assert main(["--resume", str(tmp_path / "a"), "--epochs", "1"]) == 0  # which hides nothing of it
    texts = capsys.readouterr().out.split("FINAL RESOLVED CONFIGURATION")[1:]
    assert len(texts) == 3
    assert "--learning_rate" not in texts[-1].partition("next: ")[2]  # only what somebody gave
    for shown in texts:
        rows = {line.split()[0]: line.split()[2:] for line in shown.splitlines() if line.startswith("  ")}
        assert rows["seed"] == ["flag"]
        assert rows["epochs"] == (["flag"] if shown is texts[-1] else ["file", str(tmp_path / "c.json")])
        assert rows["precision"] == ["default"]


def test_live_outside_a_notebook_says_so(tmp_path):
    code = "import icon_nb as icon; print(icon.run(dataset='digits', epochs=0, quiet=True, live=True))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "live=True draws in a notebook only" in done.stderr


def test_the_page_of_a_saved_run_is_a_command_away(whole, capsys):
    assert main(["player", str(whole)]) == 0
    assert "player.html" in capsys.readouterr().out
    assert "<html" in (whole / "player.html").read_text()[:200].lower()


# Sweeps in processes


def test_a_sweep_in_processes_can_be_gone_on_with(tmp_path):
    flags = ["--sweep", "seed=0,1", "--workers", "2", "--dataset", "digits", "--epochs", "2000", "--no_viz", "--no_probe"]
    command = [sys.executable, "-m", "icon_nb", *flags, "--quiet", "--output_dir", str(tmp_path)]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=os.setsid)
    furthest = Path()
    while furthest.name < "epoch_000003":  # of the two runs, the one that came further
        assert run.poll() is None
        furthest = max([furthest, *tmp_path.glob("*/checkpoints/epoch_*.pt")], key=lambda path: path.name)
    os.kill(run.pid, 15)
    said = run.communicate(timeout=120)[1]
    assert f"icon-nb runs --output_dir {tmp_path} lists what has begun, icon-nb --resume RUN goes on" in said
    folder = furthest.parent.parent
    config = icon.Config.from_json((folder / "config.json").read_text())
    seen = []

    def stop(record, recorder):
        seen.append(record.epoch)
        raise KeyboardInterrupt

    icon.run(config, save_to=folder, resume=True, on_record=stop)
    assert seen[0] > 1


def workers_of(pid):
    """The processes in which a sweep trains, by /proc."""
    children = [child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.timeout(300)
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="processes are found by /proc")
@pytest.mark.parametrize("victim", ["sweep", "worker"])
def test_of_a_sweep_in_processes_that_is_killed_no_run_is_lost(victim, tmp_path, capsys):
    small = ["--dataset=digits", "--n_samples=60", "--epochs=300", "--max_points=12", "--no_viz", "--no_probe", "--quiet"]
    command = [sys.executable, "-m", "icon_nb", "--sweep", "seed=0,1,2", "--workers", "2", *small, "--output_dir", str(tmp_path)]
    sweep = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("*-3/checkpoints/epoch_*.pt")):  # of the third run: the first or the second is finished
        assert sweep.poll() is None
    finished = {path: path.stat() for path in tmp_path.glob("*/metrics.json")}
    killed = [sweep.pid] if victim == "sweep" else workers_of(sweep.pid)
    for pid in killed:
        os.kill(pid, 9)
    _, said = sweep.communicate(timeout=200)
    left = sorted(path.parent for path in tmp_path.glob("*/checkpoints"))
    assert finished
    assert left
    if victim == "worker":
        assert [f"icon-nb --resume {folder} goes on with it" in said for folder in left] == [True] * len(left)
    for folder in left:
        last = max(path.name for path in folder.glob("checkpoints/epoch_*.pt"))
        assert main(["--resume", str(folder), "--quiet"]) == 0
        assert last > "epoch_000000"
        config = icon.Config.from_json((folder / "config.json").read_text())
        assert icon.load(folder) == icon.run(config)
    assert {path: path.stat() for path in finished} == finished


def test_an_interrupt_while_a_comparison_is_written_says_what_is_there(tmp_path, monkeypatch, capsys):
    def stops(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("icon_nb.study.folders.outputs.write_comparison", stops)
    flags = ["--sweep", "seed=0,1", "--dataset", "digits", "--epochs", "0", "--no_viz", "--no_probe"]
    assert main([*flags, "--output_dir", str(tmp_path)]) == 130
    assert "the runs are saved: icon-nb compare" in capsys.readouterr().err


@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupted_study_of_temperatures_is_neither_complete_nor_dead(at, monkeypatch):
    widget = icon.widgets.temperature_study(SMALL.replace(epochs=2, alpha=0.1 + at / 10), [0.1, 1.0])
    step, stops = widget._step, [KeyboardInterrupt]

    def stopping(temperature, seed, epoch):
        step(temperature, seed, epoch)
        if (temperature, epoch) == (1.0, at) and stops:
            raise stops.pop()

    monkeypatch.setattr(widget, "_step", stopping)
    widget.run()
    assert widget.study.missing == [(1.0, 0)]
    assert "Interrupted" in widget.message
    assert not widget.button.disabled
    widget.run()
    assert not widget.study.missing
    assert {run.status for run, _ in widget.study.runs.values()} == {"complete"}


ODD = {
    "no function": (lambda run: icon.run(on_record=5), "on_record=5: give a function"),
    "no size": (lambda run: icon.run(keep_states="many"), "keep_states='many' is of type str"),
    "a size below zero": (lambda run: icon.run(keep_states=-1), "keep_states=-1 is out of range"),
    "no path": (lambda run: run.save(""), "it is empty"),
    "no config to sweep": (lambda run: icon.sweep("simclr", temperature=[0.1]), "config='simclr' is of type str"),
    "no number of workers": (lambda run: icon.sweep(temperature=[0.1], workers="a"), "workers='a': give a whole number"),
    "one config": (lambda run: icon.run_configs(icon.Config()), "is of type Config: give a list"),
    "configs that are none": (lambda run: icon.run_configs([{}]), "one of the configs={} is of type dict"),
    "no epoch": (lambda run: run.fork([1]), "the weights after this epoch were not kept"),
    "no metric": (lambda run: run.plot(5), "metrics=5 is of type int"),
    "no data set": (lambda run: icon.card(3), "dataset=3 is of type int"),
    "no tensor": (lambda run: icon.loss("simclr")("a"), "z='a' is of type str"),
    "no rows": (lambda run: icon.loss("simclr")(torch.zeros(0, 4), torch.zeros(0, 4)), "n at least 1"),
    "no network": (lambda run: icon.run(dataset="digits", backbone=len), "give an nn.Module"),
    "no change of a sample": (lambda run: icon.run(dataset="digits", augment=lambda x: "a"), "augment cannot change a sample"),
    "no runs": (lambda run: icon.Comparison("abc"), "'a' is of type str: give what icon_nb.run"),
    "no study": (lambda run: icon.widgets.temperature_study("a"), "config='a' is of type str"),
    "no trajectory": (lambda run: icon.dynamics.measure(run), "give results.trajectory"),
    "no trajectory that moves": (lambda run: icon.dynamics.movement(run.embeddings), "give results.trajectory"),
    "no trajectory that turns": (lambda run: icon.dynamics.turning(None), "give results.trajectory"),
    "no headings": (lambda run: player(run, titles=5), "titles=5 is of type int"),
    "no headings of panels": (lambda run: side_by_side([run.trajectory], titles=5), "titles=5 is of type int"),
    "no samples": (lambda run: run.embed(None), "x=None is of type NoneType"),
    "no tracker": (lambda run: icon.run(dataset="digits", log_to=5), "log_to=5"),
    "no tracker of a whole class": (lambda run: icon.run(dataset="digits", log_to=object()), "record(epoch, metrics, model)"),
    "no yes or no": (lambda run: icon.run(dataset="digits", progress="no"), "progress='no' is of type str"),
    "no frames": (lambda run: icon.Trajectory([[1, 2]], [1]), "give a numpy array"),
    "no neighbours": (lambda run: icon.evaluate.knn_accuracy(run.embeddings, run.labels, k="a"), "k >= 1"),
    "a module that is called": (lambda run: icon.evaluate(run), "call icon_nb.evaluate.evaluate"),
    "a run that is scored": (lambda run: icon.evaluate.evaluate(run), "read its results.scores"),
    "scores that are called": (lambda run: run.scores(), "results.scores, without brackets"),
    "no text": (lambda run: icon.Config.from_json(5), "is not JSON"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_cannot_be_used_is_refused_with_the_remedy(case, odd_run):
    act, words = ODD[case]
    with pytest.raises(icon.IconError, match=re.escape(words)):
        act(odd_run)


@pytest.fixture(scope="module")
def odd_run():
    return icon.run(dataset="digits", n_samples=60, epochs=1, max_points=30, quiet=True)


def test_of_no_runs_the_next_step_is_to_train_one():
    assert icon.Comparison([]).next_step.python == "icon.run()"
