# %% [markdown]
# # 06. Supervised against unsupervised: what is a label worth, and what does it cost?

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** Supervised contrastive learning, cross-entropy and SimCLR share $q$ and the divergence; the label enters through $p$ alone.
# It buys regions that are classes, and it pays with everything that the label does not mention. About half a minute on two CPU cores.

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
# SimCLR's $p$ knows one friend of every image, its other view. A label names many friends at once. What do they change, and what is lost?
#
# | | $p$ | candidates $j$ | backbone |
# |---|---|---|---|
# | SimCLR | 1 on the other view | the other views of the batch | network |
# | SupCon, Khosla et al. 2020 | $\frac{1}{K_i-1}$ on the others of the same class | the same | network |
# | cross-entropy | 1 on the sample's class | the *classes*, one learned prototype each | network and prototypes |
#
# The third differs in what $j$ runs over: not samples but classes. The softmax over prototypes of any classifier is a $q$, and its
# loss is a KL divergence, since a one-hot $p$ has no entropy.
#
# ## Six points by hand
#
# Three ones and three twos. Then one of the twos turns out to be a seven.

# %%
import math

import torch

y = torch.tensor([1, 1, 1, 2, 2, 2])
same_class = icon.supervisory.SameClass()
p = same_class(icon.supervisory.Batch(index=torch.arange(6), y=y, dtype=torch.float64))
print(p[0])

# %% tags=["nbval-check-output"]
seven = torch.tensor([1, 1, 1, 2, 2, 7])
try:
    same_class(icon.supervisory.Batch(index=torch.arange(6), y=seven))
except icon.IconError as error:
    print(error)

# %% [markdown]
# A sample that is alone in its class has no neighbour. A silent row of zeros would train it on nothing and count it in the mean, so this
# is an error that names the cause.
#
# Now the loss, by a double loop, and as Khosla et al. write it. The published loss is the cross-entropy $-\frac{1}{K_i-1}\sum_j \log q$;
# the divergence is smaller by the entropy $\log(K_i - 1)$, a constant.

# %%
z = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
z = torch.nn.functional.normalize(z)
log_q = icon.learned.Gaussian(temperature=0.5, distance="cosine")(z)
positives = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
loop = sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in positives) / 6
published = -sum(float(log_q[i, j]) / 2 for i, j in positives) / 6
print(f"divergence {loop:.6f}, published SupCon {published:.6f}")
print(f"difference {published - loop:.6f}, log 2 = {math.log(2):.6f}")

# %% [markdown]
# For cross-entropy the candidates are given: six samples against three prototypes, and torch's own loss beside it.

# %%
prototypes = torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
target = torch.tensor([0, 0, 0, 1, 1, 2])
q = icon.learned.Gaussian(temperature=1.0, distance="neg_dot")(z, prototypes)
batch = icon.supervisory.Batch(index=torch.arange(6), y=target, n_classes=3, dtype=torch.float64)
ours = float(icon.divergences.kl(icon.supervisory.Label()(batch), q).mean())
torchs = float(torch.nn.functional.cross_entropy(z @ prototypes.T, target))
print(f"divergence {ours:.6f}, torch {torchs:.6f}")

# %% [markdown]
# **Predict.** Three dimensions, ten epochs, the same network. Which regions of SimCLR overlap that SupCon will separate? Which of the
# three makes the tightest classes?

# %%
from icon_nb.animation import side_by_side

methods = ("simclr", "supcon", "cross_entropy")
runs = [icon.run(dataset="digits", method=method, embedding_dim=3, quiet=True) for method in methods]
names = ["SimCLR, no labels", "SupCon", "cross-entropy"]
views = ["sphere", "sphere", "raw"]
side_by_side([run.trajectory for run in runs], names, projection=views, every=5, max_points=150, turn=0)

# %% [markdown]
# SimCLR spreads the digits over the sphere and lets some share a region. SupCon gathers each class into a spot and drives the spots apart.
# Cross-entropy has no sphere: lengths count, and each class stretches away from the origin in a direction of its own.
#
# The points are held-out digits whose labels no method has seen. How tight is a class? Between directions, and in the space as it is drawn:

# %%
from icon_nb import dynamics


def within(run):
    z, y = torch.as_tensor(run.embeddings), torch.as_tensor(run.labels)
    return float(torch.cdist(z, z).square()[(y[:, None] == y).fill_diagonal_(False)].mean())


