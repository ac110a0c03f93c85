# %% [markdown]
# # 09. The periodic table: every cell, the limits, and one that nobody named

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** Put the choices of $p$ in columns and the choices of $q$ in rows, and methods from more than a century fall into the cells.
# All of them run through one trainer. Cells that are empty can be filled by writing two words; for one of them this page derives
# the exact solution, trains it, and uses the solution to catch a training that goes wrong. About a minute on two CPU cores.

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
# If methods differ only in $p$ and in $q$, what stands where a known $p$ meets a known $q$ and nobody has looked?

# %%
icon.methods.table()

# %% [markdown]
# Read a **column** downwards: the same idea of a neighbour, seen through other kernels. Read a **row** from left to right: the same
# kernel, with other ideas of a neighbour. Four colours say how much stands behind a cell: a method of the literature; a *gap*, which the
# published figure leaves grey or empty and which is composed here, without theorem or published experiment; a cell that can be composed and has
# no name yet; and a cell that makes no sense. Every named cell can be asked for its particulars.

# %%
print(icon.methods.get("triplet").describe())

# %% [markdown]
# ## Six points by hand: a table of numbers
#
# Three samples in two views each make six points; samples 0 and 1 are of one class. Here are four columns, that is, four matrices $p$.

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
# Three rows, on one embedding, and the divergence by a double loop. The third row is the cluster kernel, for which the two numbers of
# a point are logits of two clusters.

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
# SNE with one width, t-SimCLR and supervised clustering stand here side by side. Within a column $p$ is the same, and the numbers say which
# of three $q$ fits it best. From column to column the question itself changes, and a smaller number does not mean a better method.
#
# ## The two ends of the temperature
#
# Two rows of the table are limits of the Gaussian row. With $d_{ij}$ the distances and $m$ candidates, expand $\log q$ for
# $\tau \to \infty$ and take the largest term for $\tau \to 0$:
#
# $$\tau\,\big(H(p_i, q_i) - \log m\big) \to \sum_j p_{ij} d_{ij} - \frac1m \sum_k d_{ik} \qquad\qquad
#   \tau\,H(p_i, q_i) \to \sum_j p_{ij} d_{ij} - \min_k d_{ik}$$
#
# The left one is *cohesion less variance*: PCA and the core of VICReg. The right one is the *triplet* loss with the hardest negative.

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
# So "PCA is contrastive learning at infinite temperature" is a statement that can be checked to as many digits as one likes. Two things to
# keep in mind. PCA's $p$ is the identity, so its $q$ must count the point itself, or the divergence is infinite. And the limits are no
# divergences any more: they may be negative, and nothing keeps them from falling for ever if the embedding may grow.
#
# **Predict.** Now all cells of the table are run, on 300 digits (or on their own data), for a few epochs each. Will the loss of all of
# them fall? Which of them will report a loss below zero?
#
# ## Run every cell

# %%
def short(name):
    defaults = icon.methods.get(name).defaults
    few = {} if defaults.get("dataset") in ("karate_club", "tiny_text") else {"n_samples": 300}
    epochs = {"table": 60}.get(defaults.get("backbone"), 3)
    return icon.Config(method=name, epochs=epochs, quiet=True, probe=False, **few)


every = icon.run_configs([short(name) for name in icon.methods.METHODS], progress=False)
for run in every:
    first, last = run.history["loss"][0], run.history["loss"][-1]
    print(f"{run.config.method:28}{run.config.backbone:8}{run.config.dataset:16}{first:8.3f} ->{last:8.3f}")

# %% [markdown]
# Every loss falls. Those below zero are the row of the wide limit, where the value is minus the spread of the embedding. Three epochs on
# 300 digits say that a cell *runs*, not that it is any good; for that there are notebooks 02 to 11.
#
# ## Down one column
#
# One $p$, positive pairs, under a Gaussian $q$ and its two limits, on the same network into three dimensions.

# %%
gaussians = ("vicreg", "simclr", "triplet")
on_a_sphere = icon.Config(dataset="digits", embedding_dim=3, quiet=True)
column = icon.run_configs([on_a_sphere.replace(method=name) for name in gaussians])
column.animate(every=5, max_points=100, turn=0)

