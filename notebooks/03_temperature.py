# %% [markdown]
# # 03. The temperature: how local is "near"?

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** The temperature decides which strangers a point is pushed away from. Small: only from the nearest. Large: from all of
# them equally. Moderately small values spread the sphere evenly; large ones tolerate clumps; very small ones stop caring as soon as
# the partner is nearest. The range in between, in which most neighbours of the pixels stay neighbours, is wide. About half a minute on two
# CPU cores.

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
# SimCLR's $q$ is $q(j|i) \propto e^{-d_{ij}/\tau}$ on the unit sphere, where $d = 1 - \cos$. What does $\tau$ do to an embedding?
#
# | $p(j\,\vert\,i)$ | $q(j\,\vert\,i)$ | backbone |
# |---|---|---|
# | 1 on the other view | $e^{-d_{ij}/\tau} / \sum_{k\ne i} e^{-d_{ik}/\tau}$ | mlp, 128 dimensions on the sphere |
#
# A word on units. Where a text writes a Gaussian with a $\sigma$, $e^{-d/2\sigma^2}$, the temperature is $\tau = 2\sigma^2$. On the
# sphere the squared distance is $2 - 2\cos$, twice the cosine distance: a $\sigma$ that divides *squared Euclidean* distance as
# $e^{-\lVert a-b\rVert^2/2\sigma^2}$ is $\tau = \sigma^2$ here. Say which you mean.
#
# ## Six points by hand
#
# Point 0 has its partner at $30°$. Strangers stand at $40°$, $90°$, $150°$ and $180°$.

# %%
import math

import torch

degrees = torch.tensor([0.0, 30.0, 40.0, 90.0, 150.0, 180.0], dtype=torch.float64)
angle = degrees * math.pi / 180
z = torch.stack([angle.cos(), angle.sin()], 1)
p = torch.zeros(6, dtype=torch.float64)
p[1] = 1.0  # the row of point 0

# %% tags=["nbval-check-output"]
rows = {}
for tau in (0.05, 0.2, 1.0, 5.0):
    rows[tau] = icon.learned.Gaussian(temperature=tau, distance="cosine")(z)[0].exp()
    print(f"tau {tau:4}: " + "  ".join(f"{share:.3f}" for share in rows[tau][1:].tolist()))

# %% [markdown]
# Columns are partner, then the four strangers. At $\tau = 0.05$ only the partner and the stranger at $40°$ exist. At $\tau = 5$ all five
# are nearly the same.
#
# The gradient of the loss with respect to the logits is $q - p$ (notebook 01). So row 0 *is* the repulsion, stranger by stranger, and the
# forces on the distances are these shares divided by $\tau$. The divergence by hand, and from the package:

# %%
by_hand = {tau: -math.log(float(row[1])) for tau, row in rows.items()}
for tau, value in by_hand.items():
    log_q = icon.learned.Gaussian(temperature=tau, distance="cosine")(z)[:1]
    assert abs(value - float(icon.divergences.kl(p[None], log_q))) < 1e-12
    strangers = rows[tau][2:] / rows[tau][2:].sum()
    print(f"tau {tau:4}: loss {value:.3f}; of the repulsion, the nearest stranger gets {strangers[0]:.0%}")

# %% [markdown]
# Note that the loss *itself* depends on $\tau$. At a large $\tau$ all five candidates are equal and the loss is near
# $\log 5 \approx 1.61$ whatever the embedding does: the cosine lies in $[-1, 1]$, so logits differ by at most $2/\tau$. With $m$
# candidates the loss of a row cannot fall below $\log(1 + (m-1)\,e^{-2/\tau})$, which it reaches with every stranger at the antipode.
#
# Losses at different temperatures are therefore different quantities. Compare embeddings, not losses.
#
# ## Two numbers for a sphere
#
# Wang & Isola (2020) read a contrastive loss as two wishes:
#
# - **alignment**: the mean squared distance between positives. Smaller is better aligned. Below, positives are held-out digits of the
#   same class, which SimCLR has never been told about.
# - **uniformity**: $\log \mathbb{E}\, e^{-2\lVert u - v\rVert^2}$ over all pairs. Smaller is more evenly spread; all points in one spot give 0.
#
# **Predict.** Along $\tau = 0.02, 0.1, 0.5, 5$: when are digits of a class nearest to each other? When is the sphere filled most evenly? At
# which end is the kNN accuracy lowest?

# %%
from icon_nb import dynamics

taus = [0.02, 0.1, 0.5, 5.0]
study = icon.sweep(icon.Config(dataset="digits", method="simclr"), temperature=taus)
study.animate(every=2, max_points=100)

# %% [markdown]
# The four runs start from the same network. Each panel is a projection of 128 dimensions onto two principal axes, so a round cloud may hide
# a good deal; the numbers below do not depend on the projection.
#
# Read it: with the large temperature the digits come apart into coarse clumps and each clump is dense. With $\tau = 0.1$ the points are
# spread over so many directions that two axes show only a disc.

