# %% [markdown]
# # 01. I-Con from scratch: the loss in forty lines of torch

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** The loss of I-Con is three small functions: one that says who should be near whom ($p$), one that says who is near whom ($q$), and
# one that compares them ($D$). Written out in forty lines of torch, it draws the same map as the package: after sixty steps no coordinate differs
# by more than a millionth.
#
# **You will be able to** compute $p$, $q$ and the divergence by hand, derive the force on a pair, and write the training loop yourself.
# **Before this:** [00, quickstart](00_quickstart.ipynb), and a little torch. **Time:** 40 minutes of reading, half a minute on two CPU cores.

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
# Given some things and an idea of which of them belong together, where do you put them on a sheet of paper?
#
# Start with six words, each with two made-up properties. They stay with you to the end of the page: row 0 is *cat*.

# %%
import math

import torch

words = ["cat", "dog", "wolf", "car", "bus", "truck"]
x = torch.tensor([[0, 0], [1, 0], [1, 1], [4, 4], [5, 4], [5, 5]], dtype=torch.float64)

# %% [markdown]
# ## p, one number at a time
#
# $p(j|i)$ is the probability that $i$ picks $j$ as its neighbour. Take a Gaussian: near things are picked often, far things hardly ever, and
# nobody picks itself.
#
# $$p(j|i) = \frac{e^{-\lVert x_i - x_j\rVert^2/\tau_p}}{\sum_{k \ne i} e^{-\lVert x_i - x_k\rVert^2/\tau_p}}, \qquad p(i|i) = 0$$
#
# First compute the row of *cat* with scalars only, for $\tau_p = 2$:

# %%
tau_p = 2.0
weights = []
for k in range(1, 6):
    squared = sum((float(x[0, d]) - float(x[k, d])) ** 2 for d in range(2))
    weights.append(math.exp(-squared / tau_p))
row_of_cat = [weight / sum(weights) for weight in weights]
for word, share in zip(words[1:], row_of_cat):
    print(f"p({word:5}| cat) = {share:.4f}")

# %% [markdown]
# The five numbers sum to one. *dog* is at squared distance 1 and *wolf* at 2, so *dog* is picked $e^{1/2} \approx 1.65$ times as often, and the
# vehicles hardly ever. Now compute all rows at once. `fill_diagonal_` with minus infinity *before* the softmax says "nobody picks itself" in
# logits.

# %%
def gaussian(points, tau):
    d = torch.cdist(points, points).square()
    return (-d / tau).fill_diagonal_(-math.inf).log_softmax(1)  # log-probabilities, (n, n)


p = gaussian(x, tau_p).exp()
torch.testing.assert_close(p[0, 1:], torch.tensor(row_of_cat, dtype=torch.float64))

# %% tags=["nbval-check-output"]
print("       " + "".join(f"{word:>7}" for word in words))
for word, row in zip(words, p):
    print(f"{word:7}" + "".join(f"{value:7.2f}" for value in row.tolist()))

# %% [markdown]
# The same matrix as a picture:

# %%
import base64
import io

import matplotlib.pyplot as plt
from IPython.display import display

from icon_nb.animation.display import image

# %%
def heat(matrices):
    """Matrices over the six words as heat maps, side by side."""
    figure, axes = plt.subplots(1, len(matrices), figsize=(3.4 * len(matrices), 3), squeeze=False)
    for ax, (name, matrix) in zip(axes[0], matrices.items()):
        ax.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
        ax.set(title=name, xticks=range(6), yticks=range(6), yticklabels=words)
        ax.set_xticklabels(words, rotation=60)

# %%
def show(alt):
    """What was drawn last, with words for those who cannot see it."""
    plt.gcf().savefig(png := io.BytesIO(), dpi=80, bbox_inches="tight")
    plt.close()
    data = base64.b64encode(png.getvalue()).decode()
    display({"text/plain": alt, "image/png": data, "text/html": image(png.getvalue(), alt)}, raw=True)


