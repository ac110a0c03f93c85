assert abs(sum(row_of_cat) - 1) < 1e-12 and abs(row_of_cat[0] / row_of_cat[1] - math.exp(0.5)) < 1e-9
assert p[0, 3:].max() < 1e-6
assert abs(by_loop - by_matrix) < 1e-12
assert icon.divergences.kl(p, p.log()).abs().max() < 1e-12
assert apart < 1e-6
assert knn[0] + 0.05 < knn[-1] < raw
assert spread["without"] < 0.1 * spread["the map"] < 0.15 * spread["with the normaliser"]
assert abs(mean_kl(p_digits, q_gaussian(ours * 2, 4.0)) - mean_kl(p_digits, q_gaussian(ours, 1.0))) < 1e-9
