"""Start-up: importing the package, --help, and a first picture, each in a fresh process against Python or torch alone."""

from __future__ import annotations

import resource
import subprocess
import sys

from benchmarks.harness import alternate, report, summary

TARGETS = {
    "import_s": "at most 0.15 over Python alone",
    "help_s": "at most 0.4",
    "first_picture_over_torch": "at most 1.6: ten epochs of digits to the picture, over importing torch alone, in processor time",
}
PICTURE = "import icon_nb; icon_nb.run({} quiet=True)._repr_mimebundle_()"


def python(*arguments: str):
    """A fresh process."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def processor(*codes: str, n: int) -> list[dict]:
    """The processor's seconds that a fresh process takes for each code, one after the other in every round."""
    rounds = []
    for _ in range(n + 1):
        spent = []
        for code in codes:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            python("-c", code)()
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        rounds.append(spent)
    return [summary(each) for each in zip(*rounds[1:])]


def run(quick: bool = False) -> dict:
    """Measure and report."""
    n = 2 if quick else 7
    imported = alternate(python("-c", "import icon_nb"), python("-c", "pass"), n=n)
    helped = alternate(python("-m", "icon_nb", "--help"), python("-c", "pass"), n=n)
    torch_alone, digits, default = processor("import torch", PICTURE.format("dataset='digits',"), PICTURE.format(""), n=n)
    medians = [each["median_s"] for each in (torch_alone, digits, default)]
    figures = {
        "import_s": imported["ours"]["median_s"] - imported["peer"]["median_s"],
        "help_s": helped["ours"]["median_s"],
        "python_alone_s": helped["peer"]["median_s"],
        "torch_alone_cpu": torch_alone,
        "first_picture_cpu": digits,
        "default_run_cpu": default,
        "first_picture_over_torch": medians[1] / medians[0],
        "default_run_over_torch": medians[2] / medians[0],
    }
    report("startup", figures, TARGETS)
    return figures


if __name__ == "__main__":
    run()
