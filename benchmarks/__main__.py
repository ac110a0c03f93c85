"""List the benchmarks, or run those that are named, or ``all``: each in a process of its own, so that its memory is its own."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import BUSY, SUFFIX

HIDDEN = {"__init__", "__main__", "harness", "peers"}


def names() -> list[str]:
    """Every benchmark, by its file."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in HIDDEN)


def main() -> int:
    """Run what is asked for, as it is asked for; a benchmark that fails is reported and the others go on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks to run, or all")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, to see that it runs")
    parser.add_argument("--data_dir", metavar="DIR", help="the files of MNIST, for those that can use them")
    parser.add_argument("--threads", type=int, help="so many threads, instead of as many as there are cores")
    parser.add_argument("--busy", type=int, default=0, help="let so many processes work beside it, as on people's machines")
    options = parser.parse_args()
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    if options.threads or options.busy:
        os.environ |= {BUSY: str(options.busy), SUFFIX: f"-threads-{options.threads or 'all'}-busy-{options.busy}"}
    with busy(options.busy):
        return measured(options)


@contextmanager
def busy(n: int):
    """So many processes that only work, and end with this one."""
    code = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(10_000))"
    others = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()


def measured(options: argparse.Namespace) -> int:
    """Run the benchmarks that are named; 0 where all came to their ends."""
    if not options.names:
        for name in names():
            about = importlib.import_module(f"benchmarks.{name}").__doc__ or ""
            print(f"{name:<12} {about.strip().splitlines()[0]}")
        return 0
    if len(options.names) == 1 and options.names != ["all"]:
        return not ran(options.names[0], options.quick, options.data_dir)
    flags = (["--quick"] if options.quick else []) + (["--data_dir", options.data_dir] if options.data_dir else [])
    chosen = names() if options.names == ["all"] else options.names
    failed = [name for name in chosen if subprocess.run([sys.executable, "-m", "benchmarks", name, *flags]).returncode]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def ran(name: str, quick: bool, data_dir: str | None) -> bool:
    """Run one benchmark; whether it came to its end."""
    start = time.perf_counter()
    try:
        run = importlib.import_module(f"benchmarks.{name}").run
        run(quick=quick, **({"data_dir": data_dir} if data_dir and "data_dir" in inspect.signature(run).parameters else {}))
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    print(f"  {name} took {time.perf_counter() - start:.0f} s\n", flush=True)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
