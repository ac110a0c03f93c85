# %% [markdown]
# # 02. SimCLR against SNE: the same q, two ideas of a neighbour

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** A method from 2002 for drawing maps and a method from 2020 for training networks differ in one thing only: who
# supplies the neighbours. Put both on the same network and the same $q$, and what is left of the difference is $p$, which decides
# what the network is made blind to. Less than a minute on two CPU cores.

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
# When should two pictures lie side by side: when their *pixels* are close, or when one is a *distorted copy* of the other?
#
# | | $p(j\,\vert\,i)$ | $q(j\,\vert\,i)$ | backbone |
# |---|---|---|---|
# | SNE, Hinton & Roweis 2002 | $\propto e^{-\lVert x_i - x_j\rVert^2/2\sigma_i^2}$, $j \ne i$ | $\propto e^{-d_{ij}/\tau}$, $j \ne i$ | a free point per sample |
# | SimCLR, Chen et al. 2020 | 1 on the other view of the same image | $\propto e^{-d_{ij}/\tau}$, $j \ne i$ | a network |
#
# SNE as published has Euclidean distance and no network. To compare like with like, this page gives both the cosine distance, the
# same temperature and the same network, and lets only $p$ differ. The result is a *parametric SNE on the sphere*, not the published
# one; notebook 01 draws that.
#
# ## Six points by hand
#
# Three drawings, two views each. A view is what is left after a random distortion. Pixels are two numbers here; the second *six*
# happens to have been shifted so far that its pixels look like those of a *nine*.

# %%
import math

import torch

names = ["one", "one'", "six", "six'", "nine", "nine'"]
sample = torch.tensor([0, 0, 1, 1, 2, 2])
pixels = torch.tensor([[0, 0], [1, 0], [4, 0], [4, 3], [4, 4], [5, 4]], dtype=torch.float64)


def show(p):
    print("      " + "".join(f"{name:>7}" for name in names))
    for name, row in zip(names, p):
        print(f"{name:6}" + "".join(f"{value:7.2f}" for value in row.tolist()))

# %%
p_simclr = icon.supervisory.PositivePairs()(icon.supervisory.Batch(index=sample, dtype=torch.float64))
show(p_simclr)

# %% tags=["nbval-check-output"]
squared = torch.cdist(pixels, pixels).square().fill_diagonal_(math.inf)
p_sne = (-squared / 2).softmax(1)
show(p_sne)

# %% [markdown]
# Look at the fourth row. SimCLR says that the shifted six belongs to the six, and is certain of it. The Gaussian says it belongs to
# the nine. Neither is the truth about digits: one knows *which picture it was*, the other knows *what the pixels are*. SimCLR has never
# looked at a pixel to make its $p$; everything it knows about likeness is in the distortions that were chosen for it.
#
# The divergence by a double loop, and from the package, for six directions on a circle:

# %%
angle = torch.tensor([0.0, 0.2, 2.0, 2.3, 2.6, 4.0], dtype=torch.float64)
z = torch.stack([angle.cos(), angle.sin()], 1)
log_q = icon.learned.Gaussian(temperature=0.5, distance="cosine")(z)


def double_loop(p):
    pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
    return sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6


for name, p in (("SimCLR", p_simclr), ("SNE", p_sne)):
    print(f"{name:7} loop {double_loop(p):.6f}   package {icon.divergences.kl(p, log_q).mean():.6f}")

# %% [markdown]
# SimCLR's $p$ is one-hot, so $H(p) = 0$ and the divergence *is* the cross-entropy: the NT-Xent loss of the paper, exactly.
# SNE's $p$ spreads over several neighbours, so its $H(p)$ is not zero. **Losses of different $p$ cannot be compared**: they have
# different floors, since no $q$ of this form can be arbitrarily sharp, and different ceilings.
#
# ## How wide is SNE's neighbourhood?
#
# A single $\sigma$ would give points in dense regions hundreds of neighbours and loners none. SNE chooses $\sigma_i$ for every
# point so that the entropy of its row is $\log$ of a given *perplexity*, the effective number of neighbours. Here is one batch of digits:

