"""What to try next: the row that fits a real run of each kind, and lines that run as they stand."""

import shlex

import numpy as np
import pytest
from PIL import Image

import icon_nb as icon
from icon_nb.errors import DataError, TrainingError
from icon_nb.interfaces.cli import main
from icon_nb.study.next_step import ROWS, Evidence

SMALL = {"dataset": "digits", "n_samples": 300, "max_points": 200, "quiet": True}
PLANE = {"embedding_dim": 3, "hidden_dim": 32, "epochs": 30}

RUNS = {
    "weight decay": {"method": "cross_entropy", "weight_decay": 10.0, "n_samples": 1297},
    "temperature": {"temperature": 1e-4},
    "learning rate": {"learning_rate": 1.0},
    "epochs": {"epochs": 1},
    "nothing learned": {"learning_rate": 1e-8},
    "fell": {"method": "vicreg", "epochs": 20},
    "easy data": {"epochs": 20},
    "without labels": {"method": "supcon", "embedding_dim": 4, "epochs": 30},
    "perplexity": {"method": "sne", "epochs": 200},
    "temperatures": PLANE,
    "neighbours": {**PLANE, "embedding_dim": 6, "temperature": 0.3, "gif_method": "pca"},
    "distances": {**PLANE, "embedding_dim": 6, "temperature": 0.3, "gif_method": "tsne"},
    "seeds": {**PLANE, "temperature": 0.3},
}


@pytest.fixture(scope="module")
def made():
    """Runs by the name of their row, each trained once."""
    done = {}

    def make(name):
        if name not in done:
            try:
                done[name] = icon.run(**{**SMALL, **RUNS[name]})
            except TrainingError as error:
                done[name] = error.results
        return done[name]

    return make


def row_of(run):
    evidence = Evidence(run, run.diagnosis.verdict, run.diagnosis.since)
    return next(name for name, row in ROWS.items() if row.fits(evidence))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_each_kind_is_told_what_to_try(made, name):
    run = made(name)
    assert row_of(run) == name
    assert run.next_step.sentence == ROWS[name].sentence


@pytest.mark.parametrize("name", RUNS)
def test_the_line_runs_as_it_stands(made, name):
    run = made(name)
    line = run.next_step.python
    done = eval(line, {"icon": icon, "results": run})
    if ROWS[name].what == "animate":
        assert done.options.projection == ("tsne" if name == "neighbours" else "pca3")
    else:
        runs = done if ROWS[name].what == "sweep" else [done]
        assert all(each.status == "complete" for each in runs)
        assert all(each.config != run.config for each in runs if ROWS[name].what == "run")


@pytest.mark.parametrize("name", RUNS)
def test_the_command_runs_and_means_the_same(made, name, tmp_path):
    run = made(name)
    words = shlex.split(run.next_step.command.replace("RUN", str(tmp_path / "run")))
    assert words[0] == "icon-nb"
    if ROWS[name].what == "animate":
        run.save(tmp_path / "run")
        assert main(words[1:]) == 0
        assert (tmp_path / "run" / "training_dynamics.gif").exists()
        return
    assert main([*words[1:], "--epochs", "1", "--output_dir", str(tmp_path), "--no_viz", "--no_probe"]) == 0
    folders = [path for path in tmp_path.iterdir() if (path / "config.json").exists()]
    assert len(folders) == (3 if ROWS[name].what == "sweep" else 1)


def test_every_row_has_a_run():
    assert set(ROWS) == {*RUNS, "interrupted", "stopped"}


def test_an_interrupted_run_is_to_be_trained_to_its_end(monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stop(record, recorder):
        if record.epoch == 1:
            raise KeyboardInterrupt

    run = icon.run(**SMALL, epochs=2, on_record=stop)
    assert row_of(run) == "interrupted"
    assert eval(run.next_step.python, {"icon": icon}).history["epoch"] == [0, 1, 2]


def test_a_run_that_an_error_stopped_is_to_be_run_again_when_it_is_put_right(tmp_path):
    for k in range(40):
        (tmp_path / str(k % 2)).mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 6 * k, np.uint8)).save(tmp_path / str(k % 2) / f"{k}.png")

    def lose(record, recorder):
        for path in tmp_path.rglob("*.png"):
            path.unlink()

    with pytest.raises(DataError) as stopped:
        icon.run(dataset=f"folder:{tmp_path}", stream="always", batch_size=8, epochs=3, quiet=True, on_record=lose)
    run = stopped.value.results
    assert row_of(run) == "stopped"
    assert f"folder:{tmp_path}" in run.next_step.command


