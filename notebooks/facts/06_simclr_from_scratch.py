assert abs(float(simclr_loss(z, 0.15)) - loop) < 1e-12
assert apart.max() < 1e-9, apart
assert all(abs(a - b) < 1e-9 for a, b in zip(recorder.trajectory.metrics["loss"][1:], theirs.history["loss"][1:]))
assert math.log(127) - 0.5 < theirs.history["loss"][0] < math.log(127)
assert theirs.history["knn_accuracy"][-1] > theirs.history["knn_accuracy"][0] + 0.2
assert easy.history["loss"][-1] < theirs.history["loss"][-1] - 0.2
assert easy.history["knn_accuracy"][-1] < theirs.history["knn_accuracy"][-1] - 0.1
