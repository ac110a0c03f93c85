covers, seeks = cost.values()
assert covers[0] < seeks[0] and covers[1] > seeks[1]
assert abs(by_loop["kl"] - covers[0]) < 1e-12 and abs(by_loop["rkl"] - covers[1]) < 1e-12
assert max(covers[2], seeks[2]) < math.log(2) and "alpha > 0" in refusal
spots = {name: len({round(v, 1) for v in z.tolist()}) for name, (_, z) in laid.items()}
assert spots["rkl"] == 12 and spots["kl"] == 6, spots
ends = {name: abs(float(z[0] - z[11])) for name, (_, z) in laid.items()}
assert ends["kl"] < 2 and ends["rkl"] > 8, "12 and 11 are neighbours on the clock"
assert max(abs(float(laid["kl"][1][a] - laid["kl"][1][b])) for a, b in ((0, 5), (1, 4))) < 0.05
assert (laid["rkl"][1].diff() > 0.5).all(), "one line from 12 to 11"
assert [r.trajectory.labels.tolist() for r in recorders.values()] == [list(range(12))] * 2
assert all(abs(loss - 0.803) < 0.01 for loss in ended["kl"][:2]) and min(ended["kl"]) > 0.79
assert all(ended[name][0] < min(ended[name]) + 0.001 < ended[name][1] - 0.05 for name in ("rkl", "js"))
assert slopes["kl", 1e-5] > 0.99 and slopes["js", 1e-5] < 0.001 < slopes["js", 1e-1]

knn = [run.history["knn_accuracy"][-1] for run in three]
assert abs(knn[2] - knn[0]) < 0.1 and knn[0] > knn[1] + 0.1 > three[0].history["knn_accuracy"][0] + 0.1
for name in set(three[1].scores) - {"alignment", "uniformity"}:
    assert three[1].scores[name] < min(three[0].scores[name], three[2].scores[name]), name
assert together["rkl"][1][0] > max(0.9, together["rkl"][0][0])
assert together["rkl"][1][1] < 25 and min(together[name][1][1] for name in ("kl", "js")) > 150
assert max(together[name][1][0] for name in ("kl", "js")) < 0.2
for run in (three[1], *mixed):
    assert abs(run.history["loss"][-1] - flat_cost(run.config.alpha)) < 0.005
    assert abs(flat_cost(run.config.alpha) + math.log(run.config.alpha)) < 0.05
