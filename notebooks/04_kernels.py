# %% [markdown]
# # 04. Kernels: light tails, heavy tails

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** The step from SNE to t-SNE is one line: the kernel of $q$ gets a heavy tail. In a map of two dimensions this lets
# moderately distant points lie far apart at little cost, which makes room inside. The same line turns SimCLR into t-SimCLR. About
# half a minute on two CPU cores.

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
# In 64 dimensions a point can have many neighbours that are all equally far from each other. In two dimensions it cannot: three points
# fit, a fourth does not. What should a map do with the rest?
#
# | | $p(j\,\vert\,i)$ | $q(j\,\vert\,i)$, $d = \lVert z_i - z_j\rVert^2$ | backbone |
# |---|---|---|---|
# | SNE | Gaussian on the data, by perplexity | $\propto e^{-d/\tau}$ | free points |
# | t-SNE, conditional form | the same | $\propto (1 + d/\nu\tau)^{-(\nu+1)/2}$, $\nu = 1$ | free points |
#
# The *published* t-SNE (van der Maaten & Hinton 2008) has this kernel too, but is one divergence over all pairs with a symmetrised $p$,
# not the mean of one divergence per point. The package has both: `tsne` is the published one, `tsne_conditional` the row-wise one
# that I-Con calls t-SNE. This page compares kernels, so everything is row-wise.
#
# ## Six points by hand
#
# A point looks along a line at six others, at growing distance.

# %%
import torch

distance = torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0, 16.0], dtype=torch.float64)  # squared


def shares(log_kernel):
    return log_kernel(distance).softmax(0)


gaussian, cauchy = icon.learned.Gaussian(), icon.learned.StudentT(df=1.0)

# %% tags=["nbval-check-output"]
print("squared distance " + "".join(f"{d:8.1f}" for d in distance.tolist()))
print("Gaussian q       " + "".join(f"{v:8.4f}" for v in shares(gaussian.log_kernel).tolist()))
print("Student-t q      " + "".join(f"{v:8.4f}" for v in shares(cauchy.log_kernel).tolist()))

# %% [markdown]
# The Gaussian gives the point at squared distance 16 less than a millionth. The Cauchy kernel ($\nu = 1$) gives it some three per cent: a
# tail that falls like $1/d$.
#
# The loss of one row, with a $p$ that is uniform over the first three, by a loop and from the package:

# %%
p = torch.tensor([1, 1, 1, 0, 0, 0], dtype=torch.float64) / 3
losses = {}
for name, kernel in (("Gaussian", gaussian), ("Student-t", cauchy)):
    log_q = kernel.log_kernel(distance).log_softmax(0)
    losses[name] = sum(float(p[j] * (p[j].log() - log_q[j])) for j in range(3))
    assert abs(losses[name] - float(icon.divergences.kl(p[None], log_q[None]))) < 1e-12
print(losses)

# %% [markdown]
# ## What the tail does to the forces
#
# The gradient with respect to the logits is $q - p$ for every kernel. The chain rule multiplies it by the slope of the log-kernel:
#
# $$-\frac{\partial \log k}{\partial d} = \frac1\tau \;\text{ (Gaussian)}, \qquad \frac{\nu + 1}{2}\,\frac{1}{\nu\tau + d} \;\text{ (Student-t)}$$
#
# The Gaussian pulls a torn-off neighbour back with the same slope at any distance. Student-t lets go of it as $1/d$. So with a heavy tail it is
# cheap to be wrong about moderately distant points, and the clumps move apart.

# %%
slopes = {}
for name, kernel in (("Gaussian", gaussian), ("Student-t", cauchy)):
    d = distance.clone().requires_grad_()
    kernel.log_kernel(d).sum().backward()
    slopes[name] = -d.grad
    print(f"{name:10}" + "".join(f"{v:8.3f}" for v in slopes[name].tolist()))