def test_only_what_somebody_chose_stands_in_the_line_also_after_loading(made, tmp_path):
    run = made("epochs")
    assert run.next_step.python == "icon.run(dataset='digits', n_samples=300, epochs=10, max_points=200, quiet=True)"
    assert icon.load(run.save(tmp_path / "run")).next_step == run.next_step


def test_data_of_your_own_stay_in_the_line():
    x = np.random.default_rng(0).normal(size=(60, 4))
    run = icon.run(method="supcon", backbone="mlp", batch_size=16, epochs=1, quiet=True, data=(x, np.arange(60) % 3))
    assert "data=data" in run.next_step.python
    assert eval(run.next_step.python, {"icon": icon, "data": (x, np.arange(60) % 3)}).config.epochs == 10


def test_a_step_that_what_was_given_rules_out_is_passed_over():
    run = icon.run(method="sne", epochs=100, quiet=True, data=np.random.default_rng(0).normal(size=(3, 4)))
    assert row_of(run) == "perplexity"
    assert run.next_step.sentence == ROWS["seeds"].sentence


def test_a_notebook_and_the_command_line_say_it(made, tmp_path, capsys):
    run = made("epochs")
    page = run._repr_mimebundle_()["text/html"]
    assert run.next_step.sentence in page
    assert "<code>icon.run(dataset=&#x27;digits&#x27;" in page
    flags = [
        "--dataset",
        "digits",
        "--n_samples",
        "300",
        "--max_points",
        "200",
        "--epochs",
        "1",
        "--quiet",
        "--no_viz",
        "--no_probe",
    ]
    assert main([*flags, "--output_dir", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    said = f"next: {ROWS['epochs'].sentence}\n      icon-nb --dataset digits"
    assert said in printed
    (folder,) = tmp_path.iterdir()
    assert main(["show", str(folder)]) == 0
    assert said in capsys.readouterr().out


STUDIES = {
    "more seeds": {"temperature": [0.05, 0.2]},
    "beyond the end": {"temperature": [0.2, 20.0, 2000.0]},
    "the best": {"temperature": [0.05, 0.2], "seed": [0, 1]},
    "failed": {"learning_rate": [1e-3, 1e20]},
}


@pytest.mark.parametrize("name", STUDIES)
def test_several_runs_are_told_what_to_try_and_the_line_runs(name):
    study = icon.sweep(icon.Config(**SMALL, epochs=4, embedding_dim=8), progress=False, **STUDIES[name])
    step = study.next_step
    said = {"more seeds": "of the dice", "beyond the end": "beyond it", "the best": "highest kNN accuracy", "failed": "failed"}
    assert said[name] in step.sentence
    done = eval(step.python, {"icon": icon, "study": study})
    if name == "more seeds":
        assert [(run.config.temperature, run.config.seed) for run in done][:3] == [(0.05, 0), (0.05, 1), (0.05, 2)]
    if name == "beyond the end":
        assert [run.config.temperature for run in done] == [0.2, 0.002, 2e-05]
    assert step.html in study._repr_html_()


def test_a_comparison_of_runs_that_nobody_swept_names_a_step(made):
    study = icon.Comparison([made("seeds"), made("neighbours")])
    assert study.next_step.sentence
    assert icon.Comparison([made("seeds")]).next_step.python


def test_without_labels_no_run_is_called_the_best():
    x = np.random.default_rng(0).normal(size=(60, 4))
    base = icon.Config(method="sne", dataset=x, epochs=2, quiet=True)
    study = icon.sweep(base, progress=False, perplexity=[3.0, 5.0, 8.0], seed=[0, 1])
    assert "highest" not in study.next_step.sentence


def test_a_saved_run_that_was_interrupted_is_told_to_be_resumed(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)

    def stop(record, recorder):
        if record.epoch == 1:
            raise KeyboardInterrupt

    icon.run(**SMALL, epochs=2, on_record=stop, save_to=tmp_path / "a run", probe=False, viz=False, save_epoch_gifs=False)
    main(["show", str(tmp_path / "a run")])
    command = next(line.strip() for line in capsys.readouterr().out.splitlines() if "icon-nb" in line)
    assert command == f"icon-nb --resume '{tmp_path / 'a run'}'"
    assert main(shlex.split(command)[1:]) == 0
    assert icon.load(tmp_path / "a run").history["epoch"] == [0, 1, 2]
