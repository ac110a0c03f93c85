"""Every notebook as people meet it, drawn by Debian's Chromium: ``python notebooks/sheets.py [NN ...]`` writes to ``build/sheets``.

Five forms of each: the page that nbconvert makes; the same with scripts switched off; what an untrusted JupyterLab leaves of it (no
scripts, frames and style sheets, inline styles kept); what GitHub leaves (no styles and classes either); and a handout on paper, also as
PDF, in which a filmstrip stands for every animation and no line of code is cut.
``NN_name.png`` sets the five side by side, and ``index.html`` lists them. Look at them before a release. Formulas are drawn as MathML in
the place of the script that draws them elsewhere: MathJax from the network in a page, JupyterLab's own, GitHub's. Only the page without
scripts shows them as they are written, because nbconvert has no other way to draw them; the documentation site has.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from html import escape, unescape
from pathlib import Path

import bleach
import nbformat
from bleach.css_sanitizer import CSSSanitizer
from bs4 import BeautifulSoup
from build import HERE, sources
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

SHEETS = HERE.parent / "build" / "sheets"
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage")
WIDTH, COLUMN = 1000, 330
TAGS = {
    *"a abbr b blockquote br caption code col colgroup dd details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img kbd".split(),
    *"li ol p pre s small span strong sub summary sup table tbody td tfoot th thead tr u ul".split(),
}
ALWAYS = {"href", "src", "alt", "title", "width", "height", "colspan", "rowspan", "align", "open", "scope"}
STYLES = CSSSanitizer(allowed_css_properties=[
    *"background background-color border border-bottom border-collapse border-left border-right border-top color display".split(),
    *"font-family font-size font-style font-weight height line-height margin max-width min-width overflow padding text-align".split(),
    *"text-decoration vertical-align white-space width".split(),
])  # fmt: skip

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
PAPER = "<style>pre {white-space: pre-wrap !important; font-size: 12px !important} .jp-RenderedImage img {max-width: 100%}</style>"


def cleaned(book: nbformat.NotebookNode, kept: set[str]) -> nbformat.NotebookNode:
    """The notebook with only harmless HTML in its outputs: known tags, these attributes, pictures that it carries itself."""
    for output in (output for cell in book.cells for output in cell.get("outputs", []) if "data" in output):
        output.data.pop("application/javascript", None)
        if "text/html" in output.data:
            page = without_content(output.data["text/html"])
            rules = {"attributes": lambda tag, name, value: name in ALWAYS | kept, "protocols": {"http", "https", "data"}}
            output.data["text/html"] = bleach.clean(page, tags=TAGS, css_sanitizer=STYLES, strip=True, **rules)
    return book


def without_content(page: str) -> str:
    """A page without scripts and style sheets; what a frame holds for those who have no frames takes its place."""
    tree = BeautifulSoup(page, "html.parser")
    for element in tree.find_all(["script", "style", "template"]):
        element.decompose()
    for frame in tree.find_all("iframe"):
        frame.replace_with(BeautifulSoup(frame.decode_contents(formatter=None), "html.parser"))
    return str(tree)


def for_paper(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with the still picture of every output that has one: an animation prints as its first frame."""
    for output in (output for cell in book.cells for output in cell.get("outputs", []) if "data" in output):
        if "image/png" in output.data:
            output.data.pop("text/html", None)
    return book


def drawn_formula(found: re.Match) -> str:
    """A formula of a page as MathML, in a line of its own between two dollars."""
    return convert(unescape(found[1] or found[2]), display="block" if found[1] else "inline")


def with_formulas(page: str) -> str:
    """A page whose formulas, between dollars in prose and in tables, are MathML: a browser draws it without a script."""
    tree = BeautifulSoup(page, "html.parser")
    texts = [text for part in tree.select(".jp-RenderedHTMLCommon") for text in part.find_all(string=FORMULA)]
    for text in (text for text in texts if text.parent and text.parent.name not in ("script", "style", "code", "pre")):
        shown = FORMULA.sub(lambda found: drawn_formula(found), escape(text, quote=False))
        text.replace_with(BeautifulSoup(shown, "html.parser"))
    return str(tree)


def forms(source: Path) -> dict[str, str]:
    """The HTML of a notebook in each of its forms."""
    def page(change=lambda book: book) -> str:
        return HTMLExporter().from_notebook_node(change(nbformat.read(source.with_suffix(".ipynb"), as_version=4)))[0]

    whole = page()
    return {
        "page": with_formulas(whole),
        "no_script": whole,
        "untrusted_lab": with_formulas(page(lambda book: cleaned(book, {"class", "id", "style", "hidden"}))),
        "github": with_formulas(page(lambda book: cleaned(book, set()))),
        "print": with_formulas(page(for_paper)).replace("</head>", f"{PAPER}</head>", 1),
    }


def drawn(browser, form: str, path: Path) -> Image.Image:
    """The whole length of a page; ``print`` as it stands on paper, beside its PDF."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 900}, java_script_enabled=form == "page", offline=False)
    tab = context.new_page()
    tab.route(re.compile("^https?:"), lambda route: route.abort())
    tab.goto(path.as_uri())
    if form == "print":
        tab.pdf(path=path.with_suffix(".pdf"), format="A4", print_background=True)
        tab.emulate_media(media="print")
    tab.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(tab.screenshot(full_page=True))).convert("RGB")
    context.close()
    return picture


def side_by_side(pictures: dict[str, Image.Image]) -> Image.Image:
    """The forms as columns, their names above them."""
    small = {form: each.resize((COLUMN, max(1, each.height * COLUMN // each.width)), Image.LANCZOS) for form, each in pictures.items()}
    sheet = Image.new("RGB", (COLUMN * len(small), 20 + max(each.height for each in small.values())), "white")
    for k, (form, each) in enumerate(small.items()):
        ImageDraw.Draw(sheet).text((k * COLUMN + 4, 4), form, fill="black")
        sheet.paste(each, (k * COLUMN, 20))
    return sheet


def main(names: list[str]) -> None:
    """Draw every notebook, or those whose names begin so."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    chosen = [source for source in sources() if not names or source.name.startswith(tuple(names))]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        for source in chosen:
            pictures = {}
            for form, text in forms(source).items():
                path = SHEETS / f"{source.stem}.{form}.html"
                path.write_text(text, encoding="utf-8")
                pictures[form] = drawn(browser, form, path)
                pictures[form].save(path.with_suffix(".png"))
            side_by_side(pictures).save(SHEETS / f"{source.stem}.png")
            print(f"{source.stem}: {', '.join(f'{form} {each.height} px' for form, each in pictures.items())}")
        browser.close()
    rows = "".join(f'<h2>{each.stem}</h2><img src="{each.name}">' for each in sorted(SHEETS.glob("[0-9][0-9]_*.png")) if each.stem.count(".") == 0)
    (SHEETS / "index.html").write_text(f"<!doctype html><title>Notebooks</title>{rows}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
