"""A file that was written anew is other data: nothing that was trained on the old is taken for a run on the new."""

import json
import shutil

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import DataError
from icon_nb.files import digest
from icon_nb.interfaces.cli import main
from icon_nb.study.folders.store import RECORD, to_json

SMALL = {"method": "sne", "backbone": "mlp", "batch_size": 30, "perplexity": 5.0, "epochs": 4, "hidden_dim": 8}
SMALL |= {"quiet": True, "viz": False, "probe": False}


@pytest.fixture(autouse=True)
def _keep_what_there_is(monkeypatch):
    monkeypatch.delenv("ICON_NB_STRICT", raising=False)


@pytest.fixture
def file(tmp_path):
    """A function that writes the data file, with contents by number, and the config that names it."""

    def write(number, part="x"):
        rng = [np.random.default_rng(number if name == part else 0) for name in ("x", "x_test")]
        x, x_test = (each.normal(size=(60, 5)).astype("f") for each in rng)
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(60) % 2, x_test=x_test, y_test=np.arange(60) % 2)

    write(0)
    return write, icon.Config(dataset=f"embeddings:{tmp_path / 'a.npz'}", **SMALL)


def stop_at(epoch):
    def stop(record, recorder):
        if record.epoch == epoch:
            raise KeyboardInterrupt

    return stop


@pytest.mark.parametrize("part", ["x", "x_test"])
@pytest.mark.parametrize("options", [{}, {"workers": 1}], ids=["here", "workers"])
def test_a_sweep_runs_again_what_was_trained_on_the_old_contents(file, tmp_path, part, options):
    write, config = file
    values = {"temperature": [0.5, 1.0], "save_to": tmp_path / "study", "progress": False, **options}
    before = icon.sweep(config, **values)
    again = icon.sweep(config, **values)
    assert [run.provenance["started"] for run in again] == [run.provenance["started"] for run in before]
    write(1, part)
    after = icon.sweep(config, **values)
    fresh = icon.sweep(config, **{**values, "save_to": None})
    for run, old, new in zip(after, before, fresh):
        assert np.array_equal(run.embeddings, new.embeddings)
        assert not np.array_equal(run.embeddings, old.embeddings)
        assert torch.equal(run.data().x_test, new.data().x_test)
    assert [run.provenance["dataset"] for run in icon.load(tmp_path / "study")] == [run.provenance["dataset"] for run in fresh]


def test_where_the_file_is_gone_a_sweep_reads_what_it_kept(file, tmp_path):
    _, config = file
    before = icon.sweep(config, seed=[0], save_to=tmp_path / "study", progress=False)
    (tmp_path / "a.npz").unlink()
    after = icon.sweep(config, seed=[0], save_to=tmp_path / "study", progress=False)
    assert np.array_equal(before[0].embeddings, after[0].embeddings)
    assert after[0].dataset is None


@pytest.mark.parametrize("part", ["x", "x_test"])
@pytest.mark.parametrize("left", ["interrupted", "killed", "finished"])
def test_a_run_is_not_gone_on_with_on_other_data(file, tmp_path, left, part):
    write, config = file
    folder = tmp_path / "run"
    icon.run(config, save_to=folder, on_record=None if left == "finished" else stop_at(2))
    if left == "killed":
        (folder / RECORD).unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    write(1, part)
    with pytest.raises(DataError, match=r"run holds a run that was trained on other contents .*put the old data back, or choose"):
        icon.run(config, save_to=folder, resume=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    write(0)
    assert icon.run(config, save_to=folder, resume=True).history["loss"] == icon.run(config).history["loss"]


def test_runs_saved_before_there_was_a_fingerprint_are_known_by_inputs_and_labels(file, tmp_path):
    write, config = file
    values = {"seed": [0], "save_to": tmp_path / "study", "progress": False}
    icon.sweep(config, **values)
    folder = next(path.parent for path in (tmp_path / "study").glob("*/provenance.json"))
    provenance = json.loads((folder / "provenance.json").read_text())
    provenance["started"] = "earlier"
    del provenance["dataset"]["fingerprint"]
    (folder / "provenance.json").write_text(json.dumps(provenance))
    mark = json.loads((folder / RECORD).read_text())
    del mark["checksum"]
    mark["files"]["provenance.json"] = digest((folder / "provenance.json").read_bytes())
    (folder / RECORD).write_bytes(to_json({**mark, "checksum": digest(to_json(mark))}))
    assert len(icon.load(folder).data()) == 60
    assert icon.sweep(config, **values)[0].provenance["started"] == "earlier"
    write(1)
    with pytest.raises(DataError, match="with other contents"):
        icon.load(folder).data()
    assert icon.sweep(config, **values)[0].provenance["started"] != "earlier"


def test_a_loaded_run_does_not_take_other_held_out_samples_for_its_own(file, tmp_path):
    write, config = file
    saved = icon.run(config).save(tmp_path / "run")
    write(1, "x_test")
    with pytest.raises(DataError, match="with other contents"):
        icon.load(saved).data()


def test_runs_before_and_after_the_change_are_two_in_a_comparison(file, tmp_path, capsys):
    write, config = file
    for number in (0, 1):
        write(number)
        icon.run(config).save(tmp_path / f"run-{number}")
    shutil.copytree(tmp_path / "run-0", tmp_path / "copy")
    runs = [str(tmp_path / name) for name in ("run-0", "run-1", "copy")]
    assert main(["compare", *runs, "--no_viz", "--output_dir", str(tmp_path / "out")]) == 0
    assert "comparison: 2 runs" in capsys.readouterr().out
