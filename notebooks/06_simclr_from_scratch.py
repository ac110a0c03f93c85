# %% [markdown]
# # 06. SimCLR from scratch: a page of torch

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** SimCLR is four small pieces: random views, a network, a head, and one line of loss. Written out here, they take a page of
# torch. Given the same start and the same views, that page follows the package to at least twelve digits, step by step to the last.
#
# **You will be able to** write a contrastive training loop yourself, explain every line of it, and say what the head is for.
# **Before this:** [01, I-Con from scratch](01_icon_from_scratch.ipynb) and [02, Who chooses p?](02_who_chooses_p.ipynb).
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
# What is left of SimCLR when you take the library away?
#
# | piece | what it is | where it stands in the equation |
# |---|---|---|
# | views | two random distortions of every picture | they say who belongs together: $p$ |
# | body | a small convolutional network | the backbone $f$ |
# | head | two linear layers on top | the backbone, too |
# | loss | a softmax over the other views of the batch | $D(p\Vert q)$ |
#
# ## 1. Views
#
# A view moves, turns and scales a picture by random amounts. `affine_grid` says from where every pixel of the view is taken, and
# `grid_sample` takes it from there.

# %%
import base64
import io
import math

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from torch import nn
from torch.nn import functional as F

from icon_nb.animation.display import image

# %%
def view(x, random):
    """Pictures (n, c, h, w), each moved, turned and scaled by a random amount."""
    n = len(x)
    angle, size = [torch.rand(n, generator=random) * 2 - 1 for _ in range(2)]
    angle, size, moved = 0.26 * angle, 1 + 0.2 * size, 0.25 * (torch.rand(n, 2, generator=random) * 2 - 1)
    c, s = size * angle.cos(), size * angle.sin()
    first, second = torch.stack([c, -s, moved[:, 0]], 1), torch.stack([s, c, moved[:, 1]], 1)
    rows = torch.stack([first, second], 1)  # (n, 2, 3)
    grid = F.affine_grid(rows, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)

# %%
def show(figure, alt):
    """A figure, with words for those who cannot see it."""
    figure.savefig(png := io.BytesIO(), dpi=80)
    plt.close(figure)
    data = base64.b64encode(png.getvalue()).decode()
    display({"text/plain": alt, "image/png": data, "text/html": image(png.getvalue(), alt)}, raw=True)

# %%
data = icon.data.load("moving_digits")
eight, random = data.x[:8].float(), torch.Generator().manual_seed(0)
figure, axes = plt.subplots(3, 8, figsize=(8, 3))
drawn = {"picture": eight, "view 1": view(eight, random), "view 2": view(eight, random)}
for line, (name, pictures) in zip(axes, drawn.items()):
    line[0].set_ylabel(name)
    for ax, picture in zip(line, pictures):
        ax.imshow(picture[0], cmap="gray")
        ax.set(xticks=[], yticks=[])
show(figure, "Eight pictures of digits, and below each picture two views made by our own function")

# %% [markdown]
# What the two views of a picture share is its digit. What they do not share is its place, its angle and its size. The network will be
# rewarded for finding the first and punished for showing the second.
#
# ## 2. Body and head
#
# The body looks for strokes anywhere in the picture: two convolutions, and then the strongest answer of every filter. The head turns
# these 32 answers into the embedding $z$ that the loss sees.

# %%
def network():
    body = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.MaxPool2d(2, ceil_mode=True), nn.ReLU(),  # (n, 16, 8, 8)
        nn.Conv2d(16, 32, 3, padding=1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.ReLU(),  # (n, 32)
    )
    head = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))  # (n, 32)
    return body, head

# %% [markdown]
# ## 3. The loss
#
# A batch of $n$ pictures has $2n$ views: first all first views, then all second views, so the partner of row $i$ is row $i + n$, and back.
# Every view asks which of the $2n - 1$ others is its partner. This is a classification with $2n - 1$ classes, and its logits are cosines
# divided by the temperature.

# %%
def simclr_loss(z, tau):
    z = F.normalize(z, dim=1)
    logits = (z @ z.T / tau).fill_diagonal_(-math.inf)  # (2n, 2n); nobody picks itself
    n = len(z) // 2
    partner = torch.arange(2 * n).roll(n)  # n, n + 1, ..., 0, 1, ...
    return F.cross_entropy(logits, partner)

