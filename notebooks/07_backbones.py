# %% [markdown]
# # 07. Backbones: what the network adds

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** $p$ and $q$ say what is wanted. The backbone says what is possible, and what comes for free. A free table can put every training
# point anywhere and says nothing about a new one. A network ties points together. It generalises, and even before training it gives similar inputs
# similar embeddings. On digits that move, the same $p$ and $q$ teach a convolutional network the classes and teach the other two next to nothing.
#
# **You will be able to** say what a backbone can and cannot express, judge a result against the untrained network, and choose distortions that fit.
# **Before this:** [02, Who chooses p?](02_who_chooses_p.ipynb). **Time:** 40 minutes of reading, about a minute on two CPU cores.

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
# | `mlp` | hidden layers on flattened pixels | bend; it does not know that pixels have neighbours |
# | `smallcnn` | two convolutions, then the strongest answer of each filter *anywhere* | it knows that a stroke is a stroke wherever it is |
#
# Everything else is fixed: SimCLR's $p$, a Gaussian $q$ on the sphere, KL.
#
# ## Six points by hand
#
# Six points on a line, with $p$ from three pairs. A table can satisfy $p$. A linear map of the line to the line cannot, because it keeps the order.

# %%
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
print({name: round(value, 3) for name, value in losses.items()}, f"by a double loop {loop:.3f}")

# %% [markdown]
# The table's loss goes to zero. That of the linear map stays near $\log 5 \approx 1.61$: as long as it cannot swap points, its best answer is
# to shrink until $q$ is flat. No loss can make a backbone do what it cannot express.
#
# **Predict.** Order the three networks by kNN accuracy on moving digits, before training and after it.

# %%
runs = icon.run_recipe("backbone_comparison", gif_max_points=150)
runs.animate(max_points=80, point_size=5, max_frames=20)

# %%
runs.table(baselines=True)

# %% [markdown]
# Look at the rows before training first. In a *random* network nearby inputs have nearby outputs, so an untrained network does about as well as
# the pixels it reads. The random convolutional network does better than the mlp at all of five seeds and than the linear map at four of them. Its
# "strongest answer anywhere" does not depend on the place. Any claim about training has to be made against this row.
#
# Then look at what training adds. SimCLR asks all three for the same thing, to find a moved digit again. A linear map cannot become blind to
# place: moving a digit changes the picture in a different direction for every digit, and a map that cancels all these directions cancels the
# digits. The mlp would have to learn every place by itself, and a thousand pictures do not show every digit in every place. The convolutional
# network need not learn it, because its structure ignores the place.
#
# The number of weights does not explain the difference:

# %%
sizes = {run.config.backbone: sum(weights.numel() for weights in run.backbone.parameters()) for run in runs}
print(sizes)
runs.plot()

# %% [markdown]
# The losses of these runs are comparable: same $p$, same $q$, same views. They say how well each network matched the views
# that it was shown. They do not say what it learned about digits in general. Five seeds of the same recipe:

# %% [markdown] tags=["claim"]
# | config | kNN accuracy untrained | kNN accuracy | loss | effective rank | uniformity | separability | neighbours kept |
# |---|---|---|---|---|---|---|---|
# | linear | 0.33 ± 0.03 | 0.34 ± 0.00 | 3.26 ± 0.02 | 19.0 ± 0.3 | -2.49 ± 0.03 | -0.05 ± 0.00 | 0.98 ± 0.00 |
# | mlp | 0.29 ± 0.02 | 0.27 ± 0.02 | 3.25 ± 0.06 | 11.2 ± 0.7 | -2.25 ± 0.09 | -0.06 ± 0.00 | 0.96 ± 0.01 |
# | smallcnn | 0.39 ± 0.05 | 0.80 ± 0.05 | 1.76 ± 0.07 | 16.1 ± 1.6 | -2.82 ± 0.04 | 0.11 ± 0.02 | 0.77 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims recipe_backbone_comparison`.

# %% [markdown]
# ## The failure: a table has no answer for new data

# %%
digits = icon.data.load("digits")
table = icon.run(method="sne", n_samples=300, epochs=100, dataset="digits", quiet=True)
try:
    table.embed(digits.x_test)
except icon.IconError as error:
    print(error)

# %% [markdown]
# SNE with a network in the place of the table, *parametric* SNE, does have an answer. It must place all training points by one rule, and
# what a rule can do, free points can do too, so its best map of them is at most as good as that of the table.

