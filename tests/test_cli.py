"""The command line as a user types it."""

import argparse
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import icon_nb as icon
from icon_nb.animation.options import OPTIONS
from icon_nb.interfaces.cli import COMMANDS, NOT_DRAWN, configs_from, main, parser_of
from icon_nb.interfaces.flags import EXAMPLES, FIRST, STUDY, build_parser, parse
from icon_nb.methods.catalogue import DATASETS
from icon_nb.methods.config import SETTINGS
from icon_nb.methods.methods import METHODS
from icon_nb.methods.recipes import RECIPES
from icon_nb.study.folders.outputs import safe_name

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
QUICK = ["--n_samples", "200", "--max_points", "100"]


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Run the command line in an empty folder: (exit code, run folders)."""
    monkeypatch.chdir(tmp_path)

    def call(*flags):
        try:
            code = main([str(flag) for flag in flags])
        except SystemExit as stop:
            code = stop.code
        return code, sorted((tmp_path / "playground_runs").glob("*")) if (tmp_path / "playground_runs").exists() else []

    return call


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def test_three_overrides_stand_in_config_json(cli, capsys):
    code, runs = cli(
        "--temperature", 0.15, "--divergence", "js", "--embedding_dim", 32, "--epochs", 1, "--no_viz", "--no_probe", *QUICK
    )
    assert code == 0
    config = config_of(runs[0])
    assert (config["temperature"], config["divergence"], config["embedding_dim"]) == (0.15, "js", 32)
    printed = capsys.readouterr().out
    assert "FINAL RESOLVED CONFIGURATION" in printed
    assert [line.split() for line in printed.splitlines() if line.split()[:1] == ["temperature"]] == [
        ["temperature", "0.15", "flag"]
    ]


def test_frames_and_gif(cli):
    code, runs = cli("--epochs", 3, "--save_epoch_gifs", "--no_viz", "--no_probe", *QUICK)
    assert code == 0
    frames = sorted(path.name for path in (runs[0] / "epoch_frames").iterdir())
    assert frames == ["epoch_001.png", "epoch_002.png", "epoch_003.png"]
    gifs = list(runs[0].rglob("*.gif"))
    assert [gif.name for gif in gifs] == ["training_dynamics.gif"]
    with Image.open(gifs[0]) as gif:
        assert gif.n_frames == 22  # four epochs, and the frames between them
        assert gif.info["loop"] == 0


def test_without_the_flag_there_are_no_frames(cli):
    _, runs = cli("--epochs", 2, "--no_viz", "--no_probe", *QUICK)
    assert {path.name for path in runs[0].iterdir()} == {
        "config.json",
        "metrics.json",
        "embeddings.npz",
        "model.pt",
        "optimizer.pt",
        "provenance.json",
    }


def test_save_checkpoints_keeps_the_weights_of_every_recorded_epoch(cli):
    _, runs = cli("--epochs", 2, "--save_checkpoints", "--no_viz", "--no_probe", *QUICK)
    kept = sorted(path.name for path in (runs[0] / "weights").iterdir())
    assert kept == [f"epoch_{k:03d}{suffix}" for k in range(3) for suffix in (".optimizer.pt", ".pt")]
    last, whole = (torch.load(path, weights_only=True) for path in (runs[0] / "weights" / "epoch_002.pt", runs[0] / "model.pt"))
    assert all(torch.equal(last[name], whole[name]) for name in whole)


def test_no_save_frames_leaves_the_gif_alone(cli):
    _, runs = cli("--epochs", 1, "--save_epoch_gifs", "--no_save_frames", "--no_viz", "--no_probe", *QUICK)
    assert (runs[0] / "training_dynamics.gif").exists()
    assert not (runs[0] / "epoch_frames").exists()


def test_plots_and_probes_are_there_unless_switched_off(cli):
    _, runs = cli("--epochs", 1, *QUICK)
    assert json.loads((runs[0] / "metrics.json").read_text())["probes"]["trained"]["linear_probe"] > 0.5
    assert {path.name for path in runs[0].glob("*.png")} == {"curves.png", "embedding.png"}


def test_a_recipe_carries_the_override_into_every_run(cli):
    code, runs = cli("--recipe", "simclr_vs_sne", "--temperature", 0.2, "--epochs", 1, "--no_viz", "--no_probe", *QUICK)
    assert code == 0
    configs = [config_of(run) for run in runs if (run / "config.json").exists()]
    assert sorted(config["method"] for config in configs) == ["simclr", "sne"]
    assert {config["temperature"] for config in configs} == {0.2}


def test_hyphens_and_underscores_and_other_spellings(cli):
    _, runs = cli("--icon-mode", "supcon", "--lr", 0.002, "--embedding-dim", 8, "--epochs=1", "--no-viz", "--probe=false", *QUICK)
    config = config_of(runs[0])
    assert (config["method"], config["learning_rate"], config["embedding_dim"], config["viz"], config["probe"]) == (
        "supcon",
        0.002,
        8,
        False,
        False,
    )


def test_a_file_loses_against_a_flag(cli, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"temperature": 0.3, "embedding_dim": 16}))
    _, runs = cli("--config", "mine.json", "--temperature", 0.5, "--epochs", 1, "--no_viz", "--no_probe", *QUICK)
    config = config_of(runs[0])
    assert (config["temperature"], config["embedding_dim"]) == (0.5, 16)
    sources = json.loads((runs[0] / "provenance.json").read_text())["sources"]
    assert (sources["temperature"], sources["embedding_dim"]) == ("flag", "file mine.json")


def test_a_saved_config_runs_again_to_the_same_numbers(cli):
    _, runs = cli("--epochs", 1, "--no_viz", "--no_probe", *QUICK)
    _, again = cli("--config", runs[0] / "config.json")
    other = next(run for run in again if run != runs[0])
    assert np.array_equal(icon.load(runs[0]).embeddings, icon.load(other).embeddings)


def test_nothing_is_ever_overwritten(cli):
    for _ in range(2):
        code, runs = cli("--run_name", "../../x", "--epochs", 0, "--no_viz", "--no_probe", *QUICK)
        assert code == 0
    assert [run.name for run in runs] == ["x", "x-2"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--recpie", "x"], ["--recpie", "--recipe"]),
        (["--recipe", "simclr_vs_sme"], ["did you mean 'simclr_vs_sne'?"]),
        (["--method", "simclir"], ["did you mean 'simclr'?"]),
        (["--temperature", "warm"], ["temperature='warm'", "number"]),
        (["--temperature", "0"], ["temperature", "greater than 0"]),
        (["--epochs", "1.5"], ["epochs='1.5'", "whole number"]),
        (["--probe=maybe"], ["probe='maybe'"]),
        (["--divergence", "ks"], ["js"]),
        (["something"], ["unknown command something"]),
        (["--config", "nowhere.json"], ["nowhere.json", "No such file"]),
        (["--perplexity", "5"], ["no effect"]),
        (["--dataset", "mnits"], ["mnist"]),
        (["--sweep", "icon_mode=sne,tsne"], ["icon_mode", "write 'method'"]),
    ],
)
def test_a_bad_request_ends_with_2_and_one_line(cli, capsys, flags, words):
    code, runs = cli(*flags)
    error = capsys.readouterr().err
    assert (code, runs) == (2, [])
    assert error.count("\n") == 1
    assert all(word in error for word in words)


def test_data_that_are_not_there_are_one_clear_error(cli, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ICON_NB_DATA", str(tmp_path / "cache"))
    (tmp_path / "empty").mkdir()
    code, _ = cli("--dataset", "mnist", "--data_dir", tmp_path / "empty", "--epochs", 1)
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("icon-nb:")]
    assert code == 1
    assert len(error) == 1
    assert "mnist" in error[0]
    assert str(tmp_path / "empty") in error[0]


def test_a_read_only_output_folder_is_a_clear_error(cli, capsys, tmp_path):
    (tmp_path / "taken").write_text("mine")
    code, _ = cli("--output_dir", tmp_path / "taken", "--epochs", 0)
    assert code == 1
    assert "output_dir" in capsys.readouterr().err


def test_a_diverged_run_is_saved_as_failed(cli, capsys):
    code, runs = cli("--method", "cross_entropy", "--optimizer", "sgd", "--lr", 1e18, "--epochs", 4, "--no_viz", *QUICK)
    assert code == 1
    assert icon.load(runs[0]).status == "failed"
    assert "learning_rate" in capsys.readouterr().err


def test_every_setting_is_a_flag_and_help_shows_it(capsys):
    parser = build_parser()
    for name in SETTINGS:
        assert f"--{name}" in parser.format_help()
    assert parse(parser, ["--save-epoch-gifs", "--gif_fps", "5"]) == {"save_epoch_gifs": True, "gif_fps": 5.0}
    assert "examples:" in parser.format_help()


@pytest.mark.parametrize(
    "flags", [["--help"], ["--help", "all"], ["methods"], ["animate", "--help"], ["--version"]], ids=" ".join
)
def test_what_only_prints_answers_without_torch(flags):
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "icon_nb", *flags], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout
    assert "torch" not in done.stderr


def test_help_fits_a_screen_and_the_whole_of_it_is_a_word_away(capsys):
    pages = {}
    for flags in (("--help",), ("-h",), ("--help", "all"), ("--help-all",), ("--temperature", "0.1", "--help")):
        assert main_code(flags) == 0
        pages[flags] = capsys.readouterr().out
    first = pages[("--help",)]
    assert first == pages[("-h",)] == pages[("--temperature", "0.1", "--help")]
    assert 24 <= first.count("\n") <= 40
    assert max(map(len, first.splitlines())) <= 100
    assert all(f"\n  {name}" in first for name in COMMANDS)
    assert set(re.findall(r"^  --(\w+)", first, re.M)) == set(FIRST)
    assert pages[("--help", "all")] == pages[("--help-all",)]
    assert all(f"--{name}" in pages[("--help-all",)] for name in (*SETTINGS, *STUDY))


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_the_help_is_understood(line):
    assert configs_from(parse(build_parser(), line.split()[1:]))[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_each_of_its_flags_in_words(name, capsys):
    assert main_code([name, "--help"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert COMMANDS[name].about[1:] in page
    helps = [action.help for action in parser_of(name)._actions if action.help != argparse.SUPPRESS]
    assert all(help and len(help.split()) >= 3 for help in helps)
    assert len(set(helps)) == len(helps)


def test_the_flags_of_animate_are_the_options_that_a_shell_can_give():
    parser = parser_of("animate")
    options = set(OPTIONS)
    assert options & {action.dest for action in parser._actions} == options - set(NOT_DRAWN)


def test_lists_have_a_line_for_each_row_of_their_table(capsys, monkeypatch):
    monkeypatch.setitem(METHODS, "toy", replace(METHODS["simclr"], name="toy", title="A toy"))
    for command, table in (("methods", METHODS), ("datasets", DATASETS), ("recipes", RECIPES)):
        assert main_code([command]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines if line[0] != " "][: len(table)] == list(table)
        assert max(map(len, lines)) <= 100


def test_names_stay_in_their_folder():
    assert safe_name("../../x") == "x"
    assert safe_name("a/b\\c:d") == "a_b_c_d"
    assert safe_name("...") == "run"


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the real MNIST files are not beside the checkout")
def test_mnist_from_files(cli):
    code, runs = cli(
        "--dataset",
        "mnist",
        "--data_dir",
        DATA,
        "--n_samples",
        1000,
        "--epochs",
        1,
        "--temperature",
        0.1,
        "--no_viz",
        "--no_probe",
    )
    assert code == 0
    assert config_of(runs[0])["temperature"] == 0.1
    assert icon.load(runs[0]).embeddings.shape == (2000, 128)


@pytest.mark.parametrize(
    ("settings", "flags", "words"),
    [
        ({"temperature": -3}, [], "c.json: temperature=-3 is out of range"),
        ({"epochs": "three"}, [], "c.json: epochs='three'"),
        ({"temperature": 0.3}, ["--method", "pca"], "c.json: temperature has no effect"),
        ({"lr": 0.3}, [], "c.json: 'lr' is not a setting; write 'learning_rate', of which --lr is another spelling"),
        ({"seed": 3}, ["--temperature", "-3"], "icon-nb: temperature=-3"),
    ],
)
def test_a_wrong_value_in_a_file_names_the_file(cli, capsys, settings, flags, words):
    Path("c.json").write_text(json.dumps(settings))
    assert cli("--config", "c.json", *flags) == (2, [])
    assert words in capsys.readouterr().err


def test_two_spellings_of_one_setting_are_refused(capsys):
    assert main_code(["--lr", "0.1", "--learning_rate", "0.2"]) == 2
    assert "--lr and --learning_rate are the same setting" in capsys.readouterr().err
    assert main_code(["--method", "simclr", "--icon_mode", "sne"]) == 2
    assert main_code(["--seed", "1", "--seed", "x"]) == 2  # the later one counts, and is wrong
    assert "seed" in capsys.readouterr().err


MISTYPED = {"rcipes": "recipes", "comapre": "compare", "shwo": "show", "anmate": "animate"}


@pytest.mark.parametrize(("typed", "meant"), MISTYPED.items())
def test_a_mistyped_command_is_answered_with_a_command(typed, meant, capsys):
    assert main_code([typed, "x"]) == 2
    assert f"unknown command {typed}; did you mean {meant!r}?" in capsys.readouterr().err


def test_a_value_that_is_swept_twice_is_refused(capsys):
    assert main_code(["--sweep", "seed=0,1", "--sweep", "temperature=0.1,0.10"]) == 2
    assert "seed=0, temperature=0.1 is asked for twice" in capsys.readouterr().err


def test_a_run_is_resumed_by_its_name(tmp_path, capsys):
    flags = ["--n_samples", "100", "--epochs", "2", "--quiet", "--no_probe", "--no_viz", "--output_dir", str(tmp_path)]
    assert main_code([*flags, "--run_name", "one"]) == 0
    assert main_code(["--resume", "one", "--output_dir", str(tmp_path)]) == 0
    assert main_code(["--resume", "two", "--output_dir", str(tmp_path)]) == 2
    assert "'two' is not the folder of a run" in capsys.readouterr().err


def main_code(argv):
    try:
        return main(argv)
    except SystemExit as stop:
        return stop.code
