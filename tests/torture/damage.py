"""Damage every file of a saved run in seeded ways, and see what loading makes of it.

    python -m tests.torture.damage --n 1000

Half the mutations leave the checksums as they were; the others make them agree again, as somebody who wants to be believed would.
Loading must end in LoadError that names the file, or in a run that can be shown. Nothing may be run, written, or read elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import sysconfig
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import matplotlib.pyplot  # noqa: F401  what loading and showing import is imported before it is watched
import torch

import icon_nb as icon
from icon_nb.errors import LoadError
from icon_nb.files import digest
from icon_nb.study.folders import outputs, store  # noqa: F401

from .mutations import EDITS, accident, anything

SMALL = {"n_samples": 60, "epochs": 2, "max_points": 12, "hidden_dim": 8, "embedding_dim": 3, "batch_size": 20, "quiet": True}
SEALED = ("config.json", "provenance.json", "embeddings.npz", "model.pt", "metrics.json")
LIMIT_S, MEMORY = 20, 3 << 30
FOLDERS = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate", "shutil.rmtree")
ACTS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "ctypes.dlopen", *FOLDERS)


class Watch:
    """An audit hook that notes what a load must not do."""

    def __init__(self, folder: Path):
        prefixes = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(icon.__file__).parent)}
        self.on, self.seen, self.fine = False, [], (str(folder), *prefixes, "/proc/", "/sys/", "/dev/")
        sys.addaudithook(self.hook)

    def hook(self, event: str, args) -> None:
        if not self.on:
            return
        if event in ACTS:
            self.seen.append(f"{event} {args!r}")
        elif event == "open" and isinstance(args[0], (str, bytes)):
            path, mode = os.fsdecode(args[0]), args[1]
            writes = isinstance(mode, str) and set(mode) & set("wax+")
            if writes or not os.path.abspath(path).startswith(self.fine):
                self.seen.append(f"open {path!r} {mode}")


def reseal(folder: Path, name: str) -> None:
    """Make the record agree with a changed file."""
    try:
        mark = json.loads((folder / store.RECORD).read_bytes())
        mark.pop("checksum", None)
        if name != store.RECORD:
            mark["files"][name] = digest((folder / name).read_bytes())
        (folder / store.RECORD).write_bytes(store.to_json({**mark, "checksum": digest(store.to_json(mark))}))
    except (ValueError, AttributeError, TypeError, RecursionError):
        pass  # what is no record cannot be sealed


def show(loaded) -> None:
    """Everything that a look at what was loaded asks of it."""
    runs = [loaded] if isinstance(loaded, icon.Results) else list(loaded)
    text = [repr(loaded), loaded.summary()]
    for run in runs:
        text += [run.summary(), repr(run.config.resolve())]
        if isinstance(run, icon.Results):
            text += [str(run.diagnosis), repr(run.trajectory), repr(run.labels), repr(run.backbone), repr(run.embeddings.sum())]
            run.animate()
    "\n".join(text).encode()


def try_one(folder: Path, name: str, change, sealed: bool, rng: random.Random) -> tuple[str, str]:
    """Damage one file, load, mend; returns what was done and what came of it."""
    path = folder / name
    before = {each: (folder / each).read_bytes() for each in {name, store.RECORD} if (folder / each).exists()}
    how, content = change(before[name], rng)
    path.write_bytes(content)
    if not sealed and name != store.COMPARISON:
        reseal(folder, name)
    try:
        WATCH.on = True
        loaded = icon.load(folder)
    except LoadError as error:
        said = str(error)
        fine = name in said or str(folder / store.RECORD) in said
        outcome = "refused" if fine else f"FAULT does not name {name}: {said[:300]}"
    except BaseException as error:
        outcome = f"FAULT {type(error).__name__}: {str(error)[:300]}"
    else:
        outcome = _look(loaded, sealed and not _same(content, before[name]))
    finally:
        WATCH.on = False
        for each, old in before.items():
            (folder / each).write_bytes(old)
    if WATCH.seen:
        outcome, WATCH.seen = f"FAULT touched {WATCH.seen[:3]}", []
    return how, outcome


def _same(one: bytes, other: bytes) -> bool:
    """Whether two files say the same: spaces do not matter in JSON."""
    try:
        return one == other or json.loads(one) == json.loads(other)
    except (ValueError, RecursionError):
        return False


def _look(loaded, changed: bool) -> str:
    if changed:
        return "FAULT a changed file was believed"
    try:
        show(loaded)
    except icon.IconError:
        return "loaded, and an error of ours when shown"
    except Exception as error:
        return f"FAULT loads, but cannot be shown: {type(error).__name__}: {str(error)[:300]}"
    return "loaded"


WATCH: Watch


def changes(name: str):
    """A function that damages a file of this kind, in a way of its own choice."""
    edit = EDITS[Path(name).suffix]

    def change(content: bytes, rng: random.Random):
        kind = rng.choice(["accident", "accident", "anything", "edit", "edit"])
        if kind == "accident":
            return accident(content, rng)
        return anything(rng) if kind == "anything" else edit(content, rng)

    return change


def batch(folder: Path, name: str, seeds: range, out: Path) -> None:
    """In a child: mutations one after the other, each within its time, all within a bound of memory."""
    global WATCH
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    os.environ["ICON_NB_CANARY"] = str(out.parent)
    show(icon.load(folder))
    WATCH = Watch(folder)
    with open(out, "w") as lines:
        for seed in seeds:
            signal.alarm(LIMIT_S)  # without a handler: whatever hangs dies, even in C
            rng = random.Random(f"{name} {seed}")
            sealed = rng.random() < 0.5 and name != store.COMPARISON  # which has no checksum
            how, outcome = try_one(folder, name, changes(name), sealed, rng)
            print(json.dumps([seed, how, "as it was" if sealed else "resealed", outcome]), file=lines, flush=True)


def damage(folder: Path, name: str, n: int, root: Path) -> tuple[Counter, list[str]]:
    """Try n mutations of one kind of file in children; returns what came of them, and the faults."""
    counts, faults, at = Counter(), [], 0
    while at < n:
        out = root / f"{name}-{at}.jsonl"
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with open(root / "stderr.txt", "a") as err:
                    os.dup2(err.fileno(), 2)
                batch(folder, name, range(at, n), out)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
        for seed, how, seal, outcome in lines:
            counts[outcome.split(":")[0] if outcome.startswith("FAULT") else outcome] += 1
            if outcome.startswith("FAULT"):
                faults.append(f"{name} seed {seed} ({how}, {seal}): {outcome}")
        at = n if code == 0 else at + len(lines) + 1
        if code != 0:
            faults.append(f"{name} seed {at - 1}: the process ended with {code} (-14: hung for {LIMIT_S} s)")
            if not lines and code == 1:
                raise RuntimeError((root / "stderr.txt").read_text()[-2000:])
    if (root / "pwned").exists():
        faults.append(f"{name}: code was run")
    return counts, faults


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="mutations of each kind of file")
    parser.add_argument("--only", help="one file name")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    bad = []
    with tempfile.TemporaryDirectory(prefix="damage-") as place:
        root = Path(place)
        run = icon.run(icon.Config(**SMALL))
        run.probes  # noqa: B018
        run.save(root / "run")
        icon.sweep(icon.Config(**SMALL), temperature=[0.1, 1.0], progress=False).save(root / "study")
        for name in [*SEALED, store.COMPARISON]:
            if args.only in (None, name):
                started = time.monotonic()
                folder = root / ("study" if name == store.COMPARISON else "run")
                counts, faults = damage(folder, name, args.n, root)
                bad += faults
                print(f"{name}: {args.n} mutations in {time.monotonic() - started:.0f} s: {dict(counts)}", flush=True)
                print("\n".join(faults[:40]), flush=True) if faults else None
    print(json.dumps({"mutations of each kind": args.n, "faults": len(bad)}))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
