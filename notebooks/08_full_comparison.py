# %% [markdown]
# # 08. Six methods, one network, one table

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** With the network, the data, the batch and the epochs held fixed, methods can be compared. Most of what is then seen is
# what each $p$ asked for; no method is best at everything, and no comparison without seeds and baselines means anything. About a minute
# on two CPU cores.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("icon_nb") is None:
    package = "icon_nb-0.1.0-py3-none-any.whl"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)
import icon_nb as icon

# %% [markdown]
# ## The question
#
# What does each method make of the same network and the same data?
#
# | method | $p$ | $q$ | candidates |
# |---|---|---|---|
# | SNE | Gaussian neighbours of the pixels | Gaussian | the batch |
# | t-SNE, conditional | the same | Student-t | the batch |
# | SimCLR | the other view | Gaussian on the sphere | the views of the batch |
# | t-SimCLR | the other view | Student-t | the views of the batch |
# | SupCon | the same class | Gaussian on the sphere | the views of the batch |
# | cross-entropy | the class | Gaussian (a softmax) | the classes |
#
# These are two choices of $q$ for four of $p$: cells of one table. All run on an mlp with 128 dimensions here. SNE and t-SNE were
# published for maps of free points; on a network they are parametric SNE, and so on.

# %%
configs = icon.recipe("full_comparison")
for config in configs:
    print(config.resolve().label, "|", config.resolve().supervisory, "|", config.resolve().learned)

# %% [markdown]
# ## Six points by hand
#
# Three images, two views each. Images 0 and 1 are of one class. Rows of $p$ for the first view of image 0, as three of the methods see it:

# %%
import torch

sample, label = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([0, 0, 1, 0, 0, 1])
pixels = torch.tensor([[0, 0], [3, 0], [1, 0], [0.5, 0], [3.5, 0], [1.5, 0]], dtype=torch.float64)
batch = icon.supervisory.Batch(index=sample, x=pixels, y=label, n_classes=2, dtype=torch.float64)
components = {
    "neighbours": icon.supervisory.Gaussian(perplexity=2.0),
    "views": icon.supervisory.PositivePairs(),
    "classes": icon.supervisory.SameClass(),
}
rows = {name: component(batch) for name, component in components.items()}

# %% tags=["nbval-check-output"]
for name, p in rows.items():
    print(f"{name:11}" + "".join(f"{value:6.2f}" for value in p[0].tolist()))

# %% [markdown]
# Image 2 has pixels close to those of image 0 and another class. To *neighbours* it is a friend, to *views* and *classes* a stranger. The loss of
# the same embedding under the three:

# %%
z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
log_q = icon.learned.Gaussian(temperature=0.5, distance="cosine")(torch.nn.functional.normalize(z))
entropy, loss = {}, {}
for name, p in rows.items():
    pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
    loop = sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6
    entropy[name] = abs(float(torch.xlogy(p, p).sum(1).mean()))
    loss[name] = float(icon.divergences.kl(p, log_q).mean())
    assert abs(loop - loss[name]) < 1e-12
    print(f"{name:11} loss {loss[name]:.3f}, entropy of p {entropy[name]:.3f}")

# %% [markdown]
# Different entropies, different floors: no two of these losses may be compared. The table below therefore says so and compares what can be.
#
# **Predict.** Which method is best at kNN? Whose neighbours are most often near among the pixels, too? Which uses the fewest dimensions?

# %%
study = icon.run_recipe("full_comparison", epochs=6)
study.animate(every=3, max_points=70, legend=False)

# %% [markdown]
# Two principal axes of 128 dimensions each. The labelled methods gather classes; in two axes of many this shows even though most of the room
# is not drawn.

# %%
study.table(baselines=True)

# %% [markdown]
# Read the table by columns, and each column against the rows without training.
#
# - *kNN and linear probe*: all are high, since the raw pixels are. SupCon has been told what is asked, trains neighbours towards it, and is
#   best. SimCLR ends about a point *below* the untrained network: six epochs of its own goal are not always a help to kNN.
# - *Neighbourhood preservation* asks for something else: is a neighbour that the embedding shows near among the pixels, too? (It is the
#   trustworthiness of a map, 1 at best.) SNE wants nothing else. SupCon has no reason to care and is last. The untrained network, at
#   0.99, is ahead of all but SNE.
# - *Effective rank*: t-SNE uses the fewest dimensions and cross-entropy hardly more. Ten classes would need nine, and
#   cross-entropy is on the way there; but t-SNE has never heard of classes. With a heavy tail both t-SNE and t-SimCLR use half as many
#   dimensions as SNE and SimCLR, or fewer, without being asked to.
#
# ## Seeds
#
# A difference between two runs is a difference between two runs. Run each with three seeds before calling it one between methods. `seed` is a
# setting like any other; runs that differ in nothing else share a row, with mean and standard deviation.

