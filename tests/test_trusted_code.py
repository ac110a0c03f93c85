"""Opening what somebody else saved never runs their code: not a saved run, not a comparison, not a run that is resumed."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import icon_nb as icon
from icon_nb.errors import DataError
from icon_nb.files import digest
from icon_nb.interfaces.cli import main
from icon_nb.study.folders.store import RECORD, to_json

SMALL = {"n_samples": 100, "epochs": 2, "max_points": 60, "hidden_dim": 16, "quiet": True, "probe": False, "viz": False}
REMEDIES = r"--trust-code.*results\.dataset = "
FILE = """
from pathlib import Path
import numpy as np
Path({marker!r}).write_text("ran")
X = dict(np.load({data!r}))
"""


def write_code(folder, data):
    """Write evil.py, which gives the data and leaves a marker where it is run; returns the path of the marker."""
    (folder / "evil.py").write_text(FILE.format(marker=str(folder / "marker"), data=str(data)))
    return folder / "marker"


def call(*flags):
    """The exit code of the command line."""
    try:
        return main([str(flag) for flag in flags])
    except SystemExit as stop:
        return stop.code


def forge(folder, dataset):
    """Let the saved run in a folder name another data set, with every checksum right."""
    settings = json.loads((folder / "config.json").read_text())
    mark = json.loads((folder / RECORD).read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"dataset": dataset}))
    mark.pop("checksum")
    mark["files"]["config.json"] = digest((folder / "config.json").read_bytes())
    mark = json.loads(to_json(mark))
    (folder / RECORD).write_bytes(to_json({**mark, "checksum": digest(to_json(mark))}))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A file of digits."""
    digits, file = icon.data.load("digits"), tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(file, **{name: getattr(digits, name).numpy() for name in ("x", "y", "x_test", "y_test")})
    return file


@pytest.fixture(scope="module")
def honest(data, tmp_path_factory):
    """A saved comparison of two runs on it."""
    folder = tmp_path_factory.mktemp("honest") / "study"
    icon.sweep(icon.Config(dataset=f"embeddings:{data}", **SMALL), temperature=[0.1, 0.5]).save(folder)
    return folder


@pytest.fixture
def door(honest, data, tmp_path, monkeypatch):
    """The same, forged: the folder of a run, that of the comparison, and the file that tells whether the code ran."""
    monkeypatch.chdir(tmp_path)
    marker = write_code(tmp_path, data)
    study = tmp_path / "playground_runs" / "study"
    shutil.copytree(honest, study)
    record = json.loads((study / "comparison.json").read_text())
    for entry in record["runs"]:
        forge(study / entry["folder"], "custom:evil.py:X")
        del entry["scores"]
    (study / "comparison.json").write_text(json.dumps(record))
    shutil.copytree(study / record["runs"][0]["folder"], study.parent / "one")
    return study.parent / "one", study, marker


def test_a_saved_run_is_looked_at_without_its_code(door):
    path, _, marker = door
    run = icon.load(path)
    looks = (repr, str, lambda run: run.summary(), lambda run: run.diagnosis, lambda run: run._repr_mimebundle_())
    draws = (lambda run: run.animate().to_bytes(), lambda run: run.player()._repr_html_(), lambda run: run.plot())
    assert all(look(run) for look in (*looks, *draws))
    for ask in (lambda: run.scores, lambda: run.probes, run.data, lambda: run.embed(np.zeros((1, 8, 8)))):
        with pytest.raises(DataError, match=REMEDIES):
            ask()
    assert not marker.exists()


def test_a_copy_of_a_run_is_trusted_no_more_than_the_run(door):
    path, _, marker = door
    with pytest.raises(DataError, match=REMEDIES):
        dataclasses.replace(icon.load(path)).data()
    assert not marker.exists()


def test_a_saved_comparison_is_looked_at_without_its_code(door):
    _, path, marker = door
    study = icon.load(path)
    looks = (
        repr,
        lambda s: s.summary(),
        lambda s: s.animate().to_bytes(),
        lambda s: s.player()._repr_html_(),
        lambda s: s.plot(),
    )
    assert all(look(study) for look in looks)
    text = " ".join(str(study).split())
    assert "--trust-code" in text
    assert "results.dataset = " in text
    assert "--trust-code" in study._repr_html_()
    rows = study.table(baselines=True).rows
    assert all(np.isnan(row["neighbourhood_preservation"]) and 0 < row["knn"] <= 1 for row in rows)
    assert not marker.exists()


def test_data_that_are_given_bring_the_scores(door, data):
    path, folder, marker = door
    run, study = icon.load(path), icon.load(folder)
    with pytest.raises(DataError):
        run.scores  # noqa: B018  asked for, not used
    assert str(study)
    for each in (run, *study):
        each.dataset = icon.data.load(f"embeddings:{data}", n_samples=100)
        assert 0.5 < each.scores["neighbourhood_preservation"] <= 1
        assert each.probes["trained"]["knn"] > 0.2
    assert "--trust-code" not in str(study)
    assert not marker.exists()


