"""The periodic table: every method as its p, its q and its defaults. The only place where a method is defined. Loads no torch.

Adding a method is one row here, one oracle test, and one notebook row.
"""

from __future__ import annotations

from ..errors import ConfigError, nearest
from . import axes
from .catalogue import by_name
from .cell import ICON, Method, Paper

_PLANE = {"backbone": "table", "embedding_dim": 2, "distance": "sqeuclidean", "temperature": 1.0}
_FROM_PCA = {"init": "pca"}
_GRAPH = {**_PLANE, "dataset": "karate_club"}
_LEARNED = {"dataset": "moving_digits", "augment": "auto"}
_VIEWS = {**_LEARNED, "distance": "cosine", "temperature": 0.5, "n_views": 2}
_CLASSES = _LEARNED
_LABELLED = {**_VIEWS, "temperature": 0.1}
_CAPTIONS = {
    "dataset": "digit_captions", "backbone": "mlp", "distance": "cosine", "temperature": 0.1, "embedding_dim": 64, "epochs": 20,
}  # fmt: skip
_COMPANIONS = {**_CAPTIONS, "augment": "auto"}
_HEAD = {"backbone": "linear", "embedding_dim": 10, "batch_size": 256, "epochs": 30, "learning_rate": 1e-2}
_MEMBERS = {"backbone": "table", "embedding_dim": 10}
_MEMBERS_STEP = {"optimizer": "adam", "learning_rate": 0.1, "epochs": 150, "record_every": 5}

_KL = r"\frac1n \sum_i D_{KL}(p_i \Vert q_i)"
_SNE = Paper("Hinton & Roweis", 2002, "Stochastic Neighbor Embedding")
_TSNE = Paper("van der Maaten & Hinton", 2008, "Visualizing Data using t-SNE")
_CLIP = Paper("Radford et al.", 2021, "Learning Transferable Visual Models From Natural Language Supervision", "2103.00020")
_SUPCON = Paper("Khosla et al.", 2020, "Supervised Contrastive Learning", "2004.11362")
_FACENET = Paper("Schroff et al.", 2015, "FaceNet: A Unified Embedding for Face Recognition and Clustering", "1503.03832")
_WIDE = r"\frac1n \sum_i \sum_j p_{ij} d_{ij} - \frac{1}{n^2} \sum_{ij} d_{ij}"
_NARROW = r"\frac1n \sum_i \big[ \sum_j p_{ij} d_{ij} - \min_k (d_{ik} - \mu 1[p_{ik} = 0]) \big]"
_GAP = "the figure leaves this cell open; it is composed from its row and its column"
_SEEDED = "it starts at the seeds of k-means++ that `kmeans` starts at; from a random map it ends 5 to 8 points lower on digits"
_IN_BATCH = (
    "Neighbours are those within the batch, where the paper takes them from all samples: so does a batch_size of all samples, or "
    "backbone='table'"
)
_FLAT = (
    ". A heavy-tailed p is nearly flat where inputs have many dimensions: on digits it spreads over 1,600 of 1,797 at any scale, "
    "so the map stays close to the principal components"
)

