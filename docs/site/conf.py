"""The site, by sphinx: ``make docs``. ``docs/build_site.py`` writes the pages about methods, settings, the ledger and the API."""

import tomllib
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

project = "icon_nb"
author = copyright = "The icon_nb authors"
release = tomllib.loads((Path(__file__).parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = [
    "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_nb", "sphinx_copybutton", "sphinx_design",
]  # fmt: skip
nb_execution_mode = "off"  # the outputs are those that the notebooks were committed with
nb_ipywidgets_js = {}  # nothing is fetched from elsewhere
myst_enable_extensions = ["dollarmath", "colon_fence", "html_image"]
myst_heading_anchors = 3
html_theme = "pydata_sphinx_theme"
html_title = "icon_nb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["extra"]
html_theme_options = {
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}
html_show_sourcelink = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_preprocess_types = False
copybutton_prompt_text = ">>> "
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]
exclude_patterns = ["extra"]


def mathml(node: nodes.Node, display: str) -> str:
    """A formula as MathML, which browsers draw themselves: no script, no font to load."""
    return convert(node.astext().strip(), display=display)


def visit_math(self, node):
    """A formula inside a sentence."""
    self.body.append(mathml(node, "inline"))
    raise nodes.SkipNode


def visit_math_block(self, node):
    """A formula in a line of its own, which scrolls where it is wider than the page."""
    self.body.append(f'<div class="formula" tabindex="0" role="region" aria-label="formula">{mathml(node, "block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """The two visitors in place of a script that draws formulas."""
    app.add_node(nodes.math, override=True, html=(visit_math, None))
    app.add_node(nodes.math_block, override=True, html=(visit_math_block, None))
