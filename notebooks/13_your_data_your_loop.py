# %% [markdown]
# # 13. Your data, your loop

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** You can bring your own data, your own training loop, or both. The loss asks little of data: only what $p$ needs to name
# neighbours. A recorder asks little of a loop: the same points in the same order after every epoch. The package refuses what it cannot
# read as it was meant, and gives the reason. Only you can check what the numbers *mean*, and this page shows two ways to get it wrong.
#
# **You will be able to** train on arrays, tables and folders of your own, embed new samples, record any training in any library, and
# recognise the two mistakes that no library can refuse.
# **Before this:** [00, quickstart](00_quickstart.ipynb). **Time:** 45 minutes of reading, about a minute on two CPU cores. Everything is
# made here and nothing is downloaded.

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
# What must data have before a method can be run on them?
#
# | $p(j\,\vert\,i)$ is made from | your data need | methods, for instance |
# |---|---|---|
# | distances between inputs | numbers in comparable units | `sne`, `tsne`, `kmeans` |
# | two views of the same sample | pictures, or features that bear noise | `simclr`, `vicreg` |
# | labels | a class for every sample | `supcon`, `cross_entropy` |
# | who belongs to whom | a second modality, `pair` | `clip`, `cmc` |
# | edges | `graph`, weights between samples | `ncut`, `graph_gaussian` |
#
# ## Six people by hand
#
# The first row hides the most common mistake. Here are six people by height and weight. The Gaussian $p$ sees numbers and not units:

# %%
import torch

kilograms = torch.tensor([55, 80, 56, 81, 57, 82], dtype=torch.float64)
metres = torch.tensor([1.60, 1.61, 1.74, 1.75, 1.90, 1.91], dtype=torch.float64)


def neighbours(height):
    x = torch.stack([height, kilograms], 1)
    batch = icon.supervisory.Batch(index=torch.arange(6), x=x, dtype=torch.float64)
    return icon.supervisory.Gaussian(perplexity=2.0)(batch)


in_metres, in_millimetres = neighbours(metres), neighbours(1000 * metres)
print("nearest, height in metres:     ", in_metres.argmax(1).tolist())
print("nearest, height in millimetres:", in_millimetres.argmax(1).tolist())

# %% [markdown]
# In metres the heights differ by 0.3 at most, so the weights decide. In millimetres the heights decide. Not one person keeps the nearest
# neighbour, although nobody changed. The divergence, by a double loop and by the package, follows $p$:

# %%
z = torch.stack([metres - metres.mean(), (kilograms - kilograms.mean()) / 100], 1)
log_q = icon.learned.Gaussian(temperature=0.05, distance="sqeuclidean")(z)


def double_loop(p):
    pairs = [(i, j) for i in range(6) for j in range(6) if p[i, j] > 0]
    return sum(float(p[i, j] * (p[i, j].log() - log_q[i, j])) for i, j in pairs) / 6


for name, p in (("metres", in_metres), ("millimetres", in_millimetres)):
    print(f"{name:12} loop {double_loop(p):.6f}   package {icon.divergences.kl(p, log_q).mean():.6f}")

# %% [markdown]
# ## Arrays
#
# `load` shows what will be learned from before anything is learned. It takes everything that `run(data=...)` takes: `x`, `(x, y)`,
# `(x, y, x_test, y_test)`, or a mapping with these names. Rows `(n, d)` are features; `(n, h, w)`, `(n, c, h, w)` and `(n, h, w, c)`
# are pictures. Labels are integers or texts.

# %%
import numpy as np
from sklearn.datasets import load_digits

rows, digit = load_digits(return_X_y=True)
pictures = (rows.reshape(-1, 8, 8) * 255 / 16).round().astype(np.uint8)
split = (pictures[:1200], digit[:1200], pictures[1200:], digit[1200:])
for data in (rows, (pictures, digit), split):
    print(icon.data.load(data))

# %% [markdown]
# The third has a split of its own. Training sees the first 1,200 digits, and everything that is shown and scored comes from the others.
# Without a split the pictures of this package show training points, and say so.
#
# **Predict.** SimCLR gets these digits as anonymous pictures and guesses its distortions from what they look like: small and grey. For
# `dataset="digits"` the distortions were chosen for digits. Will it do as well?

# %%
own = icon.run(method="simclr", embedding_dim=3, data=split, gif_max_points=120, gif_every=2)
own.animate(turn=0, max_points=80, point_size=5, max_frames=20)

# %%
before, after = (own.history["knn_accuracy"][k] for k in (0, -1))
print(f"{own.config.augment} at strength {own.config.augment_strength}")
print(f"kNN accuracy {before:.2f} -> {after:.2f}")