# %%
parametric = icon.run(method="sne", backbone="mlp", embedding_dim=2, dataset="digits", quiet=True)
parametric.animate(title="SNE with a network: held-out digits", max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# ## Turn one knob: the augmentation
#
# The distortions choose what a network is made blind to. The recipe `augmentation_ablation` varies them and nothing else, on digits that move, turn
# and change their size.

# %%
ablation = icon.run_recipe("augmentation_ablation", progress=False, probe=False)
for run in ablation:
    knn, loss = run.history["knn_accuracy"], run.history["loss"][-1]
    print(f"{run.config.augment:12} loss {loss:.2f}   kNN accuracy {knn[0]:.2f} -> {knn[-1]:.2f}")

# %% [markdown] tags=["claim"]
# | config | kNN accuracy untrained | kNN accuracy | loss | effective rank | uniformity | separability | neighbours kept |
# |---|---|---|---|---|---|---|---|
# | none | 0.39 ± 0.05 | 0.51 ± 0.08 | 0.48 ± 0.02 | 26.9 ± 0.7 | -3.43 ± 0.05 | 0.01 ± 0.01 | 0.69 ± 0.03 |
# | affine | 0.39 ± 0.05 | 0.80 ± 0.05 | 1.76 ± 0.07 | 16.1 ± 1.6 | -2.82 ± 0.04 | 0.11 ± 0.02 | 0.77 ± 0.01 |
# | crop | 0.39 ± 0.05 | 0.77 ± 0.04 | 2.09 ± 0.03 | 18.0 ± 1.0 | -2.98 ± 0.05 | 0.08 ± 0.01 | 0.75 ± 0.01 |
# | crop+affine | 0.39 ± 0.05 | 0.77 ± 0.02 | 2.62 ± 0.04 | 16.5 ± 0.8 | -2.73 ± 0.08 | 0.10 ± 0.01 | 0.74 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims recipe_augmentation_ablation`.

# %% [markdown]
# Without distortion the loss is lowest, since two equal views are easily matched, and the network learns least. `affine` moves, turns and
# scales the picture, and `crop` moves and scales it: both show the network a digit at another place, which is how these digits differ from each
# other. Five seeds do not tell the two apart. Distortions should look like the differences that do not matter.
#
# ## Recap
#
# - A backbone decides what can be expressed, what generalises, and what is known before training.
# - Compare with the untrained network and with the pixels, always.
# - A network need not learn what is built into it. It cannot learn what is neither built in nor shown.
#
# ## Misconceptions
#
# - *"A bigger network would do it."* The smallest network in this notebook wins.
# - *"A kNN accuracy of 0.96 shows learning."* On plain digits an untrained network has it, too.
# - *"The loss tells which network is best."* It tells which matches the shown views best.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Modify.* Take `backbone` out of a run, which is a plain `torch.nn.Module`, and count how many of its first-layer units are ever active.
# 2. ★★ *Predict, then run.* Embed digits in 2, 8 and 128 dimensions (recipe `dimension_sweep`). Where does the kNN accuracy stop rising?
# 3. ★★★ *Derive.* Why can a linear map not be blind to a shift of every picture without being blind to the pictures?

# %% tags=["solution"]
data = runs[1].data()
first = next(layer for layer in runs[1].backbone.modules() if isinstance(layer, torch.nn.Linear))
active = (first(data.inputs(data.x_test).flatten(1)) > 0).any(0)
print(f"{int(active.sum())} of {len(active)} units are active somewhere")
assert active.float().mean() > 0.5

# %% tags=["solution"]
base = icon.Config(dataset="digits", method="simclr", quiet=True, probe=False)
wider = icon.sweep(base, embedding_dim=[2, 8, 128])
rising = [run.history["knn_accuracy"][-1] for run in wider]
print([round(value, 2) for value in rising])
# most is gained by eight dimensions
assert rising[0] < rising[1] - 0.2 and abs(rising[2] - rising[1]) < 0.08

# %% tags=["solution"]
flat = digits.flat(digits.x_test).double()
moved = digits.flat(torch.roll(digits.x_test, 1, dims=-1)).double()
rank = int(torch.linalg.matrix_rank(moved - flat))
print(f"the shifts of the digits span {rank} of {flat.shape[1]} directions")
# a map that is 0 on them is 0 on nearly everything
assert rank > 0.8 * flat.shape[1]

# %% [markdown]
# ## Questions
#
# 1. Why is the kNN accuracy of an untrained network not 0.1?
# 2. What does a table know that a network does not, and the other way round?
# 3. Without distortion the loss was lowest and the network learned least. What do you conclude about the loss?
# 4. Which knowledge about pictures is built into the convolutional network, and which does it have to learn?
# 5. Which parts of the equation can a pretrained network be?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("backbones", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. A random network maps nearby inputs to nearby outputs, so it keeps much of what the pixels know.
# 2. A table knows every training point exactly and nothing else. A network knows one rule and can apply it to anything.
# 3. It measures how well $q$ fits $p$, and an easy $p$ is fitted without learning.
# 4. That a pattern is the same everywhere is built in. Which patterns matter has to be learned.
# 5. The backbone, if it makes $z$; $p$, if its features say who the neighbours are.

# %% [markdown]
# **Next:** [08, six methods in one table](08_full_comparison.ipynb). **Recipes covered here:** `backbone_comparison`, `augmentation_ablation`,
# `dimension_sweep`.
#
# *Glossary:* [backbone](glossary.md#backbone), [baseline](glossary.md#baseline), [augmentation](glossary.md#augmentation).
#
# *Papers:* [Chen et al. 2020, SimCLR](https://arxiv.org/abs/2002.05709);
# [Ulyanov et al. 2018, Deep image prior](https://arxiv.org/abs/1711.10925), on what an untrained network knows;
# [Hinton & Roweis 2002, Stochastic Neighbor Embedding](https://papers.nips.cc/paper/2276-stochastic-neighbor-embedding).