LAYOUTS = (
    Method(
        "sne", "SNE", "gaussian", "gaussian", _KL + r",\ q_{ij} \propto e^{-\lVert z_i - z_j\rVert^2}", _SNE,
        {**_PLANE, "perplexity": 30.0}, _FROM_PCA, "the cost by scipy's rel_entr, and the published gradient",
        notebook="02_simclr_vs_sne",
    ),
    Method(
        "tsne", "t-SNE", "gaussian_joint", "student_t_joint",
        r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ Q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2)^{-1}", _TSNE,
        {**_PLANE, "df": 1.0, "perplexity": 30.0}, {**_FROM_PCA, "epochs": 400}, "scikit-learn's cost and gradient",
        "the published t-SNE is one divergence over all pairs, not the mean of one per point",
        notebook="04_kernels",
    ),
    Method(
        "tsne_conditional", "t-SNE, conditional form", "gaussian", "student_t",
        _KL + r",\ q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2)^{-1}", ICON,
        {**_PLANE, "df": 1.0, "perplexity": 30.0}, _FROM_PCA, "torchdr's kernel, and the double loop",
        "what I-Con calls t-SNE; with symmetric p it differs from the published cost by a divergence of the marginals",
        notebook="04_kernels",
    ),
    Method(
        "knn_gaussian", "SNE with uniform affinities", "knn", "gaussian", _KL, ICON, {**_PLANE, "n_neighbors": 10}, _FROM_PCA,
    ),
    Method(
        "knn_student_t", "t-SNE with uniform affinities", "knn", "student_t", _KL, ICON,
        {**_PLANE, "df": 1.0, "n_neighbors": 10}, _FROM_PCA,
    ),
    Method(
        "graph_gaussian", "SNE graph embedding", "graph", "gaussian", _KL, ICON, _GRAPH, {"learning_rate": 0.02},
        gap=True, note=_GAP,
    ),
    Method(
        "graph_student_t", "t-SNE graph embedding", "graph", "student_t", _KL, ICON, {**_GRAPH, "df": 1.0},
        note="p are the edges themselves; tsNET's p is a Gaussian along the paths of the graph: see `tsnet`",
    ),
    Method(
        "pca", "PCA", "identity", "gaussian_wide",
        r"-\frac{1}{n^2} \sum_{ij} \lVert z_i - z_j\rVert^2 = -2 \mathrm{Var}(z),\ W^\top W = I",
        Paper("Pearson", 1901, "On Lines and Planes of Closest Fit to Systems of Points in Space"),
        {"backbone": "linear", "embedding_dim": 2, "distance": "sqeuclidean", "batch_size": 256, "epochs": 20},
        oracle="minus twice the explained variance of scikit-learn's PCA",
        note="the linear map is kept orthonormal; without that the limit has no minimum",
    ),
    Method(
        "dual_tsne", "Dual t-SNE", "student_t", "gaussian", _KL, ICON, {**_PLANE, "p_temperature": 0.01}, _FROM_PCA, gap=True,
        note=_GAP + _FLAT,
    ),
    Method(
        "doubly_tsne", "Doubly t-SNE", "student_t", "student_t", _KL, ICON,
        {**_PLANE, "df": 1.0, "p_temperature": 0.01}, _FROM_PCA, gap=True, note=_GAP + _FLAT,
    ),
)  # fmt: skip