# %% [markdown]
# It learns, but it had to guess: `affine` at full strength, while for named digits the strength is lower. A mirrored picture of a cat is a
# cat, and a mirrored 2 is nothing. For your own data, say what may change without changing the meaning: `augment="affine+crop"`,
# `augment_strength=0.3`.
#
# ## New data
#
# A backbone embeds what it has never seen. `embed` reads new samples by the rules by which the data were read: bytes, or floats in
# 0..1, give the same embedding, and samples of another shape are refused. Here every held-out digit asks its five nearest *training*
# digits.

# %%
from icon_nb.evaluate import knn_accuracy

bank, new = own.embed(pictures[:1200]), own.embed(pictures[1200:])
again = own.embed(pictures[1200:] / 255)
asked = {"bank": bank, "bank_labels": digit[:1200]}
new_accuracy = knn_accuracy(new, digit[1200:], **asked)
raw = {"among themselves": knn_accuracy(rows[1200:], digit[1200:], metric="euclidean")}
among_training = {"bank": rows[:1200], "bank_labels": digit[:1200], "metric": "euclidean"}
raw["among training digits"] = knn_accuracy(rows[1200:], digit[1200:], **among_training)
print(f"{new.shape}, the same from floats: {np.allclose(new, again)}")
print(f"embedding: {after:.2f} among themselves, {new_accuracy:.2f} among training digits")
print("pixels:", {name: round(value, 2) for name, value in raw.items()})

# %%
def among_both(order):
    """The pixels' accuracy among the last 597 digits of an order, and among its first 1,200."""
    r, d = rows[order], digit[order]
    first = {"bank": r[:1200], "bank_labels": d[:1200]}
    return [knn_accuracy(r[1200:], d[1200:], metric="euclidean", **given) for given in ({}, first)]


drawn_by_lot = [among_both(np.random.default_rng(seed).permutation(len(rows))) for seed in range(5)]
print("pixels, five random splits:", np.mean(drawn_by_lot, axis=0).round(3))

# %% [markdown]
# These are two numbers for one embedding, and the second is lower. The first lets held-out digits ask each other, the second lets them ask
# training digits. The raw pixels show a gap of the same direction, so it does not come from the network. It comes from the split: when the
# split is drawn by lot, the gap of the pixels turns round. Most likely the digits are stored in the order in which people wrote them, and the
# last 600 resemble each other more than they resemble the first 1,200. When you report a kNN accuracy, say who was asked.
#
# ## The failure: a column in another unit
#
# In a DataFrame the columns become features. The labels are the column with a usual name (`label`, `target`, ...), or the only one that is
# not numeric, or the one named by `label=`; `note` tells you which. Here are 178 wines with 13 measurements each and their three growers.

# %%
from sklearn.datasets import load_wine

try:
    wines = load_wine(as_frame=True).frame
except ImportError as missing:
    where = "in the folder of the package"
    raise ImportError(f'this needs pandas: pip install -e ".[notebook]" {where}') from missing
table = icon.data.load(wines)
print(table, "|", table.note)
wines[["alcohol", "hue", "proline", "target"]].describe().loc[["mean", "std"]].round(2)

# %% [markdown]
# **Predict.** One measurement, proline, runs into the hundreds. What will t-SNE draw from the table as it is, and what from the same
# table with every column divided by its standard deviation?

# %%
features = wines.drop(columns="target")
scaled = ((features - features.mean()) / features.std()).assign(target=wines["target"])
config = icon.Config(method="tsne", gif_every=12)
both = icon.run_configs([config.replace(dataset=data) for data in (wines, scaled)], title="wines")
both.animate(titles=["as it came", "each column by its deviation"], max_points=100, point_size=5, max_frames=20)

# %% [markdown]
# Nothing failed on the left. The loss fell as it should, and t-SNE drew a faithful map of proline: as far as distances can tell, these data
# are one number. On the right all thirteen measurements have a say and the three growers come apart, although no label was used. The
# loss would not have told you, since each side has its own $p$.
#
# A network sees inputs with mean 0 and deviation 1 anyway, but $p$ is made from the numbers *as they came*. Whether a milligram and a
# degree are comparable is your decision. No library can refuse this, so look at `describe()` first.
#
# ## Folders, Datasets, and what is refused
#
# A folder needs one sub-folder per class. A torch `Dataset` is read item by item. Both become the same few tensors.

# %%
import tempfile
from pathlib import Path

from PIL import Image

folder = Path(tempfile.mkdtemp()) / "drawings"
for k in range(60):
    place = folder / f"digit {digit[k]}"
    place.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pictures[k]).resize((8 + k % 3, 8 + k % 3)).save(place / f"{k}.png")
