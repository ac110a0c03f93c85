# %% [markdown]
# # 08. Six methods, one network, one table

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** With the network, the data, the batch and the epochs held fixed, methods can be compared. Most of what you then see is what each
# $p$ asked for. No method is best at everything, the order changes with the data, and no comparison without seeds and baselines means
# anything.
#
# **You will be able to** set up a fair comparison, read it column by column against its baselines, and say which differences are larger than the
# spread over seeds. **Before this:** [02](02_who_chooses_p.ipynb) to [07](07_backbones.ipynb). **Time:** 45 minutes of reading, about a minute
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
# Each is a cell of one table. SNE and t-SNE were published for maps of free points; on a network they are parametric SNE, and so on. Each keeps
# the temperature, distance and rate that suit it, so this compares *methods as they are used*, and not one factor at a time.
#
# ## Six points by hand
#
# Three pictures with two views each; pictures 0 and 1 are of one class. Here are the rows of $p$ for the first view of picture 0:

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
# Picture 2 has pixels close to those of picture 0, and another class. To *neighbours* it is a friend; to *views* and *classes* it is a stranger.
# Here is the loss of the same embedding under the three:

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
# Different entropies mean different floors, so no two of these losses may be compared. The table below says so and compares what can be.
#
# **Predict.** On moving digits, which method is best at kNN? Which two will be worse than the untrained network? Which uses the fewest
# dimensions?

# %%
network = {"backbone": "smallcnn", "embedding_dim": 32, "batch_size": 64}
shared = {"dataset": "moving_digits", "epochs": 8, **network}
names = ["sne", "tsne_conditional", "simclr", "tsimclr", "supcon", "cross_entropy"]
study = icon.sweep(icon.Config(**shared), method=names, progress=False)
study.animate(legend=False, max_points=40, point_size=5, max_frames=20)

# %%
study.table(baselines=True)

# %% [markdown]
# Read the table by columns, and each column against the rows without training.
#
# - *kNN and linear probe.* SupCon and cross-entropy were told the classes. SimCLR was told nothing and comes next. SNE and t-SNE end *below* the
#   untrained network: on these digits their $p$ asks for the wrong thing, and they do as they are told.
# - *Neighbourhood preservation* asks whether a neighbour that the embedding shows is near among the pixels, too. SNE and t-SNE want nothing
#   else and are first. SupCon has no reason to care.
# - *Effective rank.* The heavy-tailed methods use the fewest dimensions.
#
# ## Seeds
#
# A difference between two runs is a difference between two runs. Here are five of each:

# %% [markdown] tags=["claim"]
# | method | kNN accuracy untrained | kNN accuracy | loss | effective rank | uniformity | separability | neighbours kept |
# |---|---|---|---|---|---|---|---|
# | sne | 0.39 ± 0.04 | 0.18 ± 0.02 | 0.17 ± 0.01 | 8.64 ± 0.58 | -0.83 ± 0.26 | -0.07 ± 0.00 | 0.98 ± 0.00 |
# | tsne_conditional | 0.39 ± 0.04 | 0.15 ± 0.02 | 0.20 ± 0.00 | 5.11 ± 0.24 | -1.13 ± 0.14 | -0.10 ± 0.00 | 0.98 ± 0.00 |
# | simclr | 0.39 ± 0.05 | 0.80 ± 0.05 | 1.76 ± 0.07 | 16.1 ± 1.6 | -2.82 ± 0.04 | 0.11 ± 0.02 | 0.77 ± 0.01 |
# | tsimclr | 0.39 ± 0.04 | 0.68 ± 0.06 | 1.22 ± 0.09 | 4.26 ± 0.28 | -0.11 ± 0.02 | 0.07 ± 0.03 | 0.73 ± 0.09 |
# | supcon | 0.39 ± 0.05 | 0.94 ± 0.01 | 0.81 ± 0.02 | 13.3 ± 1.0 | -2.25 ± 0.09 | 0.43 ± 0.02 | 0.51 ± 0.01 |
# | cross_entropy | 0.39 ± 0.05 | 0.88 ± 0.01 | 0.59 ± 0.02 | 8.32 ± 0.49 | -1.75 ± 0.08 | 0.29 ± 0.02 | 0.51 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims methods_on_moving`.