tight, drawn = [dynamics.alignment(run.embeddings, run.labels) for run in runs], [within(run) for run in runs]
knn = [run.history["knn_accuracy"] for run in runs]
for name, values, a, b in zip(names, knn, tight, drawn):
    told = f"kNN {values[0]:.2f} -> {values[-1]:.2f}"
    print(f"{name:18} {told}, within a class {a:.2f} by direction, {b:.2f} as drawn")

# %% [markdown]
# The figures are mean squared distances between two digits of one class. On a sphere both are the same, and SupCon is tightest. For
# cross-entropy they are far apart: its directions agree better than those of SimCLR, while in the space that it was trained in, with vectors
# about eleven long, two digits of a class are almost six apart. Tight is a word that needs a distance.

# %%
runs[1].plot()

# %% [markdown]
# ## With and without, on the usual network
#
# The recipe compares SimCLR and SupCon in 128 dimensions, everything else equal. The table has the raw pixels and the untrained network.

# %%
both = icon.run_recipe("supervised_vs_unsupervised")
both.table(baselines=True)

# %% [markdown]
# *NMI* compares the clusters of k-means with the classes: the information that they share over the mean of their entropies, 0 to 1.
# *Separability* is the mean silhouette of the classes: how much nearer a digit is to its own class than to the next one, 1 at best, 0 for
# classes on top of each other.
#
# The labels help where labels are asked for: with SupCon both rise far above all baselines. The kNN accuracy gains two points over the
# untrained network and less than one over the pixels, since there was no more to gain; SimCLR ends where the untrained network stood. The
# number of dimensions that are used (effective rank) *falls* on the way from SimCLR to SupCon, from 49 to 30: ten spots would need no
# more than nine, and training is under way to them.
#
# ## The failure: a label that says too little
#
# Suppose that the labels are coarse: 0 to 4, and 5 to 9. Train on these two classes, then ask for the *digit*.

# %%
import dataclasses

from icon_nb.evaluate import knn_accuracy

