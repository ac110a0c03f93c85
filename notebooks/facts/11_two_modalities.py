assert abs(by_hand - package) < 1e-12 and abs(by_hand - as_clip) < 1e-12 and abs(math.log(128) - 4.85) < 0.01
assert abs(different / 500 - 0.5) < 0.03 and abs(twins / 500 - 0.75) < 0.04
assert found["clip"]["digit"] > 0.92 and found["untrained"]["digit"] < 0.3
assert 0.0599 < found["clip"]["R@1"] < 0.11 and 0.25 < found["clip"]["R@5"] < 0.45
assert found["untrained"]["R@5"] < 0.04
assert len(halves.unique(dim=0)) > 0.95 * len(halves)
assert min(shots[t] for t in templates[:2]) > 0.85 and shots["{}"] < min(shots[t] for t in templates[:2]) - 0.2
assert found["cmc"]["R@1"] > found["clip"]["R@1"] + 0.05
assert found["cmc"]["digit"] < found["clip"]["digit"] - 0.03
assert shuffled.history["loss"][-1] < 4.0
assert found["shuffled"]["digit"] < 0.3 and found["shuffled"]["R@5"] < 0.05
