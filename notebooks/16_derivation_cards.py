# %% [markdown]
# # 16. Derivation cards: every method in three lines

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% tags=["setup"]
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("icon_nb") is None:
    package = "icon_nb-0.1.0-py3-none-any.whl"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)
import icon_nb as icon

# %% [markdown]
# **The claim.** Every method of the table is $D(p \Vert q)$ for some $p$ and $q$. From there to the loss of its paper it takes three lines
# of algebra, and the numbers of six points show that each line equals the one before it.
#
# **You will be able to** look up a method, follow its derivation, and check a line of algebra with numbers.
# **Before this:** [01, from scratch](01_icon_from_scratch.ipynb) and [09, the periodic table](09_periodic_table.ipynb).
# **Time:** look up what you need; all cells run in half a minute on two CPU cores.

# %% [markdown]
# ## How to read a card
#
# A card names $p$ and $q$, and then goes from the divergence to the published loss. Each line has a reason in front of it. Below the formulas
# stands the same in Python, as sums over plain lists. The cell prints what each line is on six points, and what the package
# says. The picture shows $p$ and $q$ of these points with their numbers. The caveat says what the card leaves out.
#
# Three steps come again and again:
#
# - **One neighbour.** If $p_i$ is 1 on a single candidate $i^+$, its entropy is zero, and $D(p_i \Vert q_i) = -\log q_{ii^+}$.
# - **A softmax.** If $q_{ij} \propto e^{s_{ij}}$, then $-\log q_{ij} = -s_{ij} + \log \sum_k e^{s_{ik}}$: one term pulls, and the other pushes.
# - **A limit.** For $\tau \to \infty$ the logarithm of a sum becomes a mean, and for $\tau \to 0$ it becomes a maximum.
#
# $n$ is the number of points. Where two views of a sample are compared the formulas of papers write $n$ for the samples and $2n$ for the
# points, and so do the cards.
#
# **Predict.** SimCLR, MoCo, CLIP, cross-entropy and the masked language model come from five fields. In how many of their cards is the first
# step "one neighbour"? Make your guess before you read on.

# %% [markdown]
# ## Six points
#
# All cards share these numbers. Six points have places $x$ and embeddings $z$. They are three samples with two views each, or six
# samples of two classes, or the six nodes of a graph. Everything is a list, so that each sum can be read as it is written.

# %%
from base64 import b64encode
from io import BytesIO
from math import acos, exp, hypot, inf, log
from math import cos as cosine_of
from statistics import fmean as mean
from statistics import pvariance

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from PIL import Image

import icon_nb as icon
from icon_nb.animation.display import image

# %%
R, T = range(6), range(3)  # six points; three samples, or three candidates

# %%
x = [[0, 0], [1, 0], [1, 2], [4, 1.5], [4, 4], [5, 4]]  # the samples
z = [[0.1, 0.3], [0.9, -0.2], [0.8, 1.1], [1.9, 0.4], [-0.3, 1.8], [-0.9, 2.2]]  # their embeddings
slow = [[0.2, 0.3], [0.8, -0.1], [0.7, 1.0], [1.7, 0.5], [-0.2, 1.6], [-0.7, 2.0]]  # by a slow encoder
c = [[1.2, 0.1], [-0.4, 1.9], [0.9, 1.0]]  # three prototypes, centres, or earlier keys in a queue
words, hidden = [[0, 0], [0.5, 0], [0.5, 1], [1, 0.5]], [0, 1, 2, 3, 0, 1]  # a vocabulary, and the hidden words
y, pair = [0, 0, 0, 0, 1, 1], [1, 0, 3, 2, 5, 4]  # classes, and the other view of each point
thirds = [0, 0, 0, 1, 1, 1]  # the samples, where each has three views

# %%
edges = {(0, 1): 1, (1, 2): 1, (0, 2): 2, (2, 3): 1, (3, 4): 1, (4, 5): 2, (3, 5): 1}
w = [[edges.get((min(i, j), max(i, j)), 0) for j in R] for i in R]  # a graph
degree = [sum(row) for row in w]
captions = [[1, 0], [1, 0.2], [0.8, 0.6], [0.5, 0.9], [0, 1], [-0.3, 1]]
teacher = [[2, 1, 0], [2, 0, 1], [1, 2, 0], [2, 2, 0], [0, 1, 2], [0, 0, 3]]  # what it says of three classes
drawn, centre = [[3, 4, 4], [3, 5, 0], [4, 5, 5], [0, 1, 0], [0, 1, 2], [2, 2, 1]], [0.1, 0.2, 0.3]
A, B, A_slow, B_slow = z[::2], z[1::2], slow[::2], slow[1::2]  # first and second views

# %%
def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def cos(a, b):
    return dot(a, b) / (hypot(*a) * hypot(*b))


def sq(a, b):
    return sum((p - q) ** 2 for p, q in zip(a, b))


def unit(a):
    return [v / hypot(*a) for v in a]


# %%
def softmax(scores):
    total = logsum(scores)
    return [exp(each - total) for each in scores]


def logsum(scores):
    """The logarithm of a sum of exponentials, of which none may overflow."""
    top = max(scores)
    return top + log(sum(exp(each - top) for each in scores))


# %%
def kl(p, q):
    return sum(a * log(a / b) for a, b in zip(p, q) if a > 0)


def H(p):
    return -sum(a * log(a) for a in p if a > 0)


def near(vectors, i, distance=sq):
    """The two nearest others."""
    return sorted((j for j in R if j != i), key=lambda j: distance(vectors[i], vectors[j]))[:2]


# %%
def correlation(a, b):
    return cos([v - mean(a) for v in a], [v - mean(b) for v in b])


def nearest(v):
    """What lies nearest to v in the queue."""
    return max(c, key=lambda key: cos(v, key))


def to_mean(i, label):
    """The squared distance of a point from the mean of the others of a class, and how many these are."""
    members = [z[j] for j in R if j != i and y[j] == label]
    return sq(z[i], [mean(each) for each in zip(*members)]), len(members)


# %%
phi = [softmax(row) for row in z]  # memberships in two clusters
size = [sum(row[k] for row in phi) for k in range(2)]
volume = [sum(phi[i][k] * degree[i] for i in R) for k in range(2)]


def inertia(v):
    """Squared distances from the means of the clusters, as much as each point belongs to them."""
    means = [[sum(phi[i][k] * v[i][m] for i in R) / size[k] for m in range(2)] for k in range(2)]
    return sum(phi[i][k] * sq(v[i], means[k]) for i in R for k in range(2))


# %%
mutual = [[((j in near(x, i)) + (i in near(x, j))) / 2 for j in R] for i in R]
near_graph = torch.tensor(mutual, dtype=torch.float64)
root = near_graph.sum(1).sqrt()
vectors = torch.linalg.eigh(near_graph / (root[:, None] * root))[1][:, -2:]
u = (vectors / vectors.norm(dim=1, keepdim=True)).tolist()  # the spectral embedding

# %%
def blocks(kind):
    """Anchors and their candidates, by the kind of candidates; None stands for the points themselves."""
    centred = [[[v - mean(side) for v in side] for side in zip(*view)] for view in (A, B)]
    ahead = [[nearest(v) for v in view] for view in (A, B)]
    two = {"keys": [(A, B_slow), (B, A_slow)], "modality": [(A, B), (B, A)]}
    two |= {"support": [(ahead[0], B), (ahead[1], A)], "codes": [(A, c), (B, c)], "taught": [(A, c), (B, c)]}
    one = {"views": (A, B), "dimensions": centred, "queue": (A, B_slow + c), "relations": (A, c)}
    one |= {"contexts": (z, slow), "classes": (z, c), "centres": (z, c), "tokens": (z, words)}
    return [[tensor(side) for side in block] for block in two.get(kind) or [one.get(kind) or (z, None)]]


def tensor(rows):
    return None if rows is None else torch.tensor(rows, dtype=torch.float64)


# %%
def asked(kind):
    """What a teacher says of the candidates, or what else p is made of."""
    if kind == "sampled":
        return [[(each + 0.5) / 6 for each in row] for row in drawn]
    if kind == "taught":
        return [[cos(v, c[k]) - centre[k] for k in T] for v in B_slow + A_slow]
    if kind == "centres":
        return [[-sq(v, each) for each in c] for v in z]
    if kind in ("codes", "relations"):
        return [[cos(v, each) for each in c] for v in (B + A if kind == "codes" else B_slow)]
    return teacher if kind == "classes" else captions


# %%
def samples(method):
    """The sample that each row is a view of."""
    kind = method.p.candidates
    if kind == "dimensions" or method.name == "mil_nce":
        return [0, 1] if kind == "dimensions" else thirds
    if "views" not in method.p.needs:
        return list(T if kind == "modality" else R)
    return [0, 0, 1, 1, 2, 2] if kind in ("samples", "pairs") else [0, 1, 2, 0, 1, 2]


# %%
def batch(method):
    """What p may look at."""
    kind = method.p.candidates
    labels, n_classes = hidden if kind == "tokens" else y, {"tokens": 4, "classes": 3}.get(kind, 0)
    there = {"x": tensor(x), "y": torch.tensor(labels), "companion": tensor(asked(kind)), "graph": tensor(w)}
    index = torch.tensor(samples(method))
    return icon.supervisory.Batch(index, n_classes=n_classes, dtype=torch.float64, **there)


# %%
SMALL = {"perplexity": 2.5, "n_neighbors": 2, "n_candidates": 3}
SUITED = {"student_t": 2.0, "gaussian_fixed": 2.0, "spectral": 2.0, "graph_gibbs": 0.5}
SUITED |= {"relations": 0.2, "swapped_codes": 0.2, "centred_teacher": 0.2}  # more than one is seen
SUITED = {name: {"p_temperature": value} for name, value in SUITED.items()}
SUITED |= {"dimension": {"temperature": 1.0}, "views_and_neighbors": {"n_neighbors": 1}}
SUITED["spectral"]["embedding_dim"] = 2


# %%
def objective(method):
    """p, q and D as the package puts them together, with settings that suit six points."""
    given = {name: value for name, value in SMALL.items() if name in method.p.settings}
    given |= SUITED.get(method.supervisory, {})
    n_classes = {"classes": 3, "tokens": 4, "contexts": 6}.get(method.p.candidates)
    return icon.loss(method.name, n_classes=n_classes, **given).objective


# %%
def six(name):
    """p and q of a method on the six points, in a limit distances in the place of q, and the loss."""
    method = icon.methods.get(name)
    made, sides = objective(method), blocks(method.p.candidates)
    target = made.target(batch(method))
    q = torch.cat([made.learned(*side, target.measure) for side in sides])
    q = q if method.q.limit else q.exp()
    p, q = (each.reshape(6, 6) if each.numel() == 36 else each for each in (target.p, q))
    return p.tolist(), q.tolist(), float(made.loss(target, sides))


# %%
def normal(rows):
    """Weights as rows that sum to one."""
    return [[v / sum(row) for v in row] for row in rows]


# %%
score = [[cos(one, two) / 0.5 for two in z] for one in z]  # of SimCLR and of hard negatives


def strangers(i):
    return [k for k in R if k not in (i, pair[i])]


def weight(i, j):
    """That of a candidate with hard negatives, where strangers weigh the more the nearer they are."""
    hard = 1 if j == pair[i] else exp(score[i][j]) / mean(exp(score[i][k]) for k in strangers(i))
    return (j != i) * hard * exp(score[i][j])


# %%
def number(v):
    return "" if abs(v) == inf else f"{v:.2f}".replace("0.", ".", 1) if v else "0"


def draw(ax, matrix, title):
    """A heat map with its numbers; a candidate that is none stays empty."""
    top = max(abs(v) for row in matrix for v in row if abs(v) < inf)
    shades = [[min(v, top) for v in row] for row in matrix]
    ax.imshow(shades, cmap="Blues", vmin=0, vmax=2 * top, aspect="auto")  # numbers stay readable
    for i, j in ((i, j) for i, row in enumerate(matrix) for j in range(len(row))):
        ax.text(j, i, number(matrix[i][j]), ha="center", va="center", size=8)
    ax.set(title=title, xticks=range(len(matrix[0])), yticks=range(len(matrix)))


# %%
def picture(name, p, q):
    """Heat maps of p and q as a small PNG: rows are anchors, and columns are candidates."""
    limit = icon.methods.get(name).q.family in ("gaussian_wide", "gaussian_narrow")
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.3))
    draw(axes[0], p, "p")
    draw(axes[1], q, "distances, as no q is left" if limit else "q")
    figure.subplots_adjust(0.03, 0.1, 0.99, 0.89, 0.1)
    figure.savefig(png := BytesIO(), dpi=72)
    plt.close(figure)
    Image.open(png).convert("RGB").quantize(16).save(small := BytesIO(), "PNG", optimize=True)
    return small.getvalue()


# %%
def first_row(p, q, loss):
    """The divergence of the first row with its numbers, where the loss is a mean of such divergences."""
    for a, b in ((p, q), (q, p)):
        finite = all(v > 0 for one, two in zip(a, b) for u, v in zip(one, two) if u > 0)
        if finite and all(abs(sum(row) - 1) < 1e-9 for row in a) and abs(mean(map(kl, a, b)) - loss) < 1e-9:
            terms = [f"{u:.2f} log({u:.2f} / {v:.2f})" for u, v in zip(a[0], b[0]) if u > 0]
            return f"row 0: {' + '.join(terms)} = {kl(a[0], b[0]):.2f}\n"
    return ""


# %%
checked = {}  # what the lines of every card came to, and what the package says


def card(name, p, q, loss, *lines):
    checked[name] = lines, loss
    print(f"{first_row(p, q, loss)}lines: {', '.join(f'{line:.6f}' for line in lines)}; package: {loss:.6f}")
    alt = f"Heat maps of p and q of {icon.methods.get(name).title} on the six points"
    png = picture(name, p, q)
    display({"text/plain": alt, "image/png": b64encode(png).decode(), "text/html": image(png, alt)}, raw=True)


sne = six("sne")[0]  # rows of Gaussian neighbours, which the joint P of t-SNE is made of

# %% [markdown]
# ## Maps: points are placed, and p are neighbours of the inputs or of a graph

# %% [markdown]
# ### SNE
#
# $p$: Gaussian, $p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2},\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* Hinton & Roweis 2002, *Stochastic Neighbor Embedding*.
#
# **1.** Every point has a divergence of its own. In $q$ it is no neighbour of itself.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad q_{ij} = \frac{e^{-\lVert z_i - z_j\rVert^2}}{\sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2}}$$
#
# **2.** The logarithm of $q$ is a squared distance less the logarithm of the normaliser.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} p_{ij} \Big[ \log p_{ij} + \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2} \Big]$$
#
# **3.** A row of $p$ sums to one. The second term pulls neighbours together, and the third pushes all others away.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_{j \ne i} p_{ij} \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2} \Big]$$
#
# **Caveat.** Every divergence of a point counts alike, so an outlier pulls as hard as a point in a crowd; t-SNE's symmetric P mends that.