heat({"p: who should be near whom": p})
show("The matrix p as a heat map: two blocks, one of three animals and one of three vehicles")

# %% [markdown]
# Row $i$ is what $i$ thinks, so rows sum to one and columns need not: *truck* has two near neighbours, yet nobody is obliged to pick it. The
# matrix is not symmetric in general, although distances are.
#
# ## q asks the same about the embedding
#
# $q(j|i)$ asks the same question about the embedding $z$. Let the six points start at random in the plane. (The kernel may be a different one,
# and the $z$ may come from a network; neither changes what follows.)

# %%
z = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
log_q = gaussian(z, 1.0)

# %% [markdown]
# ## The divergence, as a double loop
#
# $$D_{KL}(p_i \Vert q_i) = \sum_j p(j|i)\,\big(\log p(j|i) - \log q(j|i)\big)$$
#
# It is the number of nats you lose when you believe $q$ and $p$ is true. A pair with $q \to 0$ and $p > 0$ costs without limit: neighbours must
# not be torn apart. A pair with $p = 0$ adds no term of its own. It still costs something, because the row of $q$ sums to one: whatever a
# stranger gets is missing where $p$ wants it. That is why strangers are pushed away, as the gradient below says.

# %%
by_loop = 0.0
for i in range(6):
    for j in range(6):
        if p[i, j] > 0:
            by_loop += float(p[i, j] * (p[i, j].log() - log_q[i, j])) / 6
by_matrix = float(icon.divergences.kl(p, log_q).mean())
print(f"double loop {by_loop:.6f}, package {by_matrix:.6f}")

# %% [markdown]
# Many texts minimise the cross-entropy $H(p, q) = -\sum_j p \log q$ instead. It differs by $H(p)$, which no embedding can change, so the
# gradients agree and the *values* do not. Only the KL is zero when the picture is perfect.
#
# ## The gradient is a force
#
# Write $s_{ij}$ for the logits of $q$. Differentiate $-\sum_j p_{ij} \log q_{ij}$ with $\log q_{ij} = s_{ij} - \log \sum_k e^{s_{ik}}$:
#
# $$\frac{\partial L}{\partial s_{ij}} = \frac1n\,(q_{ij} - p_{ij})$$
#
# If $q$ is too small, the pair is pulled together. If it is too large, the pair is pushed apart. The force is the difference itself.

# %%
s = gaussian(z, 1.0).masked_fill(torch.eye(6, dtype=bool), -1e9).requires_grad_()
icon.divergences.kl(p, s.log_softmax(1)).mean().backward()
torch.testing.assert_close(s.grad, (log_q.exp() - p) / 6)

# %% [markdown]
# ## The forty lines
#
# Here are three choices of $p$. Only the first looks at $x$. The other two are SimCLR's (the other view of the same sample) and SupCon's
# (everything of the same class).

# %%
def normalised(weights):
    weights = weights.double().fill_diagonal_(0)
    return weights / weights.sum(1, keepdim=True)


def p_neighbours(x, tau):
    return gaussian(x, tau).exp()


def p_views(sample):
    return normalised(sample[:, None] == sample)


def p_classes(y):
    return normalised(y[:, None] == y)

# %% [markdown]
# Here are two choices of $q$, one divergence, and the loop. `xlogy` is $p \log p$ with $0 \log 0 = 0$; the mask keeps $0 \cdot \infty$ away.

# %%
def q_gaussian(z, tau=1.0):
    return gaussian(z, tau)


def q_student_t(z):
    return (-torch.cdist(z, z).square().log1p()).fill_diagonal_(-math.inf).log_softmax(1)


def mean_kl(p, log_q):
    return (torch.xlogy(p, p) - p * log_q.masked_fill(p == 0, 0)).sum(1).mean()

