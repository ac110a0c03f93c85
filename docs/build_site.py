"""The documentation site: ``make docs``. Writes the pages that come from the tables, then lets sphinx build all of them.

Everything is made offline. The pages about methods show an animation of a short run each, kept in the build folder.
"""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import icon_nb as icon
from icon_nb.methods import methods, recipes
from icon_nb.methods.config import SETTINGS
from icon_nb.methods.periodic import Atlas
from icon_nb.methods.settings import GROUPS

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))
import cards  # noqa: E402
from six_points import first_row, picture, six  # noqa: E402

BUILD = ROOT / "build"
SOURCE, SITE, MOVES = BUILD / "site-source", BUILD / "site", BUILD / "site-animations"
SMALL = {"epochs": 8, "max_points": 300, "quiet": True}
FACES = (
    "icon_nb.supervisory", "icon_nb.learned", "icon_nb.divergences", "icon_nb.distances", "icon_nb.objective", "icon_nb.data",
    "icon_nb.evaluate", "icon_nb.dynamics", "icon_nb.animation", "icon_nb.recorders", "icon_nb.widgets", "icon_nb.methods",
)  # fmt: skip
"""The modules whose public names the reference lists."""


def write(name: str, *parts: str) -> None:
    """A page of the source."""
    path = SOURCE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def toctree(names, depth: int = 1) -> str:
    """The directive that lists pages."""
    return "\n".join(["```{toctree}", f":maxdepth: {depth}", "", *names, "```"])


def animation(name: str) -> str:
    """The picture of a short run of a method, as it moves; made once and kept."""
    MOVES.mkdir(parents=True, exist_ok=True)
    path = MOVES / f"{name}.gif"
    if not path.exists():
        config = icon.Config(method=name)
        few = {} if config.resolve().backbone == "table" else {"epochs": SMALL["epochs"]}
        dataset = config.resolve().dataset
        some = {"n_samples": 500} if dataset in ("digits", "moving_digits") else {}
        results = icon.run(config, max_points=SMALL["max_points"], quiet=True, **few, **some)
        results.animate(size=(420, 380), projection="auto").save(path)
    target = SOURCE / "methods" / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
    return f"![{methods.METHODS[name].title}: how the embedding of the default data moves]({path.name})"


def derivation(card: cards.Card) -> list[str]:
    """From the divergence to the loss in three lines, and what they come to on six points."""
    name, title = card.name, card.method.title
    (SOURCE / "methods" / f"{name}-six.png").write_bytes(picture(name, *card.matrices()))
    values, loss = card.values()
    row = first_row(*six(name)).removeprefix("row 0: ").strip()
    link = "[the cards](../notebooks/16_derivation_cards.ipynb)"
    said = f"Each line is {values[-1]:.6f} on the six points of {link}, and the package says {loss:.6f}."
    worked = f" The first row by hand, with rounded numbers: {row}." if row else ""
    _, *steps, caveat = card.text()
    shown = f"![{title}: heat maps of p and q on the six points, with their numbers]({name}-six.png)"
    code = "\n".join(cards.wrapped(f"{each} = ", code) for each, (*_, code) in zip(("first", "second", "third"), card.lines))
    hidden = f"````{{dropdown}} The three lines in Python\n```python\n{code}\n```\n````"
    return ["## Derivation", *steps, said + worked, shown, caveat, hidden]


def sentence(note: str) -> str:
    """A note as a sentence; a symbol that it begins with stays as it is."""
    return (note[:1].upper() if note[1:2].isalpha() else note[:1]) + note[1:] + "."


def method_page(method) -> None:
    """p, q, formula, what to expect, code, derivation, animation."""
    facts = {label: (words, formula) for label, (words, formula) in method.facts().items() if words or formula}
    rows = ["| part | in this method |", "| --- | --- |"]
    for label in ("p", "q", "candidates", "minimised", "backbone", "equal to", "paper"):
        words, formula = facts.get(label, ("", ""))
        shown = " ".join(filter(None, (words, formula and f"${formula}$"))).replace("|", r"\|")
        rows.append(f"| {label} | {shown} |")
    write(
        f"methods/{method.name}.md",
        f"# {method.title}\n\n`{method.name}`" + (", a gap of the published table" if method.gap else ""),
        f"$$\n{method.loss}\n$$",
        "\n".join(rows),
        f"## What to expect\n\n{sentence(method.note)}" if method.note else "",
        animation(method.name),
        f"## Run it\n\n```python\nimport icon_nb as icon\n\n{method.how_to_run}\nicon.loss({method.name!r}"
        + (", n_classes=10" if method.p.candidates in ("classes", "tokens") else "")
        + ")     # the same in a loop of your own\n```",
        *derivation(cards.cards()[method.name]),
        f"It is taught in the notebook [{method.notebook}](../notebooks/{method.notebook}.ipynb).",
    )


