"""The code of the how-to pages runs as it stands, page by page; and the pages say nothing that is not there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).resolve().parents[1] / "docs" / "site" / "howto").glob("*.md"))
BLOCK = re.compile(r"```python\n(.*?)```", re.S)
CODE = {page: BLOCK.findall(page.read_text(encoding="utf-8")) for page in PAGES}
RUNS = {page.stem: [code for code in blocks if "import icon_nb" in code] for page, blocks in CODE.items()}


def test_every_page_stands_in_the_index():
    index = next(page for page in PAGES if page.stem == "index").read_text(encoding="utf-8")
    assert {page.stem for page in PAGES} - {"index"} == set(re.findall(r"^(\w+)$", index, re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_code_can_be_read(page):
    for code in BLOCK.findall(page.read_text(encoding="utf-8")):
        compile(code, page.name, "exec")


@pytest.mark.friends
@pytest.mark.parametrize("name", [name for name, blocks in RUNS.items() if blocks])
def test_its_code_runs(name, tmp_path):
    for code in RUNS[name]:
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
