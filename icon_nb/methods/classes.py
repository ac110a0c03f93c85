"""Methods whose candidates are classes or tokens, and clusters. Loads no torch."""

from __future__ import annotations

from .cell import ICON, Method, Paper
from .defaults import BEYOND, CLASSES, GAP, HEAD, IN_BATCH, KL, MEMBERS, MEMBERS_STEP, SEEDED

SUPERVISED = (
    Method(
        "cross_entropy", "Cross-entropy", "label", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{z_i^\top \phi_{y_i}}}{\sum_c e^{z_i^\top \phi_c}}",
        Paper("Good", 1963, "Maximum Entropy for Hypothesis Formulation"),
        {**CLASSES, "distance": "neg_dot", "temperature": 1.0},
        oracle="torch's cross_entropy, with label_smoothing=alpha, up to the entropy of the smoothed p",
        notebook="08_full_comparison",
    ),
    Method(
        "label_smoothing", "Label smoothing", "label", "gaussian",
        r"\frac1n \sum_i D_{KL}((1 - \alpha) p_i + \alpha / C \Vert q_i)",
        Paper("Szegedy et al.", 2016, "Rethinking the Inception Architecture for Computer Vision", "1512.00567"),
        {**CLASSES, "distance": "neg_dot", "temperature": 1.0, "alpha": 0.1},
        oracle="torch's cross_entropy with label_smoothing=alpha, up to the entropy of p",
    ),
    Method(
        "normface", "NormFace", "label", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{\cos(z_i, \phi_{y_i})/\tau}}{\sum_c e^{\cos(z_i, \phi_c)/\tau}}",
        Paper("Wang et al.", 2017, "NormFace: L2 Hypersphere Embedding for Face Verification", "1704.06369"),
        {**CLASSES, "distance": "cosine", "temperature": 0.1}, oracle="pytorch-metric-learning's NormalizedSoftmaxLoss",
    ),
    Method(
        "proxynca_pp", "ProxyNCA++", "label", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{-\lVert u_i - v_{y_i}\rVert^2/2\tau}}{\sum_c e^{-\lVert u_i - v_c\rVert^2/2\tau}}",
        Paper("Teh et al.", 2020, "ProxyNCA++: Revisiting and Revitalizing Proxy Neighborhood Component Analysis", "2004.01113"),
        {**CLASSES, "distance": "cosine", "temperature": 1 / 18}, oracle="pytorch-metric-learning's ProxyNCALoss",
        note="directions of length 3 and the published temperature 1/9 are ours of length 1 with 1/18: NormFace by another way",
    ),
    Method(
        "cosface", "CosFace", "label", "gaussian_margin",
        r"-\frac1n \sum_i \log \frac{e^{(\cos \theta_{iy_i} - \mu)/\tau}}{e^{(\cos \theta_{iy_i} - \mu)/\tau} + "
        r"\sum_{c \ne y_i} e^{\cos \theta_{ic}/\tau}}",
        Paper("Wang et al.", 2018, "CosFace: Large Margin Cosine Loss for Deep Face Recognition", "1801.09414"),
        {**CLASSES, "distance": "cosine", "temperature": 0.1, "margin": 0.35}, oracle="pytorch-metric-learning's CosFaceLoss",
    ),
    Method(
        "arcface", "ArcFace", "label", "gaussian_angular",
        r"-\frac1n \sum_i \log \frac{e^{\cos(\theta_{iy_i} + \mu)/\tau}}{e^{\cos(\theta_{iy_i} + \mu)/\tau} + "
        r"\sum_{c \ne y_i} e^{\cos \theta_{ic}/\tau}}",
        Paper("Deng et al.", 2019, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", "1801.07698"),
        {**CLASSES, "distance": "cosine", "temperature": 0.1, "margin": 0.5}, oracle="pytorch-metric-learning's ArcFaceLoss",
    ),
    Method(
        "harmonic", "Harmonic loss", "label", "student_t_narrow",
        r"-\frac1n \sum_i \log \frac{\lVert z_i - \phi_{y_i}\rVert^{-(\nu+1)}}{\sum_c \lVert z_i - \phi_c\rVert^{-(\nu+1)}}",
        Paper("Baek et al.", 2025, "Harmonic Loss Trains Interpretable AI Models", "2502.01628"),
        {**CLASSES, "distance": "sqeuclidean", "df": 9.0}, oracle="the exponent of its distance layer, written out",
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
        {**CLASSES, "distance": "neg_dot", "margin": 0.0}, gap=True, oracle="the perceptron's loss, written out",
        note="the figure calls the cell error rate; the limit of the loss is the perceptron's, only argmax q is right or wrong",
    ),
    Method(
        "multiclass_hinge", "Multiclass hinge", "label", "gaussian_narrow",
        r"\frac1n \sum_i \max_c (s_{ic} + 1[c \ne y_i]) - s_{iy_i},\ s_{ic} = z_i^\top \phi_c",
        Paper("Crammer & Singer", 2001, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines"),
        {**CLASSES, "distance": "neg_dot", "margin": 1.0},
        oracle="scikit-learn's hinge_loss; for two classes torch's multi_margin_loss times two",
    ),
)  # fmt: skip

CLUSTERING = (
    Method(
        "kmeans", "K-means", "gaussian_fixed", "clusters",
        r"\frac1n \sum_i D_{KL}(q_i \Vert p_i) = \frac1n \big[ \tfrac{2}{\tau_p} I - \sum_i H(q_i) + \sum_i \log Z_i \big]",
        Paper("MacQueen", 1967, "Some Methods for Classification and Analysis of Multivariate Observations"),
        {**HEAD, "divergence": "rkl", "p_temperature": 1.0, "epochs": 60, "learning_rate": 3e-3, "init": "kmeans++"},
        {**MEMBERS_STEP, "init": "random"},
        "twice the inertia of scikit-learn's KMeans over tau_p, with the entropies of q and the normalisers of p",
        "clusters first: D(q || p). It is k-means as tau_p goes to zero; a large tau_p wants one big cluster. It starts at "
        "seeds of k-means++, as k-means does: from a random map its inertia ends 1 to 6 % higher",
        notebook="10_clustering_and_debiasing",
    ),
    Method(
        "t_kmeans", "t K-means", "student_t", "clusters", r"\frac1n \sum_i D_{KL}(q_i \Vert p_i)", ICON,
        {**HEAD, "divergence": "rkl", "p_temperature": 0.1}, MEMBERS_STEP, gap=True, note=GAP,
    ),
    Method(
        "spectral", "Spectral clustering", "spectral", "clusters",
        r"\frac1n \sum_i D_{KL}(q_i \Vert p_i),\ p_i \text{ on eigenvectors}",
        Paper("Ng, Jordan & Weiss", 2001, "On Spectral Clustering: Analysis and an Algorithm"),
        {**MEMBERS, "divergence": "rkl", "n_neighbors": 10, "p_temperature": 0.3}, MEMBERS_STEP,
        "the same as kmeans, in scikit-learn's spectral embedding",
    ),
    Method(
        "ncut", "Normalized cuts", "graph_gibbs", "clusters",
        r"\frac1n \big[ \tfrac1{\tau_p} (\mathrm{NCut} - C) - \sum_i H(q_i) + \sum_i \log Z_i \big]",
        Paper("Shi & Malik", 2000, "Normalized Cuts and Image Segmentation"),
        {**MEMBERS, "dataset": "karate_club", "embedding_dim": 2, "divergence": "rkl", "p_temperature": 0.01}, MEMBERS_STEP,
        "networkx's normalized_cut_size over tau_p, with the entropies of q and the normalisers of p",
        "clusters weigh their members by degree; it is the cut as tau_p goes to zero",
    ),
    Method(
        "pmi", "Mutual-information clustering (TEMI)", "knn", "clusters",
        r"-\frac1n \sum_i \sum_j p_{ij} \log \sum_c \frac{\phi_{ic} \phi_{jc}}{\pi_c} + \log \frac{n}{k}",
        Paper("Adaloglou et al.", 2023, "Exploring the Limits of Deep Image Clustering using Pretrained Models", "2303.17896"),
        {**HEAD, "n_neighbors": 5}, MEMBERS_STEP, "the two lines of TEMI's loss with beta = 1, written out",
        "the published method adds an exponent beta, a teacher and weights of the pairs. " + IN_BATCH,
        notebook="10_clustering_and_debiasing",
    ),
    Method(
        "tv_pmi", "Mutual-information clustering under total variation", "knn", "clusters",
        r"\frac1n \sum_i TV(p_i, q_i)", BEYOND,
        {**HEAD, "n_neighbors": 5, "divergence": "tv"}, MEMBERS_STEP, note=IN_BATCH,
    ),
    Method(
        "dcd", "Data-cluster-data random walk", "knn", "clusters", r"\frac1n \sum_i D_{KL}(a_i \Vert \hat a_i)",
        Paper("Yang & Oja", 2012, "Clustering by Low-Rank Doubly Stochastic Matrix Decomposition", "1206.4676"),
        {**MEMBERS, "n_neighbors": 20}, MEMBERS_STEP, "its generalised divergence, written out",
        "a free membership for every sample; the published method adds a prior on them",
    ),
    Method(
        "infonce_clustering", "InfoNCE clustering", "positive_pairs", "clusters", KL, ICON,
        {**HEAD, "n_views": 2, "augment": "auto", "init": "kmeans++"}, note=SEEDED,
        notebook="09_periodic_table",
    ),
    Method(
        "debiased_infonce_clustering", "Debiased InfoNCE clustering", "views_and_neighbors", "clusters",
        r"\frac1n \sum_i D_{KL}(\tilde p_i \Vert \tilde q_i),\ \tilde p = (1 - \alpha) p + \alpha / n", ICON,
        {**HEAD, "n_views": 2, "augment": "auto", "n_neighbors": 5, "walk_length": 3, "walk": "uniform", "alpha": 0.2,
        "alpha_on": "both", "init": "kmeans++"}, note=f"{SEEDED}. {IN_BATCH}",
        notebook="10_clustering_and_debiasing",
    ),
    Method("supervised_clustering", "Supervised clustering", "same_class", "clusters", KL, ICON, HEAD, MEMBERS_STEP,
        gap=True, note=GAP),
)  # fmt: skip
