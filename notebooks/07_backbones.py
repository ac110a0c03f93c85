# %% [markdown]
# # 07. Backbones: what the network adds

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** $p$ and $q$ say what is wanted; the backbone says what is possible, and what comes for free. A free table can put every
# training point anywhere and says nothing about a new one. A network ties points together: it generalises, and it brings a
# likeness of its own before any training. Less than a minute on two CPU cores.

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
# | backbone | $z = f(x)$ | what it can do |
# |---|---|---|
# | `table` | $z_i$ itself, one free vector per sample | anything, for the training samples only |
# | `linear` | $Wx$ | rotate, stretch, drop |
# | `mlp` | two hidden layers on flattened pixels | bend; knows nothing of pixels being neighbours |
# | `simplecnn` | four 3x3 convolutions | knows that images are made of nearby pixels |
#
# Everything else is fixed: SimCLR's $p$, a Gaussian $q$ on the sphere, KL.
#
# ## Six points by hand
#
# Six points on a line, $p$ from three pairs. A table can satisfy $p$; a linear map of the line to the line cannot, for it keeps the order.

# %%
import math

import torch

x = torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], dtype=torch.float64)
pair = torch.tensor([0, 1, 2, 0, 1, 2])  # 0 with 3, 1 with 4, 2 with 5
p = icon.supervisory.PositivePairs()(icon.supervisory.Batch(index=pair, dtype=torch.float64))
q = icon.learned.Gaussian()

