"""One run on two processes ends where one process with the same batches ends."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import icon_nb as icon
from icon_nb.training import ranks

COMMON = {"n_samples": 128, "batch_size": 64, "epochs": 2, "precision": "float64", "device": "cpu", "quiet": True}
SHARED = {
    "simclr": {"dataset": "digits", "backbone": "mlp"},
    "supcon": {"dataset": "digits", "backbone": "simplecnn", "head": "mlp"},
    "mocov3": {"dataset": "digits", "backbone": "mlp", "accumulate": 2},
    "vicreg": {"dataset": "digits", "backbone": "mlp"},
    "cross_entropy": {"dataset": "digits", "backbone": "mlp", "clip_norm": 0.1},
    "clip": {},
}
REFUSED = {
    "sne": ({"batch_size": None, "precision": "float64"}, "run it in one process"),
    "simclr": ({"dataset": "digits", "batch_size": 63}, "choose a multiple"),
    "infonce": ({"dataset": "digits", "backbone": "resnet18"}, "on GPUs only"),
}
SCRIPT = """
import json, sys
import numpy as np
import icon_nb as icon
from icon_nb.training import ranks

rank, (shared, refused, common) = ranks.join(), json.loads(sys.argv[1])
for method, settings in shared.items():
    results = icon.run(method=method, **common, **settings)
    if rank == 0:
        np.savez(f"{sys.argv[2]}/{method}.npz", loss=results.history["loss"], z=results.embeddings)
for method, (settings, words) in refused.items():
    try:
        icon.run(method=method, **{**common, **settings})
    except icon.errors.ConfigError as error:
        assert words in str(error), error
    else:
        raise AssertionError(method)
"""


def by_two(*command):
    started = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", *map(str, command)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(started, capture_output=True, text=True, timeout=600, env=alone)


def test_two_processes_end_where_one_does_or_say_why_not(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = by_two(script, json.dumps([SHARED, REFUSED, COMMON]), tmp_path)
    assert done.returncode == 0, done.stderr
    for method, settings in SHARED.items():
        one, two = icon.run(method=method, **COMMON, **settings), np.load(tmp_path / f"{method}.npz")
        np.testing.assert_allclose(two["loss"], one.history["loss"], rtol=1e-9, err_msg=method)
        np.testing.assert_allclose(two["z"], one.embeddings, rtol=0, atol=1e-6, err_msg=method)


@pytest.mark.parametrize(("flags", "code"), [(["--method=simclr"], 0), (["--recipe=simclr_vs_sne"], 1)])
def test_the_command_line_writes_one_folder(tmp_path, flags, code):
    short = ["--dataset=digits", "--n_samples=128", "--epochs=1", "--no_viz", f"--output_dir={tmp_path}/runs"]
    done = by_two("-m", "icon_nb", *flags, *short)
    assert done.returncode == code, done.stderr
    assert len(list(tmp_path.glob("runs/*/metrics.json"))) == (code == 0)
    assert "probes could not be made" not in done.stderr
    assert ("leave out --recipe, --sweep and --resume" in done.stderr) == (code == 1)


def test_one_process_of_torchrun_is_alone_and_may_train_a_recipe(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert not ranks.started()
    assert ranks.join() == 0
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert ranks.started()
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")  # as a cluster's scheduler may set the other one
    assert not ranks.started()
