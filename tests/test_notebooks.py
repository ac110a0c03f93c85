"""The notebooks as files: pairs in step, cells as the house wants them, nothing left unrun, nothing only a browser could show.

That they run and that their facts hold is checked by nbval over the folder ``notebooks``.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from PIL import Image

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))
WIDEST = 112  # characters that fit a page of 1,000 pixels
TAGS = {"badge", "setup", "claim", "solution", "nbval-check-output", "raises-exception"}


def tool(name: str, **needs):
    """A module of the folder of notebooks, which is no package; ``needs`` are those that it imports by their bare name."""
    spec = importlib.util.spec_from_file_location(f"notebooks_{name}", NOTEBOOKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for other, loaded in needs.items():
            patch.setitem(sys.modules, other, loaded)
        spec.loader.exec_module(module)
    return module


build, badges = tool("build"), tool("badges")
graded = tool("graded", build=build)
student, slides = tool("student", build=build, graded=graded), tool("slides", build=build)


@pytest.fixture(params=SOURCES, ids=lambda source: source.stem)
def source(request):
    return request.param


@pytest.fixture
def book(source):
    path = source.with_suffix(".ipynb")
    assert path.exists(), f"{path.name} was never made: run `make notebooks`"
    return nbformat.read(path, as_version=4)


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def tagged(book, tag: str):
    return [cell for cell in book.cells if tag in cell.metadata.get("tags", [])]


def pages(book):
    """Every ``text/html`` of the outputs."""
    return [output.data["text/html"] for cell in code(book) for output in cell.outputs if "text/html" in output.get("data", {})]


def test_the_pair_is_in_step(source, book):
    made = build.read(source)
    expected = [(cell.cell_type, cell.id, cell.metadata.get("tags"), cell.source) for cell in made.cells]
    found = [(cell.cell_type, cell.id, cell.metadata.get("tags"), cell.source) for cell in book.cells]
    assert found == expected, f"{source.name} and its .ipynb differ: edit the .py and run `make notebooks`"


def test_every_cell_was_run_from_first_to_last_without_error(book):
    assert [cell.execution_count for cell in code(book)] == list(range(1, len(code(book)) + 1))
    kinds = {(output.output_type, output.get("name")) for cell in code(book) for output in cell.outputs}
    assert not kinds & {("error", None), ("stream", "stderr")}


def test_it_is_small(source, book):
    assert source.with_suffix(".ipynb").stat().st_size <= build.NOTEBOOK_BYTES
    assert max(build.animations(book), default=0) <= build.ANIMATION_BYTES


def test_every_animation_moves(book):
    for page in pages(book):
        for data in re.findall(r"data:image/gif;base64,([A-Za-z0-9+/=]+)", page):
            assert Image.open(BytesIO(b64decode(data))).n_frames >= 20


def test_cells_are_short(book):
    long = [cell.source for cell in code(book) if len(cell.source.splitlines()) > 15]
    assert long == []


def test_lines_of_code_are_not_cut_in_a_page(book):
    wide = [line for cell in code(book) for line in cell.source.splitlines() if len(line) > WIDEST]
    assert wide == []


def test_every_widget_is_shown_in_some_notebook():
    shown = "".join(source.read_text(encoding="utf-8") for source in SOURCES)
    for use in ("widgets.temperature_study(", "widgets.method_explorer(", "live=True)", ".player()"):
        assert use in shown


def test_it_has_the_parts_of_a_notebook(book):
    assert book.cells[0].source.startswith("# ")
    assert [cell.metadata.get("tags") for cell in code(book)][0] == ["setup"]
    assert len(tagged(book, "badge")) == len(tagged(book, "setup")) == 1
    assert any("assert" in cell.source for cell in tagged(book, "solution"))
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    parts = ("**The claim.**", "**You will be able to**", "**Before this:**", "**Time:**", "**Predict")
    for part in (*parts, "## Recap", "## Misconceptions", "## Exercises", "## Questions", "### Answers"):
        assert part in text
    questions = text.partition("## Questions")[2].partition("### Answers")[0]
    assert len(re.findall(r"^\d\. ", questions, re.MULTILINE)) == 5


def test_what_a_notebook_says_is_checked_after_it(source):
    assert "assert" in build.facts(source)
    assert {path.name for path in (NOTEBOOKS / "facts").glob("*.py")} == {path.name for path in SOURCES}


def test_facts_are_run_in_the_kernel_of_the_notebook():
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    assert len(build.execute(book, "assert x == 1").cells) == 1
    with pytest.raises(Exception, match="AssertionError"):
        build.execute(book, "assert x == 2")


def test_only_the_text_of_a_notebook_can_be_made_again():
    old = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("x", execution_count=2)])
    old.cells[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "1"}, execution_count=2)]
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("New."), nbformat.v4.new_code_cell("x")])
    made = build.with_outputs_of(new, old).cells[1]
    assert (made.execution_count, made.outputs[0].execution_count, made.outputs[0].data) == (1, 1, {"text/plain": "1"})
    new.cells[1].source = "x + 1"
    with pytest.raises(SystemExit, match="code cell has changed"):
        build.with_outputs_of(new, old)


def test_only_known_tags_and_no_other_metadata(book):
    assert set(book.metadata) == {"kernelspec", "language_info"}
    for cell in book.cells:
        assert set(cell.metadata) <= {"tags"}
        assert set(cell.metadata.get("tags", [])) <= TAGS


def test_nothing_needs_a_live_widget(book):
    for cell in code(book):
        for output in cell.outputs:
            data = output.get("data", {"text/plain": ""})
            assert build.WIDGET_VIEW not in data
            assert "text/plain" in data


def test_every_picture_has_words_for_those_who_cannot_see_it(book):
    for page in pages(book):
        for image in re.findall(r"<img\b[^>]*>", page):
            assert re.search(r'alt="[^"]{10,}"', image), image[:80]
    for cell in code(book):
        for output in cell.outputs:
            assert "image/png" not in output.get("data", {}) or "text/html" in output.data


def test_the_colab_cells_come_from_the_one_address(source):
    text = source.read_text(encoding="utf-8")
    assert badges.written(text, source.stem, *badges.project()) == text, "run `make badges`"


def test_an_address_becomes_a_badge_and_a_setup_at_the_tag():
    text = '# %% [markdown] tags=["badge"]\n# old\n\n# %% tags=["setup"]\nold = 1\n\n# %%\nrest = 1\n'
    new = badges.written(text, "00_quickstart", "https://github.com/OWNER/NAME", "1.2")
    assert "colab/github" not in new
    assert "github/OWNER/NAME/blob/v1.2/notebooks/00_quickstart.ipynb" in new
    assert '"icon_nb @ git+https://github.com/OWNER/NAME@v1.2"' in new
    assert new.endswith("\n# %%\nrest = 1\n")
    assert "old" not in new


def test_the_setup_cell_installs_in_a_bare_colab_and_nowhere_else(monkeypatch):
    asked = []
    monkeypatch.setattr("subprocess.run", lambda command, check: asked.append(command))
    exec(badges.setup("https://github.com/OWNER/NAME", "1.2"), {})
    assert asked == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    exec(badges.setup("https://github.com/OWNER/NAME", "1.2"), {})
    assert asked == [], "the package is there already"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    exec(badges.setup("https://github.com/OWNER/NAME", "1.2"), {})
    assert asked[0][1:5] == ["-m", "pip", "install", "-q"]


def test_student_copies_lack_the_solutions_and_nothing_else(source):
    whole, copy = build.read(source), student.student_copy(source)
    solutions = {cell.source for cell in tagged(whole, "solution")}
    assert solutions
    assert not solutions & {cell.source for cell in copy.cells}
    kept = [cell.source for cell in whole.cells if "solution" not in cell.metadata.get("tags", [])]
    assert [cell.source for cell in copy.cells if "solution" not in cell.metadata.get("tags", [])] == kept
    assert all(not cell.get("outputs") for cell in copy.cells)
    nbformat.validate(copy)


def test_a_deck_of_slides_shows_every_part_but_the_solutions(source):
    cells = slides.deck(build.read(source)).cells
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in cells]
    assert kinds[0] == "slide"
    assert kinds.count("slide") >= 3
    hidden = [cell for cell, kind in zip(cells, kinds) if kind == "skip"]
    assert all(set(cell.metadata["tags"]) & {"badge", "setup", "solution"} for cell in hidden)
    assert len(hidden) == 2 + sum("solution" in cell.metadata.get("tags", []) for cell in cells)


def test_a_heading_begins_a_slide_wherever_it_stands_in_a_cell():
    cells = [nbformat.v4.new_markdown_cell(text) for text in ("# A\ntext", "short\n\n## B\nmore", "long " * 100)]
    cells.insert(2, nbformat.v4.new_code_cell("1"))
    made = slides.deck(nbformat.v4.new_notebook(cells=cells)).cells
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in made]
    assert kinds == ["slide", "fragment", "slide", "subslide", "subslide"]


def test_a_page_that_is_not_trusted_keeps_its_pictures_and_loses_what_runs():
    pytest.importorskip("playwright", reason="comes with the extra 'test'")
    sheets = tool("sheets", build=build)
    page = (
        '<style>b{}</style><script>1</script><table><tr><td style="color:#888" class="k" onclick="x()">a</td></tr></table>'
        '<iframe srcdoc="x"><img src="data:image/png;base64,AA==" alt="the filmstrip"></iframe>'
    )
    made = []
    for kept in ({"class", "style"}, set()):
        output = nbformat.v4.new_output("display_data", {"text/html": page})
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
        made.append(sheets.cleaned(book, kept).cells[0].outputs[0].data["text/html"])
    for shown in made:
        assert '<img alt="the filmstrip" src="data:image/png;base64,AA==">' in shown
        assert not re.search("script>|<style|iframe|onclick|b{}", shown)
    assert '<td class="k" style="color:#888;">a</td>' in made[0]
    assert "<td>a</td>" in made[1]


def test_formulas_on_a_sheet_are_drawn_without_a_script():
    pytest.importorskip("playwright", reason="comes with the extra 'test'")
    sheets = tool("sheets", build=build)
    prose = "<p>$p_{ij} < \\tau$ &amp; $$\\frac1n$$</p><pre>$a$ stays</pre><script>`${b} and ${c}`</script>"
    shown = sheets.with_formulas(f'<div class="jp-RenderedHTMLCommon">{prose}</div><p>$d$ stays</p>')
    assert shown.count("<math") == 2
    assert shown.count('display="block"') == 1
    assert shown.count("<mfrac>") == 1
    assert "<mi>&#x003C4;</mi>" in shown or "<mi>τ</mi>" in shown
    for kept in ("<pre>$a$ stays</pre>", "`${b} and ${c}`", "<p>$d$ stays</p>", " &amp; "):
        assert kept in shown


def test_an_error_in_a_notebook_is_a_line_beside_a_folded_traceback():
    from nbclient import NotebookClient

    sources = "import icon_nb as icon\nicon.run(\n    method='simcrl')", "1 / 0"
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    NotebookClient(book := nbformat.v4.new_notebook(cells=cells), allow_errors=True, kernel_name="python3").execute()
    folded, error = book.cells[0].outputs
    said = "ConfigError: method='simcrl' is not known; did you mean 'simclr'?"
    assert "\n".join(error.traceback).splitlines() == [said, "  raised by: icon.run("]
    assert folded.data["text/html"].startswith("<details><summary>traceback</summary>")
    assert "&#x27;simcrl&#x27;" in folded.data["text/html"]
    assert len("\n".join(book.cells[1].outputs[0].traceback).splitlines()) > 2


def test_the_lesson_plans_name_notebooks_that_are_there():
    plans = sorted((NOTEBOOKS.parent / "docs" / "teaching").glob("*.md"))
    assert len(plans) == 4
    for plan in plans:
        for target in re.findall(r"\]\(([\w./]+)\)", plan.read_text(encoding="utf-8")):
            assert (plan.parent / target).exists(), f"{plan.name}: {target}"
    whole = (NOTEBOOKS.parent / "docs" / "teaching" / "twelve_sessions.md").read_text(encoding="utf-8")
    assert all(f"{source.stem}.ipynb" in whole for source in SOURCES)


def test_links_between_notebooks_lead_somewhere(source):
    for target in re.findall(r"\]\(([\w.]+\.ipynb)\)", source.read_text(encoding="utf-8")):
        assert (NOTEBOOKS / target).with_suffix(".py").exists(), target


def test_links_to_the_glossary_lead_to_a_word(source):
    words = re.findall(r"^### (.+)$", (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    linked = re.findall(r"\]\(glossary\.md#([\w-]+)\)", source.read_text(encoding="utf-8"))
    assert linked
    assert set(linked) <= {word.lower().replace(" ", "-") for word in words}


def test_the_glossary_names_notebooks_that_are_there():
    for target in re.findall(r"\]\(([\w.]+)\)", (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")):
        assert (NOTEBOOKS / target).exists(), target


def colab_versions():
    """Name -> version of what Colab ships."""
    lines = (NOTEBOOKS / "colab-versions.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_pip_changes_nothing_that_colab_ships():
    from packaging.requirements import Requirement

    text, shipped = badges.PROJECT.read_text(encoding="utf-8"), colab_versions()
    needed = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    floors = [Requirement(line) for line in re.findall(r'"([^"]+)"', needed)]
    assert {"torch", "numpy", "ipywidgets", "scikit-learn"} <= {floor.name for floor in floors}
    for floor in (each for each in floors if each.specifier):
        assert floor.specifier.contains(shipped[floor.name]), f"{floor} would replace Colab's {shipped[floor.name]}"
    assert {floor.name for floor in floors if "<" in str(floor.specifier)} <= {"ipywidgets"}


def test_every_make_target_of_the_notebooks_is_there():
    rules = (NOTEBOOKS.parent / "Makefile").read_text(encoding="utf-8")
    for target in ("notebooks", "badges", "student", "slides", "test-colab"):
        assert re.search(rf"^{target}:", rules, re.MULTILINE), target
