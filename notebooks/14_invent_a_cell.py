# %% [markdown]
# # 14. Invent a cell

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** An empty cell of the periodic table can be filled by writing two words. That is the easy part. This page takes one such
# cell, derives its exact solution, trains it, and uses the solution to catch a training that goes wrong without saying so.
#
# **You will be able to** write down the loss of a pair that has no name, look for a closed form, and use an oracle to judge a training.
# **Before this:** [09, the periodic table](09_periodic_table.ipynb). Some linear algebra: eigenvalues of a symmetric matrix.
# **Time:** 40 minutes of reading, less than a minute on two CPU cores.

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
# *Uniform k-NN* meets *Gaussian, temperature to infinity*: the table has no name for this pair. What is it, and what would you have to show
# before you gave it one?
#
# The wide limit asks for cohesion minus variance. For a linear map $z = Wx$ with orthonormal rows, which PCA has too, it can be
# written down. With $L_p = \mathrm{diag}(p\mathbf 1 + p^\top \mathbf 1) - p - p^\top$ and the covariance $C$,
#
# $$\frac1n \sum_{ij} p_{ij} \lVert Wx_i - Wx_j \rVert^2 - 2\,\mathrm{Var}(Wx) = \mathrm{tr}\, W M W^\top, \qquad
#   M = \frac1n X^\top L_p X - 2C$$
#
# ## Six points by hand
#
# Check the identity where you can see every number: six points, three of them on each side, and the two nearest neighbours of each.

# %%
import torch

x = x_six = torch.tensor([[0, 0], [1, 0], [1, 2], [4, 1], [4, 4], [5, 4]], dtype=torch.float64)
six = icon.supervisory.Batch(index=torch.arange(6), x=x, dtype=torch.float64)
p = icon.supervisory.NearestNeighbors(n_neighbors=2)(six)
w = torch.tensor([[0.6, 0.8]], dtype=torch.float64)  # one orthonormal row
z = x @ w.T
loop = sum(float(p[i, j] * (z[i] - z[j]).square().sum()) for i in range(6) for j in range(6)) / 6
loop -= sum(float((z[i] - z[j]).square().sum()) for i in range(6) for j in range(6)) / 36
laplacian = torch.diag(p.sum(0) + p.sum(1)) - p - p.T
centred = x - x.mean(0)
m = (x.T @ laplacian @ x - 2 * centred.T @ centred) / 6
wide = icon.learned.GaussianWide(distance="sqeuclidean")
package = float(wide.divergence(p, wide(z)).mean())
print(f"double loop {loop:.6f}, trace {float(w @ m @ w.T):.6f}, package {package:.6f}")

# %% [markdown]
# The minimum over orthonormal $W$ is the sum of the smallest eigenvalues of $M$. So the cell has a closed form: a PCA that holds nearest
# neighbours together. A cell without a name is not unheard of, though. This one is a relative of *locality preserving projections* (He &
# Niyogi 2003), which have another constraint. The cells to its left and right come with the same formula: for the identity $L_p = 0$, and that
# is PCA.
#
# **Predict.** Train three cells of this row on 500 digits, with $p$ the identity, the nearest neighbours, and the class. Which keeps the
# most variance? Will training find what linear algebra says?
#
# ## Run

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
# Training finds what linear algebra says, to within a thousandth of its value. The value rises from the first to the third, and not because the
# maps keep less variance: that hardly changes. It rises by the other term, the mean squared distance from those whom $p$ names.

# %%
walk.animate(max_points=80, point_size=5, max_frames=20)

# %% [markdown]
# Each panel shows a plane in a space of 64 dimensions. Here are the cosines of the angles between PCA's plane and each of the others:

# %%
angles = [torch.linalg.svdvals(planes[0].T @ plane).tolist() for plane in planes]
print([[round(cosine, 3) for cosine in pair] for pair in angles])

# %% [markdown]
# PCA's plane and that of the nearest neighbours are nearly one. Neighbours are close in the directions of large variance anyway, so
# holding them together changes little. Labels turn the plane in one direction, and not by much. What is new in the cell is therefore
# not the map of *these* data, but that you can say so exactly.
#
# ## The failures, and why
#
# There are two. First, put an `mlp` in the place of the linear map. An embedding that may grow makes the variance as large as it likes, so
# the package refuses it:

# %%
try:
    icon.run(invented("knn", backbone="mlp"))
except icon.IconError as error:
    print(error)

# %% [markdown]
# A loop of your own refuses nothing. Here are a hundred steps of Adam, and every tenth loss:

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
# The loss falls faster and faster, without a floor, and that is not learning. An orthonormal map bounds it. So does cosine distance, which the
# package uses by default: then the spread is $1 - \lVert\text{mean direction}\rVert^2$, at most 1, and the loss stays above about $-1$.

