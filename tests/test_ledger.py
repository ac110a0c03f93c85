"""The ledger: its entries, the verdict, and an entry at toy size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import icon_nb as icon
from icon_nb.interfaces.cli import main
from icon_nb.methods.recipes import LEDGER, Entry
from icon_nb.study.ledger import EXPERIMENTS, Reproduction, interval, reproduce

PAGES = Path(__file__).parents[1] / "reproductions"
WHERE = {"hardware": "a desk", "versions": {"icon_nb": "0"}, "seconds": 1.0}


def outcome(entry: Entry, **values) -> Reproduction:
    return Reproduction(entry, tuple(range(len(next(iter(values.values()))))), values, WHERE)


@pytest.mark.parametrize("name", LEDGER)
def test_an_entry_can_be_run_as_it_stands(name):
    entry = LEDGER[name]
    assert callable(EXPERIMENTS[entry.does])
    assert all((entry.claim, entry.source, entry.counts, entry.differs))
    labels = {*entry.conditions} | ({"alignment", "uniformity", "alignment + uniformity"} if entry.does == "plane" else set())
    assert {*entry.targets} | {label for pair in entry.order for label in pair if isinstance(label, str)} <= labels
    assert entry.targets or entry.order
    if entry.does in ("scores", "plane"):
        for settings in entry.conditions.values():
            icon.Config(**{**entry.shared, **settings}).resolve()


def test_the_verdict_is_about_every_seed_and_not_the_mean_alone():
    entry = replace(LEDGER["temperature_curve"], order=(("a", "b"),))
    assert outcome(entry, a=[0.1, 0.5, 0.9], b=[0.2, 0.6, 1.001]).verdict == "reproduced"  # each seed by a tenth
    assert outcome(entry, a=[0.1, 0.5, 0.9], b=[0.9, 0.6, 0.1]).verdict == "undecided"
    assert outcome(entry, a=[0.1, 0.5, 0.9], b=[0.0, 0.4, 0.8]).verdict == "not reproduced"
    assert outcome(entry, a=[0.1], b=[0.2]).verdict == "undecided"  # one seed has no interval


def test_the_verdict_on_a_number():
    entry = replace(LEDGER["simclr_cifar10"], targets={"a": 0.85}, within=0.02)
    assert outcome(entry, a=[0.86]).verdict == "reproduced"
    assert outcome(entry, a=[0.88]).verdict == "not reproduced"
    assert "0.88, published 0.85" in str(outcome(entry, a=[0.88]))


TOY = {
    "temperature_uniformity": {"epochs": 1, "n_samples": 80},
    "alignment_uniformity": {"epochs": 1, "n_samples": 80},
    "attraction_repulsion": {"dataset": "digits", "n_samples": 60, "perplexity": 5.0, "steps": 30},
    "sne_gradients": {"dataset": "digits", "n_samples": 60, "perplexity": 5.0, "steps": 50},
    "harmonic_mnist": {"dataset": "digits", "epochs": 2},
    "icon_debiasing": {"epochs": 1},
}


@pytest.mark.parametrize("name", TOY)
def test_an_entry_runs_at_toy_size(name, monkeypatch, tmp_path):
    entry = LEDGER[name]
    monkeypatch.setitem(LEDGER, name, replace(entry, shared={**entry.shared, **TOY[name]}))
    found = reproduce(name, seeds=[0, 1])
    assert all(len(values) == 2 for values in found.values.values())
    assert found.values.keys() >= entry.targets.keys()
    page, data = found.save(tmp_path)
    assert json.loads(data.read_text())["values"] == found.values
    assert found.verdict in page.read_text()
    assert reproduce(name, seeds=[0]).values == {label: values[:1] for label, values in found.values.items()}, "a seed is a seed"


def test_a_linear_classifier_learns_under_both_losses(monkeypatch):
    entry = LEDGER["harmonic_mnist"]
    monkeypatch.setitem(LEDGER, "toy", replace(entry, shared={**entry.shared, "dataset": "digits", "epochs": 30}))
    found = reproduce("toy", seeds=[0]).values
    assert min(found["cross-entropy"][0], found["harmonic, n = 28"][0]) > 90


def test_the_command_lists_runs_and_says_what_is_missing(capsys, monkeypatch, tmp_path):
    assert main(["reproduce"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in LEDGER)
    assert "(needs mnist)" in " ".join(listed.split())
    with pytest.raises(SystemExit):
        main(["reproduce", "harmonic_mnist", "--data_dir", str(tmp_path)])
    assert "dataset='mnist' was not found" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["reproduce", "harmonic"])
    assert "did you mean 'harmonic_mnist'" in capsys.readouterr().err
    entry = LEDGER["temperature_uniformity"]
    monkeypatch.setitem(LEDGER, "temperature_uniformity", replace(entry, shared={**entry.shared, "epochs": 0, "n_samples": 80}))
    assert main(["reproduce", "temperature_uniformity", "--seeds", "0", "--out", str(tmp_path)]) == 0
    assert "undecided" in capsys.readouterr().out or "not reproduced" in (tmp_path / "temperature_uniformity.md").read_text()


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.json")), ids=lambda path: path.stem)
def test_a_committed_page_says_what_its_values_say(path):
    kept = json.loads(path.read_text())
    entry = Entry(**{name: kept[name] for name in Entry.__dataclass_fields__})
    again = Reproduction(entry, tuple(kept["seeds"]), kept["values"], {name: kept[name] for name in WHERE})
    assert (again.verdict, str(again)) == (kept["verdict"], path.with_suffix(".md").read_text())
    mine = json.loads(json.dumps(LEDGER[path.stem].conditions))
    assert (entry.conditions, entry.shared) == (mine, LEDGER[path.stem].shared), "run again: the entry has changed"


def test_the_interval_of_a_mean_is_that_of_student():
    assert interval([1.0, 2.0, 3.0]) == (2.0, pytest.approx(2.484, abs=1e-3))
    assert interval([1.0]) == (1.0, float("inf"))
