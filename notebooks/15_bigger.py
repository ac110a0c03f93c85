# %% [markdown]
# # 15. Bigger: more data, more runs, more processes

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** What you learned on digits carries over. A bigger data set, another device, several processes and a run that was cut off are
# settings and not other programs. On one machine and with one version of torch, a run has the same numbers to the last bit wherever it was
# computed: here, in a worker, or after a resume. This page checks that. On another processor or another version the last digits may differ.
#
# **You will be able to** run a sweep on several processes, resume what was cut off, and say what makes t-SNE of many points expensive.
# **Before this:** [00, quickstart](00_quickstart.ipynb) and [03, the temperature](03_temperature.ipynb). **Time:** 40 minutes of reading, less
# than a minute on two CPU cores, without network. Where MNIST's files or a GPU are found, they are used.

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
# What changes when there are sixty thousand points instead of a thousand? Not the loss. For SimCLR $p(j\,\vert\,i)$ is 1 on the other view,
# $q(j\,\vert\,i) \propto e^{-d_{ij}/\tau}$ runs over the *batch*, and the backbone is a network. A step costs the same, and an epoch has more of
# them. For t-SNE $p_{ij}$ and $q_{ij}$ run over *all pairs*, and the backbone is a point per sample. A step costs $n^2$.
#
# ## Six points by hand
#
# Layouts of many points are possible because $p$ is almost nothing outside a small neighbourhood. Take six points on a line, with $p$ on all of
# them, and with $p$ on the two nearest only. Here is the divergence to the same $q$, by a double loop:

# %%
import torch

x = torch.tensor([0.0, 1.0, 2.0, 10.0, 11.0, 12.0], dtype=torch.float64)
d = (x[:, None] - x).square().fill_diagonal_(torch.inf)
p_full = (-d / 2).softmax(1)
near = d.argsort(1)[:, :2]
p_near = torch.zeros(6, 6, dtype=torch.float64).scatter(1, near, (-d.gather(1, near) / 2).softmax(1))
log_q = icon.learned.Gaussian(temperature=1.0, distance="sqeuclidean")(x[:, None] / 2)

# %%
def double_loop(p):
    pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
    return sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6


for name, p in (("all pairs", p_full), ("two nearest", p_near)):
    print(f"{name:12} loop {double_loop(p):.8f}   package {icon.divergences.kl(p, log_q).mean():.8f}")

# %% [markdown]
# The three points of the other group do not matter in the digits shown. $q$ has no such shortcut: a point far away pushes little, but there are
# many of them, so $q$ stays a sum over all.
#
# ## The data: MNIST where it is, digits where it is not
#
# Files are looked for in `data_dir`, then in a cache, then on the network. With `download=False` nothing is fetched, and the error says what was
# looked for. `n_samples` keeps a stratified part, the same for everybody with the same seed.

# %%
try:
    data, name = icon.data.load("mnist", n_samples=2000, download=False), "mnist"
except icon.IconError as error:
    data, name = icon.data.load("digits"), "digits"
    print(str(error).partition(" Looked")[0], "Going on with digits.")
config = icon.Config(dataset=name, n_samples=600, method="simclr", embedding_dim=3, epochs=6, quiet=True)

# %% [markdown]
# To have MNIST: `icon.data.load("mnist")` once with a network (11 MB), or the four files in any folder and `data_dir=FOLDER`. On it,
# `backbone="simplecnn"`, `batch_size=512` and `n_samples=None` are a first real run; on two cores it takes minutes, on a GPU seconds.
#
# ## Device and precision
#
# `device="auto"` takes a GPU when there is one. All data are moved there once; nothing else changes. `precision` says in what arithmetic:
# `float64` to check, `bfloat16` to be quick where the hardware is.
#
# **Predict.** Which of the three will end with another kNN accuracy, and by how much? Is a difference in the loss a difference in what
# was learned?

# %%
precise = icon.sweep(config.replace(device="cpu"), precision=["float32", "float64", "bfloat16"])
for run in precise:
    loss, knn = run.history["loss"][-1], run.history["knn_accuracy"][-1]
    print(f"{run.config.precision:9} loss {loss:.4f}, kNN accuracy {knn:.3f}")
