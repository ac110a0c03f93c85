"""What has a name beside p, q and the methods: data sets, backbones, parts of an augmentation, ways to draw, columns, scores.

A row says what ``--help`` and an error need to know, without torch, and names the code that stands behind it.
"""

from __future__ import annotations

import os

from ..errors import ConfigError, nearest, shown
from .own import is_own
from .rows import (
    AugmentationPart,
    Backbone,
    CandidateKind,
    DataOption,
    DivergenceKind,
    Named,
    OptimizerKind,
    OverlayKind,
    ProjectionKind,
    PublishedData,
    Score,
    Source,
)

DATA = "icon_nb.data"
HOLD = f"{DATA}.loading:hold"
"""What keeps data that were given as an object, and returns the handle that stands for them in a Config."""
HELD = "memory:"
"""How such a handle begins."""


def by_name(*rows) -> dict:
    """Rows as a table: name -> row."""
    return {row.name: row for row in rows}


_COLOURS = "crop+flip+jitter+grey"
_UCI = "Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, as scikit-learn ships them"
_FASHION = "Xiao, Rasul & Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747"
_OUTLINES = "shirts, coats, dresses and pullovers have much the same outline"
_TINY_IMAGES, _UNSTATED = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images", "none stated"
_PHOTOGRAPHS = "photographs: two of one class share neither colours nor background"
_MOVES = {
    "turn": DataOption("largest angle that a digit is turned by, in degrees, either way", 10, 0, 45),
    "copies": DataOption("number of pictures made of every training digit", 1, 1, 20),
}
_SMALL_PICTURES = {
    "backbone": "smallcnn", "embedding_dim": 32, "batch_size": 64, "learning_rate": 3e-3, "epochs": 16, "temperature": 0.15,
}  # fmt: skip
"""Found by measurement, for 2 to 3 seconds of training: see ``python -m benchmarks first_minute``."""

