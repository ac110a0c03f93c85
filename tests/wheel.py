"""The wheel and the sdist as a stranger gets them: ``make test-wheel``. Takes some minutes, most of them pip's.

Builds both, installs the wheel into an empty environment outside the repository, runs the default command there, copies the
notebooks and runs one; and collects the tests that the sdist holds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WHEEL_BYTES = 8_000_000
NOTEBOOK = "00_quickstart.ipynb"


def do(*command, cwd: Path, **more) -> str:
    """Run a command elsewhere, say which, and stop at the first that fails."""
    print("+", *command, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True, stdout=subprocess.PIPE, **more)
    if done.returncode:
        raise SystemExit(f"{done.stdout[-3000:]}\nexit code {done.returncode}: {command}")
    return done.stdout


def build(elsewhere: Path) -> tuple[Path, Path]:
    """A wheel and an sdist of the checkout."""
    do(sys.executable, "-m", "build", "--outdir", elsewhere / "dist", ROOT, cwd=elsewhere, stderr=subprocess.DEVNULL)
    (wheel,), (sdist,) = elsewhere.glob("dist/*.whl"), elsewhere.glob("dist/*.tar.gz")
    size = wheel.stat().st_size
    print(f"wheel {size / 1e6:.1f} MB, sdist {sdist.stat().st_size / 1e6:.1f} MB")
    if size > WHEEL_BYTES:
        raise SystemExit(f"{wheel.name} has {size:,} bytes: at most {WHEEL_BYTES:,}")
    return wheel, sdist


def use(wheel: Path, elsewhere: Path) -> None:
    """The default command, the notebooks, and one of them, in an environment that has the wheel and nothing of the repository."""
    venv.create(elsewhere / "env", with_pip=True)
    python, index = elsewhere / "env" / "bin" / "python", os.environ.get("TORCH_INDEX")
    if index:
        do(python, "-m", "pip", "install", "-q", "torch", "torchvision", "--index-url", index, cwd=elsewhere)
    do(python, "-m", "pip", "install", "-q", wheel, "nbclient", "ipykernel", "pandas", cwd=elsewhere)
    icon_nb = python.with_name("icon-nb")
    print(do(icon_nb, "--save_epoch_gifs", cwd=elsewhere)[-600:])
    if not list(elsewhere.glob("playground_runs/*/training_dynamics.gif")):
        raise SystemExit("the default command left no animation")
    do(icon_nb, "notebooks", elsewhere / "course", cwd=elsewhere)
    run_it = f"import nbformat, nbclient; nbclient.NotebookClient(nbformat.read({NOTEBOOK!r}, 4), timeout=600).execute()"
    do(python, "-c", run_it, cwd=elsewhere / "course", env={**os.environ, "ICON_NB_STRICT": "1"})
    do(python, "-m", "pip", "check", cwd=elsewhere)


def collect(sdist: Path, elsewhere: Path) -> None:
    """The sdist holds all that its tests need to be collected."""
    with tarfile.open(sdist) as archive:
        archive.extractall(elsewhere / "source", filter="data")
    (source,) = (elsewhere / "source").iterdir()
    there = {**os.environ, "PYTHONPATH": str(source)}
    print(do(sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", cwd=source, env=there)[-200:])


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)  # on which pip would find the checkout, and install no wheel
    with tempfile.TemporaryDirectory() as folder:
        built, source = build(Path(folder))
        use(built, Path(folder))
        collect(source, Path(folder))
    print("the wheel and the sdist work outside the repository")
