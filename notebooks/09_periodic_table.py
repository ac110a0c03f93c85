# %% [markdown]
# # 09. The periodic table: the cells and the limits

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** Put the choices of $p$ in columns and the choices of $q$ in rows, and methods from more than a century fall into the cells.
# All of them run through one trainer. Two of the rows are limits of a third: let the temperature go to infinity or to zero, and
# SimCLR becomes the core of VICReg or a triplet loss.
#
# **You will be able to** find a method's cell, derive the two limits, read a derivation card, and say which losses may be compared.
# **Before this:** [02, Who chooses p?](02_who_chooses_p.ipynb), [03, the temperature](03_temperature.ipynb) and
# [04, kernels](04_kernels.ipynb). **Time:** 60 minutes of reading, about a minute on two CPU cores.

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
# If methods differ only in $p$ and in $q$, what stands where a known $p$ meets a known $q$?

# %%
icon.methods.table()

# %% [markdown]
# Read a **column** downwards: the same idea of a neighbour, seen through other kernels. Read a **row** from left to right: the same
# kernel, with other ideas of a neighbour. The colours say how much stands behind a cell. It holds a method of the literature, or a *gap* that
# the published figure leaves empty and that is composed here without theorem or experiment, or a pair that can be composed and has no
# name yet, or a pair that makes no sense. Every named cell tells you its particulars.

# %%
icon.methods.get("triplet")

# %% [markdown]
# ## Six points by hand: a table of numbers
#
# Three samples with two views each make six points; samples 0 and 1 belong to one class. Here are four columns, that is, four matrices $p$.

# %%
import math

import torch

sample = torch.tensor([0, 0, 1, 1, 2, 2])
x = torch.tensor([[0, 0], [1, 0], [1, 2], [4, 1], [4, 4], [5, 4]], dtype=torch.float64)
batch = icon.supervisory.Batch(index=sample, x=x, y=torch.tensor([0, 0, 0, 0, 1, 1]), dtype=torch.float64)
columns = {
    "Gaussian": icon.supervisory.GaussianFixed(p_temperature=2.0),
    "2-NN": icon.supervisory.NearestNeighbors(n_neighbors=2),
    "pairs": icon.supervisory.PositivePairs(),
    "classes": icon.supervisory.SameClass(),
}
p = {name: column(batch) for name, column in columns.items()}

# %% [markdown]
# Here are three rows on one embedding, with the divergence by a double loop. The third row is the cluster kernel: it reads the two numbers
# of a point as logits of two clusters.

# %%
z = [[0.1, 0.3], [0.9, -0.2], [0.8, 1.1], [1.9, 0.4], [-0.3, 1.8], [-0.9, 2.2]]
z = torch.tensor(z, dtype=torch.float64)
gaussian, student, clusters = icon.learned.Gaussian(), icon.learned.StudentT(), icon.learned.Clusters()
rows = {"Gaussian": gaussian, "Student-t": student, "clusters": clusters}


def double_loop(p, log_q):
    pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
    return sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6


by_hand = {(r, c): double_loop(p[c], rows[r](z)) for r in rows for c in columns}
package = {(r, c): float(icon.divergences.kl(p[c], rows[r](z)).mean()) for r in rows for c in columns}

# %% tags=["nbval-check-output"]
print(" " * 10 + "".join(f"{c:>10}" for c in columns))
for r in rows:
    print(f"{r:10}" + "".join(f"{by_hand[r, c]:10.3f}" for c in columns))

# %% [markdown]
# You see SNE with one width, t-SimCLR and supervised clustering side by side. Within a column $p$ is the same, and the numbers say which of
# three $q$ fits it best. From column to column the question itself changes, so a smaller number does not mean a better method.
#
# ## The two ends of the temperature
#
# Two rows of the table are limits of the Gaussian row. With $d_{ij}$ the distances and $m$ candidates, expand $\log q$ for
# $\tau \to \infty$, and take the largest term for $\tau \to 0$:
#
# $$\tau\,\big(H(p_i, q_i) - \log m\big) \to \sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik} \qquad\qquad
#   \tau\,H(p_i, q_i) \to \sum_j p_{ij} d_{ij} - \min_k d_{ik}$$
#
# The left one is *cohesion minus variance*: PCA and the core of VICReg. The right one is the *triplet* loss with the hardest negative.

# %%
def cross_entropy(tau):
    log_q = icon.learned.Gaussian(temperature=tau)(z)
    return -(p["pairs"] * log_q.masked_fill(p["pairs"] == 0, 0)).sum(1).mean()


