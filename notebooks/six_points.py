"""The six points of the derivation cards, and what is computed on them: every cell below is one of notebook 16."""

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
