"""What ``icon.check`` says of answers: the key of every notebook is right, its question and its hints give nothing away."""

import re
from pathlib import Path

import jupytext
import pytest
from test_notebooks import SOURCES, tool

import icon_nb as icon
from icon_nb.interfaces.answers import missed, questions

keys = tool("keys")
NAMES = {source.stem[3:]: source for source in SOURCES}
QUESTIONS = [(name, number) for name in questions() for number in questions()[name]]


def texts(name: str, head: str) -> dict[str, str]:
    """The numbered texts below a heading of a notebook."""
    (cell,) = [cell.source for cell in jupytext.read(NAMES[name]).cells if f"## {head}\n" in cell.source]
    body = cell.partition(f"## {head}\n")[2].strip().partition("\n\n")[0]
    return {number: " ".join(text.split()) for number, text in re.findall(r"^(\d)\. (.*?)(?=^\d\. |\Z)", body, re.M | re.S)}


def test_every_question_of_every_notebook_has_its_key():
    assert {name: list(questions()[name]) for name in questions()} == {name: list("12345") for name in NAMES}


def test_the_package_ships_the_keys_as_they_are_written():
    assert keys.TARGET.read_text(encoding="utf-8") == keys.shipped(), "run python notebooks/keys.py"


@pytest.mark.parametrize(("name", "number"), QUESTIONS)
def test_the_answer_in_the_notebook_is_right_and_its_question_is_not(name, number):
    assert icon.check(name, int(number), texts(name, "Answers")[number]).says == "Right."
    assert not icon.check(name, int(number), texts(name, "Questions")[number])
    assert not icon.check(name, int(number), "I do so well to be here today")


@pytest.mark.parametrize(("name", "number"), QUESTIONS)
def test_a_hint_does_not_name_what_it_asks_for(name, number):
    for point, plain in zip(questions()[name][number], keys.plain()[name][number]):
        assert "never" in point or missed(point, point["hint"], f"{name}.{number}") is not None, plain


def test_the_file_shows_no_answer():
    points = [point for name, number in QUESTIONS for point in questions()[name][number]]
    words = [word for point in points for word in (*point.get("words", ()), *point.get("never", ()))]
    assert len(words) > 300
    assert all(re.fullmatch("[0-9a-f]{10}", word) for word in words)
    assert len(set(words)) == len(words), "one word has different hashes for different questions"
    assert all(not re.search(r"\d\.\d", point.get("number", "")) for point in points)


@pytest.mark.parametrize("answer", ["the wide limit", "WIDE", "tau to infinity", "Infinite temperature.", "τ → infinity"])
def test_words_count_in_any_form(answer):
    assert icon.check("temperature", 2, answer)
    assert icon.check("03_temperature", 2, answer).right


def test_naming_both_is_not_an_answer():
    assert icon.check("temperature", 2, "the wide and the narrow one").says == "Not yet. Name only one."


def test_a_number_may_be_off_by_as_much_as_the_key_allows_and_is_told_the_direction():
    assert icon.check("temperature", 3, 5.13)
    assert icon.check("temperature", 3, "about 5.15 nats")
    assert icon.check("temperature", 3, 5.2).says.startswith("Not yet. Too large. ")
    assert icon.check("temperature", 3, "1e-3").says.startswith("Not yet. Too small. ")
    assert "Too" not in icon.check("temperature", 3, "between 1 and 9").says
    assert "Too" not in icon.check("temperature", 3, "no idea").says


def test_what_is_missing_is_said_point_by_point():
    first = icon.check("divergences", 5, "you may")
    second = icon.check("divergences", 5, "no")
    assert (first.right, second.right) == (False, False)
    assert first.says != second.says
    assert repr(icon.check("divergences", 5, "No, both contain q.")) == "Right."


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_no_answer_is_not_wrong(empty):
    assert repr(icon.check("temperature", 2, empty)) == "No answer yet."


@pytest.mark.parametrize(("arguments", "message"), [
    (("temprature", 2, "wide"), "notebook='temprature' has no questions; did you mean 'temperature'?"),
    (("temperature", 9, "wide"), "question=9 is not in 'temperature'; choose one of: 1, 2, 3, 4, 5"),
    (("temperature", 2, ["wide"]), r"answer=['wide'] is neither a text nor a number"),
])  # fmt: skip
def test_what_is_not_known_is_named(arguments, message):
    with pytest.raises(icon.IconError, match=re.escape(message)):
        icon.check(*arguments)


def test_it_needs_neither_torch_nor_matplotlib():
    import subprocess
    import sys

    code = "import sys, icon_nb; icon_nb.check('temperature', 2, 'wide'); print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.stdout == "set()\n", done.stderr