CONTRASTIVE = (
    Method(
        "infonce", "InfoNCE, one way", "other_view", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{\cos(z_i, z'_i)/\tau}}{\sum_k e^{\cos(z_i, z'_k)/\tau}}",
        Paper("van den Oord et al.", 2018, "Representation Learning with Contrastive Predictive Coding", "1807.03748"), _VIEWS,
        oracle="info-nce-pytorch",
    ),
    Method(
        "simclr", "SimCLR", "positive_pairs", "gaussian",
        r"-\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, z_{i^+})/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}",
        Paper("Chen et al.", 2020, "A Simple Framework for Contrastive Learning of Visual Representations", "2002.05709"), _VIEWS,
        oracle="lightly, pytorch-metric-learning and tsimcne",
        notebook="02_simclr_vs_sne",
    ),
    Method(
        "mocov3", "MoCo v3", "momentum_view", "gaussian",
        r"-\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, k_{i^+})/\tau}}{\sum_j e^{\cos(z_i, k_j)/\tau}}",
        Paper("Chen et al.", 2021, "An Empirical Study of Training Self-Supervised Vision Transformers", "2104.02057"),
        {**_VIEWS, "ema_momentum": 0.99}, oracle="torch's cross_entropy over queries and keys",
        note="the published code adds its two directions and multiplies by 2 tau: a constant factor of 4 tau",
    ),
    Method(
        "triplet", "Triplet loss, hardest negative", "positive_pairs", "gaussian_narrow", _NARROW, _FACENET,
        {**_VIEWS, "margin": 0.5},
        oracle="with sqeuclidean distance, pytorch-metric-learning's TripletMarginLoss on the hardest triplets",
        note="the limit keeps the nearest of all negatives; FaceNet chooses semi-hard ones",
    ),
    Method(
        "tsimclr", "t-SimCLR", "positive_pairs", "student_t",
        r"-\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+}/\nu\tau)^{-(\nu+1)/2}}{\sum_{k \ne i} (1 + d_{ik}/\nu\tau)^{-(\nu+1)/2}}",
        Paper("Hu et al.", 2023, "Your Contrastive Learning Is Secretly Doing Stochastic Neighbor Embedding", "2205.14814"),
        {**_VIEWS, "distance": "sqeuclidean", "temperature": 0.03, "df": 10.0, "learning_rate": 5e-4}, oracle="tsimcne (float32)",
        note="df = 10 is that of the published code; with df = 1, the kernel of t-SNE, it needs few dimensions: see tsimcne",
        notebook="08_full_comparison",
    ),
    Method(
        "tsimcne", "t-SimCNE", "positive_pairs", "student_t",
        r"-\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+})^{-1}}{\sum_{k \ne i} (1 + d_{ik})^{-1}},\ z \in R^2",
        Paper("Böhm et al.", 2023, "Unsupervised Visualization of Image Datasets using Contrastive Learning", "2210.09879"),
        {**_VIEWS, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0, "embedding_dim": 2}, oracle="tsimcne (float32)",
        note="t-SimCLR straight into the plane; the published training first learns in 128 dimensions",
    ),
    Method(
        "vicreg", "VICReg without covariance", "positive_pairs", "gaussian_wide", _WIDE,
        Paper("Bardes et al.", 2022, "VICReg: Variance-Invariance-Covariance Regularization", "2105.04906"),
        _VIEWS, oracle="with sqeuclidean distance, lightly's invariance loss times d, less twice the variance",
        note="the cohesion-variance limit: only the invariance term is the published one, whose variance term is a hinge",
    ),
    Method(
        "supcon", "SupCon", "same_class", "gaussian",
        r"-\frac1n \sum_i \Big[ \frac{1}{K_i - 1} \sum_{j \ne i, y_j = y_i} \log \frac{e^{\cos(z_i, z_j)/\tau}}"
        r"{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}} + \log(K_i - 1) \Big]", _SUPCON, _LABELLED,
        oracle="pytorch-metric-learning, up to the constant mean log(K_i - 1)",
        notebook="06_supervised_vs_unsupervised",
    ),
    Method(
        "xsample", "X-Sample contrastive", "companion", "gaussian", _KL,
        Paper("Sobal et al.", 2025, "X-Sample Contrastive Loss: Improving Contrastive Learning with Sample Similarity Graphs",
        "2407.18134"),
        {**_COMPANIONS, "p_temperature": 0.1}, oracle="torch's cross_entropy with soft targets, up to the entropy of p",
    ),
    Method(
        "lgsimclr", "Language-guided SimCLR", "companion_knn", "gaussian", _KL,
        Paper("El Banani et al.", 2023, "Learning Visual Representations via Language-Guided Sampling", "2302.12248"),
        {**_COMPANIONS, "n_neighbors": 3}, oracle="torch's cross_entropy averaged over the neighbours, up to log k",
        note="p is uniform over the nearest captions, the expectation of drawing one as the positive. " + _IN_BATCH,
    ),
    Method(
        "clip", "CLIP", "cross_modal", "gaussian", r"\frac12 [ D_{KL}(p \Vert q^{1 \to 2}) + D_{KL}(p \Vert q^{2 \to 1}) ]",
        _CLIP,
        _CAPTIONS, oracle="open_clip's ClipLoss", note="the temperature is a setting here; published, it is learned",
        notebook="11_two_modalities",
    ),
    Method(
        "cmc", "CMC", "cross_modal", "gaussian", r"\frac12 [ D_{KL}(p \Vert q^{1 \to 2}) + D_{KL}(p \Vert q^{2 \to 1}) ]",
        Paper("Tian et al.", 2020, "Contrastive Multiview Coding", "1906.05849"), {**_CAPTIONS, "dataset": "digit_halves"},
        oracle="open_clip's ClipLoss", note="the form of its loss; the published training used a memory bank",
        notebook="11_two_modalities",
    ),
    Method(
        "dimension_contrastive", "Contrast between dimensions", "dimension", "gaussian",
        r"-\frac1d \sum_k \log \frac{e^{\mathrm{corr}(z_k, z'_k)/\tau}}{\sum_l e^{\mathrm{corr}(z_k, z'_l)/\tau}}", None,
        {**_VIEWS, "temperature": 0.1}, gap=True,
        note="every dimension finds itself in the other view; in the spirit of Barlow Twins, whose published loss is another",
    ),
    Method(
        "average_margin_clip", "Average-margin CLIP", "cross_modal", "gaussian_wide", _WIDE, ICON, _CAPTIONS, gap=True, note=_GAP,
        notebook="11_two_modalities",
    ),
    Method(
        "average_margin_supcon", "Average-margin SupCon", "same_class", "gaussian_wide", _WIDE, ICON, _LABELLED, gap=True,
        note=_GAP,
    ),
    Method(
        "triplet_clip", "Triplet CLIP", "cross_modal", "gaussian_narrow", _NARROW, ICON,
        {**_CAPTIONS, "margin": 0.5, "batch_size": 16}, gap=True,
        note=_GAP + ". In a large batch the nearest negative is too near and all ends in one place: small batches learn",
    ),
    Method(
        "triplet_supcon", "Triplet SupCon", "same_class", "gaussian_narrow", _NARROW, ICON, {**_LABELLED, "margin": 0.5},
        gap=True, note=_GAP,
    ),
    Method(
        "t_clip", "t-CLIP", "cross_modal", "student_t", _KL, ICON,
        {**_CAPTIONS, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0}, gap=True, note=_GAP,
    ),
    Method(
        "t_supcon", "t-SupCon", "same_class", "student_t", _KL, ICON,
        {**_LABELLED, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0}, gap=True, note=_GAP,
    ),
)  # fmt: skip

