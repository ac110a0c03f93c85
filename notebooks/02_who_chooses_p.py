# %% [markdown]
# # 02. Who chooses p?

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** $p(j|i)$ says who should be near whom, and somebody has to choose it. SNE asks the pixels. SimCLR asks which pictures
# are views of one picture. SupCon asks the labels. The same network with the same $q$ then learns three different things. Two more
# choices hide behind $p$ and are easily mistaken for it: what the network is *shown*, and how *wide* the embedding is. Here they are
# told apart.
#
# **You will be able to** write down the three $p$ for a batch, separate the effect of $p$ from that of the augmentation, and say what
# a label costs and when.
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
# | | who is the neighbour of $i$? | $p(j\,\vert\,i)$ | candidates $j$ |
# |---|---|---|---|
# | SNE (Hinton & Roweis 2002) | pictures with similar pixels | $\propto e^{-\lVert x_i - x_j\rVert^2/2\sigma_i^2}$ | the other pictures |
# | SimCLR (Chen et al. 2020) | the other view of the same picture | 1 on that view | the other views |
# | SupCon (Khosla et al. 2020) | pictures of the same class | $\frac{1}{K_i - 1}$ on each of them | the other views |
# | cross-entropy | its own class | 1 on that class | the classes, one learned prototype each |
#
# Everything else can be the same: the network, the batch, the cosine distance, the temperature, and
# $q(j|i) \propto e^{-d_{ij}/\tau}$. SNE as published has no network and uses Euclidean distance; notebook 01 draws that one.
#
# ## See it: three p of the same six pictures
#
# Take three digits that move around in their pictures, and draw two random views of each.

# %%
import base64
import io
import math

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from icon_nb.animation.display import image
from icon_nb.data.augment import build_augment

# %%
data = icon.data.load("moving_digits")
chosen = [22, 8, 31]  # a six and two nines
augment = build_augment("affine", data)
views = [augment(data.x[chosen], torch.Generator().manual_seed(seed)) for seed in (9, 10)]
x, y = torch.stack(views, 1).flatten(0, 1), data.y[chosen].repeat_interleave(2)
print("labels:", y.tolist())

# %%
sample = torch.tensor([0, 0, 1, 1, 2, 2])
six = icon.supervisory.Batch(index=sample, x=x.flatten(1).double(), y=y, dtype=torch.float64)
p = {
    "the pixels (SNE)": icon.supervisory.Gaussian(perplexity=2.0)(six),
    "the views (SimCLR)": icon.supervisory.PositivePairs()(six),
    "the classes (SupCon)": icon.supervisory.SameClass()(six),
}

# %%
def show(figure, alt):
    """A figure, with words for those who cannot see it."""
    figure.savefig(png := io.BytesIO(), dpi=80)
    plt.close(figure)
    data = base64.b64encode(png.getvalue()).decode()
    display({"text/plain": alt, "image/png": data, "text/html": image(png.getvalue(), alt)}, raw=True)

# %%
figure = plt.figure(figsize=(9, 3.6))
for k, picture in enumerate(x):
    ax = figure.add_axes([0.06 + 0.155 * k, 0.72, 0.12, 0.26])
    ax.imshow(picture[0], cmap="gray")
    ax.set(xticks=[], yticks=[], xlabel=f"{k}: view of a {y[k]}")
for k, (name, rows) in enumerate(p.items()):
    ax = figure.add_axes([0.06 + 0.32 * k, 0.08, 0.24, 0.46])
    ax.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    ax.set(title=name, xticks=range(6), yticks=range(6))
show(figure, "Six views of three digits, and for each of three p the matrix of neighbours as a heat map")

# %% [markdown]
# Row $i$ of a matrix is what $i$ thinks. *The views* put all the weight on the partner. *The classes* also connect the two different
# pictures of a nine. *The pixels* know of neither. Two pictures are neighbours when their bright spots overlap, and a digit that has moved
# overlaps with whatever stands there. In this draw only one row in six gives its partner most of the weight.
#
# None of the three is the truth about digits. One knows which picture it was, one knows what it is called, one knows where the ink is.
#
# ## The divergence by hand
#
# Put the six on a circle and compute $D(p\Vert q)$ by a double loop, next to the package.

