"""What comes from elsewhere, and what is set around a run: forged checkpoints, links, names, default types, memory.

    python -m tests.torture.doors --n 100
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import icon_nb as icon
from icon_nb.files import digest
from icon_nb.interfaces.cli import main as command
from icon_nb.methods.methods import METHODS

from .checkpoints import QUIET, SMALL, stop
from .mutations import json_edit

CONFIG = icon.Config(dataset="digits", **SMALL, **QUIET)
SAME = ("config.json", "embeddings.npz", "model.pt")
GROWTH = 50
"""MiB by which the memory may grow over 200 runs."""


def forged(root: Path, folder: Path, rng: random.Random) -> str:
    """Edit what a checkpoint says of itself, under a name with the right checksum, and go on with it."""
    shutil.copytree(root / "stopped", folder)
    for path in (folder / "checkpoints").glob("*.pt"):
        state = torch.load(path, weights_only=True)
        state["about"] = json_edit(state["about"].encode(), rng)[1].decode(errors="replace")
        torch.save(state, path)
        path.rename(path.with_name(f"{path.name[:13]}{digest(path.read_bytes())[:16]}.pt"))
    try:
        icon.run(CONFIG, save_to=folder, resume=True)
    except icon.IconError as error:
        return "refused" if str(folder) in str(error) else f"FAULT names no file: {error}"
    same = all((folder / name).read_bytes() == (root / "whole" / name).read_bytes() for name in SAME)
    return "the same bytes" if same else "FAULT other bytes"


def linked(root: Path, folder: Path, rng: random.Random) -> str:
    """Put a link to elsewhere in the place of something in the folder of a run, and use the folder."""
    shutil.copytree(root / rng.choice(["stopped", "whole"]), folder)
    elsewhere = folder.with_name(f"{folder.name}-elsewhere")
    elsewhere.mkdir()
    for name in ("epoch_001.png", "epoch_9.png", "file", ".model.pt.icon_nb-99999999.abcdefgh.tmp"):
        (elsewhere / name).write_text("mine")
    inside = [path.relative_to(folder) for path in folder.rglob("*")]
    place = folder / rng.choice([*inside, *map(Path, ("epoch_frames", "weights", "checkpoints", "training_dynamics.gif"))])
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(elsewhere if rng.random() < 0.7 else elsewhere / "file")
    try:
        if rng.random() < 0.5:
            icon.run(CONFIG, save_to=folder, resume=True)
        else:
            with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                command(["animate", str(folder), "--replace", "--frames"])
        outcome = "done"
    except (icon.IconError, SystemExit):
        outcome = "refused"
    left = {path.name: path.read_text() for path in elsewhere.iterdir()}
    return outcome if len(left) == 4 and set(left.values()) == {"mine"} else f"FAULT {place.name} let {sorted(left)} be changed"


def named(root: Path, folder: Path, rng: random.Random) -> str:
    """Show a run whose names hold anything."""
    name = "".join(rng.choice("ab é\n\r\t\x1b\x07\x08\x9b\u202e\u2028[2J=") for _ in range(12))
    config = CONFIG.replace(run_name=name, epochs=1)
    data = np.random.default_rng(0).normal(size=(40, 5)), [f"{name}{k % 2}" for k in range(40)]
    run = icon.run(config.replace(dataset=data, n_samples=None), save_to=folder)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        for words in (["show", str(folder)], ["runs", "--output_dir", str(folder.parent)]):
            command(words)
    said = [run.summary(), repr(run), repr(icon.Comparison([run])), *heard.getvalue().split("\n")]
    raw = [text for text in said if not text.replace("\xa0", " ").isprintable()]
    return f"FAULT {raw[0]!r} is raw" if raw else "printable"


def typed(root: Path, folder: Path, rng: random.Random) -> str:
    """Train a method under a default type of the user's."""
    method = rng.choice([name for name in METHODS if name not in ("mlm", "pmi")])
    config = icon.Config(method=method, epochs=1, max_points=20, quiet=True, seed=rng.randrange(100))
    usual, kind = icon.run(config), rng.choice([torch.bfloat16, torch.float16, torch.float64])
    torch.set_default_dtype(kind)
    try:
        found = icon.run(config)
        kept = torch.get_default_dtype() == kind
    finally:
        torch.set_default_dtype(torch.float32)
    return "the same numbers" if found == usual and kept else f"FAULT {method} gives other numbers under {kind}"


def resident() -> float:
    """MiB of this process in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(n: int) -> float:
    """MiB that n runs leave behind, each on 4 MB of data of its own."""
    config = icon.Config(method="sne", backbone="linear", embedding_dim=2, epochs=1, n_samples=60, batch_size=30, quiet=True)
    seen = []
    for k in range(n + 10):
        icon.run(config, data=np.random.default_rng(k).normal(size=(1000, 1000)).astype("f"))
        seen.append(resident())
    return seen[-1] - seen[9]  # what is loaded once is there by then


KINDS: dict[str, Callable[[Path, Path, random.Random], str]] = {
    "forged checkpoint": forged, "link": linked, "name": named, "default type": typed,
}  # fmt: skip


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100, help="of each kind; and twice as many runs whose memory is looked at")
    args = parser.parse_args(argv)
    os.environ.pop("ICON_NB_STRICT", None)
    torch.set_num_threads(1)
    counts = Counter()
    with tempfile.TemporaryDirectory(prefix="doors-") as place:
        root = Path(place)
        icon.run(CONFIG, save_to=root / "whole")
        icon.run(CONFIG, save_to=root / "stopped", on_record=stop)
        for kind, act in KINDS.items():
            for k in range(args.n):
                try:
                    outcome = act(root, root / f"{kind}-{k}", random.Random(k))
                except BaseException as error:
                    outcome = f"FAULT {type(error).__name__}: {error}"
                counts[f"{kind}: {outcome}" if not outcome.startswith("FAULT") else f"{kind}: FAULT"] += 1
                if outcome.startswith("FAULT"):
                    print(f"{kind} {k}: {outcome[:300]}", flush=True)
    grown = growth(2 * args.n) if Path("/proc/self/statm").exists() else 0.0
    faults = sum(n for name, n in counts.items() if name.endswith("FAULT")) + (grown > GROWTH)
    print(json.dumps({**counts, "MiB of growth": round(grown, 1), "faults": faults}))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
