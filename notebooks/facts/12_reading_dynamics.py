assert dynamics.effective_rank(still * 0.01) > 1.5 > 1.01 > by_hand
failures = {"step 110": "diverged", "sign, 1.0": "oscillating", "attraction": "collapsed"}
assert {name: verdicts[name].verdict for name in failures} == failures
assert verdicts["step 20"].verdict in ("healthy", "still learning")
assert blind == {**failures, "step 20": "plateau"}
losses = runs["step 20"].trajectory.metrics["loss"]
assert losses[-1] < losses[0] / 10
assert turning["sign, 1.0"] < -0.9 < 0.5 < turning["step 20"]
assert not dynamics.diagnose(mended.trajectory).failed
assert spread["attraction"][1] < 0.1 * spread["attraction"][0] and spread["step 20"][1] > 0.1
assert broken.status == "failed" and flat.diagnosis.verdict == "dimensional collapse"
assert flat.diagnosis.evidence["dimensions"] < 2.5 < ranks[0] < 6 < 40 < ranks[1]
assert flat.history["loss"][-1] < flat.history["loss"][0] - 0.1
assert flat.history["knn_accuracy"][-1] < fine.history["knn_accuracy"][-1] - 0.1
assert early.diagnosis.verdict == "still learning" and quick > slow + 0.08
assert ladder.pop(60) in ("plateau", "healthy")
assert ladder == {1: "no better than untrained", 5: "still learning", 110: "diverged"}, ladder
