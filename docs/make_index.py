"""The README's index of notebooks, one picture each, made from the executed notebooks: ``python docs/make_index.py``."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import nbformat
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "notebooks"
WIDTH = 220


def picture(book) -> bytes | None:
    """The first picture of a notebook's outputs, small, its class colours kept."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    shown = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    if not shown:
        return None
    image = Image.open(io.BytesIO(base64.b64decode(shown[0]))).convert("RGB")
    image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.LANCZOS)
    image = image.quantize(256, Image.Quantize.FASTOCTREE)  # a median cut loses the colours of small classes
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def title(book) -> str:
    """The heading of a notebook without its number."""
    return re.search(r"^# (?:\d+\. )?(.*)$", book.cells[0].source, re.M).group(1)


def index() -> str:
    """The table, a row a notebook."""
    rows = ["| notebook | | |", "| --- | --- | --- |"]
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        name = title(nbformat.read(path, as_version=4))
        target = PICTURES / f"{path.stem}.png"
        shown = f"![{name}](docs/notebooks/{target.name})" if target.exists() else ""
        rows.append(f"| [`{path.stem}`](notebooks/{path.name}) | {name} | {shown} |")
    return "\n".join(rows)


def main() -> None:
    """Write the pictures, and the table between its marks in the README."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        data = picture(nbformat.read(path, as_version=4))
        if data is not None:
            (PICTURES / f"{path.stem}.png").write_bytes(data)
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    block = f"<!-- notebooks -->\n{index()}\n<!-- /notebooks -->"
    readme.write_text(re.sub(r"<!-- notebooks -->.*<!-- /notebooks -->", lambda _: block, text, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
