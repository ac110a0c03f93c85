for rows in p.values():
    assert abs(double_loop(rows) - icon.divergences.kl(rows, log_q).mean()) < 1e-9
assert abs(ours - torch.nn.functional.cross_entropy(logits, batch.y)) < 1e-9
last = {run.config.method: run.history["knn_accuracy"][-1] for run in trio}
untrained = trio[1].history["knn_accuracy"][0]
assert last["sne"] < untrained - 0.1 and last["simclr"] > untrained + 0.15 and last["supcon"] > last["simclr"]
assert max(trio, key=lambda run: run.scores["neighbourhood_preservation"]).config.method == "sne"
fits = [run.history["loss"][-1] for run in strengths]
assert fits == sorted(fits) and moved == sorted(moved)
assert fine["simclr"] > fine["supcon"] + 0.1
own = [float(p["the pixels (SNE)"][i, j]) for i, j in enumerate((1, 0, 3, 2, 5, 4))]
assert sum(share > 0.5 for share in own) < 6
