# %% [markdown]
# # Quickstart: one equation, watched as it learns

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** SNE, t-SNE (in its row-wise form), PCA, SimCLR, SupCon, CLIP and cross-entropy are one loss with different choices
# filled in. For every sample $i$ somebody says who its neighbours should be, $p(j|i)$; an embedding says who they are, $q(j|i)$; and
# what is minimised is the mean divergence between the two (Alshammari et al. 2025):
#
# $$L = \frac1n \sum_i D_{KL}\big(p(\cdot|i)\,\Vert\,q(\cdot|i)\big) = \frac1n \sum_i \sum_j p(j|i) \log \frac{p(j|i)}{q(j|i)}$$
#
# PCA is so in a limit, of a wide Gaussian; k-means and spectral clustering are in another limit, and with the two sides exchanged,
# $D_{KL}(q\,\Vert\,p)$ (notebooks 09 and 10).
#
# This notebook shows how to run it, look at it, change it and keep it. It takes less than a minute on two CPU cores, and needs no
# download: the data are 1,797 handwritten digits of 8x8 pixels.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("icon_nb") is None:
    package = "icon_nb-0.1.0-py3-none-any.whl"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)
import icon_nb as icon

# %% [markdown]
# ## Run
#
# A `Config` is plain data. What is not said is the method's default, and `resolve()` fills it in. Here the method is SimCLR: two
# distorted views of every image are made, and $p$ puts all its weight on the other view of the same image.

# %%
config = icon.Config(dataset="digits", method="simclr", embedding_dim=3, gif_every=2, gif_max_points=120)
config.resolve()

# %% [markdown]
# **Predict** before you go on. No label is used. The embedding starts as a random network into three dimensions. Will the ten
# digits separate? All of them? Which pairs will be confused?

# %%
results = icon.run(config, live=True)

# %% [markdown]
# `live=True` draws the embedding in place while the network trains, as often as that costs little; what stays is the last epoch. The
# results hold every epoch:

# %%
results

# %% [markdown]
# Every point is a digit that the network was *not* trained on, and frame 0 is the untrained network. SimCLR compares directions,
# so the points live on a sphere. Axes and projection are the same in every frame. The globe turns once, so that its back is seen
# too; every other movement is the embedding's.
#
# Read it: the cloud spreads over the sphere within an epoch or two, because every image pushes all others away, and images that
# look alike after distortion end up in the same region. Some digits form clean regions; others still overlap, since nobody told
# the network that two different images show the same digit.
#
# The line above the picture gives the loss and the accuracy of a vote of the five nearest neighbours (kNN) on held-out digits.

# %%
knn = results.history["knn_accuracy"]
print(f"kNN accuracy {knn[0]:.2f} untrained, {knn[-1]:.2f} after {results.history['epoch'][-1]} epochs")
results.plot()

# %% [markdown]
# ## Never trust a number alone
#
# An accuracy says something only beside its baselines. `probes` fits a linear classifier and a kNN classifier on frozen
# embeddings: of the trained network, of the same network before training, and of the raw pixels.
#
# There are two kNN figures. In the history, every held-out point asks all others; in `probes` and in tables, a part of the
# held-out points is asked by the rest: fitted on 80 %, tested on 20 %, on digits five times in turn. They agree within about a point.

# %%
results.probes

# %% [markdown]
# The raw pixels do better than the three trained dimensions. That is no mistake: these digits are small, centred and clean, so
# neighbours among the pixels already have the same label, while three dimensions can hold only so much. The fair comparison for
# learning is the untrained network with the same three dimensions. With the usual 128 dimensions even the untrained network keeps
# so much of the neighbourhoods of the pixels that the kNN accuracy has next to nothing to gain:

# %%
wide = icon.run(icon.Config(dataset="digits", method="simclr"))
wide.probes["untrained"], wide.probes["trained"]

# %% [markdown]
# So on this data set, look at the *geometry* and at small embeddings; use harder data to compare accuracies. Each notebook says
# which of the two it looks at.

# %% [markdown]
# ## Look at it in other ways
#
# A run keeps the positions of its points at every epoch. Everything that is drawn can be drawn again without training: other
# overlays, other projections, a page on which the epochs can be scrubbed.

# %%
results.animate(overlay=("curves", "centroids"), max_points=120, every=2, turn=0)

# %% [markdown]
# The discs are the centres of the classes; the curves below the picture carry a cursor. `results.player()` is for a closer look:
# drag the epoch, turn the sphere. A click on a class in the legend hides it, Shift-click shows only it, and a click on a point pins
# it and draws its path. The page needs neither a kernel nor the network.

