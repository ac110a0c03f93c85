assert abs(double_loop(p, log_q) - float(icon.divergences.kl(p, log_q).mean())) < 1e-9 and double_loop(p, log_q) > 100
assert abs(double_loop(p, log_q_mixed) - float(icon.divergences.kl(p, log_q_mixed).mean())) < 1e-9
assert double_loop(p, log_q_mixed) < 3 and abs(float(log_q_mixed[2, 3].exp()) - 0.3 / 6) < 1e-9
assert abs(ours - theirs) < 1e-12
assert abs(ahead - math.log((0.6 + 0.04) / 0.04)) < 1e-12 and round(ahead, 2) == 2.77
assert accuracy > 0.75
assert untrained[0.0] > untrained[0.2] > untrained[0.4]
gaps = untrained[0.0] - untrained[0.4], shares[0].history["loss"][-1] - shares[2].history["loss"][-1]
assert gaps[0] > gaps[1] / 2, gaps
assert torch.allclose(mixed[0], torch.tensor([0.05, 0.75, 0.05, 0.05, 0.05, 0.05], dtype=torch.float64))