# %%
p, q, loss = six("sne")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(sum(p[i][j] * (log(p[i][j]) + sq(z[i], z[j]) + log(sum(exp(-sq(z[i], z[k])) for k in R if k !=
    i))) for j in R if j != i) for i in R)
)
third = (
    mean(-H(p[i]) + sum(p[i][j] * sq(z[i], z[j]) for j in R) + log(sum(exp(-sq(z[i], z[k])) for k in R if
    k != i)) for i in R)
)
card("sne", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SNE
#
# $p$: Gaussian, over all pairs, $P_{ij} = (p_{j|i} + p_{i|j}) / 2n$. $q$: Student-t, over all pairs, $Q_{ij} = (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2} / \textstyle\sum_{k \ne l}$. *Source:* van der Maaten & Hinton 2008, *Visualizing Data using t-SNE*.
#
# **1.** $P$ and $Q$ are distributions over all ordered pairs, so there is one divergence.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} = \frac{(1 + \lVert z_i - z_j\rVert^2)^{-1}}{\sum_{k \ne l} (1 + \lVert z_k - z_l\rVert^2)^{-1}}$$
#
# **2.** The heavy tail turns the squared distance into its logarithm, and one normaliser serves all pairs.
#
# $$D = -H(P) + \sum_{i \ne j} P_{ij} \log(1 + \lVert z_i - z_j\rVert^2) + \log \sum_{k \ne l} (1 + \lVert z_k - z_l\rVert^2)^{-1}$$
#
# **3.** With $P_{ij} = (p_{j|i} + p_{i|j}) / 2n$ and symmetric distances, the two halves of $P$ attract alike.
#
# $$D = -H(P) + \frac1n \sum_{i \ne j} p_{j|i} \log(1 + \lVert z_i - z_j\rVert^2) + \log \sum_{k \ne l} (1 + \lVert z_k - z_l\rVert^2)^{-1}$$
#
# **Caveat.** This is one divergence over all pairs. The mean of one divergence a point, which the published table shows, is `tsne_conditional`.

# %%
p, q, loss = six("tsne")
first = sum(kl(p[i], q[i]) for i in R)
second = (
    -sum(map(H, p)) + sum(p[i][j] * log(1 + sq(z[i], z[j])) for i in R for j in R) + log(sum(1 / (1 +
    sq(z[k], z[m])) for k in R for m in R if k != m))
)
third = (
    -sum(map(H, p)) + mean(sum(sne[i][j] * log(1 + sq(z[i], z[j])) for j in R) for i in R) + log(sum(1 /
    (1 + sq(z[k], z[m])) for k in R for m in R if k != m))
)
card("tsne", p, q, loss, first, second, third)

# %% [markdown]
# ### Symmetric SNE
#
# $p$: Gaussian, over all pairs, $P_{ij} = (p_{j|i} + p_{i|j}) / 2n$. $q$: Gaussian, over all pairs, $Q_{ij} = e^{-d_{ij}/\tau} / \textstyle\sum_{k \ne l}$. *Source:* Cook et al. 2007, *Visualizing Similarity Data with a Mixture of Maps*.
#
# **1.** $P$ and $Q$ are distributions over all ordered pairs.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} = \frac{e^{-\lVert z_i - z_j\rVert^2}}{\sum_{k \ne l} e^{-\lVert z_k - z_l\rVert^2}}$$
#
# **2.** One normaliser serves all pairs.
#
# $$D = -H(P) + \sum_{i \ne j} P_{ij} \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne l} e^{-\lVert z_k - z_l\rVert^2}$$
#
# **3.** With $P_{ij} = (p_{j|i} + p_{i|j}) / 2n$ the attraction is that of SNE; only the normaliser differs.
#
# $$D = -H(P) + \frac1n \sum_{i \ne j} p_{j|i} \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne l} e^{-\lVert z_k - z_l\rVert^2}$$
#
# **Caveat.** The Gaussian tail crowds the map: a pair that is moderately far in many dimensions has no room in two. The heavy tail of t-SNE makes room.

# %%
p, q, loss = six("symmetric_sne")
first = sum(kl(p[i], q[i]) for i in R)
second = (
    -sum(map(H, p)) + sum(p[i][j] * sq(z[i], z[j]) for i in R for j in R) + log(sum(exp(-sq(z[k], z[m]))
    for k in R for m in R if k != m))
)
third = (
    -sum(map(H, p)) + mean(sum(sne[i][j] * sq(z[i], z[j]) for j in R) for i in R) + log(sum(exp(-sq(z[k],
    z[m])) for k in R for m in R if k != m))
)
card("symmetric_sne", p, q, loss, first, second, third)

# %% [markdown]
# ### Heavy-tailed t-SNE
#
# $p$: Gaussian, over all pairs, $P_{ij} = (p_{j|i} + p_{i|j}) / 2n$. $q$: Student-t, over all pairs, $Q_{ij} = (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2} / \textstyle\sum_{k \ne l}$. *Source:* [Kobak et al. 2019](https://arxiv.org/abs/1902.05804).
#
# **1.** The kernel of the package has degrees of freedom $\nu$ and a temperature $\tau$; here they are 0.6 and 4/3.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} \propto \Big(1 + \frac{\lVert z_i - z_j\rVert^2}{\nu\tau}\Big)^{-(\nu+1)/2}$$
#
# **2.** With $\nu = 2a - 1$ and $\tau = a / (2a - 1)$ you have $\nu\tau = a$ and $(\nu + 1)/2 = a$: the published kernel, here with $a = 0.8$.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2 / a)^{-a}$$
#
# **3.** The exponent becomes a factor of the attraction. For $a = 1$ this is t-SNE.
#
# $$D = -H(P) + a \sum_{i \ne j} P_{ij} \log(1 + \lVert z_i - z_j\rVert^2 / a) + \log \sum_{k \ne l} (1 + \lVert z_k - z_l\rVert^2 / a)^{-a}$$
#
# **Caveat.** A heavier tail splits clusters into smaller ones. It needs $a > 1/2$, and a small $a$ can split what is one cluster.

# %%
p, q, loss = six("heavy_tailed_tsne")
first = (
    sum(p[i][j] * log(p[i][j] * sum((1 + sq(z[k], z[m]) / (0.6 * 4 / 3)) ** (-1.6 / 2) for k in R for m in
    R if k != m) / (1 + sq(z[i], z[j]) / (0.6 * 4 / 3)) ** (-1.6 / 2)) for i in R for j in R if i != j)
)
second = (
    sum(p[i][j] * log(p[i][j] * sum((1 + sq(z[k], z[m]) / 0.8) ** -0.8 for k in R for m in R if k != m) /
    (1 + sq(z[i], z[j]) / 0.8) ** -0.8) for i in R for j in R if i != j)
)
third = (
    -sum(map(H, p)) + 0.8 * sum(p[i][j] * log(1 + sq(z[i], z[j]) / 0.8) for i in R for j in R) +
    log(sum((1 + sq(z[k], z[m]) / 0.8) ** -0.8 for k in R for m in R if k != m))
)
card("heavy_tailed_tsne", p, q, loss, first, second, third)

# %% [markdown]
# ### Parametric t-SNE
#
# $p$: Gaussian, over all pairs, $P_{ij} = (p_{j|i} + p_{i|j}) / 2n$. $q$: Student-t, over all pairs, $Q_{ij} = (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2} / \textstyle\sum_{k \ne l}$. *Source:* van der Maaten 2009, *Learning a Parametric Embedding by Preserving Local Structure*.
#
# **1.** The loss is that of t-SNE, but the points come from a network, $z_i = f(x_i)$.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} \propto (1 + \lVert f(x_i) - f(x_j)\rVert^2)^{-1}$$
#
# **2.** $P$ and $Q$ are symmetric, so every pair counts twice.
#
# $$D = 2 \sum_{i < j} P_{ij} \log \frac{P_{ij}}{Q_{ij}}$$
#
# **3.** Only the last two terms depend on the weights of $f$.
#
# $$D = -H(P) + 2 \sum_{i < j} P_{ij} \log(1 + \lVert f(x_i) - f(x_j)\rVert^2) + \log\, 2 \sum_{k < l} (1 + \lVert f(x_k) - f(x_l)\rVert^2)^{-1}$$
#
# **Caveat.** $P$ is made of the batch, so a small batch sees few of the true neighbours. The published training of one layer after the other is left out.

# %%
p, q, loss = six("parametric_tsne")
first = sum(kl(p[i], q[i]) for i in R)
second = 2 * sum(p[i][j] * log(p[i][j] / q[i][j]) for j in R for i in range(j))
third = (
    -sum(map(H, p)) + 2 * sum(p[i][j] * log(1 + sq(z[i], z[j])) for j in R for i in range(j)) + log(2 *
    sum(1 / (1 + sq(z[k], z[m])) for m in R for k in range(m)))
)
card("parametric_tsne", p, q, loss, first, second, third)

# %% [markdown]
# ### SNEkhorn
#
# $p$: Gaussian, symmetric with rows of one entropy, $p_{ij} = e^{(\lambda_i + \lambda_j - 2 \lVert x_i - x_j\rVert^2) / (\gamma_i + \gamma_j)},\ j \ne i$. $q$: Gaussian, rows and columns sum to one, $q_{ij} = e^{f_i + f_j - d_{ij}/\tau}$. *Source:* [Van Assel et al. 2023](https://arxiv.org/abs/2305.13797).
#
# **1.** The factors $e^{f_i}$ make the rows and columns of the Gaussian kernel sum to one, as those of $P$ do.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} = e^{f_i + f_j - \lVert z_i - z_j\rVert^2},\ \sum_j Q_{ij} = 1$$
#
# **2.** The logarithm of $Q$ is a sum, in which the two factors stand where SNE has the logarithm of its normaliser.
#
# $$D = \frac1n \sum_i \Big[ -H(P_i) + \sum_{j \ne i} P_{ij} \big[ \lVert z_i - z_j\rVert^2 - f_i - f_j \big] \Big]$$
#
# **3.** Rows and columns of $P$ sum to one, so every $f_i$ counts twice. By the distance the derivative is $(P_{ij} - Q_{ij}) / n$, because the $f_i$ solve a problem of their own.
#
# $$D = \frac1n \sum_i \Big[ -H(P_i) + \sum_{j \ne i} P_{ij} \lVert z_i - z_j\rVert^2 - 2 f_i \Big]$$
#
# **Caveat.** A row of $P$ may have more entropy than was asked for, where others need its point more than it needs them.

# %%
p, q, loss = six("snekhorn")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    (lambda f: mean(-H(p[i]) + sum(p[i][j] * (sq(z[i], z[j]) - f[i] - f[j]) for j in R) for i in
    R))([(log(q[i][(i + 1) % len(R)]) + sq(z[i], z[(i + 1) % len(R)]) + log(q[i][(i + 2) % len(R)]) +
    sq(z[i], z[(i + 2) % len(R)]) - log(q[(i + 1) % len(R)][(i + 2) % len(R)]) - sq(z[(i + 1) % len(R)],
    z[(i + 2) % len(R)])) / 2 for i in R])
)
third = (
    (lambda f: mean(-H(p[i]) + sum(p[i][j] * sq(z[i], z[j]) for j in R) - 2 * f[i] for i in
    R))([(log(q[i][(i + 1) % len(R)]) + sq(z[i], z[(i + 1) % len(R)]) + log(q[i][(i + 2) % len(R)]) +
    sq(z[i], z[(i + 2) % len(R)]) - log(q[(i + 1) % len(R)][(i + 2) % len(R)]) - sq(z[(i + 1) % len(R)],
    z[(i + 2) % len(R)])) / 2 for i in R])
)
card("snekhorn", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SNEkhorn
#
# $p$: Gaussian, symmetric with rows of one entropy, $p_{ij} = e^{(\lambda_i + \lambda_j - 2 \lVert x_i - x_j\rVert^2) / (\gamma_i + \gamma_j)},\ j \ne i$. $q$: Student-t, rows and columns sum to one, $q_{ij} = e^{f_i + f_j} (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Van Assel et al. 2023](https://arxiv.org/abs/2305.13797).
#
# **1.** The factors $e^{f_i}$ make the rows and columns of the Student-t kernel sum to one, as those of $P$ do.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad Q_{ij} = e^{f_i + f_j} (1 + \lVert z_i - z_j\rVert^2)^{-1},\ \sum_j Q_{ij} = 1$$
#
# **2.** The logarithm of $Q$ is a sum, in which the two factors stand where SNE has the logarithm of its normaliser.
#
# $$D = \frac1n \sum_i \Big[ -H(P_i) + \sum_{j \ne i} P_{ij} \big[ \log(1 + \lVert z_i - z_j\rVert^2) - f_i - f_j \big] \Big]$$
#
# **3.** Rows and columns of $P$ sum to one, so every $f_i$ counts twice. By that logarithm the derivative is $(P_{ij} - Q_{ij}) / n$, because the $f_i$ solve a problem of their own.
#
# $$D = \frac1n \sum_i \Big[ -H(P_i) + \sum_{j \ne i} P_{ij} \log(1 + \lVert z_i - z_j\rVert^2) - 2 f_i \Big]$$
#
# **Caveat.** The factors depend on all points, so a point that moves far away changes the $Q$ of all others.

# %%
p, q, loss = six("tsnekhorn")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    (lambda f: mean(-H(p[i]) + sum(p[i][j] * (log(1 + sq(z[i], z[j])) - f[i] - f[j]) for j in R) for i in
    R))([(log(q[i][(i + 1) % len(R)]) + log(1 + sq(z[i], z[(i + 1) % len(R)])) + log(q[i][(i + 2) %
    len(R)]) + log(1 + sq(z[i], z[(i + 2) % len(R)])) - log(q[(i + 1) % len(R)][(i + 2) % len(R)]) - log(1
    + sq(z[(i + 1) % len(R)], z[(i + 2) % len(R)]))) / 2 for i in R])
)
third = (
    (lambda f: mean(-H(p[i]) + sum(p[i][j] * log(1 + sq(z[i], z[j])) for j in R) - 2 * f[i] for i in
    R))([(log(q[i][(i + 1) % len(R)]) + log(1 + sq(z[i], z[(i + 1) % len(R)])) + log(q[i][(i + 2) %
    len(R)]) + log(1 + sq(z[i], z[(i + 2) % len(R)])) - log(q[(i + 1) % len(R)][(i + 2) % len(R)]) - log(1
    + sq(z[(i + 1) % len(R)], z[(i + 2) % len(R)]))) / 2 for i in R])
)
card("tsnekhorn", p, q, loss, first, second, third)

# %% [markdown]
# ### NeRV
#
# $p$: Gaussian, $p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2},\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* Venna et al. 2010, *Information Retrieval Perspective to Nonlinear Dimensionality Reduction for Data Visualization*.
#
# **1.** The first divergence charges for neighbours that the map misses, the second for false ones that it shows. Here $\lambda = 1/2$.
#
# $$D = \frac1n \sum_i \big[ \lambda\, D(p_i \Vert q_i) + (1 - \lambda)\, D(q_i \Vert p_i) \big]$$
#
# **2.** The second logarithm is the first with the other sign.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} \big( \lambda p_{ij} - (1 - \lambda) q_{ij} \big) \log \frac{p_{ij}}{q_{ij}}$$
#
# **3.** At $\lambda = 1/2$ this is half of the Jeffreys divergence, in which $p$ and $q$ have the same part.
#
# $$D = \frac{1}{2n} \sum_i \sum_{j \ne i} (p_{ij} - q_{ij})(\log p_{ij} - \log q_{ij})$$
#
# **Caveat.** The published $q$ has the width of each point's own $p$; here one temperature serves all points.

# %%
p, q, loss = six("nerv")
first = mean(0.5 * kl(p[i], q[i]) + 0.5 * kl(q[i], p[i]) for i in R)
second = (
    mean(sum((0.5 * p[i][j] - 0.5 * q[i][j]) * log(p[i][j] / q[i][j]) for j in R if j != i) for i in R)
)
third = mean(sum((p[i][j] - q[i][j]) * (log(p[i][j]) - log(q[i][j])) for j in R if j != i) for i in R) / 2
card("nerv", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SNE, conditional form
#
# $p$: Gaussian, $p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / 2\sigma_i^2},\ j \ne i$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Every point has a divergence of its own, with a heavy-tailed $q$.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad q_{ij} = \frac{(1 + d_{ij})^{-1}}{\sum_{k \ne i} (1 + d_{ik})^{-1}},\ d_{ij} = \lVert z_i - z_j\rVert^2$$
#
# **2.** The tail turns the distance into its logarithm.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_{j \ne i} p_{ij} \log(1 + d_{ij}) + \log \sum_{k \ne i} (1 + d_{ik})^{-1} \Big]$$
#
# **3.** Both logarithms join to one of ratios: only how much farther $k$ lies than $j$ counts.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_{j \ne i} p_{ij} \log \sum_{k \ne i} \frac{1 + d_{ij}}{1 + d_{ik}} \Big]$$
#
# **Caveat.** This is what the published table calls t-SNE. Its value differs from the published cost, which is one divergence over all pairs.

# %%
p, q, loss = six("tsne_conditional")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(-H(p[i]) + sum(p[i][j] * log(1 + sq(z[i], z[j])) for j in R) + log(sum(1 / (1 + sq(z[i], z[k]))
    for k in R if k != i)) for i in R)
)
third = (
    mean(-H(p[i]) + sum(p[i][j] * log(sum((1 + sq(z[i], z[j])) / (1 + sq(z[i], z[k])) for k in R if k !=
    i)) for j in R) for i in R)
)
card("tsne_conditional", p, q, loss, first, second, third)

# %% [markdown]
# ### SNE with uniform affinities
#
# $p$: uniform k-NN, $p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ is $1/k$ on the $k$ nearest neighbours $N_i$ in the space of the inputs, here with $k = 2$.
#
# $$D = \frac1n \sum_i \sum_{j \in N_i} \frac1k \log \frac{1}{k\, q_{ij}}$$
#
# **2.** The entropy of a uniform row is $\log k$.
#
# $$D = -\log k - \frac1n \sum_i \frac1k \sum_{j \in N_i} \log q_{ij}$$
#
# **3.** The Gaussian is written out: neighbours attract like springs of one strength.
#
# $$D = -\log k + \frac1n \sum_i \Big[ \frac1k \sum_{j \in N_i} \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2} \Big]$$
#
# **Caveat.** All $k$ neighbours count alike, the nearest as much as the last. A point beyond the $k$-th has no attraction at all.