found = icon.data.load(f"folder:{folder}")
tensors = torch.utils.data.TensorDataset(torch.from_numpy(rows[:100]).float(), torch.from_numpy(digit[:100]))
print(found, "|", found.note)
print(icon.data.load(tensors))

# %% [markdown]
# A refusal names the part, the value and what to do. Each of these would otherwise train without complaint and learn nonsense.

# %%
holes = rows.copy()
holes[[3, 8], 0] = np.nan
mistakes = {
    "a hole": holes,
    "labels of another length": (rows, digit[:-1]),
    "a class that is 2.5": (rows[:3], [0.0, 1.0, 2.5]),
    "text among the features": wines.assign(grower="Barolo", region="Piedmont"),
    "pairs of another length": {"x": rows, "pair": rows[:-1]},
}
for name, data in mistakes.items():
    try:
        icon.data.load(data)
    except icon.IconError as error:
        print(f"{name}: {error}\n")

# %% [markdown]
# ## Your own loop
#
# To watch a training that is not this package's, hand the embedding to a `Recorder` after every epoch. Three rules keep the picture
# honest:
#
# 1. **The same points in the same order**, every time, and not the batch that happens to be at hand.
# 2. **Evaluation mode, no gradients.** Dropout would shake the picture, and batch norm would learn from the points that are watched.
# 3. **Before the first step, too.** Without frame 0 you cannot tell what training did from what was there.
#
# Here is a plain torch classifier that squeezes digits into two numbers before it names them.

# %%
from torch import nn

data = icon.data.load("digits")
train, held = data.inputs(data.x).flatten(1), data.inputs(data.x_test).flatten(1)
torch.manual_seed(0)
body = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 2))
head = nn.Linear(2, 10)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-3)
held_out = {"labels": data.y_test, "class_names": data.class_names, "max_points": 300}
recorder, frames = icon.Recorder(**held_out, title="a torch classifier"), []

# %%
def watch(loss):
    body.eval()
    with torch.no_grad():
        z = body(held)
    body.train()
    frames.append(z.numpy())
    recorder.record(z, loss=loss, knn_accuracy=knn_accuracy(z, data.y_test))

# %% [markdown]
# **Predict.** Cross-entropy needs ten classes to be told apart *linearly*, by the directions of ten vectors. Where in the plane will the
# ten classes go? Will there be one in the middle?

# %%
watch(loss=float("nan"))
for epoch in range(40):
    losses = []
    for index in torch.randperm(len(train)).split(128):
        loss = nn.functional.cross_entropy(head(body(train[index])), data.y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    watch(loss=sum(losses) / len(losses))
recorder.animate(max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# The classes become rays from a common centre. A linear layer scores a class by an inner product, so a point farther out along a
# direction is more certain, and training stretches the rays for as long as it runs. The middle is where the undecided lie, and classes
# for which two dimensions left no direction of their own. The order of the rays changes with the seed.
#
# ## The failure: another order in every frame
#
# Now break rule 1. These are the very same frames as a shuffled loader would give them: every frame holds the same digits in another
# order, while the recorder takes row $i$ for the same digit as before.

# %%
from icon_nb.animation import side_by_side

shuffled = icon.Recorder(**held_out, title="a new order in every frame")
broken = np.random.default_rng(0)
for epoch, frame in enumerate(frames):
    shuffled.record(frame[broken.permutation(len(frame))], epoch=epoch)
pair = [recorder.trajectory, shuffled.trajectory]
side_by_side(pair, titles=["same order", "new order"], max_points=100, point_size=5, max_frames=20)

# %% [markdown]
# Both panels draw points of the very same cloud. On the right nearly every point has the colour of another digit, so the classes seem to
# be mixed by a network that separates them well, and points leap across the map. Nobody can refuse this for you, since a matrix has no
# names on its rows. Two numbers give it away: how far points move in the last epochs, and how well neighbours agree.

# %%
for name, seen in zip(("same order", "new order"), pair):
    step = np.linalg.norm(np.diff(seen.embeddings[-6:], axis=0), axis=2).mean() / seen.embeddings[-1].std()
    agree = knn_accuracy(seen.embeddings[-1], seen.labels)
    print(f"{name}: a step of {step:.2f} deviations of the cloud, kNN accuracy {agree:.2f}")

# %% [markdown]
# ## openTSNE, by its callbacks
#
# openTSNE calls back with the iteration, the error and the map. Its iterations start again at 1 after the early exaggeration, so let the
# recorder count. The map it hands over is changed in place later; a recorder copies what it gets.

# %%
if "google.colab" in sys.modules and importlib.util.find_spec("openTSNE") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "openTSNE"], check=True)
try:
    from openTSNE import TSNE