# %% [markdown]
# In between stands $\nu$. As it grows the Student-t becomes Gaussian, with a factor of two that one has to know of:
# $(1 + d/\nu\tau)^{-(\nu+1)/2} \to e^{-d/2\tau}$.

# %%
for df in (1.0, 10.0, 100.0, 1e6):
    student, limit = icon.learned.StudentT(df=df), icon.learned.Gaussian(temperature=2.0)
    gap = (shares(student.log_kernel) - shares(limit.log_kernel)).abs().max()
    print(f"df {df:9.0f}: largest difference from the Gaussian with temperature 2: {gap:.6f}")

# %% [markdown]
# **Predict.** Three maps of the same 400 digits: Gaussian, $\nu = 5$, $\nu = 1$. In which do the classes stand apart? In which is
# the kNN accuracy best? Which will show you reliably how *far* two clumps are from one another?

# %%
# plain descent from one start, the same for all three
steps = {"init": "pca", "optimizer": "sgd", "learning_rate": 50.0}
maps = icon.run_recipe("kernel_comparison", n_samples=400, **steps)
maps.animate(every=50, max_points=150)

# %% [markdown]
# All three start from the same two principal components, shrunk to a dot, and have the same $p$. Each panel has its own scale. The
# Gaussian map fills a disc, and groups touch or run into each other. With $\nu = 5$ they are rounder and tighter, and narrow lanes begin to
# show between some of them; with $\nu = 1$ the groups contract and wide white space opens. The column *separability* of the table below, the mean silhouette of the
# classes, grows from map to map.
#
# What the picture does not show: how far apart the digits *are*. The white gaps are made by the kernel. Under a heavy tail the loss
# hardly depends on how wide a gap is.

# %%
maps.table(baselines=True)

# %% [markdown]
# The note below the table is cautious: where $q$ differs, what is minimised differs. But $p$ and the data are the same here, so each loss
# says in nats how far the map's $q$ is from the same $p$, and may be compared: the heavier the tail, the better $q$ can be made
# to fit *this* $p$ in two dimensions. The kNN accuracy follows halfway: both Student-t maps have about 0.97, the Gaussian map 0.91. The row of
# the raw inputs says how much there was to keep, 0.96, and the row of the untrained table where all three began, at 0.62.

# %%
maps.plot()

# %% [markdown]
# ## The failure: a map of nothing
#
# Heavy tails open gaps where there is no gap in the data. Here are 300 points of pure noise, in 20 dimensions, with labels drawn by lot.

# %%
noise = torch.randn(300, 20, generator=torch.Generator().manual_seed(0))
lots = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(1))
nothing = icon.run(
    supervisory="gaussian", learned="student_t", backbone="table", embedding_dim=2, perplexity=4.0,
    data=(noise, lots), progress=False,
)
nothing.animate(every=25, title="a Student-t map of noise")

# %% [markdown]
# With a small perplexity the map of noise is grainy, with strings and clumps that invite a story. The neighbours it shows are
# neighbours in the data more often than by chance (0.5 below would be chance), and yet nothing is there: the labels cannot be read off.
# Before you believe a clump, change the seed and the perplexity, and look at data in which you know there is none.

# %%
from icon_nb.evaluate import neighbourhood_preservation

trust, guessed = neighbourhood_preservation(noise, nothing.embeddings), nothing.history["knn_accuracy"][-1]
print(f"neighbourhoods kept {trust:.2f}, kNN accuracy {guessed:.2f} with chance at 0.33")

# %% [markdown]
# ## Turn one knob, on a network
#
# The same choice of kernel in front of a network, with pairs of views for $p$: SimCLR's $q$ with a heavy tail and Euclidean distance is
# t-SimCLR (Hu et al. 2023), and in two dimensions t-SimCNE (Böhm et al. 2023).

# %%
from icon_nb.animation import side_by_side