# %%
short = icon.Config(dataset="digits", epochs=4, quiet=True)
pair = icon.sweep(short, method=["simclr", "supcon"], seed=range(3))
pair.table()

# %%
import numpy as np

knn = {method: [] for method in ("simclr", "supcon")}
for run in pair:
    knn[run.config.method].append(run.history["knn_accuracy"][-1])
knn = {method: np.array(values) for method, values in knn.items()}
gap = knn["supcon"].mean() - knn["simclr"].mean()
noise = max(values.std(ddof=1) for values in knn.values())
print(f"gap {gap:.3f}, standard deviation of one run {noise:.3f}")

# %% [markdown]
# Only when the gap is several times the spread of single runs is it worth a sentence.
#
# ## What each of them kept
#
# The neighbourhood preservation of the table, and the test of notebook 02: is a digit, shifted by a pixel, found among the unshifted ones?

# %%
from icon_nb.distances import metric_of
from icon_nb.evaluate import knn_accuracy

data = study[0].data()
moved = torch.roll(data.x_test, 1, dims=-1)
true, robust = {}, {}
for run in study:
    name, bank = run.config.method, {"bank": run.embed(data.x_test), "bank_labels": data.y_test}
    true[name] = run.scores["neighbourhood_preservation"]
    robust[name] = knn_accuracy(run.embed(moved), data.y_test, **bank, metric=metric_of(run.config.distance))
    print(f"{name:17} neighbourhood preservation {true[name]:.3f}, on shifted digits {robust[name]:.2f}")

# %% [markdown]
# Two columns, two winners. SNE shows the truest neighbours, and both methods with pixel neighbours in $p$ fall apart when the digits are
# shifted. SimCLR, t-SimCLR and SupCon, trained to bring distorted views together, are the robust ones, and SupCon, the most robust, shows
# the least true neighbours. Cross-entropy saw distorted images too and is no more robust than SNE. Its $p$ never compares two
# images, which may be why.
#
# ## The failure: the wrong number
#
# Order the methods by their final loss, and by kNN accuracy:

# %%
by_loss = sorted(study, key=lambda run: run.history["loss"][-1])
by_knn = sorted(study, key=lambda run: -run.history["knn_accuracy"][-1])
print("loss:", [run.config.method for run in by_loss])
print("kNN: ", [run.config.method for run in by_knn])
study.incomparable

# %% [markdown]
# The first order is worthless. A method can be given a lower loss by giving it fewer candidates, a wider $p$, or (SimCLR) a smaller
# temperature, and the embedding need not change at all. Here is the one that SimCLR has just made, with shifted digits as the other views:

# %%
simclr = next(run for run in study if run.config.method == "simclr")
z = torch.nn.functional.normalize(torch.as_tensor(simclr.embed(torch.cat([data.x_test, moved]))), dim=1)
p_views = icon.supervisory.PositivePairs()(icon.supervisory.Batch(index=torch.arange(len(moved)).repeat(2)))
fixed = {}
for tau in (0.1, 0.5, 5.0):
    fixed[tau] = float(icon.divergences.kl(p_views, icon.learned.Gaussian(tau, "cosine")(z)).mean())
    print(f"the same embedding, temperature {tau}: loss {fixed[tau]:.2f}")

# %% [markdown]
#
# ## Turn one knob: the size of the batch
#
# The batch is the world: $p$ and $q$ live on it. Recipe `batch_size_sweep`, shortened:

# %%
batches = icon.sweep(short.replace(method="simclr"), batch_size=[32, 256])
for run in batches:
    m = 2 * run.config.batch_size - 1
    first = run.history["loss"][0]
    print(f"batch {run.config.batch_size:4}: first loss {first:.2f}, flat q: log {m} = {np.log(m):.2f}")
starts = [run.history["loss"][0] for run in batches]
print(f"difference {starts[1] - starts[0]:.2f}, log(511/63) = {np.log(511 / 63):.2f}")

# %% [markdown]
# The loss of the larger batch is higher by the logarithm of the *ratio* of the numbers of candidates, about two nats, before anything is
# learned. Both start some tenths of a nat below the flat $q$: even a random network puts two views of one image nearer to each
# other than most strangers.
#
# ## Facts