DATASETS: dict[str, PublishedData] = by_name(
    PublishedData(
        "digits", "1,797 handwritten digits of 8x8 pixels, bundled with scikit-learn (1,297 train, 500 test)",
        f"{DATA}.made_here:read_digits", "affine+crop", 0.3, source=_UCI, licence="CC BY 4.0",
        hard="little: each digit fills its picture, so the pixels themselves are a good embedding",
    ),
    PublishedData(
        "moving_digits",
        "the bundled digits at any place, size and angle in pictures of 16x16 pixels (1,297 train, 500 test)",
        f"{DATA}.moving:read_moving_digits", "affine", source=_UCI, licence="CC BY 4.0",
        hard="one digit at two places shares few pixels with itself: what a digit is must be learned, where it is forgotten",
        options=_MOVES | {"size": DataOption("side of the pictures, in pixels", 16, 12, 64)}, suits=_SMALL_PICTURES,
    ),
    PublishedData(
        "photo_digits",
        "moving digits in white on crops of two photographs, 20x20 pixels in colour (1,297 train, 500 test)",
        f"{DATA}.moving:read_photo_digits", "affine+jitter+grey",
        source=f"{_UCI}; behind them, scikit-learn's sample photographs", licence="CC BY 4.0; photographs CC BY 2.0",
        hard="both views of a picture share its photograph, which is easier to recognise than the digit",
        options=_MOVES | {"size": DataOption("side of the pictures, in pixels", 20, 12, 64)}, suits=_SMALL_PICTURES,
    ),
    PublishedData(
        "fashion_small", "8,000 real pictures of clothes of 28x28 pixels, part of Fashion-MNIST (6,000 train, 2,000 test)",
        f"{DATA}.bundled:read_fashion_small", "crop+flip",
        source=_FASHION, licence="MIT", hard=_OUTLINES,
    ),
    PublishedData(
        "mnist", "60,000 handwritten digits of 28x28 pixels, 10,000 test", f"{DATA}.published:MNIST", "affine", files=True,
        source="LeCun, Cortes & Burges 1998, The MNIST Database of Handwritten Digits", licence="CC BY-SA 3.0, as usually stated",
        hard="little: the digits are centred and of one size, so that the pixels themselves tell most of them apart",
    ),
    PublishedData(
        "fashion_mnist", "60,000 pictures of clothes of 28x28 pixels, 10,000 test",
        f"{DATA}.published:FASHION", "crop+flip", files=True, source=_FASHION, licence="MIT", hard=_OUTLINES,
    ),
    PublishedData(
        "cifar10", "50,000 colour pictures of 32x32 pixels in 10 classes, 10,000 test",
        f"{DATA}.published:CIFAR", _COLOURS, files=True, source=_TINY_IMAGES, licence=_UNSTATED, hard=_PHOTOGRAPHS,
    ),
    PublishedData(
        "cifar100", "50,000 colour pictures of 32x32 pixels in 100 classes, 10,000 test",
        f"{DATA}.published:CIFAR100", _COLOURS, files=True, source=_TINY_IMAGES, licence=_UNSTATED,
        hard=f"{_PHOTOGRAPHS}, and of each of the 100 classes there are 500 pictures",
    ),
    PublishedData(
        "cifar10_subset", "a part of CIFAR-10 in one file, cifar10_subset.npz, found in data_dir",
        f"{DATA}.published:read_cifar10_subset", _COLOURS, files=True, source=_TINY_IMAGES, licence=_UNSTATED, hard=_PHOTOGRAPHS,
    ),
    PublishedData(
        "digit_halves", "digits cut in two: left halves, and right halves as the second modality",
        f"{DATA}.made_here:read_digit_halves", source=_UCI, licence="CC BY 4.0",
        hard="half of a digit often belongs to several digits",
    ),
    PublishedData(
        "digit_captions",
        "digits, and a sentence about each as the second modality; companion embeddings of the sentences",
        f"{DATA}.made_here:read_digit_captions", source=f"{_UCI}; the sentences are made here", licence="CC BY 4.0",
        hard="a picture and a sentence have nothing in common but the digit that they are about",
    ),
    PublishedData(
        "karate_club",
        "the 34 members of a karate club, their two factions, and the graph of who met whom (Zachary 1977)",
        f"{DATA}.made_here:read_karate_club",
        source="Zachary 1977, An Information Flow Model for Conflict and Fission in Small Groups", licence=_UNSTATED,
        hard="a graph of few points and nothing else: no member is described by anything but who it met",
    ),
    PublishedData(
        "tiny_text", "windows of words from the first chapters of Alice's Adventures in Wonderland",
        f"{DATA}.made_here:read_tiny_text", source="Carroll 1865, Alice's Adventures in Wonderland", licence="public domain",
        hard="a short text, in which most words stand a few times only",
    ),
    PublishedData(
        "stl10", "5,000 colour pictures of 96x96 pixels in 10 classes, 8,000 test",
        f"{DATA}.published:STL", _COLOURS, files=True,
        source="Coates, Ng & Lee 2011, An Analysis of Single-Layer Networks in Unsupervised Feature Learning", licence=_UNSTATED,
        hard=f"{_PHOTOGRAPHS}, and of each class there are 500 pictures",
    ),
)  # fmt: skip

SOURCES: dict[str, Source] = by_name(
    Source(
        "folder", "pictures below a folder, one sub-folder per class or none, train/ and test/ if they are there",
        f"{DATA}.folders:read_folder", takes=("image_size", "skip_unreadable", "streaming"),
    ),
    Source("embeddings", "arrays from a .npz, .npy or .pt file", f"{DATA}.own:read_embeddings", "FILE", takes=("label",)),
    Source(
        "custom", "what NAME in a Python file makes; the file is run",
        f"{DATA}.own:read_custom", "FILE.py:NAME", takes=("label", "streaming"), code=True,
    ),
)  # fmt: skip
"""How to name your own data. In Python, arrays, tables and data set objects are taken too."""

