assert abs(loop - float(w @ m @ w.T)) < 1e-12 and abs(loop - package) < 1e-12
assert all(abs(a - b) < 0.001 * abs(b) for a, b in zip(trained, exact)) and exact == sorted(exact)
cohesion = [value + 2 * variance for value, variance in zip(trained, kept)]
assert all(abs(found - said) < 0.1 * said + 0.05 for found, said in zip(cohesion, (0, 1.57, 4.16)))
assert min(kept) > 0.97 * max(kept)
assert min(angles[1]) > 0.98 and angles[2][0] > 0.97 and 0.8 < angles[2][1] < 0.99
drops = [before - after for before, after in zip(falling[::10], falling[10::10])]
assert drops == sorted(drops) and falling[-1] < -1000
assert -1.02 < bounded.history["loss"][-1] < -0.4 and bounded.config.distance == "cosine"
wrong = adam.history["loss"]
assert abs(wrong[-1] / exact[1] - 0.6) < 0.1
assert max(wrong[20:]) - min(wrong[20:]) < 2 and wrong[20] < wrong[0] - 5
