"""The keys of the questions as the package ships them: ``answers.toml`` beside this file, its words hashed and its numbers encoded.

``python notebooks/keys.py`` writes ``icon_nb/interfaces/answers.toml``. A point of an answer is ``words``, of which one must be named,
``never``, of which none may, or ``number``, which must be met ``within`` a distance. ``wide*`` is every word that begins so. The
``hint`` of a point must not contain what it asks for.
"""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path

from icon_nb.interfaces.answers import hashed

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "icon_nb" / "interfaces" / "answers.toml"
HEAD = "# Written by notebooks/keys.py from notebooks/answers.toml: words are hashed, so that a glance does not give an answer away.\n"


def plain() -> dict:
    """Notebook -> question -> points, in words."""
    return tomllib.loads((HERE / "answers.toml").read_text(encoding="utf-8"))


def encoded(point: dict, salt: str) -> str:
    """A point as a line of TOML."""
    kinds = [kind for kind in ("words", "never") if kind in point]
    parts = [f"{kind} = {json.dumps(sorted(hashed(word, salt) for word in point[kind]))}" for kind in kinds]
    if "number" in point:
        secret = base64.b64encode(str(point["number"]).encode()).decode()
        parts.append(f'number = "{secret}", within = {point["within"]}')
    return "{ " + ", ".join([*parts, f"hint = {json.dumps(point['hint'])}"]) + " }"


def shipped() -> str:
    """The text of the file in the package."""
    lines = [HEAD]
    for notebook, questions in plain().items():
        lines.append(f"[{notebook}]")
        for number, points in questions.items():
            lines += [f"{number} = [", *(f"  {encoded(point, f'{notebook}.{number}')}," for point in points), "]"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(shipped(), encoding="utf-8")
    print(f"{sum(map(len, plain().values()))} questions in {TARGET}")
