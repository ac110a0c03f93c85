"""Start-up: importing the package, --help, and a first result, each in a fresh process against Python or torch alone."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.harness import alternate, report

TARGETS = {
    "import_s": "at most 0.15 over Python alone",
    "help_s": "at most 0.4",
    "first_result_over_torch": "a cold first result over importing torch alone",
}


def python(*arguments: str):
    """A fresh process."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def run(quick: bool = False) -> dict:
    """Measure and report."""
    n = 2 if quick else 7
    imported = alternate(python("-c", "import icon_nb"), python("-c", "pass"), n=n)
    helped = alternate(python("-m", "icon_nb", "--help"), python("-c", "pass"), n=n)
    first = alternate(
        python("-c", "import icon_nb; icon_nb.run(quiet=True)"), python("-c", "import torch, torchvision, sklearn"), n=2
    )
    figures = {
        "import_s": imported["ours"]["median_s"] - imported["peer"]["median_s"],
        "help_s": helped["ours"]["median_s"],
        "python_alone_s": helped["peer"]["median_s"],
        "first_result_s": first["ours"]["median_s"],
        "torch_alone_s": first["peer"]["median_s"],
        "first_result_over_torch": 1 / first["ratio"],
    }
    report("startup", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