# %%
def measured(run):
    z, y = run.embeddings, run.labels
    return {
        "alignment": dynamics.alignment(z, y),
        "uniformity": dynamics.uniformity(z),
        "effective rank": dynamics.effective_rank(z),
        "kNN": run.history["knn_accuracy"][-1],
    }


numbers = {run.config.temperature: measured(run) for run in study}
for tau, row in numbers.items():
    print(f"tau {tau:4}: " + "   ".join(f"{name} {value:6.2f}" for name, value in row.items()))

# %% [markdown]
# Read it in prose. From $0.1$ to $5$ alignment improves and uniformity worsens, step by step: the two wishes pull against each other,
# and $\tau$ sets the exchange rate. The effective rank falls with it, from about seventy used directions to fewer than thirty.
#
# Below $0.1$ the trend turns round. At $0.02$ a row is satisfied, $q = p$ and the force gone, as soon as the partner leads the nearest
# stranger by a few hundredths of cosine distance. Little has to move for that, and the embedding stays *less* uniform than at $0.1$.
# "Smaller temperature, more uniform" is only half of the story.
#
# The kNN accuracy is highest in the middle and loses a few points at $\tau = 5$. On these digits the untrained network stands at 0.96
# already, so do not read more into it.
#
# ## Baselines

# %%
study.table(baselines=True)

# %% [markdown]
# ## The two limits are methods of their own
#
# With $H(p,q)$ for the cross-entropy and $m$ candidates:
#
# - $\tau \to \infty$: $\;\tau\,(H(p_i,q_i) - \log m) \to \sum_j p_{ij} d_{ij} - \frac1m\sum_k d_{ik}$. Pull the partner, push *everybody*
#   equally: cohesion minus variance, the row of PCA and of VICReg without its covariance term.
# - $\tau \to 0$: $\;\tau\,H(p_i,q_i) \to \sum_j p_{ij} d_{ij} - \min_k d_{ik}$. Only the nearest candidate counts: a triplet loss with the
#   hardest negative.
#
# The package has both as a $q$ of their own, so that no huge temperature has to be divided by. Here is how fast they are approached:

# %%
views = torch.randn(12, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
batch = icon.supervisory.Batch(index=torch.arange(6).repeat(2), dtype=torch.float64)
pairs = icon.supervisory.PositivePairs()(batch)
wide = icon.learned.GaussianWide(distance="cosine", include_self=False)
narrow = icon.learned.GaussianNarrow(distance="cosine")
limits = [float(q.divergence(pairs, q(views)).mean()) for q in (wide, narrow)]
gaps = {}
for tau in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0):
    loss = float(icon.divergences.kl(pairs, icon.learned.Gaussian(tau, "cosine")(views)).mean())
    gaps[tau] = tau * (loss - math.log(11)) - limits[0], tau * loss - limits[1]
    print(f"tau {tau:6}: away from the wide limit {gaps[tau][0]:9.5f}, from the narrow one {gaps[tau][1]:9.5f}")

# %% [markdown]
# ## The failure: too hot
#
# In the wide limit every stranger is pushed with the same weight, near or far, so nothing is gained by telling two *near* ones apart.
# Fine neighbourhoods are what gets lost. Look at how many of the ten nearest neighbours among the pixels are among the ten nearest in an
# embedding:

# %%
def neighbours(points, k=10):
    points = torch.as_tensor(points).flatten(1).double()
    return torch.cdist(points, points).fill_diagonal_(math.inf).topk(k, largest=False).indices.tolist()


def share_kept(x, z):
    return sum(len({*a} & {*b}) / len(a) for a, b in zip(neighbours(x), neighbours(z))) / len(x)


x = study[0].data().x_test
kept = {run.config.temperature: share_kept(x, run.embeddings) for run in study}
kept["untrained"] = share_kept(x, study[0].trajectory.embeddings[0])
print({tau: round(share, 2) for tau, share in kept.items()})

# %% [markdown]
# The hottest keeps least, half of them; and the untrained network keeps most, nearly three of four. SimCLR is not asked to keep pixel
# neighbours, it is asked to find a distorted view again, and pays for it with some of them at every temperature. The column of the
# table above is another question: *neighbourhood preservation* asks how near the neighbours that are shown stand among the pixels, by
# rank, and forgives one that comes eleventh.
#
# ## Turn the knob yourself
#
# The widget trains every temperature with several seeds once, then scrubs without waiting: epoch, temperature, and $p$ and $q$ of a
# point. `run()` is its button; a value in between can be trained on demand. Run this cell to get sliders: without a kernel you see the
# still form, here in three dimensions, in which the sphere can be seen.

# %%
small = icon.Config(dataset="digits", method="simclr", embedding_dim=3, epochs=6)
widget = icon.widgets.temperature_study(small, temperatures=[0.05, 0.2, 1.0], seeds=[0, 1])
widget.run()