# %% [markdown]
# That was 32 dimensions and eight epochs. The same six in three dimensions and in 128, for 10 epochs and for 60:

# %% [markdown] tags=["claim"]
# | method | size | kNN accuracy, 10 epochs | kNN accuracy, 60 epochs |
# |---|---|---|---|
# | sne | 3 dimensions | 0.12 ± 0.02 | 0.11 ± 0.01 |
# | sne | 128 dimensions | 0.25 ± 0.01 | 0.28 ± 0.02 |
# | tsne_conditional | 3 dimensions | 0.11 ± 0.01 | 0.10 ± 0.01 |
# | tsne_conditional | 128 dimensions | 0.19 ± 0.02 | 0.21 ± 0.01 |
# | simclr | 3 dimensions | 0.45 ± 0.11 | 0.50 ± 0.16 |
# | simclr | 128 dimensions | 0.85 ± 0.02 | 0.90 ± 0.02 |
# | tsimclr | 3 dimensions | 0.46 ± 0.07 | 0.61 ± 0.10 |
# | tsimclr | 128 dimensions | 0.73 ± 0.03 | 0.82 ± 0.02 |
# | supcon | 3 dimensions | 0.79 ± 0.03 | 0.94 ± 0.02 |
# | supcon | 128 dimensions | 0.96 ± 0.01 | 0.98 ± 0.01 |
# | cross_entropy | 3 dimensions | 0.74 ± 0.03 | 0.92 ± 0.02 |
# | cross_entropy | 128 dimensions | 0.91 ± 0.01 | 0.97 ± 0.00 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims methods_by_size`.

# %% [markdown]
# At either size and after either time three groups stay apart: labels first, then views, then neighbours of the pixels. Inside the groups the
# order depends on where you look. SimCLR is ahead of t-SimCLR in 128 dimensions at every seed, and in three dimensions five seeds cannot tell
# the two apart. SupCon is ahead of cross-entropy by about four points after ten epochs, and by one or two after 60.
#
# And here is the recipe `full_comparison`: the same six on plain digits, with an mlp and 128 dimensions.

# %% [markdown] tags=["claim"]
# | config | kNN accuracy untrained | kNN accuracy | loss | effective rank | uniformity | separability | neighbours kept |
# |---|---|---|---|---|---|---|---|
# | sne | 0.96 ± 0.00 | 0.98 ± 0.00 | 0.05 ± 0.00 | 36.1 ± 1.1 | -1.16 ± 0.10 | 0.18 ± 0.00 | 1.00 ± 0.00 |
# | tsne_conditional | 0.96 ± 0.00 | 0.95 ± 0.00 | 0.33 ± 0.00 | 14.9 ± 0.2 | -1.95 ± 0.05 | 0.33 ± 0.01 | 0.99 ± 0.00 |
# | simclr | 0.95 ± 0.01 | 0.96 ± 0.00 | 3.92 ± 0.00 | 48.8 ± 0.4 | -2.95 ± 0.01 | 0.34 ± 0.01 | 0.98 ± 0.00 |
# | tsimclr | 0.96 ± 0.00 | 0.95 ± 0.01 | 0.56 ± 0.01 | 19.3 ± 0.4 | -0.44 ± 0.03 | 0.18 ± 0.01 | 0.98 ± 0.00 |
# | supcon | 0.95 ± 0.01 | 0.99 ± 0.00 | 0.18 ± 0.01 | 40.1 ± 0.3 | -2.13 ± 0.03 | 0.65 ± 0.01 | 0.95 ± 0.01 |
# | cross_entropy | 0.95 ± 0.01 | 0.97 ± 0.00 | 0.20 ± 0.02 | 17.4 ± 0.2 | -2.18 ± 0.03 | 0.42 ± 0.01 | 0.97 ± 0.00 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims recipe_full_comparison`.

# %% [markdown]
# On plain digits all columns of kNN are high, because the raw pixels are; SNE is now among the best, and SimCLR stands where the untrained network
# stood. Nothing about the methods has changed. The data have. **A ranking of methods without the data it was made on is not a finding.**
#
# Look at the spreads before you explain a difference. Two methods that differ by less than their standard deviations have not been told apart by
# five seeds.
#
# ## Why do heavy tails use fewer dimensions?
#
# t-SimCLR differs from SimCLR in its kernel, its distance and its rate. Change one at a time, with everything else equal:

