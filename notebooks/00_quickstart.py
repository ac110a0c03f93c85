# %% [markdown]
# # Quickstart: one equation, watched as it learns

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** SNE, t-SNE, PCA, SimCLR, SupCon, CLIP and cross-entropy minimise the same loss. They differ in what you fill in. For
# every sample $i$, somebody says who its neighbours should be: this is $p(j|i)$. The embedding says who its neighbours are: this is
# $q(j|i)$. Training makes the two agree (Alshammari et al. 2025):
#
# $$L = \frac1n \sum_i D_{KL}\big(p(\cdot|i)\,\Vert\,q(\cdot|i)\big) = \frac1n \sum_i \sum_j p(j|i) \log \frac{p(j|i)}{q(j|i)}$$
#
# **You will be able to** run one such method, watch it learn, compare it with a baseline, change it and keep it.
# **Before this:** nothing but a little Python. **Time:** 25 minutes of reading, about a minute on two CPU cores, no download.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("icon_nb") is None:
    package = "icon_nb-0.1.0-py3-none-any.whl"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)
import icon_nb as icon

# %% [markdown]
# ## The data
#
# Each picture shows one handwritten digit at a random place, size and angle. A card says where the data come from, and how far the
# pixels alone get you: it lets every held-out picture ask its five nearest neighbours for their class (kNN).

# %%
icon.card("moving_digits")

# %% [markdown]
# The pixels are a poor guide: two pictures of the same digit at two places share hardly any bright pixel. So a network has something
# to learn here, namely *what* a digit is, and something to forget, namely *where* it is.
#
# SimCLR learns this without labels. It makes two random views of every picture, and $p$ puts all its weight on the other view of the
# same picture. Here are eight pictures and their two views:

# %%
import io

import matplotlib.pyplot as plt
import torch
from IPython.display import HTML

from icon_nb.animation.display import image
from icon_nb.data.augment import build_augment

data = icon.data.load("moving_digits")
augment = build_augment("affine", data)
views = [augment(data.x[:8], torch.Generator().manual_seed(seed)) for seed in (1, 2)]
rows = {"picture": data.x[:8].float(), "view 1": views[0], "view 2": views[1]}

# %%
figure, axes = plt.subplots(3, 8, figsize=(8, 3))
for line, (name, pictures) in zip(axes, rows.items()):
    line[0].set_ylabel(name)
    for ax, picture in zip(line, pictures):
        ax.imshow(picture[0], cmap="gray")
        ax.set(xticks=[], yticks=[])
figure.savefig(png := io.BytesIO())
plt.close(figure)
HTML(image(png.getvalue(), "Eight pictures of digits, and below each picture its two random views"))

# %% [markdown]
# ## Run
#
# A `Config` is plain data. Omitted settings use their defaults, and `resolve()` fills them in. The two `gif` settings keep the
# animations in this notebook small: they show every second epoch and 120 of the 500 held-out pictures.

# %%
config = icon.Config(method="simclr", gif_every=2, gif_max_points=120)
config.resolve()

# %% [markdown]
# **Predict** before you go on. No label is used. Will the ten digits separate? Which pairs will the network confuse?

# %%
results = icon.run(config, live=True)

# %% [markdown]
# `live=True` draws the embedding in place while the network trains. What stays is the last epoch. The results hold every epoch:

# %%
results

# %% [markdown]
# Every point is a picture that the network was *not* trained on, and its colour is its true class, which the network never saw.
# Frame 0 is the untrained network: a mist in which the classes overlap. Epoch by epoch, regions of one colour appear.
#
# The line above the picture gives the loss and the kNN accuracy. The network compares directions in 32 dimensions, and a screen has
# two. The caption says which map the animation uses and what it keeps.

# %%
knn = results.history["knn_accuracy"]
print(f"kNN accuracy {knn[0]:.2f} untrained, {knn[-1]:.2f} after {results.history['epoch'][-1]} epochs")
results.plot()

# %% [markdown]
# The pictures themselves show what went where. Look for the points at the border of two regions:

# %%
results.animate(thumbnails=16, max_points=30, max_frames=20, size=(400, 400), overlay="epoch")

# %% [markdown]
# ## Compare with a baseline
#
# An accuracy says something only beside its baselines. `probes` fits a linear classifier and a kNN classifier on three embeddings:
# the trained network, the same network before training, and the raw pixels.

# %%
for name in ("trained", "untrained", "raw"):
    print(f"{name:9}", {probe: round(value, 2) for probe, value in results.probes[name].items()})

# %% [markdown]
# The trained network beats both by a wide margin, so the training did it, and not the network's structure or the pixels.
# There are two kNN figures, and each has a name of its own. The *kNN accuracy* of histories, summaries and cards lets every held-out point
# ask all other held-out points. The *kNN* of `probes` and of comparison tables tests one part of them by asking the rest, five times in
# turn. The two agree within a few points.
#
# ## Look at it in other ways
#
# A run keeps the positions of its points at every epoch. You can draw everything again without training again: other overlays,
# other projections, or a page on which you scrub through the epochs.