_NETWORKS = "icon_nb.training.backbones"
_RESNET = "with a small-image stem up to 64x64 pixels"

class _Backbones(dict):
    """The rows by name; a network of one's own has a row too."""

    def __missing__(self, name: str) -> Backbone:
        if is_own(name):
            return Backbone(name, "a network of your own", f"{_NETWORKS}:own", "samples", options={"name": name})
        raise KeyError(name)


BACKBONES: dict[str, Backbone] = _Backbones(by_name(
    Backbone(
        "table", "a free point per sample, no network: the embedding itself is learned", f"{_NETWORKS}:FreePoints", "positions"
    ),
    Backbone("linear", "one linear map of the flattened input", f"{_NETWORKS}:linear"),
    Backbone("mlp", "two hidden layers on the flattened input", f"{_NETWORKS}:mlp", width=256),
    Backbone(
        "simplecnn", "four 3x3 convolutions and a linear layer, for images of any size", f"{_NETWORKS}:simplecnn", "images", 32
    ),
    Backbone(
        "smallcnn", "two convolutions, the strongest answer of each filter anywhere in the picture, two dense layers",
        f"{_NETWORKS}:smallcnn", "images", 16,
    ),
    *(
        Backbone(name, f"torchvision's {title}, {_RESNET}", f"{_NETWORKS}:resnet", "images", options={"name": name})
        for name, title in {"resnet18": "ResNet-18", "resnet34": "ResNet-34", "resnet50": "ResNet-50"}.items()
    ),
))  # fmt: skip

_FUSED = {"fused": True}

OPTIMIZERS: dict[str, OptimizerKind] = by_name(
    OptimizerKind("adam", "Adam", "torch.optim:Adam", options=_FUSED),
    OptimizerKind("adamw", "Adam with decoupled weight decay", "torch.optim:AdamW", options=_FUSED),
    OptimizerKind("sgd", "gradient descent with momentum", "torch.optim:SGD", True, _FUSED),
    OptimizerKind("gains", "momentum with a gain per coordinate, as in t-SNE", "icon_nb.training.optimizers:Gains", True),
)

_PARTS = f"{DATA}.transforms"

AUGMENTATIONS: dict[str, AugmentationPart] = by_name(
    # A small box of a digit or a shoe says too little about it.
    AugmentationPart(
        "crop", "a random part of the image, resized to the whole", f"{_PARTS}:Crop", one_channel={"scale": (0.4, 1.0)}
    ),
    AugmentationPart("affine", "small rotation, shift, scale and shear", f"{_PARTS}:Affine"),
    AugmentationPart("flip", "left-right mirror with probability one half", f"{_PARTS}:Flip"),
    AugmentationPart("jitter", "brightness, contrast, saturation and hue", f"{_PARTS}:Jitter"),
    AugmentationPart("grey", "colour removed with probability one fifth", f"{_PARTS}:Grey"),
    AugmentationPart("blur", "Gaussian blur", f"{_PARTS}:Blur"),
    AugmentationPart("noise", "Gaussian noise on features", f"{_PARTS}:Noise", "any"),
)
"""Parts of an augmentation, joined by ``+``."""

_D = "icon_nb.objective.divergences"