# %% [markdown]
# All three say "the two views belong together". They differ in how the rest is pushed away: the wide limit pushes everything from the
# common centre with equal weight; SimCLR pushes near things most; the narrow limit pushes *only the nearest other point* of each anchor, and a
# batch of 128 images then leaves nearly everything else without a force. So SimCLR fills the sphere evenly, the wide limit, which asks
# for spread but not in which directions, less evenly, and the narrow limit ends in one place:

# %%
column.table()

# %% [markdown]
# The loss of `triplet` stands at its margin of 0.5: positive and hardest negative are equally far away, because everything is in
# one place (effective rank 1). That is the collapse which made people mine *semi-hard* triplets. It is a property of the limit and not of the column.
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
# The explorer has all of $p$, $q$, backbones and data in four lists, and says for every choice what it is called, why it cannot be, or which
# line of code runs it. In a notebook with a kernel you get the lists and a button; `choose` and `run` do the same by hand, and what
# they leave on paper is the still form.

# %%
few = {"dataset": "digits", "n_samples": 300, "gif_max_points": 100, "gif_every": 2}
shared = icon.Config(epochs=8, embedding_dim=3, **few)
explorer = icon.widgets.method_explorer(shared).choose(supervisory="same_class", learned="student_t")
explorer.run()

# %%
tried = explorer.results.history["knn_accuracy"]
print(f"kNN accuracy {tried[0]:.2f} -> {tried[-1]:.2f}")

# %% [markdown]
# The pair has a name, `t_supcon`, and is a *gap*: t-SimCLR's kernel with SupCon's neighbours. It also runs: in eight epochs
# classes form in the plain space of three dimensions. A pair can also make sense and lack something:

# %%
other = icon.widgets.method_explorer(shared)
print(other.choose(supervisory="positive_pairs", learned="gaussian", backbone="table").reason)

# %% [markdown]
# ## Inventing a cell
#
# Take an empty one: *uniform k-NN* meets *Gaussian, scale to infinity*. What is it? Write it down for a linear map $z = Wx$ with
# orthonormal rows, which PCA has too. With $L_p = \mathrm{diag}(p\mathbf 1 + p^\top \mathbf 1) - p - p^\top$ and the covariance $C$,
#
# $$\frac1n \sum_{ij} p_{ij} \lVert Wx_i - Wx_j \rVert^2 - 2\,\mathrm{Var}(Wx) = \mathrm{tr}\, W M W^\top, \qquad
#   M = \frac1n X^\top L_p X - 2C$$
#
# The minimum over orthonormal $W$ is the sum of the smallest eigenvalues of $M$. So the cell has a closed form: a PCA that holds nearest
# neighbours together. "No name in the table" does not mean unheard of: it is a relative of *locality preserving projections* (He & Niyogi
# 2003), which have another constraint. The cells to its left and right come with the same formula: for the identity $L_p = 0$, and that is PCA.

# %%
def invented(p_name, **changes):
    steps = {"optimizer": "sgd", "learning_rate": 0.02, "epochs": 160, "record_every": 10}
    model = {"backbone": "linear", "distance": "sqeuclidean", "embedding_dim": 2, "augment": "none"}
    whole = {"dataset": "digits", "n_samples": 500, "batch_size": 500, "quiet": True}
    settings = {"supervisory": p_name, "learned": "gaussian_wide", **steps, **model, **whole}
    return icon.Config(**{**settings, **changes})


configs = [invented("identity"), invented("knn"), invented("same_class", n_views=1)]
walk = icon.run_configs(configs, progress=False)

# %%
def closed_form(run, p_of):
    data = run.data()
    x = data.inputs(data.x).flatten(1).double()
    p = p_of(icon.supervisory.Batch(torch.arange(500), data.flat(data.x).double(), data.y, dtype=torch.float64))
    laplacian = torch.diag(p.sum(0) + p.sum(1)) - p - p.T
    centred = x - x.mean(0)
    return float(torch.linalg.eigvalsh((x.T @ laplacian @ x - 2 * centred.T @ centred) / 500)[:2].sum())


same_class = icon.supervisory.SameClass()
columns_of_row = (icon.supervisory.Identity(), icon.supervisory.NearestNeighbors(10), same_class)
exact = [closed_form(run, p_of) for run, p_of in zip(walk, columns_of_row)]

