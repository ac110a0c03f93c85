"""Check what a learner answers to the questions of the notebooks, without giving the right answers away."""

from __future__ import annotations

import hashlib
import re
import tomllib
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from ..errors import demand, nearest, shown


class Verdict(NamedTuple):
    """Whether an answer is right, and a sentence about it. It counts as true where the answer is right."""

    right: bool
    says: str
    __bool__, __repr__ = (lambda self: self.right), (lambda self: self.says)


@cache
def questions() -> Mapping[str, Mapping[str, list]]:
    """Notebook -> number of a question -> the points of its answer, each with the hint for those who miss it."""
    return tomllib.loads(resources.files(__package__).joinpath("answers.toml").read_text(encoding="utf-8"))


def hashed(word: str, salt: str) -> str:
    """What stands in the file for a word, or for the beginning of one: ``wide*``."""
    return hashlib.sha256(f"{salt}:{word}".encode()).hexdigest()[:10]


def missed(point: Mapping, text: str, salt: str) -> str | None:
    """The hint of a point that a text misses: one of some words, none of some words, or a number."""
    if "number" in point:
        off = [float(number) - float(b64decode(point["number"])) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]
        way = f"{'Too large' if off[0] > 0 else 'Too small'}. " if len(off) == 1 else ""
        return None if any(abs(each) <= point["within"] for each in off) else way + point["hint"]
    words = re.findall(r"[^\W_]+", text.casefold())
    starts = {f"{word[:n]}*" for word in words for n in range(3, len(word) + 1)}
    named = {hashed(word, salt) for word in {*words, *starts}} & {*point.get("words", ()), *point.get("never", ())}
    return point["hint"] if bool(named) == ("never" in point) else None


def check(notebook: str, question: int, answer: str | float | None) -> Verdict:
    """Say whether an answer to a question of a notebook names what matters, and if not, what to think of next.

    ``notebook`` is its name, with or without the number, and ``answer`` a word, a number or a sentence. Words are compared, not
    thoughts: a good answer in unusual words may be missed. Raises a :class:`ConfigError` where there is no such question.

    >>> import icon_nb as icon
    >>> icon.check("temperature", 2, "the narrow one")
    Not yet. In which limit does every stranger get the same weight?
    """
    known, name = questions(), re.sub(r"^\d\d_", "", str(notebook))
    demand(name in known, f"notebook={shown(notebook)} has no questions; {nearest(name, known)}")
    demand(str(question) in known[name], f"question={shown(question)} is not in {name!r}; {nearest(question, known[name])}")
    demand(answer is None or isinstance(answer, (str, int, float)), f"answer={shown(answer)} is neither a text nor a number")
    text = "" if answer is None else str(answer).strip()
    hints = [missed(point, text, f"{name}.{question}") for point in known[name][str(question)]]
    says = next((f"Not yet. {hint}" for hint in hints if hint), "Right.") if text else "No answer yet."
    return Verdict(says == "Right.", says)