d = {"wide": icon.learned.GaussianWide(include_self=False), "narrow": icon.learned.GaussianNarrow()}
limit = {name: float(q.divergence(p["pairs"], q(z)).mean()) for name, q in d.items()}
wide = {tau: float(tau * (cross_entropy(tau) - math.log(5))) for tau in (1, 10, 100, 1000)}
narrow = {tau: float(tau * cross_entropy(tau)) for tau in (1, 0.1, 0.01, 0.001)}
for (large, a), (small, b) in zip(wide.items(), narrow.items()):
    print(f"tau {large:5}: {a:8.4f}    tau {small:5}: {b:7.4f}")
print(f"limits:    {limit['wide']:8.4f}               {limit['narrow']:7.4f}")

# %% [markdown]
# "PCA is the wide-Gaussian limit of contrastive learning" is therefore a statement you can check to as many digits as you like. Keep two
# things in mind. PCA's $p$ is the identity, so its $q$ must count the point itself, or the divergence is infinite. And the limits are no
# longer divergences: they may be negative, and nothing keeps them from falling for ever if the embedding may grow.
#
# **Predict.** Now run all cells on 300 digits (or on their own data), for a few epochs each. Will every loss fall? Which of them will
# report a loss below zero?
#
# ## Run every cell

# %%
def short(name):
    defaults = icon.methods.get(name).defaults
    few = {} if defaults.get("dataset") in ("karate_club", "tiny_text") else {"n_samples": 300}
    epochs = {"table": 60, "linear": 10}.get(defaults.get("backbone"), 3)
    return icon.Config(method=name, epochs=epochs, quiet=True, probe=False, **few)


every = icon.run_configs([short(name) for name in icon.methods.METHODS], progress=False)
for run in every:
    first, last = run.history["loss"][0], run.history["loss"][-1]
    print(f"{run.config.method:28}{run.config.backbone:8}{run.config.dataset:16}{first:8.3f} ->{last:8.3f}")

# %% [markdown]
# Every loss falls whose $p$ and candidates stay what they are. Where a queue, prototypes or a teacher move with the network (`moco`, `ressl`),
# the loss of one epoch is no measure for the next, and it may rise while the embedding gets better. The ones below zero stand in the row of
# the wide limit, where the value is minus the spread of the embedding. A few epochs on 300 digits show that a cell *runs*, and not that it is
# any good.
#
# ## Down one column
#
# One $p$, positive pairs, under a Gaussian $q$ and its two limits, on the same network into three dimensions.

# %%
gaussians = ("vicreg", "simclr", "triplet")
on_a_sphere = icon.Config(dataset="digits", embedding_dim=3, quiet=True)
column = icon.run_configs([on_a_sphere.replace(method=name) for name in gaussians])
column.animate(turn=0, max_points=80, point_size=5, max_frames=20)

# %% [markdown]
# All three say "the two views belong together". They differ in how they push the rest away. The wide limit pushes everything from the
# common centre with equal weight. SimCLR pushes near things most. The narrow limit pushes *only the nearest other point* of each anchor, so a
# batch of 128 pictures leaves nearly everything else without a force. In three dimensions it ends in one place:

# %%
column.table()

# %% [markdown]
# Is this collapse a property of the limit? Repeat it with five seeds, in three dimensions and in 128, for 10 epochs and for 60:

# %% [markdown] tags=["claim"]
# | method | epochs | effective rank, 3 dimensions | effective rank, 128 dimensions | kNN accuracy, 3 dimensions | kNN accuracy, 128 dimensions |
# |---|---|---|---|---|---|
# | vicreg | 10 epochs | 2.70 ± 0.16 | 23.9 ± 0.6 | 0.71 ± 0.04 | 0.89 ± 0.02 |
# | vicreg | 60 epochs | 2.48 ± 0.18 | 12.1 ± 0.7 | 0.77 ± 0.04 | 0.89 ± 0.02 |
# | simclr | 10 epochs | 3.00 ± 0.00 | 48.8 ± 0.4 | 0.78 ± 0.03 | 0.96 ± 0.00 |
# | simclr | 60 epochs | 3.00 ± 0.00 | 52.1 ± 0.5 | 0.86 ± 0.01 | 0.97 ± 0.00 |
# | triplet | 10 epochs | 1.13 ± 0.01 | 72.0 ± 2.3 | 0.29 ± 0.03 | 0.94 ± 0.01 |
# | triplet | 60 epochs | 1.05 ± 0.01 | 82.7 ± 0.8 | 0.27 ± 0.03 | 0.92 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims limits`.