# %%
results.player()

# %% [markdown]
# `diagnosis` says in words what the trajectory shows, with the numbers behind it. Notebook 12 provokes each verdict.

# %%
print(results.diagnosis)
{name: round(value, 2) for name, value in results.diagnosis.evidence.items()}

# %% [markdown]
# ## Change one thing
#
# `sweep` runs a configuration once for every value of a setting, and shows the runs side by side: same points, same epoch counter.
# The temperature $\tau$ divides the distance in $q$; notebook 03 is about it.

# %%
study = icon.sweep(config.replace(gif_max_points=120), temperature=[0.05, 0.5, 5.0])
study.animate(turn=0, every=5)

# %% [markdown]
# A *recipe* is a question with the configurations that answer it, all settings equal but those compared. `icon.recipes.RECIPES`
# lists them; `icon.run_recipe(name)` runs one, and every setting can be overridden.

# %%
for recipe in icon.recipes.RECIPES.values():
    print(f"{recipe.name:28}{recipe.question}")

# %% [markdown]
# ## Keep it
#
# `save` writes a folder of plain files (JSON, NPZ, weights), whole or not at all; `load` gives equal results back, animation
# included. In Colab, mount your Drive (`from google.colab import drive; drive.mount("/content/drive")`) and save below
# `/content/drive/MyDrive`.

# %%
import tempfile
from pathlib import Path

folder = results.save(Path(tempfile.mkdtemp()) / "first_run")
again = icon.load(folder)
sorted(path.name for path in folder.iterdir())

# %% [markdown]
# ## The same from a terminal
#
# ```bash
# python -m icon_nb --method simclr --embedding_dim 3 --save_epoch_gifs
# python -m icon_nb --recipe simclr_vs_sne --temperature 0.1
# ```

# %% [markdown]
# ## Facts
#
# What the text above claims, as assertions. They are run by the tests of this project.

# %% tags=["facts"]
assert knn[0] < 0.45 and knn[-1] > 0.6, "three dimensions: it learned"
loss = results.history["loss"]
assert loss[0] - loss[2] > 0.6 * (loss[0] - loss[-1]), "an epoch or two do most of it"
assert results.probes["raw"]["knn"] > results.probes["trained"]["knn"] > results.probes["untrained"]["knn"]
assert wide.config.embedding_dim == 128 and wide.probes["untrained"]["knn"] > 0.85
assert abs(wide.probes["trained"]["knn"] - wide.probes["untrained"]["knn"]) < 0.02, "next to nothing to gain"
for run in (results, wide):
    for name, t in (("untrained", 0), ("trained", -1)):
        assert abs(run.probes[name]["knn"] - run.history["knn_accuracy"][t]) < 0.015, "within about a point"
assert (again.embeddings == results.embeddings).all() and again.config == results.config
assert results.trajectory.held_out.all() and results.trajectory.epochs[0] == 0
assert len(results.data()) + len(results.data().x_test) == 1797

# %% [markdown]
# ## Exercises
#
# 1. *Predict, then run.* Use `embedding_dim=2`. The sphere becomes a circle. Will the kNN accuracy rise or fall?
# 2. *Modify.* Give SimCLR's place to SupCon (`method="supcon"`), where $p$ is uniform over the images of the same digit.

# %% tags=["solution"]
circle = icon.run(config.replace(embedding_dim=2), quiet=True)
print(circle.summary())
# a circle has less room than a sphere
assert circle.history["knn_accuracy"][-1] < results.history["knn_accuracy"][-1] - 0.05

# %% tags=["solution"]
taught = icon.run(config.replace(method="supcon"), quiet=True)
print(taught.summary())
assert taught.history["knn_accuracy"][-1] > results.history["knn_accuracy"][-1] + 0.05

# %% [markdown]
# ## Questions
#
# 1. Which part of the equation changes between SimCLR and SupCon: $p$, $q$ or the network?
# 2. Why is frame 0 the untrained network, and what would you miss without it?
# 3. The raw pixels had the best kNN accuracy. What would make this a fair argument against SimCLR, and what makes it an unfair one?
# 4. Why are the points in the picture not the ones that the network was trained on?
# 5. Why is one projection used for all frames?
#
# **Next:** [01, the loss from scratch](01_icon_from_scratch.ipynb).
#
# *Alshammari, Hershey, Feldmann, Freeman, Hamilton (2025), I-Con: A Unifying Framework for Representation Learning, arXiv 2504.16929.*
