"""Every command that README and CONTRIBUTING name is run: in full where it is short, else with --quick or smaller numbers."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import icon_nb as icon

ROOT = Path(__file__).parent.parent
TEXT = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
BLOCKS = [line for block in re.findall(r"```bash\n(.*?)```", TEXT, re.S) for line in block.splitlines()]
SPANS = [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", TEXT)]
STARTS = ("icon-nb", "python -m", "make ", "OMP_NUM_THREADS=1 python", "ICON_NB_EXAMPLES=")
SAID = sorted({text.split("#")[0].strip() for text in (*BLOCKS, *SPANS) if text.startswith(STARTS)})
MAKE = [text for text in SAID if text.split()[0] == "make"]
ICON = [text for text in SAID if text.startswith(("icon-nb", "python -m icon_nb"))]
OTHERS = [text for text in SAID if text not in MAKE and text not in ICON]
SHORT = ("benchmarks.house", "benchmarks startup", "benchmarks player", "tests.torture")
SMALL = ["--n_samples", "200", "--max_points", "50", "--epochs", "1", "--no_viz", "--no_probe"]
SAVED = {"n_samples": 200, "max_points": 50, "epochs": 4, "save_checkpoints": True, "quiet": True}


def call(command, cwd, timeout=500):
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize("text", MAKE)
def test_what_is_made_is_there(text):
    target = [word for word in text.split()[1:] if "=" not in word]
    assert call(["make", "-n", *target], ROOT)


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize("target", ["demo", "student", "slides"])
def test_a_target_is_made(target, tmp_path):
    """Among links to what is here, with this Python in the place of an environment."""
    for name in ("icon_nb", "notebooks", "pyproject.toml", "constraints.txt", "Makefile"):
        (tmp_path / name).symlink_to(ROOT / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for stamp in (".installed", ".installed-test"):
        (tmp_path / ".venv" / stamp).touch()
    call(["make", target], tmp_path)
    made = {"demo": "playground_runs/*/*.gif", "student": "build/student/*.ipynb", "slides": "build/slides/*.html"}
    assert len(list(tmp_path.glob(made[target]))) == (1 if target == "demo" else len(list(ROOT.glob("notebooks/*.ipynb"))))


@pytest.mark.friends
@pytest.mark.timeout(1500)
@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="make test-friends has made no .venv here")
@pytest.mark.parametrize(("target", "made"), [("types", ""), ("docs", "site"), ("sheets", "sheets"), ("test-wheel", "")])
def test_a_target_that_installs_something_or_takes_minutes_is_made(target, made):
    shutil.rmtree(ROOT / "build" / (made or "nothing"), ignore_errors=True)
    call(["make", target], ROOT, timeout=1500)
    assert not made or any((ROOT / "build" / made).iterdir())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a saved run in its folder of runs, called as the texts call it."""
    root = tmp_path_factory.mktemp("said")
    icon.run(icon.Config(dataset="digits", **SAVED), save_to=root / "playground_runs" / "RUN")
    icon.run(icon.Config(dataset="digits", seed=1, **SAVED), save_to=root / "playground_runs" / "OTHER")
    return root


@pytest.mark.parametrize("text", ICON)
def test_a_command_of_ours_runs(text, runs):
    words = shlex.split(text)
    flags = words[1 if words[0] == "icon-nb" else 3 :]
    if "mnist" in flags:
        pytest.skip("needs the files of MNIST: tests/test_cli.py runs it where they are")
    if flags == ["atlas"]:  # every cell takes hours
        flags += ["--supervisory=same_class", "--divergence=kl", "--dataset=digits", "--seeds=0", "--n_samples=60", "--epochs=1"]
    if flags == ["--config"]:
        flags.append(str(runs / "playground_runs" / "RUN" / "config.json"))
    trains = not flags or flags[0] not in ("--help", "--resume", "--load_dir", "--regen_gif") and flags[0].startswith("--")
    call([sys.executable, "-m", "icon_nb", *flags, *(SMALL if trains else [])], runs)


def smaller(text, folder):
    """The words of a command, with folders that are there, and less to do."""
    words = [word for word in shlex.split(text) if "=" not in word]
    words = [sys.executable, "-m", *words[(2 if words[0] == "python" else 0) :]]
    words = [str(folder) if word in ("DIR", "DATA") else word for word in words]
    if "--n" in words:
        words[words.index("--n") + 1] = "2"
    elif "benchmarks.house" in words:
        words[words.index(str(folder))] = str(ROOT)
    elif "tests.torture.cost" in words:
        words = [*words[: words.index("--data_dir")], "--dataset", "fashion_small", "--epochs", "2", "--limit", "1"]
    elif words[2] == "pytest":
        words += ["-q", "-x", "-p", "no:cacheprovider"]
    else:
        words += ["--quick"]
    return words


def waits(text):
    """Those that take longer stand behind a mark."""
    return pytest.param(text, marks=() if any(short in text for short in SHORT) else pytest.mark.friends)


@pytest.mark.parametrize("text", [waits(text) for text in OTHERS])
def test_a_benchmark_and_a_torture_run(text, tmp_path):
    words = smaller(text, tmp_path)
    if "--picture" in words:
        words[words.index("--picture") + 1] = str(tmp_path / "growth.png")
    call(words, ROOT)


def test_all_kinds_of_commands_are_found():
    assert {"make torture", "icon-nb animate RUN"} <= set(SAID)
    assert "python -m benchmarks training --data_dir DIR" in OTHERS