except ImportError as missing:
    where = "in the folder of the package"
    raise ImportError(f'this needs openTSNE: pip install -e ".[notebook]" {where}') from missing

# %%
labels = data.y_test.numpy()
mapped = icon.Recorder(**held_out, title="openTSNE")


def callback(iteration, error, embedding):
    mapped.record(embedding, loss=error, knn_accuracy=knn_accuracy(np.array(embedding), labels))


settings = {"callbacks": callback, "callbacks_every_iters": 25, "n_jobs": 1, "random_state": 0}
TSNE(n_iter=250, early_exaggeration_iter=125, neighbors="exact", **settings).fit(held.numpy())
mapped.animate(max_points=120, point_size=5, max_frames=20)

# %% [markdown]
# The map stays tight while attraction is exaggerated, which takes the first five frames, and opens afterwards. The loss falls steeply at
# that switch, because a different $p$ is compared, and not because anything was learned. The first frame is not the start: the
# callback comes after 25 iterations.
#
# A recording needs neither the model nor a kernel. In the player you drag the epoch, click a point to follow it, and click a class in
# the legend to hide it.

# %%
mapped.player()

# %% [markdown]
# ## Recap
#
# - Every $p$ asks for something: units, views, labels, pairs or edges. Know which one you rely on.
# - `load` before you `run`, and `describe()` before you `load`.
# - A recorder needs the same points in the same order, in evaluation mode, from before the first step.
# - A kNN accuracy depends on who is asked.
#
# ## Misconceptions
#
# - *"The network standardises its inputs, so units do not matter."* They matter to $p$.
# - *"The loss fell, so the map is right."* It is right about its own $p$.
# - *"A recorder can check the order of my rows."* It cannot.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Modify.* Give SimCLR the wines. What is a distorted view of a row of measurements?
# 2. ★★ *Predict, then run.* Leave the labels in the table of wines under a name that nothing recognises, such as `code`, multiplied by
#    1,000. What does t-SNE draw, and what has gone wrong?
# 3. ★★★ *Derive.* Why may a map be turned without changing the loss of SNE, and why must a recorder not undo the turn?

# %% tags=["solution"]
noisy = icon.run(method="simclr", data=scaled, batch_size=64, quiet=True)
# views of features differ by noise, which must be smaller than what matters
print(noisy.config.augment, noisy.summary())
assert noisy.config.augment == "noise" and noisy.history["loss"][-1] < noisy.history["loss"][0]

# %% tags=["solution"]
leaked = features.assign(code=1000.0 * wines["target"])
leak = icon.run(method="tsne", data=leaked, quiet=True)
seen = knn_accuracy(leak.embeddings, wines["target"])
# the answer was among the questions
print(f"{leak.data()}: kNN accuracy of the map {seen:.2f}")
assert leak.data().y is None and seen > 0.95

# %% tags=["solution"]
turn = torch.linalg.qr(torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
turned = icon.learned.Gaussian(temperature=0.05, distance="sqeuclidean")(z @ turn)
# q sees distances only, and an orthogonal map keeps them;
# but a training that really turns should be seen to turn
assert (turned - log_q).nan_to_num().abs().max() < 1e-9

# %% [markdown]
# ## Questions
#
# 1. Which methods could you run on a table without labels, and what does each assume about its columns?
# 2. Why does a network with standardised inputs not protect SNE from a column in the wrong unit?
# 3. Your pictures are X-rays. Which of crop, flip, jitter and blur may change, and which change the diagnosis?
# 4. A picture shows training points only. Which failure can you not see?
# 5. A data set holds the same picture twice, once in training and once held out. Which number of this page becomes wrong?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("your_data_your_loop", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. SNE, t-SNE, k-means and PCA, which assume comparable columns, and SimCLR, which assumes that small noise is harmless.
# 2. $p$ is made from the data as they came, before anything is standardised.
# 3. Small crops and jitter are usually harmless. A flip moves the heart to the other side, and blur hides fine lines.
# 4. Overfitting: points that were learned by heart look exactly as well separated as points that were understood.
# 5. The kNN accuracy among training digits: the copy votes for itself.

# %% [markdown]
# **Next:** [14, invent a cell](14_invent_a_cell.ipynb).
#
# *Glossary:* [trajectory](glossary.md#trajectory), [held out](glossary.md#held-out), [kNN accuracy](glossary.md#knn-accuracy).
#
# *Papers:* [van der Maaten & Hinton 2008, t-SNE](https://jmlr.org/papers/v9/vandermaaten08a.html);
# [Chen et al. 2020, SimCLR](https://arxiv.org/abs/2002.05709); [Poličar, Stražar & Zupan 2024, openTSNE](https://doi.org/10.18637/jss.v109.i03).