flat = {"dataset": "digits", "embedding_dim": 2, "quiet": True}
pair = [icon.run(method=method, **flat) for method in ("simclr", "tsimcne")]
titles = ["SimCLR: directions only", "t-SimCNE: the plane"]
side_by_side([run.trajectory for run in pair], titles, every=2, max_points=200)

# %% [markdown]
# SimCLR has cosine distance: in two dimensions its embedding is a circle, and a circle has room for little. Student-t with
# Euclidean distance uses the whole plane.
#
# ## Facts

# %% tags=["facts"]
tails = [float(shares(kernel.log_kernel)[-1]) for kernel in (gaussian, cauchy)]
assert tails[0] < 1e-6 and 0.02 < tails[1] < 0.04
assert torch.allclose(slopes["Gaussian"], torch.ones(6, dtype=torch.float64))
assert torch.allclose(slopes["Student-t"], 1 / (1 + distance))
assert gap < 1e-5
final = [run.history["loss"][-1] for run in maps]
assert final[0] > final[1] + 0.15 > final[2] + 0.2
knn = [run.history["knn_accuracy"][-1] for run in maps]
assert len({run.config.perplexity for run in maps}) == 1
assert trust > 0.6 and abs(guessed - 1 / 3) < 0.1
circle, plane = (run.history["knn_accuracy"][-1] for run in pair)
assert 0.3 < circle < plane - 0.05

# %% tags=["facts"]
assert knn[0] < 0.94 and all(abs(score - 0.97) < 0.01 for score in knn[1:])
rows = maps.table(baselines=True).rows
assert all(abs(row["knn"] - about) < 0.01 for row, about in zip(rows, (0.91, 0.97, 0.97, 0.62, 0.96)))
clear = [run.scores["separability"] for run in maps]
assert clear[0] + 0.04 < clear[1] < clear[2] - 0.04
start = [run.trajectory.embeddings[0] for run in maps]
assert all((cloud == start[0]).all() for cloud in start)

# %% [markdown]
# ## Exercises
#
# 1. *Derive* the slope of the log-kernel of Student-t and check it against autograd for $\nu = 5$, $\tau = 2$.
# 2. *Modify.* Run the published t-SNE (`method="tsne"`) on the same 400 digits. Does the symmetrised form change the kNN accuracy?
# 3. *Predict.* What happens to a Student-t map if all $z$ are multiplied by 10 and $\tau$ by 100?

# %% tags=["solution"]
d = distance.clone().requires_grad_()
icon.learned.StudentT(temperature=2.0, df=5.0).log_kernel(d).sum().backward()
torch.testing.assert_close(-d.grad, (5 + 1) / 2 / (5 * 2.0 + distance))

# %% tags=["solution"]
published = icon.run(method="tsne", n_samples=400, quiet=True)
print(published.summary())
# nearly the same map: the kernel matters, the sum over pairs little
assert abs(published.history["knn_accuracy"][-1] - knn[2]) < 0.03

# %% tags=["solution"]
z = torch.tensor(maps[2].embeddings[:50]).double()
same = icon.learned.StudentT()(z), icon.learned.StudentT(temperature=100.0)(10 * z)
torch.testing.assert_close(*same)  # nothing: only d / tau enters

# %% [markdown]
# ## Questions
#
# 1. Why is there a crowding problem in two dimensions and hardly one in 128?
# 2. Which of the two kernels pulls harder on a neighbour that is very far away?
# 3. Two clumps in a t-SNE map are twice as far apart as two others. What may you conclude?
# 4. What does a factor of two have to do with $\nu \to \infty$?
# 5. Why can SimCLR's kernel, with its light tail, still separate classes in many dimensions?
#
# **Next:** [05, divergences](05_divergences.ipynb). **Recipe covered here:** `kernel_comparison`.
#
# *van der Maaten & Hinton (2008), Visualizing Data using t-SNE. Hu et al. (2023), arXiv 2205.14814. Böhm et al. (2023), arXiv 2210.09879.*
