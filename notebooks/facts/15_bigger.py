assert abs(double_loop(p_full) - icon.divergences.kl(p_full, log_q).mean()) < 1e-9
assert abs(double_loop(p_near) - double_loop(p_full)) < 1e-6 and p_full[0, 3:].sum() < 1e-12
assert name in ("mnist", "digits")
assert [run.config.precision for run in precise] == ["float32", "float64", "bfloat16"]
losses = [run.history["loss"][-1] for run in precise]
assert abs(losses[1] - losses[0]) < 0.002 and abs(losses[2] - losses[0]) < 0.05
assert (here.embeddings == study[0].embeddings).all() and len(wider) == 3
assert (wider[0].embeddings == study[0].embeddings).all()
assert (resumed.embeddings == whole.embeddings).all() and resumed.history["epoch"] == list(range(7))
assert all(abs(run.history["loss"][0] - math.log(2 * run.config.batch_size - 1)) < 0.15 for run in batches)
assert abs(edges.weight.sum() - 1) < 1e-4 and off < 0.1 and len(edges.i) <= 180 * 1000
assert abs(60_000**2 * 4 / 1e9 - 14) < 0.5 and 180 / 60_000 <= 0.003
