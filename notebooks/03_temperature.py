# %% [markdown]
# # 03. The temperature: how local is "near"?

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** The temperature decides which strangers a point is pushed away from. A small one pushes only the nearest, a large one pushes
# all of them equally. In between lies a value that spreads the sphere most evenly, and it depends on the dimension: near 0.1 in 128
# dimensions, near 0.5 in three. Much larger ones tolerate clumps and find fewer classes. Very small ones stop producing gradients as soon as
# the partner is nearest.
#
# **You will be able to** predict what a change of temperature does to an embedding, read alignment and uniformity, and derive the two limits.
# **Before this:** [01, I-Con from scratch](01_icon_from_scratch.ipynb). **Time:** 45 minutes of reading, about a minute on two CPU cores.

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
# | 1 on the other view | $e^{-d_{ij}/\tau} / \sum_{k\ne i} e^{-d_{ik}/\tau}$ | a small convolutional network, 32 dimensions on the sphere |
#
# A word on units. Where a text writes a Gaussian with a $\sigma$, $e^{-d/2\sigma^2}$, the temperature is $\tau = 2\sigma^2$. On the sphere the
# squared distance is $2 - 2\cos$, twice the cosine distance, so a $\sigma$ that divides *squared Euclidean* distance as
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
# The columns are the partner and the four strangers. At $\tau = 0.05$ only the partner and the stranger at $40°$ exist. At $\tau = 5$ all five
# are nearly the same.
#
# The gradient of the loss with respect to the logits is $q - p$ (notebook 01). So row 0 *is* the repulsion, stranger by stranger, and the forces on
# the distances are these shares divided by $\tau$. Draw them:

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
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6), subplot_kw={"aspect": "equal"})
for ax, (tau, row) in zip(axes, rows.items()):
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color="lightgray"))
    for k in range(2, 6):
        ax.plot(*zip(z[0], z[k]), color="tab:red", linewidth=8 * float(row[k]))
    ax.plot(*zip(z[0], z[1]), color="tab:blue", linewidth=8 * float(1 - row[1]))
    ax.scatter(*z.T, color="black", zorder=3)
    ax.set(title=f"tau {tau}", xticks=[], yticks=[])
show(figure, "Four circles with a point, its partner and four strangers; lines are as wide as their push")

# %% [markdown]
# Red lines push and blue lines pull; their width is the share $q - p$. On the left one stranger gets all the repulsion. On the right everybody
# gets some, and the far ones nearly as much as the near ones.
#
# Here is the divergence by hand and from the package:

# %%
by_hand = {tau: -math.log(float(row[1])) for tau, row in rows.items()}
for tau, value in by_hand.items():
    log_q = icon.learned.Gaussian(temperature=tau, distance="cosine")(z)[:1]
    assert abs(value - float(icon.divergences.kl(p[None], log_q))) < 1e-12
    strangers = rows[tau][2:] / rows[tau][2:].sum()
    print(f"tau {tau:4}: loss {value:.3f}; of the repulsion, the nearest stranger gets {strangers[0]:.0%}")

# %% [markdown]
# The loss *itself* depends on $\tau$. At a large $\tau$ all five candidates are equal and the loss is near $\log 5 \approx 1.61$ whatever the
# embedding does: the cosine lies in $[-1, 1]$, so logits differ by at most $2/\tau$. With $m$ candidates the loss of a row cannot fall below
# $\log(1 + (m-1)\,e^{-2/\tau})$, which it reaches with every stranger at the antipode. Losses at different temperatures are therefore
# different quantities. Compare embeddings and not losses.
#
# ## The landscape of two points
#
# Now give point 0 only two candidates, its partner and one stranger, and let both move around the circle. The loss is a landscape over their
# two angles:

# %%
apart = torch.linspace(0, 180, 61, dtype=torch.float64)
d = 1 - (apart * math.pi / 180).cos()
figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
landscapes = {tau: torch.log1p(((d - d[:, None]) / tau).exp()) for tau in (0.05, 0.5, 5.0)}
for ax, (tau, loss) in zip(axes, landscapes.items()):
    drawn = ax.contourf(apart, apart, loss, levels=10)
    ax.set(title=f"tau {tau}", xlabel="angle of the partner", ylabel="angle of the stranger")
    figure.colorbar(drawn, ax=ax)
alt = "Three landscapes of the loss over two angles: half flat, then sloping everywhere, then nearly level"
show(figure, alt)