# %%
def fit(make, parameters, steps=400):
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    for _ in range(steps):
        loss = icon.divergences.kl(p, q(make())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()

# %%
free = x.clone().requires_grad_()
w = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
losses = {"table": fit(lambda: free, [free]), "linear": fit(lambda: x @ w, [w])}
log_q = q(x @ w.detach())
loop = -sum(float(log_q[i, j]) for i in range(6) for j in range(6) if pair[i] == pair[j] and i != j) / 6
print(losses, loop)

# %% [markdown]
# The table's loss goes to zero, that of the linear map stays near $\log 5 \approx 1.61$: as long as it cannot swap points, its best answer is to
# shrink until $q$ is flat. What a backbone cannot express, no loss can buy.
#
# **Predict.** On the digits: order the three networks by kNN accuracy *before* training. Then by accuracy on digits shifted by a pixel, after it.

# %%
from icon_nb.evaluate import knn_accuracy

runs = icon.run_recipe("backbone_comparison")
runs.animate(every=5, max_points=200)

# %% [markdown]
# Three projections of 128 dimensions onto two axes; do not read too much into their shapes.

# %%
runs.table(baselines=True)

# %% [markdown]
# Look at the rows before training first. In a *random* network nearby inputs have nearby outputs: its neighbourhood preservation is
# 0.98 and more, so nearly all the neighbours that it shows are near among the pixels too. Any claim that training gave a good kNN accuracy
# has to be made against this row; here training moves it by less than four points, up or down.
#
# Now the test of notebook 02, digits shifted by one pixel:

# %%
data = runs[0].data()
moved = torch.roll(data.x_test, 1, dims=-1)


def found_again(embed):
    return knn_accuracy(embed(moved), data.y_test, bank=embed(data.x_test), bank_labels=data.y_test)


shifted, raw = {run.config.backbone: found_again(run.embed) for run in runs}, found_again(data.flat)
print({name: round(value, 2) for name, value in shifted.items()}, f"raw pixels {raw:.2f}")

# %% [markdown]
# The linear map gains least. It cannot become blind to a shift: a shift moves an image in a different direction of pixel space for every
# digit, and a linear map that cancels all these directions cancels the digits. The mlp can, and had to learn it from the views. The
# convolutional network does best: its weights are shared over places and its last layer averages over quarters of the image, so that
# half of the answer is built in. It is no small network, though:

# %%
sizes = {run.config.backbone: sum(weights.numel() for weights in run.backbone.parameters()) for run in runs}
print(sizes)

# %% [markdown]
# ## A network is more than its loss
#
# The losses of the recipe are comparable: same $p$, same $q$, same views. They even order the three networks as the accuracies on shifted
# digits do. Do not make a rule of it. The loss says how well pairs were matched *among the views that were shown*; what was not shown,
# it cannot tell. The ablation below has the counterexample.

# %%
runs.plot()

# %% [markdown]
# ## The failure: a table has no answer for new data

# %%
table = icon.run(method="sne", n_samples=300, epochs=100, quiet=True)
try:
    table.embed(data.x_test)
except icon.IconError as error:
    print(error)

# %% [markdown]
# SNE with a network in the place of the table, *parametric* SNE, does have one. It must now place all training points by one rule, and
# what a rule can do, free points can do too: its best map of them is at most as good as that of the table.

# %%
parametric = icon.run(method="sne", backbone="mlp", embedding_dim=2, quiet=True)
parametric.animate(every=2, max_points=250, title="SNE with a network: held-out digits")

# %% [markdown]
# ## Turn one knob: the augmentation
#
# What a network is made blind to is chosen by the distortions. The recipe `augmentation_ablation` varies them and nothing else.

# %%
whole = {"backbone": "mlp", "augment_strength": 1.0}
ablation = icon.run_recipe("augmentation_ablation", **whole, progress=False)
after = [found_again(run.embed) for run in ablation]
for run, value in zip(ablation, after):
    print(f"{run.config.augment:12} loss {run.history['loss'][-1]:.2f}   shifted by a pixel {value:.2f}")

# %% [markdown]
# Without any distortion the loss is lowest, for two equal views are easily matched, and the network is least robust. The lowest of four
# losses, and the worst of four networks for this purpose: nothing that was shown asked for more. Distortions that move the image teach it
# not to care where the digit stands.
#
# ## Facts

# %% tags=["facts"]
assert losses["table"] < 0.05 and abs(losses["linear"] - math.log(5)) < 0.1
assert abs(loop - losses["linear"]) < 0.01
assert abs(math.log(5) - 1.61) < 0.005
assert all(run.history["knn_accuracy"][0] > 0.9 for run in runs)
assert shifted["simplecnn"] > shifted["mlp"] > shifted["linear"] + 0.05 > raw + 0.1
assert sizes["simplecnn"] > sizes["mlp"] > 10 * sizes["linear"]
final = {run.config.backbone: run.history["loss"][-1] for run in runs}
assert sorted(final, key=final.get) == sorted(shifted, key=shifted.get, reverse=True), "the same order here"
for run in runs:
    assert icon.evaluate.neighbourhood_preservation(data.x_test, run.trajectory.embeddings[0]) > 0.975
    assert abs(run.history["knn_accuracy"][-1] - run.history["knn_accuracy"][0]) < 0.04
assert table.config.backbone == "table" and parametric.trajectory.held_out.all()
fits = [run.history["loss"][-1] for run in ablation]
assert ablation[0].config.augment == "none"
assert after[0] < min(after[1:]) - 0.2 and fits[0] < min(fits[1:]) - 0.2

# %% [markdown]
# ## Exercises
#
# 1. *Modify.* Use any `torch.nn.Module` as it comes out of a run: take `runs[1].backbone`, count how many of its first-layer units are
#    ever active on the held-out digits.
# 2. *Predict, then run.* Embed the digits with the mlp in 2, 8 and 128 dimensions (recipe `dimension_sweep`). Where does the kNN accuracy stop
#    rising?
# 3. *Derive.* Why can a linear map not be blind to a shift of every image without being blind to the images?

# %% tags=["solution"]
first = next(layer for layer in runs[1].backbone.modules() if isinstance(layer, torch.nn.Linear))
active = (first(data.inputs(data.x_test).flatten(1)) > 0).any(0)
print(f"{int(active.sum())} of {len(active)} units are active somewhere")
assert active.float().mean() > 0.5

# %% tags=["solution"]
sizes_2 = icon.sweep(icon.Config(dataset="digits", method="simclr", quiet=True), embedding_dim=[2, 8, 128])
rising = [run.history["knn_accuracy"][-1] for run in sizes_2]
print([round(value, 2) for value in rising])
# most is gained by eight dimensions
assert rising[0] < rising[1] - 0.2 and abs(rising[2] - rising[1]) < 0.08

# %% tags=["solution"]
flat = data.flat(data.x_test).double()
differences = data.flat(moved).double() - flat
rank = int(torch.linalg.matrix_rank(differences))
print(f"the shifts of the digits span {rank} of {flat.shape[1]} directions")
# a map that is 0 on them is 0 on nearly everything
assert rank > 0.8 * flat.shape[1]

# %% [markdown]
# ## Questions
#
# 1. Why is the kNN accuracy of an untrained network not 0.1?
# 2. What does a table know that a network does not, and the other way round?
# 3. Without distortions the loss was lowest and the network least robust. What do you conclude about the loss?
# 4. Which knowledge about images is built into the convolutional network, and which has it to learn?
# 5. Where in $p$, $q$, $D$, backbone would you put a pretrained network?
#
# **Next:** [08, all of them on the same data](08_full_comparison.ipynb). **Recipes covered here:** `backbone_comparison`,
# `augmentation_ablation`, `dimension_sweep`.
#
# *Chen et al. (2020), arXiv 2002.05709. Hinton & Roweis (2002), Stochastic Neighbor Embedding.*
