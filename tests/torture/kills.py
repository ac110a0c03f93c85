"""Kill runs and sweeps at random moments, and count what was lost.

    python -m tests.torture.kills --n 200

After every kill the folder must load as a whole run, as an interrupted one, or not at all with the reason; after the next start
it must hold the very bytes of a run that nobody killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  imported before any fork, as the children need it
import numpy as np
import sklearn.neighbors  # noqa: F401
import torch

import icon_nb as icon
from icon_nb.animation import plots  # noqa: F401
from icon_nb.errors import LoadError

from .children import TOUCHES, Board, Death, draw, live

RUN = {"n_samples": 120, "epochs": 5, "max_points": 40, "hidden_dim": 32, "embedding_dim": 4, "batch_size": 40}
QUIET = {"quiet": True, "probe": False}
FIRST, LAST, LOADED = 0, 1, 2  # places on the board: first and last epoch that was reported, whether the run was only loaded
TEMPERATURES = (0.1, 0.3, 1.0)


@dataclass
class Count:
    """What came of the kills."""

    kills: int = 0
    outcomes: Counter = field(default_factory=Counter)
    signals: Counter = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=lambda: {"corrupt": [], "lost": [], "stray": [], "unresumed": []})

    def fault(self, kind: str, what: str) -> None:
        self.faults[kind].append(what)
        print(f"FAULT {kind}: {what}", file=sys.stderr, flush=True)

    def __str__(self) -> str:
        found = ", ".join(f"{kind} {len(each)}" for kind, each in self.faults.items())
        outcomes = ", ".join(f"{name} {n}" for name, n in sorted(self.outcomes.items()))
        return f"{self.kills} kills ({dict(sorted(self.signals.items()))}); found: {outcomes}; faults: {found}"


class Single:
    """One run with its GIF, its pictures and its plots."""

    name = "run"

    def __init__(self, viz: bool):
        self.config = icon.Config(**RUN, **QUIET, save_epoch_gifs=True, viz=viz)

    def act(self, folder: Path, board: Board):
        def seen(record, recorder):
            board[FIRST] = record.epoch if board[FIRST] < 0 else board[FIRST]
            board[LAST] = record.epoch

        def run():
            board[FIRST] = -1
            icon.run(self.config, save_to=folder, resume=True, on_record=seen)

        return run

    def inspect(self, folder: Path, whole: Path, count: Count, what: str) -> None:
        """What the folder says of itself after a kill."""
        try:
            found = icon.load(folder)
        except LoadError as error:
            outcome = "not finished" if "not finished" in str(error) else "no run" if "no run" in str(error) else "other"
            if outcome == "other" and folder.exists():
                count.fault("corrupt", f"{what}: {error}")
        except Exception as error:
            outcome = "other"
            count.fault("corrupt", f"{what}: {type(error).__name__}: {error}")
        else:
            outcome = found.status
            if not _begins(found, icon.load(whole)):
                count.fault("corrupt", f"{what}: loads as {found!r}, which it is not")
        count.outcomes[outcome] += 1

    def check(self, folder: Path, whole: Path, board: Board, before: int, count: Count, what: str) -> None:
        """What the next start lost."""
        first = board[FIRST] if board[FIRST] >= 0 else self.config.epochs + 1  # nothing was trained: all was there
        if before >= 0 and first < before:
            count.fault("lost", f"{what}: epoch {before} was finished, the next start began with {first}")
        for path in _files(whole):
            if not (folder / path).is_file() or _differs(path, folder / path, whole / path):
                count.fault("unresumed", f"{what}: {path} differs from that of a run that was not killed")


class Study:
    """A sweep that keeps its runs in a folder."""

    name = "sweep"

    def __init__(self, workers: int | None):
        self.workers = workers
        self.config = icon.Config(**RUN, **QUIET)

    def act(self, folder: Path, board: Board):
        def run():
            board[LAST] = sum(1 for _ in folder.glob("*/metrics.json"))
            icon.sweep(self.config, temperature=TEMPERATURES, save_to=folder, workers=self.workers, progress=False)

        return run

    def inspect(self, folder: Path, whole: Path, count: Count, what: str) -> None:
        finished = [path.parent for path in folder.glob("*/metrics.json")]
        self.before = {path / "provenance.json": (path / "provenance.json").read_bytes() for path in finished}
        for path in filter(Path.is_dir, folder.glob("*")):
            try:
                found = icon.load(path)
            except LoadError as error:
                if "not finished" not in str(error) and "no run" not in str(error):
                    count.fault("corrupt", f"{what}: {error}")
            else:
                if found.status == "complete" and not _begins(found, icon.load(whole / path.name)):
                    count.fault("corrupt", f"{what}: {path.name} loads as something that it is not")
        try:
            study = icon.load(folder)
            count.outcomes["whole study"] += 1
            if not study.interrupted and (len(study) != len(TEMPERATURES) or study.failures):
                count.fault("corrupt", f"{what}: {study!r}")
        except LoadError:
            count.outcomes[f"{len(self.before)} runs kept"] += 1

    def check(self, folder: Path, whole: Path, board: Board, before: int, count: Count, what: str) -> None:
        for path, content in self.before.items():
            if path.read_bytes() != content:
                count.fault("lost", f"{what}: {path.parent.name} was finished and was run again")
        for path in _files(whole):
            if not (folder / path).is_file() or _differs(path, folder / path, whole / path):
                count.fault("unresumed", f"{what}: {path} differs from that of a sweep that was not killed")


def _begins(found, whole) -> bool:
    """Whether a loaded run is the beginning of another, and all of it where it says that it is complete."""
    n = found.trajectory.n_frames
    same = np.array_equal(found.trajectory.embeddings, whole.trajectory.embeddings[:n])
    history = found.history["loss"] == whole.history["loss"][: len(found.history["loss"])]
    return same and history and (found.status == "interrupted" or (found.status == "complete" and n == whole.trajectory.n_frames))


def _files(folder: Path) -> list[Path]:
    """The files whose bytes do not depend on the clock, and the mark."""
    timed = ("provenance.json", "metrics.json")
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in timed)
    return sorted(path.relative_to(folder) for path in found)


def _differs(name: Path, one: Path, other: Path) -> bool:
    if name.name in ("comparison.json", "table.json", "table.csv"):  # seconds stand in them
        return False
    return one.read_bytes() != other.read_bytes()


def leftovers(folder: Path) -> list[str]:
    """What must not be there after a run has ended."""
    names = [p for p in folder.rglob("*") if p.name.endswith(".tmp") or p.name in ("checkpoints", ".running")]
    return sorted(str(p.relative_to(folder)) for p in names)


def torture(subject, n: int, seed: int, root: Path, count: Count) -> None:
    """Kill a subject n times, at most three times in a row in one folder."""
    rng, board, log = random.Random(seed), Board(), root / "log.txt"
    whole = root / f"whole-{subject.name}-{seed}"
    code, seconds = live(subject.act(whole, board), whole, board, Death(), log)
    assert code == 0, f"the run that nobody kills ended with {code}: {log.read_text()}"
    touches = board[TOUCHES]
    done = lives = 0
    while done < n:
        folder, told = root / f"{subject.name}-{seed}-{lives}", []
        lives += 1
        for _ in range(min(n - done, rng.choice([1, 1, 2, 3]))):
            death = draw(rng, seconds, touches)
            done += _kill(subject, folder, whole, board, death, count, told, log)
        what = f"{subject.name} seed {seed} ({', '.join(told)})"
        before = board[LAST]
        code, spent = live(subject.act(folder, board), folder, board, Death(), log)
        seconds = 0.8 * seconds + 0.2 * spent if not told else seconds
        if code != 0:
            count.fault("unresumed", f"{what}: exit {code}: {log.read_text()[-800:]}")
            continue
        subject.check(folder, whole, board, before, count, what)
        if leftovers(folder):
            count.fault("stray", f"{what}: {leftovers(folder)}")
        shutil.rmtree(folder)


def _kill(subject, folder: Path, whole: Path, board: Board, death: Death, count: Count, told: list[str], log: Path) -> int:
    """One life that ends early; a life that was over before its death does not count, but is looked at too."""
    before = board[LAST] if told else -1
    board[LAST] = -1
    code, _ = live(subject.act(folder, board), folder, board, death, log)
    told.append(str(death))
    if subject.name == "run" and told[1:] and 0 <= board[FIRST] < before:
        count.fault("lost", f"{', '.join(told)}: epoch {before} was finished, the next start began with {board[FIRST]}")
    if board[LAST] < 0 and subject.name == "run":
        board[LAST] = before  # killed before it reported anything: what was finished earlier is still what must not be lost
    killed = code != 0 or death.signal == signal.SIGINT
    count.kills += killed
    count.signals[signal.Signals(death.signal).name] += killed
    subject.inspect(folder, whole, count, ", ".join(told))
    return int(killed)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200, help="how many kills")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.pop("ICON_NB_STRICT", None)
    torch.set_num_threads(1)
    started, count = time.monotonic(), Count()
    spawned = args.n // 20  # processes that are spawned import torch anew
    shares = ((Single(viz=False), args.n // 2), (Single(viz=True), args.n // 4), (Study(2), spawned))
    shares = (*shares, (Study(None), args.n - sum(n for _, n in shares)))
    with tempfile.TemporaryDirectory(prefix="kills-") as root:
        for k, (subject, n) in enumerate(shares):
            if n:
                torture(subject, n, args.seed + k, Path(root), count)
                print(f"{subject.name}: {count} after {time.monotonic() - started:.0f} s", flush=True)
    print(json.dumps({"kills": count.kills, **{kind: len(each) for kind, each in count.faults.items()}}))
    return int(any(count.faults.values()))


if __name__ == "__main__":
    sys.exit(main())