# %%
configs = icon.recipe("simclr_vs_sne")
data = icon.data.load("digits")
batch = icon.supervisory.Batch(index=torch.arange(128), x=data.flat(data.x[:128]).double(), dtype=torch.float64)
rows = icon.supervisory.Gaussian(perplexity=30.0)(batch)
effective = torch.xlogy(rows, rows).sum(1).neg().exp()
print(f"effective neighbours: {effective.min():.2f} to {effective.max():.2f}")

# %% [markdown]
# **Predict.** Both train the same network for ten epochs on the same digits.
#
# - Which will have the better kNN accuracy? (The raw pixels do well already.)
# - Show each of them a digit shifted by one pixel to the right. Which will recognise it as the same digit?
#
# ## Run
#
# The recipe fixes everything except what is compared. An override reaches both sides.

# %%
for config in configs:
    print(config)

# %%
both = icon.run_recipe("simclr_vs_sne", embedding_dim=3)
both.animate(every=2, max_points=130)

# %% [markdown]
# Both clouds start as the same random network and both find regions for the digits without a label. SimCLR spreads evenly: it wants
# every image away from every other one except its own copy, so the sphere fills up. SNE has thirty neighbours per point to keep
# together, so neighbourhoods are allowed to stay dense.
#
# What the picture does not show: whether a region is *correct*. Colours are the labels, which neither method has seen.

# %%
both.plot()

# %% [markdown]
# The two losses begin and end at different heights, as they must. Read each against its own start only.
#
# ## What the network became blind to
#
# Now the test that tells the two apart. Shift every held-out digit by one pixel, which is much in a picture of eight, and ask
# for its five nearest neighbours among the unshifted ones. Use the usual 128 dimensions, so that room is not the problem.

# %%
from icon_nb.evaluate import knn_accuracy

wide = icon.run_recipe("simclr_vs_sne", progress=False)
held, labels = data.x_test, data.y_test
shifted = torch.roll(held, 1, dims=-1)


def accuracies(embed):
    bank = embed(held)
    return [knn_accuracy(embed(x), labels, bank=bank, bank_labels=labels, k=5) for x in (held, shifted)]

# %%
embeddings = {"raw pixels": data.flat, "SimCLR": wide[0].embed, "SNE": wide[1].embed}
scores = {name: accuracies(embed) for name, embed in embeddings.items()}
for name, (plain, moved) in scores.items():
    print(f"{name:12} as they are {plain:.2f}   shifted by a pixel {moved:.2f}")

# %% [markdown]
# On the digits as they are (each finds itself among the bank, so all score high) there is little to choose. Shifted, the
# neighbourhoods of pixels fall apart, and with them the method that was taught by pixels. SimCLR has seen shifts as one of its
# distortions, was told that they do not matter, and carries on better.
#
# That is the sense in which $p$ *is* the supervision of an unsupervised method: to choose an augmentation is to label pairs.
#
# ## The failure: views without distortion
#
# Take the distortion away. Both views of an image are then the same picture, SimCLR's $p$ is satisfied by *any* network that
# keeps different images apart, and nothing is learned about likeness.

# %%
blind = icon.run(configs[0].replace(augment="none"), quiet=True)
lost = accuracies(blind.embed)
print(f"SimCLR without distortion: as they are {lost[0]:.2f}, shifted by a pixel {lost[1]:.2f}")
print(f"loss {blind.history['loss'][-1]:.2f}, with distortion {wide[0].history['loss'][-1]:.2f}")

# %% [markdown]
# Its loss is *lower* than that of the run above, for the task is easier. A low loss says that $q$ fits $p$; whether $p$ was worth
# fitting, it cannot say.
#
# ## Turn one knob: how strong is the distortion?

# %%
strengths = [0.1, 0.3, 1.0]
runs = [icon.run(configs[0].replace(augment_strength=strength), quiet=True) for strength in strengths]
moved = [accuracies(run.embed)[1] for run in runs]
for strength, run, value in zip(strengths, runs, moved):
    print(f"strength {strength:3}: loss {run.history['loss'][-1]:.2f}, accuracy on shifted digits {value:.2f}")

# %% [markdown]
# The loss rises with the strength, since views become harder to match. The accuracy on shifted digits rises steeply as soon as the
# distortion reaches about a pixel, and not beyond: stronger distortion teaches indifference to more than this test asks for.
#
# ## Facts