# %% [markdown]
# The collapse belongs to the limit *in a narrow embedding*, and longer training does not undo it. In 128 dimensions the triplet loss uses the
# most dimensions of the three, and its kNN accuracy lies between the other two. A single force per anchor is enough where there is room to
# step aside, and people mine *semi-hard* triplets where there is not. The wide limit changes with time: from 10 to 60 epochs it gives up half
# of its dimensions, and its accuracy stays.
#
# ## What makes no sense, and why
#
# The package refuses a pair whose divergence is infinite or empty, and says so before anything is trained.

# %%
for p_name, q_name in (("label", "clusters"), ("identity", "gaussian_narrow"), ("gaussian_joint", "gaussian")):
    try:
        icon.Config(supervisory=p_name, learned=q_name)
    except icon.IconError as error:
        print(error)

# %% [markdown]
# ## Any cell, to look up and to try
#
# The explorer has all $p$, $q$, backbones and data in four lists. For every choice it says what it is called, why it cannot be, or which line
# of code runs it. With a kernel you get the lists and a button. `choose` and `run` do the same by hand; what stays on paper is the still form.

# %%
few = {"dataset": "digits", "n_samples": 300, "gif_max_points": 100, "gif_every": 2}
shared = icon.Config(epochs=8, embedding_dim=3, **few)
explorer = icon.widgets.method_explorer(shared).choose(supervisory="same_class", learned="student_t")
explorer.run()

# %%
tried = explorer.results.history["knn_accuracy"]
print(f"kNN accuracy {tried[0]:.2f} -> {tried[-1]:.2f}")

# %% [markdown]
# The pair has a name, `t_supcon`, and is a *gap*: t-SimCLR's kernel with SupCon's neighbours. It also runs: in eight epochs classes form in
# the plain space of three dimensions. A pair can also make sense and still lack something:

# %%
other = icon.widgets.method_explorer(shared)
print(other.choose(supervisory="positive_pairs", learned="gaussian", backbone="table").reason)

# %% [markdown]
# ## Derivation cards
#
# Here are eight cells. Each card has $p$, $q$, the step that leads from the equation to the published loss, and a caveat;
# [notebook 16](16_derivation_cards.ipynb) has a longer card for every method. $\phi_{ic}$ is the membership of $i$ in cluster $c$.
#
# | method | $p$ and $q$ | from the equation to the loss | caveat |
# |---|---|---|---|
# | MoCo v3 | $p = 1$ on the other view; $q$ Gaussian over the *keys* $k_j$ of a slow encoder | $H(p)=0$, so $D = -\log q_{i i^+}$ with $q_{ij} \propto e^{\cos(z_i,k_j)/\tau}$: cross-entropy over keys | no gradient flows into the keys; the published code multiplies by $2\tau$ |
# | VICReg's core | pairs; $\tau \to \infty$ | $\tau(H(p,q)-\log m) \to \sum_j p_{ij}d_{ij} - \frac1m\sum_k d_{ik}$; the mean of the second term is twice the variance | the published variance term is a hinge, and its covariance term has no cell |
# | harmonic loss | $p = 1$ on the class; $q_{ic} \propto (1 + d_{ic}/\nu\tau)^{-(\nu+1)/2}$ | for $\tau \to 0$ the 1 vanishes against $d/\nu\tau$, and the constant cancels: $q_{ic} \propto d_{ic}^{-(\nu+1)/2}$ | a sample exactly on its prototype has $d = 0$ |
# | masked language model | $p = 1$ on the hidden word $t$; $q_{it} \propto e^{z_i^\top \phi_t}$ | $H(p)=0$, so $D = -\log q_{it}$: the softmax over the vocabulary | contexts that fit several words are given one at a time; only their average is the $p$ you mean |
# | normalised cuts | $p_{ij} \propto e^{w_{ij}/d_j\tau_p}$; $q$ on clusters, in which $j$ counts by its degree $d_j$; $D(q\Vert p)$ | $-\sum_j q_{ij}\log p_{ij}$ has the term $-\frac1{\tau_p}\sum_j q_{ij} w_{ij}/d_j$, which sums to $\frac1{\tau_p}(\mathrm{NCut}-C)$ | only as $\tau_p \to 0$; the entropies of $q$ favour large clusters |
# | spectral clustering | Gaussian on the eigenvectors $u_i$; $q$ on clusters; $D(q\Vert p)$ | the identity of notebook 10 with $u$ for $x$: $\frac{2}{\tau_p}\,$inertia of $u$, minus entropies | the eigenvectors come first and are not trained |
# | DCD | $p$ uniform on nearest neighbours; $q_{ij} = \sum_c \phi_{ic}\phi_{jc}/\sum_k\phi_{kc}$ | the walk sample, cluster, sample *is* this $q$, and $D(p\Vert q)$ is its divergence | the published method adds a prior on the memberships |
# | TEMI | $p$ as above; the same $q$ with $\pi_c$ the mean of $\phi_{ic}$ | $\log q_{ij} = \log\sum_c \phi_{ic}\phi_{jc}/\pi_c - \log n$: its pointwise mutual information | published with an exponent $\beta$, a teacher and weights of the pairs |
#
# Check them on the six points. Two of them are a cross-entropy over other candidates: keys, and the words of a vocabulary.

