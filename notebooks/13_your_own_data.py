# %% [markdown]
# # 13. Your own data: what each p asks for, and what the numbers must mean

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** The loss asks little of data: only what $p$ needs to name neighbours. An array, a DataFrame, a folder of pictures, a
# torch `Dataset` or two modalities all become the same few tensors. What cannot be read as it was meant is refused, with the reason;
# what the numbers *mean* nobody but you can check. Less than a minute on two CPU cores; everything is made here, nothing downloaded.

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
# ## Six points by hand
#
# The first row hides the mistake that is made most often. Here are six people, by height and weight. The Gaussian $p$ sees numbers, not
# units:

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
# In metres the heights differ by 0.3 at most and the weights decide; in millimetres the heights decide. Not one person keeps the
# nearest neighbour, though nobody changed. The divergence, by a double loop and by the package, follows $p$:

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
# `load` shows what will be learned from, before anything is learned. It takes everything that `run(data=...)` takes: `x`, `(x, y)`,
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
# The third has a split of its own: training sees the first 1,200, and all that is shown and scored comes from the others. Without a
# split the pictures of this package show training points, and say so.
#
# **Predict.** SimCLR needs no labels, only distortions. It gets these digits as anonymous pictures, and chooses its distortions by
# what they look like: small and grey. Will it do as well as on `dataset="digits"`, where the distortions are chosen for digits?

# %%
own = icon.run(method="simclr", embedding_dim=3, data=split, gif_max_points=120, gif_every=2)
own

# %% [markdown]
# It does about as well as in the quickstart: the untrained cloud is mixed, and the trained one has regions. What the picture does not
# show is what it cost to know nothing: the distortions were guessed from shape and colour (`affine`, at full strength), while for
# named digits they are weaker. A mirrored picture of a cat is a cat; a mirrored 2 is nothing. For your own data, say what may change
# without changing the meaning: `augment="affine+crop"`, `augment_strength=0.3`.

# %%
before, after = (own.history["knn_accuracy"][k] for k in (0, -1))
print(f"{own.config.augment} at strength {own.config.augment_strength}")
print(f"kNN accuracy {before:.2f} -> {after:.2f}")

# %% [markdown]
# ## New data
#
# A backbone embeds what it has never seen. `embed` reads new samples by the rules by which the data were read: bytes, or floats in
# 0..1, give the same embedding, and samples of another shape are refused. Here every held-out digit votes among its five nearest
# *training* digits.

# %%
from icon_nb.evaluate import knn_accuracy

bank, new = own.embed(pictures[:1200]), own.embed(pictures[1200:])
again = own.embed(pictures[1200:] / 255)
new_accuracy = knn_accuracy(new, digit[1200:], bank=bank, bank_labels=digit[:1200])
print(f"{new.shape}, the same from floats: {np.allclose(new, again)}")
print(f"kNN accuracy of new digits {new_accuracy:.2f}")

# %% [markdown]
# ## A DataFrame, and the failure
#
# Columns become features; the labels are the column with a usual name (`label`, `target`, ...), or the only one that is not numeric,
# or the one named by `label=`. `note` tells which. Here are 178 wines with 13 measurements each and their three growers.

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
both.animate(titles=["as it came", "each column by its deviation"])

# %% [markdown]
# Nothing failed on the left: the loss fell as it should, and a line of points is what t-SNE makes of data that are, as far as
# distances can tell, one number. The map is a faithful picture of proline. On the right all thirteen measurements have a say, and the
# three growers come apart, though no label was used. The loss would not have told: it measures how well the map follows $p$, and
# each side has its own $p$.
#
# A network sees inputs with mean 0 and deviation 1 anyway, but $p$ is made from the numbers *as they came*: whether a milligram and a
# degree are comparable is your decision. No library can refuse this; look at `describe()` first.

# %%
for name, data, run in zip(("as it came", "scaled"), (wines, scaled), both):
    raw = knn_accuracy(data.drop(columns="target").to_numpy(), wines["target"], metric="euclidean")
    print(f"{name:12} kNN accuracy of the inputs {raw:.2f}, of the map {run.history['knn_accuracy'][-1]:.2f}")
both.plot(["knn_accuracy"], labels=["as it came", "scaled"], title="t-SNE of wines")

# %% [markdown]
# ## A folder of pictures, a torch Dataset
#
# One sub-folder per class, `train` and `test` if there are any. Sizes may differ: they are brought to one, which the note tells.

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
print(found, "|", found.note)

# %% [markdown]
# A torch `Dataset` is read once, item by item, into memory: `x`, `(x, y)`, or a mapping. Transforms that it applies at random are
# applied once, so leave random ones to `augment`.

# %%
class Drawings(torch.utils.data.Dataset):
    classes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

    def __len__(self):
        return 100

    def __getitem__(self, k):
        return torch.from_numpy(pictures[k]).float() / 255, int(digit[k])


drawn = icon.data.load(Drawings())
print(drawn, drawn.class_names[:3])