# %%
p, q, loss = six("knn_gaussian")
first = mean(mean(log(1 / (2 * q[i][j])) for j in near(x, i)) for i in R)
second = -log(2) - mean(mean(log(q[i][j]) for j in near(x, i)) for i in R)
third = (
    -log(2) + mean(mean(sq(z[i], z[j]) for j in near(x, i)) + log(sum(exp(-sq(z[i], z[k])) for k in R if k
    != i)) for i in R)
)
card("knn_gaussian", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SNE with uniform affinities
#
# $p$: uniform k-NN, $p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)]$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ is $1/k$ on the $k$ nearest neighbours $N_i$ in the space of the inputs, here with $k = 2$.
#
# $$D = \frac1n \sum_i \sum_{j \in N_i} \frac1k \log \frac{1}{k\, q_{ij}}$$
#
# **2.** The entropy of a uniform row is $\log k$.
#
# $$D = -\log k - \frac1n \sum_i \frac1k \sum_{j \in N_i} \log q_{ij}$$
#
# **3.** The heavy-tailed kernel is written out.
#
# $$D = -\log k + \frac1n \sum_i \Big[ \frac1k \sum_{j \in N_i} \log(1 + \lVert z_i - z_j\rVert^2) + \log \sum_{k \ne i} (1 + \lVert z_i - z_k\rVert^2)^{-1} \Big]$$
#
# **Caveat.** It needs no search for a width. In return it does not see that some neighbours are nearer than others.

# %%
p, q, loss = six("knn_student_t")
first = mean(mean(log(1 / (2 * q[i][j])) for j in near(x, i)) for i in R)
second = -log(2) - mean(mean(log(q[i][j]) for j in near(x, i)) for i in R)
third = (
    -log(2) + mean(mean(log(1 + sq(z[i], z[j])) for j in near(x, i)) + log(sum(1 / (1 + sq(z[i], z[k]))
    for k in R if k != i)) for i in R)
)
card("knn_student_t", p, q, loss, first, second, third)

# %% [markdown]
# ### InfoNC-t-SNE
#
# $p$: uniform k-NN among drawn strangers, $p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)],\ \text{the rest drawn anew at every step}$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Damrich et al. 2023](https://arxiv.org/abs/2206.01816).
#
# **1.** Every neighbour stands alone against the strangers $S_i$; the other neighbours leave $q$.
#
# $$D = \frac1n \sum_i \frac1k \sum_{j \in N_i} \log \frac{q_{ij} + \sum_{l \in S_i} q_{il}}{q_{ij}}$$
#
# **2.** The normaliser of $q$ cancels, so nothing has to be summed over all points.
#
# $$D = -\frac1n \sum_i \frac1k \sum_{j \in N_i} \log \frac{\kappa_{ij}}{\kappa_{ij} + \sum_{l \in S_i} \kappa_{il}},\quad \kappa_{ij} = (1 + \lVert z_i - z_j\rVert^2)^{-1}$$
#
# **3.** Numerator and denominator are divided by $\kappa_{ij}$.
#
# $$D = \frac1n \sum_i \frac1k \sum_{j \in N_i} \log \Big( 1 + \sum_{l \in S_i} \frac{1 + \lVert z_i - z_j\rVert^2}{1 + \lVert z_i - z_l\rVert^2} \Big)$$
#
# **Caveat.** The strangers $S_i$ are drawn anew at every step, so the loss of one step is a noisy measure. A stranger that is drawn twice counts twice.

# %%
p, q, loss = six("infonc_tsne")
first = (
    mean(mean(log((q[i][j] + sum(q[i][m] for m in R if p[i][m] == 0)) / q[i][j]) for j in near(x, i)) for
    i in R)
)
second = (
    -mean(mean(log(1 / (1 + sq(z[i], z[j])) / (1 / (1 + sq(z[i], z[j])) + sum(1 / (1 + sq(z[i], z[m])) for
    m in drawn[i] if m not in (i, *near(x, i))))) for j in near(x, i)) for i in R)
)
third = (
    mean(mean(log(1 + sum((1 + sq(z[i], z[j])) / (1 + sq(z[i], z[m])) for m in drawn[i] if m not in (i,
    *near(x, i)))) for j in near(x, i)) for i in R)
)
card("infonc_tsne", p, q, loss, first, second, third)

# %% [markdown]
# ### SNE graph embedding
#
# $p$: graph weights, $p_{ij} = w_{ij} / \textstyle\sum_k w_{ik}$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ are the edges of a node over its degree $\deg_i = \sum_k w_{ik}$.
#
# $$D = \frac1n \sum_i \sum_j \frac{w_{ij}}{\deg_i} \log \frac{w_{ij}}{\deg_i\, q_{ij}}$$
#
# **2.** The entropy of the edges is a constant.
#
# $$D = -\frac1n \sum_i \Big[ H(p_i) + \sum_j \frac{w_{ij}}{\deg_i} \log q_{ij} \Big]$$
#
# **3.** Edges are springs. The last term keeps the layout from ending in one point.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_j \frac{w_{ij}}{\deg_i} \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2} \Big]$$
#
# **Caveat.** The published figure leaves this cell open. A node of high degree and a leaf count alike, since every row sums to one.

# %%
p, q, loss = six("graph_gaussian")
first = (
    mean(sum(w[i][j] / degree[i] * log(w[i][j] / (degree[i] * q[i][j])) for j in R if w[i][j]) for i in R)
)
second = -mean(H(p[i]) + sum(w[i][j] / degree[i] * log(q[i][j]) for j in R if w[i][j]) for i in R)
third = (
    mean(-H(p[i]) + sum(w[i][j] / degree[i] * sq(z[i], z[j]) for j in R) + log(sum(exp(-sq(z[i], z[k]))
    for k in R if k != i)) for i in R)
)
card("graph_gaussian", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SNE graph embedding
#
# $p$: graph weights, $p_{ij} = w_{ij} / \textstyle\sum_k w_{ik}$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ are the edges of a node over its degree $\deg_i = \sum_k w_{ik}$.
#
# $$D = \frac1n \sum_i \sum_j \frac{w_{ij}}{\deg_i} \log \frac{w_{ij}}{\deg_i\, q_{ij}}$$
#
# **2.** The entropy of the edges is a constant.
#
# $$D = -\frac1n \sum_i \Big[ H(p_i) + \sum_j \frac{w_{ij}}{\deg_i} \log q_{ij} \Big]$$
#
# **3.** With the heavy tail a long edge pulls less than a spring would.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_j \frac{w_{ij}}{\deg_i} \log(1 + \lVert z_i - z_j\rVert^2) + \log \sum_{k \ne i} (1 + \lVert z_i - z_k\rVert^2)^{-1} \Big]$$
#
# **Caveat.** $p$ sees direct edges only, and two nodes with a common neighbour are strangers. `tsnet` sees paths.

# %%
p, q, loss = six("graph_student_t")
first = (
    mean(sum(w[i][j] / degree[i] * log(w[i][j] / (degree[i] * q[i][j])) for j in R if w[i][j]) for i in R)
)
second = -mean(H(p[i]) + sum(w[i][j] / degree[i] * log(q[i][j]) for j in R if w[i][j]) for i in R)
third = (
    mean(-H(p[i]) + sum(w[i][j] / degree[i] * log(1 + sq(z[i], z[j])) for j in R) + log(sum(1 / (1 +
    sq(z[i], z[k])) for k in R if k != i)) for i in R)
)
card("graph_student_t", p, q, loss, first, second, third)

# %% [markdown]
# ### tsNET
#
# $p$: Gaussian along the paths of a graph, $P_{ij} \text{ of } \delta_{ij}, \text{ the edges between } i \text{ and } j$. $q$: Student-t, over all pairs, $Q_{ij} = (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2} / \textstyle\sum_{k \ne l}$. *Source:* Kruiger et al. 2017, *Graph Layouts by t-SNE*.
#
# **1.** $P$ is that of t-SNE, made of the number of edges $\delta_{ij}$ on the shortest path instead of a distance.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\quad p_{j|i} \propto e^{-\delta_{ij}^2 / 2\sigma_i^2}$$
#
# **2.** $P$ and $Q$ are symmetric, so every pair counts twice.
#
# $$D = 2 \sum_{i < j} P_{ij} \log \frac{P_{ij}}{Q_{ij}}$$
#
# **3.** The kernel is written out, as for t-SNE.
#
# $$D = -H(P) + \sum_{i \ne j} P_{ij} \log(1 + \lVert z_i - z_j\rVert^2) + \log \sum_{k \ne l} (1 + \lVert z_k - z_l\rVert^2)^{-1}$$
#
# **Caveat.** The published layout adds a compression term and an entropy term, which help it to unfold. Here is its divergence alone.

# %%
p, q, loss = six("tsnet")
first = sum(kl(p[i], q[i]) for i in R)
second = 2 * sum(p[i][j] * log(p[i][j] / q[i][j]) for j in R for i in range(j))
third = (
    -sum(map(H, p)) + sum(p[i][j] * log(1 + sq(z[i], z[j])) for i in R for j in R) + log(sum(1 / (1 +
    sq(z[k], z[m])) for k in R for m in R if k != m))
)
card("tsnet", p, q, loss, first, second, third)

# %% [markdown]
# ### LINE, second order
#
# $p$: graph weights, to second vectors, $p_{ij} = w_{ij} / \textstyle\sum_k w_{ik},\ \text{row } i \text{ counting by its degree}$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Tang et al. 2015](https://arxiv.org/abs/1503.03578).
#
# **1.** A row counts by the degree of its node, and the candidates are second vectors $c_j$ of the nodes.
#
# $$D = \frac1n \sum_i \frac{\deg_i}{\overline{\deg}} \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad q_{ij} = \frac{e^{z_i^\top c_j}}{\sum_k e^{z_i^\top c_k}}$$
#
# **2.** $\deg_i\, p_{ij}$ is the weight of the edge, and $n\,\overline{\deg} = W$ is the sum of all weights.
#
# $$D = -\frac1W \sum_{ij} w_{ij} \log q_{ij} - \frac1W \sum_i \deg_i H(p_i)$$
#
# **3.** The first sum is the published loss over $W$; the second is a constant.
#
# $$D = -\frac1W \sum_{ij} w_{ij} \Big[ z_i^\top c_j - \log \sum_k e^{z_i^\top c_k} \Big] - \frac1W \sum_i \deg_i H(p_i)$$
#
# **Caveat.** The published training draws edges, and a few strangers for each of them. Here is the full softmax that the paper begins with.

# %%
p, q, loss = six("line2")
first = mean(degree[i] / mean(degree) * kl(p[i], q[i]) for i in R)
second = (
    -sum(w[i][j] * log(q[i][j]) for i in R for j in R) / sum(degree) - sum(degree[i] * H(p[i]) for i in R)
    / sum(degree)
)
third = (
    -sum(w[i][j] * (dot(z[i], slow[j]) - log(sum(exp(dot(z[i], slow[k])) for k in R))) for i in R for j in
    R) / sum(degree) - sum(degree[i] * H(p[i]) for i in R) / sum(degree)
)
card("line2", p, q, loss, first, second, third)

# %% [markdown]
# ### PCA
#
# $p$: identity, $p_{ij} = 1[i = j]$. $q$: Gaussian, temperature to infinity, $\tau \to \infty$. *Source:* Pearson 1901, *On Lines and Planes of Closest Fit to Systems of Points in Space*.
#
# **1.** A Gaussian $q$ that counts the point itself is flat at high temperature. What remains of the cross-entropy, times $\tau$, is the loss.
#
# $$D = \lim_{\tau \to \infty} \frac1n \sum_i \tau\, \big( -\log q_{ii} - \log n \big),\quad q_{ii} = \frac{1}{\sum_k e^{-\lVert z_i - z_k\rVert^2/\tau}}$$
#
# **2.** For small $u$ the logarithm of the mean of $e^{-u}$ is minus the mean of $u$.
#
# $$D = -\frac{1}{n^2} \sum_{ik} \lVert z_i - z_k\rVert^2$$
#
# **3.** The mean squared distance of two points is twice the variance: PCA looks for the plane of largest variance.
#
# $$D = -2\, \mathrm{Var}(z)$$
#
# **Caveat.** The limit has no least value if the map may grow. The linear map is therefore kept orthonormal, $W^\top W = I$.

# %%
p, q, loss = six("pca")
first = mean(1e7 * log(mean(exp(-sq(z[i], z[k]) / 1e7) for k in R)) for i in R)
second = -mean(sq(z[i], z[k]) for i in R for k in R)
third = -2 * sum(map(pvariance, zip(*z)))
card("pca", p, q, loss, first, second, third)

# %% [markdown]
# ### Dual t-SNE
#
# $p$: Student-t, $p_{ij} \propto (1 + \lVert x_i - x_j\rVert^2 / \tau_p)^{-1}$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** The heavy tail is on the side of the inputs: $p_{ij} \propto (1 + \lVert x_i - x_j\rVert^2/\tau_p)^{-1}$, here with $\tau_p = 2$.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} p_{ij} \log \frac{p_{ij}}{q_{ij}}$$
#
# **2.** The Gaussian $q$ is written out, as for SNE.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_{j \ne i} p_{ij} \lVert z_i - z_j\rVert^2 + \log \sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2} \Big]$$
#
# **3.** With $p$ written out too, squared distances of the map are set against logarithms of those of the inputs.
#
# $$D = \frac1n \sum_i \Big[ \sum_{j \ne i} p_{ij} \Big( \lVert z_i - z_j\rVert^2 - \log\big(1 + \tfrac{\lVert x_i - x_j\rVert^2}{\tau_p}\big) \Big) + \log \frac{\sum_{k \ne i} e^{-\lVert z_i - z_k\rVert^2}}{\sum_{k \ne i} (1 + \lVert x_i - x_k\rVert^2/\tau_p)^{-1}} \Big]$$
#
# **Caveat.** The published figure leaves this cell open. A heavy-tailed $p$ is nearly flat where inputs have many dimensions, so the map stays close to PCA.

# %%
p, q, loss = six("dual_tsne")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(-H(p[i]) + sum(p[i][j] * sq(z[i], z[j]) for j in R) + log(sum(exp(-sq(z[i], z[k])) for k in R if
    k != i)) for i in R)
)
third = (
    mean(sum(p[i][j] * (sq(z[i], z[j]) - log(1 + sq(x[i], x[j]) / 2)) for j in R) + log(sum(exp(-sq(z[i],
    z[k])) for k in R if k != i) / sum(1 / (1 + sq(x[i], x[k]) / 2) for k in R if k != i)) for i in R)
)
card("dual_tsne", p, q, loss, first, second, third)

# %% [markdown]
# ### Doubly t-SNE
#
# $p$: Student-t, $p_{ij} \propto (1 + \lVert x_i - x_j\rVert^2 / \tau_p)^{-1}$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Both sides have the heavy tail, here with $\tau_p = 2$.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} p_{ij} \log \frac{p_{ij}}{q_{ij}}$$
#
# **2.** The kernel of $q$ is written out.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_{j \ne i} p_{ij} \log(1 + \lVert z_i - z_j\rVert^2) + \log \sum_{k \ne i} (1 + \lVert z_i - z_k\rVert^2)^{-1} \Big]$$
#
# **3.** With the kernel of $p$ written out too, the loss sees ratios of the two distances.
#
# $$D = \frac1n \sum_i \Big[ \sum_{j \ne i} p_{ij} \log \frac{1 + \lVert z_i - z_j\rVert^2}{1 + \lVert x_i - x_j\rVert^2/\tau_p} + \log \frac{\sum_{k \ne i} (1 + \lVert z_i - z_k\rVert^2)^{-1}}{\sum_{k \ne i} (1 + \lVert x_i - x_k\rVert^2/\tau_p)^{-1}} \Big]$$
#
# **Caveat.** The published figure leaves this cell open. Equal tails on both sides ask for a map with the same distances, for which a plane has no room.

# %%
p, q, loss = six("doubly_tsne")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(-H(p[i]) + sum(p[i][j] * log(1 + sq(z[i], z[j])) for j in R) + log(sum(1 / (1 + sq(z[i], z[k]))
    for k in R if k != i)) for i in R)
)
third = (
    mean(sum(p[i][j] * log((1 + sq(z[i], z[j])) / (1 + sq(x[i], x[j]) / 2)) for j in R) + log(sum(1 / (1 +
    sq(z[i], z[k])) for k in R if k != i) / sum(1 / (1 + sq(x[i], x[k]) / 2) for k in R if k != i)) for i
    in R)
)
card("doubly_tsne", p, q, loss, first, second, third)

# %% [markdown]
# ## Views: two pictures of one sample belong together

# %% [markdown]
# ### InfoNCE, one way
#
# $p$: the other view, one way, $p_{ij} = 1[s_i = s_j]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [van den Oord et al. 2018](https://arxiv.org/abs/1807.03748).
#
# **1.** The candidates of a first view are the second views $z'$ of the batch, and $p$ is 1 on its own.
#
# $$D = \frac1n \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad p_{ij} = 1[i = j]$$
#
# **2.** One term of each row is left, and $H(p_i) = 0$.
#
# $$D = -\frac1n \sum_i \log q_{ii}$$
#
# **3.** The Gaussian of the cosine is written out, here with $\tau = 0.5$: a classification with as many classes as samples.
#
# $$D = -\frac1n \sum_i \log \frac{e^{\cos(z_i, z'_i)/\tau}}{\sum_k e^{\cos(z_i, z'_k)/\tau}}$$
#
# **Caveat.** It looks in one direction only, from the first view to the second, and never pushes two first views apart.

# %%
p, q, loss = six("infonce")
first = mean(kl(p[i], q[i]) for i in T)
second = -mean(log(q[i][i]) for i in T)
third = -mean(log(exp(cos(A[i], B[i]) / 0.5) / sum(exp(cos(A[i], B[k]) / 0.5) for k in T)) for i in T)
card("infonce", p, q, loss, first, second, third)

# %% [markdown]
# ### N-pair
#
# $p$: the other view, one way, $p_{ij} = 1[s_i = s_j]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* Sohn 2016, *Improved Deep Metric Learning with Multi-class N-pair Loss Objective*.
#
# **1.** $p$ is 1 on the other view, so one term of each row is left.
#
# $$D = -\frac1n \sum_i \log q_{ii},\quad q_{ij} \propto e^{z_i^\top z'_j}$$
#
# **2.** The softmax of inner products is written out.
#
# $$D = -\frac1n \sum_i \log \frac{e^{z_i^\top z'_i}}{\sum_k e^{z_i^\top z'_k}}$$
#
# **3.** Numerator and denominator are divided by the numerator.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \sum_{k \ne i} e^{z_i^\top z'_k - z_i^\top z'_i} \Big)$$
#
# **Caveat.** Inner products may grow without end, and with them the confidence. The paper adds a penalty on lengths, which is left out here.

# %%
p, q, loss = six("npair")
first = -mean(log(q[i][i]) for i in T)
second = -mean(log(exp(dot(A[i], B[i])) / sum(exp(dot(A[i], B[k])) for k in T)) for i in T)
third = mean(log(1 + sum(exp(dot(A[i], B[k]) - dot(A[i], B[i])) for k in T if k != i)) for i in T)
card("npair", p, q, loss, first, second, third)

