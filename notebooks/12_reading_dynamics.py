# %% [markdown]
# # 12. Reading dynamics: healthy, collapsed, oscillating, diverged, slow

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** You can tell most failures of training from a few quantities of the moving points, and none of them needs a label: how spread
# out the points are, in how many dimensions, and how far and in which direction they step. Here each failure is provoked, recognised and
# mended.
#
# **You will be able to** read a verdict and check the numbers behind it, tell a plateau from an oscillation, and see a collapse that the loss
# hides. **Before this:** [01, I-Con from scratch](01_icon_from_scratch.ipynb). **Time:** 50 minutes of reading, about half a minute on two CPU
# cores.

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
# The loss goes down. Is it learning? The loss is flat. Is it broken?
#
# | verdict | what you see | what is measured |
# |---|---|---|
# | healthy | points find their places, then rest | the loss fell and levelled off, the variance stays |
# | collapsed | all points are one | the variance is near 0 |
# | dimensional collapse | a high-dimensional embedding lies on a line or a plane | few dimensions hold the variance |
# | oscillating | points jump to and fro | steps are large, successive steps opposed |
# | diverged | points fly off | the loss is above its beginning, or NaN |
# | still learning, plateau | too short, or long enough | share of the gain in the last fifth, or in the last epoch of a short run |
#
# `results.diagnosis` gives the verdict with its evidence. Here you look behind it, with $p$ = Gaussian neighbours, $q$ = Gaussian, and free
# points: plain SNE, in a training loop of our own.
#
# ## Six points by hand
#
# The quantities are simple enough for six points that step from one frame to the next.

# %%
import numpy as np
import torch

from icon_nb import dynamics

still = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [0.7, 0.7], [-0.7, -0.7]])
line = np.c_[still[:, :1], np.zeros(6)]
for name, z in (("spread out", still), ("on a line", line)):
    eigenvalues = np.linalg.eigvalsh(np.cov(z.T, bias=True)).clip(0)
    shares = eigenvalues / eigenvalues.sum()
    by_hand = np.exp(-sum(share * np.log(share) for share in shares if share > 1e-12))
    print(f"{name}: entropy of the variances, as a number of dimensions: {by_hand:.2f}")

# %% [markdown]
# That number is an *effective rank*. Roy & Vetterli (2007) and `dynamics.effective_rank` take the entropy of the singular values, which counts
# faint directions more; here it is that of the variances. Two successive steps of a point are opposed when their cosine is negative:

# %%
there_and_back = np.stack([still, still + 0.5, still, still + 0.5])
onwards = np.stack([still + 0.5 * k for k in range(4)])
for name, frames in (("to and fro", there_and_back), ("onwards", onwards)):
    steps = np.diff(frames, axis=0)
    lengths = np.linalg.norm(steps, axis=2)
    cosines = (steps[1:] * steps[:-1]).sum(2) / (lengths[1:] * lengths[:-1])
    print(f"{name}: mean cosine of successive steps {cosines.mean():+.1f}")

# %% [markdown]
# ## A loop to break
#
# Take 300 digits, SNE's loss, and a rule for the step that we may choose badly. `Recorder` keeps the frames and `diagnose` reads them.

# %%
data = icon.data.load("digits")
x, y = data.flat(data.x[:300]).double(), data.y[:300]
batch = icon.supervisory.Batch(index=torch.arange(300), x=x, dtype=torch.float64)
p = icon.supervisory.Gaussian(perplexity=20.0)(batch)


def sne(z):
    return icon.divergences.kl(p, icon.learned.Gaussian()(z)).mean()

