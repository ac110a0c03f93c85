pixels = results.probes["raw"]["knn"]
assert knn[-1] > max(knn[0], pixels) + 0.3, "it learned what neither pixels nor the untrained network show"
assert results.probes["trained"]["knn"] > max(results.probes["untrained"]["knn"], pixels) + 0.25
for name, t in (("untrained", 0), ("trained", -1)):
    assert abs(results.probes[name]["knn"] - results.history["knn_accuracy"][t]) < 0.06, "within a few points"
assert (again.embeddings == results.embeddings).all() and again.config == results.config
assert results.trajectory.held_out.all() and results.trajectory.epochs[0] == 0
assert len(data) + len(data.x_test) == 1797