DIVERGENCES: dict[str, DivergenceKind] = by_name(
    DivergenceKind("kl", "Kullback-Leibler: a neighbour of p that q misses costs most", f"{_D}:kl", "D(p || q)"),
    DivergenceKind("rkl", "reverse Kullback-Leibler: strangers in q cost most", f"{_D}:rkl", "D(q || p)", reverse=True),
    DivergenceKind("js", "Jensen-Shannon: between the two, at most log 2", f"{_D}:js", "JS(p, q)"),
    DivergenceKind("jeffreys", "the two of Kullback and Leibler added", f"{_D}:jeffreys", "D(p || q) + D(q || p)", reverse=True),
    DivergenceKind(
        "nerv", "both, weighed by kl_weight", f"{_D}:nerv", "w D(p || q) + (1 - w) D(q || p)", ("kl_weight",), reverse=True,
    ),
    DivergenceKind("tv", "total variation: the mass that is in the wrong place, at most 1", f"{_D}:tv", "TV(p, q)"),
    DivergenceKind("hellinger", "squared Hellinger distance, at most 1", f"{_D}:hellinger", "H²(p, q)"),
    DivergenceKind("chi2", "Pearson's chi-squared: misses cost by their square", f"{_D}:chi2", "χ²(p || q)"),
    DivergenceKind("renyi", "Renyi's, of the order renyi_order; KL at 1", f"{_D}:renyi", "R(p || q)", ("renyi_order",)),
    DivergenceKind(
        "any_neighbor", "q may be on whichever neighbour: all are one candidate", f"{_D}:any_neighbor",
        "-log q(p > 0)", support=True,
    ),
    DivergenceKind(
        "each_neighbor", "every neighbour by itself against the strangers alone", f"{_D}:each_neighbor",
        "the mean over neighbours of -log q(j | j or p = 0)", support=True,
    ),
)  # fmt: skip

_MODEL, _READ = "icon_nb.training.candidates", "icon_nb.training.batches:read"

CANDIDATES: dict[str, CandidateKind] = by_name(
    CandidateKind("samples", "the samples of the batch", f"{_MODEL}:among_themselves"),
    CandidateKind("pairs", "all pairs of the batch at once", f"{_MODEL}:among_themselves"),
    CandidateKind(
        "classes", "the classes, one learned prototype each", f"{_MODEL}:against_prototypes", f"{_MODEL}:prototypes"
    ),
    CandidateKind(
        "tokens", "the tokens of the vocabulary, one learned embedding each",
        f"{_MODEL}:against_prototypes", f"{_MODEL}:prototypes", read=f"{_READ}_contexts",
    ),
    CandidateKind("views", "the other view of every sample, seen from the first", f"{_MODEL}:first_against_second"),
    CandidateKind(
        "keys", "the other view of every sample as a slow copy of the encoder sees it",
        f"{_MODEL}:queries_against_keys", f"{_MODEL}:slow_copy", f"{_MODEL}:follow",
    ),
    CandidateKind(
        "modality", "the samples in the other modality, both ways",
        f"{_MODEL}:across_modalities", f"{_MODEL}:second_encoder", read=f"{_READ}_modalities",
    ),
    CandidateKind(
        "dimensions", "the dimensions of the embedding in the other view",
        f"{_MODEL}:dimensions", read=f"{_READ}_dimensions",
    ),
)  # fmt: skip

_PROJECTION, _MAPS, _TSNE = (f"icon_nb.animation.{name}" for name in ("projection", "neighbour_maps", "tsne_map"))

PROJECTIONS: dict[str, ProjectionKind] = by_name(
    ProjectionKind(
        "auto", "as it is up to three dimensions, or on the sphere; else PCA, or a quick t-SNE where PCA hides neighbours"
    ),
    ProjectionKind("raw", "the embedding as it is", f"{_PROJECTION}:fit_raw", 1, 3, "use 'pca'"),
    ProjectionKind("pca", "two principal components", f"{_PROJECTION}:fit_pca", 2, instead="use 'raw'"),
    ProjectionKind("pca3", "three principal components, in a view that turns", f"{_PROJECTION}:fit_pca3", 3, instead="use 'raw'"),
    ProjectionKind(
        "sphere", "directions on the unit sphere", f"{_PROJECTION}:fit_sphere", 3, 3, "set embedding_dim=3, or use 'pca3'"
    ),
    ProjectionKind("tsne", "a t-SNE map of every epoch, begun at the map before it", f"{_TSNE}:tsne_step", chained="t-SNE"),
    ProjectionKind(
        "tsne_quick", "the same in fewer steps, begun at the untrained frame: what auto takes for many dimensions",
        f"{_TSNE}:quick_tsne_step", 4, instead="use 'raw'", chained="t-SNE",
    ),
    ProjectionKind("umap", "a UMAP map of every epoch, begun at the map before it", f"{_MAPS}:umap_step", chained="UMAP"),
)
"""Ways to two or three dimensions."""