# %% tags=["facts"]
from icon_nb import dynamics

assert {(config.resolve().backbone, config.resolve().batch_size) for config in configs} == {("mlp", 128)}
assert rows["neighbours"][0, 2] > rows["neighbours"][0, 1]
assert rows["views"][0, 3] == 1 and rows["classes"][0, 2] == 0
assert entropy["views"] == 0 < entropy["neighbours"]
by_name = {run.config.method: run for run in study}
assert len(by_name) == 6 and not study.failures and study.incomparable
final = {name: run.history["knn_accuracy"][-1] for name, run in by_name.items()}
assert final["supcon"] == max(final.values()) > 0.95
ranks = {name: dynamics.effective_rank(run.embeddings) for name, run in by_name.items()}
few, *_ = sorted(ranks, key=ranks.get)
assert few == "tsne_conditional" and ranks["cross_entropy"] < 1.15 * ranks[few]
assert ranks["tsimclr"] / ranks["simclr"] < 0.55 > ranks["tsne_conditional"] / ranks["sne"]

# %% tags=["facts"]
below = by_name["simclr"].probes["trained"]["knn"] - by_name["simclr"].probes["untrained"]["knn"]
assert -0.025 < below < -0.005, "about a point below"
start = icon.evaluate.neighbourhood_preservation(data.x_test, simclr.trajectory.embeddings[0])
assert sorted(true.values())[-2] < start < true["sne"] and abs(start - 0.99) < 0.005
assert min(true, key=true.get) == "supcon"
views = [robust[name] for name in ("simclr", "tsimclr", "supcon")]
assert min(views) > max(robust[name] for name in ("sne", "tsne_conditional", "cross_entropy")) + 0.1
assert robust["supcon"] == max(views) and abs(robust["cross_entropy"] - robust["sne"]) < 0.03
assert gap > 2 * noise
assert fixed[0.1] < fixed[0.5] - 0.5 < fixed[5.0] - 1, "it rises with the temperature"
assert abs(starts[1] - starts[0] - np.log(511 / 63)) < 0.05 and abs(np.log(511 / 63) - 2) < 0.1
assert all(0.15 < np.log(2 * run.config.batch_size - 1) - run.history["loss"][0] < 0.6 for run in batches)

# %% [markdown]
# ## Exercises
#
# 1. *Modify.* Add a column of your own to the comparison: the effective rank per class.
# 2. *Predict.* Replace the temperature of SimCLR by 5. Its loss will be higher. Will its kNN accuracy on shifted digits be lower?
# 3. *Derive.* An untrained $q$ is nearly flat. What is the first loss of cross-entropy with ten classes, and of SimCLR with a batch of 128?

# %% tags=["solution"]
taught = by_name["supcon"]
per_class = [dynamics.effective_rank(taught.embeddings[taught.labels == c]) for c in range(10)]
print([round(rank, 1) for rank in per_class])
# every class alone uses fewer dimensions than all together: what is left inside a class is not nothing
assert min(per_class) > 5 and max(per_class) < 0.75 * ranks["supcon"]

# %% tags=["solution"]
hot = icon.run(dataset="digits", method="simclr", temperature=5.0, epochs=6, quiet=True)
assert hot.history["loss"][-1] > by_name["simclr"].history["loss"][-1]
bank = hot.embed(data.x_test)
shifted = knn_accuracy(hot.embed(moved), data.y_test, bank=bank, bank_labels=data.y_test)
print(f"shifted: {shifted:.2f} against {robust['simclr']:.2f}")
assert shifted < robust["simclr"] - 0.03

# %% tags=["solution"]
first = by_name["cross_entropy"].history["loss"][0], by_name["simclr"].history["loss"][0]
print(first, np.log(10), np.log(255))
assert abs(first[0] - np.log(10)) < 0.3 and abs(first[1] - np.log(255)) < 0.6

# %% [markdown]
# ## Questions
#
# 1. Which settings have to be equal before two methods may be compared, and which cannot be?
# 2. Why does a wider $p$ lower the divergence?
# 3. Which column of the table would you show for a retrieval system, which for a map of a collection?
# 4. Two methods differ by 0.4 % with one seed each. What do you report?
# 5. What would the table look like on data on which the raw pixels are useless?
#
# **Next:** [09, the whole periodic table](09_periodic_table.ipynb). **Recipes covered here:** `full_comparison`, `batch_size_sweep`.
#
# *Alshammari et al. (2025), arXiv 2504.16929, and the papers that `icon.methods.get(name)` names.*