# %% [markdown]
# At $\tau = 0.05$ there is a steep slope where the stranger is nearer than the partner. Once the partner is nearer, the ground is flat and nothing
# moves any more. At $\tau = 0.5$ the slope goes on: a near partner is still pulled nearer, and a far stranger is still pushed. At $\tau = 5$ the
# whole landscape lies between 0.5 and 0.9, so it has hardly any slope at all.
#
# ## Two numbers for a sphere
#
# Wang & Isola (2020) read a contrastive loss as two wishes:
#
# - **alignment**: the mean squared distance between positives; smaller is better aligned. Below, positives are held-out digits of the same
#   class, which SimCLR has never been told about.
# - **uniformity**: $\log \mathbb{E}\, e^{-2\lVert u - v\rVert^2}$ over all pairs. Smaller is more evenly spread; all points in one spot give 0.
#
# **Predict.** Along $\tau = 0.02, 0.1, 0.5, 5$ on digits that move: when are digits of a class nearest to each other? When is the sphere filled
# most evenly? At which end is the kNN accuracy lowest?

# %%
from icon_nb import dynamics

taus = [0.02, 0.1, 0.5, 5.0]
base = icon.Config(dataset="moving_digits", method="simclr", epochs=8, gif_max_points=100)
study = icon.sweep(base, temperature=taus, progress=False)
study.animate(max_points=80, point_size=5, max_frames=20)

# %% [markdown]
# The four runs start from the same network. The caption names the map, which cannot show 32 dimensions faithfully; the numbers below do not
# depend on it.

# %%
def measured(run):
    z, y = run.embeddings, run.labels
    return {
        "alignment": dynamics.alignment(z, y),
        "uniformity": dynamics.uniformity(z),
        "effective rank": dynamics.effective_rank(z),
        "kNN accuracy": run.history["knn_accuracy"][-1],
    }


numbers = {run.config.temperature: measured(run) for run in study}
for tau, row in numbers.items():
    print(f"tau {tau:4}: " + "   ".join(f"{name} {value:6.2f}" for name, value in row.items()))

# %% [markdown]
# Digits of a class are nearest to each other at $0.02$. The sphere is filled most evenly at $0.1$. The kNN accuracy is lowest at the hot end, at
# $5$.
#
# From $0.1$ to $5$ uniformity worsens and the effective rank falls step by step: the points use fewer directions and gather in coarse clumps.
# Alignment is better at $5$ than at $0.1$, because everything moves together. The two wishes pull against each other, and $\tau$ sets the
# exchange rate.
#
# Below $0.1$ the trend turns round. At $0.02$ the softmax is satisfied as soon as the partner leads the nearest stranger by a few hundredths of
# cosine distance, and rows that are satisfied produce no gradient. The loss is not zero (it is about 0.7 nats, since some strangers stay in front),
# but little has to move, and the embedding is *less* uniform than at $0.1$. "Smaller temperature, more uniform" is half of the story.
#
# This was one seed, 32 dimensions and eight epochs. Does it hold in three dimensions, in 128, and after 60 epochs? Five seeds of each:

# %% [markdown] tags=["claim"]
# | size | epochs | temperature | alignment | uniformity | effective rank | kNN accuracy |
# |---|---|---|---|---|---|---|
# | 3 dimensions | 10 epochs | 0.02 | 0.27 ± 0.06 | -1.01 ± 0.11 | 2.85 ± 0.05 | 0.48 ± 0.06 |
# | 3 dimensions | 10 epochs | 0.1 | 0.64 ± 0.24 | -1.48 ± 0.29 | 2.93 ± 0.07 | 0.43 ± 0.06 |
# | 3 dimensions | 10 epochs | 0.5 | 0.94 ± 0.16 | -1.92 ± 0.16 | 2.99 ± 0.01 | 0.45 ± 0.08 |
# | 3 dimensions | 10 epochs | 5 | 1.12 ± 0.53 | -1.36 ± 0.19 | 2.45 ± 0.13 | 0.29 ± 0.10 |
# | 3 dimensions | 60 epochs | 0.02 | 0.50 ± 0.09 | -1.48 ± 0.17 | 2.97 ± 0.03 | 0.54 ± 0.03 |
# | 3 dimensions | 60 epochs | 0.1 | 0.78 ± 0.07 | -1.93 ± 0.08 | 2.97 ± 0.02 | 0.52 ± 0.05 |
# | 3 dimensions | 60 epochs | 0.5 | 0.82 ± 0.18 | -2.01 ± 0.03 | 2.99 ± 0.01 | 0.57 ± 0.10 |
# | 3 dimensions | 60 epochs | 5 | 0.77 ± 0.19 | -1.51 ± 0.08 | 2.72 ± 0.18 | 0.37 ± 0.10 |
# | 128 dimensions | 10 epochs | 0.02 | 0.61 ± 0.07 | -1.83 ± 0.15 | 16.2 ± 0.4 | 0.84 ± 0.03 |
# | 128 dimensions | 10 epochs | 0.1 | 1.08 ± 0.04 | -2.89 ± 0.05 | 22.0 ± 1.1 | 0.86 ± 0.02 |
# | 128 dimensions | 10 epochs | 0.5 | 1.03 ± 0.05 | -2.66 ± 0.02 | 17.0 ± 0.6 | 0.73 ± 0.04 |
# | 128 dimensions | 10 epochs | 5 | 0.86 ± 0.16 | -1.78 ± 0.10 | 10.2 ± 1.2 | 0.52 ± 0.06 |
# | 128 dimensions | 60 epochs | 0.02 | 0.68 ± 0.09 | -2.03 ± 0.20 | 15.7 ± 1.0 | 0.87 ± 0.02 |
# | 128 dimensions | 60 epochs | 0.1 | 1.27 ± 0.07 | -3.11 ± 0.16 | 26.4 ± 1.4 | 0.91 ± 0.01 |
# | 128 dimensions | 60 epochs | 0.5 | 0.91 ± 0.04 | -2.93 ± 0.02 | 18.3 ± 0.7 | 0.87 ± 0.02 |
# | 128 dimensions | 60 epochs | 5 | 0.56 ± 0.10 | -1.66 ± 0.05 | 6.16 ± 0.71 | 0.55 ± 0.05 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims temperature`.

# %% [markdown]
# *128 dimensions.* The picture above holds, and more clearly the longer you train. From 0.1 to 5 the sphere gets less uniform, and the
# effective rank and the kNN accuracy fall, each by more than the spread. After 60 epochs 0.1 is ahead of 0.02 at every seed; after ten, five
# seeds could not tell the two apart. And 0.5, which was 13 points behind after ten epochs, is four points behind after 60.
#
# *Three dimensions.* Here 0.1 is nothing special. On average the most uniform sphere is that of 0.5. All but the hottest runs use nearly all of
# the three dimensions, and the kNN accuracies of 0.02, 0.1 and 0.5 lie within each other's spread. Only one thing stays: 5 is the worst at four
# of five seeds, after ten epochs and after 60.
#
# So "too hot is bad" holds on average at both sizes and both lengths, and "0.1 is best" belongs to wide embeddings. On plain digits, where the
# pixels already separate the classes, there is little to gain and the differences are small (recipe `temperature_sweep`). Do not carry a best
# temperature from one data set, one width or one length of training to another without looking again.
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
# The left column shrinks as $\tau$ grows, the right one as $\tau$ falls. With 0.15 or 0.5 you are far from both limits.
#
# ## The failure: too hot
#
# In the wide limit every stranger is pushed with the same weight, near or far, so nothing is gained by telling two *near* ones apart. The run at
# $\tau = 5$ pays for it: look at which digits it confuses.

# %%
def confusions(run, most=3):
    z, y = torch.as_tensor(run.embeddings), torch.as_tensor(run.labels)
    nearest = y[torch.cdist(z, z).fill_diagonal_(math.inf).argmin(1)]
    wrong = [(int(a), int(b)) for a, b in zip(y, nearest) if a != b]
    return len(wrong), sorted(set(wrong), key=wrong.count, reverse=True)[:most]


mistakes = {run.config.temperature: confusions(run) for run in study}
for tau, (count, most) in mistakes.items():
    print(f"tau {tau:4}: {count} of 500 have a nearest neighbour of another class; most often {most}")

# %% [markdown]
# The run at $\tau = 5$ gives more than twice as many points a wrong neighbour as the run at $0.1$. The pairs that it confuses are other ones, too.
# This is one seed; the kNN accuracies of the table above say the same for five.
#
# ## Turn the knob yourself
#
# The widget trains every temperature with several seeds once. Then you scrub without waiting: epoch, temperature, and $p$ and $q$ of a point.
# `run()` is its button; a value in between can be trained on demand. Run this cell to get sliders. Without a kernel you see the still form, here
# in three dimensions, in which the sphere can be seen.

# %%
small = icon.Config(dataset="moving_digits", method="simclr", embedding_dim=3, epochs=6)
widget = icon.widgets.temperature_study(small, temperatures=[0.05, 0.2, 1.0], seeds=[0, 1])
widget.run()

