assert all(abs(by_hand[key] - package[key]) < 1e-12 for key in by_hand)
assert abs(wide[1000] - limit["wide"]) < 0.01 and abs(narrow[0.001] - limit["narrow"]) < 0.01
assert abs(wide[1000] - limit["wide"]) < abs(wide[10] - limit["wide"]) / 10
assert len(every) == len(icon.methods.METHODS) and not every.failures
assert all(run.history["loss"][-1] < run.history["loss"][0] for run in every if run.config.n_candidates is None)
negative = {run.config.method for run in every if run.history["loss"][-1] < 0}
assert negative == {run.config.method for run in every if run.config.learned in ("gaussian_wide", "kernel_wide")}
assert abs(column[2].history["loss"][-1] - 0.5) < 0.02 and column[2].scores["effective_rank"] < 1.4
assert column[0].scores["effective_rank"] + 0.05 < column[1].scores["effective_rank"] > 2.95
assert tried[-1] > max(tried[0] + 0.25, 0.65)
assert explorer.settings == {"method": "t_supcon"} and not explorer.reason
assert "SimCLR" in other.words and "table" in other.reason
assert column[1].history["knn_accuracy"][-1] > column[2].history["knn_accuracy"][-1] + 0.1
assert float((walk.log() - clusters(z)).abs().max()) < 1e-12
assert float((log_q - harmonic).abs().max()) < 1e-5
assert abs(ours - theirs) < 1e-12 and abs(term - (ncut - 2)) < 1e-12
