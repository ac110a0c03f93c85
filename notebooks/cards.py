"""The derivation cards of all methods: ``cards.toml`` in words and formulas, ``six_points.py`` in numbers.

``python notebooks/cards.py`` writes the cells of ``16_derivation_cards.py`` between its headings "Six points" and "Recap". The
documentation shows the same cards, one on the page of each method.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

import six_points

from icon_nb.methods import METHODS

HERE = Path(__file__).resolve().parent
NOTEBOOK = HERE / "16_derivation_cards.py"
PLACE = re.compile(r"(# %% \[markdown\]\n# ## Six points\n.*?\n\n)(?=# %%)(.*?)(?=# %% \[markdown\]\n# ## Recap)", re.DOTALL)
WIDTH = 106  # of a line of code
PARTS = {
    "sne": "Maps: points are placed, and p are neighbours of the inputs or of a graph",
    "infonce": "Views: two pictures of one sample belong together",
    "supcon": "Classes, captions and modalities: p comes with the data",
    "cross_entropy": "Prototypes: the candidates are classes or words",
    "kmeans": "Clusters: q walks through what points share",
}
"""The headings, each before the method that its part begins with."""


@dataclass(frozen=True)
class Card:
    """What ``cards.toml`` says of a method."""

    name: str
    lines: list[list[str]]  # why, in LaTeX, in Python
    caveat: str
    q: str = ""  # in Python, where the package has no q but looks at p too

    @property
    def method(self):
        return METHODS[self.name]

    def values(self) -> tuple[list[float], float]:
        """What each line is on the six points, and the loss of the package."""
        p, q, loss = six_points.six(self.name)
        known = {**vars(six_points), "p": p, "q": q}
        return [eval(code, dict(known)) for *_, code in self.lines], loss

    def matrices(self) -> tuple[list, list]:
        """p and q as the picture shows them."""
        p, q, _ = six_points.six(self.name)
        return p, eval(self.q, {**vars(six_points), "p": p}) if self.q else q

    def text(self) -> list[str]:
        """The card in Markdown, a paragraph each."""
        p, q, paper = self.method.p, self.method.q, self.method.paper
        where = f"[{paper.authors} {paper.year}](https://arxiv.org/abs/{paper.arxiv})" if paper and paper.arxiv else ""
        source = where or (f"{paper.authors} {paper.year}, *{paper.title}*" if paper else "composed here")
        head = f"$p$: {lower(p.title)}, ${p.latex}$. $q$: {lower(q.title)}, ${q.latex}$. *Source:* {source}."
        steps = [part for number, (why, latex, _) in enumerate(self.lines, 1) for part in (f"**{number}.** {why}", f"$${latex}$$")]
        return [head, *steps, f"**Caveat.** {self.caveat}"]

    def code(self) -> str:
        """The card in Python."""
        body = [f'p, q, loss = six("{self.name}")', *([wrapped("q = ", self.q)] if self.q else [])]
        body += [wrapped(f"{name} = ", code) for name, (*_, code) in zip(("first", "second", "third"), self.lines)]
        return "\n".join([*body, f'card("{self.name}", p, q, loss, first, second, third)'])


def lower(title: str) -> str:
    """A title within a sentence: names of people and of methods stay as they are."""
    first = title.split()[0].strip(",")
    return title if first in ("Gaussian", "Student-t") or not first.isalpha() else title[:1].lower() + title[1:]


def wrapped(name: str, code: str) -> str:
    """A line of code, in several lines where it is long: the breaks stand between brackets."""
    if len(name) + len(code) <= WIDTH:
        return name + code
    inner = textwrap.wrap(code, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"{name}(", *(f"    {line}" for line in inner), ")"])


def cards() -> dict[str, Card]:
    """Every card, in the order of the table."""
    rows = tomllib.loads((HERE / "cards.toml").read_text(encoding="utf-8"))
    return {name: Card(name, **rows[name]) for name in METHODS}


def markdown(*paragraphs: str) -> str:
    """A cell of text."""
    lines = "\n\n".join(paragraphs).splitlines()
    return "\n".join(["# %% [markdown]", *(f"# {line}".rstrip() for line in lines)])


def cells() -> str:
    """All cells of the notebook that are made."""
    points = (HERE / "six_points.py").read_text(encoding="utf-8").partition("\n\n")[2].rstrip()
    made = [points]
    for name, card in cards().items():
        made += [markdown(f"## {PARTS[name]}")] if name in PARTS else []
        made += [markdown(f"### {card.method.title}", *card.text()), f"# %%\n{card.code()}"]
    return "\n\n".join(made) + "\n\n"


def written(text: str) -> str:
    """The source of the notebook with its made cells as they should be."""
    return PLACE.sub(lambda found: found[1] + cells(), text, count=1)


if __name__ == "__main__":
    NOTEBOOK.write_text(written(NOTEBOOK.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(cards())} cards in {NOTEBOOK.name}")
