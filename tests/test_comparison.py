"""A comparison: names, numbers, notes, records, and what it shows."""

import dataclasses
import io
import json
import math

import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.errors import ConfigError, DataError, LoadError, SaveError
from icon_nb.study.comparison import Comparison, Failure
from icon_nb.study.table import Spread, Table, cell

TINY = icon.Config(dataset="digits", n_samples=200, epochs=1, max_points=120, quiet=True, probe=False)


@pytest.fixture(scope="module")
def study():
    return icon.sweep(TINY, temperature=[0.1, 0.5], seed=range(2))


def test_runs_are_named_by_what_is_compared(study):
    assert [study.name(run) for run in study] == [f"temperature={t}, seed={s}" for t in (0.1, 0.5) for s in (0, 1)]
    assert repr(study) == "Comparison(sweep of temperature, seed: 4 runs)"
    by_hand = Comparison([study[0], study[2]])
    assert by_hand.compared == ("temperature",)
    assert Comparison([study[0]]).name(study[0]) == "simclr"


def test_seeds_become_mean_and_deviation(study):
    table, every = study.table(), study.table(each=True)
    assert (len(table), len(every)) == (2, 4)
    first = [run.scores["knn"] for run in study[:2]]
    assert table["knn"][0] == Spread(np.mean(first), np.std(first, ddof=1), 2)
    assert every["knn"][:2] == first
    assert table["runs"] == [2, 2]
    assert "2 seeds" in "\n".join(table.notes)


def test_scores_are_those_of_the_recorded_points(study):
    run = study[0]
    x = run.data().flat(run.data().x_test[run.trajectory.index])
    expected = icon.evaluate.evaluate(run.embeddings, run.labels, x)
    probed = dataclasses.replace(run, config=run.config.replace(probe=True).resolve())
    assert probed.scores == expected
    assert not any(math.isnan(value) for value in expected.values())
    assert {name for name, value in run.scores.items() if value != expected[name]} == {"linear_probe"}
    assert "120 points held out" in study.table().notes[0]


def test_losses_of_different_objectives_are_said_to_be_incomparable(study):
    assert "not comparable: runs that differ in temperature" in str(study.table())
    same = Comparison(study.runs, compared=("seed",))
    assert not any("comparable" in note for note in same.table().notes)


def test_text_holds_no_times_and_data_formats_do(study):
    table = study.table()
    assert "seconds" not in str(table)
    assert "seconds" not in table.to_html()
    assert "seconds" in table.to_csv()
    assert "seconds" in str(study.table(seconds=True))
    assert str(study.table()) == str(table)


def test_table_round_trips_through_csv_json_and_a_frame(study):
    pandas = pytest.importorskip("pandas")
    table = study.table()
    frame = pandas.read_csv(io.StringIO(table.to_csv()))
    rows = json.loads(table.to_json())["rows"]
    assert list(frame.columns) == list(rows[0]) == list(table.to_frame().columns)
    assert frame["knn"].tolist() == [row["knn"] for row in rows] == [spread.mean for spread in table["knn"]]
    assert frame["knn_spread"].tolist() == pytest.approx([spread.deviation for spread in table["knn"]])


