# %% [markdown]
# # 04. Kernels: light tails, heavy tails

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** The step from SNE to t-SNE is one line: the kernel of $q$ gets a heavy tail. In a map of two dimensions this lets moderately
# distant points lie far apart at little cost, which makes room inside. How heavy should the tail be? And when the same line is credited with
# the gain of t-SimCLR, is it the tail that helps, or the distance that came with it?
#
# **You will be able to** draw the two kernels and their forces, say what the white gaps of a t-SNE map mean, and separate a kernel from its
# distance. **Before this:** [01, I-Con from scratch](01_icon_from_scratch.ipynb). **Time:** 45 minutes of reading, about half a minute on two
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
# In 64 dimensions a point can have many neighbours that are all equally far from each other. In two dimensions it cannot: three points fit, a
# fourth does not. What should a map do with the rest?
#
# | | $p(j\,\vert\,i)$ | $q(j\,\vert\,i)$, $d = \lVert z_i - z_j\rVert^2$ | backbone |
# |---|---|---|---|
# | SNE | Gaussian on the data, by perplexity | $\propto e^{-d/\tau}$ | free points |
# | t-SNE, conditional form | the same | $\propto (1 + d/\nu\tau)^{-(\nu+1)/2}$, $\nu = 1$ | free points |
#
# The *published* t-SNE (van der Maaten & Hinton 2008) has this kernel too, but it is one divergence over all pairs with a symmetrised $p$, and
# not the mean of one divergence per point. The package has both: `tsne` is the published one, `tsne_conditional` the row-wise one
# that I-Con calls t-SNE. This page compares kernels, so everything is row-wise.
#
# ## See it: two kernels and their forces
#
# The gradient with respect to the logits is $q - p$ for every kernel. The chain rule multiplies it by the slope of the log-kernel:
#
# $$-\frac{\partial \log k}{\partial d} = \frac1\tau \;\text{ (Gaussian)}, \qquad \frac{\nu + 1}{2}\,\frac{1}{\nu\tau + d} \;\text{ (Student-t)}$$

# %%
import base64
import io

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from icon_nb.animation.display import image

gaussian, cauchy = icon.learned.Gaussian(), icon.learned.StudentT(df=1.0)
kernels = {"Gaussian": gaussian, "Student-t, df 5": icon.learned.StudentT(df=5.0), "Student-t, df 1": cauchy}

# %%
def show(figure, alt):
    """A figure, with words for those who cannot see it."""
    figure.savefig(png := io.BytesIO(), dpi=80)
    plt.close(figure)
    data = base64.b64encode(png.getvalue()).decode()
    display({"text/plain": alt, "image/png": data, "text/html": image(png.getvalue(), alt)}, raw=True)

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for name, kernel in kernels.items():
    d = torch.linspace(0, 16, 200, dtype=torch.float64, requires_grad=True)
    value = kernel.log_kernel(d)
    (slope,) = torch.autograd.grad(value.sum(), d)
    axes[0].plot(d.detach(), value.detach().exp(), label=name)
    axes[1].plot(d.detach(), -slope)
axes[0].set(title="kernel", xlabel="squared distance", yscale="log", ylim=(1e-4, 1.2))
axes[1].set(title="slope of the log-kernel: how hard it pulls", xlabel="squared distance")
axes[0].legend()
show(figure, "Left: three kernels over the squared distance; right: the slope of their logarithms")

# %% [markdown]
# The Gaussian falls to nothing and pulls a torn-off neighbour back with the same slope at any distance. Student-t has a tail that falls like
# $1/d$, and lets go of a neighbour as $1/d$. With a heavy tail it is cheap to be wrong about moderately distant points.
#
# ## Six points by hand
#
# A point looks along a line at six others, at growing distance.

# %%
distance = torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0, 16.0], dtype=torch.float64)  # squared


def shares(log_kernel):
    return log_kernel(distance).softmax(0)

# %% tags=["nbval-check-output"]
print("squared distance " + "".join(f"{d:8.1f}" for d in distance.tolist()))
print("Gaussian q       " + "".join(f"{v:8.4f}" for v in shares(gaussian.log_kernel).tolist()))
print("Student-t q      " + "".join(f"{v:8.4f}" for v in shares(cauchy.log_kernel).tolist()))