# %% [markdown]
# ### SimCLR
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Chen et al. 2020](https://arxiv.org/abs/2002.05709).
#
# **1.** $p$ is 1 on the other view $i^+$ of the same sample; the $2n$ views are each other's candidates.
#
# $$D = \frac{1}{2n} \sum_i \sum_{j \ne i} p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad p_{ij} = 1[j = i^+]$$
#
# **2.** One term of each row is left, and $H(p_i) = 0$: the divergence equals the cross-entropy.
#
# $$D = -\frac{1}{2n} \sum_i \log q_{ii^+}$$
#
# **3.** The Gaussian of the cosine is written out, here with $\tau = 0.5$. This is NT-Xent, to the last digit.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, z_{i^+})/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}$$
#
# **Caveat.** Two samples of one class are strangers to each other, and are pushed apart as any others.

# %%
p, q, loss = six("simclr")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(log(q[i][pair[i]]) for i in R)
third = (
    -mean(log(exp(cos(z[i], z[pair[i]]) / 0.5) / sum(exp(cos(z[i], z[k]) / 0.5) for k in R if k != i)) for
    i in R)
)
card("simclr", p, q, loss, first, second, third)

# %% [markdown]
# ### Alignment and uniformity
#
# $p$: positive pairs, over all pairs, $P_{ij} = \frac{1}{nk} 1[s_i = s_j],\ j \ne i$. $q$: Gaussian, over all pairs, $Q_{ij} = e^{-d_{ij}/\tau} / \textstyle\sum_{k \ne l}$. *Source:* [Wang & Isola 2020](https://arxiv.org/abs/2005.10242).
#
# **1.** $P$ is $1/2n$ on each of the $2n$ ordered pairs of views, and $Q$ is one Gaussian over all pairs.
#
# $$D = \sum_{i \ne j} P_{ij} \log \frac{P_{ij}}{Q_{ij}} = -\log 2n - \frac{1}{2n} \sum_i \log Q_{ii^+}$$
#
# **2.** With $d_{ij} = 1 - \cos(z_i, z_j)$ the logarithm of $Q$ is written out, here with $\tau = 0.25$.
#
# $$D = -\log 2n + \frac{1}{2n} \sum_i \frac{d_{ii^+}}{\tau} + \log \sum_{k \ne l} e^{-d_{kl}/\tau}$$
#
# **3.** For directions $u$ you have $d_{ij} = \lVert u_i - u_j\rVert^2/2$. With $t = 1/2\tau$, and the sum over $2n(2n - 1)$ pairs as a mean, the two published terms appear.
#
# $$D = t\, E\, \lVert u_i - u_{i^+}\rVert^2 + \log E_{k \ne l}\, e^{-t \lVert u_k - u_l\rVert^2} + \log(2n - 1)$$
#
# **Caveat.** Alignment weighs $t$ times as much as uniformity. Other ratios, which the paper allows, are no divergence.

# %%
p, q, loss = six("align_uniform")
first = -log(6) - mean(log(q[i][pair[i]]) for i in R)
second = (
    -log(6) + mean((1 - cos(z[i], z[pair[i]])) / 0.25 for i in R) + log(sum(exp(-(1 - cos(z[k], z[m])) /
    0.25) for k in R for m in R if k != m))
)
third = (
    2 * mean(2 - 2 * cos(z[i], z[pair[i]]) for i in R) + log(mean(exp(-2 * (2 - 2 * cos(z[k], z[m]))) for
    k in R for m in R if k != m)) + log(5)
)
card("align_uniform", p, q, loss, first, second, third)

# %% [markdown]
# ### Hard negatives
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Gaussian with hard strangers, $q_{ij} \propto e^{-d_{ij}/\tau} \text{ times } e^{-\beta d_{ij}/\tau} \text{ where } p_{ij} = 0$. *Source:* [Robinson et al. 2021](https://arxiv.org/abs/2010.04592).
#
# **1.** $p$ is 1 on the other view. In $q$ a stranger $k$ has the weight $w_{ik}$, which grows with its similarity $s_{ik} = \cos(z_i, z_k)/\tau$.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{e^{s_{ii^+}}}{e^{s_{ii^+}} + \sum_k w_{ik} e^{s_{ik}}},\quad w_{ik} = \frac{e^{\beta s_{ik}}}{\frac1m \sum_l e^{\beta s_{il}}}$$
#
# **2.** The weights have mean one over the $m = 2n - 2$ strangers. They are written out, here with $\beta = 1$.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{e^{s_{ii^+}}}{e^{s_{ii^+}} + m \sum_k e^{(1 + \beta) s_{ik}} / \sum_l e^{\beta s_{il}}}$$
#
# **3.** Divided by the numerator. With $\beta = 0$ this is the loss of SimCLR; as $\beta$ grows, only the hardest stranger is left.
#
# $$D = \frac{1}{2n} \sum_i \log \Big( 1 + m\, \frac{\sum_k e^{(1 + \beta) s_{ik} - s_{ii^+}}}{\sum_l e^{\beta s_{il}}} \Big)$$
#
# **Caveat.** A hard stranger may be a sample of the same class that was taken for a stranger. The larger $\beta$ is, the more such mistakes count.

# %%
p, q, loss = six("hard_negatives")
q = normal([[weight(i, j) for j in R] for i in R])
first = (
    -mean(log(exp(score[i][pair[i]]) / (exp(score[i][pair[i]]) + sum(exp(score[i][k]) /
    mean(exp(score[i][m]) for m in strangers(i)) * exp(score[i][k]) for k in strangers(i)))) for i in R)
)
second = (
    -mean(log(exp(score[i][pair[i]]) / (exp(score[i][pair[i]]) + 4 * sum(exp(2 * score[i][k]) for k in
    strangers(i)) / sum(exp(score[i][m]) for m in strangers(i)))) for i in R)
)
third = (
    mean(log(1 + 4 * sum(exp(2 * score[i][k] - score[i][pair[i]]) for k in strangers(i)) /
    sum(exp(score[i][m]) for m in strangers(i))) for i in R)
)
card("hard_negatives", p, q, loss, first, second, third)

# %% [markdown]
# ### MIL-NCE
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Miech et al. 2020](https://arxiv.org/abs/1912.06430).
#
# **1.** All positives $P_i$ of a point are one candidate, which has all of $p$. Here are two samples with three views each.
#
# $$D = -\frac1n \sum_i \log \sum_{j \in P_i} q_{ij}$$
#
# **2.** The normaliser is common to all, so it leaves the sum.
#
# $$D = -\frac1n \sum_i \log \frac{\sum_{j \in P_i} e^{z_i^\top z_j}}{\sum_{k \ne i} e^{z_i^\top z_k}}$$
#
# **3.** Divided by the numerator, strangers stand against positives.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \frac{\sum_{k \notin P_i} e^{z_i^\top z_k}}{\sum_{j \in P_i} e^{z_i^\top z_j}} \Big)$$
#
# **Caveat.** One good positive is enough, so the others may stay far away. That is meant: some sentences do not fit the scene.

# %%
p, q, loss = six("mil_nce")
first = -mean(log(sum(q[i][j] for j in R if j != i and thirds[j] == thirds[i])) for i in R)
second = (
    -mean(log(sum(exp(dot(z[i], z[j])) for j in R if j != i and thirds[j] == thirds[i]) /
    sum(exp(dot(z[i], z[k])) for k in R if k != i)) for i in R)
)
third = (
    mean(log(1 + sum(exp(dot(z[i], z[k])) for k in R if thirds[k] != thirds[i]) / sum(exp(dot(z[i], z[j]))
    for j in R if j != i and thirds[j] == thirds[i])) for i in R)
)
card("mil_nce", p, q, loss, first, second, third)

# %% [markdown]
# ### MoCo v3
#
# $p$: the other view as a slow encoder sees it, $p_{ij} = 1[s_i = s_j]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Chen et al. 2021](https://arxiv.org/abs/2104.02057).
#
# **1.** A query $z_i$ of one view looks at the keys $k_j$ of the other views. $p$ is 1 on its own sample, and both directions count.
#
# $$D = \frac{1}{2n} \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}$$
#
# **2.** One term of each row is left.
#
# $$D = -\frac{1}{2n} \sum_i \log q_{ii^+}$$
#
# **3.** The Gaussian of the cosine is written out, here with $\tau = 0.5$: a cross-entropy over keys.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, k_{i^+})/\tau}}{\sum_j e^{\cos(z_i, k_j)/\tau}}$$
#
# **Caveat.** No gradient flows into the keys, so the slow encoder cannot meet the queries halfway. The published code multiplies the sum of both directions by $2\tau$.

# %%
p, q, loss = six("mocov3")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(log(q[i][i % 3]) for i in R)
third = (
    -mean(log(exp(cos(a[i], k[i]) / 0.5) / sum(exp(cos(a[i], k[j]) / 0.5) for j in T)) for a, k in ((A,
    B_slow), (B, A_slow)) for i in T)
)
card("mocov3", p, q, loss, first, second, third)

# %% [markdown]
# ### MoCo
#
# $p$: the own key, before a queue, $p_{ij} = 1[s_i = s_j]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [He et al. 2020](https://arxiv.org/abs/1911.05722).
#
# **1.** The candidates are the own key $k_{i^+}$ and the keys of a queue; the other keys of the batch are none. $p$ is 1 on the own key.
#
# $$D = \frac1n \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}} = -\frac1n \sum_i \log q_{ii^+}$$
#
# **2.** The Gaussian of the cosine is written out, here with $\tau = 0.2$ and three keys in the queue.
#
# $$D = -\frac1n \sum_i \log \frac{e^{\cos(z_i, k_{i^+})/\tau}}{e^{\cos(z_i, k_{i^+})/\tau} + \sum_j e^{\cos(z_i, k_j)/\tau}}$$
#
# **3.** Divided by the numerator, only differences of cosines are left.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \sum_j e^{(\cos(z_i, k_j) - \cos(z_i, k_{i^+}))/\tau} \Big)$$
#
# **Caveat.** The keys in the queue come from older states of the slow encoder. They fit the newest ones only if it moves slowly.

# %%
p, q, loss = six("moco")
first = -mean(log(q[i][i]) for i in T)
second = (
    -mean(log(exp(cos(A[i], B_slow[i]) / 0.2) / (exp(cos(A[i], B_slow[i]) / 0.2) + sum(exp(cos(A[i], k) /
    0.2) for k in c))) for i in T)
)
third = mean(log(1 + sum(exp((cos(A[i], k) - cos(A[i], B_slow[i])) / 0.2) for k in c)) for i in T)
card("moco", p, q, loss, first, second, third)

# %% [markdown]
# ### MoCo v2
#
# $p$: the own key, before a queue, $p_{ij} = 1[s_i = s_j]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Chen et al. 2020](https://arxiv.org/abs/2003.04297).
#
# **1.** $z$ is what comes out of a projection head $g$ behind the network, $z_i = g(f(x_i))$. $p$ is 1 on the own key.
#
# $$D = -\frac1n \sum_i \log q_{ii^+}$$
#
# **2.** The logarithm of a softmax is a score less the logarithm of the sum, here with $\tau = 0.2$.
#
# $$D = \frac1n \sum_i \Big[ -\frac{\cos(z_i, k_{i^+})}{\tau} + \log\Big( e^{\cos(z_i, k_{i^+})/\tau} + \sum_j e^{\cos(z_i, k_j)/\tau} \Big) \Big]$$
#
# **3.** Divided by the numerator, only differences of cosines are left.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \sum_j e^{(\cos(z_i, k_j) - \cos(z_i, k_{i^+}))/\tau} \Big)$$
#
# **Caveat.** The loss is that of MoCo. What is new is the projection head, which is thrown away after training, and the augmentation.

# %%
p, q, loss = six("moco_v2")
first = -mean(log(q[i][i]) for i in T)
second = (
    mean(-cos(A[i], B_slow[i]) / 0.2 + logsum([cos(A[i], k) / 0.2 for k in [B_slow[i], *c]]) for i in T)
)
third = mean(log(1 + sum(exp((cos(A[i], k) - cos(A[i], B_slow[i])) / 0.2) for k in c)) for i in T)
card("moco_v2", p, q, loss, first, second, third)

# %% [markdown]
# ### NNCLR
#
# $p$: the other view of what is nearest in a queue, $p_{ij} = 1[s_i = s_j]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Dwibedi et al. 2021](https://arxiv.org/abs/2104.14548).
#
# **1.** The anchor is not $z_i$ but what lies nearest to it in a queue, $NN(z_i)$. $p$ is 1 on the prediction $h_{i^+}$ of the other view.
#
# $$D = -\frac{1}{2n} \sum_i \log q_{ii^+}$$
#
# **2.** The Gaussian of the cosine is written out, here with $\tau = 0.1$.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{e^{\cos(NN(z_i), h_{i^+})/\tau}}{\sum_k e^{\cos(NN(z_i), h_k)/\tau}}$$
#
# **3.** Divided by the numerator, only differences of cosines are left. The gradient flows into the predictions alone.
#
# $$D = \frac{1}{2n} \sum_i \log \Big( 1 + \sum_{k \ne i^+} e^{(\cos(NN(z_i), h_k) - \cos(NN(z_i), h_{i^+}))/\tau} \Big)$$
#
# **Caveat.** The nearest key is often of the same class, and sometimes not. Early in training it is a guess.

# %%
p, q, loss = six("nnclr")
first = -mean(log(q[i][i % 3]) for i in R)
second = (
    -mean(log(exp(cos(nearest(a[i]), h[i]) / 0.1) / sum(exp(cos(nearest(a[i]), h[k]) / 0.1) for k in T))
    for a, h in ((A, B), (B, A)) for i in T)
)
third = (
    mean(log(1 + sum(exp((cos(nearest(a[i]), h[k]) - cos(nearest(a[i]), h[i])) / 0.1) for k in T if k !=
    i)) for a, h in ((A, B), (B, A)) for i in T)
)
card("nnclr", p, q, loss, first, second, third)

# %% [markdown]
# ### ReSSL
#
# $p$: how near the other view is to a queue, $p_{ij} \propto e^{\cos(k_{i^+}, k_j)/\tau_p}$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Zheng et al. 2021](https://arxiv.org/abs/2107.09282).
#
# **1.** $p$ says how near the other view's key is to each key $k_j$ of a queue. $q$ says the same of the student's view.
#
# $$D = \frac1n \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad p_{ij} \propto e^{\cos(k_{i^+}, k_j)/\tau_p}$$
#
# **2.** The teacher has no gradient, so its entropy is a constant: what is trained is a cross-entropy with soft targets.
#
# $$D = -\frac1n \sum_i \Big[ H(p_i) + \sum_j p_{ij} \log q_{ij} \Big]$$
#
# **3.** Both softmaxes are written out, here with $\tau = 0.1$ and $\tau_p = 0.2$.
#
# $$D = \frac1n \sum_i \Big[ \sum_j p_{ij} \Big( \frac{\cos(k_{i^+}, k_j)}{\tau_p} - \frac{\cos(z_i, k_j)}{\tau} \Big) + \log \frac{\sum_j e^{\cos(z_i, k_j)/\tau}}{\sum_j e^{\cos(k_{i^+}, k_j)/\tau_p}} \Big]$$
#
# **Caveat.** The paper augments the teacher's view less than the student's; here both views have the same augmentation.

# %%
p, q, loss = six("ressl")
first = mean(kl(p[i], q[i]) for i in T)
second = -mean(H(p[i]) + sum(p[i][j] * log(q[i][j]) for j in T) for i in T)
third = (
    mean(sum(softmax([cos(B_slow[i], k) / 0.2 for k in c])[j] * (cos(B_slow[i], c[j]) / 0.2 - cos(A[i],
    c[j]) / 0.1) for j in T) + logsum([cos(A[i], k) / 0.1 for k in c]) - logsum([cos(B_slow[i], k) / 0.2
    for k in c]) for i in T)
)
card("ressl", p, q, loss, first, second, third)

# %% [markdown]
# ### SwAV
#
# $p$: balanced prototypes of the other view, $p_{ic} = a_i b_c\, e^{\cos(z_{i^+}, \phi_c)/\tau_p},\ \textstyle\sum_i p_{ic} = n / m$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Caron et al. 2020](https://arxiv.org/abs/2006.09882).
#
# **1.** $p$ is the code of the other view: a softmax over prototypes $\phi_c$, scaled until all prototypes are used alike. Both views count.
#
# $$D = \frac{1}{2n} \sum_i \sum_c p_{ic} \log \frac{p_{ic}}{q_{ic}}$$
#
# **2.** No gradient flows through the code, so its entropy is a constant: this is swapped prediction.
#
# $$D = -\frac{1}{2n} \sum_i \Big[ H(p_i) + \sum_c p_{ic} \log q_{ic} \Big]$$
#
# **3.** The softmax of cosines is written out, here with $\tau = 0.1$.
#
# $$D = \frac{1}{2n} \sum_i \Big[ -H(p_i) - \sum_c p_{ic} \frac{\cos(z_i, \phi_c)}{\tau} + \log \sum_c e^{\cos(z_i, \phi_c)/\tau} \Big]$$
#
# **Caveat.** The codes are balanced within the batch, so a small batch is forced to use prototypes that fit none of its samples.

# %%
p, q, loss = six("swav")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(H(p[i]) + sum(p[i][k] * log(q[i][k]) for k in T) for i in R)
third = (
    mean(-H(p[i]) - sum(p[i][k] * cos((A + B)[i], c[k]) / 0.1 for k in T) + logsum([cos((A + B)[i], each)
    / 0.1 for each in c]) for i in R)
)
card("swav", p, q, loss, first, second, third)

# %% [markdown]
# ### DINO
#
# $p$: prototypes of the other view as a slow encoder sees it, centred, $p_{ic} \propto e^{(\cos(k_{i^+}, \phi_c) - \mu_c)/\tau_p}$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Caron et al. 2021](https://arxiv.org/abs/2104.14294).
#
# **1.** $p$ is what a slow copy says of the other view, less a running mean $\mu_c$ of what it said before.
#
# $$D = \frac{1}{2n} \sum_i \sum_c p_{ic} \log \frac{p_{ic}}{q_{ic}},\quad p_{ic} \propto e^{(\cos(k_{i^+}, \phi_c) - \mu_c)/\tau_p}$$
#
# **2.** The teacher has no gradient, so its entropy is a constant of the step.
#
# $$D = -\frac{1}{2n} \sum_i \Big[ H(p_i) + \sum_c p_{ic} \log q_{ic} \Big]$$
#
# **3.** Both softmaxes are written out, here with $\tau = 0.1$, $\tau_p = 0.2$ and $t_{ic} = \cos(k_{i^+}, \phi_c) - \mu_c$.
#
# $$D = \frac{1}{2n} \sum_i \Big[ \sum_c p_{ic} \Big( \frac{t_{ic}}{\tau_p} - \frac{\cos(z_i, \phi_c)}{\tau} \Big) + \log \frac{\sum_c e^{\cos(z_i, \phi_c)/\tau}}{\sum_c e^{t_{ic}/\tau_p}} \Big]$$
#
# **Caveat.** $p$ moves with the network, so there is no one loss that training follows: it is a cell at every step, with $p$ given. Centring keeps one prototype from winning all.

# %%
p, q, loss = six("dino")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(H(p[i]) + sum(p[i][k] * log(q[i][k]) for k in T) for i in R)
third = (
    mean(sum(softmax([t / 0.2 for t in said])[k] * (said[k] / 0.2 - cos((A + B)[i], c[k]) / 0.1) for k in
    T) + logsum([cos((A + B)[i], each) / 0.1 for each in c]) - logsum([t / 0.2 for t in said]) for i, said
    in enumerate(asked("taught")))
)
card("dino", p, q, loss, first, second, third)

# %% [markdown]
# ### Kernel contrastive
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Gaussian similarity, temperature to infinity, $-\textstyle\sum_j p_{ij} k_{ij} + \frac1m \sum_k k_{ik},\ k = e^{-d/\tau}$. *Source:* [Waida et al. 2023](https://arxiv.org/abs/2304.00395).
#
# **1.** Take the kernel $k_{ij} = e^{-d_{ij}/\tau}$ itself as a similarity, and let the temperature $t$ of the softmax over it go to infinity.
#
# $$D = \lim_{t \to \infty} \frac1n \sum_i t\, \big( -\log q_{ii^+} - \log n \big),\quad q_{ij} \propto e^{k_{ij}/t}$$
#
# **2.** For small $u$ the logarithm of the mean of $e^u$ is the mean of $u$.
#
# $$D = \frac1n \sum_i \Big[ -k_{ii^+} + \frac1n \sum_j k_{ij} \Big]$$
#
# **3.** These are two expectations, over positive pairs and over all pairs, a point with itself included.
#
# $$D = -E\, k_{ii^+} + E\, k_{ij}$$
#
# **Caveat.** Similarities lie between 0 and 1, so the loss has a least value, which the wide limit of a plain distance has not.

# %%
p, q, loss = six("kcl")
first = (
    -mean(exp((cos(z[i], z[pair[i]]) - 1) / 0.5) for i in R) + mean(1e7 * log(mean(exp(exp((cos(z[i],
    z[j]) - 1) / 0.5) / 1e7) for j in R)) for i in R)
)
second = (
    mean(-exp((cos(z[i], z[pair[i]]) - 1) / 0.5) + mean(exp((cos(z[i], z[j]) - 1) / 0.5) for j in R) for i
    in R)
)
third = (
    -mean(exp((cos(z[i], z[pair[i]]) - 1) / 0.5) for i in R) + mean(exp((cos(z[i], z[j]) - 1) / 0.5) for i
    in R for j in R)
)
card("kcl", p, q, loss, first, second, third)

# %% [markdown]
# ### Triplet loss, hardest negative
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Gaussian, temperature to zero, $\tau \to 0$. *Source:* [Schroff et al. 2015](https://arxiv.org/abs/1503.03832).
#
# **1.** Let the temperature go to zero. Strangers are moved nearer by the margin $\mu$, here 0.5: $d'_{ik} = d_{ik} - \mu\, 1[k \ne i^+]$, with $d$ one minus the cosine.
#
# $$D = \lim_{\tau \to 0} \frac1n \sum_i -\tau \log q_{ii^+},\quad q_{ik} \propto e^{-d'_{ik}/\tau}$$
#
# **2.** Of a sum of exponentials only the largest is left.
#
# $$D = \frac1n \sum_i \Big[ d_{ii^+} - \min_{k \ne i} d'_{ik} \Big]$$
#
# **3.** The least is either the positive itself or the nearest stranger: a hinge.
#
# $$D = \frac1n \sum_i \max\Big( 0,\ \mu + d_{ii^+} - \min_{k \ne i, i^+} d_{ik} \Big)$$
#
# **Caveat.** Only the nearest stranger of each anchor is pushed. In a large batch and few dimensions all can end in one place.

# %%
p, q, loss = six("triplet")
first = (
    mean(1 - cos(z[i], z[pair[i]]) + 1e-3 * logsum([-(1 - cos(z[i], z[k]) - 0.5 * (k != pair[i])) / 1e-3
    for k in R if k != i]) for i in R)
)
second = (
    mean(1 - cos(z[i], z[pair[i]]) - min(1 - cos(z[i], z[k]) - 0.5 * (k != pair[i]) for k in R if k != i)
    for i in R)
)
third = (
    mean(max(0, 0.5 + 1 - cos(z[i], z[pair[i]]) - min(1 - cos(z[i], z[k]) for k in R if k not in (i,
    pair[i]))) for i in R)
)
card("triplet", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SimCLR
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Hu et al. 2023](https://arxiv.org/abs/2205.14814).
#
# **1.** $p$ is that of SimCLR, 1 on the other view.
#
# $$D = -\frac{1}{2n} \sum_i \log q_{ii^+}$$
#
# **2.** The Student-t kernel of the squared distance $d$ is written out, here with $\nu = 10$ and $\tau = 0.03$.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+}/\nu\tau)^{-(\nu+1)/2}}{\sum_{k \ne i} (1 + d_{ik}/\nu\tau)^{-(\nu+1)/2}}$$
#
# **3.** Only ratios of $\nu\tau + d$ are left, so a far stranger still counts a little.
#
# $$D = \frac{1}{2n} \sum_i \log \sum_{k \ne i} \Big( \frac{\nu\tau + d_{ii^+}}{\nu\tau + d_{ik}} \Big)^{(\nu+1)/2}$$
#
# **Caveat.** With $\nu = 1$, the kernel of t-SNE, the tail is so heavy that many dimensions do not help. The published code has $\nu = 10$.

# %%
p, q, loss = six("tsimclr")
first = -mean(log(q[i][pair[i]]) for i in R)
second = (
    -mean(log((1 + sq(z[i], z[pair[i]]) / 0.3) ** -5.5 / sum((1 + sq(z[i], z[k]) / 0.3) ** -5.5 for k in R
    if k != i)) for i in R)
)
third = (
    mean(log(sum(((0.3 + sq(z[i], z[pair[i]])) / (0.3 + sq(z[i], z[k]))) ** 5.5 for k in R if k != i)) for
    i in R)
)
card("tsimclr", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SimCNE
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Böhm et al. 2023](https://arxiv.org/abs/2210.09879).
#
# **1.** $p$ is that of SimCLR, 1 on the other view, and $z$ lies in the plane.
#
# $$D = -\frac{1}{2n} \sum_i \log q_{ii^+}$$
#
# **2.** The kernel of t-SNE is written out, with squared distances $d$.
#
# $$D = -\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+})^{-1}}{\sum_{k \ne i} (1 + d_{ik})^{-1}}$$
#
# **3.** The logarithm of the pair attracts, that of the sum pushes.
#
# $$D = \frac{1}{2n} \sum_i \Big[ \log(1 + d_{ii^+}) + \log \sum_{k \ne i} \frac{1}{1 + d_{ik}} \Big]$$
#
# **Caveat.** The published training first learns in 128 dimensions and then goes to the plane. Here it goes straight into the plane.

# %%
p, q, loss = six("tsimcne")
first = -mean(log(q[i][pair[i]]) for i in R)
second = (
    -mean(log(1 / (1 + sq(z[i], z[pair[i]])) / sum(1 / (1 + sq(z[i], z[k])) for k in R if k != i)) for i
    in R)
)
third = (
    mean(log(1 + sq(z[i], z[pair[i]])) + log(sum(1 / (1 + sq(z[i], z[k])) for k in R if k != i)) for i in
    R)
)
card("tsimcne", p, q, loss, first, second, third)

# %% [markdown]
# ### VICReg without covariance
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: Gaussian, temperature to infinity, $\tau \to \infty$. *Source:* [Bardes et al. 2022](https://arxiv.org/abs/2105.04906).
#
# **1.** Let the temperature go to infinity, with the point itself among the candidates, and $d$ one minus the cosine.
#
# $$D = \lim_{\tau \to \infty} \frac{1}{n} \sum_i \tau\, \big( -\log q_{ii^+} - \log n \big),\quad q_{ij} \propto e^{-d_{ij}/\tau}$$
#
# **2.** For small $u$ the logarithm of the mean of $e^{-u}$ is minus the mean of $u$: cohesion less spread.
#
# $$D = \frac{1}{n} \sum_i d_{ii^+} - \frac{1}{n^2} \sum_{ik} d_{ik}$$
#
# **3.** For directions $u$ you have $d_{ij} = \lVert u_i - u_j\rVert^2/2$, and the mean of that over all pairs is the variance.
#
# $$D = \tfrac12 E\, \lVert u_i - u_{i^+}\rVert^2 - \mathrm{Var}(u)$$
#
# **Caveat.** Only the invariance term is the published one. The published variance term is a hinge that saturates, and the covariance term has no cell.

# %%
p, q, loss = six("vicreg")
first = (
    mean(1 - cos(z[i], z[pair[i]]) + 1e7 * log(mean(exp(-(1 - cos(z[i], z[k])) / 1e7) for k in R)) for i
    in R)
)
second = mean(1 - cos(z[i], z[pair[i]]) for i in R) - mean(1 - cos(z[i], z[k]) for i in R for k in R)
third = mean(2 - 2 * cos(z[i], z[pair[i]]) for i in R) / 2 - sum(map(pvariance, zip(*map(unit, z))))
card("vicreg", p, q, loss, first, second, third)

# %% [markdown]
# ## Classes, captions and modalities: p comes with the data

# %% [markdown]
# ### SupCon
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Khosla et al. 2020](https://arxiv.org/abs/2004.11362).
#
# **1.** $p$ is uniform over the other members of the own class $Y_i$, which has $K_i$ members.
#
# $$D = \frac1n \sum_i \sum_{j \in Y_i} \frac{1}{K_i - 1} \log \frac{1}{(K_i - 1)\, q_{ij}}$$
#
# **2.** The entropy of a uniform row is $\log(K_i - 1)$.
#
# $$D = -\frac1n \sum_i \Big[ \log(K_i - 1) + \frac{1}{K_i - 1} \sum_{j \in Y_i} \log q_{ij} \Big]$$
#
# **3.** The Gaussian of the cosine is written out, here with $\tau = 0.1$. Up to the constant this is the published $L_{out}$.
#
# $$D = -\frac1n \sum_i \Big[ \log(K_i - 1) + \frac{1}{K_i - 1} \sum_{j \in Y_i} \log \frac{e^{\cos(z_i, z_j)/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}} \Big]$$
#
# **Caveat.** All members of a class are to be equally near, so what tells them apart within the class is lost where dimensions are few.

# %%
p, q, loss = six("supcon")
first = (
    mean(mean(log(1 / ((y.count(y[i]) - 1) * q[i][j])) for j in R if j != i and y[j] == y[i]) for i in R)
)
second = (
    -mean(log(y.count(y[i]) - 1) + mean(log(q[i][j]) for j in R if j != i and y[j] == y[i]) for i in R)
)
third = (
    -mean(log(y.count(y[i]) - 1) + mean(log(exp(cos(z[i], z[j]) / 0.1) / sum(exp(cos(z[i], z[k]) / 0.1)
    for k in R if k != i)) for j in R if j != i and y[j] == y[i]) for i in R)
)
card("supcon", p, q, loss, first, second, third)

# %% [markdown]
# ### SupCon, the sum inside
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Khosla et al. 2020](https://arxiv.org/abs/2004.11362).
#
# **1.** The members of the own class $Y_i$ are one candidate, which has all of $p$.
#
# $$D = -\frac1n \sum_i \log \sum_{j \in Y_i} q_{ij}$$
#
# **2.** The sum stands inside the logarithm. Here $\tau = 0.1$.
#
# $$D = -\frac1n \sum_i \log \frac{\sum_{j \in Y_i} e^{\cos(z_i, z_j)/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}$$
#
# **3.** Divided by the numerator, strangers stand against members. The published $L_{in}$ has the constant mean of $\log(K_i - 1)$ more.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \frac{\sum_{k \notin Y_i} e^{\cos(z_i, z_k)/\tau}}{\sum_{j \in Y_i} e^{\cos(z_i, z_j)/\tau}} \Big)$$
#
# **Caveat.** One near member of the class is enough, so a class may fall into several clusters. The paper finds it weaker than the sum outside.

# %%
p, q, loss = six("supcon_in")
first = -mean(log(sum(q[i][j] for j in R if j != i and y[j] == y[i])) for i in R)
second = (
    -mean(log(sum(exp(cos(z[i], z[j]) / 0.1) for j in R if j != i and y[j] == y[i]) / sum(exp(cos(z[i],
    z[k]) / 0.1) for k in R if k != i)) for i in R)
)
third = (
    mean(log(1 + sum(exp(cos(z[i], z[k]) / 0.1) for k in R if y[k] != y[i]) / sum(exp(cos(z[i], z[j]) /
    0.1) for j in R if j != i and y[j] == y[i])) for i in R)
)
card("supcon_in", p, q, loss, first, second, third)

# %% [markdown]
# ### SupCon under Jensen-Shannon
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Shone et al. 2025](https://arxiv.org/abs/2509.04734).
#
# **1.** Both $p$ and $q$ are compared with their mean $m = (p + q)/2$. $p$ is that of SupCon, and $q$ a Gaussian of the squared distance.
#
# $$D = \frac1n \sum_i \big[ \tfrac12 D(p_i \Vert m_i) + \tfrac12 D(q_i \Vert m_i) \big]$$
#
# **2.** Both logarithms of $m$ have the weight $m$ together.
#
# $$D = \frac1n \sum_i \big[ H(m_i) - \tfrac12 H(p_i) - \tfrac12 H(q_i) \big]$$
#
# **3.** With the factor 1/2 of $m$ taken out you see the bound: both sums are at most 0.
#
# $$D = \log 2 + \frac{1}{2n} \sum_{ij} \Big[ p_{ij} \log \frac{p_{ij}}{p_{ij} + q_{ij}} + q_{ij} \log \frac{q_{ij}}{p_{ij} + q_{ij}} \Big]$$
#
# **Caveat.** It is never above $\log 2$, so a point that is far from all its class has a small gradient and may stay where it is.

# %%
p, q, loss = six("supcon_js")
first = (
    mean(kl(p[i], [(a + b) / 2 for a, b in zip(p[i], q[i])]) / 2 + kl(q[i], [(a + b) / 2 for a, b in
    zip(p[i], q[i])]) / 2 for i in R)
)
second = mean(H([(a + b) / 2 for a, b in zip(p[i], q[i])]) - H(p[i]) / 2 - H(q[i]) / 2 for i in R)
third = (
    log(2) + mean(sum((a * log(a / (a + b)) if a else 0) + (b * log(b / (a + b)) if b else 0) for a, b in
    zip(p[i], q[i])) for i in R) / 2
)
card("supcon_js", p, q, loss, first, second, third)

# %% [markdown]
# ### SINCERE
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Feeney & Hughes 2023](https://arxiv.org/abs/2309.14277).
#
# **1.** Every member $j$ of the own class $Y_i$ stands alone against the strangers; the other members leave $q$.
#
# $$D = \frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in Y_i} \log \frac{q_{ij} + \sum_{k \notin Y_i} q_{ik}}{q_{ij}}$$
#
# **2.** The normaliser of $q$ cancels. Here $s_{ij} = \cos(z_i, z_j)/\tau$ with $\tau = 0.1$.
#
# $$D = -\frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in Y_i} \log \frac{e^{s_{ij}}}{e^{s_{ij}} + \sum_{k \notin Y_i} e^{s_{ik}}}$$
#
# **3.** Divided by the numerator, only differences are left. SupCon has the other members in this sum too.
#
# $$D = \frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in Y_i} \log \Big( 1 + \sum_{k \notin Y_i} e^{s_{ik} - s_{ij}} \Big)$$
#
# **Caveat.** Members of the own class never push each other, so a class may shrink to a point.

# %%
p, q, loss = six("sincere")
first = (
    mean(mean(log((q[i][j] + sum(q[i][k] for k in R if y[k] != y[i])) / q[i][j]) for j in R if j != i and
    y[j] == y[i]) for i in R)
)
second = (
    -mean(mean(log(exp(cos(z[i], z[j]) / 0.1) / (exp(cos(z[i], z[j]) / 0.1) + sum(exp(cos(z[i], z[k]) /
    0.1) for k in R if y[k] != y[i]))) for j in R if j != i and y[j] == y[i]) for i in R)
)
third = (
    mean(mean(log(1 + sum(exp((cos(z[i], z[k]) - cos(z[i], z[j])) / 0.1) for k in R if y[k] != y[i])) for
    j in R if j != i and y[j] == y[i]) for i in R)
)
card("sincere", p, q, loss, first, second, third)

# %% [markdown]
# ### NCA, logarithmic form
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* Goldberger et al. 2004, *Neighbourhood Components Analysis*.
#
# **1.** A point draws a neighbour from $q$. The loss is minus the logarithm of the probability that it is of the own class $Y_i$.
#
# $$D = -\frac1n \sum_i \log \sum_{j \in Y_i} q_{ij}$$
#
# **2.** The Gaussian of the squared distance $d$ is written out; $z = W x$ is a linear map.
#
# $$D = -\frac1n \sum_i \log \frac{\sum_{j \in Y_i} e^{-d_{ij}}}{\sum_{k \ne i} e^{-d_{ik}}}$$
#
# **3.** Divided by the numerator, strangers stand against members.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \frac{\sum_{k \notin Y_i} e^{-d_{ik}}}{\sum_{j \in Y_i} e^{-d_{ij}}} \Big)$$
#
# **Caveat.** This is the paper's second objective. Its first adds up the probabilities themselves, and gives up on points that are hopeless.

# %%
p, q, loss = six("nca")
first = -mean(log(sum(q[i][j] for j in R if j != i and y[j] == y[i])) for i in R)
second = (
    -mean(log(sum(exp(-sq(z[i], z[j])) for j in R if j != i and y[j] == y[i]) / sum(exp(-sq(z[i], z[k]))
    for k in R if k != i)) for i in R)
)
third = (
    mean(log(1 + sum(exp(-sq(z[i], z[k])) for k in R if y[k] != y[i]) / sum(exp(-sq(z[i], z[j])) for j in
    R if j != i and y[j] == y[i])) for i in R)
)
card("nca", p, q, loss, first, second, third)

# %% [markdown]
# ### Soft nearest neighbours
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Frosst et al. 2019](https://arxiv.org/abs/1902.01889).
#
# **1.** The members of the own class $Y_i$ are one candidate, which has all of $p$.
#
# $$D = -\frac1n \sum_i \log \sum_{j \in Y_i} q_{ij}$$
#
# **2.** The Gaussian of the squared distance $d$ is written out, here with $\tau = 1$.
#
# $$D = -\frac1n \sum_i \log \frac{\sum_{j \in Y_i} e^{-d_{ij}/\tau}}{\sum_{k \ne i} e^{-d_{ik}/\tau}}$$
#
# **3.** It is a difference of two soft minima of the distance, times $1/\tau$: how much nearer is anybody than the class?
#
# $$D = \frac1n \sum_i \Big[ \log \sum_{k \ne i} e^{-d_{ik}/\tau} - \log \sum_{j \in Y_i} e^{-d_{ij}/\tau} \Big]$$
#
# **Caveat.** The temperature decides how many neighbours count. The paper learns it; here it is a setting.

# %%
p, q, loss = six("soft_nearest_neighbor")
first = -mean(log(sum(q[i][j] for j in R if j != i and y[j] == y[i])) for i in R)
second = (
    -mean(log(sum(exp(-sq(z[i], z[j])) for j in R if j != i and y[j] == y[i]) / sum(exp(-sq(z[i], z[k]))
    for k in R if k != i)) for i in R)
)
third = (
    mean(logsum([-sq(z[i], z[k]) for k in R if k != i]) - logsum([-sq(z[i], z[j]) for j in R if j != i and
    y[j] == y[i]]) for i in R)
)
card("soft_nearest_neighbor", p, q, loss, first, second, third)

# %% [markdown]
# ### Prototypical networks
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian to class means, $q_{ij} \propto e^{-\lVert z_i - c_j\rVert^2/\tau} / n_j,\ c_j \text{ the mean of } j \text{ and of who is near } j \text{ in } p$. *Source:* [Snell et al. 2017](https://arxiv.org/abs/1703.05175).
#
# **1.** A candidate $j$ is seen at the mean $c_j$ of its class, without $i$; the $n_j$ members of a class share that place, and count $1/n_j$ each.
#
# $$D = \frac1n \sum_i \sum_{j \in Y_i} p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad q_{ij} = \frac{e^{-\lVert z_i - c_j\rVert^2}/n_j}{\sum_{k \ne i} e^{-\lVert z_i - c_k\rVert^2}/n_k}$$
#
# **2.** The $n_c$ equal terms of a class add up to one, and $p_{ij} = 1/n_j$ cancels.
#
# $$D = -\frac1n \sum_i \log \frac{e^{-\lVert z_i - c_{y_i}\rVert^2}}{\sum_c e^{-\lVert z_i - c_c\rVert^2}}$$
#
# **3.** This is a cross-entropy whose logits are squared distances from the means of the classes.
#
# $$D = \frac1n \sum_i \Big[ \lVert z_i - c_{y_i}\rVert^2 + \log \sum_c e^{-\lVert z_i - c_c\rVert^2} \Big]$$
#
# **Caveat.** Every sample is the query once and the rest of the batch its support. The paper draws a few of each for every step.

# %%
p, q, loss = six("prototypical")
q = normal([[(j != i) * exp(-to_mean(i, y[j])[0]) / to_mean(i, y[j])[1] for j in R] for i in R])
first = (
    mean(sum(p[i][j] * log(p[i][j] * sum(exp(-to_mean(i, y[k])[0]) / to_mean(i, y[k])[1] for k in R if k
    != i) / (exp(-to_mean(i, y[j])[0]) / to_mean(i, y[j])[1])) for j in R if p[i][j]) for i in R)
)
second = -mean(log(exp(-to_mean(i, y[i])[0]) / sum(exp(-to_mean(i, k)[0]) for k in (0, 1))) for i in R)
third = mean(to_mean(i, y[i])[0] + logsum([-to_mean(i, k)[0] for k in (0, 1)]) for i in R)
card("prototypical", p, q, loss, first, second, third)

# %% [markdown]
# ### X-Sample contrastive
#
# $p$: similarity of companion embeddings, $p_{ij} \propto e^{\cos(g_i, g_j)/\tau_p},\ j \ne i$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Sobal et al. 2025](https://arxiv.org/abs/2407.18134).
#
# **1.** $p$ is a softmax over the similarities of companion embeddings $g$, for instance of captions.
#
# $$D = \frac1n \sum_i \sum_{j \ne i} p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad p_{ij} \propto e^{\cos(g_i, g_j)/\tau_p}$$
#
# **2.** $g$ is fixed, so the entropy of $p$ is a constant: a cross-entropy with soft targets is left.
#
# $$D = -\frac1n \sum_i \Big[ H(p_i) + \sum_{j \ne i} p_{ij} \log q_{ij} \Big]$$
#
# **3.** Both softmaxes are written out, here with $\tau = \tau_p = 0.1$: the two similarities are to agree.
#
# $$D = \frac1n \sum_i \Big[ \sum_{j \ne i} p_{ij} \Big( \frac{\cos(g_i, g_j)}{\tau_p} - \frac{\cos(z_i, z_j)}{\tau} \Big) + \log \frac{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}{\sum_{k \ne i} e^{\cos(g_i, g_k)/\tau_p}} \Big]$$
#
# **Caveat.** What the captions do not mention, $p$ does not know. A poor companion embedding teaches its own mistakes.

# %%
p, q, loss = six("xsample")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(H(p[i]) + sum(p[i][j] * log(q[i][j]) for j in R if j != i) for i in R)
third = (
    mean(sum(p[i][j] * (cos(captions[i], captions[j]) - cos(z[i], z[j])) / 0.1 for j in R) +
    logsum([cos(z[i], z[k]) / 0.1 for k in R if k != i]) - logsum([cos(captions[i], captions[k]) / 0.1 for
    k in R if k != i]) for i in R)
)
card("xsample", p, q, loss, first, second, third)

# %% [markdown]
# ### Language-guided SimCLR
#
# $p$: uniform k-NN of companion embeddings, $p_{ij} = \frac1k 1[g_j \in \mathrm{kNN}(g_i)]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [El Banani et al. 2023](https://arxiv.org/abs/2302.12248).
#
# **1.** $p$ is $1/k$ on the $k$ samples $N_i$ whose captions are nearest, here with $k = 2$.
#
# $$D = \frac1n \sum_i \frac1k \sum_{j \in N_i} \log \frac{1}{k\, q_{ij}}$$
#
# **2.** The entropy of a uniform row is $\log k$. The rest is the expected loss of SimCLR with a positive that is drawn from $N_i$.
#
# $$D = -\log k - \frac1n \sum_i \frac1k \sum_{j \in N_i} \log q_{ij}$$
#
# **3.** The Gaussian of the cosine is written out, here with $\tau = 0.1$.
#
# $$D = -\log k - \frac1n \sum_i \frac1k \sum_{j \in N_i} \log \frac{e^{\cos(z_i, z_j)/\tau}}{\sum_{l \ne i} e^{\cos(z_i, z_l)/\tau}}$$
#
# **Caveat.** Neighbours are those within the batch, where the paper takes them from all samples. A small batch may hold no caption that is really near.

# %%
p, q, loss = six("lgsimclr")
first = mean(mean(log(1 / (2 * q[i][j])) for j in near(captions, i, lambda a, b: -cos(a, b))) for i in R)
second = -log(2) - mean(mean(log(q[i][j]) for j in near(captions, i, lambda a, b: -cos(a, b))) for i in R)
third = (
    -log(2) - mean(mean(log(exp(cos(z[i], z[j]) / 0.1) / sum(exp(cos(z[i], z[m]) / 0.1) for m in R if m !=
    i)) for j in near(captions, i, lambda a, b: -cos(a, b))) for i in R)
)
card("lgsimclr", p, q, loss, first, second, third)

# %% [markdown]
# ### CLIP
#
# $p$: Cross-modal pairs, $p_{ij} = 1[s_i = s_j],\ V_i \ne V_j$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Radford et al. 2021](https://arxiv.org/abs/2103.00020).
#
# **1.** A picture $z_i$ looks at the captions $z'_j$ and a caption at the pictures. $p$ is 1 on the own pair, and both directions count half.
#
# $$D = \frac{1}{2n} \sum_i \big[ D(p_i \Vert q_i^{1 \to 2}) + D(p_i \Vert q_i^{2 \to 1}) \big]$$
#
# **2.** One term of each row is left.
#
# $$D = -\frac{1}{2n} \sum_i \big[ \log q_{ii}^{1 \to 2} + \log q_{ii}^{2 \to 1} \big]$$
#
# **3.** The Gaussian of the cosine is written out, here with $\tau = 0.1$: rows and columns of one matrix are classified.
#
# $$D = -\frac{1}{2n} \sum_i \Big[ \log \frac{e^{\cos(z_i, z'_i)/\tau}}{\sum_k e^{\cos(z_i, z'_k)/\tau}} + \log \frac{e^{\cos(z_i, z'_i)/\tau}}{\sum_k e^{\cos(z_k, z'_i)/\tau}} \Big]$$
#
# **Caveat.** A caption that fits two pictures of the batch is a stranger to one of them. Published, the temperature is learned.

# %%
p, q, loss = six("clip")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(log(q[i][i]) + log(q[i + 3][i]) for i in T) / 2
third = (
    -mean(2 * cos(A[i], B[i]) / 0.1 - logsum([cos(A[i], B[k]) / 0.1 for k in T]) - logsum([cos(A[k], B[i])
    / 0.1 for k in T]) for i in T) / 2
)
card("clip", p, q, loss, first, second, third)

# %% [markdown]
# ### SigLIP
#
# $p$: Cross-modal pairs, $p_{ij} = 1[s_i = s_j],\ V_i \ne V_j$. $q$: every pair by itself, $q_{ij} = \sigma(b - d_{ij}/\tau)$. *Source:* [Zhai et al. 2023](https://arxiv.org/abs/2303.15343).
#
# **1.** Every pair is asked by itself whether it belongs together. Where it does, $D$ of yes and $q$ is $-\log q$; else it is $-\log(1 - q)$.
#
# $$D = -\frac1n \sum_i \Big[ \log q_{ii} + \sum_{j \ne i} \log(1 - q_{ij}) \Big],\quad q_{ij} = \sigma(\ell_{ij})$$
#
# **2.** With $1 - \sigma(\ell) = \sigma(-\ell)$ both cases are one. The logit is $\ell_{ij} = b - (1 - \cos(z_i, z'_j))/\tau$, here with $b = 0$ and $\tau = 0.1$.
#
# $$D = -\frac1n \sum_{ij} \log \sigma\big( (2 \cdot 1[i = j] - 1)\, \ell_{ij} \big)$$
#
# **3.** The logarithm of $\sigma$ is minus a soft hinge.
#
# $$D = \frac1n \sum_{ij} \log\big( 1 + e^{(1 - 2 \cdot 1[i = j])\, \ell_{ij}} \big)$$
#
# **Caveat.** Rows of $q$ do not sum to one: it is a sum of divergences of yes and no. Published, temperature and bias are learned.

# %%
p, q, loss = six("siglip")
q = [[1 / (1 + exp((1 - cos((A + B)[i], (B if i < 3 else A)[j])) / 0.1)) for j in T] for i in R]
first = (
    -mean(log(v) if i == j else log(1 - v) for i in T for j in T for v in [1 / (1 + exp((1 - cos(A[i],
    B[j])) / 0.1))]) * 3
)
second = (
    -sum(log(1 / (1 + exp((2 * (i == j) - 1) * (1 - cos(A[i], B[j])) / 0.1))) for i in T for j in T) / 3
)
third = sum(log(1 + exp((1 - 2 * (i == j)) * (cos(A[i], B[j]) - 1) / 0.1)) for i in T for j in T) / 3
card("siglip", p, q, loss, first, second, third)

# %% [markdown]
# ### CMC
#
# $p$: Cross-modal pairs, $p_{ij} = 1[s_i = s_j],\ V_i \ne V_j$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Tian et al. 2020](https://arxiv.org/abs/1906.05849).
#
# **1.** The two sides are two halves, or two channels, of one picture. $p$ is 1 on the other side of the same picture.
#
# $$D = \frac{1}{2n} \sum_i \big[ D(p_i \Vert q_i^{1 \to 2}) + D(p_i \Vert q_i^{2 \to 1}) \big]$$
#
# **2.** One term of each row is left, and the softmax is a score less the logarithm of the sum. Here $s_{ij} = \cos(z_i, z'_j)/\tau$ with $\tau = 0.1$.
#
# $$D = \frac{1}{2n} \sum_i \Big[ -2 s_{ii} + \log \sum_k e^{s_{ik}} + \log \sum_k e^{s_{ki}} \Big]$$
#
# **3.** Only differences within a row and within a column are left.
#
# $$D = \frac{1}{2n} \sum_i \Big[ \log\Big( 1 + \sum_{k \ne i} e^{s_{ik} - s_{ii}} \Big) + \log\Big( 1 + \sum_{k \ne i} e^{s_{ki} - s_{ii}} \Big) \Big]$$
#
# **Caveat.** The form of the loss is that of CMC. Its published training contrasts with a memory bank, and more than two views are compared pair by pair.

# %%
p, q, loss = six("cmc")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(-2 * cos(A[i], B[i]) / 0.1 + logsum([cos(A[i], B[k]) / 0.1 for k in T]) + logsum([cos(A[k], B[i])
    / 0.1 for k in T]) for i in T) / 2
)
third = (
    mean(log(1 + sum(exp((cos(A[i], B[k]) - cos(A[i], B[i])) / 0.1) for k in T if k != i)) + log(1 +
    sum(exp((cos(A[k], B[i]) - cos(A[i], B[i])) / 0.1) for k in T if k != i)) for i in T) / 2
)
card("cmc", p, q, loss, first, second, third)

# %% [markdown]
# ### Contrast between dimensions
#
# $p$: identity, over the dimensions, $p_{kl} = 1[k = l]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* composed here.
#
# **1.** The candidates are dimensions instead of samples: $p$ is 1 on the same dimension of the other view.
#
# $$D = \frac1d \sum_k \sum_l p_{kl} \log \frac{p_{kl}}{q_{kl}},\quad p_{kl} = 1[k = l]$$
#
# **2.** One term of each row is left.
#
# $$D = -\frac1d \sum_k \log q_{kk}$$
#
# **3.** The cosine of centred columns is their correlation over the batch, here with $\tau = 1$.
#
# $$D = -\frac1d \sum_k \log \frac{e^{\mathrm{corr}(z_k, z'_k)/\tau}}{\sum_l e^{\mathrm{corr}(z_k, z'_l)/\tau}}$$
#
# **Caveat.** It is composed here, in the spirit of Barlow Twins, whose published loss is no divergence. A dimension that is constant has no correlation.

# %%
p, q, loss = six("dimension_contrastive")
first = mean(kl(p[k], q[k]) for k in range(2))
second = -mean(log(q[k][k]) for k in range(2))
third = (
    -mean(correlation([v[k] for v in A], [v[k] for v in B]) - logsum([correlation([v[k] for v in A], [v[m]
    for v in B]) for m in range(2)]) for k in range(2))
)
card("dimension_contrastive", p, q, loss, first, second, third)

# %% [markdown]
# ### Average-margin CLIP
#
# $p$: Cross-modal pairs, $p_{ij} = 1[s_i = s_j],\ V_i \ne V_j$. $q$: Gaussian, temperature to infinity, $\tau \to \infty$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Let the temperature of CLIP's $q$ go to infinity; $d$ is one minus the cosine.
#
# $$D = \lim_{\tau \to \infty} \frac{1}{2n} \sum_i \tau\, \big( -\log q^{1 \to 2}_{ii} - \log q^{2 \to 1}_{ii} - 2 \log n \big)$$
#
# **2.** For small $u$ the logarithm of the mean of $e^{-u}$ is minus the mean of $u$, in a row and in a column.
#
# $$D = \frac{1}{2n} \sum_i \Big[ 2 d_{ii} - \frac1n \sum_k d_{ik} - \frac1n \sum_k d_{ki} \Big]$$
#
# **3.** Rows and columns have one mean: pairs are to be nearer than any picture and any caption are on average.
#
# $$D = \frac1n \sum_i d_{ii} - \frac{1}{n^2} \sum_{ik} d_{ik}$$
#
# **Caveat.** The published figure leaves this cell open. All strangers push alike, so one that is too near is not pushed more than others.

# %%
p, q, loss = six("average_margin_clip")
first = (
    mean(2 * (1 - cos(A[i], B[i])) + 1e7 * log(mean(exp((cos(A[i], B[k]) - 1) / 1e7) for k in T)) + 1e7 *
    log(mean(exp((cos(A[k], B[i]) - 1) / 1e7) for k in T)) for i in T) / 2
)
second = (
    mean(2 * (1 - cos(A[i], B[i])) - mean(1 - cos(A[i], B[k]) for k in T) - mean(1 - cos(A[k], B[i]) for k
    in T) for i in T) / 2
)
third = mean(1 - cos(A[i], B[i]) for i in T) - mean(1 - cos(A[i], B[k]) for i in T for k in T)
card("average_margin_clip", p, q, loss, first, second, third)

# %% [markdown]
# ### Average-margin SupCon
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, temperature to infinity, $\tau \to \infty$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Let the temperature of SupCon's $q$ go to infinity, with the point itself among the candidates; $d$ is one minus the cosine.
#
# $$D = \lim_{\tau \to \infty} \frac1n \sum_i \tau \Big( -\sum_j p_{ij} \log q_{ij} - \log n \Big)$$
#
# **2.** For small $u$ the logarithm of the mean of $e^{-u}$ is minus the mean of $u$.
#
# $$D = \frac1n \sum_i \Big[ \sum_j p_{ij} d_{ij} - \frac1n \sum_k d_{ik} \Big]$$
#
# **3.** $p$ is uniform on the own class $Y_i$: the mean distance within classes, less that of all pairs.
#
# $$D = \frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in Y_i} d_{ij} - \frac{1}{n^2} \sum_{ik} d_{ik}$$
#
# **Caveat.** The published figure leaves this cell open. The average pushes members of the own class too, as all pairs are in it.

# %%
p, q, loss = six("average_margin_supcon")
first = (
    mean(sum(p[i][j] * (1 - cos(z[i], z[j])) for j in R) + 1e7 * log(mean(exp((cos(z[i], z[k]) - 1) / 1e7)
    for k in R)) for i in R)
)
second = (
    mean(sum(p[i][j] * (1 - cos(z[i], z[j])) for j in R) - mean(1 - cos(z[i], z[k]) for k in R) for i in
    R)
)
third = (
    mean(mean(1 - cos(z[i], z[j]) for j in R if j != i and y[j] == y[i]) for i in R) - mean(1 - cos(z[i],
    z[k]) for i in R for k in R)
)
card("average_margin_supcon", p, q, loss, first, second, third)

# %% [markdown]
# ### Triplet CLIP
#
# $p$: Cross-modal pairs, $p_{ij} = 1[s_i = s_j],\ V_i \ne V_j$. $q$: Gaussian, temperature to zero, $\tau \to 0$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Let the temperature of CLIP's $q$ go to zero. Strangers are moved nearer by the margin, $d'_{ik} = d_{ik} - \mu\, 1[k \ne i]$ with $\mu = 0.5$.
#
# $$D = \lim_{\tau \to 0} \frac{1}{2n} \sum_i -\tau \log q^{1 \to 2}_{ii} - \tau \log q^{2 \to 1}_{ii},\quad q_{ik} \propto e^{-d'_{ik}/\tau}$$
#
# **2.** Of a sum of exponentials only the largest is left.
#
# $$D = \frac{1}{2n} \sum_i \Big[ 2 d_{ii} - \min_k d'_{ik} - \min_k d'_{ki} \Big]$$
#
# **3.** Each is a hinge on the nearest stranger: the hardest caption, and the hardest picture.
#
# $$D = \frac{1}{2n} \sum_i \Big[ \max\big( 0, \mu + d_{ii} - \min_{k \ne i} d_{ik} \big) + \max\big( 0, \mu + d_{ii} - \min_{k \ne i} d_{ki} \big) \Big]$$
#
# **Caveat.** The published figure leaves this cell open. In a large batch the nearest stranger is too near and all ends in one place: small batches learn.

# %%
p, q, loss = six("triplet_clip")
first = (
    mean(2 * (1 - cos(A[i], B[i])) + 1e-3 * logsum([(cos(A[i], B[k]) - 1 + 0.5 * (k != i)) / 1e-3 for k in
    T]) + 1e-3 * logsum([(cos(A[k], B[i]) - 1 + 0.5 * (k != i)) / 1e-3 for k in T]) for i in T) / 2
)
second = (
    mean(2 * (1 - cos(A[i], B[i])) - min(1 - cos(A[i], B[k]) - 0.5 * (k != i) for k in T) - min(1 -
    cos(A[k], B[i]) - 0.5 * (k != i) for k in T) for i in T) / 2
)
third = (
    mean(max(0, 0.5 + 1 - cos(A[i], B[i]) - min(1 - cos(A[i], B[k]) for k in T if k != i)) + max(0, 0.5 +
    1 - cos(A[i], B[i]) - min(1 - cos(A[k], B[i]) for k in T if k != i)) for i in T) / 2
)
card("triplet_clip", p, q, loss, first, second, third)

# %% [markdown]
# ### Triplet SupCon
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Gaussian, temperature to zero, $\tau \to 0$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Let the temperature of SupCon's $q$ go to zero. Strangers are moved nearer by the margin, $d'_{ik} = d_{ik} - \mu\, 1[y_k \ne y_i]$ with $\mu = 0.5$.
#
# $$D = \lim_{\tau \to 0} \frac1n \sum_i -\tau \sum_j p_{ij} \log q_{ij},\quad q_{ik} \propto e^{-d'_{ik}/\tau}$$
#
# **2.** Of a sum of exponentials only the largest is left.
#
# $$D = \frac1n \sum_i \Big[ \sum_j p_{ij} d_{ij} - \min_{k \ne i} d'_{ik} \Big]$$
#
# **3.** The mean member of the class $Y_i$ is compared with the nearest member or the nearest stranger, whichever is nearer.
#
# $$D = \frac1n \sum_i \max\Big( \bar d_i - \min_{k \in Y_i} d_{ik},\ \mu + \bar d_i - \min_{k \notin Y_i} d_{ik} \Big),\quad \bar d_i = \frac{1}{K_i - 1} \sum_{j \in Y_i} d_{ij}$$
#
# **Caveat.** The published figure leaves this cell open. Where a class is wide, its far members keep the loss above zero even if no stranger is near.

# %%
p, q, loss = six("triplet_supcon")
first = (
    mean(sum(p[i][j] * (1 - cos(z[i], z[j])) for j in R) + 1e-3 * logsum([(cos(z[i], z[k]) - 1 + 0.5 *
    (y[k] != y[i])) / 1e-3 for k in R if k != i]) for i in R)
)
second = (
    mean(sum(p[i][j] * (1 - cos(z[i], z[j])) for j in R) - min(1 - cos(z[i], z[k]) - 0.5 * (y[k] != y[i])
    for k in R if k != i) for i in R)
)
third = (
    mean(mean(1 - cos(z[i], z[j]) for j in R if j != i and y[j] == y[i]) + max(-min(1 - cos(z[i], z[k])
    for k in R if k != i and y[k] == y[i]), 0.5 - min(1 - cos(z[i], z[k]) for k in R if y[k] != y[i])) for
    i in R)
)
card("triplet_supcon", p, q, loss, first, second, third)

# %% [markdown]
# ### t-CLIP
#
# $p$: Cross-modal pairs, $p_{ij} = 1[s_i = s_j],\ V_i \ne V_j$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ is that of CLIP, 1 on the own pair, and $q$ has a heavy tail.
#
# $$D = -\frac{1}{2n} \sum_i \big[ \log q_{ii}^{1 \to 2} + \log q_{ii}^{2 \to 1} \big]$$
#
# **2.** The kernel is written out, with squared distances $d_{ij} = \lVert z_i - z'_j\rVert^2$.
#
# $$D = \frac{1}{2n} \sum_i \Big[ 2 \log(1 + d_{ii}) + \log \sum_k (1 + d_{ik})^{-1} + \log \sum_k (1 + d_{ki})^{-1} \Big]$$
#
# **3.** Only ratios are left: a pair is to be much nearer than strangers, not nearer by a fixed amount.
#
# $$D = \frac{1}{2n} \sum_i \Big[ \log \sum_k \frac{1 + d_{ii}}{1 + d_{ik}} + \log \sum_k \frac{1 + d_{ii}}{1 + d_{ki}} \Big]$$
#
# **Caveat.** The published figure leaves this cell open. Distances are plain, not on the sphere, so lengths of both encoders must suit each other.

# %%
p, q, loss = six("t_clip")
first = -mean(log(q[i][i]) + log(q[i + 3][i]) for i in T) / 2
second = (
    mean(2 * log(1 + sq(A[i], B[i])) + log(sum(1 / (1 + sq(A[i], B[k])) for k in T)) + log(sum(1 / (1 +
    sq(A[k], B[i])) for k in T)) for i in T) / 2
)
third = (
    mean(log(sum((1 + sq(A[i], B[i])) / (1 + sq(A[i], B[k])) for k in T)) + log(sum((1 + sq(A[i], B[i])) /
    (1 + sq(A[k], B[i])) for k in T)) for i in T) / 2
)
card("t_clip", p, q, loss, first, second, third)

# %% [markdown]
# ### t-SupCon
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ is that of SupCon, uniform over the other members of the own class $Y_i$, and $q$ has a heavy tail.
#
# $$D = -\frac1n \sum_i \Big[ \log(K_i - 1) + \frac{1}{K_i - 1} \sum_{j \in Y_i} \log q_{ij} \Big]$$
#
# **2.** The kernel is written out, with squared distances $d$.
#
# $$D = \frac1n \sum_i \Big[ -\log(K_i - 1) + \frac{1}{K_i - 1} \sum_{j \in Y_i} \log(1 + d_{ij}) + \log \sum_{k \ne i} (1 + d_{ik})^{-1} \Big]$$
#
# **3.** Only ratios are left.
#
# $$D = \frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in Y_i} \log \Big[ \frac{1}{K_i - 1} \sum_{k \ne i} \frac{1 + d_{ij}}{1 + d_{ik}} \Big]$$
#
# **Caveat.** The published figure leaves this cell open. The scale of the embedding matters: where all squared distances are much smaller than 1, $q$ is flat.

# %%
p, q, loss = six("t_supcon")
first = (
    -mean(log(y.count(y[i]) - 1) + mean(log(q[i][j]) for j in R if j != i and y[j] == y[i]) for i in R)
)
second = (
    mean(-log(y.count(y[i]) - 1) + mean(log(1 + sq(z[i], z[j])) for j in R if j != i and y[j] == y[i]) +
    log(sum(1 / (1 + sq(z[i], z[k])) for k in R if k != i)) for i in R)
)
third = (
    mean(mean(log(sum((1 + sq(z[i], z[j])) / (1 + sq(z[i], z[k])) for k in R if k != i) / (y.count(y[i]) -
    1)) for j in R if j != i and y[j] == y[i]) for i in R)
)
card("t_supcon", p, q, loss, first, second, third)

# %% [markdown]
# ## Prototypes: the candidates are classes or words

# %% [markdown]
# ### Cross-entropy
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* Good 1963, *Maximum Entropy for Hypothesis Formulation*.
#
# **1.** The candidates are the classes, each with a prototype $\phi_c$, and $p$ is 1 on the own class.
#
# $$D = \frac1n \sum_i \sum_c p_{ic} \log \frac{p_{ic}}{q_{ic}},\quad p_{ic} = 1[c = y_i]$$
#
# **2.** One term of each row is left.
#
# $$D = -\frac1n \sum_i \log q_{iy_i}$$
#
# **3.** $q$ is a softmax of inner products: the last layer of a classifier without bias.
#
# $$D = -\frac1n \sum_i \log \frac{e^{z_i^\top \phi_{y_i}}}{\sum_c e^{z_i^\top \phi_c}}$$
#
# **Caveat.** Inner products may grow without end, so the loss of separable data has no least value: training makes the network ever more confident.

# %%
p, q, loss = six("cross_entropy")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(log(q[i][y[i]]) for i in R)
third = -mean(log(exp(dot(z[i], c[y[i]])) / sum(exp(dot(z[i], each)) for each in c)) for i in R)
card("cross_entropy", p, q, loss, first, second, third)

# %% [markdown]
# ### Label smoothing
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Szegedy et al. 2016](https://arxiv.org/abs/1512.00567).
#
# **1.** The label keeps $1 - \alpha$ and all $C$ classes share $\alpha$, here 0.1: $\tilde p_{ic} = (1 - \alpha)\, 1[c = y_i] + \alpha / C$.
#
# $$D = \frac1n \sum_i \sum_c \tilde p_{ic} \log \frac{\tilde p_{ic}}{q_{ic}}$$
#
# **2.** The entropy of $\tilde p$ is a constant; the cross-entropy falls into its two parts.
#
# $$D = -H(\tilde p) - \frac1n \sum_i \Big[ (1 - \alpha) \log q_{iy_i} + \frac{\alpha}{C} \sum_c \log q_{ic} \Big]$$
#
# **3.** The normaliser has the weight one: the mean logit is pulled up by $\alpha$, so no logit may run away.
#
# $$D = -H(\tilde p) + \frac1n \sum_i \Big[ \log \sum_c e^{z_i^\top \phi_c} - (1 - \alpha)\, z_i^\top \phi_{y_i} - \frac{\alpha}{C} \sum_c z_i^\top \phi_c \Big]$$
#
# **Caveat.** The value cannot reach that of plain cross-entropy: even a perfect $q$ leaves the entropy of the smoothed labels in the published loss. The divergence leaves it out.

# %%
p, q, loss = six("label_smoothing")
first = mean(kl([0.9 * (k == y[i]) + 0.1 / 3 for k in T], q[i]) for i in R)
second = (
    -H([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]) - mean(0.9 * log(q[i][y[i]]) + 0.1 / 3 * sum(map(log, q[i])) for
    i in R)
)
third = (
    -H([0.9 + 0.1 / 3, 0.1 / 3, 0.1 / 3]) + mean(logsum([dot(z[i], each) for each in c]) - 0.9 * dot(z[i],
    c[y[i]]) - 0.1 / 3 * sum(dot(z[i], each) for each in c) for i in R)
)
card("label_smoothing", p, q, loss, first, second, third)

# %% [markdown]
# ### Knowledge distillation
#
# $p$: classes as a teacher sees them, $p_{ic} \propto e^{g_{ic} / \tau_p}$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Hinton et al. 2015](https://arxiv.org/abs/1503.02531).
#
# **1.** $p$ is what a teacher says of the classes: its logits $g_{ic}$ over a temperature $\tau_p$.
#
# $$D = \frac1n \sum_i \sum_c p_{ic} \log \frac{p_{ic}}{q_{ic}},\quad p_{ic} \propto e^{g_{ic}/\tau_p}$$
#
# **2.** The teacher is fixed, so its entropy is a constant.
#
# $$D = -\frac1n \sum_i \Big[ H(p_i) + \sum_c p_{ic} \log q_{ic} \Big]$$
#
# **3.** Both softmaxes are written out, here with $\tau = \tau_p = 2$: the student is to copy differences of logits.
#
# $$D = \frac1n \sum_i \Big[ \sum_c p_{ic} \Big( \frac{g_{ic}}{\tau_p} - \frac{z_i^\top \phi_c}{\tau} \Big) + \log \frac{\sum_c e^{z_i^\top \phi_c/\tau}}{\sum_c e^{g_{ic}/\tau_p}} \Big]$$
#
# **Caveat.** The published loss has a factor $T^2$ and a second term, the cross-entropy of the labels; both are left out.

# %%
p, q, loss = six("distillation")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(H(p[i]) + sum(p[i][k] * log(q[i][k]) for k in T) for i in R)
third = (
    mean(sum(softmax([g / 2 for g in teacher[i]])[k] * (teacher[i][k] - dot(z[i], c[k])) / 2 for k in T) +
    logsum([dot(z[i], each) / 2 for each in c]) - logsum([g / 2 for g in teacher[i]]) for i in R)
)
card("distillation", p, q, loss, first, second, third)

# %% [markdown]
# ### NormFace
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Wang et al. 2017](https://arxiv.org/abs/1704.06369).
#
# **1.** $p$ is 1 on the own class.
#
# $$D = -\frac1n \sum_i \log q_{iy_i}$$
#
# **2.** Points and prototypes are seen on the sphere, here with $\tau = 0.1$.
#
# $$D = -\frac1n \sum_i \log \frac{e^{\cos(z_i, \phi_{y_i})/\tau}}{\sum_c e^{\cos(z_i, \phi_c)/\tau}}$$
#
# **3.** Divided by the numerator, only differences of cosines are left, and no length can lower the loss.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \sum_{c \ne y_i} e^{(\cos(z_i, \phi_c) - \cos(z_i, \phi_{y_i}))/\tau} \Big)$$
#
# **Caveat.** Cosines are at most 1, so a temperature of 1 leaves $q$ far from certain. A small one is needed.

# %%
p, q, loss = six("normface")
first = -mean(log(q[i][y[i]]) for i in R)
second = (
    -mean(log(exp(cos(z[i], c[y[i]]) / 0.1) / sum(exp(cos(z[i], each) / 0.1) for each in c)) for i in R)
)
third = (
    mean(log(1 + sum(exp((cos(z[i], c[k]) - cos(z[i], c[y[i]])) / 0.1) for k in T if k != y[i])) for i in
    R)
)
card("normface", p, q, loss, first, second, third)

# %% [markdown]
# ### ProxyNCA++
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Teh et al. 2020](https://arxiv.org/abs/2004.01113).
#
# **1.** $p$ is 1 on the own class, whose prototype is called a proxy.
#
# $$D = -\frac1n \sum_i \log q_{iy_i}$$
#
# **2.** $u$ and $v$ are the directions of points and proxies, and $q$ is a Gaussian of their squared distance. Here $\tau = 1/18$.
#
# $$D = -\frac1n \sum_i \log \frac{e^{-\lVert u_i - v_{y_i}\rVert^2/2\tau}}{\sum_c e^{-\lVert u_i - v_c\rVert^2/2\tau}}$$
#
# **3.** With $\lVert u - v\rVert^2 = 2 - 2\cos$ the constant cancels: a softmax of cosines.
#
# $$D = -\frac1n \sum_i \log \frac{e^{\cos(z_i, \phi_{y_i})/\tau}}{\sum_c e^{\cos(z_i, \phi_c)/\tau}}$$
#
# **Caveat.** The loss is that of NormFace with another temperature. The paper adds changes of the training that are left out.

# %%
p, q, loss = six("proxynca_pp")
first = -mean(log(q[i][y[i]]) for i in R)
second = (
    -mean(log(exp(-9 * sq(unit(z[i]), unit(c[y[i]]))) / sum(exp(-9 * sq(unit(z[i]), unit(each))) for each
    in c)) for i in R)
)
third = -mean(18 * cos(z[i], c[y[i]]) - logsum([18 * cos(z[i], each) for each in c]) for i in R)
card("proxynca_pp", p, q, loss, first, second, third)

# %% [markdown]
# ### CosFace
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian with a margin, $q_{ij} \propto e^{-(d_{ij} + \mu 1[p_{ij} > 0])/\tau}$. *Source:* [Wang et al. 2018](https://arxiv.org/abs/1801.09414).
#
# **1.** $p$ is 1 on the own class. In $q$ the cosine of the own class is lowered by the margin $\mu$, here 0.35, with $\tau = 0.1$.
#
# $$D = -\frac1n \sum_i \log q_{iy_i},\quad q_{ic} \propto e^{(\cos(z_i, \phi_c) - \mu\, 1[c = y_i])/\tau}$$
#
# **2.** The softmax is written out, with $\theta_{ic}$ the angle between point and prototype.
#
# $$D = -\frac1n \sum_i \log \frac{e^{(\cos\theta_{iy_i} - \mu)/\tau}}{e^{(\cos\theta_{iy_i} - \mu)/\tau} + \sum_{c \ne y_i} e^{\cos\theta_{ic}/\tau}}$$
#
# **3.** The margin is a constant factor of the strangers: the own cosine must lead by $\mu$ before they count as little as in NormFace.
#
# $$D = \frac1n \sum_i \log \Big( 1 + e^{\mu/\tau} \sum_{c \ne y_i} e^{(\cos\theta_{ic} - \cos\theta_{iy_i})/\tau} \Big)$$
#
# **Caveat.** The margin makes the loss larger than NormFace's for the same points, so their values are not to be compared.

# %%
p, q, loss = six("cosface")
q = normal([[exp((cos(z[i], c[j]) - 0.35 * (j == y[i])) / 0.1) for j in T] for i in R])
first = -mean(log(softmax([(cos(z[i], c[k]) - 0.35 * (k == y[i])) / 0.1 for k in T])[y[i]]) for i in R)
second = (
    -mean(log(exp((cos(z[i], c[y[i]]) - 0.35) / 0.1) / (exp((cos(z[i], c[y[i]]) - 0.35) / 0.1) +
    sum(exp(cos(z[i], c[k]) / 0.1) for k in T if k != y[i]))) for i in R)
)
third = (
    mean(log(1 + exp(0.35 / 0.1) * sum(exp((cos(z[i], c[k]) - cos(z[i], c[y[i]])) / 0.1) for k in T if k
    != y[i])) for i in R)
)
card("cosface", p, q, loss, first, second, third)

# %% [markdown]
# ### ArcFace
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian with an angular margin, $q_{ij} \propto e^{\cos(\theta_{ij} + \mu 1[p_{ij} > 0])/\tau}$. *Source:* [Deng et al. 2019](https://arxiv.org/abs/1801.07698).
#
# **1.** $p$ is 1 on the own class. In $q$ the angle to the own prototype is widened by the margin $\mu$, here 0.5, with $\tau = 0.1$.
#
# $$D = -\frac1n \sum_i \log q_{iy_i},\quad q_{ic} \propto e^{\cos(\theta_{ic} + \mu\, 1[c = y_i])/\tau}$$
#
# **2.** The softmax is written out.
#
# $$D = -\frac1n \sum_i \log \frac{e^{\cos(\theta_{iy_i} + \mu)/\tau}}{e^{\cos(\theta_{iy_i} + \mu)/\tau} + \sum_{c \ne y_i} e^{\cos\theta_{ic}/\tau}}$$
#
# **3.** With the cosine of a sum the margin grows with the sine of the angle: it is small for points near their prototype.
#
# $$D = \frac1n \sum_i \log \Big( 1 + \sum_{c \ne y_i} e^{(\cos\theta_{ic} - \cos\mu \cos\theta_{iy_i} + \sin\mu \sin\theta_{iy_i})/\tau} \Big)$$
#
# **Caveat.** Beyond $\theta + \mu = \pi$ the cosine would rise again, so it goes on as a straight line there. None of the six points is that far.

# %%
p, q, loss = six("arcface")
q = normal([[exp(cosine_of(acos(cos(z[i], c[j])) + 0.5 * (j == y[i])) / 0.1) for j in T] for i in R])
first = (
    -mean(log(softmax([cosine_of(acos(cos(z[i], c[k])) + 0.5 * (k == y[i])) / 0.1 for k in T])[y[i]]) for
    i in R)
)
second = (
    -mean(log(exp(cosine_of(acos(cos(z[i], c[y[i]])) + 0.5) / 0.1) / (exp(cosine_of(acos(cos(z[i],
    c[y[i]])) + 0.5) / 0.1) + sum(exp(cos(z[i], c[k]) / 0.1) for k in T if k != y[i]))) for i in R)
)
third = (
    mean(log(1 + sum(exp((cos(z[i], c[k]) - cosine_of(0.5) * cos(z[i], c[y[i]]) + (1 - cosine_of(0.5) **
    2) ** 0.5 * (1 - cos(z[i], c[y[i]]) ** 2) ** 0.5) / 0.1) for k in T if k != y[i])) for i in R)
)
card("arcface", p, q, loss, first, second, third)

# %% [markdown]
# ### Harmonic loss
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Student-t, scale to zero, $q_{ij} \propto d_{ij}^{-(\nu+1)/2}$. *Source:* [Baek et al. 2025](https://arxiv.org/abs/2502.01628).
#
# **1.** Let the scale of a Student-t kernel go to zero; $d_{ic}$ is the squared distance to prototype $\phi_c$. Here $\nu = 9$.
#
# $$D = \lim_{\tau \to 0} -\frac1n \sum_i \log q_{iy_i},\quad q_{ic} \propto (1 + d_{ic}/\nu\tau)^{-(\nu+1)/2}$$
#
# **2.** The 1 vanishes against $d/\nu\tau$, and the constant $\nu\tau$ cancels.
#
# $$D = -\frac1n \sum_i \log \frac{d_{iy_i}^{-(\nu+1)/2}}{\sum_c d_{ic}^{-(\nu+1)/2}}$$
#
# **3.** Only ratios of distances are left, so the loss does not change with the scale.
#
# $$D = \frac1n \sum_i \log \sum_c \Big( \frac{\lVert z_i - \phi_{y_i}\rVert}{\lVert z_i - \phi_c\rVert} \Big)^{\nu+1}$$
#
# **Caveat.** A point exactly on its prototype has distance zero, and a loss of zero whatever the others are. The paper counts its exponent on the plain distance.

# %%
p, q, loss = six("harmonic")
first = (
    -mean(log((1 + sq(z[i], c[y[i]]) / 9e-9) ** -5 / sum((1 + sq(z[i], each) / 9e-9) ** -5 for each in c))
    for i in R)
)
second = -mean(log(sq(z[i], c[y[i]]) ** -5 / sum(sq(z[i], each) ** -5 for each in c)) for i in R)
third = mean(log(sum((sq(z[i], c[y[i]]) ** 0.5 / sq(z[i], each) ** 0.5) ** 10 for each in c)) for i in R)
card("harmonic", p, q, loss, first, second, third)

# %% [markdown]
# ### Masked language model
#
# $p$: Context-token pairs, $p_{it} = 1[\text{token } t \text{ stood in context } i]$. $q$: Gaussian, $q_{ij} \propto e^{-d_{ij}/\tau}$. *Source:* [Devlin et al. 2019](https://arxiv.org/abs/1810.04805).
#
# **1.** The candidates are the words of a vocabulary, and $p$ is 1 on the word $t_i$ that was hidden in context $i$.
#
# $$D = \frac1n \sum_i \sum_t p_{it} \log \frac{p_{it}}{q_{it}},\quad p_{it} = 1[t = t_i]$$
#
# **2.** One term of each row is left.
#
# $$D = -\frac1n \sum_i \log q_{it_i}$$
#
# **3.** $q$ is the softmax over the vocabulary, with a vector $\phi_t$ for each word.
#
# $$D = \frac1n \sum_i \Big[ -z_i^\top \phi_{t_i} + \log \sum_t e^{z_i^\top \phi_t} \Big]$$
#
# **Caveat.** A context that fits several words is given with one of them at a time. Only the average over all its occurrences is the $p$ that is meant.

# %%
p, q, loss = six("mlm")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(log(q[i][hidden[i]]) for i in R)
third = mean(-dot(z[i], words[hidden[i]]) + logsum([dot(z[i], each) for each in words]) for i in R)
card("mlm", p, q, loss, first, second, third)

# %% [markdown]
# ### Perceptron, in the place of the error rate
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian, temperature to zero, $\tau \to 0$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Let the temperature of cross-entropy go to zero; $s_{ic} = z_i^\top \phi_c$.
#
# $$D = \lim_{\tau \to 0} \frac1n \sum_i -\tau \log q_{iy_i},\quad q_{ic} \propto e^{s_{ic}/\tau}$$
#
# **2.** Of a sum of exponentials only the largest is left.
#
# $$D = \frac1n \sum_i \Big[ \max_c s_{ic} - s_{iy_i} \Big]$$
#
# **3.** The largest is the own class or another: right answers cost nothing, and wrong ones their distance from being right.
#
# $$D = \frac1n \sum_i \max\Big( 0,\ \max_{c \ne y_i} s_{ic} - s_{iy_i} \Big)$$
#
# **Caveat.** The published figure calls the cell error rate. Only the largest $q$ is right or wrong; the limit of the loss is the perceptron's and counts no errors.

# %%
p, q, loss = six("error_rate")
first = mean(-dot(z[i], c[y[i]]) + 1e-3 * logsum([dot(z[i], each) / 1e-3 for each in c]) for i in R)
second = mean(max(dot(z[i], each) for each in c) - dot(z[i], c[y[i]]) for i in R)
third = mean(max(0, max(dot(z[i], c[k]) for k in T if k != y[i]) - dot(z[i], c[y[i]])) for i in R)
card("error_rate", p, q, loss, first, second, third)

# %% [markdown]
# ### Multiclass hinge
#
# $p$: Data-label pairs, $p_{ic} = 1[y_i = c]$. $q$: Gaussian, temperature to zero, $\tau \to 0$. *Source:* Crammer & Singer 2001, *On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines*.
#
# **1.** Let the temperature of cross-entropy go to zero, with the scores of the other classes raised by the margin, here 1.
#
# $$D = \lim_{\tau \to 0} \frac1n \sum_i -\tau \log q_{iy_i},\quad q_{ic} \propto e^{(z_i^\top \phi_c + 1[c \ne y_i])/\tau}$$
#
# **2.** Of a sum of exponentials only the largest is left.
#
# $$D = \frac1n \sum_i \Big[ \max_c \big( s_{ic} + 1[c \ne y_i] \big) - s_{iy_i} \Big],\quad s_{ic} = z_i^\top \phi_c$$
#
# **3.** The largest is the own class or another: the hinge of a support vector machine.
#
# $$D = \frac1n \sum_i \max\Big( 0,\ 1 + \max_{c \ne y_i} s_{ic} - s_{iy_i} \Big)$$
#
# **Caveat.** A point that leads by the margin has no gradient, so only points near the border and beyond it are learned from.

# %%
p, q, loss = six("multiclass_hinge")
first = (
    mean(-dot(z[i], c[y[i]]) + 1e-3 * logsum([(dot(z[i], c[k]) + (k != y[i])) / 1e-3 for k in T]) for i in
    R)
)
second = mean(max(dot(z[i], c[k]) + (k != y[i]) for k in T) - dot(z[i], c[y[i]]) for i in R)
third = mean(max(0, 1 + max(dot(z[i], c[k]) for k in T if k != y[i]) - dot(z[i], c[y[i]])) for i in R)
card("multiclass_hinge", p, q, loss, first, second, third)

# %% [markdown]
# ## Clusters: q walks through what points share

# %% [markdown]
# ### K-means
#
# $p$: Gaussian, one scale for all points, $p_{ij} \propto e^{-\lVert x_i - x_j\rVert^2 / \tau_p}$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* MacQueen 1967, *Some Methods for Classification and Analysis of Multivariate Observations*.
#
# **1.** $q$ walks from a point to a cluster and on to a member of it. Its log ratio to a Gaussian $p$ of the inputs is averaged over $q$.
#
# $$D = \frac1n \sum_i \sum_j q_{ij} \log \frac{q_{ij}}{p_{ij}},\quad q_{ij} = \sum_c \frac{\phi_{ic} \phi_{jc}}{\sum_k \phi_{kc}}$$
#
# **2.** The logarithm of $p$ is a squared distance less that of its normaliser $Z_i$, here with $\tau_p = 2$.
#
# $$D = \frac1n \sum_i \Big[ -H(q_i) + \frac{1}{\tau_p} \sum_j q_{ij} \lVert x_i - x_j\rVert^2 + \log Z_i \Big],\quad Z_i = \sum_k e^{-\lVert x_i - x_k\rVert^2/\tau_p}$$
#
# **3.** The mean squared distance of two members of a cluster is twice that from its mean, so the middle sum is twice the inertia $I$ of k-means.
#
# $$D = \frac1n \Big[ \frac{2}{\tau_p} I - \sum_i H(q_i) + \sum_i \log Z_i \Big],\quad I = \sum_i \sum_c \phi_{ic} \lVert x_i - m_c\rVert^2$$
#
# **Caveat.** Clusters come first: $D(q \Vert p)$. It is k-means only as $\tau_p$ goes to zero; a large $\tau_p$ wants one big cluster.

# %%
p, q, loss = six("kmeans")
first = mean(kl(q[i], p[i]) for i in R)
second = (
    mean(-H(q[i]) + sum(q[i][j] * sq(x[i], x[j]) for j in R) / 2 + log(sum(exp(-sq(x[i], x[k]) / 2) for k
    in R)) for i in R)
)
third = (inertia(x) - sum(map(H, q)) + sum(log(sum(exp(-sq(x[i], x[k]) / 2) for k in R)) for i in R)) / 6
card("kmeans", p, q, loss, first, second, third)

# %% [markdown]
# ### t K-means
#
# $p$: Student-t, $p_{ij} \propto (1 + \lVert x_i - x_j\rVert^2 / \tau_p)^{-1}$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $q$ is the walk through clusters, and $p$ a heavy-tailed neighbourhood of the inputs.
#
# $$D = \frac1n \sum_i \sum_j q_{ij} \log \frac{q_{ij}}{p_{ij}},\quad p_{ij} \propto (1 + \lVert x_i - x_j\rVert^2/\tau_p)^{-1}$$
#
# **2.** The tail turns the squared distance into its logarithm, here with $\tau_p = 2$.
#
# $$D = \frac1n \sum_i \Big[ -H(q_i) + \sum_j q_{ij} \log\big(1 + \tfrac{\lVert x_i - x_j\rVert^2}{\tau_p}\big) + \log Z_i \Big],\quad Z_i = \sum_k \frac{1}{1 + \lVert x_i - x_k\rVert^2/\tau_p}$$
#
# **3.** With $q$ written out, every cluster pays for its pairs, so an outlier costs less than in k-means.
#
# $$D = \frac1n \Big[ \sum_c \frac{\sum_{ij} \phi_{ic} \phi_{jc} \log(1 + \lVert x_i - x_j\rVert^2/\tau_p)}{\sum_k \phi_{kc}} - \sum_i H(q_i) + \sum_i \log Z_i \Big]$$
#
# **Caveat.** The published figure leaves this cell open. No mean of a cluster appears, so the loss cannot be lowered by Lloyd's steps.

# %%
p, q, loss = six("t_kmeans")
first = mean(kl(q[i], p[i]) for i in R)
second = (
    mean(-H(q[i]) + sum(q[i][j] * log(1 + sq(x[i], x[j]) / 2) for j in R) + log(sum(1 / (1 + sq(x[i],
    x[k]) / 2) for k in R)) for i in R)
)
third = (
    (sum(sum(phi[i][k] * phi[j][k] * log(1 + sq(x[i], x[j]) / 2) for i in R for j in R) / size[k] for k in
    range(2)) - sum(map(H, q)) + sum(log(sum(1 / (1 + sq(x[i], x[k]) / 2) for k in R)) for i in R)) / 6
)
card("t_kmeans", p, q, loss, first, second, third)

# %% [markdown]
# ### Spectral clustering
#
# $p$: Gaussian on the spectral embedding, $p_{ij} \propto e^{-\lVert u_i - u_j\rVert^2 / \tau_p}$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* Ng, Jordan & Weiss 2001, *On Spectral Clustering: Analysis and an Algorithm*.
#
# **1.** $u_i$ are the leading eigenvectors of the graph of nearest neighbours, and $p$ is a Gaussian on them.
#
# $$D = \frac1n \sum_i \sum_j q_{ij} \log \frac{q_{ij}}{p_{ij}},\quad p_{ij} \propto e^{-\lVert u_i - u_j\rVert^2/\tau_p}$$
#
# **2.** The logarithm of $p$ is written out, here with $\tau_p = 2$.
#
# $$D = \frac1n \sum_i \Big[ -H(q_i) + \frac{1}{\tau_p} \sum_j q_{ij} \lVert u_i - u_j\rVert^2 + \log Z_i \Big],\quad Z_i = \sum_k e^{-\lVert u_i - u_k\rVert^2/\tau_p}$$
#
# **3.** The middle sum is twice the inertia $I$ of the eigenvectors: k-means on them, as published.
#
# $$D = \frac1n \Big[ \frac{2}{\tau_p} I - \sum_i H(q_i) + \sum_i \log Z_i \Big],\quad I = \sum_i \sum_c \phi_{ic} \lVert u_i - m_c\rVert^2$$
#
# **Caveat.** The eigenvectors come first and are not trained. All that the loss learns is how to cut their picture into clusters.

# %%
p, q, loss = six("spectral")
first = mean(kl(q[i], p[i]) for i in R)
second = (
    mean(-H(q[i]) + sum(q[i][j] * sq(u[i], u[j]) for j in R) / 2 + log(sum(exp(-sq(u[i], u[k]) / 2) for k
    in R)) for i in R)
)
third = (inertia(u) - sum(map(H, q)) + sum(log(sum(exp(-sq(u[i], u[k]) / 2) for k in R)) for i in R)) / 6
card("spectral", p, q, loss, first, second, third)

# %% [markdown]
# ### Normalized cuts
#
# $p$: graph weights, Gibbs form, $p_{ij} \propto e^{w_{ij} / d_j \tau_p}$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* Shi & Malik 2000, *Normalized Cuts and Image Segmentation*.
#
# **1.** $p$ is a Gibbs distribution of the edges, and in $q$ a member $j$ of a cluster counts by its degree $\deg_j$.
#
# $$D = \frac1n \sum_i \sum_j q_{ij} \log \frac{q_{ij}}{p_{ij}},\quad p_{ij} \propto e^{w_{ij}/\deg_j \tau_p},\quad q_{ij} = \sum_c \frac{\phi_{ic} \phi_{jc} \deg_j}{\sum_k \phi_{kc} \deg_k}$$
#
# **2.** The logarithm of $p$ is written out, here with $\tau_p = 0.5$.
#
# $$D = \frac1n \sum_i \Big[ -H(q_i) - \frac{1}{\tau_p} \sum_j q_{ij} \frac{w_{ij}}{\deg_j} + \log Z_i \Big],\quad Z_i = \sum_k e^{w_{ik}/\deg_k \tau_p}$$
#
# **3.** The degree cancels. The weight inside of the $C$ clusters over their volume is $C$ less what is cut.
#
# $$D = \frac1n \Big[ \frac{1}{\tau_p} (\mathrm{NCut} - C) - \sum_i H(q_i) + \sum_i \log Z_i \Big],\quad \mathrm{NCut} = \sum_c \frac{\sum_{ij} \phi_{ic} w_{ij} (1 - \phi_{jc})}{\sum_i \phi_{ic} \deg_i}$$
#
# **Caveat.** It is the cut only as $\tau_p$ goes to zero. At a larger one the entropies of $q$ favour one big cluster.

# %%
p, q, loss = six("ncut")
first = mean(kl(q[i], p[i]) for i in R)
second = (
    mean(-H(q[i]) - 2 * sum(q[i][j] * w[i][j] / degree[j] for j in R) + log(sum(exp(2 * w[i][k] /
    degree[k]) for k in R)) for i in R)
)
third = (
    (2 * (sum(sum(phi[i][k] * w[i][j] * (1 - phi[j][k]) for i in R for j in R) / volume[k] for k in
    range(2)) - 2) - sum(map(H, q)) + sum(log(sum(exp(2 * w[i][k] / degree[k]) for k in R)) for i in R)) /
    6
)
card("ncut", p, q, loss, first, second, third)

# %% [markdown]
# ### Mutual-information clustering (TEMI)
#
# $p$: uniform k-NN, $p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)]$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Adaloglou et al. 2023](https://arxiv.org/abs/2303.17896).
#
# **1.** $p$ is $1/k$ on the $k$ nearest neighbours $N_i$, here with $k = 2$, and $q$ the walk through clusters.
#
# $$D = \frac1n \sum_i \sum_{j \in N_i} \frac1k \log \frac{1}{k\, q_{ij}}$$
#
# **2.** With $\pi_c$ the mean of $\phi_{ic}$, the size of a cluster is $n \pi_c$.
#
# $$q_{ij} = \frac1n \sum_c \frac{\phi_{ic} \phi_{jc}}{\pi_c},\quad D = -\log k - \frac1n \sum_i \frac1k \sum_{j \in N_i} \log \frac1n \sum_c \frac{\phi_{ic} \phi_{jc}}{\pi_c}$$
#
# **3.** The logarithm of the sum is the pointwise mutual information of two samples that share a cluster; the rest is a constant.
#
# $$D = \log \frac{n}{k} - \frac1n \sum_i \frac1k \sum_{j \in N_i} \log \sum_c \frac{\phi_{ic} \phi_{jc}}{\pi_c}$$
#
# **Caveat.** Published with an exponent, a teacher and weights of the pairs, which are left out. `dcd` has the same divergence with a free membership for every sample.

# %%
p, q, loss = six("pmi")
first = mean(mean(log(1 / (2 * q[i][j])) for j in near(x, i)) for i in R)
second = (
    -log(2) - mean(mean(log(sum(phi[i][k] * phi[j][k] / (size[k] / 6) for k in range(2)) / 6) for j in
    near(x, i)) for i in R)
)
third = (
    log(6 / 2) - mean(mean(log(sum(phi[i][k] * phi[j][k] / (size[k] / 6) for k in range(2))) for j in
    near(x, i)) for i in R)
)
card("pmi", p, q, loss, first, second, third)

# %% [markdown]
# ### Mutual-information clustering under total variation
#
# $p$: uniform k-NN, $p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)]$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Shone et al. 2025](https://arxiv.org/abs/2509.04734).
#
# **1.** Total variation is half of all the gaps between $p$ and $q$; both are those of `pmi`.
#
# $$D = \frac{1}{2n} \sum_{ij} |p_{ij} - q_{ij}|$$
#
# **2.** Both rows sum to one, so what $p$ has more in some places it has less in others.
#
# $$D = \frac1n \sum_{ij} \max(0,\ p_{ij} - q_{ij})$$
#
# **3.** It is one less the share on which $p$ and $q$ agree. With $p = 1/k$ on the neighbours $N_i$, no neighbour is worth more than $1/k$.
#
# $$D = 1 - \frac1n \sum_i \sum_{j \in N_i} \min\Big( \frac1k,\ q_{ij} \Big)$$
#
# **Caveat.** Where $q$ is zero on a neighbour, KL is infinite and TV is at most 1. In return a pair that is far off has hardly a gradient.

# %%
p, q, loss = six("tv_pmi")
first = mean(sum(abs(a - b) for a, b in zip(p[i], q[i])) for i in R) / 2
second = mean(sum(max(0, a - b) for a, b in zip(p[i], q[i])) for i in R)
third = 1 - mean(sum(min(1 / 2, q[i][j]) for j in near(x, i)) for i in R)
card("tv_pmi", p, q, loss, first, second, third)

# %% [markdown]
# ### Data-cluster-data random walk
#
# $p$: uniform k-NN, $p_{ij} = \frac1k 1[j \in \mathrm{kNN}(i)]$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Yang & Oja 2012](https://arxiv.org/abs/1206.4676).
#
# **1.** $p$ is $1/k$ on the nearest neighbours, a similarity with rows that sum to one.
#
# $$D = \frac1n \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}$$
#
# **2.** $q$ is a walk of two steps, data to cluster to data, with $P(c|i) = \phi_{ic}$ and $P(j|c) = \phi_{jc} / \sum_k \phi_{kc}$.
#
# $$D = \frac1n \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{\sum_c P(c|i) P(j|c)}$$
#
# **3.** Both have rows that sum to one, so the published generalised divergence of the whole matrix is the same.
#
# $$D = \frac1n \sum_{ij} \Big[ p_{ij} \log \frac{p_{ij}}{q_{ij}} - p_{ij} + q_{ij} \Big]$$
#
# **Caveat.** The published method adds a prior on the memberships. Here every sample has free ones, so a new sample has none.

# %%
p, q, loss = six("dcd")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(sum(p[i][j] * log(p[i][j] / sum(phi[i][k] * phi[j][k] / size[k] for k in range(2))) for j in R if
    p[i][j]) for i in R)
)
third = sum((a * log(a / b) if a else 0) - a + b for i in R for a, b in zip(p[i], q[i])) / 6
card("dcd", p, q, loss, first, second, third)

# %% [markdown]
# ### InfoNCE clustering
#
# $p$: uniform positive pairs, $p_{ij} = \frac1k 1[s_i = s_j],\ j \ne i$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ is 1 on the other view $i^+$, and $q$ the walk through clusters.
#
# $$D = \frac1n \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}},\quad p_{ij} = 1[j = i^+]$$
#
# **2.** One term of each row is left.
#
# $$D = -\frac1n \sum_i \log q_{ii^+}$$
#
# **3.** Two views are to share a cluster, and one with few members is worth more: so clusters stay balanced.
#
# $$D = -\frac1n \sum_i \log \sum_c \frac{\phi_{ic} \phi_{i^+c}}{\sum_k \phi_{kc}}$$
#
# **Caveat.** $q$ counts the point itself and $p$ does not, so the loss cannot reach zero: with two views in a cluster of their own it is $\log 2$.

# %%
p, q, loss = six("infonce_clustering")
first = mean(kl(p[i], q[i]) for i in R)
second = -mean(log(q[i][pair[i]]) for i in R)
third = -mean(log(sum(phi[i][k] * phi[pair[i]][k] / size[k] for k in range(2))) for i in R)
card("infonce_clustering", p, q, loss, first, second, third)

# %% [markdown]
# ### Debiased InfoNCE clustering
#
# $p$: views of the sample and of its neighbours, $p_{ij} \propto 1[s_i = s_j] + k \tilde P_{s_i s_j},\ j \ne i$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** Both sides are mixed with the uniform distribution, here with $\alpha = 0.2$: $\tilde p = (1 - \alpha) p + \alpha/n$ and $\tilde q = (1 - \alpha) q + \alpha/n$.
#
# $$D = \frac1n \sum_i \sum_j \tilde p_{ij} \log \frac{\tilde p_{ij}}{\tilde q_{ij}}$$
#
# **2.** $\tilde p$ is fixed, so its entropy is a constant. The walk through clusters is written out.
#
# $$D = -\frac1n \sum_i \Big[ H(\tilde p_i) + \sum_j \tilde p_{ij} \log\Big( (1 - \alpha) \sum_c \frac{\phi_{ic} \phi_{jc}}{\sum_k \phi_{kc}} + \frac{\alpha}{n} \Big) \Big]$$
#
# **3.** With $\tilde p$ taken apart, views and neighbours attract and all points attract a little. No term can exceed $\log(n/\alpha)$.
#
# $$D = -\frac1n \sum_i \Big[ H(\tilde p_i) + (1 - \alpha) \sum_j p_{ij} \log \tilde q_{ij} + \frac{\alpha}{n} \sum_j \log \tilde q_{ij} \Big]$$
#
# **Caveat.** Neighbours are those within the batch, where the paper takes them from all samples. A large $\alpha$ hides real neighbours too.

# %%
p, q, loss = six("debiased_infonce_clustering")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    -mean(H(p[i]) + sum(p[i][j] * log(0.8 * sum(phi[i][k] * phi[j][k] / size[k] for k in range(2)) + 0.2 /
    6) for j in R) for i in R)
)
third = (
    -mean(H(p[i]) + 0.8 * sum((p[i][j] - 0.2 / 6) / 0.8 * log(q[i][j]) for j in R) + 0.2 / 6 *
    sum(log(q[i][j]) for j in R) for i in R)
)
card("debiased_infonce_clustering", p, q, loss, first, second, third)

# %% [markdown]
# ### Deep embedded clustering (DEC)
#
# $p$: Student-t to centres, sharpened, $p_{ic} \propto q_{ic}^2 / \textstyle\sum_k q_{kc},\ q_{ic} \propto (1 + \lVert z_i - \phi_c\rVert^2 / \nu\tau)^{-(\nu+1)/2}$. $q$: Student-t, $q_{ij} \propto (1 + d_{ij}/\nu\tau)^{-(\nu+1)/2}$. *Source:* [Xie et al. 2016](https://arxiv.org/abs/1511.06335).
#
# **1.** $q$ is a Student-t kernel to centres $\phi_c$. $p$ sharpens it by squaring, and weighs every centre by how much it is used, $f_c = \sum_i q_{ic}$.
#
# $$D = \frac1n \sum_i \sum_c p_{ic} \log \frac{p_{ic}}{q_{ic}},\quad p_{ic} = \frac{q_{ic}^2/f_c}{\sum_k q_{ik}^2/f_k}$$
#
# **2.** Of the ratio one factor $q_{ic}$ cancels.
#
# $$D = \frac1n \sum_i \Big[ \sum_c p_{ic} \log \frac{q_{ic}}{f_c} - \log \sum_c \frac{q_{ic}^2}{f_c} \Big]$$
#
# **3.** The kernel is written out, with squared distances $d$, $\nu = 1$ and $\tau = 0.05$.
#
# $$D = \frac1n \sum_i \Big[ -H(p_i) + \sum_c p_{ic} \log(1 + d_{ic}/\tau) + \log \sum_c (1 + d_{ic}/\tau)^{-1} \Big]$$
#
# **Caveat.** $p$ is made of $q$ itself, so the network teaches itself: early mistakes are sharpened too, and the loss may rise while training goes well.

# %%
p, q, loss = six("dec")
first = mean(kl(p[i], q[i]) for i in R)
second = (
    mean(sum(p[i][k] * log(q[i][k] / sum(row[k] for row in q)) for k in T) - log(sum(q[i][k] ** 2 /
    sum(row[k] for row in q) for k in T)) for i in R)
)
third = (
    mean(-H(p[i]) + sum(p[i][k] * log(1 + sq(z[i], c[k]) / 0.05) for k in T) + log(sum(1 / (1 + sq(z[i],
    each) / 0.05) for each in c)) for i in R)
)
card("dec", p, q, loss, first, second, third)

# %% [markdown]
# ### Supervised clustering
#
# $p$: uniform over classes, $p_{ij} = \frac{1}{K_i - 1} 1[y_i = y_j],\ j \ne i$. $q$: uniform on clusters, $q_{ij} = \textstyle\sum_c \phi_{ic}\phi_{jc} / \sum_k \phi_{kc}$. *Source:* [Alshammari et al. 2025](https://arxiv.org/abs/2504.16929).
#
# **1.** $p$ is uniform over the other members of the own class $Y_i$, and $q$ the walk through clusters.
#
# $$D = \frac1n \sum_i \sum_{j \in Y_i} \frac{1}{K_i - 1} \log \frac{1}{(K_i - 1)\, q_{ij}}$$
#
# **2.** The entropy of a uniform row is $\log(K_i - 1)$.
#
# $$D = -\frac1n \sum_i \Big[ \log(K_i - 1) + \frac{1}{K_i - 1} \sum_{j \in Y_i} \log q_{ij} \Big]$$
#
# **3.** The walk is written out: members are to share a cluster that has few others.
#
# $$D = -\frac1n \sum_i \Big[ \log(K_i - 1) + \frac{1}{K_i - 1} \sum_{j \in Y_i} \log \sum_c \frac{\phi_{ic} \phi_{jc}}{\sum_k \phi_{kc}} \Big]$$
#
# **Caveat.** The published figure leaves this cell open. It needs as many clusters as classes; with more, a class is spread over several.

# %%
p, q, loss = six("supervised_clustering")
first = (
    mean(mean(log(1 / ((y.count(y[i]) - 1) * q[i][j])) for j in R if j != i and y[j] == y[i]) for i in R)
)
second = (
    -mean(log(y.count(y[i]) - 1) + mean(log(q[i][j]) for j in R if j != i and y[j] == y[i]) for i in R)
)
third = (
    -mean(log(y.count(y[i]) - 1) + mean(log(sum(phi[i][k] * phi[j][k] / size[k] for k in range(2))) for j
    in R if j != i and y[j] == y[i]) for i in R)
)
card("supervised_clustering", p, q, loss, first, second, third)

# %% [markdown]
# ## Recap
#
# - The answer to the prediction is five: each of the five has one right candidate for each anchor, so its divergence is $-\log q$ of that one.
# - What differs is who the candidates are: other views, keys, captions, classes, words. A card is mostly a choice of candidates.
# - Where $p$ is spread over several candidates its entropy stays in the value, and not in the gradient.
# - Two cards may hold one loss under two names, as those of `clip` and `cmc` do, and those of `pmi` and `dcd`.
#
# ## Misconceptions
#
# - *"A loss below zero is a bug."* In the wide limit the value is a difference of two means of distances, and may have either sign.
# - *"The derivation proves that the method works."* It says what is minimised. Whether the result is any good is a question for an experiment.
# - *"Equal losses make equal methods."* MoCo and MoCo v2 have one loss. They differ in a projection head and in the augmentation.

# %% [markdown]
# ## Exercises
#
# 1. ★ *Check.* Show with numbers that CLIP's loss on the six points is the mean of two one-way losses of InfoNCE at CLIP's temperature.
# 2. ★★ *Derive.* Write the card of a method that is not there: SupCon with $q$ of the harmonic loss. Check your last line against the package.
# 3. ★★★ *Derive.* For which $p$ is the loss of SNE exactly zero on the six points, and what is then its second line?

# %% tags=["solution"]
def one_way(first, second):
    scores = [[cos(one, two) / 0.1 for two in second] for one in first]
    return -mean(scores[i][i] - logsum(scores[i]) for i in T)


both = (one_way(A, B) + one_way(B, A)) / 2
print(f"{both:.6f}, CLIP {six('clip')[2]:.6f}")
assert abs(both - six("clip")[2]) < 1e-9

# %% tags=["solution"]
mixed = icon.Config(supervisory="same_class", learned="student_t_narrow", df=1.0, distance="sqeuclidean")
criterion = icon.loss(mixed)
package = float(criterion(torch.tensor(z, dtype=torch.float64), labels=torch.tensor(y)))
members = [[j for j in R if j != i and y[j] == y[i]] for i in R]
ratios = [[sum(sq(z[i], z[j]) / sq(z[i], z[k]) for k in R if k != i) for j in members[i]] for i in R]
mine = mean(mean(log(each / len(row)) for each in row) for row in ratios)
print(f"{mine:.6f}, package {package:.6f}")
assert abs(mine - package) < 1e-6

# %% tags=["solution"]
q = six("sne")[1]
zero = mean(kl(q[i], q[i]) for i in R)
pull = mean(sum(q[i][j] * sq(z[i], z[j]) for j in R) for i in R)
push = mean(logsum([-sq(z[i], z[k]) for k in R if k != i]) for i in R)
print(f"{zero:.6f}: the pull {pull:.3f} and the push {push:.3f} add up to the entropy {mean(map(H, q)):.3f}")
assert zero == 0 and abs(pull + push - mean(map(H, q))) < 1e-9

# %% [markdown]
# ## Questions
#
# 1. The published loss of SupCon cannot fall to zero, although $D$ can. What is its least value?
# 2. `supcon` and `supcon_in` have one $p$. What stands inside the logarithm of the one and outside in the other?
# 3. Which limit turns a sum of exponentials into a maximum?
# 4. In the cards of k-means and of normalised cuts, what stands on the left of the divergence?
# 5. MoCo's queue and SimCLR's batch both hold strangers. What must be true of the second encoder for old keys to be of use?
#
# Write a word, a number or a sentence for each, and run the cell. It says what is missing, and does not give the answer away.

# %%
answers = {1: "", 2: "", 3: "", 4: "", 5: ""}
for question, answer in answers.items():
    print(question, icon.check("derivation_cards", question, answer))

# %% [markdown] tags=["solution"]
# ### Answers
#
# 1. The mean entropy of $p$, which is the mean of $\log(K_i - 1)$: $p$ is spread over several candidates, and the divergence takes its entropy off.
# 2. The sum over the members of the class.
# 3. The narrow one, in which the temperature goes to zero.
# 4. The one of the clusters, $q$: the divergence is reversed.
# 5. It must move slowly, so that keys of earlier steps still agree with the newest ones.

# %% [markdown]
# **Next:** [14, invent a cell](14_invent_a_cell.ipynb), with a card of your own.
#
# *Glossary:* [cell](glossary.md#cell), [candidates](glossary.md#candidates), [entropy of p](glossary.md#entropy-of-p), [kernel](glossary.md#kernel).
#
# *Papers:* each card links its own; the table is that of [Alshammari et al. 2025, I-Con](https://arxiv.org/abs/2504.16929).