# %% [markdown] tags=["claim"]
# | q | epochs | effective rank, rate 0.001 | effective rank, rate 0.003 | kNN accuracy, rate 0.001 | kNN accuracy, rate 0.003 |
# |---|---|---|---|---|---|
# | Gaussian, cosine | 10 epochs | 79.8 ± 0.9 | 80.9 ± 1.0 | 0.96 ± 0.01 | 0.95 ± 0.01 |
# | Gaussian, cosine | 60 epochs | 97.1 ± 0.6 | 104 ± 1 | 0.97 ± 0.01 | 0.94 ± 0.01 |
# | Gaussian, Euclidean | 10 epochs | 19.6 ± 0.9 | 13.4 ± 1.2 | 0.94 ± 0.00 | 0.87 ± 0.02 |
# | Gaussian, Euclidean | 60 epochs | 18.3 ± 0.9 | 15.0 ± 2.7 | 0.92 ± 0.01 | 0.87 ± 0.04 |
# | Student-t, df 1 | 10 epochs | 5.62 ± 0.46 | 4.84 ± 0.17 | 0.81 ± 0.02 | 0.81 ± 0.01 |
# | Student-t, df 1 | 60 epochs | 4.41 ± 0.17 | 4.59 ± 0.08 | 0.80 ± 0.01 | 0.81 ± 0.01 |
# | Student-t, df 32 | 10 epochs | 15.6 ± 0.5 | 11.8 ± 1.1 | 0.92 ± 0.00 | 0.91 ± 0.01 |
# | Student-t, df 32 | 60 epochs | 15.6 ± 0.8 | 12.4 ± 1.0 | 0.92 ± 0.01 | 0.89 ± 0.02 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims rank_of_heavy_tails`.

# %% [markdown]
# Euclidean distance alone takes the rank from about 80 to 20, and after 60 epochs from 97 to 18. The heavy tail then takes it below 6. The rate
# matters least: a larger one lowers the rank of the light Euclidean kernels, raises that of the cosine after 60 epochs, and does nothing clear
# under the heaviest tail. "The heavy tail uses fewer dimensions" is a part of the truth, and the smaller part. Longer training changes none of
# this; it only widens the gap.
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
# The first order is worthless. You can give a method a lower loss by giving it fewer candidates, a wider $p$, or (SimCLR) a smaller temperature,
# and the embedding need not change at all. Here is one embedding under three temperatures, with views of the held-out digits:

# %%
from icon_nb.data.augment import build_augment

data = study[0].data()
simclr = next(run for run in study if run.config.method == "simclr")
augment = build_augment("affine", data)
pictures = [augment(data.x_test, torch.Generator().manual_seed(seed)) for seed in (1, 2)]
with torch.no_grad():
    z = torch.nn.functional.normalize(simclr.backbone(torch.cat(pictures)), dim=1)
both = icon.supervisory.Batch(index=torch.arange(len(data.x_test)).repeat(2))
p_views = icon.supervisory.PositivePairs()(both)
fixed = {}
for tau in (0.1, 0.5, 5.0):
    fixed[tau] = float(icon.divergences.kl(p_views, icon.learned.Gaussian(tau, "cosine")(z)).mean())
    print(f"the same embedding, temperature {tau}: loss {fixed[tau]:.2f}")

# %% [markdown]
# ## Turn one knob: the size of the batch
#
# The batch is the world: $p$ and $q$ live on it. Here is the recipe `batch_size_sweep`, shortened:

# %%
import math

short = icon.Config(dataset="digits", method="simclr", epochs=4, quiet=True, probe=False)
batches = icon.sweep(short, batch_size=[32, 256], progress=False)
for run in batches:
    m = 2 * run.config.batch_size - 1
    first = run.history["loss"][0]
    print(f"batch {run.config.batch_size:4}: first loss {first:.2f}, flat q: log {m} = {math.log(m):.2f}")