# %% [markdown]
# ## A second modality
#
# `pair` holds what belongs to each sample: row $i$ of one belongs to row $i$ of the other. Here it is the lower half of every digit,
# as 32 plain numbers, while the upper half stays a picture. CLIP's $p$ says: my neighbour is my other half. No label is used.

# %%
halves = {"x": pictures[:, :4], "pair": rows.reshape(-1, 8, 8)[:, 4:].reshape(-1, 32), "y": digit}
paired = icon.run(method="clip", data=halves, epochs=10, gif_max_points=150, gif_every=2, augment="none")
print(paired.data(), "and pairs of shape", tuple(paired.data().pair.shape[1:]))
paired

# %% [markdown]
# The points are upper halves; the caption says how small a part of 64 dimensions the picture can hold. Upper halves whose lower halves look alike move together, since both are compared with the same lower
# halves; the neighbours of an upper half agree better on the digit than before training. There is no held-out part here, so this
# accuracy is one of training points: it says that the embedding is tidy, not that it generalises. Notebook 11 has both.
#
# ## What is refused, and why
#
# A refusal names the part, the value and what to do. Each of these would otherwise train without complaint, and learn nonsense.

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
# A method that needs what the data lack is refused before anything is trained, and so are new samples in another form:

# %%
for attempt in (lambda: icon.run(method="supcon", data=rows), lambda: own.embed(pictures[:, :4])):
    try:
        attempt()
    except icon.IconError as error:
        print(f"{error}\n")

# %% [markdown]
# ## Facts

# %% tags=["facts"]
assert (in_metres.argmax(1) != in_millimetres.argmax(1)).all()
for p in (in_metres, in_millimetres):
    assert abs(double_loop(p) - icon.divergences.kl(p, log_q).mean()) < 1e-9
assert own.trajectory.held_out.all() and len(own.data()) == 1200 and not paired.trajectory.held_out.any()
assert (own.config.augment, own.config.augment_strength) == ("affine", 1.0)
assert icon.Config(dataset="digits").resolve().augment_strength == 0.3
assert 0.6 < after < 0.85 and after > before + 0.2
assert np.allclose(new, again, atol=1e-5) and new_accuracy > 0.6
assert table.shape == (13,) and len(table) == 178 and features.std().idxmax() == "proline"
assert both[0].history["knn_accuracy"][-1] < 0.8 and both[1].history["knn_accuracy"][-1] > 0.9
assert all(run.history["loss"][-1] < run.history["loss"][0] / 2 for run in both)
along = both[0].embeddings[:, np.ptp(both[0].embeddings, 0).argmax()]
assert np.corrcoef(along, wines["proline"])[0, 1] ** 2 > 0.8
assert found.n_classes == drawn.n_classes == 10 and "3 sizes" in found.note
assert paired.history["knn_accuracy"][-1] > paired.history["knn_accuracy"][0] + 0.02

# %% [markdown]
# ## Exercises
#
# 1. *Predict, then run.* Leave the column of the labels in the table of wines under a name that nothing recognises, such as `code`.
#    What does t-SNE draw, and what has gone wrong? It helps to multiply it by 100.
# 2. *Modify.* Give SimCLR the wines. What is a distorted view of a row of measurements?
# 3. *Derive.* Multiply all features by the same number. Why does the Gaussian $p$ with a perplexity not change?

# %% tags=["solution"]
leaked = features.assign(code=100.0 * 10 * wines["target"])
leak = icon.run(method="tsne", data=leaked, quiet=True)
seen = knn_accuracy(leak.embeddings, wines["target"])
# the answer was among the questions
print(f"{leak.data()}: kNN accuracy of the map {seen:.2f}")
assert leak.data().y is None and seen > 0.95

# %% tags=["solution"]
noisy = icon.run(method="simclr", data=scaled, batch_size=64, quiet=True)
# views of features differ by noise, which must be smaller than what matters
print(noisy.config.augment, noisy.summary())
assert noisy.config.augment == "noise" and noisy.history["loss"][-1] < noisy.history["loss"][0]

# %% tags=["solution"]
larger = 10 * torch.stack([metres, kilograms], 1)
tenfold = icon.supervisory.Batch(index=torch.arange(6), x=larger, dtype=torch.float64)
# the width that gives a row its perplexity grows by the same factor, and only the ratio stands in the exponent
assert (icon.supervisory.Gaussian(perplexity=2.0)(tenfold) - in_metres).abs().max() < 1e-6

# %% [markdown]
# ## Questions
#
# 1. Which methods could you run on a table without labels, and what does each assume about its columns?
# 2. Why does a network with standardised inputs not protect SNE from a column in the wrong unit?
# 3. Your pictures are X-rays. Which of crop, flip, jitter and blur may change, and which change the diagnosis?
# 4. Rows of `pair` were shuffled by mistake. What will the loss and the accuracy of CLIP show, and what would be refused?
# 5. A data set holds the same picture twice, once in training and once held out. Which number of this page becomes wrong?
#
# **Next:** [14, animate any training](14_animate_any_training.ipynb).
#
# *van der Maaten & Hinton (2008), Visualizing Data using t-SNE. Chen et al. (2020), arXiv 2002.05709. Radford et al. (2021), arXiv 2103.00020.*
