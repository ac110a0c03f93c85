"""What checkpoints cost: their share of the processor time of an epoch.

python -m tests.torture.cost --dataset mnist --data_dir DATA
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

import icon_nb as icon
from icon_nb.study import run as runs
from icon_nb.study.folders.checkpoints import Checkpoints

QUIET = {"quiet": True, "viz": False, "probe": False, "device": "cpu"}


class Timed(Checkpoints):
    """Checkpoints that add up the processor time of both threads that make them; waiting costs none."""

    spent: list[float]

    def save(self, session) -> None:
        self.wait()
        self.spent.append(_cost(super().save, session))

    def _write(self, *args) -> None:
        self.spent.append(_cost(super()._write, *args))


def _cost(act, *args) -> float:
    start = time.thread_time()
    act(*args)
    return time.thread_time() - start


def share(config: icon.Config, data=None) -> dict[str, float]:
    """Processor seconds of an epoch and of a checkpoint, and the share of the second in the first."""
    Timed.spent, moments, kept = [], [], runs.Checkpoints
    runs.Checkpoints = Timed
    try:
        with tempfile.TemporaryDirectory(prefix="cost-") as place:
            seen = lambda record, recorder: moments.append(time.process_time())  # noqa: E731
            icon.run(config.replace(**QUIET), data=data, save_to=Path(place) / "run", on_record=seen)
    finally:
        runs.Checkpoints = kept
    epoch = statistics.median(later - earlier for earlier, later in zip(moments, moments[1:]))
    checkpoint = sum(Timed.spent) / len(moments)
    return {"epoch": epoch, "checkpoint": checkpoint, "share": checkpoint / epoch}


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--data_dir")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--limit", type=float, default=0.03, help="a larger share than this ends in an error")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    found = share(icon.Config(dataset=args.dataset, data_dir=args.data_dir, epochs=args.epochs))
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))
    return int(found["share"] > args.limit)


if __name__ == "__main__":
    sys.exit(main())
