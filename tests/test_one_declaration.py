"""One declaration for each thing: what a row says is in ``--help``, in the nearest name, in the README's tables and in a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

import icon_nb as icon
from docs import make_tables
from icon_nb.errors import ConfigError
from icon_nb.interfaces.cli import main
from icon_nb.interfaces.flags import build_parser
from icon_nb.methods import axes
from icon_nb.methods.catalogue import DATASETS, OVERLAYS, SCORES, OverlayKind, PublishedData, Score
from icon_nb.methods.config import Config
from icon_nb.methods.methods import METHODS, Method
from icon_nb.methods.recipes import RECIPES, Recipe, over
from icon_nb.objective.component import Batch

SMALL = {"backbone": "linear", "embedding_dim": 2, "epochs": 1, "n_samples": 60, "max_points": 40, "quiet": True, "probe": False}


@dataclass(frozen=True)
class NextDoor:
    """A toy p: the sample before and the sample after, by position."""

    def __call__(self, batch: Batch) -> torch.Tensor:
        eye = torch.eye(len(batch.index), dtype=batch.dtype)
        return (eye.roll(1, 0) + eye.roll(-1, 0)) / 2


@dataclass(frozen=True)
class Laplace:
    """A toy q: the exponential of minus the distance over the temperature."""

    temperature: float = 1.0
    include_self: bool = False

    def __call__(self, z, candidates=None, measure=None):
        logits = -torch.cdist(z, z) / self.temperature - 1e9 * torch.eye(len(z))
        return logits.log_softmax(1)


def read_moons(search) -> dict:
    """A toy data set: two half circles."""
    from sklearn.datasets import make_moons

    x, y = make_moons(120, noise=0.1, random_state=0)
    return {"x": x.astype(np.float32), "y": y, "class_names": ("upper", "lower")}


def draw_origin(panel) -> None:
    """A toy overlay: a cross at the origin."""
    panel.add(lambda frame: None, *panel.axes.plot([0], [0], "+"))


def furthest(z) -> float:
    """A toy score: the largest distance from the origin."""
    return float(np.linalg.norm(z, axis=1).max())


P = axes.Axis("next_door", "Next door", r"p_{ij} = 1[|i - j| = 1] / 2", f"{__name__}:NextDoor", needs=("inputs",))
Q = axes.Axis(
    "laplace", "Laplace", r"q_{ij} \propto e^{-|z_i - z_j|/\tau}", f"{__name__}:Laplace",
    settings=("temperature",), candidates="any", include_self=None,
)  # fmt: skip
MOONS = PublishedData("two_moons", "two half circles", f"{__name__}:read_moons", "noise")
ORIGIN = OverlayKind("origin", "a cross at the origin", f"{__name__}:draw_origin")
FURTHEST = Score("furthest", "the largest distance from the origin", f"{__name__}:furthest", heading="FURTHEST")
LADDER = Recipe("ladder", "How far is a step?", {"method": "sne", **SMALL}, over("temperature", 0.5, 1.0))

ROWS = [(axes.SUPERVISORY, P), (axes.LEARNED, Q), (DATASETS, MOONS), (OVERLAYS, ORIGIN), (SCORES, FURTHEST), (RECIPES, LADDER)]


@pytest.fixture(params=ROWS, ids=lambda pair: pair[1].name)
def row(request, monkeypatch):
    """A row that is declared for the length of a test."""
    table, declared = request.param
    monkeypatch.setitem(table, declared.name, declared)
    return declared


def declare(monkeypatch, *rows) -> None:
    for table, declared in ROWS:
        if declared in rows:
            monkeypatch.setitem(table, declared.name, declared)


def test_the_readme_lists_it(row):
    assert f"`{row.name}`" in make_tables.names()


def test_help_names_it(row):
    if row is not FURTHEST:  # no flag takes a score
        assert row.name in build_parser().format_help()


@pytest.mark.parametrize(
    ("row", "misspelt"),
    [
        (P, lambda: Config(supervisory="nextdoor", learned="gaussian")),
        (Q, lambda: Config(supervisory="knn", learned="laplce")),
        (MOONS, lambda: Config(dataset="two_mons")),
        (ORIGIN, lambda: Config(gif_overlay="loss+orign")),
        (LADDER, lambda: icon.recipe("laddr")),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_slip_is_answered_with_its_name(row, misspelt, monkeypatch):
    declare(monkeypatch, row)
    with pytest.raises(ConfigError, match=f"did you mean '{row.name}'"):
        misspelt()


def test_a_run_takes_p_and_q_by_name_and_as_objects(monkeypatch):
    declare(monkeypatch, P, Q)
    named = icon.run(Config(supervisory="next_door", learned="laplace", temperature=2.0, **SMALL))
    given = icon.run(Config(supervisory=NextDoor(), learned=Laplace(temperature=2.0), **SMALL))
    assert given.config == named.config
    assert np.array_equal(given.embeddings, named.embeddings)
    assert np.isfinite(named.history["loss"]).all()
    with pytest.raises(ConfigError, match="perplexity has no effect with method='next_door_laplace'"):
        Config(supervisory="next_door", learned="laplace", perplexity=5.0)


def test_a_p_and_a_q_are_registered_while_python_runs(monkeypatch, tmp_path):
    declare(monkeypatch, P, Q)  # so that both go again after the test
    del axes.SUPERVISORY["next_door"], axes.LEARNED["laplace"]
    for _ in range(2):  # a cell that is run again
        icon.register("supervisory", NextDoor, "next_door", needs=("inputs",))
        icon.register("learned", Laplace, "laplace", settings=("temperature",))
    given = icon.run(Config(supervisory=NextDoor(), learned=Laplace(temperature=2.0), **SMALL), save_to=tmp_path / "run")
    assert (given.config.supervisory, given.config.learned, given.config.temperature) == ("next_door", "laplace", 2.0)
    assert np.isfinite(given.history["loss"]).all()
    assert icon.load(tmp_path / "run") == given
    del axes.LEARNED["laplace"]
    with pytest.raises(icon.IconError, match="config.json .*learned='laplace' is not known"):
        icon.load(tmp_path / "run")
    with pytest.raises(ConfigError, match="name yours with icon_nb.register"):
        Config(supervisory="next_door", learned=Laplace())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("q", Laplace, "laplace"), "slot='q' is not known; choose one of: supervisory, learned"),
        (("learned", Laplace(), "laplace"), "give the class itself"),
        (("learned", Laplace, "gaussian"), "choose another"),
        (("learned", Laplace, "two words"), "is no word"),
        (("learned", NextDoor, "door"), "add include_self: bool = False"),
        (("learned", dataclass(frozen=True)(type("Hidden", (), {})), "hidden"), "at the top of a module"),
    ],
)
def test_what_cannot_be_registered_is_refused(asked, words):
    with pytest.raises(ConfigError, match=words):
        icon.register(*asked)
    for field, words in (({"needs": ("input",)}, "did you mean 'inputs'"), ({"titel": "x"}, "did you mean 'title'"),
                         ({"settings": ("temprature",)}, "did you mean 'temperature'")):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            icon.register("learned", Laplace, "laplace", **field)
    assert not {"laplace", "door", "hidden"} & axes.LEARNED.keys()


def test_a_method_of_a_new_p_and_q_stands_in_the_tables_and_runs(monkeypatch):
    declare(monkeypatch, P, Q)
    method = Method("next_map", "Next-door map", "next_door", "laplace", r"\sum_i D(p_i \Vert q_i)")
    monkeypatch.setitem(METHODS, "next_map", method)
    assert "| `next_map` | Next door | Laplace | the samples of the batch, self excluded |" in make_tables.methods()
    assert "next_map" in str(icon.methods.table())
    assert "next_map" in build_parser().format_help()
    assert icon.run(Config(method="next_map", **SMALL)).config.learned == "laplace"


def test_a_run_reads_the_data_set_with_its_own_augmentation(monkeypatch):
    declare(monkeypatch, MOONS)
    results = icon.run(Config(dataset="two_moons", **SMALL))
    assert results.trajectory.class_names == ("upper", "lower")
    assert results.config.augment == "noise"


def test_a_run_is_drawn_with_the_overlay(monkeypatch):
    declare(monkeypatch, ORIGIN)
    results = icon.run(Config(gif_overlay="origin", **SMALL))
    plain, crossed = results.animate(overlay="none"), results.animate(overlay="origin")
    assert (crossed.painter.paint(0) != plain.painter.paint(0)).any()


def test_a_run_and_a_comparison_have_the_score(monkeypatch):
    declare(monkeypatch, FURTHEST)
    study = icon.sweep(Config(**SMALL), temperature=[0.5, 1.0])
    assert study.runs[0].scores["furthest"] == pytest.approx(1.0, abs=1e-5)  # of directions
    assert "FURTHEST" in str(study.table())


def test_the_recipe_is_listed_and_run(monkeypatch, capsys):
    declare(monkeypatch, LADDER)
    assert main(["recipes"]) == 0
    assert "ladder" in capsys.readouterr().out
    study = icon.run_recipe("ladder", seed=1)
    assert [run.config.temperature for run in study.runs] == [0.5, 1.0]