def test_code_that_is_trusted_is_run(door):
    path, folder, marker = door
    for run in (icon.load(path, trust_code=True), *icon.load(folder, trust_code=True)):
        assert run.scores["neighbourhood_preservation"] > 0.5
    assert marker.exists()


def test_scores_that_were_saved_are_believed(door):
    path, _, marker = door
    icon.Comparison([icon.load(path), icon.load(path)]).save("unscored")
    assert all("scores" not in entry for entry in json.loads(Path("unscored/comparison.json").read_text())["runs"])
    icon.Comparison([icon.load(path, trust_code=True)]).save("scored")
    marker.unlink()
    assert icon.load("scored")[0].scores["neighbourhood_preservation"] > 0.5
    assert "--trust-code" not in str(icon.load("scored"))
    assert not marker.exists()


@pytest.mark.parametrize(
    "command",
    [("show", "one"), ("show", "study"), ("compare", "study"), ("compare", "study", "--no_viz"), ("probe", "one")]
    + [
        ("--probe_only", "--load_dir", "playground_runs/one"),
        ("--resume", "one"),
        ("--config", "playground_runs/one/config.json"),
    ],
    ids=" ".join,
)
def test_a_command_says_what_it_needs_and_runs_nothing_until_it_is_trusted(door, command, capsys):
    marker = door[2]
    code = call(*command)
    said = " ".join("".join(capsys.readouterr()).split())
    assert "--trust-code" in said
    assert "custom:evil.py:X" in said
    assert code == (0 if command[0] in ("show", "compare") else 2)
    assert not marker.exists()
    assert call(*command, "--trust-code") == 0
    assert "--trust-code" not in "".join(capsys.readouterr())
    assert marker.exists()


def test_show_prints_the_scores_of_trusted_code(door, capsys):
    assert call("show", "one") == 0
    assert "linear_probe" not in capsys.readouterr().out
    assert call("show", "one", "--trust_code") == 0
    assert "raw" in capsys.readouterr().out


@pytest.mark.parametrize("command", [("animate", "one"), ("--regen_gif", "--load_dir", "playground_runs/one")], ids=" ".join)
def test_an_animation_needs_no_data(door, command):
    assert call(*command) == call(*command, "--trust-code") == 0
    assert not door[2].exists()


@pytest.fixture
def stopped(data, tmp_path, monkeypatch):
    """A run on code, typed by a person, that was stopped after an epoch; the code has not run since."""
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)
    monkeypatch.chdir(tmp_path)
    marker = write_code(tmp_path, data)

    def stop(record, recorder):
        if record.epoch == 1:
            raise KeyboardInterrupt

    icon.run(dataset="custom:evil.py:X", **SMALL, save_to=tmp_path / "run", on_record=stop)
    marker.unlink()
    return tmp_path / "run", marker


def test_resuming_runs_only_what_was_typed_or_trusted(stopped, capsys):
    run, marker = stopped
    assert call("--resume", run) == 2
    assert "--trust-code" in capsys.readouterr().err
    assert not marker.exists()
    assert call("--resume", run, "--dataset", "custom:evil.py:X") == 0
    assert marker.exists()
    assert icon.load(run).status == "complete"


def test_a_typed_config_goes_on_in_python(stopped):
    run, marker = stopped
    config = icon.Config(dataset="custom:evil.py:X", **SMALL)
    icon.run(config, save_to=run, resume=True)
    assert icon.run(config, save_to=run, resume=True).scores["neighbourhood_preservation"] > 0.5


def test_a_study_on_code_that_was_typed_is_read_again_whole(stopped):
    values = {"temperature": [0.1, 0.5], "save_to": "study", "progress": False}
    config = icon.Config(dataset="custom:evil.py:X", **SMALL)
    for study in (icon.sweep(config, **values), icon.sweep(config, **values)):
        assert "--trust-code" not in str(study)


def test_a_flag_of_trust_needs_something_to_trust(capsys):
    assert call("--trust-code", "--dataset", "digits") == 2
    assert "no effect" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_a_file_of_arrays_is_never_unpickled(door, suffix):
    import torch

    path, _, marker = door
    file = f"arrays{suffix}"
    write = {".npy": np.save, ".npz": np.savez, ".pt": lambda name, value: torch.save(value, name)}[suffix]
    write(file, np.array([Mischief(str(marker))], object))
    forge(path, f"embeddings:{file}")
    with pytest.raises(DataError, match="plain arrays"):
        icon.load(path).data()
    assert not marker.exists()


class Mischief:
    """Unpickled, it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return eval, (f"open({self.path!r}, 'w').close()",)
