# %% [markdown]
# # 10. K-means: the last row of the table

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** Clusters are a $q$ too: walk from a point to one of its clusters, and from there to one of the cluster's points. With the
# divergence turned round this is k-means, and only in a limit. With the divergence as usual it balances the clusters by itself.
#
# **You will be able to** derive k-means from the equation, and say when a clustering loss prefers one big cluster.
# **Before this:** [05, divergences](05_divergences.ipynb) and [09, the periodic table](09_periodic_table.ipynb). **Time:** 40 minutes of
# reading, less than a minute on two CPU cores.

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
# What does "these belong together" mean when the answer is not a place but a cluster? Let $\phi_{ic}$ be the probability that point $i$ is in
# cluster $c$ (a softmax of the embedding). Then
#
# $$q_{ij} = \sum_c \phi_{ic} \, \frac{\phi_{jc}}{\sum_k \phi_{kc}}$$
#
# | | $p(j\,\vert\,i)$ | minimised | backbone here |
# |---|---|---|---|
# | k-means | Gaussian on the data, $\propto e^{-\lVert x_i - x_j\rVert^2/\tau_p}$, self included | $D(q\Vert p)$ | a free membership per point |
# | InfoNCE clustering | the other view of the same picture | $D(p\Vert q)$ | a linear map |
#
# Mind the order. The published table prints the cluster kernel of k-means in the column of $p$, and its figure prints it in the row of $q$. Only
# $D(\text{clusters} \Vert \text{Gaussian})$ gives k-means.
#
# ## Six points by hand

# %%
import itertools
import math

import torch

x = torch.tensor([[0, 0], [1, 0], [0, 1], [5, 4], [5, 5], [6, 4.5]], dtype=torch.float64)
hard = torch.tensor([0, 0, 0, 0, 1, 1])  # the fourth point is in the wrong cluster
phi = torch.nn.functional.one_hot(hard, 2).double()

# %%
def walk(phi):
    return phi @ (phi / phi.sum(0).clamp_min(1e-300)).T  # (n, n), rows sum to one


q = walk(phi)
print(q.numpy().round(2))

# %% [markdown]
# Every point of a cluster of four gives each member a quarter, itself included. So the Gaussian has to include self too: were $p(i|i)$ zero,
# $D(q\Vert p)$ would be infinite. Here is the divergence by a double loop and from the package, where the logits of hard memberships are
# large numbers:

# %%
def log_gaussian(x, tau):
    return (-torch.cdist(x, x).square() / tau).log_softmax(1)


def double_loop(q, log_p):
    pairs = itertools.product(range(len(q)), repeat=2)
    return sum(float(q[i, j] * (q[i, j].log() - log_p[i, j])) for i, j in pairs if q[i, j] > 0)


tau = 2.0
by_hand = double_loop(q, log_gaussian(x, tau))
log_q = icon.learned.Clusters()(60 * phi)
package = float(icon.divergences.rkl(log_gaussian(x, tau).exp(), log_q, log_gaussian(x, tau)).sum())
print(f"loop {by_hand:.6f}, package {package:.6f}")

# %% [markdown]
# ## Where k-means hides in it
#
# Write $\log p_{ij} = -\lVert x_i - x_j\rVert^2/\tau_p - \log Z_i$. The distances, averaged with $q$, are twice the *inertia* $I$ of k-means (the sum of squared
# distances to the cluster means), for inside a cluster of size $N_c$ it is $\sum_{ij} \lVert x_i - x_j\rVert^2 / N_c = 2 \sum_i \lVert x_i - \bar x_c\rVert^2$:
#
# $$\sum_i D(q_i\Vert p_i) = \frac{2}{\tau_p} I - \sum_i H(q_i) + \sum_i \log Z_i, \qquad H(q_i) = \log N_{c(i)} \text{ for hard clusters}$$

# %%
def inertia(x, hard):
    groups = [x[hard == c] for c in hard.unique()]
    return sum(float((group - group.mean(0)).square().sum()) for group in groups)


def entropy(hard):
    return float(torch.bincount(hard)[hard].double().log().sum())


log_z = float((-torch.cdist(x, x).square() / tau).logsumexp(1).sum())
print(f"identity {2 / tau * inertia(x, hard) - entropy(hard) + log_z:.6f}, divergence {by_hand:.6f}")

# %% [markdown]
# The last term does not depend on the clusters. The middle one does, and it *rewards large clusters*: a cluster of $N_c$ points brings
# $N_c \log N_c$. As $\tau_p \to 0$ the inertia is all that counts. As $\tau_p$ grows, the reward wins.
#
# **Predict.** Six points can be put into two clusters in $2^5 = 32$ ways. At which $\tau_p$ does the best of them stop being that of k-means, and
# what is it then?

# %%
partitions = [torch.tensor([0, *rest]) for rest in itertools.product((0, 1), repeat=5)]


