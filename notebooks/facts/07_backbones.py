import math

assert losses["table"] < 0.05 and abs(losses["linear"] - math.log(5)) < 0.1
assert abs(loop - losses["linear"]) < 0.01
assert abs(math.log(5) - 1.61) < 0.005
after = {run.config.backbone: run.history["knn_accuracy"][-1] for run in runs}
before = {run.config.backbone: run.history["knn_accuracy"][0] for run in runs}
assert after["smallcnn"] > before["smallcnn"] + 0.3 and after["smallcnn"] > max(after["linear"], after["mlp"]) + 0.3
assert all(abs(after[name] - before[name]) < 0.1 for name in ("linear", "mlp"))
assert before["smallcnn"] > before["mlp"]
assert sizes["smallcnn"] < sizes["mlp"]
assert table.config.backbone == "table" and parametric.trajectory.held_out.all()
fits = {run.config.augment: run.history["loss"][-1] for run in ablation}
learned = {run.config.augment: run.history["knn_accuracy"][-1] for run in ablation}
assert min(fits, key=fits.get) == "none" and min(learned["affine"], learned["crop"]) > learned["none"] + 0.1