# %%
angle = torch.tensor([0.0, 0.2, 2.0, 2.3, 2.6, 4.0], dtype=torch.float64)
z = torch.stack([angle.cos(), angle.sin()], 1)
log_q = icon.learned.Gaussian(temperature=0.5, distance="cosine")(z)


def double_loop(p):
    pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
    return sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6


for name, rows in p.items():
    entropy = float(-torch.xlogy(rows, rows).sum(1).mean())
    package = float(icon.divergences.kl(rows, log_q).mean())
    print(f"{name:22} loop {double_loop(rows):.6f}   package {package:.6f}   entropy of p {entropy:.3f}")

# %% [markdown]
# The three entropies differ, so the three losses have different floors. **You cannot compare losses across different $p$.** SimCLR's
# $p$ has entropy 0, so its divergence equals the published NT-Xent loss. SupCon's published loss is larger than the divergence by the
# entropy $\log(K_i - 1)$, which no embedding can change. And the loss of a classifier is a divergence too: its candidates are classes
# instead of pictures.

# %%
prototypes = torch.randn(10, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
logits = z @ prototypes.T
batch = icon.supervisory.Batch(index=sample, y=y, n_classes=10, dtype=torch.float64)
ours = float(icon.divergences.kl(icon.supervisory.Label()(batch), logits.log_softmax(1)).mean())
print(f"divergence {ours:.6f}, torch's cross_entropy {torch.nn.functional.cross_entropy(logits, y):.6f}")

# %% [markdown]
# **Predict.** Train the same network three times on distorted pictures of moving digits, once for each $p$. The raw pixels have a kNN
# accuracy of 0.4, and so has the untrained network. Which of the three will be above that, and will one end *below* it?
#
# ## Run

# %%
network = {"dataset": "moving_digits", "backbone": "smallcnn", "embedding_dim": 32, "batch_size": 64}
same_q = {"epochs": 8, "distance": "cosine", "temperature": 0.5, "augment": "affine"}
base = icon.Config(**network, **same_q)
trio = icon.sweep(base, method=["sne", "simclr", "supcon"], progress=False)
trio.animate(max_points=80, point_size=5, max_frames=20)

# %%
trio.table(baselines=True)

# %% [markdown]
# All three networks saw the same distorted pictures, and the three losses all fell. SNE did what it was asked: it put pictures with
# similar pixels side by side, and it ends *below* the untrained network, because similar pixels mean "in the same place" here. SimCLR was
# told that a moved digit is still the same picture, and finds classes without having heard of them. SupCon was told the classes.
#
# ## p, or what the network is shown?
#
# SimCLR differs from SNE in two ways: in $p$, and in the distortion of its inputs. To say which of the two matters, change one at a
# time. First on moving digits, with the kNN accuracy before training and after it:

# %% [markdown] tags=["claim"]
# | p | size | epochs | kNN accuracy untrained, as they are | kNN accuracy untrained, distorted | kNN accuracy trained, as they are | kNN accuracy trained, distorted |
# |---|---|---|---|---|---|---|
# | neighbours of the pixels | 3 dimensions | 10 epochs | 0.13 ± 0.03 | 0.13 ± 0.03 | 0.10 ± 0.01 | 0.12 ± 0.01 |
# | neighbours of the pixels | 3 dimensions | 60 epochs | 0.13 ± 0.03 | 0.13 ± 0.03 | 0.09 ± 0.01 | 0.13 ± 0.01 |
# | neighbours of the pixels | 128 dimensions | 10 epochs | 0.42 ± 0.03 | 0.42 ± 0.03 | 0.13 ± 0.01 | 0.17 ± 0.02 |
# | neighbours of the pixels | 128 dimensions | 60 epochs | 0.42 ± 0.03 | 0.42 ± 0.03 | 0.11 ± 0.01 | 0.13 ± 0.03 |
# | the other view | 3 dimensions | 10 epochs | 0.13 ± 0.03 | 0.13 ± 0.03 | 0.25 ± 0.06 | 0.45 ± 0.08 |
# | the other view | 3 dimensions | 60 epochs | 0.13 ± 0.03 | 0.13 ± 0.03 | 0.26 ± 0.06 | 0.57 ± 0.10 |
# | the other view | 128 dimensions | 10 epochs | 0.42 ± 0.03 | 0.42 ± 0.03 | 0.51 ± 0.08 | 0.73 ± 0.04 |
# | the other view | 128 dimensions | 60 epochs | 0.42 ± 0.03 | 0.42 ± 0.03 | 0.44 ± 0.06 | 0.87 ± 0.02 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims p_on_moving_digits`.

# %% [markdown]
# Here $p$ decides, at both sizes and both lengths. Distorted inputs do not help SNE, since its $p$ is wrong about these digits. In 128
# dimensions it loses what the untrained network knew; in three there was nothing to lose, since 0.1 is chance. With the views as $p$ and
# distorted inputs the accuracy grows with the width and with the epochs, up to 0.87.
#
# And the views without distortion? "Only you are my neighbour" at least spreads the pictures out, and that helps at first: 0.51 against 0.42
# after ten epochs. After 60 most of this gain is gone, and one seed of five is below its untrained network. Two equal views teach little.
#
# Now on the plain digits, which stand upright in the middle of eight by eight pixels. The *kNN accuracy* asks about digits as they are. *Shifted*
# asks whether a digit, moved by one pixel, is found among the unmoved ones.

# %% [markdown] tags=["claim"]
# | p | size | epochs | kNN accuracy, as they are | kNN accuracy, distorted | shifted, as they are | shifted, distorted |
# |---|---|---|---|---|---|---|
# | neighbours of the pixels | 3 dimensions | 10 epochs | 0.78 ± 0.05 | 0.73 ± 0.04 | 0.29 ± 0.05 | 0.58 ± 0.12 |
# | neighbours of the pixels | 3 dimensions | 60 epochs | 0.84 ± 0.01 | 0.87 ± 0.01 | 0.39 ± 0.05 | 0.83 ± 0.02 |
# | neighbours of the pixels | 128 dimensions | 10 epochs | 0.96 ± 0.00 | 0.93 ± 0.01 | 0.43 ± 0.02 | 0.85 ± 0.02 |
# | neighbours of the pixels | 128 dimensions | 60 epochs | 0.96 ± 0.00 | 0.96 ± 0.00 | 0.46 ± 0.01 | 0.96 ± 0.01 |
# | the other view | 3 dimensions | 10 epochs | 0.62 ± 0.03 | 0.66 ± 0.03 | 0.20 ± 0.06 | 0.64 ± 0.03 |
# | the other view | 3 dimensions | 60 epochs | 0.66 ± 0.03 | 0.72 ± 0.03 | 0.20 ± 0.03 | 0.75 ± 0.02 |
# | the other view | 128 dimensions | 10 epochs | 0.96 ± 0.00 | 0.91 ± 0.00 | 0.42 ± 0.07 | 0.89 ± 0.01 |
# | the other view | 128 dimensions | 60 epochs | 0.93 ± 0.00 | 0.94 ± 0.00 | 0.44 ± 0.04 | 0.95 ± 0.00 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims p_or_augmentation`.

# %% [markdown]
# Here it is the other way round. Distorting the inputs makes the network blind to a shift *with either $p$*. With SNE's unchanged $p$ the
# accuracy on shifted digits rises as far as with SimCLR's. It rises because SNE's target stays that of the undistorted digits: the network
# is asked to put a moved digit where its original belongs.
#
# So "SimCLR is robust because of its $p$" is true on moving digits and false on centred ones. Where the pixels are a good guide, they
# may choose $p$. Where they are not, something else must.
#
# ## How strong should the distortion be?

# %%
from icon_nb.evaluate import knn_accuracy

digits = icon.data.load("digits")
shifted = torch.roll(digits.x_test, 1, dims=-1)


def found_again(run):
    bank = {"bank": run.embed(digits.x_test), "bank_labels": digits.y_test}
    return knn_accuracy(run.embed(shifted), digits.y_test, **bank)

# %%
centred = icon.Config(dataset="digits", method="simclr", augment="affine", quiet=True, probe=False)
strengths = icon.sweep(centred, augment_strength=[0.1, 0.3, 1.0], progress=False)
moved = [found_again(run) for run in strengths]
for run, value in zip(strengths, moved):
    loss = run.history["loss"][-1]
    print(f"strength {run.config.augment_strength:3}: loss {loss:.2f}, accuracy on shifted digits {value:.2f}")

# %% [markdown]
# The loss rises with the strength, since views become harder to match, and the accuracy rises with it. A low loss says that $q$ fits
# $p$. It cannot say whether $p$ was worth fitting.
#
# ## The failure: a label that says too little
#
# Labels are not free of this. Suppose they only say "0 to 4" or "5 to 9". Train on these two classes, and then ask for the ten digits.

# %%
import dataclasses

coarser = {"y": digits.y // 5, "y_test": digits.y_test // 5, "class_names": ("0-4", "5-9")}
halves = dataclasses.replace(digits, name="two halves", **coarser)
narrow = {"data": halves, "embedding_dim": 3, "distance": "cosine", "temperature": 0.5, "quiet": True}
forgetful = {method: icon.run(method=method, **narrow) for method in ("simclr", "supcon")}
fine = {method: knn_accuracy(run.embeddings, digits.y_test) for method, run in forgetful.items()}
for method, run in forgetful.items():
    told = run.history["knn_accuracy"][-1]
    print(f"{method:7} the two classes it was told {told:.2f}, the ten digits {fine[method]:.2f}")

# %%
from icon_nb.animation import side_by_side

titles = ["SimCLR", "SupCon, two classes"]
look = {"max_points": 100, "point_size": 5, "max_frames": 20}
side_by_side([run.trajectory for run in forgetful.values()], titles, turn=0, **look)

# %% [markdown]
# In three dimensions SupCon is better at what it was told and worse at what it was not. Its $p$ calls a four and a zero neighbours, and
# on a small sphere they end up in one spot. Is this the price of every label? Five seeds, two sizes, two lengths of training:

# %% [markdown] tags=["claim"]
# | method | size | ten digits, 10 epochs | ten digits, 60 epochs |
# |---|---|---|---|
# | simclr | 3 dimensions | 0.66 ± 0.03 | 0.72 ± 0.03 |
# | simclr | 128 dimensions | 0.91 ± 0.00 | 0.94 ± 0.00 |
# | supcon | 3 dimensions | 0.39 ± 0.09 | 0.32 ± 0.04 |
# | supcon | 128 dimensions | 0.93 ± 0.01 | 0.91 ± 0.02 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims coarse_labels`.

# %% [markdown]
# It is a price of *narrow* embeddings and of long training. In 128 dimensions there is room to keep what the label does not mention, and
# most of it is kept, although nobody asked for it. The label does not erase the rest; the lack of room does.
#
# ## Recap
#
# - $p$ is the supervision of every method in this course, and an unsupervised method has one too. To choose an augmentation is to label
#   pairs.
# - The augmentation acts in two places: it makes SimCLR's $p$, and it makes the inputs. Only an experiment that changes one of them at a
#   time tells you which one helped.
# - Losses of different $p$ have different floors, so compare embeddings instead.
# - What a label does not mention is lost where there is no room for it.
#
# ## Misconceptions
#
# - *"Unsupervised methods use no supervision."* They use pairs, and somebody chose the pairs.
# - *"SNE cannot be robust to shifts."* Its published form is not. With distorted inputs and the same $p$ it is.
# - *"Supervised is better."* It is better at those labels.
# - *"The lower loss wins."* Only between runs that share $p$ and the candidates.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Modify.* Give SNE a perplexity of 5 on moving digits. Do fewer neighbours make better ones?
# 2. ★★ *Derive.* With one-hot $p$ and two views, show that the mean divergence equals the NT-Xent loss
#    $-\frac1{2n}\sum_i \log \frac{e^{\cos(z_i,z_{i^+})/\tau}}{\sum_{k\ne i} e^{\cos(z_i,z_k)/\tau}}$, and check it on the six views.
# 3. ★★★ *Predict, then run.* SupCon's published loss differs from the divergence by the mean of $\log(K_i - 1)$. When does that depend on
#    the batch?

# %% tags=["solution"]
few = icon.run(trio[0].config.replace(perplexity=5.0), quiet=True, probe=False)
thirty, five = (run.history["knn_accuracy"][-1] for run in (trio[0], few))
print(f"perplexity 30: {thirty:.2f}, perplexity 5: {five:.2f}")
# fewer neighbours among the pixels are still neighbours among the pixels
assert few.history["knn_accuracy"][-1] < trio[1].history["knn_accuracy"][-1] - 0.2

# %% tags=["solution"]
cosines = (z @ z.T / 0.5).fill_diagonal_(-math.inf)
partner = torch.tensor([1, 0, 3, 2, 5, 4])
nt_xent = torch.nn.functional.cross_entropy(cosines, partner)
assert abs(nt_xent - icon.divergences.kl(p["the views (SimCLR)"], log_q).mean()) < 1e-9

# %% tags=["solution"]
uneven = torch.tensor([0, 0, 0, 0, 1, 1])
batch_of_six = icon.supervisory.Batch(index=torch.arange(6), y=uneven, dtype=torch.float64)
rows = icon.supervisory.SameClass()(batch_of_six)
entropy = -torch.xlogy(rows, rows).sum(1)
# log 3 four times and 0 twice: a batch with other class counts has another constant
print(entropy)
assert abs(float(entropy.mean()) - 4 / 6 * math.log(3)) < 1e-12

# %% [markdown]
# ## Questions
#
# 1. Why may the loss of SNE not be compared with that of SimCLR, although both are mean divergences in nats?
# 2. SimCLR's $p$ calls two different pictures of a six strangers. Why do sixes still end up together?
# 3. On moving digits SNE ends below the untrained network. What exactly has it learned?
# 4. What would SimCLR learn if every view were turned by any angle, and on which digits would you see it?
# 5. You want one embedding for tasks that you do not know yet. Which $p$ would you choose, and what size would you give the
#    embedding?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("who_chooses_p", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. Each loss can only fall to a floor that its own $p$ sets, and the floors differ.
# 2. One network makes all embeddings. It cannot pull every six towards its own views without treating sixes alike.
# 3. Where the ink is. Its neighbourhood preservation is the highest of the three, as its $p$ asks.
# 4. It would become blind to angles, and confuse sixes with nines.
# 5. Views whose distortions are harmless for all tasks you can imagine, and a wide embedding, which keeps what nobody asked about.

# %% [markdown]
# **Next:** [03, the temperature](03_temperature.ipynb). **Recipes covered here:** `simclr_vs_sne`, `supervised_vs_unsupervised`; notebook 07
# has `augmentation_ablation`.
#
# *Glossary:* [candidates](glossary.md#candidates), [positive pair](glossary.md#positive-pair), [views](glossary.md#views),
# [augmentation](glossary.md#augmentation), [entropy of p](glossary.md#entropy-of-p).
#
# *Papers:* [Hinton & Roweis 2002, Stochastic Neighbor Embedding](https://papers.nips.cc/paper/2276-stochastic-neighbor-embedding);
# [Chen et al. 2020, SimCLR](https://arxiv.org/abs/2002.05709); [Khosla et al. 2020, SupCon](https://arxiv.org/abs/2004.11362);
# [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929).
