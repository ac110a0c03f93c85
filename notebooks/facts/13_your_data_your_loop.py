assert (in_metres.argmax(1) != in_millimetres.argmax(1)).all()
for p in (in_metres, in_millimetres):
    assert abs(double_loop(p) - icon.divergences.kl(p, log_q).mean()) < 1e-9
assert own.trajectory.held_out.all() and len(own.data()) == 1200
assert (own.config.augment, own.config.augment_strength) == ("affine", 1.0)
assert icon.Config(dataset="digits").resolve().augment_strength == 0.3
assert 0.55 < after < 0.9 and after > before + 0.15
assert np.allclose(new, again, atol=1e-5) and 0.5 < new_accuracy < after
assert raw["among training digits"] < raw["among themselves"] - 0.01
assert table.shape == (13,) and len(table) == 178 and features.std().idxmax() == "proline"
assert both[0].history["knn_accuracy"][-1] < 0.8 and both[1].history["knn_accuracy"][-1] > 0.9
assert all(run.history["loss"][-1] < run.history["loss"][0] / 2 for run in both)
along = both[0].embeddings[:, np.ptp(both[0].embeddings, 0).argmax()]
assert np.corrcoef(along, wines["proline"])[0, 1] ** 2 > 0.8
assert found.n_classes == 10 and "3 sizes" in found.note
agree = [knn_accuracy(each.embeddings[-1], each.labels) for each in pair]
assert agree[0] > 0.75 and agree[1] < 0.3
errors = mapped.trajectory.metrics["loss"]
assert errors[4] > 2 > 1 > errors[5]