# %% [markdown]
# The bands span two seeds, and `widget.study.scores()` has the numbers. In three dimensions 0.05 is too small: the sphere is least
# even, from every start, and the kNN accuracy lowest on average. Between 0.2 and 1 the seed matters about as much as the temperature:
# look at the bands before you speak of a best value.

# %% [markdown]
# ## Facts

# %% tags=["facts"]
shares = {tau: float(row[2] / row[2:].sum()) for tau, row in rows.items()}
assert shares[0.05] > 0.99 and shares[5.0] < 0.35 and shares[0.05] > shares[0.2] > shares[1.0] > shares[5.0]
column = {name: [numbers[tau][name] for tau in taus] for name in numbers[0.1]}
assert column["alignment"][1] > column["alignment"][2] + 0.2 > column["alignment"][3] + 0.4
assert column["uniformity"][1] < column["uniformity"][2] - 0.2 < column["uniformity"][3] - 0.4
assert column["uniformity"][0] > column["uniformity"][1] + 0.4
assert 65 < column["effective rank"][1] < 78 and 23 < column["effective rank"][3] < 30
assert min(column["kNN"][1:3]) > column["kNN"][3] + 0.015
assert study[0].history["knn_accuracy"][0] > 0.93
assert abs(gaps[1000.0][0]) < 0.002 and abs(gaps[10.0][0]) > 10 * abs(gaps[1000.0][0])
assert -1e-9 < gaps[0.01][1] < 0.01 * math.log(11) + 1e-9
scores = widget.study.scores()
assert scores["knn_accuracy"][0].mean() < scores["knn_accuracy"][1:].mean(1).min()
assert scores["uniformity"][0].min() > scores["uniformity"][1:].max()
assert abs(math.log(5) - 1.61) < 0.005

# %% tags=["facts"]
assert abs(kept[5.0] - 0.5) < 0.02 and abs(kept["untrained"] - 0.73) < 0.02
assert kept[5.0] < min(kept[0.02], kept[0.1], kept[0.5]) - 0.03 and min(kept[0.1], kept[0.5]) > 0.57
assert all(kept["untrained"] > kept[tau] + 0.05 for tau in taus)

# %% [markdown]
# ## Exercises
#
# 1. *Derive* the floor of the loss, $\log(1 + (m-1)e^{-2/\tau})$, and evaluate it for $m = 255$ candidates at $\tau = 0.1$ and $\tau = 5$.
# 2. *Modify.* Sweep $\tau$ for SupCon (`method="supcon"`, `embedding_dim=3`). Which end suits a $p$ with many positives?
# 3. *Predict.* Halve the batch. With fewer strangers, is the best temperature larger or smaller? Say what you would measure.

# %% tags=["solution"]
floor = {tau: math.log1p(254 * math.exp(-2 / tau)) for tau in (0.1, 5.0)}
# at tau = 5 the loss can hardly move: it starts near log 255 = 5.54 and cannot fall below 5.14
print(floor)
assert floor[0.1] < 1e-5 and abs(floor[5.0] - 5.14) < 0.01

# %% tags=["solution"]
supcon = icon.Config(dataset="digits", method="supcon", embedding_dim=3, quiet=True)
taught = icon.sweep(supcon, temperature=[0.1, 1.0])
print([round(run.history["knn_accuracy"][-1], 2) for run in taught])
# both ends work, the larger one at least as well: many positives average the noise out
ends = [run.history["knn_accuracy"][-1] for run in taught]
assert min(ends) > 0.8 and ends[1] > ends[0] - 0.02

# %% tags=["solution"]
# measure without labels: how many neighbours of the inputs stay neighbours, at both sizes of the batch
by_size = {}
for size in (128, 32):
    base = icon.Config(dataset="digits", embedding_dim=3, batch_size=size, quiet=True)
    runs = icon.sweep(base, temperature=[0.05, 0.5, 2.0])
    by_size[size] = [share_kept(x, run.embeddings) for run in runs]
    print(size, [round(share, 3) for share in by_size[size]])
# in three dimensions about three of ten are kept, most of them at the largest temperature, with both sizes:
# the range that serves is wide, and a batch of a quarter does not move it here
assert all(min(row) > 0.25 and row[0] + 0.02 < row[2] == max(row) < 0.35 for row in by_size.values())


# %% [markdown]
# ## Questions
#
# 1. Why can two runs with different temperatures not be compared by their loss?
# 2. Which row of the table of limits has no repulsion that depends on distance?
# 3. A friend reports "loss 5.2, hardly moving" at $\tau = 5$ with a batch of 128. Is the run broken?
# 4. Why does a free table (notebook 01) not care about $\tau$, and a sphere does?
# 5. Why does a very small $\tau$ leave much of the sphere as it was?
#
# **Next:** [04, kernels](04_kernels.ipynb). **Recipe covered here:** `temperature_sweep`.
#
# *Wang & Isola (2020), Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere, arXiv
# 2005.10242. Chen et al. (2020), arXiv 2002.05709.*