SUPERVISED = (
    Method(
        "cross_entropy", "Cross-entropy", "label", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{z_i^\top \phi_{y_i}}}{\sum_c e^{z_i^\top \phi_c}}",
        Paper("Good", 1963, "Maximum Entropy for Hypothesis Formulation"),
        {**_CLASSES, "distance": "neg_dot", "temperature": 1.0},
        oracle="torch's cross_entropy, with label_smoothing=alpha, up to the entropy of the smoothed p",
        notebook="06_supervised_vs_unsupervised",
    ),
    Method(
        "harmonic", "Harmonic loss", "label", "student_t_narrow",
        r"-\frac1n \sum_i \log \frac{\lVert z_i - \phi_{y_i}\rVert^{-(\nu+1)}}{\sum_c \lVert z_i - \phi_c\rVert^{-(\nu+1)}}",
        Paper("Baek et al.", 2025, "Harmonic Loss Trains Interpretable AI Models", "2502.01628"),
        {**_CLASSES, "distance": "sqeuclidean", "df": 9.0}, oracle="the exponent of its distance layer, written out",
        note="the exponent of the squared distance is (df + 1) / 2",
    ),
    Method(
        "mlm", "Masked language model", "masked_token", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{z_i^\top \phi_{t_i}}}{\sum_t e^{z_i^\top \phi_t}}",
        Paper("Devlin et al.", 2019, "BERT: Pre-training of Deep Bidirectional Transformers", "1810.04805"),
        {"dataset": "tiny_text", "backbone": "linear", "distance": "neg_dot", "temperature": 1.0, "embedding_dim": 64,
        "n_views": 6, "epochs": 40, "optimizer": "adamw", "weight_decay": 2.0, "learning_rate": 3e-3},
        oracle="torch's cross_entropy",
        note="one word of every window is hidden at a time and seen from its place, by a linear map instead of a transformer: "
        "4,000 words teach no more",
    ),
    Method(
        "error_rate", "Perceptron, in the place of the error rate", "label", "gaussian_narrow",
        r"\frac1n \sum_i \max_c s_{ic} - s_{iy_i},\ s_{ic} = z_i^\top \phi_c", ICON,
        {**_CLASSES, "distance": "neg_dot", "margin": 0.0}, gap=True, oracle="the perceptron's loss, written out",
        note="the figure calls the cell error rate; the limit of the loss is the perceptron's, only argmax q is right or wrong",
    ),
    Method(
        "multiclass_hinge", "Multiclass hinge", "label", "gaussian_narrow",
        r"\frac1n \sum_i \max_c (s_{ic} + 1[c \ne y_i]) - s_{iy_i},\ s_{ic} = z_i^\top \phi_c",
        Paper("Crammer & Singer", 2001, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines"),
        {**_CLASSES, "distance": "neg_dot", "margin": 1.0},
        oracle="scikit-learn's hinge_loss; for two classes torch's multi_margin_loss times two",
    ),
)  # fmt: skip

