assert rows["neighbours"][0, 2] > rows["neighbours"][0, 1]
assert rows["views"][0, 3] == 1 and rows["classes"][0, 2] == 0
assert entropy["views"] == 0 < entropy["neighbours"]
final = {run.config.method: run.history["knn_accuracy"][-1] for run in study}
assert len(final) == 6 and not study.failures and study.incomparable
assert max(final, key=final.get) == "supcon" and final["simclr"] > final["tsimclr"] - 0.1
assert max(final["sne"], final["tsne_conditional"]) < simclr.history["knn_accuracy"][0] - 0.1
assert min(final["simclr"], final["cross_entropy"]) > simclr.history["knn_accuracy"][0] + 0.2
kept = {run.config.method: run.scores["neighbourhood_preservation"] for run in study}
assert sorted(kept, key=kept.get)[-2:] in (["sne", "tsne_conditional"], ["tsne_conditional", "sne"])
ranks = {run.config.method: dynamics.effective_rank(run.embeddings) for run in study}
assert set(sorted(ranks, key=ranks.get)[:2]) == {"tsne_conditional", "tsimclr"}
assert fixed[0.1] < fixed[0.5] - 0.5 < fixed[5.0] - 1, "it rises with the temperature"
assert abs(starts[1] - starts[0] - math.log(511 / 63)) < 0.05 and abs(math.log(511 / 63) - 2) < 0.1
assert all(0.15 < math.log(2 * run.config.batch_size - 1) - run.history["loss"][0] < 0.6 for run in batches)
