"""Data made offline: pairs belong together, the graph is Zachary's, the text is real."""

import networkx
import numpy as np
import pytest
import torch

import icon_nb as icon
from icon_nb.data import load
from icon_nb.errors import DataError


def test_halves_put_together_are_the_digits():
    digits, halves = load("digits"), load("digit_halves")
    assert torch.equal(torch.cat([halves.x, halves.pair], 3), digits.x)
    assert torch.equal(torch.cat([halves.x_test, halves.pair_test], 3), digits.x_test)
    assert torch.equal(halves.y, digits.y)


def sentences(data, tokens):
    return [" ".join(data.vocabulary[t] for t in row if t) for row in tokens.tolist()]


def test_captions_name_their_digit_and_differ_within_a_class():
    data = load("digit_captions")
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    for part, y in (("pair", data.y), ("pair_test", data.y_test)):
        for sentence, digit in zip(sentences(data, getattr(data, part)), y.tolist()):
            assert [word for word in sentence.split() if word in names] == [names[digit]]
            assert len(sentence.split()) >= 5
    sevens = [s for s, digit in zip(sentences(data, data.pair), data.y.tolist()) if digit == 7]
    assert len(set(sevens)) > 20
    assert torch.equal(data.x, load("digits").x)
    assert int(data.pair.max()) < len(data.vocabulary)


def test_captions_say_what_is_seen():
    """Heavy digits have more ink; digits that lean right have their top to the right of their foot."""
    data = load("digit_captions")
    words = np.array(sentences(data, data.pair))
    ink = data.x.float().mean((1, 2, 3)).numpy()
    has = lambda word: np.array([word in sentence.split() for sentence in words])  # noqa: E731
    assert ink[has("thin")].max() <= ink[has("heavy")].min()
    column = torch.arange(8.0)
    x = data.x[:, 0].float() + 1e-6
    top, foot = ((x[:, rows].sum(1) @ column / x[:, rows].sum((1, 2))).numpy() for rows in (slice(0, 3), slice(5, 8)))
    lean = top - foot
    right = np.array(["leans right" in sentence for sentence in words])
    left = np.array(["leans left" in sentence for sentence in words])
    assert lean[right].mean() > lean[left].mean() + 0.5


def test_companions_are_unit_rows_that_are_nearer_within_a_class():
    data = load("digit_captions")
    g = data.companion
    assert torch.allclose(g.norm(dim=1), torch.ones(len(g)), atol=1e-5)
    similar = g @ g.T
    same = data.y[:, None] == data.y
    assert similar[same].mean() > 2 * similar[~same].mean()


def test_karate_club_equals_networkx():
    data, graph = load("karate_club"), networkx.karate_club_graph()
    assert np.array_equal(networkx.to_numpy_array(graph), data.graph.numpy())
    assert [data.class_names[c] for c in data.y] == [graph.nodes[i]["club"] for i in graph]


def test_text_is_real_and_its_windows_follow_it():
    data = load("tiny_text")
    assert data.kind == "tokens"
    assert data.shape == (12,)
    assert "down the rabbit hole alice was" in sentences(data, data.x)[0]
    assert torch.equal(data.x[1, :8], data.x[0, 4:])
    assert data.n_tokens == len(data.vocabulary) > 400
    assert float((data.x == 1).float().mean()) < 0.12
    assert not (data.x == 0).any()
    held = {tuple(row) for row in data.x_test.tolist()}
    assert not held & {tuple(row) for row in data.x.tolist()}


def test_all_are_the_same_every_time():
    for name in ("digit_halves", "digit_captions", "karate_club", "tiny_text"):
        first, again = load(name), load(name)
        assert first.checksum == again.checksum
        assert first.pair is None or torch.equal(first.pair, again.pair)


def test_the_members_of_the_karate_club_have_names():
    names = load("karate_club").names
    assert (names[0], names[1], names[-1], len(set(names))) == ("1 (Mr. Hi)", "2", "34 (Officer)", 34)
    assert icon.run(method="ncut", epochs=1, quiet=True).trajectory.names == names


def test_own_data_may_name_their_samples():
    own = {"x": np.eye(6), "y": [0, 0, 0, 1, 1, 1], "names": list("abcdef")}
    assert icon.run(data=own, method="sne", perplexity=2, epochs=1, quiet=True).trajectory.names == tuple("abcdef")
    assert set(load(own, n_samples=4).names) < set("abcdef")
    with pytest.raises(DataError, match="names has 2 rows for 6 samples"):
        load({**own, "names": ["a", "b"]})