# %% [markdown]
# The bands span two seeds, and `widget.study.scores()` has the numbers. In three dimensions the seed matters about as much as the temperature
# between 0.2 and 1, so look at the bands before you speak of a best value.
#
# ## Recap
#
# - $\tau$ shares out the repulsion: to the nearest stranger, or to everybody.
# - Alignment and uniformity pull against each other. Which $\tau$ favours uniformity depends on the dimension.
# - The loss depends on $\tau$ by definition and cannot be compared across temperatures.
# - Its two limits are methods of their own: cohesion minus variance, and the triplet loss.
#
# ## Misconceptions
#
# - *"A smaller temperature is always more uniform."* In 128 dimensions it turns round below about 0.1, in three already below 0.5.
# - *"Loss 5.2 is worse than loss 1.2."* Not at another temperature.
# - *"0.1 is the right temperature."* It was a good one for these data in 128 dimensions. In three dimensions it was one of three.

# %% [markdown]
# ## Exercises
#
# 1. ★★ *Derive* the floor of the loss, $\log(1 + (m-1)e^{-2/\tau})$, and evaluate it for $m = 255$ candidates at $\tau = 0.1$ and $\tau = 5$.
# 2. ★ *Modify.* Sweep $\tau$ for SupCon (`method="supcon"`, `embedding_dim=3`). Which end suits a $p$ with many positives?
# 3. ★★★ *Predict, then run.* Use a batch of a quarter. With fewer strangers, does the best of $\tau = 0.1$ and $\tau = 5$ change?

# %% tags=["solution"]
floor = {tau: math.log1p(254 * math.exp(-2 / tau)) for tau in (0.1, 5.0)}
# at tau = 5 the loss can hardly move: it starts near log 255 = 5.54 and cannot fall below 5.14
print({tau: f"{value:.3g}" for tau, value in floor.items()})
assert floor[0.1] < 1e-5 and abs(floor[5.0] - 5.14) < 0.01

# %% tags=["solution"]
supcon = icon.Config(dataset="digits", method="supcon", embedding_dim=3, quiet=True)
taught = icon.sweep(supcon, temperature=[0.1, 1.0])
print([round(run.history["knn_accuracy"][-1], 2) for run in taught])
# both ends work, the larger one at least as well: many positives average the noise out
ends = [run.history["knn_accuracy"][-1] for run in taught]
assert min(ends) > 0.8 and ends[1] > ends[0] - 0.02

# %% tags=["solution"]
few_strangers = {"batch_size": 16, "epochs": 6, "quiet": True, "probe": False}
small_batch = icon.Config(dataset="moving_digits", method="simclr", **few_strangers)
quarter = icon.sweep(small_batch, temperature=[0.1, 5.0], progress=False)
ends = [run.history["knn_accuracy"][-1] for run in quarter]
print([round(value, 2) for value in ends])
# the sharp end stays ahead: even among 31 candidates it matters which stranger is near
assert ends[0] > ends[1] + 0.05

# %% [markdown]
# ## Questions
#
# 1. Why can two runs with different temperatures not be compared by their loss?
# 2. Which of the two limits has no repulsion that depends on distance?
# 3. A friend reports "loss 5.2, hardly moving" at $\tau = 5$ with a batch of 128. How low can the loss of this run fall at best?
# 4. Why does a free table (notebook 01) not care about $\tau$, while a sphere does?
# 5. Why does a very small $\tau$ leave much of the sphere as it was?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("temperature", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. The logits are divided by $\tau$, so the same embedding has another loss at another temperature.
# 2. The wide one: every stranger is pushed with the weight $1/m$.
# 3. To 5.14, the floor of exercise 1 for 255 candidates. It starts near $\log 255 = 5.54$, so the run is not broken: it has little left to gain.
# 4. Free points can grow by $\sqrt\tau$ and undo it. On a sphere lengths are fixed.
# 5. Rows whose partner leads by a little produce no gradient any more, so nothing moves.

# %% [markdown]
# **Next:** [04, kernels](04_kernels.ipynb). **Recipe covered here:** `temperature_sweep`.
#
# *Glossary:* [temperature](glossary.md#temperature), [alignment](glossary.md#alignment), [uniformity](glossary.md#uniformity),
# [effective rank](glossary.md#effective-rank).
#
# *Papers:* [Wang & Isola 2020, Alignment and uniformity](https://arxiv.org/abs/2005.10242); [Chen et al. 2020, SimCLR](https://arxiv.org/abs/2002.05709);
# [Wang & Liu 2021, Understanding the behaviour of contrastive loss](https://arxiv.org/abs/2012.09740).