digits = icon.data.load("digits")
coarser = {"y": digits.y // 5, "y_test": digits.y_test // 5, "class_names": ("0-4", "5-9")}
halves = dataclasses.replace(digits, name="two halves", **coarser)
shared = {"data": halves, "embedding_dim": 3, "epochs": 15, "quiet": True}
forgetful = {method: icon.run(method=method, **shared) for method in ("simclr", "supcon")}

# %%
fine = {m: knn_accuracy(run.embeddings, digits.y_test) for m, run in forgetful.items()}
coarse = {m: run.history["knn_accuracy"][-1] for m, run in forgetful.items()}
for m in forgetful:
    print(f"{m:7} two classes {coarse[m]:.2f}, ten digits {fine[m]:.2f}")

# %% [markdown]
# SupCon is much better at what it was told, and much worse at what it was not. Under its $p$ a four and a zero are the same thing, and
# every force on the way to the optimum erases the difference. SimCLR, which was told nothing, keeps it. "Supervised is better" is short for
# "better at these labels".

# %%
titles = ["SimCLR", "SupCon, two classes"]
side_by_side([run.trajectory for run in forgetful.values()], titles, every=5, turn=0)

# %% [markdown]
# ## Turn one knob: the temperature of SupCon
#
# Does it decide how tight a class is, or how much room there is between classes?

# %%
supcon = icon.Config(dataset="digits", method="supcon", embedding_dim=3, quiet=True)
study = icon.sweep(supcon, temperature=[0.1, 0.5, 2.0])
spread = [dynamics.alignment(run.embeddings, run.labels) for run in study]
room = [dynamics.uniformity(run.embeddings) for run in study]
for run, a, u in zip(study, spread, room):
    print(f"temperature {run.config.temperature:3}: within a class {a:.3f}, uniformity {u:.2f}")
study.animate(every=5, max_points=100, turn=0)

# %%
ahead = [run.embeddings @ run.embeddings.mean(0) > 0 for run in study]
print("on the side of the mean direction:", [f"{half.mean():.0%}" for half in ahead])

# %% [markdown]
# The classes are about equally tight. The room differs: with $\tau = 0.1$ only the nearest strangers are pushed, and after ten epochs nine
# digits of ten are still in one half of the sphere; with $\tau = 0.5$ and more distant classes are pushed too, and both halves are filled.
#
# ## Facts

# %% tags=["facts"]
assert p[0].tolist() == [0, 0.5, 0.5, 0, 0, 0]
assert abs(published - loop - math.log(2)) < 1e-12 and abs(ours - torchs) < 1e-12
assert knn[1][-1] > knn[0][-1] + 0.03 and knn[0][-1] > knn[0][0] + 0.2
assert tight[1] < 0.5 * tight[0] and tight[1] < tight[2] - 0.1 < tight[0] - 0.2
assert max(abs(a - b) for a, b in zip(tight[:2], drawn)) < 0.001 and abs(drawn[2] ** 0.5 - 5.75) < 0.25
assert abs(float(torch.as_tensor(runs[2].embeddings).norm(dim=1).mean()) - 11) < 0.7

# %% tags=["facts"]
reached = [run.probes["trained"]["knn"] for run in both]
untrained, pixels = (both[1].probes[name]["knn"] for name in ("untrained", "raw"))
assert 0.01 < reached[1] - untrained < 0.035 and 0 < reached[1] - pixels < 0.01
assert abs(reached[0] - untrained) < 0.01
raw = icon.evaluate.evaluate(digits.flat(digits.x_test), digits.y_test, metric="euclidean", linear=False)
for name in ("nmi", "separability"):
    assert both[1].scores[name] > max(both[0].scores[name], raw[name]) + 0.1
ranks = [dynamics.effective_rank(run.embeddings) for run in both]
assert abs(ranks[0] - 49) < 1.5 and abs(ranks[1] - 30) < 1.5
assert max(spread) - min(spread) < 0.05 and room[0] > max(room[1:]) + 0.2
assert abs(ahead[0].mean() - 0.9) < 0.05 and max(half.mean() for half in ahead[1:]) < 0.65
assert coarse["supcon"] > coarse["simclr"] + 0.05 and fine["simclr"] > fine["supcon"] + 0.15

# %% [markdown]
# ## Exercises
#
# 1. *Derive* that SupCon's divergence and its published loss differ by the mean of $\log(K_i - 1)$. When is that not a constant?
# 2. *Modify.* Train cross-entropy on the two halves. Does it forget the digits as SupCon does?
# 3. *Predict.* With label smoothing (`alpha=0.2` for `cross_entropy`), will the rays be longer or shorter?

# %% tags=["solution"]
uneven = torch.tensor([0, 0, 0, 0, 1, 1])
rows = same_class(icon.supervisory.Batch(index=torch.arange(6), y=uneven, dtype=torch.float64))
entropy = -torch.xlogy(rows, rows).sum(1)
# log 3 four times, 0 twice: it depends on the batch, so a batch with other class counts has another constant
print(entropy)
assert abs(float(entropy.mean()) - 4 / 6 * math.log(3)) < 1e-12

# %% tags=["solution"]
classifier = icon.run(method="cross_entropy", **shared)
print(f"ten digits: {knn_accuracy(classifier.embeddings, digits.y_test):.2f}")
assert knn_accuracy(classifier.embeddings, digits.y_test) < fine["simclr"] - 0.05

# %% tags=["solution"]
smooth = icon.run(dataset="digits", method="cross_entropy", embedding_dim=3, alpha=0.2, quiet=True)
lengths = [float(torch.tensor(run.embeddings).norm(dim=1).mean()) for run in (runs[2], smooth)]
print(f"mean length {lengths[0]:.2f}, with smoothing {lengths[1]:.2f}")
# p is no longer one-hot: beyond a finite logit, longer is worse
assert lengths[1] < lengths[0] - 0.05

# %% [markdown]
# ## Questions
#
# 1. Where in the equation does the label enter, for SupCon and for cross-entropy?
# 2. Why is cross-entropy a divergence and not "only" a cross-entropy?
# 3. SupCon divides by $K_i - 1$. What would happen to a rare class without this?
# 4. You want one embedding for tasks that you do not know yet. Which of the three would you train?
# 5. What would a $p$ look like that uses both labels and views?
#
# **Next:** [07, backbones](07_backbones.ipynb). **Recipe covered here:** `supervised_vs_unsupervised`.
#
# *Khosla et al. (2020), Supervised Contrastive Learning, arXiv 2004.11362. Chen et al. (2020), arXiv 2002.05709.*