_OVERLAYS = "icon_nb.animation.overlays"

OVERLAYS: dict[str, OverlayKind] = by_name(
    OverlayKind("none", "nothing, and no epoch in the title"),
    OverlayKind("epoch", "epoch, loss and kNN accuracy in the title, always, unless none"),
    OverlayKind(
        "loss", "the curve of the loss", needs={"loss": "draws the loss and it was not recorded: record(z, loss=...)"}
    ),
    OverlayKind(
        "curves", "the curve of every metric that was recorded, at most four",
        needs={"metrics": "draws the metrics that were recorded and there are none: record(z, loss=...)"},
    ),
    OverlayKind(
        "diagnosis", "the text of note, which of a run is what the diagnosis says",
        needs={"note": "writes the text of note: pass it, for instance note='collapsed at epoch 4'"},
    ),
    OverlayKind("trails", "a fading line behind every point", f"{_OVERLAYS}:trails", under=True),
    OverlayKind(
        "centroids", "the mean of every class", f"{_OVERLAYS}:centroids", room=16,
        needs={"labels": "needs labels: the recorded points have none"},
    ),
    OverlayKind(
        "forces", "arrows: what p pulls and what q pushes, along which points move", f"{_OVERLAYS}:forces", room=26,
        needs={"forces": "and forces=(attraction, repulsion) need each other: give both or neither; results.animate knows them"},
        caption="Arrows lead where p pulls a point (green) and where q pushes it (magenta), all on one scale.",
        short="p pulls (green), q pushes (magenta)",
    ),
    OverlayKind(
        "regions", "the regions of a linear probe fitted on each frame, of 2-d embeddings", f"{_OVERLAYS}:regions", under=True,
        needs={
            "plane": "needs a labelled 2-d embedding shown as it is: set embedding_dim=2",
            "raw": "shows a linear probe on the embedding itself: use projection='raw'",
        },
        caption="Shading: the class a linear probe, fitted on this frame, decides for.",
    ),
)  # fmt: skip
"""What can be drawn beside the points, joined by ``+``; and any metric by its name, as a curve."""

HISTORY: dict[str, Named] = by_name(
    Named("loss", "the mean divergence over the epoch, in nats"),
    Named("knn_accuracy", "the share of evaluation points whose class wins the vote of their neighbours"),
    Named("seconds", "how long training took so far"),
)
"""What a run measures at every epoch: the columns of its history."""

_TRACKERS = "icon_nb.study.trackers"

TRACKERS: dict[str, Named] = by_name(
    Named("csv", "csv:FILE, a row per epoch", f"{_TRACKERS}:Csv"),
    Named("tensorboard", "tensorboard:DIR, with the points and the animation", f"{_TRACKERS}:TensorBoard"),
    Named("mlflow", "mlflow or mlflow:EXPERIMENT", f"{_TRACKERS}:MLflow"),
    Named("wandb", "wandb or wandb:PROJECT", f"{_TRACKERS}:WandB"),
)
"""Where a run can be logged while it trains."""

_SCORES, _PROBE, _EMBEDDING = (f"icon_nb.evaluation.{name}" for name in ("scores", "probing:probe", "embedding"))
_LABELLED = ("z", "y", "seed", "metric")