def test_a_frame_without_pandas_names_the_remedy(study, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(icon.IconError, match="pip install pandas"):
        study.table().to_frame()


def test_baselines_are_the_untrained_embedding_and_the_inputs(study):
    table = study.table(each=True, baselines=True)
    assert table["temperature"][4:] == ["mlp, untrained", "digits, raw inputs"]  # the temperature does not change where it began
    untrained = icon.evaluate.evaluate(study[0].trajectory.embeddings[0], study[0].labels)
    assert table["knn"][4] == untrained["knn"]


def test_every_distinct_network_has_its_untrained_row():
    config = TINY.replace(epochs=0)
    sizes = icon.sweep(config, embedding_dim=[4, 8], temperature=[0.1, 0.5]).table(baselines=True)
    assert sizes["embedding_dim"][4:] == ["embedding_dim=4, untrained", "embedding_dim=8, untrained", "digits, raw inputs"]
    runs = [icon.run(config.replace(method=method)) for method in ("simclr", "supcon", "cross_entropy", "tsimclr")]
    methods = Comparison(runs, compared=("method",)).table(baselines=True)
    assert methods["method"][4:] == [
        "mlp, by cosine distance, untrained",
        "mlp, by euclidean distance, untrained",
        "digits, raw inputs",
    ]


def test_without_probes_the_table_has_no_linear_probe_and_says_so(study):
    assert "linear_probe" not in study.table(baselines=True).columns
    assert "knn" in study.table().columns
    assert "No linear probe" in study.table().notes[1]
    assert math.isnan(study[0].scores["linear_probe"])
    probed = icon.run(TINY.replace(epochs=0, probe=True))
    mixed = Comparison([study[0], probed], compared=("epochs",)).table()
    assert mixed["linear_probe"][1] == probed.scores["linear_probe"] > 0.3
    assert math.isnan(mixed["linear_probe"][0])
    assert "No linear probe" not in " ".join(Comparison([probed]).table().notes)


def test_a_failure_is_a_row_with_its_error(study):
    broken = Comparison([study[0], Failure(TINY.replace(temperature=0.3).resolve(), "no <memory>")], compared=("temperature",))
    table = broken.table()
    assert table["error"] == [None, "no <memory>"]
    assert table["diagnosis"][1] == "failed"
    assert "&lt;memory&gt;" in table.to_html()
    assert broken.failures == (broken[1],)
    assert len(broken.results) == 1
    assert "1 failed" in repr(broken)
    with pytest.raises(DataError, match="nothing to draw"):
        Comparison([broken[1]]).animate()


def test_what_a_notebook_shows(study):
    bundle = study._repr_mimebundle_()
    assert bundle["text/plain"] == repr(study)
    assert bundle["text/html"].count("<table>") == 1
    assert "data:image" in bundle["text/html"]
    assert bundle == study._repr_mimebundle_()


def test_a_study_moves_and_is_small_where_it_shows_itself(study):
    shown = Comparison(study[:3], "three of them")._animation
    assert len(shown.frames) >= 20
    assert len(shown.to_bytes()) <= 200_000
    assert shown.size[0] > 500


def test_pictures_show_one_run_of_each_cell(study):
    assert study.animate().titles == ("temperature=0.1", "temperature=0.5")
    assert len(study.animate(each=True).titles) == 4
    assert "knn" not in repr(study.plot(["loss"])).lower()
    assert "temperature=0.1" in repr(study.small_multiples())


def test_pictures_say_what_the_losses_are_and_what_became_of_the_runs(study):
    assert study.animate().options.note == study.incomparable != ""
    assert study.animate(overlay="epoch").options.note == ""
    assert study.animate(overlay=("epoch", "diagnosis")).options.note.startswith("temperature=0.1: still learning; ")
    assert "diagnosis" in study[0].animate(overlay="diagnosis").options.overlay
    assert study[0].animate(overlay="diagnosis").options.note == str(study[0].diagnosis)


def test_every_column_of_the_history_can_be_drawn(study):
    drawn = study[0].animate(overlay="seconds+curves")
    assert set(drawn.painter.parts[1].colors) == {"seconds", "loss", "knn_accuracy"}
    assert study.animate(overlay="loss+seconds").options.note == study.incomparable
    assert study.plot("seconds").alt.startswith("seconds over the epochs")
    assert "seconds" in study[0].plot(metrics=["loss", "seconds"]).alt
    at = list(study[0].trajectory.epochs)
    assert study[0].watched(["seconds"]).metrics["seconds"].tolist() == [study[0].history["seconds"][k] for k in at]
    with pytest.raises(ConfigError, match="did you mean 'knn_accuracy'"):
        study[0].animate(overlay="knn_acuracy")


def test_what_does_not_change_the_numbers_is_not_compared(study):
    probed = icon.run(TINY.replace(epochs=2, probe=True))
    both = Comparison([study[0], probed])
    assert "probe" not in both.compared
    assert list(both.table().columns).count("epochs") == 1
    assert study.incomparable
    assert not Comparison([study[0]], compared=("temperature",)).incomparable


def test_linked_pages_are_named_by_what_is_compared(study):
    page = study.player().html
    assert "temperature=0.1" in page
    assert "temperature=0.5" in page


def test_saved_and_loaded_it_is_the_same(study, tmp_path):
    again = icon.load(study.save(tmp_path / "study"))
    assert isinstance(again, Comparison)
    assert str(again.table(each=True)) == str(study.table(each=True))
    assert (again.title, again.compared, len(again)) == (study.title, study.compared, 4)
    for one, other in zip(study, again):
        assert torch.equal(torch.from_numpy(one.embeddings), torch.from_numpy(other.embeddings))
    with pytest.raises(SaveError, match="holds a comparison already"):
        study.save(tmp_path / "study")
    study.save(tmp_path / "study", overwrite=True)
    assert (tmp_path / "study/table.csv").read_text() == study.table(baselines=True).to_csv()


def test_a_damaged_run_is_a_row_and_a_damaged_record_an_error(study, tmp_path):
    path = study.save(tmp_path / "study")
    next(path.glob("02-*")).joinpath("embeddings.npz").write_bytes(b"")
    again = icon.load(path)
    assert [run.status for run in again] == ["complete", "failed", "complete", "complete"]
    assert "embeddings.npz" in again[1].error
    record = json.loads((path / "comparison.json").read_text())
    for name, value in (("runs", 3), ("schema", 99), ("compared", None), ("runs", [{"folder": "/etc", "config": {"x": 1}}])):
        (path / "comparison.json").write_text(json.dumps({**record, name: value}))
        with pytest.raises(LoadError, match="comparison.json"):
            icon.load(path)


def test_a_record_cannot_point_outside(study, tmp_path):
    path = study.save(tmp_path / "study")
    record = json.loads((path / "comparison.json").read_text())
    record["runs"][0]["folder"] = "../../etc"
    (path / "comparison.json").write_text(json.dumps(record))
    assert "is not the folder of a run" in icon.load(path)[0].error


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, "-"), (0.0, "0.000"), (0.5, "0.500"), (1e-5, "1e-05"), (123456.0, "1.23e+05"), (3, "3"), ("a", "a")],
)
def test_cells(value, text):
    assert cell(value) == text