CLUSTERING = (
    Method(
        "kmeans", "K-means", "gaussian_fixed", "clusters",
        r"\frac1n \sum_i D_{KL}(q_i \Vert p_i) = \frac1n \big[ \tfrac{2}{\tau_p} I - \sum_i H(q_i) + \sum_i \log Z_i \big]",
        Paper("MacQueen", 1967, "Some Methods for Classification and Analysis of Multivariate Observations"),
        {**_HEAD, "divergence": "rkl", "p_temperature": 1.0, "epochs": 60, "learning_rate": 3e-3, "init": "kmeans++"},
        {**_MEMBERS_STEP, "init": "random"},
        "twice the inertia of scikit-learn's KMeans over tau_p, with the entropies of q and the normalisers of p",
        "clusters first: D(q || p). It is k-means as tau_p goes to zero; a large tau_p wants one big cluster. It starts at "
        "seeds of k-means++, as k-means does: from a random map its inertia ends 1 to 6 % higher",
        notebook="10_clustering_and_debiasing",
    ),
    Method(
        "t_kmeans", "t K-means", "student_t", "clusters", r"\frac1n \sum_i D_{KL}(q_i \Vert p_i)", ICON,
        {**_HEAD, "divergence": "rkl", "p_temperature": 0.1}, _MEMBERS_STEP, gap=True, note=_GAP,
    ),
    Method(
        "spectral", "Spectral clustering", "spectral", "clusters",
        r"\frac1n \sum_i D_{KL}(q_i \Vert p_i),\ p_i \text{ on eigenvectors}",
        Paper("Ng, Jordan & Weiss", 2001, "On Spectral Clustering: Analysis and an Algorithm"),
        {**_MEMBERS, "divergence": "rkl", "n_neighbors": 10, "p_temperature": 0.3}, _MEMBERS_STEP,
        "the same as kmeans, in scikit-learn's spectral embedding",
    ),
    Method(
        "ncut", "Normalized cuts", "graph_gibbs", "clusters",
        r"\frac1n \big[ \tfrac1{\tau_p} (\mathrm{NCut} - C) - \sum_i H(q_i) + \sum_i \log Z_i \big]",
        Paper("Shi & Malik", 2000, "Normalized Cuts and Image Segmentation"),
        {**_MEMBERS, "dataset": "karate_club", "embedding_dim": 2, "divergence": "rkl", "p_temperature": 0.01}, _MEMBERS_STEP,
        "networkx's normalized_cut_size over tau_p, with the entropies of q and the normalisers of p",
        "clusters weigh their members by degree; it is the cut as tau_p goes to zero",
    ),
    Method(
        "pmi", "Mutual-information clustering (TEMI)", "knn", "clusters",
        r"-\frac1n \sum_i \sum_j p_{ij} \log \sum_c \frac{\phi_{ic} \phi_{jc}}{\pi_c} + \log \frac{n}{k}",
        Paper("Adaloglou et al.", 2023, "Exploring the Limits of Deep Image Clustering using Pretrained Models", "2303.17896"),
        {**_HEAD, "n_neighbors": 5}, _MEMBERS_STEP, "the two lines of TEMI's loss with beta = 1, written out",
        "the published method adds an exponent beta, a teacher and weights of the pairs. " + _IN_BATCH,
        notebook="10_clustering_and_debiasing",
    ),
    Method(
        "dcd", "Data-cluster-data random walk", "knn", "clusters", r"\frac1n \sum_i D_{KL}(a_i \Vert \hat a_i)",
        Paper("Yang & Oja", 2012, "Clustering by Low-Rank Doubly Stochastic Matrix Decomposition", "1206.4676"),
        {**_MEMBERS, "n_neighbors": 20}, _MEMBERS_STEP, "its generalised divergence, written out",
        "a free membership for every sample; the published method adds a prior on them",
    ),
    Method(
        "infonce_clustering", "InfoNCE clustering", "positive_pairs", "clusters", _KL, ICON,
        {**_HEAD, "n_views": 2, "augment": "auto", "init": "kmeans++"}, note=_SEEDED,
        notebook="10_clustering_and_debiasing",
    ),
    Method(
        "debiased_infonce_clustering", "Debiased InfoNCE clustering", "views_and_neighbors", "clusters",
        r"\frac1n \sum_i D_{KL}(\tilde p_i \Vert \tilde q_i),\ \tilde p = (1 - \alpha) p + \alpha / n", ICON,
        {**_HEAD, "n_views": 2, "augment": "auto", "n_neighbors": 5, "walk_length": 3, "walk": "uniform", "alpha": 0.2,
        "alpha_on": "both", "init": "kmeans++"}, note=f"{_SEEDED}. {_IN_BATCH}",
        notebook="10_clustering_and_debiasing",
    ),
    Method("supervised_clustering", "Supervised clustering", "same_class", "clusters", _KL, ICON, _HEAD, _MEMBERS_STEP,
        gap=True, note=_GAP),
)  # fmt: skip

