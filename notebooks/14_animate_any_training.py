# %% [markdown]
# # 14. Animate any training: a torch loop, scikit-learn, openTSNE

# %% [markdown] tags=["badge"]
# *In Colab:* File > Upload notebook, and put the wheel that `pip wheel --no-deps .` makes beside it under Files; the next cell installs it.

# %% [markdown]
# **The claim.** To watch a training, nothing of it has to be rewritten: after every epoch, hand the embedding of *the same points in the
# same order* to a `Recorder`. Whatever made it, the recording can be animated, scrubbed and diagnosed. Three rules keep the picture
# honest, and this page breaks one of them to show why. Less than a minute on two CPU cores.

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
# What does an embedding that somebody else trains look like on the way? Four loops follow, none of them this package's:
#
# | loop | what is recorded | $p(j\,\vert\,i)$ | $q(j\,\vert\,i)$ |
# |---|---|---|---|
# | gradient descent on six free points | the points | Gaussian in the inputs | Gaussian in the map |
# | a torch classifier | the layer before the last | 1 on the class of $i$ | softmax over class vectors |
# | scikit-learn, `partial_fit` | the ten scores | for every class: is $i$ of it? | for every class: a sigmoid of its score |
# | openTSNE | the map | symmetrised Gaussian, over pairs | Student-t, over pairs |
#
# ## Six points by hand
#
# Two drawings each of three digits, one number a drawing. The loss is the mean divergence, written as a double loop; autograd does the
# rest. The recorder is called before the first step, so that frame 0 is the untrained map.

# %%
import torch

x = torch.tensor([0.0, 0.5, 3.0, 3.4, 7.0, 7.3], dtype=torch.float64)
p = (-(x[:, None] - x).square().fill_diagonal_(torch.inf)).softmax(1)
z = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)


def double_loop(z):
    total = 0.0
    for i in range(6):
        others = [j for j in range(6) if j != i]
        log_q = torch.stack([-(z[i] - z[j]).square().sum() for j in others]).log_softmax(0)
        total = total + sum(p[i, j] * (p[i, j].log() - log_q[k]) for k, j in enumerate(others))
    return total / 6

# %%
names = ["one", "one", "two", "two", "three", "three"]
six = icon.Recorder(labels=names, title="six points, a loop of one's own")
first = double_loop(z).item()
six.record(z, loss=first)
for step in range(60):
    loss = double_loop(z)
    (gradient,) = torch.autograd.grad(loss, z)
    with torch.no_grad():
        z -= 0.5 * gradient
    if step % 5 == 4:
        six.record(z, epoch=step + 1, loss=double_loop(z).item())
six.animate(overlay=("loss", "trails"))

# %% [markdown]
# Partners find each other within a few steps. The three pairs then keep apart: $p$ between them is next to nothing, and $q$ can follow
# only by distance. How the pairs stand to each other says little. The loss is the package's, too:

# %%
log_q = icon.learned.Gaussian(temperature=1.0, distance="sqeuclidean")(z.detach())
print(f"loop {double_loop(z).item():.6f}   package {icon.divergences.kl(p, log_q).mean():.6f}")

# %% [markdown]
# ## A plain torch loop
#
# A classifier squeezes digits into two numbers before it names them. Record that layer for the held-out digits. The three rules:
#
# 1. **The same points in the same order**, every time: not the batch that happens to be at hand.
# 2. **Evaluation mode, no gradients**: dropout would shake the picture and batch norm would learn from the points that are watched.
# 3. **Before the first step too**: without frame 0 you cannot tell what training did from what was there.

# %%
import numpy as np
from icon_nb.animation import side_by_side
from torch import nn

data = icon.data.load("digits")
train, held = data.inputs(data.x).flatten(1), data.inputs(data.x_test).flatten(1)
torch.manual_seed(0)
body = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 2))
head = nn.Linear(2, 10)
optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-3)


# %%
frames = []


def watch(recorder, loss):
    body.eval()
    with torch.no_grad():
        z = body(held)
    body.train()
    frames.append(z.numpy())
    recorder.record(z, loss=loss, knn_accuracy=icon.evaluate.knn_accuracy(z, data.y_test))

# %% [markdown]
# Metrics are whatever you pass by name; `loss` and `knn_accuracy` stand over the picture.
#
# **Predict.** Cross-entropy needs ten classes to be told apart *linearly*, by the directions of ten vectors. Where in the plane will the
# ten classes go? Will there be one in the middle?