starts = [run.history["loss"][0] for run in batches]
print(f"difference {starts[1] - starts[0]:.2f}, log(511/63) = {math.log(511 / 63):.2f}")

# %% [markdown]
# The loss of the larger batch is higher by the logarithm of the *ratio* of the numbers of candidates, about two nats, before anything is
# learned. Both start some tenths of a nat below the flat $q$: even a random network puts two views of one picture nearer to each other than
# most strangers.
#
# ## Recap
#
# - Fix everything that can be fixed, and name what cannot: each method brings its temperature, distance and rate.
# - Read columns, not rows, and read them against the untrained network and the raw inputs.
# - Report seeds. A difference within the spread is no difference yet.
# - Losses of different methods have different floors.
#
# ## Misconceptions
#
# - *"SupCon is the best method."* It is the best at the labels it was told, on these data.
# - *"SNE is bad."* It is excellent at what its $p$ asks for.
# - *"One seed is enough when the difference is clear."* You only know that it is clear after the second seed.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Modify.* Add a column of your own to the comparison: the effective rank per class of SupCon.
# 2. ★★ *Derive.* An untrained $q$ is nearly flat. What is the first loss of cross-entropy with ten classes, and of SimCLR with a batch of 64?
# 3. ★★★ *Measure.* Is SimCLR better than t-SimCLR on moving digits? Use three seeds and six epochs, and state the difference with its spread.

# %% tags=["solution"]
from icon_nb import dynamics

taught = next(run for run in study if run.config.method == "supcon")
whole = dynamics.effective_rank(taught.embeddings)
per_class = [dynamics.effective_rank(taught.embeddings[taught.labels == c]) for c in range(10)]
print(f"all together {whole:.1f}, each class", [round(rank, 1) for rank in per_class])
# each class alone uses fewer dimensions than all together, and yet several: its points still differ
assert min(per_class) > 2 and sum(per_class) / 10 < whole

# %% tags=["solution"]
by_name = {run.config.method: run for run in study}
first = by_name["cross_entropy"].history["loss"][0], by_name["simclr"].history["loss"][0]
print([round(value, 2) for value in (*first, math.log(10), math.log(127))])
assert abs(first[0] - math.log(10)) < 0.3 and abs(first[1] - math.log(127)) < 0.6

# %% tags=["solution"]
small = icon.Config(**{**shared, "epochs": 6}, quiet=True, probe=False)
pair = icon.sweep(small, method=["simclr", "tsimclr"], seed=range(3), progress=False)
knn = {"simclr": [], "tsimclr": []}
for run in pair:
    knn[run.config.method].append(run.history["knn_accuracy"][-1])
gap = torch.tensor(knn["simclr"]) - torch.tensor(knn["tsimclr"])
print(f"difference {gap.mean():.2f}, standard deviation over seeds {gap.std():.2f}")
assert len(gap) == 3

# %% [markdown]
# ## Questions
#
# 1. Which settings have to be equal before two methods may be compared, and which cannot be?
# 2. Why does a wider $p$ lower the divergence?
# 3. Which column of the table would you show for a retrieval system, and which for a map of a collection?
# 4. Two methods differ by 0.4 % with one seed each. What do you report?
# 5. Why does the ranking on plain digits differ from that on moving digits?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("full_comparison", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. Data, network, size, batch, epochs and seeds can be equal. Candidates, and often temperature and distance, belong to the method.
# 2. A wide $p$ is closer to the flat $q$ that an untrained network has.
# 3. Recall or kNN accuracy for retrieval; neighbourhood preservation for a map.
# 4. That you cannot tell them apart yet, and how many seeds it would take.
# 5. On plain digits pixel neighbours are of the same class; on moving digits they are in the same place.

# %% [markdown]
# **Next:** [09, the periodic table](09_periodic_table.ipynb). **Recipes covered here:** `full_comparison`, `batch_size_sweep`.
#
# *Glossary:* [neighbourhood preservation](glossary.md#neighbourhood-preservation), [separability](glossary.md#separability),
# [effective rank](glossary.md#effective-rank), [baseline](glossary.md#baseline).
#
# *Papers:* [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929);
# [Hu et al. 2023, t-SimCLR](https://arxiv.org/abs/2205.14814); and those that `icon.methods.get(name)` names.
