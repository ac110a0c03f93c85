"""Scores of an embedding against literal loops, scikit-learn, closed forms and negative controls."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsClassifier

from icon_nb.errors import DataError
from icon_nb.evaluation import scores as ev
from icon_nb.methods.catalogue import SCORES, Score


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x, y


def blobs(n=120, d=8, classes=4, spread=1.0, seed=0):
    return make_blobs(n, d, centers=classes, cluster_std=spread, random_state=seed)


def knn_by_loops(z, y, k, metric, bank=None, bank_labels=None):
    alone = bank is None
    bank, bank_labels = (z, y) if alone else (bank, bank_labels)
    right = 0
    for i in range(len(z)):
        near = []
        for j in range(len(bank)):
            if alone and i == j:
                continue
            if metric == "cosine":
                distance = 1 - z[i] @ bank[j] / np.linalg.norm(z[i]) / np.linalg.norm(bank[j])
            else:
                distance = np.sqrt(((z[i] - bank[j]) ** 2).sum())
            near.append((distance, bank_labels[j]))
        voters = [label for _, label in sorted(near)[:k]]
        most = max(voters.count(label) for label in voters)
        winner = next(label for label in voters if voters.count(label) == most)  # the tie goes to the nearest
        right += winner == y[i]
    return right / len(z)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 2, 4, 5, 500])
def test_knn_equals_the_double_loop(metric, k):
    z, y = blobs(spread=6.0)
    assert ev.knn_accuracy(z, y, k, metric=metric) == pytest.approx(knn_by_loops(z, y, k, metric))
    found = ev.knn_accuracy(z[:40], y[:40], k, bank=z[40:], bank_labels=y[40:], metric=metric)
    assert found == pytest.approx(knn_by_loops(z[:40], y[:40], k, metric, z[40:], y[40:]))


def test_knn_equals_scikit_learn_on_digits(digits):
    x, y = digits
    # An odd k and two classes leave no tie, the only place where the two are allowed to differ.
    keep = y < 2
    x, y = x[keep].astype(np.float32), y[keep]
    peer = KNeighborsClassifier(5).fit(x[100:], y[100:]).score(x[:100], y[:100])
    assert ev.knn_accuracy(x[:100], y[:100], bank=x[100:], bank_labels=y[100:], metric="euclidean") == pytest.approx(peer)


def test_knn_is_the_same_in_chunks_and_for_tensors(digits, monkeypatch):
    x, y = digits
    whole = ev.knn_accuracy(x, y)
    monkeypatch.setattr("icon_nb.evaluation.probing.CHUNK", 100)
    assert ev.knn_accuracy(torch.tensor(x), torch.tensor(y)) == whole
    assert ev.knn_accuracy(torch.tensor(x).to(torch.bfloat16), torch.tensor(y)) == pytest.approx(whole, abs=0.01)


def test_knn_leaves_the_point_itself_out_and_gives_chance_without_structure():
    assert ev.knn_accuracy([[0.0, 1.0], [1.0, 0.0]], [0, 1], k=1) == 0.0
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 2000)
    assert ev.knn_accuracy(rng.normal(size=(2000, 16)), y) == pytest.approx(0.1, abs=0.03)
    assert ev.knn_accuracy(np.ones((2000, 16)), y) == pytest.approx(0.1, abs=0.03)


def test_auto_reads_a_map_as_positions_and_more_dimensions_as_directions():
    angles, radii = np.array([0.0, 0.1, 0.0, 0.1]), np.array([1.0, 1.0, 9.0, 9.0])
    flat = np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1)
    y = [0, 0, 1, 1]
    assert ev.knn_accuracy(flat, y, k=1) == 1.0
    assert ev.knn_accuracy(flat, y, k=1, metric="cosine") == 0.0
    assert ev.knn_accuracy(np.c_[flat, np.zeros((4, 2))], y, k=1) == 0.0


def test_a_map_far_from_the_origin_keeps_its_neighbours():
    z, y = blobs(d=2, spread=0.01, classes=3)
    assert ev.knn_accuracy((z + 1000).astype(np.float64), y) == 1.0


@pytest.mark.parametrize(
    ("z", "y", "options", "words"),
    [
        ([[0.0, np.nan], [1, 0]], [0, 1], {}, "diverged"),
        ([[0.0, 1], [1, 0]], None, {}, "labels"),
        ([[0.0, 1], [1, 0]], [0, 1, 1], {}, "one entry per point"),
        ([[0.0, 1]], [0], {}, "neighbour"),
        ([[0.0, 1], [1, 0]], [0, 1], {"metric": "cosin"}, "metric='cosin'"),
        ([0.0, 1], [0, 1], {}, "matrix"),
    ],
)
def test_knn_says_what_is_wrong(z, y, options, words):
    with pytest.raises(DataError, match=words):
        ev.knn_accuracy(z, y, **options)


def test_split_keeps_every_class_in_its_share(digits):
    _, y = digits
    train, test = ev.split(y, 0.2, seed=3)
    assert sorted([*train, *test]) == list(range(len(y)))
    assert len(test) == round(0.2 * len(y))
    for label in range(10):
        assert abs((y[test] == label).sum() - 0.2 * (y == label).sum()) <= 1
    again, other = ev.split(y, 0.2, seed=3)[1], ev.split(y, 0.2, seed=4)[1]
    assert (again == test).all()
    assert (other != test).any()


def test_split_with_single_members_trains_on_every_class():
    y = np.array([7, 7, 7, 3, 5, 5])
    train, test = ev.split(y, 0.5)
    assert set(y[train]) == {3, 5, 7}
    assert len(test) == 3
    with pytest.raises(DataError, match="no class has two members"):
        ev.split([0, 1, 2])


def test_linear_probe_solves_what_is_linear_and_nothing_else():
    z, y = blobs(400, 6, 3)
    assert ev.linear_probe(z[:300], y[:300], z[300:], y[300:]) == 1.0
    rng = np.random.default_rng(0)
    xor = rng.normal(size=(2000, 2))
    y = (xor[:, 0] * xor[:, 1] > 0).astype(int)
    assert ev.linear_probe(xor[:1500], y[:1500], xor[1500:], y[1500:]) < 0.7
    assert ev.knn_accuracy(xor, y, metric="euclidean") > 0.9


def test_linear_probe_standardises_and_survives_constant_features_and_missing_classes():
    z, y = blobs(300, 5, 3, spread=3.0)
    plain = ev.linear_probe(z[:200], y[:200], z[200:], y[200:])
    # The last feature only wobbles in the last digit in training: scaled up, its jump in the test points would drown everything.
    wobble = np.where(np.random.default_rng(0).random(200) < 0.5, np.float32(0.1), np.nextafter(np.float32(0.1), np.float32(1)))
    only_test = np.r_[wobble, np.full(100, 0.2)]
    odd = np.c_[z * 10.0 ** np.arange(-3, 2), np.full(300, 0.1), only_test]
    assert ev.linear_probe(odd[:200], y[:200], odd[200:], y[200:]) == pytest.approx(plain, abs=0.02)
    only = np.flatnonzero(y[200:] == 1) + 200
    assert 0 <= ev.linear_probe(z[:200], y[:200], z[only], y[only]) <= 1
    with pytest.raises(DataError, match="two classes"):
        ev.linear_probe(z[:200], np.zeros(200), z[200:], y[200:])


def test_linear_probe_on_digits_is_where_scikit_learn_is(digits):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = digits
    train, test = ev.split(y)
    peer = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(x[train], y[train]).score(x[test], y[test])
    scores = ev.probe(x, y)
    assert scores["linear_probe"] == pytest.approx(peer, abs=0.01)
    assert scores["knn"] > 0.95
    assert ev.probe(x, np.random.default_rng(0).permutation(y))["linear_probe"] < 0.2


def test_clustering_accuracy_equals_the_best_of_all_matchings():
    from itertools import permutations

    rng = np.random.default_rng(0)
    y, assignment = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    best = max(np.mean([order[a] == label for a, label in zip(assignment, y)]) for order in permutations(range(4)))
    assert ev.clustering_accuracy(assignment, y) == pytest.approx(best)
    assert ev.clustering_accuracy((y + 1) % 4, y) == 1.0
    assert ev.clustering_accuracy(np.arange(60), y) == pytest.approx(4 / 60)
    assert ev.clustering_accuracy(np.zeros(60), y) == pytest.approx(np.bincount(y).max() / 60)


def test_clustering_finds_clumps_and_reports_none_where_there_are_none():
    z, y = blobs(300, 8, 5)
    found = ev.clustering(z, y, metric="euclidean")
    assert found == {"clustering_accuracy": 1.0, "nmi": pytest.approx(1.0)}
    rng = np.random.default_rng(0)
    nothing = ev.clustering(rng.normal(size=(600, 8)), rng.integers(0, 5, 600))
    assert nothing["nmi"] < 0.05
    assert ev.clustering(np.ones((20, 4)), np.arange(20) % 2)["clustering_accuracy"] == 0.5


def trustworthiness_by_loops(x, z, k):
    n, total = len(x), 0
    dx = ((x[:, None] - x[None]) ** 2).sum(-1)
    dz = ((z[:, None] - z[None]) ** 2).sum(-1)
    for i in range(n):
        order = [j for j in np.argsort(dx[i]) if j != i]
        shown = [j for j in np.argsort(dz[i]) if j != i][:k]
        total += sum(max(0, order.index(j) + 1 - k) for j in shown)
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


def test_neighbourhood_preservation_equals_the_double_loop(digits):
    rng = np.random.default_rng(0)
    x = digits[0][:80] + rng.normal(size=(80, 64)) * 0.1  # whole pixel values make ties, which have no one rank
    z = x[:, 20:22] + rng.normal(size=(80, 2)) * 0.1
    assert ev.neighbourhood_preservation(x, z, k=7) == pytest.approx(trustworthiness_by_loops(x, z, 7))
    assert ev.neighbourhood_preservation(x.reshape(80, 8, 8), x, metric="euclidean") == 1.0
    noise = np.random.default_rng(1).normal(size=(300, 2))
    assert ev.neighbourhood_preservation(digits[0][:300], noise) == pytest.approx(0.5, abs=0.05)
    assert 0 <= ev.neighbourhood_preservation(x[:4], z[:4]) <= 1
    with pytest.raises(DataError, match="one input per embedding"):
        ev.neighbourhood_preservation(x, z[:10])


def test_separability_is_the_silhouette(digits):
    z, y = blobs(200, 5, 4)
    assert ev.separability(z, y, metric="euclidean") == pytest.approx(silhouette_score(z.astype(np.float32), y), abs=1e-6)
    assert ev.separability(z, np.random.default_rng(0).permutation(y)) < 0.05
    with pytest.raises(DataError, match="two classes"):
        ev.separability(z, np.zeros(200))


def test_evaluate_names_every_score_and_leaves_out_what_it_cannot_know(digits):
    x, y = digits
    full = ev.evaluate(x, y, x)
    assert tuple(full) == tuple(ev.SCORES)
    assert all(np.isfinite(value) for value in full.values())
    assert full == ev.evaluate(torch.tensor(x), torch.tensor(y), torch.tensor(x))
    blind = {name for name, value in ev.evaluate(x, None, x).items() if np.isfinite(value)}
    assert blind == {"neighbourhood_preservation", "effective_rank", "uniformity"}
    assert np.isnan(ev.evaluate(x, np.zeros(len(x)))["knn"])
    flat = ev.evaluate(x[:, 20:22], y)
    assert np.isnan(flat["uniformity"])
    assert np.isfinite(flat["knn"])


def test_evaluate_says_that_a_run_diverged(digits):
    x, y = digits[0].copy(), digits[1]
    x[3, 3] = np.inf
    with pytest.raises(DataError, match="diverged"):
        ev.evaluate(x, y)


def test_evaluate_survives_a_collapsed_embedding(digits):
    scores = ev.evaluate(np.ones((200, 16)), digits[1][:200], digits[0][:200])
    assert all(np.isfinite(value) for value in scores.values())
    assert scores["linear_probe"] < 0.3


def test_arrays_that_must_not_be_written_to_are_scored_without_a_warning():
    z, y = np.eye(6), np.array([0, 1] * 3)
    z.setflags(write=False)
    y.setflags(write=False)
    assert 0 <= ev.knn_accuracy(z, y, k=1) <= 1


def test_few_points_are_each_tested_once_and_many_are_split():
    y = np.repeat(np.arange(10), 30)
    parts = ev.folds(y, seed=3)
    tested = np.concatenate([test for _, test in parts])
    assert len(parts) == 5
    assert len(tested) == len(set(tested)) == 290  # one of each class always trains
    assert all(set(y[train]) == set(range(10)) and not set(train) & set(test) for train, test in parts)
    z = np.random.default_rng(0).normal(size=(300, 4)) + y[:, None] * 0.3
    by_hand = [ev.knn_accuracy(z[test], y[test], bank=z[train], bank_labels=y[train]) for train, test in parts]
    assert ev.probe(z, y, seed=3)["knn"] == pytest.approx(np.average(by_hand, weights=[len(test) for _, test in parts]))
    many = np.tile(y, 4)
    train, test = ev.split(many, seed=3)
    far = np.random.default_rng(1).normal(size=(1200, 4)) + many[:, None] * 0.3
    assert ev.probe(far, many, seed=3)["knn"] == ev.knn_accuracy(far[test], many[test], bank=far[train], bank_labels=many[train])


def test_a_row_of_the_table_is_a_score(monkeypatch):
    row = Score("radius", "largest length of a point", f"{__name__}:radius", ("z", "y"), ("labels",))
    monkeypatch.setitem(SCORES, "radius", row)
    assert ev.evaluate(2 * np.eye(4), [0, 0, 1, 1])["radius"] == 2.0
    assert np.isnan(ev.evaluate(2 * np.eye(4))["radius"])


def radius(z, y):
    return float(np.linalg.norm(z, axis=1).max())