# %%
results.animate(projection="pca", overlay=("curves", "centroids"), max_points=60, point_size=5, max_frames=20)

# %% [markdown]
# This is the same run seen by PCA, from one side. Regions that lie behind one another in 32 dimensions overlap in this picture.
# Never judge an embedding by one projection alone.
#
# The player is for a closer look. Open it with the line below the animation of `results`, further up. Drag the epoch. Click on a class
# in the legend to hide it, or hold Shift and click to show only that class. Click on a point to pin it and to draw its path. The page
# needs neither a kernel nor the network. `results.player(projection="pca3")` makes one that you can turn.

# %% [markdown]
# `diagnosis` says in words what the trajectory shows, and gives the numbers behind it. Notebook 12 provokes each verdict.

# %%
print(results.diagnosis)
{name: round(value, 2) for name, value in results.diagnosis.evidence.items()}

# %% [markdown]
# ## Change one thing
#
# `sweep` runs a configuration once for every value of a setting, and shows the runs side by side. The temperature $\tau$ divides the
# distance in $q$; notebook 03 is about it.

# %%
study = icon.sweep(config.replace(epochs=8, gif_max_points=150), temperature=[0.05, 0.15, 1.0])
study.animate(projection="pca", max_points=50, point_size=4, max_frames=20)

# %% [markdown]
# A *recipe* is a question with the configurations that answer it. They share all settings except those that are compared.
# `icon.run_recipe(name)` runs one, and you can override every setting that it does not compare.

# %%
for recipe in icon.recipes.RECIPES.values():
    print(f"{recipe.name:28}{recipe.question}")

# %% [markdown]
# ## Keep it
#
# `save` writes a folder of plain files (JSON, NPZ, weights), whole or not at all. `load` gives equal results back, animation
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
# python -m icon_nb --save_epoch_gifs
# python -m icon_nb --recipe simclr_vs_sne --temperature 0.1
# ```
#
# ## Recap
#
# - A method is a choice of $p$, $q$ and a backbone; training makes $q$ agree with $p$.
# - An accuracy says something only beside the untrained network and the raw inputs.
# - A picture shows a projection. Look at more than one, and at the numbers.
#
# ## Misconceptions
#
# - *"The colours helped the network."* They are labels that it has never seen.
# - *"Clusters in the picture prove that it learned."* Compare them with frame 0.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Predict, then run.* Use `embedding_dim=3`, so that nothing is projected. Will the kNN accuracy rise or fall?
# 2. ★ *Modify.* Replace SimCLR by SupCon (`method="supcon"`), where $p$ is uniform over the pictures of the same digit.
# 3. ★★ *Break it.* Use `augment="none"`: both views of a picture are then the same picture. What is left to learn?

# %% tags=["solution"]
narrow = icon.run(config.replace(embedding_dim=3), quiet=True)
print(narrow.summary())
# three dimensions hold less than 32
assert narrow.history["knn_accuracy"][-1] < knn[-1] - 0.1

# %% tags=["solution"]
taught = icon.run(config.replace(method="supcon"), quiet=True)
print(taught.summary())
assert taught.history["knn_accuracy"][-1] > knn[-1]

# %% tags=["solution"]
still = icon.run(config.replace(augment="none"), quiet=True)
print(still.summary())
# nothing asks the network to forget the place
assert still.history["knn_accuracy"][-1] < knn[-1] - 0.1

# %% [markdown]
# ## Questions
#
# 1. Which part of the equation changes between SimCLR and SupCon: $p$, $q$ or the network?
# 2. Why is frame 0 the untrained network, and what would you miss without it?
# 3. Why do the pixels say so little about these digits, although you recognise each digit at once?
# 4. Why are the points in the picture not the ones that the network was trained on?
# 5. The map of frame 0 shows a little more order than the kNN accuracy of the embedding says. Where could that come from?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("quickstart", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. Only $p$: SimCLR's is the other view, SupCon's the class.
# 2. It shows what the network knows before training, from its structure alone. Without it you would credit training with all you see.
# 3. Two pictures of one digit at two places share few bright pixels, and pixel distance sees only that.
# 4. A network can learn its training pictures by heart. Only others show what it understood.
# 5. The map is fitted to show neighbours, and groups them a little more tightly than they are.

# %% [markdown]
# **Next:** [01, the loss from scratch](01_icon_from_scratch.ipynb).
#
# *Glossary:* [embedding](glossary.md#embedding), [epoch](glossary.md#epoch), [held out](glossary.md#held-out),
# [baseline](glossary.md#baseline), [kNN accuracy](glossary.md#knn-accuracy), [linear probe](glossary.md#linear-probe),
# [projection](glossary.md#projection), [recipe](glossary.md#recipe).
#
# *Paper:* [Alshammari, Hershey, Feldmann, Freeman & Hamilton 2025, I-Con: A Unifying Framework for Representation
# Learning](https://arxiv.org/abs/2504.16929).
