"""The notebooks as an nbgrader course: the metadata, the points, and, where nbgrader is there, its own word on both."""

import re

import nbformat
import pytest
from test_notebooks import SOURCES, build, graded


@pytest.fixture(params=SOURCES, ids=lambda source: source.stem)
def book(request):
    return graded.graded(request.param)


def parts(book):
    """The cells that nbgrader looks at."""
    return [cell for cell in book.cells if "nbgrader" in cell.metadata]


def test_every_exercise_and_question_has_its_points(book):
    text = "\n".join(cell.source for cell in book.cells)
    stars = sum(len(each) for each in re.findall(r"^\d\. (★+)", text, re.MULTILINE))
    points = {cell.metadata["nbgrader"]["grade_id"]: cell.metadata["nbgrader"].get("points") for cell in parts(book)}
    assert sum(filter(None, points.values())) == stars + 5
    assert [points[f"question-{k}"] for k in range(1, 6)] == [1] * 5
    assert len(points) == len(parts(book)), "ids are unique"
    nbformat.validate(book)


def test_a_solution_is_between_the_marks_and_a_check_is_locked(book):
    for cell in parts(book):
        about = cell.metadata["nbgrader"]
        assert about["locked"] != about["solution"]
        if about["solution"] and cell.cell_type == "code":
            assert cell.source.count(graded.BEGIN) == cell.source.count(graded.END) == 1
        elif not about["solution"]:
            assert "assert " in cell.source
            compile(cell.source, about["grade_id"], "exec")


def test_a_cell_is_parted_where_its_asserts_begin():
    body, checks, names = graded.parted("a = 1\nassert a\nb, c = f(a)\n# why\nassert b == 2\nassert a < b")
    assert (body, checks) == ("a = 1\nassert a\nb, c = f(a)\n# why", "assert b == 2\nassert a < b")
    assert names == ["b", "a"]
    assert graded.parted("a = 1") == ("a = 1", "", [])


def test_the_key_of_the_questions_passes_its_checks():
    """The questions of a notebook, answered by its key and checked one by one, after the cells that every student runs."""
    book = graded.graded(next(source for source in SOURCES if source.stem == "15_debiasing"))
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    names = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
    kept = [*range(names.index("exercise-1")), *range(names.index("questions"), len(names))]
    few = nbformat.v4.new_notebook(cells=[cells[k] for k in kept if "icon.sweep" not in cells[k].source])
    for cell in few.cells:
        cell.source = cell.source.replace('"epochs": 12', '"epochs": 1')
    assert build.execute(few, "assert all(answers.values())").cells[-1].source.startswith("verdict")


@pytest.mark.friends
def test_nbgrader_takes_it_and_the_students_get_no_solution(book):
    pytest.importorskip("nbgrader", reason="comes with the extra 'friends'")
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.preprocessors import CheckCellMetadata, ClearSolutions, LockCells
    from traitlets.config import Config

    secret = [line for cell in parts(book) for line in re.findall(f"{graded.BEGIN}\n(.*?){graded.END}", cell.source, re.S)]
    MetadataValidator().validate_nb(book)
    for step in (LockCells, ClearSolutions, CheckCellMetadata):
        book, _ = step(config=Config()).preprocess(book, {})
    MetadataValidator().validate_nb(book)
    text = "\n".join(cell.source for cell in book.cells)
    assert len(secret) >= 3
    assert all(each.strip() not in text for each in secret)
    assert "BEGIN SOLUTION" not in text
    assert text.count("YOUR CODE HERE") >= 3
