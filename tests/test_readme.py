"""What the README says can be typed as it stands."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import icon_nb as icon
from icon_nb.interfaces.cli import COMMANDS as COMMANDS_OF_OURS
from icon_nb.interfaces.cli import configs_from
from icon_nb.interfaces.flags import build_parser, parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)
SHELL = [line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines()]
COMMANDS = [shlex.split(line, comments=True) for line in SHELL if line.startswith(("icon-nb", "python -m icon_nb"))]


@pytest.mark.parametrize("k", range(len(PYTHON)))
def test_a_python_block_runs(k, tmp_path):
    code = "\n".join(PYTHON[: k + 1]) if "import icon_nb" not in PYTHON[k] else PYTHON[k]
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def flags_of(command):
    return command[3:] if command[0] == "python" else command[1:]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_line_is_understood(command, tmp_path):
    flags = flags_of(command)
    if flags and flags[0].startswith("--") and flags != ["--help"]:
        assert all(json.loads(config.to_json()) for config in configs_from(parse(build_parser(), flags))[0])
    else:
        assert subprocess.run([sys.executable, "-m", "icon_nb", *flags], cwd=tmp_path, capture_output=True).returncode == 0


def test_the_recipe_of_the_readme_runs(tmp_path):
    flags = next(flags_of(command) for command in COMMANDS if "--recipe" in command)
    small = ["--n_samples", "200", "--max_points", "50"]
    done = subprocess.run([sys.executable, "-m", "icon_nb", *flags, *small], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    configs = [json.loads(path.read_text()) for path in tmp_path.glob("playground_runs/*/config.json")]
    assert {(config["temperature"], config["divergence"]) for config in configs} == {(0.1, "js")}
    assert len(list(tmp_path.glob("playground_runs/*/training_dynamics.gif"))) >= 2


def test_everything_with_a_name_stands_in_the_readme():
    named = [*(name for name in icon.__all__ if name != "__version__"), *(f"icon-nb {name}" for name in COMMANDS_OF_OURS)]
    assert [name for name in named if not re.search(rf"\b{name}\b", README)] == []


def test_every_file_the_readme_links_is_there():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_notebook_stands_in_the_index_with_a_picture():
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"):
        assert f"notebooks/{path.name}" in README, f"{path.name}: run docs/make_index.py"
        assert (ROOT / "docs" / "notebooks" / f"{path.stem}.png").exists(), f"{path.name}: run docs/make_index.py"