# %% [markdown]
# The Gaussian gives the point at squared distance 16 less than a millionth. The Cauchy kernel ($\nu = 1$) gives it some three per cent.
#
# Here is the loss of one row, with a $p$ that is uniform over the first three, by a loop and from the package:

# %%
p = torch.tensor([1, 1, 1, 0, 0, 0], dtype=torch.float64) / 3
losses = {}
for name, kernel in (("Gaussian", gaussian), ("Student-t", cauchy)):
    log_q = kernel.log_kernel(distance).log_softmax(0)
    losses[name] = sum(float(p[j] * (p[j].log() - log_q[j])) for j in range(3))
    assert abs(losses[name] - float(icon.divergences.kl(p[None], log_q[None]))) < 1e-12
print({name: round(value, 3) for name, value in losses.items()})

# %% [markdown]
# As $\nu$ grows, Student-t becomes Gaussian, with a factor of two that you have to know of:
# $(1 + d/\nu\tau)^{-(\nu+1)/2} \to e^{-d/2\tau}$.

# %%
for df in (1.0, 10.0, 100.0, 1e6):
    student, limit = icon.learned.StudentT(df=df), icon.learned.Gaussian(temperature=2.0)
    gap = (shares(student.log_kernel) - shares(limit.log_kernel)).abs().max()
    print(f"df {df:9.0f}: largest difference from the Gaussian with temperature 2: {gap:.6f}")

# %% [markdown]
# **Predict.** Draw three maps of the same 400 digits: Gaussian, $\nu = 5$, $\nu = 1$. In which do the classes stand apart? In which is the
# kNN accuracy best? Which will show you reliably how *far* two clumps are from one another?

# %%
# plain descent from one start, the same for all three
steps = {"init": "pca", "optimizer": "sgd", "learning_rate": 50.0}
maps = icon.run_recipe("kernel_comparison", n_samples=400, **steps)
maps.animate(max_points=80, point_size=5, max_frames=20)

# %% [markdown]
# All three start from the same two principal components, shrunk to a dot, and have the same $p$. The Gaussian map fills a disc, and groups
# touch or run into each other. With a heavier tail the groups contract and white space opens between them.
#
# The picture does not show how far apart the digits *are*. The kernel makes the white gaps. Under a heavy tail the loss hardly depends on how
# wide a gap is.

# %%
maps.table(baselines=True)

# %% [markdown]
# The note below the table is cautious: where $q$ differs, what is minimised differs. But $p$ and the data are the same here, so each loss says
# in nats how far the map's $q$ is from the same $p$, and these losses may be compared.
#
# Is the heaviest tail the best, then? Here are five draws of 400 digits each, two tails that are heavier still, and more dimensions. An epoch of
# such a map is one step on all points, so 60 epochs are a short training:

# %% [markdown] tags=["claim"]
# | size | kernel | loss, 60 epochs | loss, 300 epochs | separability, 60 epochs | separability, 300 epochs | kNN accuracy, 60 epochs | kNN accuracy, 300 epochs |
# |---|---|---|---|---|---|---|---|
# | 2 dimensions | Gaussian | 1.03 ± 0.04 | 1.03 ± 0.04 | 0.31 ± 0.01 | 0.31 ± 0.01 | 0.88 ± 0.02 | 0.88 ± 0.03 |
# | 2 dimensions | Student-t, df 5 | 0.70 ± 0.01 | 0.65 ± 0.02 | 0.33 ± 0.03 | 0.36 ± 0.02 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 2 dimensions | Student-t, df 1 | 0.59 ± 0.01 | 0.49 ± 0.01 | 0.41 ± 0.04 | 0.44 ± 0.04 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 2 dimensions | Student-t, df 0.5 | 0.69 ± 0.01 | 0.57 ± 0.01 | 0.45 ± 0.04 | 0.48 ± 0.04 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 2 dimensions | Student-t, df 0.2 | 0.76 ± 0.01 | 0.65 ± 0.01 | 0.49 ± 0.05 | 0.52 ± 0.04 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 3 dimensions | Gaussian | 0.65 ± 0.03 | 0.64 ± 0.03 | 0.29 ± 0.01 | 0.30 ± 0.01 | 0.95 ± 0.01 | 0.95 ± 0.01 |
# | 3 dimensions | Student-t, df 5 | 0.39 ± 0.01 | 0.34 ± 0.01 | 0.30 ± 0.01 | 0.30 ± 0.01 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 3 dimensions | Student-t, df 1 | 0.49 ± 0.01 | 0.42 ± 0.01 | 0.44 ± 0.02 | 0.45 ± 0.01 | 0.97 ± 0.01 | 0.97 ± 0.01 |
# | 3 dimensions | Student-t, df 0.5 | 0.63 ± 0.01 | 0.53 ± 0.01 | 0.49 ± 0.02 | 0.50 ± 0.02 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 3 dimensions | Student-t, df 0.2 | 0.72 ± 0.01 | 0.62 ± 0.01 | 0.52 ± 0.02 | 0.53 ± 0.02 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 128 dimensions | Gaussian | 0.04 ± 0.00 | 0.01 ± 0.00 | 0.16 ± 0.01 | 0.14 ± 0.00 | 0.97 ± 0.01 | 0.97 ± 0.01 |
# | 128 dimensions | Student-t, df 5 | 0.10 ± 0.00 | 0.07 ± 0.00 | 0.26 ± 0.01 | 0.25 ± 0.01 | 0.97 ± 0.00 | 0.97 ± 0.01 |
# | 128 dimensions | Student-t, df 1 | 0.46 ± 0.01 | 0.41 ± 0.01 | 0.50 ± 0.02 | 0.50 ± 0.03 | 0.97 ± 0.01 | 0.97 ± 0.01 |
# | 128 dimensions | Student-t, df 0.5 | 0.61 ± 0.01 | 0.53 ± 0.01 | 0.54 ± 0.03 | 0.56 ± 0.03 | 0.96 ± 0.01 | 0.96 ± 0.01 |
# | 128 dimensions | Student-t, df 0.2 | 0.71 ± 0.01 | 0.62 ± 0.01 | 0.58 ± 0.03 | 0.58 ± 0.03 | 0.96 ± 0.01 | 0.96 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims tails`.

# %% [markdown]
# *Two dimensions.* No: the loss has a minimum near $\nu = 1$ and rises again for heavier tails, while the classes go on drifting apart. All four
# Student-t kernels have the same kNN accuracy.
#
# *More room.* In three dimensions $\nu = 5$ fits $p$ best. In 128 the Gaussian fits it almost perfectly, and the heavier the tail, the worse the
# fit. Longer training lowers the losses, and at each size the same tail stays the best.
#
# So a heavy tail makes room where room is missing, and $\nu = 1$ is a good choice for *this* $p$ in two dimensions. "The wider the gaps, the better
# the map" is not true at any size.
#
# ## The failure: a map of nothing
#
# A map can show gaps where the data have none. Here are 300 points of pure noise in 20 dimensions, with labels drawn by lot.