# %% [markdown]
# Three pictures make six labelled points. The same number comes out of the equation: $p$ puts 1 on the partner, $q$ is the softmax of
# the logits, and the mean divergence is a double loop.

# %%
z = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
six = icon.supervisory.Batch(index=torch.arange(3).repeat(2), dtype=torch.float64)
p = icon.supervisory.PositivePairs()(six)
log_q = icon.learned.Gaussian(temperature=0.15, distance="cosine")(F.normalize(z, dim=1))
pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
loop = sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6
print(f"our line {simclr_loss(z, 0.15):.12f}, double loop {loop:.12f}")

# %% [markdown]
# ## 4. The loop
#
# Draw a batch, make two views, embed, compare, step. To compare with the package digit by digit, we need the same random numbers, so we
# borrow them: `Reader` gives the package's batches and the package's views. Everything else is ours.

# %%
from icon_nb.training.batches import Reader

config = icon.Config(
    dataset="moving_digits", method="simclr", temperature=0.15, epochs=4, precision="float64",
    gif_max_points=150, gif_every=1, probe=False, quiet=True,
).resolve()
reader = Reader(config, data, torch.device("cpu"), torch.float64)
untrained = icon.run(config.replace(epochs=0))
body, head = network()
ours = nn.Sequential(*body, *head).double()
ours.load_state_dict(untrained.backbone.state_dict())

# %% [markdown]
# **Predict.** An epoch has twenty batches of 64. What is the first loss of a network that knows nothing, with 127 candidates? And after
# eighty steps, by how much will the two embeddings differ?

# %%
recorder = icon.Recorder(data.y_test, data.class_names, title="SimCLR from scratch")
held_out = data.inputs(data.x_test).double()


def watch(loss):
    with torch.no_grad():
        z = F.normalize(ours(held_out), dim=1)
    recorder.record(z, loss=loss, knn_accuracy=icon.evaluate.knn_accuracy(z, data.y_test))

# %%
optimizer = torch.optim.Adam(ours.parameters(), lr=config.learning_rate)
watch(float("nan"))
for epoch in range(1, config.epochs + 1):
    losses = []
    for step, index in enumerate(reader.order(epoch)):
        both_views = reader.inputs(index, epoch, step)  # (2n, 1, 16, 16)
        loss = simclr_loss(ours(both_views), config.temperature)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    watch(sum(losses) / len(losses))

# %%
theirs = icon.run(config)
apart = abs(recorder.trajectory.embeddings - theirs.trajectory.embeddings).max((1, 2))
for epoch, gap in enumerate(apart):
    mine, other = recorder.trajectory.metrics["loss"][epoch], theirs.history["loss"][epoch]
    print(f"epoch {epoch}: loss {mine:.6f} here, {other:.6f} there; embeddings differ by {gap:.0e}")

# %% [markdown]
# The losses agree, and so do the embeddings of 500 held-out pictures at every epoch: our page *is* the package's SimCLR. On the machine that
# made this page they match bit for bit; on another one the last digits may differ. The package
# records the loss of the untrained network at epoch 0, which our loop leaves out. With $m = 127$ candidates a network that knows nothing
# would have $\log 127 = 4.84$, and an untrained network starts a little below it, since it already puts two views nearer to each other
# than most strangers.