# %%
trained = [run.history["loss"][-1] for run in walk]
scores = [run.history["knn_accuracy"][-1] for run in walk]
planes = [torch.linalg.qr(next(run.backbone.parameters()).detach().T)[0] for run in walk]
maps = [run.data().inputs(run.data().x).flatten(1) @ plane for run, plane in zip(walk, planes)]
kept = [float(z.var(0, correction=0).sum()) for z in maps]
for run, a, b, variance, knn in zip(walk, trained, exact, kept, scores):
    print(f"{run.config.supervisory:11} trained {a:8.3f}   exact {b:8.3f}", end="   ")
    print(f"variance kept {variance:.3f}   kNN accuracy {knn:.2f}")

# %% [markdown]
# Training finds what linear algebra says, to within a thousandth of its value. The value rises from the first to the third, and not because the maps keep
# less variance: that hardly changes. It rises by the other term, the mean squared distance from those whom $p$ names: nothing for the
# point itself, 1.6 for its nearest neighbours, 4.2 for all of its class.

# %%
walk.animate(every=4, max_points=80)

# %% [markdown]
# Three planes in a space of 64 dimensions. The cosines of the angles between the first plane, PCA's, and each of the others:

# %%
angles = [torch.linalg.svdvals(planes[0].T @ plane).tolist() for plane in planes]
print([[round(cosine, 3) for cosine in pair] for pair in angles])

# %% [markdown]
# PCA's plane and that of the nearest neighbours are nearly one: neighbours are close in the directions of large variance anyway, so
# holding them together changes little. Labels turn the plane in one direction, and not by much. What is new in the cell is therefore
# not the map of *these* data, but that one can say so exactly.

# %% [markdown]
# ## The failures, and why
#
# Two, both instructive. First: the same cell with an `mlp` in the place of the linear map. An embedding that may grow makes the
# variance as large as it likes. The package refuses it:

# %%
try:
    icon.run(invented("knn", backbone="mlp"))
except icon.IconError as error:
    print(error)

# %% [markdown]
# A loop of one's own refuses nothing. A hundred steps of Adam, and every tenth loss:

