"""The script for a graphics card runs at toy size without one, and claims nothing then."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import gpu, harness

README = Path(__file__).parents[1] / "README.md"


def test_without_a_card_everything_runs_and_the_readme_stays_as_it_is(monkeypatch, tmp_path):
    pytest.importorskip("lightly")
    pytest.importorskip("openTSNE")
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    before, figures = README.read_bytes(), gpu.run()
    assert README.read_bytes() == before
    assert all(figures[name] >= 0 for name in gpu.ROWS)
    told = json.loads((tmp_path / "gpu.json").read_text())["figures"]
    assert (told["card"], told["toy_size"]) == ("none", True)
    (block,) = re.findall(r"<!-- gpu -->\n(.*)\n<!-- /gpu -->", before.decode(), re.DOTALL)
    rows = gpu.table(None).splitlines()[2:]
    assert [row.split(" | ")[0] for row in block.splitlines()[2:]] == [row.split(" | ")[0] for row in rows]


def test_a_card_has_its_figures_in_the_table():
    table = gpu.table(dict.fromkeys(gpu.ROWS, 2.5), "NVIDIA H100")
    assert table.startswith("On one NVIDIA H100:")
    assert table.count("| 2.5 |") == len(gpu.ROWS)
    assert "not measured" not in table