precise.animate(every=2, max_points=100, turn=0, tween=0)

# %% [markdown]
# The same seed gives the same start, batches and distortions, so the three clouds move alike. Double precision changes a late digit of the loss;
# bfloat16, which keeps two to three significant digits, changes about the third. Compare such a difference with the spread over seeds (first
# exercise). A difference smaller than that says nothing about learning.
#
# ## Several processes
#
# A sweep is many runs that do not know of each other. `workers=2` trains two at a time, each in a process of its own; an `executor` trains
# wherever it does. Only configurations go out and only saved runs come back.

# %%
import tempfile
from pathlib import Path

torch.set_num_threads(1)  # one thread a run: two workers then fill two cores
folder = Path(tempfile.mkdtemp())
study = icon.sweep(config, temperature=[0.1, 0.5], workers=2, save_to=folder / "study")
study.plot(["knn_accuracy"], labels=["tau 0.1", "tau 0.5"])

# %% [markdown]
# The study was written to a folder run by run. The same call again trains only what is missing: here, the third temperature. This is how a long
# sweep survives a closed laptop.

# %%
wider = icon.sweep(config, temperature=[0.1, 0.5, 2.0], save_to=folder / "study")
wider.table()

# %% [markdown]
# Is a run from a worker the same as one from here? They match bit for bit:

# %%
here = icon.run(config, temperature=0.1)
print("worker and here, largest difference:", abs(here.embeddings - study[0].embeddings).max())

# %% [markdown]
# On a cluster, [Dask](https://distributed.dask.org) has an executor of that interface (`pip install distributed`). Whether its workers
# are on this machine or on forty others is its business:
#
# ```python
# from distributed import Client
#
# with Client("tcp://scheduler:8786") as client:
#     study = icon.sweep(config, seed=range(40), executor=client.get_executor(pure=False))
# ```
#
# ## A run that is cut off
#
# With `save_to` a run leaves a checkpoint after every epoch: weights, optimizer, history. Here somebody pulls the plug after epoch 3.

# %%
class Unplugged(Exception):
    pass


def pull(record, recorder):
    if record.epoch == 3:
        raise Unplugged


try:
    icon.run(config, save_to=folder / "run", on_record=pull)
except Unplugged:
    print("cut off; there is", sorted(path.name for path in (folder / "run").iterdir()))

# %%
resumed = icon.run(config, save_to=folder / "run", resume=True)
whole = icon.run(config)
apart = abs(resumed.embeddings - whole.embeddings).max()
print("epochs", resumed.history["epoch"], "largest difference:", apart)

# %% [markdown]
# Everything random comes from (seed, epoch, step), so epoch 4 draws the same batches whether or not the plug was pulled before it.
#
# ## The failure: settings that fit the small data only
#
# A bigger problem is not always the same problem with more zeros. `batch_size` is part of the *objective* of a contrastive method: its $q$ has
# one candidate per view in the batch. The loss of a network that has learned nothing is about $\log(2b - 1)$, so a larger batch has a larger loss:

# %%
import math

batches = icon.sweep(config.replace(epochs=3, temperature=5.0), batch_size=[32, 256], progress=False)
for run in batches:
    b = run.config.batch_size
    print(f"batch {b:3}: loss {run.history['loss'][0]:.2f} untrained, log(2b - 1) = {math.log(2 * b - 1):.2f}")

# %% [markdown]
# If you read the higher loss of the larger batch as worse learning, you compare two different questions. `Comparison` says so below its pictures.
# Keep the batch when you enlarge the data, or compare by accuracy.
#
# ## Layouts of many points
#
# For t-SNE the pairs are the problem: a dense $p$ of 60,000 points in single precision takes 14 GB. Beyond a few thousand points the package keeps
# $p$ as edges to the $3 \times$ perplexity nearest neighbours (van der Maaten 2014), without being asked. On digits the two can still be compared:

# %%
from icon_nb.engines.large import neighbour_edges

