"""The subcommands on saved runs, and recipes and sweeps on the command line."""

import json

import numpy as np
import pytest
from PIL import Image

import icon_nb as icon
from icon_nb.errors import SaveError
from icon_nb.interfaces.cli import main
from icon_nb.interfaces.flags import values_of
from icon_nb.study.folders import outputs

TINY = {"n_samples": 200, "epochs": 2, "max_points": 60, "quiet": True, "hidden_dim": 64, "probe": False, "viz": False}
FLAGS = ["--n_samples", "200", "--epochs", "1", "--max_points", "60", "--quiet", "--hidden_dim", "64", "--no_probe", "--no_viz"]


def call(*flags):
    """The exit code of the command line."""
    try:
        return main([str(flag) for flag in flags])
    except SystemExit as stop:
        return stop.code


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with two saved runs of different methods."""
    folder = tmp_path_factory.mktemp("cli") / "playground_runs"
    for name, method in (("one", "simclr"), ("two", "supcon")):
        icon.run(icon.Config(method=method, **TINY)).save(folder / name)
    return folder


@pytest.fixture
def runs(saved, tmp_path, monkeypatch):
    """A copy of them in the working folder."""
    import shutil

    monkeypatch.chdir(tmp_path)
    shutil.copytree(saved, tmp_path / "playground_runs")
    return tmp_path / "playground_runs"


def test_runs_lists_what_there_is_whole_or_not(runs, capsys):
    (runs / "three").mkdir()
    (runs / "three" / "config.json").write_text(icon.Config(method="sne").to_json())
    (runs / "four").mkdir()
    (runs / "four" / "metrics.json").write_text("{")
    (runs / "notes.txt").write_text("x")
    assert call("runs") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run", "dataset", "method", "epochs", "loss", "kNN", "accuracy", "status"]
    assert [line.split()[0] for line in lines[1:]] == ["one", "three", "two"]
    assert lines[1].endswith("complete")
    assert lines[2].endswith("not finished")


def test_runs_of_an_empty_folder_say_so(tmp_path, capsys):
    assert call("runs", "--output_dir", tmp_path / "none") == 0
    assert "there are no runs" in capsys.readouterr().out


def test_show_tells_settings_outcome_and_origin(runs, capsys):
    assert call("show", "one") == 0
    text = capsys.readouterr().out
    diagnosis = str(icon.load(runs / "one").diagnosis)
    for word in ("temperature", "method simclr", "2 epochs", "torch", "files:", "metrics.json", diagnosis):
        assert word in text


def test_compare_writes_the_table_and_pictures_beside_the_runs(runs, capsys):
    assert call("compare", "one", runs / "two", "one") == 0
    printed = capsys.readouterr().out
    (folder,) = runs.glob("comparison_*")
    assert {path.name for path in folder.iterdir()} >= {
        "comparison.json",
        "comparison.gif",
        "curves.png",
        "embeddings.png",
        "table.csv",
        "table.json",
        "table.txt",
    }
    study = icon.load(folder)
    assert str(study.table(baselines=True, seconds=True)) in printed
    assert (folder / "table.txt").read_text().strip() == str(study.table(baselines=True))  # without durations
    assert [run.config.method for run in study] == ["simclr", "supcon"]
    assert call("compare", folder, "--no_viz") == 0
    assert len(list(runs.glob("comparison_*"))) == 2
    assert call("show", folder) == 0
    assert "supcon" in capsys.readouterr().out


def test_probe_keeps_its_scores_with_the_run(runs, capsys):
    before = icon.load(runs / "one")
    assert call("probe", "one") == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("trained", "untrained", "raw", "held out"))
    after = icon.load(runs / "one")
    assert after.__dict__["probes"] == before.probes
    assert np.array_equal(before.embeddings, after.embeddings)


def test_a_run_without_anything_to_probe_is_shown_and_says_so(tmp_path, capsys):
    run = icon.run(icon.Config(method="sne", epochs=1, perplexity=5, quiet=True), data=np.eye(30))
    assert run.probes == {}
    run.save(tmp_path / "run")
    assert call("show", tmp_path / "run") == 0
    assert call("probe", tmp_path / "run") != 0
    assert "nothing to probe" in capsys.readouterr().err


def test_animate_draws_anew_without_training(runs, capsys):
    drawing = ("--projection", "pca", "--fps", "4", "--overlay", "epoch,trails", "--style", "dark", "--tween", "0")
    assert call("animate", "one", *drawing, "--frames") == 0
    assert "projection pca" in capsys.readouterr().out
    with Image.open(runs / "one" / "training_dynamics.gif") as gif:
        assert gif.n_frames == 3
        assert gif.info["duration"] == 250
        assert gif.convert("RGB").getpixel((2, 2)) < (60, 60, 60)
    assert len(list((runs / "one" / "epoch_frames").iterdir())) == 2
    assert call("animate", "one", "--out", "other.png") == 0
    assert (runs.parent / "other.png").exists()


def pictures(folder):
    """The contents of a run's animations and frames, by name."""
    paths = [*folder.glob("training_dynamics*"), *folder.glob("epoch_frames*/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_animate_leaves_the_animation_that_is_there(runs, capsys):
    assert call("animate", "one", "--frames") == 0
    first = pictures(runs / "one")
    assert sorted(first) == ["epoch_frames/epoch_001.png", "epoch_frames/epoch_002.png", "training_dynamics.gif"]
    capsys.readouterr()
    assert call("animate", "one", "--overlay", "none") == 0
    assert f"saved in {runs.name}/one/training_dynamics_2.gif" in capsys.readouterr().out
    assert call("animate", "one", "--overlay", "none", "--frames") == 0
    assert f"saved in {runs.name}/one/epoch_frames_3\n" in capsys.readouterr().out
    after = pictures(runs / "one")
    assert {name: after[name] for name in first} == first
    added = {"training_dynamics_2.gif", "training_dynamics_3.gif"} | {f"epoch_frames_3/epoch_00{k}.png" for k in (1, 2)}
    assert set(after) - set(first) == added
    icon.load(runs / "one")


@pytest.mark.parametrize(
    "flags", [["animate", "one", "--replace"], ["--regen_gif", "--load_dir", "one"]], ids=["animate", "regen_gif"]
)
def test_what_is_replaced_is_said_to_be_and_the_frames_go_with_it(runs, capsys, flags):
    every = "--every" if flags[0] == "animate" else "--gif_every"
    assert call("animate", "one", "--frames") == 0
    (runs / "one" / "epoch_frames" / "mine.png").write_bytes(b"x")
    (runs / "one" / "epoch_frames" / "epoch_007.png").write_bytes(b"of an older drawing")
    first = pictures(runs / "one")
    capsys.readouterr()
    assert call(*flags, every, 1, *(["--overlay", "none"] if flags[0] == "animate" else ["--gif_overlay", "none"])) == 0
    out = capsys.readouterr().out
    assert f"replaced {runs.name}/one/training_dynamics.gif" in out
    assert f"replaced {runs.name}/one/epoch_frames" in out
    after = pictures(runs / "one")
    assert set(first) - set(after) == {"epoch_frames/epoch_007.png"}
    assert {name for name in after if after[name] == first[name]} == {"epoch_frames/mine.png"}


def test_a_gif_alone_is_replaced_alone(runs, capsys):
    assert call("animate", "one", "--replace") == 0
    assert f"saved in {runs.name}/one/training_dynamics.gif" in capsys.readouterr().out
    assert call("--regen_gif", "--load_dir", "one", "--gif_fps", "4") == 0
    assert f"replaced {runs.name}/one/training_dynamics.gif" in capsys.readouterr().out
    assert list(pictures(runs / "one")) == ["training_dynamics.gif"]


def test_the_older_spellings(runs, capsys):
    drawing = ("--gif_fps", "5", "--gif_method", "pca", "--gif_overlay", "seconds+trails")
    assert call("--regen_gif", "--load_dir", runs / "one", *drawing) == 0
    with Image.open(runs / "one" / "training_dynamics.gif") as gif:
        times = [gif.info["duration"] for k in range(gif.n_frames) if gif.seek(k) is None]
    assert sum(times[:-1]) == pytest.approx(2 * 200, rel=0.1)  # of the frames between two epochs, in hundredths of a second
    assert call("--probe-only", "--load-dir", runs / "one") == 0
    assert "untrained" in capsys.readouterr().out
    assert not list(runs.glob("digits_*"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["show", "onee"], "did you mean 'one'"),
        (["animate", "one", "--style", "drak"], "dark"),
        (["animate", "one", "--fps", "fast"], "fps"),
        (["animate", "one", "--out", "x.gif", "--replace"], "--out names a file and --replace"),
        (["probe"], "RUN"),
        (["show", "one", "--colour", "red"], "--colour"),
        (["--regen_gif"], "--load_dir"),
        (["--load_dir", "one"], "--regen_gif"),
        (["--probe_only", "--load_dir", "one", "--epochs", "5"], "epochs=5 has no effect on the saved run"),
        (["animate", "one", "--out", "moving.pgn"], "did you mean '.png'"),
        (["--sweep", "temprature=0.1,0.2"], "did you mean 'temperature'"),
        (["--sweep", "temperature"], "temperature=0.1,0.5"),
        (["--sweep", "temperature=0.1,"], "temperature=0.1,0.5"),
        (["--sweep", "temperature=warm,cold"], "number"),
        (["--sweep", "temperature=0.1,0.2", "--temperature", "0.3"], "leave out --temperature"),
        (["--ablate_embedding_dim", "8,x"], "embedding_dim='x'"),
        (["--recipe", "debiasing", "--ablate_embedding_dim", "8,16"], "one of them"),
        (["--sweep", "seed=0,1", "--workers", "0"], "workers='0'"),
    ],
)
def test_a_bad_request_ends_with_2_and_one_line(runs, capsys, flags, words):
    assert call(*flags) == 2
    error = capsys.readouterr().err
    assert error.startswith("icon-nb")
    assert error.count("\n") == 1
    assert words in error
    assert sorted(path.name for path in runs.iterdir()) == ["one", "two"]


def test_a_recipe_leaves_its_comparison_beside_its_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call("--recipe", "supervised_vs_unsupervised", *FLAGS, "--save_epoch_gifs", "--no_save_frames") == 0
    (folder,) = (tmp_path / "playground_runs").glob("supervised_vs_unsupervised_*")
    written = {path.name for path in folder.iterdir()}
    assert written == {"comparison.json", "comparison.gif", "table.csv", "table.json", "table.txt"}
    study = icon.load(folder)
    assert [run.status for run in study] == ["complete", "complete"]
    assert len(list((tmp_path / "playground_runs").iterdir())) == 3
    assert str(study.table(baselines=True, seconds=True)) in capsys.readouterr().out


def test_ablation_compares_64_with_128_unless_told_otherwise():
    assert values_of({"ablate_embedding_dim": []}) == {"embedding_dim": [64, 128]}
    assert values_of({"ablate_embedding_dim": ["8,16"]}) == {"embedding_dim": [8, 16]}


def test_the_older_spellings_look_where_the_runs_are(runs, tmp_path, capsys):
    runs.rename(tmp_path / "elsewhere")
    assert call("--probe_only", "--load_dir", "one", "--output_dir", tmp_path / "elsewhere") == 0
    assert "untrained" in capsys.readouterr().out


def test_a_sweep_with_a_failed_run_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call("--sweep", "batch_size=64,100000", *FLAGS) == 2
    (folder,) = (tmp_path / "playground_runs").glob("sweep_of_batch_size_*")
    rows = json.loads((folder / "table.json").read_text())["rows"]
    assert [row["batch_size"] for row in rows] == [64, 100000, "smallcnn, untrained", "moving_digits, raw inputs"]
    assert "batch_size=100000" in rows[1]["error"]
    assert "batch_size=100000" in capsys.readouterr().err


def test_a_run_that_diverged_is_kept_in_the_comparison(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--method", "cross_entropy", "--optimizer", "sgd", *FLAGS, "--epochs", "3", "--n_samples", "300"]
    assert call("--sweep", "learning_rate=0.01,1e18", *flags) == 1
    assert "learning_rate=1e+18" in capsys.readouterr().err
    (folder,) = (tmp_path / "playground_runs").glob("sweep_of_learning_rate_*")
    study = icon.load(folder)
    assert [run.status for run in study] == ["complete", "failed"]
    assert study.table()["diagnosis"][1] == "diverged"
    assert study[1].history["epoch"]


def test_ablation_in_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("--ablate_embedding_dim", "4", "8", "--workers", "1", *FLAGS) == 0
    (folder,) = (tmp_path / "playground_runs").glob("sweep_of_embedding_dim_*")
    assert [run.embeddings.shape[1] for run in icon.load(folder)] == [4, 8]


@pytest.mark.parametrize("workers", [[], ["--workers", "1"]])
def test_a_sweep_with_nowhere_to_write_is_refused_before_anything_is_trained(tmp_path, monkeypatch, capsys, workers):
    for module in ("icon_nb.study.run.start", "icon_nb.study.sweep.train_each"):
        monkeypatch.setattr(module, lambda *given, **options: pytest.fail("trained"))
    (tmp_path / "file").write_text("mine")
    assert call("--sweep", "seed=0,1", *workers, *FLAGS, "--output_dir", tmp_path / "file") == 1
    said = capsys.readouterr().err
    assert said.startswith("icon-nb: output_dir=")
    assert said.rstrip().endswith("is a file: choose a folder")
    assert call("--sweep", "seed=0,1", *workers, *FLAGS, "--output_dir", tmp_path / "file" / "below") == 1
    assert "cannot be written (Not a directory)" in capsys.readouterr().err


def fails_once(act):
    """A full disk at the first call."""
    calls = []

    def acts(*given, **options):
        calls.append(given)
        if len(calls) == 1:
            raise SaveError("could not write it: No space left on device")
        return act(*given, **options)

    return acts


def link_once(act):
    """The first folder holds a link to another."""
    calls = []

    def acts(*given):
        folder = act(*given)
        if not calls:
            (folder / "weights").symlink_to(folder.parent)
        calls.append(folder)
        return folder

    return acts


@pytest.mark.parametrize(("fails", "words"), [(fails_once, "No space left"), (link_once, "is a link to another folder")])
def test_a_run_in_a_process_that_cannot_be_saved_does_not_stop_the_others(tmp_path, monkeypatch, capsys, fails, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(outputs, "new_folder", fails(outputs.new_folder))
    assert call("--sweep", "seed=0,1", "--workers", "1", *FLAGS) == 1
    assert words in capsys.readouterr().err
    (folder,) = (tmp_path / "playground_runs").glob("sweep_of_seed_*")
    assert [run.status for run in icon.load(folder)] == ["failed", "complete"]
    assert len(json.loads((folder / "table.json").read_text())["rows"]) >= 1


def test_a_comparison_that_cannot_be_written_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(outputs, "write_comparison", fails_once(None))
    assert call("--sweep", "seed=0,1", *FLAGS) == 1
    said = capsys.readouterr().err
    assert "2 runs" in said
    assert "icon-nb: could not write it" in said