SCORES: dict[str, Score] = by_name(
    Score("linear_probe", "accuracy of a linear probe", _PROBE, (*_LABELLED, "linear"), ("labels",)),
    Score("knn", "accuracy of a vote of the neighbours", _PROBE, (*_LABELLED, "linear"), ("labels",), "kNN"),
    Score("clustering_accuracy", "share in the cluster of its class", f"{_SCORES}:clustering", _LABELLED, ("labels",)),
    Score("nmi", "mutual information of clusters and classes", f"{_SCORES}:clustering", _LABELLED, ("labels",), "NMI"),
    Score(
        "neighbourhood_preservation", "whether neighbours are neighbours among the inputs too",
        f"{_SCORES}:neighbourhood_preservation", ("x", "z", "seed", "metric"), ("inputs",),
    ),
    Score("separability", "how far apart the classes lie", f"{_SCORES}:separability", _LABELLED, ("labels",)),
    Score("effective_rank", "how many dimensions are used", f"{_EMBEDDING}:effective_rank"),
    Score("alignment", "how near a class lies together", f"{_EMBEDDING}:alignment", ("z", "y"), ("labels", "directions"),
          compared=False),
    Score("uniformity", "how evenly the sphere is filled", f"{_EMBEDDING}:uniformity", needs=("directions",), compared=False),
)  # fmt: skip
"""How good an embedding is, in the order of a table."""


def source_of(dataset: str) -> Source | None:
    """The row of a name that begins with a prefix, None for others.

    >>> source_of("folder:pictures").name, source_of("digits")
    ('folder', None)
    """
    prefix, _, place = dataset.partition(":")
    return SOURCES.get(prefix) if place else None


def absolute(dataset: str) -> str:
    """The name of one's own data with a path that means the same in any working directory; other names as they are.

    >>> absolute("digits"), absolute("folder:/pictures"), absolute("custom:/file.py:X")
    ('digits', 'folder:/pictures', 'custom:/file.py:X')
    """
    source, (prefix, _, place) = source_of(dataset), dataset.partition(":")
    if source is None:
        return dataset
    path, colon, name = place.rpartition(":") if source.code else (place, "", "")
    return f"{prefix}:{os.path.abspath(path)}{colon}{name}"


def published(dataset: str) -> PublishedData | None:
    """The row of a data set that has a name, with options behind it or without; None for others.

    >>> published("moving_digits:size=24").name, published("folder:pictures")
    ('moving_digits', None)
    """
    name, _, options = dataset.partition(":")
    row = DATASETS.get(name)
    return row if row is not None and (not options or row.options) else None


def options_of(dataset: str) -> dict[str, float]:
    """The options that stand behind the name of a data set.

    >>> options_of("moving_digits:size=24,turn=0")
    {'size': 24, 'turn': 0}

    Raises
    ------
    ConfigError
        An option that the data set does not have, or a value out of its range.
    """
    known, found = published(dataset).options, {}
    for text in filter(None, dataset.partition(":")[2].split(",")):
        name, _, value = text.partition("=")
        if name not in known:
            raise ConfigError(f"dataset={shown(dataset)}: {name!r} is not an option; {nearest(name, known)}")
        option = known[name]
        if not (value.isdecimal() and option.low <= int(value) <= option.high):
            raise ConfigError(
                f"dataset={shown(dataset)}: {name}={value} is out of range: it is the {option.about}, "
                f"a whole number from {option.low:g} to {option.high:g} (default {option.default:g})"
            )
        found[name] = int(value)
    return found


def is_known(dataset: str) -> bool:
    """Whether this names a data set, a source that is read from a path, or data held in the memory of this process."""
    return published(dataset) is not None or dataset.startswith((HELD, *(f"{name}:" for name in SOURCES)))


def runs_code(dataset: str | None) -> bool:
    """Whether reading this data set runs a file.

    >>> runs_code("custom:file.py:X"), runs_code("digits")
    (True, False)
    """
    source = source_of(dataset or "")
    return source is not None and source.code


def not_run(dataset: str, remedy: str) -> str:
    """Why a file of code that a saved config names is not run, and what a person can do.

    >>> not_run("custom:file.py:X", "give the data")
    "dataset='custom:file.py:X' was read from a file, and names code, which is not run: if you trust it, give the data"
    """
    return f"dataset={shown(dataset)} was read from a file, and names code, which is not run: if you trust it, {remedy}"
