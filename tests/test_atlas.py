"""The gap atlas: what it measures, that a killed one goes on, on any executor, and the one that ships."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.decomposition import PCA

import icon_nb as icon
from icon_nb.errors import ConfigError, LoadError, SaveError
from icon_nb.evaluation.trajectory import choose_points
from icon_nb.interfaces.cli import main
from icon_nb.methods import axes
from icon_nb.methods.periodic import FILES, KEY, REACHED, Atlas
from icon_nb.study.atlas import EVERYDAY, MOVED, agreement, config_of, jobs

SMALL = {"n_samples": 60, "epochs": 1, "progress": False}
CELLS = {"supervisory": ("knn", "same_class"), "learned": "gaussian", "dataset": "digits"}


def without_clock(rows) -> list[dict]:
    return [{name: value for name, value in row.items() if not name.startswith("seconds")} for row in rows]


def test_every_pair_that_makes_sense_is_measured_named_or_not():
    asked = jobs({})
    pairs = {job[:2] for job in asked}
    allowed = {(p.name, q.name) for p in axes.SUPERVISORY.values() for q in axes.LEARNED.values() if not axes.why_not(p, q)}
    assert pairs == allowed
    assert {job[3] for job in asked if job[:2] == ("knn", "gaussian")} == set(EVERYDAY)
    assert len(EVERYDAY) >= 4
    assert {job[2] for job in asked if job[:2] == ("knn", "gaussian_wide")} == {"limit"}
    assert {job[3] for job in asked if job[0] == "graph"} == {"karate_club"}


def test_a_row_holds_the_scores_of_the_runs_and_how_far_they_agree():
    cell = {"supervisory": "positive_pairs", "learned": "gaussian", "divergence": "kl", "dataset": "digits"}
    (row,) = icon.atlas(**cell, seeds=[3, 4], **SMALL).rows
    config = icon.Config(
        method="simclr", dataset="digits", n_samples=60, epochs=1, backbone="mlp", embedding_dim=32, max_points=500, probe=False
    )
    runs = [icon.run(config, seed=seed, quiet=True) for seed in (3, 4)]
    assert (row["method"], row["runs"]) == ("simclr", 2)
    assert "error" not in row
    for name in ("knn", "nmi", "neighbourhood_preservation", "effective_rank"):
        values = [run.scores[name] for run in runs]
        assert row[name] == pytest.approx(np.mean(values), abs=1e-4)
        assert row[f"{name}_sd"] == pytest.approx(np.std(values, ddof=1), abs=1e-4)
    near = [np.argsort(-run.embeddings @ run.embeddings.T, axis=1)[:, 1:11] for run in runs]
    assert row["stability"] == pytest.approx(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*near)]), abs=2e-3)
    assert agreement(runs[:1]) != agreement(runs[:1])  # NaN: one run agrees with none


def test_a_row_keeps_where_some_points_were():
    """The page draws the plane of the principal axes: here are the classes of the points, then their places, a byte each."""
    cell = {"supervisory": "positive_pairs", "learned": "gaussian", "dataset": "digits"}
    kl, js = icon.atlas(**cell, divergence=["kl", "js"], seeds=[3], n_samples=60, epochs=2, progress=False).rows
    assert "moves" not in js
    frames, text = kl["moves"]
    found = np.frombuffer(b64decode(text), np.uint8)
    assert frames == 3
    classes, places = found[:MOVED], found[MOVED:].reshape(frames, MOVED, 2)
    t = icon.run(config_of("positive_pairs", "gaussian", "kl", "digits", 60, 2, 3)).trajectory
    keep = choose_points(t.n_points, MOVED, 0)
    assert np.array_equal(classes, t.labels[keep])
    xy = PCA(2).fit(t.embeddings[-1]).transform(t.embeddings[:, keep].reshape(-1, t.dim)).reshape(frames, MOVED, 2)
    for axis in (0, 1):
        assert abs(np.corrcoef(xy[..., axis].ravel(), places[..., axis].ravel())[0, 1]) > 0.999
    assert {places.min(), places.max()} == {0, 255}


def test_an_atlas_that_is_killed_goes_on_where_it_stopped(tmp_path):
    file = tmp_path / "atlas.jsonl"
    flags = ["--supervisory", "knn,same_class", "--learned", "gaussian", "--dataset", "digits"]
    flags += ["--divergence", "kl,rkl,js"]
    flags += ["--seeds", "0", "--n_samples", "60", "--epochs", "1", "--out", str(file), "--page", str(tmp_path / "atlas.html")]
    process = subprocess.Popen([sys.executable, "-m", "icon_nb", "atlas", *flags], stderr=subprocess.DEVNULL)
    deadline = time.time() + 120
    while time.time() < deadline and (not file.exists() or file.read_text().count("\n") < 3):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = file.read_text()
    rows = [json.loads(line) for line in before.splitlines(keepends=True)[1:] if line.endswith("\n")]
    assert 2 <= len(rows) < 6
    with file.open("a") as cut:
        cut.write('{"supervisory": "same_cl')  # what a kill may leave

    assert main(["atlas", *flags]) == 0
    after = Atlas.read(file)
    assert list(after.rows[: len(rows)]) == rows, "what was measured stays as it was"
    keys = [tuple(row[name] for name in KEY) for row in after.rows]
    assert len(keys) == len(set(keys)) == 6
    fresh = icon.atlas(**CELLS, divergence=["kl", "rkl", "js"], seeds=[0], **SMALL)
    assert without_clock(fresh.rows) == without_clock(after.rows)
    assert "same_class" in (tmp_path / "atlas.html").read_text()


def test_an_executor_measures_the_same():
    cells = {**CELLS, "divergence": "js", "seeds": [0]}
    with ThreadPoolExecutor(1) as pool:
        elsewhere = icon.atlas(**cells, executor=pool, **SMALL)
    assert without_clock(elsewhere.rows) == without_clock(icon.atlas(**cells, **SMALL).rows)


@pytest.mark.friends
def test_a_dask_client_measures_the_same():
    distributed = pytest.importorskip("distributed")
    cells = {**CELLS, "divergence": "js", "seeds": [0]}
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        elsewhere = icon.atlas(**cells, executor=client, **SMALL)
    assert without_clock(elsewhere.rows) == without_clock(icon.atlas(**cells, **SMALL).rows)


def test_what_cannot_be_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match="learned='gausian' is not known; did you mean 'gaussian'"):
        icon.atlas(learned="gausian")
    file = tmp_path / "atlas.jsonl"
    icon.atlas(**CELLS, divergence="kl", seeds=[0], save_to=file, **SMALL)
    content = file.read_bytes()
    with pytest.raises(ConfigError, match=r"holds an atlas with seeds=\[0\]: give the same"):
        icon.atlas(**CELLS, divergence="kl", seeds=[1], save_to=file, **SMALL)
    assert file.read_bytes() == content
    file.write_text("hello\n")
    with pytest.raises(LoadError, match="is not an atlas"):
        Atlas.read(str(file))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(LoadError, match="there is no such file"):
        icon.atlas(**CELLS, divergence="kl", seeds=[0], save_to=file, **SMALL)


def test_the_atlas_that_ships_is_whole_and_small():
    atlas = Atlas.shipped()
    assert (FILES / "atlas.jsonl").stat().st_size < 2e6
    assert len({row["dataset"] for row in atlas.rows}) >= 4
    assert {"icon_nb", "torch", "python", "command"} <= set(atlas.about)
    keys = [tuple(row[name] for name in KEY) for row in atlas.rows]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(jobs({}))
    for row in atlas.rows:
        assert row["runs"] == len(atlas.about["seeds"]) or row["error"]
        moves = row["divergence"] in ("kl", "limit") and row["dataset"] != "photo_digits"  # of which there would be no room
        assert ("moves" in row) == (row["runs"] > 0 and moves)
        assert set(REACHED) <= set(row)
        assert (row["knn"] is None) == (row["runs"] == 0 or row["dataset"] == "tiny_text"), "a text has no classes"
    assert any(row["method"] is None for row in atlas.rows)
    assert repr(icon.methods.table(reached=True)) == repr(atlas)


def test_the_command_writes_the_page_of_the_atlas_that_ships(tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["atlas", "--shipped", "--dataset", "digits", "--page", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    shown = json.loads(page.read_text().split("const atlas = ")[1].split(";\n")[0])
    assert {row["dataset"] for row in shown["rows"]} == {"digits"}


def test_an_atlas_is_read_where_nothing_can_be_written_and_a_full_disk_is_an_error_of_ours(tmp_path, monkeypatch):
    file = tmp_path / "a.jsonl"
    first = icon.atlas(**CELLS, divergence="kl", seeds=[0], save_to=file, **SMALL)

    def refuses(*given):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("icon_nb.files._stage", refuses)
    assert icon.atlas(**CELLS, divergence="kl", seeds=[0], save_to=file, **SMALL).rows == first.rows
    monkeypatch.undo()
    file.write_text(file.read_text().partition("\n")[0] + "\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 300, hard))  # as on a disk that is full
    try:
        with pytest.raises(SaveError, match=r"could not write .*a.jsonl: File too large; .* the same call goes on"):
            icon.atlas(**CELLS, divergence="kl", seeds=[0], save_to=file, **SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert icon.atlas(**CELLS, divergence="kl", seeds=[0], save_to=file, **SMALL).rows