# %%
held_out = {"labels": data.y_test, "class_names": data.class_names, "max_points": 300}
recorder = icon.Recorder(**held_out, title="a torch classifier")
watch(recorder, loss=float("nan"))
for epoch in range(40):
    losses = []
    for rows in torch.randperm(len(train)).split(128):
        loss = nn.functional.cross_entropy(head(body(train[rows])), data.y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    watch(recorder, loss=sum(losses) / len(losses))
recorder.animate(every=5)

# %% [markdown]
# The classes become rays from a common centre. A linear layer scores a class by an inner product, so whatever lies farther out along a
# direction is more certain: training stretches the rays for as long as it runs. The middle is where the undecided lie, and classes
# for which two dimensions left no direction of their own.
#
# The picture shows held-out digits. It does not show whether the rays would look the same from another start: they come in another
# order with every seed.
#
# ## The failure: the wrong order
#
# Now break rule 1. The very same frames as a shuffled loader would give them: every frame holds the same digits in another order,
# while the recorder takes row $i$ for the same digit as before.

# %%
shuffled = icon.Recorder(**held_out, title="a new order in every frame")
broken = np.random.default_rng(0)
for epoch, frame in enumerate(frames):
    shuffled.record(frame[broken.permutation(len(frame))], epoch=epoch)
both = [recorder.trajectory, shuffled.trajectory]
side_by_side(both, titles=["same order", "new order"], every=8, max_points=150)

# %% [markdown]
# Both panels draw points of the very same cloud. On the right nearly every point has the colour of another digit, so the classes seem to
# be mixed by a network that separates them well, and points leap across the map. Nobody can refuse this for you: a matrix has no
# names on its rows. Two numbers give it away, how far points move in the last epochs, and how well the neighbours agree:

# %%
for name, seen in zip(("same order", "new order"), both):
    step = np.linalg.norm(np.diff(seen.embeddings[-6:], axis=0), axis=2).mean()
    agree = icon.evaluate.knn_accuracy(seen.embeddings[-1], seen.labels)
    step = step / seen.embeddings[-1].std()
    print(f"{name}: a step of {step:.2f} deviations of the cloud, kNN accuracy {agree:.2f}")

# %% [markdown]
# Other mistakes are refused: another number of points, an epoch that does not increase, values that are not finite.

# %%
for attempt in (lambda: recorder.record(frames[0][:100]), lambda: recorder.record(frames[0], epoch=3)):
    try:
        attempt()
    except icon.IconError as error:
        print(error)

# %% [markdown]
# ## scikit-learn, one `partial_fit` at a time
#
# Models with `partial_fit` are loops already. A linear classifier has ten scores per digit: these are its embedding. Before the first
# call there is nothing to ask, but its weights start at zero, and so do all scores: frame 0 is one point.
#
# `log_loss` is no softmax here. `SGDClassifier` fits ten classifiers that do not know of each other, each with one question, "is it a three?",
# and two candidates, yes and no. So it minimises ten divergences between two candidates, and not one between ten.
# `predict_proba` divides the ten answers by their sum; the loss above the picture is that of these shares.

# %%
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

flat, flat_held, y = train.numpy(), held.numpy(), data.y.numpy()
scores = icon.Recorder(**held_out, title="SGDClassifier")
scores.record(np.zeros((len(held), 10)), loss=np.log(10))
linear = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.001, random_state=0)
for epoch in range(12):
    linear.partial_fit(flat, y, classes=np.arange(10))
    loss = log_loss(data.y_test, linear.predict_proba(flat_held))
    scores.record(linear.decision_function(flat_held), loss=loss)
scores.animate(every=2, max_points=150, overlay=("loss", "centroids"))

# %% [markdown]
# Ten scores are drawn in two dimensions by *one* PCA, fitted on the last frame and used for all; one fitted anew for each frame would
# turn and mirror, and you would watch the projection instead of the training. The caption says how much of the variance is left in
# the picture. Half of the fall of the loss comes in the first of twelve epochs; later the classes only
# grow apart.
#
# ## openTSNE, by its callbacks
#
# openTSNE calls back with the iteration, the error and the map. Its iterations start again at 1 after the early exaggeration, so let
# the recorder count. The map it hands over is changed in place later; a recorder copies what it gets.

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
    mapped.record(embedding, loss=error, knn_accuracy=icon.evaluate.knn_accuracy(np.array(embedding), labels))


settings = {"callbacks": callback, "callbacks_every_iters": 25, "n_jobs": 1, "random_state": 0}
found = TSNE(n_iter=250, early_exaggeration_iter=125, neighbors="exact", **settings).fit(flat_held)
mapped.animate(max_points=200, every=2)

# %% [markdown]
# The map is tight while attraction is exaggerated (the first five frames), and opens when it is not. The first frame is not the
# start: the callback comes after 25 iterations, so what they did is missing from this picture.
#
# ## The player, and the diagnosis
#
# A recording needs neither the model nor a kernel. The page below is for a closer look: drag the epoch, click a point to follow it on its
# way; a click on a class in the legend hides the class, and Shift-click shows it alone.
#
# `diagnose` reads a trajectory in words, as it does for a run of this package; an epoch here is a call of the callback. It takes the
# losses for those of *one* descent, and here are two: the first five frames descend on $12\,p$ in the place of $p$, the others on $p$. The
# great fall between them, from 2.5 to 0.6, is that switch and no progress, so only the frames after it are given to it.

# %%
from dataclasses import replace

seen = mapped.trajectory
after = {name: values[5:] for name, values in seen.metrics.items()}
unexaggerated = replace(seen, embeddings=seen.embeddings[5:], epochs=seen.epochs[5:], metrics=after)
print(icon.dynamics.diagnose(unexaggerated))
mapped.player()