# %%
def train(step, objective=sne, steps=40, seed=0, title=""):
    recorder = icon.Recorder(y, title=title)
    z = 3 * torch.randn(300, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for _ in range(steps + 1):
        z = z.detach().requires_grad_()
        loss = objective(z)
        (gradient,) = torch.autograd.grad(loss, z)
        recorder.record(z, loss=loss.item())
        z = step(z, gradient)
    return recorder

# %% [markdown]
# **Predict.** Here are four rules: a gradient step of 20; of 110; a step of fixed length 1 in the direction of the sign of the gradient; and a
# gradient step of 20 on the attraction alone, four hundred times, $\sum_{ij} p_{ij} \lVert z_i - z_j\rVert^2$. Which verdict belongs to which?

# %%
def attraction(z):
    return (p * torch.cdist(z, z).square()).sum(1).mean()


runs = {
    "step 20": train(lambda z, g: z - 20 * g, title="step 20"),
    "step 110": train(lambda z, g: z - 110 * g, title="step 110"),
    "sign, 1.0": train(lambda z, g: z - g.sign(), title="sign, 1.0"),
    "attraction": train(lambda z, g: z - 20 * g, attraction, steps=400, title="attraction"),
}
verdicts = {name: dynamics.diagnose(run.trajectory) for name, run in runs.items()}

# %%
for name, found in verdicts.items():
    print(f"{name:10} {found.verdict:12} {found}")

# %% [markdown]
# The recorder knows the digits, so the package also looks at the kNN accuracy. Do the verdicts need it? Take the labels away:

# %%
from dataclasses import replace

blind = {name: dynamics.diagnose(replace(run.trajectory, labels=None)).verdict for name, run in runs.items()}
print(blind)

# %% [markdown]
# The three failures are found all the same. Only *healthy* becomes *plateau*: the loss stopped falling early, and without labels the package
# cannot see that the neighbours of a digit still improved.
#
# ### Healthy

# %%
runs["step 20"].animate(overlay="curves", max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# Large steps come first, then smaller and smaller ones. The points sort themselves and come to rest. The loss falls by more than an order of
# magnitude, and flattens because there is little left to gain and not because the points are stuck.
#
# ### Oscillating

# %%
runs["sign, 1.0"].animate(max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# This shows every *third* frame. Every second one would have hidden everything, because the points come back after two steps.
#
# The loss fell here, too, and then stays flat: from the curve alone this could be a plateau. The picture shows that nothing is at rest. Every
# step has the same length however small the gradient, so a point that is nearly right is thrown to the other side. The cosine of successive steps
# tells the two flat curves apart:

# %%
def opposed(run):
    steps = np.diff(run.trajectory.embeddings[20:], axis=0)
    lengths = np.linalg.norm(steps, axis=2)
    cosines = (steps[1:] * steps[:-1]).sum(2) / (lengths[1:] * lengths[:-1] + 1e-12)
    return float(np.median(cosines))


turning = {name: opposed(runs[name]) for name in ("step 20", "sign, 1.0")}
print({name: round(cosine, 3) for name, cosine in turning.items()})

# %% [markdown]
# A shorter step mends it. Rules that ignore the size of the gradient, and Adam is close to one, need a rate that shrinks or is small.

# %%
mended = train(lambda z, g: z - 0.3 * g.sign(), title="sign, 0.3")
print(dynamics.diagnose(mended.trajectory))

# %% [markdown]
# ### Collapsed
#
# The attraction alone has a perfect solution: everything in one point. Its loss falls all the way to zero, as smooth a curve as you could wish
# for.

# %%
runs["attraction"].animate(overlay="curves", max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# The shared axes show a dot. Look at the shape on its way down instead, with axes that follow the cloud:

# %%
import base64
import io

import matplotlib.pyplot as plt
from IPython.display import display

from icon_nb.animation.display import image

figure, axes = plt.subplots(1, 4, figsize=(9, 2.6))
for ax, k in zip(axes, (0, 10, 30, 80)):
    ax.scatter(*runs["attraction"].trajectory.embeddings[k].T, c=y, cmap="tab10", s=6)
    ax.set(title=f"step {5 * k}", xticks=[], yticks=[])
figure.savefig(png := io.BytesIO(), dpi=80)
plt.close(figure)

# %%
alt = "Four clouds: a mist at the start, and later arms of single digits around a middle that others share"
data_64 = base64.b64encode(png.getvalue()).decode()
display({"text/plain": alt, "text/html": image(png.getvalue(), alt), "image/png": data_64}, raw=True)

# %% [markdown]
# Each step multiplies the points by $1 - 2s\,L$, where $L$ is the Laplacian of the graph $p$. Directions with large eigenvalues die first. What
# is left before the end is made of the smoothest eigenvectors of the graph: a *Laplacian eigenmap* (Belkin & Niyogi 2003), and a beautiful
# one. Collapse and spectral embedding are the same descent, except that the second keeps the scale fixed.
#
# Anything that pushes points apart mends it: the normaliser of $q$ (SNE, InfoNCE, MoCo) or a variance term (VICReg). Here is what is left of the
# spread:

# %%
def deviation(run, frame):
    return float(run.trajectory.embeddings[frame].std(axis=0).mean())


spread = {name: (deviation(run, 0), deviation(run, -1)) for name, run in runs.items() if name != "step 110"}
for name, (first, last) in spread.items():
    print(f"{name:10} {first:.3f} -> {last:.4f}")

# %% [markdown]
# ### Diverged
#
# With a step of 110 the loss falls at first like that of the healthy run. Then some points overshoot so far that the next gradient is
# larger than the one before, and from there it only gets worse. Every fifth loss:

# %%
print([f"{loss:.3g}" for loss in runs["step 110"].trajectory.metrics["loss"][::5]])

# %% [markdown]
# A loss that is infinite or NaN is an error in `icon.run`, which names the epoch and the batch and keeps the last good weights.

# %%
try:
    icon.run(dataset="digits", method="cross_entropy", optimizer="sgd", learning_rate=50.0, quiet=True)
except icon.IconError as error:
    print(error)
    broken = error.results

# %% [markdown]
# ### Dimensional collapse
#
# Train a network with a learning rate of 0.3. The loss falls in the end and the points are spread out, but of 128 dimensions one or two carry
# nearly all of the variance. (The effective rank below, which counts faint directions too, is about four.)

# %%
flat = icon.run(dataset="digits", method="simclr", learning_rate=0.3, epochs=6, gif_max_points=150)
flat

# %%
fine = icon.run(dataset="digits", method="simclr", epochs=6, quiet=True)
ranks = [dynamics.effective_rank(run.embeddings) for run in (flat, fine)]
print(f"effective rank {ranks[0]:.1f}, with the default learning rate {ranks[1]:.1f}")

# %% [markdown]
# The picture looks harmless, because two dimensions are all it can show. Look at the share of variance that the caption of a PCA picture
# states. No label was needed to see this; the labels only confirm it:

# %%
print("kNN accuracy", flat.history["knn_accuracy"][-1], "and", fine.history["knn_accuracy"][-1])

# %% [markdown]
# ### Slow
#
# Too small a step, or too few of them.

# %%
early = icon.run(dataset="digits", method="supcon", embedding_dim=3, learning_rate=1e-4, epochs=4, quiet=True)
longer = icon.run(dataset="digits", method="supcon", embedding_dim=3, learning_rate=1e-3, epochs=8, quiet=True)
print(early.diagnosis)
slow, quick = (run.history["knn_accuracy"][-1] for run in (early, longer))
print(f"kNN accuracy {slow:.2f}, at ten times the rate, twice as long {quick:.2f}")

# %% [markdown]
# ## Turn one knob: the step
#
# One method, one seed, four steps, from slow to broken:

# %%
ladder = {}
for size in (1, 5, 60, 110):
    ladder[size] = dynamics.diagnose(train(lambda z, g, size=size: z - size * g).trajectory).verdict
print(ladder)

# %% [markdown]
# With a step of 1 the points have hardly moved, and neighbours share a digit no more often than at the start. This verdict comes from the labels;
# without them it would be *still learning*. Between a step that is still too short (5)
# and one that breaks the training (110) lies a factor of about twenty, and the last step before the end is the quickest. From other starts the step
# of 60 is called *healthy* instead of *plateau*, and a step of 100 breaks the training or just fails to. That is why people search
# rates in powers of two or three, from below.
#
# ## Recap
#
# - Spread, dimensions, and the length and direction of steps tell most failures apart, without labels.
# - A flat loss may be rest, oscillation or collapse. Look at the points.
# - Collapse passes through the smoothest eigenvectors of the graph.
# - Every verdict has numbers behind it. Read them before you believe the word.
#
# ## Misconceptions
#
# - *"The loss levelled off, so it has converged."* Points can jump to and fro at a constant loss.
# - *"97 % of the variance on two axes is a good picture."* In 128 dimensions it is a collapse.
# - *"A diagnosis replaces a baseline."* A healthy run can still be worse than the untrained network.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Predict, then run.* Average each sign step with the one before (momentum 0.5). Does it still oscillate?
# 2. ★★ *Modify.* Mend the collapse: add $-\log$ of the variance to the attraction. Which verdict comes out?
# 3. ★★ *Derive.* Gradient descent on a quadratic with curvature $\lambda$ and step $s$: for which $s$ does it converge, oscillate, diverge?

# %% tags=["solution"]
class Averaged:
    before = 0

    def __call__(self, z, gradient):
        self.before = 0.5 * self.before + 0.5 * gradient.sign()
        return z - self.before


averaged = train(Averaged())
print(dynamics.diagnose(averaged.trajectory).verdict, round(opposed(averaged), 2))
# no: a point that is thrown to and fro has opposite signs in turn, and their mean is small
assert not dynamics.diagnose(averaged.trajectory).failed and opposed(averaged) > turning["sign, 1.0"] + 0.5

# %% tags=["solution"]
pushed = train(lambda z, g: z - 0.5 * g, lambda z: attraction(z) - 4 * z.var(0).log().sum())
print(dynamics.diagnose(pushed.trajectory))
assert dynamics.diagnose(pushed.trajectory).verdict != "collapsed"

# %% tags=["solution"]
# with curvature 1 the error is multiplied by 1 - s:
# it shrinks; changes sign and shrinks; changes sign and grows
for s in (0.5, 1.5, 2.5):
    error = [1.0]
    for _ in range(5):
        error.append(error[-1] * (1 - s))
    print(s, [round(e, 2) for e in error])
assert abs(error[-1]) > 1

# %% [markdown]
# ## Questions
#
# 1. Two loss curves are flat at the same height. How do you find out which run is at rest?
# 2. Why is the variance of the points, and not the loss, the witness of a collapse?
# 3. A PCA picture states 97 % of the variance on two axes, in 128 dimensions. Is this good news?
# 4. Which of the verdicts in the table needs labels?
# 5. Why should a diagnosis be free of scale?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("reading_dynamics", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. By the length of the steps and the cosine of successive ones.
# 2. The loss of an objective without repulsion is smallest exactly there.
# 3. No: the embedding uses two of its dimensions.
# 4. None, although labels make *healthy* and *plateau* easier to tell apart. You need labels to say whether the map shows what you wanted.
# 5. Free points can be multiplied by any number with the temperature, and the training is the same.

# %% [markdown]
# **Next:** [13, your data, your loop](13_your_data_your_loop.ipynb).
#
# *Glossary:* [collapse](glossary.md#collapse), [trajectory](glossary.md#trajectory),
# [effective rank](glossary.md#effective-rank).
#
# *Papers:* [Belkin & Niyogi 2003, Laplacian eigenmaps](https://doi.org/10.1162/089976603321780317);
# [Wang & Isola 2020, Alignment and uniformity](https://arxiv.org/abs/2005.10242); [Bardes et al. 2022, VICReg](https://arxiv.org/abs/2105.04906);
# Roy & Vetterli 2007, The effective rank; [Jing et al. 2022, Dimensional collapse](https://arxiv.org/abs/2110.09348).
