"""``make types``: no error in a user's script, and every mistake found. Needs basedpyright, which pip brings whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def errors_in(file: Path) -> set[int]:
    """The lines in which the checker finds an error."""
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--level", "error", "-p", str(HERE), str(file)]
    found = json.loads(subprocess.run(command, cwd=HERE, capture_output=True, text=True).stdout)
    for each in found["generalDiagnostics"]:
        print(f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message'].splitlines()[0]}")
    return {each["range"]["start"]["line"] + 1 for each in found["generalDiagnostics"]}


def main() -> int:
    """The exit code: 0 where all is as it should be."""
    mistakes = HERE / "mistakes.py"
    expected = {k for k, line in enumerate(mistakes.read_text().splitlines(), 1) if line.endswith("# error")}
    found, clean = errors_in(mistakes), errors_in(HERE / "script.py")
    print(f"mistakes found: {len(found & expected)} of {len(expected)}; false alarms: {len(found - expected) + len(clean)}")
    return int(found != expected or bool(clean))


if __name__ == "__main__":
    sys.exit(main())
