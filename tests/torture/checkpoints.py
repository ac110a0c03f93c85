"""Damage the checkpoints of a stopped run, resume, and see that the end is the same bytes, or an error that names the file.

    python -m tests.torture.checkpoints --n 100
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch

import icon_nb as icon

from .mutations import accident, anything

SMALL = {"n_samples": 60, "epochs": 6, "max_points": 12, "hidden_dim": 8, "embedding_dim": 3, "batch_size": 20}
QUIET = {"quiet": True, "viz": False, "probe": False}


def stop(record, recorder):
    if record.epoch == 4:
        raise KeyboardInterrupt


def one(stopped: Path, folder: Path, whole: dict[str, bytes], config: icon.Config, rng: random.Random) -> str:
    """Damage one to three files of a copy, and go on with it."""
    shutil.copytree(stopped, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in rng.sample(files, rng.choice([1, 1, 2, 3])):
        path.write_bytes((accident(path.read_bytes(), rng) if rng.random() < 0.8 else anything(rng))[1])
    try:
        icon.run(config, save_to=folder, resume=True)
    except icon.IconError as error:
        outcome = "refused" if str(folder) in str(error) else f"FAULT names no file: {error}"
    except BaseException as error:
        outcome = f"FAULT {type(error).__name__}: {error}"
    else:
        same = all((folder / name).read_bytes() == content for name, content in whole.items())
        outcome = "the same bytes" if same else "FAULT other bytes"
    shutil.rmtree(folder)
    return outcome


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    args = parser.parse_args(argv)
    os.environ.pop("ICON_NB_STRICT", None)
    torch.set_num_threads(1)
    counts, config = Counter(), icon.Config(**SMALL, **QUIET)
    with tempfile.TemporaryDirectory(prefix="checkpoints-") as place:
        root = Path(place)
        icon.run(config, save_to=root / "whole")
        whole = {name: (root / "whole" / name).read_bytes() for name in ("config.json", "embeddings.npz", "model.pt")}
        icon.run(config, save_to=root / "stopped", on_record=stop)
        for k in range(args.n):
            outcome = one(root / "stopped", root / f"run-{k}", whole, config, random.Random(k))
            counts[outcome.split(":")[0]] += 1
            if outcome.startswith("FAULT"):
                print(f"seed {k}: {outcome[:300]}", flush=True)
    faults = sum(n for name, n in counts.items() if name.startswith("FAULT"))
    print(json.dumps({"damaged checkpoints": args.n, **counts, "faults": faults}))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