# %%
data = walk[1].data()
x, wide_limit, falling = data.inputs(data.x).flatten(1), icon.learned.GaussianWide(), []
p_near = icon.supervisory.NearestNeighbors(10)(icon.supervisory.Batch(torch.arange(500), data.flat(data.x)))
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 2))
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
for step in range(101):
    loss = wide_limit.divergence(p_near, wide_limit(network(x))).mean()
    falling.append(loss.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print([round(loss, 1) for loss in falling[::10]])

# %% [markdown]
# The loss falls faster and faster, without a floor, and that is not learning. An orthonormal map bounds it, or cosine distance, which the
# package takes when nothing is said: then the spread is $1 - \lVert\text{mean direction}\rVert^2$, at most 1, and the loss stays above about $-1$.

# %%
bounded = icon.run(supervisory="knn", learned="gaussian_wide", embedding_dim=2, n_samples=500, progress=False)
print(f"with {bounded.config.distance} distance the loss ends at {bounded.history['loss'][-1]:.2f}")

# %% [markdown]
# Second: the same linear cell with Adam, everybody's default.

# %%
adam = icon.run(invented("knn", optimizer="adam"), quiet=True)
print(f"adam {adam.history['loss'][-1]:.2f}, sgd {trained[1]:.2f}, exact {exact[1]:.2f}")

# %% [markdown]
# It ends at about six tenths of the value. At the optimum the gradient is not zero: it points along $W$ itself, and making $W$ orthonormal again
# takes that step back. Adam divides every coordinate by its own size, which turns the step away from $W$, and the projection does *not*
# take it back. The loss has fallen fast and has stayed within one unit ever since the twentieth epoch, as if there were nothing left to gain; only the
# closed form shows how wrong it is. Where there is an oracle, use it.
#
# ## What is not in the table
#
# UMAP (its cost is no divergence of rows), Barlow Twins, BYOL, DINO and SCAN have no cell. The published t-SNE is *one* divergence over all pairs and
# not a mean over points. Of VICReg only the invariance term is the published one; of CMC only the form of the loss. `error_rate` is the loss of a
# perceptron: only the argmax of $q$ is right or wrong, no limit of this loss counts errors.
#
# ## Facts

# %% tags=["facts"]
assert all(abs(by_hand[key] - package[key]) < 1e-12 for key in by_hand)
assert abs(wide[1000] - limit["wide"]) < 0.01 and abs(narrow[0.001] - limit["narrow"]) < 0.01
assert abs(wide[1000] - limit["wide"]) < abs(wide[10] - limit["wide"]) / 10
assert len(every) == len(icon.methods.METHODS) and not every.failures
assert all(run.history["loss"][-1] < run.history["loss"][0] for run in every)
negative = {run.config.method for run in every if run.history["loss"][-1] < 0}
assert negative == {run.config.method for run in every if run.config.learned == "gaussian_wide"}
assert abs(column[2].history["loss"][-1] - 0.5) < 0.02 and column[2].scores["effective_rank"] < 1.4
assert column[0].scores["effective_rank"] + 0.05 < column[1].scores["effective_rank"] > 2.95

# %% tags=["facts"]
assert tried[-1] > max(tried[0] + 0.25, 0.65)
assert explorer.settings == {"method": "t_supcon"} and not explorer.reason
assert other.others == ("SimCLR",) and "table" in other.reason
assert column[1].history["knn_accuracy"][-1] > column[2].history["knn_accuracy"][-1] + 0.1
assert all(abs(a - b) < 0.001 * abs(b) for a, b in zip(trained, exact)) and exact == sorted(exact)
cohesion = [value + 2 * variance for value, variance in zip(trained, kept)]
assert all(abs(found - said) < 0.05 for found, said in zip(cohesion, (0, 1.57, 4.16)))
assert min(kept) > 0.97 * max(kept)
assert min(angles[1]) > 0.98 and angles[2][0] > 0.97 and 0.8 < angles[2][1] < 0.99
drops = [before - after for before, after in zip(falling[::10], falling[10::10])]
assert drops == sorted(drops) and falling[-1] < -1000
assert -1.02 < bounded.history["loss"][-1] < -0.4 and bounded.config.distance == "cosine"
wrong = adam.history["loss"]
assert abs(wrong[-1] / exact[1] - 0.6) < 0.1
assert max(wrong[20:]) - min(wrong[20:]) < 1 and wrong[20] < wrong[0] - 5

# %% [markdown]
# ## Exercises
#
# 1. *Derive.* Show that $\frac1{n^2}\sum_{ij} \lVert z_i - z_j\rVert^2 = 2\,\mathrm{Var}(z)$, and so that PCA's cell is $-2\,\mathrm{Var}$.
# 2. *Modify.* Fill another empty cell: *graph weights* with the narrow or the wide limit are open. Find all cells that are open.
# 3. *Predict.* Is the $p$ from the labels far ahead of the other two in the kNN accuracy of *two* dimensions?

# %% tags=["solution"]
spread = torch.cdist(z, z).square().mean()
assert abs(spread - 2 * z.var(0, correction=0).sum()) < 1e-12
itself = icon.learned.GaussianWide(include_self=True)
assert abs(itself.divergence(torch.eye(6, dtype=torch.float64), itself(z)).mean() + spread) < 1e-12

# %% tags=["solution"]
from icon_nb.registry.periodic import grid

cells = [(row, *cell) for row, cells in grid() for cell in cells]
open_cells = [(row, column) for row, column, methods, reason in cells if not methods and not reason]
for row, column_name in open_cells:
    print(f"{row:16}{column_name}")
assert ("gaussian_wide", "knn") in open_cells and ("clusters", "label") not in open_cells

# %% tags=["solution"]
print("identity {:.2f}, knn {:.2f}, same_class {:.2f}".format(*scores))
# hardly: two linear dimensions of pixels hold only so much
assert abs(scores[2] - scores[0]) < 0.12 and max(scores) < 0.75

# %% [markdown]
# ## Questions
#
# 1. Which cells may be compared by the value of their loss, and which may not?
# 2. Why must $q$ count the point itself in PCA's cell and not in SNE's?
# 3. What would you have to show before you publish the cell invented here?
# 4. A colleague says that UMAP must be in the table somewhere. What do you answer?
# 5. The loss of a run falls faster and faster. Name two properties of the objective that you would check first.
#
# **Next:** [10, clustering and debiasing](10_clustering_and_debiasing.ipynb): the last row of the table.
#
# *Alshammari et al. (2025), arXiv 2504.16929: the figure of the table and its theorems. He & Niyogi (2003), Locality Preserving Projections.*
