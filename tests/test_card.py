"""The card of a data set: what is known of it, and two accuracies measured as a run measures them."""

import math

import numpy as np
import pytest

import icon_nb as icon
from icon_nb.errors import DataError
from icon_nb.interfaces.cli import main
from icon_nb.methods.catalogue import DATASETS


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_says_where_it_comes_from_and_what_is_hard(name):
    row = DATASETS[name]
    assert row.source
    assert row.licence
    assert row.hard


def literal_knn(z, y, k=5):
    """Each point asks the k nearest others by Euclidean distance; a tied vote goes to the class of the nearest."""
    right = 0
    for i in range(len(z)):
        near = sorted((j for j in range(len(z)) if j != i), key=lambda j: np.linalg.norm(z[i] - z[j]))[:k]
        votes = [sum(y[j] == y[m] for m in near) for j in near]
        right += y[near[int(np.argmax(votes))]] == y[i]
    return right / len(z)


def test_the_two_accuracies_are_those_of_a_run_and_of_a_literal_loop():
    card = icon.card("moving_digits")
    data = icon.data.load("moving_digits")
    run = icon.run(icon.Config(dataset="moving_digits", epochs=0, quiet=True))
    assert card.knn_untrained == run.history["knn_accuracy"][0]
    assert f"(raw inputs {card.knn_inputs:.3f})" in run.summary()
    assert card.network == run.config.backbone
    assert card.knn_inputs == pytest.approx(literal_knn(data.flat(data.x_test).double().numpy(), data.y_test.numpy()), abs=0.005)
    assert (card.n_train, card.n_test, card.shape, len(card.classes)) == (len(data), len(data.x_test), data.shape, 10)


def test_it_shows_itself_as_a_line_and_as_a_table():
    card = icon.card("digits")
    line = repr(card)
    assert "\n" not in line
    assert line.startswith("DataCard(digits: 1,297 + 500 images of 1x8x8, 10 classes; kNN accuracy of the pixels 0.9")
    for text in (str(card), card._repr_html_()):
        for word in ("Alpaydin", "CC BY 4.0", "1,297 to train on, 500 held out", "kNN accuracy of the pixels"):
            assert word in text
    assert max(map(len, str(card).splitlines())) <= 100
    assert card._repr_html_().count("<tr>") == len(card.rows)


def test_what_has_no_meaning_is_left_out():
    words, club = icon.card("tiny_text"), icon.card("karate_club")
    assert math.isnan(words.knn_inputs)
    assert math.isnan(words.knn_untrained)
    assert words.rows["classes"] == "no labels"
    assert "kNN" not in str(words)
    assert math.isnan(club.knn_untrained), "free points have no untrained network"


def test_options_stand_on_the_card_and_behind_the_name():
    card = icon.card("moving_digits:size=24")
    assert card.shape == (1, 24, 24)
    assert "size: side of the pictures, in pixels (12 to 64, 16 by default)" in card.options


def test_data_of_your_own_have_a_card(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3)) + 4 * np.eye(3)[np.arange(60) % 3]
    np.savez(tmp_path / "mine.npz", x=x, y=np.arange(60) % 3)
    card = icon.card(f"embeddings:{tmp_path / 'mine.npz'}")
    assert card.knn_inputs > 0.9
    assert (card.source, card.licence) == ("", "")
    assert "source" not in card.rows


def test_nothing_is_downloaded_for_a_card(tmp_path, monkeypatch):
    monkeypatch.setenv("ICON_NB_DATA", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("downloaded"))
    card = icon.card("mnist")
    assert card.n_train == 0
    assert "its files are not here" in repr(card)
    assert "its files are not here" in str(card)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError):
        icon.card("mnist", data_dir=str(tmp_path))


def test_the_command_prints_the_card_and_names_the_nearest(capsys):
    assert main(["datasets", "digits"]) == 0
    assert capsys.readouterr().out == f"{icon.card('digits')}\n"
    with pytest.raises(SystemExit) as stopped:
        main(["datasets", "digitz"])
    assert stopped.value.code == 2
    assert "did you mean 'digits'?" in capsys.readouterr().err