def best(tau):
    return min(partitions, key=lambda hard: 2 / tau * inertia(x, hard) - entropy(hard)).tolist()


by_kmeans = min(partitions, key=lambda hard: inertia(x, hard)).tolist()
winners = {tau: best(tau) for tau in (0.1, 1.0, 10.0, 100.0, 1000.0)}
print("k-means  ", by_kmeans)
for tau, winner in winners.items():
    print(f"tau {tau:5.0f} " if tau >= 1 else f"tau {tau:5} ", winner)

# %% [markdown]
# From some $\tau_p$ between 10 and 100 on, the best partition is one big cluster. To a wide Gaussian every point is everybody's neighbour, so $p$
# is flat, and only a single cluster gives a flat $q$.
#
# ## Run
#
# Train three clumps of 60, 30 and 30 points by gradient, with a free membership for each point. Memberships are soft now.

# %%
import numpy as np

noise = np.random.default_rng(0).normal(0, 0.6, (120, 2))
y = np.repeat([0, 1, 2], [60, 30, 30])
clumps = (np.array([[0, 0], [4, 0], [2, 3.5]])[y] + noise).astype(np.float32)
settings = {"embedding_dim": 3, "epochs": 150, "optimizer": "adam", "learning_rate": 0.1, "record_every": 5}
base = icon.Config(method="kmeans", backbone="table", quiet=True, probe=False, **settings)
study = icon.sweep(base, data=(clumps, y), p_temperature=[0.5, 5.0, 20.0, 200.0], seed=range(3), progress=False)

# %%
def look(run):
    phi = torch.as_tensor(run.embeddings).softmax(1)
    hard = phi.argmax(1)
    sizes = sorted(torch.bincount(hard, minlength=3).tolist())
    return inertia(torch.as_tensor(clumps), hard), sizes, float(phi.amax(1).mean())


seen = {(run.config.p_temperature, run.config.seed): look(run) for run in study}
for (tau, seed), (value, sizes, sure) in seen.items():
    print(f"tau {tau:5} seed {seed}: inertia {value:6.1f}  sizes {sizes}  surest cluster {sure:.2f}")

# %%
from sklearn.cluster import KMeans

reference = float(KMeans(3, n_init=10, random_state=0).fit(clumps).inertia_)
print(f"scikit-learn's k-means: inertia {reference:.1f}")

# %% [markdown]
# Read three things. In the middle, at $\tau_p = 5$, the clusters are those of k-means from every start; over five draws of the noise one start
# in fifteen puts a single point elsewhere. At the small end the objective *is* k-means, with k-means' trouble: one of the three starts misses
# the best partition and cuts a clump in two, and with other draws one or two of them do. At the large end the sizes say
# little, because no point belongs clearly anywhere: the surest of three clusters has little more than a third. Undecided memberships are the one big
# cluster in another form: $q$ is flat.

# %%
from icon_nb.animation import side_by_side

corners = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.7]])


def in_triangle(run):
    recorder = icon.Recorder([*y, 3, 3, 3], ["clump 1", "clump 2", "clump 3", "a corner"])
    for z, epoch in zip(run.trajectory.embeddings, run.trajectory.epochs):
        memberships = torch.as_tensor(z).softmax(1).numpy()
        recorder.record(np.concatenate([memberships @ corners, corners]), epoch=int(epoch))
    return recorder.trajectory

# %%
drawn = [run for run in study if run.config.seed == 1 and run.config.p_temperature in (5.0, 200.0)]
look = {"max_points": 100, "point_size": 5, "max_frames": 20}
side_by_side([in_triangle(run) for run in drawn], ["tau_p = 5", "tau_p = 200"], **look)

# %% [markdown]
# A corner of the triangle is a cluster, and the middle is "a third of each". On the left every clump runs to a corner of its own. On the right
# they hardly leave the middle.
#
# ## Forwards: a loss that balances
#
# Now take $D(p\Vert q)$ with any graph $p$. Suppose that the neighbours of a point never lie in another hard cluster. Then $q_{ij} = 1/N_c$ for all
# neighbours, and the cross-entropy is $\frac1n \sum_i \log N_{c(i)} = \log n - H(C)$, with $H(C)$ the entropy of the sizes. It is smallest when the
# clusters are *equally large*.

# %%
groups = torch.arange(6).repeat_interleave(2)  # six pairs of friends; p: your friend
batch = icon.supervisory.Batch(torch.arange(12), y=groups, dtype=torch.float64)
p_friends = icon.supervisory.SameClass()(batch)
forward = {}
for sizes in ((2, 2, 2), (4, 1, 1), (6, 0, 0)):
    clusters = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))[groups]
    log_q = icon.learned.Clusters()(200 * torch.nn.functional.one_hot(clusters, 3).double())
    share = torch.tensor(sizes).double() / 6
    balance = math.log(12) + float(torch.xlogy(share, share).sum())
    forward[sizes] = float(icon.divergences.kl(p_friends, log_q).mean()), balance
    print(f"pairs per cluster {sizes}: loss {forward[sizes][0]:.4f}, log n - H(C) {balance:.4f}")