METHODS: dict[str, Method] = by_name(*LAYOUTS, *CONTRASTIVE, *SUPERVISED, *CLUSTERING)

# Older names of the playground that users know, each with the honest name it stands for.
ALIASES = {
    "simclr_like": "simclr",
    "sne_like": "sne",
    "tsne_like": "tsne",
    "supervised": "supcon",
    "cluster_like": "infonce_clustering",
    "vicreg_like": "vicreg",
    "debiasing_like": "debiased_infonce_clustering",
    "barlow_twins_like": "dimension_contrastive",
}


def get(name: str) -> Method:
    """The cell of the table with this name; in a notebook it shows itself in full, ``describe()`` is the plain text.

    >>> get("simclr")
    Method('simclr': Uniform positive pairs p, Gaussian q)
    """
    name = ALIASES.get(name, name)
    if name not in METHODS:
        raise ConfigError(f"method={name!r} is not known; {nearest(name, METHODS)}")
    return METHODS[name]


def of_pair(p: axes.Axis, q: axes.Axis) -> Method:
    """The cell of a p and a q: its first method under the name of its parts; where it has none, what similar methods take.

    >>> of_pair(axes.SUPERVISORY["gaussian"], axes.LEARNED["student_t"]).defaults == get("tsne_conditional").defaults
    True
    """
    name, title = f"{p.name}_{q.name}", f"{p.title} p, {q.title} q"
    named = next((method for method in METHODS.values() if (method.supervisory, method.learned) == (p.name, q.name)), None)
    if named:
        return Method(name, title, p.name, q.name, "", None, named.defaults, named.table)
    return Method(name, title, p.name, q.name, "", None, *composed_defaults(p, q))


def composed_defaults(p: axes.Axis, q: axes.Axis) -> tuple[dict[str, object], dict[str, object]]:
    """Defaults of a pair without a method, and further ones on a table of free points: those of methods with the same needs."""
    by_candidates = {"modality": _CAPTIONS, "classes": _CLASSES, "tokens": METHODS["mlm"].defaults}
    by_need = {"graph": _GRAPH, "companion": _COMPANIONS, "views": _VIEWS, "labels": _LABELLED}
    layout = _PLANE if p.needs == ("inputs",) and not q.limit else {}
    defaults = dict(by_candidates.get(p.candidates) or next((by_need[need] for need in p.needs if need in by_need), layout))
    if q.name == "clusters":
        return {**defaults, **_HEAD}, _MEMBERS_STEP
    if q.family == "gaussian_wide":
        defaults.pop("distance", None)  # which depends on the backbone
    elif q.name == "gaussian_angular":
        defaults |= {"distance": "cosine"}
    elif p.candidates in ("classes", "tokens", "instances") and q.family in ("gaussian", "gaussian_narrow"):
        defaults |= {"distance": "neg_dot", "temperature": 1.0}
    elif q.family == "student_t":
        defaults |= {"distance": "sqeuclidean", "temperature": 1.0}
    return defaults, _FROM_PCA if "inputs" in p.needs else {}