# %%
bounded = icon.run(supervisory="knn", learned="gaussian_wide", embedding_dim=2, n_samples=500, progress=False)
print(f"with {bounded.config.distance} distance the loss ends at {bounded.history['loss'][-1]:.2f}")

# %% [markdown]
# Second, train the same linear cell with Adam, everybody's default.

# %%
adam = icon.run(invented("knn", optimizer="adam"), quiet=True)
print(f"adam {adam.history['loss'][-1]:.2f}, sgd {trained[1]:.2f}, exact {exact[1]:.2f}")

# %% [markdown]
# Its loss ends at about six tenths of the exact value. Why? At the optimum the gradient is not zero. It points along $W$ itself, so a step of
# gradient descent only changes the length of the rows, and making $W$ orthonormal again undoes it. Adam divides every coordinate of the
# gradient by its own size. That turns the step away from $W$, and the projection does *not* undo a turn. The loss fell fast and has hardly moved
# since the twentieth epoch, as if there were nothing left to gain. Only the closed form shows how wrong it is. Where there is an oracle, use it.
#
# ## Recap
#
# - Two words fill a cell. A derivation, an oracle and a comparison make it a method.
# - In the wide limit with an orthonormal linear map, every $p$ has a closed form: the smallest eigenvalues of $M$.
# - A limit has no floor unless the map or the distance gives it one.
# - A flat loss does not mean that the optimum has been reached.
#
# ## Misconceptions
#
# - *"The loss falls faster and faster, so it learns well."* Check first whether it has a floor.
# - *"Adam is a safe default."* It is not invariant under rotations, and this constraint is.
# - *"No name in the table means new."* Search for the formula and not for the name.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Predict.* Is the $p$ from the labels far ahead of the other two in the kNN accuracy of *two* dimensions?
# 2. ★★ *Derive.* For the identity, show that the trace is minus twice the variance that PCA keeps, and check it on the six points.
# 3. ★★★ *Invent.* Fill the cell *uniform k-NN* and *Gaussian, temperature to zero*. Does it train on digits?

# %% tags=["solution"]
print("identity {:.2f}, knn {:.2f}, same_class {:.2f}".format(*scores))
# hardly: two linear dimensions of pixels hold only so much
assert abs(scores[2] - scores[0]) < 0.12 and max(scores) < 0.75

# %% tags=["solution"]
values, vectors = torch.linalg.eigh(-2 * (x_six - x_six.mean(0)).T @ (x_six - x_six.mean(0)) / 6)
best = vectors[:, :1].T
kept_six = float(((x_six - x_six.mean(0)) @ best.T).square().mean())
print(f"smallest eigenvalue {values[0]:.6f}, minus twice the variance kept {-2 * kept_six:.6f}")
assert abs(float(values[0]) + 2 * kept_six) < 1e-12

# %% tags=["solution"]
cell = {"supervisory": "knn", "learned": "gaussian_narrow", "dataset": "digits", "embedding_dim": 32}
narrow = icon.run(**cell, epochs=8, quiet=True)
print(narrow.summary())
# the loss falls, and yet the neighbours are worse than in the untrained network: it is no good here
assert narrow.history["loss"][-1] < narrow.history["loss"][0]

# %% [markdown]
# ## Questions
#
# 1. What would you have to show before you published the cell invented here?
# 2. The loss of a run falls faster and faster. Name two properties of the objective that you would check first.
# 3. Why does the orthonormal constraint give the loss a floor?
# 4. Why is the plane of the nearest neighbours nearly that of PCA on digits? On which data would it not be?
# 5. Adam and gradient descent end at different values of one loss. Without an oracle, how would you find out which is wrong?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("invent_a_cell", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. That the formula is not known under another name, that it beats PCA on data where neighbours matter, with seeds, and where it fails.
# 2. Whether the loss is bounded below, and whether the embedding can grow.
# 3. It fixes the lengths of the rows of $W$, so the variance is at most that of the data.
# 4. Neighbours are close along large directions. Data with large directions of noise would separate the two.
# 5. Start each at the other's end. The one that leaves a lower value for a higher one is wrong.

# %% [markdown]
# **Back to:** [00, the quickstart](00_quickstart.ipynb). For more data, more runs and more processes, the documentation has the page
# *Train on more data, and go on after a cut*.
#
# *Glossary:* [cell](glossary.md#cell), [gap](glossary.md#gap), [learned distribution](glossary.md#learned-distribution).
#
# *Papers:* [He & Niyogi 2003, Locality Preserving Projections](https://papers.nips.cc/paper/2359-locality-preserving-projections);
# [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929).
