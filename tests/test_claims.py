"""The figures that the notebooks quote are those that were measured, and the lessons of the recipes hold in them."""

import re
from pathlib import Path

import pytest

from benchmarks.claims.__main__ import CELL, NOTEBOOKS, with_tables
from benchmarks.claims.claim import FIGURES, SEEDS, Claim, read, shown, table, values
from benchmarks.claims.experiments import CLAIMS
from benchmarks.claims.lessons import LESSONS, by_seed, claim_of
from icon_nb.methods.recipes import RECIPES

SOURCES = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))


@pytest.mark.parametrize("name", CLAIMS)
def test_the_figures_are_of_the_experiment_as_it_is_at_five_seeds(name):
    figures, claim = read(name), CLAIMS[name]
    assert figures["seeds"] == list(SEEDS) == [0, 1, 2, 3, 4]
    assert [tuple(row["levels"].values()) for row in figures["rows"]] == [levels for levels, _ in claim.combinations()]
    for row, (_, settings) in zip(figures["rows"], claim.combinations()):
        assert row["settings"].items() <= settings.items(), "measured with other settings: run make claims"
    assert all(len(each) == 5 for row in figures["rows"] for each in row["values"].values())
    assert {"icon_nb", "torch"} <= set(figures["versions"])


def test_every_file_of_figures_has_its_claim():
    assert {path.stem for path in FIGURES.glob("*.json")} == set(CLAIMS)


def test_every_recipe_has_a_lesson():
    assert set(LESSONS) == set(RECIPES)


@pytest.mark.parametrize("name", LESSONS)
def test_the_lesson_of_a_recipe_holds_at_every_seed(name):
    lesson, seeds = LESSONS[name], by_seed(read(f"recipe_{name}"))
    assert [seed for seed in range(5) if not lesson.holds(seeds[seed])] == [], lesson.says


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_can_fail(name):
    """The same figures, every config with the values of the next."""
    for seed in by_seed(read(f"recipe_{name}")):
        first, *others = seed.values()
        assert not LESSONS[name].holds(dict(zip(seed, [*others, first]))), LESSONS[name].says


def test_a_claim_measures_every_combination_at_every_seed():
    factors = {"a": {"small": {"n": 1}, "large": {"n": 10}}, "b": {"plain": {}, "doubled": {"by": 2}}}

    def measure(settings):
        return {"product": settings["n"] * settings.get("by", 1) + settings["seed"]}

    claim = Claim("toy", "What is n times by?", factors, measure, {}, across="b")
    figures = claim.run(seeds=(0, 2))
    assert values(figures, "product", a="large", b="doubled") == [20, 22]
    assert table(figures).splitlines()[:3] == [
        "| a | product, plain | product, doubled |", "|---|---|---|", "| small | 2.00 ± 1.41 | 3.00 ± 1.41 |"
    ]  # fmt: skip


def test_a_mean_has_as_many_digits_as_its_size_asks_for():
    assert [shown([0.5, 0.7]), shown([12.0, 13.0]), shown([171.4, 172.2])] == ["0.60 ± 0.14", "12.5 ± 0.7", "172 ± 1"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_the_tables_of_a_notebook_are_the_figures(source):
    text = source.read_text(encoding="utf-8")
    assert with_tables(text) == text, "run python -m benchmarks.claims --tables"


def test_every_claim_that_is_no_recipe_is_quoted_by_a_notebook():
    quoted = {name for source in SOURCES for cell in CELL.findall(source.read_text(encoding="utf-8"))
              for name in re.findall(r"benchmarks\.claims (\w+)", cell[1])}  # fmt: skip
    assert {name for name in CLAIMS if not name.startswith("recipe_")} <= quoted


def test_claim_of_a_recipe_names_its_configs():
    assert list(claim_of("kernel_comparison").factors["config"]) == ["gaussian", "student_t 5.0", "student_t 1.0"]


def test_make_claims_is_there():
    assert re.search(r"^claims:", (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
