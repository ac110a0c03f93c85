"""What pyproject.toml cannot say: the notebooks ship inside the wheel, and the README's links hold on a package index.

Everything else about the package stands in pyproject.toml.
"""

import json
import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
LINK = re.compile(r"(!?)\[((?:!\[[^\]]*\]\([^)]*\)|[^\]])*)\]\((?!https?:|#)([^)\s]+)\)")


def project(name):
    """The value of ``name = "..."`` in pyproject.toml, or None where it is absent or commented out."""
    found = re.search(rf'^{name}\s*=\s*"([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found and found[1]


def description(text, address, version):
    """The README for the index: links into the repository are absolute at the tag of this version.

    Without an address, a link becomes its words, and a picture goes.
    """

    def absolute(match):
        picture, words, target = match.groups()
        if address:
            return f"{picture}[{words}]({address}/{'raw' if picture else 'blob'}/v{version}/{target})"
        return "" if picture else words

    return LINK.sub(absolute, text)


class WithNotebooks(build_py):
    """Copies the notebooks into the package, without the outputs that running them makes again."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "icon_nb" / "notebooks"
        target.mkdir(parents=True, exist_ok=True)
        for source in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
            book = json.loads(source.read_text(encoding="utf-8"))
            for cell in book["cells"]:
                if cell["cell_type"] == "code":
                    cell.update(outputs=[], execution_count=None)
            (target / source.name).write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (target / "glossary.md").write_bytes((ROOT / "notebooks" / "glossary.md").read_bytes())


if __name__ == "__main__":
    address = project("Repository")
    setup(
        long_description=description(
            (ROOT / "README.md").read_text(encoding="utf-8"), address and address.rstrip("/"), project("version")
        ),
        long_description_content_type="text/markdown",
        cmdclass={"build_py": WithNotebooks},
    )
