tails = [float(shares(kernel.log_kernel)[-1]) for kernel in (gaussian, cauchy)]
assert tails[0] < 1e-6 and 0.02 < tails[1] < 0.04
assert gap < 1e-5
final = [run.history["loss"][-1] for run in maps]
assert final[0] > final[1] + 0.15 > final[2] + 0.2
assert len({run.config.perplexity for run in maps}) == 1
assert trust > 0.6 and abs(guessed - 1 / 3) < 0.1
circle, plane = (run.history["knn_accuracy"][-1] for run in pair)
assert 0.3 < circle < plane
clear = [run.scores["separability"] for run in maps]
assert clear == sorted(clear)
start = [run.trajectory.embeddings[0] for run in maps]
assert all((cloud == start[0]).all() for cloud in start)