# %%
keys, partner = z[:, [1, 0]], torch.tensor([1, 0, 3, 2, 5, 4])
words, hidden = x[:4] / 4, torch.tensor([0, 1, 2, 3, 0, 1])
unit, one_hot = torch.nn.functional.normalize, torch.nn.functional.one_hot
over_keys = icon.learned.Gaussian(0.2, "cosine")(z, keys), unit(z) @ unit(keys).T / 0.2
over_words = icon.learned.Gaussian(1.0, "neg_dot")(z, words), z @ words.T
targets = {"MoCo v3": (p["pairs"], partner), "masked words": (one_hot(hidden).double(), hidden)}
for (name, (target, own)), (log_q, logits) in zip(targets.items(), (over_keys, over_words)):
    ours = float(icon.divergences.kl(target, log_q).mean())
    theirs = float(torch.nn.functional.cross_entropy(logits, own))
    print(f"{name:12} divergence {ours:.6f}, torch's cross_entropy {theirs:.6f}")

# %% [markdown]
# Normalised cuts need a graph. Let near points have heavy edges, and cut the last two points off:

# %%
edges = (-torch.cdist(x, x).square() / 4).exp().fill_diagonal_(0)
degree, side = edges.sum(1), one_hot(torch.tensor([0, 0, 0, 0, 1, 1])).double()
q_cut = side @ (degree[:, None] * side / (degree @ side)).T  # each point counts by its degree
crossing = (edges * (side @ (1 - side).T)).sum(1) @ side  # weight of the edges that leave a cluster
ncut = float((crossing / (degree @ side)).sum())
term = -float((q_cut * edges / degree).sum())
print(f"the term of the divergence {term:.6f}, NCut - C {ncut - 2:.6f}")

# %% [markdown]
# For harmonic loss take three prototypes and a small $\tau$; for the walk of DCD, two clusters:

# %%
prototypes = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.5]], dtype=torch.float64)
squared = torch.cdist(z, prototypes).square()
harmonic = (squared**-1).log().log_softmax(1)  # df = 1: the exponent is -(1 + 1) / 2
for scale in (1.0, 1e-3, 1e-6):
    log_q = icon.learned.StudentT(temperature=scale, df=1.0)(z, prototypes)
    print(f"scale {scale:g}: away from the harmonic q by {float((log_q - harmonic).abs().max()):.6f}")
phi = z.softmax(1)
walk = sum(phi[:, None, c] * phi[None, :, c] / phi[:, c].sum() for c in range(2))  # sample, cluster, sample
print(f"walk and package differ by {float((walk.log() - clusters(z)).abs().max()):.0e}")

# %% [markdown]
# Here is the step of TEMI, $\log q_{ij} = \mathrm{pmi}_{ij} - \log n$, with a picture of the walk: a point reaches those who share its cluster. The
# limit of VICReg stands further up, and the identity behind spectral clustering in notebook 10.

# %%
import base64
import io

import matplotlib.pyplot as plt
from IPython.display import display

from icon_nb.animation.display import image

# %%
def show(figure, alt):
    """A figure, with words for those who cannot see it."""
    figure.savefig(png := io.BytesIO(), dpi=80)
    plt.close(figure)
    data = base64.b64encode(png.getvalue()).decode()
    display({"text/plain": alt, "image/png": data, "text/html": image(png.getvalue(), alt)}, raw=True)

# %%
pmi = (phi[:, None] * phi[None] / phi.mean(0)).sum(2).log()
print(f"largest difference {float((pmi - math.log(6) - walk.log()).abs().max()):.0e}")
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
for ax, matrix, name in zip(axes, (phi, walk, p["2-NN"]), ("memberships", "q: the walk", "p: two nearest")):
    ax.imshow(matrix, cmap="Blues", vmin=0)
    ax.set(title=name, ylabel="point")
show(figure, "Three heat maps: memberships of six points in two clusters, the q of the walk through them, p")

