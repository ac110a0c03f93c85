assert abs(by_hand - package) < 1e-9
assert abs(2 / 2.0 * inertia(x, hard) - entropy(hard) + log_z - by_hand) < 1e-9
assert by_kmeans == [0, 0, 0, 1, 1, 1] == winners[0.1] == winners[1.0] == winners[10.0]
assert winners[100.0] == winners[1000.0] == [0] * 6 and 10 < change < 100
assert all(abs(seen[5.0, seed][0] - reference) < 0.15 * reference for seed in range(3))
assert 1 <= sum(seen[0.5, seed][0] > 1.1 * reference for seed in range(3)) <= 2
assert max(seen[200.0, seed][2] for seed in range(3)) < 0.5
assert min(seen[5.0, seed][2] for seed in range(3)) > 0.85
assert all(abs(a - b) < 1e-9 for a, b in forward.values())
assert sorted(forward, key=lambda sizes: forward[sizes][0]) == list(forward)