# %% [markdown]
# So the forward loss does what other clustering methods need an extra term for, and it does so where it is *wrong*, too: it would rather have
# equal clusters than the right unequal ones. And one pair of friends in different hard clusters costs infinity, so memberships must stay soft,
# or $q$ must be mixed, as [15, debiasing](15_debiasing.ipynb) does.
#
# ## Recap
#
# - A walk through clusters is a $q$, and self belongs to it.
# - $D(q\Vert p)$ is k-means plus a reward for large clusters. The temperature of $p$ decides between the two.
# - $D(p\Vert q)$ balances the clusters, whether the data are balanced or not.
# - K-means depends on its start, and so does this objective where it is k-means.
#
# ## Misconceptions
#
# - *"I-Con shows that k-means is contrastive learning."* In a limit, with the divergence turned round, and with self included.
# - *"Balanced clusters are good clusters."* Only if the classes are balanced.
# - *"It found three clusters of fair sizes."* Look at how sure it is of a point before you read the sizes.

# %% [markdown]
# ## Exercises
#
# 1. ★★ *Derive.* Show that soft memberships obey the same identity, with the inertia about weighted means, and check it.
# 2. ★ *Modify.* Make the three clumps 100, 10 and 10 points and cluster them forwards (`method="pmi"`, `n_neighbors=5`). What happens?
# 3. ★★★ *Predict.* At which $\tau_p$ do the six points change from two clusters to one? Compute it from the identity.

# %% tags=["solution"]
soft = torch.rand(6, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64).softmax(1)
means_of = (soft.T @ x) / soft.sum(0)[:, None]
soft_inertia = (soft * torch.cdist(x, means_of).square()).sum()
pairwise = (walk(soft) * torch.cdist(x, x).square()).sum()
assert abs(pairwise - 2 * soft_inertia) < 1e-9

# %% tags=["solution"]
few = np.repeat([0, 1, 2], [100, 10, 10])
uneven = (np.array([[0, 0], [4, 0], [2, 3.5]])[few] + noise).astype(np.float32)
run = icon.run(base.replace(method="pmi", n_neighbors=5), data=(uneven, few))
sizes = sorted(np.bincount(run.embeddings.argmax(1), minlength=3).tolist())
print(f"sizes {sizes}, wanted [10, 10, 100]")
# it cuts the large clump: balance is worth more to the loss than the gap between the clumps
assert max(sizes) < 60

# %% tags=["solution"]
two, one = torch.tensor(by_kmeans), torch.zeros(6, dtype=torch.int64)
change = 2 * (inertia(x, one) - inertia(x, two)) / (entropy(one) - entropy(two))
print(f"two clusters below tau_p = {change:.2f}, one above")
assert best(0.99 * change) == by_kmeans and best(1.01 * change) == [0] * 6

# %% [markdown]
# ## Questions
#
# 1. Why does $D(q\Vert p)$ allow a neighbour in another cluster, and $D(p\Vert q)$ not?
# 2. Which term of the identity would you have to drop to get k-means at every $\tau_p$, and would the rest still be a divergence?
# 3. For which data is a loss that balances the clusters the wrong one?
# 4. Why does the Gaussian $p$ of k-means have to count the point itself?
# 5. A run at $\tau_p = 200$ shows clusters of 36, 40 and 44 points. Has it found the three clumps?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("kmeans", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. $D(q\Vert p)$ pays only where $q > 0$. $D(p\Vert q)$ pays wherever $p > 0$, without limit where $q = 0$.
# 2. The entropies $-\sum_i H(q_i)$. The rest is the inertia and a constant, which is no divergence: it is not zero at $q = p$.
# 3. Data with classes of very different size, such as rare defects.
# 4. A member of a hard cluster gives itself the share $1/N_c$. If $p$ were zero there, $D(q\Vert p)$ would be infinite.
# 5. No. Its memberships are undecided: the surest of the three clusters has little more than a third of a point.

# %% [markdown]
# **Next:** [15, debiasing](15_debiasing.ipynb), which trains clusters forwards on digits, or [11, two modalities](11_two_modalities.ipynb).
#
# *Glossary:* [cluster kernel](glossary.md#cluster-kernel), [inertia](glossary.md#inertia),
# [mode-covering and mode-seeking](glossary.md#mode-covering-and-mode-seeking).
#
# *Papers:* [Adaloglou et al. 2023, TEMI](https://arxiv.org/abs/2303.17896); [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929);
# [Arthur & Vassilvitskii 2007, k-means++](https://theory.stanford.edu/~sergei/papers/kMeansPP-soda.pdf).