# %% [markdown]
# On one $p$ the loss falls from 0.60 to 0.53 and levels off, while the map goes on growing: its standard deviation is 8 in the first of these frames and 13
# in the last. Under a heavy tail it costs next to nothing how far apart the groups stand.

# %% [markdown]
# ## Facts

# %% tags=["facts"]
assert abs(double_loop(z).item() - icon.divergences.kl(p, log_q).mean()) < 1e-9
assert double_loop(z).item() < first / 5
nearest = torch.cdist(z.detach(), z.detach()).fill_diagonal_(torch.inf).argmin(1)
assert nearest.tolist() == [1, 0, 3, 2, 5, 4]
knn = recorder.trajectory.metrics["knn_accuracy"]
assert knn[0] < 0.5 and knn[-1] > 0.75 and recorder.trajectory.epochs[0] == 0
radii = [np.linalg.norm(frames[k] - frames[k].mean(0), axis=1).mean() for k in (0, 20, 40)]
assert radii[0] < radii[1] < radii[2]  # the rays are stretched
assert icon.evaluate.knn_accuracy(shuffled.trajectory.embeddings[-1], both[1].labels) < 0.3
steps = [np.linalg.norm(np.diff(seen.embeddings[-6:], axis=0), axis=2).mean() for seen in both]
assert steps[1] > 4 * steps[0]
fall = -np.diff(scores.trajectory.metrics["loss"])
assert 0.4 < fall[0] / fall.sum() < 0.6 and (fall > 0).all()
assert linear.score(flat_held, labels) > 0.9 and not scores.trajectory.embeddings[0].any()

# %% tags=["facts"]
answers = torch.as_tensor(linear.decision_function(flat_held))
shares = answers.sigmoid() / answers.sigmoid().sum(1, keepdim=True)
given = torch.as_tensor(linear.predict_proba(flat_held))
assert (given - shares).abs().max() < 1e-6 and (given - answers.softmax(1)).abs().max() > 0.1
spread = [frame.std() for frame in mapped.trajectory.embeddings]
assert mapped.trajectory.n_frames == 15 and max(spread[:5]) < spread[-1] / 2
assert mapped.trajectory.metrics["knn_accuracy"][-1] > 0.85
errors = mapped.trajectory.metrics["loss"]
assert all(abs(errors[k] - said) < 0.05 for k, said in ((4, 2.54), (5, 0.6), (14, 0.53)))
assert icon.dynamics.diagnose(unexaggerated).verdict in ("healthy", "plateau")
assert abs(spread[5] - 8) < 1 and abs(spread[-1] - 13) < 1

# %% [markdown]
# ## Exercises
#
# 1. *Predict, then run.* Record the torch classifier in training mode, with dropout. What changes in the picture, and in which epochs?
# 2. *Modify.* Record `MiniBatchKMeans`, whose `transform` gives the distances to its centres.
# 3. *Derive.* Why may a map be mirrored and turned without changing the loss of t-SNE, and why must a recorder not undo it?

# %% tags=["solution"]
body.train()
with torch.no_grad():
    one, two = body(held), body(held)  # nothing was learned in between, and yet every point moved
shaken = (one - two).norm(dim=1).mean() / one.std()
print(f"dropout alone moves a point by {shaken:.2f} deviations of the cloud; in evaluation mode by 0")
assert shaken > 0.05 and torch.equal(body.eval()(held), body(held))

# %% tags=["solution"]
from sklearn.cluster import MiniBatchKMeans

clusters = MiniBatchKMeans(10, random_state=0, n_init=1)
centres = icon.Recorder(labels=data.y_test, title="MiniBatchKMeans")
for rows in torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).split(128):
    clusters.partial_fit(flat[rows.numpy()])
    centres.record(clusters.transform(flat_held), inertia=-clusters.score(flat_held))
inertia = centres.trajectory.metrics["inertia"]
print(f"inertia {inertia[0]:.0f} after the first batch, {inertia[-1]:.0f} after the last")
assert inertia[-1] < inertia[0]

# %% tags=["solution"]
turn = torch.linalg.qr(torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
turned = double_loop(z.detach() @ turn)  # distances are all that q sees, and an orthogonal map keeps them
assert abs(turned - double_loop(z.detach())) < 1e-12  # but a training that really turns should be seen to turn

# %% [markdown]
# ## Questions
#
# 1. Which line of your own training loop would call `record`, and which points would you give it?
# 2. Why is the projection fitted once, and what does it cost that it is fitted on the last frame?
# 3. A picture shows training points only. Which failure could you not see?
# 4. The rays of the classifier are longer at every epoch, while the accuracy stays. What would weight decay do to them?
# 5. openTSNE's first recorded frame has seen 25 iterations. How would you record the true start?
#
# **Next:** [15, bigger](15_bigger.ipynb).
#
# *van der Maaten & Hinton (2008), Visualizing Data using t-SNE. Poličar, Stražar, Zupan (2024), openTSNE.*