def method_pages() -> None:
    """The table, and a page for each method."""
    rows = ["| method | p | q |", "| --- | --- | --- |"]
    for method in methods.METHODS.values():
        method_page(method)
        rows.append(f"| [{method.title}]({method.name}.md) | {method.p.title} | {method.q.title} |")
    hidden = toctree(methods.METHODS).replace(":maxdepth", ":hidden:\n:maxdepth")
    about = "Each row is a choice of p and q. The page of a method shows it at work."
    write("methods/index.md", "# Methods", about, "\n".join(rows), hidden)


def public(module) -> list[str]:
    """The public names of a module that are functions or classes of this package."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    return [name for name in names if is_ours(getattr(module, name))]


def is_ours(thing: object) -> bool:
    """Whether this is a class or a function of the package."""
    return (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__.startswith("icon_nb")


def described(module: str, names) -> str:
    """The reference of some names, from their docstrings."""
    lines = ["```{eval-rst}", f".. currentmodule:: {module}", ""]
    for name in names:
        kind = "autoclass" if inspect.isclass(getattr(import_module(module), name)) else "autofunction"
        lines += [f".. {kind}:: {module}.{name}", "   :members:" if kind == "autoclass" else "", ""]
    return "\n".join([*lines, "```"])


def api_pages() -> None:
    """Every public name, from its docstring, and every setting."""
    top = [name for name in icon.__all__ if is_ours(getattr(icon, name))]
    write("api/icon_nb.md", "# icon_nb", described("icon_nb", top))
    for face in FACES:
        module = import_module(face)
        own = [name for name in public(module) if name not in top]
        write(f"api/{face}.md", f"# {face}", f"{(module.__doc__ or '').strip()}", described(face, own))
    parts = ["# Settings", "Every setting of `icon.Config`, a flag of the command line, and a key of `config.json`."]
    for group, about in GROUPS.items():
        rows = ["| setting | what |", "| --- | --- |"]
        rows += [f"| `{name}` | {each.text} |".replace("\n", " ") for name, each in SETTINGS.items() if each.group == group]
        parts += [f"## {group}: {about}", "\n".join(rows)]
    write("api/settings.md", *parts)
    write("api/index.md", "# Reference", toctree(["icon_nb", "settings", *FACES]))


def notebook_pages() -> None:
    """The notebooks as they were committed, outputs included."""
    books = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    (SOURCE / "notebooks").mkdir(parents=True)
    for book in books:
        shutil.copy(book, SOURCE / "notebooks" / book.name)
    shutil.copy(ROOT / "notebooks" / "glossary.md", SOURCE / "notebooks")
    write("notebooks/index.md", "# Notebooks", toctree([*(book.stem for book in books), "glossary"]))


def ledger_page() -> None:
    """The claims of papers, and what counts as reproducing them."""
    parts = ["# Ledger", "What papers claim, what counts as reproducing it, and the command that tries."]
    for entry in recipes.LEDGER.values():
        parts += [f"## {entry.name}", f"**Claim.** {entry.claim} ({entry.source})", f"**What counts.** {entry.counts}"]
        parts.append(f"`icon-nb reproduce {entry.name}`")
    write("ledger.md", *parts)


def polish() -> None:
    """Let the name of the theme's search button begin with what is written on it, for those who hear or speak it."""
    for page in SITE.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        new = re.sub(r'(<button[^>]*search-button-field[^>]*?)aria-label="Search"', r'\1aria-label="Search Ctrl + K"', text)
        if new != text:
            page.write_text(new, encoding="utf-8")


def main() -> int:
    """Write the source, build it strictly, and say how long it took; returns sphinx's exit code."""
    started = time.perf_counter()
    for folder in (SOURCE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs" / "site", SOURCE)
    for name in ("docs/first_minute.gif", "pyproject.toml"):
        shutil.copy(ROOT / name, SOURCE)
    notebook_pages(), method_pages(), api_pages(), ledger_page()
    (SOURCE / "extra").mkdir()
    icon.bench().save(SOURCE / "extra" / "bench.html")
    (SOURCE / "extra" / "atlas.html").write_text(Atlas.shipped().to_html(), encoding="utf-8")
    (SOURCE / "extra" / ".nojekyll").touch()
    strict = ["-q", "-W", "--keep-going", "-j", "auto", "-b", "html"]
    code = subprocess.run([sys.executable, "-m", "sphinx", *strict, SOURCE, SITE], cwd=ROOT).returncode
    polish()
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(f"{SITE}: {size / 1e6:.0f} MB in {time.perf_counter() - started:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