# %% tags=["facts"]
assert p_simclr[3, 2] == 1 and p_sne[3, 4] > 0.5 > p_sne[3, 2]
assert abs(double_loop(p_simclr) - icon.divergences.kl(p_simclr, log_q).mean()) < 1e-9
assert abs(double_loop(p_sne) - icon.divergences.kl(p_sne, log_q).mean()) < 1e-9
assert torch.xlogy(p_simclr, p_simclr).sum() == 0 > torch.xlogy(p_sne, p_sne).sum()
assert (effective - 30).abs().max() < 0.1
assert [(config.method, config.temperature) for config in configs] == [("simclr", 0.5), ("sne", 0.5)]
assert all(run.history["knn_accuracy"][0] + 0.1 < run.history["knn_accuracy"][-1] for run in both)
assert scores["SimCLR"][1] > scores["raw pixels"][1] + 0.1 > scores["SNE"][1] + 0.1
assert all(plain > 0.94 and plain > moved + 0.1 for plain, moved in scores.values())
assert blind.history["loss"][-1] < wide[0].history["loss"][-1] - 0.1 and lost[1] < scores["SimCLR"][1] - 0.1
strong = [run.history["loss"][-1] for run in runs]
assert strong == sorted(strong) and moved[0] + 0.15 < min(moved[1:]) and abs(moved[2] - moved[1]) < 0.1

# %% [markdown]
# ## Exercises
#
# 1. *Derive.* Two views and one-hot $p$: show that the mean divergence equals the NT-Xent loss
#    $-\frac1{2n}\sum_i \log \frac{e^{\cos(z_i,z_{i^+})/\tau}}{\sum_{k\ne i} e^{\cos(z_i,z_k)/\tau}}$, and check it on the six points.
# 2. *Modify.* Give SNE a perplexity of 5. Does its accuracy on shifted digits come closer to SimCLR's?
# 3. *Predict.* Which digits does SimCLR put nearest to the shifted ones that it gets wrong?

# %% tags=["solution"]
cosines = (z @ z.T / 0.5).fill_diagonal_(-math.inf)
partner = torch.tensor([1, 0, 3, 2, 5, 4])
nt_xent = torch.nn.functional.cross_entropy(cosines, partner)
assert abs(nt_xent - icon.divergences.kl(p_simclr, log_q).mean()) < 1e-9

# %% tags=["solution"]
narrow = icon.run(configs[1].replace(perplexity=5.0), quiet=True)
print(f"SNE with perplexity 5 on shifted digits: {accuracies(narrow.embed)[1]:.2f}")
# fewer neighbours in pixel space are still neighbours in pixel space
assert accuracies(narrow.embed)[1] < scores["SimCLR"][1] - 0.2

# %% tags=["solution"]
z_held, z_moved = (torch.as_tensor(wide[0].embed(x)) for x in (held, shifted))
found = labels[torch.cdist(z_moved, z_held).argmin(1)]
wrong = [(int(a), int(b)) for a, b in zip(labels, found) if a != b]
print("most frequent confusions (digit, taken for):", sorted(set(wrong), key=wrong.count, reverse=True)[:5])
assert 0 < len(wrong) < 0.35 * len(labels)

# %% [markdown]
# ## Questions
#
# 1. Why may the loss of SNE not be compared with that of SimCLR, though both are mean KL divergences in nats?
# 2. SimCLR's $p$ calls two different pictures of a six strangers. Why do sixes still end up together?
# 3. What would SimCLR learn if every view were rotated by any angle, and on which digits would you see it?
# 4. SNE uses the batch's own points as candidates. What changes about $p$ when the batch is made smaller?
# 5. Name data for which pixels (or raw features) make the better $p$, and data for which distortions do.
#
# **Next:** [03, the temperature](03_temperature.ipynb). **Recipe covered here:** `simclr_vs_sne`; notebook 07 has `augmentation_ablation`.
#
# *Hinton & Roweis (2002), Stochastic Neighbor Embedding. Chen et al. (2020), arXiv 2002.05709. Alshammari et al. (2025), arXiv 2504.16929.*
