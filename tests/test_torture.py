"""A small part of ``make torture``: a few kills, a few damaged files. Each in its own process, forked before it has threads."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torture.cost import share

import icon_nb as icon

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.parametrize(("module", "n"), [("kills", 6), ("damage", 25), ("checkpoints", 8), ("doors", 4)])
def test_a_little_torture(module, n):
    command = [sys.executable, "-m", f"tests.torture.{module}", "--n", str(n)]
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    faults = json.loads(done.stdout.splitlines()[-1])
    assert not any(faults.get(kind) for kind in ("faults", "corrupt", "lost", "stray", "unresumed"))


def test_a_checkpoint_costs_less_than_three_hundredths_of_an_epoch():
    pictures = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28), dtype=np.uint8)
    found = share(icon.Config(epochs=2), pictures)
    assert 0 < found["checkpoint"] < 0.03 * found["epoch"], found