# %%
def train(p, log_q, z, steps, rate, watch=lambda z, loss: None):
    z = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=rate)
    for _ in range(steps):
        loss = mean_kl(p, log_q(z))
        watch(z, loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return z.detach()

# %% [markdown]
# **Predict.** The words start at random. Where will *wolf* end up, between *dog* and the vehicles? Will the two groups come to rest at some
# distance, or drift apart for ever?

# %%
recorder = icon.Recorder(words, title="six words")
drawn = train(p, q_gaussian, z, 60, 0.1, lambda z, loss: recorder.record(z, loss=loss))
recorder.animate(max_points=120, point_size=5, max_frames=20)

# %%
heat({"p": p, "q at the start": log_q.exp(), "q at the end": q_gaussian(drawn).exp()})
show("Three heat maps: p, the q of the random start, and the q after sixty steps, which looks like p")

# %% [markdown]
# $q$ has become $p$, as far as you can see. *wolf* ends up beside *dog*, on no particular side: as seen from the vehicles it is hardly nearer,
# since $p$ of a vehicle is about $10^{-7}$. The groups separate within a dozen steps and then go on drifting, ever more slowly. The perfect $q$
# wants them farther still, but the force $q - p$ that says so has all but vanished.
#
# Absolute position and rotation mean nothing in this picture, since $q$ sees only distances.
#
# ## On real data, against the package
#
# Now do the same on 300 digits, from the start that the package took (two principal components), with its learning rate and its optimiser.

# %%
config = icon.Config(
    supervisory="gaussian_fixed", learned="gaussian", p_temperature=1.0, backbone="table", embedding_dim=2,
    n_samples=300, optimizer="adam", learning_rate=0.1, epochs=60, record_every=1, gif_every=5,
    precision="float64",
)
theirs = icon.run(config)
theirs

# %%
data = theirs.data()
p_digits = p_neighbours(data.flat(data.x).double(), 1.0)
start = torch.tensor(theirs.trajectory.embeddings[0]).double()
ours = train(p_digits, q_gaussian, start, 60, 0.1)
apart = (ours - torch.tensor(theirs.embeddings)).abs().max().item()
print(f"largest difference of a coordinate after 60 steps: {apart:.1e}")

# %% [markdown]
# Forty lines and the package draw the same map, up to rounding. What the package adds is some forty other choices of $p$, $q$ and candidates,
# networks in the place of free points, batches, recording, and errors with a remedy. It does not add another loss.

# %%
knn = theirs.history["knn_accuracy"]
raw = icon.evaluate.knn_accuracy(data.flat(data.x), data.y)
print(f"kNN accuracy: start {knn[0]:.2f}, map {knn[-1]:.2f}, raw pixels {raw:.2f}")
theirs.plot()

# %% [markdown]
# Two dimensions keep most of what 64 pixels know about neighbours, and not all. No label was used.
#
# ## The failure: leave out the normaliser
#
# Why not simply pull neighbours together, $\sum_{ij} p_{ij} \lVert z_i - z_j\rVert^2$? Because one point is a perfect answer. The repulsion sits in
# the denominator of $q$, in $\log\sum_k e^{s_{ik}}$: a distribution cannot be large everywhere. Take the finished map and train it for sixty more
# steps, with the normaliser and without it:

# %%
def only_attraction(z):
    return -torch.cdist(z, z).square()


losses = {"with the normaliser": q_gaussian, "without": only_attraction}
fallen = {name: train(p_digits, log_q, ours, 60, 0.1) for name, log_q in losses.items()}
spread = {name: points.std().item() for name, points in {"the map": ours, **fallen}.items()}
print({name: round(value, 2) for name, value in spread.items()})

# %% [markdown]
# With the normaliser the map keeps its size. Without it the map shrinks to less than a tenth, and it would go on shrinking.
#
# ## Turn one knob: the temperature of a free embedding
#
# $q$ sees $\lVert z_i - z_j\rVert^2/\tau$ and nothing else. A point that may lie anywhere can undo any $\tau$ by growing by $\sqrt\tau$, so for a
# free table the temperature is only the unit of length. On the unit sphere it is the knob that matters most, and notebook 03 turns it there.

# %%
for tau in (0.25, 1.0, 4.0):
    print(f"tau {tau:4}: loss {mean_kl(p_digits, q_gaussian(ours * tau**0.5, tau)).item():.6f}")

# %% [markdown]
# ## Recap
#
# - $p$, $q$ and $D$ are three functions of a few lines each. A method is a choice of them.
# - The force on a pair is $q - p$: pull where $q$ is too small, push where it is too large.
# - The normaliser of $q$ is the repulsion. Without it everything collapses.
# - KL and cross-entropy have the same gradient. Only the KL says how far you are from perfect.
#
# ## Misconceptions
#
# - *"Pairs with $p = 0$ play no part."* They are pushed away, through the denominator.
# - *"$q$ must be symmetric, since distances are."* Rows are normalised one by one.
# - *"The loss is small, so the map is good."* It is good at this $p$.

# %% [markdown]
# ## Exercises
#
# 1. ★★★ *Derive.* With a Gaussian $q$ and $\tau = 1$, show that moving $z_i$ feels the force
#    $\partial L/\partial z_i = \frac2n \sum_j (p_{ij} - q_{ij} + p_{ji} - q_{ji})(z_i - z_j)$, and check it by autograd.
# 2. ★ *Modify.* Draw the 300 digits with `p_classes` in the place of `p_neighbours`. What changes in the map, and why?
# 3. ★★ *Predict.* Let $p$ be made from the embedding itself, $p = q$. What is the loss, and what is learned?

# %% tags=["solution"]
moving = z.clone().requires_grad_()
mean_kl(p, q_gaussian(moving)).backward()
difference = p - log_q.exp()
force = 2 / 6 * ((difference + difference.T)[:, :, None] * (z[:, None] - z)).sum(1)
torch.testing.assert_close(moving.grad, force)

# %% tags=["solution"]
by_class = train(p_classes(data.y), q_gaussian, start, 60, 0.1)
taught = icon.evaluate.knn_accuracy(by_class, data.y)
print(f"kNN accuracy of the map drawn from labels: {taught:.2f}")
assert taught > knn[-1]  # p says only who shares a label: classes become clumps, and their inner order is lost

# %% tags=["solution"]
itself = gaussian(start, 1.0).exp()
assert mean_kl(itself, q_gaussian(start)).item() < 1e-9  # zero at once, whatever the points: nothing is learned

# %% [markdown]
# ## Questions
#
# 1. Which mistake is the expensive one under $D(p\Vert q)$: to lose a neighbour ($p > 0$, $q = 0$) or to invent one ($p = 0$, $q > 0$)?
# 2. Why is `log_softmax` used, and not `softmax` followed by `log`?
# 3. The loss of a run (not the divergence) went from 5.2 to 4.9. What do you need to know before you can say how good that is?
# 4. Where in the forty lines does it say that a point is not its own neighbour, and which methods would need that line changed?
# 5. Which of the functions would a SimCLR with a network still need?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("icon_from_scratch", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. To lose one: $p > 0$ with $q = 0$ costs without limit.
# 2. `softmax` rounds small probabilities to zero, and their logarithm is minus infinity.
# 3. The entropy of $p$, and what is reachable: the floor for this $q$ and these candidates.
# 4. `fill_diagonal_(-math.inf)`. Methods that count self, such as PCA and k-means, would leave it out.
# 5. `p_views`, `q_gaussian` on normalised points, `mean_kl`, and the loop with a network's weights in the place of $z$.

# %% [markdown]
# **Next:** [02, Who chooses p?](02_who_chooses_p.ipynb): the same $q$, other $p$, and a network.
#
# *Glossary:* [anchor](glossary.md#anchor), [supervisory distribution](glossary.md#supervisory-distribution),
# [learned distribution](glossary.md#learned-distribution), [cross-entropy](glossary.md#cross-entropy),
# [nats](glossary.md#nats).
#
# *Papers:* [Hinton & Roweis 2002, Stochastic Neighbor Embedding](https://papers.nips.cc/paper/2276-stochastic-neighbor-embedding);
# [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929).