# %% [markdown]
# ## What is not in the table
#
# UMAP, Barlow Twins, BYOL and SCAN have no cell. UMAP's cost is a sum of one binary cross-entropy for each pair. The row `sigmoid` holds such
# sums, but it asks only whether $j$ belongs to $i$; UMAP has memberships between 0 and 1, and their rows do not sum to one as rows of $p$ do.
# The published t-SNE is *one* divergence over all pairs and not a mean over points. Of VICReg only the invariance term is the published one;
# of CMC only the form of the loss. `error_rate` is the loss of a perceptron: only the argmax of $q$ is right or wrong, and no limit of this
# loss counts errors.
#
# ## Recap
#
# - A method is a cell: a column ($p$), a row ($q$), and which of them is on the left of the divergence.
# - The Gaussian row has two limits: cohesion minus variance for large temperatures, triplets for small ones.
# - Losses may be compared within a column and with the same candidates. Across columns they may not.
# - A collapse seen in three dimensions need not be there in 128.
#
# ## Misconceptions
#
# - *"A cell is a method."* A cell is a loss. The published method may add a prior, a teacher or a hinge, and the card says so.
# - *"An empty cell is a discovery."* It is a pair without a name in this table. Notebook 14 shows what is left to do.
# - *"Every method is in the table."* Four well-known ones are not.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Modify.* Find all cells that can be composed and have no name.
# 2. ★★ *Derive.* Show that $\frac1{n^2}\sum_{ij} \lVert z_i - z_j\rVert^2 = 2\,\mathrm{Var}(z)$, and so that PCA's cell is $-2\,\mathrm{Var}$.
# 3. ★★★ *Derive.* At which temperature is the loss of SimCLR on the six points within one per cent of its narrow limit?

# %% tags=["solution"]
from icon_nb.registry.periodic import grid

cells = [(row, *cell) for row, cells in grid() for cell in cells]
open_cells = [(row, column) for row, column, methods, reason in cells if not methods and not reason]
for row, column_name in open_cells:
    print(f"{row:16}{column_name}")
# the sharp limit of the identity is open for dimensions, and makes no sense for points, as you saw above
assert ("gaussian_wide", "knn") in open_cells and ("clusters", "label") not in open_cells

# %% tags=["solution"]
spread = torch.cdist(z, z).square().mean()
assert abs(spread - 2 * z.var(0, correction=0).sum()) < 1e-12
itself = icon.learned.GaussianWide(include_self=True)
assert abs(itself.divergence(torch.eye(6, dtype=torch.float64), itself(z)).mean() + spread) < 1e-12

# %% tags=["solution"]
for tau in (0.1, 0.05, 0.02, 0.01):
    print(tau, f"{abs(float(tau * cross_entropy(tau)) / limit['narrow'] - 1):.1g}")
# the gap is tau times the logarithm of a sum in which one term leads: it vanishes faster than tau itself
assert abs(float(0.01 * cross_entropy(0.01)) / limit["narrow"] - 1) < 0.01

# %% [markdown]
# ## Questions
#
# 1. Which cells may be compared by the value of their loss, and which may not?
# 2. Why must $q$ count the point itself in PCA's cell and not in SNE's?
# 3. A colleague says that UMAP must be in the table somewhere. What do you answer?
# 4. Why does the row of the wide limit report negative losses, and is that a mistake?
# 5. Which property of a cell do you lose when you replace a divergence by its limit?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("periodic_table", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. Cells of one column with the same candidates, because $p$ and its entropy are the same.
# 2. PCA's $p$ puts all its weight on the point itself; where $q$ is zero there, the divergence is infinite. SNE's $p$ has nothing there.
# 3. Its cost is a sum of binary cross-entropies over pairs, and its memberships are not normalised by row: they are no $p$ of this table.
# 4. It is cohesion minus variance, and the variance wins. A limit of divergences, shifted and scaled, need not be positive.
# 5. A floor: a divergence is never negative and zero means perfect. A limit has neither property.

# %% [markdown]
# **Next:** [10, k-means](10_kmeans.ipynb), the last row of the table, or [14, invent a cell](14_invent_a_cell.ipynb).
#
# *Glossary:* [cell](glossary.md#cell), [gap](glossary.md#gap), [kernel](glossary.md#kernel),
# [entropy of p](glossary.md#entropy-of-p).
#
# *Papers:* [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929), the figure of the table and its theorems;
# [Chen et al. 2021, MoCo v3](https://arxiv.org/abs/2104.02057); [Bardes et al. 2022, VICReg](https://arxiv.org/abs/2105.04906);
# [Baek et al. 2025, harmonic loss](https://arxiv.org/abs/2502.01628); [Adaloglou et al. 2023, TEMI](https://arxiv.org/abs/2303.17896);
# [Schroff et al. 2015, triplets](https://arxiv.org/abs/1503.03832).