# %%
noise = torch.randn(300, 20, generator=torch.Generator().manual_seed(0))
lots = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(1))
nothing = icon.run(
    supervisory="gaussian", learned="student_t", backbone="table", embedding_dim=2, perplexity=4.0,
    data=(noise, lots), progress=False,
)
nothing.animate(title="a Student-t map of noise", max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# The map is grainy, with strings and clumps that invite a story. Yet nothing is there, and the labels cannot be read off. What makes the clumps:
# the heavy tail, or the small perplexity? Count how near points lie to their nearest neighbour, compared with points thrown at random into the
# same hull (below 1 is clumpy). All maps come by plain descent from the same kind of start:

# %% [markdown] tags=["claim"]
# | size | kernel | perplexity | nearest neighbour, 1 is random, 60 epochs | nearest neighbour, 1 is random, 300 epochs | neighbours kept, 60 epochs | neighbours kept, 300 epochs |
# |---|---|---|---|---|---|---|
# | 2 dimensions | Gaussian | 4 | 0.88 ± 0.03 | 0.88 ± 0.04 | 0.67 ± 0.01 | 0.68 ± 0.01 |
# | 2 dimensions | Gaussian | 10 | 0.93 ± 0.05 | 0.94 ± 0.03 | 0.67 ± 0.01 | 0.67 ± 0.02 |
# | 2 dimensions | Gaussian | 30 | 0.99 ± 0.02 | 1.00 ± 0.04 | 0.67 ± 0.01 | 0.67 ± 0.01 |
# | 2 dimensions | Student-t | 4 | 0.46 ± 0.02 | 0.54 ± 0.03 | 0.74 ± 0.01 | 0.74 ± 0.02 |
# | 2 dimensions | Student-t | 10 | 0.61 ± 0.02 | 0.72 ± 0.01 | 0.75 ± 0.01 | 0.77 ± 0.01 |
# | 2 dimensions | Student-t | 30 | 0.81 ± 0.04 | 0.90 ± 0.03 | 0.75 ± 0.01 | 0.80 ± 0.01 |
# | 3 dimensions | Gaussian | 4 | 0.92 ± 0.03 | 0.93 ± 0.03 | 0.74 ± 0.01 | 0.74 ± 0.01 |
# | 3 dimensions | Gaussian | 10 | 0.98 ± 0.01 | 1.00 ± 0.01 | 0.74 ± 0.01 | 0.74 ± 0.01 |
# | 3 dimensions | Gaussian | 30 | 1.04 ± 0.01 | 1.04 ± 0.02 | 0.75 ± 0.01 | 0.75 ± 0.01 |
# | 3 dimensions | Student-t | 4 | 0.35 ± 0.01 | 0.38 ± 0.02 | 0.76 ± 0.01 | 0.77 ± 0.01 |
# | 3 dimensions | Student-t | 10 | 0.51 ± 0.01 | 0.54 ± 0.02 | 0.78 ± 0.01 | 0.80 ± 0.01 |
# | 3 dimensions | Student-t | 30 | 0.74 ± 0.03 | 0.73 ± 0.02 | 0.81 ± 0.01 | 0.83 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims clumps_in_noise`.

# %% [markdown]
# Both together make them. With four neighbours a point knows nobody else, and the heavy tail lets little groups drift apart at little cost. Take
# the heavy tail away: the Gaussian map of the same $p$ is hardly clumpy. Take the small perplexity away: the Student-t map is much less clumpy.
# This holds in three dimensions, too, and longer training does not undo it.
#
# Before you believe a clump, change the seed, the perplexity and the kernel, and look at data in which you know there is none.

# %%
from icon_nb.evaluate import neighbourhood_preservation

trust, guessed = neighbourhood_preservation(noise, nothing.embeddings), nothing.history["knn_accuracy"][-1]
print(f"neighbourhoods kept {trust:.2f}, kNN accuracy {guessed:.2f} with chance at 0.33")

# %% [markdown]
# ## The same line in front of a network
#
# SimCLR's $q$ with a heavy tail and Euclidean distance is t-SimCLR (Hu et al. 2023), and in two dimensions t-SimCNE (Böhm et al. 2023). In two
# dimensions SimCLR's cosine distance leaves it a circle, and a circle has room for little.

# %%
from icon_nb.animation import side_by_side

flat = {"dataset": "digits", "embedding_dim": 2, "quiet": True}
pair = [icon.run(method=method, **flat) for method in ("simclr", "tsimcne")]
titles = ["SimCLR: directions only", "t-SimCNE: the plane"]
side_by_side([run.trajectory for run in pair], titles, max_points=100, point_size=5, max_frames=20)

# %% [markdown]
# The right map uses the whole plane. Is that due to the tail? Two things changed at once, so change them one at a time, with everything else
# equal, and in three and 128 dimensions as well:

# %% [markdown] tags=["claim"]
# | q | size | kNN accuracy, 10 epochs | kNN accuracy, 60 epochs |
# |---|---|---|---|
# | Gaussian, cosine | 2 dimensions | 0.41 ± 0.03 | 0.46 ± 0.03 |
# | Gaussian, cosine | 3 dimensions | 0.63 ± 0.03 | 0.68 ± 0.03 |
# | Gaussian, cosine | 128 dimensions | 0.96 ± 0.01 | 0.97 ± 0.01 |
# | Gaussian, Euclidean | 2 dimensions | 0.54 ± 0.06 | 0.50 ± 0.05 |
# | Gaussian, Euclidean | 3 dimensions | 0.71 ± 0.02 | 0.66 ± 0.05 |
# | Gaussian, Euclidean | 128 dimensions | 0.94 ± 0.00 | 0.92 ± 0.01 |
# | Student-t, Euclidean | 2 dimensions | 0.55 ± 0.02 | 0.50 ± 0.03 |
# | Student-t, Euclidean | 3 dimensions | 0.72 ± 0.04 | 0.68 ± 0.01 |
# | Student-t, Euclidean | 128 dimensions | 0.81 ± 0.02 | 0.80 ± 0.01 |
#
# Mean and standard deviation of 5 seeds, measured with `python -m benchmarks.claims distance_or_tail`.

# %% [markdown]
# *Two dimensions, ten epochs.* The Gaussian kernel with Euclidean distance does as well as Student-t, within the spread. The gain comes from
# leaving the circle and not from the tail. The tail may still matter for how the map *looks*; the kNN accuracy does not show it.
#
# *60 epochs.* Much of the gain is gone. The cosine keeps improving, the two Euclidean kernels get worse, and in three dimensions all three
# end level.
#
# *128 dimensions.* The order turns round, and the cosine is best. The Euclidean distance costs two to five points, and with that distance the
# heavy tail costs another 12 or 13. So a heavy tail is for maps.
#
# ## Recap
#
# - A heavy tail makes moderately distant points cheap, and so makes room inside a map.
# - The gaps of a t-SNE map are made by the kernel, and their widths mean nothing.
# - In two dimensions the best tail for a fixed $p$ is neither the lightest nor the heaviest. With more room it is lighter.
# - A method often changes two things at once. Name both before you explain a gain.
#
# ## Misconceptions
#
# - *"Clumps in a map are clusters in the data."* A small perplexity under a heavy tail makes clumps of noise.
# - *"Twice as far in the map is twice as different."* Under a heavy tail distance between groups is nearly free.
# - *"t-SimCLR is better because of its heavy tail."* In two dimensions the Euclidean distance explains the gain of a short training, and in
#   128 dimensions the tail is a loss.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Predict.* What happens to a Student-t map if all $z$ are multiplied by 10 and $\tau$ by 100?
# 2. ★★ *Derive* the slope of the log-kernel of Student-t, and check it against autograd for $\nu = 5$, $\tau = 2$.
# 3. ★★ *Modify.* Run the published t-SNE (`method="tsne"`) on the same 400 digits. Does the symmetrised form change the kNN accuracy?

# %% tags=["solution"]
z = torch.tensor(maps[2].embeddings[:50]).double()
same = icon.learned.StudentT()(z), icon.learned.StudentT(temperature=100.0)(10 * z)
torch.testing.assert_close(*same)  # nothing: only d / tau enters

# %% tags=["solution"]
d = distance.clone().requires_grad_()
icon.learned.StudentT(temperature=2.0, df=5.0).log_kernel(d).sum().backward()
torch.testing.assert_close(-d.grad, (5 + 1) / 2 / (5 * 2.0 + distance))

# %% tags=["solution"]
published = icon.run(method="tsne", n_samples=400, quiet=True)
print(published.summary())
# nearly the same map: the kernel matters, the sum over pairs little
assert abs(published.history["knn_accuracy"][-1] - maps[2].history["knn_accuracy"][-1]) < 0.03

# %% [markdown]
# ## Questions
#
# 1. Why is there a crowding problem in two dimensions and hardly one in 128?
# 2. Which of the two kernels pulls harder on a neighbour that is very far away?
# 3. Two clumps in a t-SNE map are twice as far apart as two others. What may you conclude?
# 4. Where does the factor of two in the limit $\nu \to \infty$ come from?
# 5. Why can SimCLR's kernel, with its light tail, still separate classes in many dimensions?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("kernels", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. In 128 dimensions 129 points can be equally far from each other. In two dimensions three can.
# 2. The Gaussian: its slope stays $1/\tau$, while the other falls like $1/d$.
# 3. Nothing about the data, until other maps and the distances in the data say the same.
# 4. From the exponent $(\nu+1)/2$: it grows like $\nu/2$, while the logarithm falls like $d/\nu\tau$.
# 5. There is room. Every class can have directions of its own, so nobody has to be torn apart.

# %% [markdown]
# **Next:** [05, divergences](05_divergences.ipynb). **Recipe covered here:** `kernel_comparison`.
#
# *Glossary:* [kernel](glossary.md#kernel), [perplexity](glossary.md#perplexity).
#
# *Papers:* [van der Maaten & Hinton 2008, t-SNE](https://jmlr.org/papers/v9/vandermaaten08a.html);
# [Hu et al. 2023, t-SimCLR](https://arxiv.org/abs/2205.14814); [Böhm et al. 2023, t-SimCNE](https://arxiv.org/abs/2210.09879);
# [Wattenberg et al. 2016, How to use t-SNE effectively](https://distill.pub/2016/misread-tsne/).
