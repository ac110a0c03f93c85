"""Maps: every sample is a point, and p are its neighbours. Loads no torch."""

from __future__ import annotations

from .cell import ICON, Method, Paper
from .defaults import FLAT, FROM_PCA, GAP, GRAPH, KL, PLANE, SNE, TSNE

LAYOUTS = (
    Method(
        "sne", "SNE", "gaussian", "gaussian", KL + r",\ q_{ij} \propto e^{-\lVert z_i - z_j\rVert^2}", SNE,
        {**PLANE, "perplexity": 30.0}, FROM_PCA, "the cost by scipy's rel_entr, and the published gradient",
        notebook="02_who_chooses_p",
    ),
    Method(
        "tsne", "t-SNE", "gaussian_joint", "student_t_joint",
        r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ Q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2)^{-1}", TSNE,
        {**PLANE, "df": 1.0, "perplexity": 30.0}, {**FROM_PCA, "epochs": 400}, "scikit-learn's cost and gradient",
        "the published t-SNE is one divergence over all pairs, not the mean of one per point",
        notebook="04_kernels",
    ),
    Method(
        "symmetric_sne", "Symmetric SNE", "gaussian_joint", "gaussian_joint",
        r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ Q_{ij} \propto e^{-\lVert z_i - z_j\rVert^2}",
        Paper("Cook et al.", 2007, "Visualizing Similarity Data with a Mixture of Maps"), {**PLANE, "perplexity": 30.0},
        FROM_PCA, "scipy's rel_entr over all pairs, and the published gradient",
    ),
    Method(
        "heavy_tailed_tsne", "Heavy-tailed t-SNE", "gaussian_joint", "student_t_joint",
        r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ Q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2 / a)^{-a}",
        Paper("Kobak et al.", 2019, "Heavy-tailed Kernels Reveal a Finer Cluster Structure in t-SNE Visualisations",
        "1902.05804"),
        {**PLANE, "df": 0.6, "temperature": 4 / 3, "perplexity": 30.0}, {**FROM_PCA, "epochs": 400},
        note="a > 1/2 is df = 2a - 1 with temperature = a / (2a - 1); the defaults are a = 0.8",
    ),
    Method(
        "parametric_tsne", "Parametric t-SNE", "gaussian_joint", "student_t_joint",
        r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ z = f(x)",
        Paper("van der Maaten", 2009, "Learning a Parametric Embedding by Preserving Local Structure"),
        {**PLANE, "backbone": "mlp", "df": 1.0, "perplexity": 30.0, "epochs": 30}, {}, "scikit-learn's cost and gradient",
        "p lives on the batch, as in the paper; its layers are not trained one by one first",
    ),
    Method(
        "nerv", "NeRV", "gaussian", "gaussian",
        r"\frac1n \sum_i \lambda D_{KL}(p_i \Vert q_i) + (1 - \lambda) D_{KL}(q_i \Vert p_i)",
        Paper("Venna et al.", 2010, "Information Retrieval Perspective to Nonlinear Dimensionality Reduction for Data "
        "Visualization"),
        {**PLANE, "perplexity": 30.0, "divergence": "nerv", "kl_weight": 0.5},
        {**FROM_PCA, "epochs": 150},
        note="lambda is kl_weight; the published q has the width of each point's p, here one temperature serves all",
    ),
    Method(
        "tsne_conditional", "t-SNE, conditional form", "gaussian", "student_t",
        KL + r",\ q_{ij} \propto (1 + \lVert z_i - z_j\rVert^2)^{-1}", ICON,
        {**PLANE, "df": 1.0, "perplexity": 30.0}, FROM_PCA, "torchdr's kernel, and the double loop",
        "what I-Con calls t-SNE; with symmetric p it differs from the published cost by a divergence of the marginals",
        notebook="04_kernels",
    ),
    Method(
        "knn_gaussian", "SNE with uniform affinities", "knn", "gaussian", KL, ICON, {**PLANE, "n_neighbors": 10}, FROM_PCA,
    ),
    Method(
        "knn_student_t", "t-SNE with uniform affinities", "knn", "student_t", KL, ICON,
        {**PLANE, "df": 1.0, "n_neighbors": 10}, FROM_PCA,
    ),
    Method(
        "graph_gaussian", "SNE graph embedding", "graph", "gaussian", KL, ICON, GRAPH, {"learning_rate": 0.02},
        gap=True, note=GAP,
    ),
    Method(
        "graph_student_t", "t-SNE graph embedding", "graph", "student_t", KL, ICON, {**GRAPH, "df": 1.0},
        note="p are the edges themselves; tsNET's p is a Gaussian along the paths of the graph: see `tsnet`",
    ),
    Method(
        "tsnet", "tsNET", "shortest_paths", "student_t_joint",
        r"\sum_{ij} P_{ij} \log \frac{P_{ij}}{Q_{ij}},\ P \text{ of } \delta_{ij}, \text{ the edges between } i \text{ and } j",
        Paper("Kruiger et al.", 2017, "Graph Layouts by t-SNE"), {**GRAPH, "df": 1.0, "perplexity": 10.0}, {},
        "scikit-learn's cost and gradient for networkx's shortest paths",
        "its divergence; the published layout is helped by a compression and an entropy term",
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
        "dual_tsne", "Dual t-SNE", "student_t", "gaussian", KL, ICON, {**PLANE, "p_temperature": 0.01}, FROM_PCA, gap=True,
        note=GAP + FLAT,
    ),
    Method(
        "doubly_tsne", "Doubly t-SNE", "student_t", "student_t", KL, ICON,
        {**PLANE, "df": 1.0, "p_temperature": 0.01}, FROM_PCA, gap=True, note=GAP + FLAT,
    ),
)  # fmt: skip
