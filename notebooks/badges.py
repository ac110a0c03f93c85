"""Write the Colab cells of the notebooks from the one place that holds the repository's address: ``[project.urls]``.

``python notebooks/badges.py`` rewrites the cells tagged ``badge`` and ``setup`` in every source. Without an address they say how to
open the notebook in Colab by upload.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent / "pyproject.toml"

UPLOAD = (
    "*In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; "
    "the next cell installs it."
)
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({})"
SETUP = '''import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("icon_nb") is None:
    package = "{}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)
import icon_nb as icon
'''


def setting(name: str, text: str) -> str | None:
    """The value of ``name = "..."`` in a TOML text, or None where it is absent or commented out."""
    found = re.search(rf'^{name}\s*=\s*"([^"]+)"', text, re.MULTILINE)
    return found[1] if found else None


def project() -> tuple[str | None, str]:
    """The repository's address, if it is set, and the version of the package."""
    text = PROJECT.read_text(encoding="utf-8")
    urls = text.partition("[project.urls]")[2].partition("\n[")[0]
    address = setting("Repository", urls)
    return address.rstrip("/").removesuffix(".git") if address else None, setting("version", text)


def badge(stem: str, address: str | None, version: str) -> str:
    """The markdown of the badge cell."""
    if address is None:
        return UPLOAD
    path = address.removeprefix("https://github.com/")
    return BADGE.format(f"https://colab.research.google.com/github/{path}/blob/v{version}/notebooks/{stem}.ipynb")


def setup(address: str | None, version: str) -> str:
    """The code of the set-up cell: the package at the tag of this version, from the address or from an uploaded wheel."""
    package = f"icon_nb @ git+{address}@v{version}" if address else f"icon_nb-{version}-py3-none-any.whl"
    return SETUP.format(package)


def written(text: str, stem: str, address: str | None, version: str) -> str:
    """A source with its two cells as they should be."""
    page = "".join(f"# {line}\n" for line in badge(stem, address, version).splitlines())
    text = _replace(text, '# %% [markdown] tags=["badge"]\n', page)
    return _replace(text, '# %% tags=["setup"]\n', setup(address, version))


def _replace(text: str, head: str, body: str) -> str:
    start, found, rest = text.partition(head)
    if not found:
        raise SystemExit(f"a source has no cell {head.strip()!r}")
    end = rest.find("\n# %%")
    return f"{start}{head}{body}{rest[end:] if end >= 0 else ''}"


def main() -> None:
    """Rewrite every source whose cells differ, and say which."""
    address, version = project()
    for source in sorted(HERE.glob("[0-9][0-9]_*.py")):
        old = source.read_text(encoding="utf-8")
        new = written(old, source.stem, address, version)
        if new != old:
            source.write_text(new, encoding="utf-8")
            print(f"{source.name}: rewritten; run make notebooks")


if __name__ == "__main__":
    main()