inputs = data.flat(data.x[:1000])
edges = neighbour_edges(inputs, perplexity=30.0, joint=True)
batch = icon.supervisory.Batch(index=torch.arange(1000), x=inputs)
dense = icon.supervisory.GaussianJoint(perplexity=30.0)(batch).reshape(1000, 1000)
sparse = torch.zeros(1000, 1000).index_put((edges.i, edges.j), edges.weight)
off = (dense - sparse).abs().sum() / 2  # the share of p that lies elsewhere
print(f"edges: {len(edges.i) / (1000 * 999):.0%} of the pairs, and all of p but {off:.1%}")
all_pairs, only_edges = 60_000**2 * 4 / 1e9, 60_000 * 180 * 20 / 1e9
print(f"60,000 points in float32: all pairs {all_pairs:.1f} GB, edges at most {only_edges:.1f} GB")

# %% [markdown]
# At a thousand points the neighbourhoods are a noticeable part of all pairs. Their number grows with $n$ and the pairs with $n^2$, so at sixty
# thousand they are three in a thousand at most. More than nine tenths of $p$ are on the edges, and the rest is spread thinly. Memory is then
# linear in $n$. Time is another matter: $q$ is summed over all pairs unless it is approximated.
#
# ## Recap
#
# - A device, a precision, a number of workers, a folder to resume from: each is one setting.
# - On one machine the numbers are the same to the last bit. Across machines they agree up to rounding.
# - The batch size belongs to the objective and cannot be enlarged without changing the loss.
# - $p$ is sparse and $q$ is not.
#
# ## Misconceptions
#
# - *"A larger batch learns worse, since its loss is higher."* It answers a harder question.
# - *"The same seed gives the same numbers everywhere."* On the same machine with the same versions.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Predict, then run.* Ask for five seeds instead of temperatures. How large is the spread, beside the differences of precision above?
# 2. ★★ *Modify.* Give the sweep an executor of Python's own, `concurrent.futures.ThreadPoolExecutor`. Do the numbers change?
# 3. ★★ *Derive.* Why is the loss of an untrained network near $\log(2b - 1)$ when $\tau$ is large?

# %% tags=["solution"]
spread = icon.sweep(config.replace(device="cpu"), seed=range(4), progress=False)
knn = torch.tensor([run.history["knn_accuracy"][-1] for run in spread])
print(f"kNN accuracy {knn.mean():.3f}, deviation over seeds {knn.std():.3f}")
by_precision = [run.history["knn_accuracy"][-1] for run in precise]
assert knn.std() > 0.005 and max(by_precision) - min(by_precision) < 4 * knn.std()

# %% tags=["solution"]
from concurrent.futures import ThreadPoolExecutor

with ThreadPoolExecutor(1) as pool:
    threaded = icon.sweep(config, temperature=[0.1, 0.5], executor=pool)
assert (threaded[0].embeddings == study[0].embeddings).all()

# %% tags=["solution"]
# all d / tau are nearly equal, so q is uniform over the 2b - 1 other views,
# and -log q of the partner is log(2b - 1)
q = (-torch.rand(64, 64).fill_diagonal_(torch.inf) / 1000).log_softmax(1)
assert (q[0, 1] + math.log(63)).abs() < 0.01

# %% [markdown]
# ## Questions
#
# 1. Which of $p$, $q$ and backbone makes t-SNE quadratic in $n$, and why is SimCLR not?
# 2. Two runs differ by 0.004 in kNN accuracy, and one is in bfloat16. What do you need to know before you blame the arithmetic?
# 3. Why is a run with `workers=2` the same to the last bit as one here, and what would end that?
# 4. A sweep of forty runs stops after thirty. Which lines of the program change to finish it?
# 5. You double the batch and the loss rises by 0.7. What have you learned about the embedding?

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. $q$, whose normaliser runs over all points. SimCLR normalises over a batch.
# 2. The spread over seeds.
# 3. Everything random depends on (seed, epoch, step) only. Another machine, version or number of threads may change the order of sums.
# 4. None: the same call trains what is missing.
# 5. Nothing: $\log 2 \approx 0.7$ is the change of the question.

# %% [markdown]
# **Back to:** [00, the quickstart](00_quickstart.ipynb).
#
# *Papers:* [van der Maaten 2014, Accelerating t-SNE](https://jmlr.org/papers/v15/vandermaaten14a.html);
# [Chen et al. 2020, SimCLR](https://arxiv.org/abs/2002.05709).