# %%
recorder.animate(max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# Regions of one digit form within four epochs, and no label was used. Colours were added afterwards.
#
# ## What the head is for
#
# Chen et al. (2020) found that the representation *before* the head serves later tasks better than $z$ itself. Is that so here? Ask the
# neighbours in both, and let a linear classifier try both.

# %%
before = nn.Sequential(*untrained.backbone)
parts = {"untrained body": before[:7], "trained body": ours[:7], "after the head": ours}
x, heads = data.inputs(data.x).double(), {}
for name, part in parts.items():
    with torch.no_grad():
        z_train, z_held = part(x), part(held_out)
    knn = icon.evaluate.knn_accuracy(z_held, data.y_test)
    heads[name] = knn, icon.evaluate.linear_probe(z_train, data.y, z_held, data.y_test)
    print(f"{name:15} kNN accuracy {knn:.2f}, linear probe {heads[name][1]:.2f}")

# %% [markdown]
# One seed and four epochs only: take the direction of the difference as an observation about this run, and not as a law. The loss asks
# $z$ to forget everything that the views do not share. The head can take on part of that job, so that the body need not.
#
# ## The failure: a partner that is easy to find
#
# Take the distortion away, and both views of a picture are the same picture. The task becomes trivial:

# %%
easy = icon.run(config.replace(augment="none", augment_strength=None))
for name, run in (("distorted", theirs), ("not distorted", easy)):
    loss, knn = run.history["loss"][-1], run.history["knn_accuracy"][-1]
    print(f"{name:14} loss {loss:.2f}, kNN accuracy {knn:.2f}")

# %% [markdown]
# The loss is lower and the embedding is worse. Nothing asked the network to find what survives a distortion.
#
# ## Recap
#
# - SimCLR classifies: "which of the other views is my partner?"
# - The loss is one `cross_entropy` over a matrix of cosines, and it is the mean divergence of this course with a one-hot $p$.
# - Repulsion needs no term of its own. It is the denominator of the softmax.
# - The views say what the network may forget. Everything it learns is learned from them.
#
# ## Misconceptions
#
# - *"SimCLR needs negatives to be chosen."* Every other view of the batch is a candidate; nobody chooses.
# - *"The head is a detail."* It decides where the invariance is stored.
# - *"A lower contrastive loss is a better representation."* You have just seen the opposite.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Modify.* Use the dot product without normalising $z$. What does the loss do in the first epochs, and why?
# 2. ★★ *Derive.* Show that the gradient of the loss with respect to the logits is $(q - p)/2n$, and check it by autograd.
# 3. ★★★ *Write.* Replace the loss by SupCon's: the partners of a view are all other views of its class.

# %% tags=["solution"]
lengths = torch.tensor([1.0, 10.0])
raw = [F.cross_entropy((k * z @ (k * z).T).fill_diagonal_(-math.inf), torch.arange(6).roll(3)) for k in lengths]
print("the same directions, ten times as long:", [round(float(loss), 2) for loss in raw])
# without the sphere, the length of z acts as a temperature that the network can change
assert raw[1] > 10 * raw[0]

# %% tags=["solution"]
logits = torch.randn(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
off = torch.eye(6, dtype=bool)
F.cross_entropy(logits.masked_fill(off, -math.inf), torch.arange(6).roll(3)).backward()
torch.testing.assert_close(logits.grad, (logits.masked_fill(off, -math.inf).softmax(1) - p).detach() / 6)

# %% tags=["solution"]
def supcon_loss(z, y, tau):
    z = F.normalize(z, dim=1)
    log_q = (z @ z.T / tau).fill_diagonal_(-math.inf).log_softmax(1)
    same = (y[:, None] == y).double().fill_diagonal_(0)
    return -(same * log_q.masked_fill(same == 0, 0)).sum(1).div(same.sum(1)).mean()


y = torch.tensor([0, 0, 1, 0, 0, 1])
rows = icon.supervisory.SameClass()(icon.supervisory.Batch(index=torch.arange(6), y=y, dtype=torch.float64))
entropy = -torch.xlogy(rows, rows).sum(1).mean()
assert abs(supcon_loss(z, y, 0.15) - entropy - icon.divergences.kl(rows, log_q).mean()) < 1e-12

# %% [markdown]
# ## Questions
#
# 1. Where in the page does it say that a view is not its own candidate, and what would happen without that line?
# 2. Which line would you change for a batch in which one picture occurs twice?
# 3. Why is the embedding of the held-out pictures made without a view?
# 4. How many candidates does a view have if you double the batch, and what does that do to the first loss?
# 5. Which part of the page knows that the data are pictures?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("simclr_from_scratch", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. `fill_diagonal_(-math.inf)`. Every view is most similar to itself, so the loss would reward picking oneself.
# 2. `partner`: the other copy is a partner, too, and not a stranger. $p$ would share its weight among them.
# 3. The views are part of the task and not of the data. An embedding should be a function of the picture.
# 4. $4n - 1$ instead of $2n - 1$. The first loss rises by about $\log 2$.
# 5. The views and the body. The loss knows nothing of pictures.

# %% [markdown]
# **Next:** [07, backbones](07_backbones.ipynb).
#
# *Glossary:* [head](glossary.md#head), [views](glossary.md#views), [candidates](glossary.md#candidates).
#
# *Papers:* [Chen et al. 2020, SimCLR](https://arxiv.org/abs/2002.05709); [Sohn 2016, the N-pair loss](https://papers.nips.cc/paper/6200);
# [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929).