def test_a_spread_ignores_what_was_not_measured():
    assert Spread.of([1.0, float("nan")]).n == 1
    assert str(Spread.of([0.5, 0.7])) == "0.600 ± 0.141"
    assert str(Spread(0.985, 0.000247, 5)) == "0.985 ± 0.000"
    assert str(Spread.of([1.0])) == "1.00"


def test_numbers_in_a_cell_have_three_digits():
    values = [0.0, 0.0123, 0.794, 1.714, 18.021, 109.461, 2_345.6, 23_456.0, 1e-5]
    assert [cell(value) for value in values] == ["0.000", "0.012", "0.794", "1.71", "18.0", "109", "2346", "2.35e+04", "1e-05"]
    assert str(Spread(18.021, 1.234, 5)) == "18.0 ± 1.2"
    assert str(Spread.of([float("nan")])) == "-"


def test_a_table_of_another_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="xlsx"):
        Table(("a",), ()).save(tmp_path / "t.xlsx")


def test_data_given_as_objects_go_by_their_name_and_not_by_their_handle():
    points = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    base = icon.Config(dataset="digits", epochs=1, batch_size=20, quiet=True, probe=False)
    twins = icon.run_configs([base.replace(dataset=points + shift) for shift in (0, 1)], progress=False)
    assert [twins.name(run) for run in twins] == ["dataset=own_data 1", "dataset=own_data 2"]
    assert [row["dataset"] for row in twins.table().rows] == ["own_data 1", "own_data 2"]
    assert twins.animate().titles == ("dataset=own_data 1", "dataset=own_data 2")
    mixed = icon.run_configs([base.replace(dataset=points), base.replace(n_samples=40)], progress=False)
    assert [mixed.value(run, "dataset") for run in mixed] == ["own_data", "digits"]


def test_runs_that_differ_in_their_seed_alone_have_a_table_with_baselines():
    alike = icon.sweep(TINY.replace(n_samples=100, epochs=0), seed=[0, 1], progress=False)
    rows = alike.table(baselines=True).rows
    assert rows[0]["method"] == "simclr"
    assert rows[0]["runs"] == 2
    assert [row["method"] for row in rows[1:]][-1] == "digits, raw inputs"


def test_losses_that_are_not_comparable_share_no_scale():
    runs = [icon.run(method=method, dataset="digits", n_samples=200, epochs=1, quiet=True) for method in ("simclr", "sne")]
    assert Comparison(runs).animate().options.own_scale == "loss"
    rates = icon.sweep(TINY.replace(hidden_dim=64), learning_rate=[1e-3, 1e-2])
    assert rates.animate().options.own_scale == ()
